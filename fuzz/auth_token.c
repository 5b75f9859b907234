/*
 * What the token endpoint says: the reading of a token must agree with the strict parser about the
 * whole, and a refusal must be explained in printable words that do not hold the proof.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_internal.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_MAX = 64 << 10 };

static const int64_t now_ms = INT64_C(1772590661551);
static const char proof[] = "s3cr~t";

static void read_answer(struct span text)
{
	struct token_answer answer = { 0 };
	struct error err = { 0 }, ignored = { 0 };
	CLEANUP(memory_freep) char *tenant = NULL;

	if (!token_answer_read(text, now_ms, &answer, &err)) {
		assert(err.kind == ERROR_AUTH || err.kind == ERROR_NETWORK);
		return;
	}
	if (!scan_check(text, &ignored) || !token_is_bearer(answer.text))
		abort();
	assert(answer.lifetime_ms > 0 && answer.lifetime_ms <= INT64_C(28) * 3600 * 1000);
	assert(answer.refresh_ms >= 0);
	tenant = token_tenant(answer.text);
	assert(!tenant || strlen(tenant) == 36);
}

static void explain(const json_t *answer, const struct credential_kind *kind)
{
	const int64_t skew_ms = 7000;
	const struct refusal_context context = {
		.kind = kind,
		.proof = { SPAN_LITERAL("s3cr~t"), SPAN_LITERAL("s3cr~t") },
		.skew_ms = &skew_ms,
	};
	struct error err = { 0 };

	refusal_explain(answer, 400, &context, &err);
	assert(err.kind == ERROR_AUTH || err.kind == ERROR_NETWORK);
	assert(!strstr(err.text, proof));
	for (const char *at = err.text; *at; at++)
		assert((unsigned char)*at >= ' ' && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct error ignored = { 0 };
	CLEANUP(json_freep) json_t *answer = NULL;

	read_answer(text);
	token_ends_ms(text);
	answer = json_parse(text, ANSWER_MAX, &ignored);
	explain(answer, &credential_certificate);
	explain(answer, &credential_identity);
	return 0;
}
