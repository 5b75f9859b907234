/*
 * What an edited rule that matches people to the wrong records does: addresses change hands in circles.
 * Two people swap who they are, three pass it on, and an alias, a list and a contact do likewise.
 */
#include "base/memory.h"
#include "simulator/space.h"

enum { RING_MAX = 3 };

/* What makes a person reachable. */
static const char *const identity[] = { "userPrincipalName", "mail", "proxyAddresses" };

struct ring {
	size_t first, count; /* of CAST_PERSON */
};

static const struct ring rings[] = {
	{ RING_SWAPPED, RING_SWAPPED_COUNT },
	{ RING_OF_THREE, RING_OF_THREE_COUNT },
};

/* A small company lacks some of them; and the last one of all leaves it during the day. */
static bool ring_member(struct simulator *simulator, size_t person, char id[static GUID_TEXT_BYTES])
{
	return person + 1 < cast_count(simulator, CAST_PERSON) &&
		cast_get(simulator, CAST_PERSON, person, id);
}

static bool ring_is_whole(struct simulator *simulator, const struct ring *ring)
{
	char last[GUID_TEXT_BYTES];

	return ring_member(simulator, ring->first + ring->count - 1, last);
}

/* Each gets what the one before had, the first what the last had. */
static bool stage_ring(struct simulator *simulator, const struct ring *ring, struct error *err)
{
	char ids[RING_MAX][GUID_TEXT_BYTES];
	CLEANUP(json_freep) json_t *pictures = json_array();

	if (!ring_is_whole(simulator, ring))
		return true;
	for (size_t i = 0; i < ring->count; i++) {
		if (!ring_member(simulator, ring->first + i, ids[i]))
			return error_set(err, ERROR_SYSTEM, "simulator: a ring has a gap");
		json_array_append_new(
			pictures, connector_wanted(simulator, SERVER_STAGING, ids[i]));
	}
	for (size_t i = 0; i < ring->count; i++) {
		const json_t *before = json_array_get(pictures, (i ? i : ring->count) - 1);

		for (size_t j = 0; j < COUNT_OF(identity); j++)
			if (!connector_set(simulator, SERVER_STAGING, ids[i], identity[j],
				    json_object_get(before, identity[j]), err))
				return false;
	}
	return true;
}

/* ---- over the kinds ----------------------------------------------------------------------- */

struct mixed {
	char person[GUID_TEXT_BYTES], list[GUID_TEXT_BYTES], contact[GUID_TEXT_BYTES];
};

static bool find_mixed(struct simulator *simulator, struct mixed *mixed)
{
	return ring_member(simulator, RING_MIXED, mixed->person) &&
		cast_get(simulator, CAST_LIST, RING_LIST, mixed->list) &&
		cast_get(simulator, CAST_CONTACT, RING_CONTACT, mixed->contact);
}

static json_t *addresses_of(struct simulator *simulator, const char *id)
{
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, SERVER_STAGING, id);

	return json_deep_copy(json_object_get(wanted, "proxyAddresses"));
}

/* Without "smtp:". */
static const char *address_at(const json_t *addresses, size_t index)
{
	const char *text = json_string_value(json_array_get(addresses, index));

	return text ? text + 5 : "";
}

static bool give(struct simulator *simulator, const char *id, json_t *addresses, size_t index,
	const char *scheme, const char *address, struct error *err)
{
	json_array_set_new(addresses, index, json_sprintf("%s:%s", scheme, address));
	return connector_set(simulator, SERVER_STAGING, id, "proxyAddresses", addresses, err);
}

/* The list gets the contact's alias, the contact the person's, the person what the list had. */
static bool stage_mixed(struct simulator *simulator, struct error *err)
{
	struct mixed ring;
	CLEANUP(json_freep) json_t *person = NULL;
	CLEANUP(json_freep) json_t *list = NULL;
	CLEANUP(json_freep) json_t *contact = NULL;
	CLEANUP(json_freep) json_t *mail = NULL;
	char alias[256], listed[256];

	if (!find_mixed(simulator, &ring))
		return true;
	person = addresses_of(simulator, ring.person);
	list = addresses_of(simulator, ring.list);
	contact = addresses_of(simulator, ring.contact);
	mail = json_string(address_at(contact, 1));
	snprintf(alias, sizeof(alias), "%s", address_at(person, 1));
	snprintf(listed, sizeof(listed), "%s", address_at(list, 0));
	return give(simulator, ring.person, person, 1, "smtp", listed, err) &&
		give(simulator, ring.list, list, 0, "SMTP", address_at(contact, 1), err) &&
		connector_set(simulator, SERVER_STAGING, ring.list, "mail", mail, err) &&
		give(simulator, ring.contact, contact, 1, "smtp", alias, err);
}

bool stage_rings(struct simulator *simulator, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(rings); i++)
		if (!stage_ring(simulator, &rings[i], err))
			return false;
	return stage_mixed(simulator, err);
}

/* ---- the morning -------------------------------------------------------------------------- */

bool switch_rings(struct simulator *simulator, change_function *switch_to_cloud, struct error *err)
{
	struct mixed ring;

	for (size_t i = 0; i < COUNT_OF(rings); i++) {
		for (size_t j = 0; ring_is_whole(simulator, &rings[i]) && j < rings[i].count; j++) {
			char id[GUID_TEXT_BYTES];

			if (ring_member(simulator, rings[i].first + j, id) &&
				!switch_to_cloud(simulator, id, j, err))
				return false;
		}
	}
	return !find_mixed(simulator, &ring) ||
		(switch_to_cloud(simulator, ring.person, 0, err) &&
			switch_to_cloud(simulator, ring.list, 0, err) &&
			switch_to_cloud(simulator, ring.contact, 0, err));
}
