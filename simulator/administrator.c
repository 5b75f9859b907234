/* An administrator at work with our hand-off files: the CSV, and a paragraph. */
#include "base/file.h"
#include "base/memory.h"
#include "simulator/space.h"

enum { CSV_MAX = 64 << 20, CELLS_MAX = 64, CELL_MAX = 64 << 10 };

/* One record of RFC 4180: quoted cells, doubled quotes. */
struct csv_record {
	struct buf cells[CELLS_MAX];
	size_t count;
};

static void csv_release(struct csv_record *record)
{
	for (size_t i = 0; i < CELLS_MAX; i++)
		buf_release(&record->cells[i]);
}

static void csv_clear(struct csv_record *record)
{
	csv_release(record);
	for (size_t i = 0; i < CELLS_MAX; i++)
		record->cells[i] = (struct buf)BUF_UP_TO(CELL_MAX);
	record->count = 0;
}

/* Reads one cell from `at`; returns where it ends: at a comma, a line's end or the text's. */
static size_t csv_cell(struct span text, size_t at, struct buf *cell)
{
	bool quoted = at < text.length && text.data[at] == '"';

	for (at += quoted; at < text.length; at++) {
		char byte = text.data[at];

		if (quoted && byte == '"') {
			if (at + 1 >= text.length || text.data[at + 1] != '"')
				return at + 1;
			at++;
		} else if (!quoted && (byte == ',' || byte == '\r' || byte == '\n')) {
			return at;
		}
		buf_add_byte(cell, byte);
	}
	return at;
}

/* The next record; false at the end of the text. */
static bool csv_next(struct span text, size_t *at, struct csv_record *record)
{
	csv_clear(record);
	if (*at >= text.length)
		return false;
	while (record->count < CELLS_MAX) {
		*at = csv_cell(text, *at, &record->cells[record->count++]);
		if (*at < text.length && text.data[*at] == ',') {
			++*at;
			continue;
		}
		while (*at < text.length && (text.data[*at] == '\r' || text.data[*at] == '\n'))
			++*at;
		return true;
	}
	return true;
}

static bool find_column(const struct csv_record *record, const char *name, size_t *column)
{
	for (*column = 0; *column < record->count; ++*column) {
		if (strcmp(buf_text(&record->cells[*column]), name) == 0)
			return true;
	}
	return false;
}

/* "User_<object id>" (facts 3.5): the id, or NULL. */
static const char *anchor_id(const char *cloud_anchor)
{
	const char *line = strchr(cloud_anchor, '_');

	return line && text_is_guid(span_of(line + 1)) ? line + 1 : NULL;
}

static bool remove_listed(
	struct simulator *simulator, struct span text, const char *path, struct error *err)
{
	struct actor administrator = story_admin();
	CLEANUP(csv_release) struct csv_record record = { 0 };
	size_t at = 0, column, row = 1;

	administrator.door = "adsync";
	if (!csv_next(text, &at, &record) || !find_column(&record, "CloudAnchor", &column))
		return error_set(err, ERROR_FORMAT, "%s: no column CloudAnchor", path);
	while (csv_next(text, &at, &record)) {
		const char *id = column < record.count ? anchor_id(buf_text(&record.cells[column]))
						       : NULL;
		enum object_state state = OBJECT_GONE;
		json_t *object;

		row++;
		if (!id)
			return error_set(
				err, ERROR_FORMAT, "%s: row %zu has no cloud anchor", path, row);
		object = tenant_get(simulator, id, NULL, &state);
		json_decref(object);
		if (object && state == OBJECT_LIVE &&
			(!tenant_delete(simulator, &administrator, id, err) ||
				!space_removed(simulator, id, err)))
			return error_prefix(err, "%s: row %zu", path, row);
	}
	return true;
}

bool simulator_play_adsync(struct simulator *simulator, const char *csv_path, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(CSV_MAX);
	bool done;

	if (!file_load(csv_path, CSV_MAX, &text, err))
		return false;
	simulator_lock(simulator);
	done = simulator_begin(simulator, err) &&
		remove_listed(simulator, buf_span(&text), csv_path, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_play_manual(struct simulator *simulator, const char *id, const char *attribute,
	struct span value, struct error *err)
{
	struct actor person = story_help_desk();
	CLEANUP(json_freep) json_t *json = json_from_span(value);
	bool done;

	person.door = "manual";
	simulator_lock(simulator);
	done = tenant_set(simulator, &person, id, attribute, json, err);
	simulator_unlock(simulator);
	return done;
}
