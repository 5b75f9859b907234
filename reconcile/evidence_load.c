/*
 * Loading evidence: line by line, so that of a file only what it says is in memory.
 *
 * What was understood of a line is written once more and must be that line: whatever a reader could
 * understand differently (order, spelling, a key too many, a line twice) is refused with its place,
 * and the identity is the digest of the very bytes that were read.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "reconcile/evidence_internal.h"

#include <sodium.h>

enum { PIECE = 256 << 10 }; /* read at once */

/* Where the lines come from. */
struct reading {
	const char *name;
	int descriptor;   /* -1: all of it is here */
	struct buf room;  /* what is here, of a descriptor */
	struct span rest; /* what is here and was not read yet */
	size_t total;     /* bytes that came until now */
	size_t number;    /* of the line that was read last */
	size_t at;        /* where it begins */
	crypto_generichash_state digest;
};

static void reading_begin(struct reading *reading, const char *name)
{
	reading->name = name;
	reading->descriptor = -1;
	reading->room = (struct buf)BUF_UP_TO(EVIDENCE_LINE_MAX + PIECE);
	crypto_generichash_init(&reading->digest, NULL, 0, IDENTITY_BYTES);
}

static void reading_end(struct reading *reading)
{
	if (reading->descriptor >= 0)
		close(reading->descriptor);
	buf_release(&reading->room);
}

static void came(struct reading *reading, struct span bytes)
{
	reading->total += bytes.length;
	crypto_generichash_update(
		&reading->digest, (const unsigned char *)bytes.data, bytes.length);
}

/* What was not read yet goes to the front, and the next piece behind it. */
static bool read_on(struct reading *reading, bool *ended, struct error *err)
{
	size_t kept = reading->rest.length;
	ssize_t got;
	char *at;

	if (kept)
		memmove(reading->room.data, reading->rest.data, kept);
	buf_cut(&reading->room, kept);
	at = buf_room(&reading->room, PIECE);
	if (!at)
		return error_set(
			err, ERROR_FORMAT, "the line is longer than %d bytes", EVIDENCE_LINE_MAX);
	do
		got = read(reading->descriptor, at, PIECE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_errno(err, "can't read");
	came(reading, (struct span){ at, (size_t)got });
	if (reading->total > EVIDENCE_FILE_MAX)
		return error_set(
			err, ERROR_FORMAT, "the file is larger than %d bytes", EVIDENCE_FILE_MAX);
	buf_grew(&reading->room, (size_t)got);
	reading->rest = buf_span(&reading->room);
	*ended = got == 0;
	return true;
}

/* Is there another line? It need not be whole. */
static bool reading_goes_on(struct reading *reading, bool *goes_on, struct error *err)
{
	bool ended = reading->descriptor < 0;

	if (!reading->rest.length && !ended && !read_on(reading, &ended, err))
		return false;
	*goes_on = reading->rest.length;
	return true;
}

/* The next line without its newline; borrowed until the next call. */
static bool reading_line(struct reading *reading, struct span *line, struct error *err)
{
	bool ended = reading->descriptor < 0;
	const char *newline;

	reading->number++;
	reading->at = reading->total - reading->rest.length;
	while (!(newline = memchr(reading->rest.data, '\n', reading->rest.length))) {
		if (!ended && !read_on(reading, &ended, err))
			return false;
		if (ended)
			return error_set(
				err, ERROR_FORMAT, "the line has no end: the file is incomplete");
	}
	*line = (struct span){ reading->rest.data, (size_t)(newline - reading->rest.data) };
	reading->rest.data += line->length + 1;
	reading->rest.length -= line->length + 1;
	return true;
}

/* ---- is it as it would be written? ------------------------------------------------------- */

struct loading {
	struct reading reading;
	struct evidence *evidence;
	struct glance_reader *glances;
	struct buf head; /* the lines before the first fact */
	bool head_is_over;
	struct buf written; /* what a line should be */
};

static void loading_release(struct loading *loading)
{
	reading_end(&loading->reading);
	glance_reader_free(loading->glances);
	evidence_free(loading->evidence);
	buf_release(&loading->head);
	buf_release(&loading->written);
}

static bool refuse_form(struct loading *loading, size_t line, size_t byte, struct error *err)
{
	loading->reading.number = line;
	loading->reading.at = byte;
	return error_set(err, ERROR_FORMAT, "not as it is written (order, form or count is wrong)");
}

/* Compares with loading->written; `line` and `byte` are where `text` begins. */
static bool check_form(
	struct loading *loading, struct span text, size_t line, size_t byte, struct error *err)
{
	struct span written = buf_span(&loading->written);
	size_t at = 0;

	if (span_equal(written, text))
		return true;
	for (; at < text.length && at < written.length && text.data[at] == written.data[at]; at++)
		line += text.data[at] == '\n';
	return refuse_form(loading, line, byte + at, err);
}

static bool check_line(struct loading *loading, struct span line, struct error *err)
{
	struct span with_newline = { line.data, line.length + 1 };

	return check_form(loading, with_newline, loading->reading.number, loading->reading.at, err);
}

static bool refuse_order(struct loading *loading, struct error *err)
{
	return refuse_form(loading, loading->reading.number, loading->reading.at, err);
}

static bool check_fact(struct loading *loading, struct span line, struct error *err)
{
	const struct evidence *evidence = loading->evidence;
	const struct fact *fact = &evidence->facts[evidence->count - 1];

	if (evidence->count > 1 && evidence_compare_facts(fact - 1, fact) >= 0)
		return refuse_order(loading, err);
	buf_cut(&loading->written, 0);
	evidence_add_fact_line(&loading->written, fact);
	return check_line(loading, line, err);
}

/* The header tells of the runs in their order, which only all of them have. */
static bool check_head(struct loading *loading, struct error *err)
{
	if (loading->head_is_over)
		return true;
	loading->head_is_over = true;
	buf_cut(&loading->written, 0);
	evidence_add_head(&loading->written, loading->evidence);
	if (!check_form(loading, buf_span(&loading->head), 1, 0, err))
		return false;
	buf_release(&loading->head);
	return true;
}

static bool keep_head(struct loading *loading, struct span line, struct error *err)
{
	if (loading->head_is_over)
		return refuse_order(loading, err);
	buf_add(&loading->head, line.data, line.length + 1);
	return true;
}

/* Nothing may follow the trailer. */
static bool check_trailer(struct loading *loading, struct span line, struct error *err)
{
	bool goes_on;

	if (!check_head(loading, err))
		return false;
	buf_cut(&loading->written, 0);
	evidence_add_trailer(&loading->written, loading->evidence);
	if (!check_line(loading, line, err) || !reading_goes_on(&loading->reading, &goes_on, err))
		return false;
	if (goes_on)
		return refuse_form(loading, loading->reading.number + 1,
			loading->reading.total - loading->reading.rest.length, err);
	return true;
}

/* ---- lines ---------------------------------------------------------------------------- */

static json_t *parse(struct span line, struct error *err)
{
	CLEANUP(json_freep) json_t *json = json_parse(line, EVIDENCE_LINE_MAX, err);

	if (json && !json_is_object(json))
		error_set(err, ERROR_FORMAT, "not an object");
	return json_is_object(json) ? TAKE(json) : NULL;
}

static bool take_header(struct loading *loading, struct error *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	bool goes_on;
	struct span line;

	if (!reading_goes_on(&loading->reading, &goes_on, err))
		return false;
	if (!goes_on)
		return error_set(err, ERROR_FORMAT, "the file is empty");
	if (!reading_line(&loading->reading, &line, err) || !(json = parse(line, err)))
		return false;
	loading->evidence = evidence_read_header(json, err);
	if (!loading->evidence || !evidence_read_sources(loading->evidence, json, err))
		return false;
	loading->glances = glance_reader_new(loading->evidence);
	return keep_head(loading, line, err);
}

/* The long way. */
static bool take_other(struct loading *loading, struct span line, bool *ended, struct error *err)
{
	CLEANUP(json_freep) json_t *json = parse(line, err);
	size_t facts = loading->evidence->count;

	if (!json)
		return false;
	*ended = json_object_get(json, "end");
	if (*ended)
		return check_trailer(loading, line, err);
	if (!evidence_read_line(loading->evidence, json, err))
		return false;
	if (loading->evidence->count == facts)
		return keep_head(loading, line, err);
	return check_head(loading, err) && check_fact(loading, line, err);
}

static bool take_line(struct loading *loading, bool *ended, struct error *err)
{
	struct span line;

	if (!reading_line(&loading->reading, &line, err))
		return false;
	if (!glance_reader_take(loading->glances, line))
		return take_other(loading, line, ended, err);
	return check_head(loading, err) && check_fact(loading, line, err);
}

static bool take_lines(struct loading *loading, struct error *err)
{
	bool ended = false;

	while (!ended) {
		bool goes_on;

		if (!reading_goes_on(&loading->reading, &goes_on, err))
			return false;
		if (!goes_on)
			return error_set(err, ERROR_FORMAT, "no trailer: the file is incomplete");
		if (!take_line(loading, &ended, err))
			return false;
	}
	return true;
}

static struct evidence *load(struct loading *loading, struct error *err)
{
	const struct reading *reading = &loading->reading;
	uint8_t digest[IDENTITY_BYTES];

	loading->head = (struct buf)BUF_UP_TO(EVIDENCE_FILE_MAX);
	loading->written = (struct buf)BUF_UP_TO(EVIDENCE_FILE_MAX);
	if (!take_header(loading, err) || !take_lines(loading, err)) {
		error_prefix(err, "%s: line %zu (byte %zu)", reading->name, reading->number,
			reading->at);
		return NULL;
	}
	crypto_generichash_final(&loading->reading.digest, digest, sizeof(digest));
	evidence_set_identity(loading->evidence, digest);
	return TAKE(loading->evidence);
}

struct evidence *evidence_parse(struct span bytes, const char *name, struct error *err)
{
	CLEANUP(loading_release) struct loading loading = { 0 };

	reading_begin(&loading.reading, name);
	loading.reading.rest = bytes;
	came(&loading.reading, bytes);
	return load(&loading, err);
}

struct evidence *evidence_load(const char *path, struct error *err)
{
	CLEANUP(loading_release) struct loading loading = { 0 };

	reading_begin(&loading.reading, path);
	loading.reading.descriptor = file_open_to_read(path, err);
	return loading.reading.descriptor < 0 ? NULL : load(&loading, err);
}
