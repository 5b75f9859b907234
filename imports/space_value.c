/*
 * Values of a connector space as Graph would show them (facts 3.3): numbers are hexadecimal there,
 * security identifiers are binary, and every value is an element of a list.
 */
#include <inttypes.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "imports/space_internal.h"

/* ---- sets of texts ------------------------------------------------------------------ */

void space_set_release(struct space_set *set)
{
	buf_release(&set->text);
	memory_free(set->at);
}

void space_set_clear(struct space_set *set)
{
	buf_cut(&set->text, 0);
	set->count = 0;
}

static size_t place_of(const struct space_set *set, struct span text)
{
	size_t i = 0;

	while (i < set->count && !span_equal(space_set_get(set, i), text))
		i++;
	return i;
}

bool space_set_has(const struct space_set *set, struct span text)
{
	return place_of(set, text) < set->count;
}

static void claim(struct space_set *set, size_t from)
{
	MEMORY_GROW(set->at, set->count, set->capacity);
	set->at[set->count++] = (struct space_text){ (uint32_t)from,
		(uint32_t)(set->text.length - from) };
}

void space_set_add(struct space_set *set, struct span text)
{
	size_t from = set->text.length;

	if (space_set_has(set, text))
		return;
	buf_add_span(&set->text, text);
	claim(set, from);
}

void space_set_remove(struct space_set *set, struct span text)
{
	size_t place = place_of(set, text);

	if (place == set->count)
		return;
	memmove(set->at + place, set->at + place + 1, (set->count - place - 1) * sizeof(*set->at));
	set->count--;
}

/* ---- what a value says -------------------------------------------------------------- */

static bool wrong_type(struct error *err, const struct space_object *object,
	const struct space_attribute *attribute, const char *type)
{
	return error_set(err, ERROR_FORMAT, "%.*s: a value that is no %s",
		SPAN_FORMAT(space_text(object, attribute->name)), type);
}

static bool add_binary(struct buf *out, const struct space_attribute *attribute, struct span text)
{
	CLEANUP(buf_release) struct buf bytes = BUF_UP_TO(SPACE_VALUE_MAX);
	bool is_sid = attribute->row &&
		strcmp(attribute->row->name, "onPremisesSecurityIdentifier") == 0;

	if (!space_base64(text, &bytes))
		return false;
	if (is_sid)
		return space_sid(buf_span(&bytes), out);
	space_add_base64(out, buf_span(&bytes));
	return true;
}

static bool add_boolean(struct buf *out, struct span text)
{
	bool yes = text_compare_caseless(text, SPAN_LITERAL("true")) == 0 || span_is(text, "1");
	bool no = text_compare_caseless(text, SPAN_LITERAL("false")) == 0 || span_is(text, "0");

	buf_add_text(out, yes ? "true" : "false");
	return yes || no;
}

static bool add_integer(struct buf *out, struct span text)
{
	int64_t number;

	if (!space_integer(text, &number))
		return false;
	buf_addf(out, "%" PRId64, number);
	return true;
}

bool space_add_text(struct buf *out, const struct space_object *object,
	const struct space_attribute *attribute, const struct space_value *value, struct error *err)
{
	struct span text = space_text(
		object, value->has_id ? (struct space_text){ 0 } : value->text);
	bool is_switch = attribute->row && attribute->row->type == TYPE_BOOLEAN;
	char id[ID_BYTES + 1];

	if (attribute->type == SPACE_REFERENCE) {
		id_text(value->id, id);
		buf_add(out, id, ID_BYTES);
		return true;
	}
	if (attribute->type == SPACE_BINARY || value->base64)
		return add_binary(out, attribute, text) ||
			wrong_type(err, object, attribute, "binary value of its kind, in base64");
	if (attribute->type == SPACE_BOOLEAN || is_switch)
		return add_boolean(out, text) ||
			wrong_type(err, object, attribute, "boolean (true or false)");
	if (attribute->type == SPACE_INTEGER)
		return add_integer(out, text) || wrong_type(err, object, attribute, "integer");
	buf_add_span(out, text);
	return true;
}

bool space_set_load(struct space_set *set, const struct space_object *object,
	const struct space_attribute *attribute, enum space_which which, struct error *err)
{
	if (attribute->count > SPACE_SET_MAX)
		return error_set(err, ERROR_FORMAT, "%.*s: more than %d values",
			SPAN_FORMAT(space_text(object, attribute->name)), SPACE_SET_MAX);
	for (uint32_t i = attribute->first; i < attribute->first + attribute->count; i++) {
		const struct space_value *value = &object->values[i];
		size_t from = set->text.length;

		if (value->deleted != (which == VALUES_DELETED) ||
			(attribute->type == SPACE_REFERENCE && !value->has_id))
			continue;
		if (!space_add_text(&set->text, object, attribute, value, err))
			return false;
		claim(set, from);
	}
	return buf_check(&set->text, "an attribute", err);
}

/* ---- as JSON ------------------------------------------------------------------------ */

bool space_add_json(
	struct buf *out, struct span text, const struct attribute *row, struct error *err)
{
	if (row && row->type == TYPE_BOOLEAN)
		buf_add_span(out, text);
	else
		scan_quote(text, out);
	return buf_check(out, "an attribute", err);
}

bool space_set_add_json(struct buf *out, const struct space_set *set, const struct attribute *row,
	struct error *err)
{
	bool several = set->count != 1;
	bool array = row && !attribute_is_extension(row) ? row->shape != SHAPE_ONE : several;

	if (!array && set->count > 1)
		return error_set(err, ERROR_FORMAT, "%s: %zu values where there is one", row->name,
			set->count);
	if (!set->count) {
		buf_add_text(out, "null");
		return true;
	}
	buf_add_text(out, array ? "[" : "");
	for (size_t i = 0; i < set->count; i++) {
		buf_add_text(out, i ? "," : "");
		if (!space_add_json(out, space_set_get(set, i), row, err))
			return false;
	}
	buf_add_text(out, array ? "]" : "");
	return true;
}
