/*
 * What every answer of Graph means: one table of status and code, with what a reader does,
 * what became of a write, and the sentence for the user. New codes may appear at any time: one
 * that is not listed is decided by its status, and a status by its hundred.
 *
 * A write whose answer is a 5xx, a 408 or nothing may have been done: it is GRAPH_UNKNOWN and
 * read, never repeated [T5].
 */
#include "graph/graph_internal.h"

#include <assert.h>
#include <strings.h>

static const char advice_ours[] =
	"the request was malformed, which is a fault of this program: report it with the request-id";
static const char advice_connection[] = "check the connection and run again";
static const char advice_token[] =
	"the token was not accepted: check tenant, cloud and that the application still exists";
static const char advice_role[] =
	"grant the permission with an administrator's consent or, for administrators and restricted "
	"units, the directory role; a few calls need a licence; then run again";
static const char advice_gone[] =
	"the object is gone, or so new that not every replica has it: look in deleted items, or try "
	"again in a minute";
static const char advice_held[] = "another object holds the value: let go of it there first";
static const char advice_later[] = "Graph asked to wait: run again later, it was not done";
static const char advice_service[] = "the service has trouble: run again later";
static const char advice_resync[] =
	"the stored place in the changes is too old: read everything again";
static const char advice_no[] = "Graph will not do this; nothing was changed";

static const struct ruling rulings[] = {
	/* status, code, a reader, a write, kind, meaning, advice */
	{ 400, "Request_BadRequest", READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "refused by Graph",
		advice_no },
	{ 400, "ObjectConflict", READING_STOP, GRAPH_CONFLICT, ERROR_FORMAT, "the value is taken",
		advice_held },
	{ 400, "Request_UnsupportedQuery", READING_STOP, GRAPH_REFUSED, ERROR_FORMAT,
		"query not supported",
		"the query needs the advanced mode ($count=true and ConsistencyLevel)" },
	{ 400, "Directory_ExpiredPageToken", READING_RESTART, GRAPH_REFUSED, ERROR_NETWORK,
		"the page token expired", "the list took too long to read: run again" },
	{ 400, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "refused by Graph", advice_no },
	{ 401, "InvalidAuthenticationToken", READING_TOKEN, GRAPH_DENIED, ERROR_AUTH,
		"the token was not accepted", advice_token },
	{ 401, NULL, READING_TOKEN, GRAPH_DENIED, ERROR_AUTH, "the token was not accepted",
		advice_token },
	{ 403, "Authorization_RequestDenied", READING_STOP, GRAPH_DENIED, ERROR_DENIED,
		"not allowed", advice_role },
	{ 403, NULL, READING_STOP, GRAPH_DENIED, ERROR_DENIED, "not allowed", advice_role },
	{ 404, "Request_ResourceNotFound", READING_STOP, GRAPH_ABSENT, ERROR_NETWORK, "not found",
		advice_gone },
	{ 404, "Directory_ObjectNotFound", READING_STOP, GRAPH_ABSENT, ERROR_NETWORK, "not found",
		advice_gone },
	{ 404, NULL, READING_STOP, GRAPH_ABSENT, ERROR_NETWORK, "not found", advice_gone },
	{ 405, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "method not allowed", advice_ours },
	{ 406, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "not acceptable", advice_ours },
	{ 408, NULL, READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph timed out",
		advice_service },
	{ 409, "Request_MultipleObjectsWithSameKeyValue", READING_STOP, GRAPH_CONFLICT,
		ERROR_NETWORK, "the value is taken", advice_held },
	{ 409, NULL, READING_STOP, GRAPH_CONFLICT, ERROR_NETWORK, "conflict",
		"another object holds the value, or another job runs: see to that first" },
	{ 410, NULL, READING_RESTART, GRAPH_REFUSED, ERROR_NETWORK, "gone", advice_resync },
	{ 0, "syncStateNotFound", READING_RESTART, GRAPH_REFUSED, ERROR_NETWORK, "gone",
		advice_resync },
	{ 0, "resyncRequired", READING_RESTART, GRAPH_REFUSED, ERROR_NETWORK, "gone",
		advice_resync },
	{ 411, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "length required", advice_ours },
	{ 412, NULL, READING_STOP, GRAPH_REFUSED, ERROR_NETWORK, "precondition failed",
		"the object changed in between: read it again and make a new plan" },
	{ 413, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "too large", advice_ours },
	{ 415, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "media type refused", advice_ours },
	{ 422, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "not processable", advice_ours },
	/* Not done, and no reason to give up: read, it may be sent once more. */
	{ 423, NULL, READING_AGAIN_FEW, GRAPH_UNKNOWN, ERROR_NETWORK, "locked",
		"the object is locked for the moment: run again later" },
	{ 424, NULL, READING_AGAIN_FEW, GRAPH_UNKNOWN, ERROR_NETWORK, "a dependency failed",
		advice_service },
	{ 429, "TooManyRequests", READING_AGAIN, GRAPH_THROTTLED, ERROR_NETWORK,
		"throttled by Graph", advice_later },
	{ 429, NULL, READING_AGAIN, GRAPH_THROTTLED, ERROR_NETWORK, "throttled by Graph",
		advice_later },
	{ 500, NULL, READING_AGAIN_FEW, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph failed",
		advice_service },
	{ 501, NULL, READING_STOP, GRAPH_UNKNOWN, ERROR_FORMAT, "not implemented", advice_ours },
	{ 502, NULL, READING_AGAIN_FEW, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph's gateway failed",
		advice_service },
	{ 503, "Directory_ReplicaUnavailable", READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK,
		"Graph is unavailable", advice_service },
	{ 503, NULL, READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph is unavailable",
		advice_service },
	{ 504, NULL, READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph timed out",
		advice_service },
	{ 507, NULL, READING_STOP, GRAPH_UNKNOWN, ERROR_NETWORK, "the tenant's quota is full",
		"the tenant's quota is used up: an administrator must make room" },
	{ 509, NULL, READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK, "bandwidth is used up",
		advice_service },
};

/* By the status's hundred. Redirects are never followed: a proxy or a portal is in between. */
static const struct ruling hundreds[] = {
	{ 0, NULL, READING_AGAIN, GRAPH_UNKNOWN, ERROR_NETWORK, "no answer", advice_connection },
	{ 100, NULL, READING_STOP, GRAPH_UNKNOWN, ERROR_NETWORK, "an odd answer",
		advice_connection },
	{ 200, NULL, READING_DONE, GRAPH_DONE, ERROR_NONE, "done", "" },
	{ 300, NULL, READING_STOP, GRAPH_UNKNOWN, ERROR_NETWORK, "redirected",
		"redirects are not followed: is there a proxy or a sign-in page in between?" },
	{ 400, NULL, READING_STOP, GRAPH_REFUSED, ERROR_FORMAT, "refused by Graph", advice_no },
	{ 500, NULL, READING_AGAIN_FEW, GRAPH_UNKNOWN, ERROR_NETWORK, "Graph failed",
		advice_service },
};

static const struct ruling *find_exactly(long status, const char *code)
{
	for (size_t i = 0; i < COUNT_OF(rulings); i++) {
		const struct ruling *row = &rulings[i];

		if (row->status != status || !row->code != !code)
			continue;
		if (!code || strcasecmp(row->code, code) == 0)
			return row;
	}
	return NULL;
}

const struct ruling *ruling_find(long status, const char *code)
{
	const struct ruling *row = NULL;
	size_t hundred = status < 0 ? 0 : (size_t)status / 100;

	/* A success is one whatever its body says. */
	if (hundred == 2)
		return &hundreds[hundred];
	if (code && *code) {
		row = find_exactly(status, code);
		if (!row && hundred == 4)
			row = find_exactly(0, code);
	}
	if (!row && status)
		row = find_exactly(status, NULL);
	if (row)
		return row;
	return &hundreds[hundred < COUNT_OF(hundreds) ? hundred : 1];
}

static const struct {
	const char *words, *hint;
} hints[] = {
	{ "on-premises mastered",
		"the object is mastered on premises: the production sync server must export it" },
	{ "originated within an external service",
		"the value belongs to Exchange Online: change it there" },
	{ "read-only and cannot be set", "Graph cannot write this property on any object" },
	{ "mail-enabled security groups",
		"the group belongs to Exchange Online: change it with Exchange PowerShell" },
	{ "Data contract version does not allow",
		"Graph cannot delete this kind of object: its source must" },
};

const char *ruling_hint(const char *message)
{
	for (size_t i = 0; i < COUNT_OF(hints); i++) {
		if (strcasestr(message, hints[i].words))
			return hints[i].hint;
	}
	return NULL;
}

const char *graph_outcome_name(enum graph_outcome outcome)
{
	static const char *const names[] = {
		[GRAPH_NOT_SENT] = "not sent",
		[GRAPH_DONE] = "done",
		[GRAPH_ALREADY] = "already so",
		[GRAPH_THROTTLED] = "throttled",
		[GRAPH_CONFLICT] = "conflict",
		[GRAPH_REFUSED] = "refused",
		[GRAPH_DENIED] = "denied",
		[GRAPH_ABSENT] = "absent",
		[GRAPH_UNKNOWN] = "unknown",
	};

	assert((size_t)outcome < COUNT_OF(names));
	return names[outcome];
}
