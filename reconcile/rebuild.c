/*
 * A base where nobody has a snapshot: what the evidence knows of the moment just before the staging
 * server's first write. It is written as a snapshot like any other, whose objects list as unknown
 * whatever no record tells, so that all that reads a base reads this one, too.
 *
 * In it are the objects that the staging server wrote to, as far as they were there then, with those
 * of their values that it wrote. A value is what somebody's record left there last, or else what the
 * first record since found there. Nothing else is known, so what others changed is no finding.
 *
 * What its first write found there is somebody else's only if the server did not write before, unseen:
 * the log has to cover a quiet time before that (rebuilt_is_quiet()); otherwise this base vouches for
 * nothing, and only other writers in the log do.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/reconcile_internal.h"

/* Staging must not have written for so long: a server that exports at all does so twice an hour. */
enum { QUIET_MS = 24 * 60 * 60 * 1000 };

/* So named in messages; it lies nowhere. */
#define REBUILT_PATH "audit"

bool is_rebuilt(const struct snapshot *base)
{
	return strcmp(snapshot_header(base)->source, SNAPSHOT_AUDIT) == 0;
}

bool rebuilt_is_quiet(const struct times *times)
{
	return times->evidence_from <= times->base_until - QUIET_MS;
}

/* ---- one value ------------------------------------------------------------------------ */

/* What a file shows stood there at the earliest. */
static int64_t moment_of(const struct fact *fact)
{
	return fact->operation == FACT_SHOWN ? fact->when_ms - fact->within_ms : fact->when_ms;
}

static bool is_whole(const struct fact *fact)
{
	return fact->operation == FACT_SET || fact->operation == FACT_SHOWN;
}

/* What is known about one value at `when_ms`: the last that came before, the first since. */
struct around {
	const struct fact *before, *since;
};

/* What the staging server holds for the state is not what anybody else left. */
static bool tells(const struct fact *fact)
{
	return fact_is_write(fact) || fact->source == FROM_PRODUCTION_SPACE;
}

static struct around look_around(const struct fact *const *facts, size_t count,
	const struct attribute *attribute, int64_t when_ms)
{
	struct around around = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (facts[i]->attribute != attribute || !tells(facts[i]))
			continue;
		if (moment_of(facts[i]) <= when_ms) {
			if (!around.before || moment_of(facts[i]) >= moment_of(around.before))
				around.before = facts[i];
		} else if (!around.since && facts[i]->operation != FACT_SHOWN)
			around.since = facts[i];
	}
	return around;
}

const struct fact *rebuilt_from(const struct fact *const *facts, size_t count,
	const struct attribute *attribute, int64_t when_ms, struct span *value)
{
	struct around around = look_around(facts, count, attribute, when_ms);
	bool left = around.before && is_whole(around.before) && around.before->new_known;
	bool found = around.since && is_whole(around.since) && around.since->old_known;

	/* They contradict each other: something unseen happened in between. */
	if (left && found &&
		!attribute_equal(attribute, around.before->new_value, around.since->old_value))
		return NULL;
	*value = left ? around.before->new_value : found ? around.since->old_value : SPAN_NONE;
	return left ? around.before : found ? around.since : NULL;
}

/* ---- one object ----------------------------------------------------------------------- */

enum was { WAS_NOT_THERE, WAS_DELETED, WAS_THERE };

/* Where an event finds an object, and where it leaves it. */
static const struct {
	enum was from, to;
} moves[] = {
	[FACT_CREATE] = { WAS_NOT_THERE, WAS_THERE },
	[FACT_DELETE] = { WAS_THERE, WAS_DELETED },
	[FACT_PURGE] = { WAS_DELETED, WAS_NOT_THERE },
	[FACT_RESTORE] = { WAS_DELETED, WAS_THERE },
};

/* Nobody's record tells that it was made since; but live says when it was. */
static bool made_since(const struct object *live, int64_t when_ms)
{
	struct span made = live ? object_get_named(live, "createdDateTime") : SPAN_NONE;
	struct span text = scan_type(made) == SCAN_STRING ? scan_text_direct(made) : SPAN_NONE;
	int64_t made_ms;

	return text.data && time_parse(text, &made_ms) && made_ms > when_ms;
}

static enum was what_it_was(
	const struct fact *const *facts, size_t count, const struct object *live, int64_t when_ms)
{
	const struct fact *before = NULL;

	for (size_t i = 0; i < count; i++) {
		if (facts[i]->operation < FACT_CREATE || !fact_is_write(facts[i]))
			continue;
		if (facts[i]->when_ms > when_ms)
			return moves[facts[i]->operation].from;
		before = facts[i];
	}
	if (before)
		return moves[before->operation].to;
	return made_since(live, when_ms) ? WAS_NOT_THERE : WAS_THERE;
}

/* ---- its line --------------------------------------------------------------------------- */

struct rebuild {
	struct reconciling reconciling;
	struct snapshot_writer *writer;
	int64_t when_ms;
};

/* An object as Graph would show it, and what of it is not known. */
struct sketch {
	json_t *graph;
	struct span *unknown;
	size_t unknown_count, unknown_capacity;
	bool has_extensions;
};

static void sketch_release(struct sketch *sketch)
{
	json_decref(sketch->graph);
	memory_free(sketch->unknown);
}

static void leave_open(struct sketch *sketch, struct span name)
{
	MEMORY_GROW(sketch->unknown, sketch->unknown_count, sketch->unknown_capacity);
	sketch->unknown[sketch->unknown_count++] = name;
}

/* A member of a complex value stands in its outer object, and a manager is one with an id. */
static void put(struct sketch *sketch, const struct attribute *attribute, json_t *value)
{
	CLEANUP(memory_freep) char *outer = NULL;
	json_t *inside;

	if (attribute->source == SOURCE_EXPAND) {
		json_object_set_new(
			sketch->graph, attribute->name, json_pack("{s:o}", "id", value));
		return;
	}
	if (!attribute->outer_length) {
		json_object_set_new(sketch->graph, attribute->name, value);
		return;
	}
	outer = memory_text(attribute->name);
	outer[attribute->outer_length] = '\0';
	inside = json_object_get(sketch->graph, outer);
	if (!inside) {
		inside = json_object();
		json_object_set_new(sketch->graph, outer, inside);
	}
	json_object_set_new(inside, attribute->name + attribute->outer_length + 1, value);
}

/* NULL: not what a small tree can hold (a number too large). */
static json_t *value_parse(struct span value)
{
	CLEANUP(buf_release) struct buf wrapped = BUF_UP_TO(EVIDENCE_LINE_MAX);
	CLEANUP(json_freep) json_t *json = NULL;
	struct error ignored = { 0 };

	buf_add_text(&wrapped, "[");
	buf_add_span(&wrapped, value);
	buf_add_text(&wrapped, "]");
	json = json_parse(buf_span(&wrapped), EVIDENCE_LINE_MAX, &ignored);
	return json ? json_incref(json_array_get(json, 0)) : NULL;
}

static bool staging_wrote(const struct reconciling *reconciling, const struct fact *const *facts,
	size_t count, const struct attribute *attribute)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i]->attribute == attribute && fact_is_write(facts[i]) &&
			fact_class(reconciling, facts[i]) == WRITER_STAGING)
			return true;
	return false;
}

static void sketch_value(const struct rebuild *rebuild, struct sketch *sketch,
	const struct attribute *attribute, const struct fact *const *facts, size_t count)
{
	struct span value = SPAN_NONE;
	bool known = attribute->source != SOURCE_RELATION &&
		staging_wrote(&rebuild->reconciling, facts, count, attribute) &&
		rebuilt_from(facts, count, attribute, rebuild->when_ms, &value);
	json_t *json = known && value.data ? value_parse(value) : NULL;

	if (json)
		put(sketch, attribute, json);
	if (attribute_is_extension(attribute))
		sketch->has_extensions = sketch->has_extensions || json;
	else if (!known || (value.data && !json))
		leave_open(sketch, span_of(attribute->name));
}

/* Each extension that a fact is about, once. */
static void sketch_extensions(const struct rebuild *rebuild, struct sketch *sketch,
	const struct fact *const *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool again = !facts[i]->attribute || !attribute_is_extension(facts[i]->attribute);

		for (size_t j = 0; j < i && !again; j++)
			again = facts[j]->attribute == facts[i]->attribute;
		if (!again)
			sketch_value(rebuild, sketch, facts[i]->attribute, facts, count);
	}
	/* One that is not set was not asked for, and so not known either. */
	if (!sketch->has_extensions)
		leave_open(sketch, span_of(UNKNOWN_EXTENSIONS));
}

static bool add_object(struct rebuild *rebuild, const char *id, const struct fact *const *facts,
	size_t count, bool deleted, struct error *err)
{
	CLEANUP(sketch_release) struct sketch sketch = { .graph = json_object() };
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);
	const struct kind *kind = facts[0]->kind;

	json_object_set_new(sketch.graph, "id", json_string(id));
	for (size_t i = 0; i < kind->attribute_count; i++)
		sketch_value(rebuild, &sketch, &kind->attributes[i], facts, count);
	sketch_extensions(rebuild, &sketch, facts, count);
	json_add(&graph, sketch.graph);
	if (!line_add_object(&line, kind, buf_span(&graph), deleted, sketch.unknown,
		    sketch.unknown_count, err))
		return error_prefix(err, "object %s as the evidence knows it", id);
	buf_add_byte(&line, '\n');
	return snapshot_writer_add(rebuild->writer, buf_span(&line), err);
}

static bool look_up_live(
	const struct rebuild *rebuild, const char *id, struct object **live, struct error *err)
{
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(SNAPSHOT_BUCKET_MAX);

	*live = NULL;
	if (!snapshot_object(rebuild->reconciling.options->live, span_of(id), &lines, err))
		return false;
	return !lines.length || (*live = object_parse(buf_span(&lines), err)) != NULL;
}

static bool rebuild_object(struct rebuild *rebuild, const char *id, struct error *err)
{
	CLEANUP(object_freep) struct object *live = NULL;
	size_t count;
	const struct fact *const *facts = evidence_of(
		rebuild->reconciling.options->evidence, span_of(id), &count);
	enum was was;

	if (!look_up_live(rebuild, id, &live, err))
		return false;
	was = what_it_was(facts, count, live, rebuild->when_ms);
	return was == WAS_NOT_THERE ||
		add_object(rebuild, id, facts, count, was == WAS_DELETED, err);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool is_stagings_write(const struct reconciling *reconciling, const struct fact *fact)
{
	return fact_is_write(fact) && fact_class(reconciling, fact) == WRITER_STAGING;
}

/* The moment before the first of them; false: there is none. */
static bool find_moment(struct rebuild *rebuild)
{
	const struct reconciling *reconciling = &rebuild->reconciling;

	for (size_t i = 0; i < reconciling->fact_count; i++)
		if (is_stagings_write(reconciling, &reconciling->first_fact[i])) {
			rebuild->when_ms = reconciling->first_fact[i].when_ms - 1;
			return true;
		}
	return false;
}

static int compare_ids(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static bool rebuild_objects(struct rebuild *rebuild, struct error *err)
{
	const struct reconciling *reconciling = &rebuild->reconciling;
	CLEANUP(memory_freep)
	const char **ids = memory_array(reconciling->fact_count + 1, sizeof(*ids));
	size_t count = 0;

	for (size_t i = 0; i < reconciling->fact_count; i++)
		if (is_stagings_write(reconciling, &reconciling->first_fact[i]))
			ids[count++] = reconciling->first_fact[i].id;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++)
		if ((!i || strcmp(ids[i], ids[i - 1]) != 0) &&
			!rebuild_object(rebuild, ids[i], err))
			return false;
	return true;
}

static bool write_snapshot(struct rebuild *rebuild, const char *path, struct error *err)
{
	const struct snapshot_header *live = snapshot_header(rebuild->reconciling.options->live);
	char source[] = SNAPSHOT_AUDIT;
	struct snapshot_header header = { .tenant = live->tenant,
		.cloud = live->cloud,
		.source = source,
		.taken_from_ms = rebuild->when_ms };

	rebuild->writer = snapshot_writer_open(path, &header, err);
	return rebuild->writer && rebuild_objects(rebuild, err) &&
		snapshot_writer_finish(TAKE(rebuild->writer), rebuild->when_ms, err);
}

/* Its file has a name only until it is open: nobody is to take it for a snapshot that was taken. */
static struct snapshot *write_and_open(struct rebuild *rebuild, struct error *err)
{
	CLEANUP(memory_freep) char *folder = file_make_scratch("base", err);
	CLEANUP(memory_freep) char *path = NULL;
	struct snapshot *snapshot = NULL;
	int descriptor = -1;

	if (!folder)
		return NULL;
	path = file_path(folder, "base");
	if (write_snapshot(rebuild, path, err)) {
		descriptor = open(path, O_RDONLY | O_CLOEXEC);
		if (descriptor < 0)
			error_errno(err, "%s", path);
		else
			snapshot = snapshot_open_descriptor_take(descriptor, REBUILT_PATH, err);
	}
	unlink(path);
	rmdir(folder);
	return snapshot;
}

static void rebuild_release(struct rebuild *rebuild)
{
	snapshot_writer_close(rebuild->writer);
	reconciling_release(&rebuild->reconciling);
}

struct snapshot *base_rebuild(const struct reconcile_options *options, struct error *err)
{
	CLEANUP(rebuild_release) struct rebuild rebuild = { .reconciling.options = options };

	if (!evidence_is_of_tenant(options->evidence, options->live, err) ||
		!writers_classify(&rebuild.reconciling, err))
		return NULL;
	if (!find_moment(&rebuild)) {
		error_set(err, ERROR_USAGE,
			"the evidence tells of no write by a staging server: a base can't be made of it");
		return NULL;
	}
	return write_and_open(&rebuild, err);
}
