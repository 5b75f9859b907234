/*
 * Addresses as Entra computes them. What the service makes by itself from a mail nickname or a
 * sign-in name comes and goes with licences, and is never ours to put back.
 */
#include <string.h>

#include "base/scan.h"
#include "base/text.h"
#include "directory/directory.h"

/* Domains that every tenant gets from Microsoft, of all clouds. */
static const char *const service_domains[] = {
	".onmicrosoft.com",
	".microsoftonline.com",
	".onmicrosoft.us",
	".partner.onmschina.cn",
};

/* Every address of a directory passes here. */
static bool is_smtp(struct span scheme)
{
	return scheme.length == strlen("smtp") && text_lower(scheme.data[0]) == 's' &&
		text_lower(scheme.data[1]) == 'm' && text_lower(scheme.data[2]) == 't' &&
		text_lower(scheme.data[3]) == 'p';
}

struct address address_parse(struct span text)
{
	const char *colon = text.length ? memchr(text.data, ':', text.length) : NULL;
	struct address address = { .value = text };

	if (!colon)
		return address;
	address.scheme = (struct span){ text.data, (size_t)(colon - text.data) };
	address.value = (struct span){ colon + 1, text.length - address.scheme.length - 1 };
	address.smtp = is_smtp(address.scheme);
	address.primary = span_is(address.scheme, "SMTP");
	return address;
}

static bool ends_with(struct span text, const char *end)
{
	struct span wanted = span_of(end);

	if (text.length < wanted.length)
		return false;
	text = (struct span){ text.data + text.length - wanted.length, wanted.length };
	return text_compare_caseless(text, wanted) == 0;
}

bool address_is_computed(struct span address_value)
{
	const char *at = address_value.length
		? memrchr(address_value.data, '@', address_value.length)
		: NULL;
	struct span domain;

	if (!at)
		return false;
	domain.data = at + 1;
	domain.length = address_value.length - (size_t)(domain.data - address_value.data);
	for (size_t i = 0; i < COUNT_OF(service_domains); i++)
		if (domain.length > strlen(service_domains[i]) &&
			ends_with(domain, service_domains[i]))
			return true;
	return false;
}

bool address_is_computed_for(const struct object *object, struct span text)
{
	struct address address = address_parse(text);
	struct span sign_in_name = object_get_named(object, "userPrincipalName");
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(sign_in_name.length);

	if (!address.smtp)
		return false;
	if (address_is_computed(address.value))
		return true;
	if (address.primary || !sign_in_name.data)
		return false;
	scan_text(sign_in_name, &name);
	return text_compare_caseless(buf_span(&name), address.value) == 0;
}
