/* What the files of `unstage doctor` share: rows that were found out, and what they mean. */
#pragma once

#include <jansson.h>

#include "base/memory.h"
#include "online/online.h"

/* ---- rows --------------------------------------------------------------------------------- */

enum mark {
	MARK_OK,
	MARK_MISSING,
	MARK_UNKNOWN, /* it could not be found out */
	MARK_NOTE,    /* neither good nor bad */
	MARK_YES,     /* of what documentation leaves open: never a failure */
	MARK_NO,
};
const char *mark_name(enum mark mark);

enum section {
	SECTION_MACHINE,
	SECTION_SIGN_IN,
	SECTION_TENANT,
	SECTION_READING,
	SECTION_AUDIT,
	SECTION_WISHED,
	SECTION_OPEN,
	SECTION_COUNT,
};

/* Rows of the table of what to grant (doctor_grants.c). */
enum grant_id {
	GRANT_NONE,
	GRANT_USERS,
	GRANT_GROUPS,
	GRANT_CONTACTS,
	GRANT_DIRECTORY,
	GRANT_ORGANIZATION,
	GRANT_AUDITS,
	GRANT_HIDDEN,
	GRANT_ROLES,
	GRANT_APPLICATIONS,
	GRANT_USER_BEHAVIOR,
	GRANT_GROUP_BEHAVIOR,
	GRANT_CONTACT_BEHAVIOR,
	GRANT_RECOVERY,
	GRANT_WRITE_USERS,
	GRANT_WRITE_GROUPS,
	GRANT_COUNT,
};

struct check {
	enum section section;
	const char *name; /* a constant, at most CHECK_NAME_COLUMNS */
	enum mark mark;
	bool needed; /* without it the job can't be done */
	enum grant_id grant;
	char *text; /* printable, for people */
	/* of a question that was put to Graph */
	const char *needs;    /* the permission, as a part of a sentence; or NULL */
	enum error_kind kind; /* of a refusal, or of no answer */
	long status;
	char code[64], request_id[64];
};

enum { CHECK_NAME_COLUMNS = 22 };

/* ---- sync servers ----------------------------------------------------------------------------- */

struct seen_identity {
	char *name; /* "Sync_SYNC02_…@…", "ConnectSyncProvisioning_SYNC02_…", or another application's */
	char server[64]; /* "" where the name does not tell */
	bool application;
	bool granted;     /* the application may synchronise, whether it wrote or not */
	uint64_t records; /* that were seen; `more`: there may be others */
	bool more;
	int64_t last_ms; /* TIME_NONE: none was seen */
};

/* ---- the examination -------------------------------------------------------------------------- */

struct doctor {
	const char *profile_name;
	struct profile *profile;
	struct session *session;
	struct check *checks;
	size_t count, capacity;
	struct seen_identity *identities;
	size_t identity_count, identity_capacity;
	struct graph_organization organization; /* id "": unknown */
	char user[ID_BYTES + 1], group[ID_BYTES + 1], contact[ID_BYTES + 1];
	char principal[ID_BYTES + 1], sync_role[ID_BYTES + 1]; /* of the synchronisation service */
	char *address;     /* somebody's primary address without its "SMTP:", or NULL */
	char *permissions; /* that the token names, or NULL */
	unsigned http;     /* version that Graph spoke; 0: unknown */
	unsigned silences; /* questions in a row that got no answer */
	int64_t now_ms;
	struct error trouble; /* why nothing could be asked; ERROR_NONE: it could */
};

void doctor_release(struct doctor *doctor);
/* All that is needed to look is there. */
bool doctor_is_complete(const struct doctor *doctor);

/* A new row; the text is made printable. Borrowed until the next one. */
struct check *doctor_add(struct doctor *doctor, enum section section, const char *name,
	enum mark mark, const char *format, ...) PRINTF_LIKE(5, 6);
void check_set(struct check *check, enum mark mark, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- doctor_machine.c: configuration, files, state folder: nothing is asked of anybody -------- */

void doctor_look_at_machine(struct doctor *doctor);

/* ---- doctor_sign_in.c ----------------------------------------------------------------------------- */

/* Token and clock; `trouble` is set where there is no token. */
void doctor_sign_in(struct doctor *doctor);
void doctor_look_at_clock(struct doctor *doctor);

/* ---- doctor_probes.c ---------------------------------------------------------------------------- */

/* Every row of the table of questions, in its order. */
void doctor_ask_all(struct doctor *doctor);

/*
 * Puts one question to Graph. The row says what came: MARK_OK for an answer that can be used,
 * MARK_MISSING for a 403, MARK_UNKNOWN for everything else. `probe` is to be released.
 */
struct check *doctor_ask(struct doctor *doctor, enum section section, const char *name,
	const char *path, struct graph_probe *probe);

/* ---- doctor_audit.c ------------------------------------------------------------------------------ */

void doctor_look_at_audits(struct doctor *doctor);
/* The application is among those that may synchronise. */
void doctor_note_application(struct doctor *doctor, const char *name);

/* ---- doctor_grants.c ----------------------------------------------------------------------------- */

struct grant {
	const char *permission; /* the least one */
	const char *what_for;
	bool needed;
	bool to_apply; /* for the second registration */
};
const struct grant *grant_of(enum grant_id id);
/* Whether the token names one of these, which blanks divide. */
enum mark token_mark(const struct doctor *doctor, const char *any_of);
/* Whether it is there, by what was asked, else by what the token says. */
enum mark grant_mark(const struct doctor *doctor, enum grant_id id);

/* What the credentials are for: a command, or one sort of what apply writes. */
struct ability {
	const char *name;
	unsigned needs;           /* bits of grant_id */
	const char *method, *url; /* of a write, whose least permission is asked of the table */
	const char *any_of;       /* permissions that allow the write, the least first */
};
const struct ability *abilities(size_t *count);
/* Whether it can be done now; appends what is missing, or why it can't be told, to `why`. */
enum mark ability_mark(const struct doctor *doctor, const struct ability *ability, struct buf *why);

/* ---- doctor_screen.c ------------------------------------------------------------------------------ */

void doctor_add_screen(struct screen *screen, const struct doctor *doctor);
void doctor_add_json(struct screen *screen, const struct doctor *doctor);
