/*
 * jansson with the limits of the threat model (T27), for everything small: plans, findings,
 * configuration, error bodies. Lists of objects go through base/scan instead.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

static inline void json_freep(json_t **json)
{
	json_decref(*json);
}

/*
 * Parses one strict document: duplicate keys, NUL in strings and trailing bytes are refused,
 * depth is limited to 64 and the size to `limit` bytes. Numbers that jansson can't hold are refused, too.
 * NULL with ERROR_FORMAT ("byte 52: …").
 */
MUST_CHECK json_t *json_parse(struct span text, size_t limit, struct error *err);

/*
 * Members of an object, as Graph or a plan gives them: a wrong type is an error, never 0 or ""
 * (T27). These return NULL or false and set ERROR_FORMAT naming the key.
 */
MUST_CHECK const char *json_text(const json_t *object, const char *key, struct error *err);
MUST_CHECK json_t *json_array_of(const json_t *object, const char *key, struct error *err);
MUST_CHECK json_t *json_object_of(const json_t *object, const char *key, struct error *err);
MUST_CHECK bool json_number_of(
	const json_t *object, const char *key, int64_t *number, struct error *err);

/* The text at `key`, or NULL where it is missing, null or not a text. */
const char *json_text_or_null(const json_t *object, const char *key);

/* Appends the compact form: keys in byte order, minimal escapes: a canonical value (directory.h).
 */
void json_add(struct buf *out, const json_t *json);

/* A new reference to what a canonical value says; a span of nothing gives JSON null. */
json_t *json_from_span(struct span value);
