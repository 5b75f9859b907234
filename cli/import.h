/*
 * What the files of unstage import share: one server's files on their way to evidence, a base
 * snapshot and a screen.
 */
#pragma once

#include "base/json.h"
#include "cli/cli.h"
#include "imports/imports.h"

struct import_arguments {
	struct common common; /* its `output` is for the evidence */
	const char *role, *server, *live, *evidence, *base, *taken, *at, *incident;
	bool all_pending;
};

enum import_role { ROLE_UNKNOWN, ROLE_PRODUCTION, ROLE_STAGING, ROLE_DIRECTORY };
const char *import_role_name(enum import_role role); /* "staging", as --role says it */

struct imported_file {
	const char *path;
	enum import_type type;
	struct space_report *space; /* of a connector space */
};

struct import {
	const struct import_arguments *arguments;
	struct profile *profile; /* or NULL */
	struct imported_file files[OPERANDS_MAX];
	size_t file_count;
	struct snapshot *live; /* or NULL */
	struct space_ids *ids;
	struct configuration *configuration;
	struct run_history *runs;
	const char *server, *account; /* NULL: no file says it */
	enum import_role role;
	const char *tenant;        /* NULL: nothing tells it */
	struct evidence *evidence; /* what all files say, and what --evidence said */
	size_t facts_before;       /* of --evidence */
	size_t refusals;           /* export errors that became facts */
	int64_t taken_ms;          /* of the base snapshot */
};

/* ---- import_space.c --------------------------------------------------------------------------- */

/* Reads the connector spaces, behind all else, and makes the base snapshot if one is wanted. */
MUST_CHECK bool import_spaces(struct import *import, struct error *err);

/* ---- import_space_show.c ---------------------------------------------------------------------- */

void import_show_space(struct screen *screen, const struct space_report *report);
json_t *import_space_json(const struct space_report *report);

/* ---- import_show.c: the screen, and the same as JSON ------------------------------------------ */

void import_show(struct screen *screen, const struct import *import);
void import_add_json(struct screen *screen, const struct import *import);

/* ---- configuration_show.c --------------------------------------------------------------------- */

/* For unstage show FOLDER: one server's configuration; of two, what only one of them flows. */
MUST_CHECK bool configuration_show(
	struct screen *screen, const char *const *folders, bool json, struct error *err);
/* What it says of its server, in a few lines. */
void configuration_show_summary(struct screen *screen, const struct configuration *configuration);
json_t *configuration_json(const struct configuration *configuration);
