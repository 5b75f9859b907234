/*
 * What is known to have happened to one value: events in order of time. A fact about a whole
 * value is an event; of a fact about a whole set, each element makes its own event (sets.c).
 */
#include "base/memory.h"
#include "reconcile/reconcile_internal.h"

void timeline_add(struct timeline *timeline, const struct event *event)
{
	MEMORY_GROW(timeline->events, timeline->count, timeline->capacity);
	timeline->events[timeline->count++] = *event;
}

void timeline_release(struct timeline *timeline)
{
	memory_free(timeline->events);
	*timeline = (struct timeline){ 0 };
}

enum writer_class fact_class(const struct reconciling *reconciling, const struct fact *fact)
{
	return reconciling->writers[writer_number(fact->who)];
}

void explain(struct reconciling *reconciling, const struct fact *fact)
{
	reconciling->explained[fact - reconciling->first_fact] = true;
}

struct event event_of(const struct reconciling *reconciling, const struct fact *fact)
{
	return (struct event){
		.when_ms = fact->when_ms,
		.fact = fact,
		.writer = fact_class(reconciling, fact),
		.old_value = { fact->old_known, fact->old_value },
		.new_value = { fact->new_known, fact->new_value },
	};
}
