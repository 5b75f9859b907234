/*
 * Loading reads line by line and mostly at a glance. What it takes and what it refuses is what the long way
 * says: every line through jansson, everything settled, all of it written once more and compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "reconcile/evidence_internal.h"

enum { FILE_MAX = 4 << 20, MUTATIONS = 20000, MANY = 3000 };

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"
#define SALES  "a4b8f0c1-77aa-4d2e-9c11-0d9b0f4c2f01"

/* ---- evidence with everything that a line may say ---------------------------------------- */

static const char *const samples[] = {
	"{\"attribute\":\"department\",\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":\"Lab\",\"old\":null,"
	"\"operation\":\"set\",\"reference\":\"Directory_01\",\"source\":\"audit\","
	"\"when\":\"2026-03-04T02:17:41.551Z\",\"who\":{\"id\":\"0f7c9a54\",\"name\":\"Sync_SYNC02_7be1c04d9a31@c.com\","
	"\"server\":\"SYNC02\"}}",
	"{\"attribute\":\"proxyAddresses\",\"id\":\"" ADA "\",\"kind\":\"user\","
	"\"new\":[\"SMTP:ada@c.com\",\"smtp:a@c.com\"],\"old\":[\"SMTP:ada@c.com\"],\"operation\":\"set\","
	"\"reference\":\"Directory_01\",\"source\":\"audit\",\"when\":\"2026-03-04T02:17:41.551Z\","
	"\"who\":{\"id\":\"0f7c9a54\",\"name\":\"Sync_SYNC02_7be1c04d9a31@c.com\",\"server\":\"SYNC02\"}}",
	"{\"attribute\":\"displayName\",\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":\"Ada \\\"L\\\"\","
	"\"operation\":\"set\",\"reference\":\"Directory_02\",\"source\":\"audit\",\"when\":\"2026-03-04T02:17:42Z\","
	"\"who\":{\"id\":\"\",\"name\":\"M\xc3\xbcller\\\\ops\"}}",
	"{\"attribute\":\"department\",\"earliest\":\"2026-03-04T02:17:30Z\",\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":\"Lab\",\"operation\":\"set\",\"reference\":\"all.xml CN={6E69}\","
	"\"source\":\"staging-space\",\"when\":\"2026-03-04T02:17:43Z\",\"who\":{\"id\":\"\",\"name\":\"SYNC02\","
	"\"server\":\"SYNC02\"}}",
	"{\"attribute\":\"accountEnabled\",\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":false,\"old\":true,"
	"\"operation\":\"set\",\"reference\":\"Directory_03\",\"source\":\"audit\",\"when\":\"2026-03-04T03:00:00Z\","
	"\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
	"{\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":{\"a\":1.5,\"b\":[1,null]},\"operation\":\"set\","
	"\"recorded\":\"Oddity\",\"reference\":\"Directory_04\",\"source\":\"audit\","
	"\"when\":\"2026-03-04T03:00:01Z\",\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
	"{\"id\":\"" ADA
	"\",\"kind\":\"user\",\"operation\":\"named\",\"recorded\":\"Reset user password\","
	"\"reference\":\"Directory_05\",\"source\":\"audit\",\"when\":\"2026-03-04T03:00:02Z\","
	"\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
	"{\"attribute\":\"members\",\"id\":\"" SALES "\",\"kind\":\"group\",\"new\":\"" ADA
	"\",\"operation\":\"add\",\"recorded\":\"members\",\"reference\":\"Directory_06\",\"source\":\"audit\","
	"\"when\":\"2026-03-04T03:00:03Z\",\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
	"{\"attribute\":\"members\",\"id\":\"" SALES "\",\"kind\":\"group\",\"old\":\"" ADA
	"\",\"operation\":\"remove\",\"recorded\":\"members\",\"reference\":\"Directory_07\",\"source\":\"audit\","
	"\"when\":\"2026-03-04T03:00:03Z\",\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
	"{\"attribute\":\"displayName\",\"id\":\"" ADA
	"\",\"kind\":\"user\",\"new\":\"Ada\",\"operation\":\"shown\","
	"\"reference\":\"prod.xml CN={6E69}\",\"source\":\"production-space\",\"when\":\"2026-03-04T04:00:00Z\","
	"\"who\":{\"id\":\"\",\"name\":\"SYNC01\",\"server\":\"SYNC01\"}}",
	"{\"id\":\"" ADA
	"\",\"kind\":\"user\",\"operation\":\"delete\",\"reference\":\"Directory_08\","
	"\"source\":\"audit\",\"when\":\"2026-03-04T05:00:00.001Z\",\"who\":{\"id\":\"h\",\"name\":\"help@c.com\"}}",
};

static json_t *parsed(const char *text)
{
	struct error err = { 0 };
	json_t *json = json_parse(span_of(text), FILE_MAX, &err);

	if (!json)
		fail_msg("%s", err.text);
	return json;
}

static struct evidence *sample_evidence(void)
{
	struct evidence_header header = {
		.tenant = TENANT, .from_ms = 1000, .until_ms = 5000, .collected_ms = 6000
	};
	struct evidence_source source = { .source = FROM_STAGING_SPACE,
		.server = "SYNC02",
		.file = "all.xml",
		.until_ms = 5000 };
	struct evidence_run run = { .server = "SYNC02",
		.cloud = true,
		.type = "export",
		.number = 17,
		.step = 1,
		.start_ms = 2000,
		.counters = { [RUN_UPDATES] = 3 } };
	struct evidence *evidence = evidence_new(&header);
	struct error err = { 0 };

	evidence_add_source(evidence, &source);
	evidence_add_run(evidence, &run);
	evidence_set_list(evidence, HOLDERS_OF_ROLES, LIST_READ, NULL);
	evidence_set_list(evidence, HOLDERS_OF_SYNC, LIST_NOT_READ, "403 \"denied\"");
	evidence_add_holder(
		evidence, &(struct evidence_holder){ HOLDING_SYNC_ROLE, ADA, SALES, NULL, "Sync" });
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		CLEANUP(json_freep) json_t *line = parsed(samples[i]);

		if (!evidence_read_line(evidence, line, &err))
			fail_msg("%s: %s", samples[i], err.text);
	}
	return evidence;
}

/* ---- the long way -------------------------------------------------------------------------- */

static json_t *next_object(struct span *rest)
{
	struct error unsaid = { 0 };
	const char *newline = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
	struct span line = *rest;
	json_t *json;

	if (!newline)
		return NULL;
	line.length = (size_t)(newline - line.data);
	rest->data += line.length + 1;
	rest->length -= line.length + 1;
	json = json_parse(line, EVIDENCE_LINE_MAX, &unsaid);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static struct evidence *read_header(struct span *rest)
{
	struct error unsaid = { 0 };
	CLEANUP(json_freep) json_t *line = next_object(rest);
	CLEANUP(evidence_freep)
	struct evidence *evidence = line ? evidence_read_header(line, &unsaid) : NULL;

	return evidence && evidence_read_sources(evidence, line, &unsaid) ? TAKE(evidence) : NULL;
}

static bool is_as_written(struct evidence *evidence, struct span bytes)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(FILE_MAX);

	evidence_add_file(&again, evidence);
	return span_equal(buf_span(&again), bytes);
}

/* NULL: refused. */
static struct evidence *read_the_long_way(struct span bytes)
{
	struct span rest = bytes;
	CLEANUP(evidence_freep) struct evidence *evidence = read_header(&rest);

	while (evidence) {
		struct error unsaid = { 0 };
		CLEANUP(json_freep) json_t *line = next_object(&rest);

		if (line && json_object_get(line, "end"))
			return is_as_written(evidence, bytes) ? TAKE(evidence) : NULL;
		if (!line || !evidence_read_line(evidence, line, &unsaid))
			return NULL;
	}
	return NULL;
}

/* True where both took it. */
static bool expect_the_same(struct span bytes)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *expected = read_the_long_way(bytes);
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_parse(bytes, "file", &err);
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(FILE_MAX);

	if (!expected != !evidence)
		fail_msg("%s:\n%.*s", evidence ? "taken, against the long way" : err.text,
			SPAN_FORMAT(bytes));
	if (!evidence) {
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_non_null(strstr(err.text, "file: line "));
		return false;
	}
	evidence_add_file(&again, evidence);
	assert_true(span_equal(buf_span(&again), bytes));
	assert_int_equal(evidence_records(evidence), evidence_records(expected));
	assert_string_equal(evidence_identity(evidence), evidence_identity(expected));
	return true;
}

/* ---- mutations ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static const char *const pieces[] = { "", "\"", "\\", "\\u0041", "\\u0000", "\\ud800", "{", "}",
	"[", "]", ",", ":", "null", "true", "1", "1.50", "1e3", "-0", " ", "\n", "\t", "\x80",
	"\xc3\xbc", "a", "A", "\"old\":\"x\",", "\"new\":null,", "\"zz\":1,", "\"x\"", "[]",
	"[null]", "[1]", "{}" };

/* Puts `piece` in place of `length` bytes. */
static void put(struct buf *out, struct span text, size_t at, size_t length, const char *piece)
{
	buf_cut(out, 0);
	buf_add(out, text.data, at);
	buf_add_text(out, piece);
	buf_add(out, text.data + at + length, text.length - at - length);
}

static struct span line_at(struct span text, size_t at)
{
	const char *begin = at ? memrchr(text.data, '\n', at) : NULL;
	const char *end = memchr(text.data + at, '\n', text.length - at);

	begin = begin ? begin + 1 : text.data;
	end = end ? end + 1 : text.data + text.length;
	return begin < end ? (struct span){ begin, (size_t)(end - begin) }
			   : (struct span){ end, 0 };
}

/* A line twice, or behind another one. */
static void move_line(struct buf *out, struct span text, size_t from, size_t to, bool twice)
{
	struct span line = line_at(text, from), other = line_at(text, to);
	const char *behind = other.data + other.length;

	buf_cut(out, 0);
	for (const char *at = text.data; at < text.data + text.length; at++) {
		if (at == behind)
			buf_add_span(out, line);
		if (twice || at < line.data || at >= line.data + line.length)
			buf_add_byte(out, *at);
	}
}

static void mutate(struct buf *out, struct span text, uint64_t random)
{
	size_t at = mix(random) % text.length, left = text.length - at;
	const char *piece = pieces[mix(random + 1) % COUNT_OF(pieces)];
	const char *colon;

	switch (mix(random + 2) % 5) {
	case 0:
		put(out, text, at, 0, piece);
		return;
	case 1:
		put(out, text, at, 1 + mix(random + 3) % (left < 8 ? left : 8), piece);
		return;
	case 2: /* one digit or letter for another: values that are other values */
		put(out, text, at, 1, (char[]){ (char)(text.data[at] ^ 1), 0 });
		return;
	case 3: /* another value for a member */
		colon = memchr(text.data + at, ':', left);
		if (colon && colon[1] == '"') {
			const char *end = strchr(colon + 2, '"');

			put(out, text, (size_t)(colon + 1 - text.data), (size_t)(end - colon),
				piece);
			return;
		}
		put(out, text, at, 1, piece);
		return;
	default:
		move_line(out, text, at, mix(random + 3) % text.length, random % 2);
	}
}

static void loading_takes_and_refuses_what_the_long_way_does(void **state)
{
	CLEANUP(evidence_freep) struct evidence *evidence = sample_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf mutated = BUF_UP_TO(FILE_MAX);
	size_t taken = 0;

	(void)state;
	evidence_add_file(&file, evidence);
	assert_true(expect_the_same(buf_span(&file)));
	for (uint64_t i = 0; i < MUTATIONS; i++) {
		mutate(&mutated, buf_span(&file), i * 16);
		taken += expect_the_same(buf_span(&mutated));
	}
	/* Some mutations leave good evidence, or nothing was compared. */
	assert_in_range(taken, MUTATIONS / 100, MUTATIONS / 2);
}

/* ---- at a glance ---------------------------------------------------------------------------- */

static void a_glance_takes_plain_lines_and_leaves_the_others(void **state)
{
	struct evidence_header header = { .tenant = TENANT };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	struct glance_reader *reader = glance_reader_new(evidence);
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		bool unusual = strchr(samples[i], '\\') || strstr(samples[i], "{\"a\"");

		if (glance_reader_take(reader, span_of(samples[i])) == unusual)
			fail_msg("%s", samples[i]);
		taken += !unusual;
		assert_int_equal(evidence->count, taken);
	}
	glance_reader_free(reader);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Larger than what is read at once, with one line that is, too. */
static struct evidence *large_evidence(void)
{
	struct evidence *evidence = sample_evidence();
	CLEANUP(memory_freep) char *name = memory_new(600000 + 3);
	struct error err = { 0 };
	struct fact fact = { .when_ms = 1000,
		.kind = kind_get(KIND_USER),
		.id = ADA,
		.source = FROM_AUDIT,
		.operation = FACT_SET,
		.new_known = true,
		.who = &(struct writer){ .id = "h", .name = "help@c.com" },
		.reference = "r" };

	memset(name, 'x', 600000 + 2);
	name[0] = name[600000 + 1] = '"';
	fact.attribute = attribute_find(fact.kind, SPAN_LITERAL("displayName"));
	for (size_t i = 0; i < MANY; i++) {
		fact.when_ms++;
		fact.new_value = i == MANY / 2 ? span_of(name) : SPAN_LITERAL("\"Ada\"");
		if (!evidence_add_fact(evidence, &fact, &err))
			fail_msg("%s", err.text);
	}
	return evidence;
}

static void a_file_is_read_in_pieces_as_if_it_were_whole(void **state)
{
	char path[] = "/tmp/unstage-evidence-XXXXXX";
	int descriptor = mkstemp(path);
	CLEANUP(evidence_freep) struct evidence *evidence = large_evidence();
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	struct error err = { 0 };

	(void)state;
	close(descriptor);
	if (!evidence_save(evidence, path, &err) || !(again = evidence_load(path, &err)))
		fail_msg("%s", err.text);
	assert_string_equal(evidence_identity(again), evidence_identity(evidence));
	assert_int_equal(evidence_count(again), evidence_count(evidence));
	evidence_add_file(&file, again);
	assert_true(is_as_written(evidence, buf_span(&file)));
	unlink(path);
}

static void expect_refused(struct span text, const char *place)
{
	struct error err = { 0 };

	assert_null(evidence_parse(text, "file", &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	if (!strstr(err.text, place))
		fail_msg("%s: %s was expected", err.text, place);
}

static void what_is_not_as_it_is_written_is_told_with_line_and_byte(void **state)
{
	CLEANUP(evidence_freep) struct evidence *evidence = sample_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FILE_MAX);
	CLEANUP(buf_release) struct buf other = BUF_UP_TO(FILE_MAX);
	char place[64];
	struct span text;
	size_t fact, blank, end;

	(void)state;
	evidence_add_file(&file, evidence);
	text = buf_span(&file);
	fact = (size_t)(strstr(text.data, "{\"attribute\"") - text.data);
	blank = fact + strlen("{\"attribute\":");
	put(&other, text, blank, 0, " ");
	snprintf(place, sizeof(place), "file: line 6 (byte %zu): not as it is written", blank);
	expect_refused(buf_span(&other), place);

	move_line(&other, text, fact, fact, true);
	snprintf(place, sizeof(place), "file: line 7 (byte %zu): not as it is written",
		fact + line_at(text, fact).length);
	expect_refused(buf_span(&other), place);

	end = (size_t)(strstr(text.data, "\"facts\":11") - text.data) + strlen("\"facts\":");
	put(&other, text, end, 2, "12");
	snprintf(place, sizeof(place), "file: line 17 (byte %zu): not as it is written", end + 1);
	expect_refused(buf_span(&other), place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loading_takes_and_refuses_what_the_long_way_does),
		cmocka_unit_test(a_glance_takes_plain_lines_and_leaves_the_others),
		cmocka_unit_test(a_file_is_read_in_pieces_as_if_it_were_whole),
		cmocka_unit_test(what_is_not_as_it_is_written_is_told_with_line_and_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
