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
#include "base/memory.h"
#include "base/scan.h"
#include "tests/base/random_json.h"
#include "tests/shared.h"

#define CASES TEST_SHARED "/vectors/json"

enum { RANDOM_DOCUMENTS = 20000, RANDOM_PAGES = 5000, MUTATIONS = 100000 };

/* What a value says, rebuilt through the walkers. */
static json_t *rebuilt(struct span value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCAN_STRING_MAX);
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

/* ---- where the two differ ------------------------------------------------------------- */

enum { TEXT_MAX = 64 << 20 };

static void add_repeated(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_add_text(out, text);
}

static void add_huge_number(struct buf *out)
{
	buf_add_text(out, "[123456789012345678901234567890]");
}

static void add_huge_exponent(struct buf *out)
{
	buf_add_text(out, "{\"a\":-1.5e+999}");
}

static void add_nul_in_key(struct buf *out)
{
	buf_add_text(out, "{\"a\\u0000b\":1}");
}

static void add_raw_nul(struct buf *out)
{
	buf_add(out, "[true\0]", 7);
}

static void add_depth(struct buf *out)
{
	add_repeated(out, "[", SCAN_DEPTH_MAX + 1);
	add_repeated(out, "]", SCAN_DEPTH_MAX + 1);
}

static void add_members(struct buf *out)
{
	for (unsigned i = 0; i <= SCAN_MEMBERS_MAX; i++)
		buf_addf(out, "%s\"%u\":0", i ? "," : "{", i);
	buf_add_byte(out, '}');
}

static void add_elements(struct buf *out)
{
	add_repeated(out, "[[", 1);
	add_repeated(out, "null,", SCAN_ELEMENTS_MAX);
	buf_add_text(out, "null]]");
}

static void add_long_string(struct buf *out)
{
	buf_add_byte(out, '"');
	add_repeated(out, "eight...", SCAN_STRING_MAX / 8);
	buf_add_text(out, "9\"");
}

/* All that the two judge differently; anything else fails. */
static const struct difference {
	const char *what, *reason;
	void (*add_example)(struct buf *out);
	enum json_error_code jansson; /* why it refuses what we accept */
	const char *ours;             /* why we refuse what it accepts; "": for whatever reason */
	bool raw_nul;                 /* only where the text has such a byte */
} differences[] = {
	{ "a whole number beyond 64 bits",
		"numbers stay as they are written, nobody computes with them", add_huge_number,
		json_error_numeric_overflow, NULL, false },
	{ "a number beyond a double's range", "as above", add_huge_exponent,
		json_error_numeric_overflow, NULL, false },
	{ "a NUL in a key, by its escape", "RFC 8259 allows it; jansson's keys end with NUL",
		add_nul_in_key, json_error_null_byte_in_key, NULL, false },
	{ "a raw NUL byte behind a name or a number",
		"RFC 8259 has none there; jansson puts it back as if it had read nothing",
		add_raw_nul, json_error_unknown, "", true },
	{ "more than SCAN_DEPTH_MAX levels", "nobody sends them who means well (jansson: 2048)",
		add_depth, json_error_unknown, "nested too deeply", false },
	{ "more than SCAN_MEMBERS_MAX members", "a limit of ours", add_members, json_error_unknown,
		"the object has too many members", false },
	{ "more than SCAN_ELEMENTS_MAX elements", "a limit of ours", add_elements,
		json_error_unknown, "the array has too many elements", false },
	{ "a string of more than SCAN_STRING_MAX bytes", "a limit of ours", add_long_string,
		json_error_unknown, "the string is too long", false },
};

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* The row that explains different verdicts; the reason of the one that refuses is given. */
static const struct difference *explain(
	struct span text, const struct error *ours, const json_error_t *jansson)
{
	for (size_t i = 0; i < COUNT_OF(differences); i++) {
		const struct difference *row = &differences[i];

		if (row->raw_nul && !memchr(text.data, 0, text.length))
			continue;
		if (ours ? row->ours && ends_with(ours->text, row->ours)
			 : !row->ours && json_error_code(jansson) == row->jansson)
			return row;
	}
	return NULL;
}

/* NULL where both say the same, else the row that says why not. */
static const struct difference *compare_with_jansson(struct span text)
{
	json_error_t why;
	json_t *oracle = json_loadb(text.data, text.length,
		JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	struct error err = { 0 };
	bool good = scan_check(text, &err);
	const struct difference *row = NULL;
	json_t *walked;

	if (good && oracle) {
		walked = rebuilt(scan_trim(text));
		if (!json_equal(oracle, walked))
			fail_msg("walked differently: %.*s", SPAN_FORMAT(text));
		json_decref(walked);
	} else if (good || oracle) {
		row = explain(text, good ? NULL : &err, &why);
		if (!row)
			fail_msg("we %s, jansson %s: %.*s", good ? "accept" : err.text,
				oracle ? "accepts" : why.text, SPAN_FORMAT(text));
	}
	json_decref(oracle);
	return row;
}

static void every_difference_in_the_table_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(differences); i++) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
		const struct difference *row;

		differences[i].add_example(&text);
		row = compare_with_jansson(buf_span(&text));
		/* Rows with the same reason explain each other. */
		if (!row || row->jansson != differences[i].jansson ||
			row->ours != differences[i].ours)
			fail_msg("%s: no difference", differences[i].what);
	}
}

/* ---- the published cases --------------------------------------------------------------- */

static void published_cases_say_the_same_to_jansson(void **state)
{
	DIR *folder = opendir(CASES);
	struct dirent *entry;
	size_t tried = 0;

	(void)state;
	if (!folder) {
		print_message("skipped: %s is not there\n", CASES);
		skip();
	}
	while ((entry = readdir(folder))) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
		CLEANUP(memory_freep) char *path = file_path(CASES, entry->d_name);
		struct error err = { 0 };

		if (entry->d_name[0] == '.' || !strstr(entry->d_name, ".json"))
			continue;
		if (!file_load(path, TEXT_MAX, &text, &err))
			fail_msg("%s", err.text);
		compare_with_jansson(buf_span(&text));
		tried++;
	}
	closedir(folder);
	assert_true(tried > 200);
}

/* ---- texts nobody thought of ------------------------------------------------------------ */

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

static void random_pages_say_the_same_to_jansson(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1 << 20);
	uint64_t seed = 999;

	(void)state;
	for (int i = 0; i < RANDOM_PAGES; i++) {
		buf_cut(&text, 0);
		random_page(&text, &seed);
		for (unsigned times = random_below(&seed, 3); times > 1; times--)
			random_mutate(&text, &seed);
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
		cmocka_unit_test(every_difference_in_the_table_is_one),
		cmocka_unit_test(published_cases_say_the_same_to_jansson),
		cmocka_unit_test(random_pages_say_the_same_to_jansson),
		cmocka_unit_test(random_documents_say_the_same_to_jansson),
		cmocka_unit_test(mutated_documents_are_judged_as_jansson_judges_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
