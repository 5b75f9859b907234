/* What conflicts and who share: opening what they look at, and one address on the screen. */
#include <string.h>

#include "base/text.h"
#include "cli/contest.h"
#include "cli/names.h"
#include "cli/program.h"

enum {
	INDENT = 12,       /* of what stands behind a label */
	NAME_COLUMNS = 59, /* behind label and kind */
	PLACES_MAX = 512,
	SINCE_MAX = 4096,
};

/* ---- opening ------------------------------------------------------------------------------- */

static struct snapshot *open_operand(const char *word, const char *profile_name, struct error *err)
{
	return names_is_live(word) ? program.take_live(word, profile_name, err)
				   : names_open(word, profile_name, err);
}

static bool open_base(struct contesting *contesting, const char *word, const char *key,
	const char *profile_name, struct error *err)
{
	contesting->base = open_operand(word, profile_name, err);
	if (!contesting->base)
		return false;
	if (!key && contesting->profile)
		key = contesting->profile->key;
	/* Here are files, and no secrets. */
	snapshot_use_workers(contesting->base, snapshot_workers());
	/* A statement that does not verify is an alarm, and not the same as none. */
	return statement_verify(&contesting->base_statement, contesting->base, key, false, err);
}

bool contesting_open(struct contesting *contesting, const struct comparison_arguments *arguments,
	const char *profile_name, const char *const *operands, size_t operand_count,
	struct error *err)
{
	if (!profile_load_if_any(&contesting->profile, profile_name, err))
		return false;
	if (operand_count > 1 &&
		!open_base(contesting, operands[0], arguments->key, profile_name, err))
		return false;
	contesting->live = open_operand(operands[operand_count - 1], profile_name, err);
	if (!contesting->live)
		return false;
	snapshot_use_workers(contesting->live, snapshot_workers());
	contesting->staging = arguments->staging;
	contesting->production = arguments->production;
	if (contesting->profile && !contesting->staging)
		contesting->staging = contesting->profile->staging;
	if (contesting->profile && !contesting->production)
		contesting->production = contesting->profile->production;
	if (arguments->evidence)
		contesting->evidence = evidence_load(arguments->evidence, err);
	return !arguments->evidence || contesting->evidence;
}

void contesting_close(struct contesting *contesting)
{
	evidence_free(contesting->evidence);
	snapshot_close(contesting->live);
	snapshot_close(contesting->base);
	profile_free(contesting->profile);
}

struct contests_options contesting_options(const struct contesting *contesting)
{
	return (struct contests_options){
		.live = contesting->live,
		.base = contesting->base,
		.evidence = contesting->evidence,
		.staging = contesting->evidence ? contesting->staging : NULL,
		.production = contesting->production,
		.progress = talk(),
	};
}

/* ---- one address ----------------------------------------------------------------------------- */

struct span contest_plain(const struct contest *contest)
{
	struct span scheme = SPAN_LITERAL("smtp:"), address = contest->address;

	if (address.length < scheme.length || memcmp(address.data, scheme.data, scheme.length) != 0)
		return address;
	return (struct span){ address.data + scheme.length, address.length - scheme.length };
}

static const enum style standing_styles[STANDING_COUNT] = {
	[STANDING_HOLDS] = STYLE_BOLD,
	[STANDING_WAITS] = STYLE_YELLOW,
	[STANDING_TELLS] = STYLE_DIM,
	[STANDING_HELD] = STYLE_DIM,
};

static void add_label(struct screen *screen, const char *label)
{
	screen_addf(screen, STYLE_DIM, "  %-*s", INDENT - 2, label);
}

static void add_paragraph(struct screen *screen, const char *label, const char *text)
{
	add_label(screen, label);
	screen_paragraph(screen, STYLE_PLAIN, span_of(text), INDENT);
}

static void add_where(struct screen *screen, const struct claimant *claimant)
{
	static const char *const masteries[] = {
		[MASTERY_SYNCED] = "synced",
		[MASTERY_CLOUD] = "cloud",
		[MASTERY_UNKNOWN] = "mastery unknown",
	};
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(PLACES_MAX);
	unsigned places = claimant->places ? claimant->places : claimant->base_places;
	const char *between = claimant->places ? "in " : "in the base in ";

	for (int i = 0; i < CLAIM_PLACES; i++)
		if (places & 1u << i) {
			buf_addf(&text, "%s%s", between, claim_place_name((enum claim_place)i));
			between = ", ";
		}
	buf_addf(&text, "; %s%s", masteries[claimant->mastery],
		claimant->deleted ? ", in deleted items" : "");
	add_paragraph(screen, "", buf_text(&text));
}

static void add_since(struct screen *screen, const struct claimant *claimant)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(SINCE_MAX);
	char when[TIME_TEXT_BYTES];

	if (claimant->since_ms != TIME_NONE)
		buf_addf(&text, "since %s%s UTC", claimant->since_before ? "before " : "",
			screen_time(claimant->since_ms, when));
	if (claimant->fact) {
		buf_addf(&text, "%sby ", text.length ? ", " : "");
		text_fit(&text, span_of(claimant->fact->who->name), NAME_COLUMNS, false);
		buf_add_text(&text, claimant->by_staging ? " (staging)" : "");
	}
	if (text.length)
		add_paragraph(screen, "", buf_text(&text));
}

static void add_claimant(struct screen *screen, const struct claimant *claimant)
{
	screen_addf(screen, standing_styles[claimant->standing], "  %-*s", INDENT - 2,
		claim_standing_name(claimant->standing));
	screen_addf(screen, STYLE_PLAIN, "%-8s", claimant->kind->name);
	screen_text(screen, STYLE_PLAIN, claimant->name, NAME_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	screen_addf(screen, STYLE_DIM, "%*s%.*s\n", INDENT, "", SPAN_FORMAT(claimant->id));
	add_where(screen, claimant);
	add_since(screen, claimant);
}

static void add_rightful(struct screen *screen, const struct contest *contest)
{
	if (!contest->rightful) {
		add_label(screen, "rightful");
		screen_addf(screen, STYLE_YELLOW, "not decided\n");
	} else {
		add_label(screen, "rightful");
		screen_addf(screen, STYLE_GREEN, "%-8s", contest->rightful->kind->name);
		screen_text(screen, STYLE_GREEN, contest->rightful->name, NAME_COLUMNS, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	add_paragraph(screen, "because", contest->proof);
}

void contest_show(struct screen *screen, const struct contest *contest)
{
	for (size_t i = 0; i < contest->count; i++)
		add_claimant(screen, &contest->claimants[i]);
	if (contest->state == CONTEST_NONE)
		return;
	add_rightful(screen, contest);
	add_paragraph(screen, "freed", contest->freed);
}

void contest_show_sources(struct screen *screen, const struct contesting *contesting)
{
	screen_addf(screen, STYLE_PLAIN, "base: ");
	if (contesting->base)
		statement_add(screen, &contesting->base_statement);
	else
		screen_addf(screen, STYLE_PLAIN, "none");
	screen_addf(screen, STYLE_PLAIN, "\nevidence: %s\n",
		contesting->evidence ? "yes" : "none; with --evidence who wrote what is told");
}
