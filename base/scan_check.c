/*
 * Checking: is this text exactly one JSON value, to the letter of RFC 8259?
 *
 * Functions call each other as deep as the text is nested, which is SCAN_DEPTH_MAX at most. The
 * keys of all open objects lie on one stack of spans; only text with more open keys than KEYS_NEAR
 * costs memory from the heap. Where an object is like those before it, each of its keys costs one
 * comparison (scan_shape.c).
 */
#include <assert.h>

#include "base/scan_check.h"

static inline const char *skip_blanks(const struct check *check, const char *at)
{
	if (at < check->end && (unsigned char)*at > ' ')
		return at;
	return scan_skip_blanks(at, check->end);
}

/* Whether there is a backslash between `at` and where the check has come to. */
static inline bool has_backslash_since(const struct check *check, const char *at)
{
	return check->backslash > (size_t)(at - check->begin);
}

/* ---- nesting ------------------------------------------------------------------------- */

struct nesting {
	char closing;
	const char *no_end, *no_comma;
};

static const struct nesting in_array = { ']', "the array does not end",
	"a comma or ] belongs here" };
static const struct nesting in_object = { '}', "the object does not end",
	"a comma or } belongs here" };

/* `at` is the opening bracket; gives what stands behind it. */
static inline const char *enter(struct check *check, const char *at)
{
	if (check->depth == SCAN_DEPTH_MAX)
		return scan_fail(check, at, "nested too deeply");
	check->depth++;
	return skip_blanks(check, at + 1);
}

static inline const char *leave(struct check *check, const char *at)
{
	check->depth--;
	return at + 1;
}

/* `at` is behind an item; gives the comma or the closing bracket. */
static ALWAYS_INLINE const char *end_item(
	struct check *check, const char *at, const struct nesting *in)
{
	at = skip_blanks(check, at);
	if (at == check->end)
		return scan_fail(check, at, in->no_end);
	if (*at != ',' && *at != in->closing)
		return scan_fail(check, at, in->no_comma);
	return at;
}

static const char *check_object(
	struct check *check, const char *at, struct shape_list *list, unsigned outer);
static const char *check_array(struct check *check, const char *at, struct shape_list *list);

/*
 * The lists are those of the keys of an object, and of the objects in an array, that may begin
 * here; NULL where the shape has none.
 */
static ALWAYS_INLINE const char *check_value(struct check *check, const char *at,
	struct shape_list *object, struct shape_list *elements, unsigned outer)
{
	if (at == check->end)
		return scan_fail(check, at, "the text ends where a value belongs");
	switch (*at) {
	case '"':
		return scan_check_string(check, at);
	case '{':
		return check_object(check, at, object, outer);
	case '[':
		return check_array(check, at, elements);
	case 't':
		return scan_check_name(check, at, SPAN_LITERAL("true"));
	case 'f':
		return scan_check_name(check, at, SPAN_LITERAL("false"));
	case 'n':
		return scan_check_name(check, at, SPAN_LITERAL("null"));
	default:
		return scan_check_number(check, at);
	}
}

/* ---- arrays -------------------------------------------------------------------------- */

/* Gives the closing bracket. */
static const char *check_elements(struct check *check, const char *at, struct shape_list *list)
{
	for (size_t count = 1;; count++) {
		if (count > SCAN_ELEMENTS_MAX)
			return scan_fail(check, at, "the array has too many elements");
		at = check_value(check, at, list, list, SCAN_NO_SLOT);
		at = at ? end_item(check, at, &in_array) : NULL;
		if (!at || *at == in_array.closing)
			return at;
		at = skip_blanks(check, at + 1);
	}
}

static const char *check_array(struct check *check, const char *at, struct shape_list *list)
{
	at = enter(check, at);
	if (at && !(at < check->end && *at == in_array.closing))
		at = check_elements(check, at, list);
	return at ? leave(check, at) : NULL;
}

/* ---- objects ------------------------------------------------------------------------- */

unsigned scan_slot_of(struct check *check, const struct members *members, struct span key)
{
	if (members->outer == SCAN_NO_SLOT)
		return SCAN_NO_SLOT;
	return check->slots->slot_of(check->slots->context, members->outer, key);
}

static unsigned slot_of_escaped(struct check *check, const struct members *members, struct span key)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(SCAN_STRING_MAX);

	scan_text(key, &said);
	return scan_slot_of(check, members, buf_span(&said));
}

/* A member whose key has been read. */
struct member {
	const char *begin;       /* the opening quote of its key */
	struct shape_node *node; /* NULL where the shape has none */
	unsigned slot;
	bool joined; /* as scan_found.joined */
};

/* False where the key came before. */
static inline bool take_node(struct members *members, struct shape_node *node)
{
	uint64_t bit = UINT64_C(1) << node->ordinal;

	if (members->seen & bit)
		return false;
	members->seen |= bit;
	members->expected = &node->next;
	return true;
}

/* Any key but the one that was expected; false where it came before. */
static bool take_key(struct check *check, struct members *members, struct span key, bool escaped,
	struct member *member)
{
	if (members->settled && !escaped)
		member->node = scan_shape_find(check, members, key);
	if (member->node) {
		member->slot = member->node->slot;
		return take_node(members, member->node);
	}
	member->slot = escaped ? slot_of_escaped(check, members, key)
			       : scan_slot_of(check, members, key);
	return scan_add_key(check, members, key, escaped);
}

/* A key that was not expected, with its colon; gives what stands behind them. */
static const char *check_key(
	struct check *check, struct members *members, const char *at, struct member *member)
{
	const char *behind;
	struct span key;

	at = skip_blanks(check, at);
	if (at == check->end || *at != '"')
		return scan_fail(check, at, "a key belongs here");
	if (members->count == SCAN_MEMBERS_MAX)
		return scan_fail(check, at, "the object has too many members");
	*member = (struct member){ .begin = at };
	at = behind = scan_check_string(check, at);
	if (!at)
		return NULL;
	key = (struct span){ member->begin + 1, (size_t)(at - member->begin) - 2 };
	if (!take_key(check, members, key, has_backslash_since(check, member->begin), member))
		return scan_fail(check, key.data, "a duplicate key");
	at = skip_blanks(check, at);
	if (at == check->end || *at != ':')
		return scan_fail(check, at, "a colon belongs here");
	at = skip_blanks(check, at + 1);
	member->joined = at == behind + 1;
	return at;
}

/* The value of a member that has come is at an end. */
static ALWAYS_INLINE void keep(struct check *check, const char *begin, unsigned slot,
	const char *value, const char *end, bool joined)
{
	struct scan_slots *slots = check->slots;
	uint64_t bit = UINT64_C(1) << slot % 64;

	if (slot == SCAN_NO_SLOT)
		return;
	slots->present[slot / 64] |= bit;
	if (*value == 'n') {
		slots->null[slot / 64] |= bit;
		return;
	}
	slots->null[slot / 64] &= ~bit;
	slots->found[slot] = (struct scan_found){ begin, { value, (size_t)(end - value) },
		has_backslash_since(check, begin), joined };
}

/* A member that was not expected. */
static NOINLINE const char *check_member(
	struct check *check, struct members *members, const char *at)
{
	struct member member = { 0 };
	const char *value = check_key(check, members, at, &member);
	struct shape_node *node = member.node;

	if (!value)
		return NULL;
	at = check_value(check, value, node ? &node->object : NULL, node ? &node->elements : NULL,
		members->outer == SCAN_OUTERMOST ? member.slot : SCAN_NO_SLOT);
	if (at)
		keep(check, member.begin, member.slot, value, at, member.joined);
	members->null_node = NULL;
	return at;
}

/* The node of the key at `at`, with its colon, if it is the one that came next before. */
static ALWAYS_INLINE struct shape_node *expected_node(
	struct check *check, struct members *members, const char *at)
{
	struct shape_node *node;
	size_t rest = (size_t)(check->end - at);

	if (!members->settled || !*members->expected)
		return NULL;
	node = &check->shape->nodes[*members->expected];
	if (rest >= SCAN_STEP && node->length <= SCAN_STEP)
		return scan_same(at, node->text, node->length) ? node : NULL;
	return rest >= node->length && memcmp(at, node->text, node->length) == 0 ? node : NULL;
}

/* The value of any other type than text; `at` is the member's key. */
static NOINLINE const char *check_expected_value(
	struct check *check, struct members *members, struct shape_node *node, const char *at)
{
	const char *value = skip_blanks(check, at + node->length);
	const char *end = check_value(check, value, &node->object, &node->elements,
		members->outer == SCAN_OUTERMOST ? node->slot : SCAN_NO_SLOT);

	if (!end)
		return NULL;
	keep(check, at, node->slot, value, end, value == at + node->length);
	if (*value == 'n' && check->shape->runs && value == at + node->length)
		scan_run_learn(check, members, node, at, end);
	else
		members->null_node = NULL;
	return end;
}

/* Members that are all null, as they were before; NULL where they are not all here. */
static ALWAYS_INLINE const char *take_run(
	struct check *check, struct members *members, struct shape_node *node, const char *at)
{
	struct shape_run *run = &check->shape->runs[node->run - 1];

	if ((size_t)(check->end - at) < run->length || (members->seen & run->seen))
		return NULL;
	if (memcmp(at, run->text, run->length) != 0 && !scan_run_cut(check->shape, node, at))
		return NULL;
	members->seen |= run->seen;
	members->expected = &check->shape->nodes[run->nodes[run->count - 1]].next;
	members->null_node = NULL;
	for (size_t i = 0; members->outer != SCAN_NO_SLOT && i < COUNT_OF(run->slots); i++) {
		check->slots->present[i] |= run->slots[i];
		check->slots->null[i] |= run->slots[i];
	}
	return at + run->length;
}

/* A member whose key is the one that was expected. */
static ALWAYS_INLINE const char *check_expected(
	struct check *check, struct members *members, struct shape_node *node, const char *at)
{
	const char *value = at + node->length, *end;

	if (node->run && node->run != RUN_NEVER) {
		end = take_run(check, members, node, at);
		if (end)
			return end;
	}
	if (!take_node(members, node))
		return scan_fail(check, at + 1, "a duplicate key");
	if (value == check->end || *value != '"')
		return check_expected_value(check, members, node, at);
	end = scan_check_string(check, value);
	if (!end)
		return NULL;
	members->null_node = NULL;
	keep(check, at, node->slot, value, end, true);
	return end;
}

/* Gives the closing bracket. */
static const char *check_members(struct check *check, struct members *members, const char *at)
{
	struct shape_node *node;
	const char *again;

	for (;;) {
		node = expected_node(check, members, at);
		at = node ? check_expected(check, members, node, at)
			  : check_member(check, members, at);
		at = at ? end_item(check, at, &in_object) : NULL;
		if (!at)
			return NULL;
		if (*at == in_object.closing)
			break;
		at++;
	}
	again = scan_repeated_key(check, members);
	return again ? scan_fail(check, again, "a duplicate key") : at;
}

static const char *check_object(
	struct check *check, const char *at, struct shape_list *list, unsigned outer)
{
	struct members members = {
		.list = list,
		.settled = list != NULL,
		.expected = list ? &list->first : NULL,
		.first_key = check->key_count,
		.outer = outer,
	};

	at = enter(check, at);
	if (at && !(at < check->end && *at == in_object.closing))
		at = check_members(check, &members, at);
	check->key_count = members.first_key;
	return at ? leave(check, at) : NULL;
}

/* ---- texts --------------------------------------------------------------------------- */

/* Only brackets and quotes say by themselves that a value has ended. */
static bool is_closed(const char *behind)
{
	return behind[-1] == '}' || behind[-1] == ']' || behind[-1] == '"';
}

/* One value, and nothing behind it but blanks. Or, of a prefix: one value that has ended. */
static const char *check_text(struct check *check)
{
	struct shape_node *root = check->shape ? check->shape->nodes : NULL;
	const char *at = skip_blanks(check, check->begin);

	at = check_value(check, at, root ? &root->object : NULL, root ? &root->elements : NULL,
		check->slots ? SCAN_OUTERMOST : SCAN_NO_SLOT);
	if (!at)
		return NULL;
	if (check->prefix) {
		check->ended = at == check->end && !is_closed(at);
		return check->ended ? NULL : at;
	}
	at = skip_blanks(check, at);
	if (at != check->end)
		return scan_fail(check, at, "something follows the value");
	return at;
}

/* `*check` says what is asked for, and afterwards whether the text has ended too soon. */
static const char *run(struct check *check, struct span text)
{
	/* Filled as objects open and keys come. */
	UNINITIALIZED struct key_filter filters[SCAN_DEPTH_MAX];
	UNINITIALIZED struct span near[KEYS_NEAR];
	const char *behind;

	check->begin = text.data ? text.data : "";
	check->end = check->begin + text.length;
	check->filters = filters;
	check->near = check->keys = near;
	check->key_capacity = KEYS_NEAR;
	if (check->slots) {
		memset(check->slots->present, 0, sizeof(check->slots->present));
		memset(check->slots->null, 0, sizeof(check->slots->null));
	}
	if (check->shape && check->shape->count == 1)
		check->shape->slots = check->slots;
	assert(!check->shape || check->shape->slots == check->slots);
	behind = check_text(check);
	if (check->keys != near)
		memory_free(check->keys);
	check->near = check->keys = NULL;
	check->filters = NULL;
	return behind;
}

bool scan_check(struct span text, struct error *err)
{
	UNINITIALIZED struct scan_shape shape;
	struct check check = { .shape = &shape, .err = err };

	scan_shape_init(&shape);
	return run(&check, text) != NULL;
}

bool scan_check_slots(struct span text, struct scan_slots *slots, struct error *err)
{
	struct check check = { .slots = slots, .err = err };

	return run(&check, text) != NULL;
}

bool scan_prefix(struct span text, struct scan_shape *shape, struct scan_slots *slots,
	size_t *taken, struct error *err)
{
	struct check check = { .prefix = true, .shape = shape, .slots = slots, .err = err };
	const char *behind = run(&check, text);

	if (!behind && !check.ended)
		return false;
	*taken = behind ? (size_t)(behind - check.begin) : 0;
	return true;
}
