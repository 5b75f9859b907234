/* The files beside a plan: complete, and harmless whatever a directory says. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/rollback/planning.h"

#include "base/file.h"
#include "base/text.h"

enum { HANDOFF_FILE_MAX = 1 << 20 };

struct folder {
	char name[64], plan[96];
	char written[8][128];
	size_t written_count;
};

static int set_up(void **state)
{
	struct folder *folder = memory_new(sizeof(*folder));

	strcpy(folder->name, "/tmp/unstage-handoff-XXXXXX");
	assert_non_null(mkdtemp(folder->name));
	snprintf(folder->plan, sizeof(folder->plan), "%s/plan.json", folder->name);
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < folder->written_count; i++)
		unlink(folder->written[i]);
	assert_int_equal(rmdir(folder->name), 0);
	memory_free(folder);
	return 0;
}

static void note(void *context, const char *path)
{
	struct folder *folder = context;

	snprintf(folder->written[folder->written_count++], sizeof(folder->written[0]), "%s", path);
}

static void write_all(struct folder *folder, const struct plan *plan)
{
	struct error err = { 0 };

	if (!plan_write_hand_offs(plan, folder->plan, note, folder, &err))
		fail_msg("%s", err.text);
}

static void load(const struct folder *folder, const char *ending, struct buf *out)
{
	char path[128];
	struct error err = { 0 };

	snprintf(path, sizeof(path), "%s/plan%s", folder->name, ending);
	if (!file_load(path, HANDOFF_FILE_MAX, out, &err))
		fail_msg("%s", err.text);
}

/* Every line by itself is as the one printing function would print it. */
static void assert_printable(const struct buf *file)
{
	const char *line = file->data;

	while (*line) {
		CLEANUP(buf_release) struct buf printable = BUF_UP_TO(HANDOFF_FILE_MAX);
		struct span text = { line, strcspn(line, "\n") };

		text_printable(&printable, text);
		assert_true(span_equal(buf_span(&printable), text) || !text.length);
		line += text.length + 1;
	}
}

static struct plan *hostile_plan(const char *name)
{
	struct directory directory = {
		{ "{\"department\":\"\\u001b]0;owned\\u0007\u202e\\nstep 9: trust me\",\"id\":" QUOTED(
			  USER("1")) ",\"kind\":\"user\"}\n",
			"{\"id\":" QUOTED(USER(
				"2")) ",\"kind\":\"user\",\"onPremisesImmutableId\":\"+iocP31b/A==\"}\n",
			"{\"id\":" QUOTED(USER(
				"3")) ",\"kind\":\"user\",\"proxyAddresses\":[\"SMTP:e@x.org\",\"smtp:\\u009b2J@x.org\"]}\n",
			"{\"department\":\"Lab\",\"id\":" QUOTED(
				USER("4")) ",\"kind\":\"user\"}\n" }
	};
	struct finding findings[] = {
		value_finding(KIND_USER, USER("1"), "department", VALUE("\"Sales\""),
			VALUE("\"\\u001b]0;owned\\u0007\u202e\\nstep 9: trust me\"")),
		object_finding(KIND_USER, USER("2"), CHANGE_CREATED),
		element_finding(KIND_USER, USER("3"), "proxyAddresses",
			"smtp:\xc2\x9b"
			"2j@x.org",
			NOTHING,
			VALUE("\"smtp:\xc2\x9b"
			      "2J@x.org\"")),
		object_finding(KIND_CONTACT, CONTACT("1"), CHANGE_DELETED),
		value_finding(
			KIND_USER, USER("4"), "department", VALUE("\"Sales\""), VALUE("\"Lab\"")),
	};

	for (size_t i = 0; i < COUNT_OF(findings); i++)
		findings[i].name = span_of(name);
	findings[0].door = DOOR_SYNC;
	findings[1].door = DOOR_ADSYNC;
	findings[2].door = DOOR_EXCHANGE;
	findings[3].verdict = VERDICT_BLOCKED;
	findings[4].door = DOOR_MANUAL;
	return make_plan(&directory, findings, COUNT_OF(findings));
}

static void each_door_has_its_file(void **state)
{
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("eve@x.org");
	CLEANUP(buf_release) struct buf csv = BUF_UP_TO(HANDOFF_FILE_MAX);

	write_all(folder, plan);
	assert_int_equal(folder->written_count, 4);
	assert_non_null(strstr(folder->written[0], "/plan-adsync.csv"));
	assert_non_null(strstr(folder->written[1], "/plan-exchange.ps1"));
	assert_non_null(strstr(folder->written[2], "/plan-manual.txt"));
	assert_non_null(strstr(folder->written[3], "/plan-sync.txt"));
	load(folder, "-adsync.csv", &csv);
	assert_string_equal(buf_text(&csv),
		"\"UserPrincipalName\",\"Mail\",\"SourceAnchor\",\"DistinguishedName\",\"CsObjectId\","
		"\"ObjectType\",\"ConnectorId\",\"CloudAnchor\"\r\n"
		"\"eve@x.org\",\"\",\"+iocP31b/A==\",\"\",\"\",\"User\",\"\",\"User_" USER(
			"2") "\"\r\n");
}

static void door_without_steps_has_no_file(void **state)
{
	struct folder *folder = *state;
	struct directory directory = { { "{\"department\":\"Lab\",\"id\":" QUOTED(
		USER("1")) ",\"kind\":\"user\"}\n" } };
	struct finding finding = value_finding(
		KIND_USER, USER("1"), "department", VALUE("\"Sales\""), VALUE("\"Lab\""));
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	write_all(folder, plan);
	assert_int_equal(folder->written_count, 0);
}

static void names_never_become_formulas_or_columns(void **state)
{
	static const struct {
		const char *name, *cell;
	} cases[] = {
		{ "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"" },
		{ "+1", "\"'+1\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\t=1", "\"'\\t=1\"" },
		{ "\r\n=1", "\"'\\r\\n=1\"" },
		{ "\n", "\"'\\n\"" },
		{ "\uff1d1", "\"'\uff1d1\"" },
		{ "\uff0b1", "\"'\uff0b1\"" },
		{ "\uff0d1", "\"'\uff0d1\"" },
		{ "\uff201", "\"'\uff201\"" },
		{ "a\",\"b\"", "\"a\"\",\"\"b\"\"\"" },
		{ "a\x1b[2J", "\"a\\x1b[2J\"" },
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(plan_freep) struct plan *plan = hostile_plan(cases[i].name);
		CLEANUP(buf_release) struct buf csv = BUF_UP_TO(HANDOFF_FILE_MAX);
		const char *row;

		folder->written_count = 0;
		write_all(folder, plan);
		load(folder, "-adsync.csv", &csv);
		row = strchr(buf_text(&csv), '\n') + 1;
		if (strncmp(row, cases[i].cell, strlen(cases[i].cell)) != 0)
			fail_msg("%s is not %s", row, cases[i].cell);
		assert_string_equal(row + strlen(cases[i].cell),
			",\"\",\"+iocP31b/A==\",\"\",\"\",\"User\",\"\",\"User_" USER(
				"2") "\"\r\n");
	}
}

static void hostile_text_stays_on_its_line(void **state)
{
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("Eve\x1b[8m\u202e\nStep 9");
	CLEANUP(buf_release) struct buf sync = BUF_UP_TO(HANDOFF_FILE_MAX);
	CLEANUP(buf_release) struct buf manual = BUF_UP_TO(HANDOFF_FILE_MAX);

	plan->tenant_name = "\x1b]0;tenant\x07";
	write_all(folder, plan);
	load(folder, "-sync.txt", &sync);
	load(folder, "-manual.txt", &manual);
	assert_printable(&sync);
	assert_printable(&manual);
	assert_null(strstr(buf_text(&sync), "\nstep 9"));
	assert_null(strstr(buf_text(&manual), "\nStep 9"));
}

/* A plan of somebody else's making may hold anything where ours holds printable text. */
static void hostile_paragraph_is_made_printable(void **state)
{
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("eve@x.org");
	CLEANUP(buf_release) struct buf manual = BUF_UP_TO(HANDOFF_FILE_MAX);

	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].door == DOOR_MANUAL)
			((struct plan_step *)&plan->steps[i])
				->manual = "\x1b[2J all is well\n\nStep 1\n";
	}
	write_all(folder, plan);
	load(folder, "-manual.txt", &manual);
	assert_printable(&manual);
	assert_non_null(strstr(buf_text(&manual), "\\x1b[2J all is well\\n\\nStep"));
}

static void production_run_lists_what_must_change_in_the_right_order(void **state)
{
	static const char *const in_order[] = { "Stop-ADSyncSyncCycle", "staging mode", "csexport",
		"\"Delta Import\"", "\"Delta Synchronization\"", "/f:x", "\"Export\"",
		"unstage status", "What must change", "user " USER("1"), "set department",
		"was \"Sales\"" };
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("eve@x.org");
	CLEANUP(buf_release) struct buf sync = BUF_UP_TO(HANDOFF_FILE_MAX);
	const char *at;

	write_all(folder, plan);
	load(folder, "-sync.txt", &sync);
	at = buf_text(&sync);
	for (size_t i = 0; i < COUNT_OF(in_order); i++) {
		const char *found = strstr(at, in_order[i]);

		if (!found)
			fail_msg("%s does not come next", in_order[i]);
		at = found;
	}
}

static void manual_file_lists_what_is_lost(void **state)
{
	struct folder *folder = *state;
	struct directory directory = { { NULL } };
	struct finding finding = object_finding(KIND_CONTACT, CONTACT("1"), CHANGE_DELETED);
	CLEANUP(buf_release) struct buf manual = BUF_UP_TO(HANDOFF_FILE_MAX);

	finding.verdict = VERDICT_BLOCKED;
	finding.reason = "gone for good";
	CLEANUP(plan_freep) struct plan *plan = make_plan(&directory, &finding, 1);

	write_all(folder, plan);
	assert_int_equal(folder->written_count, 1);
	load(folder, "-manual.txt", &manual);
	assert_non_null(strstr(buf_text(&manual), CONTACT("1")));
	assert_non_null(strstr(buf_text(&manual), "gone for good"));
}

static void folder_that_is_not_there_is_an_error(void **state)
{
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("eve@x.org");
	struct error err = { 0 };

	snprintf(folder->plan, sizeof(folder->plan), "%s/no/plan.json", folder->name);
	assert_false(plan_write_hand_offs(plan, folder->plan, note, folder, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(folder->written_count, 0);
}

/* A list of deletions that an earlier plan left there would be run as this one's. */
static void file_of_another_plan_does_not_pass_for_one_of_this(void **state)
{
	struct folder *folder = *state;
	CLEANUP(plan_freep) struct plan *before = hostile_plan("eve@x.org");
	struct finding finding = object_finding(KIND_CONTACT, CONTACT("1"), CHANGE_DELETED);
	struct directory directory = { { NULL } };
	struct error err = { 0 };
	size_t written;

	finding.verdict = VERDICT_BLOCKED;
	finding.reason = "deleted: gone for good";
	CLEANUP(plan_freep) struct plan *after = make_plan(&directory, &finding, 1);

	write_all(folder, before);
	written = folder->written_count;
	assert_false(plan_write_hand_offs(after, folder->plan, note, folder, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "plan-adsync.csv"));
	assert_int_equal(folder->written_count, written);
	err = (struct error){ 0 };
	assert_false(plan_check_hand_offs(after, folder->plan, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void files_of_the_plan_whose_place_is_taken_go_with_it(void **state)
{
	struct folder *folder = *state;
	struct directory directory = { { "{\"id\":" QUOTED(
		USER("2")) ",\"kind\":\"user\",\"onPremisesImmutableId\":\"iocP31b/A==\"}\n" } };
	struct finding made = object_finding(KIND_USER, USER("2"), CHANGE_CREATED);
	struct finding lost = object_finding(KIND_CONTACT, CONTACT("1"), CHANGE_DELETED);
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(PLAN_FILE_MAX);
	struct error err = { 0 };
	char list[128];

	made.door = DOOR_ADSYNC;
	lost.verdict = VERDICT_BLOCKED;
	lost.reason = "deleted: gone for good";
	CLEANUP(plan_freep) struct plan *before = make_plan(&directory, &made, 1);
	CLEANUP(plan_freep) struct plan *after = make_plan(&directory, &lost, 1);

	write_all(folder, before);
	plan_add_json(&bytes, before);
	assert_true(file_save(folder->plan, buf_span(&bytes), &err));
	/* Somebody wrote into it: it may be what he wants to keep. */
	snprintf(list, sizeof(list), "%s/plan-adsync.csv", folder->name);
	assert_true(file_save(list, SPAN_LITERAL("mine\n"), &err));
	assert_false(plan_write_hand_offs(after, folder->plan, NULL, NULL, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	write_all(folder, before);
	write_all(folder, after);
	assert_int_equal(access(list, F_OK), -1);
	err = (struct error){ 0 };
	assert_true(plan_check_hand_offs(after, folder->plan, &err));
	note(folder, folder->plan);
}

/* Steps that anybody would sign, and the digest of a script that does something else. */
static void digest_of_another_script_gets_no_signature(void **state)
{
	CLEANUP(plan_freep) struct plan *plan = hostile_plan("eve@x.org");
	struct plan_handoff files[8];
	struct error err = { 0 };

	(void)state;
	if (!plan_check_sealed(plan, &err))
		fail_msg("%s", err.text);
	memcpy(files, plan->files, plan->file_count * sizeof(*files));
	files[0].digest[0] = files[0].digest[0] == '0' ? '1' : '0';
	plan->files = files;
	assert_false(plan_check_sealed(plan, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, files[0].name));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(each_door_has_its_file),
		WITH_FOLDER(door_without_steps_has_no_file),
		WITH_FOLDER(names_never_become_formulas_or_columns),
		WITH_FOLDER(hostile_text_stays_on_its_line),
		WITH_FOLDER(hostile_paragraph_is_made_printable),
		WITH_FOLDER(production_run_lists_what_must_change_in_the_right_order),
		WITH_FOLDER(manual_file_lists_what_is_lost),
		WITH_FOLDER(folder_that_is_not_there_is_an_error),
		WITH_FOLDER(files_of_the_plan_whose_place_is_taken_go_with_it),
		WITH_FOLDER(digest_of_another_script_gets_no_signature),
		WITH_FOLDER(file_of_another_plan_does_not_pass_for_one_of_this),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
