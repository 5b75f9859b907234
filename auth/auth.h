/*
 * From credentials to an access token (contract 1). The token is opaque, lives in locked
 * memory only [T21, T26] and is renewed ahead of its expiry. Clouds are one table, and so are the
 * ways to sign in:
 *
 *	client secret      a file, standard input, a service credential, AZURE_CLIENT_SECRET
 *	certificate        PEM or PFX; each request carries an assertion signed for it (PS256)
 *	federated token    a file that a platform rotates, read again for each request
 *	managed identity   asked of this machine's own endpoint: Azure VM or App Service
 *	pasted token       an access token that somebody got elsewhere; never renewed
 *
 * Continuous access evaluation is not asked for: tokens live 60 to 90 minutes, and Graph then
 * sends no claims challenges that would have to be answered (contract 1.8).
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

/*
 * What was configured; texts are copied, secrets into locked memory. The members named `_file` hold
 * a path to a file that is ours alone (0600, no link), "-" for standard input, or
 * "credential:NAME" for a file in $CREDENTIALS_DIRECTORY, which is how systemd hands secrets over.
 */
struct auth_options {
	const char *tenant; /* id or verified domain; never "common" or "organizations" */
	const char *client_id;
	const char *authority; /* origin: a host of the cloud table, or a loopback simulator's */
	const char *graph;     /* origin: the scope is <graph>/.default */

	/* One way to sign in; naming two is an error. */
	struct span secret; /* a client secret that is at hand */
	const char *client_secret_file;
	const char *certificate_file; /* certificate and key: PEM, or PFX (PKCS#12) */
	const char
		*federated_token_file; /* a path; links are fine: that is how tokens are mounted */
	const char *managed_identity;  /* "system", a client id, "object_id:ID" or a resource id */
	const char *access_token_file;

	/* More about the certificate. */
	const char *certificate_password_file;
	const char *assertion;              /* "PS256" unless said; "RS256" */
	const char *send_certificate_chain; /* "yes": the x5c header, for trust by subject name */

	/*
	 * Where no way was named, the variables of the Azure SDKs choose, in the SDKs' order
	 * (contract 1.7). Those that hold secrets are wiped and unset, used or not [T21].
	 */
	bool environment;
	/* The table where the origin of token requests is entered; NULL: nobody asks a gate. */
	struct net_origins *origins;
};

struct auth;

/*
 * Reads the credential; sends nothing. Borrows the transport. ERROR_AUTH when something is
 * missing or can't serve: says which, and which variable or key sets it. ERROR_USAGE for keys that
 * mean nothing, ERROR_REFUSED for a file that others may read, ERROR_SYSTEM when memory can't be
 * locked.
 */
MUST_CHECK struct auth *auth_open(const struct auth_options *options,
	const struct transport *transport, const struct progress *progress, struct error *err);
void auth_close(struct auth *auth); /* wipes */
DEFINE_CLEANUP(struct auth *, auth_close);

/*
 * A token that is good for at least a minute, asked for when needed; borrowed until the next
 * call. `renew`: the last one was refused with 401, get another.
 *   ERROR_AUTH     refused: Entra's error, AADSTS code, trace id, what it means, what to do
 *   ERROR_NETWORK  no answer, or "later" for too long
 */
MUST_CHECK const char *auth_token(struct auth *auth, bool renew, struct error *err);

/* The tenant id that a readable token names (its `tid`), or NULL: for comparison only [T1]. */
const char *auth_token_tenant(struct auth *auth);

/*
 * What the token says that it may do: names of permissions, a blank between them, to be freed with
 * memory_free(). A hint for people: the token is opaque, and who gets it decides (contract 1.2).
 * NULL: there is no token yet, or it can't be read. "": it names none.
 */
char *auth_token_permissions(struct auth *auth);
/* How long the token lasts that auth_token() gave; TIME_NONE where that is not known. */
int64_t auth_token_left_ms(const struct auth *auth);

/* "client secret", "certificate", "federated token", "managed identity", "pasted access token". */
const char *auth_credential_name(const struct auth *auth);
/* True when something that must stay secret goes to `authority`, and so not with the last two. */
bool auth_signs_in(const struct auth *auth);
/* When the credential itself ends (a certificate, a readable pasted token); TIME_NONE: unknown. */
int64_t auth_credential_ends_ms(const struct auth *auth);

/*
 * By how much this machine's clock is ahead of Entra's (negative: behind), from the Date of the
 * last answer of the token endpoint [T12]. False: there was none yet. Good to about a second.
 */
bool auth_clock_skew_ms(const struct auth *auth, int64_t *skew_ms);
