/* The blast radius: what was done, to whom, what heals, what stays and why; what nothing explains. */
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

#define TENANT "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"
#define ID(n)  "c1d7e7a2-3b55-4a8e-b7be-0000000000" n

enum { LINE_MAX_BYTES = 1 << 16, MINUTE_MS = 60 * 1000 };

static char work_folder[] = "/tmp/unstage-blast-XXXXXX";

static const struct writer staging = { "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10",
	"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com", "SYNC02" };

/* The base is taken in the first minute, the incident is in the tenth, live in the twentieth. */
struct scene {
	struct snapshot *base, *live;
	struct evidence *evidence;
	struct findings *findings;
};

/* ---- making one ------------------------------------------------------------------------- */

struct thing {
	enum kind_id kind;
	bool deleted;
	const char *json;
};

static void add_thing(struct snapshot_writer *writer, const struct thing *thing)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(LINE_MAX_BYTES);

	if (!line_add_object(&line, kind_get(thing->kind), span_of(thing->json), thing->deleted,
		    NULL, 0, &err))
		fail_msg("%s: %s", thing->json, err.text);
	buf_add_byte(&line, '\n');
	if (!snapshot_writer_add(writer, buf_span(&line), &err))
		fail_msg("%s", err.text);
}

static struct snapshot *snapshot_of(
	const struct thing *things, size_t count, const char *name, int64_t minutes)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(work_folder, name);
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	char tenant[] = TENANT, cloud[] = "global", source[] = "graph";
	struct snapshot_header header = { .tenant = tenant,
		.cloud = cloud,
		.source = source,
		.taken_from_ms = minutes * MINUTE_MS };
	struct snapshot *snapshot;

	unlink(path);
	writer = snapshot_writer_open(path, &header, &err);
	assert_non_null(writer);
	for (size_t i = 0; i < count; i++)
		add_thing(writer, &things[i]);
	if (!snapshot_writer_finish(TAKE(writer), minutes * MINUTE_MS + 1, &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	return snapshot;
}

static struct evidence *evidence_of_all(void)
{
	struct evidence_header header = { .tenant = TENANT, .until_ms = 60 * MINUTE_MS };

	return evidence_new(&header);
}

static void did(struct evidence *evidence, enum kind_id kind, const char *id,
	enum fact_operation operation, const char *attribute, const char *old, const char *new)
{
	struct error err = { 0 };
	char reference[128];
	struct fact fact = {
		.when_ms = 10 * MINUTE_MS,
		.source = FROM_AUDIT,
		.who = &staging,
		.kind = kind_get(kind),
		.id = id,
		.operation = operation,
		.old_known = old != NULL,
		.new_known = new != NULL,
		.old_value = span_of(old),
		.new_value = span_of(new),
		.reference = reference,
	};

	snprintf(reference, sizeof(reference), "Directory_%s_%s", id, attribute ? attribute : "");
	fact.attribute = attribute ? attribute_find(fact.kind, span_of(attribute)) : NULL;
	fact.attribute_name = attribute && !fact.attribute ? attribute : NULL;
	if (!evidence_add_fact(evidence, &fact, &err))
		fail_msg("%s", err.text);
}

static const struct blast *reconcile(struct scene *scene)
{
	struct error err = { 0 };
	struct reconcile_options options = { .base = scene->base,
		.live = scene->live,
		.evidence = scene->evidence,
		.staging = "SYNC02" };

	scene->findings = findings_new(&options, &err);
	if (!scene->findings)
		fail_msg("%s", err.text);
	return findings_blast(scene->findings);
}

static void scene_release(struct scene *scene)
{
	findings_free(scene->findings);
	evidence_free(scene->evidence);
	snapshot_close(scene->base);
	snapshot_close(scene->live);
}

#define SYNCED                                                                                     \
	",\"onPremisesSyncEnabled\":true,\"onPremisesImmutableId\":\"aW1t\",\"accountEnabled\":true}"

/* ---- what is counted ---------------------------------------------------------------------- */

static void a_synced_value_heals_and_one_of_the_cloud_stays(void **state UNUSED)
{
	static const struct thing base[] = {
		{ KIND_USER, false, "{\"id\":\"" ID("01") "\",\"department\":\"Sales\"" SYNCED },
		{ KIND_USER, false,
			"{\"id\":\"" ID(
				"02") "\",\"department\":\"Sales\",\"isCloudManaged\":false}" },
		{ KIND_USER, false,
			"{\"id\":\"" ID("03") "\",\"userPrincipalName\":\"a@contoso.com\"" SYNCED },
	};
	static const struct thing live[] = {
		{ KIND_USER, false, "{\"id\":\"" ID("01") "\",\"department\":\"Old\"" SYNCED },
		{ KIND_USER, false,
			"{\"id\":\"" ID(
				"02") "\",\"department\":\"Old\",\"isCloudManaged\":false}" },
		{ KIND_USER, false,
			"{\"id\":\"" ID("03") "\",\"userPrincipalName\":\"b@contoso.com\"" SYNCED },
	};
	CLEANUP(scene_release)
	struct scene scene = { snapshot_of(base, 3, "base", 1), snapshot_of(live, 3, "live", 20),
		evidence_of_all(), NULL };
	const struct blast *blast;

	for (int i = 0; i < 2; i++)
		did(scene.evidence, KIND_USER, i ? ID("02") : ID("01"), FACT_SET, "department",
			"\"Sales\"", "\"Old\"");
	did(scene.evidence, KIND_USER, ID("03"), FACT_SET, "userPrincipalName", "\"a@contoso.com\"",
		"\"b@contoso.com\"");
	blast = reconcile(&scene);
	assert_int_equal(blast->heals, 2);
	assert_int_equal(blast->heals_sign_in, 1);
	assert_int_equal(blast->stays[STAYS_CLOUD], 1);
	assert_int_equal(blast->objects[KIND_USER][DEED_CHANGED], 3);
	assert_int_equal(blast->writes[KIND_USER][DEED_CHANGED], 3);
	assert_int_equal(blast->explained[KIND_USER][DEED_CHANGED], 3);
}

static void a_deleted_person_returns_and_a_deleted_group_does_not(void **state UNUSED)
{
	static const struct thing base[] = {
		{ KIND_USER, false, "{\"id\":\"" ID("01") "\",\"displayName\":\"Ada\"" SYNCED },
		{ KIND_GROUP, false,
			"{\"id\":\"" ID(
				"02") "\",\"displayName\":\"Sales\",\"groupTypes\":[],"
				      "\"mailEnabled\":false,\"onPremisesSyncEnabled\":true}" },
		{ KIND_CONTACT, false,
			"{\"id\":\"" ID("03") "\",\"displayName\":\"Eve\","
					      "\"onPremisesSyncEnabled\":true}" },
	};
	static const struct thing live[] = {
		{ KIND_USER, true, "{\"id\":\"" ID("01") "\",\"displayName\":\"Ada\"" SYNCED },
		{ KIND_GROUP, true,
			"{\"id\":\"" ID(
				"02") "\",\"displayName\":\"Sales\",\"groupTypes\":[],"
				      "\"mailEnabled\":false,\"onPremisesSyncEnabled\":true}" },
	};
	CLEANUP(scene_release)
	struct scene scene = { snapshot_of(base, 3, "base", 1), snapshot_of(live, 2, "live", 20),
		evidence_of_all(), NULL };
	const struct blast *blast;

	did(scene.evidence, KIND_USER, ID("01"), FACT_DELETE, NULL, NULL, NULL);
	did(scene.evidence, KIND_GROUP, ID("02"), FACT_DELETE, NULL, NULL, NULL);
	did(scene.evidence, KIND_CONTACT, ID("03"), FACT_DELETE, NULL, NULL, NULL);
	blast = reconcile(&scene);
	assert_int_equal(blast->heals, 1);
	assert_int_equal(blast->heals_people, 1);
	assert_int_equal(blast->stays[STAYS_DELETED], 1);
	assert_int_equal(blast->stays[STAYS_GONE], 1);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		assert_int_equal(blast->objects[kind][DEED_DELETED], 1);
}

static void what_it_made_stays(void **state UNUSED)
{
	static const struct thing live[] = {
		{ KIND_USER, false, "{\"id\":\"" ID("01") "\",\"displayName\":\"New\"" SYNCED },
	};
	CLEANUP(scene_release)
	struct scene scene = { snapshot_of(NULL, 0, "base", 1), snapshot_of(live, 1, "live", 20),
		evidence_of_all(), NULL };
	const struct blast *blast;

	did(scene.evidence, KIND_USER, ID("01"), FACT_CREATE, NULL, NULL, NULL);
	blast = reconcile(&scene);
	assert_int_equal(blast->heals, 0);
	assert_int_equal(blast->stays[STAYS_MADE], 1);
	assert_int_equal(blast->objects[KIND_USER][DEED_CREATED], 1);
}

static void the_privileged_are_counted_and_named(void **state UNUSED)
{
	static const char *const holders[] = { ID("02"), ID("04") };
	static const struct thing things[] = {
		{ KIND_GROUP, false,
			"{\"id\":\"" ID(
				"01") "\",\"displayName\":\"Tier 0\",\"isAssignableToRole\":true}" },
		{ KIND_USER, false, "{\"id\":\"" ID("02") "\",\"displayName\":\"Ada\"" SYNCED },
		{ KIND_USER, false, "{\"id\":\"" ID("03") "\",\"displayName\":\"Bob\"" SYNCED },
		{ KIND_USER, false, "{\"id\":\"" ID("04") "\",\"displayName\":\"Eve\"" SYNCED },
	};
	CLEANUP(scene_release)
	struct scene scene = { snapshot_of(things, 4, "base", 1),
		snapshot_of(things, 4, "live", 20), evidence_of_all(), NULL };
	const struct blast *blast;

	for (size_t i = 0; i < COUNT_OF(holders); i++) {
		struct evidence_holder holder = { HOLDING_ROLE, holders[i], "role", NULL, NULL };

		evidence_add_holder(scene.evidence, &holder);
	}
	did(scene.evidence, KIND_GROUP, ID("01"), FACT_ADD, "members", NULL, "\"" ID("03") "\"");
	did(scene.evidence, KIND_USER, ID("02"), FACT_SET, "department", "null", "\"Old\"");
	did(scene.evidence, KIND_USER, ID("03"), FACT_SET, "department", "null", "\"Old\"");
	blast = reconcile(&scene);
	assert_int_equal(blast->privileged[PRIVILEGE_ROLE_GROUP], 1);
	assert_int_equal(blast->privileged[PRIVILEGE_ROLE], 1); /* nobody touched Eve */
	assert_int_equal(blast->privileged[PRIVILEGE_RESTRICTED], 0);
	assert_int_equal(blast->privileged_named, 2);
	assert_true(span_is(blast->privileged_names[0], "Tier 0"));
	assert_int_equal(blast->objects[KIND_GROUP][DEED_MEMBERS], 1);
}

static void what_nothing_explains_is_listed_with_the_reason(void **state UNUSED)
{
	static const struct thing things[] = {
		{ KIND_USER, false, "{\"id\":\"" ID("01") "\",\"displayName\":\"Ada\"" SYNCED },
	};
	CLEANUP(scene_release)
	struct scene scene = { snapshot_of(things, 1, "base", 1),
		snapshot_of(things, 1, "live", 20), evidence_of_all(), NULL };
	const struct findings_summary *summary;
	const struct blast *blast;

	did(scene.evidence, KIND_USER, ID("01"), FACT_SET, "StsRefreshTokensValidFrom", NULL, NULL);
	did(scene.evidence, KIND_USER, ID("02"), FACT_SET, "department", "\"a\"", "\"b\"");
	blast = reconcile(&scene);
	summary = findings_summary(scene.findings);
	assert_int_equal(summary->staging_facts, 2);
	assert_int_equal(summary->explained_facts, 0);
	assert_int_equal(blast->writes[KIND_USER][DEED_CHANGED], 2);
	assert_int_equal(blast->explained[KIND_USER][DEED_CHANGED], 0);
	assert_int_equal(blast->unexplained_listed, 2);
	for (size_t i = 0; i < blast->unexplained_listed; i++)
		assert_string_equal(blast->unexplained[i].why,
			span_is(blast->unexplained[i].id, ID("01"))
				? "an attribute that is not followed"
				: "the object is in neither snapshot");
}

static int make_folder(void **state UNUSED)
{
	return mkdtemp(work_folder) ? 0 : -1;
}

static int remove_folder(void **state UNUSED)
{
	static const char *const names[] = { "base", "live" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(memory_freep) char *path = file_path(work_folder, names[i]);

		unlink(path);
	}
	return rmdir(work_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_synced_value_heals_and_one_of_the_cloud_stays),
		cmocka_unit_test(a_deleted_person_returns_and_a_deleted_group_does_not),
		cmocka_unit_test(what_it_made_stays),
		cmocka_unit_test(the_privileged_are_counted_and_named),
		cmocka_unit_test(what_nothing_explains_is_listed_with_the_reason),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
