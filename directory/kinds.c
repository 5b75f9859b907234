/*
 * The kinds table. Rows stand in byte order of their names, so that a line is written by going
 * down the table and a canonical line is read the same way.
 *
 * What is deliberately not here: attributes with a permission or an action of their own
 * (employeeLeaveDateTime, customSecurityAttributes, identities, licences), those that answer 501
 * in a list (aboutMe and its kin), and a group's onPremisesExtensionAttributes, which Microsoft
 * does not describe.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "directory/directory_internal.h"

/* What a value is, how two compare, where Graph shows it. */
#define TEXT      TYPE_TEXT, SHAPE_ONE, COMPARE_EXACT, SOURCE_SELECT
#define NAME      TYPE_TEXT, SHAPE_ONE, COMPARE_CASELESS, SOURCE_SELECT
#define TEXTS     TYPE_TEXT, SHAPE_SET, COMPARE_EXACT, SOURCE_SELECT
#define NAMES     TYPE_TEXT, SHAPE_SET, COMPARE_CASELESS, SOURCE_SELECT
#define ADDRESSES TYPE_TEXT, SHAPE_SET, COMPARE_ADDRESSES, SOURCE_SELECT
#define SWITCH    TYPE_BOOLEAN, SHAPE_ONE, COMPARE_EXACT, SOURCE_SELECT
#define BEHAVIOR  TYPE_BOOLEAN, SHAPE_ONE, COMPARE_EXACT, SOURCE_BEHAVIOR
#define INSTANT   TYPE_INSTANT, SHAPE_ONE, COMPARE_INSTANT, SOURCE_SELECT
#define STAMP     TYPE_INSTANT, SHAPE_ONE, COMPARE_VOLATILE, SOURCE_SELECT
#define RECORDS   TYPE_COMPLEX, SHAPE_SET, COMPARE_EXACT, SOURCE_SELECT
#define REPORTS   TYPE_COMPLEX, SHAPE_SET, COMPARE_VOLATILE, SOURCE_SELECT
#define LINK      TYPE_REFERENCE, SHAPE_ONE, COMPARE_REFERENCE, SOURCE_EXPAND
#define LINKS     TYPE_REFERENCE, SHAPE_SET, COMPARE_REFERENCE, SOURCE_RELATION

/* Who masters it: of a synced object, of a cloud object. */
#define FLOWED      MASTER_DIRECTORY, MASTER_CLOUD
#define FLOWED_MAIL MASTER_DIRECTORY, MASTER_EXCHANGE
#define FLOWED_ONLY MASTER_DIRECTORY, MASTER_SERVICE
#define CLOUD       MASTER_CLOUD, MASTER_CLOUD
#define OWNED       MASTER_SERVICE, MASTER_CLOUD /* Graph refuses it while the object is synced */
#define COMPUTED    MASTER_SERVICE, MASTER_SERVICE

/* Whether Graph takes null (or an empty set) for it. */
#define CLEARS true
#define STAYS  false

/* A row; macros, so that the compiler and not every object counts the letters. */
#define ROW(name, what, masters, clears, sync, audit)                                              \
	{                                                                                          \
		name, what, masters, clears, sync, audit, sizeof(name) - 1, 0                      \
	}
#define INNER(outer, inner, what, masters, clears, sync, audit)                                    \
	{                                                                                          \
		outer "/" inner, what, masters, clears, sync, audit, sizeof(outer "/" inner) - 1,  \
			sizeof(outer) - 1                                                          \
	}
#define EXTENSION(number)                                                                          \
	INNER("onPremisesExtensionAttributes", "extensionAttribute" number, TEXT, FLOWED, CLEARS,  \
		"extensionAttribute" number, "ExtensionAttribute" number)

/* clang-format off */
/* name, what it is, who masters it, clearable, in a connector space, in audit records */
static const struct attribute user_attributes[] = {
	ROW("accountEnabled",                  SWITCH,    FLOWED,      STAYS,  "accountEnabled",              "AccountEnabled"),
	ROW("ageGroup",                        TEXT,      CLOUD,       CLEARS, NULL,                          NULL),
	ROW("businessPhones",                  TEXTS,     FLOWED,      CLEARS, "telephoneNumber",             "TelephoneNumber"),
	ROW("city",                            TEXT,      FLOWED,      CLEARS, "city",                        "City"),
	ROW("companyName",                     TEXT,      FLOWED,      CLEARS, "company",                     "CompanyName"),
	ROW("consentProvidedForMinor",         TEXT,      CLOUD,       CLEARS, NULL,                          NULL),
	ROW("country",                         TEXT,      FLOWED,      CLEARS, "country",                     "Country"),
	ROW("createdDateTime",                 INSTANT,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("creationType",                    TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("deletedDateTime",                 STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("department",                      TEXT,      FLOWED,      CLEARS, "department",                  "Department"),
	ROW("displayName",                     TEXT,      FLOWED,      STAYS,  "displayName",                 "DisplayName"),
	ROW("employeeHireDate",                INSTANT,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("employeeId",                      TEXT,      FLOWED,      CLEARS, "employeeId",                  "EmployeeId"),
	INNER("employeeOrgData", "costCenter", TEXT, CLOUD, CLEARS, NULL, NULL),
	INNER("employeeOrgData", "division", TEXT, CLOUD, CLEARS, NULL, NULL),
	ROW("employeeType",                    TEXT,      CLOUD,       CLEARS, NULL,                          NULL),
	ROW("externalUserState",               TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("faxNumber",                       TEXT,      FLOWED_ONLY, STAYS,  "facsimileTelephoneNumber",    "FacsimileTelephoneNumber"),
	ROW("givenName",                       TEXT,      FLOWED,      CLEARS, "givenName",                   "GivenName"),
	ROW("imAddresses",                     NAMES,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("isCloudManaged",                  BEHAVIOR,  CLOUD,       STAYS,  NULL,                          NULL),
	ROW("isManagementRestricted",          SWITCH,    COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("jobTitle",                        TEXT,      FLOWED,      CLEARS, "title",                       "JobTitle"),
	ROW("lastPasswordChangeDateTime",      STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("legalAgeGroupClassification",     TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("mail",                            NAME,      FLOWED,      STAYS,  "mail",                        "Mail"),
	ROW("mailNickname",                    NAME,      FLOWED,      CLEARS, "alias",                       "MailNickname"),
	ROW("manager",                         LINK,      FLOWED,      CLEARS, "manager",                     "Manager"),
	ROW("mobilePhone",                     TEXT,      FLOWED,      CLEARS, "mobile",                      "Mobile"),
	ROW("officeLocation",                  TEXT,      FLOWED,      CLEARS, "physicalDeliveryOfficeName",  "PhysicalDeliveryOfficeName"),
	ROW("onPremisesDistinguishedName",     TEXT,      FLOWED_ONLY, STAYS,  "onPremisesDistinguishedName", NULL),
	ROW("onPremisesDomainName",            TEXT,      FLOWED_ONLY, STAYS,  "dnsDomainName",               NULL),
	EXTENSION("1"),
	EXTENSION("10"),
	EXTENSION("11"),
	EXTENSION("12"),
	EXTENSION("13"),
	EXTENSION("14"),
	EXTENSION("15"),
	EXTENSION("2"),
	EXTENSION("3"),
	EXTENSION("4"),
	EXTENSION("5"),
	EXTENSION("6"),
	EXTENSION("7"),
	EXTENSION("8"),
	EXTENSION("9"),
	ROW("onPremisesImmutableId",           TEXT,      FLOWED,      CLEARS, "sourceAnchor",                "SourceAnchor"),
	ROW("onPremisesLastSyncDateTime",      STAMP,     COMPUTED,    STAYS,  NULL,                          "LastDirSyncTime"),
	ROW("onPremisesProvisioningErrors",    REPORTS,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("onPremisesSamAccountName",        TEXT,      FLOWED_ONLY, STAYS,  "onPremisesSamAccountName",    NULL),
	ROW("onPremisesSecurityIdentifier",    TEXT,      FLOWED_ONLY, STAYS,  "onPremiseSecurityIdentifier", NULL),
	ROW("onPremisesSyncEnabled",           SWITCH,    COMPUTED,    STAYS,  NULL,                          "DirSyncEnabled"),
	ROW("onPremisesUserPrincipalName",     NAME,      FLOWED_ONLY, STAYS,  "onPremisesUserPrincipalName", NULL),
	ROW("otherMails",                      NAMES,     CLOUD,       CLEARS, NULL,                          "OtherMail"),
	ROW("passwordPolicies",                TEXT,      CLOUD,       CLEARS, NULL,                          "PasswordPolicies"),
	ROW("postalCode",                      TEXT,      FLOWED,      CLEARS, "postalCode",                  "PostalCode"),
	ROW("preferredDataLocation",           TEXT,      FLOWED_ONLY, STAYS,  "preferredDataLocation",       "PreferredDataLocation"),
	ROW("preferredLanguage",               TEXT,      FLOWED,      CLEARS, "preferredLanguage",           "PreferredLanguage"),
	ROW("proxyAddresses",                  ADDRESSES, FLOWED_MAIL, STAYS,  "proxyAddresses",              "ProxyAddresses"),
	ROW("securityIdentifier",              TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("serviceProvisioningErrors",       REPORTS,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("showInAddressList",               SWITCH,    COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("signInSessionsValidFromDateTime", STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("state",                           TEXT,      FLOWED,      CLEARS, "state",                       "State"),
	ROW("streetAddress",                   TEXT,      FLOWED,      CLEARS, "streetAddress",               "StreetAddress"),
	ROW("surname",                         TEXT,      FLOWED,      CLEARS, "surname",                     "Surname"),
	ROW("usageLocation",                   TEXT,      FLOWED,      STAYS,  "usageLocation",               "UsageLocation"),
	ROW("userPrincipalName",               NAME,      FLOWED,      STAYS,  "userPrincipalName",           "UserPrincipalName"),
	ROW("userType",                        TEXT,      CLOUD,       STAYS,  NULL,                          "UserType"),
};

static const struct attribute group_attributes[] = {
	ROW("classification",                TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("createdDateTime",               INSTANT,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("deletedDateTime",               STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("description",                   TEXT,      FLOWED,      CLEARS, "description",                 "Description"),
	ROW("displayName",                   TEXT,      FLOWED,      STAYS,  "displayName",                 "DisplayName"),
	ROW("expirationDateTime",            STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("groupTypes",                    TEXTS,     CLOUD,       CLEARS, NULL,                          "GroupType"),
	ROW("isAssignableToRole",            SWITCH,    COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("isCloudManaged",                BEHAVIOR,  CLOUD,       STAYS,  NULL,                          NULL),
	ROW("isManagementRestricted",        SWITCH,    COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("mail",                          NAME,      FLOWED_MAIL, STAYS,  "mail",                        "Mail"),
	ROW("mailEnabled",                   SWITCH,    FLOWED,      STAYS,  NULL,                          "MailEnabled"),
	ROW("mailNickname",                  NAME,      FLOWED,      STAYS,  "alias",                       "MailNickname"),
	ROW("members",                       LINKS,     FLOWED,      CLEARS, "member",                      NULL),
	ROW("membershipRule",                TEXT,      CLOUD,       CLEARS, NULL,                          "MembershipRule"),
	ROW("membershipRuleProcessingState", TEXT,      CLOUD,       STAYS,  NULL,                          "MembershipRuleProcessingState"),
	ROW("onPremisesDomainName",          TEXT,      FLOWED_ONLY, STAYS,  "dnsDomainName",               NULL),
	ROW("onPremisesLastSyncDateTime",    STAMP,     COMPUTED,    STAYS,  NULL,                          "LastDirSyncTime"),
	ROW("onPremisesNetBiosName",         TEXT,      FLOWED_ONLY, STAYS,  "netBiosName",                 NULL),
	ROW("onPremisesProvisioningErrors",  REPORTS,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("onPremisesSamAccountName",      TEXT,      FLOWED_ONLY, STAYS,  "onPremisesSamAccountName",    NULL),
	ROW("onPremisesSecurityIdentifier",  TEXT,      FLOWED_ONLY, STAYS,  "onPremiseSecurityIdentifier", NULL),
	ROW("onPremisesSyncEnabled",         SWITCH,    COMPUTED,    STAYS,  NULL,                          "DirSyncEnabled"),
	ROW("owners",                        LINKS,     OWNED,       CLEARS, NULL,                          NULL),
	ROW("preferredDataLocation",         TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("preferredLanguage",             TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("proxyAddresses",                ADDRESSES, FLOWED_MAIL, STAYS,  "proxyAddresses",              "ProxyAddresses"),
	ROW("renewedDateTime",               STAMP,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("resourceProvisioningOptions",   TEXTS,     COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("securityEnabled",               SWITCH,    FLOWED,      STAYS,  "securityEnabled",             "SecurityEnabled"),
	ROW("securityIdentifier",            TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("serviceProvisioningErrors",     REPORTS,   COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("uniqueName",                    TEXT,      COMPUTED,    STAYS,  NULL,                          NULL),
	ROW("visibility",                    TEXT,      CLOUD,       STAYS,  NULL,                          "Visibility"),
};

static const struct attribute contact_attributes[] = {
	ROW("addresses",                    RECORDS,   FLOWED_MAIL, STAYS, NULL,             NULL),
	ROW("companyName",                  TEXT,      FLOWED_MAIL, STAYS, "company",        "CompanyName"),
	ROW("department",                   TEXT,      FLOWED_MAIL, STAYS, "department",     "Department"),
	ROW("displayName",                  TEXT,      FLOWED_MAIL, STAYS, "displayName",    "DisplayName"),
	ROW("givenName",                    TEXT,      FLOWED_MAIL, STAYS, "givenName",      "GivenName"),
	ROW("isCloudManaged",               BEHAVIOR,  CLOUD,       STAYS, NULL,             NULL),
	ROW("jobTitle",                     TEXT,      FLOWED_MAIL, STAYS, "title",          "JobTitle"),
	ROW("mail",                         NAME,      FLOWED_MAIL, STAYS, "mail",           "Mail"),
	ROW("mailNickname",                 NAME,      FLOWED_MAIL, STAYS, "alias",          "MailNickname"),
	ROW("manager",                      LINK,      FLOWED_MAIL, STAYS, "manager",        "Manager"),
	ROW("onPremisesLastSyncDateTime",   STAMP,     COMPUTED,    STAYS, NULL,             "LastDirSyncTime"),
	ROW("onPremisesProvisioningErrors", REPORTS,   COMPUTED,    STAYS, NULL,             NULL),
	ROW("onPremisesSyncEnabled",        SWITCH,    COMPUTED,    STAYS, NULL,             "DirSyncEnabled"),
	ROW("phones",                       RECORDS,   FLOWED_MAIL, STAYS, NULL,             NULL),
	ROW("proxyAddresses",               ADDRESSES, FLOWED_MAIL, STAYS, "proxyAddresses", "ProxyAddresses"),
	ROW("serviceProvisioningErrors",    REPORTS,   COMPUTED,    STAYS, NULL,             NULL),
	ROW("surname",                      TEXT,      FLOWED_MAIL, STAYS, "surname",        "Surname"),
};
/* clang-format on */

static const struct kind kinds[KIND_COUNT] = {
	[KIND_USER] = { KIND_USER, "user", "users", "microsoft.graph.user", true, user_attributes,
		COUNT_OF(user_attributes) },
	[KIND_GROUP] = { KIND_GROUP, "group", "groups", "microsoft.graph.group", true,
		group_attributes, COUNT_OF(group_attributes) },
	[KIND_CONTACT] = { KIND_CONTACT, "contact", "contacts", "microsoft.graph.orgContact", false,
		contact_attributes, COUNT_OF(contact_attributes) },
};

/* Second spellings: of audit records of other years, and of Active Directory. */
struct alias {
	const char *alias, *name;
};

static const struct alias audit_aliases[] = {
	{ "Company", "CompanyName" },
	{ "ImmutableId", "SourceAnchor" },
	{ "OnPremisesImmutableId", "SourceAnchor" },
	{ "OtherMails", "OtherMail" },
	{ "MobilePhone", "Mobile" },
	{ "OfficeLocation", "PhysicalDeliveryOfficeName" },
	{ "BusinessPhones", "TelephoneNumber" },
	{ "FaxNumber", "FacsimileTelephoneNumber" },
	{ "GroupTypes", "GroupType" },
	{ "OnPremisesSyncEnabled", "DirSyncEnabled" },
	{ "OnPremisesLastSyncDateTime", "LastDirSyncTime" },
	{ "Title", "JobTitle" },
};

static const struct alias sync_aliases[] = {
	{ "co", "country" },
	{ "l", "city" },
	{ "mailNickname", "alias" },
	{ "onPremisesSecurityIdentifier", "onPremiseSecurityIdentifier" },
	{ "sn", "surname" },
	{ "st", "state" },
};

const struct kind *kind_get(enum kind_id id)
{
	assert(id >= 0 && id < KIND_COUNT);
	return &kinds[id];
}

const struct kind *kind_find(struct span name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (span_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* ---- finding rows ----------------------------------------------------------------- */

const struct attribute *attribute_find(const struct kind *kind, struct span name)
{
	size_t low = 0, high = kind->attribute_count;

	/* Rows stand in byte order of their names. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_compare(span_of(kind->attributes[middle].name), name);

		if (order == 0)
			return &kind->attributes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return attribute_extension(name);
}

static struct span without_alias(const struct alias *aliases, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (text_compare_caseless(name, span_of(aliases[i].alias)) == 0)
			return span_of(aliases[i].name);
	return name;
}

const struct attribute *attribute_find_audit(const struct kind *kind, struct span audit_name)
{
	struct span name = without_alias(audit_aliases, COUNT_OF(audit_aliases), audit_name);

	for (size_t i = 0; i < kind->attribute_count; i++) {
		const char *known = kind->attributes[i].audit_name;

		if (known && text_compare_caseless(name, span_of(known)) == 0)
			return &kind->attributes[i];
	}
	return attribute_extension(audit_name);
}

const struct attribute *attribute_find_sync(const struct kind *kind, struct span sync_name)
{
	struct span name = without_alias(sync_aliases, COUNT_OF(sync_aliases), sync_name);

	for (size_t i = 0; i < kind->attribute_count; i++) {
		const char *known = kind->attributes[i].sync_name;

		if (known && text_compare_caseless(name, span_of(known)) == 0)
			return &kind->attributes[i];
	}
	return attribute_extension(sync_name);
}

/* ---- looking up the keys of an object ---------------------------------------------- */

static inline bool is_outer(const struct attribute *attribute, struct span name)
{
	struct span outer = attribute_outer_name(attribute);

	return outer.length == name.length && name_equal(outer.data, name.data, name.length);
}

size_t attribute_next_outer(const struct kind *kind, size_t row)
{
	struct span outer;

	if (!kind->attributes[row].outer_length)
		return row + 1;
	outer = attribute_outer_name(&kind->attributes[row]);
	do
		row++;
	while (row < kind->attribute_count &&
		span_equal(attribute_outer_name(&kind->attributes[row]), outer));
	return row;
}

/* Names of one kind differ in their length, their first or their last letter, nearly all. */
static inline unsigned slot(struct span name)
{
	unsigned first = (unsigned char)name.data[0];
	unsigned last = (unsigned char)name.data[name.length - 1];

	return (first * 7 + last * 3 + (unsigned)name.length * 11) % LOOKUP_SLOTS;
}

void attribute_lookup_init(struct attribute_lookup *lookup, const struct kind *kind)
{
	size_t row = kind->attribute_count;

	lookup->kind = kind;
	memset(lookup->first, ATTRIBUTE_NONE, sizeof(lookup->first));
	/* Backwards, so that of a complex value's rows the first is found first. */
	while (row--) {
		uint8_t *first = &lookup->first[slot(attribute_outer_name(&kind->attributes[row]))];

		lookup->next[row] = *first;
		*first = (uint8_t)row;
	}
}

size_t attribute_lookup(const struct attribute_lookup *lookup, struct span key)
{
	size_t row = key.length ? lookup->first[slot(key)] : ATTRIBUTE_NONE;

	while (row != ATTRIBUTE_NONE && !is_outer(&lookup->kind->attributes[row], key))
		row = lookup->next[row];
	return row;
}

/* ---- words -------------------------------------------------------------------------- */

void kind_add_select(const struct kind *kind, struct buf *out)
{
	buf_add_text(out, "id");
	for (size_t row = 0; row < kind->attribute_count; row = attribute_next_outer(kind, row)) {
		if (kind->attributes[row].source != SOURCE_SELECT)
			continue;
		buf_add_byte(out, ',');
		buf_add_span(out, attribute_outer_name(&kind->attributes[row]));
	}
}

const char *attribute_type_name(enum attribute_type type)
{
	static const char *const names[] = {
		[TYPE_TEXT] = "text",
		[TYPE_BOOLEAN] = "boolean",
		[TYPE_INSTANT] = "instant",
		[TYPE_COMPLEX] = "complex",
		[TYPE_REFERENCE] = "reference",
		[TYPE_EXTENSION] = "extension",
	};

	return names[type];
}

const char *attribute_compare_name(enum attribute_compare compare)
{
	static const char *const names[] = {
		[COMPARE_EXACT] = "exact",
		[COMPARE_CASELESS] = "caseless",
		[COMPARE_ADDRESSES] = "addresses",
		[COMPARE_INSTANT] = "instant",
		[COMPARE_REFERENCE] = "reference",
		[COMPARE_VOLATILE] = "volatile",
	};

	return names[compare];
}

const char *attribute_master_name(enum attribute_master master)
{
	static const char *const names[] = {
		[MASTER_DIRECTORY] = "directory",
		[MASTER_CLOUD] = "cloud",
		[MASTER_EXCHANGE] = "exchange",
		[MASTER_SERVICE] = "service",
	};

	return names[master];
}
