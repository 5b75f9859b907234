/*
 * A state by the names of a connector: "cells", one for each attribute that has a value,
 *	{"title": {"type": "string", "multi": false, "values": ["Engineer"]}, …}
 * Values are written as csexport writes them; those of a reference are object ids still.
 */
#pragma once

#include "simulator/space.h"

#define CELL_STRING    "string"
#define CELL_BINARY    "binary"
#define CELL_INTEGER   "integer"
#define CELL_BOOLEAN   "boolean"
#define CELL_REFERENCE "reference"

/* What an object is besides its state. */
struct cell_facts {
	enum object_kind kind;
	const char *anchor, *cloud_id;
	const char *sid; /* "S-1-5-21-…", or NULL */
};

/* By the names of the cloud's connector (facts 3.6), or of Active Directory's; NULL stays NULL. */
json_t *cells_of_cloud(const struct cell_facts *facts, const json_t *state);
json_t *cells_of_directory(const struct cell_facts *facts, const json_t *state);

/* How Active Directory calls an object with this state: its first relative name. */
const char *cells_common_name(const json_t *state);
#define DIRECTORY_PARTITION "DC=contoso,DC=com"
/* Its distinguished name, in an organizational unit. */
void cells_add_dn(struct buf *out, const char *unit, const json_t *state);
/* 16 bytes of an anchor's base64; false where it is none of those. */
enum { OBJECT_GUID_BYTES = 16 };
bool cells_object_guid(const char *anchor, uint8_t guid[static OBJECT_GUID_BYTES]);

/* Names in order, each once, of one or two sets of cells: a JSON array. */
json_t *cells_names(const json_t *cells, const json_t *others);

/*
 * The names of the table, one by one: what the cloud's connector calls a property, or the metaverse
 * that it comes from; "" where objects of the type ("user", …) have no such attribute, NULL past the
 * end. Those without a name in the cloud are left out.
 */
const char *cells_name(size_t index, bool of_cloud, const char *type);
