/*
 * Evidence, both ways in: a saved file, and records of the audit log, one a line. What was
 * understood must be written so that it is understood again, to the byte.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "reconcile/reconcile_internal.h"

enum { FUZZ_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_round_trip(struct evidence *evidence)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FUZZ_MAX);
	CLEANUP(evidence_freep) struct evidence *again = NULL;
	size_t count;

	evidence_add_file(&file, evidence);
	if (!buf_check(&file, "evidence", &err))
		return;
	again = evidence_parse(buf_span(&file), "round trip", &err);
	if (!again)
		fprintf(stderr, "%s\n%s", err.text, buf_text(&file));
	assert(again);
	assert(evidence_count(again) == evidence_count(evidence));
	if (evidence_identities(again, &count))
		assert(count <= evidence_count(again));
}

/* What is taken is what would be written. */
static void expect_as_written(struct evidence *evidence, struct span text)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FUZZ_MAX);

	evidence_add_file(&file, evidence);
	assert(file.overflowed || span_equal(buf_span(&file), text));
}

/* Merged into nothing it is itself, however often. */
static void try_merging(struct evidence *evidence)
{
	struct error err = { 0 };
	struct evidence_header header = *evidence_header(evidence);
	CLEANUP(evidence_freep) struct evidence *merged = NULL;

	header.from_ms = header.until_ms = 0;
	merged = evidence_new(&header);
	for (int times = 0; times < 2; times++) {
		if (!evidence_merge(merged, evidence, &err))
			fprintf(stderr, "%s\n", err.text);
		assert(err.kind == ERROR_NONE);
		assert(strcmp(evidence_identity(merged), evidence_identity(evidence)) == 0);
	}
}

static void try_records(struct span text)
{
	struct evidence_header header = { .tenant = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30" };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);

	while (text.length) {
		struct error err = { 0 };
		const char *newline = memchr(text.data, '\n', text.length);
		size_t length = newline ? (size_t)(newline - text.data) : text.length;

		if (!evidence_add_audit(evidence, (struct span){ text.data, length }, &err))
			assert(err.kind == ERROR_FORMAT);
		text.data += length + (newline != NULL);
		text.length -= length + (newline != NULL);
	}
	expect_round_trip(evidence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct span text = { size ? (const char *)data : "", size };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_parse(text, "file", &err);

	if (evidence) {
		expect_as_written(evidence, text);
		expect_round_trip(evidence);
		try_merging(evidence);
	} else {
		assert(err.kind == ERROR_FORMAT);
	}
	try_records(text);
	return 0;
}
