/*
 * A plan as people have to see it: how dangerous each step is, what in it pretends to be something
 * else, and a short code by which the one who applies it names what the other one looked at.
 *
 * It works from the plan that was parsed, which is the one that is applied.
 */
#pragma once

#include "rollback/rollback.h"

/* ---- the fingerprint ---------------------------------------------------------------------- */

/*
 * The first 100 bits of the BLAKE2b-256 of a plan file's bytes, in Crockford's base32 (no I, L, O, U),
 * as four groups of five: "7K2QX-M04ZP-9D3VB-HR8SA". To make another plan for the code of a given
 * one takes 2^100 attempts, to make two plans of one code 2^50: it tells mistakes and exchanged
 * files. What authorises is the signature, which is over all bytes.
 */
enum { PLAN_FINGERPRINT_BITS = 100, PLAN_FINGERPRINT_BYTES = 24 };

char *plan_fingerprint(struct span bytes, char text[static PLAN_FINGERPRINT_BYTES]);
/* Case, dashes and blanks are forgiven, and I, L and O for the digits that they look like. */
bool plan_fingerprint_is(const char fingerprint[static PLAN_FINGERPRINT_BYTES], const char *typed);

/* ---- danger ------------------------------------------------------------------------------- */

/* What a step may do to people, the worst first. */
enum danger {
	DANGER_DELETION,
	DANGER_SIGN_IN,
	DANGER_PRIMARY,
	DANGER_ACCOUNT,
	DANGER_ROLE,
	DANGER_OWNER,
	DANGER_RULE,
	DANGER_MEMBER_LESS,
	DANGER_MEMBER_MORE,
	DANGER_RESTORE,
	DANGER_ADDRESS,
	DANGER_OTHER,
	DANGER_COUNT,
};

enum danger plan_step_danger(const struct plan_step *step);
const char *danger_name(enum danger danger);  /* in JSON: "sign-in" */
const char *danger_title(enum danger danger); /* for people: "sign-in names" */

/* ---- marks -------------------------------------------------------------------------------- */

enum {
	/* A longer text is nobody's name: it is not compared, and has a mark that says so. */
	LOOKS_TEXT_MAX = 1024,
};

enum mark_kind {
	MARK_LOOKS_LIKE, /* another text of the plan, by confusable characters or by width */
	MARK_SAME_NAME,  /* as another object, but for case */
	MARK_ONLY_CASE,  /* `from` and `to` differ by nothing else */
	MARK_SCRIPTS,    /* more than one, and not as languages mix them: `text` says which */
	MARK_HIDDEN,     /* invisible, text-turning or control characters: shown as escapes */
	MARK_TOO_LONG,   /* not compared with others */
	MARK_KIND_COUNT,
};
const char *mark_kind_name(enum mark_kind kind);

enum mark_place { PLACE_NAME, PLACE_FROM, PLACE_TO };
const char *mark_place_name(enum mark_place place);

/* Something in a plan that has a name: a step, or what is blocked. */
struct mark_item {
	const struct plan_step *step;       /* or NULL */
	const struct plan_blocked *blocked; /* or NULL */
};

struct mark {
	size_t item; /* the index of a step, or the step count plus the index of what is blocked */
	enum mark_kind kind;
	enum mark_place place;
	const char *text; /* MARK_SCRIPTS: their names; of two texts that look alike: the other */
	struct mark_item other; /* of those: where the other one stands */
	enum mark_place other_place;
};

/* Sorted by item, kind, place. */
struct marks {
	struct mark *items;
	size_t count, capacity;
	char **texts; /* owned; what `text` points to */
	size_t text_count, text_capacity;
};

/* Compares all names and naming values of the plan, which must outlive the marks. ERROR_SYSTEM: ICU. */
MUST_CHECK struct marks *marks_new(const struct plan *plan, struct error *err);
void marks_free(struct marks *marks);
DEFINE_CLEANUP(struct marks *, marks_free);

/* Those of an item: the first, and how many follow each other. */
const struct mark *marks_of(const struct marks *marks, size_t item, size_t *count);
