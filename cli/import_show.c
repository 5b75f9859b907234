/* What an import found, on one screen: whose files, what was sent and when, what is not known. */
#include "cli/import.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum {
	FILE_COLUMNS = 28,
	EXPORTS_SHOWN = 6,
	ERRORS_SHOWN = 4,
	GAPS_SHOWN = 3,
	ERROR_COLUMNS = 66,
	NOTE_MAX = 1 << 10,
};

static const char *const counter_words[RUN_COUNTERS] = {
	[RUN_ADDS] = "adds",
	[RUN_UPDATES] = "updates",
	[RUN_RENAMES] = "renames",
	[RUN_DELETES] = "deletes",
	[RUN_DELETE_ADDS] = "delete-adds",
	[RUN_FAILURES] = "failures",
};

static unsigned long long number(uint64_t value)
{
	return (unsigned long long)value;
}

/* ---- whose files ---------------------------------------------------------------------------- */

static const char *const type_words[] = {
	[IMPORT_SPACE] = "connector space",
	[IMPORT_RUNS_JSON] = "run history",
	[IMPORT_RUNS_XML] = "run history, XML",
	[IMPORT_CONFIGURATION] = "server configuration",
};

static void add_head(struct screen *screen, const struct import *import)
{
	screen_text(screen, STYLE_BOLD,
		span_of(import->server ? import->server : "A server that no file names"), 0, false);
	screen_addf(screen, STYLE_PLAIN, ", %s%s%s%s\n",
		import->role == ROLE_UNKNOWN ? "role unknown" : import_role_name(import->role),
		import->role == ROLE_DIRECTORY ? " connector" : "",
		import->tenant ? ", tenant " : "", import->tenant ? import->tenant : "");
	for (size_t i = 0; i < import->file_count; i++) {
		const char *slash = strrchr(import->files[i].path, '/');
		const char *name = slash && slash[1] ? slash + 1 : import->files[i].path;

		screen_addf(screen, STYLE_PLAIN, "  ");
		screen_text(screen, STYLE_PLAIN, span_of(name), FILE_COLUMNS, true);
		screen_addf(screen, STYLE_DIM, "  %s\n", type_words[import->files[i].type]);
	}
	if (import->configuration)
		configuration_show_summary(screen, import->configuration);
}

/* ---- what was sent -------------------------------------------------------------------------- */

static void add_counters(struct screen *screen, const uint64_t counters[static RUN_COUNTERS])
{
	screen_addf(screen, STYLE_PLAIN, "     ");
	for (size_t i = 0; i < RUN_COUNTERS; i++)
		screen_addf(screen, counters[i] ? STYLE_PLAIN : STYLE_DIM, " %llu %s%s",
			number(counters[i]), counter_words[i], i + 1 < RUN_COUNTERS ? "," : "\n");
}

static void add_export(struct screen *screen, const struct export_run *export)
{
	char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_PLAIN, "  %s to %s", screen_time(export->start_ms, start),
		export->end_ms == TIME_NONE ? "-" : screen_time(export->end_ms, end) + 11);
	if (export->number >= 0)
		screen_addf(screen, STYLE_PLAIN, "  run %lld", (long long)export->number);
	if (export->result && strcmp(export->result, "success") != 0)
		screen_text(screen, STYLE_YELLOW, span_of("  "), 0, false),
			screen_text(screen, STYLE_YELLOW, span_of(export->result), 30, false);
	screen_addf(screen, STYLE_PLAIN, "\n     ");
	if (!export->entra)
		screen_addf(screen, STYLE_RED, " into ");
	if (!export->entra)
		screen_text(screen, STYLE_RED,
			span_of(export->connector ? export->connector : "a connector not told"), 40,
			false);
	screen_addf(screen, STYLE_PLAIN, " started by ");
	screen_text(screen, export->by_hand ? STYLE_RED : STYLE_PLAIN,
		span_of(export->by ? export->by : "(not told)"), 40, false);
	screen_addf(screen, STYLE_PLAIN, "%s\n",
		!export->by               ? ""
			: export->by_hand ? ", by hand"
					  : ", as the scheduler does");
	if (export->counted)
		add_counters(screen, export->counters);
	else
		screen_addf(screen, STYLE_YELLOW, "      how much is not told\n");
}

static void add_sum(struct screen *screen, const struct run_history_summary *summary)
{
	char from[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];

	if (!summary->entra_exports) {
		screen_addf(
			screen, STYLE_PLAIN, "  nothing to Entra ID, in %zu runs\n", summary->runs);
		return;
	}
	if (summary->entra_exports == 1 && summary->exports == 1)
		return;
	screen_addf(screen, STYLE_PLAIN, "  %zu exports to Entra ID from %s to %s UTC\n",
		summary->entra_exports, screen_time(summary->window_from_ms, from),
		screen_time(summary->window_until_ms, until));
	add_counters(screen, summary->counters);
}

/* The last ones: a server that ran for a week has hundreds. */
static void add_exports(struct screen *screen, const struct import *import)
{
	size_t count, shown = 0, first;
	const struct export_run *exports = run_history_exports(import->runs, &count);
	const struct run_history_summary *summary = run_history_summary(import->runs);

	if (!summary->runs && !summary->steps)
		return;
	screen_addf(screen, STYLE_BOLD, "\nWhat it sent\n");
	add_sum(screen, summary);
	for (first = count; first && shown < EXPORTS_SHOWN; first--)
		shown += export_may_have_written(&exports[first - 1]);
	if (summary->exports > shown)
		screen_addf(
			screen, STYLE_DIM, "  %zu earlier ones, then\n", summary->exports - shown);
	for (size_t i = first; i < count; i++)
		if (export_may_have_written(&exports[i]))
			add_export(screen, &exports[i]);
}

/* ---- what it was refused ---------------------------------------------------------------------- */

static const char *error_word(const struct run_error *error)
{
	if (error->name)
		return error->name;
	return error->type ? error->type : run_error_kind_name(error->kind);
}

static bool is_new_word(const struct run_error *errors, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(error_word(&errors[i]), error_word(&errors[index])) == 0)
			return false;
	return true;
}

static size_t count_word(const struct run_error *errors, size_t count, const char *word)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++)
		same += strcmp(error_word(&errors[i]), word) == 0;
	return same;
}

static void add_error_line(
	struct screen *screen, const char *before, const char *text, const char *more)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(NOTE_MAX);

	if (!text)
		return;
	buf_addf(&line, "%s%s%s%s", before, text, more ? " " : "", more ? more : "");
	screen_addf(screen, STYLE_DIM, "         ");
	screen_text(screen, STYLE_DIM, buf_span(&line), ERROR_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

/* The first of its kind. */
static void add_error_example(struct screen *screen, const struct run_error *error)
{
	add_error_line(screen, "", error->attribute, error->value);
	add_error_line(screen, "of ", error->object ? error->object : error->dn, NULL);
	add_error_line(screen, "is at ", error->other, NULL);
}

static void add_errors(struct screen *screen, const struct import *import)
{
	size_t count, shown = 0;
	const struct run_error *errors = run_history_errors(import->runs, &count);

	if (count)
		screen_addf(
			screen, STYLE_BOLD, "\nWhat it was refused, or did not see come back\n");
	for (size_t i = 0; i < count; i++) {
		if (!is_new_word(errors, i) || shown++ >= ERRORS_SHOWN)
			continue;
		screen_addf(screen, STYLE_PLAIN, "  %5zu  ",
			count_word(errors, count, error_word(&errors[i])));
		screen_text(screen, STYLE_YELLOW, span_of(error_word(&errors[i])), ERROR_COLUMNS,
			false);
		screen_addf(screen, STYLE_PLAIN, "\n");
		add_error_example(screen, &errors[i]);
	}
	if (shown > ERRORS_SHOWN)
		screen_addf(screen, STYLE_DIM, "         and %zu other kinds; --json lists all\n",
			shown - ERRORS_SHOWN);
}

/* ---- what is not known ------------------------------------------------------------------------ */

static void add_note(struct screen *screen, bool *titled, const char *format, ...)
	PRINTF_LIKE(3, 4);

static void add_note(struct screen *screen, bool *titled, const char *format, ...)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(NOTE_MAX);
	char note[NOTE_MAX];
	va_list arguments;

	if (!*titled)
		screen_addf(screen, STYLE_BOLD, "\nWhat is not known\n");
	*titled = true;
	va_start(arguments, format);
	vsnprintf(note, sizeof(note), format, arguments);
	va_end(arguments);
	buf_add_text(&text, note);
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_paragraph(screen, STYLE_YELLOW, buf_span(&text), 2);
}

static void add_gaps(struct screen *screen, bool *titled, const struct run_history *runs)
{
	size_t count;
	const struct run_gap *gaps = run_history_gaps(runs, &count);

	for (size_t i = 0; i < count && i < GAPS_SHOWN; i++)
		add_note(screen, titled,
			"runs %lld to %lld of the Entra connector are in none of the files: purged, "
			"or not asked for; what they sent is not counted",
			(long long)gaps[i].from, (long long)gaps[i].until);
	if (count > GAPS_SHOWN)
		add_note(screen, titled, "and %zu further gaps of that kind", count - GAPS_SHOWN);
}

static void add_unknown(struct screen *screen, const struct import *import)
{
	const struct run_history_summary *summary = run_history_summary(import->runs);
	bool titled = false;

	if (!import->server)
		add_note(screen, &titled,
			"whose files these are: add the folder of Get-ADSyncServerConfiguration, or "
			"--server NAME");
	if (import->role == ROLE_UNKNOWN)
		add_note(screen, &titled, "whether it is production or staging: --role says it");
	add_gaps(screen, &titled, import->runs);
	if (summary->uncounted)
		add_note(screen, &titled,
			"how much %zu of the exports wrote: add the steps, Get-ADSyncRunStepResult | "
			"ConvertTo-Json -Depth 6",
			summary->uncounted);
	if (summary->strays)
		add_note(screen, &titled,
			"into which directory %zu export steps wrote: add their runs, "
			"Get-ADSyncRunProfileResult | ConvertTo-Json",
			summary->strays);
	if (summary->cut_lists)
		add_note(screen, &titled,
			"what ConvertTo-Json cut off in %zu places, steps or lists of errors: use "
			"ConvertTo-Json -Depth 6",
			summary->cut_lists);
	if (summary->more_errors)
		add_note(screen, &titled, "%zu errors beyond the first %d", summary->more_errors,
			RUN_ERRORS_MAX);
}

/* ---- the flag, and what to do ------------------------------------------------------------------ */

/* A staging server that exported may say "off" by now: that is how it happened. */
static void add_flag(struct screen *screen, const struct import *import)
{
	enum setting staging = import->configuration
		? configuration_summary(import->configuration)->staging
		: SETTING_UNKNOWN;

	if (import->role == ROLE_STAGING && staging == SETTING_OFF)
		screen_addf(screen, STYLE_RED,
			"\nStaging mode is OFF on this staging server: its scheduler may export again.\n");
	if (import->role == ROLE_PRODUCTION && staging == SETTING_ON)
		screen_addf(screen, STYLE_YELLOW,
			"\nStaging mode is on here: as production, this server writes nothing.\n");
}

static void add_written(struct screen *screen, const struct import *import)
{
	const char *base = import->arguments->base, *output = import->arguments->common.output;
	char taken[TIME_TEXT_BYTES];

	screen_addf(screen, STYLE_BOLD, "\nWritten\n");
	if (base) {
		screen_addf(screen, STYLE_PLAIN, "  ");
		screen_text(screen, STYLE_PLAIN, span_of(base), 0, false);
		screen_addf(screen, STYLE_PLAIN, "\n    a base snapshot of %s UTC\n",
			screen_time(import->taken_ms, taken));
	}
	if (!output)
		return;
	screen_addf(screen, STYLE_PLAIN, "  ");
	screen_text(screen, STYLE_PLAIN, span_of(output), 0, false);
	screen_addf(screen, STYLE_PLAIN, "\n    %zu facts, %zu of them from these files\n",
		evidence_count(import->evidence),
		evidence_count(import->evidence) - import->facts_before);
}

static void add_name(struct screen *screen, const char *name, const char *otherwise)
{
	screen_text(screen, STYLE_PLAIN, span_of(name ? name : otherwise), 0, false);
}

static void add_next(struct screen *screen, const struct import *import)
{
	const struct import_arguments *arguments = import->arguments;

	if (!arguments->common.output && !arguments->base) {
		screen_addf(screen, STYLE_DIM,
			"\nNothing was written: --output FILE.jsonl makes it evidence.\n");
		return;
	}
	add_written(screen, import);
	screen_addf(screen, STYLE_BOLD, "\nNext\n");
	screen_addf(screen, STYLE_PLAIN, "  unstage find ");
	add_name(screen, arguments->base, "BASE");
	screen_addf(screen, STYLE_PLAIN, " ");
	add_name(screen, arguments->live, "LIVE");
	screen_addf(screen, STYLE_PLAIN, " --evidence ");
	add_name(screen, arguments->common.output, "EVIDENCE");
	screen_addf(screen, STYLE_PLAIN, "\n");
}

void import_show(struct screen *screen, const struct import *import)
{
	add_head(screen, import);
	for (size_t i = 0; i < import->file_count; i++)
		if (import->files[i].space)
			import_show_space(screen, import->files[i].space);
	add_exports(screen, import);
	add_errors(screen, import);
	add_unknown(screen, import);
	add_flag(screen, import);
	add_next(screen, import);
}
