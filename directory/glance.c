/*
 * What differs between two lines of one object, at a glance. Nearly all of two such lines is equal
 * byte for byte, so it is compared as bytes, and only where they part are members read. What is
 * equal is walked over, not checked; what differs is checked as object_parse() does.
 *
 * A glance is right or it says nothing: whatever is not plainly so (a set, a directory extension, parts,
 * a line that our writer would not make) is left to object_parse().
 */
#include <endian.h>
#include <string.h>

#include "base/unchecked.h"
#include "directory/directory_internal.h"

enum { BASE, LIVE, SIDES };

/* ---- what two objects have in common -------------------------------------------------------- */

/* The first of eight bytes that differ, by the lowest one that is set. */
static size_t first_difference(const char *a, const char *b)
{
	uint64_t a_word, b_word;

	memcpy(&a_word, a, sizeof(a_word));
	memcpy(&b_word, b, sizeof(b_word));
	a_word = le64toh(a_word ^ b_word);
	return a_word ? (size_t)__builtin_ctzll(a_word) / 8 : sizeof(a_word);
}

static size_t common_length(const struct unchecked_walk *a, const struct unchecked_walk *b)
{
	enum { STRIDE = 256, WORD = 8 };
	size_t a_length = (size_t)(a->end - a->at), b_length = (size_t)(b->end - b->at);
	size_t shorter = a_length < b_length ? a_length : b_length, at = 0, equal = WORD;

	while (shorter - at >= STRIDE && memcmp(a->at + at, b->at + at, STRIDE) == 0)
		at += STRIDE;
	for (; equal == WORD && shorter - at >= WORD; at += equal)
		equal = first_difference(a->at + at, b->at + at);
	while (at < shorter && a->at[at] == b->at[at])
		at++;
	return at;
}

/* ---- two lines --------------------------------------------------------------------------------- */

/* What is said of an object beside its attributes, and what its name and mastery follow from. */
enum said {
	SAID_ID,
	SAID_KIND,
	SAID_DELETED,
	SAID_PART,
	SAID_UNKNOWN,
	SAID_UPN,
	SAID_DISPLAY_NAME,
	SAID_MAIL,
	SAID_SYNCED,
	SAID_SWITCHED,
	SAID_ANCHOR,
	SAID_SID,
	SAID_COUNT,
	SAID_FIXED = SAID_UNKNOWN, /* those before it must not differ */
};

#define NAME(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct span said_names[SAID_COUNT] = {
	[SAID_ID] = NAME("id"),
	[SAID_KIND] = NAME("kind"),
	[SAID_DELETED] = NAME("deleted"),
	[SAID_PART] = NAME("part"),
	[SAID_UNKNOWN] = NAME("unknown"),
	[SAID_UPN] = NAME("userPrincipalName"),
	[SAID_DISPLAY_NAME] = NAME("displayName"),
	[SAID_MAIL] = NAME("mail"),
	[SAID_SYNCED] = NAME("onPremisesSyncEnabled"),
	[SAID_SWITCHED] = NAME("isCloudManaged"),
	[SAID_ANCHOR] = NAME("onPremisesImmutableId"),
	[SAID_SID] = NAME("onPremisesSecurityIdentifier"),
};

/* A member, or one of a complex value, whose bytes differ. */
struct candidate {
	struct span outer, key; /* outer: of the complex value; absent: it is in none */
	struct span values[SIDES];
};

struct look {
	const struct kind *kind;
	struct span said[SAID_COUNT]; /* of live */
	struct span unknown[SIDES];
	bool unknown_differs;
	struct candidate at[GLANCE_MAX];
	size_t count;
	struct span last; /* the last key that differed: they ascend */
};

static enum said said_of(struct span key)
{
	enum { LONGEST = 28 };
	static const struct {
		uint8_t count, said[3];
	} of_length[LONGEST + 1] = {
		[2] = { 1, { SAID_ID } },
		[4] = { 3, { SAID_KIND, SAID_PART, SAID_MAIL } },
		[7] = { 2, { SAID_DELETED, SAID_UNKNOWN } },
		[11] = { 1, { SAID_DISPLAY_NAME } },
		[14] = { 1, { SAID_SWITCHED } },
		[17] = { 1, { SAID_UPN } },
		[21] = { 2, { SAID_SYNCED, SAID_ANCHOR } },
		[LONGEST] = { 1, { SAID_SID } },
	};

	if (key.length > LONGEST)
		return SAID_COUNT;
	for (size_t i = 0; i < of_length[key.length].count; i++) {
		enum said said = (enum said)of_length[key.length].said[i];
		struct span name = said_names[said];

		/* Most keys are none of these, and part at their first letter. */
		if (name.data[0] == key.data[0] && name_equal(name.data, key.data, key.length))
			return said;
	}
	return SAID_COUNT;
}

static void note(struct look *look, const struct unchecked_walk *live)
{
	enum said said = said_of(live->key);

	if (said != SAID_COUNT)
		look->said[said] = live->value;
}

static bool differs(
	struct look *look, struct span outer, struct span key, const struct span *values)
{
	if (look->count == GLANCE_MAX)
		return false;
	look->at[look->count++] = (struct candidate){ outer, key, { values[BASE], values[LIVE] } };
	return true;
}

typedef bool differs_function(
	struct look *look, struct span outer, struct span key, const struct span *values);
/* What both have, while that is the same byte for byte. NULL: it says nothing. */
typedef void same_function(struct look *look, const struct unchecked_walk *live);

/* Passes over what is equal: the members that end before the texts part. */
static bool pass_common(struct look *look, struct unchecked_walk *walks, same_function *same)
{
	size_t common = common_length(&walks[BASE], &walks[LIVE]);
	const char *parts = walks[LIVE].at + common;

	while (unchecked_walk_read(&walks[LIVE])) {
		size_t length = (size_t)(walks[LIVE].next - walks[LIVE].at);

		/* Behind a number that goes on in one of them something differs, too. */
		if (!walks[LIVE].key.data || walks[LIVE].next >= parts)
			return unchecked_walk_read(&walks[BASE]);
		if (same)
			same(look, &walks[LIVE]);
		walks[LIVE].at += length;
		walks[BASE].at += length;
	}
	return false;
}

/* Negative: base's member comes first, and live has none of that name. */
static int members_order(const struct unchecked_walk *walks)
{
	if (!walks[BASE].key.data || !walks[LIVE].key.data)
		return !walks[BASE].key.data - !walks[LIVE].key.data;
	return span_compare(walks[BASE].key, walks[LIVE].key);
}

/* Where the texts part. True for as long as there are members. */
static bool part(struct look *look, struct unchecked_walk *walks, struct span outer,
	differs_function *each, same_function *same, bool *fine)
{
	int order = members_order(walks);
	struct span values[SIDES] = { SPAN_NONE, SPAN_NONE };
	struct span key = order <= 0 ? walks[BASE].key : walks[LIVE].key;

	if (!key.data)
		return false;
	*fine = !look->last.data || span_compare(look->last, key) < 0;
	look->last = key;
	if (order <= 0) {
		values[BASE] = walks[BASE].value;
		walks[BASE].at = walks[BASE].next;
	}
	if (order >= 0) {
		values[LIVE] = walks[LIVE].value;
		if (same)
			same(look, &walks[LIVE]);
		walks[LIVE].at = walks[LIVE].next;
	}
	if (!span_equal(values[BASE], values[LIVE]))
		*fine = *fine && each(look, outer, key, values);
	return *fine;
}

/* Calls `each` for every member that is not the same in both texts. */
static bool walk_both(struct look *look, const struct span *texts, struct span outer,
	differs_function *each, same_function *same)
{
	struct unchecked_walk walks[SIDES];
	bool fine = true;

	look->last = SPAN_NONE;
	for (int side = 0; side < SIDES; side++)
		walks[side] = (struct unchecked_walk){ .at = texts[side].data,
			.end = texts[side].data + texts[side].length };
	do
		fine = pass_common(look, walks, same);
	while (fine && part(look, walks, outer, each, same, &fine));
	return fine;
}

/* An object in both, or in one of them; what is missing is empty. */
static bool inner_differ(struct look *look, struct span key, const struct span *values)
{
	struct span texts[SIDES], last = look->last;
	bool fine = true;

	for (int side = 0; side < SIDES; side++) {
		texts[side] = values[side].data ? values[side] : SPAN_LITERAL("{}");
		fine = fine && texts[side].data[0] == '{';
	}
	fine = fine && walk_both(look, texts, key, differs, NULL);
	look->last = last;
	return fine;
}

static bool member_differs(
	struct look *look, struct span outer, struct span key, const struct span *values)
{
	enum said said = said_of(key);

	if (said < SAID_FIXED)
		return false;
	if (said == SAID_UNKNOWN) {
		look->unknown_differs = true;
		look->unknown[BASE] = values[BASE];
		return true;
	}
	if ((values[BASE].data && values[BASE].data[0] == '{') ||
		(values[LIVE].data && values[LIVE].data[0] == '{'))
		return inner_differ(look, key, values);
	return differs(look, outer, key, values);
}

/* ---- what it comes to --------------------------------------------------------------------------- */

static const struct attribute *row_of(const struct kind *kind, struct span outer, struct span key)
{
	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *row = &kind->attributes[i];
		struct span name = { row->name, row->name_length };

		if (row->outer_length != outer.length)
			continue;
		if (outer.length)
			name = attribute_inner_name(row);
		if (name.length == key.length && memcmp(name.data, key.data, key.length) == 0 &&
			(!outer.length || memcmp(row->name, outer.data, outer.length) == 0))
			return row;
	}
	return NULL;
}

/* Nothing, or what object_parse() would take for this attribute. */
static bool is_value_of(const struct attribute *attribute, struct span value)
{
	UNINITIALIZED struct error err; /* a thousand bytes, looked at by nobody */

	return !value.data ||
		(scan_check(value, &err) && scan_type(value) != SCAN_NULL &&
			value_check(attribute, value, &err));
}

/* Nothing, or a list of names. */
static bool is_list_of_names(struct span unknown)
{
	UNINITIALIZED struct error err; /* a thousand bytes, looked at by nobody */
	struct scan scan;
	struct span name;

	if (!unknown.data)
		return true;
	if (!scan_check(unknown, &err) || scan_type(unknown) != SCAN_ARRAY)
		return false;
	for (scan = scan_open(unknown); scan_element(&scan, &name);)
		if (scan_type(name) != SCAN_STRING)
			return false;
	return true;
}

static bool take_unknown(struct look *look)
{
	look->unknown[LIVE] = look->said[SAID_UNKNOWN];
	if (!look->unknown_differs)
		look->unknown[BASE] = look->unknown[LIVE];
	return is_list_of_names(look->unknown[LIVE]) &&
		(!look->unknown_differs || is_list_of_names(look->unknown[BASE]));
}

static bool take_candidate(
	const struct look *look, const struct candidate *candidate, struct glance *glance)
{
	const struct attribute *row = row_of(look->kind, candidate->outer, candidate->key);
	struct span base = candidate->values[BASE], live = candidate->values[LIVE];

	if (!row || !is_value_of(row, base) || !is_value_of(row, live))
		return false;
	if (row->compare == COMPARE_VOLATILE || names_hold(look->unknown[BASE], row) ||
		names_hold(look->unknown[LIVE], row))
		return true;
	if (row->shape != SHAPE_ONE)
		return false;
	if (!attribute_equal(row, base, live))
		glance->at[glance->count++] = (struct glance_difference){ row, base, live };
	return true;
}

static bool take_identity(struct look *look, struct glance *glance)
{
	struct span id = look->said[SAID_ID], kind = look->said[SAID_KIND];

	if (look->said[SAID_DELETED].data || look->said[SAID_PART].data ||
		id.length != ID_BYTES + strlen("\"\"") || id.data[0] != '"' ||
		kind.length <= strlen("\"\"") || kind.data[0] != '"')
		return false;
	glance->id = (struct span){ id.data + 1, ID_BYTES };
	look->kind = kind_find((struct span){ kind.data + 1, kind.length - strlen("\"\"") });
	glance->kind = look->kind;
	return look->kind != NULL;
}

static bool take_name(const struct look *look, struct glance *glance)
{
	static const enum said names[] = { SAID_UPN, SAID_DISPLAY_NAME, SAID_MAIL };
	UNINITIALIZED struct error err; /* a thousand bytes, looked at by nobody */

	glance->name = glance->id;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct span value = look->said[names[i]];

		if (!value.data || !row_of(look->kind, SPAN_NONE, said_names[names[i]]))
			continue;
		if (value.data[0] != '"' || !scan_check(value, &err))
			return false;
		glance->name = scan_text_direct(value);
		return glance->name.data != NULL;
	}
	return true;
}

static bool is_unknown(const struct look *look, enum said said)
{
	const struct attribute *row;

	if (!look->unknown[LIVE].data)
		return false;
	row = row_of(look->kind, SPAN_NONE, said_names[said]);
	return row && names_hold(look->unknown[LIVE], row);
}

static bool take_answer(const struct look *look, enum said said, enum answer *answer)
{
	struct span value = look->said[said];

	if (is_unknown(look, said))
		*answer = ANSWER_UNKNOWN;
	else if (!value.data)
		*answer = ANSWER_NOTHING;
	else
		*answer = span_is(value, "true") ? ANSWER_TRUE : ANSWER_FALSE;
	return *answer != ANSWER_FALSE || span_is(value, "false");
}

static bool was_synced(const struct look *look)
{
	static const enum said marks[] = { SAID_SYNCED, SAID_ANCHOR, SAID_SID };

	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (is_unknown(look, marks[i]) ||
			(look->said[marks[i]].data &&
				row_of(look->kind, SPAN_NONE, said_names[marks[i]])))
			return true;
	return false;
}

static bool take_mastery(const struct look *look, struct glance *glance)
{
	enum answer synced, switched;

	if (!take_answer(look, SAID_SYNCED, &synced) ||
		!take_answer(look, SAID_SWITCHED, &switched))
		return false;
	glance->mastery = mastery_of(synced, switched, synced == ANSWER_TRUE || was_synced(look));
	return true;
}

/* The line without its newline; absent where it has none. */
static struct span one_line(struct span lines)
{
	bool ends = lines.length > strlen("{}") && lines.data[lines.length - 1] == '\n';

	return ends && lines.data[0] == '{' ? (struct span){ lines.data, lines.length - 1 }
					    : SPAN_NONE;
}

bool lines_glance(struct span base, struct span live, struct glance *glance)
{
	UNINITIALIZED struct look look;
	struct span texts[SIDES] = { one_line(base), one_line(live) };

	memset(look.said, 0, sizeof(look.said));
	look.count = 0;
	look.unknown_differs = false;
	glance->count = 0;
	if (!texts[BASE].data || !texts[LIVE].data ||
		!walk_both(&look, texts, SPAN_NONE, member_differs, note) ||
		!take_identity(&look, glance) || !take_unknown(&look) ||
		!take_name(&look, glance) || !take_mastery(&look, glance))
		return false;
	for (size_t i = 0; i < look.count; i++)
		if (!take_candidate(&look, &look.at[i], glance))
			return false;
	return true;
}
