/* What the things of a generated incident have, and how it is spelt. */
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "tests/reconcile/incident_internal.h"

/* clang-format off */
static const struct sort sorts[KIND_COUNT] = {
	[KIND_USER] = { KIND_USER, "User", "user", {
		{ "department", "Department", FORM_TEXT, false, true, false },
		{ "jobTitle", "JobTitle", FORM_TEXT, false, true, false },
		{ "onPremisesExtensionAttributes/extensionAttribute1", "ExtensionAttribute1", FORM_TEXT, false, true, false },
		{ INCIDENT_EXTENSION, INCIDENT_EXTENSION, FORM_TEXT, false, true, false },
		{ "userPrincipalName", "UserPrincipalName", FORM_SIGN_IN_NAME, true, true, false },
		{ "accountEnabled", "AccountEnabled", FORM_SWITCH, true, true, false },
		{ "manager", "Manager", FORM_LINK, false, true, false },
		{ "mobilePhone", "Mobile", FORM_TEXT, false, true, false },
		{ "usageLocation", "UsageLocation", FORM_TEXT, false, true, true } }, 9,
		{ { "otherMails", "OtherMail", NULL, NULL, false } }, 1, true },
	[KIND_GROUP] = { KIND_GROUP, "Group", "group", {
		{ "description", "Description", FORM_TEXT, false, true, false },
		{ "mailNickname", "MailNickname", FORM_TEXT, true, true, false } }, 2,
		{ { "members", NULL, "Add member to group", "Remove member from group", true },
			{ "owners", NULL, "Add owner to group", "Remove owner from group", false } }, 2, true },
	[KIND_CONTACT] = { KIND_CONTACT, "Contact", "contact", {
		{ "department", "Department", FORM_TEXT, false, true, false },
		{ "jobTitle", "JobTitle", FORM_TEXT, false, true, false } }, 2, { { 0 } }, 0, false },
};
/* clang-format on */

static const char *const id_heads[KIND_COUNT] = {
	[KIND_USER] = "c1d7e7a2-3b55-4a8e-b7be-",
	[KIND_GROUP] = "a4b8f0c1-77aa-4d2e-9c11-",
	[KIND_CONTACT] = "e5f3a9d0-1c2b-4e5f-8a9b-",
};

static void id_of(char id[static ID_BYTES + 1], enum kind_id kind, size_t number)
{
	snprintf(id, ID_BYTES + 1, "%s%012u", id_heads[kind], (unsigned)number);
}

void thing_init(struct thing *thing, size_t place)
{
	enum kind_id kind = place < USERS ? KIND_USER
		: place < USERS + GROUPS  ? KIND_GROUP
					  : KIND_CONTACT;

	*thing = (struct thing){ .sort = &sorts[kind], .number = place, .primary.now = NO_PRIMARY };
	if (kind == KIND_GROUP)
		thing->number -= USERS;
	else if (kind == KIND_CONTACT)
		thing->number -= USERS + GROUPS;
	id_of(thing->id, kind, thing->number);
	for (size_t i = 0; i < thing->sort->field_count; i++)
		thing->fields[i].silent = thing->sort->fields[i].silent;
	thing->cloud = kind != KIND_CONTACT && thing->number == STEADY_GROUPS - 1;
}

struct thing *thing_of_id(struct incident *incident, struct span id)
{
	for (size_t i = 0; i < THINGS; i++)
		if (span_is(id, incident->things[i].id))
			return &incident->things[i];
	return NULL;
}

/* All but the first are those of three people, and the last is an address, too. */
static void sign_in_name(char text[static VALUE_TEXT_MAX], size_t number, int value)
{
	if (value == 1)
		snprintf(text, VALUE_TEXT_MAX, "\"u%zu@contoso.com\"", number);
	else if (value == CHOICES - 1)
		snprintf(text, VALUE_TEXT_MAX, "\"shared%zu@contoso.com\"",
			number / NAME_SHARERS % (ADDRESSES - SHARED_ADDRESS));
	else
		snprintf(text, VALUE_TEXT_MAX, "\"n%zu.%d@contoso.com\"", number / NAME_SHARERS,
			value);
}

void field_json(char text[static VALUE_TEXT_MAX], const struct thing *thing,
	const struct field *field, int value)
{
	char id[ID_BYTES + 1];

	text[0] = '\0';
	if (!value)
		return;
	switch (field->form) {
	case FORM_TEXT:
		snprintf(text, VALUE_TEXT_MAX, "\"T%d\"", value);
		break;
	case FORM_SIGN_IN_NAME:
		sign_in_name(text, thing->number, value);
		break;
	case FORM_SWITCH:
		snprintf(text, VALUE_TEXT_MAX, value % 2 ? "true" : "false");
		break;
	case FORM_LINK:
		/* Nobody is his own manager. */
		id_of(id, KIND_USER, (size_t)value == thing->number ? 0 : (size_t)value);
		snprintf(text, VALUE_TEXT_MAX, "\"%s\"", id);
	}
}

void element_text(char text[static VALUE_TEXT_MAX], const struct thing *thing,
	const struct field_set *set, size_t element)
{
	char id[ID_BYTES + 1];

	id_of(id, KIND_USER, element);
	if (set->audit)
		snprintf(text, VALUE_TEXT_MAX, "m%zu.%zu@partner.example", thing->number, element);
	else
		snprintf(text, VALUE_TEXT_MAX, "%s", id);
}

void address_text(char text[static VALUE_TEXT_MAX], const struct thing *thing, size_t address)
{
	size_t number = thing->number;

	if (address >= SHARED_ADDRESS) {
		snprintf(text, VALUE_TEXT_MAX, "shared%zu@contoso.com", address - SHARED_ADDRESS);
		return;
	}
	if (address == NEXT_ADDRESS) {
		address = 0;
		number++;
	}
	snprintf(
		text, VALUE_TEXT_MAX, "%s%zu.a%zu@contoso.com", thing->sort->word, number, address);
}
