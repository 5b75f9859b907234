/*
 * Contests as JSON lines, `unstage-conflicts/1` (docs/FORMAT-conflicts.md). Keys in byte order; a key
 * that is missing is not known.
 */
#include "base/scan.h"
#include "base/time.h"
#include "reconcile/claimants_internal.h"

#define CONFLICTS_FORMAT "unstage-conflicts/1"

static void add_text(struct buf *out, const char *key, struct span text)
{
	if (!text.data)
		return;
	buf_addf(out, "\"%s\":", key);
	scan_quote(text, out);
	buf_add_byte(out, ',');
}

static void add_instant(struct buf *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	if (ms != TIME_NONE)
		buf_addf(out, "\"%s\":\"%s\",", key, time_text(ms, text));
}

/* The last comma is one too many. */
static void add_end(struct buf *out, char bracket)
{
	if (out->length && out->data[out->length - 1] == ',')
		buf_cut(out, out->length - 1);
	buf_add_byte(out, bracket);
}

static void add_writer(struct buf *out, const struct writer *writer)
{
	buf_add_text(out, "\"by\":{");
	add_text(out, "id", span_of(writer->id));
	add_text(out, "name", span_of(writer->name));
	add_text(out, "server", span_of(writer->server));
	add_end(out, '}');
	buf_add_byte(out, ',');
}

static void add_places(struct buf *out, const char *key, unsigned places)
{
	buf_addf(out, "\"%s\":[", key);
	for (int i = 0; i < CLAIM_PLACES; i++)
		if (places & BIT(i))
			buf_addf(out, "\"%s\",", claim_place_name((enum claim_place)i));
	add_end(out, ']');
	buf_add_byte(out, ',');
}

static void add_claimant(struct buf *out, const struct claimant *claimant)
{
	static const char *const masteries[] = {
		[MASTERY_SYNCED] = "synced",
		[MASTERY_CLOUD] = "cloud",
		[MASTERY_UNKNOWN] = "unknown",
	};

	buf_add_byte(out, '{');
	add_places(out, "base", claimant->base_places);
	if (claimant->fact)
		add_writer(out, claimant->fact->who);
	if (claimant->deleted)
		buf_add_text(out, "\"deleted\":true,");
	add_text(out, "id", claimant->id);
	add_text(out, "kind", span_of(claimant->kind->name));
	add_places(out, "live", claimant->places);
	add_text(out, "mastery", span_of(masteries[claimant->mastery]));
	add_text(out, "name", claimant->name);
	if (claimant->fact)
		add_text(out, "reference", span_of(claimant->fact->reference));
	add_instant(out, claimant->since_before ? "sinceBefore" : "since", claimant->since_ms);
	if (claimant->by_staging)
		buf_add_text(out, "\"staging\":true,");
	add_text(out, "standing", span_of(claim_standing_name(claimant->standing)));
	add_end(out, '}');
}

void contest_add_json(struct buf *out, const struct contest *contest)
{
	buf_add_byte(out, '{');
	add_text(out, "address", contest->address);
	buf_add_text(out, "\"claimants\":[");
	for (size_t i = 0; i < contest->count; i++) {
		add_claimant(out, &contest->claimants[i]);
		buf_add_byte(out, ',');
	}
	add_end(out, ']');
	buf_add_byte(out, ',');
	add_text(out, "freed", span_of(contest->freed));
	add_text(out, "freedBy", span_of(freeing_name(contest->freed_by)));
	add_text(out, "proof", span_of(contest->proof));
	if (contest->rightful)
		add_text(out, "rightful", contest->rightful->id);
	add_text(out, "state", span_of(contest_state_name(contest->state)));
	buf_addf(out, "\"waiting\":%zu}", contest->waiting);
}

void contests_begin_json(struct buf *out, const struct contests *contests)
{
	const struct contests_options *options = &contests->options;

	buf_add_byte(out, '{');
	if (options->base)
		add_text(out, "base", span_of(snapshot_identity(options->base)));
	if (options->evidence)
		add_text(out, "evidence", span_of(evidence_identity(options->evidence)));
	add_text(out, "format", span_of(CONFLICTS_FORMAT));
	add_text(out, "live", span_of(snapshot_identity(options->live)));
	add_text(out, "tenant", span_of(snapshot_header(options->live)->tenant));
	add_end(out, '}');
	buf_add_byte(out, '\n');
}

void contests_end_json(struct buf *out, const struct contests *contests)
{
	size_t states[CONTEST_STATES] = { 0 }, rightful = 0;

	for (size_t i = 0; i < contests->count; i++) {
		states[contests->items[i].state]++;
		rightful += contests->items[i].rightful != NULL;
	}
	buf_addf(out,
		"{\"conflicts\":%zu,\"end\":true,\"restore\":%zu,\"rightful\":%zu,"
		"\"twice\":%zu,\"waiting\":%zu}\n",
		contests->count - states[CONTEST_NONE], states[CONTEST_RESTORE], rightful,
		states[CONTEST_TWICE], states[CONTEST_WAITING]);
}
