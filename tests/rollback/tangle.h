/*
 * A small directory before and after a staging server passed its addresses on, from a seed: rings,
 * chains, swaps, over all kinds and doors, with objects deleted and created on the way; then people
 * changed something, rightly. What must stand in the end is known without planning.
 */
#pragma once

#include "tests/rollback/planning.h"

enum {
	TANGLE_USERS = 8,
	TANGLE_GROUPS = 3,
	TANGLE_CONTACTS = 2,
	TANGLE_CREATED = 2, /* users whom staging may have made */
	TANGLE_OBJECTS = TANGLE_USERS + TANGLE_GROUPS + TANGLE_CONTACTS + TANGLE_CREATED,
	TANGLE_POOL = 64, /* addresses */
	TANGLE_FINDINGS = 512,
	TANGLE_LINE = 4096,
	TANGLE_NONE = -1,
};

enum tangle_where { TANGLE_NOWHERE, TANGLE_DELETED, TANGLE_THERE };

struct tangle_object {
	enum tangle_where where;
	int name;    /* sign-in name; users */
	int primary; /* address */
	bool has[TANGLE_POOL];
	int manager; /* object */
	int department;
	bool members[TANGLE_USERS], owners[TANGLE_USERS]; /* groups */
};

struct tangle {
	uint64_t random;
	enum door doors[TANGLE_OBJECTS]; /* who masters it: graph, sync or directory */
	struct tangle_object before[TANGLE_OBJECTS], live[TANGLE_OBJECTS], wanted[TANGLE_OBJECTS];
	int next_address;
	bool taken_since; /* somebody has an address now that must go back */
	size_t longest;   /* ring or chain */
	char lines[TANGLE_OBJECTS][TANGLE_LINE];
	struct finding findings[TANGLE_FINDINGS];
	const struct finding *pointers[TANGLE_FINDINGS];
	size_t finding_count;
	struct buf texts; /* behind the findings */
};

void tangle_live_through(struct tangle *tangle, uint64_t seed);
void tangle_release(struct tangle *tangle);
/* The plan, as planning makes it; fails the test where it can't. */
struct plan *tangle_plan(struct tangle *tangle);
bool tangle_visit(void *tangle, const struct snapshot_visitor *visitor, struct error *err);

enum kind_id tangle_kind(size_t object);
const char *tangle_id(size_t object);
/* Appends the canonical value that must stand there in the end; nothing where that is nothing. */
void tangle_add_wanted(struct buf *out, const struct tangle *tangle, size_t object,
	const struct attribute *attribute);
