#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum {
	HOLDER_MAX = 255,      /* bytes of a lock's line that are quoted */
	AHEAD_BYTES = 8 << 20, /* written, before the disk is told to begin with them */
};

struct file {
	char *final_path, *temporary_path;
	int descriptor;
	off_t written, begun; /* bytes: to the system, by the disk */
};

static void file_free(struct file *file)
{
	if (file->descriptor >= 0)
		close(file->descriptor);
	memory_free(file->final_path);
	memory_free(file->temporary_path);
	memory_free(file);
}

char *file_path(const char *folder, const char *name)
{
	struct buf path = BUF_UP_TO(strlen(folder) + strlen(name) + 1);

	buf_addf(&path, "%s/%s", folder, name);
	return buf_detach(&path);
}

/* What mkostemp() wants: the target's own folder, so that the rename stays in one file system. */
static char *temporary_template(const char *final_path)
{
	struct buf path = BUF_UP_TO(strlen(final_path) + sizeof(".XXXXXX"));

	buf_addf(&path, "%s.XXXXXX", final_path);
	return buf_detach(&path);
}

/* A rename would put a file where /dev/null was, or cut a link off from what it names. */
static bool may_be_replaced(const char *path, struct error *err)
{
	struct stat facts;

	if (lstat(path, &facts) < 0 || S_ISREG(facts.st_mode))
		return true;
	return error_set(err, ERROR_SYSTEM,
		"%s: it is there and no regular file, so nothing is written in its place; name a "
		"file",
		path);
}

struct file *file_create(const char *final_path, struct error *err)
{
	struct file *file;

	if (!may_be_replaced(final_path, err))
		return NULL;
	file = memory_new(sizeof(*file));
	file->final_path = memory_text(final_path);
	file->temporary_path = temporary_template(final_path);
	file->descriptor = mkostemp(file->temporary_path, O_CLOEXEC);
	if (file->descriptor < 0) {
		error_errno(err, "%s: can't create a file beside it", final_path);
		file_free(file);
		return NULL;
	}
	return file;
}

int file_descriptor(const struct file *file)
{
	return file->descriptor;
}

/*
 * The disk works while the rest is made, and file_commit() has little to wait for. What can't be begun early is
 * not lost: it is file_commit() that asks whether all is there.
 */
static void begin_ahead(struct file *file)
{
	off_t waiting = file->written - file->begun;

	if (waiting < AHEAD_BYTES)
		return;
	sync_file_range(file->descriptor, file->begun, waiting, SYNC_FILE_RANGE_WRITE);
	file->begun = file->written;
}

bool file_write(struct file *file, const void *data, size_t length, struct error *err)
{
	const char *at = data;

	while (length) {
		ssize_t written = write(file->descriptor, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_errno(err, "%s: can't write", file->final_path);
		at += written;
		length -= (size_t)written;
		file->written += written;
	}
	begin_ahead(file);
	return true;
}

/* The folder's own entry has to reach the disk too, or a power cut may undo the rename. */
static bool sync_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(memory_freep)
	char *folder = slash ? memory_text_span(path, slash == path ? 1 : (size_t)(slash - path))
			     : memory_text(".");
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced;

	if (descriptor < 0)
		return error_errno(err, "%s: can't open the folder", folder);
	/* EINVAL: a file system that has nothing to synchronise here. */
	synced = fsync(descriptor) == 0 || errno == EINVAL;
	if (!synced)
		error_errno(err, "%s: can't synchronise the folder", folder);
	close(descriptor);
	return synced;
}

bool file_commit(struct file *file, struct error *err)
{
	bool done;

	if (fsync(file->descriptor) < 0) {
		error_errno(err, "%s: can't synchronise", file->final_path);
		file_abandon(file);
		return false;
	}
	if (rename(file->temporary_path, file->final_path) < 0) {
		error_errno(err, "%s: can't put it in place", file->final_path);
		file_abandon(file);
		return false;
	}
	done = sync_folder(file->final_path, err);
	file_free(file);
	return done;
}

void file_abandon(struct file *file)
{
	if (!file)
		return;
	unlink(file->temporary_path);
	file_free(file);
}

bool file_save(const char *path, struct span content, struct error *err)
{
	CLEANUP(file_abandonp) struct file *file = file_create(path, err);

	if (!file || !file_write(file, content.data, content.length, err))
		return false;
	return file_commit(TAKE(file), err);
}

static bool read_all(
	int descriptor, const char *path, size_t limit, struct buf *out, struct error *err)
{
	enum { PIECE = 64 << 10 };
	size_t total = 0;

	for (;;) {
		char piece[PIECE];
		ssize_t got = read(descriptor, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s: can't read", path);
		total += (size_t)got;
		if (total <= limit)
			buf_add(out, piece, (size_t)got);
		explicit_bzero(piece, (size_t)got); /* it may be a secret */
		if (total > limit || out->overflowed)
			return error_set(err, ERROR_FORMAT, "%s: larger than %zu bytes", path,
				limit < out->limit ? limit : out->limit);
		if (!got)
			return true;
	}
}

typedef bool file_judge(const char *path, const struct stat *facts, struct error *err);

/*
 * A descriptor to close, or -1. Without waiting for a pipe's other end: only regular files are
 * read.
 */
static int open_judged(const char *path, int flags, file_judge *judge, struct error *err)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	struct stat facts;

	if (descriptor < 0) {
		if (errno == ELOOP && (flags & O_NOFOLLOW))
			error_set(err, ERROR_REFUSED, "%s: a link; name the file itself", path);
		else
			error_errno(err, "%s: can't open", path);
		return -1;
	}
	if (fstat(descriptor, &facts) < 0)
		error_errno(err, "%s: can't look at it", path);
	else if (judge(path, &facts, err))
		return descriptor;
	close(descriptor);
	return -1;
}

static bool load(const char *path, int flags, file_judge *judge, size_t limit, struct buf *out,
	struct error *err)
{
	int descriptor = open_judged(path, flags, judge, err);
	bool done;

	if (descriptor < 0)
		return false;
	done = read_all(descriptor, path, limit, out, err);
	close(descriptor);
	return done;
}

static bool is_file(const char *path, const struct stat *facts, struct error *err)
{
	return S_ISREG(facts->st_mode) ||
		error_set(err, ERROR_SYSTEM, "%s: %s, a regular file was expected", path,
			S_ISDIR(facts->st_mode) ? "a folder" : "a pipe or a device");
}

bool file_load(const char *path, size_t limit, struct buf *out, struct error *err)
{
	return load(path, 0, is_file, limit, out, err);
}

int file_open_to_read(const char *path, struct error *err)
{
	return open_judged(path, 0, is_file, err);
}

static bool ours_alone(const char *path, const struct stat *facts, struct error *err)
{
	if (!S_ISREG(facts->st_mode))
		return error_set(err, ERROR_REFUSED, "%s: no regular file", path);
	if (facts->st_uid != geteuid())
		return error_set(err, ERROR_REFUSED, "%s: it belongs to another user", path);
	if (facts->st_mode & 077)
		return error_set(err, ERROR_REFUSED,
			"%s: others may read it (mode %03o); run: chmod 600 %s", path,
			facts->st_mode & 0777, path);
	return true;
}

bool file_load_secret(const char *path, size_t limit, struct buf *out, struct error *err)
{
	return load(path, O_NOFOLLOW, ours_alone, limit, out, err);
}

/* Its group bits may be the mask of an access list, so they say nothing. */
static bool services(const char *path, const struct stat *facts, struct error *err)
{
	if (!S_ISREG(facts->st_mode))
		return error_set(err, ERROR_REFUSED, "%s: no regular file", path);
	if (facts->st_uid != geteuid() && facts->st_uid != 0)
		return error_set(err, ERROR_REFUSED, "%s: it belongs to another user", path);
	if (facts->st_mode & 027)
		return error_set(err, ERROR_REFUSED, "%s: others may read or write it (mode %03o)",
			path, facts->st_mode & 0777);
	return true;
}

static bool platforms(const char *path, const struct stat *facts, struct error *err)
{
	if (!S_ISREG(facts->st_mode))
		return error_set(err, ERROR_REFUSED, "%s: no regular file", path);
	if (facts->st_uid != geteuid() && facts->st_uid != 0)
		return error_set(err, ERROR_REFUSED, "%s: it belongs to another user", path);
	if (facts->st_mode & 022)
		return error_set(err, ERROR_REFUSED, "%s: others may write it (mode %03o)", path,
			facts->st_mode & 0777);
	return true;
}

static bool read_into(int descriptor, const char *path, char *room, size_t size, size_t *length,
	struct error *err)
{
	size_t total = 0;
	char beyond;

	for (;;) {
		bool full = total == size;
		ssize_t got = read(descriptor, full ? &beyond : room + total,
			full ? sizeof(beyond) : size - total);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s: can't read", path);
		if (got > 0 && full)
			return error_set(
				err, ERROR_FORMAT, "%s: larger than %zu bytes", path, size);
		total += (size_t)got;
		if (!got)
			break;
	}
	*length = total;
	return true;
}

bool file_read_secret(const char *path, enum file_trust trust, char *room, size_t size,
	size_t *length, struct error *err)
{
	static const struct {
		int flags;
		file_judge *judge;
	} trusts[] = {
		[FILE_OURS] = { O_NOFOLLOW, ours_alone },
		[FILE_SERVICE] = { O_NOFOLLOW, services },
		[FILE_PLATFORM] = { 0, platforms },
	};
	int descriptor = open_judged(path, trusts[trust].flags, trusts[trust].judge, err);
	bool done;

	if (descriptor < 0)
		return false;
	done = read_into(descriptor, path, room, size, length, err);
	close(descriptor);
	return done;
}

bool file_make_folder(const char *path, struct error *err)
{
	CLEANUP(memory_freep) char *part = memory_text(path);
	struct stat facts;

	for (char *slash = part + 1; part[0] && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return error_errno(err, "%s: can't make the folder", part);
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "%s: can't make the folder", path);
	if (stat(path, &facts) < 0 || !S_ISDIR(facts.st_mode))
		return error_set(err, ERROR_SYSTEM, "%s: it is there, and no folder", path);
	return true;
}

char *file_make_scratch(const char *purpose, struct error *err)
{
	const char *where = getenv("XDG_CACHE_HOME");
	CLEANUP(buf_release) struct buf path = BUF_UP_TO(PATH_MAX);

	if (!where || where[0] != '/')
		where = "/tmp";
	else if (!file_make_folder(where, err))
		return NULL;
	buf_addf(&path, "%s/unstage-%s.XXXXXX", where, purpose);
	if (!buf_check(&path, "XDG_CACHE_HOME", err))
		return NULL;
	if (mkdtemp(path.data))
		return buf_detach(&path);
	error_errno(err, "%s: can't make a folder for the time being", path.data);
	return NULL;
}

static bool write_owner(int descriptor, const char *owner)
{
	size_t length = strlen(owner);

	return ftruncate(descriptor, 0) == 0 &&
		pwrite(descriptor, owner, length, 0) == (ssize_t)length &&
		pwrite(descriptor, "\n", 1, (off_t)length) == 1;
}

/* Sets the error that names the holder, as far as it has said who it is. */
static void tell_holder(int descriptor, const char *path, struct error *err)
{
	char line[HOLDER_MAX + 1];
	ssize_t got = pread(descriptor, line, sizeof(line), 0);
	struct span holder = { line, got > 0 ? (size_t)got : 0 };
	const char *newline = memchr(line, '\n', holder.length);

	if (newline)
		holder.length = (size_t)(newline - line);
	holder.length = text_whole(holder, HOLDER_MAX);
	if (!holder.length)
		holder = SPAN_LITERAL("it has not said who it is");
	error_set(err, ERROR_REFUSED, "%s: another run holds it (%.*s); wait for its end", path,
		SPAN_FORMAT(holder));
}

int file_lock(const char *path, const char *owner, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (descriptor < 0) {
		error_errno(err, "%s: can't open the lock", path);
		return -1;
	}
	if (fcntl(descriptor, F_OFD_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			tell_holder(descriptor, path, err);
		else
			error_errno(err, "%s: can't lock", path);
		close(descriptor);
		return -1;
	}
	if (!write_owner(descriptor, owner)) {
		error_errno(err, "%s: can't write who holds it", path);
		close(descriptor);
		return -1;
	}
	return descriptor;
}
