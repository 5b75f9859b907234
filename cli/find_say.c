/* Words, times and commands on the screens of `unstage find`. */
#include "cli/find.h"

#include "base/text.h"
#include "cli/names.h"

/* What a shell leaves alone. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./@:,+=%";

	return *word && word[strspn(word, plain)] == '\0';
}

/* One word of a command line that can be copied: quoted where a shell would take it apart. */
static void add_word(struct buf *out, const char *word)
{
	if (is_plain(word)) {
		buf_add_text(out, word);
		return;
	}
	buf_add_byte(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_add_text(out, "'\\''");
		else
			buf_add_byte(out, *word);
	buf_add_byte(out, '\'');
}

const char *plural(uint64_t number)
{
	return number == 1 ? "" : "s";
}

void screen_duration(struct screen *screen, int64_t duration_ms)
{
	static const struct {
		const char *name;
		int64_t ms, least; /* how many there must be of it to be said in it */
	} units[] = {
		{ "day", INT64_C(86400000), 2 },
		{ "hour", 3600000, 2 },
		{ "minute", 60000, 2 },
		{ "second", 1000, 0 },
	};
	size_t i = 0;
	int64_t number;

	while (i + 1 < COUNT_OF(units) && duration_ms < units[i].ms * units[i].least)
		i++;
	number = (duration_ms + units[i].ms / 2) / units[i].ms;
	screen_addf(screen, STYLE_PLAIN, "%lld %s%s", (long long)number, units[i].name,
		plural((uint64_t)number));
}

static void add_cycle(struct screen *screen, const struct rhythm *rhythm)
{
	char beside[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "in a cycle of ");
	screen_duration(screen, rhythm->cycle_ms);
	screen_addf(screen, STYLE_PLAIN, ", %zu time%s", rhythm->bursts - rhythm->beside,
		plural(rhythm->bursts - rhythm->beside));
	if (rhythm->beside)
		screen_addf(screen, STYLE_YELLOW, ", and besides it %zu time%s, %s", rhythm->beside,
			plural(rhythm->beside), screen_time(rhythm->beside_ms, beside));
}

void screen_rhythm(struct screen *screen, const struct sync_identity *identity)
{
	const struct rhythm *rhythm = &identity->rhythm;

	switch (rhythm->sort) {
	case RHYTHM_UNKNOWN:
		screen_addf(screen, STYLE_PLAIN, "no exact times: its own file tells of it");
		break;
	case RHYTHM_BURST:
		screen_addf(screen, STYLE_PLAIN, "one burst of ");
		screen_duration(screen, identity->last_ms - identity->first_ms);
		break;
	case RHYTHM_BURSTS:
		screen_addf(screen, STYLE_PLAIN, "%zu bursts, in no cycle", rhythm->bursts);
		break;
	case RHYTHM_CYCLE:
	case RHYTHM_BOTH:
		add_cycle(screen, rhythm);
		break;
	}
}

/* ---- commands -------------------------------------------------------------------------- */

enum { WORD_MAX_BYTES = 64 << 10, CONTINUED_AT = 6 };

/* A command line on the screen, broken before a word that does not fit. */
struct line {
	struct screen *screen;
	unsigned column;
};

static void line_add(struct line *line, const char *option, const char *value)
{
	CLEANUP(buf_release) struct buf word = BUF_UP_TO(WORD_MAX_BYTES);
	unsigned columns;

	if (!value)
		return;
	if (option)
		buf_addf(&word, "%s ", option);
	add_word(&word, value);
	columns = text_columns(buf_span(&word));
	if (line->column + 1 + columns + 2 > SCREEN_COLUMNS) {
		screen_addf(line->screen, STYLE_CYAN, " \\\n%*s", CONTINUED_AT - 1, "");
		line->column = CONTINUED_AT - 1;
	}
	screen_addf(line->screen, STYLE_CYAN, " ");
	screen_text(line->screen, STYLE_CYAN, buf_span(&word), 0, false);
	line->column += 1 + columns;
}

void screen_command(struct screen *screen, const char *command, const struct find_typed *typed,
	const char *staging, const char *output)
{
	const struct comparison_arguments *given = &typed->find->comparison;
	struct line line = { screen, 0 };

	screen_addf(screen, STYLE_CYAN, "  unstage %s", command);
	line.column = (unsigned)(strlen("  unstage ") + strlen(command));
	for (size_t i = 0; i < typed->operand_count; i++)
		/* What was taken just now need not be taken again. */
		line_add(&line, NULL,
			typed->taken && names_is_live(typed->operands[i]) ? "latest"
									  : typed->operands[i]);
	line_add(&line, "--evidence", given->evidence);
	line_add(&line, "--decisions", given->decisions);
	line_add(&line, "--staging", staging ? staging : given->staging);
	line_add(&line, "--production", given->production);
	line_add(&line, "--key", given->key);
	line_add(&line, "--profile", typed->find->common.profile);
	line_add(&line, "--output", output);
	screen_addf(screen, STYLE_CYAN, "\n");
}
