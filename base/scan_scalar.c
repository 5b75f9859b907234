/*
 * Checking strings, numbers and names. What ends a first run of a string and is not its quote is
 * rare, and checked here: escapes, UTF-8, the end of the text.
 */
#include "base/scan_check.h"
#include "base/text.h"

const char *scan_fail(struct check *check, const char *at, const char *what)
{
	check->ended |= at == check->end;
	if (!check->ended || !check->prefix)
		error_set(check->err, ERROR_FORMAT, "byte %zu: %s", (size_t)(at - check->begin),
			what);
	return NULL;
}

/* The same where the text ends in the middle of what begins at `at`. */
static const char *fail_cut_off(struct check *check, const char *at, bool cut_off, const char *what)
{
	check->ended = cut_off;
	return scan_fail(check, at, what);
}

/* ---- strings ------------------------------------------------------------------------- */

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
static bool unicode_escape_is_cut_off(const char *at, const char *end)
{
	for (int i = 0; at < end && i < 6; i++, at++)
		if (i < 2 ? *at != "\\u"[i] : scan_hex_digit(*at) < 0)
			return false;
	return at == end;
}

static const char *check_unicode_escape(struct check *check, const char *at)
{
	int32_t unit = unicode_escape(at, check->end), low;
	const char *behind = at + 6;

	if (unit < 0)
		return fail_cut_off(check, at, unicode_escape_is_cut_off(at, check->end),
			"four hexadecimal digits belong behind \\u");
	if (unit < 0xd800 || unit > 0xdfff)
		return behind;
	low = unicode_escape(behind, check->end);
	if (unit <= 0xdbff && low >= 0xdc00 && low <= 0xdfff)
		return behind + 6;
	return fail_cut_off(check, at,
		unit <= 0xdbff && low < 0 && unicode_escape_is_cut_off(behind, check->end),
		"half of a surrogate pair");
}

/* `at` is a backslash. */
static const char *check_escape(struct check *check, const char *at)
{
	check->backslash = (size_t)(at + 1 - check->begin);
	if (check->end - at < 2)
		return fail_cut_off(check, at, true, "the string does not end");
	switch (at[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return at + 2;
	case 'u':
		return check_unicode_escape(check, at);
	default:
		return scan_fail(check, at, "an escape that JSON does not have");
	}
}

/* Whether `rest` can be the beginning of one character that the end of the text cuts off. */
static bool character_is_cut_off(struct span rest)
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
static const char *check_utf8(struct check *check, const char *at)
{
	struct span rest = { at, (size_t)(check->end - at) };
	size_t length = 0;
	uint32_t scalar;

	if (!text_scalar(rest, &length, &scalar))
		return fail_cut_off(check, at, character_is_cut_off(rest), "not UTF-8");
	return at + length;
}

static const char *check_special(struct check *check, const char *at)
{
	unsigned char byte;

	while (at) {
		if (at == check->end)
			return scan_fail(check, at, "the string does not end");
		byte = (unsigned char)*at;
		if (byte == '"')
			return at;
		if (byte < 0x20)
			return scan_fail(check, at, "a control character in a string");
		at = byte == '\\' ? check_escape(check, at) : check_utf8(check, at);
		if (at)
			at = scan_run_end(at, check->end, STOP_SPECIAL);
	}
	return NULL;
}

const char *scan_check_rest(struct check *check, const char *begin, const char *at)
{
	at = scan_run_end(at, check->end, STOP_SPECIAL);
	if (at == check->end || *at != '"')
		at = check_special(check, at);
	if (at && at - begin > SCAN_STRING_MAX)
		return scan_fail(check, begin, "the string is too long");
	return at ? at + 1 : NULL;
}

/* ---- numbers and names --------------------------------------------------------------- */

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

const char *scan_check_number(struct check *check, const char *at)
{
	const char *end = check->end;

	if (*at == '-')
		at++;
	if (!is_digit(at, end))
		return scan_fail(check, at, "no JSON value begins like this");
	at = *at == '0' ? at + 1 : skip_digits(at, end);
	if (is_digit(at, end))
		return scan_fail(check, at, "a number with a leading zero");
	if (at < end && *at == '.') {
		if (!is_digit(++at, end))
			return scan_fail(check, at, "digits belong behind the decimal point");
		at = skip_digits(at, end);
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		if (!is_digit(at, end))
			return scan_fail(check, at, "digits belong in the exponent");
		at = skip_digits(at, end);
	}
	return at;
}

const char *scan_check_name(struct check *check, const char *at, struct span name)
{
	size_t rest = (size_t)(check->end - at);

	if (rest >= name.length && memcmp(at, name.data, name.length) == 0)
		return at + name.length;
	return fail_cut_off(check, at, rest < name.length && memcmp(at, name.data, rest) == 0,
		"no JSON value begins like this");
}
