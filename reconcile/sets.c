/*
 * Sets, element by element: the value of an element is that it is there.
 *
 * A record of a whole set, old and new, is an event for each element that it changed, and for
 * the others a sight: it shows that the element was there, or not, at that moment. An element
 * that a record does not change was not written by it, so that an alias the help desk added
 * an hour later is the help desk's alone.
 *
 * Which address is primary is a question of its own, with one answer for the whole set: a swap
 * is one change and not a removal and an addition (docs/FORMAT-evidence.md).
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/reconcile_internal.h"

enum { ELEMENT_KEYS_MAX = 1 << 30 };

/* The elements of one set, by key. Keys stand one after the other in `keys`. */
struct element {
	size_t key_at, key_length;
	struct span key, value;
	const struct fact *fact; /* that adds or removes it; NULL: one of a set */
};

struct elements {
	struct buf keys;
	struct element *items;
	size_t count, capacity;
};

static int compare_elements(const void *left, const void *right)
{
	const struct element *a = left, *b = right;
	int order = span_compare(a->key, b->key);

	/* Facts lie in order of time. */
	return order ? order : (a->fact > b->fact) - (a->fact < b->fact);
}

/* Of two spellings of one address the primary one comes first: capitals do. */
static int compare_spellings(const void *left, const void *right)
{
	const struct element *a = left, *b = right;
	int order = compare_elements(left, right);

	return order ? order : span_compare(a->value, b->value);
}

static void elements_add(struct elements *elements, const struct attribute *attribute,
	struct span value, const struct fact *fact)
{
	struct element element = { .key_at = elements->keys.length, .value = value, .fact = fact };

	element_add_key(&elements->keys, attribute, value);
	element.key_length = elements->keys.length - element.key_at;
	MEMORY_GROW(elements->items, elements->count, elements->capacity);
	elements->items[elements->count++] = element;
}

static void elements_sort(struct elements *elements)
{
	for (size_t i = 0; i < elements->count; i++) {
		struct element *element = &elements->items[i];

		element->key = (struct span){ buf_text(&elements->keys) + element->key_at,
			element->key_length };
	}
	if (elements->count)
		qsort(elements->items, elements->count, sizeof(*elements->items),
			compare_spellings);
}

/* Sorts, and drops all but one of those with the same key. */
static void elements_finish(struct elements *elements)
{
	size_t kept = 0;

	elements_sort(elements);
	for (size_t i = 0; i < elements->count; i++)
		if (!kept || !span_equal(elements->items[kept - 1].key, elements->items[i].key))
			elements->items[kept++] = elements->items[i];
	elements->count = kept;
}

static void elements_add_set(
	struct elements *elements, const struct attribute *attribute, struct span set)
{
	struct scan scan;
	struct span value;

	if (!set.data || scan_type(set) != SCAN_ARRAY)
		return;
	scan = scan_open(set);
	while (scan_element(&scan, &value))
		elements_add(elements, attribute, value, NULL);
}

static void elements_init(
	struct elements *elements, const struct attribute *attribute, struct span set)
{
	*elements = (struct elements){ .keys = BUF_UP_TO(ELEMENT_KEYS_MAX) };
	elements_add_set(elements, attribute, set);
	elements_finish(elements);
}

static void elements_release(struct elements *elements)
{
	buf_release(&elements->keys);
	memory_free(elements->items);
}

/* The element's canonical value; absent where it is not there. */
static struct span elements_find(const struct elements *elements, struct span key)
{
	struct element wanted = { .key = key };
	const struct element *found = elements->count
		? bsearch(&wanted, elements->items, elements->count, sizeof(wanted),
			  compare_elements)
		: NULL;

	return found ? found->value : SPAN_NONE;
}

/* ---- one set and the facts about it ------------------------------------------------- */

/* A fact about the whole set, with both its sides taken apart. */
struct whole {
	const struct fact *fact;
	struct elements old_elements, new_elements;
};

/* Facts that add or remove one element are kept by element: a group may have very many. */
struct set {
	struct reconciling *reconciling;
	const struct subject *subject;
	const struct attribute *attribute;
	struct known_value base_value, live_value;
	struct elements base, live;
	struct whole *wholes;
	size_t whole_count, whole_capacity;
	struct elements singles;    /* in order of key, then of time */
	struct elements candidates; /* keys that may differ, or that facts name */
};

static void set_add_whole(struct set *set, const struct fact *fact)
{
	struct whole whole = { .fact = fact };

	elements_init(&whole.old_elements, set->attribute, fact->old_value);
	elements_init(&whole.new_elements, set->attribute, fact->new_value);
	MEMORY_GROW(set->wholes, set->whole_count, set->whole_capacity);
	set->wholes[set->whole_count++] = whole;
}

static void set_add_facts(struct set *set)
{
	set->singles = (struct elements){ .keys = BUF_UP_TO(ELEMENT_KEYS_MAX) };
	for (size_t i = 0; i < set->subject->fact_count; i++) {
		const struct fact *fact = set->subject->facts[i];

		if (fact->attribute != set->attribute)
			continue;
		explain(set->reconciling, fact);
		if (fact->operation == FACT_ADD)
			elements_add(&set->singles, set->attribute, fact->new_value, fact);
		else if (fact->operation == FACT_REMOVE)
			elements_add(&set->singles, set->attribute, fact->old_value, fact);
		else
			set_add_whole(set, fact);
	}
	elements_sort(&set->singles);
}

static void candidates_add(
	struct set *set, const struct elements *from, const struct elements *not_in)
{
	for (size_t i = 0; i < from->count; i++)
		if (!not_in || !elements_find(not_in, from->items[i].key).data)
			elements_add(&set->candidates, set->attribute, from->items[i].value, NULL);
}

static void set_find_candidates(struct set *set)
{
	set->candidates = (struct elements){ .keys = BUF_UP_TO(ELEMENT_KEYS_MAX) };
	if (set->base_value.known) {
		candidates_add(set, &set->base, &set->live);
		candidates_add(set, &set->live, &set->base);
	}
	for (size_t i = 0; i < set->whole_count; i++) {
		candidates_add(set, &set->wholes[i].old_elements, NULL);
		candidates_add(set, &set->wholes[i].new_elements, NULL);
	}
	candidates_add(set, &set->singles, NULL);
	elements_finish(&set->candidates);
}

static void set_release(struct set *set)
{
	for (size_t i = 0; i < set->whole_count; i++) {
		elements_release(&set->wholes[i].old_elements);
		elements_release(&set->wholes[i].new_elements);
	}
	memory_free(set->wholes);
	elements_release(&set->singles);
	elements_release(&set->base);
	elements_release(&set->live);
	elements_release(&set->candidates);
}

/* ---- is the element there?
 * ------------------------------------------------------------------------ */

static bool same_presence(const struct attribute *attribute UNUSED, struct span a, struct span b)
{
	return !a.data == !b.data;
}

static bool is_primary(struct span element)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (scan_type(element) != SCAN_STRING)
		return false;
	scan_text(element, &text);
	return address_parse(buf_span(&text)).primary;
}

/* Whoever makes an address the primary one, or no longer that, has seen it and decided. */
static bool is_promotion(const struct set *set, const struct event *event)
{
	return set->attribute->compare == COMPARE_ADDRESSES && event->writer != WRITER_STAGING &&
		event->old_value.value.data && event->new_value.value.data &&
		is_primary(event->old_value.value) != is_primary(event->new_value.value);
}

static void add_whole_event(const struct set *set, const struct whole *whole, struct span key,
	struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, whole->fact);

	event.old_value.value = elements_find(&whole->old_elements, key);
	event.new_value.value = elements_find(&whole->new_elements, key);
	event.seen = event.old_value.known && event.new_value.known &&
		same_presence(set->attribute, event.old_value.value, event.new_value.value) &&
		!is_promotion(set, &event);
	timeline_add(timeline, &event);
}

/* What is added was not there, and what is removed is not there afterwards. */
static void add_single_event(
	const struct set *set, const struct element *single, struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, single->fact);

	event.old_value.known = event.new_value.known = true;
	timeline_add(timeline, &event);
}

/* The first single fact about this element, or where it would stand. */
static size_t first_single(const struct set *set, struct span key)
{
	size_t low = 0, high = set->singles.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_compare(set->singles.items[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Both kinds of facts, in order of time. */
static void element_timeline(const struct set *set, struct span key, struct timeline *timeline)
{
	size_t single = first_single(set, key), end = single, whole = 0;

	while (end < set->singles.count && span_equal(set->singles.items[end].key, key))
		end++;
	while (single < end || whole < set->whole_count)
		if (single == end ||
			(whole < set->whole_count &&
				set->wholes[whole].fact < set->singles.items[single].fact))
			add_whole_event(set, &set->wholes[whole++], key, timeline);
		else
			add_single_event(set, &set->singles.items[single++], timeline);
}

static void decide_element(struct set *set, struct span key)
{
	CLEANUP(timeline_release) struct timeline timeline = { 0 };
	CLEANUP(answer_release) struct answer answer = { 0 };
	struct question question = {
		.attribute = set->attribute,
		.same = same_presence,
		.base = { set->base_value.known, elements_find(&set->base, key) },
		.live = { set->live_value.known, elements_find(&set->live, key) },
		.timeline = &timeline,
		.times = &set->reconciling->times,
		.known_since_ms = set->subject->known_since_ms,
		.element = true,
	};

	element_timeline(set, key, &timeline);
	verdict_decide(&question, &answer);
	if (answer.found)
		findings_add_answer(
			set->reconciling, set->subject, set->attribute, key, &question, &answer);
}

/* ---- addresses
 * --------------------------------------------------------------------------------------- */

static bool is_computed_for(const struct object *object, struct span text)
{
	return object && address_is_computed_for(object, text);
}

/*
 * The service computes it for this object: nobody puts it there or takes it away. What is gone is
 * judged by the sign-in name of the base, since a new one computes another address.
 */
static bool is_computed(const struct set *set, struct span element)
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
		if (is_primary(elements->items[i].value))
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

/* This set's finding about an element; `first` is where its findings begin. NULL: none. */
static struct finding *finding_of(const struct set *set, size_t first, struct span key)
{
	struct findings *findings = set->reconciling->findings;

	for (size_t i = first; i < findings->count; i++)
		if (span_equal(findings->items[i].element, key))
			return &findings->items[i];
	return NULL;
}

static void primary_timeline(const struct set *set, struct timeline *timeline)
{
	for (size_t i = 0; i < set->whole_count; i++) {
		const struct whole *whole = &set->wholes[i];
		struct event event = event_of(set->reconciling, whole->fact);

		event.old_value.value = primary_of(&whole->old_elements);
		event.new_value.value = primary_of(&whole->new_elements);
		event.seen = event.old_value.known && event.new_value.known &&
			same_element(set->attribute, event.old_value.value, event.new_value.value);
		timeline_add(timeline, &event);
	}
}

/*
 * An address that comes back is primary again where that was staging's doing, and proved.
 * Otherwise it comes back as a secondary one: what others chose since stays.
 */
static void settle_primacy(struct set *set, size_t first, struct span proved)
{
	struct findings *findings = set->reconciling->findings;

	for (size_t i = first; i < findings->count; i++) {
		struct known_value *before = &findings->items[i].before;
		CLEANUP(buf_release) struct buf settled = BUF_UP_TO(DIRECTORY_LINE_MAX);
		bool primary = proved.data && before->value.data &&
			same_element(set->attribute, before->value, proved);

		if (findings->items[i].verdict != VERDICT_REVERT || !before->value.data ||
			is_primary(before->value) == primary || !is_smtp(before->value))
			continue;
		buf_add_text(&settled, primary ? "\"SMTP" : "\"smtp");
		buf_add(&settled, before->value.data + settled.length,
			before->value.length - settled.length);
		before->value = texts_keep(findings->texts, buf_span(&settled));
	}
}

/* Is the address among those that the plan leaves: there and not going, or coming back? */
static bool will_be_there(const struct set *set, size_t first, struct span key)
{
	const struct finding *finding = finding_of(set, first, key);

	if (finding && finding->verdict == VERDICT_REVERT)
		return finding->before.value.data != NULL;
	return elements_find(&set->live, key).data != NULL;
}

/* Why the address that was primary can't just be made so again; NULL: it can. */
static const char *why_not_primary(
	const struct set *set, size_t first, const struct answer *answer, struct span key)
{
	if (!answer->before.value.data)
		return "; no address was primary before, so a person must choose";
	if (is_computed(set, answer->before.value))
		return "; the service computes the address that was primary, so a person must choose";
	if (!will_be_there(set, first, key))
		return "; the address that was primary is not there any more, so a person must choose";
	return NULL;
}

/* The element's own finding says it where it can; the question gets its own where it can't. */
static void report_primary(struct set *set, size_t first, const struct question *question,
	const struct answer *answer, struct span key)
{
	struct texts *texts = set->reconciling->findings->texts;
	struct finding *finding = finding_of(set, first, key);
	bool comes_back = finding && finding->verdict == VERDICT_REVERT &&
		finding->before.value.data;
	bool open = answer->verdict == VERDICT_SUSPECT || answer->verdict == VERDICT_CONTESTED;

	if (finding && (open || comes_back || answer->verdict != VERDICT_REVERT)) {
		CLEANUP(buf_release) struct buf reason = BUF_UP_TO(2 * REASON_MAX);

		if (!open)
			return;
		buf_addf(&reason, "%s; which address is primary: %s", finding->reason,
			buf_text(&answer->reason));
		finding->reason = texts_keep(texts, buf_span(&reason)).data;
		return;
	}
	if (open || answer->verdict == VERDICT_REVERT || !is_computed(set, answer->before.value))
		findings_add_answer(
			set->reconciling, set->subject, set->attribute, key, question, answer);
}

/* `first` is where this set's findings begin. */
static void decide_primary(struct set *set, size_t first)
{
	CLEANUP(timeline_release) struct timeline timeline = { 0 };
	CLEANUP(answer_release) struct answer answer = { 0 };
	struct question question = {
		.attribute = set->attribute,
		.same = same_element,
		.base = { set->base_value.known, primary_of(&set->base) },
		.live = { set->live_value.known, primary_of(&set->live) },
		.timeline = &timeline,
		.times = &set->reconciling->times,
		.known_since_ms = set->subject->known_since_ms,
		.element = true,
	};
	struct span key = SPAN_NONE;
	const char *why_not = NULL;

	primary_timeline(set, &timeline);
	verdict_decide(&question, &answer);
	if (answer.found) {
		candidates_add(set, &set->base, NULL);
		candidates_add(set, &set->live, NULL);
		elements_finish(&set->candidates);
		key = primary_key(set, &answer, &question);
	}
	if (answer.found && answer.verdict == VERDICT_REVERT) {
		why_not = why_not_primary(set, first, &answer, key);
		if (why_not) {
			answer.verdict = VERDICT_SUSPECT;
			buf_add_text(&answer.reason, why_not);
		}
	}
	settle_primacy(set, first,
		answer.found && answer.verdict == VERDICT_REVERT ? answer.before.value : SPAN_NONE);
	if (key.data)
		report_primary(set, first, &question, &answer, key);
}

void sets_decide(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	CLEANUP(set_release)
	struct set set = {
		.reconciling = reconciling,
		.subject = subject,
		.attribute = attribute,
		.base_value = subject_base(subject, attribute),
		.live_value = subject_live(subject, attribute),
	};
	size_t first = reconciling->findings->count;

	if (!set.live_value.known)
		return;
	elements_init(&set.base, attribute, set.base_value.value);
	elements_init(&set.live, attribute, set.live_value.value);
	set_add_facts(&set);
	set_find_candidates(&set);
	for (size_t i = 0; i < set.candidates.count; i++)
		if (!is_computed(&set, set.candidates.items[i].value))
			decide_element(&set, set.candidates.items[i].key);
	if (attribute->compare == COMPARE_ADDRESSES)
		decide_primary(&set, first);
}
