/*
 * What is known to have happened to one value: events in order of time. A fact about a whole
 * value is an event; of a fact about a whole set, each element makes its own event (sets.c).
 *
 * Several sources may tell of one write: the audit log with its exact time and mostly both values,
 * the server's connector space with the value and a time that is some minutes off. They are folded
 * into one event that keeps the log's time, so that a difference of minutes makes nobody look as
 * if he had written in between.
 */
#include "base/memory.h"
#include "base/text.h"
#include "reconcile/reconcile_internal.h"

/* So far off may the time of a file's write be from that of a record that tells no value. */
enum { FOLD_MS = 60 * 60 * 1000 };

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

bool fact_takes_part(const struct fact *fact)
{
	return fact_is_write(fact) || fact->source == FROM_PRODUCTION_SPACE ||
		fact->source == FROM_STAGING_SPACE;
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
	bool shown = fact->operation == FACT_SHOWN;

	return (struct event){
		.when_ms = fact->when_ms,
		.within_ms = fact->within_ms,
		.fact = fact,
		.writer = fact_class(reconciling, fact),
		.seen = shown,
		.shown = shown,
		.perhaps = fact->source == FROM_STAGING_ESCROW,
		.old_value = { fact->old_known, fact->old_value },
		.new_value = { fact->new_known, fact->new_value },
	};
}

/* ---- one write, told by several sources ---------------------------------------------- */

static bool is_of_file(const struct event *event)
{
	return event->fact->source != FROM_AUDIT;
}

static bool same_server(const struct event *a, const struct event *b)
{
	const char *of_a = a->fact->who->server, *of_b = b->fact->who->server;

	if (a->writer == WRITER_STAGING || b->writer == WRITER_STAGING)
		return a->writer == b->writer;
	return of_a && of_b && text_compare_caseless(span_of(of_a), span_of(of_b)) == 0;
}

static int64_t distance(const struct event *a, const struct event *b)
{
	return a->when_ms > b->when_ms ? a->when_ms - b->when_ms : b->when_ms - a->when_ms;
}

/* Does `event` tell of the same write as the file's? With the value, or close to it without one. */
static bool tells_the_same(const struct question *question, const struct event *file,
	const struct event *event, bool value)
{
	if (event == file || event->shown || !same_server(file, event) ||
		(is_of_file(event) && event > file))
		return false;
	if (value)
		return event->new_value.known && file->new_value.known &&
			question->same(
				question->attribute, event->new_value.value, file->new_value.value);
	return !(event->new_value.known && file->new_value.known) && !event->seen &&
		distance(file, event) <= FOLD_MS;
}

/* The event nearest in time that tells of the same write, or NULL. */
static struct event *partner_of(const struct question *question, const struct timeline *timeline,
	const struct event *file, bool value)
{
	struct event *nearest = NULL;

	for (size_t i = 0; i < timeline->count; i++) {
		struct event *event = &timeline->events[i];

		if (tells_the_same(question, file, event, value) &&
			(!nearest || distance(file, event) < distance(file, nearest)))
			nearest = event;
	}
	return nearest;
}

/* The record keeps its time and gains the value where it had none. */
static bool fold_into_partner(struct reconciling *reconciling, const struct question *question,
	const struct timeline *timeline, const struct event *file)
{
	struct event *partner = partner_of(question, timeline, file, true);

	if (!partner)
		partner = partner_of(question, timeline, file, false);
	if (!partner)
		return false;
	if (!partner->new_value.known)
		partner->new_value = file->new_value;
	partner->perhaps = partner->perhaps && file->perhaps;
	if (!partner->also)
		partner->also = file->fact;
	reconciling->doubles[file->fact - reconciling->first_fact] = true;
	return true;
}

static void remove_event(struct timeline *timeline, size_t place)
{
	struct event *event = &timeline->events[place];

	timeline->count--;
	memmove(event, event + 1, (timeline->count - place) * sizeof(*event));
}

static void fold_doubles(
	struct reconciling *reconciling, struct timeline *timeline, const struct question *question)
{
	for (size_t i = timeline->count; i > 0; i--) {
		const struct event *event = &timeline->events[i - 1];

		if (is_of_file(event) && !event->shown &&
			fold_into_partner(reconciling, question, timeline, event))
			remove_event(timeline, i - 1);
	}
}

/* ---- one write, told by several records ----------------------------------------------- */

/* "Directory_<correlation>_<x>_<n>": the correlation; or absent. */
static struct span correlation_of(const char *reference)
{
	static const char begin[] = "Directory_";
	size_t skip = sizeof(begin) - 1;
	struct span id;

	if (strncmp(reference, begin, skip) != 0 || strlen(reference) < skip + ID_BYTES)
		return SPAN_NONE;
	id = (struct span){ reference + skip, ID_BYTES };
	return text_is_guid(id) ? id : SPAN_NONE;
}

static bool is_bare_name(const struct event *event)
{
	return event->fact->source == FROM_AUDIT && event->fact->operation == FACT_NAMED &&
		!event->new_value.known;
}

/* Of one request, by one writer, at one time: the other record has the values. */
static bool is_told_with_values(const struct event *named, const struct event *event)
{
	struct span correlation = correlation_of(named->fact->reference);

	return event->fact->source == FROM_AUDIT && event->fact->operation != FACT_NAMED &&
		event->fact->who == named->fact->who && event->new_value.known &&
		distance(named, event) <= AUDIT_ORDER_MS && correlation.data &&
		span_equal(correlation, correlation_of(event->fact->reference));
}

/* A change may be split over records ("Update user", "Disable account"), one of which only names it. */
static void fold_bare_names(struct reconciling *reconciling, struct timeline *timeline)
{
	for (size_t i = timeline->count; i > 0; i--) {
		const struct event *named = &timeline->events[i - 1];
		bool told = false;

		for (size_t j = 0; is_bare_name(named) && j < timeline->count && !told; j++)
			told = is_told_with_values(named, &timeline->events[j]);
		if (told) {
			reconciling->doubles[named->fact - reconciling->first_fact] = true;
			remove_event(timeline, i - 1);
		}
	}
}

/* What a file shows stands where it stood at the earliest: there it is a witness. */
static int64_t place_in_time(const struct event *event)
{
	return event->shown ? event_earliest(event) : event->when_ms;
}

/* Nearly in order already. */
static void sort_events(struct timeline *timeline)
{
	for (size_t i = 1; i < timeline->count; i++) {
		struct event event = timeline->events[i];
		size_t place = i;

		for (; place > 0 &&
			place_in_time(&timeline->events[place - 1]) > place_in_time(&event);
			place--)
			timeline->events[place] = timeline->events[place - 1];
		timeline->events[place] = event;
	}
}

/* The log holds the records of all who wrote then, and none of this one. */
static bool is_denied_by_log(const struct reconciling *reconciling, const struct question *question,
	const struct event *event)
{
	bool stands = question->live.known && event->new_value.known &&
		question->same(question->attribute, question->live.value, event->new_value.value);

	return event->perhaps && !stands &&
		audit_log_carries(reconciling->options->evidence, question->attribute) &&
		event_earliest(event) >= reconciling->times.evidence_from &&
		event->when_ms <= reconciling->times.evidence_until;
}

static void drop_denied(const struct reconciling *reconciling, const struct question *question,
	struct timeline *timeline)
{
	for (size_t i = timeline->count; i > 0; i--)
		if (is_denied_by_log(reconciling, question, &timeline->events[i - 1]))
			remove_event(timeline, i - 1);
}

void timeline_settle(
	struct reconciling *reconciling, struct timeline *timeline, const struct question *question)
{
	fold_bare_names(reconciling, timeline);
	if (!reconciling->has_files)
		return;
	fold_doubles(reconciling, timeline, question);
	drop_denied(reconciling, question, timeline);
	sort_events(timeline);
}

/* ---- who else can have written it ----------------------------------------------------- */

/* When the production server's connector space was exported: what it sent until then is known. */
static int64_t exported_ms(const struct reconciling *reconciling, const struct writer *who)
{
	size_t count;
	const struct evidence_source *sources = evidence_sources(
		reconciling->options->evidence, &count);
	int64_t until_ms = 0;

	for (size_t i = 0; i < count; i++)
		if (sources[i].source == FROM_PRODUCTION_SPACE &&
			(!sources[i].server || !who->server ||
				text_compare_caseless(
					span_of(sources[i].server), span_of(who->server)) == 0) &&
			sources[i].until_ms > until_ms)
			until_ms = sources[i].until_ms;
	return until_ms;
}

/* A third sync server can write what only sync servers can, and no file tells of it. */
static bool has_third_server(const struct reconciling *reconciling, const struct writer *production)
{
	const struct evidence *evidence = reconciling->options->evidence;

	for (size_t i = 0; i < evidence_writer_count(evidence); i++) {
		const char *server = evidence_writer(evidence, i)->server;

		if (server && reconciling->writers[i] != WRITER_STAGING &&
			(!production->server ||
				text_compare_caseless(
					span_of(server), span_of(production->server)) != 0))
			return true;
	}
	return false;
}

/* The first thing that the production server's own file tells of this value. */
static const struct event *first_of_production(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->events[i].fact->source == FROM_PRODUCTION_SPACE &&
			timeline->events[i].writer == WRITER_OTHER)
			return &timeline->events[i];
	return NULL;
}

static bool is_of_servers(const struct subject *subject, const struct attribute *attribute)
{
	return subject->live && is_written_by_servers_only(subject->live, attribute) &&
		(!subject->base || is_written_by_servers_only(subject->base, attribute));
}

/* Of what the log never tells, its windows cover nothing. */
static struct times times_of_log(
	const struct reconciling *reconciling, const struct attribute *attribute)
{
	struct times times = reconciling->times;
	const struct evidence *evidence = reconciling->options->evidence;

	if (!evidence || audit_log_carries(evidence, attribute))
		return times;
	times.not_logged = true;
	times.evidence_from = INT64_MAX;
	times.evidence_until = INT64_MIN;
	return times;
}

struct times times_of_value(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute, const struct timeline *timeline)
{
	struct times times = times_of_log(reconciling, attribute);
	const struct event *first = reconciling->has_files ? first_of_production(timeline) : NULL;
	int64_t until_ms;

	if (!first || !is_of_servers(subject, attribute) ||
		has_third_server(reconciling, first->fact->who))
		return times;
	until_ms = exported_ms(reconciling, first->fact->who);
	if (until_ms < event_earliest(first))
		return times;
	times.by_servers = true;
	if (times.evidence_from > times.evidence_until || times.evidence_from > until_ms ||
		times.evidence_until < event_earliest(first)) {
		times.evidence_from = event_earliest(first);
		times.evidence_until = until_ms;
		return times;
	}
	if (event_earliest(first) < times.evidence_from)
		times.evidence_from = event_earliest(first);
	if (until_ms > times.evidence_until)
		times.evidence_until = until_ms;
	return times;
}
