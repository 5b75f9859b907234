/*
 * The three kinds of files of a server's configuration. What is not asked for is passed over: schemas,
 * water marks, other connectors.
 */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "imports/configuration_internal.h"
#include "imports/runs_internal.h"

/* The document being read, whichever it is. */
struct reading {
	struct configuration *configuration;
	const char *root;      /* that it must have */
	struct buf path;       /* of the element: "a/b/c" */
	const char *parameter; /* the name of the parameter that is open, or NULL */
	/* Of a connector, and of a rule. */
	const char *id, *name, *account;
	const char *direction, *target, *disabled, *connector;
	int64_t precedence;
	/* Of a mapping. */
	size_t first_flow; /* of the rule */
	const char *to, *source, *attribute, *expression;
};

typedef bool end_function(
	struct reading *reading, const char *path, struct span text, struct error *err);

static const char *keep(struct reading *reading, struct span text)
{
	return kept_add(&reading->configuration->kept, text);
}

static bool is_text(const char *text, const char *wanted)
{
	return text && text_compare_caseless(span_of(text), span_of(wanted)) == 0;
}

/* ---- GlobalSettings/MV.xml ---------------------------------------------------------------- */

enum setting_type { SETTING_SWITCH, SETTING_TEXT };

static const struct parameter {
	const char *name;
	enum setting_type type;
	size_t offset; /* of the summary */
} parameters[] = {
	{ "Microsoft.Synchronize.StagingMode", SETTING_SWITCH,
		offsetof(struct configuration_summary, staging) },
	{ "Microsoft.Synchronize.SynchronizationSchedule", SETTING_SWITCH,
		offsetof(struct configuration_summary, scheduled) },
	{ "Microsoft.Synchronize.ServerConfigurationVersion", SETTING_TEXT,
		offsetof(struct configuration_summary, version) },
	{ "Microsoft.SynchronizationOption.AnchorAttribute", SETTING_TEXT,
		offsetof(struct configuration_summary, anchor) },
};

static const struct member export_date = { "export-date", MEMBER_INSTANT,
	offsetof(struct configuration_summary, exported_ms) };

static bool begin_settings(
	struct reading *reading, const char *const *attributes, struct error *err)
{
	const char *date = xml_attribute(attributes, "export-date");
	struct configuration *configuration = reading->configuration;

	configuration->summary.server = keep(reading, span_of(xml_attribute(attributes, "server")));
	return !date ||
		member_read(&configuration->kept, &export_date, &configuration->summary,
			span_of(date), err);
}

static bool read_switch(enum setting *setting, struct span text, struct error *err)
{
	if (text_compare_caseless(text, SPAN_LITERAL("True")) == 0)
		*setting = SETTING_ON;
	else if (text_compare_caseless(text, SPAN_LITERAL("False")) == 0)
		*setting = SETTING_OFF;
	else
		return error_set(
			err, ERROR_FORMAT, "'%.*s' is neither True nor False", SPAN_FORMAT(text));
	return true;
}

static bool end_setting(
	struct reading *reading, const char *path, struct span text, struct error *err)
{
	char *summary = (char *)&reading->configuration->summary;

	(void)path;
	if (!reading->parameter || !text.length)
		return true;
	for (size_t i = 0; i < COUNT_OF(parameters); i++) {
		void *place = summary + parameters[i].offset;

		if (strcmp(reading->parameter, parameters[i].name) != 0)
			continue;
		if (parameters[i].type == SETTING_TEXT)
			*(const char **)place = keep(reading, text);
		else if (!read_switch(place, text, err))
			return error_prefix(err, "%s", reading->parameter);
	}
	return true;
}

/* ---- Connectors/Connector_{…}.xml --------------------------------------------------------- */

static const char *guid_of(struct reading *reading, struct span text)
{
	static const struct member member = { "id", MEMBER_GUID, 0 };
	struct error ignored = { 0 };
	const char *guid = NULL;

	return member_read(&reading->configuration->kept, &member, &guid, text, &ignored) ? guid
											  : NULL;
}

static bool end_connector(
	struct reading *reading, const char *path, struct span text, struct error *err)
{
	struct configuration_summary *summary = &reading->configuration->summary;

	(void)err;
	if (strcmp(path, "ma-data/id") == 0)
		reading->id = guid_of(reading, text);
	else if (strcmp(path, "ma-data/name") == 0)
		reading->name = keep(reading, text);
	else if (reading->parameter && strcmp(reading->parameter, "UserName") == 0 && text.length)
		reading->account = keep(reading, text);
	else if (strcmp(path, "ma-data") == 0 && is_text(reading->id, ENTRA_CONNECTOR)) {
		summary->connector = reading->name;
		summary->account = reading->account;
	}
	return true;
}

/* ---- SynchronizationRules/SynchronizationRule_{…}.xml ---------------------------------------- */

#define IN_RULE    "synchronizationRule/"
#define IN_MAPPING IN_RULE "attribute-mappings/mapping/"

static const struct rule_text {
	const char *path;
	size_t offset; /* of the reading */
} rule_texts[] = {
	{ IN_RULE "name", offsetof(struct reading, name) },
	{ IN_RULE "direction", offsetof(struct reading, direction) },
	{ IN_RULE "disabled", offsetof(struct reading, disabled) },
	{ IN_RULE "targetObjectType", offsetof(struct reading, target) },
	{ IN_MAPPING "dest", offsetof(struct reading, to) },
	{ IN_MAPPING "expression", offsetof(struct reading, expression) },
	{ IN_MAPPING "src/attr", offsetof(struct reading, attribute) },
	{ IN_MAPPING "src", offsetof(struct reading, source) },
};

static const struct member precedence = { "precedence", MEMBER_NUMBER,
	offsetof(struct reading, precedence) };

/* An expression counts, whatever it is made of; then an attribute; what is left is a constant. */
static void set_source(struct flow *flow, const struct reading *reading)
{
	if (reading->expression) {
		flow->type = FLOW_EXPRESSION;
		flow->from = reading->expression;
	} else if (reading->attribute) {
		flow->type = FLOW_DIRECT;
		flow->from = reading->attribute;
	} else {
		flow->type = FLOW_CONSTANT;
		flow->from = reading->source;
	}
	if (!flow->from)
		flow->from = "";
}

/* Each mapping of a rule is kept at first: what the rule is about may stand behind them. */
static bool end_mapping(struct reading *reading, struct error *err)
{
	struct configuration *configuration = reading->configuration;
	struct flow *flow;

	if (configuration->flow_count == FLOWS_MAX)
		return error_set(err, ERROR_FORMAT, "more than %d flows in all rules", FLOWS_MAX);
	if (!reading->to)
		return error_set(err, ERROR_FORMAT, "a flow to nothing: dest is missing");
	MEMORY_GROW(configuration->flows, configuration->flow_count, configuration->flow_capacity);
	flow = &configuration->flows[configuration->flow_count++];
	*flow = (struct flow){ .name = reading->to };
	set_source(flow, reading);
	reading->to = reading->source = reading->attribute = reading->expression = NULL;
	return true;
}

static void name_flows(struct reading *reading, const struct kind *kind)
{
	struct configuration *configuration = reading->configuration;

	for (size_t i = reading->first_flow; i < configuration->flow_count; i++) {
		struct flow *flow = &configuration->flows[i];

		flow->kind = kind->id;
		flow->attribute = attribute_find_sync(kind, span_of(flow->name));
		flow->rule = reading->name ? reading->name : "";
		flow->precedence = reading->precedence;
	}
}

static void end_rule(struct reading *reading)
{
	struct configuration *configuration = reading->configuration;
	const struct kind *kind = reading->target ? kind_find(span_of(reading->target)) : NULL;
	bool to_entra = is_text(reading->direction, "Outbound") &&
		is_text(reading->connector, ENTRA_CONNECTOR);
	bool disabled = is_text(reading->disabled, "True");

	configuration->summary.rules++;
	configuration->summary.outbound += to_entra && !disabled;
	configuration->summary.disabled += to_entra && disabled;
	if (to_entra && !disabled && kind)
		name_flows(reading, kind);
	else
		configuration->flow_count = reading->first_flow;
}

static bool end_in_rule(
	struct reading *reading, const char *path, struct span text, struct error *err)
{
	if (strcmp(path, "synchronizationRule") == 0) {
		end_rule(reading);
		return true;
	}
	if (strcmp(path, IN_RULE "attribute-mappings/mapping") == 0)
		return end_mapping(reading, err);
	if (strcmp(path, IN_RULE "connector") == 0)
		reading->connector = guid_of(reading, text);
	if (strcmp(path, IN_RULE "precedence") == 0)
		return member_read(&reading->configuration->kept, &precedence, reading, text, err);
	for (size_t i = 0; i < COUNT_OF(rule_texts); i++)
		if (strcmp(path, rule_texts[i].path) == 0 && text.length)
			*(const char **)(void *)((char *)reading + rule_texts[i].offset) = keep(
				reading, text);
	return true;
}

/* ---- any of them -------------------------------------------------------------------------- */

struct file_type {
	const char *root;
	end_function *end;
};

struct document {
	struct reading reading;
	const struct file_type *type;
};

static bool on_start(void *context, unsigned depth, const char *name, const char *const *attributes,
	struct error *err)
{
	struct document *document = context;
	struct reading *reading = &document->reading;

	if (depth == 1 && strcmp(name, document->type->root) != 0)
		return error_set(
			err, ERROR_FORMAT, "'%s' where '%s' belongs", name, document->type->root);
	xml_path_down(&reading->path, name);
	reading->parameter = strcmp(name, "parameter") == 0
		? keep(reading, span_of(xml_attribute(attributes, "name")))
		: NULL;
	if (depth == 1 && document->type->end == end_setting)
		return begin_settings(reading, attributes, err);
	return true;
}

static bool on_end(
	void *context, unsigned depth, const char *name, struct span text, struct error *err)
{
	struct document *document = context;
	struct reading *reading = &document->reading;

	(void)depth;
	if (!document->type->end(reading, buf_text(&reading->path), text, err))
		return false;
	reading->parameter = NULL;
	xml_path_up(&reading->path, name);
	return true;
}

static bool read_file(struct configuration *configuration, const char *path,
	const struct file_type *type, struct error *err)
{
	static const struct xml_events events = { .start = on_start, .end = on_end };
	struct document document = { .type = type,
		.reading = { .configuration = configuration,
			.path = BUF_UP_TO(XML_PATH_MAX),
			.first_flow = configuration->flow_count } };
	bool read = xml_read(path, &events, &document, err);

	buf_release(&document.reading.path);
	return read;
}

bool configuration_read_settings(
	struct configuration *configuration, const char *path, struct error *err)
{
	static const struct file_type type = { "saved-mv-configuration", end_setting };

	return read_file(configuration, path, &type, err);
}

bool configuration_read_connector(
	struct configuration *configuration, const char *path, struct error *err)
{
	static const struct file_type type = { "ma-data", end_connector };

	return read_file(configuration, path, &type, err);
}

bool configuration_read_rule(
	struct configuration *configuration, const char *path, struct error *err)
{
	static const struct file_type type = { "synchronizationRule", end_in_rule };

	return read_file(configuration, path, &type, err);
}
