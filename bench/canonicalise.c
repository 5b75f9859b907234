/*
 * Reads items as Graph sends them, one a line, and makes canonical lines: as a list is read
 * (line_take_object), one by one (line_add_object), or with jansson as the named peer (parsing with
 * duplicate keys refused, writing with sorted keys; sets stay as they came, which is less than
 * we do). Prints the bytes and the time that the work took, without reading the file; the time
 * of the whole program is for others to measure.
 *
 *	bench_canonicalise list|object|jansson ITEMS
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "directory/directory.h"

enum { BLOCK_BYTES = 1 << 20, ITEMS_MAX = BLOCK_BYTES / 256 };

/* `rest` begins with the item and goes on to the end of the block. */
typedef bool canonicalise(struct line_reader *reader, struct buf *line, struct span item,
	struct span rest, struct error *err);

static bool as_list(struct line_reader *reader, struct buf *line, struct span item,
	struct span rest, struct error *err)
{
	size_t taken;

	if (!line_take_object(reader, line, rest, &taken, err))
		return false;
	return taken == item.length || error_set(err, ERROR_FORMAT, "not one object a line");
}

static bool as_object(UNUSED struct line_reader *reader, struct buf *line, struct span item,
	UNUSED struct span rest, struct error *err)
{
	return line_add_object(line, kind_get(KIND_USER), item, false, NULL, 0, err);
}

static bool with_jansson(UNUSED struct line_reader *reader, struct buf *line, struct span item,
	UNUSED struct span rest, struct error *err)
{
	json_t *json = json_loadb(item.data, item.length, JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		return error_set(err, ERROR_FORMAT, "not JSON");
	json_add(line, json);
	json_decref(json);
	return true;
}

static const struct {
	const char *name;
	canonicalise *run;
} ways[] = { { "list", as_list }, { "object", as_object }, { "jansson", with_jansson } };

struct totals {
	size_t in, out;
	double seconds;
};

/* Of the processor: what others do on this machine counts less. */
static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The whole lines at the start of the block; returns how many. */
static size_t split(struct span block, struct span *items)
{
	const char *at = block.data, *end = at + block.length, *newline;
	size_t count = 0;

	while (count < ITEMS_MAX && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		items[count++] = (struct span){ at, (size_t)(newline - at) };
		at = newline + 1;
	}
	return count;
}

static bool work_on(struct line_reader *reader, const struct span *items, size_t count,
	const char *block_end, canonicalise *one, struct totals *totals, struct error *err)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);
	double began = now_s();

	for (size_t i = 0; i < count; i++) {
		buf_cut(&line, 0);
		if (!one(reader, &line, items[i],
			    (struct span){ items[i].data, (size_t)(block_end - items[i].data) },
			    err))
			return false;
		totals->in += items[i].length;
		totals->out += line.length;
	}
	totals->seconds += now_s() - began;
	return true;
}

static bool work_through(FILE *file, canonicalise *one, struct totals *totals, struct error *err)
{
	CLEANUP(memory_freep) char *block = memory_new(BLOCK_BYTES);
	/* Nothing is missing: the generated items have what a list of this kind would select. */
	static const char *const selected[] = { "id", NULL };
	CLEANUP(line_reader_freep)
	struct line_reader *reader = line_reader_new(
		&(struct line_list){ .kind = kind_get(KIND_USER), .selected = selected });
	CLEANUP(memory_freep) struct span *items = memory_array(ITEMS_MAX, sizeof(*items));
	size_t kept = 0, got, count, done;

	while ((got = fread(block + kept, 1, BLOCK_BYTES - kept, file))) {
		kept += got;
		count = split((struct span){ block, kept }, items);
		if (!work_on(reader, items, count, block + kept, one, totals, err))
			return false;
		if (!count)
			return error_set(
				err, ERROR_FORMAT, "an item longer than %d bytes", BLOCK_BYTES);
		done = (size_t)(items[count - 1].data + items[count - 1].length + 1 - block);
		kept -= done;
		memmove(block, block + done, kept);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct totals totals = { 0 };
	canonicalise *run = NULL;
	FILE *items;

	for (size_t i = 0; argc == 3 && i < COUNT_OF(ways); i++)
		if (strcmp(argv[1], ways[i].name) == 0)
			run = ways[i].run;
	if (!run)
		return 2;
	items = fopen(argv[2], "re");
	if (!items) {
		perror(argv[2]);
		return 9;
	}
	setvbuf(items, NULL, _IONBF, 0); /* a block is about what a page of Graph is */
	if (!work_through(items, run, &totals, &err)) {
		fprintf(stderr, "bench_canonicalise: %s\n", err.text);
		return (int)err.kind;
	}
	fclose(items);
	printf("{\"bytes\":%zu,\"lineBytes\":%zu,\"seconds\":%.6f}\n", totals.in, totals.out,
		totals.seconds);
	return 0;
}
