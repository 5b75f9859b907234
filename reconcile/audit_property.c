/*
 * The modified properties of an audit record: names and values of an object that changed (contract
 * 4.3). A value that can't be read is a value not known; the name alone is a fact all the same.
 */
#include "base/scan.h"
#include "reconcile/audit_internal.h"

#define INCLUDED_PROPERTY "Included Updated Properties"

/* Properties that describe the record and not the object. */
static const char *const pseudo_properties[] = {
	INCLUDED_PROPERTY,
	"Action Client Name",
	"TargetId.UserType",
};

static bool is_pseudo(struct span name)
{
	for (size_t i = 0; i < COUNT_OF(pseudo_properties); i++)
		if (text_compare_caseless(name, span_of(pseudo_properties[i])) == 0)
			return true;
	return false;
}

struct fact record_fact_about(
	const struct record *record, const struct attribute *attribute, struct span name)
{
	struct fact fact = record->fact;

	fact.attribute = attribute;
	fact.attribute_name = evidence_keep(record->evidence, name).data;
	fact.operation = FACT_NAMED;
	return fact;
}

static struct span keep_value(const struct record *record, const struct buf *value)
{
	return value->length ? evidence_keep(record->evidence, buf_span(value)) : SPAN_NONE;
}

static void add_property(
	struct record *record, const struct attribute *attribute, const json_t *property)
{
	CLEANUP(buf_release) struct buf old_value = BUF_UP_TO(AUDIT_RECORD_MAX);
	CLEANUP(buf_release) struct buf new_value = BUF_UP_TO(AUDIT_RECORD_MAX);
	struct fact fact = record_fact_about(
		record, attribute, span_of(json_text_or_null(property, "displayName")));

	fact.old_known = audit_value_add(
		&old_value, attribute, json_object_get(property, "oldValue"));
	fact.new_known = audit_value_add(
		&new_value, attribute, json_object_get(property, "newValue"));
	fact.old_value = fact.old_known ? keep_value(record, &old_value) : SPAN_NONE;
	fact.new_value = fact.new_known ? keep_value(record, &new_value) : SPAN_NONE;
	if (record->activity->does == DOES_CREATE) {
		if (!fact.new_known)
			return;
		fact.old_known = true; /* there was no object */
		fact.old_value = SPAN_NONE;
	}
	if (fact.old_known || fact.new_known)
		fact.operation = FACT_SET;
	record_add(record, &fact);
}

static const struct attribute *attribute_of(const struct record *record, struct span name)
{
	const struct attribute *attribute = attribute_find_audit(record->fact.kind, name);

	if (!attribute && text_compare_caseless(name, SPAN_LITERAL("Manager")) == 0)
		attribute = attribute_find(record->fact.kind, SPAN_LITERAL("manager"));
	return attribute;
}

static bool changes_by_itself(const struct attribute *attribute)
{
	return attribute && attribute->compare == COMPARE_VOLATILE;
}

static bool has_property(const json_t *properties, struct span name)
{
	const json_t *property;
	size_t i;

	json_array_foreach(properties, i, property)
	{
		const char *other = json_text_or_null(property, "displayName");

		if (other && text_compare_caseless(span_of(other), name) == 0)
			return true;
	}
	return false;
}

static struct span trim(struct span text)
{
	while (text.length && text.data[0] == ' ') {
		text.data++;
		text.length--;
	}
	while (text.length && text.data[text.length - 1] == ' ')
		text.length--;
	return text;
}

/* "DisplayName, Mail": what changed, where the properties themselves may be missing. */
static bool add_included(
	struct record *record, const json_t *properties, const json_t *property, struct error *err)
{
	CLEANUP(buf_release) struct buf quoted = BUF_UP_TO(AUDIT_RECORD_MAX);
	CLEANUP(buf_release) struct buf names = BUF_UP_TO(AUDIT_RECORD_MAX);
	struct span rest;
	size_t count = 0;

	if (!audit_value_add(&quoted, NULL, json_object_get(property, "newValue")) ||
		scan_type(buf_span(&quoted)) != SCAN_STRING)
		return true;
	scan_text(buf_span(&quoted), &names);
	rest = buf_span(&names);
	while (rest.length) {
		const char *comma = memchr(rest.data, ',', rest.length);
		size_t length = comma ? (size_t)(comma - rest.data) : rest.length;
		struct span name = trim((struct span){ rest.data, length });
		const struct attribute *attribute = attribute_of(record, name);

		if (++count > AUDIT_NAMES_MAX)
			return error_set(err, ERROR_FORMAT, "%s: more than %d names",
				INCLUDED_PROPERTY, AUDIT_NAMES_MAX);
		rest.data += comma ? length + 1 : length;
		rest.length -= comma ? length + 1 : length;
		if (name.length && !is_pseudo(name) && !changes_by_itself(attribute) &&
			!memchr(name.data, '\0', name.length) && !has_property(properties, name)) {
			struct fact fact = record_fact_about(record, attribute, name);

			record_add(record, &fact);
		}
	}
	return true;
}

bool record_add_properties(struct record *record, const json_t *target, struct error *err)
{
	const json_t *properties = json_object_get(target, "modifiedProperties"), *property;
	size_t i;

	if (json_array_size(properties) > AUDIT_NAMES_MAX)
		return error_set(
			err, ERROR_FORMAT, "modifiedProperties: more than %d", AUDIT_NAMES_MAX);
	json_array_foreach(properties, i, property)
	{
		const char *name = json_text_or_null(property, "displayName");
		const struct attribute *attribute;

		if (!name)
			continue;
		if (same_name(name, INCLUDED_PROPERTY) &&
			!add_included(record, properties, property, err))
			return false;
		if (is_pseudo(span_of(name)))
			continue;
		attribute = attribute_of(record, span_of(name));
		if (!changes_by_itself(attribute))
			add_property(record, attribute, property);
	}
	return true;
}

/* A record that does not show the property that it is about still tells who touched it. */
void record_add_implied(struct record *record, const json_t *target)
{
	const json_t *properties = json_object_get(target, "modifiedProperties");
	const struct attribute *about = attribute_find(
		record->fact.kind, span_of(record->activity->attribute));
	struct fact fact = record_fact_about(record, about, span_of(about->audit_name));
	const json_t *property;
	size_t i;

	json_array_foreach(properties, i, property)
	{
		const char *name = json_text_or_null(property, "displayName");

		if (name && attribute_of(record, span_of(name)) == about)
			return;
	}
	record_add(record, &fact);
}
