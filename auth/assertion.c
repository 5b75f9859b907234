/*
 * The assertion that proves the possession of a certificate's key (contract 1.3): a JWT,
 *
 *	base64url(header) "." base64url(claims) "." base64url(signature)
 *
 *	header  {"alg":"PS256","typ":"JWT","x5t#S256":"…"[,"x5c":["…",…]]}
 *	claims  {"aud":TOKEN URL,"iss":CLIENT,"sub":CLIENT,"jti":GUID,"nbf":NOW,"iat":NOW,"exp":NOW+600}
 *
 * PS256 is RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt as long as the hash. RS256 with
 * `x5t` (SHA-1) is the older form. It is used where the profile says so, and where the key can't
 * do PSS; whether it can is found out by a trial signature when it is read, since that is the
 * one answer that holds for every provider of keys.
 *
 * The key in hand is never signed with: OpenSSL keeps its factors, in ordinary memory, with a key
 * that has signed. So each signature is made with a copy, which goes right after.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <string.h>

#include "auth/certificate_internal.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"

enum {
	LIFETIME_S = 600, /* Entra advises 5 to 10 minutes */
	CHAIN_LENGTH_MAX = 8,
	HEADER_MAX = 48 << 10, /* with a chain */
	CLAIMS_MAX = NET_URL_MAX + 4096,
	SIGNATURE_MAX = CERTIFICATE_KEY_BITS_MAX / 8,
};

struct assertion_algorithm {
	const char *name;   /* `alg` */
	const char *digest; /* the member with the certificate's digest */
	const EVP_MD *(*md)(void);
	int padding;
};

static const struct assertion_algorithm algorithms[] = {
	{ "PS256", "x5t#S256", EVP_sha256, RSA_PKCS1_PSS_PADDING },
	{ "RS256", "x5t", EVP_sha1, RSA_PKCS1_PADDING },
};

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void digest_freep(EVP_MD_CTX **digest)
{
	EVP_MD_CTX_free(*digest);
}

/* ---- signing ----------------------------------------------------------------------------- */

static bool set_padding(EVP_PKEY_CTX *context, const struct assertion_algorithm *algorithm)
{
	if (EVP_PKEY_CTX_set_rsa_padding(context, algorithm->padding) != 1)
		return false;
	return algorithm->padding != RSA_PKCS1_PSS_PADDING ||
		(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1);
}

static bool sign(EVP_PKEY *kept, const struct assertion_algorithm *algorithm, struct span text,
	uint8_t signature[static SIGNATURE_MAX], size_t *length)
{
	CLEANUP(key_freep) EVP_PKEY *key = EVP_PKEY_dup(kept);
	CLEANUP(digest_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;

	*length = SIGNATURE_MAX;
	return key && digest &&
		EVP_DigestSignInit(digest, &context, EVP_sha256(), NULL, key) == 1 &&
		set_padding(context, algorithm) &&
		EVP_DigestSign(
			digest, signature, length, (const uint8_t *)text.data, text.length) == 1;
}

static bool can_sign(EVP_PKEY *key, const struct assertion_algorithm *algorithm)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t length;
	bool can = sign(key, algorithm, SPAN_LITERAL("trial"), signature, &length);

	ERR_clear_error();
	return can;
}

bool assertion_choose(struct certificate *certificate, const char *wanted, struct error *err)
{
	bool known = !wanted;

	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		if (wanted && strcmp(wanted, algorithms[i].name) != 0)
			continue;
		known = true;
		if (!can_sign(certificate->key, &algorithms[i]))
			continue;
		certificate->algorithm = &algorithms[i];
		return true;
	}
	if (!known)
		return error_set(err, ERROR_USAGE,
			"assertion = %s: it can be PS256 (which it is unless said) or RS256",
			wanted);
	return error_set(err, ERROR_AUTH,
		"%s: its key can't make %s signatures. Was it limited to something else when it was "
		"made?",
		certificate->name, wanted ? wanted : "PS256 and RS256");
}

/* ---- the parts ----------------------------------------------------------------------------- */

static void add_base64(struct buf *out, const void *bytes, size_t length, int variant)
{
	size_t size = sodium_base64_encoded_len(length, variant);
	char *room = buf_room(out, size);

	if (!room)
		return;
	sodium_bin2base64(room, size, bytes, length, variant);
	buf_grew(out, size - 1);
}

static void add_base64url(struct buf *out, struct span bytes)
{
	add_base64(out, bytes.data, bytes.length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void add_der(struct buf *out, X509 *certificate)
{
	uint8_t *der = NULL;
	int length = i2d_X509(certificate, &der);

	buf_add_byte(out, '"');
	if (length > 0)
		add_base64(out, der, (size_t)length, sodium_base64_VARIANT_ORIGINAL);
	buf_add_byte(out, '"');
	OPENSSL_free(der);
}

static X509 *issuer_of(const struct certificate *certificate, X509 *subject)
{
	for (int i = 0; i < sk_X509_num(certificate->others); i++) {
		X509 *candidate = sk_X509_value(certificate->others, i);

		if (X509_check_issued(candidate, subject) == X509_V_OK)
			return candidate;
	}
	return NULL;
}

/* From the leaf upwards, whatever the order in the file. */
static void add_chain(struct buf *header, const struct certificate *certificate)
{
	X509 *at = certificate->leaf;

	buf_add_text(header, ",\"x5c\":[");
	for (size_t length = 0; at && length < CHAIN_LENGTH_MAX; length++) {
		X509 *issuer = X509_check_issued(at, at) == X509_V_OK ? NULL
								      : issuer_of(certificate, at);

		if (length)
			buf_add_byte(header, ',');
		add_der(header, at);
		at = issuer;
	}
	buf_add_byte(header, ']');
}

static bool add_header(struct buf *header, const struct certificate *certificate, struct error *err)
{
	const struct assertion_algorithm *algorithm = certificate->algorithm;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length;

	if (X509_digest(certificate->leaf, algorithm->md(), digest, &length) != 1)
		return error_set(
			err, ERROR_SYSTEM, "%s: OpenSSL can't make its digest", certificate->name);
	buf_addf(header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"%s\":\"", algorithm->name,
		algorithm->digest);
	add_base64url(header, (struct span){ (const char *)digest, length });
	buf_add_byte(header, '"');
	if (certificate->send_chain)
		add_chain(header, certificate);
	buf_add_byte(header, '}');
	return buf_check(header, "the assertion's header", err);
}

static bool add_claims(struct buf *claims, const struct token_target *target, struct error *err)
{
	long long now_s = (long long)(target->now_ms / 1000);
	char id[GUID_TEXT_BYTES];

	buf_add_text(claims, "{\"aud\":");
	scan_quote(span_of(target->url), claims);
	buf_add_text(claims, ",\"iss\":");
	scan_quote(span_of(target->client_id), claims);
	buf_add_text(claims, ",\"sub\":");
	scan_quote(span_of(target->client_id), claims);
	buf_addf(claims, ",\"jti\":\"%s\",\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}",
		text_new_guid(id), now_s, now_s, now_s + LIFETIME_S);
	return buf_check(claims, "the assertion", err);
}

bool certificate_assert(const struct certificate *certificate, const struct token_target *target,
	struct buf *out, struct error *err)
{
	CLEANUP(buf_release) struct buf header = BUF_UP_TO(HEADER_MAX);
	CLEANUP(buf_release) struct buf claims = BUF_UP_TO(CLAIMS_MAX);
	uint8_t signature[SIGNATURE_MAX];
	size_t length;

	if (!certificate_check_time(certificate, target->now_ms, err) ||
		!add_header(&header, certificate, err) || !add_claims(&claims, target, err))
		return false;
	add_base64url(out, buf_span(&header));
	buf_add_byte(out, '.');
	add_base64url(out, buf_span(&claims));
	if (!sign(certificate->key, certificate->algorithm, buf_span(out), signature, &length)) {
		ERR_clear_error();
		return error_set(err, ERROR_SYSTEM, "%s: OpenSSL could not sign with its key",
			certificate->name);
	}
	buf_add_byte(out, '.');
	add_base64url(out, (struct span){ (const char *)signature, length });
	explicit_bzero(signature, sizeof(signature));
	return buf_check(out, "the assertion", err);
}
