/*
 * Makes a snapshot of lines, an object each with its part lines behind it, in the order in which they
 * come.
 *
 *	bench_take WORKERS SNAPSHOT <lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "snapshots/snapshots.h"

enum { PIECE_BYTES = 1 << 20, LINES_MAX = 16 << 20 };

/* The line that begins at `at`, with its newline; absent where it is not whole. */
static struct span line_at(struct span text, size_t at)
{
	const char *begin = text.data + at;
	const char *newline = at < text.length ? memchr(begin, '\n', text.length - at) : NULL;

	return newline ? (struct span){ begin, (size_t)(newline - begin) + 1 } : SPAN_NONE;
}

/* Its keys are in byte order, and it has none before its id: most objects are told by that. */
static bool is_part(struct span line)
{
	struct span begin = SPAN_LITERAL("{\"id\":\""), mark = SPAN_LITERAL("\"part\":\"");

	return line.length > begin.length && memcmp(line.data, begin.data, begin.length) == 0 &&
		memmem(line.data, line.length, mark.data, mark.length);
}

/* Adds the whole objects in `text`: what is left of it may go on. */
static bool add_lines(
	struct snapshot_writer *writer, struct span *text, bool ended, struct error *err)
{
	for (;;) {
		struct span line = line_at(*text, 0);
		size_t length = line.length;

		if (!line.data)
			return true;
		while ((line = line_at(*text, length)).data && is_part(line))
			length += line.length;
		if (!line.data && !ended)
			return true;
		if (!snapshot_writer_add(writer, (struct span){ text->data, length }, err))
			return false;
		text->data += length;
		text->length -= length;
	}
}

static bool add_input(struct snapshot_writer *writer, struct error *err)
{
	CLEANUP(buf_release) struct buf input = BUF_UP_TO(LINES_MAX);
	ssize_t got;

	do {
		struct span text;

		got = read(STDIN_FILENO, buf_room(&input, PIECE_BYTES), PIECE_BYTES);
		if (got < 0)
			return error_errno(err, "standard input");
		buf_grew(&input, (size_t)got);
		text = buf_span(&input);
		if (!add_lines(writer, &text, got == 0, err))
			return false;
		memmove(input.data, text.data, text.length);
		buf_cut(&input, text.length);
	} while (got > 0);
	return true;
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
