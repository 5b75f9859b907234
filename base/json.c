#include "base/json.h"

#include <string.h>

#include "base/scan.h"
#include "base/text.h"

/*
 * The scanner judges first: it is stricter than jansson (lone surrogates, limits) and its
 * places are exact; jansson then builds the tree of text known to be good.
 */
json_t *json_parse(struct span text, size_t limit, struct error *err)
{
	json_error_t trouble;
	json_t *json;

	if (text.length > limit) {
		error_set(err, ERROR_FORMAT, "%zu bytes of JSON, more than the limit of %zu",
			text.length, limit);
		return NULL;
	}
	if (!scan_check(text, err))
		return NULL;
	json = json_loadb(
		text.data, text.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &trouble);
	if (!json)
		error_set(err, ERROR_FORMAT, "line %d, column %d (byte %d): %s", trouble.line,
			trouble.column, trouble.position, trouble.text);
	return json;
}

static const char *type_name(const json_t *json)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return json ? names[json_typeof(json)] : "missing";
}

static json_t *member(const json_t *object, const char *key, json_type type, const char *wanted,
	struct error *err)
{
	json_t *value = json_object_get(object, key);

	if (value && json_typeof(value) == type)
		return value;
	error_set(
		err, ERROR_FORMAT, "\"%s\" is %s, %s was expected", key, type_name(value), wanted);
	return NULL;
}

const char *json_text(const json_t *object, const char *key, struct error *err)
{
	json_t *value = member(object, key, JSON_STRING, "a text", err);

	return value ? json_string_value(value) : NULL;
}

json_t *json_array_of(const json_t *object, const char *key, struct error *err)
{
	return member(object, key, JSON_ARRAY, "an array", err);
}

json_t *json_object_of(const json_t *object, const char *key, struct error *err)
{
	return member(object, key, JSON_OBJECT, "an object", err);
}

bool json_number_of(const json_t *object, const char *key, int64_t *number, struct error *err)
{
	json_t *value = member(object, key, JSON_INTEGER, "a whole number", err);

	if (!value)
		return false;
	*number = json_integer_value(value);
	return true;
}

const char *json_text_or_null(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int add_piece(const char *piece, size_t length, void *out)
{
	buf_add(out, piece, length);
	return 0;
}

/* jansson writes \u001F where the canonical form has \u001f. */
static void lower_escapes(char *at, const char *end)
{
	while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
		if (at[1] != 'u') {
			at += 2;
			continue;
		}
		for (int i = 2; i < 6; i++)
			at[i] = text_lower(at[i]);
		at += 6;
	}
}

void json_add(struct buf *out, const json_t *json)
{
	size_t start = out->length;

	json_dump_callback(json, add_piece, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (!out->overflowed && out->length > start)
		lower_escapes(out->data + start, out->data + out->length);
}

json_t *json_from_span(struct span value)
{
	json_t *json;

	if (!value.data)
		return json_null();
	json = json_loadb(value.data, value.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	return json ? json : json_null();
}
