/* A small directory and findings about it, by hand, for the tests of planning. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/scan.h"
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

/* What is no object is none of those. */
static inline bool is_among(struct span lines, const struct snapshot_visitor *visitor)
{
	struct error err = { 0 };
	CLEANUP(object_freep) struct object *object = NULL;

	if (!visitor->only)
		return true;
	object = object_parse(lines, &err);
	for (size_t i = 0; object && i < visitor->only_count; i++)
		if (span_equal(visitor->only[i], object_id(object)))
			return true;
	return false;
}

/* Visits one object's lines as snapshot_visit() does. */
static inline bool visit_lines(
	const struct snapshot_visitor *visitor, void *looked, struct span lines, struct error *err)
{
	visitor->begin(looked);
	return (!is_among(lines, visitor) || visitor->look(visitor->context, looked, lines, err)) &&
		visitor->hand_out(visitor->context, looked, err);
}

/* In the order of their ids. */
static inline int by_first_line(const void *a, const void *b)
{
	const char *left = strstr(*(const char *const *)a, "\"id\":");
	const char *right = strstr(*(const char *const *)b, "\"id\":");

	return strcmp(left ? left : "", right ? right : "");
}

static inline bool visit_objects(const struct snapshot_visitor *visitor, const char *const *lines,
	size_t count, struct error *err)
{
	CLEANUP(memory_freep) const char **sorted = memory_array(count + 1, sizeof(*sorted));
	CLEANUP(memory_freep) void *looked = memory_new(visitor->size);
	bool good = true;

	memcpy(sorted, lines, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_first_line);
	for (size_t i = 0; i < count && good; i++)
		good = visit_lines(visitor, looked, span_of(sorted[i]), err);
	visitor->release(looked);
	return good;
}

static inline bool directory_visit(
	void *context, const struct snapshot_visitor *visitor, struct error *err)
{
	const struct directory *directory = context;
	size_t count = 0;

	while (directory->lines[count])
		count++;
	return visit_objects(visitor, directory->lines, count, err);
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
		.visit = directory_visit,
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
