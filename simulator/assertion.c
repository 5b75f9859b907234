/*
 * The check of a client assertion, as Entra makes it: of our own certificate (contract 1.3), or of
 * an outside issuer (1.4). Which of the two it is, its `iss` says: a client that signs for itself
 * names itself there.
 *
 * The numbers of what contract 1.6 does not list: 50027 a text that is no JWT, 50013 an assertion
 * that was used before, or whose outside signature does not fit.
 */
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"
#include "simulator/token.h"

enum {
	ASSERTION_MAX = 128 << 10,
	SKEW_S = 300, /* that a clock may be off */
	USED_MAX = 4096,
};

static const struct token_error malformed = { 400, "invalid_request", 50027 };
static const struct token_error not_registered = { 401, "invalid_client", 700027 };
static const struct token_error other_client = { 401, "invalid_client", 700021 };
static const struct token_error other_audience = { 401, "invalid_client", 700023 };
static const struct token_error other_time = { 401, "invalid_client", 700024 };
static const struct token_error invalid = { 401, "invalid_client", 50013 };
static const struct token_error no_federation = { 401, "invalid_client", 70021 };
static const struct token_error no_issuer = { 401, "invalid_client", 700211 };
static const struct token_error no_audience = { 401, "invalid_client", 700212 };
static const struct token_error no_subject = { 401, "invalid_client", 700213 };

/* ---- a JWT, taken apart ------------------------------------------------------------------------ */

struct jwt {
	json_t *header, *claims;
	struct span signed_text; /* borrowed from the assertion */
	struct buf signature;
};

static void jwt_release(struct jwt *jwt)
{
	json_decref(jwt->header);
	json_decref(jwt->claims);
	buf_release(&jwt->signature);
}

static bool decode(struct span text, struct buf *out)
{
	char *room = buf_room(out, text.length + 1);
	size_t length;

	if (!text.length || !room ||
		sodium_base642bin((uint8_t *)room, text.length + 1, text.data, text.length, NULL,
			&length, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	buf_grew(out, length);
	return true;
}

static json_t *decode_json(struct span text)
{
	CLEANUP(buf_release) struct buf plain = BUF_UP_TO(ASSERTION_MAX);
	json_t *json;

	if (!decode(text, &plain))
		return NULL;
	json = json_loadb(plain.data, plain.length, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static bool jwt_parse(struct jwt *jwt, const char *text)
{
	const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;

	jwt->signature = (struct buf)BUF_UP_TO(ASSERTION_MAX);
	if (!second || strchr(second + 1, '.') || strlen(text) > ASSERTION_MAX)
		return false;
	jwt->header = decode_json((struct span){ text, (size_t)(first - text) });
	jwt->claims = decode_json((struct span){ first + 1, (size_t)(second - first - 1) });
	jwt->signed_text = (struct span){ text, (size_t)(second - text) };
	return jwt->header && jwt->claims && decode(span_of(second + 1), &jwt->signature);
}

static bool claim_is(const struct jwt *jwt, const char *name, const char *wanted)
{
	const char *value = json_text_or_null(jwt->claims, name);

	/* Case-sensitive, all of them. */
	return value && strcmp(value, wanted) == 0;
}

/* ---- signatures ---------------------------------------------------------------------------------- */

bool assertion_signature_fits(
	EVP_PKEY *key, bool pss, struct span signed_text, struct span signature)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;
	bool fits = digest &&
		EVP_DigestVerifyInit(digest, &context, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(
			context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;

	if (fits && pss)
		fits = EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
	fits = fits &&
		EVP_DigestVerify(digest, (const uint8_t *)signature.data, signature.length,
			(const uint8_t *)signed_text.data, signed_text.length) == 1;
	EVP_MD_CTX_free(digest);
	return fits;
}

/* ---- what both kinds must say -------------------------------------------------------------------- */

static bool refuse_time(struct exchange *exchange, int64_t begins_s, int64_t ends_s)
{
	char now[TIME_TEXT_BYTES], begins[TIME_TEXT_BYTES], ends[TIME_TEXT_BYTES];

	return !token_refuse(exchange, &other_time,
		"Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.",
		time_text(signin_now_ms(exchange->simulator) / 1000 * 1000, now),
		time_text(begins_s * 1000, begins), time_text(ends_s * 1000, ends));
}

static int64_t claim_time(const struct jwt *jwt, const char *name)
{
	const json_t *value = json_object_get(jwt->claims, name);
	json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : 0;

	return seconds > 0 && seconds < INT32_MAX ? (int64_t)seconds : 0;
}

static bool time_accepted(struct exchange *exchange, const struct jwt *jwt)
{
	int64_t now_s = signin_now_ms(exchange->simulator) / 1000;
	int64_t begins_s = claim_time(jwt, "nbf"), ends_s = claim_time(jwt, "exp");

	if (begins_s <= now_s + SKEW_S && now_s < ends_s + SKEW_S)
		return true;
	return refuse_time(exchange, begins_s, ends_s);
}

/* ---- a certificate's assertion ---------------------------------------------------------------------- */

static const struct trusted_certificate *find_certificate(
	const struct trust *trust, const struct jwt *jwt, bool pss)
{
	const char *named = json_text_or_null(jwt->header, pss ? "x5t#S256" : "x5t");

	for (size_t i = 0; named && i < trust->certificate_count; i++) {
		const struct trusted_certificate *row = &trust->certificates[i];

		if (strcmp(named, pss ? row->sha256 : row->sha1) == 0)
			return row;
	}
	return NULL;
}

static bool signature_accepted(struct exchange *exchange, const struct jwt *jwt)
{
	const char *algorithm = json_text_or_null(jwt->header, "alg");
	const char *type = json_text_or_null(jwt->header, "typ");
	bool pss = algorithm && strcmp(algorithm, "PS256") == 0;
	const struct trusted_certificate *certificate = find_certificate(
		exchange->simulator->trust, jwt, pss);
	int64_t now_ms = signin_now_ms(exchange->simulator);

	if (!algorithm || (!pss && strcmp(algorithm, "RS256") != 0) || !type ||
		strcmp(type, "JWT") != 0)
		return !token_refuse(exchange, &malformed,
			"JWT token is invalid or malformed: the header's alg or typ is not accepted.");
	if (!certificate)
		return !token_refuse(exchange, &not_registered,
			"The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found.]");
	if (!assertion_signature_fits(
		    certificate->key, pss, jwt->signed_text, buf_span(&jwt->signature)))
		return !token_refuse(exchange, &not_registered,
			"Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed.]");
	if (now_ms < certificate->begins_ms || now_ms > certificate->ends_ms)
		return !token_refuse(exchange, &not_registered,
			"Client assertion contains an invalid signature. [Reason - The key used is expired.]");
	return true;
}

static void forget_old(struct trust *trust, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < trust->used_count; i++) {
		if (trust->used[i].ends_ms + (int64_t)SKEW_S * 1000 < now_ms)
			memory_free(trust->used[i].id);
		else
			trust->used[kept++] = trust->used[i];
	}
	trust->used_count = kept;
}

/* An assertion is for one request: its id must be a GUID that was not seen in its time. */
static bool first_use(struct exchange *exchange, const struct jwt *jwt)
{
	struct trust *trust = exchange->simulator->trust;
	const char *id = json_text_or_null(jwt->claims, "jti");

	if (!id || !text_is_guid(span_of(id)))
		return !token_refuse(
			exchange, &malformed, "JWT token is invalid or malformed: jti is no GUID.");
	forget_old(trust, signin_now_ms(exchange->simulator));
	for (size_t i = 0; i < trust->used_count; i++)
		if (strcmp(trust->used[i].id, id) == 0)
			return !token_refuse(exchange, &invalid,
				"The provided assertion is not valid: it was presented before.");
	if (trust->used_count == USED_MAX)
		return !token_refuse(exchange, &invalid, "Too many assertions at once.");
	MEMORY_GROW(trust->used, trust->used_count, trust->used_capacity);
	trust->used[trust->used_count++] = (struct used_assertion){
		.id = memory_text(id),
		.ends_ms = claim_time(jwt, "exp") * 1000,
	};
	return true;
}

static bool own_accepted(struct exchange *exchange, const struct jwt *jwt, const char *client_id)
{
	CLEANUP(buf_release) struct buf audience = BUF_UP_TO(PATH_MAX_BYTES);
	const char *origin = exchange->simulator->options.graph_url;

	if (!signature_accepted(exchange, jwt))
		return false;
	if (!claim_is(jwt, "sub", client_id))
		return !token_refuse(exchange, &other_client,
			"Client assertion application identifier doesn't match 'client_id' parameter.");
	/* The URL that it was posted to; MSAL puts a query behind it that is no part of the name. */
	buf_addf(&audience, "%s%.*s", origin ? origin : "", (int)strcspn(exchange->target, "?"),
		exchange->target);
	if (!claim_is(jwt, "aud", buf_text(&audience)))
		return !token_refuse(exchange, &other_audience,
			"Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .");
	return time_accepted(exchange, jwt) && first_use(exchange, jwt);
}

/* ---- an outside issuer's token ------------------------------------------------------------------------ */

/* The row that agrees for longest, in the order in which Entra looks. */
static bool federation_accepted(struct exchange *exchange, const struct jwt *jwt)
{
	const struct trust *trust = exchange->simulator->trust;
	const struct token_error *why = trust->issuer_count ? &no_issuer : &no_federation;
	const char *algorithm = json_text_or_null(jwt->header, "alg");

	for (size_t i = 0; i < trust->issuer_count; i++) {
		const struct trusted_issuer *row = &trust->issuers[i];

		if (!claim_is(jwt, "iss", row->issuer))
			continue;
		why = &no_subject;
		if (!claim_is(jwt, "sub", row->subject))
			continue;
		why = &no_audience;
		if (!claim_is(jwt, "aud", row->audience))
			continue;
		if (!algorithm || strcmp(algorithm, "RS256") != 0 ||
			!assertion_signature_fits(
				row->key, false, jwt->signed_text, buf_span(&jwt->signature)))
			return !token_refuse(exchange, &invalid,
				"Assertion failed signature validation. [Reason - The key was not found.]");
		return time_accepted(exchange, jwt);
	}
	return !token_refuse(exchange, why,
		"No matching federated identity record found for presented assertion issuer, subject or audience.");
}

bool assertion_accepted(struct exchange *exchange, const char *client_id, const char *assertion)
{
	CLEANUP(jwt_release) struct jwt jwt = { 0 };
	const char *issuer;

	if (!jwt_parse(&jwt, assertion))
		return !token_refuse(exchange, &malformed, "JWT token is invalid or malformed.");
	issuer = json_text_or_null(jwt.claims, "iss");
	if (!issuer)
		return !token_refuse(exchange, &malformed,
			"JWT token is invalid or malformed: it names no issuer.");
	if (strcmp(issuer, client_id) == 0)
		return own_accepted(exchange, &jwt, client_id);
	/* A client that names itself as subject signs for itself, under another's name. */
	if (claim_is(&jwt, "sub", client_id))
		return !token_refuse(
			exchange, &other_client, "Client assertion's issuer is not the client.");
	return federation_accepted(exchange, &jwt);
}
