/*
 * Whole chains of delta: whatever the service does to its pages and whatever happens between
 * them, a client that merges as it must ends up with what the lists show.
 */
#include <unistd.h>

#include "tests/simulator/delta_fixture.h"

enum { PEOPLE = 23, CREWS = 5 };

struct company {
	char people[PEOPLE][GUID_TEXT_BYTES], crews[CREWS][GUID_TEXT_BYTES];
};

static void found(struct tenant *tenant, struct company *company)
{
	for (size_t i = 0; i < PEOPLE; i++) {
		char name[32];

		snprintf(name, sizeof(name), "person%zu", i);
		make_user(tenant, name, company->people[i]);
	}
	for (size_t i = 0; i < CREWS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "crew%zu", i);
		make_security_group(tenant, name, company->crews[i]);
		for (size_t j = 0; j <= i * 4; j++)
			hand_link(tenant, company->crews[i], "members", company->people[j], true);
	}
}

/* ---- what the lists say ------------------------------------------------------------------------ */

static json_t *list_all(struct tenant *tenant, const char *path)
{
	json_t *all = json_object();
	char at_path[1024];

	snprintf(at_path, sizeof(at_path), "%s", path);
	while (at_path[0]) {
		CLEANUP(reply_release) struct reply reply = get(tenant, at_path);
		const json_t *value = json_object_get(reply.body, "value");
		const char *next = next_path(&reply);

		assert_int_equal(reply.status, 200);
		for (size_t i = 0; i < json_array_size(value); i++)
			json_object_set(all, json_text_or_null(json_array_get(value, i), "id"),
				json_array_get(value, i));
		snprintf(at_path, sizeof(at_path), "%s", next ? next : "");
	}
	return all;
}

/* Members that are not in deleted items: the list does not show those, delta does. */
static void assert_members(struct mirror *mirror, const char *group, const json_t *kept)
{
	char path[512];
	CLEANUP(json_freep)
	json_t *listed = list_all(
		mirror->tenant, at(path, "/v1.0/groups/{}/members?$select=id", group));
	const char *id;
	json_t *ignored;
	size_t live = 0;

	json_object_foreach((json_t *)kept, id, ignored)
	{
		enum object_state state = OBJECT_GONE;

		json_decref(tenant_get(mirror->tenant->simulator, id, NULL, &state));
		assert_int_not_equal(state, OBJECT_GONE);
		live += state == OBJECT_LIVE;
		assert_true(state == OBJECT_DELETED || json_object_get(listed, id));
	}
	assert_int_equal(live, json_object_size(listed));
}

static void assert_mirrored(struct mirror *mirror, const char *list)
{
	CLEANUP(json_freep) json_t *listed = list_all(mirror->tenant, list);
	const char *id;
	json_t *object;

	assert_int_equal(json_object_size(listed), json_object_size(mirror->objects));
	json_object_foreach(listed, id, object)
	{
		CLEANUP(json_freep) json_t *kept = json_copy(json_object_get(mirror->objects, id));
		CLEANUP(json_freep) json_t *members = json_incref(json_object_get(kept, "members"));

		json_object_del(kept, "members");
		assert_true(json_equal(kept, object));
		if (strstr(list, "/groups"))
			assert_members(mirror, id, members);
	}
}

/* Rounds until one tells nothing: a chain comes to rest. */
static void follow_until_quiet(struct mirror *mirror)
{
	for (unsigned rounds = 0; rounds < 50; rounds++) {
		follow(mirror);
		if (mirror->told == 0)
			return;
	}
	fail_msg("the chain does not come to rest");
}

/* ---- first rounds ------------------------------------------------------------------------------ */

#define USERS         "/v1.0/users/delta?$select=displayName,jobTitle,proxyAddresses"
#define USERS_LISTED  "/v1.0/users?$select=id,displayName,jobTitle,proxyAddresses&$top=7"
#define GROUPS        "/v1.0/groups/delta?$select=displayName,description,members"
#define GROUPS_LISTED "/v1.0/groups?$select=id,displayName,description"

static void a_first_round_equals_the_lists_for_every_kind(void **state UNUSED)
{
	static const char *const kinds[][2] = { { "/v1.0/users/delta", "/v1.0/users?$top=999" },
		{ "/v1.0/groups/delta", "/v1.0/groups?$top=999" },
		{ "/v1.0/contacts/delta", "/v1.0/contacts?$top=999" } };
	const struct simulator_size size = { .users = 450, .groups = 60, .contacts = 20 };
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with((struct simulator_options){ 0 });
	struct error err = { 0 };

	assert_true(simulator_populate(tenant->simulator, &size, &err));
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, kinds[i][0]);

		follow(&mirror);
		assert_mirrored(&mirror, kinds[i][1]);
		assert_int_equal(mirror.told, json_object_size(mirror.objects));
		/* 200 objects to a page, as the service chooses. */
		assert_true(mirror.pages >= json_object_size(mirror.objects) / 200);
	}
}

static void a_big_group_is_told_again_on_the_next_pages_with_more_members(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .delta_members = 5 });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, GROUPS);
	struct company company;
	unsigned times = 0;

	found(tenant, &company);
	follow(&mirror);
	assert_mirrored(&mirror, GROUPS_LISTED);
	for (size_t i = 0; i < json_array_size(mirror.last); i++) {
		const json_t *item = json_array_get(mirror.last, i);

		assert_true(json_array_size(json_object_get(item, "members@delta")) <= 5);
		times += strcmp(json_text_or_null(item, "id"), company.crews[4]) == 0;
	}
	/* 17 members: three pages and a rest, more where it began on a page in use. */
	assert_in_range(times, 4, 5);
}

static void a_big_change_of_members_goes_on_over_pages_too(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .delta_members = 3 });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, GROUPS);
	struct company company;

	found(tenant, &company);
	mirror.minimal = true;
	follow(&mirror);
	for (size_t i = 0; i < 10; i++)
		hand_link(tenant, company.crews[4], "members", company.people[i], false);
	for (size_t i = 0; i < 4; i++)
		hand_link(tenant, company.crews[0], "members", company.people[i + 3], true);
	follow(&mirror);
	assert_mirrored(&mirror, GROUPS_LISTED);
	assert_true(mirror.pages >= 5);
}

/* ---- the tenant lives on ----------------------------------------------------------------------- */

static void between_rounds(struct tenant *tenant, struct company *company)
{
	hand_set(tenant, company->people[0], "jobTitle", "\"Chef\"");
	hand_set(tenant, company->people[1], "displayName", "\"New name\"");
	hand_set(tenant, company->people[2], "proxyAddresses", "[]");
	hand_life(tenant, simulator_hand_delete, company->people[3]);
	hand_life(tenant, simulator_hand_delete, company->people[4]);
	hand_life(tenant, simulator_hand_restore, company->people[4]);
	hand_life(tenant, simulator_hand_purge, company->people[5]);
	hand_link(tenant, company->crews[2], "members", company->people[6], false);
	hand_link(tenant, company->crews[2], "members", company->people[22], true);
	hand_life(tenant, simulator_hand_delete, company->crews[1]);
}

static void after_changes_exactly_these_are_told(void **state)
{
	struct company company;
	CLEANUP(mirror_release) struct mirror users = mirror_of(*state, USERS);
	CLEANUP(mirror_release) struct mirror groups = mirror_of(*state, GROUPS);

	found(*state, &company);
	follow(&users);
	follow(&groups);
	between_rounds(*state, &company);
	follow(&users);
	follow(&groups);
	assert_int_equal(users.told, 6);
	/* The crew that changed, the one that went, and those that the purged person left. */
	assert_int_equal(groups.told, 4);
	assert_mirrored(&users, USERS_LISTED);
	assert_mirrored(&groups, GROUPS_LISTED);
}

/* Changes something before every second request, while a first round is under way. */
struct meddler {
	struct tenant *tenant;
	struct company *company;
	size_t step;
};

static void meddle(void *context, struct simulator *simulator, uint64_t number)
{
	struct meddler *meddler = context;
	struct company *company = meddler->company;
	struct error err = { 0 };
	char id[GUID_TEXT_BYTES], properties[256];
	size_t step;

	if (!company || number % 2 || meddler->step >= PEOPLE - 8)
		return;
	step = meddler->step++;
	snprintf(properties, sizeof(properties),
		"{\"displayName\":\"late%zu\",\"userPrincipalName\":\"late%zu@contoso.com\"}", step,
		step);
	assert_true(simulator_hand_create(simulator, "user", span_of(properties), id, &err));
	assert_true(simulator_hand_link(
		simulator, company->crews[step % CREWS], "members", id, true, &err));
	assert_true(simulator_hand_set(simulator, company->people[step], "displayName",
		SPAN_LITERAL("\"Renamed\""), &err));
	if (step % 3 == 0)
		assert_true(simulator_hand_delete(
			simulator, company->people[PEOPLE - 1 - step / 3], &err));
	assert_true(simulator_hand_link(
		simulator, company->crews[4], "members", company->people[step], false, &err));
}

static void chain_ends_with_the_lists(struct simulator_options options)
{
	struct meddler meddler = { 0 };
	struct company company;
	CLEANUP(tenant_freep) struct tenant *tenant = NULL;

	options.on_request = meddle;
	options.on_request_context = &meddler;
	tenant = tenant_with(options);
	found(tenant, &company);
	meddler.tenant = tenant;
	meddler.company = &company;
	{
		CLEANUP(mirror_release) struct mirror users = mirror_of(tenant, USERS);
		CLEANUP(mirror_release) struct mirror groups = mirror_of(tenant, GROUPS);

		follow(&users);
		follow(&groups);
		assert_int_equal(meddler.step > 4, 1);
		meddler.company = NULL;
		follow_until_quiet(&users);
		follow_until_quiet(&groups);
		assert_mirrored(&users, USERS_LISTED);
		assert_mirrored(&groups, GROUPS_LISTED);
	}
}

static void changes_between_pages_are_neither_lost_nor_doubled(void **state UNUSED)
{
	chain_ends_with_the_lists(
		(struct simulator_options){ .delta_page = 2, .delta_members = 3 });
}

static void empty_pages_end_nothing(void **state UNUSED)
{
	chain_ends_with_the_lists((struct simulator_options){
		.delta_page = 3, .delta_members = 4, .delta_empty_every = 2 });
}

static void replays_change_nothing_for_who_lets_the_last_one_win(void **state UNUSED)
{
	for (unsigned every = 1; every <= 3; every++)
		chain_ends_with_the_lists((struct simulator_options){
			.delta_page = 3, .delta_members = 4, .delta_replay_every = every });
}

static void a_replaying_service_tells_objects_twice_and_in_no_order(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .delta_page = 6, .delta_replay_every = 1 });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, USERS);
	struct company company;
	bool sorted = true;

	found(tenant, &company);
	hand_life(tenant, simulator_hand_delete, company.people[0]);
	follow(&mirror);
	assert_true(mirror.told > PEOPLE);
	for (size_t i = 1; i < json_array_size(mirror.last); i++)
		sorted &= strcmp(json_text_or_null(json_array_get(mirror.last, i - 1), "id"),
				  json_text_or_null(json_array_get(mirror.last, i), "id")) < 0;
	assert_false(sorted);
	/* Who is in deleted items may appear in a first round. */
	assert_told(&mirror, company.people[0], "{\"@removed\":{\"reason\":\"changed\"}}");
	assert_int_equal(json_object_size(mirror.objects), PEOPLE - 1);
}

/* ---- what a read does not see yet -------------------------------------------------------------- */

static void delta_never_passes_a_write_that_reads_do_not_see_yet(void **state UNUSED)
{
	enum { LAG_MS = 300 };
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .lag_ms = LAG_MS });
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(tenant, "/v1.0/users/delta?$select=jobTitle,city");
	char ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES], path[512];
	int64_t written_ms;

	make_user(tenant, "ada", ada);
	make_user(tenant, "bob", bob);
	follow(&mirror);
	{
		CLEANUP(reply_release)
		struct reply reply = call(tenant, "PATCH", at(path, "/v1.0/users/{}", ada),
			"{\"jobTitle\":\"Chef\"}");

		assert_int_equal(reply.status, 204);
	}
	written_ms = time_monotonic_ms();
	hand_set(tenant, bob, "city", "\"Bonn\"");
	follow(&mirror);
	if (time_monotonic_ms() - written_ms < LAG_MS)
		assert_null(told(&mirror, ada));
	while (time_monotonic_ms() - written_ms <= LAG_MS)
		usleep(10000);
	follow(&mirror);
	assert_told(&mirror, ada, "{\"jobTitle\":\"Chef\",\"city\":null}");
	assert_non_null(json_object_get(json_object_get(mirror.objects, bob), "city"));
}

/* ---- other ways in ------------------------------------------------------------------------------ */

static void an_item_of_a_batch_can_be_a_page_of_delta(void **state)
{
	struct tenant *tenant = *state;
	char ada[GUID_TEXT_BYTES];
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(
		tenant, "/v1.0/users/delta?$deltatoken=latest&$select=jobTitle,city");
	char body[2048];

	make_user(tenant, "ada", ada);
	follow(&mirror);
	hand_set(tenant, ada, "jobTitle", "\"Chef\"");
	snprintf(body, sizeof(body),
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"%s\","
		"\"headers\":{\"Prefer\":\"return=minimal\"}}]}",
		mirror.link + strlen("/v1.0"));
	{
		CLEANUP(reply_release)
		struct reply reply = call(tenant, "POST", "/v1.0/$batch", body);
		const json_t *item = json_array_get(json_object_get(reply.body, "responses"), 0);
		const json_t *page = json_object_get(item, "body");
		const char *link = json_text_or_null(page, "@odata.deltaLink");

		assert_string_equal(
			json_text_or_null(json_object_get(item, "headers"), "Preference-Applied"),
			"return=minimal");
		assert_int_equal(
			json_object_size(json_array_get(json_object_get(page, "value"), 0)), 2);
		assert_non_null(link);
		snprintf(mirror.link, sizeof(mirror.link), "%s", link + strlen(TEST_GRAPH));
	}
	follow(&mirror);
	assert_int_equal(mirror.told, 0);
}

static void pages_of_delta_break_as_pages_of_lists_do(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){
		.page_fault = SIMULATOR_PAGE_NO_VALUE, .page_fault_list = "delta" });
	CLEANUP(reply_release) struct reply list = get(tenant, "/v1.0/users");
	CLEANUP(reply_release) struct reply broken = get(tenant, "/v1.0/users/delta");
	CLEANUP(reply_release) struct reply whole = get(tenant, "/v1.0/users/delta");

	assert_non_null(json_object_get(list.body, "value"));
	assert_int_equal(broken.status, 200);
	assert_null(json_object_get(broken.body, "value"));
	assert_non_null(json_object_get(whole.body, "value"));
}

static void a_delta_link_can_lead_to_a_stranger(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .foreign_link_at = 1 });
	CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users/delta");
	const char *link = json_text_or_null(reply.body, "@odata.deltaLink");

	assert_non_null(link);
	assert_memory_equal(link, "https://graph.example.net/", 26);
}

static void a_delta_that_would_never_end_is_refused(void **state UNUSED)
{
	struct error err = { 0 };

	assert_null(simulator_open(&(struct simulator_options){ .delta_empty_every = 1 }, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_round_equals_the_lists_for_every_kind),
		cmocka_unit_test(a_big_group_is_told_again_on_the_next_pages_with_more_members),
		cmocka_unit_test(a_big_change_of_members_goes_on_over_pages_too),
		FRESH(after_changes_exactly_these_are_told),
		cmocka_unit_test(changes_between_pages_are_neither_lost_nor_doubled),
		cmocka_unit_test(empty_pages_end_nothing),
		cmocka_unit_test(replays_change_nothing_for_who_lets_the_last_one_win),
		cmocka_unit_test(a_replaying_service_tells_objects_twice_and_in_no_order),
		cmocka_unit_test(delta_never_passes_a_write_that_reads_do_not_see_yet),
		FRESH(an_item_of_a_batch_can_be_a_page_of_delta),
		cmocka_unit_test(pages_of_delta_break_as_pages_of_lists_do),
		cmocka_unit_test(a_delta_link_can_lead_to_a_stranger),
		cmocka_unit_test(a_delta_that_would_never_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
