/*
 * Names of attributes in a connector space to rows of the kinds table. A file has some fifty names, a
 * million times; the table is asked once for each, and the answer kept, also that there is none.
 * What is kept has a fixed size: a hostile file can make this slower, not larger.
 */
#include "base/memory.h"
#include "imports/space_internal.h"

enum {
	SLOTS = 1024,
	PROBES = 4,
	KEPT_BYTES = 96, /* longer names are looked up each time */
};

struct name_slot {
	char name[KEPT_BYTES];
	size_t length; /* 0: empty */
	const struct kind *kind;
	const struct attribute *row;
	enum space_special special;
	struct name_slot *next; /* the one that was asked for behind it, the last time */
};

struct space_names {
	struct name_slot slots[SLOTS];
	struct name_slot *last;
};

static const struct {
	const char *name;
	enum space_special special;
} specials[] = {
	{ "blockOnPremisesSync", SPECIAL_SYNC_BLOCKED },
	{ "cloudMastered", SPECIAL_CLOUD_MASTERED },
	{ "sourceAnchor", SPECIAL_SOURCE_ANCHOR },
	{ "objectGUID", SPECIAL_OBJECT_GUID },
	{ "mS-DS-ConsistencyGuid", SPECIAL_CONSISTENCY_GUID },
};

struct space_names *space_names_new(void)
{
	struct space_names *names = memory_new(sizeof(*names));

	names->last = names->slots;
	return names;
}

void space_names_free(struct space_names *names)
{
	memory_free(names);
}

static void look_up(struct name_slot *slot, const struct kind *kind, struct span name)
{
	slot->kind = kind;
	slot->row = kind ? attribute_find_sync(kind, name) : NULL;
	slot->special = SPECIAL_NONE;
	for (size_t i = 0; i < COUNT_OF(specials); i++)
		if (span_is(name, specials[i].name))
			slot->special = specials[i].special;
}

/* FNV-1a. */
static unsigned hash(const struct kind *kind, struct span name)
{
	uint32_t value = UINT32_C(2166136261) + (kind ? (uint32_t)kind->id + 1 : 0);

	for (size_t i = 0; i < name.length; i++)
		value = (value ^ (unsigned char)name.data[i]) * UINT32_C(16777619);
	return value;
}

static bool slot_is(const struct name_slot *slot, const struct kind *kind, struct span name)
{
	return slot->length == name.length && slot->kind == kind &&
		memcmp(slot->name, name.data, name.length) == 0;
}

/* Objects have their attributes in the same order, nearly always. */
static struct name_slot *expected(
	const struct space_names *names, const struct kind *kind, struct span name)
{
	struct name_slot *slot = names->last->next;

	return slot && slot_is(slot, kind, name) ? slot : NULL;
}

/* The slot of a name, or the one that it takes: an empty one, or the last that was looked at. */
static struct name_slot *slot_of(
	struct space_names *names, const struct kind *kind, struct span name)
{
	struct name_slot *slot = NULL;
	unsigned first = hash(kind, name);

	for (unsigned i = 0; i < PROBES; i++) {
		slot = &names->slots[(first + i) % SLOTS];
		if (!slot->length || slot_is(slot, kind, name))
			break;
	}
	return slot;
}

const struct attribute *space_names_find(struct space_names *names, const struct kind *kind,
	struct span name, enum space_special *special)
{
	struct name_slot passing, *slot;

	if (name.length > KEPT_BYTES) {
		look_up(&passing, kind, name);
		*special = passing.special;
		return passing.row;
	}
	slot = expected(names, kind, name);
	if (!slot)
		slot = slot_of(names, kind, name);
	if (!slot_is(slot, kind, name)) {
		look_up(slot, kind, name);
		memcpy(slot->name, name.data, name.length);
		slot->length = name.length;
	}
	names->last->next = slot;
	names->last = slot;
	*special = slot->special;
	return slot->row;
}
