/*
 * What the directory makes of the addresses it is given (facts 4.5). A connector space holds what was
 * sent, Graph shows what came of it; only what would come of both can be compared. What Entra ID
 * adds by itself (MOERA, the sign-in name) is left to comparison, which knows it (directory.h).
 */
#include "base/text.h"
#include "imports/space_internal.h"

/* Types that are dropped in silence. */
static const char *const dropped_types[] = { "MS", "MSMAIL", "X400" };

/* Whether something in it does not show: what text_printable() would have to write otherwise. */
static bool has_invisible(struct span text)
{
	CLEANUP(buf_release) struct buf shown = BUF_UP_TO(SPACE_VALUE_MAX);
	bool plain = true;

	for (size_t i = 0; plain && i < text.length; i++)
		plain = text.data[i] >= ' ' && text.data[i] <= '~';
	if (plain)
		return false;
	text_printable(&shown, text);
	return !span_equal(buf_span(&shown), text);
}

static bool is_smtp_address(struct span value)
{
	const char *at = value.length ? memchr(value.data, '@', value.length) : NULL;
	size_t before = at ? (size_t)(at - value.data) : 0;

	return at && before && before + 1 < value.length &&
		!memchr(at + 1, '@', value.length - before - 1) &&
		!memchr(value.data, ' ', value.length);
}

bool space_address_is_taken(struct span text)
{
	struct address address = address_parse(text);

	if (!address.scheme.data || !address.scheme.length || !address.value.length ||
		has_invisible(text))
		return false;
	for (size_t i = 0; i < COUNT_OF(dropped_types); i++)
		if (text_compare_caseless(address.scheme, span_of(dropped_types[i])) == 0)
			return false;
	return !address.smtp ||
		(is_smtp_address(address.value) && !address_is_computed(address.value));
}

static size_t count_primary(const struct space_set *addresses, struct span *primary)
{
	size_t count = 0;

	for (size_t i = 0; i < addresses->count; i++) {
		struct address address = address_parse(space_set_get(addresses, i));

		if (!address.primary)
			continue;
		*primary = address.value;
		count++;
	}
	return count;
}

struct span space_addresses_primary(const struct space_set *addresses)
{
	struct span primary = SPAN_NONE;

	return count_primary(addresses, &primary) == 1 ? primary : SPAN_NONE;
}

static void drop_untaken(struct space_set *addresses)
{
	size_t kept = 0;

	for (size_t i = 0; i < addresses->count; i++)
		if (space_address_is_taken(space_set_get(addresses, i)))
			addresses->at[kept++] = addresses->at[i];
	addresses->count = kept;
}

static void drop_secondary(struct space_set *addresses, struct span value)
{
	size_t kept = 0;

	for (size_t i = 0; i < addresses->count; i++) {
		struct address address = address_parse(space_set_get(addresses, i));

		if (!address.smtp || text_compare_caseless(address.value, value) != 0)
			addresses->at[kept++] = addresses->at[i];
	}
	addresses->count = kept;
}

void space_addresses_compute(struct space_set *addresses, struct span mail)
{
	CLEANUP(buf_release) struct buf primary = BUF_UP_TO(SPACE_VALUE_MAX);
	struct span found;

	drop_untaken(addresses);
	if (!addresses->count || !mail.data || count_primary(addresses, &found))
		return;
	buf_add_text(&primary, "SMTP:");
	buf_add_span(&primary, mail);
	if (!space_address_is_taken(buf_span(&primary)))
		return;
	drop_secondary(addresses, mail);
	space_set_add(addresses, buf_span(&primary));
}
