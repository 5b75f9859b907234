/*
 * What the files share that play an administrator with hand-off files. PowerShell does not run
 * here: what a script's constant code does is done in C, with the data that the file holds, its own
 * tables of names, and the rules of the service behind the cmdlets.
 */
#pragma once

#include "simulator/space.h"

enum { HANDED_MAX = 256 << 20 };

/* A script taken apart: what it says about its plan, and its items, one a step. */
struct handed {
	json_t *plan, *items; /* object, array */
	struct buf text;      /* the whole file */
};
/* ERROR_FORMAT: no such script; ERROR_REFUSED: of another tenant, or expired. */
MUST_CHECK bool handed_load(
	struct simulator *simulator, const char *path, struct handed *handed, struct error *err);
void handed_release(struct handed *handed);

/* A text of the data, without its mark; NULL for null. Borrowed. */
const char *handed_text(const json_t *object, const char *key);
/* The texts of a list, without their marks: a new array. */
json_t *handed_texts(const json_t *object, const char *key);
/* Row `key` of the table that begins with "$name = @{", copied to `value`; false: there is none. */
bool handed_row(const struct handed *handed, const char *name, const char *key, struct buf *value);

/* Plays every item in one transaction, each by `play`, whose errors are its own, and counts. */
enum handed_end { HANDED_CHANGED, HANDED_ALREADY, HANDED_STALE, HANDED_FAILED };
typedef enum handed_end handed_function(struct simulator *simulator, const struct handed *handed,
	const json_t *item, struct error *err);
MUST_CHECK bool handed_play(struct simulator *simulator, const char *path, handed_function *play,
	struct simulator_played *played, struct error *err);
void handed_count(struct simulator_played *played, enum handed_end end, const struct error *why);
