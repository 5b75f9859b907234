/*
 * What the files of the checker share. scan_check.c knows the grammar of arrays and objects,
 * scan_scalar.c that of everything else, scan_shape.c and scan_keys.c see that no key comes twice.
 *
 * A function that checks takes where its text begins and gives what stands behind it, or NULL with
 * the error set.
 */
#pragma once

#include "base/memory.h"
#include "base/scan_internal.h"

enum {
	KEYS_NEAR = 192,               /* keys of open objects that need no memory from the heap */
	KEYS_COMPARED_ONE_BY_ONE = 64, /* of one object; more of them are sorted when it ends */
	FILTER_WORDS = 8,
	SHAPE_NODES = 192,
	SHAPE_LIST_MAX = 64,   /* keys in one list: a bit each in members.seen */
	SHAPE_TEXT_BYTES = 48, /* the longest `"key":` that is remembered */
	SHAPE_RUNS = 16,
	RUN_TEXT_BYTES = 2048,
	RUN_NEVER = UINT8_MAX,
};

/* ---- shapes ---------------------------------------------------------------------- */

/* Keys that objects in one place have had, all different, in the order in which they mostly come. */
struct shape_list {
	uint16_t first, count;
};

/* One of them, and what was found in its value. */
struct shape_node {
	char text[SHAPE_TEXT_BYTES]; /* `"key":`, without escapes or blanks */
	struct shape_list object, elements;
	uint16_t next;   /* of the same list; 0 is the end */
	uint8_t length;  /* of the text */
	uint8_t ordinal; /* its bit in members.seen */
	uint16_t slot;
	uint8_t run; /* that begins with it, counted from 1; 0: none, RUN_NEVER: and none will */
};

/* Members that come one behind the other, all of them null, as they stand in the text. */
struct shape_run {
	char text[RUN_TEXT_BYTES]; /* `"a":null,"b":null` */
	uint16_t length, count;
	uint16_t nodes[SHAPE_LIST_MAX];
	bool settled;  /* it was shorter than thought: it does not grow again */
	uint64_t seen; /* the bits of its nodes, as in members.seen, and of their slots */
	uint64_t slots[SCAN_SLOTS / 64];
};

struct scan_shape {
	const struct scan_slots *slots; /* whose slots are in the nodes */
	struct shape_run *runs;         /* SHAPE_RUNS, or NULL: they are not looked for */
	uint16_t count;
	uint16_t runs_taken;                  /* a bit each */
	struct shape_node nodes[SHAPE_NODES]; /* the first one is the text itself, without a key */
};

/* ---- the state of a check ---------------------------------------------------------- */

/* The keys of an object, hashed to bits: a bit that is free says that a key is new. */
struct key_filter {
	uint64_t words[FILTER_WORDS];
};

struct check {
	const char *begin, *end;
	size_t backslash; /* how much of the text lies before the end of the last one */
	bool prefix;      /* the text may go on behind its end */
	bool ended;       /* what is wrong is that the text ends */
	unsigned depth;
	struct scan_shape *shape; /* NULL: keys are compared with each other */
	struct scan_slots *slots; /* NULL: nobody asks for the members */
	struct span *keys;        /* of all open objects; `near`, or from the heap */
	size_t key_count, key_capacity;
	struct span *near;          /* KEYS_NEAR */
	struct key_filter *filters; /* SCAN_DEPTH_MAX: of each open object that is not settled */
	struct error *err;
};

/* An object that is open. */
struct members {
	/*
	 * Where the shape has its keys. While it is `settled`, each key so far was found there, or
	 * learned, and its bit in `seen` was free: no two are the same.
	 */
	struct shape_list *list;
	bool settled;
	uint16_t *expected; /* the link to the node of the next key, behind that of the last one */
	uint64_t seen;

	/* The last member, where it was found in the shape, is null, and stands without blanks. */
	struct shape_node *null_node;
	const char *null_end;
	struct shape_run *growing; /* the run that ends with it, or NULL */

	bool escaped;     /* a key has escapes */
	size_t count;     /* members so far, since they are not settled */
	size_t first_key; /* their keys begin here on the stack of keys */
	unsigned outer;   /* what `slot_of` is asked with; SCAN_NO_SLOT: it is not asked */
};

NOINLINE const char *scan_fail(struct check *check, const char *at, const char *what);

/* ---- scalars ------------------------------------------------------------------------- */

enum { STOP_SPECIAL = STOP_AT_QUOTE | STOP_AT_CONTROL | STOP_AT_HIGH };

/* The string that began at `begin`, of which nothing stops before `at`; gives what is behind it. */
NOINLINE const char *scan_check_rest(struct check *check, const char *begin, const char *at);
const char *scan_check_number(struct check *check, const char *at);
const char *scan_check_name(struct check *check, const char *at, struct span name);

/*
 * `at` is the opening quote. Most strings are one run, so that the rest is kept out of the way.
 */
static ALWAYS_INLINE const char *scan_check_string(struct check *check, const char *at)
{
	const char *begin = at + 1;
	unsigned first = 0;

	if (check->end - begin >= SCAN_STEP) {
		first = scan_first_stop(begin, STOP_SPECIAL);
		if (first < SCAN_STEP && begin[first] == '"')
			return begin + first + 1;
	}
	return scan_check_rest(check, begin, begin + first);
}

/* ---- keys ---------------------------------------------------------------------------- */

NOINLINE void scan_keys_grow(struct check *check);

static inline void scan_push_key(struct check *check, struct span key)
{
	if (check->key_count == check->key_capacity)
		scan_keys_grow(check);
	check->keys[check->key_count++] = key;
}

/*
 * Adds a key that no shape settles. False: the object has it already. Where there are many keys, or
 * escapes in them, only scan_repeated_key() can say so, when the object ends.
 */
bool scan_add_key(struct check *check, struct members *members, struct span key, bool escaped);

/* The later one of two keys of the object that are the same, or NULL. */
const char *scan_repeated_key(struct check *check, const struct members *members);

void scan_shape_init(struct scan_shape *shape);

/*
 * The node of a key without escapes that is not the one that was expected: found, or learned. NULL
 * where there is no room for it.
 */
struct shape_node *scan_shape_find(struct check *check, struct members *members, struct span key);

/* ---- runs ---------------------------------------------------------------------------- */

/*
 * The run that begins with `node` is not what stands at `at`. It is cut to what does; false where
 * nothing of it stays, or where another key stands there.
 */
NOINLINE bool scan_run_cut(struct scan_shape *shape, struct shape_node *node, const char *at);

/* The member from `begin` to `end`, found in the shape, is null and has no blanks in it. */
NOINLINE void scan_run_learn(struct check *check, struct members *members, struct shape_node *node,
	const char *begin, const char *end);

/* The slot for a member of the object, or SCAN_NO_SLOT. */
unsigned scan_slot_of(struct check *check, const struct members *members, struct span key);
