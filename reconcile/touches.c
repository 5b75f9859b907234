/*
 * What points to the staging server without telling a value: a marker that the organisation's rules
 * have it write, and the object's last synchronisation in the time of an export. Either proves that it
 * touched the object and nothing more, so what differs there and nobody is known to have written is
 * `suspect` and never put back.
 *
 * The service stamps an object for whichever server synchronised it. So the stamp is the staging
 * server's for sure only where production's run history says that it sent nothing then; where
 * production did, the stamp says nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum {
	STAMP_MS = 60 * 1000,      /* a record and the stamp are of one clock, some seconds apart */
	CLOCKS_MS = 5 * 60 * 1000, /* the clock of a server and that of the service */
};

/* ---- when a server sent something ------------------------------------------------------- */

static void busy_add(struct busy *busy, int64_t from_ms, int64_t until_ms)
{
	MEMORY_GROW(busy->at, busy->count, busy->capacity);
	busy->at[busy->count++] = (struct covered){ from_ms, until_ms };
}

static int compare_begins(const void *left, const void *right)
{
	const struct covered *a = left, *b = right;

	return (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

/* Sorted, none touching another. */
static void busy_settle(struct busy *busy)
{
	size_t kept = 0;

	if (busy->count)
		qsort(busy->at, busy->count, sizeof(*busy->at), compare_begins);
	for (size_t i = 0; i < busy->count; i++)
		if (!kept || busy->at[i].from_ms > busy->at[kept - 1].until_ms)
			busy->at[kept++] = busy->at[i];
		else if (busy->at[i].until_ms > busy->at[kept - 1].until_ms)
			busy->at[kept - 1].until_ms = busy->at[i].until_ms;
	busy->count = kept;
}

static bool busy_at(const struct busy *busy, int64_t when_ms)
{
	size_t low = 0, high = busy->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (busy->at[middle].until_ms < when_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low < busy->count && busy->at[low].from_ms <= when_ms;
}

static bool sent_something(const struct evidence_run *run)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < RUN_FAILURES; i++)
		sent += run->counters[i];
	return sent && run->cloud && run->type && strcmp(run->type, "export") == 0;
}

static void add_runs(struct reconciling *reconciling)
{
	size_t count;
	const struct evidence_run *runs = evidence_runs(reconciling->options->evidence, &count);

	for (size_t i = 0; i < count; i++) {
		int64_t end_ms = runs[i].end_ms ? runs[i].end_ms : runs[i].start_ms;
		bool staging = server_is_staging(reconciling, runs[i].server);

		if (sent_something(&runs[i]))
			busy_add(staging ? &reconciling->staging_busy : &reconciling->others_busy,
				runs[i].start_ms - CLOCKS_MS, end_ms + CLOCKS_MS);
	}
}

static void add_records(struct reconciling *reconciling)
{
	for (size_t i = 0; i < reconciling->fact_count; i++) {
		const struct fact *fact = &reconciling->first_fact[i];
		bool staging = fact_class(reconciling, fact) == WRITER_STAGING;

		/* The times of a connector space are of its last run, or of some before. */
		if (fact->source == FROM_AUDIT && (staging || fact->who->server))
			busy_add(staging ? &reconciling->staging_busy : &reconciling->others_busy,
				fact->when_ms - STAMP_MS, fact->when_ms + STAMP_MS);
	}
}

void touches_prepare(struct reconciling *reconciling)
{
	if (!reconciling->options->evidence || !reconciling->options->staging)
		return;
	add_runs(reconciling);
	add_records(reconciling);
	busy_settle(&reconciling->staging_busy);
	busy_settle(&reconciling->others_busy);
}

/* ---- what live shows of one object ------------------------------------------------------- */

static bool last_sync(const struct object *live, int64_t *when_ms)
{
	struct span stamp = object_get_named(live, "onPremisesLastSyncDateTime");
	struct span text = scan_type(stamp) == SCAN_STRING ? scan_text_direct(stamp) : SPAN_NONE;

	return text.data && time_parse(text, when_ms);
}

static bool is_text(struct span value, const char *text)
{
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(EVIDENCE_LINE_MAX);

	scan_quote(span_of(text), &quoted);
	return span_equal(value, buf_span(&quoted));
}

static bool carries_marker(const struct reconcile_options *options, const struct object *live)
{
	const struct attribute *marker = options->marker_name
		? attribute_find(object_kind(live), span_of(options->marker_name))
		: NULL;
	struct span value = marker ? object_get(live, marker) : SPAN_NONE, element;
	struct scan scan;

	if (!value.data)
		return false;
	if (scan_type(value) != SCAN_ARRAY)
		return is_text(value, options->marker_value);
	scan = scan_open(value);
	while (scan_element(&scan, &element))
		if (is_text(element, options->marker_value))
			return true;
	return false;
}

/* Does a run history of another server hold all that it sent then? */
static bool others_are_known(const struct reconciling *reconciling, int64_t when_ms)
{
	size_t count;
	const struct evidence_source *sources = evidence_sources(
		reconciling->options->evidence, &count);

	for (size_t i = 0; i < count; i++)
		if (sources[i].source == FROM_RUNS && sources[i].server &&
			!server_is_staging(reconciling, sources[i].server) &&
			sources[i].from_ms <= when_ms && sources[i].until_ms >= when_ms)
			return true;
	return false;
}

static enum touch touch_by_stamp(
	const struct reconciling *reconciling, const struct object *live, int64_t *when_ms)
{
	if (!last_sync(live, when_ms) || !busy_at(&reconciling->staging_busy, *when_ms))
		return TOUCH_NONE;
	if (busy_at(&reconciling->others_busy, *when_ms))
		return TOUCH_BY_EITHER;
	return others_are_known(reconciling, *when_ms) ? TOUCH_BY_STAGING : TOUCH_PERHAPS;
}

/* ---- does that explain a difference? ------------------------------------------------------- */

/* The log would have told of the value beside what it tells of the object. */
static bool is_told_otherwise(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	if (attribute && !audit_log_carries(reconciling->options->evidence, attribute))
		return false;
	for (size_t i = 0; i < subject->fact_count; i++)
		if (fact_is_write(subject->facts[i]) &&
			fact_class(reconciling, subject->facts[i]) == WRITER_STAGING)
			return true;
	return false;
}

static const struct {
	bool suspect;
	const char *text;
} touches[] = {
	[TOUCH_NONE] = { false, NULL },
	[TOUCH_MARKER] = { true,
		"it carries the staging server's marker, and nothing else tells who wrote it" },
	[TOUCH_BY_STAGING] = { true,
		"its last synchronisation lies in the time of the staging server's export, when "
		"production sent nothing; nothing else tells who wrote it" },
	[TOUCH_PERHAPS] = { true,
		"its last synchronisation lies in the time of the staging server's export; production "
		"may have sent it as well: its run history would tell" },
	[TOUCH_BY_EITHER] = { false,
		"its last synchronisation lies in the time of the staging server's export, when "
		"production sent something, too" },
};

const char *touch_text(enum touch touch)
{
	return touches[touch].text;
}

bool touch_is_suspect(enum touch touch)
{
	return touches[touch].suspect;
}

static void count_object(struct reconciling *reconciling, struct span id, int64_t when_ms)
{
	struct object_only *only = &reconciling->object_only;

	if (span_equal(span_of(only->last_id), id) || id.length != ID_BYTES)
		return;
	memcpy(only->last_id, id.data, ID_BYTES);
	MEMORY_GROW(only->stamps_ms, only->count, only->capacity);
	only->stamps_ms[only->count++] = when_ms;
}

/* A sync server writes it, if at all, and the object is there to be looked at. */
static bool may_be_touched(const struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	return reconciling->options->staging && reconciling->options->evidence && subject->live &&
		(!attribute || attribute->sync_name || attribute_is_extension(attribute)) &&
		!is_told_otherwise(reconciling, subject, attribute);
}

enum touch touch_explains(struct reconciling *reconciling, const struct subject *subject,
	const struct attribute *attribute)
{
	int64_t when_ms = TIME_NONE;
	enum touch touch;

	if (!may_be_touched(reconciling, subject, attribute))
		return TOUCH_NONE;
	touch = carries_marker(reconciling->options, subject->live)
		? TOUCH_MARKER
		: touch_by_stamp(reconciling, subject->live, &when_ms);
	if (touch_is_suspect(touch))
		count_object(reconciling, subject->id, touch == TOUCH_MARKER ? TIME_NONE : when_ms);
	return touch;
}
