/* Values of a plan, one by one: a wrong type is an error, never 0 or "" [T27]. */
#include "rollback/plan_read.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"

size_t line_of(struct span bytes, const char *at)
{
	size_t line = 1;

	for (const char *byte = bytes.data; byte < at; byte++)
		line += *byte == '\n';
	return line;
}

bool check_keys(struct span object, const char *const *keys, struct error *err)
{
	struct scan scan = scan_open(object);
	struct span key, value;

	while (scan_member(&scan, &key, &value)) {
		size_t i = 0;

		while (keys[i] && !span_is(key, keys[i]))
			i++;
		if (!keys[i])
			return error_set(err, ERROR_FORMAT, "no such key in a plan: \"%.*s\"",
				key.length > 64 ? 64 : (int)key.length, key.data);
	}
	return true;
}

static bool read_typed(struct span object, const char *key, enum scan_type type, const char *name,
	struct span *value, struct error *err)
{
	struct span found = scan_find(object, key);

	if (!found.data)
		return error_set(err, ERROR_FORMAT, "\"%s\" is missing", key);
	if (scan_type(found) != type)
		return error_set(err, ERROR_FORMAT, "\"%s\" is not %s", key, name);
	*value = found;
	return true;
}

bool read_object(struct span object, const char *key, struct span *value, struct error *err)
{
	return read_typed(object, key, SCAN_OBJECT, "an object", value, err);
}

bool read_array(struct span object, const char *key, struct span *value, struct error *err)
{
	return read_typed(object, key, SCAN_ARRAY, "a list", value, err);
}

bool read_count(struct span value, size_t *number)
{
	size_t sum = 0;

	/* Nine digits are more than any count of a plan, and never overflow. */
	if (scan_type(value) != SCAN_NUMBER || value.length > 9)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
		sum = sum * 10 + (size_t)(value.data[i] - '0');
	}
	*number = sum;
	return true;
}

bool read_number(struct span object, const char *key, size_t *number, struct error *err)
{
	struct span value;

	if (!read_typed(object, key, SCAN_NUMBER, "a number", &value, err))
		return false;
	return read_count(value, number) ||
		error_set(err, ERROR_FORMAT, "\"%s\" is not a whole number of at most nine digits",
			key);
}

size_t count_elements(struct span array)
{
	struct scan scan = scan_open(array);
	struct span element;
	size_t count = 0;

	while (scan_element(&scan, &element))
		count++;
	return count;
}

bool read_boolean(struct span object, const char *key, bool *boolean, struct error *err)
{
	struct span value = scan_find(object, key);
	enum scan_type type = value.data ? scan_type(value) : SCAN_NOTHING;

	if (type != SCAN_TRUE && type != SCAN_FALSE)
		return error_set(err, ERROR_FORMAT, "\"%s\" is neither true nor false", key);
	*boolean = type == SCAN_TRUE;
	return true;
}

bool read_text(struct plan_reader *reader, struct span object, const char *key, const char **text,
	struct error *err)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(SCAN_STRING_MAX);
	struct span value;

	if (!read_typed(object, key, SCAN_STRING, "a text", &value, err))
		return false;
	scan_text(value, &said);
	if (said.length && memchr(said.data, '\0', said.length))
		return error_set(err, ERROR_FORMAT, "\"%s\" has a NUL in it", key);
	*text = plan_keep_span(reader->plan, buf_span(&said));
	return buf_check(&said, key, err);
}

bool read_text_or_null(struct plan_reader *reader, struct span object, const char *key,
	const char **text, struct error *err)
{
	struct span value = scan_find(object, key);

	if (value.data && scan_type(value) == SCAN_NULL) {
		*text = NULL;
		return true;
	}
	return read_text(reader, object, key, text, err);
}

bool read_guid(struct plan_reader *reader, struct span object, const char *key, const char **guid,
	struct error *err)
{
	if (!read_text(reader, object, key, guid, err))
		return false;
	/* One spelling only, so that equal ids are equal bytes. */
	if (!*guid || !text_is_guid(span_of(*guid)) || strpbrk(*guid, "ABCDEF"))
		return error_set(err, ERROR_FORMAT, "\"%s\" is not a GUID in lower case", key);
	return true;
}

bool read_instant(struct plan_reader *reader, struct span object, const char *key, int64_t *ms,
	struct error *err)
{
	const char *text;

	if (!read_text(reader, object, key, &text, err))
		return false;
	if (!time_parse(span_of(text), ms))
		return error_set(err, ERROR_FORMAT, "\"%s\" is not an instant", key);
	return true;
}

bool find_door(struct span name, enum door *door)
{
	for (enum door at = 0; at < DOOR_COUNT; at++) {
		if (plan_has_door(at) && span_is(name, door_name(at))) {
			*door = at;
			return true;
		}
	}
	return false;
}

bool read_kind(
	struct plan_reader *reader, struct span object, const struct kind **kind, struct error *err)
{
	const char *name;

	if (!read_text(reader, object, "kind", &name, err))
		return false;
	*kind = kind_find(span_of(name));
	return *kind || error_set(err, ERROR_FORMAT, "no such kind: %s", name);
}

/* ---- blocked ---------------------------------------------------------------------------- */

static bool read_one_blocked(struct plan_reader *reader, struct span object,
	struct plan_blocked *blocked, struct error *err)
{
	static const char *const keys[] = { "kind", "id", "name", "attribute", "why", NULL };
	const char *attribute;

	if (scan_type(object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "not an object");
	if (!check_keys(object, keys, err) || !read_kind(reader, object, &blocked->kind, err) ||
		!read_guid(reader, object, "id", &blocked->id, err) ||
		!read_text(reader, object, "name", &blocked->name, err) ||
		!read_text_or_null(reader, object, "attribute", &attribute, err) ||
		!read_text(reader, object, "why", &blocked->why, err))
		return false;
	blocked->attribute = attribute ? attribute_find(blocked->kind, span_of(attribute)) : NULL;
	if (attribute && !blocked->attribute)
		return error_set(err, ERROR_FORMAT, "no such attribute of a %s: %s",
			blocked->kind->name, attribute);
	return true;
}

bool read_blocked(struct plan_reader *reader, struct span head, struct error *err)
{
	struct span array, element;
	struct scan scan;
	struct plan_blocked *blocked;
	size_t count = 0;

	if (!read_array(head, "blocked", &array, err))
		return false;
	blocked = plan_room(reader->plan, count_elements(array), sizeof(*blocked));
	scan = scan_open(array);
	while (scan_element(&scan, &element)) {
		if (!read_one_blocked(reader, element, &blocked[count++], err))
			return error_prefix(err, "line %zu: blocked, number %zu",
				line_of(reader->bytes, element.data), count);
	}
	reader->plan->blocked = blocked;
	reader->plan->blocked_count = count;
	return true;
}

/* ---- hand-off files ------------------------------------------------------------------------ */

static bool read_one_file(struct plan_reader *reader, struct span object, struct plan_handoff *file,
	struct error *err)
{
	static const char *const keys[] = { "name", "blake2b", NULL };
	const char *digest;

	if (scan_type(object) != SCAN_OBJECT)
		return error_set(err, ERROR_FORMAT, "not an object");
	if (!check_keys(object, keys, err) ||
		!read_text(reader, object, "name", &file->name, err) ||
		!read_text(reader, object, "blake2b", &digest, err))
		return false;
	if (!snapshot_is_identity(digest))
		return error_set(err, ERROR_FORMAT, "\"blake2b\" is not 64 hexadecimal digits");
	memcpy(file->digest, digest, sizeof(file->digest));
	return true;
}

/* A file that the doors don't ask for, or one left out, would be a file that nobody looked at. */
static bool check_file(const struct plan *plan, size_t place, const char *name, struct error *err)
{
	const char *wanted = plan_wanted_file(plan, place);

	if (wanted && name && strcmp(wanted, name) == 0)
		return true;
	return error_set(err, ERROR_FORMAT, "files: at place %zu stands %s, and the doors want %s",
		place + 1, name ? name : "nothing", wanted ? wanted : "nothing");
}

bool read_files(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;
	struct span array, element;
	struct scan scan;
	struct plan_handoff *files;
	size_t count = 0;

	if (!read_array(head, "files", &array, err))
		return false;
	files = plan_room(plan, count_elements(array), sizeof(*files));
	scan = scan_open(array);
	while (scan_element(&scan, &element)) {
		if (!read_one_file(reader, element, &files[count], err))
			return error_prefix(err, "line %zu: files, number %zu",
				line_of(reader->bytes, element.data), count + 1);
		if (!check_file(plan, count, files[count].name, err))
			return false;
		count++;
	}
	plan->files = files;
	plan->file_count = count;
	return !plan_wanted_file(plan, count) || check_file(plan, count, NULL, err);
}
