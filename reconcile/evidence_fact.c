/*
 * One fact from anywhere but the audit log: checked, put into canonical form, copied. A saved file
 * and a server's file come in by the same way.
 */
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "reconcile/evidence_internal.h"

static const struct {
	const char *name;
	bool writes; /* its facts, FACT_SHOWN aside, are writes to this directory */
} sources[FACT_SOURCE_COUNT] = {
	[FROM_AUDIT] = { "audit", true },
	[FROM_STAGING_SPACE] = { "staging-space", true },
	[FROM_STAGING_ESCROW] = { "staging-escrow", true },
	[FROM_PRODUCTION_SPACE] = { "production-space", true },
	[FROM_DIRECTORY_SPACE] = { "directory-space", false },
	[FROM_FORECAST] = { "forecast", false },
	[FROM_EXPORT_ERROR] = { "export-error", false },
	[FROM_RUNS] = { "runs", false },
	[FROM_PRODUCTION_FORECAST] = { "production-forecast", false },
};

static const char *const operations[] = {
	[FACT_SET] = "set",
	[FACT_ADD] = "add",
	[FACT_REMOVE] = "remove",
	[FACT_NAMED] = "named",
	[FACT_SHOWN] = "shown",
	[FACT_CREATE] = "create",
	[FACT_DELETE] = "delete",
	[FACT_PURGE] = "purge",
	[FACT_RESTORE] = "restore",
};

const char *fact_source_name(enum fact_source source)
{
	return sources[source].name;
}

bool fact_source_find(const char *name, enum fact_source *source)
{
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (strcmp(sources[i].name, name) == 0) {
			*source = (enum fact_source)i;
			return true;
		}
	return false;
}

const char *fact_operation_name(enum fact_operation operation)
{
	return operations[operation];
}

bool fact_operation_find(const char *name, enum fact_operation *operation)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++)
		if (strcmp(operations[i], name) == 0) {
			*operation = (enum fact_operation)i;
			return true;
		}
	return false;
}

bool fact_is_write(const struct fact *fact)
{
	return sources[fact->source].writes && fact->operation != FACT_SHOWN;
}

/* ---- what a fact may say ------------------------------------------------------------- */

static bool is_of_one_element(const struct fact *fact)
{
	return fact->operation == FACT_ADD || fact->operation == FACT_REMOVE;
}

/* What is added and removed one at a time: a member by its id, an address, … */
static bool check_element(const struct fact *fact, struct error *err)
{
	const char *operation = fact_operation_name(fact->operation);
	struct span value = fact->operation == FACT_ADD ? fact->new_value : fact->old_value;

	if (fact->new_known != (fact->operation == FACT_ADD) || fact->new_known == fact->old_known)
		return error_set(err, ERROR_FORMAT, "%s: wrong side of the value", operation);
	if (!fact->attribute || fact->attribute->shape != SHAPE_SET)
		return error_set(err, ERROR_FORMAT, "%s: not of a relation or set", operation);
	if (!value.data)
		return error_set(err, ERROR_FORMAT, "%s: its value is nothing", operation);
	if (fact->attribute->compare == COMPARE_REFERENCE &&
		(scan_type(value) != SCAN_STRING || !text_is_guid(scan_text_direct(value))))
		return error_set(err, ERROR_FORMAT, "%s: its value is no id", operation);
	return true;
}

static bool check_fact(const struct fact *fact, struct error *err)
{
	if (!text_is_guid(span_of(fact->id)))
		return error_set(err, ERROR_FORMAT, "id: not an id");
	if (fact->when_ms < 0 || fact->when_ms > INSTANT_LAST_MS || fact->within_ms < 0 ||
		fact->within_ms > fact->when_ms)
		return error_set(err, ERROR_FORMAT, "when: not from 1970 to 9999");
	if (fact->operation == FACT_SHOWN &&
		(fact->old_known || fact->new_known != (fact->attribute != NULL)))
		return error_set(err, ERROR_FORMAT, "shown: \"new\" alone tells what stood there");
	return !is_of_one_element(fact) || check_element(fact, err);
}

/* ---- canonical form ------------------------------------------------------------------ */

/* An element is what a set of it alone holds. */
static bool add_canonical_element(
	struct buf *out, const struct attribute *attribute, struct span value, struct error *err)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(EVIDENCE_LINE_MAX);
	CLEANUP(buf_release) struct buf canonical = BUF_UP_TO(EVIDENCE_LINE_MAX);

	buf_add_byte(&set, '[');
	buf_add_span(&set, value);
	buf_add_byte(&set, ']');
	if (!value_add_canonical(&canonical, attribute, buf_span(&set), err))
		return false;
	if (canonical.length > 2)
		buf_add(out, buf_text(&canonical) + 1, canonical.length - 2);
	return true;
}

static bool keep_value(struct evidence *evidence, const struct fact *fact, const char *key,
	bool known, struct span *value, struct error *err)
{
	CLEANUP(buf_release) struct buf canonical = BUF_UP_TO(EVIDENCE_LINE_MAX);
	bool element = is_of_one_element(fact) && fact->attribute &&
		fact->attribute->shape == SHAPE_SET;
	struct span given = known ? *value : SPAN_NONE;

	*value = SPAN_NONE;
	if (!given.data)
		return true;
	if (!(element ? add_canonical_element(&canonical, fact->attribute, given, err)
		      : value_add_canonical(&canonical, fact->attribute, given, err)))
		return error_prefix(err, "%s", key);
	if (canonical.length)
		*value = evidence_keep(evidence, buf_span(&canonical));
	return true;
}

static const struct writer *keep_writer(struct evidence *evidence, const struct writer *who)
{
	struct writer writer = *who;

	if (!writer.id)
		writer.id = "";
	if (!writer.name)
		writer.name = writer.server ? writer.server : NAME_NOT_RECORDED;
	return evidence_keep_writer(evidence, &writer);
}

bool evidence_keep_values(struct evidence *evidence, struct fact *fact, struct error *err)
{
	return keep_value(evidence, fact, "old", fact->old_known, &fact->old_value, err) &&
		keep_value(evidence, fact, "new", fact->new_known, &fact->new_value, err) &&
		check_fact(fact, err);
}

bool evidence_add_fact(struct evidence *evidence, const struct fact *fact, struct error *err)
{
	struct fact kept = *fact;

	if (!evidence_keep_values(evidence, &kept, err))
		return false;
	kept.id = evidence_keep(evidence, span_of(fact->id)).data;
	kept.reference = evidence_keep(evidence, span_of(fact->reference)).data;
	kept.attribute_name = evidence_keep(evidence, span_of(fact->attribute_name)).data;
	kept.who = keep_writer(evidence, fact->who);
	evidence_add_kept(evidence, &kept);
	return true;
}
