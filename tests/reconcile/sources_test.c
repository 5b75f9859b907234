/* Evidence from several sources: servers' files, runs, windows that are covered, two files as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "reconcile/reconcile_internal.h"

enum { TEXT_MAX = 1 << 20 };

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define OTHER  "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e31"
#define ADA    "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"
#define SALES  "a4b8f0c1-77aa-4d2e-9c11-0d9b0f4c2f01"

static const struct writer sync02 = { .server = "SYNC02" };

static struct evidence *evidence_of_tenant(const char *tenant, int64_t from_ms, int64_t until_ms)
{
	struct evidence_header header = {
		.from_ms = from_ms, .until_ms = until_ms, .collected_ms = 5000
	};

	snprintf(header.tenant, sizeof(header.tenant), "%s", tenant);
	return evidence_new(&header);
}

static struct fact fact_of_ada(const char *attribute, const char *value)
{
	const struct kind *kind = kind_find(SPAN_LITERAL("user"));

	return (struct fact){
		.when_ms = 2000,
		.within_ms = 500,
		.source = FROM_STAGING_SPACE,
		.who = &sync02,
		.kind = kind,
		.id = ADA,
		.attribute = attribute_find(kind, span_of(attribute)),
		.operation = FACT_SET,
		.new_known = true,
		.new_value = span_of(value),
		.reference = "sync02.xml CN={6E}",
	};
}

static void add(struct evidence *evidence, const struct fact *fact)
{
	struct error err = { 0 };

	if (!evidence_add_fact(evidence, fact, &err))
		fail_msg("%s", err.text);
}

static struct evidence *full_evidence(void)
{
	struct evidence *evidence = evidence_of_tenant(TENANT, 1000, 3000);
	struct fact fact = fact_of_ada("department", "\"Lab\"");

	add(evidence, &fact);
	fact = fact_of_ada("proxyAddresses", "\"SMTP:ada@contoso.com\"");
	fact.operation = FACT_ADD;
	add(evidence, &fact);
	fact = fact_of_ada("proxyAddresses", "[\"smtp:b@contoso.com\",\"smtp:a@contoso.com\"]");
	fact.operation = FACT_SHOWN;
	fact.source = FROM_PRODUCTION_SPACE;
	add(evidence, &fact);
	fact = fact_of_ada("userPrincipalName", "\"ada@contoso.com\"");
	fact.operation = FACT_NAMED;
	fact.source = FROM_EXPORT_ERROR;
	fact.attribute_name = "AttributeValueMustBeUnique";
	add(evidence, &fact);
	evidence_add_source(evidence,
		&(struct evidence_source){ .source = FROM_STAGING_SPACE,
			.server = "SYNC02",
			.file = "sync02.xml",
			.until_ms = 2500 });
	evidence_add_run(evidence,
		&(struct evidence_run){ .server = "SYNC02",
			.type = "export",
			.cloud = true,
			.number = 17,
			.step = 1,
			.start_ms = 1500,
			.end_ms = 2000,
			.counters = { [RUN_UPDATES] = 412 } });
	return evidence;
}

static struct evidence *read_again(struct evidence *evidence)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	struct evidence *again;

	evidence_add_file(&file, evidence);
	again = evidence_parse(buf_span(&file), "again", &err);
	if (!again)
		fail_msg("%s\n%s", err.text, buf_text(&file));
	return again;
}

static void all_that_sources_tell_is_read_as_it_was_written(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(evidence_freep) struct evidence *again = read_again(evidence);
	const struct evidence_source *sources;
	const struct evidence_run *runs;
	size_t count;

	assert_string_equal(evidence_identity(again), evidence_identity(evidence));
	assert_int_equal(evidence_count(again), 4);
	assert_int_equal(evidence_fact(again, 0)->within_ms, 500);
	sources = evidence_sources(again, &count);
	assert_int_equal(count, 1);
	assert_int_equal(sources[0].source, FROM_STAGING_SPACE);
	assert_string_equal(sources[0].file, "sync02.xml");
	runs = evidence_runs(again, &count);
	assert_int_equal(count, 1);
	assert_int_equal(runs[0].counters[RUN_UPDATES], 412);
	assert_true(runs[0].cloud);
}

static void an_element_is_kept_in_canonical_form(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 0, 0);
	struct fact fact = fact_of_ada("proxyAddresses", " \"SMTP:\\u0061da@contoso.com\" ");

	fact.operation = FACT_ADD;
	add(evidence, &fact);
	assert_string_equal(evidence_fact(evidence, 0)->new_value.data, "\"SMTP:ada@contoso.com\"");
	assert_string_equal(evidence_fact(evidence, 0)->who->name, "SYNC02");
}

static void a_file_of_several_sources_that_is_cut_or_changed_is_refused(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = full_evidence();
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);

	evidence_add_file(&file, evidence);
	for (size_t at = 0; at < file.length; at++) {
		struct error err = { 0 };
		CLEANUP(evidence_freep) struct evidence *again = NULL;

		assert_null(evidence_parse((struct span){ file.data, at }, "cut", &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		file.data[at] ^= 1;
		again = evidence_parse(buf_span(&file), "altered", &err);
		file.data[at] ^= 1;
		if (again)
			assert_string_not_equal(
				evidence_identity(again), evidence_identity(evidence));
	}
}

static void expect_refused(struct fact fact, const char *why)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 0, 0);

	assert_false(evidence_add_fact(evidence, &fact, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, why));
	assert_int_equal(evidence_count(evidence), 0);
}

static void what_can_not_be_is_refused(void **state UNUSED)
{
	struct fact fact = fact_of_ada("department", "\"Lab\"");

	fact.operation = FACT_ADD;
	expect_refused(fact, "not of a relation or set");
	fact.operation = FACT_SHOWN;
	fact.old_known = true;
	expect_refused(fact, "shown");
	fact = fact_of_ada("proxyAddresses", "\"SMTP:ada@contoso.com\"");
	fact.operation = FACT_REMOVE;
	expect_refused(fact, "wrong side");
	fact = fact_of_ada("department", "\"Lab\"");
	fact.id = "ada";
	expect_refused(fact, "not an id");
	fact = fact_of_ada("department", "\"Lab\"");
	fact.within_ms = 2001;
	expect_refused(fact, "1970");
	fact = fact_of_ada("department", "\"Lab");
	expect_refused(fact, "new");
}

/* ---- what is covered ----------------------------------------------------------------- */

static void windows_that_touch_are_one_and_others_are_not(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 1000, 2000);
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	const struct covered *covered;
	size_t count;

	evidence_add_source(evidence,
		&(struct evidence_source){
			.source = FROM_AUDIT, .from_ms = 3000, .until_ms = 4000 });
	covered = evidence_covered(evidence, &count);
	assert_int_equal(count, 2);
	assert_int_equal(covered[1].from_ms, 3000);
	again = read_again(evidence);
	evidence_covered(again, &count);
	assert_int_equal(count, 2);
	evidence_add_source(evidence,
		&(struct evidence_source){
			.source = FROM_AUDIT, .from_ms = 2000, .until_ms = 3000 });
	covered = evidence_covered(evidence, &count);
	assert_int_equal(count, 1);
	assert_int_equal(covered[0].from_ms, 1000);
	assert_int_equal(evidence_header(evidence)->until_ms, 4000);
	evidence_cover_from(evidence, 1500);
	evidence_cover_until(evidence, 4500);
	assert_int_equal(evidence_header(evidence)->from_ms, 1500);
	assert_int_equal(evidence_header(evidence)->until_ms, 4500);
}

static void a_connector_space_covers_nothing(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 0, 0);
	size_t count;

	evidence_add_source(evidence,
		&(struct evidence_source){
			.source = FROM_PRODUCTION_SPACE, .from_ms = 1, .until_ms = 4000 });
	evidence_covered(evidence, &count);
	assert_int_equal(count, 0);
	assert_int_equal(evidence_header(evidence)->until_ms, 0);
}

/* ---- two as one ---------------------------------------------------------------------- */

static void what_is_merged_twice_is_there_once(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 500, 1500);
	CLEANUP(evidence_freep) struct evidence *other = full_evidence();
	size_t count;

	assert_true(evidence_merge(evidence, other, &err));
	assert_true(evidence_merge(evidence, other, &err));
	assert_int_equal(evidence_count(evidence), 4);
	evidence_sources(evidence, &count);
	assert_int_equal(count, 1);
	evidence_runs(evidence, &count);
	assert_int_equal(count, 1);
	assert_int_equal(evidence_header(evidence)->from_ms, 500);
	assert_int_equal(evidence_header(evidence)->until_ms, 3000);
}

static void evidence_of_another_tenant_is_refused(void **state UNUSED)
{
	struct error err = { 0 };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(OTHER, 500, 1500);
	CLEANUP(evidence_freep) struct evidence *other = full_evidence();

	assert_false(evidence_merge(evidence, other, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_int_equal(evidence_count(evidence), 0);
}

static void only_writes_make_an_identity_a_writer(void **state UNUSED)
{
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_of_tenant(TENANT, 0, 0);
	struct fact fact = fact_of_ada("department", "\"Lab\"");
	const struct sync_identity *identities;
	size_t count;

	fact.source = FROM_FORECAST;
	add(evidence, &fact);
	evidence_identities(evidence, &count);
	assert_int_equal(count, 0);
	fact.source = FROM_STAGING_SPACE;
	add(evidence, &fact);
	identities = evidence_identities(evidence, &count);
	assert_int_equal(count, 1);
	assert_int_equal(identities[0].facts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_sources_tell_is_read_as_it_was_written),
		cmocka_unit_test(an_element_is_kept_in_canonical_form),
		cmocka_unit_test(a_file_of_several_sources_that_is_cut_or_changed_is_refused),
		cmocka_unit_test(what_can_not_be_is_refused),
		cmocka_unit_test(windows_that_touch_are_one_and_others_are_not),
		cmocka_unit_test(a_connector_space_covers_nothing),
		cmocka_unit_test(what_is_merged_twice_is_there_once),
		cmocka_unit_test(evidence_of_another_tenant_is_refused),
		cmocka_unit_test(only_writes_make_an_identity_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
