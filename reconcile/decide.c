/*
 * What a reviewed line makes of a verdict: `allowed` is all there is (reconcile.h says it in words), and
 * everything else here only takes away from it. A line speaks after the evidence has, and before
 * anybody is told; what it says stands in the finding beside the verdict that it replaced.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { RESULT_VALUE_COLUMNS = 60, CHECKED_NAMED_MAX = 4 };

#define BIT(verdict) (1u << (verdict))

static const unsigned allowed[DECISION_KIND_COUNT][VERDICT_COUNT] = {
	[DECISION_BASE_IS_BEFORE] = { [VERDICT_SUSPECT] = BIT(VERDICT_REVERT) |
			BIT(VERDICT_HEALED) },
	[DECISION_REVERT] = { [VERDICT_CONTESTED] = BIT(VERDICT_REVERT),
		[VERDICT_SUSPECT] = BIT(VERDICT_REVERT),
		[VERDICT_DRIFT] = BIT(VERDICT_REVERT) },
	[DECISION_KEEP] = { [VERDICT_REVERT] = BIT(VERDICT_KEPT),
		[VERDICT_CONTESTED] = BIT(VERDICT_KEPT),
		[VERDICT_SUSPECT] = BIT(VERDICT_KEPT),
		[VERDICT_DRIFT] = BIT(VERDICT_KEPT),
		[VERDICT_BLOCKED] = BIT(VERDICT_KEPT) },
};

bool decision_allows(enum decision_kind kind, enum verdict from, enum verdict to)
{
	return allowed[kind][from] & BIT(to);
}

/* ---- base-is-before, while a value is decided ---------------------------------------------- */

/* That would be no finding. Here it is one: a line takes nothing off the list unseen. */
static void say_nothing_changed(struct answer *answer)
{
	answer->found = true;
	answer->verdict = VERDICT_HEALED;
	buf_cut(&answer->reason, 0);
	buf_add_text(&answer->reason, "the staging server wrote what stood there already");
}

void verdict_decide_reviewed(const struct reconciling *reconciling, const struct subject *subject,
	const struct question *question, struct answer *answer)
{
	const struct decision *vouching;
	struct question again = *question;
	CLEANUP(answer_release) struct answer second = { 0 };

	verdict_decide(question, answer);
	if (!answer->found || !answer->base_would_do)
		return;
	vouching = decisions_vouching(reconciling->options->decisions, subject, question->attribute,
		question->origin.since_ms, question->times->evidence_from);
	if (!vouching)
		return;
	again.base_is_before = true;
	verdict_decide(&again, &second);
	if (!second.found)
		say_nothing_changed(&second);
	if (second.found &&
		decision_allows(DECISION_BASE_IS_BEFORE, answer->verdict, second.verdict)) {
		struct answer first = *answer;

		*answer = second;
		answer->decision = vouching;
		second = first; /* goes with this call */
	}
}

/* ---- what became of each line --------------------------------------------------------------- */

static const char *const effect_names[EFFECT_COUNT] = {
	[EFFECT_UNMATCHED] = "unmatched",
	[EFFECT_MISMATCHED] = "mismatched",
	[EFFECT_POWERLESS] = "powerless",
	[EFFECT_NEEDLESS] = "needless",
	[EFFECT_APPLIED] = "applied",
	[EFFECT_CONTRADICTED] = "contradicted",
	[EFFECT_EXPIRED] = "expired",
};

const char *decision_effect_name(enum decision_effect effect)
{
	return effect_names[effect];
}

struct deciding {
	const struct decisions *decisions;
	struct texts *texts;
	struct decision_result *results; /* by the line's place in the file */
};

static bool is_over(const struct decision *decision, int64_t now_ms)
{
	return decision->kind == DECISION_KEEP && decision->until_ms <= now_ms;
}

static void result_begin(struct deciding *deciding, struct decision_result *result, int64_t now_ms)
{
	char until[TIME_TEXT_BYTES], text[64];

	if (is_over(result->decision, now_ms)) {
		snprintf(text, sizeof(text), "expired on %s",
			time_text(result->decision->until_ms, until));
		result->effect = EFFECT_EXPIRED;
		result->text = texts_keep(deciding->texts, span_of(text)).data;
	} else {
		result->text = result->decision->kind == DECISION_BASE_IS_BEFORE
			? "no finding lacks just this"
			: "no finding is what it names";
	}
}

struct deciding *deciding_new(const struct decisions *decisions, int64_t now_ms)
{
	struct deciding *deciding;

	if (!decisions)
		return NULL;
	deciding = memory_new(sizeof(*deciding));
	deciding->decisions = decisions;
	deciding->texts = texts_new();
	deciding->results = memory_array(
		decisions_count(decisions) + 1, sizeof(*deciding->results));
	for (size_t i = 0; i < decisions_count(decisions); i++) {
		deciding->results[i].decision = decisions_get(decisions, i);
		result_begin(deciding, &deciding->results[i], now_ms);
	}
	return deciding;
}

void deciding_free(struct deciding *deciding)
{
	if (!deciding)
		return;
	texts_free(deciding->texts);
	memory_free(deciding->results);
	memory_free(deciding);
}

/* A decision's line is its place in the file behind the header. */
static struct decision_result *result_of(
	const struct deciding *deciding, const struct decision *decision)
{
	return &deciding->results[decision->line - 2];
}

static void applied(const struct deciding *deciding, const struct decision *decision)
{
	struct decision_result *result = result_of(deciding, decision);

	result->findings++;
	if (result->effect < EFFECT_APPLIED) {
		result->effect = EFFECT_APPLIED;
		result->text = NULL;
	}
}

/* `text` lives as long as the program, or is the deciding's. False, for whoever gives up with it. */
static bool in_vain(const struct deciding *deciding, const struct decision *decision,
	enum decision_effect effect, const char *text)
{
	struct decision_result *result = result_of(deciding, decision);

	if (result->effect < effect) {
		result->effect = effect;
		result->text = text;
	}
	return false;
}

static bool in_vain_by_value(const struct deciding *deciding, const struct decision *decision,
	const char *what, struct known_value value)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(REASON_MAX);
	struct span shown = value.value.data ? value.value : SPAN_LITERAL("null");

	buf_add_text(&text, what);
	if (value.known)
		text_fit(&text, shown, RESULT_VALUE_COLUMNS, false);
	else
		buf_add_text(&text, "not known");
	return in_vain(deciding, decision, EFFECT_MISMATCHED,
		texts_keep(deciding->texts, buf_span(&text)).data);
}

static bool in_vain_by_verdict(const struct deciding *deciding, const struct decision *decision,
	const struct finding *finding)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(REASON_MAX);

	buf_addf(&text, "the verdict is %s, which %s does not touch",
		verdict_name(finding->verdict), decision_kind_name(decision->kind));
	return in_vain(deciding, decision, EFFECT_POWERLESS,
		texts_keep(deciding->texts, buf_span(&text)).data);
}

/* ---- revert ---------------------------------------------------------------------------------- */

static bool known_equal(struct known_value a, struct known_value b)
{
	return a.known && b.known && span_equal(a.value, b.value);
}

/* Of an element only whether it is there counts. */
static bool is_by_staging(const struct finding *finding)
{
	struct span live = finding->live.value, staging = finding->staging.value;

	if (!finding->staging.known)
		return true;
	return finding->change == CHANGE_ELEMENT
		? !live.data == !staging.data
		: attribute_equal(finding->attribute, live, staging);
}

/*
 * What can come back: what is proved, else the base's. An address comes back as a secondary one, since
 * which of them was primary is another question.
 */
static struct known_value comes_back(const struct finding *finding, struct buf *room)
{
	struct known_value back = finding->before.known ? finding->before : finding->base;
	struct span primary = SPAN_LITERAL("\"SMTP:");

	if (finding->change != CHANGE_ELEMENT || finding->attribute->compare != COMPARE_ADDRESSES ||
		!back.value.data || back.value.length < primary.length ||
		memcmp(back.value.data, primary.data, primary.length) != 0)
		return back;
	buf_add_text(room, "\"smtp:");
	buf_add(room, back.value.data + primary.length, back.value.length - primary.length);
	return (struct known_value){ true, buf_span(room) };
}

static bool is_already(const struct deciding *deciding, const struct decision *decision,
	const struct finding *finding)
{
	if (finding->attribute && !known_equal(finding->before, decision->before))
		return in_vain_by_value(deciding, decision,
			"it is proved that something else stood there before: ", finding->before);
	return in_vain(deciding, decision, EFFECT_NEEDLESS, "it is put back without it");
}

static bool may_revert_value(const struct deciding *deciding, const struct decision *decision,
	const struct finding *finding)
{
	CLEANUP(buf_release) struct buf room = BUF_UP_TO(DIRECTORY_LINE_MAX);
	struct known_value back = comes_back(finding, &room);

	if (!decision->live.known)
		return in_vain(deciding, decision, EFFECT_MISMATCHED,
			"it has to name \"live\" and \"before\"");
	if (!known_equal(decision->live, finding->live))
		return in_vain_by_value(deciding, decision, "live is ", finding->live);
	if (finding->verdict == VERDICT_SUSPECT && !is_by_staging(finding))
		return in_vain(deciding, decision, EFFECT_POWERLESS,
			"live is not what the staging server wrote");
	if (!known_equal(decision->before, back))
		return in_vain_by_value(deciding, decision, "what can come back is ", back);
	if (known_equal(back, finding->live))
		return in_vain(deciding, decision, EFFECT_NEEDLESS, "it stands there already");
	return true;
}

static bool may_revert(const struct deciding *deciding, const struct decision *decision,
	const struct finding *finding)
{
	if (finding->verdict == VERDICT_REVERT)
		return is_already(deciding, decision, finding);
	if (!decision_allows(DECISION_REVERT, finding->verdict, VERDICT_REVERT))
		return in_vain_by_verdict(deciding, decision, finding);
	if (finding->attribute && !may_revert_value(deciding, decision, finding))
		return false;
	if (!finding->attribute && decision->live.known)
		return in_vain(deciding, decision, EFFECT_MISMATCHED,
			"it names values, and the finding is about an object");
	return finding->way != DOOR_NONE ||
		in_vain(deciding, decision, EFFECT_POWERLESS,
			"no line can put this back: a person must do it by hand");
}

/* ---- one finding ------------------------------------------------------------------------------ */

static void add_reason(
	struct findings *findings, struct finding *finding, const struct decision *decision)
{
	static const char *const says[DECISION_KIND_COUNT] = {
		[DECISION_BASE_IS_BEFORE] = "takes the base as what stood there before",
		[DECISION_REVERT] = "puts it back",
		[DECISION_KEEP] = "keeps it",
	};
	CLEANUP(buf_release) struct buf reason = BUF_UP_TO(4 * REASON_MAX);
	char until[TIME_TEXT_BYTES];

	buf_addf(&reason, "%s; line %zu of the decisions", finding->reason, decision->line);
	if (decision->by)
		buf_addf(&reason, " (%s)", decision->by);
	buf_addf(&reason, " %s", says[decision->kind]);
	if (decision->kind == DECISION_KEEP)
		buf_addf(&reason, " until %s", time_text(decision->until_ms, until));
	buf_addf(&reason, ": %s", decision->because);
	finding->reason = texts_keep(findings->texts, buf_span(&reason)).data;
}

static void give_verdict(struct findings *findings, struct finding *finding,
	const struct decision *decision, enum verdict verdict)
{
	applied(findings->deciding, decision);
	finding->decision = decision;
	finding->undecided = finding->verdict;
	finding->verdict = verdict;
	add_reason(findings, finding, decision);
}

static void revert(
	struct findings *findings, struct finding *finding, const struct decision *decision)
{
	if (!may_revert(findings->deciding, decision, finding))
		return;
	finding->before = decision->before;
	finding->door = finding->way;
	give_verdict(findings, finding, decision, VERDICT_REVERT);
}

static void keep(
	struct findings *findings, struct finding *finding, const struct decision *decision)
{
	if (!decision_allows(DECISION_KEEP, finding->verdict, VERDICT_KEPT)) {
		in_vain(findings->deciding, decision, EFFECT_NEEDLESS,
			"there is nothing to keep: what stood there before stands there again");
		return;
	}
	finding->door = DOOR_NONE;
	give_verdict(findings, finding, decision, VERDICT_KEPT);
}

/* The line's own time is not over; NULL: it is, or there is none. */
static const struct decision *in_force(
	const struct deciding *deciding, const struct decision *decision)
{
	return decision && result_of(deciding, decision)->effect != EFFECT_EXPIRED ? decision
										   : NULL;
}

void finding_decide(struct findings *findings, struct finding *finding)
{
	const struct deciding *deciding = findings->deciding;
	const struct decision *first, *second;

	if (!deciding)
		return;
	first = in_force(deciding, decisions_by_fingerprint(deciding->decisions, finding));
	second = in_force(deciding, decisions_by_place(deciding->decisions, finding));
	if (finding->decision) {
		applied(deciding, finding->decision);
		add_reason(findings, finding, finding->decision);
	}
	if (first && second) {
		in_vain(deciding, first, EFFECT_CONTRADICTED,
			"another line decides the same finding by its place");
		in_vain(deciding, second, EFFECT_CONTRADICTED,
			"another line decides the same finding by its fingerprint");
		return;
	}
	if (!first)
		first = second;
	if (first)
		(first->kind == DECISION_KEEP ? keep : revert)(findings, finding, first);
}

void findings_decide_all(struct findings *findings)
{
	for (size_t i = 0; findings->deciding && i < findings->count; i++)
		finding_decide(findings, &findings->items[i]);
}

/* ---- afterwards -------------------------------------------------------------------------------- */

const struct decision_result *findings_decisions(const struct findings *findings, size_t *count)
{
	*count = findings->deciding ? decisions_count(findings->decisions) : 0;
	return findings->deciding ? findings->deciding->results : NULL;
}

static bool rests_on_what_is_not(const struct decision_result *result)
{
	return result->effect != EFFECT_APPLIED && result->effect != EFFECT_NEEDLESS &&
		result->effect != EFFECT_EXPIRED;
}

bool findings_check_decisions(const struct findings *findings, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(sizeof(err->text));
	size_t count, wrong = 0;
	const struct decision_result *results = findings_decisions(findings, &count);

	for (size_t i = 0; i < count; i++) {
		const struct decision *decision = results[i].decision;

		if (!rests_on_what_is_not(&results[i]) || wrong++ >= CHECKED_NAMED_MAX)
			continue;
		buf_addf(&text, "; line %zu (byte %zu): %s: %s", decision->line, decision->byte,
			decision_kind_name(decision->kind), results[i].text);
	}
	if (!wrong)
		return true;
	return error_set(err, ERROR_REFUSED,
		"%s: %zu of its %zu lines rest on what is not so: correct them or take them out%s%s",
		decisions_path(findings->decisions), wrong, count, buf_text(&text),
		wrong > CHECKED_NAMED_MAX ? "; and others" : "");
}
