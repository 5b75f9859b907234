/* Finding the id of a line: only the object's own, whatever else is called "id". */
#include "base/scan.h"

#include "snapshots_testing.h"

#include "snapshots/snapshots_internal.h"

#define ID_A "10000000-1111-4111-8111-111111111111"
#define ID_B "90000000-1111-4111-8111-111111111111"

static void only_the_outermost_id_counts(void **state)
{
	static const char *const lines[] = {
		"{\"id\":\"" ID_A "\"}",
		"{\"a\":{\"id\":\"" ID_B "\"},\"id\":\"" ID_A "\"}",
		"{\"a\":[{\"id\":\"" ID_B "\"},{\"b\":{\"id\":\"" ID_B "\"}}],\"id\":\"" ID_A "\"}",
		"{\"a\":\"id\",\"id\":\"" ID_A "\"}",
		"{\"a\":\"}{][\",\"id\":\"" ID_A "\"}",
		"{\"a\":\"\\\",\\\"id\\\":\\\"" ID_B "\\\"\",\"id\":\"" ID_A "\"}",
		"{\"a\":\"\\\\\",\"id\":\"" ID_A "\"}",
		"{\"a\":\"\\\\\\\"\",\"id\":\"" ID_A "\"}",
		"{\"a\\\"\":\"\",\"id\":\"" ID_A "\"}",
		"{\"a\":[\"id\",\"id\"],\"id\":\"" ID_A "\",\"z\":{\"id\":\"" ID_B "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct error err = { 0 };
		struct span id = line_id(span_of(lines[i]));

		assert_true(scan_check(span_of(lines[i]), &err));
		assert_true(span_is(id, ID_A));
		assert_true(span_equal(id, scan_text_direct(scan_find(span_of(lines[i]), "id"))));
	}
}

static void a_line_without_an_id_has_none(void **state)
{
	static const char *const lines[] = {
		"",
		"{",
		"}",
		"\"",
		"{\"",
		"{\"id",
		"{\"id\"",
		"{\"id\":",
		"{\"id\":\"",
		"{\"id\":\"10000000",
		"{\"id\":17}",
		"{\"id\\\":\"\"}",
		"[\"id\"]",
		"{\"a\":{\"id\":\"" ID_A "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		/* A copy of just this length, so that reading beyond is seen. */
		CLEANUP(memory_freep) char *copy = memory_copy(lines[i], strlen(lines[i]));

		assert_null(line_id((struct span){ copy, strlen(lines[i]) }).data);
	}
}

/* Wherever it lies in the steps of those who look for it, and however little is behind it. */
static void an_id_is_found_at_every_place(void **state)
{
	(void)state;
	for (int before = 0; before < 70; before++)
		for (int behind = 0; behind < 40; behind++) {
			CLEANUP(buf_release) struct buf line = BUF_UP_TO(1000);
			CLEANUP(memory_freep) char *copy = NULL;
			struct line_facts facts;
			struct span id;

			buf_addf(&line, "{\"a\":\"%*s\",\"id\":\"" ID_A "\",\"kind\":\"group\",",
				before, "");
			buf_addf(&line, "\"z\":\"%*s\"}", behind, "");
			copy = memory_copy(line.data, line.length);
			id = line_id((struct span){ copy, line.length });
			assert_true(span_is(id, ID_A));
			assert_false(line_is_part((struct span){ copy, line.length }));
			assert_true(line_read((struct span){ copy, line.length }, &facts));
			assert_true(span_equal(facts.id, id));
			assert_int_equal(facts.kind->id, KIND_GROUP);
		}
}

static void only_a_key_of_the_line_itself_makes_it_a_part(void **state)
{
	(void)state;
	assert_true(line_is_part(SPAN_LITERAL("{\"id\":\"" ID_A "\",\"part\":\"members:3f\"}")));
	assert_true(line_is_part(SPAN_LITERAL("{\"a\":{\"b\":1},\"part\":\"members:3f\"}")));
	assert_true(line_is_part(SPAN_LITERAL("{ \"part\":\"members:3f\"}")));
	assert_false(line_is_part(SPAN_LITERAL("{\"a\":{\"part\":\"members:3f\"}}")));
	assert_false(line_is_part(SPAN_LITERAL("{\"a\":\",\\\"part\\\":\"}")));
	assert_false(line_is_part(SPAN_LITERAL("{\"x,\\\"part\":\"members:3f\"}")));
}

static void lines_are_taken_one_by_one(void **state)
{
	struct span text = SPAN_LITERAL("one\n\nthree");

	(void)state;
	assert_int_equal(line_count(text), 3);
	assert_true(span_is(line_first(text), "one"));
	text = line_rest(text);
	assert_true(span_is(line_first(text), ""));
	text = line_rest(text);
	assert_true(span_is(line_first(text), "three"));
	assert_int_equal(line_rest(text).length, 0);
	assert_int_equal(line_count(SPAN_LITERAL("a\nb\n")), 2);
}

static void the_facts_are_those_of_the_object_itself(void **state)
{
	struct line_facts facts;

	(void)state;
	assert_true(
		line_read(SPAN_LITERAL("{\"a\":{\"deleted\":true,\"kind\":\"group\"},\"id\":\"" ID_A
				       "\",\"kind\":\"user\"}"),
			&facts));
	assert_int_equal(facts.kind->id, KIND_USER);
	assert_false(facts.deleted);
	assert_false(facts.quarantined);
	assert_true(
		line_read(SPAN_LITERAL("{\"deleted\":true,\"id\":\"" ID_A "\",\"kind\":\"group\","
				       "\"onPremisesProvisioningErrors\":[{\"value\":\"a\"}]}"),
			&facts));
	assert_int_equal(facts.kind->id, KIND_GROUP);
	assert_true(facts.deleted);
	assert_true(facts.quarantined);
	assert_true(
		line_read(SPAN_LITERAL("{\"a\\\"deleted\":true,\"id\":\"" ID_A
				       "\",\"kind\":\"user\",\"z\":\"onPremisesProvisioning"
				       "Errors\",\"zz\":{\"onPremisesProvisioningErrors\":[1]}}"),
			&facts));
	assert_int_equal(facts.kind->id, KIND_USER);
	assert_false(facts.deleted);
	assert_false(facts.quarantined);
	assert_false(line_read(SPAN_LITERAL("{\"id\":\"" ID_A "\"}"), &facts));
	assert_false(line_read(SPAN_LITERAL("{\"kind\":\"user\"}"), &facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_outermost_id_counts),
		cmocka_unit_test(a_line_without_an_id_has_none),
		cmocka_unit_test(an_id_is_found_at_every_place),
		cmocka_unit_test(only_a_key_of_the_line_itself_makes_it_a_part),
		cmocka_unit_test(lines_are_taken_one_by_one),
		cmocka_unit_test(the_facts_are_those_of_the_object_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
