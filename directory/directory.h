/*
 * What a directory object is: the kinds table, canonical lines, comparison, addresses.
 *
 * The kinds table is the heart of the program. A row per kind (user, group, contact) and per
 * attribute that directory sync can touch says how Graph names it, how two values compare,
 * who masters it, whether Graph can write it, and its name in a connector space and in audit
 * records. $select, canonical form, comparison, routing and the attribute page of the docs
 * read these rows; following a new attribute is a row.
 *
 * A value is a span of canonical JSON. An absent span is the value nothing: null, the empty
 * set and "not set" are one and the same. Unknown (the source could not see it) is something
 * else, and never a difference.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

enum {
	ID_BYTES = 36,                /* an object id is a GUID in lower case */
	ID_BINARY_BYTES = 16,         /* without hyphens; sorts as its text does */
	DIRECTORY_LINE_MAX = 8 << 20, /* one canonical line */
	DIRECTORY_PART_IDS = 512,     /* ids on one part line, about */
	OBJECT_EXTENSIONS_MAX = 128,  /* directory extensions of one object; Entra allows 100 */
	EXTENSIONS_KNOWN_MAX = 4096,  /* and of all that one run reads */
	EXTENSION_NAME_MAX = 256,
};

/* False where it is no GUID in lower case. */
bool id_parse(struct span text, uint8_t id[static ID_BINARY_BYTES]);
void id_text(const uint8_t id[static ID_BINARY_BYTES], char text[static ID_BYTES + 1]);

/* ---- the kinds table ------------------------------------------------------------ */

enum kind_id { KIND_USER, KIND_GROUP, KIND_CONTACT, KIND_COUNT };

enum attribute_type {
	TYPE_TEXT,
	TYPE_BOOLEAN,
	TYPE_INSTANT,
	TYPE_COMPLEX,
	TYPE_REFERENCE,
	TYPE_EXTENSION, /* a text, a number, a truth value, or an unordered array of these */
};

enum attribute_shape {
	SHAPE_ONE,
	SHAPE_SET, /* order means nothing, doubles neither: sorted in a line, decided per element */
	SHAPE_LIST, /* order means something: decided as one value */
};

enum attribute_compare {
	COMPARE_EXACT,
	COMPARE_CASELESS,
	COMPARE_ADDRESSES, /* proxyAddresses: see address_* below */
	COMPARE_INSTANT,   /* as points in time, not as text */
	COMPARE_REFERENCE, /* ids, without regard to case */
	COMPARE_VOLATILE,  /* changes by itself (last sync time): never a difference */
};

/* Who masters a value; `door` in reconcile.h follows from it. */
enum attribute_master {
	MASTER_DIRECTORY, /* on-premises Active Directory, flowed by the production sync server */
	MASTER_CLOUD,     /* Microsoft Entra ID: Graph can write it */
	MASTER_EXCHANGE,  /* Exchange Online */
	MASTER_SERVICE,   /* computed by the service, nobody writes it */
};

/* Where Graph shows the value. */
enum attribute_source {
	SOURCE_SELECT,   /* $select in the list */
	SOURCE_EXPAND,   /* $expand in the list: manager */
	SOURCE_RELATION, /* a list of its own: members, owners (part lines) */
	SOURCE_BEHAVIOR, /* onPremisesSyncBehavior, one GET per object: isCloudManaged */
};

struct attribute {
	/* Graph's name; "outer/inner" is a member of a complex value and decided by itself. */
	const char *name;
	enum attribute_type type;
	enum attribute_shape shape;
	enum attribute_compare compare;
	enum attribute_source source;
	enum attribute_master when_synced; /* of an object that directory sync masters */
	enum attribute_master when_cloud;  /* of one born in the cloud or switched to it */
	bool clearable;                    /* Graph takes null (or an empty set) for it */
	const char *sync_name;             /* in the Entra connector's space; NULL: not flowed */
	const char *audit_name; /* in directoryAudits' modifiedProperties; NULL: none known */
	size_t name_length;
	size_t outer_length; /* of "outer" in "outer/inner"; 0: the name is no such pair */
};

struct kind {
	enum kind_id id;
	const char *name;  /* "user", as in a line */
	const char *path;  /* "users", the collection in a URL */
	const char *type;  /* "microsoft.graph.user" */
	bool soft_deleted; /* Graph lists deleted ones */
	const struct attribute *attributes;
	size_t attribute_count;
};

const struct kind *kind_get(enum kind_id id);
const struct kind *kind_find(struct span name); /* by "user"; NULL when there is none */

/*
 * By Graph's name; NULL when there is none. A directory extension ("extension_<application>_<name>")
 * has a row with every kind, made when it is first asked for; NULL too when that would be more than
 * EXTENSIONS_KNOWN_MAX.
 */
const struct attribute *attribute_find(const struct kind *kind, struct span name);
static inline bool attribute_is_extension(const struct attribute *attribute)
{
	return attribute->type == TYPE_EXTENSION;
}
/* In the "unknown" of an object: all of its directory extensions. */
#define UNKNOWN_EXTENSIONS "extension_"

/* By the audit log's name, without regard to case; NULL: keep the name as it is (contract 4.3). */
const struct attribute *attribute_find_audit(const struct kind *kind, struct span audit_name);
const struct attribute *attribute_find_sync(const struct kind *kind, struct span sync_name);

/* Appends the comma-separated names for $select: each SOURCE_SELECT row's outer name once, and id. */
void kind_add_select(const struct kind *kind, struct buf *out);

const char *attribute_type_name(enum attribute_type type);
const char *attribute_compare_name(enum attribute_compare compare);
const char *attribute_master_name(enum attribute_master master);

/* ---- canonical lines ------------------------------------------------------------ */

/*
 * A line is one object: JSON with keys in byte order, no blanks, the fewest escapes, sets
 * sorted and without doubles, nulls, empty texts' absence kept apart (an empty text stays),
 * nulls and empty arrays and objects left out (also inside complex values), numbers as
 * written. Beside Graph's attributes it has
 *	"id"       the object id, in lower case
 *	"kind"     "user", "group", "contact"
 *	"deleted"  true, where it lies in deleted items
 *	"manager"  the id alone, taken from the expanded object
 *	"unknown"  the names (outer names too) that this source could not see, sorted
 * @odata members and members the kinds table does not know are dropped, but for directory
 * extensions, which Graph shows only where they are selected and set.
 * Equal bytes are equal
 * objects; unequal lines are decided by attribute_equal().
 *
 * Members and owners follow on part lines, split by the first hexadecimal digits of their ids
 * so that a part holds about DIRECTORY_PART_IDS, sorted by relation and prefix:
 *	{"id":"<group>","kind":"group","members":["<id>",…],"part":"members:3f"}
 *	{"id":"<group>","kind":"group","owners":["<id>",…],"part":"owners:"}
 */

/*
 * Appends the line (no newline) of an object as Graph sent it. `deleted`: it came from deleted
 * items. `unknown`: names to list as unknown, sorted by the callee; may be empty (NULL, 0).
 * ERROR_FORMAT: not strict JSON, no id or one that is no GUID, or a member of the wrong type
 * ("byte 17: …", or "mail: a number where a text belongs").
 */
MUST_CHECK bool line_add_object(struct buf *out, const struct kind *kind, struct span graph_object,
	bool deleted, const struct span *unknown, size_t unknown_count, struct error *err);

/*
 * A reader takes the objects of one list, one after the other, straight from the text of its pages
 * as it arrives. It knows what the list was asked for, and so what did not come; it remembers
 * the order in which the list has its members, and so is much faster than line_add_object().
 */
struct line_reader;

enum { LINE_BESIDE_MAX = 8 };

/* The names are those of the kinds table (outer names); each list of them ends with NULL. */
struct line_list {
	const struct kind *kind;
	bool deleted; /* the objects come from deleted items */
	/*
	 * What was selected; NULL: all that kind_add_select() says. A name that was selected and is
	 * not in the object goes to its "unknown", since query options may be ignored silently.
	 */
	const char *const *selected;
	/*
	 * What no object of this list can tell, or NULL: "members", "owners"; "manager" where it was
	 * not expanded; UNKNOWN_EXTENSIONS. Goes to "unknown" of each object. Only "isCloudManaged" (SOURCE_BEHAVIOR)
	 * goes there of those objects alone where it matters (struct line_object).
	 */
	const char *const *unknown;
	/* Members beside the table, for line_reader_value(), or NULL: "@removed". */
	const char *const *beside; /* at most LINE_BESIDE_MAX */
};

/* The names must outlive the reader. */
struct line_reader *line_reader_new(const struct line_list *list);
void line_reader_free(struct line_reader *reader);
DEFINE_CLEANUP(struct line_reader *, line_reader_free);

/*
 * Appends the line (no newline) of the object at the beginning of `text`, which may go on behind
 * it. `*taken` is how many bytes the object took, with the blanks before it; 0: the text ends before
 * the object does, nothing is wrong so far, nothing was appended (call again when the text has
 * doubled, or there is no more: see scan_prefix()). Errors are those of line_add_object(), and
 * `out` is as it was.
 */
MUST_CHECK bool line_take_object(struct line_reader *reader, struct buf *out, struct span text,
	size_t *taken, struct error *err);

/* What the object that was taken last says about itself. */
struct line_object {
	char id[ID_BYTES + 1]; /* in lower case */
	bool sync_enabled;     /* onPremisesSyncEnabled is true */
	bool was_synced;       /* as object_was_synced() by what came: it has a mark of sync */
	bool behavior_matters; /* was synced and is not: isCloudManaged says who masters it */
};

/* Borrowed, and overwritten by the next object. */
const struct line_object *line_reader_object(const struct line_reader *reader);

/*
 * The value of a member of that object as it stands in its source, null too; absent where it did not
 * come. For names of the kinds table (outer names), and those beside it. Borrowed from the text.
 */
struct span line_reader_value(const struct line_reader *reader, const char *name);

/*
 * The line again with attributes replaced: `values[i]` (canonical, absent = nothing) for
 * `names[i]`. Used to add isCloudManaged and what a second request brought.
 */
MUST_CHECK bool line_add_changed(struct buf *out, struct span line, const struct span *names,
	const struct span *values, size_t count, struct error *err);

/* Appends the part lines, each ended by a newline, of `count` ids (any order, doubles allowed). */
MUST_CHECK bool line_add_parts(struct buf *out, struct span group_id, const char *relation,
	struct span *ids, size_t count, struct error *err);

/*
 * Appends `value` (strict JSON of any form) in canonical form for this attribute; appends
 * nothing where it is null or empty. `attribute` NULL: keys sorted, arrays kept in order.
 */
MUST_CHECK bool value_add_canonical(
	struct buf *out, const struct attribute *attribute, struct span value, struct error *err);

/* ---- objects: lines, parsed ------------------------------------------------------ */

struct object;

/*
 * Parses the lines of one object (its line, and part lines, in any order, each ended by a
 * newline or the end). The text is copied. All lines must have the same id.
 * ERROR_FORMAT names the line's number and byte.
 */
MUST_CHECK struct object *object_parse(struct span lines, struct error *err);
void object_free(struct object *object);
DEFINE_CLEANUP(struct object *, object_free);

const struct kind *object_kind(const struct object *object);
struct span object_id(const struct object *object);
bool object_deleted(const struct object *object);
/* The value, or absent. "outer/inner" names are followed. Members and owners: a sorted array. */
struct span object_get(const struct object *object, const struct attribute *attribute);
struct span object_get_named(const struct object *object, const char *name);
/* Those directory extensions that are set, in order of their names. */
size_t object_extension_count(const struct object *object);
const struct attribute *object_extension(const struct object *object, size_t index);
/* True where the source of this line could not see the attribute. */
bool object_unknown(const struct object *object, const struct attribute *attribute);
/* userPrincipalName, else displayName, else mail, else the id: for people. Unescaped text. */
struct span object_name(const struct object *object);

/*
 * Who masters the object (contract 5.1, facts 7.1): on-premises sync is active for it and it
 * was not switched. MASTERY_UNKNOWN where isCloudManaged could not be read and would decide.
 */
enum mastery { MASTERY_SYNCED, MASTERY_CLOUD, MASTERY_UNKNOWN };
enum mastery object_mastery(const struct object *object);
/* Ever synced: has a source anchor, an on-premises SID, or onPremisesSyncEnabled false; or may have. */
bool object_was_synced(const struct object *object);

/* ---- comparison ------------------------------------------------------------------ */

/* True when the two values are the same for Entra. Either may be absent. Volatile: always true. */
bool attribute_equal(const struct attribute *attribute, struct span a, struct span b);

/*
 * Sets, element by element. An element is the canonical value of one element. Two elements
 * are the same element when `element_key` gives the same bytes: lower-cased where the
 * attribute compares caseless; for addresses the scheme and address in lower case, so that
 * SMTP:a@b and smtp:a@b are one element whose primacy changed.
 */
void element_add_key(struct buf *out, const struct attribute *attribute, struct span element);
/* Finds the element with this key; absent when there is none. */
struct span set_find(const struct attribute *attribute, struct span set, struct span key);

/* ---- two lines at a glance --------------------------------------------------------- */

enum { GLANCE_MAX = 32 }; /* attributes that differ */

/* An attribute that is known of both, and not the same. */
struct glance_difference {
	const struct attribute *attribute;
	struct span base, live; /* absent: nothing */
};

struct glance {
	const struct kind *kind;
	struct span id, name; /* borrowed from the lines, as all of it */
	enum mastery mastery;
	struct glance_difference at[GLANCE_MAX]; /* in order of names */
	size_t count;
};

/*
 * What object_parse() of both and attribute_equal() would say of two lines of an object that is
 * in both, for a small part of the cost: what is equal byte for byte is not looked at, nor
 * checked. `id`, `name` and `mastery` are those of `live`. False: it takes more than a glance.
 */
bool lines_glance(struct span base, struct span live, struct glance *glance);

/* ---- addresses (facts 4.5) ------------------------------------------------------- */

struct address {
	struct span scheme; /* "SMTP", "smtp", "SIP", "x500"; absent where there is no colon */
	struct span value;  /* behind the colon */
	bool smtp;          /* scheme is smtp in any case */
	bool primary;       /* scheme is exactly "SMTP" */
};

/* `text` is the unescaped text of a proxyAddresses element. */
struct address address_parse(struct span text);
/* *.onmicrosoft.com and *.microsoftonline.com: computed by the service, never "restored". */
bool address_is_computed(struct span address_value);
/* True when an element is computed for this object: MOERA, or an smtp secondary equal to its UPN. */
bool address_is_computed_for(const struct object *object, struct span text);
