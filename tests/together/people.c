#include "tests/together/people.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"

enum { AMONG = 40 /* the first of a kind, so that they meet again */ };

static uint64_t next_random(struct people *people)
{
	people->random = people->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return people->random >> 33;
}

static bool pick(
	struct people *people, struct simulator *simulator, const char *kind, char id[static 64])
{
	return simulator_hand_pick(simulator, kind, next_random(people) % AMONG, id);
}

static bool create(struct people *people, struct simulator *simulator, struct error *err)
{
	unsigned long long number = next_random(people);
	char text[512], id[64];

	snprintf(text, sizeof(text),
		"{\"displayName\":\"New %llu\",\"userPrincipalName\":\"new%llu@contoso.com\","
		"\"mailNickname\":\"new%llu\",\"accountEnabled\":true}",
		number, number, number);
	return simulator_hand_create(simulator, "user", span_of(text), id, err);
}

static char *a_deleted(struct people *people)
{
	return people->deleted[next_random(people) % COUNT_OF(people->deleted)];
}

static bool delete (
	struct people *people, struct simulator *simulator, const char *kind, struct error *err)
{
	char *place = a_deleted(people), id[64];

	if (!pick(people, simulator, kind, id) || !simulator_hand_delete(simulator, id, err))
		return false;
	memcpy(place, id, sizeof(id));
	return true;
}

static bool bring_back(
	struct people *people, struct simulator *simulator, bool purge, struct error *err)
{
	char *place = a_deleted(people);
	bool good = *place &&
		(purge ? simulator_hand_purge(simulator, place, err)
		       : simulator_hand_restore(simulator, place, err));

	if (good)
		*place = '\0';
	return good;
}

static bool link(struct people *people, struct simulator *simulator, const char *from,
	const char *relation, struct error *err)
{
	const char *to = next_random(people) % 4 == 0 && strcmp(relation, "members") == 0 ? "group"
											  : "user";
	char source[64], target[64];

	return pick(people, simulator, from, source) && pick(people, simulator, to, target) &&
		simulator_hand_link(
			simulator, source, relation, target, next_random(people) % 3 != 0, err);
}

static bool set(struct people *people, struct simulator *simulator, const char *kind,
	const char *attribute, struct error *err)
{
	char id[64], value[64];

	snprintf(value, sizeof(value), "\"Set %llu\"",
		(unsigned long long)next_random(people) % 100);
	return pick(people, simulator, kind, id) &&
		simulator_hand_set(simulator, id, attribute, span_of(value), err);
}

/* Sync is switched off for somebody, and then who masters him to and fro. */
static bool switch_master(struct people *people, struct simulator *simulator, struct error *err)
{
	bool cloud = next_random(people) % 2;
	char id[64];

	return pick(people, simulator, "user", id) &&
		simulator_hand_set(
			simulator, id, "onPremisesSyncEnabled", SPAN_LITERAL("false"), err) &&
		simulator_hand_set(simulator, id, "isCloudManaged",
			cloud ? SPAN_LITERAL("true") : SPAN_LITERAL("false"), err);
}

void people_act(struct people *people, struct simulator *simulator)
{
	struct error err = { 0 };
	bool good = false;

	switch (next_random(people) % (people->untold ? 16 : 13)) {
	case 0:
		good = create(people, simulator, &err);
		break;
	case 1:
		good = set(people, simulator, "user", "department", &err);
		break;
	case 2:
		good = set(people, simulator, "group", "displayName", &err);
		break;
	case 3:
		good = set(people, simulator, "contact", "displayName", &err);
		break;
	case 4:
	case 5:
		good = link(people, simulator, "group", "members", &err);
		break;
	case 6:
		good = link(people, simulator, "user", "manager", &err);
		break;
	case 7:
	case 8:
		good = delete (people, simulator, "user", &err);
		break;
	case 9:
		good = delete (people, simulator, "group", &err);
		break;
	case 10:
	case 11:
		good = bring_back(people, simulator, false, &err);
		break;
	case 12:
		good = bring_back(people, simulator, true, &err);
		break;
	case 13:
		good = link(people, simulator, "group", "owners", &err);
		break;
	default:
		good = switch_master(people, simulator, &err);
		break;
	}
	people->acts += good;
}
