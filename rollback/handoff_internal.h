/*
 * What the files of the hand-offs share: a file per door, all of them functions of the plan
 * alone, so that the plan can carry their digests and anyone can make them again.
 */
#pragma once

#include "base/scan.h"
#include "rollback/plan_internal.h"

enum {
	HANDOFF_MAX = PLAN_FILE_MAX,
	HANDOFF_COLUMNS = 80,
	HANDOFF_VALUE_MAX = 256
		<< 10, /* of a value in a script or in LDIF; more goes to a person */
};

/* ---- text ------------------------------------------------------------------------------- */

void handoff_add_printable(struct buf *out, const char *text);
/* The heading of a file for people: what it is, of which plan and tenant. */
void handoff_add_title(struct buf *out, const struct plan *plan, const char *title);

/* ---- one writer a file ------------------------------------------------------------------- */

void handoff_add_adsync(struct buf *out, const struct plan *plan);
void handoff_add_sync(struct buf *out, const struct plan *plan);
void handoff_add_exchange(struct buf *out, const struct plan *plan);
void handoff_add_directory(struct buf *out, const struct plan *plan);
void handoff_add_ldif(struct buf *out, const struct plan *plan);
void handoff_add_manual(struct buf *out, const struct plan *plan);

/* ---- scripts (handoff_script.c) ----------------------------------------------------------- */

/*
 * A script is constant code around one block of data: base64 of UTF-8, a JSON document a line, the
 * first about the plan, then one a step. Each text in it begins with '='.
 */
struct script {
	struct buf head, items;
	size_t count;
	const struct plan *plan;
};
#define SCRIPT_OF(plan_)                                                                           \
	{                                                                                          \
		.head = BUF_UP_TO(HANDOFF_MAX), .items = BUF_UP_TO(HANDOFF_MAX), .plan = (plan_)   \
	}
void script_release(struct script *script);

/* Appends ,"key":"=text"; null where it is NULL. */
void script_add_text(struct buf *out, const char *key, const char *text);
/* An item with what all steps have; it stays open for more members until script_end_item(). */
void script_begin_item(struct script *script, const struct plan_step *step);
void script_end_item(struct script *script);
/*
 * Appends the whole file: the lines of `introduction` (comments), the code that all scripts share,
 * then `code` and `table`, then the block.
 */
void script_write(struct buf *out, const struct script *script, const char *const *introduction,
	const char *const *code, struct span table);

/* ---- Active Directory (handoff_names.c) --------------------------------------------------- */

/* What Active Directory calls an attribute; NULL: we don't know, or nobody can write it there. */
const char *directory_name(const struct attribute *attribute);
/* Names that the script alone can write: no single LDAP value stands for them. */
bool directory_is_for_script_only(const struct attribute *attribute);
/* Appends the lines of the script's table of names. */
void directory_add_names(struct buf *out);

/* Appends "corp.contoso.com" of "…,DC=corp,DC=contoso,DC=com"; false where the name has no such end. */
bool dn_add_domain(struct buf *out, struct span dn);

/* ---- Exchange Online (handoff_parameters.c) ------------------------------------------------ */

/* Appends the lines of the script's tables of parameters. */
void exchange_add_parameters(struct buf *out);

/* ---- values ------------------------------------------------------------------------------- */

/* Visits the texts of a canonical value: each element of a set, or the one. */
struct value_texts {
	struct scan scan;
	struct span value;
	bool many, done;
};
struct value_texts value_texts(struct span value);
bool value_next(struct value_texts *texts, struct span *element);
/* True when the element stands in the other value, byte for byte. */
bool value_has(struct span value, struct span element);
/* The text behind an element: "true", "false" for the truth values. */
void value_add_plain(struct buf *out, struct span element);
