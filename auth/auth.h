/*
 * From credentials to an access token (contract 1). The token is opaque, lives in locked
 * memory only [T21, T26] and is renewed ahead of its expiry. Clouds are one table.
 */
#pragma once

#include "net/net.h"

struct cloud {
	const char *name;      /* "global", "usgov", "dod", "china" */
	const char *authority; /* "https://login.microsoftonline.com" */
	const char
		*authority_too; /* a second host that is accepted from the configuration, or NULL */
	const char *graph;      /* "https://graph.microsoft.com" */
};

const struct cloud *cloud_find(const char *name); /* NULL: none */
const struct cloud *cloud_table(size_t *count);

/* What was configured; texts are copied, the secret into locked memory. */
struct auth_options {
	const char *tenant; /* id or verified domain; never "common" or "organizations" */
	const char *client_id;
	const char *authority; /* origin: a host of the cloud table, or a loopback simulator's */
	const char *graph;     /* origin: the scope is <graph>/.default */
	struct span secret;    /* client secret */
};

struct auth;

/*
 * Borrows the transport. ERROR_AUTH when something is missing: says which, and which variable
 * or key sets it. ERROR_SYSTEM when memory can't be locked.
 */
MUST_CHECK struct auth *auth_open(const struct auth_options *options,
	const struct transport *transport, const struct progress *progress, struct error *err);
void auth_close(struct auth *auth); /* wipes */
DEFINE_CLEANUP(struct auth *, auth_close);

/*
 * A token that is good for at least a minute, asked for when needed; borrowed until the next
 * call. `renew`: the last one was refused with 401, get another.
 *   ERROR_AUTH     Entra refused: its error, AADSTS code, trace id, what it means, what to do
 *   ERROR_NETWORK  no answer
 */
MUST_CHECK const char *auth_token(struct auth *auth, bool renew, struct error *err);

/* The tenant id that a readable token names (its `tid`), or NULL: for comparison only [T1]. */
const char *auth_token_tenant(struct auth *auth);
