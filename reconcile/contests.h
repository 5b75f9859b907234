/* Contests: one address, several who claim it (facts 4, contract 5.3). */
#pragma once

#include "reconcile/reconcile.h"

/*
 * Addresses are equal whatever the case of their letters and of "SMTP:"; SMTP and SIP addresses are
 * apart from each other, and so are those of every other scheme. proxyAddresses, mail, sign-in names
 * and what is quarantined share one space. No contest are: what one object says of itself in several
 * places; otherMails, which need not be unique; sign-in names in deleted items, which are set aside.
 */
enum claim_place {
	CLAIM_PRIMARY, /* proxyAddresses, "SMTP:" */
	CLAIM_PROXY,   /* proxyAddresses, of any other scheme too */
	CLAIM_MAIL,
	CLAIM_SIGN_IN,
	CLAIM_IM,
	CLAIM_OTHER_MAIL,        /* tells of it, and is in nobody's way */
	CLAIM_FORMER_SIGN_IN,    /* of a deleted user: comes back when the user does */
	CLAIM_QUARANTINED_PROXY, /* waits for it: the service keeps it back */
	CLAIM_QUARANTINED_SIGN_IN,
	CLAIM_REFUSED,  /* a sync server was refused it (in the evidence) */
	CLAIM_FORMERLY, /* neither base nor live has it there, but the evidence tells that it was */
	CLAIM_PLACES
};

/* "proxyAddresses (primary)", … for people and for files. */
const char *claim_place_name(enum claim_place place);

enum claim_standing {
	STANDING_HOLDS,
	STANDING_WAITS, /* quarantined, or refused */
	STANDING_TELLS, /* otherMails; a sign-in name that was set aside */
	STANDING_HELD,  /* in the base, or by the evidence, and no more */
	STANDING_COUNT
};

const char *claim_standing_name(enum claim_standing standing);

struct claimant {
	const struct kind *kind;
	struct span id, name; /* name: for people, unescaped */
	enum mastery mastery;
	bool deleted; /* lies in deleted items */
	enum claim_standing standing;
	unsigned places, base_places; /* bits, 1 << claim_place */
	bool in_base;                 /* held it there; false too where there is no base */
	bool by_staging;              /* what it holds, the staging server gave it */
	/* Since when it holds it, or waits for it: TIME_NONE: not known. */
	int64_t since_ms;
	bool since_before; /* it did so already then: when the base was taken */
	const struct fact
		*fact;  /* the write that gave it, or asked for it; NULL: not in evidence */
	enum door door; /* by which it would be taken from it */
};

enum contest_state {
	CONTEST_NONE,    /* one claimant at most: only contests_of() tells of it */
	CONTEST_WAITING, /* somebody waits for it: quarantined, or refused */
	CONTEST_TWICE,   /* several hold it */
	CONTEST_RESTORE, /* one in deleted items could not come back with it */
	CONTEST_STATES
};

const char *contest_state_name(enum contest_state state);

/* What frees it soonest. */
enum freeing {
	FREED_BY_NOTHING, /* who should have it has it, and nothing stands in the way */
	FREED_BY_RETRY,   /* nobody holds it any more: the service tests again every hour */
	FREED_BY_PRODUCTION,
	FREED_BY_PLAN,
	FREED_BY_DELETION, /* its holder is in deleted items */
	FREED_BY_PERSON,
	FREEING_COUNT
};

const char *freeing_name(enum freeing freeing);

struct contest {
	struct span address; /* folded, with its scheme: "smtp:ada@contoso.com" */
	enum contest_state state;
	struct claimant *claimants; /* who holds it, who waits, who tells, who held; each by id */
	size_t count;
	size_t waiting;                  /* of them */
	const struct claimant *rightful; /* NULL: not proved */
	char *proof;                     /* a sentence: why, or why not */
	enum freeing freed_by;
	char *freed; /* a sentence */
};

struct contests_options {
	struct snapshot *live;
	struct snapshot *base; /* NULL: none */
	struct evidence
		*evidence; /* NULL: none. All three are borrowed, as long as the contests live */
	const char *staging, *production; /* as in reconcile_options; `staging` may be NULL */
	const struct progress *progress;
};

struct contests;

/*
 * All of them, in order of the address. A pass over live that hashes every address, in the threads that
 * snapshot_use_workers() allows, and another over what comes twice.
 *   ERROR_REFUSED  base, live, evidence are of different tenants
 *   ERROR_USAGE    `staging` names nobody
 */
MUST_CHECK struct contests *contests_find(
	const struct contests_options *options, struct error *err);
/*
 * One address, as people write it ("ada@contoso.com", "SMTP:Ada@contoso.com", "sip:…"): one contest, also where
 * nobody contests it, or nobody is there. ERROR_USAGE: it is empty.
 */
MUST_CHECK struct contests *contests_of(
	const struct contests_options *options, const char *address, struct error *err);
void contests_free(struct contests *contests);
DEFINE_CLEANUP(struct contests *, contests_free);

size_t contests_count(const struct contests *contests);
const struct contest *contests_get(const struct contests *contests, size_t index);

/* `unstage-conflicts/1` (docs/FORMAT-conflicts.md): header line, a contest a line, counting trailer. */
void contests_begin_json(struct buf *out, const struct contests *contests);
void contest_add_json(struct buf *out, const struct contest *contest); /* no newline */
void contests_end_json(struct buf *out, const struct contests *contests);
