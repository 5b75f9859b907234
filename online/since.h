/*
 * Reading the directory into a snapshot: all of it, or what changed since the one before
 * (`snapshot --since`).
 */
#pragma once

#include "online/online.h"

/* How old owners, and what else no change tells of, may become: "24h" unless the profile says. */
#define RELATIONS_EVERY "24h"

struct since {
	struct snapshot *previous; /* NULL: everything is read */
	int64_t relations_every_ms;
	int64_t now_ms; /* the service's clock when this began */
};

/* Parses `every` (NULL: RELATIONS_EVERY). ERROR_USAGE. */
MUST_CHECK bool since_init(
	struct since *since, struct snapshot *previous, const char *every, struct error *err);

/* Asks which directory extensions there are, and tells the writer. Before the first object. */
MUST_CHECK bool since_follow_extensions(
	struct session *session, struct snapshot_writer *writer, struct error *err);

/*
 * Reads into `writer`, which then follows `previous`, and tells it where changes will be told and
 * how old owners are. Where changes are lost, all is read, with a warning.
 *   ERROR_REFUSED  `previous` is of another tenant, cloud or source
 */
MUST_CHECK bool since_read(const struct since *since, struct session *session,
	struct snapshot_writer *writer, const struct graph_audit_window *window, struct error *err);
