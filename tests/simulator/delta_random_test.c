/*
 * Delta under a storm: people, groups and contacts come, change, go and come back between any two
 * pages, in an order drawn from a seed, while the service does everything that it may do. Whoever
 * merges as contract 2.9 asks has the tenant in the end, whatever the seed.
 */
#include "tests/simulator/delta_fixture.h"

enum { SEEDS = 60, ROUNDS = 4, CAST_MAX = 400, STORM_BEFORE_PAGE = 3, STORM_BEFORE_ROUND = 25 };

struct storm {
	struct tenant *tenant;
	uint64_t state;
	unsigned made;
	size_t count;
	char cast[CAST_MAX][GUID_TEXT_BYTES];
	bool over;
};

/* xorshift64: our own, so that the simulator's randomness stays its own. */
static size_t draw(struct storm *storm, size_t below)
{
	storm->state ^= storm->state << 13;
	storm->state ^= storm->state >> 7;
	storm->state ^= storm->state << 17;
	return (size_t)(storm->state % below);
}

static enum object_kind kind_of(
	struct storm *storm, const char *id, enum object_state *state, bool *there)
{
	enum object_kind kind = OBJECT_USER;
	CLEANUP(json_freep)
	json_t *object = tenant_get(storm->tenant->simulator, id, &kind, state);

	*there = object != NULL;
	return kind;
}

static void create(struct storm *storm)
{
	static const char *const kinds[] = { "user", "group", "contact" };
	static const char *const shapes[] = { "\"userPrincipalName\":\"",
		"\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"",
		"\"mailNickname\":\"" };
	size_t kind = draw(storm, COUNT_OF(kinds));
	char properties[256];
	struct error err = { 0 };

	if (storm->count == CAST_MAX)
		return;
	storm->made++;
	snprintf(properties, sizeof(properties), "{\"displayName\":\"%u\",%sn%u@contoso.com\"}",
		storm->made, shapes[kind], storm->made);
	if (!simulator_hand_create(storm->tenant->simulator, kinds[kind], span_of(properties),
		    storm->cast[storm->count++], &err))
		fail_msg("%s", err.text);
}

static void change(struct storm *storm, const char *id)
{
	static const char *const names[] = { "displayName", "description", "jobTitle" };
	char value[32];

	storm->made++;
	snprintf(value, sizeof(value), "\"%u\"", storm->made);
	hand_set(storm->tenant, id, names[draw(storm, COUNT_OF(names))],
		draw(storm, 4) ? value : "null");
}

static void link_or_part(struct storm *storm, const char *id, enum object_kind kind)
{
	const char *target = storm->cast[draw(storm, storm->count)];
	enum object_state state = OBJECT_GONE;
	bool there;
	enum object_kind other = kind_of(storm, target, &state, &there);

	if (!there || strcmp(id, target) == 0)
		return;
	if (kind == OBJECT_GROUP)
		hand_link(storm->tenant, id, "members", target, draw(storm, 3) != 0);
	else if (other == OBJECT_USER)
		hand_link(storm->tenant, id, "manager", target, draw(storm, 3) != 0);
}

static void end_or_return(struct storm *storm, const char *id, enum object_state state)
{
	if (draw(storm, 3) == 0)
		hand_life(storm->tenant, simulator_hand_purge, id);
	else if (state == OBJECT_LIVE)
		hand_life(storm->tenant, simulator_hand_delete, id);
	else
		hand_life(storm->tenant, simulator_hand_restore, id);
}

static void one_change(struct storm *storm)
{
	size_t choice = draw(storm, 10);
	const char *id = storm->count ? storm->cast[draw(storm, storm->count)] : NULL;
	enum object_state state = OBJECT_GONE;
	enum object_kind kind;
	bool there;

	if (!id || choice == 0) {
		create(storm);
		return;
	}
	kind = kind_of(storm, id, &state, &there);
	if (!there)
		return;
	if (choice <= 3 || (choice > 7 && state != OBJECT_LIVE))
		end_or_return(storm, id, state);
	else if (choice <= 7)
		link_or_part(storm, id, kind);
	else
		change(storm, id);
}

static void many_changes(struct storm *storm, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		one_change(storm);
}

static void before_request(
	void *context, struct simulator *simulator UNUSED, uint64_t number UNUSED)
{
	struct storm *storm = context;

	if (storm->tenant && !storm->over)
		many_changes(storm, STORM_BEFORE_PAGE);
}

/* The manager that the mirror holds is the one that the service shows. */
static void assert_managers(struct mirror *mirror, const char *kind)
{
	const char *id;
	json_t *object;

	json_object_foreach(mirror->objects, id, object)
	{
		const json_t *kept = json_object_get(object, "manager");
		char path[512], format[64];
		enum object_state state = OBJECT_GONE;

		snprintf(format, sizeof(format), "/v1.0/%s/{}/manager?$select=id", kind);
		{
			CLEANUP(reply_release)
			struct reply reply = get(mirror->tenant, at(path, format, id));
			const char *shown = json_text_or_null(reply.body, "id");
			const char *first = json_object_iter_key(json_object_iter((json_t *)kept));

			assert_in_range(json_object_size(kept), 0, 1);
			if (shown) {
				assert_non_null(first);
				assert_string_equal(first, shown);
			} else if (first) {
				json_decref(
					tenant_get(mirror->tenant->simulator, first, NULL, &state));
				assert_int_equal(state, OBJECT_DELETED);
			}
		}
	}
}

static void forget_managers(struct mirror *mirror)
{
	const char *id;
	json_t *object;

	json_object_foreach(mirror->objects, id, object) json_object_del(object, "manager");
}

static const struct chain {
	const char *kind, *first_call, *list;
} chains[] = {
	{ "users", "/v1.0/users/delta?$select=displayName,jobTitle,manager",
		"/v1.0/users?$select=id,displayName,jobTitle" },
	{ "groups", "/v1.0/groups/delta?$select=displayName,description,members",
		"/v1.0/groups?$select=id,displayName,description" },
	{ "contacts", "/v1.0/contacts/delta?$select=displayName,jobTitle,manager",
		"/v1.0/contacts?$select=id,displayName,jobTitle" },
};

static void chain_survives(struct storm *storm, const struct chain *chain, bool minimal)
{
	CLEANUP(mirror_release) struct mirror mirror = mirror_of(storm->tenant, chain->first_call);

	mirror.minimal = minimal;
	storm->over = false;
	for (unsigned round = 0; round < ROUNDS; round++) {
		follow(&mirror);
		many_changes(storm, STORM_BEFORE_ROUND);
	}
	storm->over = true;
	follow_until_quiet(&mirror);
	if (strcmp(chain->kind, "groups") != 0)
		assert_managers(&mirror, chain->kind);
	forget_managers(&mirror);
	assert_mirrored(&mirror, chain->list);
}

static void storm_with(uint64_t seed)
{
	struct storm storm = { .state = seed * UINT64_C(0x9e3779b97f4a7c15) };
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .delta_page = 1 + (unsigned)draw(&storm, 8),
			.delta_members = 1 + (unsigned)draw(&storm, 6),
			.delta_empty_every = draw(&storm, 2) ? 2 + (unsigned)draw(&storm, 3) : 0,
			.delta_replay_every = (unsigned)draw(&storm, 4),
			.on_request = before_request,
			.on_request_context = &storm });

	storm.tenant = tenant;
	many_changes(&storm, 3 * STORM_BEFORE_ROUND);
	for (size_t i = 0; i < COUNT_OF(chains); i++)
		chain_survives(&storm, &chains[i], seed % 2 == 0);
}

static void who_merges_as_told_has_the_tenant_whatever_happens(void **state)
{
	const uint64_t *seed = *state;

	storm_with(*seed);
}

int main(void)
{
	struct CMUnitTest tests[SEEDS];
	uint64_t seeds[SEEDS];
	char names[SEEDS][96];

	for (size_t i = 0; i < SEEDS; i++) {
		seeds[i] = i + 1;
		/* The seed is in the name, so that a failing one is known. */
		snprintf(names[i], sizeof(names[i]),
			"who_merges_as_told_has_the_tenant_whatever_happens, seed %zu", i + 1);
		tests[i] = (struct CMUnitTest){ .name = names[i],
			.test_func = who_merges_as_told_has_the_tenant_whatever_happens,
			.initial_state = &seeds[i] };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
