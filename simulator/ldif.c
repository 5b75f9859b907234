#include "simulator/ldif.h"

#include <sodium.h>

#include "base/memory.h"

enum { LDIF_LINE_MAX = 4 << 20 };

struct ldif {
	const char *path;
	struct span rest;
	size_t line_number;
	struct buf line;         /* unfolded */
	json_t *records;         /* all that were read */
	json_t *record, *change; /* borrowed; NULL between two of them */
	bool begun, modifies;    /* something but comments was seen; its changetype was */
};

static void ldif_release(struct ldif *ldif)
{
	buf_release(&ldif->line);
	json_decref(ldif->records);
}

static bool refuse(const struct ldif *ldif, const char *what, struct error *err)
{
	return error_set(
		err, ERROR_FORMAT, "%s: line %zu: %s", ldif->path, ldif->line_number, what);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void take_piece(struct ldif *ldif)
{
	const char *end = memchr(ldif->rest.data, '\n', ldif->rest.length);
	size_t length = end ? (size_t)(end - ldif->rest.data) : ldif->rest.length;
	size_t shown = length && ldif->rest.data[length - 1] == '\r' ? length - 1 : length;

	buf_add(&ldif->line, ldif->rest.data, shown);
	length += end != NULL;
	ldif->rest = (struct span){ ldif->rest.data + length, ldif->rest.length - length };
	ldif->line_number++;
}

/* A line that begins with a blank continues the one before, a comment too. */
static bool next_line(struct ldif *ldif)
{
	if (!ldif->rest.length)
		return false;
	buf_cut(&ldif->line, 0);
	take_piece(ldif);
	while (ldif->rest.length && ldif->rest.data[0] == ' ') {
		ldif->rest = (struct span){ ldif->rest.data + 1, ldif->rest.length - 1 };
		take_piece(ldif);
	}
	return true;
}

/* ---- "name: value", "name:: base64" ------------------------------------------------------------- */

struct pair {
	struct buf name, value;
};

static void pair_release(struct pair *pair)
{
	buf_release(&pair->name);
	buf_release(&pair->value);
}

static struct span without_blanks(struct span text)
{
	while (text.length && text.data[0] == ' ')
		text = (struct span){ text.data + 1, text.length - 1 };
	return text;
}

static bool decode(struct ldif *ldif, struct span text, struct buf *value, struct error *err)
{
	size_t length = 0, room = text.length / 4 * 3 + 3;

	if (sodium_base642bin((unsigned char *)buf_room(value, room), room, text.data, text.length,
		    NULL, &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return refuse(ldif, "no base64", err);
	buf_grew(value, length);
	return true;
}

static bool is_safe(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte == 0 || byte == '\r' || byte > 0x7f)
			return false;
	}
	return !text.length || (text.data[0] != ':' && text.data[0] != '<');
}

static bool split(struct ldif *ldif, struct pair *pair, struct error *err)
{
	struct span line = buf_span(&ldif->line), rest;
	const char *colon = line.length ? memchr(line.data, ':', line.length) : NULL;
	size_t length = colon ? (size_t)(colon - line.data) : 0;

	if (!length)
		return refuse(ldif, "no \"name: value\"", err);
	buf_add(&pair->name, line.data, length);
	rest = (struct span){ colon + 1, line.length - length - 1 };
	if (rest.length && rest.data[0] == ':')
		return decode(ldif, without_blanks((struct span){ rest.data + 1, rest.length - 1 }),
			&pair->value, err);
	rest = without_blanks(rest);
	if (!is_safe(rest))
		return refuse(ldif, "neither a SAFE-STRING nor base64", err);
	buf_add_span(&pair->value, rest);
	return true;
}

static json_t *text_of(const struct buf *value)
{
	return json_stringn(buf_text(value), value->length);
}

/* ---- records ------------------------------------------------------------------------------------ */

static bool begin_record(struct ldif *ldif, const struct pair *pair, struct error *err)
{
	if (!ldif->begun && strcmp(buf_text(&pair->name), "version") == 0) {
		ldif->begun = true;
		return strcmp(buf_text(&pair->value), "1") == 0 ||
			refuse(ldif, "a version that is not 1", err);
	}
	if (strcmp(buf_text(&pair->name), "dn") != 0)
		return refuse(ldif, "a record begins with \"dn:\"", err);
	ldif->begun = true;
	ldif->modifies = false;
	ldif->record = json_pack("{s:o?, s:[]}", "dn", text_of(&pair->value), "changes");
	if (!ldif->record)
		return refuse(ldif, "a name that is not UTF-8", err);
	json_array_append_new(ldif->records, ldif->record);
	return true;
}

static bool begin_change(struct ldif *ldif, const struct pair *pair, struct error *err)
{
	static const char *const operations[] = { "add", "delete", "replace" };

	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		if (strcmp(operations[i], buf_text(&pair->name)) != 0)
			continue;
		ldif->change = json_pack("{s:s, s:o?, s:[]}", "operation", operations[i], "name",
			text_of(&pair->value), "values");
		if (!ldif->change)
			break;
		json_array_append_new(json_object_get(ldif->record, "changes"), ldif->change);
		return true;
	}
	return refuse(ldif, "no change of an attribute", err);
}

static bool add_value(struct ldif *ldif, const struct pair *pair, struct error *err)
{
	const char *name = json_string_value(json_object_get(ldif->change, "name"));
	json_t *value = text_of(&pair->value);

	if (!value || strcasecmp(name, buf_text(&pair->name)) != 0) {
		json_decref(value);
		return refuse(ldif, "no value of the attribute that is changed", err);
	}
	json_array_append_new(json_object_get(ldif->change, "values"), value);
	return true;
}

static bool take_pair(struct ldif *ldif, struct error *err)
{
	CLEANUP(pair_release)
	struct pair pair = { BUF_UP_TO(LDIF_LINE_MAX), BUF_UP_TO(LDIF_LINE_MAX) };

	if (!split(ldif, &pair, err))
		return false;
	if (!ldif->record)
		return begin_record(ldif, &pair, err);
	if (ldif->change)
		return add_value(ldif, &pair, err);
	if (ldif->modifies)
		return begin_change(ldif, &pair, err);
	ldif->modifies = strcmp(buf_text(&pair.name), "changetype") == 0 &&
		strcmp(buf_text(&pair.value), "modify") == 0;
	return ldif->modifies || refuse(ldif, "only \"changetype: modify\" is known here", err);
}

static bool end_record(struct ldif *ldif, struct error *err)
{
	if (ldif->record && (ldif->change || !ldif->modifies))
		return refuse(ldif, "a record that is not whole", err);
	ldif->record = NULL;
	return true;
}

static bool take_line(struct ldif *ldif, struct error *err)
{
	struct span line = buf_span(&ldif->line);

	if (ldif->line.overflowed)
		return refuse(ldif, "too long", err);
	if (!line.length)
		return end_record(ldif, err);
	if (line.data[0] == '#')
		return true;
	if (ldif->change && span_is(line, "-")) {
		ldif->change = NULL;
		return true;
	}
	return take_pair(ldif, err);
}

json_t *ldif_read(struct span text, const char *path, struct error *err)
{
	CLEANUP(ldif_release)
	struct ldif ldif = {
		.path = path,
		.rest = text,
		.line = BUF_UP_TO(LDIF_LINE_MAX),
		.records = json_array(),
	};
	json_t *records;

	while (next_line(&ldif))
		if (!take_line(&ldif, err))
			return NULL;
	if (!end_record(&ldif, err))
		return NULL;
	records = ldif.records;
	ldif.records = NULL;
	return records;
}
