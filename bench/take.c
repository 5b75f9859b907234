/*
 * Makes a snapshot of lines, an object each, in the order in which they come.
 *
 *	bench_take WORKERS SNAPSHOT <lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "snapshots/snapshots.h"

enum { PIECE_BYTES = 1 << 20, LINES_MAX = 16 << 20 };

/* Adds the whole lines in `text`; what is left of it is an unfinished one. */
static bool add_lines(struct snapshot_writer *writer, struct span *text, struct error *err)
{
	const char *newline;

	while ((newline = memchr(text->data, '\n', text->length))) {
		size_t length = (size_t)(newline - text->data) + 1;

		if (!snapshot_writer_add(writer, (struct span){ text->data, length }, err))
			return false;
		text->data += length;
		text->length -= length;
		if (!text->length)
			break;
	}
	return true;
}

static bool add_input(struct snapshot_writer *writer, struct error *err)
{
	CLEANUP(buf_release) struct buf input = BUF_UP_TO(LINES_MAX);
	ssize_t got;

	while ((got = read(STDIN_FILENO, buf_room(&input, PIECE_BYTES), PIECE_BYTES)) > 0) {
		struct span text;

		buf_grew(&input, (size_t)got);
		text = buf_span(&input);
		if (!add_lines(writer, &text, err))
			return false;
		memmove(input.data, text.data, text.length);
		buf_cut(&input, text.length);
	}
	return got == 0 || error_errno(err, "standard input");
}

int main(int argc, char **argv)
{
	struct snapshot_header header = {
		.tenant = (char[]){ "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11" },
		.cloud = (char[]){ "global" },
		.source = (char[]){ "graph" },
		.taken_from_ms = 1772600000000,
	};
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = NULL;
	struct error err = { 0 };

	if (argc != 3)
		return 2;
	writer = snapshot_writer_open(argv[2], &header, &err);
	if (writer)
		snapshot_writer_use_workers(writer, (unsigned)strtoul(argv[1], NULL, 10));
	if (!writer || !add_input(writer, &err) ||
		!snapshot_writer_finish(TAKE(writer), header.taken_from_ms + 60000, &err)) {
		fprintf(stderr, "bench_take: %s\n", err.text);
		return (int)err.kind;
	}
	return 0;
}
