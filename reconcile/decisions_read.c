/*
 * One line of a decisions file (docs/FORMAT-decisions.md). A table says which keys each decision needs
 * and which it may have; a key that is not in it is an error, since whoever wrote it believed that
 * it means something.
 */
#include <sodium.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/decisions_internal.h"

enum {
	VOUCH = 1 << DECISION_BASE_IS_BEFORE,
	REVERT = 1 << DECISION_REVERT,
	KEEP = 1 << DECISION_KEEP,
	EACH = VOUCH | REVERT | KEEP,
};

static const char *const kind_names[DECISION_KIND_COUNT] = {
	[DECISION_BASE_IS_BEFORE] = "base-is-before",
	[DECISION_REVERT] = "revert",
	[DECISION_KEEP] = "keep",
};

const char *decision_kind_name(enum decision_kind kind)
{
	return kind_names[kind];
}

/* ---- values of keys ----------------------------------------------------------------------- */

struct reading {
	struct decision *decision;
	struct texts *texts;
};

typedef bool read_function(struct reading *reading, const json_t *json, struct error *err);

static bool keep_text(
	struct reading *reading, const json_t *json, struct span *text, struct error *err)
{
	if (!json_is_string(json))
		return error_set(err, ERROR_FORMAT, "not a text");
	*text = texts_keep(
		reading->texts, (struct span){ json_string_value(json), json_string_length(json) });
	return true;
}

static bool is_blank(struct span text)
{
	return strspn(text.data, " \t\r\n") == text.length;
}

static bool read_words(
	struct reading *reading, const json_t *json, const char **words, struct error *err)
{
	struct span text;

	if (!keep_text(reading, json, &text, err))
		return false;
	if (is_blank(text) || text.length > BECAUSE_MAX)
		return error_set(err, ERROR_FORMAT, "wants 1 to %d bytes of text", BECAUSE_MAX);
	*words = text.data;
	return true;
}

static bool read_because(struct reading *reading, const json_t *json, struct error *err)
{
	return read_words(reading, json, &reading->decision->because, err);
}

static bool read_by(struct reading *reading, const json_t *json, struct error *err)
{
	return read_words(reading, json, &reading->decision->by, err);
}

static bool read_instant(
	struct reading *reading, const json_t *json, int64_t *ms, struct error *err)
{
	struct span text;

	return keep_text(reading, json, &text, err) &&
		(time_parse(text, ms) ||
			error_set(err, ERROR_FORMAT,
				"not a time: wants 2026-03-04 or 2026-03-04T08:00:00Z"));
}

static bool read_on(struct reading *reading, const json_t *json, struct error *err)
{
	int64_t ms;

	return read_instant(reading, json, &ms, err) &&
		read_words(reading, json, &reading->decision->on, err);
}

static bool read_until(struct reading *reading, const json_t *json, struct error *err)
{
	return read_instant(reading, json, &reading->decision->until_ms, err);
}

static bool read_fingerprint(struct reading *reading, const json_t *json, struct error *err)
{
	struct decision *decision = reading->decision;
	char again[2 * FINGERPRINT_BYTES + 1];
	struct span text;
	size_t length = 0;

	if (!keep_text(reading, json, &text, err))
		return false;
	if (text.length != 2 * FINGERPRINT_BYTES ||
		sodium_hex2bin(decision->fingerprint, FINGERPRINT_BYTES, text.data, text.length,
			NULL, &length, NULL) != 0 ||
		!span_is(text,
			sodium_bin2hex(
				again, sizeof(again), decision->fingerprint, FINGERPRINT_BYTES)))
		return error_set(err, ERROR_FORMAT, "not %d hexadecimal digits in lower case",
			2 * FINGERPRINT_BYTES);
	decision->by_fingerprint = true;
	return true;
}

static bool is_id(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] != text_lower(text.data[i]))
			return false;
	return text_is_guid(text);
}

static bool check_id(struct span text, struct error *err)
{
	return is_id(text) ||
		error_set(err, ERROR_FORMAT, "not an object's id (a GUID in lower case)");
}

static bool check_kind(struct span text, struct error *err)
{
	return kind_find(text) != NULL ||
		error_set(err, ERROR_FORMAT, "no such kind: user, group and contact there are");
}

static bool check_attribute(struct span text, struct error *err)
{
	for (enum kind_id kind = 0; kind < KIND_COUNT; kind++)
		if (attribute_find(kind_get(kind), text))
			return true;
	return error_set(err, ERROR_FORMAT, "no object has an attribute of this name");
}

static bool read_id(struct reading *reading, const json_t *json, struct error *err)
{
	struct span *id = &reading->decision->id;

	return keep_text(reading, json, id, err) && check_id(*id, err);
}

static bool read_attribute(struct reading *reading, const json_t *json, struct error *err)
{
	struct span *attribute = &reading->decision->attribute;

	return keep_text(reading, json, attribute, err) && check_attribute(*attribute, err);
}

static bool read_element(struct reading *reading, const json_t *json, struct error *err)
{
	return keep_text(reading, json, &reading->decision->element, err);
}

static bool read_change(struct reading *reading, const json_t *json, struct error *err)
{
	struct span *change = &reading->decision->change;

	if (!keep_text(reading, json, change, err))
		return false;
	for (enum change of = CHANGE_CREATED; of <= CHANGE_PURGED; of++)
		if (span_is(*change, change_name(of)))
			return true;
	return error_set(err, ERROR_FORMAT, "wants created, deleted, restored or purged");
}

static bool read_value(
	struct reading *reading, const json_t *json, struct known_value *value, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DECISIONS_LINE_MAX);

	value->known = true;
	if (json_is_null(json))
		return true;
	json_add(&text, json);
	value->value = texts_keep(reading->texts, buf_span(&text));
	return buf_check(&text, "the value", err);
}

static bool read_live(struct reading *reading, const json_t *json, struct error *err)
{
	return read_value(reading, json, &reading->decision->live, err);
}

static bool read_before(struct reading *reading, const json_t *json, struct error *err)
{
	return read_value(reading, json, &reading->decision->before, err);
}

static bool read_window(struct reading *reading, const json_t *json, struct error *err)
{
	struct decision *decision = reading->decision;

	if (!json_is_object(json) || json_object_size(json) != 2 ||
		!json_object_get(json, "from") || !json_object_get(json, "until"))
		return error_set(err, ERROR_FORMAT, "wants {\"from\":…,\"until\":…}");
	if (!read_instant(reading, json_object_get(json, "from"), &decision->from_ms, err))
		return error_prefix(err, "from");
	if (!read_instant(reading, json_object_get(json, "until"), &decision->to_ms, err))
		return error_prefix(err, "until");
	return decision->from_ms < decision->to_ms ||
		error_set(err, ERROR_FORMAT, "ends before it begins");
}

static bool read_names(struct reading *reading, const json_t *json,
	bool (*check)(struct span, struct error *), const char *const **names, size_t *count,
	struct error *err)
{
	size_t size = json_array_size(json), i;
	const char **kept;
	const json_t *name;

	if (!size)
		return error_set(err, ERROR_FORMAT, "wants an array that names something");
	kept = memory_array(size, sizeof(*kept));
	*names = kept;
	*count = size;
	json_array_foreach(json, i, name)
	{
		struct span text;

		if (!keep_text(reading, name, &text, err) || !check(text, err))
			return error_prefix(err, "%zu", i + 1);
		kept[i] = text.data;
	}
	return true;
}

static bool read_kinds(struct reading *reading, const json_t *json, struct error *err)
{
	struct decision *decision = reading->decision;

	return read_names(reading, json, check_kind, &decision->kinds, &decision->kind_count, err);
}

static bool read_attributes(struct reading *reading, const json_t *json, struct error *err)
{
	struct decision *decision = reading->decision;

	return read_names(reading, json, check_attribute, &decision->attributes,
		&decision->attribute_count, err);
}

static bool read_ids(struct reading *reading, const json_t *json, struct error *err)
{
	struct decision *decision = reading->decision;

	return read_names(reading, json, check_id, &decision->ids, &decision->id_count, err);
}

/* ---- a line ------------------------------------------------------------------------------- */

static const struct key {
	const char *name;
	unsigned needed, allowed; /* by which decisions */
	read_function *read;      /* NULL: read before all others */
} keys[] = {
	{ "attribute", 0, REVERT | KEEP, read_attribute },
	{ "attributes", 0, VOUCH, read_attributes },
	{ "because", EACH, EACH, read_because },
	{ "before", 0, REVERT, read_before },
	{ "by", 0, EACH, read_by },
	{ "change", 0, REVERT | KEEP, read_change },
	{ "decision", EACH, EACH, NULL },
	{ "element", 0, REVERT | KEEP, read_element },
	{ "fingerprint", 0, REVERT | KEEP, read_fingerprint },
	{ "id", 0, REVERT | KEEP, read_id },
	{ "ids", 0, VOUCH, read_ids },
	{ "kinds", 0, VOUCH, read_kinds },
	{ "live", 0, REVERT, read_live },
	{ "on", 0, EACH, read_on },
	{ "until", KEEP, KEEP, read_until },
	{ "window", VOUCH, VOUCH, read_window },
};

/* They say what is decided, and not about what. */
static const char *const not_of_target[] = { "because", "before", "by", "decision", "live", "on",
	"until" };

static bool read_kind(struct decision *decision, const json_t *line, struct error *err)
{
	const char *name = json_text(line, "decision", err);

	if (!name)
		return false;
	for (enum decision_kind kind = 0; kind < DECISION_KIND_COUNT; kind++)
		if (strcmp(name, kind_names[kind]) == 0) {
			decision->kind = kind;
			return true;
		}
	return error_set(err, ERROR_FORMAT,
		"decision: \"%.*s\" is none: base-is-before, revert and keep there are",
		TEXT_UP_TO(40, name));
}

static const struct key *key_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

static bool read_keys(struct reading *reading, const json_t *line, struct error *err)
{
	enum decision_kind kind = reading->decision->kind;
	const char *name;
	json_t *json;

	json_object_foreach((json_t *)(uintptr_t)line, name, json)
	{
		const struct key *key = key_find(name);

		if (!key || !(key->allowed & 1u << kind))
			return error_set(err, ERROR_FORMAT,
				"a line that decides %s has no key \"%.*s\"", kind_names[kind],
				TEXT_UP_TO(40, name));
		if (key->read && !key->read(reading, json, err))
			return error_prefix(err, "%s", name);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (keys[i].needed & 1u << kind && !json_object_get(line, keys[i].name))
			return error_set(err, ERROR_FORMAT, "a line that decides %s wants \"%s\"",
				kind_names[kind], keys[i].name);
	return true;
}

/* What is wrong about the line as a whole, or NULL. */
static const char *fault(const struct decision *decision)
{
	bool by_place = decision->id.data != NULL;

	if (decision->kind == DECISION_BASE_IS_BEFORE)
		return NULL;
	if (decision->by_fingerprint == by_place)
		return "wants either \"fingerprint\" or \"id\"";
	if (!by_place &&
		(decision->attribute.data || decision->element.data || decision->change.data))
		return "\"fingerprint\" says it all: leave attribute, element and change out";
	if (by_place && !decision->attribute.data == !decision->change.data)
		return "beside \"id\" wants \"attribute\", or \"change\" where it is about the object";
	if (decision->element.data && !decision->attribute.data)
		return "\"element\" wants \"attribute\"";
	if (decision->live.known != decision->before.known)
		return "wants both \"live\" and \"before\", or none where it is about an object";
	if (decision->kind == DECISION_REVERT && decision->attribute.data && !decision->live.known)
		return "wants \"live\", the value that it was decided about, and \"before\", what is "
		       "to come back";
	if (decision->change.data && decision->live.known)
		return "is about an object, which has no \"live\" and \"before\"";
	return NULL;
}

/* The line without what it decides: the same for two lines about the same. */
static struct span target_of(struct texts *texts, const json_t *line)
{
	CLEANUP(json_freep) json_t *target = json_copy((json_t *)(uintptr_t)line);
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(DECISIONS_LINE_MAX);

	for (size_t i = 0; i < COUNT_OF(not_of_target); i++)
		json_object_del(target, not_of_target[i]);
	json_add(&text, target);
	return texts_keep(texts, buf_span(&text));
}

bool decision_read(
	struct decided *decided, struct texts *texts, const json_t *line, struct error *err)
{
	struct reading reading = { &decided->decision, texts };
	const char *wrong;

	if (!read_kind(&decided->decision, line, err) || !read_keys(&reading, line, err))
		return false;
	wrong = fault(&decided->decision);
	if (wrong)
		return error_set(err, ERROR_FORMAT, "%s", wrong);
	decided->target = target_of(texts, line);
	return true;
}
