/*
 * What the application's registration accepts besides its secret: certificates, by their public
 * keys and digests, and tokens of outside issuers. An administrator enters them, so they last as
 * long as this run and are not in the database.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "simulator/token.h"

struct trust *trust_new(void)
{
	return memory_new(sizeof(struct trust));
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->certificate_count; i++)
		EVP_PKEY_free(trust->certificates[i].key);
	for (size_t i = 0; i < trust->issuer_count; i++) {
		EVP_PKEY_free(trust->issuers[i].key);
		memory_free(trust->issuers[i].issuer);
		memory_free(trust->issuers[i].subject);
		memory_free(trust->issuers[i].audience);
	}
	for (size_t i = 0; i < trust->used_count; i++)
		memory_free(trust->used[i].id);
	memory_free(trust->certificates);
	memory_free(trust->issuers);
	memory_free(trust->used);
	memory_free(trust);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static int64_t moment(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : 0;
}

static void digest_text(const X509 *certificate, const EVP_MD *md, char *text, size_t size)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	X509_digest(certificate, md, digest, &length);
	sodium_bin2base64(text, size, digest, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool simulator_trust_certificate(struct simulator *simulator, struct span pem, struct error *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
	CLEANUP(x509_freep) X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	struct trust *trust = simulator->trust;
	struct trusted_certificate *row;

	if (!certificate)
		return error_set(err, ERROR_USAGE, "simulator: no certificate in PEM");
	if (EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) != EVP_PKEY_RSA)
		return error_set(
			err, ERROR_USAGE, "simulator: the certificate's key is no RSA key");
	simulator_lock(simulator);
	MEMORY_GROW(trust->certificates, trust->certificate_count, trust->certificate_capacity);
	row = &trust->certificates[trust->certificate_count++];
	*row = (struct trusted_certificate){
		.key = X509_get_pubkey(certificate),
		.begins_ms = moment(X509_get0_notBefore(certificate)),
		.ends_ms = moment(X509_get0_notAfter(certificate)),
	};
	digest_text(certificate, EVP_sha256(), row->sha256, sizeof(row->sha256));
	digest_text(certificate, EVP_sha1(), row->sha1, sizeof(row->sha1));
	simulator_unlock(simulator);
	return true;
}

bool simulator_trust_issuer(
	struct simulator *simulator, const struct simulator_issuer *issuer, struct error *err)
{
	CLEANUP(bio_freep)
	BIO *bio = BIO_new_mem_buf(issuer->key_pem.data, (int)issuer->key_pem.length);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	struct trust *trust = simulator->trust;

	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return error_set(err, ERROR_USAGE, "simulator: no RSA public key in PEM");
	}
	simulator_lock(simulator);
	MEMORY_GROW(trust->issuers, trust->issuer_count, trust->issuer_capacity);
	trust->issuers[trust->issuer_count++] = (struct trusted_issuer){
		.issuer = memory_text(issuer->issuer),
		.subject = memory_text(issuer->subject),
		.audience = memory_text(issuer->audience),
		.key = key,
	};
	simulator_unlock(simulator);
	return true;
}
