/*
 * What Exchange Online's cmdlets take (facts 7.1): the parameter for an attribute, which is also
 * the name of the property that shows it.
 */
#include "rollback/handoff_internal.h"

#define USERS    (1U << KIND_USER)
#define GROUPS   (1U << KIND_GROUP)
#define CONTACTS (1U << KIND_CONTACT)

#define EXTENSION_ATTRIBUTE "onPremisesExtensionAttributes/extensionAttribute"
enum { EXTENSION_ATTRIBUTES = 15 };

static const struct parameter {
	const char *attribute, *parameter;
	unsigned kinds;
	bool of_contacts; /* Get-Contact and Set-Contact; else the recipient's own cmdlets */
	bool clearable;
} parameters[] = {
	{ "displayName", "DisplayName", USERS | GROUPS | CONTACTS, false, false },
	{ "mailNickname", "Alias", USERS | GROUPS | CONTACTS, false, false },
	{ "companyName", "Company", CONTACTS, true, true },
	{ "department", "Department", CONTACTS, true, true },
	{ "givenName", "FirstName", CONTACTS, true, true },
	{ "jobTitle", "Title", CONTACTS, true, true },
	{ "surname", "LastName", CONTACTS, true, true },
};

static const struct parameter *parameter_of(const struct plan_step *step)
{
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		if (strcmp(parameters[i].attribute, step->attribute->name) == 0 &&
			(parameters[i].kinds & 1U << step->kind->id))
			return &parameters[i];
	}
	return NULL;
}

static bool is_numbered(const struct attribute *attribute)
{
	return strncmp(attribute->name, EXTENSION_ATTRIBUTE, strlen(EXTENSION_ATTRIBUTE)) == 0;
}

static const char *value_refusal(const struct plan_step *step)
{
	const struct parameter *parameter;

	if (strcmp(step->attribute->name, "proxyAddresses") == 0 || is_numbered(step->attribute))
		return NULL;
	if (strcmp(step->attribute->name, "mail") == 0)
		return step->to.data ? NULL : "A mail address can't be taken away by itself.";
	parameter = parameter_of(step);
	if (!parameter)
		return "Exchange Online masters it, and no standard parameter of its cmdlets is "
		       "known to write it.";
	if (!step->to.data && !parameter->clearable)
		return "Exchange Online can't clear this, and it was empty before.";
	return NULL;
}

const char *exchange_refusal(const struct plan_step *step)
{
	if (step->from.length > HANDOFF_VALUE_MAX || step->to.length > HANDOFF_VALUE_MAX)
		return "The value is too long for a script.";
	switch (step->operation) {
	case GRAPH_SET:
		return value_refusal(step);
	case GRAPH_ADD_MEMBER:
	case GRAPH_REMOVE_MEMBER:
		return NULL;
	default:
		return "Exchange Online masters it, and Graph refuses to write it.";
	}
}

static void add_row(struct buf *out, const char *attribute, const char *parameter)
{
	buf_addf(out, "    '%s' = '%s'\n", attribute, parameter);
}

static void add_table(struct buf *out, bool of_contacts)
{
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		if (parameters[i].of_contacts == of_contacts)
			add_row(out, parameters[i].attribute, parameters[i].parameter);
	}
}

void exchange_add_parameters(struct buf *out)
{
	buf_add_text(out,
		"# Graph's name of an attribute, and what the cmdlets call it.\n"
		"$parameters = @{\n");
	add_table(out, false);
	for (int i = 1; i <= EXTENSION_ATTRIBUTES; i++)
		buf_addf(out, "    '" EXTENSION_ATTRIBUTE "%d' = 'CustomAttribute%d'\n", i, i);
	buf_add_text(out, "}\n\n# The same of Get-Contact and Set-Contact.\n$ofContacts = @{\n");
	add_table(out, true);
	buf_add_text(out, "}\n");
}
