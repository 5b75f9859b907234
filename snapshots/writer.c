/*
 * Objects come in the order in which Graph sends them; a snapshot has them in id order. They are
 * sorted in runs (runs.c) and packed at the end (pack.c).
 *
 * Where they come in id order already (another snapshot with changes, a sorted export), they
 * are packed as they come, from the first full run on: how many there will be, which the width
 * of buckets follows, is guessed from how densely ids lie so far. A guess that was wrong, or
 * an object that comes too late, costs a detour: what is packed becomes a run. The file is the
 * same in each case.
 */
#include <inttypes.h>
#include <sodium.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "snapshots/snapshots_internal.h"

static const struct runs_limits runs_limits = {
	.bytes = 16 << 20,
	.records = 128 << 10,
	.fan_in = 128,
};

struct snapshot_writer {
	char *path;
	struct snapshot_header header;
	unsigned workers;
	struct runs *runs;
	struct packer *direct;         /* takes what comes, while that is in id order; else NULL */
	uint8_t last[ID_BINARY_BYTES]; /* what it took last */
	struct snapshot *previous;     /* it is made from; NULL: from nothing */
};

void snapshot_writer_close(struct snapshot_writer *writer)
{
	if (!writer)
		return;
	packer_free(writer->direct);
	runs_close(writer->runs);
	snapshot_header_release(&writer->header);
	memory_free(writer->path);
	memory_free(writer);
}

struct snapshot_writer *snapshot_writer_open(
	const char *path, const struct snapshot_header *header, struct error *err)
{
	CLEANUP(snapshot_writer_closep)
	struct snapshot_writer *writer = memory_new(sizeof(*writer));

	writer->path = memory_text(path);
	writer->header = (struct snapshot_header){
		.tenant = memory_text(header->tenant),
		.cloud = memory_text(header->cloud),
		.source = memory_text(header->source),
		.taken_from_ms = header->taken_from_ms,
	};
	if (!text_is_guid(span_of(header->tenant))) {
		error_set(err, ERROR_FORMAT, "%s: the tenant %s is no GUID", path, header->tenant);
		return NULL;
	}
	if (sodium_init() < 0) {
		error_set(err, ERROR_SYSTEM, "%s: libsodium can't start", path);
		return NULL;
	}
	writer->runs = runs_open(path, &runs_limits, err);
	return writer->runs ? TAKE(writer) : NULL;
}

void snapshot_writer_use_workers(struct snapshot_writer *writer, unsigned workers)
{
	writer->workers = workers;
}

/* ---- how it came to be ------------------------------------------------------------------- */

/* Whether the two are of one directory, and read in the same way. */
static bool check_previous(
	const struct snapshot_writer *writer, const struct snapshot *previous, struct error *err)
{
	const struct snapshot_header *before = &previous->header, *header = &writer->header;

	if (strcasecmp(before->tenant, header->tenant) != 0 ||
		strcmp(before->cloud, header->cloud) != 0)
		return error_set(err, ERROR_REFUSED,
			"%s is of the tenant %s (%s), and this one is %s (%s): take one without it",
			previous->path, before->tenant, before->cloud, header->tenant,
			header->cloud);
	return strcmp(before->source, header->source) == 0 ||
		error_set(err, ERROR_REFUSED,
			"%s comes from %s and not from %s: take one without it", previous->path,
			before->source, header->source);
}

bool snapshot_writer_follow(
	struct snapshot_writer *writer, struct snapshot *previous, bool update, struct error *err)
{
	if (!check_previous(writer, previous, err))
		return false;
	memcpy(writer->header.previous, previous->identity, sizeof(writer->header.previous));
	writer->header.sequence = previous->header.sequence + 1;
	writer->previous = update ? previous : NULL;
	return true;
}

bool snapshot_writer_set_links(
	struct snapshot_writer *writer, char *const links[static KIND_COUNT], struct error *err)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (links[kind] && strlen(links[kind]) > SNAPSHOT_LINK_MAX)
			return error_set(err, ERROR_FORMAT,
				"%s: the link to changes of %s has more than %d bytes",
				writer->path, kind_get(kind)->path, SNAPSHOT_LINK_MAX);
		memory_free(writer->header.links[kind]);
		writer->header.links[kind] = links[kind] ? memory_text(links[kind]) : NULL;
	}
	return true;
}

void snapshot_writer_set_relations(struct snapshot_writer *writer, int64_t when_ms)
{
	writer->header.relations_ms = when_ms;
}

/* ---- packing ------------------------------------------------------------------------------- */

static bool pack_runs(struct snapshot_writer *writer, struct packer *packer, struct error *err)
{
	struct change change;
	bool there;

	if (!runs_rewind(writer->runs, err))
		return false;
	for (;;) {
		if (!runs_next(writer->runs, &change, &there, err))
			return false;
		if (!there)
			return true;
		if (change.lines.data &&
			!packer_add(packer, change.id, change.lines, &change.facts, err))
			return false;
	}
}

static bool add_line_run(void *context, struct span lines, struct error *err)
{
	struct snapshot_writer *writer = context;
	struct change change = { .lines = lines };

	/* We wrote these lines: they have an id and a kind. */
	if (!line_read(line_first(lines), &change.facts) || !id_parse(change.facts.id, change.id))
		return error_set(
			err, ERROR_FORMAT, "%s: what was packed can't be read back", writer->path);
	return runs_add(writer->runs, &change, err);
}

/* What is packed becomes a run, as if it had never been packed. */
static bool unpack_direct(struct snapshot_writer *writer, struct error *err)
{
	CLEANUP(packer_freep) struct packer *packer = TAKE(writer->direct);
	CLEANUP(snapshot_closep) struct snapshot *packed = packer_reopen(packer, err);

	return packed && snapshot_each(packed, add_line_run, writer, err);
}

/* Ids are spread evenly: as many in all as there are up to the last one, by its place among all. */
static uint64_t guess_count(uint64_t count, const uint8_t last[static ID_BINARY_BYTES])
{
	uint64_t place = (uint64_t)last[0] << 24 | last[1] << 16 | last[2] << 8 | last[3];

	return (count << 32) / (place + 1);
}

/* The header line is the first of what was packed: another one takes that back. */
bool snapshot_writer_taken_from(struct snapshot_writer *writer, int64_t from_ms, struct error *err)
{
	if (writer->direct && writer->header.taken_from_ms != from_ms &&
		!unpack_direct(writer, err))
		return false;
	writer->header.taken_from_ms = from_ms;
	return true;
}

bool snapshot_writer_set_extensions(struct snapshot_writer *writer, enum kind_id kind,
	const struct attribute *const *list, size_t count, struct error *err)
{
	struct snapshot_extensions extensions = extensions_of(list, count);
	struct snapshot_extensions *kept = &writer->header.extensions[kind];
	bool other = !extensions_equal(&extensions, kept);

	memory_free(kept->at);
	*kept = extensions;
	return !writer->direct || !other || unpack_direct(writer, err);
}

/* The run in memory is full: where all came in order, it is not written, but packed. */
static bool start_direct(struct snapshot_writer *writer, struct error *err)
{
	uint64_t count = runs_count(writer->runs);

	runs_last(writer->runs, writer->last);
	writer->direct = packer_new(writer->path, &writer->header,
		bits_for(guess_count(count, writer->last)), writer->workers, err);
	if (!writer->direct || !pack_runs(writer, writer->direct, err))
		return false;
	runs_clear(writer->runs);
	return true;
}

static bool add(struct snapshot_writer *writer, const struct change *change, struct error *err)
{
	if (writer->direct) {
		if (change->lines.data && memcmp(writer->last, change->id, ID_BINARY_BYTES) < 0) {
			memcpy(writer->last, change->id, ID_BINARY_BYTES);
			return packer_add(
				writer->direct, change->id, change->lines, &change->facts, err);
		}
		if (!unpack_direct(writer, err))
			return false;
	}
	if (!writer->previous && runs_full(writer->runs, change) && runs_in_order(writer->runs) &&
		runs_all_held(writer->runs)) {
		return start_direct(writer, err) && add(writer, change, err);
	}
	return runs_add(writer->runs, change, err);
}

/* ---- adding -------------------------------------------------------------------------------- */

/* What is wrong with the lines of one object; NULL when nothing is. */
static const char *lines_fault(struct span lines, struct line_facts *facts, uint8_t *id)
{
	struct span line = line_first(lines);

	if (!lines.length || lines.data[lines.length - 1] != '\n')
		return "lines that do not end";
	if (lines.length > SNAPSHOT_OBJECT_MAX)
		return "an object larger than a snapshot takes";
	if (!line_read(line, facts))
		return "a line without id or with an unknown kind";
	if (!id_parse(facts->id, id))
		return "an id that is no GUID in lower case";
	for (struct span rest = lines; rest.length; line = line_first(rest)) {
		if (line.length > DIRECTORY_LINE_MAX)
			return "a line longer than a snapshot takes";
		if (line.data != lines.data && !span_equal(line_id(line), facts->id))
			return "a part line of another object";
		rest = line_behind(rest, line);
	}
	return NULL;
}

bool snapshot_writer_add(struct snapshot_writer *writer, struct span lines, struct error *err)
{
	struct change change = { .lines = lines };
	const char *fault = lines_fault(lines, &change.facts, change.id);

	if (fault)
		return error_set(err, ERROR_FORMAT, "%s: object %.*s: %s", writer->path,
			SPAN_FORMAT(change.facts.id), fault);
	return add(writer, &change, err);
}

bool snapshot_writer_remove(struct snapshot_writer *writer, const char *id, struct error *err)
{
	struct change change = { 0 };

	if (!id_parse(span_of(id), change.id))
		return error_set(err, ERROR_FORMAT,
			"%s: object %s: an id that is no GUID in lower case", writer->path, id);
	return add(writer, &change, err);
}

/* ---- the end ------------------------------------------------------------------------------- */

/*
 * How many there are is known when all are packed; where some came twice in different runs, or
 * were removed, there may be fewer than the runs say, and once in a while fewer buckets.
 */
static bool finish_runs(struct snapshot_writer *writer, int64_t until_ms, struct error *err)
{
	uint64_t count = runs_count(writer->runs);

	for (;;) {
		CLEANUP(packer_freep)
		struct packer *packer = packer_new(
			writer->path, &writer->header, bits_for(count), writer->workers, err);

		if (!packer || !pack_runs(writer, packer, err))
			return false;
		count = packer_count(packer);
		if (bits_for(count) == packer_bits(packer))
			return packer_finish(packer, until_ms, err);
	}
}

bool snapshot_writer_finish(struct snapshot_writer *finished, int64_t until_ms, struct error *err)
{
	CLEANUP(snapshot_writer_closep) struct snapshot_writer *writer = finished;

	if (writer->previous)
		return update_write(writer->runs, writer->previous, writer->path, &writer->header,
			writer->workers, until_ms, err);
	if (writer->direct) {
		if (bits_for(packer_count(writer->direct)) == packer_bits(writer->direct))
			return packer_finish(writer->direct, until_ms, err);
		if (!unpack_direct(writer, err))
			return false;
	}
	return finish_runs(writer, until_ms, err);
}
