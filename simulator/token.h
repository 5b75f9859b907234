/*
 * What the files of the sign-in service share: refusals as Entra words them, the proofs that the
 * application's registration accepts, and tokens. The service has a clock of its own: proofs come
 * from machines that do not live in the story's time.
 */
#pragma once

#include <openssl/evp.h>

#include "simulator/endpoint.h"

/* ---- token_refusal.c ---------------------------------------------------------------------- */

struct token_error {
	int status;
	const char *error;
	unsigned number; /* AADSTS… */
};

/* Answers in the shape of contract 1.6. Always true: an answer was given. */
bool token_refuse(struct exchange *exchange, const struct token_error *why, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* ---- token.c -------------------------------------------------------------------------------- */

enum { TOKEN_MAX_BYTES = 8192 };

int64_t signin_now_ms(const struct simulator *simulator);

/* A token that is valid from now on. Its lifetime is drawn (contract 1.2). */
MUST_CHECK bool token_issue(
	struct simulator *simulator, struct buf *token, int64_t *lifetime_s, struct error *err);

/* "<resource>/.default", or the resource alone with "" as suffix: is it this Graph? */
bool token_scope_is_ours(const struct simulator *simulator, const char *scope, const char *suffix);

/* ---- trust.c: what the registration accepts ------------------------------------------------- */

struct trusted_certificate {
	EVP_PKEY *key;
	/* base64url, as assertions name it */
	char sha256[48], sha1[32];
	int64_t begins_ms, ends_ms;
};

struct trusted_issuer {
	char *issuer, *subject, *audience;
	EVP_PKEY *key;
};

struct used_assertion {
	char *id;
	int64_t ends_ms;
};

struct trust {
	struct trusted_certificate *certificates;
	size_t certificate_count, certificate_capacity;
	struct trusted_issuer *issuers;
	size_t issuer_count, issuer_capacity;
	struct used_assertion *used; /* ids that must not come again */
	size_t used_count, used_capacity;
};

struct trust *trust_new(void);
void trust_free(struct trust *trust);

/* ---- assertion.c ---------------------------------------------------------------------------- */

/* False, with the answer, unless the assertion proves that the client is who it says. */
MUST_CHECK bool assertion_accepted(
	struct exchange *exchange, const char *client_id, const char *assertion);

/* RSASSA-PSS (SHA-256, MGF1 with it, a salt as long) or PKCS #1 v1.5 with SHA-256. */
bool assertion_signature_fits(
	EVP_PKEY *key, bool pss, struct span signed_text, struct span signature);

/* ---- identity.c ------------------------------------------------------------------------------ */

/* The managed identity endpoints of a VM and of App Service (contract 1.5). */
bool is_identity_path(const char *path);
MUST_CHECK bool answer_identity(struct exchange *exchange, struct error *err);
