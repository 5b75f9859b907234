/*
 * Files appear whole or not at all: written under a temporary name in the same folder,
 * synchronised, renamed, and the folder synchronised [T38]. A crash at any moment leaves the
 * old file or the new one.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

/* A file being written; `final_path` appears at file_commit() and never before. */
struct file;

/*
 * Creates the temporary file (mode 0600) beside `final_path`. ERROR_SYSTEM where that can't be, or
 * where something stands at `final_path` that is no regular file, such as a link or /dev/null.
 */
MUST_CHECK struct file *file_create(const char *final_path, struct error *err);
int file_descriptor(const struct file *file);
MUST_CHECK bool file_write(struct file *file, const void *data, size_t length, struct error *err);
/* Synchronises, renames; frees `file` also on failure. ERROR_SYSTEM. */
MUST_CHECK bool file_commit(struct file *file, struct error *err);
void file_abandon(struct file *file); /* removes the temporary file; NULL is fine */
DEFINE_CLEANUP(struct file *, file_abandon);

/* All of a file at once, whole or not at all. */
MUST_CHECK bool file_save(const char *path, struct span content, struct error *err);

/*
 * Reads a whole file of at most `limit` bytes into `out` (whose own limit also holds).
 *   ERROR_SYSTEM  it can't be opened or read (also: it is no regular file)
 *   ERROR_FORMAT  it is larger
 */
MUST_CHECK bool file_load(const char *path, size_t limit, struct buf *out, struct error *err);

/* A descriptor of a regular file to read and close, or -1: ERROR_SYSTEM. */
MUST_CHECK int file_open_to_read(const char *path, struct error *err);

/*
 * As file_load(), for secrets [T21]: refuses a link, and a file that others may read
 * or that another user owns (ERROR_REFUSED).
 */
MUST_CHECK bool file_load_secret(
	const char *path, size_t limit, struct buf *out, struct error *err);

/* Who may have put a secret there, and who else may see it [T21]. */
enum file_trust {
	FILE_OURS,    /* ours alone, mode 0600, no link */
	FILE_SERVICE, /* handed to a service by systemd: ours or root's, nothing for others */
	FILE_PLATFORM, /* mounted and rotated by a platform: links are fine, writing is for its owner */
};

/*
 * Reads a whole file straight into the caller's memory, which may be locked: no copy is made on
 * the way. `length` receives its size, at most `size`. Errors as file_load_secret().
 */
MUST_CHECK bool file_read_secret(const char *path, enum file_trust trust, char *room, size_t size,
	size_t *length, struct error *err);

/* Makes `path` and its parents (mode 0700); it is fine when they exist. */
MUST_CHECK bool file_make_folder(const char *path, struct error *err);

/*
 * A new folder (mode 0700) of its own, for files of a while: below XDG_CACHE_HOME where that is set,
 * else below /tmp. Its path, to be freed with memory_free(); who made it removes it. ERROR_SYSTEM.
 */
MUST_CHECK char *file_make_scratch(const char *purpose, struct error *err);

/* "folder/name", to be freed with memory_free(). */
char *file_path(const char *folder, const char *name);

/*
 * An open-file-description lock on `path` (created when missing), which dies with its process.
 * Returns a descriptor to close, or -1: ERROR_REFUSED when another process holds it (its line
 * of text is quoted), ERROR_SYSTEM. `owner` is one line for people, written into the file.
 */
MUST_CHECK int file_lock(const char *path, const char *owner, struct error *err);
