/*
 * The file that runs lie in: without a name, in the target's folder, so that a crash leaves nothing
 * behind. Records of a head and lines, one behind the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "snapshots/runs_internal.h"

enum { FOLDER_PATH_MAX = 64 << 10 };

/* For file systems without O_TMPFILE: a name for the moment between two calls. */
static int named_and_unlinked(const char *path)
{
	CLEANUP(buf_release) struct buf template = BUF_UP_TO(FOLDER_PATH_MAX);
	int descriptor;

	buf_addf(&template, "%s.XXXXXX", path);
	descriptor = template.overflowed ? -1 : mkostemp(template.data, O_CLOEXEC);
	if (descriptor >= 0)
		unlink(template.data);
	return descriptor;
}

int runs_file_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(memory_freep)
	char *folder = slash ? memory_text_span(path, slash == path ? 1 : (size_t)(slash - path))
			     : memory_text(".");
	int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return descriptor >= 0 ? descriptor : named_and_unlinked(path);
}

static bool write_all(struct runs *runs, struct span bytes, struct error *err)
{
	while (bytes.length) {
		ssize_t written = pwrite(
			runs->file, bytes.data, bytes.length, (off_t)runs->file_end);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_errno(err, "%s: can't write its temporary file", runs->path);
		bytes.data += written;
		bytes.length -= (size_t)written;
		runs->file_end += (uint64_t)written;
	}
	return true;
}

static bool flush(struct runs *runs, struct error *err)
{
	if (!write_all(runs, buf_span(&runs->pending), err))
		return false;
	buf_cut(&runs->pending, 0);
	return true;
}

static bool write_bytes(struct runs *runs, struct span bytes, struct error *err)
{
	if (bytes.length > RUNS_WRITE_BYTES - runs->pending.length && !flush(runs, err))
		return false;
	if (bytes.length > RUNS_WRITE_BYTES)
		return write_all(runs, bytes, err);
	buf_add_span(&runs->pending, bytes);
	return true;
}

bool runs_write_record(
	struct runs *runs, const struct record *record, const char *lines, struct error *err)
{
	return write_bytes(runs, (struct span){ (const char *)record, sizeof(*record) }, err) &&
		write_bytes(runs, (struct span){ lines, record->length }, err);
}

bool runs_end_run(struct runs *runs, uint64_t begin, struct error *err)
{
	if (!flush(runs, err))
		return false;
	MEMORY_GROW(runs->runs, runs->run_count, runs->run_capacity);
	runs->runs[runs->run_count++] = (struct run){ begin, runs->file_end };
	return true;
}
