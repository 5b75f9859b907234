#include "cli/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/statement.h"

enum {
	STORED_MAX = 1 << 20, /* snapshots in one folder */
	PIN_MAX = 128,
	STATEMENT_ENDINGS = 2,
};

#define SNAPSHOT_ENDING ".jsonl.zst"
/* Digits are 0, hexadecimal digits x; the rest is as it stands. */
#define NAME_SHAPE "00000000T000000Z-xxxxxxxxxxxxxxxx" SNAPSHOT_ENDING
#define PIN_NAME   "production"
#define PIN_FORMAT "unstage-pin/1 "
#define LOCK_NAME  "snapshots.lock"

_Static_assert(sizeof(NAME_SHAPE) <= STORED_NAME_BYTES, "room for a name");

struct shelf {
	char *folder;
	int descriptor; /* -1: there is no folder */
	struct stored *stored;
	size_t count, capacity;
	char pin[SNAPSHOT_ID_TEXT]; /* "": nothing is pinned */
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool has_shape(const char *name)
{
	static const char shape[] = NAME_SHAPE;

	if (strlen(name) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		const char *allowed = shape[i] == '0' ? "0123456789"
			: shape[i] == 'x'             ? "0123456789abcdef"
						      : NULL;

		if (allowed ? !strchr(allowed, name[i]) : name[i] != shape[i])
			return false;
	}
	return true;
}

/* False where it is no name of ours. */
static bool read_name(const char *name, struct stored *stored)
{
	char instant[TIME_TEXT_BYTES];

	if (!has_shape(name))
		return false;
	*stored = (struct stored){ 0 };
	snprintf(stored->name, sizeof(stored->name), "%s", name);
	memcpy(stored->id, name + strlen("00000000T000000Z-"), STORED_ID_TEXT - 1);
	snprintf(instant, sizeof(instant), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", name, name + 4,
		name + 6, name + 9, name + 11, name + 13);
	return time_parse(span_of(instant), &stored->taken_ms) && stored->taken_ms >= 0;
}

static bool make_name(
	const struct snapshot *snapshot, char name[static STORED_NAME_BYTES], struct error *err)
{
	int64_t taken_ms = snapshot_header(snapshot)->taken_until_ms;
	char instant[TIME_TEXT_BYTES];
	struct stored ignored;

	time_text(taken_ms, instant);
	snprintf(name, STORED_NAME_BYTES, "%.4s%.2s%.2sT%.2s%.2s%.2sZ-%.16s" SNAPSHOT_ENDING,
		instant, instant + 5, instant + 8, instant + 11, instant + 14, instant + 17,
		snapshot_identity(snapshot));
	return read_name(name, &ignored) ||
		error_set(err, ERROR_FORMAT, "%s: it says it was taken at %s",
			snapshot_path(snapshot), instant);
}

/* ---- the folder [T38] ------------------------------------------------------------------------- */

static bool check_folder(const struct shelf *shelf, struct error *err)
{
	struct stat facts;

	if (fstat(shelf->descriptor, &facts) < 0)
		return error_errno(err, "state folder %s", shelf->folder);
	if (facts.st_uid != geteuid())
		return error_set(err, ERROR_REFUSED,
			"state folder %s: it belongs to another user; name one of your own (state = … in "
			"the profile)",
			shelf->folder);
	if (facts.st_mode & 022)
		return error_set(err, ERROR_REFUSED,
			"state folder %s: others may write to it (mode %03o); run: chmod go-w %s",
			shelf->folder, facts.st_mode & 0777, shelf->folder);
	return true;
}

static bool open_folder(struct shelf *shelf, bool make, struct error *err)
{
	if (make && !file_make_folder(shelf->folder, err))
		return false;
	shelf->descriptor = open(shelf->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (shelf->descriptor >= 0)
		return check_folder(shelf, err);
	if (errno == ENOENT && !make)
		return true;
	if (errno == ELOOP || errno == ENOTDIR)
		return error_set(err, ERROR_REFUSED,
			"state folder %s: a link, or no folder; name the folder itself",
			shelf->folder);
	return error_errno(err, "state folder %s", shelf->folder);
}

static int newest_first(const void *left, const void *right)
{
	const struct stored *a = left, *b = right;

	return -strcmp(a->name, b->name);
}

/* The descriptor of a regular file, or -1. */
static int open_entry(const struct shelf *shelf, const char *name, struct error *err)
{
	int descriptor = openat(
		shelf->descriptor, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat facts;

	if (descriptor < 0) {
		if (errno == ELOOP)
			error_set(err, ERROR_REFUSED, "%s/%s: a link", shelf->folder, name);
		else
			error_errno(err, "%s/%s: can't open", shelf->folder, name);
		return -1;
	}
	if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode))
		return descriptor;
	error_set(err, ERROR_REFUSED, "%s/%s: no regular file", shelf->folder, name);
	close(descriptor);
	return -1;
}

static bool is_there(const struct shelf *shelf, const char *name)
{
	struct stat facts;

	return shelf->descriptor >= 0 &&
		fstatat(shelf->descriptor, name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "unstage-pin/1 ", an identity, a newline. */
static bool read_pin(struct shelf *shelf, struct error *err)
{
	const size_t before = strlen(PIN_FORMAT), digits = SNAPSHOT_ID_TEXT - 1;
	char text[PIN_MAX + 1] = "";
	ssize_t length;
	int descriptor;

	if (!is_there(shelf, PIN_NAME))
		return true;
	descriptor = open_entry(shelf, PIN_NAME, err);
	if (descriptor < 0)
		return false;
	length = read(descriptor, text, PIN_MAX);
	close(descriptor);
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
	if (length != (ssize_t)(before + digits + 1) || strncmp(text, PIN_FORMAT, before) != 0 ||
		!snapshot_is_identity(text + before))
		return error_set(err, ERROR_FORMAT,
			"%s/" PIN_NAME
			": not a pin of this version; pin again with: unstage snapshot "
			"--pin production SNAPSHOT",
			shelf->folder);
	memcpy(shelf->pin, text + before, digits);
	return true;
}

static bool list_folder(struct shelf *shelf, struct error *err)
{
	int copy = openat(shelf->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!names) {
		error_errno(err, "state folder %s: can't list it", shelf->folder);
		if (copy >= 0)
			close(copy);
		return false;
	}
	shelf->count = 0;
	while ((entry = readdir(names)) && shelf->count < STORED_MAX) {
		struct stored stored;

		if (!read_name(entry->d_name, &stored))
			continue;
		stored.pinned = strncmp(stored.id, shelf->pin, STORED_ID_TEXT - 1) == 0;
		MEMORY_GROW(shelf->stored, shelf->count, shelf->capacity);
		shelf->stored[shelf->count++] = stored;
	}
	closedir(names);
	if (shelf->count)
		qsort(shelf->stored, shelf->count, sizeof(*shelf->stored), newest_first);
	return true;
}

static bool list(struct shelf *shelf, struct error *err)
{
	return shelf->descriptor < 0 || (read_pin(shelf, err) && list_folder(shelf, err));
}

struct shelf *shelf_open(const struct profile *profile, bool make, struct error *err)
{
	CLEANUP(shelf_closep) struct shelf *shelf = memory_new(sizeof(*shelf));

	shelf->folder = memory_text(profile->state);
	shelf->descriptor = -1;
	return open_folder(shelf, make, err) && list(shelf, err) ? TAKE(shelf) : NULL;
}

void shelf_close(struct shelf *shelf)
{
	if (!shelf)
		return;
	if (shelf->descriptor >= 0)
		close(shelf->descriptor);
	memory_free(shelf->stored);
	memory_free(shelf->folder);
	memory_free(shelf);
}

const char *shelf_folder(const struct shelf *shelf)
{
	return shelf->folder;
}

size_t shelf_count(const struct shelf *shelf)
{
	return shelf->count;
}

const struct stored *shelf_get(const struct shelf *shelf, size_t number)
{
	return &shelf->stored[number];
}

const char *shelf_pin_identity(const struct shelf *shelf)
{
	return shelf->pin[0] ? shelf->pin : NULL;
}

const struct stored *shelf_pinned(const struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++) {
		if (shelf->stored[i].pinned)
			return &shelf->stored[i];
	}
	return NULL;
}

char *shelf_path(const struct shelf *shelf, const struct stored *stored)
{
	return file_path(shelf->folder, stored->name);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static struct snapshot *open_named(const struct shelf *shelf, const char *name, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(shelf->folder, name);
	int descriptor = open_entry(shelf, name, err);

	return descriptor < 0 ? NULL : snapshot_open_descriptor_take(descriptor, path, err);
}

struct snapshot *shelf_open_snapshot(
	const struct shelf *shelf, const struct stored *stored, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *snapshot = open_named(shelf, stored->name, err);
	char name[STORED_NAME_BYTES];

	if (!snapshot || !make_name(snapshot, name, err))
		return NULL;
	if (strcmp(name, stored->name) != 0) {
		error_set(err, ERROR_REFUSED,
			"%s: the file was exchanged or renamed: what is in it would be called %s",
			snapshot_path(snapshot), name);
		return NULL;
	}
	return TAKE(snapshot);
}

/* ---- adding ------------------------------------------------------------------------------------ */

char *shelf_room(const struct shelf *shelf)
{
	char guid[GUID_TEXT_BYTES], name[STORED_NAME_BYTES + GUID_TEXT_BYTES];

	snprintf(name, sizeof(name), "taking-%s" SNAPSHOT_ENDING, text_new_guid(guid));
	return file_path(shelf->folder, name);
}

static bool sync_folder(const struct shelf *shelf, struct error *err)
{
	/* EINVAL: a file system that has nothing to synchronise here. */
	return fsync(shelf->descriptor) == 0 || errno == EINVAL ||
		error_errno(err, "state folder %s: can't synchronise it", shelf->folder);
}

static const struct stored *find(const struct shelf *shelf, const char *name)
{
	for (size_t i = 0; i < shelf->count; i++) {
		if (strcmp(shelf->stored[i].name, name) == 0)
			return &shelf->stored[i];
	}
	return NULL;
}

const struct stored *shelf_add(struct shelf *shelf, const char *room, struct error *err)
{
	const char *written = strrchr(room, '/') + 1;
	CLEANUP(snapshot_closep) struct snapshot *snapshot = open_named(shelf, written, err);
	char name[STORED_NAME_BYTES];

	if (!snapshot || !make_name(snapshot, name, err))
		return NULL;
	if (renameat(shelf->descriptor, written, shelf->descriptor, name) < 0) {
		error_errno(err, "%s: can't call it %s", room, name);
		return NULL;
	}
	return sync_folder(shelf, err) && list(shelf, err) ? find(shelf, name) : NULL;
}

static bool copy_bytes(int from, struct file *to, const char *path, struct error *err)
{
	enum { PIECE_BYTES = 256 << 10 };
	CLEANUP(buf_release) struct buf piece = BUF_UP_TO(PIECE_BYTES);
	char *room = buf_room(&piece, PIECE_BYTES);

	for (;;) {
		ssize_t got = read(from, room, PIECE_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s: can't read", path);
		if (!got)
			return true;
		if (!file_write(to, room, (size_t)got, err))
			return false;
	}
}

static bool copy_file(const char *from, const char *to, struct error *err)
{
	CLEANUP(file_abandonp) struct file *file = NULL;
	int descriptor = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool copied;

	if (descriptor < 0)
		return error_errno(err, "%s: can't open", from);
	file = file_create(to, err);
	copied = file && copy_bytes(descriptor, file, from, err);
	close(descriptor);
	return copied && file_commit(TAKE(file), err);
}

/* The copy, and not what lay there a moment ago, is what is pinned: it is looked at once more. */
static bool check_copy(const char *room, const char *identity, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *copy = snapshot_open(room, err);

	if (!copy || !snapshot_check(copy, talk(), err))
		return false;
	return strcmp(snapshot_identity(copy), identity) == 0 ||
		error_set(err, ERROR_REFUSED, "%s: it changed while it was copied", room);
}

static const char *const statement_endings[STATEMENT_ENDINGS] = { STATEMENT_ENDING,
	STATEMENT_SIGNATURE_ENDING };

static char *with_ending(const char *path, const char *ending)
{
	struct buf text = BUF_UP_TO(strlen(path) + strlen(ending));

	buf_addf(&text, "%s%s", path, ending);
	return buf_detach(&text);
}

/* What lies beside it goes first, so that the snapshot is never there without. */
static bool copy_statement(const char *from, const char *to, struct error *err)
{
	for (int i = 0; i < STATEMENT_ENDINGS; i++) {
		CLEANUP(memory_freep) char *source = with_ending(from, statement_endings[i]);
		CLEANUP(memory_freep) char *target = with_ending(to, statement_endings[i]);

		if (access(source, F_OK) == 0 && !copy_file(source, target, err))
			return false;
	}
	return true;
}

static const struct stored *copy(
	struct shelf *shelf, const struct snapshot *snapshot, const char *name, struct error *err)
{
	CLEANUP(memory_freep) char *room = shelf_room(shelf);
	CLEANUP(memory_freep) char *path = file_path(shelf->folder, name);
	const struct stored *stored = NULL;

	if (copy_file(snapshot_path(snapshot), room, err) &&
		check_copy(room, snapshot_identity(snapshot), err) &&
		copy_statement(snapshot_path(snapshot), path, err))
		stored = shelf_add(shelf, room, err);
	if (!stored)
		unlink(room);
	return stored;
}

const struct stored *shelf_adopt(
	struct shelf *shelf, const struct snapshot *snapshot, struct error *err)
{
	CLEANUP(memory_freep) char *path = NULL;
	char name[STORED_NAME_BYTES];
	const struct stored *stored;

	if (!make_name(snapshot, name, err))
		return NULL;
	stored = find(shelf, name);
	if (!stored)
		return copy(shelf, snapshot, name, err);
	/* Signed since it was copied, perhaps. */
	path = shelf_path(shelf, stored);
	return strcmp(path, snapshot_path(snapshot)) == 0 ||
			copy_statement(snapshot_path(snapshot), path, err)
		? stored
		: NULL;
}

/* ---- pinning and deleting ----------------------------------------------------------------------- */

int shelf_lock(const struct shelf *shelf, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(shelf->folder, LOCK_NAME);

	return file_lock(path, "unstage, pinning or forgetting snapshots", err);
}

bool shelf_pin(struct shelf *shelf, const struct stored *stored, struct error *err)
{
	CLEANUP(snapshot_closep)
	struct snapshot *snapshot = shelf_open_snapshot(shelf, stored, err);
	CLEANUP(memory_freep) char *path = file_path(shelf->folder, PIN_NAME);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(PIN_MAX);
	int lock = snapshot ? shelf_lock(shelf, err) : -1;
	bool pinned;

	if (lock < 0)
		return false;
	buf_addf(&text, PIN_FORMAT "%s\n", snapshot_identity(snapshot));
	pinned = file_save(path, buf_span(&text), err) && list(shelf, err);
	close(lock);
	return pinned;
}

static bool remove_entry(const struct shelf *shelf, const char *name, struct error *err)
{
	return unlinkat(shelf->descriptor, name, 0) == 0 || errno == ENOENT ||
		error_errno(err, "%s/%s: can't delete it", shelf->folder, name);
}

/* The snapshot last: what is left of it by a crash is listed, and goes next time. */
bool shelf_remove(const struct shelf *shelf, const struct stored *stored, struct error *err)
{
	for (int i = STATEMENT_ENDINGS - 1; i >= 0; i--) {
		CLEANUP(memory_freep) char *name = with_ending(stored->name, statement_endings[i]);

		if (!remove_entry(shelf, name, err))
			return false;
	}
	return remove_entry(shelf, stored->name, err) && sync_folder(shelf, err);
}
