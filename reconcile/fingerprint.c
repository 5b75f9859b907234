/*
 * What a finding is known by, so that the same difference alerts once and a decision can name it.
 *
 * BLAKE2b with 16 bytes over what differs: tenant, kind, id, attribute, element, change, base, live.
 * Not over what is thought of it (verdict, proof, door), nor over names, times and files: tomorrow's
 * check of the same difference gives the same. Each field has its length before it, so that no
 * two lists of fields are the same bytes.
 */
#include <endian.h>
#include <sodium.h>

#include "reconcile/reconcile_internal.h"

_Static_assert(FINGERPRINT_BYTES >= crypto_generichash_BYTES_MIN, "a length that BLAKE2b has");

/* In place of a length. */
#define LENGTH_ABSENT    UINT64_MAX
#define LENGTH_NOT_KNOWN (UINT64_MAX - 1)

static const char purpose[] = "unstage-fingerprint/1\n";

static void add_length(crypto_generichash_state *state, uint64_t length)
{
	uint64_t bytes = htole64(length);

	crypto_generichash_update(state, (const uint8_t *)&bytes, sizeof(bytes));
}

static void add_field(crypto_generichash_state *state, struct span field)
{
	add_length(state, field.data ? field.length : LENGTH_ABSENT);
	crypto_generichash_update(state, (const uint8_t *)field.data, field.length);
}

static void add_value(crypto_generichash_state *state, struct known_value value)
{
	if (value.known)
		add_field(state, value.value);
	else
		add_length(state, LENGTH_NOT_KNOWN);
}

void finding_mark(struct finding *finding, const char *tenant)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, FINGERPRINT_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)purpose, sizeof(purpose) - 1);
	add_field(&state, span_of(tenant));
	add_field(&state, span_of(finding->kind->name));
	add_field(&state, finding->id);
	add_field(&state, span_of(finding->attribute ? finding->attribute->name : NULL));
	add_field(&state, finding->element);
	add_field(&state, span_of(change_name(finding->change)));
	add_value(&state, finding->base);
	add_value(&state, finding->live);
	crypto_generichash_final(&state, finding->fingerprint, FINGERPRINT_BYTES);
}

void findings_mark(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		finding_mark(&findings->items[i], findings->tenant);
}
