/*
 * What the files that read audit records share: the record that is being read.
 */
#pragma once

#include "base/text.h"
#include "reconcile/reconcile_internal.h"

enum does {
	DOES_UPDATE,
	DOES_CREATE,
	DOES_DELETE,
	DOES_PURGE,
	DOES_RESTORE,
	DOES_ADD,    /* to a relation of a group */
	DOES_REMOVE, /* from it */
};

struct activity {
	const char *name;
	enum kind_id kind; /* of the object that changes */
	enum does does;
	const char *
		attribute; /* the relation; or what an update is about, whether it says so or not */
};

struct record {
	struct evidence *evidence;
	const struct activity *activity;
	const json_t *targets;
	struct fact fact; /* what all its facts have in common */
	size_t facts;     /* that were added */
	bool perhaps;     /* nobody knows whether it happened: the request timed out, or worse */
};

/* Names of the log are compared without regard to case. */
static inline bool same_name(const char *a, const char *b)
{
	return text_compare_caseless(span_of(a), span_of(b)) == 0;
}

/* Adds it; what only perhaps happened tells no value, and who touched the object all the same. */
void record_add(struct record *record, const struct fact *fact);

/* ---- audit_property.c ----------------------------------------------------------------- */

/* A fact of this record that names an attribute (NULL: none that we know) and no values yet. */
struct fact record_fact_about(
	const struct record *record, const struct attribute *attribute, struct span name);
/* The facts that the target's modified properties are. ERROR_FORMAT: more than any object has. */
MUST_CHECK bool record_add_properties(
	struct record *record, const json_t *target, struct error *err);
/* The attribute that the activity is about, where the properties do not show it. */
void record_add_implied(struct record *record, const json_t *target);
