#include "tests/rollback/apply_fixture.h"

#include <assert.h>
#include <dirent.h>
#include <string.h>
#include <unistd.h>

/* Memory where there is one: these tests make thousands of durable transactions. */
static void make_folder(struct fixture *fixture)
{
	snprintf(fixture->folder, sizeof(fixture->folder), "/dev/shm/unstage-test-XXXXXX");
	if (mkdtemp(fixture->folder))
		return;
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/unstage-test-XXXXXX");
	if (!mkdtemp(fixture->folder))
		abort();
}

static void empty_folder(const struct fixture *fixture)
{
	DIR *folder = opendir(fixture->folder);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder)
		closedir(folder);
}

static void told(
	void *context, const struct plan_step *step, enum step_state state, const char *text)
{
	struct fixture *fixture = context;

	fixture->told[step->number] = state;
	fixture->told_times[step->number]++;
	snprintf(fixture->text[step->number], sizeof(fixture->text[0]), "%s", text ? text : "");
}

static void fixture_begin(struct fixture *fixture)
{
	tiny_open(&fixture->tiny);
	fixture->tiny.date_ms = FIXTURE_NOW_MS;
	fixture->tiny.dump_path = fixture->dump;
	fixture->plan_bytes = "unstage-plan/1 of the test";
	fixture->plan = (struct plan){
		.tenant = TINY_TENANT,
		.tenant_name = "Contoso",
		.cloud = "global",
		.id = FIXTURE_PLAN_ID,
		.tool = "unstage test",
		.staging = "Sync_STAGE02_7be1c04d9a31@contoso.onmicrosoft.com",
		.created_ms = FIXTURE_NOW_MS - 60000,
		.expires_ms = FIXTURE_NOW_MS - 60000 + INT64_C(1000) * PLAN_EXPIRES_S,
		.limits = { 1000, 100, 100, 1000 },
		.steps = fixture->steps,
	};
	fixture->options = (struct apply_options){
		.graph = fixture->tiny.graph,
		.journal_path = fixture->journal,
		.cloud = "global",
		.state_folder = fixture->folder,
		.receipt_path = fixture->receipt,
		.canary = 1,
		.now_ms = FIXTURE_NOW_MS,
		.clock_ms = tiny_clock_ms,
		.sleep_ms = tiny_sleep_ms,
		.told = told,
		.told_context = fixture,
	};
}

void fixture_reset(struct fixture *fixture)
{
	tiny_close(&fixture->tiny);
	empty_folder(fixture);
	memset(fixture->steps, 0, sizeof(fixture->steps));
	fixture_begin(fixture);
}

int fixture_setup(void **state)
{
	struct fixture *fixture = memory_new(sizeof(*fixture));

	make_folder(fixture);
	fixture->journal = file_path(fixture->folder, "journal.sqlite");
	fixture->receipt = file_path(fixture->folder, "receipt.json");
	fixture->dump = file_path(fixture->folder, "tiny.json");
	fixture_begin(fixture);
	*state = fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	tiny_close(&fixture->tiny);
	empty_folder(fixture);
	rmdir(fixture->folder);
	memory_free(fixture->journal);
	memory_free(fixture->receipt);
	memory_free(fixture->dump);
	memory_free(fixture);
	return 0;
}

struct plan_step *fixture_step(
	struct fixture *fixture, enum graph_operation operation, enum kind_id kind, size_t id)
{
	size_t index = fixture->plan.step_count++;
	struct plan_step *step = &fixture->steps[index];

	assert(index < FIXTURE_STEPS);
	*step = (struct plan_step){
		.number = index + 1,
		.operation = operation,
		.door = DOOR_GRAPH,
		.kind = kind_get(kind),
		.id = tiny_id(id),
		.name = "somebody",
		.after = fixture->after[index],
	};
	return step;
}

struct plan_step *fixture_set(
	struct fixture *fixture, size_t id, const char *attribute, const char *from, const char *to)
{
	struct plan_step *step = fixture_step(fixture, GRAPH_SET, KIND_USER, id);

	step->attribute = attribute_find(step->kind, span_of(attribute));
	assert(step->attribute);
	step->from = span_of(from);
	step->to = span_of(to);
	return step;
}

struct plan_step *fixture_relate(
	struct fixture *fixture, enum graph_operation operation, size_t id, size_t target)
{
	bool manager = operation == GRAPH_SET_MANAGER || operation == GRAPH_CLEAR_MANAGER;
	struct plan_step *step = fixture_step(
		fixture, operation, manager ? KIND_USER : KIND_GROUP, id);

	step->target = target ? tiny_id(target) : NULL;
	return step;
}

void fixture_after(struct fixture *fixture, struct plan_step *step, size_t number)
{
	assert(step->after_count < FIXTURE_AFTER);
	fixture->after[step->number - 1][step->after_count++] = number;
}

static void fixture_forget(struct fixture *fixture)
{
	fixture->err = (struct error){ 0 };
	memset(fixture->told, 0, sizeof(fixture->told));
	memset(fixture->told_times, 0, sizeof(fixture->told_times));
	memset(fixture->text, 0, sizeof(fixture->text));
}

bool fixture_apply(struct fixture *fixture)
{
	fixture_forget(fixture);
	fixture->options.plan_bytes = span_of(fixture->plan_bytes);
	return apply_run(&fixture->plan, &fixture->options, &fixture->result, &fixture->err);
}

bool fixture_status(struct fixture *fixture, const char *production)
{
	struct status_options options = {
		.graph = fixture->tiny.graph,
		.production = production,
		.journal_path = fixture->journal,
		.plan_bytes = span_of(fixture->plan_bytes),
		.told = told,
		.told_context = fixture,
	};

	fixture_forget(fixture);
	return status_run(&fixture->plan, &options, &fixture->result, &fixture->err);
}

bool fixture_error_says(const struct fixture *fixture, enum error_kind kind, const char *words)
{
	if (fixture->err.kind == kind && strstr(fixture->err.text, words))
		return true;
	fprintf(stderr, "error kind %d: %s\n", (int)fixture->err.kind, fixture->err.text);
	return false;
}

size_t fixture_effects(const struct fixture *fixture)
{
	return json_array_size(fixture->tiny.effects);
}

bool fixture_effects_differ(const struct fixture *fixture)
{
	const json_t *effects = fixture->tiny.effects;

	for (size_t i = 0; i < json_array_size(effects); i++) {
		for (size_t j = 0; j < i; j++) {
			if (json_equal(json_array_get(effects, i), json_array_get(effects, j)))
				return false;
		}
	}
	return true;
}

enum step_state fixture_journal_state(const struct fixture *fixture, size_t number)
{
	struct step_record *records = step_records_new(&fixture->plan);
	struct error err = { 0 };
	CLEANUP(journal_closep)
	struct journal *journal = journal_open_to_read(fixture->journal, &fixture->plan, &err);
	enum step_state state;

	if (!journal || !journal_load(journal, &fixture->plan, records, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	state = records[number - 1].state;
	step_records_free(records, fixture->plan.step_count);
	return state;
}
