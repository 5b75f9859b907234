/*
 * What the endpoint's files share: one exchange, from the request line to the answer; the
 * properties of the three kinds as Graph documents them; filters; pages.
 *
 * A handler returns false only when the simulator itself failed (the client then sees a 500);
 * whatever the client did wrong is an answer like any other.
 */
#pragma once

#include "simulator/store.h"

enum {
	SEGMENTS_MAX = 8,
	QUERY_OPTIONS_MAX = 16,
	PATH_MAX_BYTES = 32 << 10,
	BODY_MAX_BYTES = 4 << 20, /* [seen]: any request (contract 6) */
	ANSWER_MAX_BYTES = 64 << 20,
	BATCH_ITEMS_MAX = 20,
	PAGE_DEFAULT = 100,
	PAGE_MAX = 999,
	SELECT_MAX = 128,
	EXPANDED_MAX = 20,    /* items of an expanded relation (contract 2.8) */
	FAULT_WAIT_MS = 1000, /* what a fault says in Retry-After */
};

/* ---- permissions (contract 9.1): one of these opens the lists of a kind ------------------------- */

#define READ_USERS "User.Read.All User.ReadWrite.All Directory.Read.All"
#define READ_GROUPS                                                                                \
	"GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All "       \
	"Directory.Read.All"
#define READ_CONTACTS "OrgContact.Read.All Directory.Read.All"

/* ---- properties (schema.c) ------------------------------------------------------------------- */

enum property_flags {
	P_WRITE = 1,      /* PATCH may set it on a cloud-mastered object */
	P_DEFAULT = 2,    /* returned without $select */
	P_NEVER_NULL = 4, /* Nullable="false" */
	P_KEEP = 8,       /* can't be cleared */
	P_SINGLE = 16,    /* not in a collection: 501 (contract 2.1) */
	P_CLOUD = 32,     /* the cloud's also on a synced object (facts 7.1) */
	P_EXCHANGE = 64,  /* Exchange's once the object was synced */
	P_RESERVED = 128, /* needs a permission that this application has not */
};

/* What $filter can do: plain in the low half, advanced mode in the high half (contract 2.5). */
enum filter_capability {
	F_EQ = 1,
	F_STARTS = 2,
	F_RANGE = 4, /* ge, le */
	F_ENDS = 8,
	F_NULL = 16,
	F_ADVANCED = 8, /* shift: F_EQ << F_ADVANCED */
};

struct property {
	const char *name, *type; /* as in CSDL: "Edm.String", "Collection(Edm.String)" */
	unsigned flags;
	unsigned filter;
	size_t length_max; /* characters; 0: no limit */
};

struct schema {
	enum object_kind kind;
	const char *collection; /* "users" */
	const char *type;       /* "microsoft.graph.user" */
	const char *resource;   /* "User", as error messages say */
	const struct property *properties;
	size_t property_count;
};

const struct schema *schema_of(enum object_kind kind);
const struct schema *schema_by_collection(const char *collection); /* NULL: none */
const struct schema *schema_by_type(const char *type, size_t length);
const struct property *schema_property(
	const struct schema *schema, const char *name, size_t length);
bool property_is_collection(const struct property *property);
/* The members of a complex value that are always shown, NULL-ended; NULL: none. */
const char *const *property_members(const struct property *property);

/* ---- one exchange ---------------------------------------------------------------------------- */

struct query_option {
	char *name, *value;
};

struct answer {
	int status;
	json_t *body;     /* NULL: none */
	char *text;       /* a plain text instead ($count) */
	const char *type; /* Content-Type; NULL: the one that fits */
	json_t *headers;  /* more of them, name and text; NULL: none */
};

struct exchange {
	struct simulator *simulator;
	const char *method;
	const char *target; /* path with query, as on the wire */
	char *path;         /* below the version root, decoded: its segments point here */
	char *segments[SEGMENTS_MAX];
	size_t segment_count;
	struct query_option options[QUERY_OPTIONS_MAX];
	size_t option_count;
	struct span content_type, client_request_id, prefer, body;
	struct span metadata, identity_header;
	bool eventual; /* ConsistencyLevel: eventual */
	bool is_item;  /* of a batch */
	bool is_write;
	bool fails_made;                      /* it is made, and said to have failed */
	enum simulator_page_fault page_fault; /* of the page that this one answers with */
	bool is_signin;                       /* the sign-in service's clock dates the answer */
	char request_id[GUID_TEXT_BYTES];
	struct answer answer;
};

void exchange_release(struct exchange *exchange);
/* Splits "/v1.0/users?$top=5" (or, of a batch item, "/users?$top=5"); false: malformed. */
MUST_CHECK bool exchange_parse_target(struct exchange *exchange, const char *below_version);
/* The value of "$select", or NULL. */
const char *exchange_option(const struct exchange *exchange, const char *name);
/* False, with the answer, when there is a `$` option that is not among these (NULL-ended). */
MUST_CHECK bool exchange_allows(struct exchange *exchange, const char *const *names);
/* The body as a JSON object, a new reference; NULL, with the answer. */
MUST_CHECK json_t *exchange_body(struct exchange *exchange);
/* Advanced mode: header and $count=true together (contract 2.6). */
bool exchange_is_advanced(const struct exchange *exchange);

/* Undoes %xx and, in queries, '+', in place; false on a broken escape or a NUL. */
bool percent_decode(char *text, bool plus_is_blank);

/* Whether the segments fit "users/" "*" "/manager"; "$count" and "$ref" only fit themselves. */
bool exchange_fits(const struct exchange *exchange, const char *pattern);

/* One more header for the answer. */
void exchange_add_header(struct exchange *exchange, const char *name, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* reply.c. Each returns true: an answer was given. */
bool exchange_answer_take(struct exchange *exchange, int status, json_t *body);
bool exchange_refuse(struct exchange *exchange, int status, const char *code, const char *format,
	...) PRINTF_LIKE(4, 5);
bool exchange_refuse_absent(struct exchange *exchange, const char *id);
bool exchange_refuse_synced(struct exchange *exchange);
bool exchange_refuse_denied(struct exchange *exchange);
/* The shape of contract 5.3. */
bool exchange_refuse_conflict(struct exchange *exchange, const char *property, const char *holder);
void exchange_write_response(struct exchange *exchange, struct simulator_response *response);
void exchange_item_response(struct exchange *exchange, json_t *item);
void json_dump_to(struct buf *out, const json_t *json); /* in the order of insertion */

extern const char SYNC_MASTERED_TEXT[], EXTERNAL_SERVICE_TEXT[], MAIL_GROUP_TEXT[];

/* ---- showing objects (show.c) ---------------------------------------------------------------- */

struct selection {
	bool all_defaults; /* no $select */
	bool everything;   /* every kind's properties are allowed (members, owners) */
	char *text;        /* as given */
	char *names[SELECT_MAX];
	size_t count;
	/* $expand: one relation, with the names of its $select ("": the defaults) */
	char *expanded_names; /* NULL: nothing is expanded */
	enum relation expanded;
};

void query_selection_release(struct selection *selection);
/* False, with the answer: unknown property, too many, an $expand that is not offered. */
MUST_CHECK bool query_selection_init(struct selection *selection, struct exchange *exchange,
	const struct schema *schema, bool in_collection);
/* The same from the text of a $select (NULL, "": the defaults), which is copied. */
MUST_CHECK bool query_selection_of(struct selection *selection, struct exchange *exchange,
	const struct schema *schema, const char *select, bool in_collection);
/* The object as Graph shows it. `typed` adds "@odata.type". */
json_t *selection_show(const struct selection *selection, struct simulator *simulator,
	const struct object_row *row, bool typed);

/* ---- filters (filter.c, filter_parse.c) ----------------------------------------------------- */

struct filter;
/* What a path may be compared with. 0: nothing, and unsupported; `type` as in CSDL. */
typedef bool filter_field_function(const void *context, struct simulator *simulator,
	const char *path, const char **type, unsigned *capabilities);

/* NULL with the answer given when the filter is malformed or not offered. */
struct filter *filter_parse(struct exchange *exchange, const char *text,
	filter_field_function *field, const void *context);
bool filter_matches(const struct filter *filter, const json_t *object); /* NULL matches all */
void filter_free(struct filter *filter);
DEFINE_CLEANUP(struct filter *, filter_free);
/* filter_field_function over a struct schema. */
bool filter_schema_field(const void *schema, struct simulator *simulator, const char *path,
	const char **type, unsigned *capabilities);
bool filter_audit_field(const void *unused, struct simulator *simulator, const char *path,
	const char **type, unsigned *capabilities);

/* ---- opaque tokens (seal.c) ------------------------------------------------------------------ */

enum { SEALED_MAX = 512, SEALED_CLAIM_MAX = 256 };

/* Nobody but this simulator can read or make one; the claim's bytes are sealed as they are. */
void claim_seal(struct simulator *simulator, const void *claim, size_t length,
	char text[static SEALED_MAX]);
/* False for a text that is damaged, a stranger's, or of a claim of another length. */
MUST_CHECK bool claim_unseal(
	struct simulator *simulator, const char *text, void *claim, size_t length);

/* ---- pages (page.c) -------------------------------------------------------------------------- */

struct page {
	struct exchange *exchange;
	const struct selection *selection;
	const struct filter *filter;
	size_t size;
	bool typed;
	char position[64]; /* go on behind this; "" is the beginning */
	json_t *items;
	bool has_next;
	char last[64]; /* position of the last item taken */
};

/* Reads $top and $skiptoken. False with the answer. */
MUST_CHECK bool query_page_init(
	struct page *page, struct exchange *exchange, size_t default_size, size_t max_size);
void query_page_release(struct page *page);
/* Puts one item in; false when the page is full (and so there is a next one). */
bool page_take(struct page *page, json_t *item, const char *position);
/* Where the next link points to: the Graph of the options, or by fault somewhere else. */
const char *page_link_url(struct simulator *simulator);
/* Answers with @odata.context, @odata.count (negative: none), @odata.nextLink, value. */
bool page_answer(struct page *page, const char *context, int64_t count);

/* ---- small collections (small.c) --------------------------------------------------------------- */

/* A list that is made anew for each request, with $select, $filter, $top and pages. */
struct small_field {
	const char *name, *type; /* as in CSDL */
	bool filters;            /* eq is offered */
};
struct small_collection {
	const char *context, *type; /* "servicePrincipals", "microsoft.graph.servicePrincipal" */
	const struct small_field *fields;
	size_t count;
	const char *expand; /* the one member that comes only with $expand=; NULL: none */
};
/* Answers with what the request wants of `items`, an array of objects that is given away. */
bool small_answer_take(
	struct exchange *exchange, const struct small_collection *collection, json_t *items);

/* ---- objects of any kind (lookups.c) ------------------------------------------------------------ */

/* True when the application may read objects of this kind (contract 9.1). */
bool exchange_may_read(const struct exchange *exchange, enum object_kind kind);
/*
 * With "@odata.type"; of a kind that the application may not read only that and `id`, everything
 * else selected is null (contract 2.1).
 */
json_t *exchange_show_typed(const struct exchange *exchange, const struct selection *selection,
	const struct object_row *row);

/* ---- quota (quota.c) -------------------------------------------------------------------------- */

/* Charges a request for what it costs. False with the 429 when it is too much. */
MUST_CHECK bool quota_admit(struct exchange *exchange);
/* Answers 429 with a Retry-After. True. */
bool exchange_throttle(struct exchange *exchange, int64_t wait_ms);
/* The header in the form that the options want, or none. */
void exchange_add_retry_after(struct exchange *exchange, int64_t wait_ms);

/* ---- faults (faults.c) ------------------------------------------------------------------------ */

/* Whether the options can be. ERROR_USAGE. */
MUST_CHECK bool faults_check(const struct simulator_options *options, struct error *err);
/* Counts a read or a write. False with the answer when it is one that fails. */
MUST_CHECK bool fault_passes(struct exchange *exchange);
/* The answer of a write that was made and fails all the same. */
void fault_change_answer(struct exchange *exchange);
/* Counts a page of a list and notes in the exchange what will be wrong with it. */
void fault_next_page(struct exchange *exchange);
/* What is wrong with the JSON of the page, and with its bytes. */
void fault_change_page(struct exchange *exchange, json_t *body);
void fault_change_bytes(struct exchange *exchange, struct simulator_response *response);
const char *fault_content_type(const struct exchange *exchange); /* NULL: the right one */

/* ---- handlers ------------------------------------------------------------------------------- */

typedef bool route_function(struct exchange *exchange, struct error *err);

route_function answer_organization, answer_list, answer_count, answer_object, answer_related,
	answer_manager, answer_behavior, answer_audits, answer_deleted_list, answer_deleted_one;
route_function answer_patch_user, answer_patch_group, answer_patch_contact, answer_patch_behavior,
	answer_delete_object, answer_restore, answer_restore_elsewhere, answer_purge;
route_function answer_add_reference, answer_remove_reference, answer_delete_through_reference,
	answer_set_manager, answer_clear_manager;
route_function answer_batch, answer_delta;
route_function answer_on_premises_synchronization, answer_recovery_snapshots,
	answer_service_principals, answer_app_role_assignments, answer_role_assignments,
	answer_role_definitions, answer_by_ids, answer_extension_properties;

/* Parsed, authorised and routed; faults included. `exchange` has its target and its headers. */
MUST_CHECK bool exchange_route(struct exchange *exchange, struct error *err);
/* The token endpoint. */
MUST_CHECK bool answer_token(
	struct exchange *exchange, struct span authorization, struct error *err);
/* False with a 401 answered, unless the header bears a token that is valid now. */
MUST_CHECK bool exchange_is_authorised(struct exchange *exchange, struct span authorization);
/* The application holds this permission (it was not denied by the options). */
bool permission_granted(const struct simulator *simulator, const char *permission);
/* True when at least one of a blank-separated list is held. */
bool permission_any(const struct simulator *simulator, const char *permissions);
extern const char *const permission_names[]; /* NULL-ended */

/* A live object of the kind that the path names, as it is now; false with 404 answered. */
MUST_CHECK bool exchange_load(struct exchange *exchange, const char *id, enum object_kind kind,
	bool for_write, struct object_row *row);
/* The kind by the first segment. */
enum object_kind exchange_kind(const struct exchange *exchange);
/* False, with the answer, where Graph may not change this group's members or properties. */
MUST_CHECK bool exchange_group_is_ours(
	struct exchange *exchange, const struct object_row *group, bool members);
/* The object id at the end of an @odata.id; false: another shape. */
bool reference_id(const char *url, char id[static GUID_TEXT_BYTES]);
