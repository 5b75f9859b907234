/*
 * Writes a plan (docs/FORMAT-plan.md). There is one spelling of a plan: order of keys, blanks
 * and escapes are fixed, and plan_parse() takes no other, so that what a reviewer compared
 * and what is applied are the same bytes.
 */
#include "base/scan.h"
#include "base/time.h"
#include "rollback/plan_internal.h"

static void add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, ",\"%s\":", key);
	if (text)
		scan_quote(span_of(text), out);
	else
		buf_add_text(out, "null");
}

static void add_instant(struct buf *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	add_text(out, key, time_text(ms, text));
}

/* Values are canonical JSON already. */
static void add_value(struct buf *out, const char *key, struct span value)
{
	buf_addf(out, ",\"%s\":", key);
	buf_add_span(out, value.data ? value : SPAN_LITERAL("null"));
}

/* What tells which doors are open, and what production does by itself. */
static void add_foundations(struct buf *out, const struct plan *plan)
{
	buf_add_text(out, ",\n\"rules\":");
	if (plan->rules_server) {
		buf_add_text(out, "{\"server\":");
		scan_quote(span_of(plan->rules_server), out);
		if (plan->rules_ms == TIME_NONE)
			add_text(out, "exported", NULL);
		else
			add_instant(out, "exported", plan->rules_ms);
		buf_add_byte(out, '}');
	} else {
		buf_add_text(out, "null");
	}
	buf_add_text(out, ",\"production\":");
	if (plan->has_production) {
		buf_addf(out, "{\"pending_deletes\":%zu", plan->production_deletes);
		add_instant(out, "at", plan->production_ms);
		buf_add_byte(out, '}');
	} else {
		buf_add_text(out, "null");
	}
}

static void add_head(struct buf *out, const struct plan *plan)
{
	buf_add_text(out, "{\"format\":\"unstage-plan/1\"");
	add_text(out, "tenant", plan->tenant);
	add_text(out, "cloud", plan->cloud);
	add_text(out, "id", plan->id);
	add_instant(out, "created", plan->created_ms);
	add_instant(out, "expires", plan->expires_ms);
	add_text(out, "tool", plan->tool);
	add_text(out, "tenant_name", plan->tenant_name);
	add_text(out, "staging", plan->staging);
	add_text(out, "base", plan->base);
	add_text(out, "live", plan->live);
	add_text(out, "evidence", plan->evidence);
	add_text(out, "decisions", plan->decisions);
	buf_addf(out, ",\"base_signed\":%s", plan->base_signed ? "true" : "false");
	add_foundations(out, plan);
}

static void add_counts(struct buf *out, const struct plan *plan)
{
	bool first = true;

	buf_addf(out,
		",\n\"limits\":{\"steps\":%zu,\"deletes\":%zu,\"member_removals\":%zu,"
		"\"objects\":%zu}",
		plan->limits.steps, plan->limits.deletes, plan->limits.member_removals,
		plan->limits.objects);
	buf_addf(out, ",\n\"counts\":{\"steps\":%zu,\"blocked\":%zu,\"doors\":{", plan->step_count,
		plan->blocked_count);
	for (enum door door = 0; door < DOOR_COUNT; door++) {
		if (!plan_has_door(door))
			continue;
		buf_addf(out, "%s\"%s\":%zu", first ? "" : ",", door_name(door),
			plan->by_door[door]);
		first = false;
	}
	buf_add_text(out, "}}");
}

static void add_files(struct buf *out, const struct plan *plan)
{
	buf_add_text(out, ",\n\"files\":[");
	for (size_t i = 0; i < plan->file_count; i++)
		buf_addf(out, "%s{\"name\":\"%s\",\"blake2b\":\"%s\"}", i ? ",\n" : "\n",
			plan->files[i].name, plan->files[i].digest);
	buf_add_text(out, "\n]");
}

static void add_blocked(struct buf *out, const struct plan_blocked *blocked)
{
	buf_addf(out, "{\"kind\":\"%s\"", blocked->kind->name);
	add_text(out, "id", blocked->id);
	add_text(out, "name", blocked->name);
	add_text(out, "attribute", blocked->attribute ? blocked->attribute->name : NULL);
	add_text(out, "why", blocked->why);
	buf_add_byte(out, '}');
}

static void add_references(struct buf *out, const struct plan_step *step)
{
	buf_add_text(out, ",\"references\":[");
	for (size_t i = 0; i < step->reference_count; i++) {
		if (i)
			buf_add_byte(out, ',');
		scan_quote(span_of(step->references[i]), out);
	}
	buf_add_text(out, "],\"after\":[");
	for (size_t i = 0; i < step->after_count; i++)
		buf_addf(out, "%s%zu", i ? "," : "", step->after[i]);
	buf_add_byte(out, ']');
}

static void add_step(struct buf *out, const struct plan_step *step)
{
	const struct step_rule *rule = step_rule(step->operation);

	buf_addf(out, "{\"number\":%zu", step->number);
	add_text(out, "operation", graph_operation_name(step->operation));
	add_text(out, "door", door_name(step->door));
	add_text(out, "kind", step->kind->name);
	add_text(out, "id", step->id);
	add_text(out, "name", step->name);
	if (rule->value)
		add_text(out, "attribute", step->attribute->name);
	if (rule->target)
		add_text(out, "target", step->target);
	if (rule->value) {
		add_value(out, "from", step->from);
		add_value(out, "to", step->to);
	}
	add_text(out, "why", step->why);
	add_references(out, step);
	if (step->until)
		buf_addf(out, ",\"until\":%zu", step->until);
	if (step->operation == GRAPH_RESTORE)
		add_text(out, "mastery", mastery_name(step->mastery));
	if (step->door == DOOR_SYNC && step->next != FORESEEN_UNKNOWN)
		add_text(out, "next", foreseen_name(step->next));
	if (step->door == DOOR_SYNC && step->next == FORESEEN_OTHER)
		add_value(out, "next_value", step->next_value);
	if (step->door == DOOR_MANUAL)
		add_text(out, "manual", step->manual);
	if (step->door == DOOR_ADSYNC)
		add_text(out, "source_anchor", step->source_anchor);
	if (step->door == DOOR_DIRECTORY) {
		add_text(out, "distinguished_name", step->distinguished_name);
		add_text(out, "security_identifier", step->security_identifier);
	}
	buf_add_byte(out, '}');
}

void plan_add_json(struct buf *out, const struct plan *plan)
{
	add_head(out, plan);
	add_counts(out, plan);
	add_files(out, plan);
	buf_add_text(out, ",\n\"blocked\":[");
	for (size_t i = 0; i < plan->blocked_count; i++) {
		buf_add_text(out, i ? ",\n" : "\n");
		add_blocked(out, &plan->blocked[i]);
	}
	buf_add_text(out, "\n],\n\"steps\":[");
	for (size_t i = 0; i < plan->step_count; i++) {
		buf_add_text(out, i ? ",\n" : "\n");
		add_step(out, &plan->steps[i]);
	}
	buf_add_text(out, "\n]}\n");
}
