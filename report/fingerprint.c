#include <sodium.h>

#include "base/text.h"
#include "report/report.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { DIGIT_BITS = 5, DIGITS = PLAN_FINGERPRINT_BITS / DIGIT_BITS, GROUP_DIGITS = 5 };

_Static_assert(
	DIGITS + DIGITS / GROUP_DIGITS == PLAN_FINGERPRINT_BYTES, "dashes between, NUL behind");

/* The five bits from bit `at` on, the highest bit of a byte being its first. */
static unsigned five_bits(const uint8_t *hash, unsigned at)
{
	unsigned both = (unsigned)hash[at / 8] << 8 | hash[at / 8 + 1];

	return both >> (16 - DIGIT_BITS - at % 8) & ((1U << DIGIT_BITS) - 1);
}

char *plan_fingerprint(struct span bytes, char text[static PLAN_FINGERPRINT_BYTES])
{
	uint8_t hash[crypto_generichash_BYTES];
	char *at = text;

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)bytes.data, bytes.length, NULL, 0);
	for (unsigned i = 0; i < DIGITS; i++) {
		if (i && i % GROUP_DIGITS == 0)
			*at++ = '-';
		*at++ = digits[five_bits(hash, i * DIGIT_BITS)];
	}
	*at = '\0';
	return text;
}

static char forgiven(char typed)
{
	char lower = text_lower(typed);

	if (lower == 'o')
		return '0';
	if (lower == 'i' || lower == 'l')
		return '1';
	return lower;
}

static bool is_between(char byte)
{
	return byte == '-' || byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool plan_fingerprint_is(const char fingerprint[static PLAN_FINGERPRINT_BYTES], const char *typed)
{
	for (const char *at = fingerprint; *at; at++) {
		if (*at == '-')
			continue;
		while (is_between(*typed))
			typed++;
		if (forgiven(*typed) != text_lower(*at))
			return false;
		typed++;
	}
	while (is_between(*typed))
		typed++;
	return !*typed;
}
