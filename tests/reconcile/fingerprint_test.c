/*
 * A finding is known by what differs: the same difference has the same fingerprint whatever is thought
 * of it, and no other difference has it.
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
#include "base/time.h"
#include "reconcile/reconcile_internal.h"
#include "tests/reconcile/incident.h"

enum { PAGE_MAX = 1 << 20, SEEDS = 20 };

static const char tenant[] = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30";
static char work_folder[] = "/tmp/unstage-fingerprint-XXXXXX";

#define KNOWN(text) ((struct known_value){ true, SPAN_LITERAL(text) })
#define NOTHING     ((struct known_value){ .known = true })
#define NOT_KNOWN   ((struct known_value){ 0 })

static struct finding sample(void)
{
	const struct kind *kind = kind_get(KIND_USER);

	return (struct finding){
		.change = CHANGE_ELEMENT,
		.kind = kind,
		.id = SPAN_LITERAL("c1d7e7a2-3b55-4a8e-b7be-000000000001"),
		.attribute = attribute_find(kind, SPAN_LITERAL("proxyAddresses")),
		.element = SPAN_LITERAL("smtp:a@contoso.com"),
		.base = KNOWN("\"smtp:a@contoso.com\""),
		.live = NOTHING,
		.last_write_ms = TIME_NONE,
		.staging_write_ms = TIME_NONE,
		.reason = "because",
	};
}

static void hex_of(
	char hex[static 2 * FINGERPRINT_BYTES + 1], struct finding finding, const char *of_tenant)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(2 * FINGERPRINT_BYTES);

	finding_mark(&finding, of_tenant);
	buf_add_hex(&text, finding.fingerprint, FINGERPRINT_BYTES);
	snprintf(hex, 2 * FINGERPRINT_BYTES + 1, "%s", buf_text(&text));
}

/* ---- one field at a time ---------------------------------------------------------------- */

static void every_field_of_the_difference_counts(void **state UNUSED)
{
	struct finding all[16];
	char hex[COUNT_OF(all) + 1][2 * FINGERPRINT_BYTES + 1];
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(all); i++)
		all[i] = sample();
	all[1].kind = kind_get(KIND_GROUP);
	all[2].id = SPAN_LITERAL("c1d7e7a2-3b55-4a8e-b7be-000000000002");
	all[3].attribute = attribute_find(all[3].kind, SPAN_LITERAL("otherMails"));
	all[4].attribute = NULL;
	all[5].element = SPAN_LITERAL("smtp:b@contoso.com");
	all[6].element = SPAN_NONE;
	all[7].element = SPAN_LITERAL("");
	all[8].change = CHANGE_VALUE;
	all[9].base = KNOWN("\"smtp:A@contoso.com\"");
	all[10].base = NOTHING;
	all[11].base = NOT_KNOWN;
	all[12].live = KNOWN("\"smtp:a@contoso.com\"");
	all[13].live = NOT_KNOWN;
	all[14].base = NOTHING; /* the other way round */
	all[14].live = sample().base;
	all[15].live = KNOWN("null");
	for (; count < COUNT_OF(all); count++)
		hex_of(hex[count], all[count], tenant);
	hex_of(hex[count++], sample(), "00000000-4a0d-4f3e-9b61-2f8d5c6a1e30");
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			assert_string_not_equal(hex[i], hex[j]);
}

/* What one field loses the next one gains: without lengths these would be the same bytes. */
static void no_field_runs_into_the_next(void **state UNUSED)
{
	struct finding left = sample(), right = sample();
	char a[2 * FINGERPRINT_BYTES + 1], b[2 * FINGERPRINT_BYTES + 1];

	left.base = KNOWN("12");
	left.live = KNOWN("3");
	right.base = KNOWN("1");
	right.live = KNOWN("23");
	hex_of(a, left, tenant);
	hex_of(b, right, tenant);
	assert_string_not_equal(a, b);
}

static void what_is_thought_of_it_does_not_count(void **state UNUSED)
{
	static const struct writer writer = { "id", "name", "server" };
	static const char *const references[] = { "Directory_01" };
	struct finding finding = sample();
	char a[2 * FINGERPRINT_BYTES + 1], b[2 * FINGERPRINT_BYTES + 1];

	hex_of(a, finding, tenant);
	finding.verdict = VERDICT_SUSPECT;
	finding.door = DOOR_SYNC;
	finding.name = SPAN_LITERAL("ada@contoso.com");
	finding.mastery = MASTERY_SYNCED;
	finding.before = finding.base;
	finding.staging = KNOWN("\"smtp:x@contoso.com\"");
	finding.last_writer = &writer;
	finding.last_write_ms = finding.staging_write_ms = 1;
	finding.reason = "another sentence";
	finding.references = references;
	finding.reference_count = 1;
	finding.conflict = true;
	hex_of(b, finding, tenant);
	assert_string_equal(a, b);
}

/* ---- whole comparisons -------------------------------------------------------------------- */

static bool copy_object(void *context, struct span lines, struct error *err)
{
	return snapshot_writer_add(context, lines, err);
}

/* The same objects, seen at another time: another snapshot of the same values. */
static struct snapshot *seen_earlier(struct snapshot *snapshot)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(work_folder, "earlier");
	struct snapshot_header header = *snapshot_header(snapshot);
	struct snapshot_writer *writer;
	struct snapshot *copy;

	header.taken_from_ms -= 3600000;
	const struct snapshot_extensions *asked = &snapshot_header(snapshot)->extensions[KIND_USER];

	writer = snapshot_writer_open(path, &header, &err);
	if (!writer ||
		!snapshot_writer_set_extensions(writer, KIND_USER, asked->at, asked->count, &err) ||
		!snapshot_each(snapshot, copy_object, writer, &err) ||
		!snapshot_writer_finish(writer, header.taken_from_ms + 1000, &err))
		fail_msg("%s", err.text);
	copy = snapshot_open(path, &err);
	if (!copy)
		fail_msg("%s", err.text);
	unlink(path);
	return copy;
}

static void the_same_difference_is_known_again_from_another_base_and_with_evidence(
	void **state UNUSED)
{
	size_t compared = 0, judged = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
		CLEANUP(findings_freep) struct findings *first = NULL;
		CLEANUP(findings_freep) struct findings *second = NULL;
		CLEANUP(findings_freep) struct findings *third = NULL;
		CLEANUP(snapshot_closep) struct snapshot *earlier = NULL;
		CLEANUP(evidence_freep) struct evidence *evidence = NULL;
		struct reconcile_options options;
		struct error err = { 0 };

		incident_live_through(incident, seed, (struct manner){ 0 }, work_folder);
		earlier = seen_earlier(incident->base);
		options = (struct reconcile_options){ .base = incident->base,
			.live = incident->live };
		first = findings_new(&options, &err);
		options.base = earlier;
		second = findings_new(&options, &err);
		assert_non_null(first);
		assert_non_null(second);
		assert_string_not_equal(
			snapshot_identity(incident->base), snapshot_identity(earlier));
		assert_int_equal(findings_count(first), findings_count(second));
		for (size_t i = 0; i < findings_count(first); i++, compared++)
			assert_memory_equal(findings_get(first, i)->fingerprint,
				findings_get(second, i)->fingerprint, FINGERPRINT_BYTES);
		options.evidence = evidence = incident_evidence(incident,
			&(struct window){ incident->began_ms, incident->now_ms }, 1, false);
		options.base = incident->base;
		options.staging = "SYNC02";
		third = findings_new(&options, &err);
		for (size_t i = 0; third && i < findings_count(third); i++)
			for (size_t j = 0; j < findings_count(first); j++)
				judged += findings_get(first, j)->verdict !=
						findings_get(third, i)->verdict &&
					memcmp(findings_get(third, i)->fingerprint,
						findings_get(first, j)->fingerprint,
						FINGERPRINT_BYTES) == 0;
		incident_release(incident);
	}
	assert_true(compared > SEEDS);
	assert_true(judged > SEEDS); /* drift without evidence, something else with it */
}

/* ---- the page --------------------------------------------------------------------------------- */

static void read_value(
	const json_t *line, const char *key, struct buf *text, struct known_value *value)
{
	const json_t *json = json_object_get(line, key);

	*value = (struct known_value){ .known = json != NULL };
	if (json && !json_is_null(json)) {
		json_add(text, json);
		value->value = buf_span(text);
	}
}

static enum change change_of(const char *name)
{
	enum change change = CHANGE_VALUE;

	while (change < CHANGE_PURGED && strcmp(change_name(change), name) != 0)
		change++;
	assert_string_equal(change_name(change), name);
	return change;
}

static void check_vector(const char *of_tenant, const json_t *line)
{
	CLEANUP(buf_release) struct buf base = BUF_UP_TO(PAGE_MAX);
	CLEANUP(buf_release) struct buf live = BUF_UP_TO(PAGE_MAX);
	const struct kind *kind = kind_find(span_of(json_text_or_null(line, "kind")));
	const char *attribute = json_text_or_null(line, "attribute");
	struct finding finding = { .kind = kind,
		.id = span_of(json_text_or_null(line, "id")),
		.attribute = attribute ? attribute_find(kind, span_of(attribute)) : NULL,
		.element = span_of(json_text_or_null(line, "element")),
		.change = change_of(json_text_or_null(line, "change")) };
	char hex[2 * FINGERPRINT_BYTES + 1];

	read_value(line, "base", &base, &finding.base);
	read_value(line, "live", &live, &finding.live);
	hex_of(hex, finding, of_tenant);
	assert_string_equal(hex, json_text_or_null(line, "fingerprint"));
}

static json_t *next_line(const char **at)
{
	struct error err = { 0 };
	const char *end = strchr(*at, '\n');
	json_t *line;

	assert_non_null(end);
	line = json_parse((struct span){ *at, (size_t)(end - *at) }, PAGE_MAX, &err);
	if (!line)
		fail_msg("%s", err.text);
	*at = end + 1;
	return line;
}

static void the_vectors_of_the_page_are_true(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(PAGE_MAX);
	CLEANUP(json_freep) json_t *header = NULL;
	struct error err = { 0 };
	const char *at;
	json_int_t count = 0;

	assert_true(file_load(TEST_SOURCE "/docs/FORMAT-findings.md", PAGE_MAX, &page, &err));
	at = strstr(buf_text(&page), "```jsonl\n");
	assert_non_null(at);
	at = strchr(at, '\n') + 1;
	header = next_line(&at);
	assert_string_equal(json_text_or_null(header, "format"), FINDINGS_FORMAT);
	for (bool end = false; !end;) {
		CLEANUP(json_freep) json_t *line = next_line(&at);

		end = json_is_true(json_object_get(line, "end"));
		if (end) {
			assert_int_equal(
				json_integer_value(json_object_get(line, "findings")), count);
			continue;
		}
		check_vector(json_text_or_null(header, "tenant"), line);
		count++;
	}
	assert_int_equal(count, 4);
}

static int make_work_folder(void **state UNUSED)
{
	return mkdtemp(work_folder) ? 0 : -1;
}

static int remove_work_folder(void **state UNUSED)
{
	return rmdir(work_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_the_difference_counts),
		cmocka_unit_test(no_field_runs_into_the_next),
		cmocka_unit_test(what_is_thought_of_it_does_not_count),
		cmocka_unit_test(
			the_same_difference_is_known_again_from_another_base_and_with_evidence),
		cmocka_unit_test(the_vectors_of_the_page_are_true),
	};

	return cmocka_run_group_tests(tests, make_work_folder, remove_work_folder);
}
