/*
 * Client assertions as Entra judges them (contract 1.3, 1.4, 1.6): a good one, and each way of
 * being wrong with its number. The assertions are made here, with OpenSSL alone.
 */
#include "tests/simulator/tenant_fixture.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "simulator/token.h"
#include "tests/shared.h"

#define ASSERTION_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define ISSUER         "https://issuer.example/"
#define SUBJECT        "system:serviceaccount:ops:unstage"
#define AUDIENCE       "api://AzureADTokenExchange"

enum { JWT_MAX = 16 << 10, NOW_S = (int)(NOW_MS / 1000) };

static EVP_PKEY *key, *other_key;
static X509 *certificate, *other_certificate;

static X509 *make_certificate(EVP_PKEY *of)
{
	X509 *made = X509_new();

	/* Valid on the story's days. */
	ASN1_TIME_set(X509_getm_notBefore(made), NOW_S - 86400);
	ASN1_TIME_set(X509_getm_notAfter(made), NOW_S + 86400);
	X509_set_pubkey(made, of);
	assert_true(X509_sign(made, of, EVP_sha256()) > 0);
	return made;
}

static int make_keys(void **state UNUSED)
{
	key = EVP_RSA_gen(2048);
	other_key = EVP_RSA_gen(2048);
	certificate = make_certificate(key);
	other_certificate = make_certificate(other_key);
	return 0;
}

static int free_keys(void **state UNUSED)
{
	EVP_PKEY_free(key), EVP_PKEY_free(other_key);
	X509_free(certificate), X509_free(other_certificate);
	return 0;
}

static void trust_certificate(struct tenant *tenant, X509 *trusted)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct error err = { 0 };
	char *data;
	long length;

	assert_true(PEM_write_bio_X509(bio, trusted));
	length = BIO_get_mem_data(bio, &data);
	assert_true(simulator_trust_certificate(
		tenant->simulator, (struct span){ data, (size_t)length }, &err));
	BIO_free(bio);
}

static void trust_issuer(struct tenant *tenant)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct error err = { 0 };
	char *data;
	long length;
	struct simulator_issuer issuer = { ISSUER, SUBJECT, AUDIENCE, SPAN_NONE };

	assert_true(PEM_write_bio_PUBKEY(bio, key));
	length = BIO_get_mem_data(bio, &data);
	issuer.key_pem = (struct span){ data, (size_t)length };
	assert_true(simulator_trust_issuer(tenant->simulator, &issuer, &err));
	BIO_free(bio);
}

/* ---- JWTs ------------------------------------------------------------------------------------ */

static void add_base64url(struct buf *out, const void *data, size_t length)
{
	char text[JWT_MAX];

	sodium_bin2base64(
		text, sizeof(text), data, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_add_text(out, text);
}

static void add_json(struct buf *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	add_base64url(out, text, strlen(text));
	free(text);
}

static void add_signature(struct buf *jwt, EVP_PKEY *with, const char *algorithm)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;
	uint8_t signature[512];
	size_t length = sizeof(signature);

	assert_true(EVP_DigestSignInit(digest, &context, EVP_sha256(), NULL, with) == 1);
	if (strcmp(algorithm, "RS256") != 0) {
		int salt = strcmp(algorithm, "salt0") == 0 ? 0 : 32;

		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt);
	}
	assert_true(EVP_DigestSign(digest, signature, &length, (const uint8_t *)jwt->data,
			    jwt->length) == 1);
	EVP_MD_CTX_free(digest);
	buf_add_byte(jwt, '.');
	add_base64url(jwt, signature, length);
}

static void make_jwt(struct buf *jwt, const json_t *header, const json_t *claims, EVP_PKEY *with,
	const char *algorithm)
{
	buf_cut(jwt, 0);
	add_json(jwt, header);
	buf_add_byte(jwt, '.');
	add_json(jwt, claims);
	add_signature(jwt, with, algorithm);
}

static json_t *digest_of(X509 *of, const EVP_MD *md)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(128);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length;

	X509_digest(of, md, digest, &length);
	add_base64url(&text, digest, length);
	return json_string(buf_text(&text));
}

static json_t *good_header(void)
{
	return json_pack("{s:s, s:s, s:o}", "alg", "PS256", "typ", "JWT", "x5t#S256",
		digest_of(certificate, EVP_sha256()));
}

static json_t *good_claims(const struct tenant *tenant)
{
	const char *client = simulator_client_id(tenant->simulator);
	char id[GUID_TEXT_BYTES];

	return json_pack("{s:o, s:s, s:s, s:s, s:i, s:i, s:i}", "aud",
		json_sprintf(
			TEST_GRAPH "/%s/oauth2/v2.0/token", simulator_tenant(tenant->simulator)),
		"iss", client, "sub", client, "jti", text_new_guid(id), "nbf", NOW_S, "iat", NOW_S,
		"exp", NOW_S + 600);
}

static json_t *good_outside_claims(void)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "aud", AUDIENCE, "iss", ISSUER, "sub",
		SUBJECT, "nbf", NOW_S, "iat", NOW_S, "exp", NOW_S + 3600);
}

static struct reply present(struct tenant *tenant, const char *jwt)
{
	char form[JWT_MAX];

	snprintf(form, sizeof(form),
		"grant_type=client_credentials&client_id=%s&scope=http%%3A%%2F%%2F127.0.0.1%%3A8080"
		"%%2F.default&client_assertion_type=%s&client_assertion=%s",
		simulator_client_id(tenant->simulator), ASSERTION_TYPE, jwt);
	return ask_token(tenant, simulator_tenant(tenant->simulator), form);
}

static void expect_number(struct tenant *tenant, const char *jwt, int number)
{
	CLEANUP(reply_release) struct reply reply = present(tenant, jwt);
	const json_t *numbers = json_object_get(reply.body, "error_codes");

	if (!number) {
		assert_int_equal(reply.status, 200);
		assert_non_null(json_text_or_null(reply.body, "access_token"));
		return;
	}
	assert_true(reply.status == 400 || reply.status == 401);
	assert_int_equal(json_integer_value(json_array_get(numbers, 0)), number);
	assert_null(json_object_get(reply.body, "access_token"));
}

/* ---- certificates ------------------------------------------------------------------------------ */

static void a_good_assertion_gets_a_token(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_certificate(tenant, other_certificate);
	trust_certificate(tenant, certificate);
	make_jwt(&jwt, header, claims, key, "PS256");
	expect_number(tenant, buf_text(&jwt), 0);
	/* Once: its id was seen. */
	expect_number(tenant, buf_text(&jwt), 50013);
}

static void the_older_form_is_taken_too(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep)
	json_t *header = json_pack("{s:s, s:s, s:o}", "alg", "RS256", "typ", "JWT", "x5t",
		digest_of(certificate, EVP_sha1()));
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_certificate(tenant, certificate);
	make_jwt(&jwt, header, claims, key, "RS256");
	expect_number(tenant, buf_text(&jwt), 0);
}

static void a_certificate_that_is_not_registered_is_700027(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	make_jwt(&jwt, header, claims, key, "PS256");
	expect_number(tenant, buf_text(&jwt), 700027);
	trust_certificate(tenant, other_certificate);
	expect_number(tenant, buf_text(&jwt), 700027);
}

static void a_signature_that_does_not_fit_is_700027(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_certificate(tenant, certificate);
	make_jwt(&jwt, header, claims, other_key, "PS256");
	expect_number(tenant, buf_text(&jwt), 700027);
	/* PKCS #1 v1.5 under the name of PSS, and a salt of another length. */
	make_jwt(&jwt, header, claims, key, "RS256");
	expect_number(tenant, buf_text(&jwt), 700027);
	make_jwt(&jwt, header, claims, key, "salt0");
	expect_number(tenant, buf_text(&jwt), 700027);
}

struct wrong {
	const char *name;
	const char *value; /* JSON; NULL: left out */
	int number;
};

static void expect_wrong_claim(struct tenant *tenant, const struct wrong *wrong)
{
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	if (wrong->value)
		json_object_set_new(
			claims, wrong->name, json_loads(wrong->value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(claims, wrong->name);
	make_jwt(&jwt, header, claims, key, "PS256");
	expect_number(tenant, buf_text(&jwt), wrong->number);
}

static void each_claim_is_looked_at(void **state)
{
	static const struct wrong wrongs[] = {
		{ "aud", "\"https://login.microsoftonline.com/x/oauth2/v2.0/token\"", 700023 },
		{ "aud", NULL, 700023 },
		{ "sub", "\"somebody\"", 700021 },
		{ "sub", NULL, 700021 },
		{ "iss", "\"somebody\"", 700021 },
		{ "iss", NULL, 50027 },
		{ "jti", NULL, 50027 },
		{ "jti", "\"always the same\"", 50027 },
		{ "exp", NULL, 700024 },
		{ "exp", "1772590000", 700024 },
		{ "exp", "\"1772599999\"", 700024 },
		{ "nbf", "1772591500", 700024 },
	};

	trust_certificate(*state, certificate);
	for (size_t i = 0; i < COUNT_OF(wrongs); i++)
		expect_wrong_claim(*state, &wrongs[i]);
}

static void the_audience_is_the_url_as_it_was_posted_to(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_certificate(tenant, certificate);
	/* The same tenant by another name is another URL. */
	json_object_set_new(
		claims, "aud", json_string(TEST_GRAPH "/" TENANT_DOMAIN "/oauth2/v2.0/token"));
	make_jwt(&jwt, header, claims, key, "PS256");
	expect_number(tenant, buf_text(&jwt), 700023);
}

static void a_clock_may_be_off_by_five_minutes(void **state)
{
	static const struct wrong edges[] = { { "nbf", "1772590960", 0 },
		{ "nbf", "1772590963", 700024 }, { "exp", "1772590363", 0 },
		{ "exp", "1772590360", 700024 } };

	trust_certificate(*state, certificate);
	for (size_t i = 0; i < COUNT_OF(edges); i++)
		expect_wrong_claim(*state, &edges[i]);
}

static void a_refusal_for_time_states_both_clocks(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = good_header();
	CLEANUP(json_freep) json_t *claims = good_claims(tenant);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_certificate(tenant, certificate);
	simulator_set_now_ms(tenant->simulator, NOW_MS + 3600 * 1000);
	make_jwt(&jwt, header, claims, key, "PS256");
	{
		CLEANUP(reply_release) struct reply reply = present(tenant, buf_text(&jwt));
		const char *words = json_text_or_null(reply.body, "error_description");

		assert_non_null(strstr(words, "Current time: 2026-03-04T03:17:41Z"));
		assert_non_null(strstr(words, "expiry time of assertion 2026-03-04T02:27:41Z"));
		assert_non_null(
			strstr(buf_text(&reply.headers), "Date: Wed, 04 Mar 2026 03:17:41 GMT"));
	}
}

static void what_is_no_jwt_is_50027(void **state)
{
	static const char *const odd[] = { "", "a", "..", "e30.e30", "e30.e30.e30",
		"e30.e30.e30.e30", "W10.W10.e30", "bm8.bm8.bm8", "e30=.e30.e30" };

	trust_certificate(*state, certificate);
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		expect_number(*state, odd[i], 50027);
}

static void a_header_with_another_algorithm_is_50027(void **state)
{
	static const char *const algorithms[] = { "none", "HS256", "PS384", "ps256" };
	struct tenant *tenant = *state;

	trust_certificate(tenant, certificate);
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		CLEANUP(json_freep) json_t *header = good_header();
		CLEANUP(json_freep) json_t *claims = good_claims(tenant);
		CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

		json_object_set_new(header, "alg", json_string(algorithms[i]));
		make_jwt(&jwt, header, claims, key, "PS256");
		expect_number(tenant, buf_text(&jwt), 50027);
	}
}

/* ---- outside issuers ----------------------------------------------------------------------------- */

static void expect_outside(struct tenant *tenant, const char *name, const char *value, int number)
{
	CLEANUP(json_freep) json_t *header = json_pack("{s:s}", "alg", "RS256");
	CLEANUP(json_freep) json_t *claims = good_outside_claims();
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	if (name)
		json_object_set_new(claims, name, json_loads(value, JSON_DECODE_ANY, NULL));
	make_jwt(&jwt, header, claims, key, "RS256");
	expect_number(tenant, buf_text(&jwt), number);
}

static void a_federated_token_is_judged_by_issuer_subject_and_audience(void **state)
{
	struct tenant *tenant = *state;

	expect_outside(tenant, NULL, NULL, 70021);
	trust_issuer(tenant);
	expect_outside(tenant, NULL, NULL, 0);
	/* As often as its platform likes. */
	expect_outside(tenant, NULL, NULL, 0);
	expect_outside(tenant, "iss", "\"https://ISSUER.example/\"", 700211);
	expect_outside(tenant, "sub", "\"system:serviceaccount:ops:Unstage\"", 700213);
	expect_outside(tenant, "aud", "\"api://azureadtokenexchange\"", 700212);
	expect_outside(tenant, "exp", "1772590000", 700024);
}

static void a_federated_token_of_another_key_is_50013(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(json_freep) json_t *header = json_pack("{s:s}", "alg", "RS256");
	CLEANUP(json_freep) json_t *claims = good_outside_claims();
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(JWT_MAX);

	trust_issuer(tenant);
	make_jwt(&jwt, header, claims, other_key, "RS256");
	expect_number(tenant, buf_text(&jwt), 50013);
}

/* ---- the verifier against vectors of others --------------------------------------------------------- */

static size_t unhex(const char *text, uint8_t *room, size_t size)
{
	size_t length = 0;

	assert_int_equal(sodium_hex2bin(room, size, text, strlen(text), NULL, &length, NULL), 0);
	return length;
}

static EVP_PKEY *key_of(const json_t *group)
{
	static uint8_t der[4096];
	const uint8_t *at = der;
	const char *hex = json_text_or_null(group, "publicKeyDer");
	EVP_PKEY *made;

	assert_non_null(hex);
	made = d2i_PUBKEY(NULL, &at, (long)unhex(hex, der, sizeof(der)));
	assert_non_null(made);
	return made;
}

static void signatures_are_judged_as_wycheproof_wants(void **state UNUSED)
{
	CLEANUP(json_freep)
	json_t *vectors = json_load_file(
		TEST_SHARED "/vectors/signatures/rsa_pss_2048_sha256.json", 0, NULL);
	const json_t *groups = json_object_get(vectors, "testGroups");
	size_t judged = 0;

	if (!vectors) {
		print_message("skipped: no public vectors in " TEST_SHARED "\n");
		skip();
	}
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *tests = json_object_get(group, "tests");
		EVP_PKEY *verifier = key_of(group);

		for (size_t k = 0; k < json_array_size(tests); k++) {
			const json_t *test = json_array_get(tests, k);
			uint8_t text[4096], signature[4096];
			size_t text_length = unhex(
				json_text_or_null(test, "msg"), text, sizeof(text));
			size_t length = unhex(
				json_text_or_null(test, "sig"), signature, sizeof(signature));
			bool valid = strcmp(json_text_or_null(test, "result"), "valid") == 0;

			if (assertion_signature_fits(verifier, true,
				    (struct span){ (const char *)text, text_length },
				    (struct span){ (const char *)signature, length }) != valid)
				fail_msg("vector %d",
					(int)json_integer_value(json_object_get(test, "tcId")));
			judged++;
		}
		EVP_PKEY_free(verifier);
	}
	assert_int_equal(judged, json_integer_value(json_object_get(vectors, "numberOfTests")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_good_assertion_gets_a_token),
		FRESH(the_older_form_is_taken_too),
		FRESH(a_certificate_that_is_not_registered_is_700027),
		FRESH(a_signature_that_does_not_fit_is_700027),
		FRESH(each_claim_is_looked_at),
		FRESH(the_audience_is_the_url_as_it_was_posted_to),
		FRESH(a_clock_may_be_off_by_five_minutes),
		FRESH(a_refusal_for_time_states_both_clocks),
		FRESH(what_is_no_jwt_is_50027),
		FRESH(a_header_with_another_algorithm_is_50027),
		FRESH(a_federated_token_is_judged_by_issuer_subject_and_audience),
		FRESH(a_federated_token_of_another_key_is_50013),
		cmocka_unit_test(signatures_are_judged_as_wycheproof_wants),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
