/*
 * Work that is done ahead, in order: the caller fills jobs, threads work on them, and the caller
 * takes them back in the order in which they were given, so that what comes out does not depend on
 * how many threads there are. Without threads, or where none can be started, a job is worked on
 * when it is given.
 *
 * Jobs lie in a ring: [taken back … being worked on … waiting … being filled …].
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t given_more, done_more;
	crew_work_function *work;
	void *context;
	char *jobs;
	size_t job_size;
	unsigned size;                  /* of the ring */
	bool *done;                     /* of each job in it */
	uint64_t given, begun, dropped; /* jobs, since the start */
	bool ended;
	pthread_t threads[CREW_MAX];
	unsigned thread_count;
};

unsigned snapshot_workers(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return count < 2 ? 0 : count < CREW_MAX ? (unsigned)count : CREW_MAX;
}

static void *job_at(const struct crew *crew, uint64_t number)
{
	return crew->jobs + number % crew->size * crew->job_size;
}

/* The next job's number, once there is one; false at the end. */
static bool begin(struct crew *crew, uint64_t *number)
{
	bool there;

	pthread_mutex_lock(&crew->lock);
	while (crew->begun == crew->given && !crew->ended)
		pthread_cond_wait(&crew->given_more, &crew->lock);
	there = !crew->ended;
	if (there)
		*number = crew->begun++;
	pthread_mutex_unlock(&crew->lock);
	return there;
}

static void end(struct crew *crew, uint64_t number)
{
	pthread_mutex_lock(&crew->lock);
	crew->done[number % crew->size] = true;
	/* Nobody waits for another job than the oldest. */
	if (number == crew->dropped)
		pthread_cond_signal(&crew->done_more);
	pthread_mutex_unlock(&crew->lock);
}

static void *thread_main(void *argument)
{
	struct crew *crew = argument;
	uint64_t number;

	while (begin(crew, &number)) {
		crew->work(crew->context, job_at(crew, number));
		end(crew, number);
	}
	return NULL;
}

/* Signals are for the thread that was there before. */
static void start_threads(struct crew *crew, unsigned workers)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (crew->thread_count < workers &&
		pthread_create(&crew->threads[crew->thread_count], NULL, thread_main, crew) == 0)
		crew->thread_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct crew *crew_new(unsigned workers, size_t job_size, crew_work_function *work, void *context)
{
	struct crew *crew = memory_new(sizeof(*crew));

	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->given_more, NULL);
	pthread_cond_init(&crew->done_more, NULL);
	crew->work = work;
	crew->context = context;
	crew->job_size = job_size;
	crew->size = workers ? CREW_JOBS : 1;
	crew->jobs = memory_array(crew->size, job_size);
	crew->done = memory_array(crew->size, sizeof(*crew->done));
	start_threads(crew, workers < CREW_MAX ? workers : CREW_MAX);
	return crew;
}

void crew_free(struct crew *crew, crew_release_function *release)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ended = true;
	pthread_cond_broadcast(&crew->given_more);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->thread_count; i++)
		pthread_join(crew->threads[i], NULL);
	for (unsigned i = 0; i < crew->size; i++)
		release(job_at(crew, i));
	pthread_cond_destroy(&crew->done_more);
	pthread_cond_destroy(&crew->given_more);
	pthread_mutex_destroy(&crew->lock);
	memory_free(crew->done);
	memory_free(crew->jobs);
	memory_free(crew);
}

void *crew_vacant(struct crew *crew)
{
	return crew->given - crew->dropped < crew->size ? job_at(crew, crew->given) : NULL;
}

void crew_give(struct crew *crew)
{
	uint64_t number = crew->given;

	if (!crew->thread_count) {
		crew->given++;
		crew->work(crew->context, job_at(crew, number));
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->done[number % crew->size] = false;
	crew->given++;
	pthread_cond_signal(&crew->given_more);
	pthread_mutex_unlock(&crew->lock);
}

void *crew_oldest(struct crew *crew)
{
	if (crew->dropped == crew->given)
		return NULL;
	if (crew->thread_count) {
		pthread_mutex_lock(&crew->lock);
		while (!crew->done[crew->dropped % crew->size])
			pthread_cond_wait(&crew->done_more, &crew->lock);
		pthread_mutex_unlock(&crew->lock);
	}
	return job_at(crew, crew->dropped);
}

void crew_drop(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->dropped++;
	pthread_mutex_unlock(&crew->lock);
}
