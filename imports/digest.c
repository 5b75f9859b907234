#include "imports/digest.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { PIECE_BYTES = 64 << 10, DIGEST_BYTES = IMPORT_DIGEST_TEXT / 2 };

struct digest {
	int descriptor;
	const char *path;
	pthread_t thread;
	bool running; /* the thread is not joined yet */
	atomic_bool stopped;
	crypto_generichash_state state;
	unsigned char bytes[DIGEST_BYTES];
	struct error err;
};

static bool read_all(struct digest *digest)
{
	CLEANUP(memory_freep) unsigned char *piece = memory_new(PIECE_BYTES);
	off_t at = 0;
	ssize_t got;

	while ((got = pread(digest->descriptor, piece, PIECE_BYTES, at)) > 0 &&
		!atomic_load_explicit(&digest->stopped, memory_order_relaxed)) {
		crypto_generichash_update(&digest->state, piece, (size_t)got);
		at += got;
	}
	return got >= 0 || error_errno(&digest->err, "%s: can't read", digest->path);
}

static void *thread_main(void *argument)
{
	struct digest *digest = argument;

	crypto_generichash_init(&digest->state, NULL, 0, sizeof(digest->bytes));
	if (read_all(digest))
		crypto_generichash_final(&digest->state, digest->bytes, sizeof(digest->bytes));
	return NULL;
}

static void join(struct digest *digest)
{
	if (digest->running)
		pthread_join(digest->thread, NULL);
	digest->running = false;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	atomic_store(&digest->stopped, true);
	join(digest);
	memory_free(digest);
}

/* Signals are for the thread that was there before. */
static int start(struct digest *digest)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&digest->thread, NULL, thread_main, digest);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	digest->running = !failed;
	return failed;
}

struct digest *digest_begin(int descriptor, const char *path, struct error *err)
{
	CLEANUP(digest_freep) struct digest *digest = memory_new(sizeof(*digest));
	int failed;

	digest->descriptor = descriptor;
	digest->path = path;
	failed = start(digest);
	if (failed) {
		error_set(err, ERROR_SYSTEM, "%s: no thread to read it with: %s", path,
			strerror(failed));
		return NULL;
	}
	return TAKE(digest);
}

bool digest_end(struct digest *digest, char text[static IMPORT_DIGEST_TEXT], struct error *err)
{
	join(digest);
	if (digest->err.kind != ERROR_NONE) {
		*err = digest->err;
		return false;
	}
	sodium_bin2hex(text, IMPORT_DIGEST_TEXT, digest->bytes, sizeof(digest->bytes));
	return true;
}

bool import_digest(const char *path, char text[static IMPORT_DIGEST_TEXT], struct error *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool made;

	if (descriptor < 0)
		return error_errno(err, "%s: can't open", path);
	digest = digest_begin(descriptor, path, err);
	made = digest && digest_end(digest, text, err);
	close(descriptor);
	return made;
}
