/*
 * Our scanner and jansson on the same texts: the same verdict and the same values, except where the
 * table below says why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include <jansson.h>

#include "base/file.h"
#include "base/scan.h"
#include "tests/base/random_json.h"
#include "tests/shared.h"

#define CASES TEST_SHARED "/vectors/json"

enum { RANDOM_DOCUMENTS = 20000, RANDOM_PAGES = 5000, MUTATIONS = 100000 };

static bool accepted(struct span text)
{
	struct error err = { 0 };

	return scan_check(text, &err);
}

/* What a value says, rebuilt through the walkers. */
static json_t *rebuilt(struct span value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	struct scan scan = { 0 };
	struct span key, inner;
	json_t *json;

	switch (scan_type(value)) {
	case SCAN_OBJECT:
		json = json_object();
		for (scan = scan_open(value); scan_member(&scan, &key, &inner);) {
			buf_cut(&text, 0);
			scan_text(key, &text);
			json_object_setn_new(json, buf_text(&text), text.length, rebuilt(inner));
		}
		return json;
	case SCAN_ARRAY:
		json = json_array();
		for (scan = scan_open(value); scan_element(&scan, &inner);)
			json_array_append_new(json, rebuilt(inner));
		return json;
	case SCAN_STRING:
		scan_text(value, &text);
		return json_stringn(buf_text(&text), text.length);
	default:
		return json_loadb(value.data, value.length, JSON_DECODE_ANY, NULL);
	}
}

/*
 * jansson also says no where a number is out of the range of its types and where a key has a NUL;
 * a raw NUL byte behind a name or a number it loses, so that those texts are judged without it.
 */
static void compare_with_jansson(struct span text)
{
	json_error_t why;
	json_t *oracle = json_loadb(text.data, text.length,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	bool ours = accepted(text);
	json_t *walked;

	if (memchr(text.data, 0, text.length)) {
		json_decref(oracle);
		assert_false(ours);
		return;
	}
	if (oracle && !ours)
		fail_msg("jansson accepts, we refuse: %.*s", SPAN_FORMAT(text));
	if (!oracle && ours && json_error_code(&why) != json_error_numeric_overflow &&
		json_error_code(&why) != json_error_null_byte_in_key)
		fail_msg("we accept, jansson refuses (%s): %.*s", why.text, SPAN_FORMAT(text));
	if (oracle && ours) {
		walked = rebuilt(scan_trim(text));
		if (!json_equal(oracle, walked))
			fail_msg("walked differently: %.*s", SPAN_FORMAT(text));
		json_decref(walked);
	}
	json_decref(oracle);
}

static void random_documents_say_the_same_to_jansson(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	uint64_t seed = 20260304;

	(void)state;
	for (int i = 0; i < RANDOM_DOCUMENTS; i++) {
		buf_cut(&text, 0);
		random_json(&text, &seed, 5);
		compare_with_jansson(buf_span(&text));
	}
}

static void mutated_documents_are_judged_as_jansson_judges_them(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	uint64_t seed = 412;

	(void)state;
	for (int i = 0; i < MUTATIONS; i++) {
		buf_cut(&text, 0);
		random_json(&text, &seed, 3);
		for (unsigned times = 1 + random_below(&seed, 3); times; times--)
			random_mutate(&text, &seed);
		if (text.length)
			compare_with_jansson(buf_span(&text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_documents_say_the_same_to_jansson),
		cmocka_unit_test(mutated_documents_are_judged_as_jansson_judges_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
