/*
 * The properties of users, groups and contacts as Graph v1.0 documents them: contract 2.2 to
 * 2.5, row by row. This table is the simulator's own; a test holds it against Microsoft's CSDL.
 */
#include "simulator/endpoint.h"

#define TEXT     "Edm.String"
#define TEXTS    "Collection(Edm.String)"
#define FLAG     "Edm.Boolean"
#define INSTANT  "Edm.DateTimeOffset"
#define ERRORS   "Collection(graph.onPremisesProvisioningError)"
#define FAILURES "Collection(graph.serviceProvisioningError)"

#define ADVANCED(capabilities) ((capabilities) << F_ADVANCED)
#define NULL_ADVANCED          ADVANCED(F_NULL)
#define NAMED                  (F_EQ | F_STARTS | NULL_ADVANCED)
#define ADVANCED_TEXT          ADVANCED(F_EQ | F_STARTS | F_NULL)
#define ADDRESSED              (F_EQ | F_STARTS | ADVANCED(F_ENDS))

static const struct property user_properties[] = {
	{ "id", TEXT, P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "deletedDateTime", INSTANT, 0, 0, 0 },
	{ "accountEnabled", FLAG, P_WRITE | P_KEEP, F_EQ, 0 },
	{ "ageGroup", TEXT, P_WRITE, F_EQ, 0 },
	{ "assignedLicenses", "Collection(graph.assignedLicense)", P_NEVER_NULL, 0, 0 },
	{ "assignedPlans", "Collection(graph.assignedPlan)", P_NEVER_NULL, 0, 0 },
	{ "aboutMe", TEXT, P_SINGLE, 0, 0 },
	{ "birthday", INSTANT, P_SINGLE | P_NEVER_NULL, 0, 0 },
	{ "businessPhones", TEXTS, P_WRITE | P_DEFAULT | P_NEVER_NULL, ADVANCED(F_EQ | F_STARTS),
		64 },
	{ "city", TEXT, P_WRITE, NAMED, 128 },
	{ "companyName", TEXT, P_WRITE, ADVANCED_TEXT, 64 },
	{ "consentProvidedForMinor", TEXT, P_WRITE, F_EQ, 0 },
	{ "country", TEXT, P_WRITE, NAMED, 128 },
	{ "createdDateTime", INSTANT, 0, F_RANGE | NULL_ADVANCED, 0 },
	{ "creationType", TEXT, 0, F_EQ, 0 },
	{ "department", TEXT, P_WRITE, NAMED, 64 },
	{ "displayName", TEXT, P_WRITE | P_DEFAULT | P_KEEP, NAMED, 256 },
	{ "employeeHireDate", INSTANT, 0, ADVANCED(F_RANGE), 0 },
	{ "employeeId", TEXT, P_WRITE, F_EQ | NULL_ADVANCED, 16 },
	{ "employeeLeaveDateTime", INSTANT, P_WRITE, 0, 0 },
	{ "employeeOrgData", "graph.employeeOrgData", P_WRITE, 0, 0 },
	{ "employeeType", TEXT, P_WRITE, ADVANCED(F_EQ), 0 },
	{ "externalUserState", TEXT, 0, F_EQ, 0 },
	{ "externalUserStateChangeDateTime", INSTANT, 0, 0, 0 },
	{ "faxNumber", TEXT, 0, ADVANCED_TEXT, 0 },
	{ "givenName", TEXT, P_WRITE | P_DEFAULT, NAMED, 64 },
	{ "hireDate", INSTANT, P_SINGLE | P_NEVER_NULL, 0, 0 },
	{ "identities", "Collection(graph.objectIdentity)", P_WRITE | P_RESERVED, 0, 0 },
	{ "imAddresses", TEXTS, 0, F_EQ | F_STARTS, 0 },
	{ "interests", TEXTS, P_SINGLE, 0, 0 },
	{ "isManagementRestricted", FLAG, 0, 0, 0 },
	{ "isResourceAccount", FLAG, 0, 0, 0 },
	{ "jobTitle", TEXT, P_WRITE | P_DEFAULT, NAMED, 128 },
	{ "lastPasswordChangeDateTime", INSTANT, 0, 0, 0 },
	{ "legalAgeGroupClassification", TEXT, 0, 0, 0 },
	{ "mail", TEXT, P_WRITE | P_DEFAULT | P_KEEP, NAMED | ADVANCED(F_ENDS), 256 },
	{ "mailNickname", TEXT, P_WRITE | P_KEEP, NAMED, 64 },
	{ "mailboxSettings", "graph.mailboxSettings", P_SINGLE, 0, 0 },
	{ "mobilePhone", TEXT, P_WRITE | P_DEFAULT, ADVANCED_TEXT, 64 },
	{ "mySite", TEXT, P_SINGLE, 0, 0 },
	{ "officeLocation", TEXT, P_WRITE | P_DEFAULT, ADVANCED_TEXT, 128 },
	{ "onPremisesDistinguishedName", TEXT, 0, ADVANCED_TEXT, 0 },
	{ "onPremisesDomainName", TEXT, 0, 0, 0 },
	{ "onPremisesExtensionAttributes", "graph.onPremisesExtensionAttributes",
		P_WRITE | P_EXCHANGE, 0, 1024 },
	{ "onPremisesImmutableId", TEXT, P_WRITE, F_EQ, 0 },
	{ "onPremisesLastSyncDateTime", INSTANT, 0, F_RANGE, 0 },
	{ "onPremisesProvisioningErrors", ERRORS, 0, F_EQ, 0 },
	{ "onPremisesSamAccountName", TEXT, 0, ADVANCED(F_EQ | F_STARTS), 0 },
	{ "onPremisesSecurityIdentifier", TEXT, 0, F_EQ | NULL_ADVANCED, 0 },
	{ "onPremisesSyncEnabled", FLAG, 0, F_EQ | NULL_ADVANCED, 0 },
	{ "onPremisesUserPrincipalName", TEXT, 0, 0, 0 },
	/* No default rule flows these three; sync overrides otherMails only where told to (contract 8). */
	{ "otherMails", TEXTS, P_WRITE | P_NEVER_NULL | P_CLOUD, ADDRESSED, 250 },
	{ "passwordPolicies", TEXT, P_WRITE | P_CLOUD, ADVANCED(F_EQ | F_NULL), 0 },
	{ "pastProjects", TEXTS, P_SINGLE, 0, 0 },
	{ "postalCode", TEXT, P_WRITE, ADVANCED_TEXT, 40 },
	{ "preferredDataLocation", TEXT, 0, 0, 0 },
	{ "preferredLanguage", TEXT, P_WRITE | P_DEFAULT, ADVANCED(F_EQ | F_NULL), 0 },
	{ "preferredName", TEXT, P_SINGLE, 0, 0 },
	{ "provisionedPlans", "Collection(graph.provisionedPlan)", P_NEVER_NULL, 0, 0 },
	{ "proxyAddresses", TEXTS, P_NEVER_NULL, ADDRESSED, 0 },
	{ "responsibilities", TEXTS, P_SINGLE, 0, 0 },
	{ "schools", TEXTS, P_SINGLE, 0, 0 },
	{ "securityIdentifier", TEXT, 0, 0, 0 },
	{ "serviceProvisioningErrors", FAILURES, 0, 0, 0 },
	{ "showInAddressList", FLAG, 0, 0, 0 },
	{ "signInSessionsValidFromDateTime", INSTANT, 0, 0, 0 },
	{ "skills", TEXTS, P_SINGLE, 0, 0 },
	{ "state", TEXT, P_WRITE, F_EQ | NULL_ADVANCED, 128 },
	{ "streetAddress", TEXT, P_WRITE, ADVANCED_TEXT, 1024 },
	{ "surname", TEXT, P_WRITE | P_DEFAULT, NAMED, 64 },
	{ "usageLocation", TEXT, P_WRITE | P_KEEP | P_CLOUD, NAMED, 2 },
	{ "userPrincipalName", TEXT, P_WRITE | P_DEFAULT | P_KEEP,
		F_EQ | F_STARTS | ADVANCED(F_ENDS), 113 },
	{ "userType", TEXT, P_WRITE | P_KEEP | P_CLOUD, F_EQ | NULL_ADVANCED, 0 },
};

static const struct property group_properties[] = {
	{ "id", TEXT, P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "deletedDateTime", INSTANT, P_DEFAULT, 0, 0 },
	{ "accessType", "graph.groupAccessType", 0, 0, 0 },
	{ "allowExternalSenders", FLAG, P_SINGLE, 0, 0 },
	{ "assignedLabels", "Collection(graph.assignedLabel)", 0, 0, 0 },
	{ "assignedLicenses", "Collection(graph.assignedLicense)", 0, 0, 0 },
	{ "autoSubscribeNewMembers", FLAG, P_SINGLE, 0, 0 },
	{ "classification", TEXT, P_DEFAULT, F_EQ | F_STARTS, 0 },
	{ "createdDateTime", INSTANT, P_DEFAULT, ADVANCED(F_RANGE | F_NULL), 0 },
	{ "description", TEXT, P_WRITE | P_DEFAULT, ADVANCED_TEXT, 1024 },
	{ "displayName", TEXT, P_WRITE | P_DEFAULT | P_KEEP, NAMED, 256 },
	{ "expirationDateTime", INSTANT, P_DEFAULT, ADVANCED(F_RANGE), 0 },
	{ "groupTypes", TEXTS, P_WRITE | P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "hideFromAddressLists", FLAG, P_SINGLE, 0, 0 },
	{ "hideFromOutlookClients", FLAG, P_SINGLE, 0, 0 },
	{ "infoCatalogs", TEXTS, P_NEVER_NULL, 0, 0 },
	{ "isAssignableToRole", FLAG, P_DEFAULT, F_EQ, 0 },
	{ "isManagementRestricted", FLAG, 0, 0, 0 },
	{ "isSubscribedByMail", FLAG, P_SINGLE, 0, 0 },
	{ "licenseProcessingState", "graph.licenseProcessingState", 0, 0, 0 },
	{ "mail", TEXT, P_DEFAULT, NAMED, 0 },
	{ "mailEnabled", FLAG, P_WRITE | P_DEFAULT | P_KEEP, F_EQ, 0 },
	{ "mailNickname", TEXT, P_WRITE | P_DEFAULT | P_KEEP, NAMED, 64 },
	{ "membershipRule", TEXT, P_WRITE | P_DEFAULT, F_EQ | F_STARTS, 3072 },
	{ "membershipRuleProcessingState", TEXT, P_WRITE | P_DEFAULT, 0, 0 },
	{ "onPremisesDomainName", TEXT, P_DEFAULT, 0, 0 },
	{ "onPremisesExtensionAttributes", "graph.onPremisesExtensionAttributes", 0, 0, 0 },
	{ "onPremisesLastSyncDateTime", INSTANT, P_DEFAULT, F_RANGE, 0 },
	{ "onPremisesNetBiosName", TEXT, P_DEFAULT, 0, 0 },
	{ "onPremisesProvisioningErrors", ERRORS, P_DEFAULT, F_EQ, 0 },
	{ "onPremisesSamAccountName", TEXT, P_DEFAULT, ADVANCED(F_EQ | F_STARTS), 0 },
	{ "onPremisesSecurityIdentifier", TEXT, P_DEFAULT, F_EQ | NULL_ADVANCED, 0 },
	{ "onPremisesSyncEnabled", FLAG, P_DEFAULT, F_EQ | NULL_ADVANCED, 0 },
	{ "organizationId", TEXT, 0, 0, 0 },
	{ "preferredDataLocation", TEXT, P_DEFAULT, 0, 0 },
	{ "preferredLanguage", TEXT, P_DEFAULT, ADVANCED(F_EQ | F_NULL), 0 },
	{ "proxyAddresses", TEXTS, P_DEFAULT | P_NEVER_NULL, ADDRESSED, 0 },
	{ "renewedDateTime", INSTANT, P_DEFAULT, F_RANGE, 0 },
	{ "resourceBehaviorOptions", TEXTS, P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "resourceProvisioningOptions", TEXTS, P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "securityEnabled", FLAG, P_WRITE | P_DEFAULT | P_KEEP, F_EQ, 0 },
	{ "securityIdentifier", TEXT, P_DEFAULT, 0, 0 },
	{ "serviceProvisioningErrors", FAILURES, P_DEFAULT, 0, 0 },
	{ "theme", TEXT, P_DEFAULT, 0, 0 },
	{ "uniqueName", TEXT, P_DEFAULT, F_EQ | F_STARTS, 0 },
	{ "unseenConversationsCount", "Edm.Int32", P_SINGLE, 0, 0 },
	{ "unseenCount", "Edm.Int32", P_SINGLE, 0, 0 },
	{ "unseenMessagesCount", "Edm.Int32", P_SINGLE, 0, 0 },
	{ "visibility", TEXT, P_WRITE | P_DEFAULT | P_KEEP, 0, 0 },
};

static const struct property contact_properties[] = {
	{ "id", TEXT, P_DEFAULT | P_NEVER_NULL, F_EQ, 0 },
	{ "deletedDateTime", INSTANT, P_DEFAULT, 0, 0 },
	{ "addresses", "Collection(graph.physicalOfficeAddress)", P_DEFAULT, 0, 0 },
	{ "companyName", TEXT, P_DEFAULT, ADVANCED_TEXT, 0 },
	{ "department", TEXT, P_DEFAULT, NAMED, 0 },
	{ "displayName", TEXT, P_DEFAULT, NAMED, 0 },
	{ "givenName", TEXT, P_DEFAULT, NAMED, 0 },
	{ "jobTitle", TEXT, P_DEFAULT, NAMED, 0 },
	{ "mail", TEXT, P_DEFAULT, NAMED, 0 },
	{ "mailNickname", TEXT, P_DEFAULT, NAMED, 0 },
	{ "onPremisesLastSyncDateTime", INSTANT, P_DEFAULT, F_RANGE, 0 },
	{ "onPremisesProvisioningErrors", ERRORS, P_DEFAULT, F_EQ, 0 },
	{ "onPremisesSyncEnabled", FLAG, P_DEFAULT, F_EQ | NULL_ADVANCED, 0 },
	{ "phones", "Collection(graph.phone)", P_DEFAULT, 0, 0 },
	{ "proxyAddresses", TEXTS, P_DEFAULT | P_NEVER_NULL, ADDRESSED, 0 },
	{ "serviceProvisioningErrors", FAILURES, P_DEFAULT, 0, 0 },
	{ "surname", TEXT, P_DEFAULT, NAMED, 0 },
};

static const struct schema schemas[OBJECT_KINDS] = {
	{ OBJECT_USER, "users", "microsoft.graph.user", "User", user_properties,
		COUNT_OF(user_properties) },
	{ OBJECT_GROUP, "groups", "microsoft.graph.group", "Group", group_properties,
		COUNT_OF(group_properties) },
	{ OBJECT_CONTACT, "contacts", "microsoft.graph.orgContact", "OrgContact",
		contact_properties, COUNT_OF(contact_properties) },
};

const struct schema *schema_of(enum object_kind kind)
{
	return &schemas[kind];
}

const struct schema *schema_by_collection(const char *collection)
{
	for (size_t i = 0; i < OBJECT_KINDS; i++)
		if (strcmp(schemas[i].collection, collection) == 0)
			return &schemas[i];
	return NULL;
}

const struct schema *schema_by_type(const char *type, size_t length)
{
	for (size_t i = 0; i < OBJECT_KINDS; i++)
		if (strlen(schemas[i].type) == length && memcmp(schemas[i].type, type, length) == 0)
			return &schemas[i];
	return NULL;
}

const struct property *schema_property(const struct schema *schema, const char *name, size_t length)
{
	for (size_t i = 0; i < schema->property_count; i++) {
		const struct property *property = &schema->properties[i];

		if (strlen(property->name) == length && memcmp(property->name, name, length) == 0)
			return property;
	}
	return NULL;
}

bool property_is_collection(const struct property *property)
{
	return strncmp(property->type, "Collection(", strlen("Collection(")) == 0;
}

const char *const *property_members(const struct property *property)
{
	static const char *const extensions[] = { "extensionAttribute1", "extensionAttribute2",
		"extensionAttribute3", "extensionAttribute4", "extensionAttribute5",
		"extensionAttribute6", "extensionAttribute7", "extensionAttribute8",
		"extensionAttribute9", "extensionAttribute10", "extensionAttribute11",
		"extensionAttribute12", "extensionAttribute13", "extensionAttribute14",
		"extensionAttribute15", NULL };
	static const char *const organisation[] = { "costCenter", "division", NULL };

	if (strcmp(property->type, "graph.onPremisesExtensionAttributes") == 0)
		return extensions;
	if (strcmp(property->type, "graph.employeeOrgData") == 0)
		return organisation;
	return NULL;
}
