/*
 * What the files about connector spaces share: an object as it stands in a csexport file (facts 3),
 * and what is made of it.
 */
#pragma once

#include "base/time.h"
#include "imports/imports.h"

enum {
	SPACE_TEXT_MAX = 64 << 20,  /* all texts of one object */
	SPACE_VALUES_MAX = 2 << 20, /* all its values; a group has at most 250,000 members */
	SPACE_ATTRIBUTES_MAX = 8 << 10,
	SPACE_VALUE_MAX = 16 << 20, /* one attribute as JSON, or its texts */
	SPACE_SET_MAX = 8 << 10,    /* values of one attribute, members aside */
	SPACE_DN_SHOWN = 200,       /* bytes of a DN in a message */
};

/* ---- an object in its file ---------------------------------------------------------- */

/* From the lowest of the tower to the highest: each stands on those before it (facts 3.2). */
enum space_part_id {
	SYNCHRONIZED_HOLOGRAM,
	UNCONFIRMED_EXPORT_HOLOGRAM,
	ESCROWED_EXPORT_HOLOGRAM,
	UNAPPLIED_EXPORT_HOLOGRAM,
	SPACE_HOLOGRAMS,
	UNCONFIRMED_EXPORT = SPACE_HOLOGRAMS,
	ESCROWED_EXPORT,
	UNAPPLIED_EXPORT,
	PENDING_IMPORT,
	SPACE_PARTS,
};

enum space_operation {
	OPERATION_ABSENT,
	OPERATION_NONE,
	OPERATION_ADD,
	OPERATION_REPLACE,
	OPERATION_UPDATE,
	OPERATION_DELETE,
	OPERATION_OBSOLETE,
	OPERATION_DELETE_ADD,
	SPACE_OPERATIONS,
};

enum space_type { SPACE_STRING, SPACE_BINARY, SPACE_INTEGER, SPACE_BOOLEAN, SPACE_REFERENCE };

/* Attributes that are no rows of the kinds table, and of use here. */
enum space_special {
	SPECIAL_NONE,
	SPECIAL_CLOUD_MASTERED,
	SPECIAL_SYNC_BLOCKED,
	SPECIAL_SOURCE_ANCHOR, /* its name in the Entra connector; a row of users alone */
	SPECIAL_OBJECT_GUID,   /* the next two are Active Directory's */
	SPECIAL_CONSISTENCY_GUID,
};

/* A text of an object: where it begins in `text`. */
struct space_text {
	uint32_t at, length;
};

struct space_value {
	union {
		struct space_text text; /* of a reference without an anchor: its DN */
		uint8_t id[ID_BINARY_BYTES];
	};
	bool deleted; /* in a delta: taken away; else added, or standing there */
	bool base64;
	bool has_id; /* a reference whose anchor tells it */
};

struct space_attribute {
	struct space_text name;
	const struct attribute *row; /* NULL: not one of the kinds table */
	enum space_special special;
	enum space_type type;
	enum space_operation operation;
	uint32_t first, count; /* values */
};

/* What an anchor says: an object's id in Entra ID, or a GUID in Active Directory. */
struct space_anchor_of {
	bool has_id, has_guid;
	uint8_t id[ID_BINARY_BYTES];
	char guid[ID_BINARY_BYTES]; /* as its bytes lie there */
};

struct space_part {
	bool present, read;
	enum space_operation operation; /* of a delta */
	struct space_anchor_of anchor;
	uint32_t first, count; /* attributes */
};

struct space_object {
	struct buf text;
	struct space_value *values;
	struct space_attribute *attributes;
	size_t value_count, value_capacity, attribute_count, attribute_capacity;
	uint64_t number; /* in the file, from 0 */
	struct space_text dn;
	char type[32];           /* "user", as the file says */
	const struct kind *kind; /* NULL: of a type that is not followed */
	struct space_part parts[SPACE_PARTS];
	struct space_anchor_of anchor; /* of its state */
	struct space_text anchor_text; /* the last one that was read, as it stood there */
	bool has_id;                   /* space_identify() found it */
	uint8_t id[ID_BINARY_BYTES];
	char id_text[ID_BYTES + 1];
	bool has_state;                   /* any element of state: a file made with /o: has none */
	bool has_connector;               /* ma-id */
	bool is_cloud;                    /* … is that of the connector to Entra ID */
	struct space_text connector;      /* ma-name */
	int64_t imported_ms, exported_ms; /* last-import-delta-time, last-export-delta-time */
};

static inline struct span space_text(const struct space_object *object, struct space_text text)
{
	return (struct span){ buf_text(&object->text) + text.at, text.length };
}

/* The attribute of a part by its row; NULL: it has none. */
const struct space_attribute *space_find(
	const struct space_object *object, enum space_part_id part, const struct attribute *row);
const struct space_attribute *space_find_special(
	const struct space_object *object, enum space_part_id part, enum space_special special);

/* Objects, one after the other; borrowed during the call. Returns as xml_events' calls do. */
typedef bool space_object_function(void *context, struct space_object *object, struct error *err);

/*
 * Reads a csexport file. `all`: values of attributes that the kinds table lacks are kept in
 * holograms too; in deltas they always are.
 */
MUST_CHECK bool space_read(int descriptor, const char *name, bool all, space_object_function *each,
	void *context, struct error *err);

/*
 * The same by a thread of its own, while `each` is called by the caller's (space_ahead.c). Without
 * a thread where the descriptor can't be read again. For processes that hold no secret.
 */
MUST_CHECK bool space_read_ahead(int descriptor, const char *name, bool all,
	space_object_function *each, void *context, struct error *err);

/* ---- names of attributes (space_names.c) --------------------------------------------- */

struct space_names;
struct space_names *space_names_new(void);
void space_names_free(struct space_names *names);
/* The row of a name in a connector space, or NULL. `special` is always set. */
const struct attribute *space_names_find(struct space_names *names, const struct kind *kind,
	struct span name, enum space_special *special);

/* ---- texts of connector spaces (space_text.c) ---------------------------------------- */

/* Appends the bytes. False: it is no base64. Blanks between are allowed. */
MUST_CHECK bool space_base64(struct span text, struct buf *out);
void space_add_base64(struct buf *out, struct span bytes);

/* What an anchor says: "User_<id>" (facts 3.5). */
struct space_anchor {
	char type[16]; /* "User", "Group", "Contact", "PublicFolder", "Device", … */
	uint8_t id[ID_BINARY_BYTES];
};
/* `bytes`: the anchor, unpacked. False: it is of another form. */
bool space_anchor_parse(struct span bytes, struct space_anchor *anchor);

/*
 * Appends the source anchor that a DN holds. False: it is of another form.
 */
bool space_dn_source_anchor(struct span dn, struct buf *out);

/* "2026-03-02 06:31:07.410", UTC. */
bool space_time(struct span text, int64_t *ms);

/* Appends "S-1-5-21-…" of a binary security identifier. False: it is none. */
bool space_sid(struct span bytes, struct buf *out);

/* A hexadecimal ("0x1f4") or decimal number, which may be negative. */
bool space_integer(struct span text, int64_t *number);

/* ---- who is who (space_ids.c) --------------------------------------------------------- */

enum space_match { MATCH_NONE, MATCH_ONE, MATCH_SEVERAL };

/* Remembers what the object in a file says about its own id; used after space_ids_settle(). */
void space_ids_learn(
	struct space_ids *ids, struct span dn, const uint8_t id[static ID_BINARY_BYTES]);
void space_ids_settle(struct space_ids *ids);

/*
 * The id of a DN of the Entra connector's space, or of a source anchor. Learned names and the snapshot
 * answer. ERROR: the snapshot can't be read.
 */
MUST_CHECK bool space_ids_find_dn(struct space_ids *ids, struct span dn, enum space_match *match,
	uint8_t id[static ID_BINARY_BYTES], struct error *err);
MUST_CHECK bool space_ids_find_source_anchor(struct space_ids *ids, struct span anchor,
	enum space_match *match, uint8_t id[static ID_BINARY_BYTES], struct error *err);
/* Of a group or contact of the snapshot, by one address of it ("a@b", without scheme). */
MUST_CHECK bool space_ids_find_address(struct space_ids *ids, const struct kind *kind,
	struct span address, enum space_match *match, uint8_t id[static ID_BINARY_BYTES],
	struct error *err);
/* Of a group, by its security identifier ("S-1-…"). */
MUST_CHECK bool space_ids_find_sid(struct space_ids *ids, struct span sid, enum space_match *match,
	uint8_t id[static ID_BINARY_BYTES], struct error *err);

/* ---- values (space_value.c) ----------------------------------------------------------- */

/* The values of one attribute as texts, in the order of the file. */
struct space_set {
	struct buf text;
	struct space_text *at;
	size_t count, capacity;
};

#define SPACE_SET                                                                                  \
	{                                                                                          \
		.text = BUF_UP_TO(SPACE_VALUE_MAX)                                                 \
	}

void space_set_release(struct space_set *set);
void space_set_clear(struct space_set *set);
static inline struct span space_set_get(const struct space_set *set, size_t index)
{
	return (struct span){ buf_text(&set->text) + set->at[index].at, set->at[index].length };
}
bool space_set_has(const struct space_set *set, struct span text);
void space_set_add(struct space_set *set, struct span text); /* once */
void space_set_remove(struct space_set *set, struct span text);

/*
 * Appends what a value says: text, "true", a decimal number, "S-1-…", base64, an id. A reference without
 * an id is not asked. ERROR_FORMAT: it is not of its attribute's type.
 */
MUST_CHECK bool space_add_text(struct buf *out, const struct space_object *object,
	const struct space_attribute *attribute, const struct space_value *value,
	struct error *err);

enum space_which { VALUES_STANDING, VALUES_DELETED };
/* Adds those values of an attribute; references without id are left out. */
MUST_CHECK bool space_set_load(struct space_set *set, const struct space_object *object,
	const struct space_attribute *attribute, enum space_which which, struct error *err);

/*
 * Appends texts as the JSON that Graph would send for the row (NULL: a name that the table lacks). ERROR_FORMAT:
 * several values where there is one.
 */
MUST_CHECK bool space_set_add_json(struct buf *out, const struct space_set *set,
	const struct attribute *row, struct error *err);
/* One text as an element of it, or as the value of a row that has one. */
MUST_CHECK bool space_add_json(
	struct buf *out, struct span text, const struct attribute *row, struct error *err);

/* ---- addresses (space_address.c) ------------------------------------------------------- */

/*
 * What the directory makes of the addresses that it is given (facts 4.5): leaves out those of the service's
 * domains and those that are none, and makes `mail` the primary one where none is. `mail` may be absent.
 */
void space_addresses_compute(struct space_set *addresses, struct span mail);
/* Whether the directory would take it. */
bool space_address_is_taken(struct span address);
/* The primary address without its scheme; absent where there is none, or several. */
struct span space_addresses_primary(const struct space_set *addresses);

/* ---- importing ------------------------------------------------------------------------ */

struct space {
	const struct space_import *import;
	struct space_report *report;
	const char *file;          /* its name, without folders */
	struct space_base *base;   /* of SPACE_PRODUCTION with a base */
	struct space_shown *shown; /* … with evidence */
	struct digest *digest;     /* with evidence, of what can be read again */
	int descriptor;
	bool last_pass; /* what can't be resolved now never can */
	/* Objects of the first pass that may be understood once the whole file is known. */
	uint64_t *waiting;
	size_t waiting_count, waiting_capacity, waiting_next;
	uint64_t with_state;
	int64_t latest_ms; /* the last import or export that the file tells of; TIME_NONE: none */
};

void space_note(struct space *space, enum space_note_kind kind, const struct space_object *object,
	struct span detail);

/* An object with its id and the ids of what it refers to, as far as they can be known. */
typedef bool space_take_function(
	struct space *space, struct space_object *object, struct error *err);
space_take_function space_take_production, space_take_staging, space_take_directory;

/*
 * Finds the object's id, and those of its references. False in `complete` where there is still
 * something to find.
 */
MUST_CHECK bool space_resolve(
	struct space *space, struct space_object *object, bool *complete, struct error *err);
/* The id alone, by the source anchor that Active Directory has. */
MUST_CHECK bool space_resolve_directory(
	struct space *space, struct space_object *object, struct error *err);
/* Remembers the object's DN with the id that an anchor of it tells. */
void space_learn(struct space *space, const struct space_object *object);

void space_report_add_write(struct space_report *report, const struct space_write *write);

/* Facts of a delta on what stands below it (space_facts.c). */
MUST_CHECK bool space_add_delta(struct space *space, const struct space_object *object,
	enum space_part_id delta, enum fact_source source, struct error *err);

/* ---- a base (space_base.c) -------------------------------------------------------------- */

struct space_base *space_base_new(const struct space_import *import);
void space_base_free(struct space_base *base);
DEFINE_CLEANUP(struct space_base *, space_base_free);
/* Learns from the first objects of the file which attributes the server flows. */
MUST_CHECK bool space_base_learn(
	struct space_base *base, int descriptor, const char *name, struct error *err);
/* Adds the lines of an object, as it stands in that part; also to what is shown of it. */
/* Tells the writer which directory extensions flow. */
MUST_CHECK bool space_base_follow(
	const struct space_base *base, struct snapshot_writer *writer, struct error *err);

MUST_CHECK bool space_base_add(struct space *space, const struct space_object *object,
	enum space_part_id part, struct error *err);
/* What its lines would be if it stood as in that part, whenever that was imported; borrowed. */
MUST_CHECK bool space_base_lines(struct space *space, const struct space_object *object,
	enum space_part_id part, struct span *lines, struct error *err);

/* ---- what stood there, for what the evidence names (space_shown.c) ------------------------ */

struct space_shown *space_shown_new(struct evidence *evidence);
void space_shown_free(struct space_shown *shown);
DEFINE_CLEANUP(struct space_shown *, space_shown_free);
/* Does the evidence name the object? */
bool space_shown_wants(const struct space_shown *shown, const struct space_object *object);
/*
 * `lines`: the object's, as in a base. FROM_PRODUCTION_SPACE: what stood there;
 * FROM_PRODUCTION_FORECAST: what the next export leaves there.
 */
MUST_CHECK bool space_shown_add(struct space *space, const struct space_object *object,
	struct span lines, enum fact_source source, struct error *err);
/* The next export deletes it. */
void space_shown_add_deletion(struct space *space, const struct space_object *object);
/*
 * Puts the facts into the evidence: all that stood there stood at one time, that of the last import,
 * and what comes next is said as of the last thing that the file tells of.
 */
MUST_CHECK bool space_shown_finish(struct space *space, int64_t when_ms, struct error *err);
