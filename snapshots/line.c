/*
 * The little a snapshot must know of a line: which object it is of, and what the index counts.
 *
 * A snapshot nobody signed may hold anything, and base/scan walks checked text only. Checking every
 * line would cost more than all the rest of reading it, and what reads the values (object_parse)
 * does that for the few lines that differ. So this is no JSON scanner: it finds keys of the
 * outermost object in lines that our writer made, and in others something or nothing, inside the
 * line.
 */
#include "base/unchecked.h"
#include "snapshots/snapshots_internal.h"

struct span line_first(struct span text)
{
	const char *newline = text.length ? memchr(text.data, '\n', text.length) : NULL;

	return (struct span){ text.data, newline ? (size_t)(newline - text.data) : text.length };
}

struct span line_rest(struct span text)
{
	size_t taken = line_first(text).length;

	taken += taken < text.length;
	return (struct span){ text.data + taken, text.length - taken };
}

uint32_t line_count(struct span text)
{
	uint32_t count = 0;

	for (; text.length; text = line_rest(text))
		count++;
	return count;
}

/* Walks the keys of a line's outermost object. */
struct keys {
	const char *at, *end;
	size_t depth;
};

/* The next key as written, and where its value begins. */
static bool next_key(struct keys *keys, struct span *key, const char **value)
{
	while (keys->at < keys->end) {
		const char *begin = keys->at++, *quote;

		if (*begin == '{' || *begin == '[')
			keys->depth++;
		else if (*begin == '}' || *begin == ']')
			keys->depth--;
		if (*begin != '"')
			continue;
		quote = unchecked_string_end(keys->at, keys->end);
		if (!quote)
			return false;
		*key = (struct span){ keys->at, (size_t)(quote - keys->at) };
		keys->at = quote + 1;
		/* In a canonical line only a key has a colon right behind it. */
		if (keys->depth != 1 || keys->at == keys->end || *keys->at != ':')
			continue;
		*value = ++keys->at;
		return true;
	}
	return false;
}

/* The string at `value`, which has no escapes: what stands between its quotes, or absent. */
static struct span plain_string(const char *value, const char *end)
{
	const char *quote;

	if (value == end || *value != '"')
		return SPAN_NONE;
	value++;
	quote = memchr(value, '"', (size_t)(end - value));
	return quote ? (struct span){ value, (size_t)(quote - value) } : SPAN_NONE;
}

static struct keys keys_of(struct span line)
{
	return (struct keys){ .at = line.data, .end = line.data + line.length };
}

struct span line_id(struct span line)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

	while (next_key(&keys, &key, &value))
		if (span_is(key, "id"))
			return plain_string(value, keys.end);
	return SPAN_NONE;
}

bool line_is_part(struct span line)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

	while (next_key(&keys, &key, &value))
		if (span_is(key, "part"))
			return true;
	return false;
}

bool line_read(struct span line, struct line_facts *facts)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

	*facts = (struct line_facts){ 0 };
	while (next_key(&keys, &key, &value)) {
		if (span_is(key, "id"))
			facts->id = plain_string(value, keys.end);
		else if (span_is(key, "kind"))
			facts->kind = kind_find(plain_string(value, keys.end));
		else if (span_is(key, "deleted"))
			facts->deleted = value < keys.end && *value == 't';
		else if (span_is(key, "onPremisesProvisioningErrors"))
			facts->quarantined = true; /* an empty one is not written */
	}
	return facts->id.data && facts->kind;
}
