#include "simulator/sheet.h"

#include <ctype.h>
#include <time.h>

#include <sodium.h>

#include "base/memory.h"
#include "base/text.h"

enum {
	SHEET_PASS_BYTES = 64 << 10,
	SHEET_PIECE_MAX = 64 << 20,
	FIRST_SUPPLEMENTARY = 0x10000,
};

bool sheet_open(struct sheet *sheet, const char *path, bool wide, struct error *err)
{
	static const uint8_t mark[] = { 0xff, 0xfe };

	*sheet = (struct sheet){ .text = BUF_UP_TO(SHEET_PIECE_MAX), .wide = wide };
	sheet->file = file_create(path, err);
	return sheet->file && (!wide || file_write(sheet->file, mark, sizeof(mark), err));
}

static void add_unit(struct buf *out, uint32_t unit)
{
	buf_add_byte(out, (char)(unit & 0xff));
	buf_add_byte(out, (char)(unit >> 8));
}

static void add_scalar(struct buf *out, uint32_t scalar)
{
	if (scalar < FIRST_SUPPLEMENTARY) {
		add_unit(out, scalar);
		return;
	}
	scalar -= FIRST_SUPPLEMENTARY;
	add_unit(out, 0xd800 | scalar >> 10);
	add_unit(out, 0xdc00 | (scalar & 0x3ff));
}

static bool write_wide(struct sheet *sheet, struct error *err)
{
	CLEANUP(buf_release) struct buf wide = BUF_UP_TO(2 * (size_t)SHEET_PIECE_MAX);
	struct span text = buf_span(&sheet->text);
	size_t at = 0;

	while (at < text.length) {
		uint32_t scalar;

		if (!text_scalar(text, &at, &scalar))
			return error_set(err, ERROR_FORMAT, "simulator: a value is no UTF-8");
		add_scalar(&wide, scalar);
	}
	return file_write(sheet->file, wide.data, wide.length, err);
}

static bool write_out(struct sheet *sheet, struct error *err)
{
	bool done;

	if (!buf_check(&sheet->text, "a piece of a file", err))
		return false;
	if (!sheet->text.length)
		return true;
	done = sheet->wide ? write_wide(sheet, err)
			   : file_write(sheet->file, sheet->text.data, sheet->text.length, err);
	buf_cut(&sheet->text, 0);
	return done;
}

bool sheet_pass(struct sheet *sheet, struct error *err)
{
	return (sheet->text.length < SHEET_PASS_BYTES && !sheet->text.overflowed) ||
		write_out(sheet, err);
}

bool sheet_close(struct sheet *sheet, struct error *err)
{
	return write_out(sheet, err) && file_commit(TAKE(sheet->file), err);
}

void sheet_release(struct sheet *sheet)
{
	file_abandon(sheet->file);
	buf_release(&sheet->text);
}

/* ---- XML ---------------------------------------------------------------------------------------- */

void markup_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			buf_add_text(out, "&lt;");
			break;
		case '>':
			buf_add_text(out, "&gt;");
			break;
		case '&':
			buf_add_text(out, "&amp;");
			break;
		case '"':
			buf_add_text(out, "&quot;");
			break;
		case '\r': /* a reader would make a newline of it */
			buf_add_text(out, "&#xD;");
			break;
		default:
			buf_add_byte(out, *text);
		}
	}
}

void markup_line(struct buf *out, unsigned indent, const char *name, const char *text)
{
	buf_addf(out, "%*s<%s>", (int)indent, "", name);
	markup_text(out, text);
	buf_addf(out, "</%s>\r\n", name);
}

bool markup_can_hold(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' && *text != '\t' && *text != '\n' && *text != '\r')
			return false;
	}
	return true;
}

/* ---- JSON of Windows PowerShell ------------------------------------------------------------ */

static const char *short_escape(char byte)
{
	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* Its serialiser was made for web pages: what could end a script is escaped, too. */
void shell_text(struct buf *out, const char *text)
{
	buf_add_byte(out, '"');
	for (; *text; text++) {
		const char *escape = short_escape(*text);

		if (escape)
			buf_add_text(out, escape);
		else if ((unsigned char)*text < ' ' || strchr("<>&'", *text))
			buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			buf_add_byte(out, *text);
	}
	buf_add_byte(out, '"');
}

/* ---- forms of values ------------------------------------------------------------------------- */

char *engine_time(int64_t ms, char text[static ENGINE_TIME_BYTES])
{
	time_t second = (time_t)(ms / 1000);
	struct tm parts;
	size_t length;

	gmtime_r(&second, &parts);
	length = strftime(text, ENGINE_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &parts);
	snprintf(text + length, ENGINE_TIME_BYTES - length, ".%03d", (int)(ms % 1000));
	return text;
}

char *braced_guid(const char *guid, char text[static BRACED_GUID_BYTES])
{
	snprintf(text, BRACED_GUID_BYTES, "{%s}", guid);
	for (char *at = text; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return text;
}

void add_base64(struct buf *out, const void *data, size_t length)
{
	size_t room = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	char *text = buf_room(out, room);

	if (!text)
		return;
	sodium_bin2base64(text, room, data, length, sodium_base64_VARIANT_ORIGINAL);
	buf_grew(out, room - 1);
}
