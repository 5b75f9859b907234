#include "base/members.h"

#include <assert.h>

#include "base/memory.h"
#include "base/scan.h"

struct members {
	const char *const *names;
	size_t count;
	struct scan_slots slots;
	struct scan_shape *shape;
};

static unsigned slot_of(void *context, unsigned outer, struct span key)
{
	const struct members *members = context;

	for (unsigned i = 0; outer == SCAN_OUTERMOST && i < members->count; i++)
		if (span_is(key, members->names[i]))
			return i;
	return SCAN_NO_SLOT;
}

struct members *members_new(const char *const *names, size_t count)
{
	struct members *members = memory_new(sizeof(*members));

	assert(count <= MEMBERS_MOST);
	members->names = names;
	members->count = count;
	members->slots.slot_of = slot_of;
	members->slots.context = members;
	members->shape = scan_shape_new();
	return members;
}

void members_free(struct members *members)
{
	if (!members)
		return;
	scan_shape_free(members->shape);
	memory_free(members);
}

bool members_read(struct members *members, struct span object, struct error *err)
{
	size_t taken;

	if (!scan_prefix(object, members->shape, &members->slots, &taken, err))
		return false;
	/* What is cut off, or goes on, is judged as a whole: it knows what to say. */
	if (taken != object.length && !scan_check_slots(object, &members->slots, err))
		return false;
	return scan_type(scan_trim(object)) == SCAN_OBJECT ||
		error_set(err, ERROR_FORMAT, "a line that is no object");
}

static bool has(const uint64_t *bits, size_t place)
{
	return bits[place / 64] >> place % 64 & 1;
}

bool members_came(const struct members *members, size_t place)
{
	return has(members->slots.present, place);
}

struct span members_value(const struct members *members, size_t place)
{
	return members_came(members, place) && !has(members->slots.null, place)
		? members->slots.found[place].value
		: SPAN_NONE;
}
