/*
 * Looking through live for what could be an obstacle. Nearly no object is one, so each line is checked
 * and its members are found in one walk, in the snapshot's threads, and filters, which never overlook
 * one, say of most addresses that no step is about them. What they let through is handed out.
 */
#include "base/members.h"
#include "base/memory.h"
#include "base/scan.h"
#include "rollback/plan_internal.h"

enum member {
	MEMBER_ID,
	MEMBER_NAME,
	MEMBER_ADDRESSES,
	MEMBER_REFUSED,
	MEMBER_DELETED,
	MEMBER_PART,
	MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
	[MEMBER_ID] = "id",
	[MEMBER_NAME] = "userPrincipalName",
	[MEMBER_ADDRESSES] = "proxyAddresses",
	[MEMBER_REFUSED] = "onPremisesProvisioningErrors",
	[MEMBER_DELETED] = "deleted",
	[MEMBER_PART] = "part",
};

/* The same as a sight, with a text that stays: it begins at `text` in the texts. */
struct seen {
	enum plan_sight_kind kind;
	char id[ID_BYTES];
	size_t text, length;
};

struct looked {
	struct members *members;
	struct buf unescaped, texts;
	struct seen *seen;
	size_t count, capacity;
	struct parkings parkings;
};

struct looking {
	const struct plan_wanted *wanted;
	plan_sight_function *each;
	void *context;
};

static void begin(void *begun)
{
	struct looked *looked = begun;

	if (!looked->members) {
		looked->members = members_new(member_names, MEMBER_COUNT);
		looked->unescaped = (struct buf)BUF_UP_TO(DIRECTORY_LINE_MAX);
		looked->texts = (struct buf)BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	}
	buf_cut(&looked->texts, 0);
	looked->count = looked->parkings.count = 0;
}

static void release(void *released)
{
	struct looked *looked = released;

	members_free(looked->members);
	buf_release(&looked->unescaped);
	buf_release(&looked->texts);
	memory_free(looked->seen);
	parkings_release(&looked->parkings);
}

/* ---- one object --------------------------------------------------------------------------- */

/* The object's own line, among its part lines. False: there is none, or it is no line. */
static bool find_line(struct members *members, struct span lines, struct error *err)
{
	const char *end = lines.data + lines.length;

	for (const char *at = lines.data, *newline; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		newline = newline ? newline : end;
		if (!members_read(members, (struct span){ at, (size_t)(newline - at) }, err))
			return false;
		if (!members_came(members, MEMBER_PART))
			break;
	}
	return (!members_came(members, MEMBER_PART) &&
		       scan_text_direct(members_value(members, MEMBER_ID)).length == ID_BYTES) ||
		error_set(err, ERROR_FORMAT, "an object without an id");
}

static void see(struct looked *looked, enum plan_sight_kind kind, struct span text)
{
	struct span id = scan_text_direct(members_value(looked->members, MEMBER_ID));
	struct seen seen = { .kind = kind, .text = looked->texts.length, .length = text.length };

	memcpy(seen.id, id.data, ID_BYTES);
	buf_add_span(&looked->texts, text);
	MEMORY_GROW(looked->seen, looked->count, looked->capacity);
	looked->seen[looked->count++] = seen;
}

static struct span text_of(struct looked *looked, struct span value)
{
	struct span text = scan_type(value) == SCAN_STRING ? scan_text_direct(value) : SPAN_NONE;

	if (text.data || scan_type(value) != SCAN_STRING)
		return text;
	buf_cut(&looked->unescaped, 0);
	scan_text(value, &looked->unescaped);
	return buf_span(&looked->unescaped);
}

/* As it is held: without its scheme where that is smtp. */
static struct span address_of(struct span text)
{
	struct address address = address_parse(text);

	return address.smtp ? address.value : text;
}

static void see_address(const struct looking *looking, struct looked *looked,
	enum plan_sight_kind kind, struct span address)
{
	if (address.length && filter_may_have(&looking->wanted->addresses, address))
		see(looked, kind, address);
}

/* An entry of the provisioning errors names what the service refused to give. */
static void see_refused(const struct looking *looking, struct looked *looked)
{
	struct span errors = members_value(looked->members, MEMBER_REFUSED), entry;
	struct scan scan = scan_open(errors);

	while (scan_type(errors) == SCAN_ARRAY && scan_element(&scan, &entry))
		if (scan_type(entry) == SCAN_OBJECT)
			see_address(looking, looked, SIGHT_REFUSED,
				address_of(text_of(looked, scan_find(entry, "value"))));
}

/*
 * The sign-in name of a deleted user is free, since it has the id before it; its addresses are
 * not. `mail` alone holds nothing: a second account may name the mailbox of the first.
 */
static void see_held(const struct looking *looking, struct looked *looked)
{
	struct span addresses = members_value(looked->members, MEMBER_ADDRESSES), element;
	struct scan scan = scan_open(addresses);

	see_address(looking, looked, SIGHT_NAME,
		text_of(looked, members_value(looked->members, MEMBER_NAME)));
	while (scan_type(addresses) == SCAN_ARRAY && scan_element(&scan, &element))
		see_address(looking, looked, SIGHT_ADDRESS, address_of(text_of(looked, element)));
}

static bool look(void *context, void *looked_at, struct span lines, struct error *err)
{
	const struct looking *looking = context;
	struct looked *looked = looked_at;
	bool deleted;
	struct span id;

	if (!find_line(looked->members, lines, err))
		return false;
	deleted = scan_type(members_value(looked->members, MEMBER_DELETED)) == SCAN_TRUE;
	id = scan_text_direct(members_value(looked->members, MEMBER_ID));
	if (looking->wanted->has_addresses) {
		see_held(looking, looked);
		if (!deleted)
			see_refused(looking, looked);
		parkings_note(&looked->parkings, lines);
	}
	if (deleted && filter_may_have(&looking->wanted->targets, id))
		see(looked, SIGHT_DELETED, SPAN_NONE);
	return buf_check(&looked->texts, "the addresses of some objects", err);
}

/* ---- all of them -------------------------------------------------------------------------- */

static bool hand_out(void *context, void *looked_at, struct error *err)
{
	const struct looking *looking = context;
	const struct looked *looked = looked_at;

	(void)err;
	for (size_t i = 0; i < looked->count; i++) {
		const struct seen *seen = &looked->seen[i];
		struct plan_sight sight = { .kind = seen->kind,
			.id = { seen->id, ID_BYTES },
			.text = { buf_text(&looked->texts) + seen->text, seen->length } };

		looking->each(looking->context, &sight);
	}
	for (size_t i = 0; i < looked->parkings.count; i++)
		parkings_add(looking->wanted->parkings, looked->parkings.items[i]);
	return true;
}

bool plan_look_through(const struct plan_input *input, const struct plan_wanted *wanted,
	plan_sight_function *each, void *context, struct error *err)
{
	struct looking looking = { .wanted = wanted, .each = each, .context = context };
	struct snapshot_visitor visitor = { .size = sizeof(struct looked),
		.begin = begin,
		.look = look,
		.hand_out = hand_out,
		.release = release,
		.context = &looking };

	return input->visit(input->context, &visitor, err);
}
