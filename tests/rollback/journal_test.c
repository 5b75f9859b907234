#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/rollback/apply_fixture.h"

static const char hash[] = "aa00000000000000000000000000000000000000000000000000000000000000";
static const char other_hash[] = "bb00000000000000000000000000000000000000000000000000000000000000";

static struct journal *journal_of(struct fixture *fixture)
{
	struct error err = { 0 };
	struct journal *journal = journal_open(
		fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err);

	assert_string_equal(err.text, "");
	assert_non_null(journal);
	return journal;
}

static void an_intent_is_there_after_a_crash_and_says_in_flight(void **state)
{
	struct fixture *fixture = *state;
	struct journal_entry entry = { .number = 1, .attempt = 1 };
	struct error err = { 0 };
	struct journal *journal;
	struct step_record *records;

	fixture_set(fixture, 1, "department", "\"a\"", "\"b\"");
	journal = journal_of(fixture);
	assert_true(journal_add_intents(journal, &entry, 1, FIXTURE_NOW_MS, &err));
	journal_close(journal); /* no end of the run: as after a crash */

	records = step_records_new(&fixture->plan);
	journal = journal_of(fixture);
	assert_true(journal_load(journal, &fixture->plan, records, &err));
	assert_int_equal(records[0].attempts, 1);
	assert_int_equal(records[0].outcome, GRAPH_UNKNOWN);
	assert_true(step_in_flight(&records[0]));
	assert_int_equal(records[0].begun_ms, FIXTURE_NOW_MS);
	journal_close(journal);
	step_records_free(records, 1);
}

static void states_texts_and_values_come_back_as_they_were(void **state)
{
	struct fixture *fixture = *state;
	struct step_record record = { .state = STEP_STALE,
		.attempts = 2,
		.settled = 2,
		.text = (char[]){ "neither" },
		.before = (char[]){ "\"x\"" } };
	struct journal_entry entry = { .number = 1, .record = &record };
	struct error err = { 0 };
	struct journal *journal;
	struct step_record *records;

	fixture_set(fixture, 1, "department", "\"a\"", "\"b\"");
	journal = journal_of(fixture);
	assert_true(journal_set_states(journal, &entry, 1, FIXTURE_NOW_MS, &err));
	records = step_records_new(&fixture->plan);
	assert_true(journal_load(journal, &fixture->plan, records, &err));
	assert_int_equal(records[0].state, STEP_STALE);
	assert_int_equal(records[0].settled, 2);
	assert_string_equal(records[0].text, "neither");
	assert_string_equal(records[0].before, "\"x\"");
	assert_null(records[0].after);
	journal_close(journal);
	step_records_free(records, 1);
}

static void an_outcome_without_its_intent_is_refused_with_all_of_its_transaction(void **state)
{
	struct fixture *fixture = *state;
	struct graph_write write = { .outcome = GRAPH_DONE, .status = 204 };
	struct journal_entry intent = { .number = 1, .attempt = 1 };
	struct journal_entry outcomes[] = { { .number = 1, .attempt = 1, .write = &write },
		{ .number = 2, .attempt = 1, .write = &write } };
	struct error err = { 0 }, load_err = { 0 };
	struct journal *journal;
	struct step_record *records;

	fixture_set(fixture, 1, "department", "\"a\"", "\"b\"");
	fixture_set(fixture, 2, "department", "\"a\"", "\"b\"");
	journal = journal_of(fixture);
	assert_true(journal_add_intents(journal, &intent, 1, FIXTURE_NOW_MS, &err));
	assert_false(journal_add_outcomes(journal, outcomes, 2, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	records = step_records_new(&fixture->plan);
	assert_true(journal_load(journal, &fixture->plan, records, &load_err));
	assert_int_equal(records[0].outcome, GRAPH_UNKNOWN);
	journal_close(journal);
	step_records_free(records, 2);
}

static void the_journal_of_another_plan_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };

	journal_close(journal_of(fixture));
	assert_null(
		journal_open(fixture->journal, &fixture->plan, other_hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "another plan"));
	err = (struct error){ 0 };
	fixture->plan.id = "dddddddd-0000-4000-8000-000000000001";
	assert_null(journal_open_to_read(fixture->journal, &fixture->plan, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void overwrite(const char *path, off_t at, const char *bytes, size_t length)
{
	int file = open(path, O_WRONLY);

	assert_true(file >= 0);
	assert_int_equal(pwrite(file, bytes, length, at), (ssize_t)length);
	close(file);
}

static void a_damaged_journal_is_a_format_error(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };
	struct journal *journal = journal_of(fixture);
	struct stat facts;

	assert_true(journal_begin_run(journal, FIXTURE_NOW_MS, &err));
	assert_true(journal_end_run(journal, FIXTURE_NOW_MS, "", &err));
	journal_close(journal);
	assert_int_equal(stat(fixture->journal, &facts), 0);
	for (off_t at = 4096; at < facts.st_size; at += 4096)
		overwrite(fixture->journal, at, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_null(journal_open(fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	err = (struct error){ 0 };
	overwrite(fixture->journal, 0, "this is no database at all", 26);
	assert_null(journal_open(fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void after_a_clean_end_the_file_stands_alone(void **state)
{
	struct fixture *fixture = *state;
	struct journal *journal = journal_of(fixture);
	CLEANUP(memory_freep) char *wal = file_path(fixture->folder, "journal.sqlite-wal");
	struct error err = { 0 };
	struct stat facts;

	assert_true(journal_begin_run(journal, FIXTURE_NOW_MS, &err));
	assert_int_equal(access(wal, F_OK), 0);
	assert_true(journal_end_run(journal, FIXTURE_NOW_MS + 5, "", &err));
	journal_close(journal);
	assert_int_not_equal(access(wal, F_OK), 0);
	assert_int_equal(stat(fixture->journal, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

static void a_link_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(memory_freep) char *target = file_path(fixture->folder, "elsewhere");
	struct error err = { 0 };

	assert_int_equal(symlink(target, fixture->journal), 0);
	assert_null(journal_open(fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_not_equal(access(target, F_OK), 0);
}

static void a_newer_journal_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };
	sqlite3 *database;

	journal_close(journal_of(fixture));
	assert_int_equal(sqlite3_open(fixture->journal, &database), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(database, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	assert_null(journal_open(fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void a_database_of_another_program_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct error err = { 0 };
	sqlite3 *database;

	assert_int_equal(sqlite3_open(fixture->journal, &database), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(database, "CREATE TABLE theirs (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	assert_null(journal_open(fixture->journal, &fixture->plan, hash, FIXTURE_NOW_MS, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

static void a_journal_with_a_trigger_is_a_format_error(void **state)
{
	struct fixture *fixture = *state;
	sqlite3 *database;

	fixture_set(fixture, 1, "department", NULL, "\"x\"");
	tiny_add(&fixture->tiny, "users", 1, "{}");
	assert_true(fixture_apply(fixture));
	assert_int_equal(sqlite3_open(fixture->journal, &database), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(database,
			"CREATE TRIGGER forget AFTER INSERT ON intent BEGIN DELETE FROM intent; END",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(database);
	assert_false(fixture_apply(fixture));
	assert_true(fixture_error_says(fixture, ERROR_FORMAT, "triggers"));
	assert_false(fixture_status(fixture, NULL));
	assert_true(fixture_error_says(fixture, ERROR_FORMAT, "triggers"));
}

static void a_step_that_the_plan_lacks_is_a_format_error(void **state)
{
	struct fixture *fixture = *state;
	struct step_record record = { .state = STEP_DONE };
	struct journal_entry entry = { .number = 9, .record = &record };
	struct step_record *records = step_records_new(&fixture->plan);
	struct journal *journal = journal_of(fixture);
	struct error err = { 0 };

	assert_true(journal_set_states(journal, &entry, 1, FIXTURE_NOW_MS, &err));
	assert_false(journal_load(journal, &fixture->plan, records, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	journal_close(journal);
	step_records_free(records, 0);
}

static void a_crash_before_the_tables_leaves_nothing_to_see(void **state)
{
	struct fixture *fixture = *state;
	struct step_record *records = step_records_new(&fixture->plan);
	struct error err = { 0 };
	struct journal *journal;

	overwrite((close(open(fixture->journal, O_CREAT | O_WRONLY, 0600)), fixture->journal), 0,
		"", 0);
	journal = journal_open_to_read(fixture->journal, &fixture->plan, &err);
	assert_non_null(journal);
	assert_true(journal_load(journal, &fixture->plan, records, &err));
	journal_close(journal);
	step_records_free(records, 0);
}

static void every_state_has_a_name_that_finds_it(void **state)
{
	(void)state;
	for (int i = 0; i < STEP_STATE_COUNT; i++) {
		enum step_state found;

		assert_true(step_state_find(step_state_name((enum step_state)i), &found));
		assert_int_equal(found, i);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_intent_is_there_after_a_crash_and_says_in_flight),
		TEST(states_texts_and_values_come_back_as_they_were),
		TEST(an_outcome_without_its_intent_is_refused_with_all_of_its_transaction),
		TEST(the_journal_of_another_plan_is_refused),
		TEST(a_damaged_journal_is_a_format_error),
		TEST(after_a_clean_end_the_file_stands_alone),
		TEST(a_link_is_not_followed),
		TEST(a_newer_journal_is_refused),
		TEST(a_database_of_another_program_is_left_alone),
		TEST(a_journal_with_a_trigger_is_a_format_error),
		TEST(a_step_that_the_plan_lacks_is_a_format_error),
		TEST(a_crash_before_the_tables_leaves_nothing_to_see),
		cmocka_unit_test(every_state_has_a_name_that_finds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
