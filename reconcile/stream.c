/*
 * Findings without evidence: two snapshots are compared, and everything is drift. No object's findings
 * depend on another's, so each is decided where its bucket was unpacked, handed out in order of
 * id, and forgotten: memory does not grow with what changed.
 *
 * Two things tie objects together after all. A value in quarantine has claimants elsewhere: these are
 * looked for beforehand (conflicts.c). And a reference to an object that is there no more is no
 * finding of its own (summary.c): whether it is gone is looked up when the question comes.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

enum { LOOKED_UP_MAX = 64 }; /* single objects; then all that are gone are found at once */

/* Objects that base has and live has not, or only in deleted items. */
struct gone {
	uint8_t (*ids)[ID_BINARY_BYTES]; /* sorted; only when all were found */
	size_t count, capacity;
	bool found_all;
	unsigned looked_up;
};

struct stream {
	const struct reconcile_options *options;
	const struct findings_listener *listener;
	struct findings *findings; /* none is kept in it */
	struct claims *claims;
	struct gone gone;
	uint64_t done; /* objects */
};

static void stream_release(struct stream *stream)
{
	findings_free(stream->findings);
	claims_free(stream->claims);
	memory_free(stream->gone.ids);
}

/* ---- the objects of a bucket: in any thread --------------------------------------------------- */

struct batch {
	struct findings *findings;
	uint64_t objects;
};

static void batch_begin(void *looked)
{
	struct batch *batch = looked;

	if (!batch->findings)
		batch->findings = findings_empty_new();
	findings_empty(batch->findings);
	batch->objects = 0;
}

static void batch_release(void *looked)
{
	findings_free(((struct batch *)looked)->findings);
}

static bool decide(const struct stream *stream, struct findings *findings, struct span base,
	struct span live, struct error *err)
{
	struct reconciling reconciling = {
		.options = stream->options,
		.findings = findings,
		.times = stream->findings->times,
	};

	return findings_decide(&reconciling, SPAN_NONE, base, live, err);
}

/* What decide_without_staging() says; it points into the lines, which are there until it is told. */
static void add_drift(struct findings *findings, const struct glance *glance,
	const struct glance_difference *difference)
{
	MEMORY_GROW(findings->items, findings->count, findings->capacity);
	findings->items[findings->count++] = (struct finding){
		.verdict = VERDICT_DRIFT,
		.change = CHANGE_VALUE,
		.kind = glance->kind,
		.id = glance->id,
		.name = glance->name,
		.mastery = glance->mastery,
		.attribute = difference->attribute,
		.base = { true, difference->base },
		.live = { true, difference->live },
		.last_write_ms = TIME_NONE,
		.staging_write_ms = TIME_NONE,
		.reason = REASON_DRIFT,
	};
}

static bool look(const struct stream *stream, struct batch *batch, struct span base,
	struct span live, struct error *err)
{
	UNINITIALIZED struct glance glance;

	/* By which door a line would put a value back, only the whole object tells. */
	if (stream->options->decisions || !base.length || !live.length ||
		!lines_glance(base, live, &glance))
		return decide(stream, batch->findings, base, live, err);
	for (size_t i = 0; i < glance.count; i++)
		add_drift(batch->findings, &glance, &glance.at[i]);
	return true;
}

/* Fingerprints are made here as well: whoever tells has no other thread to help. */
static bool batch_look(
	void *context, void *looked, struct span base, struct span live, struct error *err)
{
	const struct stream *stream = context;
	struct batch *batch = looked;
	size_t first = batch->findings->count;

	batch->objects++;
	if (!look(stream, batch, base, live, err))
		return false;
	for (size_t i = first; i < batch->findings->count; i++)
		finding_mark(&batch->findings->items[i], stream->findings->tenant);
	return true;
}

/* ---- what is gone ------------------------------------------------------------------------------- */

static bool any_is_gone(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (finding_is_gone(&findings->items[i]))
			return true;
	return false;
}

static bool look_up(struct stream *stream, struct span id, bool *gone, struct error *err)
{
	CLEANUP(findings_freep) struct findings *findings = findings_empty_new();
	CLEANUP(buf_release) struct buf base = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	CLEANUP(buf_release) struct buf live = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);

	if (!snapshot_object(stream->options->base, id, &base, err) ||
		!snapshot_object(stream->options->live, id, &live, err) ||
		!decide(stream, findings, buf_span(&base), buf_span(&live), err))
		return false;
	*gone = any_is_gone(findings);
	return true;
}

/* May stand in a value as well: this only spares the others a closer look. */
static bool may_be_deleted(struct span lines)
{
	struct span mark = SPAN_LITERAL("\"deleted\":");

	return !lines.length || memmem(lines.data, lines.length, mark.data, mark.length);
}

static bool gone_look(
	void *context, void *looked, struct span base, struct span live, struct error *err)
{
	return (!may_be_deleted(base) && !may_be_deleted(live)) ||
		decide(context, ((struct batch *)looked)->findings, base, live, err);
}

static bool gone_hand_out(void *context, void *looked, struct error *err)
{
	struct gone *gone = &((struct stream *)context)->gone;
	const struct findings *findings = ((struct batch *)looked)->findings;

	(void)err;
	for (size_t i = 0; i < findings->count; i++) {
		if (!finding_is_gone(&findings->items[i]))
			continue;
		MEMORY_GROW(gone->ids, gone->count, gone->capacity);
		if (id_parse(findings->items[i].id, gone->ids[gone->count]))
			gone->count++;
	}
	return true;
}

static bool find_all_gone(struct stream *stream, struct error *err)
{
	struct snapshot_looker looker = { .size = sizeof(struct batch),
		.begin = batch_begin,
		.look = gone_look,
		.hand_out = gone_hand_out,
		.release = batch_release,
		.context = stream };

	stream->gone.found_all = true;
	return snapshot_look(stream->options->base, stream->options->live, &looker, err);
}

static int compare_ids(const void *left, const void *right)
{
	return memcmp(left, right, ID_BINARY_BYTES);
}

static bool is_gone(struct stream *stream, struct span id, bool *answer, struct error *err)
{
	struct gone *gone = &stream->gone;
	uint8_t wanted[ID_BINARY_BYTES];

	*answer = false;
	if (!id_parse(id, wanted))
		return true;
	if (!gone->found_all && gone->looked_up++ < LOOKED_UP_MAX)
		return look_up(stream, id, answer, err);
	if (!gone->found_all && !find_all_gone(stream, err))
		return false;
	*answer = gone->count &&
		bsearch(wanted, gone->ids, gone->count, sizeof(*gone->ids), compare_ids);
	return true;
}

/* ---- handing out, in order ------------------------------------------------------------------------ */

static bool tell(struct stream *stream, struct finding *finding, struct error *err)
{
	struct span led_to = finding_follows(finding);
	bool gone = false;

	if (led_to.data && !is_gone(stream, led_to, &gone, err))
		return false;
	if (gone)
		return true;
	finding_decide(stream->findings, finding);
	summary_count(&stream->findings->summary, finding);
	stream->findings->told++;
	return stream->listener->each(stream->listener->context, finding, err);
}

static bool tell_sorted(
	struct stream *stream, struct finding *items, size_t count, struct error *err)
{
	if (count > 1)
		qsort(items, count, sizeof(*items), finding_compare);
	for (size_t i = 0; i < count; i++)
		if (!tell(stream, &items[i], err))
			return false;
	return true;
}

/* The findings of the object whose claims are the next ones; `items` may be none. */
static bool tell_with_claims(
	struct stream *stream, const struct finding *items, size_t count, struct error *err)
{
	CLEANUP(findings_freep) struct findings *findings = findings_empty_new();

	for (size_t i = 0; i < count; i++)
		findings_add(findings, &items[i], NULL, 0);
	claims_report_next(stream->claims, findings);
	findings->tenant = stream->findings->tenant;
	findings_mark(findings);
	return tell_sorted(stream, findings->items, findings->count, err);
}

/* Claims of objects before `id` that do not differ; absent: of all that are left. */
static bool tell_claims_before(struct stream *stream, struct span id, struct error *err)
{
	struct span next;

	while ((next = claims_next(stream->claims)).data &&
		(!id.data || span_compare(next, id) < 0))
		if (!tell_with_claims(stream, NULL, 0, err))
			return false;
	return true;
}

static bool tell_object(
	struct stream *stream, struct finding *items, size_t count, struct error *err)
{
	if (!tell_claims_before(stream, items->id, err))
		return false;
	if (span_equal(claims_next(stream->claims), items->id))
		return tell_with_claims(stream, items, count, err);
	return tell_sorted(stream, items, count, err);
}

static bool batch_hand_out(void *context, void *looked, struct error *err)
{
	struct stream *stream = context;
	const struct batch *batch = looked;
	struct finding *items = batch->findings->items;
	size_t count = batch->findings->count, end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && span_equal(items[end].id, items[i].id); end++)
			continue;
		if (!tell_object(stream, &items[i], end - i, err))
			return false;
	}
	stream->done += batch->objects;
	progress_step(stream->options->progress, "objects", stream->done, 0);
	return true;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static bool claims_prepare(struct stream *stream, struct error *err)
{
	struct reconciling reconciling = {
		.options = stream->options,
		.findings = stream->findings,
	};

	stream->claims = claims_find_all(&reconciling, err);
	if (!stream->claims)
		return false;
	claims_sort_by_id(stream->claims);
	return true;
}

static struct findings *stream_all(const struct reconcile_options *options,
	const struct findings_listener *listener, struct error *err)
{
	CLEANUP(stream_release) struct stream stream = { .options = options, .listener = listener };
	struct snapshot_looker looker = { .size = sizeof(struct batch),
		.begin = batch_begin,
		.look = batch_look,
		.hand_out = batch_hand_out,
		.release = batch_release,
		.context = &stream };

	if (!findings_check_tenants(options, err))
		return NULL;
	stream.findings = findings_prepare(options);
	stream.findings->summary.staging_first_ms = TIME_NONE;
	stream.findings->summary.staging_last_ms = TIME_NONE;
	if (!claims_prepare(&stream, err) ||
		!listener->begin(listener->context, stream.findings, err) ||
		!snapshot_look(options->base, options->live, &looker, err) ||
		!tell_claims_before(&stream, SPAN_NONE, err))
		return NULL;
	return TAKE(stream.findings);
}

struct findings *findings_tell(const struct reconcile_options *options,
	const struct findings_listener *listener, struct error *err)
{
	CLEANUP(findings_freep) struct findings *findings = NULL;

	if (!options->evidence)
		return stream_all(options, listener, err);
	findings = findings_new(options, err);
	if (!findings || !listener->begin(listener->context, findings, err))
		return NULL;
	for (size_t i = 0; i < findings->count; i++)
		if (!listener->each(listener->context, &findings->items[i], err))
			return NULL;
	return TAKE(findings);
}
