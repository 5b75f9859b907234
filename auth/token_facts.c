/*
 * What a token tells about itself, for people. Nothing is decided by it: the token is opaque to us
 * (contract 1.2), and Graph may know better.
 */
#include "auth/auth_state.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"

enum { PERMISSIONS_MAX = 16 << 10, PERMISSION_MAX = 128 };

/* "User.Read.All": what else stands there is no name of a permission. */
static bool is_permission(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
	size_t length = strspn(name, allowed);

	return length && length <= PERMISSION_MAX && !name[length];
}

static void add_permission(struct buf *out, const char *name)
{
	if (name && is_permission(name))
		buf_addf(out, "%s%s", out->length ? " " : "", name);
}

/* `roles` of an application; `scp` where a person signed in and the token was pasted. */
static void add_permissions(struct buf *out, const json_t *claims)
{
	const char *scopes = json_text_or_null(claims, "scp");
	json_t *role;
	size_t i;

	json_array_foreach(json_object_get(claims, "roles"), i, role)
		add_permission(out, json_string_value(role));
	while (scopes && *scopes) {
		size_t length = strcspn(scopes, " ");
		CLEANUP(memory_freep) char *name = memory_text_span(scopes, length);

		add_permission(out, name);
		scopes += length + strspn(scopes + length, " ");
	}
}

/* What is at hand; a credential that is the token hands it out without asking anybody. */
static struct span token_at_hand(struct auth *auth)
{
	const struct credential *credential = &auth->credential;
	struct error ignored = { 0 };
	struct span token = SPAN_NONE;

	if (!credential->kind->hand_out)
		return auth->token.data ? locked_text_span(&auth->token) : SPAN_NONE;
	return credential->kind->hand_out(credential->state, false, &token, &ignored) ? token
										      : SPAN_NONE;
}

char *auth_token_permissions(struct auth *auth)
{
	struct span token = token_at_hand(auth);
	CLEANUP(json_freep) json_t *claims = token.length ? token_claims(token) : NULL;
	struct buf names = BUF_UP_TO(PERMISSIONS_MAX);

	if (!claims)
		return NULL;
	add_permissions(&names, claims);
	return buf_detach(&names);
}

int64_t auth_token_left_ms(const struct auth *auth)
{
	int64_t ends_ms;

	if (auth->token.data)
		return auth->expires_at_ms - auth->clock_ms();
	ends_ms = auth->credential.kind->hand_out ? auth_credential_ends_ms(auth) : TIME_NONE;
	return ends_ms == TIME_NONE ? TIME_NONE : ends_ms - auth->wall_ms();
}
