/* What connector spaces held: on the screen, and as JSON. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/import.h"

enum {
	WRITES_SHOWN = 6,
	DN_COLUMNS = 66,
	NOTE_COLUMNS = 63,
	LINE_MAX = 4 << 10,
	JSON_TEXT_MAX = 1 << 20
};

static unsigned long long number(uint64_t value)
{
	return (unsigned long long)value;
}

/* ---- screen ----------------------------------------------------------------------------------- */

static void add_objects(struct screen *screen, const struct space_report *report)
{
	char imported[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "  %llu objects: %llu users, %llu groups, %llu contacts\n",
		number(report->objects), number(report->by_kind[KIND_USER]),
		number(report->by_kind[KIND_GROUP]), number(report->by_kind[KIND_CONTACT]));
	if (report->imported_ms > 0)
		screen_addf(screen, STYLE_PLAIN, "  last import %s UTC\n",
			screen_time(report->imported_ms, imported));
}

static void add_deltas(struct screen *screen, const struct space_report *report)
{
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	screen_addf(screen, report->exported ? STYLE_RED : STYLE_PLAIN,
		"  %7llu  objects that it wrote and did not read back yet\n",
		number(report->exported));
	if (report->escrowed)
		screen_addf(screen, STYLE_RED,
			"  %7llu  objects that it was writing when a run died: perhaps written\n",
			number(report->escrowed));
	screen_addf(screen, STYLE_PLAIN, "  %7llu  objects that it would write next\n",
		number(report->pending));
	if (report->pending_deletes)
		screen_addf(screen, STYLE_YELLOW, "  %7llu  of these it would delete\n",
			number(report->pending_deletes));
	if (report->first_export_ms != TIME_NONE)
		screen_addf(screen, STYLE_PLAIN, "  written from %s to %s UTC\n",
			screen_time(report->first_export_ms, from),
			screen_time(report->last_export_ms, until));
}

static void add_writes(struct screen *screen, const struct space_report *report)
{
	if (!report->written)
		return;
	screen_addf(screen, STYLE_RED, "  %7llu  values written to Active Directory itself\n",
		number(report->written));
	for (size_t i = 0; i < report->write_count && i < WRITES_SHOWN; i++) {
		const struct space_write *write = &report->writes[i];

		screen_addf(screen, STYLE_PLAIN, "           ");
		screen_text(screen, STYLE_PLAIN, span_of(write->dn), DN_COLUMNS, false);
		screen_addf(screen, STYLE_PLAIN, "\n             ");
		screen_text(screen, STYLE_YELLOW,
			span_of(write->attribute ? write->attribute : "the object"), 24, true);
		screen_addf(screen, STYLE_PLAIN, " ");
		screen_text(screen, STYLE_PLAIN, span_of(write->new_value ? write->new_value : "-"),
			40, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	if (report->written > WRITES_SHOWN)
		screen_addf(screen, STYLE_DIM, "           … --json lists up to %d\n",
			SPACE_WRITES_MAX);
}

static const struct space_note *first_note(
	const struct space_report *report, enum space_note_kind kind)
{
	for (size_t i = 0; i < report->note_count; i++)
		if (report->notes[i].kind == kind)
			return &report->notes[i];
	return NULL;
}

static void add_notes(struct screen *screen, const struct space_report *report)
{
	for (size_t kind = 0; kind < SPACE_NOTE_KINDS; kind++) {
		const struct space_note *note = first_note(report, (enum space_note_kind)kind);

		if (!report->noted[kind])
			continue;
		screen_addf(screen, STYLE_YELLOW, "  %7llu  %s", number(report->noted[kind]),
			space_note_name((enum space_note_kind)kind));
		screen_addf(screen, STYLE_PLAIN, "\n           ");
		screen_paragraph(screen, STYLE_DIM,
			span_of(space_note_text((enum space_note_kind)kind)), 11);
		if (!note)
			continue;
		screen_addf(screen, STYLE_PLAIN, "           first ");
		screen_text(screen, STYLE_DIM, span_of(note->dn), NOTE_COLUMNS, false);
		if (note->detail && *note->detail) {
			screen_addf(screen, STYLE_PLAIN, "\n                 ");
			screen_text(screen, STYLE_DIM, span_of(note->detail), NOTE_COLUMNS, false);
		}
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
}

void import_show_space(struct screen *screen, const struct space_report *report)
{
	screen_addf(screen, STYLE_BOLD, "\nIts connector space ");
	screen_text(screen, STYLE_BOLD, span_of(report->connector), 56, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	add_objects(screen, report);
	if (report->role == SPACE_DIRECTORY)
		add_writes(screen, report);
	else
		add_deltas(screen, report);
	add_notes(screen, report);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_t *printable(const char *text)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(JSON_TEXT_MAX);

	if (!text)
		return json_null();
	text_printable(&shown, span_of(text));
	return json_string(buf_text(&shown));
}

static json_t *instant(int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	return ms == TIME_NONE ? json_null() : json_string(time_text(ms, text));
}

static json_t *notes_json(const struct space_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->note_count; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:o, s:o}", "kind", space_note_name(report->notes[i].kind),
				"dn", printable(report->notes[i].dn), "detail",
				printable(report->notes[i].detail)));
	return list;
}

static json_t *noted_json(const struct space_report *report)
{
	json_t *object = json_object();

	for (size_t kind = 0; kind < SPACE_NOTE_KINDS; kind++)
		json_object_set_new(object, space_note_name((enum space_note_kind)kind),
			json_integer((json_int_t)report->noted[kind]));
	return object;
}

static json_t *writes_json(const struct space_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->write_count; i++) {
		const struct space_write *write = &report->writes[i];

		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "dn", printable(write->dn),
				"id", printable(write->id), "attribute",
				printable(write->attribute), "old", printable(write->old_value),
				"new", printable(write->new_value), "when", instant(write->when_ms),
				"escrowed", write->escrowed));
	}
	return list;
}

json_t *import_space_json(const struct space_report *report)
{
	return json_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
		"s:o, s:o, s:o, s:o, s:o}",
		"connector", printable(report->connector), "objects", (json_int_t)report->objects,
		"users", (json_int_t)report->by_kind[KIND_USER], "groups",
		(json_int_t)report->by_kind[KIND_GROUP], "contacts",
		(json_int_t)report->by_kind[KIND_CONTACT], "exported", (json_int_t)report->exported,
		"escrowed", (json_int_t)report->escrowed, "pending", (json_int_t)report->pending,
		"facts", (json_int_t)report->facts, "shown", (json_int_t)report->shown, "forecast",
		(json_int_t)report->forecast, "foreseen", (json_int_t)report->foreseen,
		"pending_deletes", (json_int_t)report->pending_deletes, "lines",
		(json_int_t)report->lines, "written", (json_int_t)report->written, "imported",
		instant(report->imported_ms), "first_export", instant(report->first_export_ms),
		"last_export", instant(report->last_export_ms), "noted", noted_json(report),
		"notes", notes_json(report), "writes", writes_json(report));
}
