/*
 * Objects that appear as new to a client who knows them already: restored ones, and those that a
 * first round told although they were made while it was under way. What such an object lost must
 * be told all the same, else it stays with who merges as contract 2.9 asks.
 */
#include "tests/simulator/delta_fixture.h"

#define GROUPS "/v1.0/groups/delta?$select=displayName,members"
/* Behind every id that the seed makes: a round that goes by id comes to it last. */
#define LAST_ID "ffffffff-ffff-4fff-bfff-ffffffffffff"

static bool is_kept(
	const struct mirror *mirror, const char *id, const char *relation, const char *target)
{
	const json_t *object = json_object_get(mirror->objects, id);

	return json_object_get(json_object_get(object, relation), target) != NULL;
}

static void delete_and_restore(struct tenant *tenant, const char *id)
{
	hand_life(tenant, simulator_hand_delete, id);
	hand_life(tenant, simulator_hand_restore, id);
}

static void who_left_a_group_before_it_was_restored_is_told_to_have_left(void **state)
{
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(*state, GROUPS);
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES], bob[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_user(*state, "bob", bob);
	make_security_group(*state, "crew", crew);
	hand_link(*state, crew, "members", ada, true);
	hand_link(*state, crew, "members", bob, true);
	follow(&mirror);
	hand_link(*state, crew, "members", ada, false);
	delete_and_restore(*state, crew);
	follow(&mirror);
	assert_false(is_kept(&mirror, crew, "members", ada));
	assert_true(is_kept(&mirror, crew, "members", bob));
}

static void who_was_purged_while_the_group_lay_deleted_is_told_to_have_left(void **state)
{
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(*state, GROUPS);
	char crew[GUID_TEXT_BYTES], ada[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_security_group(*state, "crew", crew);
	hand_link(*state, crew, "members", ada, true);
	follow(&mirror);
	hand_life(*state, simulator_hand_delete, crew);
	hand_life(*state, simulator_hand_purge, ada);
	hand_life(*state, simulator_hand_restore, crew);
	follow(&mirror);
	assert_false(is_kept(&mirror, crew, "members", ada));
}

/* The first round told the group with its member; the next one looks back behind its creation. */
static void who_left_a_group_that_was_made_during_the_first_round_is_told_to_have_left(
	void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .delta_page = 1 });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, GROUPS);
	char ada[GUID_TEXT_BYTES], id[GUID_TEXT_BYTES];

	make_user(tenant, "ada", ada);
	make_security_group(tenant, "one", id);
	make_security_group(tenant, "two", id);
	assert_true(follow_page(&mirror));
	make(tenant, OBJECT_GROUP,
		"{\"id\":\"" LAST_ID "\",\"displayName\":\"late\",\"securityEnabled\":true}", id);
	hand_link(tenant, LAST_ID, "members", ada, true);
	follow(&mirror);
	assert_true(is_kept(&mirror, LAST_ID, "members", ada));
	hand_link(tenant, LAST_ID, "members", ada, false);
	follow(&mirror);
	assert_false(is_kept(&mirror, LAST_ID, "members", ada));
}

static void many_who_left_a_renewed_group_go_on_over_pages(void **state UNUSED)
{
	enum { MEMBERS = 7 };
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .delta_members = 2 });
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(tenant, GROUPS);
	char crew[GUID_TEXT_BYTES], people[MEMBERS][GUID_TEXT_BYTES];

	make_security_group(tenant, "crew", crew);
	for (size_t i = 0; i < MEMBERS; i++) {
		make_user(tenant, (char[]){ (char)('a' + i), '\0' }, people[i]);
		hand_link(tenant, crew, "members", people[i], true);
	}
	follow(&mirror);
	for (size_t i = 0; i < MEMBERS; i += 2)
		hand_link(tenant, crew, "members", people[i], false);
	delete_and_restore(tenant, crew);
	follow(&mirror);
	assert_int_equal(mirror.pages, 4);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(is_kept(&mirror, crew, "members", people[i]), i % 2);
}

static void a_manager_who_went_before_the_restore_is_told_to_have_gone(void **state)
{
	CLEANUP(mirror_release)
	struct mirror mirror = mirror_of(*state, "/v1.0/users/delta?$select=manager");
	char ada[GUID_TEXT_BYTES], boss[GUID_TEXT_BYTES], other[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_user(*state, "boss", boss);
	make_user(*state, "other", other);
	hand_link(*state, ada, "manager", boss, true);
	follow(&mirror);
	hand_link(*state, ada, "manager", other, true);
	delete_and_restore(*state, ada);
	follow(&mirror);
	assert_false(is_kept(&mirror, ada, "manager", boss));
	assert_true(is_kept(&mirror, ada, "manager", other));
}

static void an_extension_that_was_reset_before_the_restore_is_told_as_null(void **state)
{
	static const char name[] = "extension_0123456789abcdef0123456789abcdef_shoe";
	struct tenant *tenant = *state;
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], path[256];
	CLEANUP(mirror_release) struct mirror mirror = { 0 };

	assert_true(tenant_register_extension(tenant->simulator, name, &err));
	make_user(tenant, "ada", ada);
	hand_set(tenant, ada, name, "\"44\"");
	snprintf(path, sizeof(path), "/v1.0/users/delta?$select=%s", name);
	mirror = mirror_of(tenant, path);
	follow(&mirror);
	hand_set(tenant, ada, name, "null");
	delete_and_restore(tenant, ada);
	follow(&mirror);
	assert_told(&mirror, ada, "{\"extension_0123456789abcdef0123456789abcdef_shoe\":null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(who_left_a_group_before_it_was_restored_is_told_to_have_left),
		FRESH(who_was_purged_while_the_group_lay_deleted_is_told_to_have_left),
		cmocka_unit_test(
			who_left_a_group_that_was_made_during_the_first_round_is_told_to_have_left),
		cmocka_unit_test(many_who_left_a_renewed_group_go_on_over_pages),
		FRESH(a_manager_who_went_before_the_restore_is_told_to_have_gone),
		FRESH(an_extension_that_was_reset_before_the_restore_is_told_as_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
