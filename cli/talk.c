/*
 * The talk on stderr: one line rewritten on a terminal, a line every ten seconds elsewhere.
 * Its state is the line that stands on the terminal right now, so there is one per process.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"

enum { LINE_EVERY_MS = 10000, REDRAW_EVERY_MS = 100, TEXT_MAX = 4096 };

struct talk_line {
	int64_t told_ms, pause_ms; /* pause_ms: between two steps that are told; 0: not known yet */
	bool open;                 /* an unfinished line stands on the terminal */
};

static void draw(struct talk_line *line, const struct buf *text)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(TEXT_MAX);

	if (isatty(STDERR_FILENO) == 1) {
		text_fit(&shown, buf_span(text), SCREEN_COLUMNS - 1, false);
		fprintf(stderr, "\r\033[K%s", buf_text(&shown));
		fflush(stderr);
		line->open = true;
	} else {
		text_line(stderr, "unstage: %s", buf_text(text));
	}
	line->told_ms = time_monotonic_ms();
}

static void end_line(struct talk_line *line)
{
	if (line->open)
		fputs("\r\033[K", stderr);
	line->open = false;
}

static void tell_step(void *context, const char *what, uint64_t done, uint64_t total)
{
	struct talk_line *line = context;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);

	if (!line->pause_ms) {
		line->pause_ms = isatty(STDERR_FILENO) == 1 ? REDRAW_EVERY_MS : LINE_EVERY_MS;
		if (line->pause_ms == LINE_EVERY_MS)
			line->told_ms = time_monotonic_ms(); /* short work needs no talk */
	}
	if (time_monotonic_ms() - line->told_ms < line->pause_ms)
		return;
	if (total)
		buf_addf(&text, "%s %llu of %llu", what, (unsigned long long)done,
			(unsigned long long)total);
	else
		buf_addf(&text, "%s %llu", what, (unsigned long long)done);
	draw(line, &text);
}

static void tell_wait(void *context, const char *why, int64_t duration_ms)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	char until[TIME_TEXT_BYTES];

	buf_addf(&text, "waiting until %s: %s", screen_time(time_now_ms() + duration_ms, until),
		why);
	draw(context, &text);
}

static void tell_warning(void *context, const char *text)
{
	end_line(context);
	text_line(stderr, "unstage: %s", text);
}

static struct talk_line talk_state;
static const struct progress talk_progress = {
	.context = &talk_state,
	.step = tell_step,
	.wait = tell_wait,
	.warn = tell_warning,
};

const struct progress *talk(void)
{
	return &talk_progress;
}

void talk_end(void)
{
	end_line(&talk_state);
}
