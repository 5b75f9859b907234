/*
 * The schedulers of both servers and what they ran (facts 1.1, 1.2, 1.4): each half hour an import
 * from Active Directory and the cloud, a synchronisation of both, and production's exports. What
 * runs when nothing happens is recorded when somebody looks, or when the next thing happens.
 */
#include "base/memory.h"
#include "simulator/space.h"
#include "simulator/story_sql.h"

enum {
	CYCLE_MS = 30 * 60 * 1000,
	STAGING_LATER_MS = 11 * 60 * 1000,
	KEPT_MS = 7 * 24 * 3600 * 1000, /* RunHistoryPurgeInterval */
	FIRST_RUN = 4100,               /* both were installed long ago */
};

/* When each run of a cycle begins and ends, in milliseconds from the first one's begin. */
static const struct cycle_run {
	enum run_connector connector;
	enum run_step step;
	int64_t begin_ms, end_ms;
} cycle_runs[] = {
	{ RUN_DIRECTORY, STEP_DELTA_IMPORT, 0, 1450 },
	{ RUN_CLOUD, STEP_DELTA_IMPORT, 1530, 4870 },
	{ RUN_DIRECTORY, STEP_DELTA_SYNCHRONISATION, 4940, 6110 },
	{ RUN_CLOUD, STEP_DELTA_SYNCHRONISATION, 6190, 7420 },
	{ RUN_CLOUD, STEP_EXPORT, 7500, 7890 },
	{ RUN_DIRECTORY, STEP_EXPORT, 7960, 8230 },
};
enum { RUNS_BEFORE_EXPORT = 4, RUN_OF_CLOUD_IMPORT = 1, RUN_OF_CLOUD_SYNC = 3, RUN_OF_EXPORT = 4 };

static bool is_production(const char *server)
{
	return strcmp(server, SERVER_PRODUCTION) == 0;
}

bool schedule_prepare(struct simulator *simulator, int64_t since_ms, struct error *err)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO sync_server (server, scheduled, cycle_ms, imported,"
		" synchronised, imported_ms, cloud_runs, directory_runs)"
		" VALUES (?1, 1, ?2, 0, 0, ?2, ?3, ?3)";

	return story_run(simulator, err, sql, "tii", SERVER_PRODUCTION, since_ms,
		       (int64_t)FIRST_RUN) &&
		story_run(simulator, err, sql, "tii", SERVER_STAGING, since_ms + STAGING_LATER_MS,
			(int64_t)FIRST_RUN);
}

/* ---- recording -------------------------------------------------------------------------------- */

static bool record(struct simulator *simulator, const struct run *run, struct error *err)
{
	return story_run(simulator, err,
		       run->connector == RUN_CLOUD
			       ? "UPDATE sync_server SET cloud_runs = cloud_runs + 1 WHERE server = ?1"
			       : "UPDATE sync_server SET directory_runs = directory_runs + 1 WHERE server = ?1",
		       "t", run->server) &&
		story_run(simulator, err,
			"INSERT INTO sync_run (server, connector, step, start_ms, end_ms, who, result,"
			" adds, updates, deletes, failures, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
			" ?8, ?9, ?10, ?11, (SELECT CASE ?2 WHEN 0 THEN cloud_runs ELSE directory_runs END"
			" FROM sync_server WHERE server = ?1))",
			"tiiiittiiii", run->server, (int64_t)run->connector, (int64_t)run->step,
			run->start_ms, run->end_ms, run->who, run->result,
			(int64_t)run->counts.adds, (int64_t)run->counts.updates,
			(int64_t)run->counts.deletes, (int64_t)run->counts.failures);
}

static bool is_empty(const struct space_counts *counts)
{
	return !counts->adds && !counts->updates && !counts->deletes && !counts->failures;
}

static const char *result_of(enum run_step step, const struct space_counts *counts)
{
	if (step != STEP_EXPORT)
		return "success";
	if (counts->failures)
		return "completed-export-errors";
	return is_empty(counts) ? "completed-no-objects" : "success";
}

/* One run of a cycle that began at `begin_ms`. */
static bool record_cycle_run(struct simulator *simulator, const char *server,
	const struct cycle_run *cycle, int64_t begin_ms, const struct space_counts *counts,
	struct error *err)
{
	struct run run = {
		.connector = cycle->connector,
		.step = cycle->step,
		.start_ms = begin_ms + cycle->begin_ms,
		.end_ms = begin_ms + cycle->end_ms,
		.counts = *counts,
	};

	snprintf(run.server, sizeof(run.server), "%s", server);
	snprintf(run.who, sizeof(run.who), "%s", RUN_BY_SERVICE);
	snprintf(run.result, sizeof(run.result), "%s", result_of(run.step, &run.counts));
	return record(simulator, &run, err);
}

/* The runs of a cycle but its exports: what it imported is what it synchronised. */
static bool record_imports(struct simulator *simulator, const char *server, int64_t begin_ms,
	const struct space_counts *imported, struct error *err)
{
	const struct space_counts nothing = { 0 };

	for (size_t i = 0; i < RUNS_BEFORE_EXPORT; i++) {
		bool of_cloud = i == RUN_OF_CLOUD_IMPORT || i == RUN_OF_CLOUD_SYNC;

		if (!record_cycle_run(simulator, server, &cycle_runs[i], begin_ms,
			    of_cloud ? imported : &nothing, err))
			return false;
	}
	return true;
}

/* ---- the half hours --------------------------------------------------------------------------- */

struct scheduler {
	bool runs;
	int64_t cycle_ms; /* when its last cycle began */
};

static bool load(struct simulator *simulator, const char *server, struct scheduler *scheduler,
	struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;

	/* The table comes with a company. */
	if (!story_prepare(simulator, &row, err,
		    "SELECT scheduled, cycle_ms FROM sync_server WHERE server = ?1", "t", server))
		return error_set(err, ERROR_USAGE, "simulator: no company has sync servers yet");
	if (!story_row(simulator, row, err))
		return err->kind == ERROR_NONE &&
			error_set(
				err, ERROR_USAGE, "simulator: there is no sync server %s", server);
	scheduler->runs = sqlite3_column_int(row, 0) != 0;
	scheduler->cycle_ms = sqlite3_column_int64(row, 1);
	return true;
}

static bool set_cycle(
	struct simulator *simulator, const char *server, int64_t begin_ms, struct error *err)
{
	return story_run(simulator, err, "UPDATE sync_server SET cycle_ms = ?2 WHERE server = ?1",
		"ti", server, begin_ms);
}

static bool import_and_synchronise(struct simulator *simulator, const char *server,
	int64_t begin_ms, struct space_counts *imported, struct error *err)
{
	return space_receive(simulator, server, begin_ms + cycle_runs[RUN_OF_CLOUD_IMPORT].begin_ms,
		       imported, err) &&
		space_synchronise(simulator, server, err);
}

static bool cycle(
	struct simulator *simulator, const char *server, int64_t begin_ms, struct error *err)
{
	struct space_counts imported = { 0 };
	const struct space_counts nothing = { 0 };

	if (!import_and_synchronise(simulator, server, begin_ms, &imported, err) ||
		!record_imports(simulator, server, begin_ms, &imported, err))
		return false;
	for (size_t i = RUN_OF_EXPORT; i < COUNT_OF(cycle_runs) && is_production(server); i++) {
		if (!record_cycle_run(simulator, server, &cycle_runs[i], begin_ms, &nothing, err))
			return false;
	}
	return set_cycle(simulator, server, begin_ms, err);
}

/* Runs that were purged left their numbers behind. */
static bool skip_purged(struct simulator *simulator, const char *server,
	struct scheduler *scheduler, int64_t until_ms, struct error *err)
{
	int64_t cycles = (until_ms - KEPT_MS - scheduler->cycle_ms) / CYCLE_MS;

	if (cycles <= 0)
		return true;
	scheduler->cycle_ms += cycles * CYCLE_MS;
	return story_run(simulator, err,
		"UPDATE sync_server SET cloud_runs = cloud_runs + ?2 * 3,"
		" directory_runs = directory_runs + ?2 * 3 WHERE server = ?1",
		"ti", server, cycles);
}

bool schedule_until(
	struct simulator *simulator, const char *server, int64_t until_ms, struct error *err)
{
	struct scheduler scheduler;

	if (!load(simulator, server, &scheduler, err))
		return false;
	if (!scheduler.runs)
		return true;
	if (!skip_purged(simulator, server, &scheduler, until_ms, err))
		return false;
	while (scheduler.cycle_ms + CYCLE_MS <= until_ms) {
		scheduler.cycle_ms += CYCLE_MS;
		if (!cycle(simulator, server, scheduler.cycle_ms, err))
			return false;
	}
	return true;
}

bool schedule_set(struct simulator *simulator, const char *server, bool runs, struct error *err)
{
	int64_t now = simulator_now_ms(simulator);

	return schedule_until(simulator, server, now, err) &&
		story_run(simulator, err,
			"UPDATE sync_server SET scheduled = ?2, cycle_ms = max(cycle_ms, ?3)"
			" WHERE server = ?1",
			"tii", server, (int64_t)runs, now - CYCLE_MS + 1);
}

bool schedule_runs(struct simulator *simulator, const char *server)
{
	struct scheduler scheduler = { 0 };
	struct error err = { 0 };

	return load(simulator, server, &scheduler, &err) && scheduler.runs;
}

/* ---- an export -------------------------------------------------------------------------------- */

bool schedule_export_begin(
	struct simulator *simulator, struct schedule_export *export, struct error *err)
{
	int64_t begin;

	export->start_ms = simulator_now_ms(simulator);
	begin = export->start_ms - cycle_runs[RUN_OF_EXPORT].begin_ms;
	if (!schedule_until(simulator, export->server, begin, err))
		return false;
	return export->by_hand ||
		import_and_synchronise(
			simulator, export->server, export->start_ms, &export->imported, err);
}

static bool record_export(struct simulator *simulator, const struct schedule_export *export,
	const struct space_counts *counts, struct error *err)
{
	int64_t now = simulator_now_ms(simulator);
	struct run run = {
		.connector = RUN_CLOUD,
		.step = STEP_EXPORT,
		.start_ms = export->start_ms,
		.end_ms = now > export->start_ms ? now : export->start_ms + 1,
		.counts = *counts,
	};

	snprintf(run.server, sizeof(run.server), "%s", export->server);
	snprintf(run.who, sizeof(run.who), "%s", export->by_hand ? RUN_BY_PERSON : RUN_BY_SERVICE);
	snprintf(run.result, sizeof(run.result), "%s", result_of(STEP_EXPORT, counts));
	return record(simulator, &run, err);
}

bool schedule_export_end(struct simulator *simulator, const struct schedule_export *export,
	const struct space_counts *counts, struct error *err)
{
	const struct space_counts nothing = { 0 };
	const struct cycle_run *last = &cycle_runs[COUNT_OF(cycle_runs) - 1];
	int64_t begin = export->start_ms - cycle_runs[RUN_OF_EXPORT].begin_ms;

	if (export->by_hand)
		return record_export(simulator, export, counts, err);
	return record_imports(simulator, export->server, begin, &export->imported, err) &&
		record_export(simulator, export, counts, err) &&
		record_cycle_run(simulator, export->server, last,
			simulator_now_ms(simulator) - last->begin_ms + 70, &nothing, err) &&
		set_cycle(simulator, export->server, begin, err);
}

/* ---- by hand ------------------------------------------------------------------------------------ */

static bool record_by_hand(struct simulator *simulator, const char *server, enum run_step step,
	const struct space_counts *counts, struct error *err)
{
	struct run run = {
		.connector = RUN_CLOUD,
		.step = step,
		.start_ms = simulator_now_ms(simulator),
		.counts = *counts,
	};

	run.end_ms = run.start_ms + cycle_runs[RUN_OF_CLOUD_IMPORT].end_ms;
	snprintf(run.server, sizeof(run.server), "%s", server);
	snprintf(run.who, sizeof(run.who), "%s", RUN_BY_PERSON);
	snprintf(run.result, sizeof(run.result), "%s", "success");
	return record(simulator, &run, err);
}

bool schedule_import(struct simulator *simulator, const char *server, struct error *err)
{
	struct space_counts imported = { 0 };
	int64_t now = simulator_now_ms(simulator);

	return schedule_until(simulator, server, now, err) &&
		space_receive(simulator, server, now, &imported, err) &&
		record_by_hand(simulator, server, STEP_DELTA_IMPORT, &imported, err);
}

bool schedule_synchronise(struct simulator *simulator, const char *server, struct error *err)
{
	const struct space_counts nothing = { 0 };

	return schedule_until(simulator, server, simulator_now_ms(simulator), err) &&
		space_synchronise(simulator, server, err) &&
		record_by_hand(simulator, server, STEP_DELTA_SYNCHRONISATION, &nothing, err);
}

/* ---- reading ---------------------------------------------------------------------------------- */

bool schedule_each(struct simulator *simulator, const char *server,
	bool (*visit)(void *context, const struct run *run, struct error *err), void *context,
	struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;

	if (!story_prepare(simulator, &row, err,
		    "SELECT connector, step, number, start_ms, end_ms, who, result, adds, updates,"
		    " deletes, failures FROM sync_run WHERE server = ?1 AND start_ms >= ?2"
		    " ORDER BY sequence DESC",
		    "ti", server, simulator_now_ms(simulator) - KEPT_MS))
		return false;
	while (story_row(simulator, row, err)) {
		struct run run = {
			.connector = (enum run_connector)sqlite3_column_int(row, 0),
			.step = (enum run_step)sqlite3_column_int(row, 1),
			.number = (unsigned)sqlite3_column_int(row, 2),
			.start_ms = sqlite3_column_int64(row, 3),
			.end_ms = sqlite3_column_int64(row, 4),
			.counts = {
				.adds = (unsigned)sqlite3_column_int(row, 7),
				.updates = (unsigned)sqlite3_column_int(row, 8),
				.deletes = (unsigned)sqlite3_column_int(row, 9),
				.failures = (unsigned)sqlite3_column_int(row, 10),
			},
		};

		snprintf(run.server, sizeof(run.server), "%s", server);
		snprintf(run.who, sizeof(run.who), "%s", story_text(row, 5));
		snprintf(run.result, sizeof(run.result), "%s", story_text(row, 6));
		if (!visit(context, &run, err))
			return false;
	}
	return err->kind == ERROR_NONE;
}
