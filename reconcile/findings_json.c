/*
 * Findings as JSON lines, `unstage-findings/1` (docs/FORMAT-findings.md). Keys in byte order; of
 * the five values a key that is missing is not known, and null is nothing.
 */
#include <inttypes.h>

#include "base/scan.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

static const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_REVERT] = "revert",
	[VERDICT_HEALED] = "healed",
	[VERDICT_CONTESTED] = "contested",
	[VERDICT_SUSPECT] = "suspect",
	[VERDICT_DRIFT] = "drift",
	[VERDICT_BLOCKED] = "blocked",
	[VERDICT_KEPT] = "kept",
};

static const char *const door_names[DOOR_COUNT] = {
	[DOOR_NONE] = "none",
	[DOOR_GRAPH] = "graph",
	[DOOR_SYNC] = "sync",
	[DOOR_DIRECTORY] = "directory",
	[DOOR_EXCHANGE] = "exchange",
	[DOOR_ADSYNC] = "adsync",
	[DOOR_MANUAL] = "manual",
};

static const char *const change_names[] = {
	[CHANGE_VALUE] = "value",
	[CHANGE_ELEMENT] = "element",
	[CHANGE_CREATED] = "created",
	[CHANGE_DELETED] = "deleted",
	[CHANGE_RESTORED] = "restored",
	[CHANGE_PURGED] = "purged",
};

static const char *const mastery_names[] = {
	[MASTERY_SYNCED] = "synced",
	[MASTERY_CLOUD] = "cloud",
	[MASTERY_UNKNOWN] = "unknown",
};

static const char *const account_names[ACCOUNT_COUNT] = {
	[ACCOUNT_ADDS] = "adds",
	[ACCOUNT_UPDATES] = "updates",
	[ACCOUNT_DELETES] = "deletes",
};

const char *account_name(enum account account)
{
	return account_names[account];
}

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

const char *door_name(enum door door)
{
	return door_names[door];
}

const char *mastery_name(enum mastery mastery)
{
	return mastery_names[mastery];
}

const char *change_name(enum change change)
{
	return change_names[change];
}

/* A finding passes here for everything that differs; printf() would cost more than the rest. */
static inline void add_key(struct buf *out, struct span key)
{
	buf_add_byte(out, '"');
	buf_add_span(out, key);
	buf_add(out, "\":", 2);
}

static void add_text(struct buf *out, struct span key, struct span text)
{
	if (!text.data)
		return;
	add_key(out, key);
	scan_quote(text, out);
	buf_add_byte(out, ',');
}

/* A word of ours, or an id: nothing in it needs an escape. */
static inline void add_word(struct buf *out, struct span key, struct span word)
{
	if (!word.data)
		return;
	add_key(out, key);
	buf_add_byte(out, '"');
	buf_add_span(out, word);
	buf_add(out, "\",", 2);
}

static void add_value(struct buf *out, struct span key, struct known_value value)
{
	if (!value.known)
		return;
	add_key(out, key);
	buf_add_span(out, value.value.data ? value.value : SPAN_LITERAL("null"));
	buf_add_byte(out, ',');
}

static void add_instant(struct buf *out, struct span key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	if (ms != TIME_NONE)
		add_text(out, key, span_of(time_text(ms, text)));
}

/* In place of the comma behind the last member. */
static void close_object(struct buf *out)
{
	if (out->length && out->data[out->length - 1] == ',')
		buf_cut(out, out->length - 1);
	buf_add_byte(out, '}');
}

static void add_writer(struct buf *out, struct span key, const struct writer *writer)
{
	if (!writer)
		return;
	add_key(out, key);
	buf_add_byte(out, '{');
	add_text(out, SPAN_LITERAL("id"), span_of(writer->id));
	add_text(out, SPAN_LITERAL("name"), span_of(writer->name));
	add_text(out, SPAN_LITERAL("server"), span_of(writer->server));
	close_object(out);
	buf_add_byte(out, ',');
}

static void add_references(struct buf *out, const struct finding *finding)
{
	buf_add_text(out, "\"references\":[");
	for (size_t i = 0; i < finding->reference_count; i++) {
		if (i)
			buf_add_byte(out, ',');
		scan_quote(span_of(finding->references[i]), out);
	}
	buf_add_text(out, "],");
}

static void add_decided(struct buf *out, const struct finding *finding)
{
	const struct decision *decision = finding->decision;

	if (!decision)
		return;
	add_key(out, SPAN_LITERAL("decided"));
	buf_add_byte(out, '{');
	add_text(out, SPAN_LITERAL("because"), span_of(decision->because));
	add_text(out, SPAN_LITERAL("by"), span_of(decision->by));
	add_word(out, SPAN_LITERAL("decision"), span_of(decision_kind_name(decision->kind)));
	buf_addf(out, "\"line\":%zu,", decision->line);
	add_text(out, SPAN_LITERAL("on"), span_of(decision->on));
	if (decision->kind == DECISION_KEEP)
		add_instant(out, SPAN_LITERAL("until"), decision->until_ms);
	add_word(out, SPAN_LITERAL("was"), span_of(verdict_name(finding->undecided)));
	close_object(out);
	buf_add_byte(out, ',');
}

static void add_fingerprint(struct buf *out, const struct finding *finding)
{
	add_key(out, SPAN_LITERAL("fingerprint"));
	buf_add_byte(out, '"');
	buf_add_hex(out, finding->fingerprint, FINGERPRINT_BYTES);
	buf_add(out, "\",", 2);
}

void finding_add_json(struct buf *out, const struct finding *finding)
{
	buf_add_byte(out, '{');
	if (finding->attribute)
		add_word(out, SPAN_LITERAL("attribute"),
			(struct span){ finding->attribute->name, finding->attribute->name_length });
	add_value(out, SPAN_LITERAL("base"), finding->base);
	add_value(out, SPAN_LITERAL("before"), finding->before);
	add_word(out, SPAN_LITERAL("change"), span_of(change_name(finding->change)));
	buf_add_text(out, finding->conflict ? "\"conflict\":true," : "\"conflict\":false,");
	add_decided(out, finding);
	add_word(out, SPAN_LITERAL("door"), span_of(door_name(finding->door)));
	add_text(out, SPAN_LITERAL("element"), finding->element);
	add_fingerprint(out, finding);
	add_word(out, SPAN_LITERAL("id"), finding->id);
	add_word(out, SPAN_LITERAL("kind"), span_of(finding->kind->name));
	add_instant(out, SPAN_LITERAL("lastWrite"), finding->last_write_ms);
	add_writer(out, SPAN_LITERAL("lastWriter"), finding->last_writer);
	add_value(out, SPAN_LITERAL("live"), finding->live);
	add_word(out, SPAN_LITERAL("mastery"), span_of(mastery_names[finding->mastery]));
	add_text(out, SPAN_LITERAL("name"), finding->name);
	add_word(out, SPAN_LITERAL("next"), span_of(foreseen_name(finding->next)));
	add_value(out, SPAN_LITERAL("nextValue"), finding->next_value);
	add_text(out, SPAN_LITERAL("reason"), span_of(finding->reason));
	add_references(out, finding);
	add_value(out, SPAN_LITERAL("staging"), finding->staging);
	add_instant(out, SPAN_LITERAL("stagingWrite"), finding->staging_write_ms);
	add_word(out, SPAN_LITERAL("verdict"), span_of(verdict_name(finding->verdict)));
	close_object(out);
}

void findings_begin_json(struct buf *out, const struct findings *findings)
{
	buf_addf(out, "{\"format\":\"%s\",", FINDINGS_FORMAT);
	add_text(out, SPAN_LITERAL("tenant"), span_of(findings->tenant));
	add_text(out, SPAN_LITERAL("base"), span_of(findings->base));
	add_text(out, SPAN_LITERAL("live"), span_of(findings->live));
	add_instant(out, SPAN_LITERAL("baseTaken"), findings->times.base_until);
	add_instant(out, SPAN_LITERAL("liveTaken"), findings->times.live_until);
	if (findings->evidence) {
		add_text(out, SPAN_LITERAL("evidence"), span_of(findings->evidence));
	}
	if (findings->decisions)
		add_word(out, SPAN_LITERAL("decisions"),
			span_of(decisions_digest(findings->decisions)));
	if (findings->times.evidence_from <= findings->times.evidence_until) {
		add_instant(out, SPAN_LITERAL("coveredFrom"), findings->times.evidence_from);
		add_instant(out, SPAN_LITERAL("coveredUntil"), findings->times.evidence_until);
	}
	if (findings->summary.staging.name)
		add_writer(out, SPAN_LITERAL("staging"), &findings->summary.staging);
	if (findings->summary.flows_server) {
		add_text(out, SPAN_LITERAL("flowsServer"), span_of(findings->summary.flows_server));
		if (findings->summary.flows_ms != TIME_NONE)
			add_instant(out, SPAN_LITERAL("flowsExported"), findings->summary.flows_ms);
	}
	if (findings->summary.production_space) {
		buf_addf(out, "\"pendingDeletes\":%" PRIu64 ",", findings->summary.pending_deletes);
		add_instant(out, SPAN_LITERAL("pendingAt"), findings->summary.production_ms);
	}
	close_object(out);
	buf_add_byte(out, '\n');
}

static void add_counts(struct buf *out, struct span key, const uint64_t counts[ACCOUNT_COUNT])
{
	add_key(out, key);
	buf_add_byte(out, '{');
	for (int i = 0; i < ACCOUNT_COUNT; i++)
		buf_addf(out, "\"%s\":%" PRIu64 ",", account_names[i], counts[i]);
	close_object(out);
	buf_add_byte(out, ',');
}

static void add_exports(struct buf *out, const struct findings *findings)
{
	for (size_t i = 0; i < findings->export_count; i++) {
		const struct export_account *account = &findings->exports[i];

		buf_add_text(out, i ? ",{" : ",\"exports\":[{");
		add_text(out, SPAN_LITERAL("by"), span_of(account->by));
		buf_addf(out, "\"failures\":%" PRIu64 ",", account->failures);
		add_counts(out, SPAN_LITERAL("found"), account->found);
		add_instant(out, SPAN_LITERAL("from"), account->start_ms);
		if (account->object_only)
			buf_addf(out, "\"objectOnly\":%" PRIu64 ",", account->object_only);
		buf_addf(out, "\"run\":%" PRId64 ",", account->number);
		add_counts(out, SPAN_LITERAL("sent"), account->sent);
		add_text(out, SPAN_LITERAL("server"), span_of(account->server));
		add_instant(out, SPAN_LITERAL("until"), account->end_ms);
		close_object(out);
	}
	if (findings->export_count)
		buf_add_byte(out, ']');
}

/* What became of the lines of the decisions. */
static void add_results(struct buf *out, const struct findings *findings)
{
	size_t count;
	const struct decision_result *results = findings_decisions(findings, &count);

	if (!findings->decisions)
		return;
	buf_add_text(out, ",\"decisions\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i ? ",{" : "{");
		add_word(out, SPAN_LITERAL("effect"),
			span_of(decision_effect_name(results[i].effect)));
		buf_addf(out, "\"findings\":%zu,\"line\":%zu,", results[i].findings,
			results[i].decision->line);
		add_text(out, SPAN_LITERAL("text"), span_of(results[i].text));
		close_object(out);
	}
	buf_add_byte(out, ']');
}

void findings_end_json(struct buf *out, const struct findings *findings)
{
	const struct findings_summary *summary = &findings->summary;

	buf_addf(out, "{\"end\":true,\"findings\":%zu,\"verdicts\":{", findings->told);
	for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
		buf_addf(out, "\"%s\":%" PRIu64 ",", verdict_names[verdict],
			summary->by_verdict[verdict]);
	close_object(out);
	add_results(out, findings);
	add_exports(out, findings);
	if (summary->object_only)
		buf_addf(out, ",\"objectOnly\":%" PRIu64, summary->object_only);
	if (summary->forecast_facts)
		buf_addf(out, ",\"forecastFacts\":%" PRIu64, summary->forecast_facts);
	buf_addf(out,
		",\"conflicts\":%" PRIu64 ",\"objects\":%" PRIu64 ",\"stagingFacts\":%" PRIu64
		",\"explainedFacts\":%" PRIu64 "}\n",
		summary->conflicts, summary->objects, summary->staging_facts,
		summary->explained_facts);
}

void findings_add_json(struct buf *out, const struct findings *findings)
{
	findings_begin_json(out, findings);
	for (size_t i = 0; i < findings->count; i++) {
		finding_add_json(out, &findings->items[i]);
		buf_add_byte(out, '\n');
	}
	findings_end_json(out, findings);
}
