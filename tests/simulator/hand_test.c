/* Playing by hand, and the moment for it: before a request is handled. */
#include "tests/simulator/tenant_fixture.h"

static void objects_live_and_die_by_hand(void **state)
{
	struct tenant *tenant = *state;
	struct simulator *simulator = tenant->simulator;
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], crew[GUID_TEXT_BYTES], found[GUID_TEXT_BYTES];

	assert_true(simulator_hand_create(simulator, "user",
		SPAN_LITERAL("{\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@contoso.com\"}"),
		ada, &err));
	assert_true(simulator_hand_create(simulator, "group",
		SPAN_LITERAL("{\"displayName\":\"Crew\",\"securityEnabled\":true}"), crew, &err));
	assert_true(simulator_hand_pick(simulator, "user", 0, found));
	assert_string_equal(found, ada);
	assert_false(simulator_hand_pick(simulator, "user", 1, found));
	assert_true(simulator_hand_set(
		simulator, ada, "displayName", SPAN_LITERAL("\"Ada L.\""), &err));
	assert_stored(tenant, ada, "displayName", "\"Ada L.\"");
	assert_true(simulator_hand_link(simulator, crew, "members", ada, true, &err));
	assert_true(tenant_has_reference(simulator, crew, RELATION_MEMBERS, ada));
	assert_true(simulator_hand_link(simulator, crew, "members", ada, false, &err));
	assert_false(tenant_has_reference(simulator, crew, RELATION_MEMBERS, ada));
	assert_true(simulator_hand_delete(simulator, ada, &err));
	assert_false(simulator_hand_pick(simulator, "user", 0, found));
	assert_true(simulator_hand_restore(simulator, ada, &err));
	assert_true(simulator_hand_purge(simulator, ada, &err));
	assert_null(tenant_get(simulator, ada, NULL, NULL));
}

static void what_cannot_be_done_by_hand_is_said(void **state)
{
	struct tenant *tenant = *state;
	struct simulator *simulator = tenant->simulator;
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], id[GUID_TEXT_BYTES];

	make_user(tenant, "ada", ada);
	assert_false(simulator_hand_create(simulator, "printer", SPAN_LITERAL("{}"), id, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	err = (struct error){ 0 };
	assert_false(simulator_hand_set(simulator, ada, "city", SPAN_LITERAL("{"), &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	err = (struct error){ 0 };
	assert_false(simulator_hand_link(simulator, ada, "friends", ada, true, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	err = (struct error){ 0 };
	assert_false(simulator_hand_restore(simulator, ada, &err));
	assert_int_equal(err.kind, ERROR_STALE);
	err = (struct error){ 0 };
	assert_false(simulator_hand_create(simulator, "user",
		SPAN_LITERAL("{\"userPrincipalName\":\"ADA@contoso.com\"}"), id, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

struct watcher {
	uint64_t numbers[8];
	size_t count;
	const char *renamed;
};

static void watch(void *context, struct simulator *simulator, uint64_t number)
{
	struct watcher *watcher = context;
	struct error err = { 0 };

	assert_true(watcher->count < COUNT_OF(watcher->numbers));
	watcher->numbers[watcher->count++] = number;
	if (watcher->renamed)
		assert_true(simulator_hand_set(simulator, watcher->renamed, "displayName",
			SPAN_LITERAL("\"Renamed\""), &err));
}

static void the_moment_before_a_request_is_one_to_play_by_hand(void **state UNUSED)
{
	struct watcher watcher = { 0 };
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .on_request = watch, .on_request_context = &watcher });
	char ada[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", ada);
	watcher.renamed = ada;
	{
		CLEANUP(reply_release)
		struct reply reply = get(tenant, at(path, "/v1.0/users/{}", ada));
		CLEANUP(reply_release) struct reply lost = get(tenant, "/nowhere");

		assert_string_equal(json_text_or_null(reply.body, "displayName"), "Renamed");
		assert_int_equal(lost.status, 404);
	}
	/* The first was for the token. */
	assert_int_equal(watcher.count, 3);
	for (size_t i = 0; i < watcher.count; i++)
		assert_int_equal(watcher.numbers[i], i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(objects_live_and_die_by_hand),
		FRESH(what_cannot_be_done_by_hand_is_said),
		cmocka_unit_test(the_moment_before_a_request_is_one_to_play_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
