/*
 * What the files of delta share (contract 2.9): the query that a token stands for, the place
 * where a round stands, and the page that is being filled.
 */
#pragma once

#include "simulator/endpoint.h"

enum {
	DELTA_FILTER_MAX = 50, /* ids in a $filter */
	DELTA_PAGE = 200,
	DELTA_MEMBERS = 1000,
	DELTA_PAGE_MAX = 5000, /* whatever the options say */
	DELTA_DIGEST_BYTES = 16,
};
#define DELTA_TOKEN_MS (INT64_C(7) * 24 * 60 * 60 * 1000)

/* ---- the query (delta_query.c) ---------------------------------------------------------------- */

/* What was asked on the first call. Tokens name it by its digest; the database keeps it. */
struct delta_query {
	const struct schema *schema;
	char *select, *filter; /* as given, or NULL */
	uint8_t digest[DELTA_DIGEST_BYTES];
	struct selection selection; /* `id` always among it, relations never */
	bool has_relation;
	enum relation relation; /* members of groups, manager of users and contacts */
	struct id_list ids;     /* of $filter; none: all objects */
};

void delta_query_release(struct delta_query *query);
/* From the options $select and $filter, or from a token's digest. False with the answer given. */
MUST_CHECK bool delta_query_parse(struct delta_query *query, struct exchange *exchange);
MUST_CHECK bool delta_query_find(struct delta_query *query, struct exchange *exchange,
	const uint8_t digest[static DELTA_DIGEST_BYTES]);
/* Keeps it, for delta_query_find(). */
MUST_CHECK bool delta_query_keep(
	const struct delta_query *query, struct simulator *simulator, struct error *err);
/* True when a change of this property is told at all: only selected ones are tracked. */
bool delta_query_tracks(const struct delta_query *query, const char *name);
bool delta_query_wants(const struct delta_query *query, const char *id); /* by $filter */

/* ---- where a round stands ---------------------------------------------------------------------- */

/*
 * A first round goes over all objects in id order, the others over the changes in (since, until].
 * `is_end`: a deltaLink, whose round begins after `since`. `place` is the last object told; with
 * a `member`, that object goes on behind this one.
 */
struct delta_claim {
	uint8_t query[DELTA_DIGEST_BYTES];
	int64_t issued_ms, since, until;
	bool is_first, is_end;
	struct change_place place;
	char member[GUID_TEXT_BYTES];
};

/* ---- items (delta_show.c) ---------------------------------------------------------------------- */

struct delta_page {
	struct exchange *exchange;
	const struct delta_query *query;
	struct delta_claim claim; /* moves on with what is taken */
	bool minimal;             /* Prefer: return=minimal */
	size_t members_left;
	json_t *items;
};

/* Null while the round goes over all objects. */
const struct change_span *delta_span(const struct delta_page *page, struct change_span *room);
/* Takes one object: an item, or nothing where there is nothing to tell; the claim moves on. */
MUST_CHECK bool delta_take(
	struct delta_page *page, const struct change_place *place, struct error *err);
