/*
 * Sign-in names and addresses are one namespace over all kinds, and two that are there never hold the same.
 * Nor is what may be somebody's sign-in name ever one of his own addresses: the service would see to it. What lies in deleted items holds nothing: others may take it, and then it can't come back.
 */
#include <stdlib.h>

#include "tests/reconcile/incident_internal.h"

/* A number for each text: equal where texts are. */
enum { OF_A_KIND = 1000, ADDRESSES_EACH = 10, NAMES = 5000, COMMON_NAMES = 6000, SHARED = 9000 };

static int address_token(const struct thing *thing, size_t address)
{
	int number = (int)thing->number;

	if (address >= SHARED_ADDRESS)
		return SHARED + (int)(address - SHARED_ADDRESS);
	if (address == NEXT_ADDRESS) {
		address = 0;
		number++;
	}
	return (int)thing->sort->kind * OF_A_KIND + number * ADDRESSES_EACH + (int)address;
}

static int name_token(const struct thing *thing, int value)
{
	int sharers = (int)thing->number / NAME_SHARERS;

	if (value == 1)
		return NAMES + (int)thing->number;
	if (value == CHOICES - 1)
		return SHARED + sharers % (ADDRESSES - SHARED_ADDRESS);
	return COMMON_NAMES + sharers * ADDRESSES_EACH + value;
}

static bool has_address(const struct thing *thing, int token)
{
	for (size_t i = 0; i < ADDRESSES; i++)
		if (thing->addresses[i].now && address_token(thing, i) == token)
			return true;
	return false;
}

static bool has_name(const struct thing *thing, int token)
{
	const struct sort *sort = thing->sort;

	for (size_t i = 0; i < sort->field_count; i++)
		if (sort->fields[i].form == FORM_SIGN_IN_NAME && thing->fields[i].now &&
			name_token(thing, thing->fields[i].now) == token)
			return true;
	return false;
}

static bool holds(const struct thing *thing, int token)
{
	return thing->where == THERE && (has_address(thing, token) || has_name(thing, token));
}

static bool is_free(const struct incident *incident, const struct thing *except, int token)
{
	for (size_t i = 0; i < THINGS; i++)
		if (&incident->things[i] != except && holds(&incident->things[i], token))
			return false;
	return true;
}

static bool may_be_named(const struct thing *thing, int token)
{
	return thing->sort->kind == KIND_USER && name_token(thing, CHOICES - 1) == token;
}

bool name_is_free(const struct incident *incident, const struct thing *thing, int value)
{
	return is_free(incident, thing, name_token(thing, value));
}

void mailbox_fit(struct incident *incident, const struct thing *thing, struct mailbox *mailbox)
{
	for (size_t i = 0; i < ADDRESSES; i++) {
		int token = address_token(thing, i);

		mailbox->there[i] = mailbox->there[i] && !may_be_named(thing, token) &&
			is_free(incident, thing, token);
	}
	if (mailbox->primary != NO_PRIMARY && !mailbox->there[mailbox->primary])
		mailbox_choose_primary(incident, mailbox);
}

bool thing_fits(const struct incident *incident, const struct thing *thing)
{
	const struct sort *sort = thing->sort;

	for (size_t i = 0; i < ADDRESSES; i++)
		if (thing->addresses[i].now && !is_free(incident, thing, address_token(thing, i)))
			return false;
	for (size_t i = 0; i < sort->field_count; i++)
		if (sort->fields[i].form == FORM_SIGN_IN_NAME && thing->fields[i].now &&
			!name_is_free(incident, thing, thing->fields[i].now))
			return false;
	return true;
}

struct thing *shared_holder(struct incident *incident, size_t address)
{
	for (size_t i = 0; i < THINGS; i++)
		if (holds(&incident->things[i], SHARED + (int)(address - SHARED_ADDRESS)))
			return &incident->things[i];
	return NULL;
}
