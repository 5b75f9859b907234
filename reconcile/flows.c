/*
 * What a production server's outbound rules flow into the directory, by its imported configuration: what it
 * does not flow, no cycle of it puts back (facts 7.4).
 *
 * In the file, behind the holders, a line for each kind that the server has rules for:
 *
 *	{"flows":"user","server":"SYNC01","exported":"2026-03-04T09:00:00Z","names":["accountEnabled",…]}
 *
 * Names are the connector space's. Of two configurations of one server the later one is kept whole; of a
 * kind without a line nothing is known, and the default rules are assumed.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "reconcile/evidence_internal.h"

struct flow_list {
	const char **at;
	size_t count, capacity;
	bool *rows; /* of the kinds table, by place: is it flowed, by whatever name? */
};

struct server_flows {
	const char *server;
	int64_t exported_ms;
	struct flow_list kinds[KIND_COUNT]; /* sorted, each once */
};

struct flows {
	struct server_flows *at[FLOW_SERVERS_MAX]; /* sorted by name */
	size_t count;
};

static void empty(struct server_flows *server)
{
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		memory_free(server->kinds[kind].at);
		memory_free(server->kinds[kind].rows);
		server->kinds[kind] = (struct flow_list){ 0 };
	}
}

void flows_free(struct flows *flows)
{
	if (!flows)
		return;
	for (size_t i = 0; i < flows->count; i++) {
		empty(flows->at[i]);
		memory_free(flows->at[i]);
	}
	memory_free(flows);
}

/* ---- collecting ------------------------------------------------------------------------ */

static struct server_flows *server_of(
	struct evidence *evidence, const char *name, int64_t exported_ms, struct error *err)
{
	struct flows *flows = evidence->flows;
	struct server_flows *server;
	size_t place = 0;

	if (!flows)
		flows = evidence->flows = memory_new(sizeof(*flows));
	while (place < flows->count && strcmp(flows->at[place]->server, name) < 0)
		place++;
	if (place < flows->count && strcmp(flows->at[place]->server, name) == 0)
		return flows->at[place];
	if (flows->count == FLOW_SERVERS_MAX) {
		error_set(err, ERROR_FORMAT, "flows: more than %d servers", FLOW_SERVERS_MAX);
		return NULL;
	}
	server = memory_new(sizeof(*server));
	server->server = evidence_keep(evidence, span_of(name)).data;
	server->exported_ms = exported_ms;
	memmove(&flows->at[place + 1], &flows->at[place],
		(flows->count - place) * sizeof(*flows->at));
	flows->at[place] = server;
	flows->count++;
	return server;
}

/* Where `name` is, or belongs. */
static size_t place_in(const struct flow_list *list, const char *name, bool *found)
{
	size_t low = 0;

	*found = false;
	for (size_t high = list->count; low < high && !*found;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(list->at[middle], name);

		*found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
		if (*found)
			low = middle;
	}
	return low;
}

static void mark_row(struct flow_list *list, enum kind_id id, const char *name)
{
	const struct kind *kind = kind_get(id);
	const struct attribute *attribute = attribute_find_sync(kind, span_of(name));

	if (!list->rows)
		list->rows = memory_array(kind->attribute_count, sizeof(*list->rows));
	if (attribute && !attribute_is_extension(attribute))
		list->rows[attribute - kind->attributes] = true;
}

bool evidence_add_flow(
	struct evidence *evidence, const struct evidence_flow *flow, struct error *err)
{
	struct server_flows *server = server_of(evidence, flow->server, flow->exported_ms, err);
	struct flow_list *list;
	size_t place;
	bool found;

	if (!server)
		return false;
	if (flow->exported_ms < server->exported_ms)
		return true;
	evidence->settled = false;
	if (flow->exported_ms > server->exported_ms) {
		empty(server);
		server->exported_ms = flow->exported_ms;
	}
	list = &server->kinds[flow->kind];
	place = place_in(list, flow->name, &found);
	if (found)
		return true;
	if (list->count == FLOW_NAMES_MAX)
		return error_set(err, ERROR_FORMAT, "flows of %s: more than %d names of one kind",
			flow->server, FLOW_NAMES_MAX);
	MEMORY_GROW(list->at, list->count, list->capacity);
	memmove(&list->at[place + 1], &list->at[place], (list->count - place) * sizeof(*list->at));
	list->at[place] = evidence_keep(evidence, span_of(flow->name)).data;
	list->count++;
	mark_row(list, flow->kind, flow->name);
	return true;
}

static bool merge_kind(struct evidence *into, const struct server_flows *server, enum kind_id kind,
	struct error *err)
{
	const struct flow_list *list = &server->kinds[kind];

	for (size_t i = 0; i < list->count; i++)
		if (!evidence_add_flow(into,
			    &(struct evidence_flow){
				    server->server, server->exported_ms, kind, list->at[i] },
			    err))
			return false;
	return true;
}

bool flows_merge(struct evidence *into, const struct evidence *from, struct error *err)
{
	for (size_t i = 0; from->flows && i < from->flows->count; i++)
		for (size_t kind = 0; kind < KIND_COUNT; kind++)
			if (!merge_kind(into, from->flows->at[i], (enum kind_id)kind, err))
				return false;
	return true;
}

/* ---- looking --------------------------------------------------------------------------- */

const char *flows_server(const struct server_flows *flows)
{
	return flows->server;
}

int64_t flows_exported_ms(const struct server_flows *flows)
{
	return flows->exported_ms;
}

enum flowing flows_attribute(const struct server_flows *flows, const struct kind *kind,
	const struct attribute *attribute)
{
	const struct flow_list *list = flows ? &flows->kinds[kind->id] : NULL;
	bool found;

	if (!list || !list->count)
		return FLOWING_UNKNOWN;
	if (attribute_is_extension(attribute))
		place_in(list, attribute->name, &found);
	else
		found = list->rows[attribute - kind->attributes];
	return found ? FLOWING : FLOWING_NOT;
}

static bool same_server(const char *a, const char *b)
{
	return a && b && text_compare_caseless(span_of(a), span_of(b)) == 0;
}

static bool is_staging(const struct reconciling *reconciling, const char *server, bool *known)
{
	const struct evidence *evidence = reconciling->options->evidence;

	for (size_t i = 0; i < evidence_writer_count(evidence); i++) {
		const struct writer *writer = evidence_writer(evidence, i);

		if (reconciling->writers[i] != WRITER_STAGING || !writer->server)
			continue;
		*known = true;
		if (same_server(writer->server, server))
			return true;
	}
	return false;
}

/*
 * The one that is called production; without that word the only one that is not the staging server's: where
 * it is not known which of them is staging, or there are several, nobody's rules are taken for production's.
 */
const struct server_flows *flows_of_production(const struct reconciling *reconciling)
{
	const struct evidence *evidence = reconciling->options->evidence;
	const char *named = reconciling->options->production;
	const struct server_flows *only = NULL;
	size_t count = 0;

	if (!evidence || !evidence->flows || !reconciling->writers)
		return NULL;
	for (size_t i = 0; i < evidence->flows->count; i++) {
		const struct server_flows *server = evidence->flows->at[i];
		bool known = false;

		if (is_staging(reconciling, server->server, &known))
			continue;
		if (named ? !same_server(named, server->server) : !known)
			continue;
		only = server;
		count++;
	}
	return count == 1 ? only : NULL;
}

/* ---- in the file ----------------------------------------------------------------------- */

static void add_line(struct buf *out, const struct server_flows *server, enum kind_id kind)
{
	const struct flow_list *list = &server->kinds[kind];
	char when[TIME_TEXT_BYTES];

	buf_addf(out, "{\"flows\":\"%s\",\"server\":", kind_get(kind)->name);
	scan_quote(span_of(server->server), out);
	if (server->exported_ms != TIME_NONE)
		buf_addf(out, ",\"exported\":\"%s\"", time_text(server->exported_ms, when));
	for (size_t i = 0; i < list->count; i++) {
		buf_add_text(out, i ? "," : ",\"names\":[");
		scan_quote(span_of(list->at[i]), out);
	}
	buf_add_text(out, "]}\n");
}

size_t flows_add_lines(struct buf *out, const struct evidence *evidence)
{
	size_t lines = 0;

	for (size_t i = 0; evidence->flows && i < evidence->flows->count; i++)
		for (size_t kind = 0; kind < KIND_COUNT; kind++) {
			const struct server_flows *server = evidence->flows->at[i];

			if (!server->kinds[kind].count)
				continue;
			lines++;
			if (out)
				add_line(out, server, (enum kind_id)kind);
		}
	return lines;
}

bool is_flows_line(const json_t *line)
{
	return json_object_get(line, "flows") && !json_object_get(line, "end");
}

static bool read_exported(const json_t *line, int64_t *exported_ms, struct error *err)
{
	const char *text;

	*exported_ms = TIME_NONE;
	if (!json_object_get(line, "exported"))
		return true;
	text = json_text(line, "exported", err);
	if (!text)
		return false;
	return time_parse(span_of(text), exported_ms) ||
		error_set(err, ERROR_FORMAT, "exported: not an instant");
}

bool flows_read_line(struct evidence *evidence, const json_t *line, struct error *err)
{
	const char *kind_name = json_text(line, "flows", err);
	const struct kind *kind = kind_name ? kind_find(span_of(kind_name)) : NULL;
	struct evidence_flow flow = { 0 };
	json_t *names, *name;
	size_t i;

	if (!kind_name)
		return false;
	if (!kind)
		return error_set(err, ERROR_FORMAT, "flows: \"%s\" is unknown", kind_name);
	flow.kind = kind->id;
	flow.server = json_text(line, "server", err);
	if (!flow.server || !read_exported(line, &flow.exported_ms, err))
		return false;
	names = json_array_of(line, "names", err);
	if (!names)
		return false;
	json_array_foreach(names, i, name)
	{
		flow.name = json_string_value(name);
		if (!flow.name)
			return error_set(err, ERROR_FORMAT, "names: not a text");
		if (!evidence_add_flow(evidence, &flow, err))
			return false;
	}
	return true;
}
