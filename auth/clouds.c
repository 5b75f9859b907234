/*
 * The clouds (contract 1.1). Tokens, app registrations and tenants do not cross them. GCC
 * (moderate) is in the global one. Germany's closed in 2021.
 */
#include <string.h>

#include "auth/auth.h"

static const struct cloud clouds[] = {
	{
		.name = "global",
		.authority = "https://login.microsoftonline.com",
		.graph = "https://graph.microsoft.com",
	},
	{
		.name = "usgov",
		.authority = "https://login.microsoftonline.us",
		.graph = "https://graph.microsoft.us",
	},
	{
		.name = "dod",
		.authority = "https://login.microsoftonline.us",
		.graph = "https://dod-graph.microsoft.us",
	},
	{
		/* Microsoft's pages name both authorities; either is accepted. */
		.name = "china",
		.authority = "https://login.partner.microsoftonline.cn",
		.authority_too = "https://login.chinacloudapi.cn",
		.graph = "https://microsoftgraph.chinacloudapi.cn",
	},
};

const struct cloud *cloud_table(size_t *count)
{
	*count = COUNT_OF(clouds);
	return clouds;
}

const struct cloud *cloud_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(clouds); i++)
		if (strcmp(clouds[i].name, name) == 0)
			return &clouds[i];
	return NULL;
}
