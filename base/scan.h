/*
 * A strict scanner of JSON over spans of bytes: RFC 8259 to the letter, no tree, nothing
 * allocated but the caller's buffers. It serves the paths where every object of a directory
 * passes (pages, snapshot lines); jansson serves everything small and is its oracle in tests.
 *
 * Text is checked once, with scan_check(); the other functions expect checked text and then
 * only walk it.
 */
#pragma once

#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

enum {
	SCAN_DEPTH_MAX = 64,         /* [T27] */
	SCAN_MEMBERS_MAX = 4096,     /* members of one object */
	SCAN_ELEMENTS_MAX = 4 << 20, /* elements of one array */
	SCAN_STRING_MAX = 8 << 20,   /* bytes of one string, as written */
};

enum scan_type {
	SCAN_NOTHING, /* the span is absent */
	SCAN_OBJECT,
	SCAN_ARRAY,
	SCAN_STRING,
	SCAN_NUMBER,
	SCAN_TRUE,
	SCAN_FALSE,
	SCAN_NULL,
};

/*
 * Checks that `text` is exactly one JSON value, blanks around it allowed: UTF-8 as RFC 3629
 * has it, paired surrogates in escapes, no duplicate keys (also when spelled with different
 * escapes), limits above. ERROR_FORMAT: "byte 17: …", counted from 0.
 */
MUST_CHECK bool scan_check(struct span text, struct error *err);

/*
 * Members that are wanted while the text is checked, so that it need not be walked again: those of
 * the outermost object, and those of the objects that are their values. Each has a slot, by
 * its name.
 */
enum {
	SCAN_SLOTS = 256,
	SCAN_NO_SLOT = SCAN_SLOTS, /* not wanted */
	SCAN_OUTERMOST,            /* as `outer`: a member of the outermost object */
};

struct scan_found {
	const char *key; /* its opening quote */
	struct span value;
	bool escaped; /* there is a backslash in the key or the value */
	bool joined;  /* key, colon and value stand without blanks between them */
};

struct scan_slots {
	/*
	 * The slot for `key` (escapes undone), or SCAN_NO_SLOT. `outer` is SCAN_OUTERMOST or the slot
	 * of the member whose value is the object.
	 */
	unsigned (*slot_of)(void *context, unsigned outer, struct span key);
	void *context;
	/*
	 * Of the text that was checked last; what was found before an error means nothing. A bit in
	 * `present` for each member that came, and one in `null` where it is null: nothing is found
	 * of it then.
	 */
	struct scan_found found[SCAN_SLOTS];
	uint64_t present[SCAN_SLOTS / 64], null[SCAN_SLOTS / 64];
};

/* As scan_check(), and fills the slots. */
MUST_CHECK bool scan_check_slots(struct span text, struct scan_slots *slots, struct error *err);

/*
 * What texts that are alike have in common: which keys come, in which order, and their slots. It
 * makes checking faster and changes nothing else. It belongs to one scan_slots, or to none.
 */
struct scan_shape;
struct scan_shape *scan_shape_new(void);
void scan_shape_free(struct scan_shape *shape);
DEFINE_CLEANUP(struct scan_shape *, scan_shape_free);

/*
 * Checks ONE value at the beginning of a text that may go on: behind the value, or behind the end
 * of what is here. `*taken` is how many bytes the value took, with the blanks before it; 0: the text
 * ends before the value does, and nothing is wrong so far. A number, true, false or null is
 * only over when something follows it. `shape` and `slots` may be NULL.
 *
 * The check begins anew with each call. Who comes back with more of the same value should wait
 * until the text has doubled, or there is no more: that keeps the whole within twice its length.
 */
MUST_CHECK bool scan_prefix(struct span text, struct scan_shape *shape, struct scan_slots *slots,
	size_t *taken, struct error *err);

/* The type of checked text, by its first byte. */
enum scan_type scan_type(struct span value);

/* The value without the blanks around it. */
struct span scan_trim(struct span value);

/* Walks the members of a checked object, or the elements of a checked array. */
struct scan {
	const char *at, *end;
};

struct scan scan_open(struct span object_or_array);
/* `key` is what stands between the quotes, escapes and all. False at the end. */
bool scan_member(struct scan *scan, struct span *key, struct span *value);
bool scan_element(struct scan *scan, struct span *value);

/*
 * The elements of a checked array that is nothing but texts, with their quotes; 0 where it is not, or
 * has blanks between them, or more than `most`.
 */
size_t scan_texts(struct span array, struct span *texts, size_t most);

/*
 * The value at `key` (plain text, as "displayName"; found also where it is spelled with escapes)
 * of a checked object; absent when it is not there.
 */
struct span scan_find(struct span object, const char *key);

/*
 * Strings. `string` is checked and may stand with its quotes or without them, as a key does: what
 * is between quotes never begins with one.
 */

/* Order of what two strings say, byte for byte, without a buffer. */
int scan_compare(struct span a, struct span b);

/* Appends what a checked string says: UTF-8, escapes undone. A NUL may be in it. */
void scan_text(struct span string, struct buf *out);

/* What a checked string says, when it has no escapes: borrowed, without quotes; else absent. */
struct span scan_text_direct(struct span string);

/*
 * Appends `text` (UTF-8) as a JSON string with the fewest escapes: only `"`, `\` and C0
 * controls (\b \f \n \r \t, else \u00xx in lower case). This is the canonical form.
 */
void scan_quote(struct span text, struct buf *out);

/* True when the string is written in that canonical form already. */
bool scan_is_canonical_string(struct span string);
