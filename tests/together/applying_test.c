/* How long a plan takes against the tenant's write quota, and how well that was foretold. */
#include "tests/together/virtual.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "rollback/rollback.h"

enum { LATENCY_MS = 100, PLAN_LIVES_MS = 12 * 60 * 60 * 1000 };

#define START_MS INT64_C(1772600000000)

struct stage {
	struct virtual *world;
	char folder[64];
	struct plan_step *steps;
	char (*ids)[64];
	struct plan plan;
};

static int remove_one(const char *path, const struct stat *status UNUSED, int type UNUSED,
	struct FTW *place UNUSED)
{
	return remove(path);
}

static void stage_release(struct stage *stage)
{
	virtual_close(stage->world);
	nftw(stage->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	memory_free(stage->steps);
	memory_free(stage->ids);
}

/* People of the cloud, each of whom lacks a department. */
static void hire(struct stage *stage, size_t index)
{
	struct error err = { 0 };
	char text[256];

	snprintf(text, sizeof(text),
		"{\"displayName\":\"Someone %zu\",\"userPrincipalName\":\"someone%zu@contoso.com\","
		"\"mailNickname\":\"someone%zu\",\"accountEnabled\":true}",
		index, index, index);
	if (!simulator_hand_create(virtual_simulator(stage->world), "user", span_of(text),
		    stage->ids[index], &err))
		fail_msg("%s", err.text);
	stage->steps[index] = (struct plan_step){
		.number = index + 1,
		.operation = GRAPH_SET,
		.door = DOOR_GRAPH,
		.kind = kind_get(KIND_USER),
		.id = stage->ids[index],
		.name = "Someone",
		.attribute = attribute_find(kind_get(KIND_USER), SPAN_LITERAL("department")),
		.to = SPAN_LITERAL("\"Back\""),
		.why = "of the test",
	};
}

static void stage_open(struct stage *stage, size_t steps, double share, int64_t latency_ms,
	enum simulator_quota quota)
{
	const struct simulator_options options = { .seed = 11, .now_ms = START_MS, .quota = quota };
	const struct simulator_size size = { 320, 40, 5 };

	*stage = (struct stage){ .world = virtual_open(&options, &size, latency_ms, share) };
	snprintf(stage->folder, sizeof(stage->folder), "/dev/shm/unstage-applying-XXXXXX");
	if (!mkdtemp(stage->folder)) {
		snprintf(stage->folder, sizeof(stage->folder), "/tmp/unstage-applying-XXXXXX");
		assert_non_null(mkdtemp(stage->folder));
	}
	stage->steps = memory_array(steps, sizeof(*stage->steps));
	stage->ids = memory_array(steps, sizeof(*stage->ids));
	for (size_t i = 0; i < steps; i++)
		hire(stage, i);
	stage->plan = (struct plan){
		.tenant = simulator_tenant(virtual_simulator(stage->world)),
		.tenant_name = "Contoso",
		.cloud = "global",
		.id = "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66",
		.tool = "unstage test",
		.staging = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
		.created_ms = simulator_now_ms(virtual_simulator(stage->world)),
		.limits = { steps, 0, 0, steps },
		.steps = stage->steps,
		.step_count = steps,
	};
	stage->plan.by_door[DOOR_GRAPH] = steps;
	stage->plan.expires_ms = stage->plan.created_ms + PLAN_LIVES_MS;
}

/* Applies all of it; how long that took, on the virtual clock. */
static int64_t stage_apply(struct stage *stage)
{
	CLEANUP(memory_freep) char *journal = file_path(stage->folder, "journal.sqlite");
	CLEANUP(memory_freep) char *receipt = file_path(stage->folder, "receipt.json");
	const struct apply_options options = {
		.graph = virtual_graph(stage->world),
		.journal_path = journal,
		.state_folder = stage->folder,
		.receipt_path = receipt,
		.plan_bytes = SPAN_LITERAL("unstage-plan/1 of the test"),
		.cloud = "global",
		.canary = 1,
		.now_ms = stage->plan.created_ms,
		.clock_ms = virtual_now_ms,
		.sleep_ms = virtual_sleep_ms,
	};
	struct apply_result result;
	struct error err = { 0 };
	int64_t began_ms = virtual_now_ms();

	if (!apply_run(&stage->plan, &options, &result, &err))
		fail_msg("%s", err.text);
	assert_string_equal(result.why, "");
	assert_int_equal(result.by_state[STEP_DONE], stage->plan.step_count);
	return virtual_now_ms() - began_ms;
}

/* ---- foretold ------------------------------------------------------------------------------ */

static void applying_takes_as_long_as_was_foretold(void **state UNUSED)
{
	static const struct {
		size_t steps;
		double share;
		int64_t latency_ms;
	} rows[] = { { 2000, 0.5, 50 }, { 2000, 1, 200 }, { 300, 0.5, FORECAST_REQUEST_MS },
		{ 700, 0.1, 100 } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(stage_release) struct stage stage;
		struct plan_forecast forecast;
		int64_t took_ms;

		stage_open(&stage, rows[i].steps, rows[i].share, rows[i].latency_ms,
			SIMULATOR_QUOTA_WINDOW);
		forecast = plan_forecast(&stage.plan, rows[i].share);
		took_ms = stage_apply(&stage);
		print_message("%zu steps at a share of %.2f: foretold %lld ms, took %lld ms, "
			      "%zu throttled\n",
			rows[i].steps, rows[i].share, (long long)forecast.lasts_ms,
			(long long)took_ms, virtual_throttled(stage.world));
		assert_int_equal(forecast.writes, rows[i].steps);
		assert_true((double)took_ms <= 1.1 * (double)forecast.lasts_ms);
		assert_true((double)took_ms >= 0.9 * (double)forecast.lasts_ms);
	}
}

/* ---- the quota ----------------------------------------------------------------------------- */

/* However the service counts 3,000 writes in 150 s, no more than a twentieth is lost of what they allow. */
static void ten_thousand_changes_take_no_longer_than_the_quota_asks(void **state UNUSED)
{
	enum { CHANGES = 10000, QUOTA = 3000, QUOTA_MS = 150 * 1000 };
	static const enum simulator_quota quotas[] = { SIMULATOR_QUOTA_WINDOW,
		SIMULATOR_QUOTA_BUCKET };
	const double theory_ms = (double)CHANGES / QUOTA * QUOTA_MS;

	for (size_t i = 0; i < COUNT_OF(quotas); i++) {
		CLEANUP(stage_release) struct stage stage;
		struct simulator_usage usage;
		int64_t took_ms;

		stage_open(&stage, CHANGES, 1, LATENCY_MS, quotas[i]);
		took_ms = stage_apply(&stage);
		usage = simulator_usage(virtual_simulator(stage.world));
		print_message("%d changes, the quota %s: %.1f s, of %.1f s in theory: %.3f; "
			      "%llu throttled\n",
			CHANGES, i ? "a bucket" : "by windows", (double)took_ms / 1000,
			theory_ms / 1000, (double)took_ms / theory_ms,
			(unsigned long long)usage.throttled);
		assert_true((double)took_ms <= 1.05 * theory_ms);
	}
}

/* ---- a slow service ------------------------------------------------------------------------ */

/* How long so many changes take at this latency. */
static int64_t lasts_ms(size_t steps, int64_t latency_ms)
{
	CLEANUP(stage_release) struct stage stage;

	stage_open(&stage, steps, 1, latency_ms, SIMULATOR_QUOTA_WINDOW);
	return stage_apply(&stage);
}

/*
 * Sixteen batches of twenty under way, each read, written and read again: once that many are, 320 changes
 * take three latencies, and no more than a ninth longer. Measured between a shorter plan and a longer one,
 * within what the quota lets go.
 */
static void a_slow_service_is_waited_for_by_sixteen_batches_at_once(void **state UNUSED)
{
	static const struct {
		int64_t latency_ms;
		size_t shorter, longer;
	} rows[] = { { 500, 281, 601 }, { 2000, 281, 921 }, { 3000, 281, 1241 },
		{ 8000, 281, 3481 } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t steps = rows[i].longer - rows[i].shorter;
		double ideal_ms = 3.0 * (double)rows[i].latency_ms * (double)steps /
			(GRAPH_BATCH_MAX * 16);
		int64_t shorter_ms = lasts_ms(rows[i].shorter, rows[i].latency_ms);
		int64_t took_ms = lasts_ms(rows[i].longer, rows[i].latency_ms) - shorter_ms;

		print_message(
			"%lld ms a batch: %zu changes in %lld ms, %zu more in %lld ms, ideally "
			"%.0f ms\n",
			(long long)rows[i].latency_ms, rows[i].shorter, (long long)shorter_ms,
			steps, (long long)took_ms, ideal_ms);
		assert_true((double)took_ms <= ideal_ms / 0.9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applying_takes_as_long_as_was_foretold),
		cmocka_unit_test(a_slow_service_is_waited_for_by_sixteen_batches_at_once),
		cmocka_unit_test(ten_thousand_changes_take_no_longer_than_the_quota_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
