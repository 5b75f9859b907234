#include "tests/base/random_json.h"

#include <string.h>

#include "base/attributes.h"

static uint64_t next_random(uint64_t *seed)
{
	/* SplitMix64. */
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned random_below(uint64_t *seed, unsigned bound)
{
	return (unsigned)(next_random(seed) % bound);
}

static void add_random_string(struct buf *out, uint64_t *seed)
{
	static const char *const pieces[] = { "a", "mail", "displayName", "\\n", "\\u0061", "\\/",
		"\xc3\xa9", "\xf0\x9f\x98\x80", "\\ud83d\\ude00", " ", "{", "]", ",", "\\\\",
		"\\\"" };
	unsigned count = random_below(seed, 5);

	buf_add_byte(out, '"');
	while (count--)
		buf_add_text(out, pieces[random_below(seed, COUNT_OF(pieces))]);
	buf_add_byte(out, '"');
}

static void add_random_scalar(struct buf *out, uint64_t *seed)
{
	static const char *const scalars[] = { "true", "false", "null", "0", "-1", "12.5", "1e3",
		"-0", "123456789", "0.1E-2" };

	if (random_below(seed, 2))
		add_random_string(out, seed);
	else
		buf_add_text(out, scalars[random_below(seed, COUNT_OF(scalars))]);
}

void random_json(struct buf *out, uint64_t *seed, unsigned depth)
{
	unsigned shape = random_below(seed, 4), count = random_below(seed, 6);

	if (!depth || shape > 1) {
		add_random_scalar(out, seed);
		return;
	}
	buf_add_text(out, shape ? "{ " : "[");
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_add_text(out, random_below(seed, 8) ? "," : " ,\n");
		if (shape) {
			add_random_string(out, seed);
			buf_add_byte(out, ':');
		}
		random_json(out, seed, depth - 1);
	}
	buf_add_byte(out, shape ? '}' : ']');
}

/* A member of an object like all others of its page; `outer` may hold one more such object. */
static void add_like_member(struct buf *out, uint64_t *seed, unsigned number, bool outer)
{
	static const char *const names[] = { "id", "accountEnabled", "city",
		"a name of more than thirty-two bytes, quotes and all", "displayName", "mail",
		"onPremisesExtensionAttributes", "proxyAddresses", "\xc3\xa4ther", "", "b\\u0061ck",
		"userPrincipalName" };
	static const char *const colons[] = { ":", ":", ":", ":", ":", ":", " :", ": " };

	number %= COUNT_OF(names);
	buf_addf(out, "\"%s\"%s", names[number], colons[random_below(seed, COUNT_OF(colons))]);
	if (outer && number % 4 == 2) {
		buf_add_byte(out, '{');
		for (unsigned i = random_below(seed, 2); i < 6; i++) {
			add_like_member(out, seed, i, false);
			buf_add_byte(out, i < 5 ? ',' : '}');
		}
	} else {
		random_json(out, seed, outer);
	}
}

void random_page(struct buf *out, uint64_t *seed)
{
	unsigned objects = 1 + random_below(seed, 6);

	buf_add_byte(out, '[');
	for (unsigned i = 0; i < objects; i++) {
		unsigned from = random_below(seed, 4) ? 0 : random_below(seed, 12);
		bool first = true;

		buf_add_text(out, i ? ",{" : "{");
		for (unsigned member = 0; member < 12; member++) {
			/* Most come; one in a thousand comes again. */
			for (unsigned times = random_below(seed, 1000); times % 8; times = 8) {
				if (!first)
					buf_add_byte(out, ',');
				add_like_member(out, seed, from + member, true);
				first = false;
				if (times == 1)
					member--;
			}
		}
		buf_add_byte(out, '}');
	}
	buf_add_byte(out, ']');
}

void random_mutate(struct buf *text, uint64_t *seed)
{
	static const char bytes[] = "\"\\{}[],: \n019.eE+-tfnu\x00\x1f\x7f\x80\xc3\xe2\xf0\xff";
	size_t at;

	if (!text->length)
		return;
	at = random_below(seed, (unsigned)text->length);
	switch (random_below(seed, 3)) {
	case 0:
		text->data[at] = bytes[random_below(seed, sizeof(bytes) - 1)];
		break;
	case 1:
		memmove(text->data + at, text->data + at + 1, text->length - at - 1);
		buf_cut(text, text->length - 1);
		break;
	default:
		buf_add_byte(text, text->data[at]);
		break;
	}
}
