#include "imports/records.h"

#include <string.h>

#include "base/memory.h"

enum {
	RECORD_MAX = 64 << 20, /* one object: a run with its steps and their error lists */
};

/* Between the objects. */
enum place { OUTSIDE, LIST_OPENED, BEHIND_OBJECT, BEHIND_COMMA };

struct records {
	struct text_file *file;
	struct buf text; /* read and not yet forgotten */
	size_t at;       /* in `text`: behind what was handed out */
	bool ended;      /* the file has nothing behind `text` */
	enum place place;
	struct scan inner; /* the elements of {"value":[…]} */
	bool in_inner;
	/* Of the beginning of `text`, in the file, and of the last record. */
	uint64_t line, offset, record_line, record_offset;
};

struct records *records_open(const char *path, struct error *err)
{
	CLEANUP(records_closep) struct records *records = memory_new(sizeof(*records));

	records->text = (struct buf)BUF_UP_TO(RECORD_MAX);
	records->line = records->record_line = 1;
	records->file = text_file_open(path, err);
	return records->file ? TAKE(records) : NULL;
}

void records_close(struct records *records)
{
	if (!records)
		return;
	text_file_close(records->file);
	buf_release(&records->text);
	memory_free(records);
}

/* ---- where in the file ------------------------------------------------------------------ */

static uint64_t lines_of(struct span text)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < text.length; i++)
		lines += text.data[i] == '\n';
	return lines;
}

static void remember_place(struct records *records)
{
	struct span before = { buf_text(&records->text), records->at };

	records->record_line = records->line + lines_of(before);
	records->record_offset = records->offset + text_file_bytes(records->file, before);
}

bool records_place(const struct records *records, struct error *err)
{
	return error_prefix(err, "%s: line %llu, byte %llu", text_file_path(records->file),
		(unsigned long long)records->record_line,
		(unsigned long long)(records->record_offset + text_file_mark(records->file)));
}

static bool fail(struct records *records, const char *what, struct error *err)
{
	remember_place(records);
	error_set(err, ERROR_FORMAT, "%s", what);
	return records_place(records, err);
}

/* ---- the text --------------------------------------------------------------------------- */

static struct span rest(const struct records *records)
{
	return (struct span){ buf_text(&records->text) + records->at,
		records->text.length - records->at };
}

/* Forgets what was handed out. */
static void forget(struct records *records)
{
	struct span before = { buf_text(&records->text), records->at };

	if (!records->at)
		return;
	records->line += lines_of(before);
	records->offset += text_file_bytes(records->file, before);
	memmove(records->text.data, records->text.data + records->at,
		records->text.length - records->at);
	buf_cut(&records->text, records->text.length - records->at);
	records->at = 0;
}

/* At least twice as much text as before: what scan_prefix() wishes for. */
static bool read_more(struct records *records, struct error *err)
{
	size_t wanted;

	forget(records);
	wanted = records->text.length * 2 + 1;
	while (!records->ended && records->text.length < wanted) {
		if (!text_file_read(records->file, &records->text, &records->ended, err))
			return false;
		if (records->text.overflowed)
			return fail(records,
				"a record of more than 64 MiB; ask for fewer steps at a time", err);
	}
	return true;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The next byte that is no blank, in `*byte`; NUL at the end of the file. */
static bool peek(struct records *records, char *byte, struct error *err)
{
	for (;;) {
		struct span text = rest(records);

		for (size_t i = 0; i < text.length; i++) {
			if (is_blank(text.data[i]))
				continue;
			records->at += i;
			*byte = text.data[i];
			return *byte || fail(records, "a NUL", err);
		}
		records->at = records->text.length;
		if (records->ended) {
			*byte = '\0';
			return true;
		}
		if (!read_more(records, err))
			return false;
	}
}

/* ---- records ---------------------------------------------------------------------------- */

/* {"value":[…],"Count":2} */
static bool open_inner(struct records *records, struct span object)
{
	struct span value = scan_find(object, "value");

	records->in_inner = scan_type(value) == SCAN_ARRAY && scan_find(object, "Count").data;
	if (records->in_inner)
		records->inner = scan_open(value);
	return records->in_inner;
}

static bool take_object(struct records *records, struct span *object, struct error *err)
{
	size_t taken = 0;

	remember_place(records);
	for (;;) {
		if (!scan_prefix(rest(records), NULL, NULL, &taken, err))
			return records_place(records, err);
		if (taken)
			break;
		if (records->ended) {
			error_set(err, ERROR_FORMAT,
				"the file ends in the middle of this record; copy it again");
			return records_place(records, err);
		}
		if (!read_more(records, err))
			return false;
	}
	*object = (struct span){ rest(records).data, taken };
	records->at += taken;
	return true;
}

/* What may follow: brackets and commas around the objects, which are '{' here; 0 is the end. */
static const struct step {
	enum place at;
	char byte;
	enum place then;
} steps[] = {
	{ OUTSIDE, '{', OUTSIDE },
	{ OUTSIDE, '[', LIST_OPENED },
	{ OUTSIDE, '\0', OUTSIDE },
	{ LIST_OPENED, '{', BEHIND_OBJECT },
	{ LIST_OPENED, ']', OUTSIDE },
	{ BEHIND_OBJECT, ',', BEHIND_COMMA },
	{ BEHIND_OBJECT, ']', OUTSIDE },
	{ BEHIND_COMMA, '{', BEHIND_OBJECT },
};

static bool take_step(struct records *records, char byte, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		if (steps[i].at != records->place || steps[i].byte != byte)
			continue;
		records->place = steps[i].then;
		return true;
	}
	if (!byte)
		return fail(records, "the file ends before its list does; copy it again", err);
	return fail(records, "this is not what ConvertTo-Json writes here", err);
}

/* To the next object, or the end: `*more` says which. */
static bool step_to_object(struct records *records, bool *more, struct error *err)
{
	char byte;

	for (;;) {
		if (!peek(records, &byte, err) || !take_step(records, byte, err))
			return false;
		*more = byte == '{';
		if (*more || !byte)
			return true;
		records->at++;
	}
}

bool records_next(struct records *records, struct span *record, struct error *err)
{
	bool more;

	for (;;) {
		if (records->in_inner && scan_element(&records->inner, record))
			return scan_type(*record) == SCAN_OBJECT ||
				fail(records, "\"value\" has something that is no record", err);
		records->in_inner = false;
		*record = SPAN_NONE;
		if (!step_to_object(records, &more, err))
			return false;
		if (!more)
			return true;
		if (!take_object(records, record, err))
			return false;
		if (!open_inner(records, *record))
			return true;
	}
}
