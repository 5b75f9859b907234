/*
 * An access token that somebody got elsewhere, for the night when half of the administrators are
 * locked out. It is used as it is and never renewed: when Graph refuses it, a new one must be
 * pasted. It is opaque (contract 1.2): its `exp` is read only to say when it ends.
 */
#include "auth/auth_internal.h"
#include "base/memory.h"

enum { PASTED_MAX = 32 << 10 };

struct pasted_state {
	struct locked_text token;
	bool refused;
};

static const char *named(const struct auth_options *options)
{
	return options->access_token_file ? "access_token_file" : NULL;
}

/* There is no documented variable for one, and none is invented. */
static bool offered(const struct credential_source *source UNUSED)
{
	return false;
}

static void close_pasted(void *context)
{
	struct pasted_state *state = context;

	locked_text_release(&state->token);
	memory_free(state);
}

static void tell_end(const struct pasted_state *state, const struct progress *progress)
{
	int64_t ends_ms = token_ends_ms(locked_text_span(&state->token));
	char text[TIME_TEXT_BYTES];

	if (ends_ms != TIME_NONE)
		progress_warn(
			progress, "the pasted access token ends at %s", time_text(ends_ms, text));
}

static void *open_pasted(struct credential_source *source, struct error *err)
{
	struct pasted_state *state = memory_new(sizeof(*state));

	if (!secret_read(
		    &(struct secret_place){
			    .key = "access_token_file",
			    .text = source->options->access_token_file,
			    .what = "access token",
			    .max = PASTED_MAX,
			    .trim = TRIM_BLANKS,
			    .progress = source->progress,
		    },
		    &state->token, err)) {
		close_pasted(state);
		return NULL;
	}
	if (!token_is_bearer(locked_text_span(&state->token))) {
		close_pasted(state);
		error_set(err, ERROR_AUTH,
			"access_token_file: this is no access token. Paste the token alone, without "
			"\"Bearer\", quotes or line breaks in it");
		return NULL;
	}
	tell_end(state, source->progress);
	return state;
}

static bool hand_out(void *context, bool refused, struct span *token, struct error *err)
{
	struct pasted_state *state = context;
	int64_t ends_ms = token_ends_ms(locked_text_span(&state->token));
	char text[TIME_TEXT_BYTES];

	state->refused |= refused;
	*token = locked_text_span(&state->token);
	if (!state->refused)
		return true;
	return error_set(err, ERROR_AUTH,
		"Graph does not accept the pasted access token%s%s. A pasted token can't be renewed: "
		"get a new one, and paste it into the same command again; what was done already is "
		"not done twice",
		ends_ms != TIME_NONE ? ", whose time ends at " : "",
		ends_ms != TIME_NONE ? time_text(ends_ms, text) : "");
}

static int64_t ends_ms(const void *context)
{
	const struct pasted_state *state = context;

	return token_ends_ms(locked_text_span(&state->token));
}

const struct credential_kind credential_pasted = {
	.name = "pasted access token",
	.choices = "access_token_file = - in the profile, with an access token on standard input",
	.check = "Paste a new access token",
	.service = "Graph",
	.named = named,
	.offered = offered,
	.open = open_pasted,
	.close = close_pasted,
	.hand_out = hand_out,
	.ends_ms = ends_ms,
};
