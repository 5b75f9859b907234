/* What the files of auth/ share: locked memory, Entra's refusals, and the clock of tests. */
#pragma once

#include <jansson.h>

#include "auth/auth.h"

/* ---- locked_text.c ---- */

/* A text in memory that is never swapped, never in a core file, and wiped when freed [T21]. */
struct locked_text {
	char *data; /* ended by NUL; NULL: none */
	size_t length, capacity;
};

/* Room for `capacity` bytes; `what` names the content. ERROR_SYSTEM when it can't be locked. */
MUST_CHECK bool locked_text_init(
	struct locked_text *text, size_t capacity, const char *what, struct error *err);
void locked_text_add(struct locked_text *text, struct span more); /* the caller reserved it */
void locked_text_release(struct locked_text *text);

/* Appends `plain` as it stands in a form: percent-encoded. ERROR_SYSTEM. */
MUST_CHECK bool locked_text_add_encoded(
	struct locked_text *text, struct span plain, struct error *err);
/* Bytes that encoding can need. */
size_t locked_text_encoded_max(size_t length);

/* ---- refusal.c ---- */

/* What must not be quoted, in its plain and its encoded form. */
struct refusal_secret {
	struct span plain, encoded;
};

/* True when Entra's words mean "later" (contract 1.6), whatever the status. */
bool refusal_is_temporary(const json_t *answer);

/*
 * Sets ERROR_AUTH from a refusal: Entra's error, its AADSTS codes and ids, what they mean and
 * what to do. Nothing that holds the secret is quoted.
 */
bool refusal_explain(
	const json_t *answer, long status, struct refusal_secret secret, struct error *err);

/* ---- token.c ---- */

/* A good answer of the token endpoint. `text` borrows from the parsed body. */
struct token_answer {
	struct span text;
	int64_t lifetime_ms;
};
MUST_CHECK bool token_answer_read(struct span body, struct token_answer *answer, struct error *err);

/* The `tid` of a token that looks like a JWT: a GUID to be freed with memory_free(), or NULL. */
char *token_tenant(struct span token);

/* ---- auth.c ---- */

/* For tests: time that does not pass. `clock_ms` is monotonic. */
void auth_use_clock(struct auth *auth, int64_t (*clock_ms)(void), void (*sleep_ms)(int64_t));
