/*
 * Work that is done ahead, in order: the caller fills jobs, threads work on them, and the caller
 * takes them back in the order in which they were given, so that what comes out does not depend on
 * how many threads there are. Without threads, or where none can be started, a job is worked on
 * when it is given.
 *
 * The caller is one of the crew: while the oldest job is not done, it works on those that nobody has begun. So
 * there are as many threads as processors, and hardly ever does one wait for another.
 *
 * Jobs lie in a ring: [taken back … being worked on … waiting … being filled …].
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/memory.h"
#include "snapshots/snapshots_internal.h"

struct member {
	struct crew *crew;
	unsigned number;
	pthread_t thread;
};

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
	struct member members[CREW_MAX];
	unsigned member_count;
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

static void work_on(struct crew *crew, unsigned worker, uint64_t number)
{
	crew->work(crew->context, worker, job_at(crew, number));
	pthread_mutex_lock(&crew->lock);
	crew->done[number % crew->size] = true;
	if (number == crew->dropped)
		pthread_cond_signal(&crew->done_more);
	pthread_mutex_unlock(&crew->lock);
}

static void *thread_main(void *argument)
{
	const struct member *member = argument;
	struct crew *crew = member->crew;
	uint64_t number;

	while (begin(crew, &number))
		work_on(crew, member->number, number);
	return NULL;
}

static bool start_member(struct crew *crew)
{
	struct member *member = &crew->members[crew->member_count];

	*member = (struct member){ .crew = crew, .number = crew->member_count };
	if (pthread_create(&member->thread, NULL, thread_main, member) != 0)
		return false;
	crew->member_count++;
	return true;
}

/* Signals are for the thread that was there before. */
static void start_members(struct crew *crew, unsigned workers)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (crew->member_count < workers && start_member(crew))
		continue;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The threads beside the caller's. */
static unsigned others_of(unsigned workers)
{
	return workers > 1 ? workers - 1 : 1;
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
	if (workers)
		start_members(crew, others_of(workers < CREW_MAX ? workers : CREW_MAX));
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
	for (unsigned i = 0; i < crew->member_count; i++)
		pthread_join(crew->members[i].thread, NULL);
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

	if (!crew->member_count) {
		crew->given++;
		crew->work(crew->context, 0, job_at(crew, number));
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->done[number % crew->size] = false;
	crew->given++;
	pthread_cond_signal(&crew->given_more);
	pthread_mutex_unlock(&crew->lock);
}

/* True when the oldest job is done; else, with one that nobody has begun, there is work to do. */
static bool wait_or_begin(struct crew *crew, uint64_t *number)
{
	const bool *done = &crew->done[crew->dropped % crew->size];
	bool is_done;

	pthread_mutex_lock(&crew->lock);
	while (!*done && crew->begun == crew->given)
		pthread_cond_wait(&crew->done_more, &crew->lock);
	is_done = *done;
	if (!is_done)
		*number = crew->begun++;
	pthread_mutex_unlock(&crew->lock);
	return is_done;
}

void *crew_oldest(struct crew *crew)
{
	uint64_t number;

	if (crew->dropped == crew->given)
		return NULL;
	if (crew->member_count)
		while (!wait_or_begin(crew, &number))
			work_on(crew, crew->member_count, number);
	return job_at(crew, crew->dropped);
}

void crew_drop(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->dropped++;
	pthread_mutex_unlock(&crew->lock);
}
