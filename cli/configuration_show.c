/* A server's configuration on the screen: who it is, and which attributes it flows. */
#include <string.h>

#include "base/json.h"
#include "cli/import.h"

enum { LABEL_COLUMNS = 10, NAME_COLUMNS = 30, KIND_COLUMNS = 8, FROM_COLUMNS = 36 };

/* ---- what it says of its server ------------------------------------------------------------- */

static void add_label(struct screen *screen, const char *label, const char *text)
{
	screen_addf(screen, STYLE_DIM, "  %-*s", LABEL_COLUMNS, label);
	screen_paragraph(screen, STYLE_PLAIN, span_of(text ? text : "not in these files"),
		LABEL_COLUMNS + 2);
}

static void add_rules(struct screen *screen, const struct configuration_summary *summary)
{
	if (!summary->rules) {
		add_label(screen, "rules", NULL);
		return;
	}
	screen_addf(screen, STYLE_DIM, "  %-*s", LABEL_COLUMNS, "rules");
	screen_addf(screen, STYLE_PLAIN, "%zu, of them %zu to Entra ID, and %zu more disabled\n",
		summary->rules, summary->outbound, summary->disabled);
}

void configuration_show_summary(struct screen *screen, const struct configuration *configuration)
{
	const struct configuration_summary *summary = configuration_summary(configuration);
	char exported[TIME_TEXT_BYTES];

	add_label(screen, "account", summary->account);
	add_label(screen, "connector", summary->connector);
	screen_addf(screen, STYLE_DIM, "  %-*s", LABEL_COLUMNS, "staging");
	screen_addf(screen, STYLE_PLAIN, "%s, scheduler %s, on %s UTC\n",
		setting_name(summary->staging), setting_name(summary->scheduled),
		screen_time(summary->exported_ms, exported));
	add_label(screen, "version", summary->version);
	add_label(screen, "anchor", summary->anchor);
	add_rules(screen, summary);
}

/* ---- flows ---------------------------------------------------------------------------------- */

static const char *graph_name(const struct flow *flow)
{
	return flow->attribute ? flow->attribute->name : flow->name;
}

static bool same_target(const struct flow *a, const struct flow *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

static void add_flow(struct screen *screen, const struct flow *flow)
{
	screen_addf(screen, STYLE_DIM, "  %-*s", KIND_COLUMNS, kind_get(flow->kind)->name);
	screen_text(screen, flow->attribute ? STYLE_PLAIN : STYLE_DIM, span_of(graph_name(flow)),
		NAME_COLUMNS, true);
	screen_text(screen, flow->type == FLOW_DIRECT ? STYLE_PLAIN : STYLE_CYAN,
		span_of(flow->from), FROM_COLUMNS, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
}

static void add_flows(struct screen *screen, const struct configuration *configuration)
{
	size_t count;
	const struct flow *flows = configuration_flows(configuration, &count);

	if (!count)
		return;
	screen_addf(screen, STYLE_BOLD, "\nWhat it writes to Entra ID, and from what\n");
	for (size_t i = 0; i < count; i++)
		if (!i || !same_target(&flows[i - 1], &flows[i]))
			add_flow(screen, &flows[i]);
	screen_addf(screen, STYLE_DIM,
		"\n  An attribute that is not here is never written by this server: where another\n"
		"  one wrote it, this one does not put it back.\n");
}

static bool has_target(const struct configuration *configuration, const struct flow *flow)
{
	size_t count;
	const struct flow *flows = configuration_flows(configuration, &count);

	for (size_t i = 0; i < count; i++)
		if (same_target(&flows[i], flow))
			return true;
	return false;
}

/* The flows of `one` to what `other` never writes. */
static size_t add_only(
	struct screen *screen, const struct configuration *one, const struct configuration *other)
{
	size_t count, shown = 0;
	const struct flow *flows = configuration_flows(one, &count);

	for (size_t i = 0; i < count; i++) {
		if ((i && same_target(&flows[i - 1], &flows[i])) || has_target(other, &flows[i]))
			continue;
		add_flow(screen, &flows[i]);
		shown++;
	}
	return shown;
}

static const char *server_of(const struct configuration *configuration)
{
	const char *server = configuration_summary(configuration)->server;

	return server ? server : "(no name)";
}

static void add_difference(
	struct screen *screen, const struct configuration *one, const struct configuration *other)
{
	screen_addf(screen, STYLE_BOLD, "\nWritten by ");
	screen_text(screen, STYLE_BOLD, span_of(server_of(one)), 0, false);
	screen_addf(screen, STYLE_BOLD, " and never by ");
	screen_text(screen, STYLE_BOLD, span_of(server_of(other)), 0, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	if (!add_only(screen, one, other))
		screen_addf(screen, STYLE_DIM, "  nothing\n");
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *instant_json(int64_t ms)
{
	char text[TIME_TEXT_BYTES];

	return ms == TIME_NONE ? json_null() : json_string(time_text(ms, text));
}

static json_t *flow_json(const struct flow *flow)
{
	return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s, s:I}", "kind", kind_get(flow->kind)->name,
		"name", flow->name, "attribute", flow->attribute ? flow->attribute->name : NULL,
		"type", flow_type_name(flow->type), "from", flow->from, "rule", flow->rule,
		"precedence", (json_int_t)flow->precedence);
}

json_t *configuration_json(const struct configuration *configuration)
{
	const struct configuration_summary *summary = configuration_summary(configuration);
	size_t count;
	const struct flow *flows = configuration_flows(configuration, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, flow_json(&flows[i]));
	return json_pack("{s:s, s:s?, s:o, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:o}",
		"format", "unstage-configuration/1", "server", summary->server, "exported",
		instant_json(summary->exported_ms), "staging", setting_name(summary->staging),
		"scheduler", setting_name(summary->scheduled), "version", summary->version,
		"anchor", summary->anchor, "connector", summary->connector, "account",
		summary->account, "rules", (json_int_t)summary->rules, "outbound",
		(json_int_t)summary->outbound, "disabled", (json_int_t)summary->disabled, "flows",
		list);
}

static void add_json(struct screen *screen, const struct configuration *configuration)
{
	json_t *document = configuration_json(configuration);

	if (document)
		json_add(&screen->text, document);
	json_decref(document);
	buf_add_byte(&screen->text, '\n');
}

/* ---- for unstage show ----------------------------------------------------------------------- */

static void add_server(struct screen *screen, const struct configuration *configuration)
{
	screen_text(screen, STYLE_BOLD, span_of(server_of(configuration)), 0, false);
	screen_addf(screen, STYLE_PLAIN, "\n");
	configuration_show_summary(screen, configuration);
}

bool configuration_show(
	struct screen *screen, const char *const *folders, bool json, struct error *err)
{
	CLEANUP(configuration_freep)
	struct configuration *one = configuration_load(folders[0], err);
	CLEANUP(configuration_freep) struct configuration *other = NULL;

	if (!one)
		return false;
	if (folders[1] && !(other = configuration_load(folders[1], err)))
		return false;
	if (json) {
		add_json(screen, one);
		if (other)
			add_json(screen, other);
		return true;
	}
	add_server(screen, one);
	if (other) {
		add_server(screen, other);
		add_difference(screen, one, other);
		add_difference(screen, other, one);
	} else {
		add_flows(screen, one);
	}
	return true;
}
