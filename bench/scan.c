/*
 * Checks directory pages, as Graph sends them, with our scanner, or with jansson as the named peer
 * (parsing, with duplicate keys refused). The pages are put together from items, one a line, as
 * bench_generate writes them. Prints the bytes and the processor time of the checking alone.
 *
 *	bench_scan ours|jansson ITEMS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/scan.h"

enum { PAGE_ITEMS = 999, PAGE_BYTES_MAX = 16 << 20 };

typedef bool check_page(struct span page, struct error *err);

static bool with_jansson(struct span page, struct error *err)
{
	json_t *json = json_loadb(page.data, page.length, JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		return error_set(err, ERROR_FORMAT, "not JSON");
	json_decref(json);
	return true;
}

struct totals {
	size_t bytes;
	double seconds;
};

/* Of the processor: what others do on this machine counts less. */
static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The next page of items from the file; no items: the end. */
static size_t read_page(FILE *file, struct buf *page, char **line, size_t *capacity)
{
	size_t count = 0;
	ssize_t length;

	buf_cut(page, 0);
	buf_add_text(page,
		"{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#users\","
		"\"@odata.nextLink\":\"https://graph.microsoft.com/v1.0/users?$skiptoken=x\","
		"\"value\":[");
	while (count < PAGE_ITEMS && (length = getline(line, capacity, file)) > 0) {
		if (count++)
			buf_add_byte(page, ',');
		buf_add(page, *line, (size_t)length - 1);
	}
	buf_add_text(page, "]}");
	return count;
}

static bool work_through(FILE *file, check_page *check, struct totals *totals, struct error *err)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(PAGE_BYTES_MAX);
	char *line = NULL; /* of getline() */
	size_t capacity = 0;
	bool good = true;

	while (good && read_page(file, &page, &line, &capacity)) {
		double began = now_s();

		good = buf_check(&page, "a page", err) && check(buf_span(&page), err);
		totals->seconds += now_s() - began;
		totals->bytes += page.length;
	}
	free(line);
	return good;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct totals totals = { 0 };
	FILE *items;

	if (argc != 3)
		return 2;
	items = fopen(argv[2], "re");
	if (!items) {
		perror(argv[2]);
		return 9;
	}
	if (!work_through(
		    items, strcmp(argv[1], "jansson") ? scan_check : with_jansson, &totals, &err)) {
		fprintf(stderr, "bench_scan: %s\n", err.text);
		return (int)err.kind;
	}
	fclose(items);
	printf("{\"bytes\":%zu,\"seconds\":%.6f}\n", totals.bytes, totals.seconds);
	return 0;
}
