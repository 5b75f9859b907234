/* The story is the demo's ground: what it damages, what production heals, what is left for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "simulator/story.h"

static const struct simulator_size small_company = { .users = 400, .groups = 60, .contacts = 10 };

static struct simulator *open_company(void)
{
	struct simulator_options options = { .seed = 7, .now_ms = 1772600000000 };
	struct error err = { 0 };
	struct simulator *simulator = simulator_open(&options, &err);

	assert_non_null(simulator);
	if (!simulator_populate(simulator, &small_company, &err))
		fail_msg("%s", err.text);
	return simulator;
}

static void play_to_the_morning(struct simulator *simulator)
{
	struct error err = { 0 };

	if (!simulator_play_day(simulator, &err) || !simulator_play_incident(simulator, &err) ||
		!simulator_play_morning(simulator, &err))
		fail_msg("%s", err.text);
}

static struct simulator_proof prove(struct simulator *simulator)
{
	struct simulator_proof proof;
	struct error err = { 0 };

	if (!simulator_prove(simulator, &proof, &err))
		fail_msg("%s", err.text);
	return proof;
}

static void without_an_incident_nothing_is_damaged(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	struct error err = { 0 };
	struct simulator_proof proof;

	(void)state;
	assert_true(simulator_play_day(simulator, &err));
	proof = prove(simulator);
	assert_int_equal(proof.damaged, 0);
	assert_int_equal(proof.still_damaged, 0);
	assert_true(proof.legitimate > 100);
	assert_int_equal(proof.legitimate_lost, 0);
}

static void day_and_incident_are_played_once_and_say_so(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	struct error err = { 0 };

	(void)state;
	assert_true(simulator_play_day(simulator, &err));
	assert_true(simulator_play_incident(simulator, &err));
	assert_false(simulator_play_incident(simulator, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.text, "export SYNC02"));
	err = (struct error){ 0 };
	assert_false(simulator_play_day(simulator, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
}

static void the_incident_damages_values_and_loses_legitimate_changes(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	struct simulator_proof proof;

	(void)state;
	play_to_the_morning(simulator);
	proof = prove(simulator);
	assert_true(proof.damaged > 200);
	assert_true(proof.still_damaged > 200);
	assert_true(proof.legitimate_lost >= 60);
	assert_true(proof.put_back_people >= 3);
	assert_int_equal(proof.put_back_graph + proof.put_back_sync + proof.put_back_adsync, 0);
}

static void eight_are_deleted_and_six_created_some_in_conflict(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	CLEANUP(id_list_release) struct id_list deleted = { 0 };
	struct error err = { 0 };
	size_t quarantined = 0, four_digits = 0;

	(void)state;
	play_to_the_morning(simulator);
	assert_true(tenant_list(simulator, OBJECT_USER, OBJECT_DELETED, &deleted, &err));
	assert_int_equal(deleted.count, PEOPLE_DELETED_COUNT + 1); /* and the leaver of the day */
	assert_int_equal(cast_count(simulator, CAST_CREATED), CREATED_COUNT);
	for (size_t i = 0; i < CREATED_COUNT; i++) {
		char id[GUID_TEXT_BYTES];
		CLEANUP(json_freep) json_t *object = NULL;

		assert_true(cast_get(simulator, CAST_CREATED, i, id));
		object = tenant_get(simulator, id, NULL, NULL);
		quarantined += json_array_size(
			json_object_get(object, "onPremisesProvisioningErrors"));
		four_digits += strchr(json_text_or_null(object, "userPrincipalName"), '+') != NULL;
	}
	assert_int_equal(quarantined, 4);
	assert_int_equal(four_digits, 2);
}

static void production_heals_what_it_flows_and_nothing_else(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	struct error err = { 0 };
	struct simulator_proof before, after;

	(void)state;
	play_to_the_morning(simulator);
	before = prove(simulator);
	if (!simulator_play_production_cycle(simulator, &err))
		fail_msg("%s", err.text);
	after = prove(simulator);
	assert_true(after.put_back_sync > 150);
	assert_true(after.still_damaged < before.still_damaged);
	/* What was switched to the cloud, and what staging created, is not production's. */
	assert_true(after.still_damaged >= PEOPLE_SWITCHED_COUNT + CREATED_COUNT);
}

static void an_administrator_removes_exactly_the_listed_objects(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	CLEANUP(buf_release) struct buf csv = BUF_UP_TO(4096);
	struct error err = { 0 };
	char path[] = "/tmp/unstage-story-XXXXXX", id[GUID_TEXT_BYTES];
	enum object_state there = OBJECT_LIVE;
	json_t *object;
	int descriptor = mkstemp(path);

	(void)state;
	play_to_the_morning(simulator);
	assert_true(descriptor >= 0);
	close(descriptor);
	assert_true(cast_get(simulator, CAST_CREATED, 0, id));
	buf_addf(&csv, "\"UserPrincipalName\",\"CloudAnchor\"\r\n\"a, \"\"b\"\"\",\"User_%s\"\r\n",
		id);
	assert_true(file_save(path, buf_span(&csv), &err));
	if (!simulator_play_adsync(simulator, path, &err))
		fail_msg("%s", err.text);
	object = tenant_get(simulator, id, NULL, &there);
	json_decref(object);
	assert_int_equal(there, OBJECT_DELETED);
	assert_true(cast_get(simulator, CAST_CREATED, 1, id));
	object = tenant_get(simulator, id, NULL, &there);
	json_decref(object);
	assert_int_equal(there, OBJECT_LIVE);
	unlink(path);
}

static void a_repair_that_writes_something_else_is_no_repair(void **state)
{
	CLEANUP(simulator_closep) struct simulator *simulator = open_company();
	struct error err = { 0 };
	char id[GUID_TEXT_BYTES];
	struct simulator_proof before, after;

	(void)state;
	play_to_the_morning(simulator);
	before = prove(simulator);
	assert_true(cast_get(simulator, CAST_PERSON, PEOPLE_SWITCHED, id));
	assert_true(simulator_play_manual(
		simulator, id, "department", SPAN_LITERAL("\"Anything\""), &err));
	after = prove(simulator);
	assert_int_equal(after.still_damaged, before.still_damaged);
	assert_int_equal(after.put_back_manual, 0);
}

static void the_same_seed_tells_the_same_story(void **state)
{
	CLEANUP(simulator_closep) struct simulator *first = open_company();
	CLEANUP(simulator_closep) struct simulator *second = open_company();
	struct simulator_proof one, two;

	(void)state;
	play_to_the_morning(first);
	play_to_the_morning(second);
	one = prove(first);
	two = prove(second);
	assert_memory_equal(&one, &two, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_incident_nothing_is_damaged),
		cmocka_unit_test(day_and_incident_are_played_once_and_say_so),
		cmocka_unit_test(the_incident_damages_values_and_loses_legitimate_changes),
		cmocka_unit_test(eight_are_deleted_and_six_created_some_in_conflict),
		cmocka_unit_test(production_heals_what_it_flows_and_nothing_else),
		cmocka_unit_test(an_administrator_removes_exactly_the_listed_objects),
		cmocka_unit_test(a_repair_that_writes_something_else_is_no_repair),
		cmocka_unit_test(the_same_seed_tells_the_same_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
