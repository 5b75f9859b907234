/* The answer on stdout, and errors on stderr. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"

static const char *const style_codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_BOLD] = "\033[1m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_RED] = "\033[31m",
	[STYLE_GREEN] = "\033[32m",
	[STYLE_YELLOW] = "\033[33m",
	[STYLE_CYAN] = "\033[36m",
};
static const char style_end[] = "\033[0m";

/* NO_COLOR and CLICOLOR_FORCE as their pages say: set and not empty. */
static bool wants_colour(void)
{
	const char *never = getenv("NO_COLOR"), *always = getenv("CLICOLOR_FORCE");

	if (never && *never)
		return false;
	if (always && *always && strcmp(always, "0") != 0)
		return true;
	return isatty(STDOUT_FILENO) == 1;
}

void screen_init(struct screen *screen, const struct common *common)
{
	*screen = (struct screen){ .text = BUF_UP_TO(ANSWER_MAX) };
	screen->colour = !common->json && !common->output && wants_colour();
}

void screen_release(struct screen *screen)
{
	file_abandon(screen->file);
	buf_release(&screen->text);
}

static void style_begin(struct screen *screen, enum style style)
{
	if (screen->colour && style != STYLE_PLAIN)
		buf_add_text(&screen->text, style_codes[style]);
}

static void style_finish(struct screen *screen, enum style style)
{
	if (screen->colour && style != STYLE_PLAIN)
		buf_add_text(&screen->text, style_end);
}

void screen_addf(struct screen *screen, enum style style, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	style_begin(screen, style);
	buf_add_text(&screen->text, text ? text : "");
	style_finish(screen, style);
	free(text);
}

void screen_text(
	struct screen *screen, enum style style, struct span text, unsigned columns, bool pad)
{
	style_begin(screen, style);
	if (columns)
		text_fit(&screen->text, text, columns, pad);
	else
		text_printable(&screen->text, text);
	style_finish(screen, style);
}

void screen_paragraph(struct screen *screen, enum style style, struct span text, unsigned indent)
{
	style_begin(screen, style);
	text_wrap(&screen->text, text, indent, SCREEN_COLUMNS);
	style_finish(screen, style);
}

/* One character, as it is shown; what is unprintable takes several columns. */
static struct span next_character(struct span text, size_t *at, struct buf *shown)
{
	size_t from = *at;
	uint32_t scalar;

	(void)text_scalar(text, at, &scalar);
	buf_cut(shown, 0);
	text_printable(shown, (struct span){ text.data + from, *at - from });
	return buf_span(shown);
}

/* The columns of the word that begins at `at`, counted up to `most`. */
static unsigned word_columns(struct span text, size_t at, unsigned most)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(64);
	unsigned columns = 0;

	while (at < text.length && text.data[at] != ' ' && columns <= most)
		columns += text_columns(next_character(text, &at, &shown));
	return columns;
}

void screen_fill(struct screen *screen, enum style style, struct span text, unsigned indent)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(64);
	unsigned column = indent, room = SCREEN_COLUMNS - indent;
	bool begins = false;

	style_begin(screen, style);
	for (size_t at = 0; at < text.length;) {
		unsigned needed = begins ? word_columns(text, at, room) : 0;
		struct span character = next_character(text, &at, &shown);
		unsigned columns = text_columns(character);

		if (column + columns > SCREEN_COLUMNS ||
			(needed <= room && column + needed > SCREEN_COLUMNS)) {
			buf_addf(&screen->text, "\n%*s", (int)indent, "");
			column = indent;
		}
		buf_add_span(&screen->text, character);
		column += columns;
		begins = span_is(character, " ");
	}
	style_finish(screen, style);
	buf_add_byte(&screen->text, '\n');
}

static bool give_text(struct screen *screen, const struct common *common, struct error *err)
{
	struct span text = buf_span(&screen->text);

	if (!buf_check(&screen->text, "the answer", err))
		return false;
	if (common->output && !screen->file && !(screen->file = file_create(common->output, err)))
		return false;
	if (common->output)
		return file_write(screen->file, text.data, text.length, err);
	if (fwrite(text.data, 1, text.length, stdout) != text.length)
		return error_errno(err, "can't write to stdout");
	return true;
}

bool screen_give_piece(struct screen *screen, const struct common *common, struct error *err)
{
	if (screen->text.length < SCREEN_PIECE && !screen->text.overflowed)
		return true;
	if (!give_text(screen, common, err))
		return false;
	buf_cut(&screen->text, 0);
	return true;
}

bool screen_give(struct screen *screen, const struct common *common, struct error *err)
{
	return give_text(screen, common, err) &&
		(!screen->file || file_commit(TAKE(screen->file), err));
}

const char *screen_time(int64_t ms, char text[static TIME_TEXT_BYTES])
{
	if (ms == TIME_NONE)
		return "-";
	time_text(ms - ms % 1000, text);
	text[10] = ' ';
	text[19] = '\0';
	return text;
}

void screen_error(const struct error *err, bool json)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10), line = BUF_UP_TO(64 << 10);
	json_t *document;

	if (!json) {
		text_line(stderr, "unstage: %s", err->text);
		return;
	}
	/* A path may be no UTF-8, and JSON can't say that. */
	text_printable(&text, span_of(err->text));
	document = json_pack("{s:s, s:{s:s, s:i, s:s}}", "format", "unstage-error/1", "error",
		"kind", error_kind_name(err->kind), "status", (int)err->kind, "text",
		buf_text(&text));
	if (document)
		json_add(&line, document);
	json_decref(document);
	fprintf(stderr, "%s\n", buf_text(&line));
}
