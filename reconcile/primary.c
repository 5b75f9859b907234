/*
 * Which address is the primary one: a question of its own, with one answer for the whole set,
 * since a swap is one change and not a removal and an addition (docs/FORMAT-findings.md).
 *
 * The answer also settles how addresses come back: one as the primary at most, and that only
 * where it is proved.
 */
#include <stdlib.h>

#include "base/scan.h"
#include "base/text.h"
#include "reconcile/sets_internal.h"

bool element_is_primary(struct span element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (scan_type(element) != SCAN_STRING)
		return false;
	scan_text(element, &text);
	return address_parse(buf_span(&text)).primary;
}

static bool is_computed_for(const struct object *object, struct span text)
{
	return object && address_is_computed_for(object, text);
}

/*
 * The service computes it for this object: nobody puts it there or takes it away. What is gone is
 * judged by the sign-in name of the base, since a new one computes another address.
 */
bool element_is_computed(const struct set *set, struct span element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(DIRECTORY_LINE_MAX);
	bool in_base, in_live;

	if (set->attribute->compare != COMPARE_ADDRESSES || !element.data ||
		scan_type(element) != SCAN_STRING)
		return false;
	scan_text(element, &text);
	element_add_key(&key, set->attribute, element);
	in_base = elements_find(&set->base, buf_span(&key)).data != NULL;
	in_live = elements_find(&set->live, buf_span(&key)).data != NULL;
	return ((in_base || !in_live) && is_computed_for(set->subject->base, buf_span(&text))) ||
		((in_live || !in_base) && is_computed_for(set->subject->live, buf_span(&text)));
}

static bool same_element(const struct attribute *attribute, struct span a, struct span b)
{
	CLEANUP(buf_release) struct buf a_key = BUF_UP_TO(DIRECTORY_LINE_MAX);
	CLEANUP(buf_release) struct buf b_key = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (!a.data || !b.data)
		return !a.data == !b.data;
	element_add_key(&a_key, attribute, a);
	element_add_key(&b_key, attribute, b);
	return span_equal(buf_span(&a_key), buf_span(&b_key));
}

static bool is_smtp(struct span element)
{
	struct span scheme = SPAN_LITERAL("\"smtp:");

	return element.length > scheme.length &&
		text_compare_caseless((struct span){ element.data, scheme.length }, scheme) == 0;
}

static struct span primary_of(const struct elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		if (element_is_primary(elements->items[i].value))
			return elements->items[i].value;
	return SPAN_NONE;
}

/* The element that the question of the primary address is about, by key. */
static struct span primary_key(
	const struct set *set, const struct answer *answer, const struct question *question)
{
	struct span element = answer->before.value;

	if (!element.data)
		element = question->base.value;
	if (!element.data)
		element = answer->staging.value;
	if (!element.data)
		element = question->live.value;
	for (size_t i = 0; element.data && i < set->candidates.count; i++)
		if (same_element(set->attribute, element, set->candidates.items[i].value))
			return set->candidates.items[i].key;
	return SPAN_NONE;
}

/* This set's finding about an element, or NULL. */
static struct finding *finding_of(const struct set *set, struct span key)
{
	struct findings *findings = set->reconciling->findings;

	for (size_t i = set->first_finding; i < findings->count; i++)
		if (span_equal(findings->items[i].element, key))
			return &findings->items[i];
	return NULL;
}

static void add_whole_event(
	const struct set *set, const struct whole *whole, struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, whole->fact);

	event.old_value.value = primary_of(&whole->old_elements);
	event.new_value.value = primary_of(&whole->new_elements);
	event.seen = event.seen ||
		(event.old_value.known && event.new_value.known &&
			same_element(set->attribute, event.old_value.value, event.new_value.value));
	timeline_add(timeline, &event);
}

/* The same delta adds a primary address. */
static bool is_replaced(const struct set *set, const struct fact *removal)
{
	for (size_t i = 0; i < set->singles.count; i++) {
		const struct element *other = &set->singles.items[i];

		if (other->fact->operation == FACT_ADD && element_is_primary(other->value) &&
			other->fact->when_ms == removal->when_ms &&
			strcmp(other->fact->reference, removal->reference) == 0)
			return true;
	}
	return false;
}

/* A file's delta: what it adds as the primary address is that; what it takes away leaves it open. */
static void add_single_event(
	const struct set *set, const struct element *single, struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, single->fact);
	bool removal = single->fact->operation == FACT_REMOVE;

	if (!element_is_primary(single->value) || (removal && is_replaced(set, single->fact)))
		return;
	event.old_value = (struct known_value){ 0 };
	if (removal)
		event.new_value = (struct known_value){ 0 };
	timeline_add(timeline, &event);
}

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	return (a->fact > b->fact) - (a->fact < b->fact);
}

static void primary_timeline(const struct set *set, struct timeline *timeline)
{
	for (size_t i = 0; i < set->whole_count; i++)
		add_whole_event(set, &set->wholes[i], timeline);
	for (size_t i = 0; i < set->singles.count; i++)
		add_single_event(set, &set->singles.items[i], timeline);
	if (timeline->count)
		qsort(timeline->events, timeline->count, sizeof(*timeline->events), compare_events);
}

/*
 * An address that comes back is primary again where that was staging's doing, and proved.
 * Otherwise it comes back as a secondary one: what others chose since stays. What rests on a line of
 * the decisions is no proof for what does not.
 */
static void settle_primacy(struct set *set, struct span proved, const struct decision *decision)
{
	struct findings *findings = set->reconciling->findings;

	for (size_t i = set->first_finding; i < findings->count; i++) {
		struct known_value *before = &findings->items[i].before;
		CLEANUP(buf_release) struct buf settled = BUF_UP_TO(DIRECTORY_LINE_MAX);
		bool primary = proved.data && before->value.data &&
			(!decision || findings->items[i].decision == decision) &&
			same_element(set->attribute, before->value, proved);

		if (findings->items[i].verdict != VERDICT_REVERT || !before->value.data ||
			element_is_primary(before->value) == primary || !is_smtp(before->value))
			continue;
		buf_add_text(&settled, primary ? "\"SMTP" : "\"smtp");
		buf_add(&settled, before->value.data + settled.length,
			before->value.length - settled.length);
		before->value = texts_keep(findings->texts, buf_span(&settled));
	}
}

/* Production may bring the address back, and not as the primary one, or the other way round. */
static void settle_foreseen(struct set *set)
{
	struct findings *findings = set->reconciling->findings;

	for (size_t i = set->first_finding; i < findings->count; i++) {
		struct finding *finding = &findings->items[i];
		struct span next = elements_find(&set->next_elements, finding->element);

		if (finding->next != FORESEEN_BEFORE || !next.data || !finding->before.value.data ||
			element_is_primary(next) == element_is_primary(finding->before.value))
			continue;
		finding->next = FORESEEN_OTHER;
		finding->next_value = (struct known_value){ true,
			texts_keep(findings->texts, set->next.value.value) };
	}
}

/* Is the address among those that the plan leaves: there and not going, or coming back? */
static bool will_be_there(const struct set *set, struct span key)
{
	const struct finding *finding = finding_of(set, key);

	if (finding && finding->verdict == VERDICT_REVERT)
		return finding->before.value.data != NULL;
	return elements_find(&set->live, key).data != NULL;
}

/* Why the address that was primary can't just be made so again; NULL: it can. */
static const char *why_not_primary(
	const struct set *set, const struct answer *answer, struct span key)
{
	if (!answer->before.value.data)
		return "; no address was primary before, so a person must choose";
	if (element_is_computed(set, answer->before.value))
		return "; the service computes the address that was primary, so a person must choose";
	if (!will_be_there(set, key))
		return "; the address that was primary is not there any more, so a person must choose";
	return NULL;
}

/* Whoever names an element means that it is there: which one is primary, no line decides. */
static void add_question(struct set *set, const struct question *question,
	const struct answer *answer, struct span key)
{
	struct findings *findings = set->reconciling->findings;

	findings_add_answer(set->reconciling, set->subject, set->attribute, key, question, answer);
	findings->items[findings->count - 1].way = DOOR_NONE;
}

/* The element's own finding says it where it can; otherwise the question has one of its own. */
static void report_primary(struct set *set, const struct question *question,
	const struct answer *answer, struct span key)
{
	struct finding *finding = finding_of(set, key);
	bool open = answer->verdict == VERDICT_SUSPECT || answer->verdict == VERDICT_CONTESTED;
	bool comes_back = finding && finding->verdict == VERDICT_REVERT &&
		finding->before.value.data;

	if (!finding || (answer->verdict == VERDICT_REVERT && !comes_back)) {
		if (open || answer->verdict == VERDICT_REVERT ||
			!element_is_computed(set, answer->before.value))
			add_question(set, question, answer, key);
	} else if (open) {
		CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);

		buf_addf(&reason, "%s; which address is primary: %s", finding->reason,
			buf_text(&answer->reason));
		finding->reason = texts_keep(set->reconciling->findings->texts, buf_span(&reason))
					  .data;
	}
}

void primary_decide(struct set *set)
{
	CLEANUP(timeline_release) struct timeline timeline = { 0 };
	CLEANUP(answer_release) struct answer answer = { 0 };
	struct times times;
	struct question question = {
		.attribute = set->attribute,
		.same = same_element,
		.base = { set->base_value.known, primary_of(&set->base) },
		.live = { set->live_value.known, primary_of(&set->live) },
		.timeline = &timeline,
		.times = &times,
		.origin = set->subject->origin,
		.element = true,
		.next = set->next,
		.next_whole = set->next.value,
	};
	struct span key = SPAN_NONE;
	const char *why_not = NULL;

	question.next.value.value = primary_of(&set->next_elements);
	primary_timeline(set, &timeline);
	timeline_settle(set->reconciling, &timeline, &question);
	times = times_of_value(set->reconciling, set->subject, set->attribute, &timeline);
	verdict_decide_reviewed(set->reconciling, set->subject, &question, &answer);
	if (answer.found) {
		candidates_add(set, &set->base, NULL);
		candidates_add(set, &set->live, NULL);
		elements_finish(&set->candidates);
		key = primary_key(set, &answer, &question);
	}
	if (answer.found && answer.verdict == VERDICT_REVERT) {
		why_not = why_not_primary(set, &answer, key);
		if (why_not) {
			answer.verdict = VERDICT_SUSPECT;
			answer.decision = NULL;
			buf_add_text(&answer.reason, why_not);
		}
	}
	settle_primacy(set,
		answer.found && answer.verdict == VERDICT_REVERT ? answer.before.value : SPAN_NONE,
		answer.decision);
	settle_foreseen(set);
	if (key.data)
		report_primary(set, &question, &answer, key);
}
