/*
 * What a request costs, by the published table (contract 7.1). What it really cost is in its
 * answer, and corrects the account.
 */
#include "graph/graph_internal.h"

#include <stdlib.h>

#include "base/text.h"

/* Reads, also those that are POSTs, as their words are in the body. The first row that fits counts. */
static const struct row {
	const char *method, *pattern;
	bool prefix; /* more may follow */
	unsigned units;
} costs[] = {
	{ "GET", "/users", false, 2 }, { "GET", "/groups/{id}/members", false, 3 },
	{ "GET", "/groups/{id}/transitiveMembers", false, 5 },
	{ "GET", "/users/{id}/memberOf", false, 2 },
	{ "GET", "/users/{id}/transitiveMemberOf", false, 2 },
	{ "GET", "/groups/{id}/memberOf", false, 2 },
	{ "GET", "/groups/{id}/transitiveMemberOf", false, 2 }, { "GET", "/applications", true, 2 },
	{ "POST", EXTENSIONS_PATH, false, 2 },
	{ "POST", "/directoryObjects/getByIds", false, 3 }, /* 2 with $select, which is a body's */
};

static bool fits(const char *pattern, bool prefix, const char *path)
{
	struct span plain = path_without_query(path);
	char text[256];

	if (plain.length >= sizeof(text))
		return false;
	memcpy(text, plain.data, plain.length);
	text[plain.length] = '\0';
	return path_matches(pattern, text, prefix);
}

static const struct row *row_of(const char *method, const char *path)
{
	for (size_t i = 0; i < COUNT_OF(costs); i++)
		if (strcmp(costs[i].method, method) == 0 &&
			fits(costs[i].pattern, costs[i].prefix, path))
			return &costs[i];
	return NULL;
}

/* $select makes a request cheaper, $expand dearer, and so few that $top is below 20 cheaper. */
static int modifier(const char *path)
{
	const char *query = strchr(path, '?');
	const char *top = query ? strstr(query, "$top=") : NULL;
	int change = 0;

	if (!query)
		return 0;
	change -= strstr(query, "$select=") != NULL;
	change += strstr(query, "$expand=") != NULL;
	change -= top && strtol(top + 5, NULL, 10) < 20;
	return change;
}

struct cost cost_of(const char *method, const char *path)
{
	const struct row *row = row_of(method, path);
	int units = (row ? (int)row->units : 1) + modifier(path);
	struct cost cost = { 0 };

	cost.needs[METER_UNITS] = units > 1 ? units : 1;
	cost.needs[METER_WRITES] = !row && strcmp(method, "GET") != 0;
	cost.needs[METER_AUDITS] = path_matches("/auditLogs/directoryAudits", path, true);
	return cost;
}

void cost_add(struct cost *cost, struct cost more)
{
	for (int id = 0; id < METER_COUNT; id++)
		cost->needs[id] += more.needs[id];
}
