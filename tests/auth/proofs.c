#include "tests/auth/proofs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

static EVP_PKEY *made_once(EVP_PKEY **kept)
{
	if (!*kept)
		*kept = EVP_RSA_gen(2048);
	assert_non_null(*kept);
	EVP_PKEY_up_ref(*kept);
	return *kept;
}

EVP_PKEY *proof_rsa_key(void)
{
	static EVP_PKEY *key;

	return made_once(&key);
}

EVP_PKEY *proof_other_rsa_key(void)
{
	static EVP_PKEY *key;

	return made_once(&key);
}

static X509 *unsigned_certificate(EVP_PKEY *key, const char *name, long from_s, long until_s)
{
	X509 *certificate = X509_new();
	uint32_t serial;

	randombytes_buf(&serial, sizeof(serial));
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial >> 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	return certificate;
}

X509 *proof_certificate(EVP_PKEY *key, const char *name, long from_s, long until_s)
{
	X509 *certificate = unsigned_certificate(key, name, from_s, until_s);

	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

X509 *proof_issued(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *certificate = unsigned_certificate(key, name, -60, 3600);

	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	return certificate;
}

/* ---- files ------------------------------------------------------------------------------- */

static void add_bio(struct buf *out, BIO *bio)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);

	assert_true(length > 0);
	buf_add(out, data, (size_t)length);
	BIO_free(bio);
}

void proof_add_certificate(struct buf *out, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_X509(bio, certificate));
	add_bio(out, bio);
}

void proof_add_key(struct buf *out, EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_256_cbc() : NULL,
		password, password ? (int)strlen(password) : 0, NULL, NULL));
	add_bio(out, bio);
}

/* "BEGIN RSA PRIVATE KEY", with "Proc-Type: 4,ENCRYPTED" when there is a password. */
void proof_add_old_key(struct buf *out, EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_PrivateKey_traditional(bio, key,
		password ? EVP_aes_128_cbc() : NULL, (const unsigned char *)password,
		password ? (int)strlen(password) : 0, NULL, NULL));
	add_bio(out, bio);
}

void proof_add_pfx(struct buf *out, EVP_PKEY *key, X509 *certificate, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	PKCS12 *pfx = PKCS12_create(password, "unstage", key, certificate, NULL, 0, 0, 0, 0, 0);

	assert_non_null(pfx);
	assert_true(i2d_PKCS12_bio(bio, pfx));
	PKCS12_free(pfx);
	add_bio(out, bio);
}

static char folder[] = "/tmp/unstage-auth-XXXXXX";
static char *paths[64];
static size_t path_count;

const char *proof_file(const char *name, struct span content)
{
	struct error err = { 0 };
	char *path;

	if (!path_count)
		assert_non_null(mkdtemp(folder));
	assert_true(path_count < COUNT_OF(paths));
	path = file_path(folder, name);
	if (!file_save(path, content, &err))
		fail_msg("%s", err.text);
	paths[path_count++] = path;
	return path;
}

void proof_remove_files(void)
{
	while (path_count) {
		unlink(paths[--path_count]);
		memory_free(paths[path_count]);
	}
	rmdir(folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

/* ---- JWTs ---------------------------------------------------------------------------------- */

static struct span part_of(struct span jwt, unsigned part)
{
	for (;; part--) {
		const char *dot = memchr(jwt.data, '.', jwt.length);
		size_t length = dot ? (size_t)(dot - jwt.data) : jwt.length;

		if (!part)
			return (struct span){ jwt.data, length };
		assert_non_null(dot);
		jwt.data += length + 1;
		jwt.length -= length + 1;
	}
}

static size_t decode(struct span text, uint8_t *room, size_t size)
{
	size_t length;

	assert_int_equal(sodium_base642bin(room, size, text.data, text.length, NULL, &length, NULL,
				 sodium_base64_VARIANT_URLSAFE_NO_PADDING),
		0);
	return length;
}

json_t *proof_jwt_part(struct span jwt, unsigned part)
{
	static uint8_t room[64 << 10];
	size_t length = decode(part_of(jwt, part), room, sizeof(room));
	json_t *json = json_loadb((const char *)room, length, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

bool proof_jwt_fits(struct span jwt, EVP_PKEY *key, int padding)
{
	uint8_t signature[1024];
	struct span text = part_of(jwt, 2);
	size_t length = decode(text, signature, sizeof(signature));
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;
	bool fits = EVP_DigestVerifyInit(digest, &context, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
		(padding != RSA_PKCS1_PSS_PADDING ||
			EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) == 1) &&
		EVP_DigestVerify(digest, signature, length, (const uint8_t *)jwt.data,
			(size_t)(text.data - jwt.data) - 1) == 1;

	EVP_MD_CTX_free(digest);
	return fits;
}
