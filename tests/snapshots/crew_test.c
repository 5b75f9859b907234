/* Work done ahead comes back in the order in which it was given. */
#include <sched.h>
#include <stdatomic.h>

#include "snapshots/snapshots_internal.h"
#include "snapshots_testing.h"

enum { JOBS = 5000 };

struct job {
	uint64_t given, result;
	char *kept; /* what a job holds stays with it from turn to turn */
};

static void work(void *context, unsigned worker, void *worked)
{
	struct job *job = worked;

	assert_true(worker < CREW_MAX);
	/* Some take longer than those behind them. */
	for (uint64_t i = 0; i < job->given % 7; i++)
		sched_yield();
	if (!job->kept)
		job->kept = memory_text("kept");
	job->result = job->given * *(const uint64_t *)context;
}

static void release(void *released)
{
	memory_free(((struct job *)released)->kept);
}

static void take_oldest(struct crew *crew, uint64_t *taken)
{
	struct job *job = crew_oldest(crew);

	assert_non_null(job);
	assert_int_equal(job->given, *taken);
	assert_int_equal(job->result, *taken * 3);
	++*taken;
	crew_drop(crew);
}

static void give_and_take(unsigned workers, uint64_t stop_at)
{
	uint64_t factor = 3, taken = 0;
	struct crew *crew = crew_new(workers, sizeof(struct job), work, &factor);

	for (uint64_t given = 0; given < stop_at; given++) {
		struct job *job;

		while (!(job = crew_vacant(crew)))
			take_oldest(crew, &taken);
		job->given = given;
		crew_give(crew);
	}
	if (stop_at == JOBS) {
		while (taken < JOBS)
			take_oldest(crew, &taken);
		assert_null(crew_oldest(crew));
	}
	crew_free(crew, release);
}

static void jobs_come_back_in_order(void **state)
{
	(void)state;
	for (unsigned workers = 0; workers <= CREW_MAX + 1; workers++)
		give_and_take(workers, JOBS);
}

static void a_crew_may_end_with_jobs_in_flight(void **state)
{
	(void)state;
	for (unsigned workers = 0; workers <= CREW_MAX; workers++)
		for (uint64_t stop_at = 0; stop_at < 40; stop_at++)
			give_and_take(workers, stop_at);
}

/* The first job is done when all others are. */
static void wait_for_others(void *context, unsigned worker, void *worked)
{
	atomic_uint *others = context;
	const struct job *job = worked;

	(void)worker;
	while (!job->given && atomic_load(others) < CREW_JOBS - 1)
		sched_yield();
	if (job->given)
		atomic_fetch_add(others, 1);
}

/* One thread alone would wait for ever. */
static void who_waits_for_a_job_works_on_others(void **state)
{
	for (unsigned workers = 1; workers <= 2; workers++) {
		atomic_uint others = 0;
		struct crew *crew = crew_new(workers, sizeof(struct job), wait_for_others, &others);

		for (uint64_t given = 0; given < CREW_JOBS; given++) {
			((struct job *)crew_vacant(crew))->given = given;
			crew_give(crew);
		}
		assert_int_equal(((struct job *)crew_oldest(crew))->given, 0);
		assert_int_equal(atomic_load(&others), CREW_JOBS - 1);
		crew_free(crew, release);
	}
	(void)state;
}

static void one_core_has_no_workers_and_several_have_few(void **state)
{
	cpu_set_t before, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &before))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(snapshot_workers(), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_true(snapshot_workers() <= CREW_MAX);
	assert_true(CPU_COUNT(&before) == 1 || snapshot_workers() >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_come_back_in_order),
		cmocka_unit_test(a_crew_may_end_with_jobs_in_flight),
		cmocka_unit_test(who_waits_for_a_job_works_on_others),
		cmocka_unit_test(one_core_has_no_workers_and_several_have_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
