/*
 * Many small incidents, each from a seed: `reconcile_incidents_test [FIRST COUNT]` tries these seeds.
 * Of each history findings are made from all evidence there is, and from less:
 *
 *	with full evidence      exactly that goes back, to the value that stood there before
 *	with evidence missing   what it can still prove, and never anything else
 *	with files of servers   beside a whole log at least that, and never anything else
 *
 * The same inputs give the same bytes, in any order of input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/reconcile/incident_judge.h"

enum {
	SEEDS = 2000,
	SEEDS_TELL = 200, /* so many seeds say whether anything goes back at all */
	OF_SERVERS_ONE_IN = 4,
	SHUFFLED_ONE_IN = 8,
	REBUILT_ONE_IN = 32,
	FINDINGS_TEXT_MAX = 16 << 20,
};

/* In memory where there is such a folder: a snapshot is synced before it appears. */
#define MEMORY_FOLDER "/dev/shm"

struct range {
	uint64_t first, count;
	char folder[64];
};

struct totals {
	size_t whole, lossy, gap, files_beside, files_lossy, files_gap, files_alone;
};

/* ---- one trial ------------------------------------------------------------------------------- */

static struct findings *findings_of(uint64_t seed, const struct incident *incident,
	struct snapshot *base, struct snapshot *live, struct evidence *evidence, bool whole)
{
	struct error err = { 0 };
	struct reconcile_options options = {
		.base = base,
		.live = live,
		.evidence = evidence,
		.staging = "SYNC02",
		.production = incident->manner.production_named ? "SYNC01" : NULL,
	};
	struct findings *findings = findings_new(&options, &err);

	/* Nothing of staging's may be left in the evidence: then there is nothing to undo. */
	if (!findings && (err.kind != ERROR_USAGE || whole))
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	return findings;
}

static size_t try_evidence(struct incident *incident, uint64_t seed, struct given given)
{
	CLEANUP(evidence_freep) struct evidence *evidence = given_evidence(incident, &given);
	CLEANUP(findings_freep)
	struct findings *findings = findings_of(
		seed, incident, incident->base, incident->live, evidence, false);

	return findings ? judge_findings(seed, incident, &given, findings) : 0;
}

/* ---- the same bytes ---------------------------------------------------------------------------- */

/* All but the header, which names the snapshots. */
static void add_lines(struct buf *out, const struct findings *findings)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FINDINGS_TEXT_MAX);
	const char *lines;

	findings_add_json(&text, findings);
	lines = strchr(buf_text(&text), '\n');
	assert_non_null(lines);
	buf_add_text(out, lines);
}

static void expect_same(
	uint64_t seed, const char *how, const struct findings *a, const struct findings *b)
{
	CLEANUP(buf_release) struct buf a_lines = BUF_UP_TO(FINDINGS_TEXT_MAX);
	CLEANUP(buf_release) struct buf b_lines = BUF_UP_TO(FINDINGS_TEXT_MAX);

	add_lines(&a_lines, a);
	add_lines(&b_lines, b);
	if (strcmp(buf_text(&a_lines), buf_text(&b_lines)) != 0)
		fail_msg("seed %zu, %s: other findings", (size_t)seed, how);
}

static void try_saved(const struct incident *incident, uint64_t seed, const char *folder,
	struct evidence *evidence, const struct findings *wanted)
{
	CLEANUP(memory_freep) char *path = file_path(folder, "evidence");
	CLEANUP(evidence_freep) struct evidence *saved = NULL;
	CLEANUP(findings_freep) struct findings *findings = NULL;
	struct error err = { 0 };

	if (!evidence_save(evidence, path, &err) || !(saved = evidence_load(path, &err)))
		fail_msg("seed %zu: %s", (size_t)seed, err.text);
	unlink(path);
	findings = findings_of(seed, incident, incident->base, incident->live, saved, true);
	expect_same(seed, "evidence from a file", wanted, findings);
}

static void try_rebuilt(struct incident *incident, uint64_t seed, const char *folder,
	struct evidence *evidence, const struct findings *wanted)
{
	CLEANUP(snapshot_closep)
	struct snapshot *base = incident_snapshot_again(incident, incident->base, folder);
	CLEANUP(snapshot_closep)
	struct snapshot *live = incident_snapshot_again(incident, incident->live, folder);
	CLEANUP(findings_freep)
	struct findings *findings = findings_of(seed, incident, base, live, evidence, true);

	expect_same(seed, "snapshots laid out otherwise", wanted, findings);
}

/* Evidence in another order; and now and then from a file, and snapshots of more buckets. */
static void try_order(
	struct incident *incident, uint64_t seed, const char *folder, const struct given *given)
{
	CLEANUP(evidence_freep) struct evidence *once = given_evidence(incident, given);
	CLEANUP(evidence_freep) struct evidence *again = given_evidence(incident, given);
	CLEANUP(findings_freep)
	struct findings *a = findings_of(
		seed, incident, incident->base, incident->live, once, true);
	CLEANUP(findings_freep)
	struct findings *b = findings_of(
		seed, incident, incident->base, incident->live, again, true);

	expect_same(seed, "evidence in another order", a, b);
	if (seed % REBUILT_ONE_IN)
		return;
	try_saved(incident, seed, folder, again, a);
	try_rebuilt(incident, seed, folder, again, a);
}

/* ---- seeds ------------------------------------------------------------------------------------ */

static bool staging_wrote(const struct incident *incident)
{
	for (size_t i = 0; i < incident->record_count; i++)
		if (incident->records[i].staging)
			return true;
	return false;
}

static int64_t between(struct incident *incident, int64_t from_ms, int64_t until_ms)
{
	return from_ms + (int64_t)incident_random(incident, (uint64_t)(until_ms - from_ms));
}

static int64_t base_ms(const struct incident *incident)
{
	return snapshot_header(incident->base)->taken_until_ms;
}

static int64_t live_ms(const struct incident *incident)
{
	return snapshot_header(incident->live)->taken_from_ms;
}

/* From before all of it, or just from when the base was complete: either is enough. */
static int64_t whole_from(const struct incident *incident, uint64_t seed)
{
	return seed % 2 ? base_ms(incident) : incident->began_ms;
}

/* A log that begins late, or ends early, or lacks some time in the middle; and says so. */
static struct given some_gap(struct incident *incident, uint64_t seed)
{
	int64_t from_ms = whole_from(incident, seed), until_ms = incident->now_ms;
	int64_t first = between(incident, base_ms(incident) + 1, live_ms(incident));
	int64_t second = between(incident, first, live_ms(incident));

	struct given late = { .name = "a log that begins late",
		.windows = { { first, until_ms } },
		.window_count = 1 };
	struct given early = { .name = "a log that ends early",
		.windows = { { from_ms, first } },
		.window_count = 1 };
	struct given middle = { .name = "a log with a gap",
		.windows = { { from_ms, first }, { second + 1, until_ms } },
		.window_count = 2 };

	switch (incident_random(incident, 4)) {
	case 0:
		return early;
	case 1:
		return late;
	default:
		return middle;
	}
}

/* A log that lacks records and does not say so is survived where those that are there tell all. */
static void try_lossy(
	struct incident *incident, uint64_t seed, struct given given, struct totals *totals)
{
	given.lossy = true;
	given.name = "records lost, and files";
	totals->files_lossy += try_evidence(incident, seed, given);
	given.name = "records lost";
	given.files = false;
	totals->lossy += try_evidence(incident, seed, given);
}

static void try_seed(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	struct manner manner = { .taciturn = seed % 3 == 2, .production_named = seed % 5 < 2 };
	struct given given = { .name = "all records", .window_count = 1 };

	incident_live_through(incident, seed, manner, folder);
	given.windows[0] = (struct window){ whole_from(incident, seed), incident->now_ms };
	if (staging_wrote(incident)) {
		totals->whole += try_evidence(incident, seed, given);
		if (seed % SHUFFLED_ONE_IN == 0)
			try_order(incident, seed, folder, &given);
		totals->gap += try_evidence(incident, seed, some_gap(incident, seed));
		given.name = "all records and files";
		given.files = true;
		totals->files_beside += try_evidence(incident, seed, given);
		if (!manner.taciturn)
			try_lossy(incident, seed, given, totals);
	}
	incident_release(incident);
}

/* Where nobody but sync servers writes, their files may do without a log. */
static void try_seed_of_servers(uint64_t seed, const char *folder, struct totals *totals)
{
	CLEANUP(memory_freep) struct incident *incident = memory_new(sizeof(*incident));
	struct manner manner = { .servers_only = true, .taciturn = seed % 3 == 1 };
	struct given given = { .name = "a log that begins late, and files",
		.window_count = 1,
		.lossy = !manner.taciturn,
		.files = true };
	struct given alone = { .name = "files alone", .files = true };

	incident_live_through(incident, seed, manner, folder);
	given.windows[0].from_ms = between(incident, base_ms(incident) + 1, live_ms(incident));
	given.windows[0].until_ms = incident->now_ms;
	if (staging_wrote(incident)) {
		totals->files_gap += try_evidence(incident, seed, given);
		totals->files_alone += try_evidence(incident, seed, alone);
	}
	incident_release(incident);
}

/* A program that puts nothing back would be precise, too. */
static void expect_plenty(const struct totals *totals, size_t seeds)
{
	assert_true(totals->whole > seeds);
	assert_true(totals->lossy > seeds / 4);
	assert_true(totals->gap > seeds / 10);
	assert_true(totals->files_beside >= totals->whole);
	assert_true(totals->files_lossy > totals->lossy);
	assert_true(totals->files_gap > seeds / 10);
	assert_true(totals->files_alone > seeds / 40);
}

static void what_must_go_back_does_and_nothing_else(void **state)
{
	const struct range *range = *state;
	struct totals totals = { 0 };

	for (uint64_t seed = range->first; seed - range->first < range->count; seed++) {
		if (seed % OF_SERVERS_ONE_IN == OF_SERVERS_ONE_IN - 1)
			try_seed_of_servers(seed, range->folder, &totals);
		else
			try_seed(seed, range->folder, &totals);
	}
	print_message("%zu seeds: %zu go back with all records, %zu with some lost, %zu with a "
		      "declared gap\n",
		(size_t)range->count, totals.whole, totals.lossy, totals.gap);
	print_message("with the servers' files: %zu beside all records, %zu with some lost, %zu "
		      "beside a log that begins late, %zu without a log\n",
		totals.files_beside, totals.files_lossy, totals.files_gap, totals.files_alone);
	if (range->count >= SEEDS_TELL)
		expect_plenty(&totals, range->count);
}

static bool make_folder(struct range *range)
{
	snprintf(range->folder, sizeof(range->folder), "%s/unstage-incidents-XXXXXX",
		access(MEMORY_FOLDER, W_OK) == 0 ? MEMORY_FOLDER : "/tmp");
	return mkdtemp(range->folder) != NULL;
}

int main(int argc, char **argv)
{
	struct range range = { 0, SEEDS, "" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(what_must_go_back_does_and_nothing_else, &range),
	};
	int failed;

	if (argc == 3) {
		range.first = strtoull(argv[1], NULL, 10);
		range.count = strtoull(argv[2], NULL, 10);
	}
	if (!make_folder(&range))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(range.folder);
	return failed;
}
