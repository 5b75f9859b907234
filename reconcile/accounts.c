/*
 * The account of the writes: how many an export run of the staging server says that it sent, and how
 * many of them the evidence tells of; and what that server would write next.
 *
 * A run counts objects: one update, whatever the number of its attributes. So objects are counted
 * here, too, each once in the run in whose time the evidence says that it was written.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/* The clock of a server and that of the service differ by so much at most. */
enum { CLOCKS_MS = 5 * 60 * 1000 };

/* Of which counter of an account is each of a run's a part; failures wrote nothing. */
static const enum account account_of_counter[RUN_FAILURES] = {
	[RUN_ADDS] = ACCOUNT_ADDS,
	[RUN_UPDATES] = ACCOUNT_UPDATES,
	[RUN_RENAMES] = ACCOUNT_UPDATES,
	[RUN_DELETES] = ACCOUNT_DELETES,
	[RUN_DELETE_ADDS] = ACCOUNT_DELETES,
};

static enum account account_of_fact(const struct fact *fact)
{
	switch (fact->operation) {
	case FACT_CREATE:
	case FACT_RESTORE: /* who is added again comes out of deleted items */
		return ACCOUNT_ADDS;
	case FACT_DELETE:
	case FACT_PURGE:
		return ACCOUNT_DELETES;
	default:
		return ACCOUNT_UPDATES;
	}
}

/* ---- the runs -------------------------------------------------------------------------- */

bool server_is_staging(const struct reconciling *reconciling, const char *server)
{
	const struct evidence *evidence = reconciling->options->evidence;

	for (size_t i = 0; server && i < evidence_writer_count(evidence); i++) {
		const char *of_writer = evidence_writer(evidence, i)->server;

		if (reconciling->writers[i] == WRITER_STAGING && of_writer &&
			text_compare_caseless(span_of(of_writer), span_of(server)) == 0)
			return true;
	}
	return !server;
}

static bool wrote_here(const struct reconciling *reconciling, const struct evidence_run *run)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < RUN_COUNTERS; i++)
		sent += run->counters[i];
	return sent && run->cloud && run->type && strcmp(run->type, "export") == 0 &&
		server_is_staging(reconciling, run->server);
}

static void add_account(struct findings *findings, const struct evidence_run *run)
{
	struct export_account account = {
		.server = texts_keep(findings->texts, span_of(run->server)).data,
		.by = texts_keep(findings->texts, span_of(run->by)).data,
		.number = run->number,
		.start_ms = run->start_ms,
		.end_ms = run->end_ms ? run->end_ms : run->start_ms,
		.failures = run->counters[RUN_FAILURES],
	};

	for (size_t i = 0; i < RUN_FAILURES; i++)
		account.sent[account_of_counter[i]] += run->counters[i];
	MEMORY_GROW(findings->exports, findings->export_count, findings->export_capacity);
	findings->exports[findings->export_count++] = account;
}

/* ---- what the evidence tells of them ---------------------------------------------------- */

/* How far the write is from the run: 0 within it. */
static int64_t distance(const struct export_account *account, const struct fact *fact)
{
	int64_t earliest_ms = fact->when_ms - fact->within_ms;

	if (earliest_ms > account->end_ms)
		return earliest_ms - account->end_ms;
	return fact->when_ms < account->start_ms ? account->start_ms - fact->when_ms : 0;
}

/* The run in whose time it was written, or the number of runs. */
static size_t run_of(const struct findings *findings, const struct fact *fact)
{
	size_t nearest = findings->export_count;
	int64_t nearest_ms = CLOCKS_MS + 1;

	for (size_t i = 0; i < findings->export_count; i++) {
		int64_t away_ms = distance(&findings->exports[i], fact);

		if (away_ms < nearest_ms) {
			nearest = i;
			nearest_ms = away_ms;
		}
	}
	return nearest;
}

/* Of exact times: a file's own say when the run was, and not when it wrote. */
static void note_skew(struct export_account *account, const struct fact *fact)
{
	int64_t away_ms = fact->within_ms ? 0 : distance(account, fact);

	if (away_ms > account->skew_ms)
		account->skew_ms = away_ms;
}

struct told {
	size_t run;
	enum account account;
	const char *id;
};

/* An object that was added or deleted by a run is not updated by it as well: those come first. */
static int compare_told(const void *left, const void *right)
{
	static const int weight[ACCOUNT_COUNT] = { [ACCOUNT_UPDATES] = 1 };
	const struct told *a = left, *b = right;
	int order = (a->run > b->run) - (a->run < b->run);

	if (!order)
		order = strcmp(a->id, b->id);
	return order ? order : weight[a->account] - weight[b->account];
}

static void count_told(struct findings *findings, struct told *told, size_t count)
{
	if (count)
		qsort(told, count, sizeof(*told), compare_told);
	for (size_t i = 0; i < count; i++)
		if (!i || told[i - 1].run != told[i].run || strcmp(told[i - 1].id, told[i].id) != 0)
			findings->exports[told[i].run].found[told[i].account]++;
}

static void explain_runs(struct reconciling *reconciling)
{
	struct findings *findings = reconciling->findings;
	CLEANUP(memory_freep)
	struct told *told = memory_array(reconciling->fact_count + 1, sizeof(*told));
	size_t count = 0;

	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];
		size_t run;

		if (!fact_is_write(fact) || fact->source == FROM_STAGING_ESCROW ||
			fact_class(reconciling, fact) != WRITER_STAGING)
			continue;
		run = run_of(findings, fact);
		if (run < findings->export_count)
			note_skew(&findings->exports[run], fact);
		if (run < findings->export_count)
			told[count++] = (struct told){ run, account_of_fact(fact), fact->id };
	}
	count_told(findings, told, count);
}

/* Objects of which no record tells, by the time at which they were stamped. */
static void count_object_only(struct reconciling *reconciling)
{
	struct findings *findings = reconciling->findings;
	const struct object_only *only = &reconciling->object_only;

	findings->summary.object_only = only->count;
	for (size_t i = 0; i < only->count; i++) {
		struct fact stamp = { .when_ms = only->stamps_ms[i] };
		size_t run = stamp.when_ms == TIME_NONE ? findings->export_count
							: run_of(findings, &stamp);

		if (run < findings->export_count)
			findings->exports[run].object_only++;
	}
}

/* ---- what it would write next ------------------------------------------------------------ */

/* What people notice first: who is gone, who can't sign in, whose mail goes astray. */
static const char *const noticed[] = { "userPrincipalName", "accountEnabled", "proxyAddresses" };

static size_t weight_of(const struct fact *fact)
{
	size_t weight = 1;

	if (!fact->attribute)
		return fact->operation == FACT_DELETE ? 0 : COUNT_OF(noticed) + 1;
	while (weight <= COUNT_OF(noticed) &&
		strcmp(noticed[weight - 1], fact->attribute->name) != 0)
		weight++;
	return weight;
}

static void keep_forecast(
	struct findings *findings, struct forecast *forecast, const struct fact *fact)
{
	struct texts *texts = findings->texts;
	bool removal = fact->operation == FACT_REMOVE;

	forecast->kind = fact->kind;
	forecast->attribute = fact->attribute;
	forecast->operation = fact->operation;
	forecast->id = texts_keep(texts, span_of(fact->id));
	forecast->known = removal ? fact->old_known : fact->new_known;
	forecast->value = texts_keep(texts, removal ? fact->old_value : fact->new_value);
}

/* The first few by weight, then in the evidence's order. */
static void list_forecasts(struct reconciling *reconciling)
{
	struct findings_summary *summary = &reconciling->findings->summary;

	for (size_t weight = 0; weight <= COUNT_OF(noticed) + 1; weight++)
		for (size_t i = 0; i < reconciling->fact_count; i++) {
			const struct fact *fact = &reconciling->first_fact[i];

			if (fact->source != FROM_FORECAST || weight_of(fact) != weight)
				continue;
			summary->forecast_facts++;
			if (summary->forecast_listed < FORECASTS_LISTED)
				keep_forecast(reconciling->findings,
					&summary->forecasts[summary->forecast_listed++], fact);
		}
}

void accounts_make(struct reconciling *reconciling)
{
	struct evidence *evidence = reconciling->options->evidence;
	const struct evidence_run *runs;
	size_t count = 0;

	if (!evidence)
		return;
	runs = evidence_runs(evidence, &count);
	for (size_t i = 0; i < count; i++)
		if (wrote_here(reconciling, &runs[i]))
			add_account(reconciling->findings, &runs[i]);
	if (reconciling->findings->export_count)
		explain_runs(reconciling);
	count_object_only(reconciling);
	if (reconciling->has_files)
		list_forecasts(reconciling);
}

const struct export_account *findings_exports(const struct findings *findings, size_t *count)
{
	*count = findings->export_count;
	return findings->exports;
}
