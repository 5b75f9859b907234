/*
 * What the production server shows of those values that the evidence already names: FACT_SHOWN. Only
 * these, since a whole directory of facts would not fit into memory, and proves nothing more.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "imports/space_internal.h"

struct wanted {
	uint8_t id[ID_BINARY_BYTES];
	const struct attribute *row; /* NULL: the object */
};

struct shown {
	uint8_t id[ID_BINARY_BYTES];
	const struct kind *kind;
	const struct attribute *row;
	enum fact_source source;
	enum fact_operation operation;
	char *json, *reference; /* `json` NULL: of the object */
};

struct space_shown {
	struct wanted *wanted;
	struct shown *shown;
	size_t wanted_count, shown_count, shown_capacity;
};

static int wanted_order(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;
	int order = memcmp(a->id, b->id, ID_BINARY_BYTES);

	return order ? order : (a->row > b->row) - (a->row < b->row);
}

struct space_shown *space_shown_new(struct evidence *evidence)
{
	struct space_shown *shown = memory_new(sizeof(*shown));
	size_t facts = evidence_count(evidence), kept = 0;
	struct wanted *wanted = memory_array(facts + 1, sizeof(*wanted));

	for (size_t i = 0; i < facts; i++) {
		const struct fact *fact = evidence_fact(evidence, i);

		wanted[kept].row = fact->attribute;
		if (fact->operation != FACT_SHOWN && id_parse(span_of(fact->id), wanted[kept].id))
			kept++;
	}
	qsort(wanted, kept, sizeof(*wanted), wanted_order);
	shown->wanted = wanted;
	for (size_t i = 0; i < kept; i++)
		if (!shown->wanted_count ||
			wanted_order(&wanted[shown->wanted_count - 1], &wanted[i]) != 0)
			wanted[shown->wanted_count++] = wanted[i];
	return shown;
}

void space_shown_free(struct space_shown *shown)
{
	if (!shown)
		return;
	for (size_t i = 0; i < shown->shown_count; i++) {
		memory_free(shown->shown[i].json);
		memory_free(shown->shown[i].reference);
	}
	memory_free(shown->shown);
	memory_free(shown->wanted);
	memory_free(shown);
}

static size_t first_wanted(const struct space_shown *shown, const uint8_t *id)
{
	size_t low = 0, high = shown->wanted_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(shown->wanted[middle].id, id, ID_BINARY_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void keep(struct space *space, const struct space_object *object,
	const struct attribute *row, struct shown kept)
{
	struct space_shown *shown = space->shown;
	struct buf reference = BUF_UP_TO(SPACE_TEXT_MAX);

	buf_addf(&reference, "%s ", space->file);
	buf_add_span(&reference, space_text(object, object->dn));
	kept.kind = object->kind;
	kept.row = row;
	kept.reference = buf_detach(&reference);
	memcpy(kept.id, object->id, ID_BINARY_BYTES);
	MEMORY_GROW(shown->shown, shown->shown_count, shown->shown_capacity);
	shown->shown[shown->shown_count++] = kept;
}

/* The line that the object has in a base is what is shown: so the two can't differ. */
static void keep_value(struct space *space, const struct space_object *object,
	const struct object *line, const struct attribute *row, enum fact_source source)
{
	struct span value = row ? object_get(line, row) : SPAN_NONE;

	/* Of an object, that it is there says nothing of what comes next. */
	if (row ? object_unknown(line, row) : source == FROM_PRODUCTION_FORECAST)
		return;
	keep(space, object, row,
		(struct shown){ .source = source,
			.operation = FACT_SHOWN,
			.json = value.data ? memory_text_span(value.data, value.length) : NULL });
}

static bool is_wanted(const struct space_shown *shown, size_t at, const uint8_t *id)
{
	return at < shown->wanted_count && memcmp(shown->wanted[at].id, id, ID_BINARY_BYTES) == 0;
}

bool space_shown_wants(const struct space_shown *shown, const struct space_object *object)
{
	return is_wanted(shown, first_wanted(shown, object->id), object->id);
}

void space_shown_add_deletion(struct space *space, const struct space_object *object)
{
	keep(space, object, NULL,
		(struct shown){ .source = FROM_PRODUCTION_FORECAST, .operation = FACT_DELETE });
}

bool space_shown_add(struct space *space, const struct space_object *object, struct span lines,
	enum fact_source source, struct error *err)
{
	struct space_shown *shown = space->shown;
	size_t at = first_wanted(shown, object->id);
	struct object *line;

	if (!is_wanted(shown, at, object->id))
		return true;
	line = object_parse(lines, err);
	if (!line)
		return false;
	for (; is_wanted(shown, at, object->id); at++)
		keep_value(space, object, line, shown->wanted[at].row, source);
	object_free(line);
	return true;
}

static void count(struct space_report *report, const struct shown *shown)
{
	if (shown->source == FROM_PRODUCTION_FORECAST)
		report->foreseen++;
	else
		report->shown++;
}

bool space_shown_finish(struct space *space, int64_t when_ms, struct error *err)
{
	static const struct writer nobody = { .name = NULL };
	char id[ID_BYTES + 1];

	for (size_t i = 0; i < space->shown->shown_count; i++) {
		const struct shown *shown = &space->shown->shown[i];
		struct fact fact = {
			.when_ms = shown->source == FROM_PRODUCTION_FORECAST ? space->latest_ms
									     : when_ms,
			.source = shown->source,
			.who = space->import->who ? space->import->who : &nobody,
			.kind = shown->kind,
			.id = id,
			.attribute = shown->row,
			.operation = shown->operation,
			.new_known = shown->row != NULL,
			.new_value = span_of(shown->json),
			.reference = shown->reference,
		};

		id_text(shown->id, id);
		/* As of when is what makes it worth something. */
		if (shown->source == FROM_PRODUCTION_FORECAST && space->latest_ms == TIME_NONE)
			continue;
		if (!evidence_add_fact(space->import->evidence, &fact, err))
			return false;
		count(space->report, shown);
	}
	return true;
}
