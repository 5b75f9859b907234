/*
 * Workload identity (contract 1.4): the assertion is somebody else's token, in a file that its
 * platform writes anew every hour or so. It is read again for each request and never kept.
 *
 * Such files are mounted: as a link into a folder that is swapped whole, often readable for a
 * group. The rules for a secret of our own would refuse every one of them, so here they are the
 * platform's: it may be a link, it must be ours or root's, and nobody else may write it.
 */
#include "auth/auth_internal.h"
#include "base/file.h"
#include "base/memory.h"

enum { FEDERATED_MAX = 16 << 10 };

#define VARIABLE "AZURE_FEDERATED_TOKEN_FILE"

struct federated_state {
	char *path;
};

static const char *named(const struct auth_options *options)
{
	return options->federated_token_file ? "federated_token_file" : NULL;
}

static bool offered(const struct credential_source *source)
{
	return variable_of(source->options, VARIABLE) != NULL;
}

static void close_federated(void *context)
{
	struct federated_state *state = context;

	memory_free(state->path);
	memory_free(state);
}

/* ERROR_AUTH when there is no token in it; `token` is released by the caller. */
static bool read_token(const char *path, struct locked_text *token, struct error *err)
{
	CLEANUP(locked_text_release) struct locked_text read = { 0 };
	struct span text;

	if (!locked_text_init(&read, FEDERATED_MAX, "federated token", err) ||
		!file_read_secret(path, FILE_PLATFORM, read.data, FEDERATED_MAX, &read.length, err))
		return error_prefix(err, "federated token");
	text = locked_text_span(&read);
	while (text.length && (unsigned char)text.data[text.length - 1] <= ' ')
		text.length--;
	while (text.length && (unsigned char)text.data[0] <= ' ') {
		text.data++;
		text.length--;
	}
	if (!token_is_bearer(text))
		return error_set(err, ERROR_AUTH,
			"federated token: %s holds no token. Check " VARIABLE
			", or federated_token_file in the profile",
			path);
	return locked_text_init_copy(token, text, "federated token", err);
}

static void *open_federated(struct credential_source *source, struct error *err)
{
	const struct auth_options *options = source->options;
	const char *path = options->federated_token_file;
	CLEANUP(locked_text_release) struct locked_text probe = { 0 };
	struct federated_state *state;

	if (!path)
		path = variable_of(options, VARIABLE);
	/* A file that is not there is told before anything else is begun. */
	if (!read_token(path, &probe, err))
		return NULL;
	state = memory_new(sizeof(*state));
	state->path = memory_text(path);
	return state;
}

static bool request_federated(void *context, const struct token_target *target,
	struct token_request *request, struct error *err)
{
	const struct federated_state *state = context;
	CLEANUP(locked_text_release) struct locked_text token = { 0 };
	size_t at;

	if (!read_token(state->path, &token, err) ||
		!form_begin(request, target,
			FORM_ASSERTION_HEAD_MAX + locked_text_encoded_max(token.length), err))
		return false;
	form_add_assertion_head(request);
	at = request->form.length;
	if (!locked_text_add_encoded(&request->form, locked_text_span(&token), err))
		return false;
	/* What a token may be made of is hardly ever changed by the encoding. */
	request->proof.encoded = (struct span){ request->form.data + at,
		request->form.length - at };
	return true;
}

const struct credential_kind credential_federated = {
	.name = "federated token",
	.choices = VARIABLE ", or federated_token_file in the profile",
	.check = "Check that the application has a federated credential with exactly this token's "
		 "issuer, subject and audience",
	.service = "Entra",
	.signs_in = true,
	.renews_proof = true,
	.named = named,
	.offered = offered,
	.open = open_federated,
	.close = close_federated,
	.request = request_federated,
};
