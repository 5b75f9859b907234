/* What the files about a server's configuration share. */
#pragma once

#include "imports/imports.h"
#include "imports/kept.h"

struct configuration {
	struct kept kept;
	struct configuration_summary summary;
	struct flow *flows;
	size_t flow_count, flow_capacity;
	/* For space_import(): the names per kind, one after the other, each list ended by NULL. */
	const char **names;
	size_t first_name[KIND_COUNT];
	bool kind_known[KIND_COUNT];
};

/* All files were read: sorts the flows, and lists their names. */
void configuration_settle(struct configuration *configuration);

/* ---- configuration_xml.c: one file each ------------------------------------------------------ */

MUST_CHECK bool configuration_read_settings(
	struct configuration *configuration, const char *path, struct error *err);
/* Of another connector than the Entra one: nothing happens. */
MUST_CHECK bool configuration_read_connector(
	struct configuration *configuration, const char *path, struct error *err);
MUST_CHECK bool configuration_read_rule(
	struct configuration *configuration, const char *path, struct error *err);
