/*
 * What the commands share: the profile and the screen. Only commands print, here and in online/;
 * stdout is the answer, stderr is the talk.
 */
#pragma once

#include "base/log.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/statement.h"
#include "graph/graph.h"
#include "rollback/rollback.h"

/* ---- options every command has ---------------------------------------------------------- */

struct common {
	const char *profile;
	bool json;
	const char *output;
};

#define OPTIONS_COMMON(type)                                                                       \
	{ "profile", 'P', OPTION_TEXT, "NAME", "section of the configuration to use",              \
		offsetof(type, common.profile) },                                                  \
	{                                                                                          \
		"json", 'j', OPTION_FLAG, NULL, "the answer as JSON", offsetof(type, common.json)  \
	}

#define OPTION_OUTPUT(type)                                                                        \
	{                                                                                          \
		"output", 'o', OPTION_TEXT, "FILE", "write the answer there, whole or not at all", \
			offsetof(type, common.output)                                              \
	}

/* ---- profile: one section of the INI file, completed from the environment ---------------- */

struct profile {
	char *name;
	char *tenant, *client_id;
	/* One way to sign in (auth/auth.h); none: the variables of the Azure SDKs choose. */
	char *client_secret_file, *certificate_file, *federated_token_file, *managed_identity,
		*access_token_file;
	char *certificate_password_file, *assertion, *send_certificate_chain;
	char *cloud;             /* "global" unless said */
	char *graph, *authority; /* origins; from the cloud table unless said */
	char *proxy, *ca_file;
	char *key;                  /* public key that signs plans */
	char *staging, *production; /* server names */
	char *marker;       /* "extension_…_name=value": on what the staging server touched */
	char *state;        /* folder of journals, ledger, lock */
	char *quota_share;  /* of the tenant's limits: "0.5" unless said */
	char *owners_every; /* how old owners may become in --since: "24h" unless said */
	char *run_limit;    /* how long a command may ask Graph: "6h" unless said */
};

/*
 * Reads UNSTAGE_CONFIG, else $XDG_CONFIG_HOME/unstage/config, else ~/.config/unstage/config, and
 * takes the section `name` (NULL: the only one). No file is fine when the environment says
 * enough. ERROR_USAGE names file, line and key.
 */
MUST_CHECK struct profile *profile_load(const char *name, struct error *err);
/*
 * For who can do without one: NULL where `name` is NULL and there is none that can be used. A profile
 * that was named has to be there. Errors as profile_load().
 */
MUST_CHECK bool profile_load_if_any(struct profile **profile, const char *name, struct error *err);
void profile_free(struct profile *profile);
/* The last two, as graph_open() takes them; 0 where not said. ERROR_USAGE. */
MUST_CHECK bool profile_limits(
	const struct profile *profile, double *share, int64_t *run_ms, struct error *err);
DEFINE_CLEANUP(struct profile *, profile_free);

/* ---- screen ------------------------------------------------------------------------------ */

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

enum { SCREEN_COLUMNS = 80, ANSWER_MAX = 1 << 30, SCREEN_PIECE = 256 << 10 };

/* The answer while it is made. Colour only on a terminal, never the only carrier of meaning. */
struct screen {
	struct buf text;
	bool colour;
	struct file *file; /* that a long answer goes to; NULL: none, or not yet */
};

void screen_init(struct screen *screen, const struct common *common);
void screen_release(struct screen *screen);
/* Styled and formatted; everything that came from a directory goes through screen_text(). */
void screen_addf(struct screen *screen, enum style style, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* Printable, fitted to `columns` (0: as long as it is), padded with blanks when `pad`. */
void screen_text(
	struct screen *screen, enum style style, struct span text, unsigned columns, bool pad);
/* A paragraph from column `indent` on, wrapped to the screen, and a newline. */
void screen_paragraph(struct screen *screen, enum style style, struct span text, unsigned indent);
/*
 * Every character from column `indent` on, blanks at the end of a line too, and a newline: the lines put together
 * are the text. Broken before a word, and in one that is longer than a line.
 */
void screen_fill(struct screen *screen, enum style style, struct span text, unsigned indent);
/* Prints it, or saves it under --output. */
MUST_CHECK bool screen_give(struct screen *screen, const struct common *common, struct error *err);
/*
 * For long answers: gives what there is of it so far, where that is worth it. screen_give() ends it.
 * Under --output the file appears then, and not before.
 */
MUST_CHECK bool screen_give_piece(
	struct screen *screen, const struct common *common, struct error *err);

/* "2026-03-04 02:17:41", UTC; "-" for TIME_NONE. Borrowed until the next call with this buffer. */
const char *screen_time(int64_t ms, char text[static TIME_TEXT_BYTES]);

/* Progress on stderr: a line rewritten on a terminal, one every ten seconds elsewhere. */
const struct progress *talk(void);
/* The talk's line is finished: the next thing on stderr begins a line of its own. */
void talk_end(void);

/* The failure of a command, on stderr; as JSON when asked. */
void screen_error(const struct error *err, bool json);

/* ---- small things ------------------------------------------------------------------------ */

/* "2026-11-22", "2026-11-22T08:00:00Z", or "36h"/"7d"/"30m" before `now_ms`. ERROR_USAGE. */
MUST_CHECK bool moment_parse(const char *text, int64_t now_ms, int64_t *ms, struct error *err);

/* "36h", "7d", "30m": above 0. ERROR_USAGE. */
MUST_CHECK bool duration_parse(const char *text, int64_t *duration_ms, struct error *err);

/* Asks on the terminal without echo; `again`: twice, and they must agree. The buffer is to be wiped. */
MUST_CHECK bool password_ask(
	const char *prompt, bool again, struct buf *password, struct error *err);

/* ---- the comparison that find, diff and plan begin with ------------------------------------ */

struct comparison_arguments {
	const char *evidence, *decisions, *staging, *production, *key;
};

#define OPTIONS_COMPARISON(type)                                                                   \
	{ "evidence", 'e', OPTION_TEXT, "FILE", "who wrote what, from: unstage evidence",          \
		offsetof(type, comparison.evidence) },                                             \
		{ "staging", 's', OPTION_TEXT, "SERVER",                                           \
			"the staging server, its account or app id",                               \
			offsetof(type, comparison.staging) },                                      \
		{ "decisions", 'D', OPTION_TEXT, "FILE",                                           \
			"what people decided, reviewed like code",                                 \
			offsetof(type, comparison.decisions) },                                    \
		{ "key", 'k', OPTION_TEXT, "FILE",                                                 \
			"public key that signed BASE; else the profile's",                         \
			offsetof(type, comparison.key) },                                          \
	{                                                                                          \
		"production", 'p', OPTION_TEXT, "SERVER", "the production server",                 \
			offsetof(type, comparison.production)                                      \
	}

struct comparison {
	struct snapshot *base, *live;
	struct statement base_statement;
	struct evidence *evidence;
	struct decisions *decisions;
	struct findings *findings;
	char *marker; /* the name, and behind its NUL the value */
};

/*
 * Opens, reads and reconciles; with a `listener` as findings_tell(), else (NULL) as findings_new(); `--staging`, `--production` and `--key` fall back to the profile. The
 * operands are files or names (names.h). ERROR_REFUSED also: BASE has a statement that is not its own.
 */
MUST_CHECK bool comparison_open(struct comparison *comparison,
	const struct comparison_arguments *arguments, const char *profile_name,
	const char *const *operands, const struct findings_listener *listener, struct error *err);
void comparison_close(struct comparison *comparison);

/* decisions_show.c: is it a decisions file, and all that it says. */
bool decisions_file_is_one(const char *path);
MUST_CHECK bool decisions_show(
	struct screen *screen, const char *path, bool json, struct error *err);
