/*
 * A certificate and its private key, from a PEM file (in any order, the key may be encrypted) or
 * a PFX (PKCS#12), told apart by content. The numbers of the key stand in OpenSSL's secure heap
 * [T21]; what passes through ordinary memory while it is decoded is wiped when OpenSSL frees it
 * (net/start.c).
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>
#include <time.h>

#include "auth/certificate_internal.h"
#include "base/memory.h"

enum { KEY_BITS_MIN = 2048, CHAIN_MAX = 16 };

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	EVP_PKEY_free(certificate->key);
	X509_free(certificate->leaf);
	sk_X509_pop_free(certificate->others, X509_free);
	memory_free(certificate->name);
	memory_free(certificate);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

/* OpenSSL's reason for what went wrong last. */
static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "no reason given";
}

/* ---- reading --------------------------------------------------------------------------- */

struct password {
	struct span text;
	bool asked;
};

static int give_password(char *room, int size, int writing, void *context)
{
	struct password *password = context;

	(void)writing;
	password->asked = true;
	if (!password->text.data || password->text.length > (size_t)size)
		return -1;
	memcpy(room, password->text.data, password->text.length);
	return (int)password->text.length;
}

static bool refuse_password(
	const struct certificate *certificate, struct span given, struct error *err)
{
	return error_set(err, ERROR_AUTH,
		given.data
			? "%s: the password is wrong (OpenSSL: %s). Check "
			  "certificate_password_file, or AZURE_CLIENT_CERTIFICATE_PASSWORD"
			: "%s: it is encrypted, and there is no password for it (OpenSSL: %s). Set "
			  "certificate_password_file, or AZURE_CLIENT_CERTIFICATE_PASSWORD",
		certificate->name, openssl_reason());
}

static bool read_pem_key(
	struct certificate *certificate, struct span bytes, struct span given, struct error *err)
{
	struct password password = { .text = given };
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.length);

	if (bio)
		certificate->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, &password);
	if (certificate->key)
		return true;
	if (password.asked)
		return refuse_password(certificate, given, err);
	return error_set(err, ERROR_AUTH,
		"%s: there is no private key in it that can be read (OpenSSL: %s). Certificate and "
		"key stand in one file",
		certificate->name, openssl_reason());
}

static bool read_pem(
	struct certificate *certificate, struct span bytes, struct span password, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.length);
	X509 *found;

	while (bio && sk_X509_num(certificate->others) < CHAIN_MAX &&
		(found = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(certificate->others, found);
	ERR_clear_error();
	return read_pem_key(certificate, bytes, password, err);
}

static void take_all(struct certificate *certificate, X509 *leaf, STACK_OF(X509) * more)
{
	if (leaf)
		sk_X509_push(certificate->others, leaf);
	while (more && sk_X509_num(more) > 0)
		sk_X509_push(certificate->others, sk_X509_shift(more));
	sk_X509_free(more);
}

static bool refuse_pfx(const struct certificate *certificate, struct error *err)
{
	unsigned long code = ERR_peek_last_error();

	/* The provider that knows RC2 and the like is not loaded: it is code from a file. */
	if (ERR_GET_REASON(code) == ERR_R_UNSUPPORTED || ERR_GET_LIB(code) == ERR_LIB_EVP)
		return error_set(err, ERROR_AUTH,
			"%s: its encryption is not supported (OpenSSL: %s), as with RC2 in old "
			"exports. Make a new one: openssl pkcs12 -legacy -in OLD -out KEY.pem, then "
			"name that file",
			certificate->name, openssl_reason());
	return error_set(err, ERROR_AUTH, "%s: it can't be read as PFX (OpenSSL: %s)",
		certificate->name, openssl_reason());
}

static bool pfx_password_fits(PKCS12 *pfx, const char *password)
{
	/* Nobody agrees whether no password is none, or an empty one. */
	if (!password || !*password)
		return PKCS12_verify_mac(pfx, NULL, 0) == 1 || PKCS12_verify_mac(pfx, "", 0) == 1;
	return PKCS12_verify_mac(pfx, password, -1) == 1;
}

static bool unpack_pfx(
	struct certificate *certificate, PKCS12 *pfx, struct span password, struct error *err)
{
	STACK_OF(X509) *more = NULL;
	X509 *leaf = NULL;

	if (PKCS12_mac_present(pfx) && !pfx_password_fits(pfx, password.data))
		return refuse_password(certificate, password, err);
	ERR_clear_error();
	if (PKCS12_parse(pfx, password.data, &certificate->key, &leaf, &more) != 1)
		return refuse_pfx(certificate, err);
	take_all(certificate, leaf, more);
	return certificate->key ||
		error_set(err, ERROR_AUTH,
			"%s: there is no private key in it. Export the certificate with its key",
			certificate->name);
}

static bool read_pfx(
	struct certificate *certificate, struct span bytes, struct span password, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.length);
	PKCS12 *pfx = bio ? d2i_PKCS12_bio(bio, NULL) : NULL;
	bool done;

	if (!pfx)
		return error_set(err, ERROR_AUTH,
			"%s: it is neither PEM nor PFX (PKCS#12). It must hold a certificate and its "
			"private key",
			certificate->name);
	done = unpack_pfx(certificate, pfx, password, err);
	PKCS12_free(pfx);
	return done;
}

/* ---- judging --------------------------------------------------------------------------- */

static bool check_key(const struct certificate *certificate, struct error *err)
{
	int type = EVP_PKEY_get_base_id(certificate->key);

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_RSA_PSS)
		return error_set(err, ERROR_AUTH,
			"%s: its key is no RSA key (it is %s). Entra documents RSA keys only for "
			"applications: make an RSA certificate and register that",
			certificate->name, OBJ_nid2ln(type));
	if (EVP_PKEY_get_bits(certificate->key) < KEY_BITS_MIN ||
		EVP_PKEY_get_bits(certificate->key) > CERTIFICATE_KEY_BITS_MAX)
		return error_set(err, ERROR_AUTH, "%s: its RSA key has %d bits; %d to %d are taken",
			certificate->name, EVP_PKEY_get_bits(certificate->key), KEY_BITS_MIN,
			CERTIFICATE_KEY_BITS_MAX);
	return true;
}

/* The certificate that the key belongs to becomes the leaf. */
static bool find_leaf(struct certificate *certificate, struct error *err)
{
	for (int i = 0; i < sk_X509_num(certificate->others); i++) {
		X509 *candidate = sk_X509_value(certificate->others, i);

		if (X509_check_private_key(candidate, certificate->key) != 1)
			continue;
		certificate->leaf = sk_X509_delete(certificate->others, i);
		ERR_clear_error();
		return true;
	}
	ERR_clear_error();
	if (!sk_X509_num(certificate->others))
		return error_set(err, ERROR_AUTH,
			"%s: there is a private key in it, and no certificate. Both stand in one file",
			certificate->name);
	return error_set(err, ERROR_AUTH,
		"%s: the private key belongs to no certificate in it. Were the files of two "
		"certificates mixed up?",
		certificate->name);
}

static int64_t time_of(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : TIME_NONE;
}

int64_t certificate_ends_ms(const struct certificate *certificate)
{
	return time_of(X509_get0_notAfter(certificate->leaf));
}

bool certificate_check_time(
	const struct certificate *certificate, int64_t now_ms, struct error *err)
{
	int64_t begins_ms = time_of(X509_get0_notBefore(certificate->leaf));
	int64_t ends_ms = certificate_ends_ms(certificate);
	char text[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];

	if (begins_ms == TIME_NONE || ends_ms == TIME_NONE)
		return error_set(err, ERROR_AUTH, "%s: the certificate's times can't be read",
			certificate->name);
	if (now_ms > ends_ms)
		return error_set(err, ERROR_AUTH,
			"%s: the certificate has expired on %s. Make a new one and register it on "
			"the application",
			certificate->name, time_text(ends_ms, text));
	if (now_ms < begins_ms)
		return error_set(err, ERROR_AUTH,
			"%s: the certificate is not valid before %s, and this machine's clock says "
			"%s. Check the clock",
			certificate->name, time_text(begins_ms, text),
			time_text(now_ms / 1000 * 1000, now));
	return true;
}

static bool read_bytes(
	struct certificate *certificate, struct span bytes, struct span password, struct error *err)
{
	static const char pem_mark[] = "-----BEGIN ";

	ERR_clear_error();
	if (memmem(bytes.data, bytes.length, pem_mark, sizeof(pem_mark) - 1))
		return read_pem(certificate, bytes, password, err);
	return read_pfx(certificate, bytes, password, err);
}

struct certificate *certificate_read(
	struct span bytes, const struct certificate_use *use, struct error *err)
{
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;

	if (!net_secure_heap(err))
		return NULL;
	certificate = memory_new(sizeof(*certificate));
	certificate->name = memory_text(use->name);
	certificate->send_chain = use->send_chain;
	certificate->others = sk_X509_new_null();
	if (!read_bytes(certificate, bytes, use->password, err) || !check_key(certificate, err) ||
		!find_leaf(certificate, err) ||
		!certificate_check_time(certificate, use->now_ms, err) ||
		!assertion_choose(certificate, use->assertion, err))
		return NULL;
	return TAKE(certificate);
}
