/* How a row of table `connector` is read; between the files of the connector space. */
#pragma once

#include "simulator/space.h"
#include "simulator/story_sql.h"

#define SPACE_ROW                                                                                  \
	"anchor, cloud_id, kind, present, wanted, blocked, seen, arrived, arrived_as, sent,"       \
	" sent_as, seen_ms, sent_ms, refusal"

/* Its texts are borrowed from the row; release it before the row moves on. */
MUST_CHECK bool space_object_read(struct simulator *simulator, const char *server,
	sqlite3_stmt *row, struct space_object *object, struct error *err);
void space_object_release(struct space_object *object);

/*
 * What a picture says, with its references: a new state. `wanted` is flat, with nulls. It lies over
 * another state (NULL: none), which shows where the server flows nothing.
 */
MUST_CHECK json_t *space_picture(struct simulator *simulator, const char *server,
	const char *cloud_id, const json_t *wanted, const json_t *over, struct error *err);
