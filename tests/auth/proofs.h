/* Keys, certificates and files of them, made anew for each run of a test. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "auth/auth_internal.h"

/* An RSA key, made once in a program and cloned for each caller. */
EVP_PKEY *proof_rsa_key(void);
EVP_PKEY *proof_other_rsa_key(void);

/* A certificate for `key`, signed by itself, valid between the two (seconds from now). */
X509 *proof_certificate(EVP_PKEY *key, const char *name, long from_s, long until_s);
/* One for `key` that `issuer` signs with its `issuer_key`. */
X509 *proof_issued(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key);

/* Each appends to `out`. */
void proof_add_certificate(struct buf *out, X509 *certificate);
void proof_add_key(struct buf *out, EVP_PKEY *key, const char *password); /* NULL: plain */
void proof_add_old_key(struct buf *out, EVP_PKEY *key, const char *password);
void proof_add_pfx(struct buf *out, EVP_PKEY *key, X509 *certificate, const char *password);

/* Writes `content` to a file of mode 0600 in a folder of the test's own; its path, borrowed. */
const char *proof_file(const char *name, struct span content);
void proof_remove_files(void);

/* The part of a JWT (0: header, 1: claims) as JSON; a new reference. */
json_t *proof_jwt_part(struct span jwt, unsigned part);
/* Verified with OpenSSL's own functions, apart from the product's. */
bool proof_jwt_fits(struct span jwt, EVP_PKEY *key, int padding);
