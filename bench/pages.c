/*
 * Puts the items from standard input, one a line, into pages the way Graph sends them: 999 a page,
 * the link to the next one before the items, and everything that the program selects in every item,
 * null where nothing is set. Short pages leave out what is not set, which Graph does not. All items
 * have the same members, as bench_generate's have.
 *
 *	bench_pages whole|short FOLDER ORIGIN	makes FOLDER/0.json and so on
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "directory/directory.h"

enum {
	PAGE_ITEMS = 999, /* the most that Graph gives */
	PAGE_MAX = 8 << 20,
	NULLS_MAX = 4096,
};

struct pages {
	const char *folder, *origin;
	bool whole;
	struct buf nulls; /* ,"name":null of all that the items lack, and the closing brace */
	struct buf items; /* of the page that fills up */
	size_t count;     /* of them */
	size_t number;    /* of that page */
};

/* What an item lacks of what is selected; asked for the first one only, so that making is fast. */
static void learn_nulls(struct pages *pages, struct span item)
{
	CLEANUP(buf_release) struct buf selected = BUF_UP_TO(NULLS_MAX);
	char *rest, *name;

	kind_add_select(kind_get(KIND_USER), &selected);
	rest = selected.data;
	while (pages->whole && (name = strsep(&rest, ",")))
		if (!scan_find(item, name).data)
			buf_addf(&pages->nulls, ",\"%s\":null", name);
	buf_add_byte(&pages->nulls, '}');
}

static void add_item(struct pages *pages, struct span item)
{
	if (!pages->nulls.length)
		learn_nulls(pages, item);
	if (pages->count++)
		buf_add_byte(&pages->items, ',');
	buf_add(&pages->items, item.data, item.length - 1);
	buf_add_span(&pages->items, buf_span(&pages->nulls));
}

static bool write_page(struct pages *pages, bool last, struct error *err)
{
	char path[4096];
	FILE *file;
	bool good;

	if (!buf_check(&pages->items, "a page", err))
		return false;
	snprintf(path, sizeof(path), "%s/%zu.json", pages->folder, pages->number++);
	file = fopen(path, "we");
	if (!file)
		return error_errno(err, "%s", path);
	fprintf(file, "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#users\",");
	if (!last)
		fprintf(file, "\"@odata.nextLink\":\"%s/v1.0/users?$skiptoken=%zu\",",
			pages->origin, pages->number);
	fprintf(file, "\"value\":[%s]}", buf_text(&pages->items));
	good = !ferror(file);
	if (fclose(file) != 0 || !good)
		return error_errno(err, "%s", path);
	buf_cut(&pages->items, 0);
	pages->count = 0;
	return true;
}

static bool make_pages(struct pages *pages, FILE *in, struct error *err)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	bool good = true;

	while (good && (length = getline(&line, &capacity, in)) > 1) {
		/* Only now it is known that the full page is not the last one. */
		if (pages->count == PAGE_ITEMS)
			good = write_page(pages, false, err);
		add_item(pages, (struct span){ line, (size_t)length - 1 });
	}
	free(line);
	return good && write_page(pages, true, err);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct pages pages = { .nulls = BUF_UP_TO(NULLS_MAX), .items = BUF_UP_TO(PAGE_MAX) };
	bool good;

	if (argc != 4)
		return 2;
	pages.whole = strcmp(argv[1], "whole") == 0;
	pages.folder = argv[2];
	pages.origin = argv[3];
	good = make_pages(&pages, stdin, &err);
	buf_release(&pages.nulls);
	buf_release(&pages.items);
	if (good)
		return 0;
	fprintf(stderr, "bench_pages: %s\n", err.text);
	return (int)err.kind;
}
