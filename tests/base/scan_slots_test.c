/*
 * Members that fall into slots while their text is checked, and shapes, which must change nothing:
 * the same texts are read without one, with one of their own, and with one that has seen others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/scan.h"
#include "tests/base/random_json.h"

enum { TEXTS = 30000, TEXTS_PER_SHAPE = 200, OUTER_NAMES = 13, INNER_FIRST = 16 };

/* Outer members by their name; inner ones share slots where the last one wins, in each reading. */
static unsigned slot_of(void *context, unsigned outer, struct span key)
{
	static const char *const names[OUTER_NAMES] = { "id", "accountEnabled", "city",
		"a name of more than thirty-two bytes, quotes and all", "displayName", "mail",
		"onPremisesExtensionAttributes", "proxyAddresses", "\xc3\xa4ther", "", "back", "a",
		"aa" };

	(void)context;
	for (unsigned i = 0; i < OUTER_NAMES; i++)
		if (span_is(key, names[i]))
			return outer == SCAN_OUTERMOST ? i : INNER_FIRST + outer * 8 + i % 8;
	return SCAN_NO_SLOT;
}

/* The slots as a walk fills them. */
static void walk(struct scan_slots *slots, struct span object, unsigned outer)
{
	struct scan scan = scan_open(object);
	struct span key, value;

	while (scan_member(&scan, &key, &value)) {
		CLEANUP(buf_release) struct buf said = BUF_UP_TO(1 << 20);
		unsigned slot;

		scan_text(key, &said);
		slot = slot_of(NULL, outer, buf_span(&said));
		if (slot == SCAN_NO_SLOT)
			continue;
		if (outer == SCAN_OUTERMOST && scan_type(value) == SCAN_OBJECT)
			walk(slots, value, slot);
		slots->present[slot / 64] |= UINT64_C(1) << slot % 64;
		slots->null[slot / 64] &= ~(UINT64_C(1) << slot % 64);
		if (scan_type(value) == SCAN_NULL)
			slots->null[slot / 64] |= UINT64_C(1) << slot % 64;
		slots->found[slot] = (struct scan_found){ key.data - 1, value,
			memchr(key.data, '\\', key.length) ||
				memchr(value.data, '\\', value.length),
			key.data + key.length + strlen("\":") == value.data };
	}
}

static void assert_same_slots(
	const struct scan_slots *a, const struct scan_slots *b, struct span text)
{
	if (memcmp(a->present, b->present, sizeof(a->present)) != 0 ||
		memcmp(a->null, b->null, sizeof(a->null)) != 0)
		fail_msg("other members were found in %.*s", SPAN_FORMAT(text));
	for (size_t i = 0; i < SCAN_SLOTS; i++) {
		const struct scan_found *one = &a->found[i], *other = &b->found[i];

		if (!((a->present[i / 64] & ~a->null[i / 64]) >> i % 64 & 1))
			continue;
		if (one->key != other->key || one->value.data != other->value.data ||
			one->value.length != other->value.length ||
			one->escaped != other->escaped || one->joined != other->joined)
			fail_msg("slot %zu differs: %.*s", i, SPAN_FORMAT(text));
	}
}

static void members_fall_into_their_slots(void **state)
{
	struct span text = SPAN_LITERAL(
		" { \"id\" : \"x\" ,\"m\\u0061il\":1,\"other\":0, \"city\":[{\"id\":\"\\n\"}],"
		"\"aa\":{\"a\":{\"id\":2},\"displayName\":null,\"other\":3}, \"a\": {} } ");
	static const struct {
		unsigned slot;
		const char *value;
		bool escaped;
	} expected[] = {
		{ 0, "\"x\"", false },
		{ 5, "1", true },
		{ 2, "[{\"id\":\"\\n\"}]", true },
		{ 12, "{\"a\":{\"id\":2},\"displayName\":null,\"other\":3}", false },
		{ INNER_FIRST + 96 + 3, "{\"id\":2}", false },
		{ 11, "{}", false },
	};
	unsigned null = INNER_FIRST + 96 + 4;
	struct scan_slots slots = { .slot_of = slot_of };
	struct error err = { 0 };
	int present;

	(void)state;
	assert_true(scan_check_slots(text, &slots, &err));
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		const struct scan_found *found = &slots.found[expected[i].slot];

		assert_true(span_is(found->value, expected[i].value));
		assert_int_equal(found->escaped, expected[i].escaped);
		assert_int_equal(found->key[0], '"');
	}
	present = __builtin_popcountll(slots.present[0]) + __builtin_popcountll(slots.present[1]);
	assert_int_equal(present, COUNT_OF(expected) + 1);
	assert_true(slots.present[null / 64] >> null % 64 & 1);
	assert_true(slots.null[null / 64] == UINT64_C(1) << null % 64);
}

static void only_the_outermost_object_and_its_values_have_slots(void **state)
{
	static const char *const texts[] = { "{}", "[{\"id\":1}]", "\"id\"", "{\"x\":{\"id\":1}}",
		"{\"x\":[{\"id\":1}]}" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct scan_slots slots = { .slot_of = slot_of, .present = { 7, 7 } };
		struct error err = { 0 };

		assert_true(scan_check_slots(span_of(texts[i]), &slots, &err));
		assert_true(!slots.present[0] && !slots.present[1]);
	}
}

/* Keys that have a place in the shape through an array have slots of their own outside of it. */
static void a_shape_tells_objects_in_arrays_from_others(void **state)
{
	static const char *const texts[] = { "[{\"id\":1,\"a\":[{\"id\":2}]}]",
		"{\"id\":3,\"a\":{\"id\":4}}", "{\"a\":[{\"id\":5}],\"id\":6}" };
	CLEANUP(scan_shape_freep) struct scan_shape *shape = scan_shape_new();
	struct scan_slots slots = { .slot_of = slot_of };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts) * 4; i++) {
		struct span text = span_of(texts[i % COUNT_OF(texts)]);
		struct scan_slots walked = { 0 };
		struct error err = { 0 };
		size_t taken;

		assert_true(scan_prefix(text, shape, &slots, &taken, &err));
		if (scan_type(text) == SCAN_OBJECT)
			walk(&walked, text, SCAN_OUTERMOST);
		assert_same_slots(&slots, &walked, text);
	}
}

/* ---- shapes change nothing ------------------------------------------------------------ */

struct reading {
	bool good;
	size_t taken;
	struct error err;
	struct scan_slots slots;
};

/* A shape belongs to one scan_slots; each reading keeps what they were. */
static void read_prefix(struct reading *reading, struct scan_shape *shape, struct span text)
{
	static struct scan_slots slots = { .slot_of = slot_of };

	reading->err = (struct error){ 0 };
	reading->taken = SIZE_MAX;
	reading->good = scan_prefix(text, shape, &slots, &reading->taken, &reading->err);
	reading->slots = slots;
}

static void assert_same_reading(const struct reading *a, const struct reading *b, struct span text)
{
	if (a->good != b->good || a->taken != b->taken || strcmp(a->err.text, b->err.text) != 0)
		fail_msg("%d %zu %s, but %d %zu %s: %.*s", a->good, a->taken, a->err.text, b->good,
			b->taken, b->err.text, SPAN_FORMAT(text));
	if (a->good && a->taken)
		assert_same_slots(&a->slots, &b->slots, text);
}

static void random_text(struct buf *text, uint64_t *seed)
{
	buf_cut(text, 0);
	if (random_below(seed, 4))
		random_page(text, seed);
	else
		random_json(text, seed, 4);
	for (unsigned times = random_below(seed, 4); times > 1; times--)
		random_mutate(text, seed);
}

static void a_shape_changes_neither_verdict_nor_members(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	static struct reading without, with, again;
	struct scan_shape *shape = NULL;
	uint64_t seed = 64;
	size_t good = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct span object;

		if (i % TEXTS_PER_SHAPE == 0) {
			scan_shape_free(shape);
			shape = scan_shape_new();
		}
		random_text(&text, &seed);
		object = buf_span(&text);
		/* Without its bracket a page begins with an object, which has slots. */
		if (i % 2 && object.length)
			object = (struct span){ object.data + 1, object.length - 1 };
		read_prefix(&without, NULL, object);
		read_prefix(&with, shape, object);
		read_prefix(&again, shape, object);
		assert_same_reading(&without, &with, object);
		assert_same_reading(&without, &again, object);
		*(without.good ? &good : &refused) += 1;
	}
	scan_shape_free(shape);
	assert_true(good > TEXTS / 4 && refused > TEXTS / 20);
}

static void slots_are_those_that_a_walk_would_fill(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	CLEANUP(scan_shape_freep) struct scan_shape *shape = scan_shape_new();
	static struct reading reading;
	uint64_t seed = 4096;
	size_t tried = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS / 10; i++) {
		struct scan_slots walked = { 0 };

		buf_cut(&text, 0);
		random_page(&text, &seed);
		read_prefix(&reading, shape, (struct span){ text.data + 1, text.length - 1 });
		if (!reading.good)
			continue;
		assert_true(reading.taken > 0);
		walk(&walked, (struct span){ text.data + 1, reading.taken }, SCAN_OUTERMOST);
		assert_same_slots(&reading.slots, &walked, buf_span(&text));
		tried++;
	}
	assert_true(tried > TEXTS / 20);
}

/* Objects of many sizes, keys in any order: what fits in a shape, what does not, what repeats. */
static void a_duplicate_is_found_wherever_it_stands(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	CLEANUP(scan_shape_freep) struct scan_shape *shape = scan_shape_new();
	static struct reading without, with;
	uint64_t seed = 63;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		unsigned count = 1 + random_below(&seed, i % 3 ? 40 : 90);
		unsigned step = 1 + 2 * random_below(&seed, 8);
		unsigned repeated = random_below(&seed, 3) ? count : random_below(&seed, count);

		buf_cut(&text, 0);
		for (unsigned member = 0; member < count; member++)
			buf_addf(&text, "%s\"member %u\":0", member ? "," : "{",
				(member == repeated ? member / 2 : member) * step % 128);
		buf_addf(&text, ",\"last\":0}");
		read_prefix(&without, NULL, buf_span(&text));
		read_prefix(&with, shape, buf_span(&text));
		assert_same_reading(&without, &with, buf_span(&text));
		assert_int_equal(with.good, repeated == count || repeated == 0);
	}
}

/* ---- runs of nulls -------------------------------------------------------------------- */

static void add_null_or_not(struct buf *text, const char *name, bool null, uint64_t *seed)
{
	static const char *const values[] = { "\"x\"", "true", "{\"id\":null,\"a\":null}", "[null]",
		" null", "nul", "\"n\\u0075ll\"" };

	buf_addf(text, "%s\"%s\":%s", text->length > 1 ? "," : "", name,
		null ? "null" : values[random_below(seed, random_below(seed, 20) ? 5 : 7)]);
}

/* Objects that are mostly null, of which now and then a member has a value, is missing or repeats. */
static void random_nulls(struct buf *text, uint64_t *seed)
{
	buf_cut(text, 0);
	buf_add_byte(text, '{');
	for (unsigned i = 0; i < 40; i++) {
		/* Some have slots, most have none. */
		static const char *const slotted[] = { "id", "city", "mail", "back", "a", "aa",
			"displayName", "accountEnabled" };
		bool null = random_below(seed, 30) != 0;
		char name[32];

		if (i % 5)
			snprintf(name, sizeof(name), "member %u", i);
		else
			snprintf(name, sizeof(name), "%s", slotted[i / 5]);
		if (random_below(seed, 60))
			add_null_or_not(text, name, null, seed);
		if (!random_below(seed, 600))
			add_null_or_not(text, name, true, seed);
	}
	buf_add_byte(text, '}');
}

static void runs_of_nulls_change_neither_verdict_nor_members(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	static struct reading without, with, cut_without, cut_with;
	struct scan_shape *shape = NULL;
	uint64_t seed = 1961;
	size_t good = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct span cut;

		if (i % TEXTS_PER_SHAPE == 0) {
			scan_shape_free(shape);
			shape = scan_shape_new();
		}
		random_nulls(&text, &seed);
		read_prefix(&without, NULL, buf_span(&text));
		read_prefix(&with, shape, buf_span(&text));
		assert_same_reading(&without, &with, buf_span(&text));
		cut = (struct span){ text.data, random_below(&seed, (unsigned)text.length) };
		read_prefix(&cut_without, NULL, cut);
		read_prefix(&cut_with, shape, cut);
		assert_same_reading(&cut_without, &cut_with, cut);
		*(without.good ? &good : &refused) += 1;
	}
	scan_shape_free(shape);
	assert_true(good > TEXTS / 4 && refused > TEXTS / 100);
}

/* What the run left out of its object can still repeat what is in the run. */
static void a_key_of_a_run_is_a_duplicate_behind_it(void **state)
{
	static const char
		*const object = "{\"x\":1,\"id\":null,\"city\":null,\"mail\":null,\"y\":2}";
	static const char *const repeats[] = {
		"{\"x\":1,\"id\":null,\"city\":null,\"mail\":null,\"y\":2,\"city\":3}",
		"{\"x\":1,\"id\":null,\"city\":null,\"mail\":null,\"y\":2,\"c\\u0069ty\":3}",
		"{\"x\":1,\"mail\":4,\"id\":null,\"city\":null,\"mail\":null,\"y\":2}",
	};
	CLEANUP(scan_shape_freep) struct scan_shape *shape = scan_shape_new();
	static struct reading without, with;

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		read_prefix(&with, shape, span_of(object));
		assert_true(with.good);
		read_prefix(&without, NULL, span_of(repeats[i % 3]));
		read_prefix(&with, shape, span_of(repeats[i % 3]));
		assert_false(with.good);
		assert_string_equal(with.err.text, without.err.text);
	}
}

/* ---- arrays of texts ------------------------------------------------------------------- */

static void an_array_of_texts_is_taken_at_once(void **state)
{
	static const struct {
		const char *array;
		size_t count; /* 0: something else */
	} arrays[] = { { "[\"a\"]", 1 }, { "[\"\",\"b\\\"]\",\"c\"]", 3 }, { "[]", 0 },
		{ "[\"a\",null]", 0 }, { "[null,\"a\"]", 0 }, { "[\"a\", \"b\"]", 0 },
		{ "[\"a\" ]", 0 }, { "[\"a\",\"b\",\"c\",\"d\"]", 0 } };
	struct span texts[3];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(arrays); i++)
		assert_int_equal(scan_texts(span_of(arrays[i].array), texts, COUNT_OF(texts)),
			arrays[i].count);
	assert_int_equal(scan_texts(span_of(arrays[1].array), texts, COUNT_OF(texts)), 3);
	assert_true(span_is(texts[0], "\"\""));
	assert_true(span_is(texts[1], "\"b\\\"]\""));
	assert_true(span_is(texts[2], "\"c\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_fall_into_their_slots),
		cmocka_unit_test(only_the_outermost_object_and_its_values_have_slots),
		cmocka_unit_test(a_shape_tells_objects_in_arrays_from_others),
		cmocka_unit_test(a_shape_changes_neither_verdict_nor_members),
		cmocka_unit_test(slots_are_those_that_a_walk_would_fill),
		cmocka_unit_test(a_duplicate_is_found_wherever_it_stands),
		cmocka_unit_test(runs_of_nulls_change_neither_verdict_nor_members),
		cmocka_unit_test(a_key_of_a_run_is_a_duplicate_behind_it),
		cmocka_unit_test(an_array_of_texts_is_taken_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
