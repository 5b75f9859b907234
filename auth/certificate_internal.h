/* What certificate.c, which reads, and assertion.c, which signs, share. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "auth/auth_internal.h"

enum { CERTIFICATE_KEY_BITS_MAX = 8192 };

struct certificate {
	char *name; /* the file */
	EVP_PKEY *key;
	X509 *leaf;
	STACK_OF(X509) * others; /* more certificates of the file: the chain, in whatever order */
	bool send_chain;
	const struct assertion_algorithm *algorithm;
};

/*
 * Chooses PS256 or RS256 by a trial: `wanted` if said, else PS256, and RS256 where the key can't
 * do that. ERROR_AUTH when the key can't do what is needed; ERROR_USAGE for another word.
 */
MUST_CHECK bool assertion_choose(
	struct certificate *certificate, const char *wanted, struct error *err);
