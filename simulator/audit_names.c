/*
 * The directory's inner names of properties, as they stand in modifiedProperties (contract 4.3).
 * Most are Graph's name with a capital letter; the rows below are the others.
 */
#include <stdio.h>

#include "simulator/store.h"

struct inner_name {
	const char *graph, *inner; /* inner NULL: never logged (facts 2) */
};

static const struct inner_name inner_names[] = {
	{ "officeLocation", "PhysicalDeliveryOfficeName" },
	{ "businessPhones", "TelephoneNumber" },
	{ "mobilePhone", "Mobile" },
	{ "faxNumber", "FacsimileTelephoneNumber" },
	{ "otherMails", "OtherMail" },
	{ "companyName", "CompanyName" },
	{ "onPremisesImmutableId", "SourceAnchor" },
	{ "onPremisesLastSyncDateTime", "LastDirSyncTime" },
	{ "onPremisesSyncEnabled", "DirSyncEnabled" },
	{ "onPremisesSamAccountName", "OnPremisesSamAccountName" },
	{ "usageLocation", NULL },
	{ "onPremisesProvisioningErrors", NULL },
	{ "id", NULL },
	{ "createdDateTime", NULL },
	{ "deletedDateTime", NULL },
	{ "securityIdentifier", NULL },
};

const char *audit_property_name(const char *attribute, char room[static 64])
{
	const char *slash = strchr(attribute, '/');
	const char *name = slash ? slash + 1 : attribute;

	for (size_t i = 0; i < COUNT_OF(inner_names); i++)
		if (strcmp(inner_names[i].graph, attribute) == 0)
			return inner_names[i].inner;
	if (strncmp(name, "extension_", strlen("extension_")) == 0)
		return name; /* as it was registered */
	snprintf(room, 64, "%s", name);
	if (room[0] >= 'a' && room[0] <= 'z')
		room[0] = (char)(room[0] - 'a' + 'A');
	return room;
}
