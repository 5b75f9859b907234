/*
 * GET /auditLogs/directoryAudits (contract 4.1): newest first unless asked otherwise; a filter
 * over the fields that the documentation names, and no other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "simulator/endpoint.h"

enum { AUDIT_PAGE = 1000 }; /* [seen]: default and maximum are unstated */

static const struct {
	const char *path, *type;
	unsigned capabilities;
} audit_fields[] = {
	{ "activityDateTime", "Edm.DateTimeOffset", F_EQ | F_RANGE },
	{ "activityDisplayName", "Edm.String", F_EQ | F_STARTS },
	{ "correlationId", "Edm.String", F_EQ },
	{ "loggedByService", "Edm.String", F_EQ },
	{ "initiatedBy/user/id", "Edm.String", F_EQ },
	{ "initiatedBy/user/displayName", "Edm.String", F_EQ },
	{ "initiatedBy/user/userPrincipalName", "Edm.String", F_EQ | F_STARTS },
	{ "initiatedBy/app/appId", "Edm.String", F_EQ },
	{ "initiatedBy/app/displayName", "Edm.String", F_EQ },
	{ "targetResources/*/id", "Edm.String", F_EQ },
	{ "targetResources/*/displayName", "Edm.String", F_EQ | F_STARTS },
};

bool filter_audit_field(const void *unused UNUSED, struct simulator *simulator UNUSED,
	const char *path, const char **type, unsigned *capabilities)
{
	for (size_t i = 0; i < COUNT_OF(audit_fields); i++)
		if (strcmp(audit_fields[i].path, path) == 0) {
			*type = audit_fields[i].type;
			*capabilities = audit_fields[i].capabilities;
			return true;
		}
	return false;
}

static bool take_record(
	void *context, int64_t sequence, json_t *record, bool *more, struct error *err UNUSED)
{
	struct page *page = context;
	char position[32];

	if (!filter_matches(page->filter, record))
		return true;
	snprintf(position, sizeof(position), "%lld", (long long)sequence);
	*more = page_take(page, json_incref(record), position);
	return true;
}

/* False, with the answer, for an order that the service does not know. */
static bool parse_order(struct exchange *exchange, bool *newest_first)
{
	const char *order = exchange_option(exchange, "$orderby");

	*newest_first = !order || strcmp(order, "activityDateTime desc") == 0;
	if (*newest_first || strcmp(order, "activityDateTime") == 0 ||
		strcmp(order, "activityDateTime asc") == 0)
		return true;
	return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
		"Sorting by '%s' is not supported.", order);
}

bool answer_audits(struct exchange *exchange, struct error *err)
{
	static const char *const options[] = { "$filter", "$top", "$orderby", "$skiptoken", NULL };
	CLEANUP(query_page_release) struct page page = { 0 };
	CLEANUP(filter_freep) struct filter *filter = NULL;
	const char *text = exchange_option(exchange, "$filter");
	bool newest_first;

	if (!permission_granted(exchange->simulator, "Directory.Read.All"))
		return exchange_refuse_denied(exchange);
	if (!exchange_allows(exchange, options) || !parse_order(exchange, &newest_first) ||
		!query_page_init(&page, exchange, AUDIT_PAGE, AUDIT_PAGE))
		return true;
	if (text) {
		filter = filter_parse(exchange, text, filter_audit_field, NULL);
		if (!filter)
			return true;
		page.filter = filter;
	}
	if (!audit_each(exchange->simulator, newest_first, strtoll(page.position, NULL, 10),
		    take_record, &page, err))
		return false;
	return page_answer(&page, "auditLogs/directoryAudits", -1);
}
