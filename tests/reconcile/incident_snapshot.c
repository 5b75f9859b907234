/* The tenant of a generated incident as a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/reconcile/incident_internal.h"

enum { TAKING_MS = 600 * 1000, PAUSE_MS = 5000, BYSTANDERS = 300 };

/* ---- things ---------------------------------------------------------------------------------- */

/* The service puts the id's digits before the sign-in name of who lies in deleted items. */
static void add_deleted_name(struct buf *out, const struct thing *thing, const char *json)
{
	buf_add_text(out, ",\"userPrincipalName\":\"");
	for (const char *at = thing->id; *at; at++)
		if (*at != '-')
			buf_add_byte(out, *at);
	buf_add_text(out, json + 1);
}

static void add_value(
	struct buf *out, const struct thing *thing, const struct field *field, const char *json)
{
	const char *inner = strchr(field->name, '/');

	if (!json[0])
		return;
	if (field->form == FORM_SIGN_IN_NAME && thing->where == IN_DELETED_ITEMS) {
		add_deleted_name(out, thing, json);
		return;
	}
	if (inner)
		buf_addf(out, ",\"%.*s\":{\"%s\":%s}", (int)(inner - field->name), field->name,
			inner + 1, json);
	else if (field->form == FORM_LINK)
		buf_addf(out, ",\"%s\":{\"id\":%s}", field->name, json);
	else
		buf_addf(out, ",\"%s\":%s", field->name, json);
}

static void set_now(const struct thing *thing, size_t set, bool there[static ELEMENTS])
{
	for (size_t i = 0; i < ELEMENTS; i++)
		there[i] = thing->sets[set][i].now;
}

/* Exchange knows who has a mail address. */
static void add_mastery(struct buf *graph, const struct thing *thing)
{
	const struct sort *sort = thing->sort;

	if (!thing->cloud)
		buf_add_text(graph, ",\"onPremisesSyncEnabled\":true");
	else
		buf_addf(graph, ",\"mail\":\"%s%zu@contoso.com\"", sort->word, thing->number);
	if (sort->kind == KIND_USER && (!thing->cloud || thing->switched))
		buf_addf(graph,
			",\"onPremisesImmutableId\":\"%s%zu\",\"onPremisesDistinguishedName\":"
			"\"CN=%s%zu,OU=People,DC=contoso,DC=com\"",
			sort->word, thing->number, sort->word, thing->number);
	if (sort->kind == KIND_GROUP && (!thing->cloud || thing->switched))
		buf_addf(graph, ",\"onPremisesSecurityIdentifier\":\"S-1-5-21-1-2-3-%zu\"",
			thing->number);
	if (thing->switched)
		buf_add_text(graph, ",\"isCloudManaged\":true");
}

/* Security groups, distribution groups, groups of Microsoft 365. */
static void add_nature(struct buf *graph, const struct thing *thing)
{
	static const char *const natures[] = {
		",\"mailEnabled\":false,\"securityEnabled\":true,\"groupTypes\":[]",
		",\"mailEnabled\":true,\"securityEnabled\":false,\"groupTypes\":[]",
		",\"mailEnabled\":true,\"securityEnabled\":false,\"groupTypes\":[\"Unified\"]",
	};

	if (thing->sort->kind == KIND_GROUP)
		buf_add_text(graph, natures[thing->number % COUNT_OF(natures)]);
}

static void add_values(struct buf *graph, const struct thing *thing)
{
	struct mailbox mailbox = mailbox_of(thing);
	char json[VALUE_TEXT_MAX];
	bool there[ELEMENTS];

	add_mastery(graph, thing);
	add_nature(graph, thing);
	buf_add_text(graph, ",\"proxyAddresses\":");
	mailbox_add(graph, thing, &mailbox);
	for (size_t i = 0; i < thing->sort->field_count; i++) {
		field_json(json, thing, &thing->sort->fields[i], thing->fields[i].now);
		add_value(graph, thing, &thing->sort->fields[i], json);
	}
	for (size_t i = 0; i < thing->sort->set_count; i++) {
		if (!thing->sort->sets[i].audit)
			continue;
		set_now(thing, i, there);
		buf_addf(graph, ",\"%s\":", thing->sort->sets[i].name);
		set_add(graph, thing, &thing->sort->sets[i], there);
	}
}

static void add_relation(struct buf *lines, const struct thing *thing, size_t set)
{
	char texts[ELEMENTS][VALUE_TEXT_MAX];
	struct error err = { 0 };
	struct span ids[ELEMENTS];
	size_t count = 0;

	if (thing->sort->sets[set].audit || thing->where != THERE)
		return;
	for (size_t i = 0; i < ELEMENTS; i++) {
		if (!thing->sets[set][i].now)
			continue;
		element_text(texts[i], thing, &thing->sort->sets[set], i);
		ids[count++] = span_of(texts[i]);
	}
	if (count &&
		!line_add_parts(
			lines, span_of(thing->id), thing->sort->sets[set].name, ids, count, &err))
		fail_msg("%s", err.text);
}

static void add_thing(struct snapshot_writer *writer, const struct thing *thing)
{
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(INCIDENT_TEXT_MAX);
	struct error err = { 0 };

	if (thing->where == NOWHERE || thing->where == GONE)
		return;
	buf_addf(&graph, "{\"id\":\"%s\",\"displayName\":\"%s %zu\"", thing->id, thing->sort->type,
		thing->number);
	add_values(&graph, thing);
	buf_add_byte(&graph, '}');
	if (!line_add_object(&lines, kind_get(thing->sort->kind), buf_span(&graph),
		    thing->where == IN_DELETED_ITEMS, NULL, 0, &err))
		fail_msg("%s", err.text);
	buf_add_byte(&lines, '\n');
	for (size_t i = 0; i < thing->sort->set_count; i++)
		add_relation(&lines, thing, i);
	if (!snapshot_writer_add(writer, buf_span(&lines), &err))
		fail_msg("%s", err.text);
}

/* ---- files ------------------------------------------------------------------------------------ */

static struct snapshot_writer *writer_open(const char *path, int64_t from_ms)
{
	char tenant[] = INCIDENT_TENANT, cloud[] = "global", source[] = "graph";
	const struct attribute *extension = attribute_find(
		kind_get(KIND_USER), SPAN_LITERAL(INCIDENT_EXTENSION));
	struct snapshot_header header = {
		.tenant = tenant, .cloud = cloud, .source = source, .taken_from_ms = from_ms
	};
	struct error err = { 0 };
	struct snapshot_writer *writer = snapshot_writer_open(path, &header, &err);

	if (!writer || !snapshot_writer_set_extensions(writer, KIND_USER, &extension, 1, &err))
		fail_msg("%s", err.text);
	return writer;
}

static struct snapshot *writer_end(
	struct snapshot_writer *writer, const char *path, int64_t until_ms)
{
	struct error err = { 0 };
	struct snapshot *snapshot;

	if (!snapshot_writer_finish(writer, until_ms, &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	unlink(path);
	return snapshot;
}

struct snapshot *incident_snapshot(
	struct incident *incident, const char *folder, const char *name, bool busy)
{
	CLEANUP(memory_freep) char *path = file_path(folder, name);
	struct snapshot_writer *writer;
	struct snapshot *snapshot;

	writer = writer_open(path, incident->now_ms += PAUSE_MS);
	if (busy)
		incident_go_on(incident);
	for (size_t i = 0; i < THINGS; i++)
		add_thing(writer, &incident->things[i]);
	if (busy)
		incident_go_on(incident);
	snapshot = writer_end(writer, path, incident->now_ms += TAKING_MS);
	incident->now_ms += PAUSE_MS;
	return snapshot;
}

/* ---- the same with bystanders -------------------------------------------------------------------- */

static bool copy_lines(void *context, struct span lines, struct error *err)
{
	return snapshot_writer_add(context, lines, err);
}

static void add_bystander(struct snapshot_writer *writer, unsigned number)
{
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(INCIDENT_TEXT_MAX);
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(INCIDENT_TEXT_MAX);
	struct error err = { 0 };

	/* Ids of all beginnings: buckets go by them. */
	buf_addf(&graph, "{\"id\":\"%08x-3b55-4a8e-b7be-ffffffffffff\",\"displayName\":\"B\"}",
		number * 0x00d9c5e7u);
	if (!line_add_object(&lines, kind_get(KIND_USER), buf_span(&graph), false, NULL, 0, &err))
		fail_msg("%s", err.text);
	buf_add_byte(&lines, '\n');
	if (!snapshot_writer_add(writer, buf_span(&lines), &err))
		fail_msg("%s", err.text);
}

struct snapshot *incident_snapshot_again(
	struct incident *incident, struct snapshot *snapshot, const char *folder)
{
	const struct snapshot_header *header = snapshot_header(snapshot);
	CLEANUP(memory_freep) char *path = file_path(folder, "again");
	struct snapshot_writer *writer = writer_open(path, header->taken_from_ms);
	unsigned before = (unsigned)incident_random(incident, BYSTANDERS);
	struct error err = { 0 };

	for (unsigned i = 0; i < BYSTANDERS; i++) {
		if (i == before && !snapshot_each(snapshot, copy_lines, writer, &err))
			fail_msg("%s", err.text);
		add_bystander(writer, i);
	}
	return writer_end(writer, path, header->taken_until_ms);
}
