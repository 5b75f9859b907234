/*
 * Opaque tokens: a claim sealed with the simulator's own key, as text that goes into a URL. What
 * a client does with one but give it back whole is found out.
 */
#include <assert.h>
#include <sodium.h>

#include "simulator/endpoint.h"

enum { SEAL_BYTES = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES };

void claim_seal(
	struct simulator *simulator, const void *claim, size_t length, char text[static SEALED_MAX])
{
	unsigned char sealed[SEAL_BYTES + SEALED_CLAIM_MAX];

	assert(length <= SEALED_CLAIM_MAX);
	for (size_t i = 0; i < crypto_secretbox_NONCEBYTES; i++)
		sealed[i] = (unsigned char)simulator_random(simulator);
	crypto_secretbox_easy(
		sealed + crypto_secretbox_NONCEBYTES, claim, length, sealed, simulator->page_key);
	sodium_bin2base64(text, SEALED_MAX, sealed, SEAL_BYTES + length,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool claim_unseal(struct simulator *simulator, const char *text, void *claim, size_t length)
{
	unsigned char sealed[SEALED_MAX];
	size_t sealed_length;

	return sodium_base642bin(sealed, sizeof(sealed), text, strlen(text), NULL, &sealed_length,
		       NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
		sealed_length == SEAL_BYTES + length &&
		crypto_secretbox_open_easy(claim, sealed + crypto_secretbox_NONCEBYTES,
			sealed_length - crypto_secretbox_NONCEBYTES, sealed,
			simulator->page_key) == 0;
}
