/* The tenant of a generated incident as a snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/reconcile/incident_internal.h"

enum { TAKING_MS = 600 * 1000, PAUSE_MS = 1000 };

static void add_line(struct snapshot_writer *writer, enum kind_id kind, const struct buf *graph,
	bool deleted, const char *id, struct span *members, size_t member_count)
{
	struct error err = { 0 };
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(INCIDENT_TEXT_MAX);

	if (!line_add_object(&lines, kind_get(kind), buf_span(graph), deleted, NULL, 0, &err))
		fail_msg("%s", err.text);
	buf_add_byte(&lines, '\n');
	if ((member_count &&
		    !line_add_parts(&lines, span_of(id), "members", members, member_count, &err)) ||
		!snapshot_writer_add(writer, buf_span(&lines), &err))
		fail_msg("%s", err.text);
}

static void add_value_member(struct buf *out, const char *name, int value)
{
	if (value)
		buf_addf(out, ",\"%s\":\"%s\"", name, value_text(value));
}

static void add_person(struct snapshot_writer *writer, const struct person *person, size_t number)
{
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(INCIDENT_TEXT_MAX);
	struct mailbox mailbox = mailbox_of(person);
	char id[ID_BYTES + 1];

	person_id(id, number);
	buf_addf(&graph, "{\"id\":\"%s\",\"userPrincipalName\":\"p%zu@contoso.com\"", id, number);
	if (person->where == THERE) {
		buf_add_text(&graph, ",\"onPremisesSyncEnabled\":true,\"proxyAddresses\":");
		mailbox_add(&graph, number, &mailbox);
		add_value_member(&graph, "department", person->values[0].now);
		add_value_member(&graph, "jobTitle", person->values[1].now);
	}
	buf_add_byte(&graph, '}');
	if (person->where != NOWHERE)
		add_line(writer, KIND_USER, &graph, person->where == IN_DELETED_ITEMS, id, NULL, 0);
}

static void add_group(struct snapshot_writer *writer, const struct group *group, size_t number)
{
	CLEANUP(buf_release) struct buf graph = BUF_UP_TO(INCIDENT_TEXT_MAX);
	char id[ID_BYTES + 1], ids[STEADY][ID_BYTES + 1];
	struct span members[STEADY];
	size_t count = 0;

	group_id(id, number);
	for (size_t i = 0; i < STEADY; i++) {
		if (!group->members[i].now)
			continue;
		person_id(ids[i], i);
		members[count++] = span_of(ids[i]);
	}
	buf_addf(&graph, "{\"id\":\"%s\",\"displayName\":\"G%zu\",\"onPremisesSyncEnabled\":true",
		id, number);
	add_value_member(&graph, "description", group->description.now);
	buf_add_byte(&graph, '}');
	add_line(writer, KIND_GROUP, &graph, false, id, members, count);
}

struct snapshot *incident_snapshot(struct incident *incident, const char *folder, const char *name)
{
	struct error err = { 0 };
	CLEANUP(memory_freep) char *path = file_path(folder, name);
	char tenant[] = INCIDENT_TENANT, cloud[] = "global", source[] = "graph";
	struct snapshot_header header = { .tenant = tenant, .cloud = cloud, .source = source };
	struct snapshot_writer *writer;
	struct snapshot *snapshot;

	header.taken_from_ms = incident->now_ms += PAUSE_MS;
	writer = snapshot_writer_open(path, &header, &err);
	if (!writer)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < PEOPLE; i++)
		add_person(writer, &incident->people[i], i);
	for (size_t i = 0; i < GROUPS; i++)
		add_group(writer, &incident->groups[i], i);
	incident->now_ms += TAKING_MS;
	if (!snapshot_writer_finish(writer, incident->now_ms, &err))
		fail_msg("%s", err.text);
	snapshot = snapshot_open(path, &err);
	if (!snapshot)
		fail_msg("%s", err.text);
	unlink(path);
	incident->now_ms += PAUSE_MS;
	return snapshot;
}
