/* A small directory and findings about it, by hand, for the tests of planning. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rollback/plan_internal.h"

/* Ids of users, groups and contacts. */
#define USER(digit)    "a0000000-0000-4000-8000-00000000000" digit
#define GROUP(digit)   "b0000000-0000-4000-8000-00000000000" digit
#define CONTACT(digit) "c0000000-0000-4000-8000-00000000000" digit
#define QUOTED(id)     "\"" id "\""

#define NOTHING     SPAN_NONE
#define VALUE(text) SPAN_LITERAL(text)

/* What stands in the directory now: an entry per object, ended by NULL. */
struct directory {
	const char *lines[16];
};

static inline bool directory_object(
	void *context, struct span id, struct object **object, struct error *err)
{
	const struct directory *directory = context;

	*object = NULL;
	for (size_t i = 0; directory->lines[i]; i++) {
		struct object *found = object_parse(span_of(directory->lines[i]), err);

		if (!found)
			return false;
		if (span_equal(object_id(found), id)) {
			*object = found;
			return true;
		}
		object_free(found);
	}
	return true;
}

static inline bool directory_each(
	void *context, snapshot_each_function *visit, void *visit_context, struct error *err)
{
	const struct directory *directory = context;

	for (size_t i = 0; directory->lines[i]; i++)
		if (!visit(visit_context, span_of(directory->lines[i]), err))
			return false;
	return true;
}

static inline struct finding finding_of(enum kind_id kind, const char *id, const char *attribute)
{
	struct finding finding = {
		.verdict = VERDICT_REVERT,
		.change = CHANGE_VALUE,
		.door = DOOR_GRAPH,
		.kind = kind_get(kind),
		.id = span_of(id),
		.name = SPAN_LITERAL("anna@example.com"),
		.reason = "the staging server wrote it last",
	};

	if (attribute) {
		finding.attribute = attribute_find(finding.kind, span_of(attribute));
		assert_non_null(finding.attribute);
	}
	return finding;
}

/* The whole value was `before` and is `live`. */
static inline struct finding value_finding(enum kind_id kind, const char *id, const char *attribute,
	struct span before, struct span live)
{
	struct finding finding = finding_of(kind, id, attribute);

	finding.before = (struct known_value){ true, before };
	finding.live = (struct known_value){ true, live };
	return finding;
}

static inline struct finding element_finding(enum kind_id kind, const char *id,
	const char *attribute, const char *key, struct span before, struct span live)
{
	struct finding finding = value_finding(kind, id, attribute, before, live);

	finding.change = CHANGE_ELEMENT;
	finding.element = span_of(key);
	return finding;
}

static inline struct finding object_finding(enum kind_id kind, const char *id, enum change change)
{
	struct finding finding = finding_of(kind, id, NULL);

	finding.change = change;
	return finding;
}

/* A head as a real plan has it. */
static inline struct plan *plan_with_head(void)
{
	struct plan *plan = plan_begin();

	plan->tenant = "d0000000-0000-4000-8000-000000000001";
	plan->tenant_name = "Example";
	plan->cloud = "global";
	plan->id = "e0000000-0000-4000-8000-000000000001";
	plan->tool = "unstage 0.1.0";
	plan->staging = "Sync_SYNC02_7be1c04d9a31@example.onmicrosoft.com";
	plan->created_ms = 1772590661000;
	plan->expires_ms = plan->created_ms + PLAN_EXPIRES_S * INT64_C(1000);
	plan->base = "1111111111111111111111111111111111111111111111111111111111111111";
	plan->live = "2222222222222222222222222222222222222222222222222222222222222222";
	plan->evidence = "3333333333333333333333333333333333333333333333333333333333333333";
	plan->decisions = "4444444444444444444444444444444444444444444444444444444444444444";
	return plan;
}

enum { FINDINGS_MAX = 32 };

static inline struct plan *try_plan(const struct directory *directory,
	const struct finding *findings, size_t count, struct error *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_with_head();
	const struct finding *pointers[FINDINGS_MAX];
	struct directory copy = *directory;
	struct plan_input input = {
		.findings = pointers,
		.count = count,
		.object = directory_object,
		.each = directory_each,
		.context = &copy,
	};

	assert_true(count <= FINDINGS_MAX);
	for (size_t i = 0; i < count; i++)
		pointers[i] = &findings[i];
	if (!plan_add_steps(plan, &input, err) || !plan_seal_files(plan, err))
		return NULL;
	return TAKE(plan);
}

static inline struct plan *make_plan(
	const struct directory *directory, const struct finding *findings, size_t count)
{
	struct error err = { 0 };
	struct plan *plan = try_plan(directory, findings, count, &err);

	if (!plan)
		fail_msg("%s", err.text);
	return plan;
}

static inline void assert_value(struct span value, const char *text)
{
	if (!span_equal(value, span_of(text)))
		fail_msg("%.*s is not %s", SPAN_FORMAT(value), text ? text : "nothing");
}

/* The step of this operation on this object; there must be one. */
static inline const struct plan_step *step_on(
	const struct plan *plan, enum graph_operation operation, const char *id)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->operation == operation && strcmp(step->id, id) == 0)
			return step;
	}
	fail_msg("no %s of %s in the plan", graph_operation_name(operation), id);
	return NULL;
}

static inline bool waits_for(const struct plan_step *step, const struct plan_step *other)
{
	for (size_t i = 0; i < step->after_count; i++) {
		if (step->after[i] == other->number)
			return true;
	}
	return false;
}
