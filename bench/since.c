/*
 * Updates a snapshot with what another one of the same company has changed, as `snapshot --since`
 * does when it has read the changes. Tells the milliseconds of the update alone.
 *
 *	bench_since WORKERS BEFORE AFTER SNAPSHOT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scan.h"
#include "base/time.h"
#include "snapshots/snapshots.h"

struct changes {
	struct snapshot_writer *writer;
	size_t count;
};

static bool add_change(void *context, struct span before, struct span after, struct error *err)
{
	struct changes *changes = context;
	const char *newline = before.data ? memchr(before.data, '\n', before.length) : NULL;
	char id[ID_BYTES + 1] = "";
	struct span text;

	changes->count++;
	if (after.data)
		return snapshot_writer_add(changes->writer, after, err);
	text = scan_text_direct(
		scan_find((struct span){ before.data, (size_t)(newline - before.data) }, "id"));
	memcpy(id, text.data, text.length < ID_BYTES ? text.length : ID_BYTES);
	return snapshot_writer_remove(changes->writer, id, err);
}

static bool update(char **argv, struct error *err)
{
	CLEANUP(snapshot_closep) struct snapshot *before = snapshot_open(argv[2], err);
	CLEANUP(snapshot_closep)
	struct snapshot *after = before ? snapshot_open(argv[3], err) : NULL;
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	struct changes changes = { 0 };
	int64_t began_ms;

	if (!after)
		return false;
	writer = changes.writer = snapshot_writer_open(argv[4], snapshot_header(after), err);
	if (!writer || !snapshot_writer_follow(writer, before, true, err) ||
		!snapshot_compare(before, after, add_change, &changes, err))
		return false;
	snapshot_writer_use_workers(writer, (unsigned)strtoul(argv[1], NULL, 10));
	began_ms = time_monotonic_ms();
	if (!snapshot_writer_finish(TAKE(writer), snapshot_header(after)->taken_until_ms, err))
		return false;
	printf("%zu changes, %" PRId64 " ms\n", changes.count, time_monotonic_ms() - began_ms);
	return true;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc != 5)
		return 2;
	if (!update(argv, &err)) {
		fprintf(stderr, "bench_since: %s\n", err.text);
		return (int)err.kind;
	}
	return 0;
}
