/*
 * The little a snapshot must know of a line: which object it is of, and what the index counts.
 *
 * A snapshot nobody signed may hold anything, and base/scan walks checked text only. Checking every
 * line would cost more than all the rest of reading it, and what reads the values (object_parse)
 * does that for the few lines that differ. So this is no JSON scanner: it finds keys of the
 * outermost object in lines that our writer made, and in others something or nothing, inside the
 * line.
 */
#include "base/find.h"
#include "base/unchecked.h"
#include "snapshots/snapshots_internal.h"

struct span line_first(struct span text)
{
	const char *newline = text.length ? memchr(text.data, '\n', text.length) : NULL;

	return (struct span){ text.data, newline ? (size_t)(newline - text.data) : text.length };
}

struct span line_behind(struct span text, struct span line)
{
	size_t taken = line.length + (line.length < text.length);

	return (struct span){ text.data + taken, text.length - taken };
}

struct span line_rest(struct span text)
{
	return line_behind(text, line_first(text));
}

uint32_t line_count(struct span text)
{
	enum { LANES = 32, ROUNDS_MAX = UINT8_MAX };
	const char *at = text.data, *end = text.data + text.length;
	uint32_t count = 0;

	/* Counted beside each other in bytes, which the compiler makes a vector of, before one overflows. */
	while (end - at >= LANES) {
		uint8_t lanes[LANES] = { 0 };

		for (int round = 0; round < ROUNDS_MAX && end - at >= LANES; round++, at += LANES)
			for (int lane = 0; lane < LANES; lane++)
				lanes[lane] += at[lane] == '\n';
		for (int lane = 0; lane < LANES; lane++)
			count += lanes[lane];
	}
	for (; at < end; at++)
		count += *at == '\n';
	return count + (text.length && end[-1] != '\n');
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

/* ---- keys in lines as our writer makes them ------------------------------------------------ */

enum found {
	FOUND,
	ABSENT,
	UNCLEAR, /* only a walk can tell */
};

/*
 * Looks for a key of the outermost object, in its quotes and with its colon, without walking over what
 * is before it. In a string such a text would have backslashes, so that where it stands behind a brace
 * or a comma it is a key; and where no brace but the line's own opens before it, no inner object's.
 */
static enum found find_key(struct span line, struct span key, const char **value)
{
	const char *at = find_text(line.data, line.data + line.length, key);

	if (!at)
		return ABSENT;
	if (at == line.data || line.data[0] != '{' || (at[-1] != ',' && at[-1] != '{') ||
		memchr(line.data + 1, '{', (size_t)(at - line.data - 1)))
		return UNCLEAR;
	*value = at + key.length;
	return FOUND;
}

static struct span walk_to_id(struct span line)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

	while (next_key(&keys, &key, &value))
		if (span_is(key, "id"))
			return plain_string(value, keys.end);
	return SPAN_NONE;
}

struct span line_id(struct span line)
{
	const char *value;

	switch (find_key(line, SPAN_LITERAL("\"id\":"), &value)) {
	case FOUND:
		return plain_string(value, line.data + line.length);
	case ABSENT:
		return SPAN_NONE;
	default:
		return walk_to_id(line);
	}
}

static bool walk_to_part(struct span line)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

	while (next_key(&keys, &key, &value))
		if (span_is(key, "part"))
			return true;
	return false;
}

bool line_is_part(struct span line)
{
	const char *value;
	enum found found = find_key(line, SPAN_LITERAL("\"part\":"), &value);

	return found == UNCLEAR ? walk_to_part(line) : found == FOUND;
}

static void walk_to_facts(struct span line, struct line_facts *facts)
{
	struct keys keys = keys_of(line);
	struct span key;
	const char *value;

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
}

/* Most lines: an object that is there and that nothing is wrong with. */
static bool find_facts(struct span line, struct line_facts *facts)
{
	const char *id, *kind, *other;

	if (find_key(line, SPAN_LITERAL("\"deleted\":"), &other) != ABSENT ||
		find_key(line, SPAN_LITERAL("\"onPremisesProvisioningErrors\":"), &other) !=
			ABSENT ||
		find_key(line, SPAN_LITERAL("\"id\":"), &id) != FOUND ||
		find_key(line, SPAN_LITERAL("\"kind\":"), &kind) != FOUND)
		return false;
	facts->id = plain_string(id, line.data + line.length);
	facts->kind = kind_find(plain_string(kind, line.data + line.length));
	return true;
}

bool line_read(struct span line, struct line_facts *facts)
{
	*facts = (struct line_facts){ 0 };
	if (!find_facts(line, facts))
		walk_to_facts(line, facts);
	return facts->id.data && facts->kind;
}
