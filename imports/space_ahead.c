/*
 * A connector space read by two threads: one makes objects of the XML, and the caller's takes
 * them, in their order. What the reading thread is ahead is bounded in objects and in bytes. Buffers
 * go round: the slot that an object is put into gives the one that was taken out of it before.
 *
 * Neither is woken for each object, which would cost more than the object: half the ring at a time.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "imports/space_internal.h"

enum {
	AHEAD_OBJECTS = 512,
	AHEAD_BYTES = 4 << 20, /* of all of them, but one is always let through */
	KEPT_BYTES = 64 << 10, /* buffers that are larger do not go round */
};

struct ahead {
	int descriptor;
	const char *name;
	bool all;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	struct space_object objects[AHEAD_OBJECTS];
	uint64_t put, taken; /* objects, since the start */
	size_t bytes;        /* of those between */
	bool ended;          /* nothing more comes */
	bool stopped;        /* nothing more is wanted */
	bool read;           /* the thread's result */
	struct error err;
};

static size_t bytes_of(const struct space_object *object)
{
	return object->text.capacity + object->value_capacity * sizeof(*object->values) +
		object->attribute_capacity * sizeof(*object->attributes);
}

static void buffers_release(struct space_object *object)
{
	buf_release(&object->text);
	memory_free(object->values);
	memory_free(object->attributes);
	object->values = NULL;
	object->attributes = NULL;
	object->value_capacity = object->attribute_capacity = 0;
}

static struct space_object *slot(struct ahead *ahead, uint64_t number)
{
	return &ahead->objects[number % AHEAD_OBJECTS];
}

/* ---- the thread that reads ---------------------------------------------------------------- */

static bool is_full(const struct ahead *ahead)
{
	return ahead->put - ahead->taken == AHEAD_OBJECTS ||
		(ahead->bytes > AHEAD_BYTES && ahead->put != ahead->taken);
}

static bool put(void *context, struct space_object *object, UNUSED struct error *err)
{
	struct ahead *ahead = context;
	struct space_object taken;
	bool wanted;

	pthread_mutex_lock(&ahead->lock);
	while (is_full(ahead) && !ahead->stopped)
		pthread_cond_wait(&ahead->less, &ahead->lock);
	taken = *slot(ahead, ahead->put);
	*slot(ahead, ahead->put++) = *object;
	ahead->bytes += bytes_of(object);
	if (ahead->put - ahead->taken == AHEAD_OBJECTS / 2 || is_full(ahead))
		pthread_cond_signal(&ahead->more);
	wanted = !ahead->stopped;
	pthread_mutex_unlock(&ahead->lock);

	taken.number = object->number;
	*object = taken;
	return wanted;
}

static void *thread_main(void *argument)
{
	struct ahead *ahead = argument;
	bool read = space_read(ahead->descriptor, ahead->name, ahead->all, put, ahead, &ahead->err);

	pthread_mutex_lock(&ahead->lock);
	ahead->read = read;
	ahead->ended = true;
	pthread_cond_signal(&ahead->more);
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* Signals are for the thread that was there before. */
static bool start(struct ahead *ahead, struct error *err)
{
	sigset_t all, before;
	int failed;

	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->more, NULL);
	pthread_cond_init(&ahead->less, NULL);
	for (size_t i = 0; i < AHEAD_OBJECTS; i++)
		ahead->objects[i].text.limit = SPACE_TEXT_MAX;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&ahead->thread, NULL, thread_main, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed ||
		error_set(err, ERROR_SYSTEM, "%s: no thread to read it with: %s", ahead->name,
			strerror(failed));
}

static void stop(struct ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->stopped = true;
	pthread_cond_signal(&ahead->less);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	for (size_t i = 0; i < AHEAD_OBJECTS; i++)
		buffers_release(&ahead->objects[i]);
	pthread_cond_destroy(&ahead->less);
	pthread_cond_destroy(&ahead->more);
	pthread_mutex_destroy(&ahead->lock);
}

/* ---- the caller's ------------------------------------------------------------------------- */

/* The next object; NULL at the end. It lies in the ring until drop(). */
static struct space_object *next(struct ahead *ahead)
{
	struct space_object *object = NULL;

	pthread_mutex_lock(&ahead->lock);
	while (ahead->put == ahead->taken && !ahead->ended)
		pthread_cond_wait(&ahead->more, &ahead->lock);
	if (ahead->put != ahead->taken)
		object = slot(ahead, ahead->taken);
	pthread_mutex_unlock(&ahead->lock);
	return object;
}

static void drop(struct ahead *ahead, struct space_object *object)
{
	size_t bytes = bytes_of(object);

	if (bytes > KEPT_BYTES)
		buffers_release(object);
	pthread_mutex_lock(&ahead->lock);
	ahead->bytes -= bytes;
	ahead->taken++;
	if (ahead->put - ahead->taken <= AHEAD_OBJECTS / 2)
		pthread_cond_signal(&ahead->less);
	pthread_mutex_unlock(&ahead->lock);
}

/* True: all were taken that there are. False with ERROR_NONE: enough was seen. */
static bool take_all(struct ahead *ahead, space_object_function *each, void *context,
	uint64_t *number, struct error *err)
{
	struct space_object *object;

	while ((object = next(ahead))) {
		*number = object->number;
		if (!each(context, object, err))
			return false;
		drop(ahead, object);
	}
	return true;
}

/* ---- what went wrong ---------------------------------------------------------------------- */

struct place {
	uint64_t number;
	const struct error *err;
};

static bool refuse(void *context, struct space_object *object, struct error *err)
{
	const struct place *place = context;

	if (object->number < place->number)
		return true;
	*err = *place->err;
	return false;
}

/* Where an object stands is known to its reader, and long passed: so it is read up to there again. */
static bool add_place(const struct ahead *ahead, off_t begin, uint64_t number, struct error *err)
{
	const struct error told = *err;
	struct place place = { number, &told };

	*err = (struct error){ 0 };
	if (lseek(ahead->descriptor, begin, SEEK_SET) != begin)
		return error_errno(err, "%s: can't read it again", ahead->name);
	if (space_read(ahead->descriptor, ahead->name, ahead->all, refuse, &place, err))
		*err = told;
	return false;
}

bool space_read_ahead(int descriptor, const char *name, bool all, space_object_function *each,
	void *context, struct error *err)
{
	CLEANUP(memory_freep) struct ahead *ahead = NULL;
	off_t begin = lseek(descriptor, 0, SEEK_CUR);
	uint64_t number = 0;
	bool taken;

	/* What comes through a pipe can't be read again. */
	if (begin < 0)
		return space_read(descriptor, name, all, each, context, err);
	ahead = memory_new(sizeof(*ahead));
	ahead->descriptor = descriptor;
	ahead->name = name;
	ahead->all = all;
	if (!start(ahead, err))
		return false;
	taken = take_all(ahead, each, context, &number, err);
	stop(ahead);
	if (!taken)
		return err->kind == ERROR_NONE || add_place(ahead, begin, number, err);
	if (!ahead->read)
		*err = ahead->err;
	return ahead->read;
}
