/*
 * What the files about claimants share: which addresses a line claims, the addresses that somebody
 * else claims too, and the rows that both are made of.
 */
#pragma once

#include "reconcile/contests.h"
#include "reconcile/reconcile_internal.h"

#define BIT(place) (1u << (place))

/* Places where an address is unique; of the others an object only asks for it, or tells of it. */
#define PLACES_HELD                                                                                \
	(BIT(CLAIM_PRIMARY) | BIT(CLAIM_PROXY) | BIT(CLAIM_MAIL) | BIT(CLAIM_SIGN_IN) |            \
		BIT(CLAIM_IM))
#define PLACES_WAITING                                                                             \
	(BIT(CLAIM_QUARANTINED_PROXY) | BIT(CLAIM_QUARANTINED_SIGN_IN) | BIT(CLAIM_REFUSED))

/* ---- claim_lines.c: what one line claims ------------------------------------------------ */

enum {
	CLAIM_KEY_MAX = DIRECTORY_LINE_MAX,
	CLAIM_SET_ASIDE_BYTES = 32, /* before the sign-in name of a deleted user: its id */
};

/*
 * Appends what is equal of two texts where they claim the same: the kind of address, a colon, and the
 * address, folded where case means nothing. "smtp:" of what has no kind. Nothing of an empty address.
 */
void claim_add_key(struct buf *out, struct span text, bool scheme_told);

/* The key without the "smtp:" that nearly all have: for people. */
struct span claim_key_plain(struct span key);

typedef void claim_each_function(void *context, enum claim_place place, struct span key);

/* Texts are made here; one for each thread. Zeroed and claim_room_init() before use. */
struct claim_room {
	struct buf key, text, line;
};

void claim_room_init(struct claim_room *room);
void claim_room_release(struct claim_room *room);

/*
 * Calls `each` for every claim of a line as it stands in a snapshot; of part lines there are none. Keys
 * are borrowed during the call. ERROR_FORMAT: no such line.
 */
MUST_CHECK bool claims_of_line(struct claim_room *room, struct span line, claim_each_function *each,
	void *context, struct error *err);

/* The claims of one value, as a line or a fact has it: a text, or a set of texts. */
void claims_of_value(struct claim_room *room, const struct attribute *attribute, struct span value,
	claim_each_function *each, void *context);
/* Whether its values are addresses. */
bool attribute_claims(const struct attribute *attribute);

/* ---- claim_hashes.c: which addresses come more than once ------------------------------ */

/*
 * An address is known by a keyed hash of its key: what is equal by it is looked at again, so a hash
 * that is equal by chance, or by somebody's will, costs time and nothing else.
 */
struct claim_hasher {
	uint8_t key[16];
	uint64_t mask; /* all bits; fewer, so that tests see hashes that are equal by chance */
};

void claim_hasher_init(struct claim_hasher *hasher);
uint64_t claim_hash(const struct claim_hasher *hasher, struct span key);

/* A set of hashes. */
struct hash_set {
	uint64_t *slots; /* 0: vacant */
	size_t capacity, count;
};

void hash_set_add(struct hash_set *set, uint64_t hash);
bool hash_set_has(const struct hash_set *set, uint64_t hash);
void hash_set_release(struct hash_set *set);

/* How somebody came to claim an address, as far as it matters which are looked at again. */
enum hash_weight {
	HASH_HELD,   /* twice: they are in each other's way */
	HASH_WANTED, /* once is enough: in quarantine */
	HASH_TOLD,   /* only of interest beside others */
	HASH_WEIGHTS
};

struct hashed_claim {
	uint64_t hash;
	uint32_t frame;
	enum hash_weight weight;
};

struct hashes;

struct hashes *hashes_new(void);
void hashes_free(struct hashes *hashes);
DEFINE_CLEANUP(struct hashes *, hashes_free);
/* An object gives each hash once. */
void hashes_add(struct hashes *hashes, const struct hashed_claim *claim);
/* Adds those that are to be looked at again to `wanted`, and marks the frames where they are. */
void hashes_find(struct hashes *hashes, struct hash_set *wanted, bool *frames);

/* ---- claim_rows.c: those addresses, exactly ------------------------------------------- */

/* One object that claims something. */
struct claim_object {
	const struct kind *kind;
	struct span id, name;
	enum mastery mastery;
	bool deleted;
	enum door doors[CLAIM_PLACES]; /* to what is held there */
};

struct claim_row {
	struct span key;
	const struct claim_object *object;
	enum claim_place place;
	bool of_base;
	int64_t since_ms; /* of quarantine; else TIME_NONE */
};

struct claim_rows {
	struct texts *texts;
	const struct server_flows *flows; /* production's; NULL: the default rules */
	struct claim_hasher hasher;
	struct hash_set wanted;
	struct claim_row *items;
	size_t count, capacity;
	struct claim_object **objects;
	size_t object_count, object_capacity;
	/* Objects of which the base says something else than live, sorted. */
	struct span *changed;
	size_t changed_count, changed_capacity;
};

void claim_rows_init(struct claim_rows *rows);
void claim_rows_release(struct claim_rows *rows);

/* The attribute that a place is of; NULL: of none that can be told. */
const char *claim_place_attribute(enum claim_place place);

const struct claim_object *claim_rows_keep_object(
	struct claim_rows *rows, const struct object *object);

/* Adds the claims of a line to what is wanted. ERROR_FORMAT: it is none. */
MUST_CHECK bool claim_rows_add_line(struct claim_rows *rows, struct claim_room *room,
	struct span line, bool of_base, struct error *err);
/* The next line of several, without its newline; `lines` goes on behind it. */
struct span claim_next_line(struct span *lines);

/* ---- claim_search.c, claim_collect.c: two passes over a snapshot -------------------------- */

/* Finds what `wanted` is to be, in one pass over live; marks the frames where that is. */
MUST_CHECK bool claim_rows_search(struct claim_rows *rows, struct snapshot *live, bool *frames,
	const struct progress *progress, struct error *err);
/*
 * Adds the rows of what is wanted. `frames`: where to look; NULL: everywhere. `needle`: only in lines
 * that hold it, whatever the case of its letters; absent: in all.
 */
MUST_CHECK bool claim_rows_collect(struct claim_rows *rows, struct snapshot *live,
	const bool *frames, struct span needle, struct error *err);
/* The same of what the base says otherwise. */
MUST_CHECK bool claim_rows_collect_base(
	struct claim_rows *rows, struct snapshot *base, struct snapshot *live, struct error *err);

/* ---- contests.c ------------------------------------------------------------------------- */

/* A fact that says something of one address. */
struct told {
	struct span key;
	const struct fact *fact;
	bool has; /* of the new value; else of the old one */
};

struct contests {
	struct contests_options options;
	struct claim_rows rows;
	struct reconciling reconciling;
	struct reconcile_options reconcile_options;
	struct told *told; /* in order of key, then of time, then the old side first */
	size_t told_count, told_capacity;
	struct contest *items;
	size_t count, capacity;
};

/* contests_find(), with hashes of these bits only: for tests. */
MUST_CHECK struct contests *contests_find_hashed(
	const struct contests_options *options, uint64_t mask, struct error *err);

/* ---- claim_facts.c: what the evidence tells of addresses --------------------------------- */

/* A sync server was refused an address (facts 4.2). */
bool claim_is_refusal(const struct fact *fact);
/* Who is who among the writers, and what was refused: adds to what is wanted. */
MUST_CHECK bool claim_facts_begin(struct contests *contests, struct error *err);
/* After what is wanted is known: fills `told`. */
void claim_facts_gather(struct contests *contests);
/* Adds rows of those who were refused what they do not have. */
MUST_CHECK bool claim_facts_refused(struct contests *contests, struct error *err);
/* After that: adds rows of those who had one of the addresses at some time by the evidence. */
MUST_CHECK bool claim_facts_holders(struct contests *contests, struct error *err);
/* Those of one address. */
const struct told *claim_facts_of(const struct contests *contests, struct span key, size_t *count);
/* Whether the address is on the one side of a fact, and on the other. */
void claim_facts_sides(const struct contests *contests, struct span key, const struct fact *fact,
	bool *had, bool *has);
/* As fact_class(), but a sync server proves nothing while nobody said which is staging. */
enum writer_class claim_fact_class(const struct contests *contests, const struct fact *fact);

/* ---- contest_views.c: what the evidence makes of each claimant --------------------------- */

enum proof {
	PROOF_NONE,
	PROOF_BASE,   /* held it there */
	PROOF_RECORD, /* the record of staging's own write says that it stood there */
	PROOF_WRITE,  /* somebody gave it since */
};

/*
 * One claimant, without what the staging server did. Masks have a bit for each attribute that claims:
 * that of its first place.
 */
struct view {
	struct claimant *claimant;
	unsigned rightly; /* would hold it there */
	unsigned touched; /* staging wrote there, and nobody since */
	unsigned staged;  /* staging gave it there */
	enum proof proof;
	const struct fact *fact;  /* the proof, but of PROOF_BASE */
	const struct fact *touch; /* staging's first write that may have taken it */
	const struct fact *doubt; /* a write that leaves open what stood there */
	bool taken;               /* somebody else deleted the object */
};

struct trial {
	const struct contests *contests;
	struct contest *contest;
	struct view *views;       /* of its claimants */
	const struct fact *doubt; /* of somebody who is no claimant any more */
};

void trial_init(struct trial *at, const struct contests *contests, struct contest *contest);
void trial_release(struct trial *at);
bool claimant_holds(const struct claimant *claimant);

/* ---- contest_decide.c: who is rightful; contest_freeing.c: what frees it ------------------- */

enum { SENTENCE_MAX = 4096 };

/* Decides both. */
void contest_decide(const struct contests *contests, struct contest *contest);
/* The second, after the first; appends the sentence. */
void contest_decide_freeing(struct contest *contest, struct buf *text);
/* "user ada@contoso.com" */
void claimant_add(struct buf *out, const struct claimant *claimant);
