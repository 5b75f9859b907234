/*
 * What one record of the audit log comes to: the value of a property, for every attribute of the table,
 * and a record around it. What is known of a value is canonical, and evidence of it can be read again.
 *
 * The first byte picks how the rest is taken: as a text that a property holds, or as a record.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "base/scan.h"
#include "reconcile/reconcile_internal.h"

enum { FUZZ_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Canonical twice is canonical once. */
static void expect_canonical(const struct attribute *attribute, struct span value)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(FUZZ_MAX);
	struct error err = { 0 };
	bool taken = value_add_canonical(&again, attribute, value, &err);

	assert(taken);
	assert(span_equal(buf_span(&again), value));
}

static void try_value(const struct attribute *attribute, const json_t *text)
{
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(FUZZ_MAX);

	if (audit_value_add(&value, attribute, text) && value.length && attribute)
		expect_canonical(attribute, buf_span(&value));
}

static void expect_read_again(struct evidence *evidence)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(FUZZ_MAX);
	CLEANUP(evidence_freep) struct evidence *again = NULL;

	evidence_add_file(&file, evidence);
	if (!buf_check(&file, "evidence", &err))
		return;
	again = evidence_parse(buf_span(&file), "round trip", &err);
	if (!again)
		fprintf(stderr, "%s\n%s", err.text, buf_text(&file));
	assert(again);
	assert(strcmp(evidence_identity(again), evidence_identity(evidence)) == 0);
}

static void try_record(struct span record)
{
	struct evidence_header header = { .tenant = "7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30" };
	CLEANUP(evidence_freep) struct evidence *evidence = evidence_new(&header);
	struct error err = { 0 };

	if (!evidence_add_audit(evidence, record, &err)) {
		assert(err.kind == ERROR_FORMAT);
		return;
	}
	for (size_t i = 0; i < evidence_count(evidence); i++)
		assert(evidence_fact(evidence, i)->kind && evidence_fact(evidence, i)->id);
	expect_read_again(evidence);
}

/* The text stands on both sides of every property that an object can have. */
static void try_record_of(enum kind_id kind, struct span text)
{
	static const char *const activities[KIND_COUNT] = { "Update user", "Update group",
		"Add contact" };
	CLEANUP(buf_release) struct buf record = BUF_UP_TO(FUZZ_MAX);

	buf_addf(&record,
		"{\"id\":\"Directory_1\",\"activityDisplayName\":\"%s\",\"result\":\"success\","
		"\"activityDateTime\":\"2026-03-04T02:17:41Z\",\"targetResources\":[{"
		"\"id\":\"c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66\",\"modifiedProperties\":[",
		activities[kind]);
	for (size_t i = 0; i < kind_get(kind)->attribute_count; i++) {
		const char *name = kind_get(kind)->attributes[i].audit_name;

		if (!name)
			continue;
		buf_addf(&record, "{\"displayName\":\"%s\",\"oldValue\":", name);
		scan_quote(text, &record);
		buf_add_text(&record, ",\"newValue\":");
		scan_quote(text, &record);
		buf_add_text(&record, "},");
	}
	buf_add_text(&record, "{}]}]}");
	try_record(buf_span(&record));
}

static void try_text(struct span text)
{
	CLEANUP(json_freep) json_t *json = json_stringn(text.data, text.length);

	if (!json) /* no UTF-8: no record can hold it */
		return;
	try_value(NULL, json);
	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++) {
		for (size_t i = 0; i < kind_get(kind)->attribute_count; i++)
			try_value(&kind_get(kind)->attributes[i], json);
		try_record_of(kind, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest;

	if (!size)
		return 0;
	rest = (struct span){ (const char *)data + 1, size - 1 };
	if (data[0] == 'R')
		try_record(rest);
	else
		try_text(rest);
	return 0;
}
