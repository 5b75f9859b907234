#include "imports/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum {
	PIECE_BYTES = 64 << 10,
	UTF8_LONGEST = 4, /* bytes of a character */
	HIGH_SURROGATE = 0xd800,
	LOW_SURROGATE = 0xdc00,
	SURROGATES_END = 0xe000,
	BEYOND_SURROGATES = 0x10000,
};

enum encoding { ENCODING_UTF8, ENCODING_UTF16LE, ENCODING_UTF16BE };

struct text_file {
	char *path;
	int descriptor;
	enum encoding encoding;
	uint64_t mark;   /* bytes */
	uint64_t offset; /* of the file, behind what was handed out */
	bool begun, ended;
	size_t held; /* bytes in `piece` that were read and not handed out */
	unsigned char piece[PIECE_BYTES];
};

/* How a file begins; without a mark, by the blank half of its first bracket. */
static const struct beginning {
	unsigned char bytes[3];
	size_t length, mark;
	enum encoding encoding;
} beginnings[] = {
	{ { 0xef, 0xbb, 0xbf }, 3, 3, ENCODING_UTF8 },
	{ { 0xff, 0xfe }, 2, 2, ENCODING_UTF16LE },
	{ { 0xfe, 0xff }, 2, 2, ENCODING_UTF16BE },
	{ { '<', 0 }, 2, 0, ENCODING_UTF16LE },
	{ { '[', 0 }, 2, 0, ENCODING_UTF16LE },
	{ { '{', 0 }, 2, 0, ENCODING_UTF16LE },
	{ { 0, '<' }, 2, 0, ENCODING_UTF16BE },
	{ { 0, '[' }, 2, 0, ENCODING_UTF16BE },
	{ { 0, '{' }, 2, 0, ENCODING_UTF16BE },
};

struct text_file *text_file_open(const char *path, struct error *err)
{
	CLEANUP(text_file_closep) struct text_file *file = memory_new(sizeof(*file));
	struct stat status;

	file->path = memory_text(path);
	file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
		error_errno(err, "%s: can't open", path);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_SYSTEM, "%s: is no regular file", path);
		return NULL;
	}
	return TAKE(file);
}

void text_file_close(struct text_file *file)
{
	if (!file)
		return;
	if (file->descriptor >= 0)
		close(file->descriptor);
	memory_free(file->path);
	memory_free(file);
}

const char *text_file_path(const struct text_file *file)
{
	return file->path;
}

uint64_t text_file_mark(const struct text_file *file)
{
	return file->mark;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool fill(struct text_file *file, struct error *err)
{
	while (file->held < sizeof(file->piece) && !file->ended) {
		ssize_t got = read(file->descriptor, file->piece + file->held,
			sizeof(file->piece) - file->held);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s: can't read", file->path);
		file->ended = got == 0;
		file->held += (size_t)got;
	}
	return true;
}

static void drop(struct text_file *file, size_t count)
{
	memmove(file->piece, file->piece + count, file->held - count);
	file->held -= count;
	file->offset += count;
}

static void recognise(struct text_file *file)
{
	file->begun = true;
	for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
		const struct beginning *row = &beginnings[i];

		if (file->held < row->length || memcmp(file->piece, row->bytes, row->length) != 0)
			continue;
		file->encoding = row->encoding;
		file->mark = row->mark;
		drop(file, row->mark);
		return;
	}
}

static bool fail(const struct text_file *file, size_t at, const char *what, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "%s: byte %llu: %s; is the file complete?", file->path,
		(unsigned long long)(file->offset + at), what);
}

/* A character that the piece cuts waits for the next piece. */
static bool take_utf8(struct text_file *file, struct buf *out, struct error *err)
{
	struct span held = { (const char *)file->piece, file->held };
	size_t whole = 0, at = 0;
	uint32_t scalar;

	while (at < held.length && text_scalar(held, &at, &scalar))
		whole = at;
	if (whole < held.length && (file->ended || held.length - whole >= UTF8_LONGEST))
		return fail(file, whole, "not UTF-8", err);
	buf_add(out, held.data, whole);
	drop(file, whole);
	return true;
}

static uint32_t unit_at(const struct text_file *file, size_t at)
{
	unsigned first = file->piece[at], second = file->piece[at + 1];

	return file->encoding == ENCODING_UTF16LE ? first | second << 8 : first << 8 | second;
}

static void add_scalar(struct buf *out, uint32_t scalar)
{
	if (scalar < 0x80) {
		buf_add_byte(out, (char)scalar);
	} else if (scalar < 0x800) {
		buf_add_byte(out, (char)(0xc0 | scalar >> 6));
		buf_add_byte(out, (char)(0x80 | (scalar & 0x3f)));
	} else if (scalar < BEYOND_SURROGATES) {
		buf_add_byte(out, (char)(0xe0 | scalar >> 12));
		buf_add_byte(out, (char)(0x80 | (scalar >> 6 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (scalar & 0x3f)));
	} else {
		buf_add_byte(out, (char)(0xf0 | scalar >> 18));
		buf_add_byte(out, (char)(0x80 | (scalar >> 12 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (scalar >> 6 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (scalar & 0x3f)));
	}
}

static bool take_utf16(struct text_file *file, struct buf *out, struct error *err)
{
	size_t at = 0;

	while (at + 2 <= file->held) {
		uint32_t unit = unit_at(file, at), low;

		if (unit < HIGH_SURROGATE || unit >= SURROGATES_END) {
			add_scalar(out, unit);
			at += 2;
			continue;
		}
		if (at + 4 > file->held && !file->ended)
			break;
		low = at + 4 > file->held ? 0 : unit_at(file, at + 2);
		if (unit >= LOW_SURROGATE || low < LOW_SURROGATE || low >= SURROGATES_END)
			return fail(file, at, "half a character of UTF-16", err);
		add_scalar(out,
			BEYOND_SURROGATES + ((unit - HIGH_SURROGATE) << 10) +
				(low - LOW_SURROGATE));
		at += 4;
	}
	if (file->ended && at < file->held)
		return fail(file, at, "half a unit of UTF-16", err);
	drop(file, at);
	return true;
}

bool text_file_read(struct text_file *file, struct buf *out, bool *ended, struct error *err)
{
	if (!fill(file, err))
		return false;
	if (!file->begun)
		recognise(file);
	if (file->encoding == ENCODING_UTF8 ? !take_utf8(file, out, err)
					    : !take_utf16(file, out, err))
		return false;
	*ended = file->ended && file->held == 0;
	return true;
}

uint64_t text_file_bytes(const struct text_file *file, struct span text)
{
	uint64_t units = 0;

	if (file->encoding == ENCODING_UTF8)
		return text.length;
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		units += (byte & 0xc0) != 0x80; /* the first byte of a character */
		units += byte >= 0xf0;          /* which takes two units */
	}
	return 2 * units;
}
