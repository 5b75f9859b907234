/*
 * Reading a list: what was asked for, what came, and the line of each object.
 */
#include <string.h>

#include "base/memory.h"
#include "base/scan.h"
#include "directory/directory_internal.h"

/* Outer names of one kind that were selected, and names that are always unknown. */
enum { NAMES_MAX = 2 * KIND_ATTRIBUTES_MAX };

struct line_reader {
	struct line_list list;
	struct buf select; /* the names of `selected`, where the list left them to the table */
	struct span selected[KIND_ATTRIBUTES_MAX];
	size_t selected_count;
	struct span object; /* the one that was taken last */
	struct line_facts facts;
};

static void select_all(struct line_reader *reader)
{
	struct span rest;

	kind_add_select(reader->list.kind, &reader->select);
	rest = buf_span(&reader->select);
	while (rest.length) {
		const char *comma = memchr(rest.data, ',', rest.length);
		size_t length = comma ? (size_t)(comma - rest.data) : rest.length;

		reader->selected[reader->selected_count++] = (struct span){ rest.data, length };
		length += comma != NULL;
		rest = (struct span){ rest.data + length, rest.length - length };
	}
}

struct line_reader *line_reader_new(const struct line_list *list)
{
	struct line_reader *reader = memory_new(sizeof(*reader));

	*reader = (struct line_reader){ .list = *list, .select = BUF_UP_TO(DIRECTORY_LINE_MAX) };
	if (!list->selected) {
		select_all(reader);
		return reader;
	}
	for (const char *const *name = list->selected; *name; name++) {
		assert(reader->selected_count < COUNT_OF(reader->selected));
		reader->selected[reader->selected_count++] = span_of(*name);
	}
	return reader;
}

void line_reader_free(struct line_reader *reader)
{
	if (!reader)
		return;
	buf_release(&reader->select);
	memory_free(reader);
}

static struct span value_of(const struct line_reader *reader, struct span name)
{
	struct scan scan = scan_open(reader->object);
	struct span key, value;

	while (scan_member(&scan, &key, &value))
		if (scan_compare(key, name) == 0)
			return value;
	return SPAN_NONE;
}

static bool has_mark(const struct line_reader *reader, const char *name)
{
	struct span value = value_of(reader, span_of(name));

	return attribute_find(reader->list.kind, span_of(name)) && value.data &&
		scan_type(value) != SCAN_NULL;
}

static void learn_facts(struct line_reader *reader)
{
	struct line_facts *facts = &reader->facts;

	facts->sync_enabled = scan_type(value_of(reader, SPAN_LITERAL("onPremisesSyncEnabled"))) ==
		SCAN_TRUE;
	facts->was_synced = has_mark(reader, "onPremisesSyncEnabled") ||
		has_mark(reader, "onPremisesImmutableId") ||
		has_mark(reader, "onPremisesSecurityIdentifier");
	facts->behavior_matters = facts->was_synced && !facts->sync_enabled;
}

static size_t list_unknown(const struct line_reader *reader, struct span *names)
{
	const struct line_list *list = &reader->list;
	size_t count = 0;

	for (size_t i = 0; i < reader->selected_count; i++)
		if (!value_of(reader, reader->selected[i]).data)
			names[count++] = reader->selected[i];
	for (const char *const *name = list->unknown; name && *name; name++) {
		const struct attribute *row = attribute_find(list->kind, span_of(*name));

		if (!row || row->source != SOURCE_BEHAVIOR || reader->facts.behavior_matters)
			names[count++] = span_of(*name);
	}
	return count;
}

bool line_take_object(struct line_reader *reader, struct buf *out, struct span text, size_t *taken,
	struct error *err)
{
	struct span unknown[NAMES_MAX];
	size_t length;

	if (!scan_prefix(text, &length, err))
		return false;
	reader->object = scan_trim((struct span){ text.data, length });
	if (length && scan_type(reader->object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "byte 0: not a JSON object");
	if (length) {
		learn_facts(reader);
		if (!line_add_object(out, reader->list.kind, reader->object, reader->list.deleted,
			    unknown, list_unknown(reader, unknown), err) ||
			!id_read(value_of(reader, SPAN_LITERAL("id")), reader->facts.id, err))
			return false;
	}
	*taken = length;
	return true;
}

const struct line_facts *line_reader_facts(const struct line_reader *reader)
{
	return &reader->facts;
}

struct span line_reader_value(const struct line_reader *reader, const char *name)
{
	return value_of(reader, span_of(name));
}
