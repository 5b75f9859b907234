/* The history of a tangle: who had what, what staging made of it, what people did since. */
#include "tests/rollback/tangle.h"

enum { RING_MAX = 7 };

static uint64_t random_below(struct tangle *tangle, uint64_t below)
{
	tangle->random ^= tangle->random >> 12;
	tangle->random ^= tangle->random << 25;
	tangle->random ^= tangle->random >> 27;
	return (tangle->random * UINT64_C(2685821657736338717) >> 11) % below;
}

static bool one_in(struct tangle *tangle, uint64_t many)
{
	return random_below(tangle, many) == 0;
}

enum kind_id tangle_kind(size_t object)
{
	if (object >= TANGLE_USERS && object < TANGLE_USERS + TANGLE_GROUPS)
		return KIND_GROUP;
	if (object >= TANGLE_USERS + TANGLE_GROUPS &&
		object < TANGLE_USERS + TANGLE_GROUPS + TANGLE_CONTACTS)
		return KIND_CONTACT;
	return KIND_USER;
}

const char *tangle_id(size_t object)
{
	static const char *const ids[] = { USER("0"), USER("1"), USER("2"), USER("3"), USER("4"),
		USER("5"), USER("6"), USER("7"), GROUP("0"), GROUP("1"), GROUP("2"), CONTACT("0"),
		CONTACT("1"), USER("8"), USER("9") };

	return ids[object];
}

static bool is_user(size_t object)
{
	return tangle_kind(object) == KIND_USER;
}

/* ---- before ------------------------------------------------------------------------------- */

static int new_address(struct tangle *tangle)
{
	assert_true(tangle->next_address < TANGLE_POOL);
	return tangle->next_address++;
}

static void give_addresses(struct tangle *tangle, struct tangle_object *object, bool user)
{
	object->primary = object->name = TANGLE_NONE;
	if (user)
		object->name = new_address(tangle);
	/* Most people sign in with their primary address. */
	if (user && !one_in(tangle, 3))
		object->primary = object->name;
	else if (!one_in(tangle, 4))
		object->primary = new_address(tangle);
	if (object->primary == TANGLE_NONE)
		return;
	object->has[object->primary] = true;
	for (uint64_t i = random_below(tangle, 3); i > 0; i--)
		object->has[new_address(tangle)] = true;
}

static enum door some_door(struct tangle *tangle)
{
	static const enum door doors[] = { DOOR_GRAPH, DOOR_GRAPH, DOOR_GRAPH, DOOR_SYNC, DOOR_SYNC,
		DOOR_DIRECTORY };

	return doors[random_below(tangle, COUNT_OF(doors))];
}

static void begin(struct tangle *tangle)
{
	bool all_ours = one_in(tangle, 2);

	for (size_t i = 0; i < TANGLE_OBJECTS; i++) {
		struct tangle_object *object = &tangle->before[i];
		bool made_later = i >= TANGLE_OBJECTS - TANGLE_CREATED;

		tangle->doors[i] = all_ours ? DOOR_GRAPH : some_door(tangle);
		object->manager = object->name = object->primary = TANGLE_NONE;
		if (made_later)
			continue;
		object->where = TANGLE_THERE;
		give_addresses(tangle, object, is_user(i));
		if (is_user(i) && one_in(tangle, 2))
			object->manager = (int)random_below(tangle, TANGLE_USERS);
		for (size_t j = 0; j < TANGLE_USERS; j++) {
			object->members[j] = one_in(tangle, 2);
			object->owners[j] = j == 0 || one_in(tangle, 3);
		}
	}
}

/* ---- what staging does -------------------------------------------------------------------- */

/* Everything that a live object has under one address; a permutation of these keeps it unique. */
static bool holds(const struct tangle_object *object, int address)
{
	return object->where == TANGLE_THERE && (object->name == address || object->has[address]);
}

/* Takes `old` from the object, wherever it stands, and puts `new` there. */
static void exchange_address(struct tangle_object *object, int old, int new)
{
	if (object->name == old)
		object->name = new;
	if (!object->has[old])
		return;
	object->has[old] = false;
	object->has[new] = true;
	if (object->primary == old)
		object->primary = new;
}

/* An address that the object holds, of any sort. */
static int some_address(struct tangle *tangle, const struct tangle_object *object)
{
	int found[TANGLE_POOL];
	size_t count = 0;

	for (int i = 0; i < TANGLE_POOL; i++)
		if (holds(object, i))
			found[count++] = i;
	return count ? found[random_below(tangle, count)] : TANGLE_NONE;
}

/*
 * Some objects pass an address on, each to the next; the last one's goes to the first, or, in a
 * chain, the first gets a new one and the last one's is gone.
 */
static void pass_on(struct tangle *tangle)
{
	size_t length = 2 + random_below(tangle, RING_MAX - 1), count = 0;
	int addresses[RING_MAX + 1];
	size_t objects[RING_MAX + 1];
	bool chain = one_in(tangle, 3);

	for (size_t tries = 0; tries < 40 && count < length; tries++) {
		size_t object = random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED);
		int address = some_address(tangle, &tangle->live[object]);
		bool again = address == TANGLE_NONE;

		for (size_t i = 0; i < count; i++)
			again |= objects[i] == object;
		if (again)
			continue;
		objects[count] = object;
		addresses[count++] = address;
	}
	if (count < 2)
		return;
	if (count > tangle->longest)
		tangle->longest = count;
	/* All step aside first, so that two moves of one object can't meet. */
	for (size_t i = 0; i < count; i++) {
		int from_before = i ? addresses[i - 1]
			: chain     ? new_address(tangle)
				    : addresses[count - 1];

		exchange_address(&tangle->live[objects[i]], addresses[i], from_before);
	}
}

static void move_alias(struct tangle *tangle)
{
	struct tangle_object
		*from = &tangle->live[random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED)];
	struct tangle_object
		*to = &tangle->live[random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED)];
	int address = some_address(tangle, from);

	if (from == to || address == TANGLE_NONE || from->name == address ||
		from->primary == address || to->where != TANGLE_THERE || to->primary == TANGLE_NONE)
		return;
	from->has[address] = false;
	to->has[address] = true;
}

static void swap_primary(struct tangle *tangle)
{
	struct tangle_object
		*object = &tangle->live[random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED)];

	for (int i = 0; i < TANGLE_POOL; i++)
		if (object->where == TANGLE_THERE && object->has[i] && object->primary != i) {
			object->primary = i;
			return;
		}
}

/* A twin, with an alias that was somebody's. */
static void create(struct tangle *tangle)
{
	size_t which = TANGLE_OBJECTS - 1 - random_below(tangle, TANGLE_CREATED);
	struct tangle_object *twin = &tangle->live[which];
	struct tangle_object
		*victim = &tangle->live[random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED)];
	int address = some_address(tangle, victim);

	if (twin->where != TANGLE_NOWHERE)
		return;
	twin->where = TANGLE_THERE;
	twin->name = new_address(tangle);
	if (address == TANGLE_NONE || victim->name == address || victim->primary == address)
		return;
	victim->has[address] = false;
	twin->has[address] = true;
	twin->primary = address;
}

/* What is deleted keeps its addresses there; its name is free for others. */
static void delete (struct tangle *tangle)
{
	size_t which = 1 +
		random_below(tangle, TANGLE_USERS - 1); /* the first one owns all groups */
	bool touched = memcmp(&tangle->live[which], &tangle->before[which],
			       sizeof(tangle->live[which])) != 0;

	if (!touched)
		tangle->live[which].where = TANGLE_DELETED;
}

static void change_references(struct tangle *tangle)
{
	size_t person = random_below(tangle, TANGLE_USERS), other;
	struct tangle_object
		*group = &tangle->live[TANGLE_USERS + random_below(tangle, TANGLE_GROUPS)];

	tangle->live[person].department++;
	if (tangle->live[person].where != TANGLE_THERE)
		return;
	group->members[person] = !group->members[person];
	other = random_below(tangle, TANGLE_USERS);
	if (tangle->live[other].where == TANGLE_THERE) {
		tangle->live[person].manager = one_in(tangle, 4) ? TANGLE_NONE : (int)other;
		group->owners[other] = true; /* somebody always stays */
	}
	for (size_t i = 0; i < TANGLE_USERS; i++)
		if (i != other && group->owners[i] && one_in(tangle, 3) && group->owners[other])
			group->owners[i] = false;
}

static void do_damage(struct tangle *tangle)
{
	for (uint64_t i = 1 + random_below(tangle, 4); i > 0; i--) {
		switch (random_below(tangle, 10)) {
		case 0:
			move_alias(tangle);
			break;
		case 1:
			swap_primary(tangle);
			break;
		case 2:
			create(tangle);
			break;
		case 3:
			delete (tangle);
			break;
		case 4:
			change_references(tangle);
			break;
		default:
			pass_on(tangle);
		}
	}
}

/* ---- what people do since ----------------------------------------------------------------- */

static bool is_held(const struct tangle_object *world, int address)
{
	for (size_t i = 0; i < TANGLE_OBJECTS; i++)
		if (world[i].name == address || world[i].has[address])
			return true;
	return false;
}

static void do_right(struct tangle *tangle)
{
	size_t which = random_below(tangle, TANGLE_OBJECTS - TANGLE_CREATED);
	struct tangle_object *live = &tangle->live[which], *wanted = &tangle->wanted[which];
	int address;

	if (live->where != TANGLE_THERE || live->primary == TANGLE_NONE ||
		wanted->primary == TANGLE_NONE)
		return;
	if (one_in(tangle, 2)) { /* a new alias, which stays */
		address = new_address(tangle);
		live->has[address] = wanted->has[address] = true;
		return;
	}
	if (!one_in(tangle, 4))
		return;
	for (address = 0; address < tangle->next_address; address++) {
		/* Free now, and to go back to somebody: he has it, and the other can't. */
		if (is_held(tangle->live, address) || !is_held(tangle->before, address) ||
			wanted->has[address] || wanted->name == address)
			continue;
		live->has[address] = wanted->has[address] = true;
		tangle->taken_since = true;
		return;
	}
}

void tangle_live_through(struct tangle *tangle, uint64_t seed)
{
	*tangle = (struct tangle){ .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15),
		.texts = BUF_UP_TO(1 << 20) };
	begin(tangle);
	memcpy(tangle->live, tangle->before, sizeof(tangle->live));
	do_damage(tangle);
	memcpy(tangle->wanted, tangle->before, sizeof(tangle->wanted));
	for (uint64_t i = random_below(tangle, 3); i > 0; i--)
		do_right(tangle);
}

void tangle_release(struct tangle *tangle)
{
	buf_release(&tangle->texts);
}
