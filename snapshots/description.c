/*
 * The description in the index (docs/FORMAT-snapshot.md): counts, and how the snapshot came to be.
 * A snapshot nobody signed may say anything here. Counts are held against the objects by who reads
 * them all; a link passes the gate of every request when it is used [T19].
 */
#include <inttypes.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "snapshots/snapshots_internal.h"

/* ---- writing ------------------------------------------------------------------------- */

json_t *description_attributes(const struct snapshot_header *header)
{
	json_t *kinds = json_object();

	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get(id);
		json_t *names = json_array();

		for (size_t i = 0; i < kind->attribute_count; i++)
			json_array_append_new(names, json_string(kind->attributes[i].name));
		for (size_t i = 0; i < header->extensions[id].count; i++)
			json_array_append_new(
				names, json_string(header->extensions[id].at[i]->name));
		json_object_set_new(kinds, kind->name, names);
	}
	return kinds;
}

static json_t *objects_json(const struct snapshot_header *header)
{
	json_t *objects = json_object();

	for (int kind = 0; kind < KIND_COUNT; kind++)
		json_object_set_new(objects, kind_get(kind)->name,
			json_integer((json_int_t)header->objects[kind]));
	return objects;
}

static json_t *links_json(const struct snapshot_header *header)
{
	json_t *links = json_object();

	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (header->links[kind])
			json_object_set_new(
				links, kind_get(kind)->name, json_string(header->links[kind]));
	return links;
}

void description_add(struct buf *out, const struct snapshot_header *header, unsigned bits)
{
	char instant[TIME_TEXT_BYTES];
	CLEANUP(json_freep)
	json_t *json = json_pack("{s:i, s:I, s:I, s:o, s:o, s:o, s:I, s:s}", "bits", (int)bits,
		"bytes", (json_int_t)header->bytes, "deleted", (json_int_t)header->deleted,
		"deltaLinks", links_json(header), "objects", objects_json(header), "previous",
		*header->previous ? json_string(header->previous) : json_null(), "sequence",
		(json_int_t)header->sequence, "takenUntil",
		time_text(header->taken_until_ms, instant));

	if (header->relations_ms)
		json_object_set_new(json, "relationsRead",
			json_string(time_text(header->relations_ms, instant)));
	json_add(out, json);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool count_of(const json_t *object, const char *key, uint64_t *count, struct error *err)
{
	int64_t number;

	if (!json_number_of(object, key, &number, err))
		return false;
	if (number < 0)
		return error_set(err, ERROR_FORMAT, "%s: less than nothing", key);
	*count = (uint64_t)number;
	return true;
}

bool instant_of(const json_t *object, const char *key, int64_t *ms, struct error *err)
{
	const char *text = json_text(object, key, err);

	return text &&
		(time_parse(span_of(text), ms) ||
			error_set(err, ERROR_FORMAT, "%s: no instant", key));
}

static bool read_objects(const json_t *json, struct snapshot_header *header, struct error *err)
{
	const json_t *objects = json_object_of(json, "objects", err);

	if (!objects)
		return false;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (!count_of(objects, kind_get(kind)->name, &header->objects[kind], err))
			return error_prefix(err, "objects");
	return true;
}

static bool read_links(const json_t *json, struct snapshot_header *header, struct error *err)
{
	const json_t *links = json_object_of(json, "deltaLinks", err);

	if (!links)
		return false;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *name = kind_get(kind)->name;
		const char *link;

		if (!json_object_get(links, name))
			continue;
		link = json_text(links, name, err);
		if (!link)
			return error_prefix(err, "deltaLinks");
		if (strlen(link) > SNAPSHOT_LINK_MAX)
			return error_set(err, ERROR_FORMAT, "deltaLinks: %s: longer than %d bytes",
				name, SNAPSHOT_LINK_MAX);
		header->links[kind] = memory_text(link);
	}
	return true;
}

static bool read_previous(const json_t *json, struct snapshot_header *header, struct error *err)
{
	const char *previous;

	if (!count_of(json, "sequence", &header->sequence, err))
		return false;
	if (json_is_null(json_object_get(json, "previous")))
		return !header->sequence ||
			error_set(err, ERROR_FORMAT, "previous: missing, and this is no first one");
	previous = json_text(json, "previous", err);
	if (!previous)
		return false;
	if (!snapshot_is_identity(previous) || !header->sequence)
		return error_set(err, ERROR_FORMAT, "previous: no identity of an earlier one");
	memcpy(header->previous, previous, SNAPSHOT_ID_TEXT);
	return true;
}

bool description_read(
	struct span text, struct snapshot_header *header, unsigned *bits, struct error *err)
{
	CLEANUP(json_freep) json_t *json = json_parse(text, META_MAX, err);
	uint64_t number;

	if (!json || !count_of(json, "bits", &number, err))
		return false;
	if (number > BITS_MAX)
		return error_set(err, ERROR_FORMAT, "bits: more than %d", BITS_MAX);
	*bits = (unsigned)number;
	return read_objects(json, header, err) && count_of(json, "bytes", &header->bytes, err) &&
		count_of(json, "deleted", &header->deleted, err) && read_links(json, header, err) &&
		read_previous(json, header, err) &&
		instant_of(json, "takenUntil", &header->taken_until_ms, err) &&
		(!json_object_get(json, "relationsRead") ||
			instant_of(json, "relationsRead", &header->relations_ms, err));
}
