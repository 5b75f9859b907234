/*
 * Sets, element by element: the value of an element is that it is there.
 *
 * A record of a whole set, old and new, is an event for each element that it changed, and for
 * the others a sight: it shows that the element was there, or not, at that moment. An element
 * that a record does not change was not written by it, so that an alias the help desk added
 * an hour later is the help desk's alone.
 *
 * Which address is primary is a question of its own, with one answer for the whole set: a swap
 * is one change and not a removal and an addition (docs/FORMAT-findings.md).
 */
#include "base/memory.h"
#include "reconcile/sets_internal.h"

/* ---- one set and the facts about it ------------------------------------------------- */

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
	elements_begin(&set->singles);
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

void candidates_add(struct set *set, const struct elements *from, const struct elements *not_in)
{
	for (size_t i = 0; i < from->count; i++)
		if (!not_in || !elements_find(not_in, from->items[i].key).data)
			elements_add(&set->candidates, set->attribute, from->items[i].value, NULL);
}

static void set_find_candidates(struct set *set)
{
	elements_begin(&set->candidates);
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
	elements_release(&set->next_elements);
	elements_release(&set->candidates);
}

/* ---- is the element there? ------------------------------------------------------------------ */

static bool same_presence(const struct attribute *attribute UNUSED, struct span a, struct span b)
{
	return !a.data == !b.data;
}

/* Whoever makes an address the primary one, or no longer that, has seen it and decided. */
static bool is_promotion(const struct set *set, const struct event *event)
{
	return set->attribute->compare == COMPARE_ADDRESSES && event->writer != WRITER_STAGING &&
		event->old_value.value.data && event->new_value.value.data &&
		element_is_primary(event->old_value.value) !=
		element_is_primary(event->new_value.value);
}

static void add_whole_event(const struct set *set, const struct whole *whole, struct span key,
	struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, whole->fact);

	event.old_value.value = elements_find(&whole->old_elements, key);
	event.new_value.value = elements_find(&whole->new_elements, key);
	event.seen = event.seen ||
		(event.old_value.known && event.new_value.known &&
			same_presence(
				set->attribute, event.old_value.value, event.new_value.value) &&
			!is_promotion(set, &event));
	timeline_add(timeline, &event);
}

/*
 * What is added was not there, and what is removed is not there afterwards. A file tells what
 * its server wanted to add or remove: whether it was there, the server may have got wrong.
 */
static void add_single_event(
	const struct set *set, const struct element *single, struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, single->fact);

	event.old_value.known = single->fact->source == FROM_AUDIT;
	if (!event.old_value.known)
		event.old_value.value = SPAN_NONE;
	event.new_value.known = true;
	timeline_add(timeline, &event);
}

/* A file's delta that takes one spelling of an address away and adds another: it stays. */
static bool is_respelling(const struct element *a, const struct element *b)
{
	return a->fact->source != FROM_AUDIT && a->fact->when_ms == b->fact->when_ms &&
		a->fact->operation == FACT_ADD && b->fact->operation == FACT_REMOVE &&
		strcmp(a->fact->reference, b->fact->reference) == 0;
}

static void add_respelling_event(
	const struct set *set, const struct element *added, struct timeline *timeline)
{
	struct event event = event_of(set->reconciling, added->fact);

	event.seen = true;
	timeline_add(timeline, &event);
}

/* Adds the event of the single fact at `place`, or of two that belong together; the next place. */
static size_t add_single(const struct set *set, size_t place, size_t end, struct timeline *timeline)
{
	const struct element *single = &set->singles.items[place];

	if (place + 1 < end && is_respelling(single, single + 1)) {
		add_respelling_event(set, single, timeline);
		return place + 2;
	}
	add_single_event(set, single, timeline);
	return place + 1;
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
			single = add_single(set, single, end, timeline);
}

static void decide_element(struct set *set, struct span key)
{
	CLEANUP(timeline_release) struct timeline timeline = { 0 };
	CLEANUP(answer_release) struct answer answer = { 0 };
	struct times times;
	struct question question = {
		.attribute = set->attribute,
		.same = same_presence,
		.base = { set->base_value.known, elements_find(&set->base, key) },
		.live = { set->live_value.known, elements_find(&set->live, key) },
		.timeline = &timeline,
		.times = &times,
		.origin = set->subject->origin,
		.element = true,
		.next = set->next,
		.next_whole = set->next.value,
	};

	question.next.value.value = elements_find(&set->next_elements, key);
	element_timeline(set, key, &timeline);
	timeline_settle(set->reconciling, &timeline, &question);
	times = times_of_value(set->reconciling, set->subject, set->attribute, &timeline);
	verdict_decide_reviewed(set->reconciling, set->subject, &question, &answer);
	if (answer.found)
		findings_add_answer(
			set->reconciling, set->subject, set->attribute, key, &question, &answer);
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
		.first_finding = reconciling->findings->count,
		.next = foresee(reconciling, subject, attribute),
	};

	if (!set.live_value.known)
		return;
	elements_init(&set.next_elements, attribute, set.next.value.value);
	elements_init(&set.base, attribute, set.base_value.value);
	elements_init(&set.live, attribute, set.live_value.value);
	set_add_facts(&set);
	set_find_candidates(&set);
	for (size_t i = 0; i < set.candidates.count; i++)
		if (!element_is_computed(&set, set.candidates.items[i].value))
			decide_element(&set, set.candidates.items[i].key);
	if (attribute->compare == COMPARE_ADDRESSES)
		primary_decide(&set);
}
