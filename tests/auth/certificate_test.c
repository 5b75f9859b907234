/* Certificates: what is read from which file, what is refused and why, and where the key stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/auth/proofs.h"

#define TOKEN_URL "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
#define CLIENT    "11111111-2222-3333-4444-555555555555"
#define PASSWORD  "p\xc3\xa4ss &=+%word"
#define NOW_MS    INT64_C(1772590661551)

enum { PEM_MAX = 64 << 10, GUID_ROOM = 37, MAPPING_MAX = 64 << 20, NEEDLE_BYTES = 16 };

static struct certificate_use plain_use(void)
{
	return (struct certificate_use){ .name = "test.pem", .now_ms = time_now_ms() };
}

static struct certificate *read_with(
	const struct buf *file, const struct certificate_use *use, struct error *err)
{
	return certificate_read(buf_span(file), use, err);
}

static void expect_read(const struct buf *file, const char *password)
{
	struct certificate_use use = plain_use();
	struct error err = { 0 };
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;

	use.password = span_of(password);
	certificate = read_with(file, &use, &err);
	if (!certificate)
		fail_msg("%s", err.text);
}

static void expect_unread(const struct buf *file, const struct certificate_use *use,
	enum error_kind kind, const char *words)
{
	struct error err = { 0 };

	assert_null(read_with(file, use, &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_null(strstr(err.text, PASSWORD));
}

static void expect_unread_plain(const struct buf *file, const char *words)
{
	const struct certificate_use use = plain_use();

	expect_unread(file, &use, ERROR_AUTH, words);
}

static void add_good_certificate(struct buf *file)
{
	EVP_PKEY *key = proof_rsa_key();
	X509 *certificate = proof_certificate(key, "unstage", -60, 3600);

	proof_add_certificate(file, certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void add_rsa_key(struct buf *file, const char *password)
{
	EVP_PKEY *key = proof_rsa_key();

	proof_add_key(file, key, password);
	EVP_PKEY_free(key);
}

/* ---- forms of files --------------------------------------------------------------------- */

static void pem_is_read_in_any_order(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf key_first = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf key_last = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf remarks = BUF_UP_TO(PEM_MAX);

	add_rsa_key(&key_first, NULL);
	add_good_certificate(&key_first);
	expect_read(&key_first, NULL);
	add_good_certificate(&key_last);
	add_rsa_key(&key_last, NULL);
	expect_read(&key_last, NULL);
	/* As openssl pkcs12 writes it. */
	buf_add_text(
		&remarks, "Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n");
	buf_add_span(&remarks, buf_span(&key_first));
	expect_read(&remarks, NULL);
}

static void the_leaf_is_the_one_that_the_key_belongs_to(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	EVP_PKEY *other = proof_other_rsa_key();
	X509 *issuer = proof_certificate(other, "issuer", -60, 7200);

	proof_add_certificate(&file, issuer);
	add_rsa_key(&file, NULL);
	add_good_certificate(&file);
	expect_read(&file, NULL);
	X509_free(issuer);
	EVP_PKEY_free(other);
}

static void encrypted_keys_are_read_with_their_password(void **state UNUSED)
{
	EVP_PKEY *key = proof_rsa_key();
	struct certificate_use use = plain_use();

	for (unsigned old = 0; old < 2; old++) {
		CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);

		add_good_certificate(&file);
		if (old)
			proof_add_old_key(&file, key, PASSWORD);
		else
			proof_add_key(&file, key, PASSWORD);
		expect_read(&file, PASSWORD);
		expect_unread_plain(&file, "there is no password for it");
		use.password = SPAN_LITERAL("wrong");
		expect_unread(&file, &use, ERROR_AUTH, "the password is wrong");
	}
	EVP_PKEY_free(key);
}

static void old_unencrypted_keys_are_read(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	EVP_PKEY *key = proof_rsa_key();

	proof_add_old_key(&file, key, NULL);
	add_good_certificate(&file);
	expect_read(&file, NULL);
	EVP_PKEY_free(key);
}

static void pfx_is_read_with_its_password(void **state UNUSED)
{
	EVP_PKEY *key = proof_rsa_key();
	X509 *certificate = proof_certificate(key, "unstage", -60, 3600);
	CLEANUP(buf_release) struct buf closed = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf open = BUF_UP_TO(PEM_MAX);
	struct certificate_use use = plain_use();

	proof_add_pfx(&closed, key, certificate, PASSWORD);
	expect_read(&closed, PASSWORD);
	expect_unread_plain(&closed, "there is no password for it");
	use.password = SPAN_LITERAL("wrong");
	expect_unread(&closed, &use, ERROR_AUTH, "the password is wrong");
	proof_add_pfx(&open, key, certificate, "");
	expect_read(&open, NULL);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* ---- what is refused --------------------------------------------------------------------- */

static void half_of_a_pair_is_refused(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf certificate = BUF_UP_TO(PEM_MAX);
	EVP_PKEY *other = proof_other_rsa_key();

	add_rsa_key(&key, NULL);
	expect_unread_plain(&key, "and no certificate");
	add_good_certificate(&certificate);
	expect_unread_plain(&certificate, "no private key in it");
	proof_add_key(&certificate, other, NULL);
	expect_unread_plain(&certificate, "belongs to no certificate in it");
	EVP_PKEY_free(other);
}

static void what_is_neither_pem_nor_pfx_is_refused(void **state UNUSED)
{
	static const char *const odd[] = { "", "hello", "0\x82", "-----BEGIN", "PK\x03\x04" };

	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);

		buf_add_text(&file, odd[i]);
		expect_unread_plain(&file, "neither PEM nor PFX");
	}
}

static void a_broken_file_is_refused_wherever_it_breaks(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf pem = BUF_UP_TO(PEM_MAX);
	const struct certificate_use use = plain_use();

	add_good_certificate(&pem);
	add_rsa_key(&pem, NULL);
	for (size_t length = 0; length + 2 < pem.length; length += 61) {
		struct error err = { 0 };

		if (certificate_read((struct span){ pem.data, length }, &use, &err))
			fail_msg("%zu of %zu bytes were taken for the whole", length, pem.length);
		assert_int_equal(err.kind, ERROR_AUTH);
	}
}

static void other_keys_than_rsa_are_refused(void **state UNUSED)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = proof_certificate(key, "elliptic", -60, 3600);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);

	proof_add_certificate(&file, certificate);
	proof_add_key(&file, key, NULL);
	expect_unread_plain(&file, "its key is no RSA key");
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void a_short_key_is_refused(void **state UNUSED)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	X509 *certificate = proof_certificate(key, "short", -60, 3600);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);

	proof_add_certificate(&file, certificate);
	proof_add_key(&file, key, NULL);
	expect_unread_plain(&file, "has 1024 bits");
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void expect_times(long from_s, long until_s, const char *words)
{
	EVP_PKEY *key = proof_rsa_key();
	X509 *certificate = proof_certificate(key, "times", from_s, until_s);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	int64_t named_ms = time_now_ms() / 1000 * 1000 + (from_s > 0 ? from_s : until_s) * 1000;
	char date[TIME_TEXT_BYTES];

	proof_add_certificate(&file, certificate);
	proof_add_key(&file, key, NULL);
	expect_unread_plain(&file, words);
	/* The day, since a second may have passed. */
	time_text(named_ms, date);
	date[10] = '\0';
	expect_unread_plain(&file, date);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void a_certificate_outside_its_time_is_refused_with_the_date(void **state UNUSED)
{
	expect_times(-864000, -432000, "has expired on");
	expect_times(432000, 864000, "is not valid before");
}

/* ---- the assertion, by contract 1.3 -------------------------------------------------------- */

static const struct token_target target = {
	.url = TOKEN_URL,
	.client_id = CLIENT,
	.graph = "https://graph.microsoft.com",
	.now_ms = NOW_MS,
};

/* A certificate that was valid in the target's time, read as `assertion` says. */
static struct certificate *read_for_then(
	EVP_PKEY *key, X509 **x509, const char *assertion, bool send_chain, const struct buf *more)
{
	long then_s = (long)((NOW_MS - time_now_ms()) / 1000);
	struct certificate_use use = {
		.name = "test.pem",
		.now_ms = NOW_MS,
		.assertion = assertion,
		.send_chain = send_chain,
	};
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	struct certificate *certificate;

	if (!*x509)
		*x509 = proof_certificate(key, "then", then_s - 60, then_s + 3600);
	if (more)
		buf_add_span(&file, buf_span(more));
	proof_add_certificate(&file, *x509);
	proof_add_key(&file, key, NULL);
	certificate = read_with(&file, &use, &err);
	if (!certificate)
		fail_msg("%s", err.text);
	return certificate;
}

static void assert_digest(const json_t *header, const char *name, X509 *x509, const EVP_MD *md)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[96];
	unsigned length;

	assert_true(X509_digest(x509, md, digest, &length));
	sodium_bin2base64(
		text, sizeof(text), digest, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	assert_string_equal(json_text_or_null(header, name), text);
}

static void assert_claims(struct span jwt, char id[static GUID_ROOM])
{
	CLEANUP(json_freep) json_t *claims = proof_jwt_part(jwt, 1);

	assert_int_equal(json_object_size(claims), 7);
	assert_string_equal(json_text_or_null(claims, "aud"), TOKEN_URL);
	assert_string_equal(json_text_or_null(claims, "iss"), CLIENT);
	assert_string_equal(json_text_or_null(claims, "sub"), CLIENT);
	assert_int_equal(json_integer_value(json_object_get(claims, "nbf")), NOW_MS / 1000);
	assert_int_equal(json_integer_value(json_object_get(claims, "iat")), NOW_MS / 1000);
	assert_int_equal(json_integer_value(json_object_get(claims, "exp")), NOW_MS / 1000 + 600);
	snprintf(id, GUID_ROOM, "%s", json_text_or_null(claims, "jti"));
	assert_int_equal(strlen(id), GUID_ROOM - 1);
}

static void expect_assertion(const char *wanted, const char *algorithm, int padding)
{
	EVP_PKEY *key = proof_rsa_key();
	X509 *x509 = NULL;
	CLEANUP(certificate_freep)
	struct certificate *certificate = read_for_then(key, &x509, wanted, false, NULL);
	CLEANUP(buf_release) struct buf first = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf second = BUF_UP_TO(PEM_MAX);
	CLEANUP(json_freep) json_t *header = NULL;
	char id[GUID_ROOM], next_id[GUID_ROOM];
	bool pss = padding == RSA_PKCS1_PSS_PADDING;
	struct error err = { 0 };

	assert_true(certificate_assert(certificate, &target, &first, &err));
	assert_true(certificate_assert(certificate, &target, &second, &err));
	header = proof_jwt_part(buf_span(&first), 0);
	assert_int_equal(json_object_size(header), 3);
	assert_string_equal(json_text_or_null(header, "alg"), algorithm);
	assert_string_equal(json_text_or_null(header, "typ"), "JWT");
	assert_digest(header, pss ? "x5t#S256" : "x5t", x509, pss ? EVP_sha256() : EVP_sha1());
	assert_claims(buf_span(&first), id);
	assert_claims(buf_span(&second), next_id);
	assert_string_not_equal(id, next_id);
	assert_true(proof_jwt_fits(buf_span(&first), key, padding));
	assert_true(proof_jwt_fits(buf_span(&second), key, padding));
	assert_false(proof_jwt_fits(
		buf_span(&first), key, pss ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING));
	X509_free(x509);
	EVP_PKEY_free(key);
}

static void the_assertion_is_what_the_contract_says(void **state UNUSED)
{
	expect_assertion(NULL, "PS256", RSA_PKCS1_PSS_PADDING);
	expect_assertion("PS256", "PS256", RSA_PKCS1_PSS_PADDING);
}

static void the_older_form_is_made_when_asked_for(void **state UNUSED)
{
	expect_assertion("RS256", "RS256", RSA_PKCS1_PADDING);
}

static void another_algorithm_is_a_usage_error(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	struct certificate_use use = plain_use();

	add_good_certificate(&file);
	add_rsa_key(&file, NULL);
	use.assertion = "ES256";
	expect_unread(&file, &use, ERROR_USAGE, "PS256");
	use.assertion = "none";
	expect_unread(&file, &use, ERROR_USAGE, "RS256");
}

/* A key that was limited, when it was made, to PSS with another hash. */
static EVP_PKEY *limited_key(const EVP_MD *md)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	assert_true(EVP_PKEY_keygen_init(context) == 1);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1);
	assert_true(EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, md) == 1);
	assert_true(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, md) == 1);
	assert_true(EVP_PKEY_keygen(context, &key) == 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

static void what_a_key_can_is_found_out_by_trial(void **state UNUSED)
{
	const EVP_MD *const digests[] = { EVP_sha256(), EVP_sha384() };

	for (size_t i = 0; i < COUNT_OF(digests); i++) {
		EVP_PKEY *key = limited_key(digests[i]);
		X509 *certificate = X509_new();
		CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
		struct certificate_use use = plain_use();

		X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
		X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
		X509_set_pubkey(certificate, key);
		assert_true(X509_sign(certificate, key, digests[i]) > 0);
		proof_add_certificate(&file, certificate);
		proof_add_key(&file, key, NULL);
		if (i == 0)
			expect_read(&file, NULL);
		else
			expect_unread_plain(&file, "can't make PS256 and RS256");
		use.assertion = "RS256";
		expect_unread(&file, &use, ERROR_AUTH, "can't make RS256");
		X509_free(certificate);
		EVP_PKEY_free(key);
	}
}

static void the_chain_is_sent_from_the_leaf_upwards(void **state UNUSED)
{
	EVP_PKEY *key = proof_rsa_key(), *issuer_key = proof_other_rsa_key();
	X509 *root = proof_certificate(issuer_key, "root", -60, 3600);
	X509 *middle = proof_issued(issuer_key, "middle", root, issuer_key);
	X509 *leaf = proof_issued(key, "leaf", middle, issuer_key);
	X509 *stranger = proof_certificate(issuer_key, "stranger", -60, 3600);
	X509 *const chain[] = { leaf, middle, root };
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(PEM_MAX);
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;
	CLEANUP(json_freep) json_t *header = NULL;
	struct certificate_use use = plain_use();
	struct token_target now = target;
	struct error err = { 0 };
	const json_t *sent;

	proof_add_certificate(&file, root);
	proof_add_certificate(&file, stranger);
	proof_add_certificate(&file, leaf);
	proof_add_certificate(&file, middle);
	proof_add_key(&file, key, NULL);
	use.send_chain = true;
	now.now_ms = use.now_ms;
	certificate = read_with(&file, &use, &err);
	assert_non_null(certificate);
	assert_true(certificate_assert(certificate, &now, &jwt, &err));
	header = proof_jwt_part(buf_span(&jwt), 0);
	sent = json_object_get(header, "x5c");
	assert_int_equal(json_array_size(sent), 3);
	for (size_t i = 0; i < COUNT_OF(chain); i++) {
		uint8_t *der = NULL;
		int length = i2d_X509(chain[i], &der);
		char text[4096];

		/* Ordinary base64, not the flavour of URLs. */
		sodium_bin2base64(
			text, sizeof(text), der, (size_t)length, sodium_base64_VARIANT_ORIGINAL);
		assert_string_equal(json_string_value(json_array_get(sent, i)), text);
		OPENSSL_free(der);
	}
	X509_free(root), X509_free(middle), X509_free(leaf), X509_free(stranger);
	EVP_PKEY_free(key), EVP_PKEY_free(issuer_key);
}

static void a_certificate_that_ends_meanwhile_is_noticed(void **state UNUSED)
{
	EVP_PKEY *key = proof_rsa_key();
	X509 *x509 = NULL;
	CLEANUP(certificate_freep)
	struct certificate *certificate = read_for_then(key, &x509, NULL, false, NULL);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(PEM_MAX);
	struct token_target later = target;
	struct error err = { 0 };

	assert_in_range(certificate_ends_ms(certificate) - NOW_MS, 3598 * 1000, 3602 * 1000);
	later.now_ms += 3603 * 1000;
	assert_false(certificate_assert(certificate, &later, &jwt, &err));
	assert_int_equal(err.kind, ERROR_AUTH);
	assert_non_null(strstr(err.text, "has expired on 2026-03-04T03:17:4"));
	assert_int_equal(jwt.length, 0);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* ---- where the key stands ------------------------------------------------------------------- */

/* Reads the whole of our own memory; counts the places where `needle` stands. */
static size_t places_in_memory(const uint8_t *needle, size_t length)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *memory = fopen("/proc/self/mem", "r");
	static uint8_t piece[1 << 20];
	char line[512];
	size_t places = 0;

	assert_non_null(maps);
	assert_non_null(memory);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, until;

		if (sscanf(line, "%lx-%lx rw", &from, &until) != 2 || !strstr(line, " rw"))
			continue;
		/* The shadow of the address sanitizer is terabytes of nobody's bytes. */
		if (until - from > MAPPING_MAX)
			continue;
		for (; from < until; from += sizeof(piece) - length) {
			size_t size = until - from < sizeof(piece) ? until - from : sizeof(piece);
			const uint8_t *at = piece;

			if (fseek(memory, (long)from, SEEK_SET) != 0)
				break;
			size = fread(piece, 1, size, memory);
			while ((at = memmem(at, size - (size_t)(at - piece), needle, length))) {
				/* Not the copies in the looking-glass itself. */
				uintptr_t address = from + (uintptr_t)(at - piece);

				if (address < (uintptr_t)piece ||
					address >= (uintptr_t)piece + sizeof(piece))
					places++;
				at++;
			}
			if (size < sizeof(piece))
				break;
		}
	}
	fclose(maps);
	fclose(memory);
	return places;
}

static size_t places_of_inverted(const uint8_t inverted[static NEEDLE_BYTES])
{
	uint8_t needle[NEEDLE_BYTES];
	size_t places;

	for (size_t i = 0; i < sizeof(needle); i++)
		needle[i] = inverted[i] ^ 0xff;
	places = places_in_memory(needle, sizeof(needle));
	explicit_bzero(needle, sizeof(needle));
	return places;
}

static void wiping_free(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *plain_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(size);
}

static void *wiping_realloc(void *memory, size_t size, const char *file, int line)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *moved = malloc(size);

	if (memory)
		memcpy(moved, memory, old < size ? old : size);
	wiping_free(memory, file, line);
	return moved;
}

static void a_key_that_has_signed_stands_in_the_secure_heap_alone(void **state UNUSED)
{
	static const char *const factor_names[] = { "rsa-factor1", "rsa-factor2", "d" };
	CLEANUP(buf_wipe) struct buf file = BUF_UP_TO(PEM_MAX);
	CLEANUP(buf_release) struct buf jwt = BUF_UP_TO(PEM_MAX);
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x509 = proof_certificate(key, "fresh", -60, 3600);
	struct certificate_use use = plain_use();
	struct token_target now = target;
	struct error err = { 0 };
	uint8_t needles[COUNT_OF(factor_names)][NEEDLE_BYTES];

	for (size_t i = 0; i < COUNT_OF(factor_names); i++) {
		BIGNUM *number = NULL;
		uint8_t bytes[512];

		assert_true(EVP_PKEY_get_bn_param(key, factor_names[i], &number));
		/* In the order in which OpenSSL keeps numbers on this machine. */
		BN_bn2lebinpad(number, bytes, BN_num_bytes(number));
		memcpy(needles[i], bytes + 32, sizeof(needles[i]));
		/* Inverted, so that these are not found themselves. */
		for (size_t k = 0; k < sizeof(needles[i]); k++)
			needles[i][k] ^= 0xff;
		explicit_bzero(bytes, sizeof(bytes));
		BN_clear_free(number);
	}
	proof_add_certificate(&file, x509);
	proof_add_key(&file, key, NULL);
	EVP_PKEY_free(key);
	X509_free(x509);
	certificate = read_with(&file, &use, &err);
	assert_non_null(certificate);
	buf_wipe(&file);
	assert_true(CRYPTO_secure_used() > 0);
	now.now_ms = use.now_ms;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(certificate_assert(certificate, &now, &jwt, &err));
		buf_cut(&jwt, 0);
	}
	/* One place is the one that we search with; the other is the key's own. */
	for (size_t i = 0; i < COUNT_OF(factor_names); i++)
		assert_int_equal(places_of_inverted(needles[i]), 2);
	certificate_free(TAKE(certificate));
	for (size_t i = 0; i < COUNT_OF(factor_names); i++)
		assert_int_equal(places_of_inverted(needles[i]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_that_has_signed_stands_in_the_secure_heap_alone),
		cmocka_unit_test(pem_is_read_in_any_order),
		cmocka_unit_test(the_leaf_is_the_one_that_the_key_belongs_to),
		cmocka_unit_test(encrypted_keys_are_read_with_their_password),
		cmocka_unit_test(old_unencrypted_keys_are_read),
		cmocka_unit_test(pfx_is_read_with_its_password),
		cmocka_unit_test(half_of_a_pair_is_refused),
		cmocka_unit_test(what_is_neither_pem_nor_pfx_is_refused),
		cmocka_unit_test(a_broken_file_is_refused_wherever_it_breaks),
		cmocka_unit_test(other_keys_than_rsa_are_refused),
		cmocka_unit_test(a_short_key_is_refused),
		cmocka_unit_test(a_certificate_outside_its_time_is_refused_with_the_date),
		cmocka_unit_test(the_assertion_is_what_the_contract_says),
		cmocka_unit_test(the_older_form_is_made_when_asked_for),
		cmocka_unit_test(another_algorithm_is_a_usage_error),
		cmocka_unit_test(what_a_key_can_is_found_out_by_trial),
		cmocka_unit_test(the_chain_is_sent_from_the_leaf_upwards),
		cmocka_unit_test(a_certificate_that_ends_meanwhile_is_noticed),
	};

	/* As net_start() does, which would cut the environment down for the sanitizers too. */
	if (CRYPTO_set_mem_functions(plain_malloc, wiping_realloc, wiping_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
