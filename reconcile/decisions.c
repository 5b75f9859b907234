/*
 * A decisions file, `unstage-decisions/1`: a header line, then a decision a line. People write it and
 * review it like code, so it is strict in what it says and free in how it is spelled: blanks and the order
 * of keys are theirs. Two lines about the same are an error, whatever they say.
 *
 * Nothing is judged here: which findings a line is about, and what it may do to them, is decide.c's.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "reconcile/decisions_internal.h"

void decisions_free(struct decisions *decisions)
{
	if (!decisions)
		return;
	for (size_t i = 0; i < decisions->count; i++) {
		const struct decision *decision = &decisions->items[i].decision;

		memory_free((void *)(uintptr_t)decision->kinds);
		memory_free((void *)(uintptr_t)decision->attributes);
		memory_free((void *)(uintptr_t)decision->ids);
	}
	memory_free(decisions->by_fingerprint);
	memory_free(decisions->by_place);
	memory_free(decisions->items);
	texts_free(decisions->texts);
	memory_free(decisions);
}

const char *decisions_path(const struct decisions *decisions)
{
	return decisions->path;
}

const char *decisions_tenant(const struct decisions *decisions)
{
	return decisions->tenant;
}

const char *decisions_digest(const struct decisions *decisions)
{
	return decisions->digest;
}

size_t decisions_count(const struct decisions *decisions)
{
	return decisions->count;
}

const struct decision *decisions_get(const struct decisions *decisions, size_t index)
{
	return &decisions->items[index].decision;
}

/* ---- reading ------------------------------------------------------------------------------ */

static bool read_header(struct decisions *decisions, const json_t *line, struct error *err)
{
	struct span family = SPAN_LITERAL("unstage-decisions/");
	const char *format = json_text(line, "format", err), *tenant;

	if (!format)
		return false;
	if (strcmp(format, DECISIONS_FORMAT) != 0)
		return strncmp(format, family.data, family.length) == 0
			? error_set(err, ERROR_REFUSED,
				  "decisions of another version; this program reads version 1 only")
			: error_set(err, ERROR_FORMAT,
				  "not a decisions file: wants \"format\":\"" DECISIONS_FORMAT
				  "\"");
	tenant = json_text(line, "tenant", err);
	if (!tenant)
		return false;
	if (!text_is_guid(span_of(tenant)))
		return error_set(err, ERROR_FORMAT, "tenant: not a tenant's id");
	if (json_object_size(line) != 2)
		return error_set(
			err, ERROR_FORMAT, "the header has \"format\" and \"tenant\" only");
	decisions->tenant = texts_keep(decisions->texts, span_of(tenant)).data;
	return true;
}

static bool read_decision(struct decisions *decisions, const json_t *line, size_t number,
	size_t byte, struct error *err)
{
	struct decided *decided;

	if (decisions->count == DECISIONS_MAX)
		return error_set(err, ERROR_FORMAT, "more than %d decisions", DECISIONS_MAX);
	MEMORY_GROW(decisions->items, decisions->count, decisions->capacity);
	decided = &decisions->items[decisions->count++];
	*decided = (struct decided){ .decision = { .line = number, .byte = byte } };
	return decision_read(decided, decisions->texts, line, err);
}

/* The line at the beginning of `rest`. */
static bool read_line(struct decisions *decisions, struct span rest, size_t number, size_t byte,
	size_t *length, struct error *err)
{
	const char *newline = memchr(rest.data, '\n', rest.length);
	CLEANUP(json_freep) json_t *line = NULL;

	if (!newline)
		return error_set(err, ERROR_FORMAT, "the line has no end: the file is incomplete");
	*length = (size_t)(newline - rest.data) + 1;
	line = json_parse((struct span){ rest.data, *length - 1 }, DECISIONS_LINE_MAX, err);
	if (!line)
		return false;
	if (!json_is_object(line))
		return error_set(err, ERROR_FORMAT, "not an object");
	return number == 1 ? read_header(decisions, line, err)
			   : read_decision(decisions, line, number, byte, err);
}

static bool read_lines(struct decisions *decisions, struct span bytes, struct error *err)
{
	size_t number = 1, length;

	if (!bytes.length)
		return error_set(err, ERROR_FORMAT, "line 1 (byte 0): the file is empty");
	for (size_t at = 0; at < bytes.length; at += length, number++) {
		struct span rest = { bytes.data + at, bytes.length - at };

		if (!read_line(decisions, rest, number, at, &length, err))
			return error_prefix(err, "line %zu (byte %zu)", number, at);
	}
	return true;
}

/* ---- finding a line again ------------------------------------------------------------------ */

static int compare_targets(const void *left, const void *right)
{
	const struct decided *a = *(const struct decided *const *)left;
	const struct decided *b = *(const struct decided *const *)right;
	int order = span_compare(a->target, b->target);

	return order ? order : (a > b) - (a < b);
}

static bool check_doubles(const struct decisions *decisions, struct error *err)
{
	CLEANUP(memory_freep)
	const struct decided **sorted = memory_array(decisions->count + 1, sizeof(*sorted));

	for (size_t i = 0; i < decisions->count; i++)
		sorted[i] = &decisions->items[i];
	if (decisions->count)
		qsort(sorted, decisions->count, sizeof(*sorted), compare_targets);
	for (size_t i = 1; i < decisions->count; i++)
		if (span_equal(sorted[i - 1]->target, sorted[i]->target))
			return error_set(err, ERROR_FORMAT,
				"line %zu (byte %zu): decides what line %zu decides: leave one of them",
				sorted[i]->decision.line, sorted[i]->decision.byte,
				sorted[i - 1]->decision.line);
	return true;
}

static int compare_fingerprints(const void *left, const void *right)
{
	const struct decision *a = *(const struct decision *const *)left;
	const struct decision *b = *(const struct decision *const *)right;

	return memcmp(a->fingerprint, b->fingerprint, FINGERPRINT_BYTES);
}

static int compare_places(const void *left, const void *right)
{
	const struct decision *a = *(const struct decision *const *)left;
	const struct decision *b = *(const struct decision *const *)right;
	int order = span_compare(a->id, b->id);

	if (!order)
		order = span_compare(a->attribute, b->attribute);
	if (!order)
		order = span_compare(a->element, b->element);
	return order ? order : span_compare(a->change, b->change);
}

static void make_indexes(struct decisions *decisions)
{
	size_t room = decisions->count + 1;

	decisions->by_fingerprint = memory_array(room, sizeof(*decisions->by_fingerprint));
	decisions->by_place = memory_array(room, sizeof(*decisions->by_place));
	for (size_t i = 0; i < decisions->count; i++) {
		const struct decision *decision = &decisions->items[i].decision;

		if (decision->by_fingerprint)
			decisions->by_fingerprint[decisions->fingerprint_count++] = decision;
		else if (decision->id.data)
			decisions->by_place[decisions->place_count++] = decision;
	}
	if (decisions->fingerprint_count)
		qsort(decisions->by_fingerprint, decisions->fingerprint_count,
			sizeof(*decisions->by_fingerprint), compare_fingerprints);
	if (decisions->place_count)
		qsort(decisions->by_place, decisions->place_count, sizeof(*decisions->by_place),
			compare_places);
}

static const struct decision *find(const struct decision *wanted,
	const struct decision *const *sorted, size_t count,
	int (*compare)(const void *, const void *))
{
	const struct decision *const *found = count
		? bsearch(&wanted, sorted, count, sizeof(struct decision *), compare)
		: NULL;

	return found ? *found : NULL;
}

const struct decision *decisions_by_fingerprint(
	const struct decisions *decisions, const struct finding *finding)
{
	struct decision wanted = { 0 };

	memcpy(wanted.fingerprint, finding->fingerprint, FINGERPRINT_BYTES);
	return find(&wanted, decisions->by_fingerprint, decisions->fingerprint_count,
		compare_fingerprints);
}

const struct decision *decisions_by_place(
	const struct decisions *decisions, const struct finding *finding)
{
	struct decision wanted = { .id = finding->id, .element = finding->element };

	if (finding->attribute)
		wanted.attribute = span_of(finding->attribute->name);
	else
		wanted.change = span_of(change_name(finding->change));
	return find(&wanted, decisions->by_place, decisions->place_count, compare_places);
}

/* ---- windows ------------------------------------------------------------------------------- */

/* No names: everything. */
static bool is_named(const char *const *names, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(name, names[i]))
			return true;
	return !count;
}

static bool is_about(const struct decision *decision, const struct subject *subject,
	const struct attribute *attribute)
{
	return is_named(decision->kinds, decision->kind_count, span_of(subject->kind->name)) &&
		is_named(decision->ids, decision->id_count, subject->id) &&
		is_named(decision->attributes, decision->attribute_count,
			span_of(attribute ? attribute->name : ""));
}

const struct decision *decisions_vouching(const struct decisions *decisions,
	const struct subject *subject, const struct attribute *attribute, int64_t from_ms,
	int64_t to_ms)
{
	for (size_t i = 0; decisions && i < decisions->count; i++) {
		const struct decision *decision = &decisions->items[i].decision;

		if (decision->kind == DECISION_BASE_IS_BEFORE && decision->from_ms <= from_ms &&
			decision->to_ms >= to_ms && is_about(decision, subject, attribute))
			return decision;
	}
	return NULL;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void make_digest(struct decisions *decisions, struct span bytes)
{
	uint8_t digest[DECISIONS_DIGEST_BYTES];

	crypto_generichash(
		digest, sizeof(digest), (const uint8_t *)bytes.data, bytes.length, NULL, 0);
	sodium_bin2hex(decisions->digest, sizeof(decisions->digest), digest, sizeof(digest));
}

struct decisions *decisions_parse(struct span bytes, const char *name, struct error *err)
{
	CLEANUP(decisions_freep) struct decisions *decisions = memory_new(sizeof(*decisions));

	decisions->texts = texts_new();
	decisions->path = texts_keep(decisions->texts, span_of(name)).data;
	if (!read_lines(decisions, bytes, err) || !check_doubles(decisions, err)) {
		error_prefix(err, "%s", name);
		return NULL;
	}
	make_indexes(decisions);
	make_digest(decisions, bytes);
	return TAKE(decisions);
}

struct decisions *decisions_load(const char *path, struct error *err)
{
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(DECISIONS_FILE_MAX);

	if (!file_load(path, DECISIONS_FILE_MAX, &file, err))
		return NULL;
	return decisions_parse(buf_span(&file), path, err);
}
