/*
 * Where secrets and tokens live [T21]. sodium_malloc() gives guard pages and keeps the memory
 * out of core files, but says nothing when locking fails; so it is asked for again, and checked.
 */
#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "auth/auth_internal.h"

bool locked_text_init(
	struct locked_text *text, size_t capacity, const char *what, struct error *err)
{
	char *data;

	/* The program did so at its start; whoever uses this folder alone did not. */
	if (sodium_init() < 0)
		return error_set(err, ERROR_SYSTEM, "libsodium does not start on this machine");
	data = sodium_malloc(capacity + 1);
	if (!data || sodium_mlock(data, capacity + 1) != 0) {
		const char *reason = strerror(errno);

		sodium_free(data);
		return error_set(err, ERROR_SYSTEM,
			"can't lock %zu bytes of memory for the %s, so that it never reaches a disk: %s. "
			"Allow more locked memory: ulimit -l 1024, or LimitMEMLOCK=1M in a service unit",
			capacity + 1, what, reason);
	}
	data[0] = '\0';
	*text = (struct locked_text){ .data = data, .capacity = capacity };
	return true;
}

void locked_text_add(struct locked_text *text, struct span more)
{
	assert(more.length <= text->capacity - text->length);
	if (more.length)
		memcpy(text->data + text->length, more.data, more.length);
	text->length += more.length;
	text->data[text->length] = '\0';
}

bool locked_text_init_copy(
	struct locked_text *text, struct span content, const char *what, struct error *err)
{
	if (!locked_text_init(text, content.length, what, err))
		return false;
	locked_text_add(text, content);
	return true;
}

struct span locked_text_span(const struct locked_text *text)
{
	return (struct span){ text->data, text->length };
}

size_t locked_text_encoded_max(size_t length)
{
	return 3 * length;
}

bool locked_text_add_encoded(struct locked_text *text, struct span plain, struct error *err)
{
	char *encoded;

	if (!plain.length)
		return true;
	assert(plain.length <= INT_MAX);
	encoded = curl_easy_escape(NULL, plain.data, (int)plain.length);
	if (!encoded)
		return error_set(err, ERROR_SYSTEM, "libcurl: out of memory");
	locked_text_add(text, span_of(encoded));
	explicit_bzero(encoded, strlen(encoded));
	curl_free(encoded);
	return true;
}

void locked_text_release(struct locked_text *text)
{
	sodium_free(text->data); /* wipes and unlocks */
	*text = (struct locked_text){ 0 };
}
