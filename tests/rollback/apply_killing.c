#include "tests/rollback/apply_killing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What SQLite's hooks, which are set for every database of the child, must reach. */
static struct kill_at {
	const struct tiny_graph *tiny;
	size_t commit, commits;
	bool after;
} kill_at;

static void kill_now(void)
{
	tiny_dump(kill_at.tiny);
	_exit(TINY_KILLED);
}

static int before_commit(void *context)
{
	(void)context;
	if (!kill_at.after && ++kill_at.commits == kill_at.commit)
		kill_now();
	return 0;
}

/* SQLite sets its own WAL hook behind us, so the end of the statement has to tell. */
static int after_statement(unsigned event, void *context, void *statement, void *nanoseconds)
{
	(void)event, (void)context, (void)nanoseconds;
	if (kill_at.after && strcmp(sqlite3_sql(statement), "COMMIT") == 0 &&
		++kill_at.commits == kill_at.commit)
		kill_now();
	return 0;
}

static int watch_commits(sqlite3 *database, char **error, const struct sqlite3_api_routines *api)
{
	(void)error, (void)api;
	sqlite3_commit_hook(database, before_commit, NULL);
	sqlite3_trace_v2(database, SQLITE_TRACE_PROFILE, after_statement, NULL);
	return SQLITE_OK;
}

static bool count_attempt(void *context, const struct journal_attempt *attempt, struct error *err)
{
	(void)attempt, (void)err;
	++*(size_t *)context;
	return true;
}

void killing_check_intents(struct fixture *fixture)
{
	struct error err = { 0 };
	CLEANUP(journal_closep) struct journal *journal = NULL;
	size_t attempts = 0;

	if (!fixture_effects(fixture))
		return;
	journal = journal_open_to_read(fixture->journal, &fixture->plan, &err);
	assert_non_null(journal);
	assert_true(journal_attempts(journal, count_attempt, &attempts, &err));
	assert_true(attempts >= fixture_effects(fixture));
}

bool killing_run(struct fixture *fixture)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (kill_at.commit)
			sqlite3_auto_extension((void (*)(void))watch_commits);
		_exit(fixture_apply(fixture) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == TINY_KILLED);
	if (WEXITSTATUS(status) == 0)
		return false;
	tiny_load(&fixture->tiny);
	return true;
}

void killing_at_commit(struct fixture *fixture, size_t commit, bool after)
{
	kill_at = (struct kill_at){ .tiny = &fixture->tiny, .commit = commit, .after = after };
}
