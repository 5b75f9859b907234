/* What auth.c, which keeps the token, and ask.c, which gets it, share. */
#pragma once

#include "auth/auth_internal.h"

struct auth {
	const struct transport *transport;
	const struct progress *progress;
	struct credential credential;
	char *url, *client_id, *graph; /* what the target borrows */
	struct token_target target;
	struct locked_text token;
	char *tenant;                       /* that the token names, or NULL */
	int64_t renew_at_ms, expires_at_ms; /* monotonic */
	int64_t skew_ms;                    /* how far this clock is ahead of Entra's */
	bool skew_known;
	int64_t (*clock_ms)(void);
	int64_t (*wall_ms)(void);
	void (*sleep_ms)(int64_t);
};

void auth_forget_token(struct auth *auth);

/*
 * Asks for a token until there is an answer, and keeps it. `patient`: waits and tries again while
 * the service says "later". Errors as auth_token().
 */
MUST_CHECK bool auth_ask(struct auth *auth, bool patient, struct error *err);
