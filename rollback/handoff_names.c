/*
 * What Active Directory calls things (facts 3.6): attributes by their LDAP names, and the domain of
 * an object by the end of its distinguished name.
 */
#include <ctype.h>

#include "base/text.h"
#include "rollback/handoff_internal.h"

#define EXTENSION_OUTER "onPremisesExtensionAttributes/"

static const struct {
	const char *attribute, *name;
} names[] = {
	{ "accountEnabled", "userAccountControl" }, /* one bit of it */
	{ "businessPhones", "telephoneNumber" },
	{ "city", "l" },
	{ "companyName", "company" },
	{ "country", "co" },
	{ "department", "department" },
	{ "displayName", "displayName" },
	{ "employeeId", "employeeID" },
	{ "faxNumber", "facsimileTelephoneNumber" },
	{ "givenName", "givenName" },
	{ "jobTitle", "title" },
	{ "mail", "mail" },
	{ "mailNickname", "mailNickname" },
	{ "mobilePhone", "mobile" },
	{ "officeLocation", "physicalDeliveryOfficeName" },
	{ EXTENSION_OUTER "extensionAttribute1", "extensionAttribute1" },
	{ EXTENSION_OUTER "extensionAttribute2", "extensionAttribute2" },
	{ EXTENSION_OUTER "extensionAttribute3", "extensionAttribute3" },
	{ EXTENSION_OUTER "extensionAttribute4", "extensionAttribute4" },
	{ EXTENSION_OUTER "extensionAttribute5", "extensionAttribute5" },
	{ EXTENSION_OUTER "extensionAttribute6", "extensionAttribute6" },
	{ EXTENSION_OUTER "extensionAttribute7", "extensionAttribute7" },
	{ EXTENSION_OUTER "extensionAttribute8", "extensionAttribute8" },
	{ EXTENSION_OUTER "extensionAttribute9", "extensionAttribute9" },
	{ EXTENSION_OUTER "extensionAttribute10", "extensionAttribute10" },
	{ EXTENSION_OUTER "extensionAttribute11", "extensionAttribute11" },
	{ EXTENSION_OUTER "extensionAttribute12", "extensionAttribute12" },
	{ EXTENSION_OUTER "extensionAttribute13", "extensionAttribute13" },
	{ EXTENSION_OUTER "extensionAttribute14", "extensionAttribute14" },
	{ EXTENSION_OUTER "extensionAttribute15", "extensionAttribute15" },
	{ "postalCode", "postalCode" },
	{ "preferredLanguage", "preferredLanguage" },
	{ "proxyAddresses", "proxyAddresses" },
	{ "state", "st" },
	{ "streetAddress", "streetAddress" },
	{ "surname", "sn" },
	{ "usageLocation", "msExchUsageLocation" },
	{ "userPrincipalName", "userPrincipalName" },
};

const char *directory_name(const struct attribute *attribute)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(names[i].attribute, attribute->name) == 0)
			return names[i].name;
	}
	return NULL;
}

bool directory_is_for_script_only(const struct attribute *attribute)
{
	return strcmp(attribute->name, "accountEnabled") == 0;
}

void directory_add_names(struct buf *out)
{
	buf_add_text(out, "# Graph's name of an attribute, and Active Directory's.\n$names = @{\n");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		buf_addf(out, "    '%s' = '%s'\n", names[i].attribute, names[i].name);
	buf_add_text(out, "}\n");
}

/* ---- distinguished names --------------------------------------------------------------------- */

/* The next part of a name, up to a comma that no backslash stands before. */
static struct span next_part(struct span *rest)
{
	struct span part = *rest;
	size_t length = 0;

	while (length < part.length && part.data[length] != ',')
		length += part.data[length] == '\\' && length + 1 < part.length ? 2 : 1;
	part.length = length;
	length += length < rest->length;
	*rest = (struct span){ rest->data + length, rest->length - length };
	return part;
}

static bool is_label(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (!isalnum((unsigned char)text.data[i]) && text.data[i] != '-' &&
			text.data[i] != '_')
			return false;
	}
	return text.length > 0;
}

bool dn_add_domain(struct buf *out, struct span dn)
{
	size_t begin = out->length;

	while (dn.length) {
		struct span part = next_part(&dn), label;
		bool component = part.length > 3 &&
			text_compare_caseless((struct span){ part.data, 3 }, SPAN_LITERAL("DC=")) ==
				0;

		label = (struct span){ part.data + 3, part.length - 3 * (size_t)component };
		/* They are the end of a name, and stand nowhere else. */
		if (!component && out->length > begin)
			return false;
		if (!component)
			continue;
		if (!is_label(label))
			return false;
		if (out->length > begin)
			buf_add_byte(out, '.');
		buf_add_span(out, label);
	}
	return out->length > begin;
}

/* ---- what the files for Active Directory can take ------------------------------------------- */

static bool is_too_many(const struct plan_step *step, struct span value)
{
	struct value_texts texts = value_texts(value);
	struct span element;
	size_t count = 0;

	while (value_next(&texts, &element))
		count++;
	return count > 1 && strcmp(step->attribute->name, "proxyAddresses") != 0;
}

static bool has_empty(struct span value)
{
	struct value_texts texts = value_texts(value);
	struct span element;

	while (value_next(&texts, &element)) {
		if (span_is(element, "\"\""))
			return true;
	}
	return false;
}

const char *directory_refusal(const struct plan_step *step)
{
	CLEANUP(buf_release) struct buf domain = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (step->operation != GRAPH_SET)
		return "Active Directory is wrong, production would spread it again, and no standard file "
		       "of ours changes this there.";
	if (!directory_name(step->attribute))
		return "Active Directory is wrong, and what it calls this is not known.";
	if (!step->distinguished_name || !dn_add_domain(&domain, span_of(step->distinguished_name)))
		return "Active Directory is wrong, and Graph does not show where the object stands there.";
	if (step->from.length > HANDOFF_VALUE_MAX || step->to.length > HANDOFF_VALUE_MAX)
		return "The value is too long for a script.";
	if (is_too_many(step, step->from) || is_too_many(step, step->to))
		return "Active Directory holds one such value only.";
	if (has_empty(step->from) || has_empty(step->to))
		return "Active Directory can't hold an empty text.";
	return NULL;
}
