/*
 * The acts of the story around the incident: a day of legitimate changes, the morning after,
 * production's repair. Who is who stands in story.h.
 */
#include "base/memory.h"
#include "simulator/space.h"

static const int64_t minute_ms = 60000;

enum {
	DAY_CLOUD_CHANGES = 25,
	DAY_GROUP_CHANGES = 12,
	DAY_ALIASES = 8,
};

/* Runs an act whole or not at all, with the lock held. */
static bool play(struct simulator *simulator, bool (*act)(struct simulator *, struct error *),
	struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && act(simulator, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool story_for_cast(struct simulator *simulator, enum cast_role role, size_t first, size_t count,
	change_function *change, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		char id[GUID_TEXT_BYTES];

		if (!cast_get(simulator, role, first + i, id))
			return error_set(
				err, ERROR_SYSTEM, "simulator: the cast ends at %zu", first + i);
		if (!change(simulator, id, i, err))
			return false;
	}
	return true;
}

bool story_change_cast(struct simulator *simulator, const struct cast_change *changes, size_t count,
	struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct cast_change *change = &changes[i];

		if (!story_for_cast(simulator, change->role, change->first, change->count,
			    change->change, err))
			return false;
	}
	return true;
}

static bool set_text(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *property, const char *text, struct error *err)
{
	CLEANUP(json_freep) json_t *value = json_string(text);

	return tenant_set(simulator, actor, id, property, value, err);
}

/* ---- the day --------------------------------------------------------------------------------- */

static const struct story_move moves[] = {
	{ "department", "Sales EMEA North" },
	{ "jobTitle", "Senior Manager" },
	{ "officeLocation", "B9/412" },
	{ "city", "København" },
	{ "mobilePhone", "+45 20 55 51 23" },
	{ "onPremisesExtensionAttributes/extensionAttribute7", "CC-04711" },
	{ STORY_EXTENSION, "4711-0815" },
};

const struct story_move *story_move(size_t index)
{
	return &moves[index % COUNT_OF(moves)];
}

static bool move_person(struct simulator *simulator, const char *id, size_t index,
	bool staging_sees, struct error *err)
{
	const struct story_move *move = story_move(index);
	CLEANUP(json_freep) json_t *value = json_string(move->text);

	return directory_set(simulator, id, move->property, value, staging_sees, err);
}

static bool move_unseen(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	return move_person(simulator, id, index, false, err);
}

static bool move_seen(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	return move_person(simulator, id, index, true, err);
}

static bool change_members(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	CLEANUP(id_list_release) struct id_list members = { 0 };

	if (!tenant_references(simulator, id, RELATION_MEMBERS, &members, err))
		return false;
	for (size_t i = 0; i < 2; i++) {
		char person[GUID_TEXT_BYTES];

		if (cast_get(simulator, CAST_PERSON, PEOPLE_NEEDED + index * 2 + i, person) &&
			!directory_link(simulator, id, RELATION_MEMBERS, person, true, false, err))
			return false;
	}
	return !members.count ||
		directory_link(simulator, id, RELATION_MEMBERS, members.ids[0], false, false, err);
}

static bool change_in_cloud(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor admin = story_admin();

	story_wait_ms(simulator, 2 * minute_ms);
	return set_text(simulator, &admin, id, index % 2 ? "department" : "jobTitle",
		index % 2 ? "Innovation" : "Principal", err);
}

static bool change_cloud_group(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor admin = story_admin();
	char person[GUID_TEXT_BYTES];

	story_wait_ms(simulator, minute_ms);
	if (!cast_get(simulator, CAST_CLOUD_PERSON, index * 3, person))
		return true;
	return tenant_add_reference(simulator, &admin, id, RELATION_MEMBERS, person, err);
}

static bool add_alias(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *alias, struct error *err)
{
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, NULL);
	CLEANUP(json_freep)
	json_t *addresses = json_deep_copy(json_object_get(object, "proxyAddresses"));

	if (!addresses)
		addresses = json_array();
	json_array_append_new(addresses, json_string(alias));
	return tenant_set(simulator, actor, id, "proxyAddresses", addresses, err);
}

static bool add_cloud_alias(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor help_desk = story_help_desk();
	char alias[128];

	snprintf(alias, sizeof(alias), "smtp:project.%zu@" TENANT_DOMAIN, index);
	story_wait_ms(simulator, minute_ms);
	return add_alias(simulator, &help_desk, id, alias, err);
}

/* People come and go: staging's scope still knows them, and it is told of the leaver at once. */
static bool come_and_go(struct simulator *simulator, struct error *err)
{
	struct actor admin = story_admin();
	char leaver[GUID_TEXT_BYTES], newcomer[GUID_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *properties = json_pack("{s:s, s:s, s:s, s:b, s:s}", "displayName", "Ada Newcomer",
		"userPrincipalName", "ada.newcomer@" TENANT_DOMAIN, "mailNickname", "ada.newcomer",
		"accountEnabled", 1, "userType", "Member");

	if (!tenant_create(simulator, &admin, OBJECT_USER, properties, newcomer, err))
		return false;
	if (!cast_get(simulator, CAST_PERSON, cast_count(simulator, CAST_PERSON) - 1, leaver))
		return true;
	return connector_drop(simulator, SERVER_PRODUCTION, leaver, err) &&
		connector_drop(simulator, SERVER_STAGING, leaver, err);
}

static bool day(struct simulator *simulator, struct error *err)
{
	if (!story_mark_once(simulator, MARK_DAY,
		    "a new tenant has a new day: another --folder and --database", err))
		return false;
	story_wait_ms(simulator, 60 * minute_ms);
	if (!story_for_cast(
		    simulator, CAST_PERSON, PEOPLE_SEEN, PEOPLE_SEEN_COUNT, move_seen, err) ||
		!connector_export(simulator, SERVER_PRODUCTION, err))
		return false;
	/* From here on SYNC02's import from Active Directory hangs. */
	story_wait_ms(simulator, 120 * minute_ms);
	if (!story_for_cast(
		    simulator, CAST_PERSON, PEOPLE_STALE, PEOPLE_STALE_COUNT, move_unseen, err) ||
		!story_for_cast(simulator, CAST_PERSON, PEOPLE_THIRD, PEOPLE_THIRD_COUNT,
			move_unseen, err) ||
		!story_for_cast(simulator, CAST_SYNCED_GROUP, GROUPS_STALE, GROUPS_STALE_COUNT,
			change_members, err) ||
		!come_and_go(simulator, err) ||
		!connector_export(simulator, SERVER_PRODUCTION, err))
		return false;
	return story_for_cast(
		       simulator, CAST_CLOUD_PERSON, 0, DAY_CLOUD_CHANGES, change_in_cloud, err) &&
		story_for_cast(simulator, CAST_CLOUD_GROUP, 0,
			cast_count(simulator, CAST_CLOUD_GROUP) < DAY_GROUP_CHANGES
				? cast_count(simulator, CAST_CLOUD_GROUP)
				: DAY_GROUP_CHANGES,
			change_cloud_group, err) &&
		story_for_cast(simulator, CAST_CLOUD_PERSON, DAY_CLOUD_CHANGES, DAY_ALIASES,
			add_cloud_alias, err);
}

/* ---- the morning after --------------------------------------------------------------------------- */

static bool switch_to_cloud(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor admin = story_admin();

	(void)index;
	story_wait_ms(simulator, minute_ms / 10);
	return tenant_set_cloud_managed(simulator, &admin, id, true, err) &&
		space_blocked(simulator, id, err);
}

static bool correct(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor admin = story_admin();

	(void)index;
	story_wait_ms(simulator, minute_ms);
	return set_text(simulator, &admin, id, "department", "Corrected by hand", err);
}

/* Another value first, and then the very one that the staging server had written. */
static bool agree(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor admin = story_admin();

	if (!correct(simulator, id, index, err))
		return false;
	story_wait_ms(simulator, minute_ms);
	return set_text(simulator, &admin, id, "department", "Department of yesterday", err);
}

static bool add_alias_after(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	struct actor help_desk = story_help_desk();
	char alias[128];

	snprintf(alias, sizeof(alias), "smtp:returned.%zu@" TENANT_DOMAIN, index);
	story_wait_ms(simulator, minute_ms);
	return add_alias(simulator, &help_desk, id, alias, err);
}

static const struct cast_change morning_rows[] = {
	{ CAST_PERSON, PEOPLE_SWITCHED, PEOPLE_SWITCHED_COUNT, switch_to_cloud },
	{ CAST_PERSON, PEOPLE_EXCHANGE, PEOPLE_EXCHANGE_COUNT, switch_to_cloud },
	{ CAST_PERSON, PEOPLE_CORRECTED, PEOPLE_CORRECTED_COUNT, switch_to_cloud },
	{ CAST_PERSON, PEOPLE_AGREED, 1, switch_to_cloud },
	{ CAST_SYNCED_GROUP, GROUPS_SWITCHED, GROUPS_SWITCHED_COUNT, switch_to_cloud },
	{ CAST_LIST, 0, LISTS_SWITCHED_COUNT, switch_to_cloud },
	{ CAST_CONTACT, 0, CONTACTS_SWITCHED_COUNT, switch_to_cloud },
	{ CAST_CREATED, CREATED_COUNT - 1, 1, switch_to_cloud },
	{ CAST_PERSON, PEOPLE_CORRECTED, PEOPLE_CORRECTED_COUNT, correct },
	{ CAST_PERSON, PEOPLE_AGREED, 1, agree },
	{ CAST_PERSON, PEOPLE_EXCHANGE, 1, add_alias_after },
};

static bool morning(struct simulator *simulator, struct error *err)
{
	story_wait_ms(simulator, 60 * minute_ms);
	if (!story_change_cast(simulator, morning_rows, COUNT_OF(morning_rows), err) ||
		!switch_rings(simulator, switch_to_cloud, err))
		return false;
	return story_set_mark(simulator, MARK_MORNING, err);
}

/* ---- the repair -------------------------------------------------------------------------------- */

static bool production_cycle(struct simulator *simulator, struct error *err)
{
	return schedule_set(simulator, SERVER_PRODUCTION, true, err) &&
		on_premises_take_over(simulator, err) &&
		connector_export(simulator, SERVER_PRODUCTION, err) &&
		story_heal_quarantine(simulator, err);
}

bool simulator_play_day(struct simulator *simulator, struct error *err)
{
	return play(simulator, day, err);
}

bool simulator_play_incident(struct simulator *simulator, struct error *err)
{
	return play(simulator, story_incident, err);
}

bool simulator_play_morning(struct simulator *simulator, struct error *err)
{
	return play(simulator, morning, err);
}

bool simulator_play_production_cycle(struct simulator *simulator, struct error *err)
{
	return play(simulator, production_cycle, err);
}

/* ---- by the hand of whoever works on a server ------------------------------------------------- */

bool simulator_play_import(struct simulator *simulator, const char *server, struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && schedule_import(simulator, server, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_play_export(struct simulator *simulator, const char *server, struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && connector_export(simulator, server, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_play_synchronisation(
	struct simulator *simulator, const char *server, struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && schedule_synchronise(simulator, server, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}
