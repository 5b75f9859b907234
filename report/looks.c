#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "base/memory.h"
#include "report/looks.h"

enum {
	/* A scalar folds to at most 18 units (U+FDFA), and a skeleton is no longer than that. */
	LOOKS_UNITS = LOOKS_TEXT_MAX * 18,
	SCRIPTS_NAMED = 4,
};

struct looks {
	USpoofChecker *checker;
	const UNormalizer2 *fold; /* NFKC and case; ICU's own */
	UChar units[LOOKS_UNITS], more[LOOKS_UNITS];
};

static bool check(UErrorCode status, const char *what, struct error *err)
{
	return U_SUCCESS(status) ||
		error_set(err, ERROR_SYSTEM, "look-alikes: %s: ICU says %s", what,
			u_errorName(status));
}

struct looks *looks_new(struct error *err)
{
	CLEANUP(looks_freep) struct looks *looks = memory_new(sizeof(*looks));
	UErrorCode status = U_ZERO_ERROR;

	looks->checker = uspoof_open(&status);
	uspoof_setChecks(looks->checker, USPOOF_RESTRICTION_LEVEL, &status);
	uspoof_setRestrictionLevel(looks->checker, USPOOF_HIGHLY_RESTRICTIVE);
	looks->fold = unorm2_getNFKCCasefoldInstance(&status);
	return check(status, "can't begin", err) ? TAKE(looks) : NULL;
}

void looks_free(struct looks *looks)
{
	if (looks)
		uspoof_close(looks->checker);
	memory_free(looks);
}

/* ---- keys ------------------------------------------------------------------------------- */

static int32_t fold(struct looks *looks, int32_t length, UErrorCode *status)
{
	int32_t folded = unorm2_normalize(
		looks->fold, looks->units, length, looks->more, LOOKS_UNITS, status);

	if (U_SUCCESS(*status))
		u_memcpy(looks->units, looks->more, folded);
	return folded;
}

static int32_t skeleton(struct looks *looks, int32_t length, UErrorCode *status)
{
	int32_t made = uspoof_getSkeleton(
		looks->checker, 0, looks->units, length, looks->more, LOOKS_UNITS, status);

	if (U_SUCCESS(*status))
		u_memcpy(looks->units, looks->more, made);
	return made;
}

bool looks_add_key(
	struct looks *looks, struct buf *out, struct span text, unsigned number, struct error *err)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t length = 0;

	/* What is no UTF-8 becomes U+FFFD: it can't come from a plan, whose text is checked. */
	u_strFromUTF8WithSub(looks->units, LOOKS_UNITS, &length, text.data, (int32_t)text.length,
		0xfffd, NULL, &status);
	if (number)
		length = fold(looks, length, &status);
	length = skeleton(looks, length, &status);
	/* A zero looks like a capital O, which is then a small one. */
	if (number)
		length = fold(looks, length, &status);
	/* A NUL does not end it, since the length is handed on. */
	if (check(status, "can't compare", err))
		buf_add(out, looks->units, (size_t)length * sizeof(*looks->units));
	return U_SUCCESS(status);
}

/* ---- scripts ----------------------------------------------------------------------------- */

static bool is_shared(UScriptCode script)
{
	return script == USCRIPT_COMMON || script == USCRIPT_INHERITED || script == USCRIPT_UNKNOWN;
}

static bool is_new(const UScriptCode *scripts, size_t count, UScriptCode script)
{
	for (size_t i = 0; i < count; i++)
		if (scripts[i] == script)
			return false;
	return true;
}

static void name_scripts(struct buf *out, struct span text)
{
	UScriptCode seen[SCRIPTS_NAMED];
	size_t count = 0;

	for (int32_t at = 0; at < (int32_t)text.length && count < SCRIPTS_NAMED;) {
		UErrorCode status = U_ZERO_ERROR;
		UChar32 scalar;
		UScriptCode script;

		U8_NEXT(text.data, at, (int32_t)text.length, scalar);
		script = scalar < 0 ? USCRIPT_UNKNOWN : uscript_getScript(scalar, &status);
		if (U_FAILURE(status) || is_shared(script) || !is_new(seen, count, script))
			continue;
		buf_addf(out, "%s%s", count ? ", " : "", uscript_getName(script));
		seen[count++] = script;
	}
}

bool looks_add_scripts(struct looks *looks, struct buf *out, struct span text, struct error *err)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t found;

	if (!text.length)
		return true;
	found = uspoof_check2UTF8(looks->checker, text.data, (int32_t)text.length, NULL, &status);
	if (!check(status, "can't tell scripts", err))
		return false;
	if (found & USPOOF_RESTRICTION_LEVEL)
		name_scripts(out, text);
	return true;
}
