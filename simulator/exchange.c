/*
 * Taking a request apart: path segments, query options, body. As the service does, '+' in a
 * query is a blank, and what is not asked for in a known way is refused.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "simulator/endpoint.h"

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = text_lower(digit);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool percent_decode(char *text, bool plus_is_blank)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high, low;

		if (*from == '+' && plus_is_blank) {
			*to++ = ' ';
			continue;
		}
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = hex_value(from[1]);
		low = high < 0 ? -1 : hex_value(from[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return text_is_utf8(span_of(text));
}

static bool parse_query(struct exchange *exchange, const char *query)
{
	while (*query) {
		size_t length = strcspn(query, "&");
		const char *equals = memchr(query, '=', length);
		struct query_option *option;

		if (exchange->option_count == QUERY_OPTIONS_MAX)
			return false;
		option = &exchange->options[exchange->option_count++];
		option->name = memory_text_span(query, equals ? (size_t)(equals - query) : length);
		option->value = equals
			? memory_text_span(equals + 1, length - (size_t)(equals - query) - 1)
			: memory_text("");
		if (!percent_decode(option->name, true) || !percent_decode(option->value, true))
			return false;
		query += length + (query[length] == '&');
	}
	return true;
}

bool exchange_parse_target(struct exchange *exchange, const char *below_version)
{
	size_t length = strcspn(below_version, "?");
	char *at;

	if (strlen(below_version) > PATH_MAX_BYTES || below_version[0] != '/')
		return false;
	exchange->path = memory_text_span(below_version + 1, length - 1);
	for (at = exchange->path; at;) {
		if (exchange->segment_count == SEGMENTS_MAX)
			return false;
		exchange->segments[exchange->segment_count++] = strsep(&at, "/");
	}
	for (size_t i = 0; i < exchange->segment_count; i++)
		if (!percent_decode(exchange->segments[i], false) || !exchange->segments[i][0])
			return false;
	return below_version[length] == '\0' || parse_query(exchange, below_version + length + 1);
}

const char *exchange_option(const struct exchange *exchange, const char *name)
{
	for (size_t i = 0; i < exchange->option_count; i++)
		if (strcmp(exchange->options[i].name, name) == 0)
			return exchange->options[i].value;
	return NULL;
}

bool exchange_allows(struct exchange *exchange, const char *const *names)
{
	for (size_t i = 0; i < exchange->option_count; i++) {
		const char *name = exchange->options[i].name;
		size_t known = 0;

		if (name[0] != '$')
			continue;
		while (names[known] && strcmp(names[known], name) != 0)
			known++;
		if (!names[known])
			return !exchange_refuse(exchange, 400, "Request_UnsupportedQuery",
				"The query option '%s' is not supported here.", name);
	}
	return true;
}

bool exchange_fits(const struct exchange *exchange, const char *pattern)
{
	for (size_t i = 0; i < exchange->segment_count; i++) {
		size_t length = strcspn(pattern, "/");
		const char *segment = exchange->segments[i];
		bool any = length == 1 && pattern[0] == '*' && segment[0] != '$';

		if (length == 0 ||
			(!any &&
				(strlen(segment) != length ||
					memcmp(segment, pattern, length) != 0)))
			return false;
		pattern += length + (pattern[length] == '/');
	}
	return !*pattern;
}

bool exchange_is_advanced(const struct exchange *exchange)
{
	const char *count = exchange_option(exchange, "$count");

	return exchange->eventual && count && strcmp(count, "true") == 0;
}

static bool is_json(struct span content_type)
{
	static const char json[] = "application/json";

	return content_type.length >= sizeof(json) - 1 &&
		strncasecmp(content_type.data, json, sizeof(json) - 1) == 0;
}

json_t *exchange_body(struct exchange *exchange)
{
	struct error err = { 0 };
	json_t *body;

	if (!is_json(exchange->content_type)) {
		exchange_refuse(exchange, exchange->is_item ? 400 : 415, "Request_BadRequest",
			"Write requests (excluding DELETE) must contain the Content-Type header declaration.");
		return NULL;
	}
	body = json_parse(exchange->body, BODY_MAX_BYTES, &err);
	if (json_is_object(body))
		return body;
	json_decref(body);
	exchange_refuse(exchange, 400, "Request_BadRequest",
		"Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.");
	return NULL;
}

void exchange_release(struct exchange *exchange)
{
	memory_free(exchange->path);
	for (size_t i = 0; i < exchange->option_count; i++) {
		memory_free(exchange->options[i].name);
		memory_free(exchange->options[i].value);
	}
	json_decref(exchange->answer.body);
	json_decref(exchange->answer.headers);
	memory_free(exchange->answer.text);
	*exchange = (struct exchange){ 0 };
}

enum object_kind exchange_kind(const struct exchange *exchange)
{
	return schema_by_collection(exchange->segments[0])->kind;
}

bool exchange_load(struct exchange *exchange, const char *id, enum object_kind kind, bool for_write,
	struct object_row *row)
{
	struct simulator *simulator = exchange->simulator;
	char found[GUID_TEXT_BYTES];
	char lower[GUID_TEXT_BYTES];
	size_t i;

	if (kind == OBJECT_USER && strchr(id, '@')) {
		if (!tenant_find_upn(simulator, id, found))
			return !exchange_refuse_absent(exchange, id);
		id = found;
	}
	for (i = 0; id[i] && i < sizeof(lower) - 1; i++)
		lower[i] = text_lower(id[i]);
	lower[i] = '\0';
	if ((for_write ? object_load(simulator, lower, row)
		       : object_load_visible(simulator, lower, row)) &&
		row->kind == kind && row->state == OBJECT_LIVE && !id[i])
		return true;
	return !exchange_refuse_absent(exchange, id);
}
