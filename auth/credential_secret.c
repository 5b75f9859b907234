/* A client secret: a text that Entra made for the application, sent with each request. */
#include "auth/auth_internal.h"
#include "base/memory.h"

enum { SECRET_MAX = 16 << 10 };

struct secret_state {
	struct locked_text secret;
};

static const char *named(const struct auth_options *options)
{
	if (options->secret.length)
		return "secret";
	return options->client_secret_file ? "client_secret_file" : NULL;
}

static bool offered(const struct credential_source *source)
{
	return source->client_secret.length > 0;
}

static bool read_secret(
	struct secret_state *state, struct credential_source *source, struct error *err)
{
	const struct auth_options *options = source->options;
	struct span secret = options->secret;

	if (!secret.length && options->client_secret_file)
		return secret_read(
			&(struct secret_place){
				.key = "client_secret_file",
				.text = options->client_secret_file,
				.what = "client secret",
				.max = SECRET_MAX,
				.trim = TRIM_LINE_END,
				.progress = source->progress,
			},
			&state->secret, err);
	if (!secret.length)
		secret = locked_text_span(&source->client_secret);
	if (secret.length > SECRET_MAX)
		return error_set(err, ERROR_AUTH,
			"the client secret is longer than %d bytes. Does AZURE_CLIENT_SECRET hold "
			"something else?",
			SECRET_MAX);
	return locked_text_init_copy(&state->secret, secret, "client secret", err);
}

static void close_secret(void *context)
{
	struct secret_state *state = context;

	locked_text_release(&state->secret);
	memory_free(state);
}

static void *open_secret(struct credential_source *source, struct error *err)
{
	struct secret_state *state = memory_new(sizeof(*state));

	if (read_secret(state, source, err))
		return state;
	close_secret(state);
	return NULL;
}

static bool request_secret(void *context, const struct token_target *target,
	struct token_request *request, struct error *err)
{
	const struct span head = SPAN_LITERAL("&client_secret=");
	const struct secret_state *state = context;
	size_t room = head.length + locked_text_encoded_max(state->secret.length), at;

	if (!form_begin(request, target, room, err))
		return false;
	locked_text_add(&request->form, head);
	at = request->form.length;
	if (!locked_text_add_encoded(&request->form, locked_text_span(&state->secret), err))
		return false;
	request->proof.plain = locked_text_span(&state->secret);
	request->proof.encoded = (struct span){ request->form.data + at,
		request->form.length - at };
	return true;
}

const struct credential_kind credential_secret = {
	.name = "client secret",
	.choices = "AZURE_CLIENT_SECRET, or client_secret_file in the profile",
	.check = "Set the value of a valid secret: AZURE_CLIENT_SECRET, or what client_secret_file "
		 "names",
	.service = "Entra",
	.signs_in = true,
	.named = named,
	.offered = offered,
	.open = open_secret,
	.close = close_secret,
	.request = request_secret,
};
