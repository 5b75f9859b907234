/*
 * One object, attribute by attribute: rows of the kinds table, and the directory extensions that
 * something is known of. Sets are decided element by element (sets.c).
 */
#include <stdlib.h>

#include "base/memory.h"
#include "reconcile/reconcile_internal.h"

static struct known_value value_in(const struct snapshot *snapshot, const struct object *object,
	const struct attribute *attribute)
{
	struct span value;

	/* In deleted items names are changed and values are stripped. */
	if (!object || object_deleted(object) || object_unknown(object, attribute))
		return (struct known_value){ 0 };
	value = object_get(object, attribute);
	/* What was not asked for is not nothing. */
	if (!value.data && attribute_is_extension(attribute) &&
		!snapshot_asked_for_extension(snapshot, object_kind(object)->id, attribute))
		return (struct known_value){ 0 };
	return (struct known_value){ true, value };
}

struct known_value subject_base(const struct subject *subject, const struct attribute *attribute)
{
	return value_in(subject->base_from, subject->base, attribute);
}

struct known_value subject_live(const struct subject *subject, const struct attribute *attribute)
{
	return value_in(subject->live_from, subject->live, attribute);
}

static bool has_facts(const struct subject *subject, const struct attribute *attribute)
{
	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->attribute == attribute && fact_is_write(subject->facts[i]))
			return true;
	return false;
}

static void decide_value(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	CLEANUP(timeline_release) struct timeline timeline = { 0 };
	CLEANUP(answer_release) struct answer answer = { 0 };
	struct times times;
	struct question question = {
		.attribute = attribute,
		.same = attribute_equal,
		.base = subject_base(subject, attribute),
		.live = subject_live(subject, attribute),
		.timeline = &timeline,
		.times = &times,
		.origin = subject->origin,
	};

	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->attribute == attribute) {
			struct event event = event_of(reconciling, subject->facts[i]);

			timeline_add(&timeline, &event);
			if (question.live.known)
				explain(reconciling, subject->facts[i]);
		}
	timeline_settle(reconciling, &timeline, &question);
	times = times_of_value(reconciling, subject, attribute, &timeline);
	verdict_decide_reviewed(reconciling, subject, &question, &answer);
	question.next = foresee(reconciling, subject, attribute);
	question.next_whole = question.next.value;
	if (answer.found)
		findings_add_answer(reconciling, subject, attribute, SPAN_NONE, &question, &answer);
}

/* Quarantined values are a finding of their own (conflicts.c). */
static bool is_compared(const struct attribute *attribute)
{
	return attribute->compare != COMPARE_VOLATILE &&
		strcmp(attribute->name, "onPremisesProvisioningErrors") != 0;
}

/* Nobody is known to have written it, and it says the same: most values of most objects. */
static bool is_untouched(const struct subject *subject, const struct attribute *attribute)
{
	return !subject->fact_count && subject->base && subject->live &&
		span_equal(
			object_get(subject->base, attribute), object_get(subject->live, attribute));
}

static void decide_attribute(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	struct known_value base = subject_base(subject, attribute);
	struct known_value live = subject_live(subject, attribute);

	if (!is_compared(attribute))
		return;
	if (!has_facts(subject, attribute) &&
		(!base.known || !live.known || attribute_equal(attribute, base.value, live.value)))
		return;
	if (attribute->shape == SHAPE_SET)
		sets_decide(reconciling, subject, attribute);
	else
		decide_value(reconciling, subject, attribute);
}

static bool is_shared(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->attribute == attribute && fact_is_write(subject->facts[i]) &&
			fact_class(reconciling, subject->facts[i]) != WRITER_STAGING)
			return true;
	return false;
}

/* All rows, and the directory extensions that something is known of, by name. */
struct named {
	const struct attribute **at;
	size_t count, capacity;
};

static void named_release(struct named *named)
{
	memory_free(named->at);
}

static void name(struct named *named, const struct attribute *attribute)
{
	MEMORY_GROW(named->at, named->count, named->capacity);
	named->at[named->count++] = attribute;
}

static void name_once(struct named *named, const struct attribute *attribute)
{
	for (size_t i = named->count; i && attribute_is_extension(named->at[i - 1]); i--)
		if (named->at[i - 1] == attribute)
			return;
	name(named, attribute);
}

static void name_those_of(struct named *named, const struct object *object)
{
	for (size_t i = 0; object && i < object_extension_count(object); i++)
		name_once(named, object_extension(object, i));
}

static int compare_names(const void *left, const void *right)
{
	const struct attribute *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static void name_extensions(struct named *named, const struct subject *subject)
{
	size_t first = named->count;

	name_those_of(named, subject->base);
	name_those_of(named, subject->live);
	for (size_t i = 0; i < subject->fact_count; i++)
		if (subject->facts[i]->attribute &&
			attribute_is_extension(subject->facts[i]->attribute))
			name_once(named, subject->facts[i]->attribute);
	if (named->count > first)
		qsort(named->at + first, named->count - first, sizeof(named->at[0]), compare_names);
}

static void name_all(struct named *named, const struct subject *subject)
{
	const struct kind *kind = subject->kind;
	size_t row = 0;

	for (; row < kind->attribute_count &&
		strcmp(kind->attributes[row].name, UNKNOWN_EXTENSIONS) < 0;
		row++)
		name(named, &kind->attributes[row]);
	name_extensions(named, subject);
	for (; row < kind->attribute_count; row++)
		name(named, &kind->attributes[row]);
}

void subject_decide(struct reconciling *reconciling, const struct subject *subject)
{
	enum examine examine = objects_decide(reconciling, subject);
	CLEANUP(named_release) struct named named = { 0 };

	if (examine == EXAMINE_NOTHING)
		return;
	name_all(&named, subject);
	for (size_t i = 0; i < named.count; i++) {
		const struct attribute *attribute = named.at[i];

		if (is_untouched(subject, attribute))
			continue;
		if (examine == EXAMINE_ALL || is_shared(reconciling, subject, attribute))
			decide_attribute(reconciling, subject, attribute);
	}
}
