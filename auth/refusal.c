/*
 * Why a token was refused, in words that help at two in the morning. What is quoted comes from a
 * server: it is cut, made printable, and checked for the proof first.
 */
#include <inttypes.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/text.h"

enum { QUOTE_COLUMNS = 240, NAME_COLUMNS = 60, SKEW_ROUGHLY_EVEN_MS = 5000 };

static bool holds(struct span text, struct span secret)
{
	return secret.length && memmem(text.data, text.length, secret.data, secret.length);
}

/* The first line of what a server said, fit to be shown. */
static void add_quote(
	struct buf *out, const char *text, unsigned columns, struct refusal_secret secret)
{
	struct span line = { text, strcspn(text, "\r\n") };

	if (holds(span_of(text), secret.plain) || holds(span_of(text), secret.encoded))
		buf_add_text(out, "(not shown: it repeats the secret)");
	else
		text_fit(out, line, columns, false);
}

static void add_id(
	struct buf *out, const json_t *answer, const char *key, struct refusal_secret secret)
{
	const char *id = json_text_or_null(answer, key);

	if (!id)
		return;
	buf_addf(out, ", %s ", key);
	add_quote(out, id, NAME_COLUMNS, secret);
}

void refusal_add_skew(struct buf *out, int64_t skew_ms)
{
	int64_t apart_ms = skew_ms < 0 ? -skew_ms : skew_ms;

	if (apart_ms < SKEW_ROUGHLY_EVEN_MS)
		buf_add_text(out, "this machine's clock agrees with Entra's");
	else
		buf_addf(out, "this machine's clock is %" PRId64 " s %s Entra's",
			(apart_ms + 500) / 1000, skew_ms > 0 ? "ahead of" : "behind");
}

/* The first text among these members of the answer, or of the object at its `error`. */
static const char *words_of(const json_t *answer)
{
	static const char *const keys[] = { "error_description", "message", "Message" };
	const json_t *inner = json_object_get(answer, "error");

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *words = json_text_or_null(answer, keys[i]);

		if (!words && json_is_object(inner))
			words = json_text_or_null(inner, keys[i]);
		if (words)
			return words;
	}
	return NULL;
}

/* A managed identity's refusals are about this machine, not about tenant and client. */
static const char *action_of(const struct refusal *refusal, const struct credential_kind *kind)
{
	bool ours = kind->signs_in || (refusal->flags & REFUSAL_LATER);

	return ours && refusal->action ? refusal->action : kind->check;
}

bool refusal_explain(
	const json_t *answer, long status, const struct refusal_context *context, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(sizeof(err->text) * 4);
	const struct refusal *refusal = refusal_find(answer);
	const char *error = json_text_or_null(answer, "error");
	const char *words = words_of(answer);
	long codes[REFUSAL_CODES_MAX];
	size_t count = refusal_codes(answer, codes);

	buf_addf(&text, "%s refused: %ld ", context->kind->service, status);
	add_quote(&text, error ? error : "without a code", NAME_COLUMNS, context->proof);
	for (size_t i = 0; i < count; i++)
		buf_addf(&text, ", AADSTS%ld", codes[i]);
	buf_addf(&text, ": %s. %s", refusal->meaning, action_of(refusal, context->kind));
	if ((refusal->flags & REFUSAL_CLOCK) && context->skew_ms) {
		buf_add_text(&text, " (");
		refusal_add_skew(&text, *context->skew_ms);
		buf_add_text(&text, ")");
	}
	add_id(&text, answer, "trace_id", context->proof);
	add_id(&text, answer, "correlation_id", context->proof);
	if (words) {
		buf_add_text(
			&text, context->kind->signs_in ? ". Entra's words: " : ". Its words: ");
		add_quote(&text, words, QUOTE_COLUMNS, context->proof);
	}
	return error_set(err, refusal->kind, "%s", buf_text(&text));
}
