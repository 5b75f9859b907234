/*
 * Checking: is this text exactly one JSON value, to the letter of RFC 8259?
 *
 * Nesting is a stack of at most SCAN_DEPTH_MAX small frames, so that no input can make the program
 * recurse. The keys of all open objects lie on one stack of spans, too. A key is new when its bit
 * in the object's small filter is still free, and is compared with the object's earlier keys only
 * when the bit is taken; an object of more than KEYS_COMPARED_ONE_BY_ONE members, or with escapes
 * in a key, has its keys sorted when it ends instead. So the cost stays n log n whatever comes.
 * Only text with more open keys than KEYS_NEAR costs memory from the heap.
 */
#include "base/memory.h"
#include "base/scan_internal.h"
#include "base/text.h"

enum {
	KEYS_NEAR = 192,
	KEYS_COMPARED_ONE_BY_ONE = 64,
	FILTER_WORDS = 8,
};

struct frame {
	bool object;
	bool escaped;     /* a key of it has escapes */
	size_t count;     /* members or elements so far */
	size_t first_key; /* its keys begin here on the stack of keys */
	uint64_t filter[FILTER_WORDS];
};

enum { STOP_SPECIAL = STOP_AT_QUOTE | STOP_AT_CONTROL | STOP_AT_HIGH };

enum expect { EXPECT_VALUE, EXPECT_AFTER };

struct check {
	const char *begin, *at, *end;
	enum expect expect;
	size_t depth;
	bool escaped;              /* the string that was checked last has escapes */
	bool prefix;               /* the text may go on behind its end */
	bool ended;                /* what is wrong is that the text ends */
	struct scan_found found;   /* the outermost object's member that is being checked */
	scan_found_function *give; /* NULL: nobody asks for the members */
	void *context;
	struct span *keys; /* `near`, or from the heap when that is full */
	size_t key_count, key_capacity;
	struct frame *frames; /* SCAN_DEPTH_MAX */
	struct span *near;    /* KEYS_NEAR */
	struct error *err;
};

static NOINLINE bool fail_at(struct check *check, const char *at, const char *what)
{
	check->ended |= at == check->end;
	if (check->ended && check->prefix)
		return false;
	return error_set(
		check->err, ERROR_FORMAT, "byte %zu: %s", (size_t)(at - check->begin), what);
}

static bool fail(struct check *check, const char *what)
{
	return fail_at(check, check->at, what);
}

static inline void skip_blanks(struct check *check)
{
	if (check->at < check->end && (unsigned char)*check->at > ' ')
		return;
	check->at = scan_skip_blanks(check->at, check->end);
}

/* ---- strings ------------------------------------------------------------------- */

/* The four digits behind \u at `at`; -1 where they are not. */
static int32_t unicode_escape(const char *at, const char *end)
{
	int32_t value = 0;
	int digit;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		digit = scan_hex_digit(at[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Whether all that is there of an escape, up to the end of the text, is the beginning of one. */
static bool unicode_escape_may_follow(const char *at, const char *end)
{
	for (int i = 0; at < end && i < 6; i++, at++)
		if (i < 2 ? *at != "\\u"[i] : scan_hex_digit(*at) < 0)
			return false;
	return at == end;
}

static bool check_unicode_escape(struct check *check)
{
	int32_t unit = unicode_escape(check->at, check->end), low;
	const char *behind;

	if (unit < 0) {
		check->ended = unicode_escape_may_follow(check->at, check->end);
		return fail(check, "four hexadecimal digits belong behind \\u");
	}
	behind = check->at + 6;
	if (unit < 0xd800 || unit > 0xdfff) {
		check->at = behind;
		return true;
	}
	low = unicode_escape(behind, check->end);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) {
		check->ended = unit <= 0xdbff && low < 0 &&
			unicode_escape_may_follow(behind, check->end);
		return fail(check, "half of a surrogate pair");
	}
	check->at += 12;
	return true;
}

/* `at` is a backslash. */
static bool check_escape(struct check *check)
{
	if (check->end - check->at < 2) {
		check->ended = true;
		return fail(check, "the string does not end");
	}
	switch (check->at[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		check->at += 2;
		return true;
	case 'u':
		return check_unicode_escape(check);
	default:
		return fail(check, "an escape that JSON does not have");
	}
}

/* Whether `rest` can be the beginning of one character that the end of the text cuts off. */
static bool character_may_follow(struct span rest)
{
	unsigned char first = (unsigned char)rest.data[0];
	size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first < 0xc2 || first > 0xf4 || rest.length >= whole)
		return false;
	for (size_t i = 1; i < rest.length; i++)
		if (((unsigned char)rest.data[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* `at` is a byte above 0x7f. */
static bool check_utf8(struct check *check)
{
	struct span rest = { check->at, (size_t)(check->end - check->at) };
	size_t length = 0;
	uint32_t scalar;

	if (!text_scalar(rest, &length, &scalar)) {
		check->ended = character_may_follow(rest);
		return fail(check, "not UTF-8");
	}
	check->at += length;
	return true;
}

/* `at` is what ended the first run of a string; goes on to its closing quote. */
static NOINLINE bool check_special(struct check *check)
{
	unsigned char byte;

	for (;;) {
		if (check->at == check->end)
			return fail(check, "the string does not end");
		byte = (unsigned char)*check->at;
		if (byte == '"')
			return true;
		if (byte < 0x20)
			return fail(check, "a control character in a string");
		if (byte == '\\')
			check->escaped = check->found.value_escaped = true;
		if (!(byte == '\\' ? check_escape(check) : check_utf8(check)))
			return false;
		check->at = scan_run_end(check->at, check->end, STOP_SPECIAL);
	}
}

/*
 * `at` is the opening quote. Gives what stands between the quotes; check->escaped says whether it
 * has escapes. Most strings are one run, so that the rest is kept out of the way.
 */
static ALWAYS_INLINE bool check_string(struct check *check, struct span *between)
{
	const char *begin = check->at + 1, *at = scan_run_end(begin, check->end, STOP_SPECIAL);

	check->escaped = false;
	check->at = at;
	if ((at == check->end || *at != '"') && !check_special(check))
		return false;
	*between = (struct span){ begin, (size_t)(check->at - begin) };
	if (between->length > SCAN_STRING_MAX)
		return fail_at(check, begin, "the string is too long");
	check->at++;
	return true;
}

/* ---- keys ----------------------------------------------------------------------- */

/* Cheap on purpose: a wrong guess costs a few comparisons. Keys differ by length, head or tail. */
static unsigned key_bit(struct span key)
{
	uint64_t head = 0, tail = 0;
	uint32_t half;

	if (key.length >= 8) {
		memcpy(&head, key.data, sizeof(head));
		memcpy(&tail, key.data + key.length - sizeof(tail), sizeof(tail));
	} else if (key.length >= 4) {
		memcpy(&half, key.data, sizeof(half));
		head = half;
		memcpy(&half, key.data + key.length - 4, sizeof(half));
		tail = half;
	} else if (key.length) {
		head = (unsigned char)key.data[0];
		tail = (unsigned char)key.data[key.length - 1];
	}
	head = (head ^ key.length) * UINT64_C(0x9e3779b97f4a7c15);
	tail = (tail ^ head >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (unsigned)(tail >> 32) % (64 * FILTER_WORDS);
}

static void push_key(struct check *check, struct span key)
{
	if (check->key_count == check->key_capacity) {
		check->key_capacity *= 2;
		if (check->keys == check->near) {
			check->keys = memory_array(check->key_capacity, sizeof(*check->keys));
			memcpy(check->keys, check->near, KEYS_NEAR * sizeof(*check->keys));
		} else {
			check->keys = memory_resize(
				check->keys, check->key_capacity, sizeof(*check->keys));
		}
	}
	check->keys[check->key_count++] = key;
}

/* Whether the object has this key already, where that is not left to check_keys_by_order(). */
static bool is_among(const struct check *check, const struct frame *frame, struct span key)
{
	if (frame->escaped || frame->count > KEYS_COMPARED_ONE_BY_ONE)
		return false;
	for (size_t i = frame->first_key; i < check->key_count; i++)
		if (check->keys[i].length == key.length &&
			memcmp(check->keys[i].data, key.data, key.length) == 0)
			return true;
	return false;
}

static inline bool add_key(struct check *check, struct frame *frame, struct span key)
{
	unsigned bit = key_bit(key);
	uint64_t *word = &frame->filter[bit / 64], mask = UINT64_C(1) << bit % 64;

	frame->escaped |= check->escaped;
	if ((*word & mask) && is_among(check, frame, key))
		return fail_at(check, key.data, "a duplicate key");
	*word |= mask;
	push_key(check, key);
	return true;
}

/* The keys of an object that ends, where adding them one by one has not settled it. */
static bool check_keys_by_order(struct check *check, const struct frame *frame)
{
	const char *again = scan_repeated_key(
		check->keys + frame->first_key, frame->count, frame->escaped);

	return !again || fail_at(check, again, "a duplicate key");
}

/* ---- numbers and names ---------------------------------------------------------- */

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
	while (is_digit(at, end))
		at++;
	return at;
}

static bool check_number(struct check *check)
{
	const char *at = check->at, *end = check->end;

	if (*at == '-')
		at++;
	if (!is_digit(at, end))
		return fail_at(check, at, "no JSON value begins like this");
	at = *at == '0' ? at + 1 : skip_digits(at, end);
	if (is_digit(at, end))
		return fail_at(check, at, "a number with a leading zero");
	if (at < end && *at == '.') {
		if (!is_digit(++at, end))
			return fail_at(check, at, "digits belong behind the decimal point");
		at = skip_digits(at, end);
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		if (!is_digit(at, end))
			return fail_at(check, at, "digits belong in the exponent");
		at = skip_digits(at, end);
	}
	check->at = at;
	return true;
}

static bool check_name(struct check *check, const char *name, size_t length)
{
	size_t rest = (size_t)(check->end - check->at);

	if (rest < length || memcmp(check->at, name, length) != 0) {
		check->ended = rest < length && memcmp(check->at, name, rest) == 0;
		return fail(check, "no JSON value begins like this");
	}
	check->at += length;
	return true;
}

/* ---- nesting -------------------------------------------------------------------- */

/* A key, its colon, and the blanks before the value. */
static bool check_key(struct check *check)
{
	struct frame *frame = &check->frames[check->depth - 1];
	struct span key;

	if (check->at < check->end && *check->at != '"')
		skip_blanks(check);
	if (check->at == check->end || *check->at != '"')
		return fail(check, "a key belongs here");
	if (frame->count == SCAN_MEMBERS_MAX)
		return fail(check, "the object has too many members");
	if (!check_string(check, &key) || !add_key(check, frame, key))
		return false;
	frame->count++;
	if (check->at < check->end && *check->at != ':')
		skip_blanks(check);
	if (check->at == check->end || *check->at != ':')
		return fail(check, "a colon belongs here");
	check->at++;
	check->expect = EXPECT_VALUE;
	if (check->depth == 1) {
		check->found.key = key;
		check->found.key_escaped = check->escaped;
	}
	return true;
}

static bool check_element_begin(struct check *check)
{
	struct frame *frame = &check->frames[check->depth - 1];

	if (frame->count == SCAN_ELEMENTS_MAX)
		return fail(check, "the array has too many elements");
	frame->count++;
	check->expect = EXPECT_VALUE;
	return true;
}

static bool close_frame(struct check *check)
{
	struct frame *frame = &check->frames[check->depth - 1];

	if (frame->object && (frame->escaped || frame->count > KEYS_COMPARED_ONE_BY_ONE) &&
		!check_keys_by_order(check, frame))
		return false;
	check->key_count = frame->first_key;
	check->depth--;
	check->at++;
	check->expect = EXPECT_AFTER;
	return true;
}

static bool open_frame(struct check *check, bool object)
{
	struct frame *frame;

	if (check->depth == SCAN_DEPTH_MAX)
		return fail(check, "nested too deeply");
	frame = &check->frames[check->depth++];
	*frame = (struct frame){ .object = object, .first_key = check->key_count };
	check->at++;
	skip_blanks(check);
	if (check->at < check->end && *check->at == (object ? '}' : ']'))
		return close_frame(check);
	return object ? check_key(check) : check_element_begin(check);
}

static bool check_value(struct check *check)
{
	struct span between;

	skip_blanks(check);
	if (check->at == check->end)
		return fail(check, "the text ends where a value belongs");
	if (check->depth == 1) {
		check->found.value.data = check->at;
		check->found.value_escaped = false;
	}
	check->expect = EXPECT_AFTER;
	if (*check->at == '"')
		return check_string(check, &between);
	switch (*check->at) {
	case '{':
		return open_frame(check, true);
	case '[':
		return open_frame(check, false);
	case 't':
		return check_name(check, "true", 4);
	case 'f':
		return check_name(check, "false", 5);
	case 'n':
		return check_name(check, "null", 4);
	default:
		return check_number(check);
	}
}

/* A value of the outermost object or array has just ended. */
static bool give_member(struct check *check)
{
	if (!check->frames[0].object || !check->give)
		return true;
	check->found.value.length = (size_t)(check->at - check->found.value.data);
	return check->give(check->context, &check->found, check->err);
}

/* A comma and the next item, or the closing bracket. */
static bool check_after(struct check *check)
{
	const struct frame *frame = &check->frames[check->depth - 1];

	if (check->depth == 1 && !give_member(check))
		return false;
	skip_blanks(check);
	if (check->at == check->end)
		return fail(check,
			frame->object ? "the object does not end" : "the array does not end");
	if (*check->at == (frame->object ? '}' : ']'))
		return close_frame(check);
	if (*check->at != ',')
		return fail(check,
			frame->object ? "a comma or } belongs here" : "a comma or ] belongs here");
	check->at++;
	return frame->object ? check_key(check) : check_element_begin(check);
}

static bool check_one(struct check *check)
{
	while (check->depth || check->expect == EXPECT_VALUE)
		if (!(check->expect == EXPECT_VALUE ? check_value(check) : check_after(check)))
			return false;
	return true;
}

/* One value, and nothing behind it but blanks. */
static bool check_whole(struct check *check)
{
	if (!check_one(check))
		return false;
	skip_blanks(check);
	if (check->at != check->end)
		return fail(check, "something follows the value");
	return true;
}

/* Only brackets and quotes say by themselves that a value has ended. */
static bool is_closed(const char *behind)
{
	return behind[-1] == '}' || behind[-1] == ']' || behind[-1] == '"';
}

static bool check_beginning(struct check *check)
{
	check->prefix = true;
	if (!check_one(check))
		return false;
	check->ended = check->at == check->end && !is_closed(check->at);
	return !check->ended;
}

typedef bool check_function(struct check *check);

/* Runs `function` on a checker of `text`; `check` is given back for what it found out. */
static bool run_check(struct check *check, struct span text, check_function *function)
{
	/* Filled as objects open and keys come. */
	UNINITIALIZED struct frame frames[SCAN_DEPTH_MAX];
	UNINITIALIZED struct span near[KEYS_NEAR];
	bool good;

	check->begin = check->at = text.data ? text.data : "";
	check->end = check->begin + text.length;
	check->frames = frames;
	check->near = check->keys = near;
	check->key_capacity = KEYS_NEAR;
	good = function(check);
	if (check->keys != near)
		memory_free(check->keys);
	return good;
}

bool scan_check(struct span text, struct error *err)
{
	return scan_check_members(text, NULL, NULL, err);
}

bool scan_check_members(
	struct span text, scan_found_function *give, void *context, struct error *err)
{
	struct check check = { .give = give, .context = context, .err = err };

	return run_check(&check, text, check_whole);
}

bool scan_prefix(struct span text, size_t *taken, struct error *err)
{
	struct check check = { .err = err };
	bool whole = run_check(&check, text, check_beginning);

	if (!whole && !check.ended)
		return false;
	*taken = whole ? (size_t)(check.at - check.begin) : 0;
	return true;
}
