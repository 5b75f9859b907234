/*
 * Every answer that the contract lists (5.8, 5.1, 5.3), written down a second time from there, and
 * what becomes of a read, of a write, of an item of a batch and of a whole batch that gets it:
 * how often it is sent, what it is called afterwards, and the sentence that the user sees.
 */
#include "tests/graph/script.h"

#define ID      "aaaaaaaa-0000-4000-8000-000000000001"
#define CONTACT "{\"id\":\"" ID "\",\"displayName\":\"Ada\"}"
#define LAST    "{\"value\":[]}"
#define MORE    "{\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=2\",\"value\":[]}"
#define DOUBT   "whether it was done is not known: read the object before anything else"

/* What a reader is to do. */
enum does {
	ENDS,     /* the error is the answer */
	RETRIES,  /* waits and asks again, until tries are used up */
	FEW,      /* the same, three times in all */
	RESTARTS, /* the list begins again, once */
	RENEWS,   /* asks once more with a new token */
};

struct row {
	long status;
	const char *code; /* NULL: none */
	enum does read;
	enum graph_outcome item;  /* of a write in a batch */
	enum graph_outcome whole; /* of each write of a batch that is answered so as a whole */
	enum error_kind kind;
	const char *said; /* the end of what the user reads */
};

static const char ours[] =
	"the request was malformed, which is a fault of this program: report it with the request-id";
static const char no[] = "Graph will not do this; nothing was changed";
static const char token[] =
	"the token was not accepted: check tenant, cloud and that the application still exists";
static const char permission[] =
	"grant the permission with an administrator's consent or, for administrators and restricted "
	"units, the directory role; a few calls need a licence; then run again";
static const char gone[] =
	"the object is gone, or so new that not every replica has it: look in deleted items, or try "
	"again in a minute";
static const char held[] = "another object holds the value: let go of it there first";
static const char resync[] = "the stored place in the changes is too old: read everything again";
static const char service[] = "the service has trouble: run again later";
static const char throttled[] = "Graph asked to wait: run again later, it was not done";

static const struct row rows[] = {
	{ 400, "Request_BadRequest", ENDS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_FORMAT, no },
	{ 400, "Request_UnsupportedQuery", ENDS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_FORMAT,
		"the query needs the advanced mode ($count=true and ConsistencyLevel)" },
	{ 400, "Directory_ExpiredPageToken", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK,
		"the list took too long to read: run again" },
	{ 400, "syncStateNotFound", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK, resync },
	{ 400, "resyncRequired", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK, resync },
	{ 400, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, no },
	{ 401, "InvalidAuthenticationToken", RENEWS, GRAPH_DENIED, GRAPH_NOT_SENT, ERROR_AUTH,
		token },
	{ 401, NULL, RENEWS, GRAPH_DENIED, GRAPH_NOT_SENT, ERROR_AUTH, token },
	{ 403, "Authorization_RequestDenied", ENDS, GRAPH_DENIED, GRAPH_DENIED, ERROR_DENIED,
		permission },
	{ 403, NULL, ENDS, GRAPH_DENIED, GRAPH_UNKNOWN, ERROR_DENIED, permission },
	{ 404, "Request_ResourceNotFound", ENDS, GRAPH_ABSENT, GRAPH_REFUSED, ERROR_NETWORK, gone },
	{ 404, "Directory_ObjectNotFound", ENDS, GRAPH_ABSENT, GRAPH_REFUSED, ERROR_NETWORK, gone },
	{ 404, "resyncRequired", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK, resync },
	{ 404, NULL, ENDS, GRAPH_ABSENT, GRAPH_UNKNOWN, ERROR_NETWORK, gone },
	{ 405, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 406, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 408, NULL, RETRIES, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 409, "Request_MultipleObjectsWithSameKeyValue", ENDS, GRAPH_CONFLICT, GRAPH_REFUSED,
		ERROR_NETWORK, held },
	{ 409, NULL, ENDS, GRAPH_CONFLICT, GRAPH_UNKNOWN, ERROR_NETWORK,
		"another object holds the value, or another job runs: see to that first" },
	{ 410, "syncStateNotFound", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK, resync },
	{ 410, "resyncRequired", RESTARTS, GRAPH_REFUSED, GRAPH_REFUSED, ERROR_NETWORK, resync },
	{ 410, NULL, RESTARTS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_NETWORK, resync },
	{ 411, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 412, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_NETWORK,
		"the object changed in between: read it again and make a new plan" },
	{ 413, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 415, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 422, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	/* Both are sent again, a few times, after reading: which is what an unknown outcome gets. */
	{ 423, NULL, FEW, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK,
		"the object is locked for the moment: run again later" },
	{ 424, NULL, FEW, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 429, "TooManyRequests", RETRIES, GRAPH_THROTTLED, GRAPH_THROTTLED, ERROR_NETWORK,
		throttled },
	{ 429, NULL, RETRIES, GRAPH_THROTTLED, GRAPH_THROTTLED, ERROR_NETWORK, throttled },
	{ 500, NULL, FEW, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 501, NULL, ENDS, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_FORMAT, ours },
	{ 502, NULL, FEW, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 503, "Directory_ReplicaUnavailable", RETRIES, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK,
		service },
	{ 503, NULL, RETRIES, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 504, NULL, RETRIES, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
	{ 507, NULL, ENDS, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK,
		"the tenant's quota is used up: an administrator must make room" },
	{ 509, NULL, RETRIES, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
};

/* By the hundred, where nobody documented the status. */
static const struct row undocumented[] = {
	{ 100, NULL, ENDS, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK,
		"check the connection and run again" },
	{ 300, NULL, ENDS, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK,
		"redirects are not followed: is there a proxy or a sign-in page in between?" },
	{ 400, NULL, ENDS, GRAPH_REFUSED, GRAPH_UNKNOWN, ERROR_FORMAT, no },
	{ 500, NULL, FEW, GRAPH_UNKNOWN, GRAPH_UNKNOWN, ERROR_NETWORK, service },
};

static const struct row *row_of(long status, const char *code)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].status == status && !rows[i].code == !code &&
			(!code || strcmp(rows[i].code, code) == 0))
			return &rows[i];
	}
	return NULL;
}

/* An answer that the table has, or one with a code that nobody has seen. */
struct answer {
	struct row row;
	char body[200];
};

static void answer_init(struct answer *answer, const struct row *row)
{
	answer->row = *row;
	snprintf(answer->body, sizeof(answer->body),
		row->code ? "{\"error\":{\"code\":\"%s\"}}" : "{}", row->code);
}

/* Every row; then each status with a new code, decided by its row or by its hundred. */
static void for_each_answer(void (*check)(const struct answer *answer))
{
	struct answer answer;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		answer_init(&answer, &rows[i]);
		check(&answer);
	}
	for (long status = 100; status < 600; status++) {
		const struct row *known = row_of(status, NULL);
		struct row row;

		if (status / 100 == 2)
			continue;
		for (size_t i = 0; !known && i < COUNT_OF(undocumented); i++)
			if (undocumented[i].status / 100 == status / 100)
				known = &undocumented[i];
		assert_non_null(known);
		row = *known;
		row.status = status;
		row.code = "Brand_New";
		/* With Graph's own words a 4xx is about this very batch. */
		if (status / 100 == 4 && row.whole == GRAPH_UNKNOWN && row.item != GRAPH_UNKNOWN)
			row.whole = row.item == GRAPH_DENIED ? GRAPH_DENIED : GRAPH_REFUSED;
		answer_init(&answer, &row);
		check(&answer);
	}
}

/* How often in all a request is sent that always gets this answer. */
static size_t tries_of(enum does does)
{
	switch (does) {
	case RETRIES:
		return NET_TRIES_MAX;
	case FEW:
		return 3;
	case RENEWS:
		return 2;
	case ENDS:
	case RESTARTS:
		break;
	}
	return 1;
}

static void assert_ends_with(const struct answer *answer, const char *text, const char *end)
{
	size_t length = strlen(text);

	if (length < strlen(end) || strcmp(text + length - strlen(end), end) != 0)
		fail_msg("%ld %s: \"%s\" does not end with \"%s\"", answer->row.status,
			answer->row.code ? answer->row.code : "", text, end);
}

/* ---- a read of its own ---------------------------------------------------------------- */

static bool ignore_item(void *context UNUSED, struct span item UNUSED, struct error *err UNUSED)
{
	return true;
}

static unsigned restarts;

static void count_restart(void *context UNUSED)
{
	restarts++;
}

/* Reads a list that is answered with these; returns whether it came to its end. */
static bool read_list(const struct reply *replies, size_t count, struct error *err)
{
	CLEANUP(world_release) struct world world;
	bool done;

	restarts = 0;
	world_init(&world, replies, count);
	done = graph_list(world.graph, "/users", ignore_item, count_restart, NULL, err);
	world_is_used_up(&world);
	return done;
}

static void assert_the_reader_goes_on(const struct answer *answer)
{
	const struct reply again[] = { { answer->row.status, answer->body }, { 200, LAST } };
	const struct reply from_the_start[] = { { 200, MORE }, { answer->row.status, answer->body },
		{ 200, LAST, .url = "/users" } };
	struct error err = { 0 };
	bool restart = answer->row.read == RESTARTS;

	if (answer->row.read == ENDS)
		return;
	if (!(restart ? read_list(from_the_start, COUNT_OF(from_the_start), &err)
		      : read_list(again, COUNT_OF(again), &err)))
		fail_msg("%ld: %s", answer->row.status, err.text);
	assert_int_equal(restarts, restart ? 1 : 0);
}

static void assert_the_reader_ends(const struct answer *answer)
{
	struct reply replies[NET_TRIES_MAX];
	/* The second time, a restart is no use. */
	size_t count = answer->row.read == RESTARTS ? 2 : tries_of(answer->row.read);
	struct error err = { 0 };

	for (size_t i = 0; i < count; i++)
		replies[i] = (struct reply){ answer->row.status, answer->body };
	assert_false(read_list(replies, count, &err));
	if (err.kind != answer->row.kind)
		fail_msg("%ld: kind %d, not %d", answer->row.status, err.kind, answer->row.kind);
	assert_ends_with(answer, err.text, answer->row.said);
}

static void a_reader_does_what_the_answer_asks_for(void **state UNUSED)
{
	for_each_answer(assert_the_reader_goes_on);
}

static void a_reader_that_gets_nothing_else_ends_and_says_why(void **state UNUSED)
{
	for_each_answer(assert_the_reader_ends);
}

/* ---- a read in a batch ---------------------------------------------------------------- */

static void add_item(struct buf *body, const struct answer *answer)
{
	buf_addf(body, "{\"responses\":[{\"id\":\"1\",\"status\":%ld,\"body\":%s}]}",
		answer->row.status, answer->body);
}

static void assert_the_item_is_read(const struct answer *answer)
{
	static const char good[] = "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":" CONTACT
				   "}]}";
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(1024);
	struct reply replies[NET_TRIES_MAX];
	struct graph_read read = { .kind = kind_get(KIND_CONTACT), .id = ID };
	struct error err = { 0 };
	bool repeated = answer->row.read != ENDS && answer->row.read != RESTARTS;

	add_item(&body, answer);
	for (size_t i = 0; i < COUNT_OF(replies); i++)
		replies[i] = (struct reply){ 200, buf_text(&body), .url = "/$batch" };
	{
		CLEANUP(world_release) struct world world;

		world_init(&world, replies, tries_of(answer->row.read));
		if (answer->row.status == 404) {
			/* Nothing there is an answer, whatever the code; and no error. */
			assert_true(graph_read_objects(world.graph, &read, 1, &err));
			assert_null(read.lines);
			return;
		}
		assert_false(graph_read_objects(world.graph, &read, 1, &err));
		world_is_used_up(&world);
		assert_int_equal(err.kind, answer->row.kind);
		assert_ends_with(answer, err.text, answer->row.said);
	}
	if (repeated) {
		CLEANUP(world_release) struct world world;

		replies[1].body = good;
		world_init(&world, replies, 2);
		if (!graph_read_objects(world.graph, &read, 1, &err))
			fail_msg("%ld: %s", answer->row.status, err.text);
		assert_contains(read.lines, "Ada");
		memory_free(read.lines);
	}
}

static void an_item_that_is_read_does_the_same_by_itself(void **state UNUSED)
{
	for_each_answer(assert_the_item_is_read);
}

/* ---- writes --------------------------------------------------------------------------- */

static struct graph_write a_write(void)
{
	return (struct graph_write){
		.operation = GRAPH_SET,
		.kind = kind_get(KIND_USER),
		.id = ID,
		.body = SPAN_LITERAL("{\"department\":\"Sales\"}"),
	};
}

static void assert_outcome(
	const struct answer *answer, const struct graph_write *write, enum graph_outcome expected)
{
	if (write->outcome != expected)
		fail_msg("%ld %s: %s, not %s", answer->row.status,
			answer->row.code ? answer->row.code : "",
			graph_outcome_name(write->outcome), graph_outcome_name(expected));
	assert_int_equal(write->status, answer->row.status);
	assert_string_equal(write->code, answer->row.code ? answer->row.code : "");
}

static void assert_the_item_is_settled(const struct answer *answer)
{
	CLEANUP(buf_release) struct buf body = BUF_UP_TO(1024);
	CLEANUP(world_release) struct world world;
	struct reply replies[2];
	struct graph_write write = a_write();
	struct error err = { 0 };

	add_item(&body, answer);
	replies[0] = replies[1] = (struct reply){ 200, buf_text(&body), .url = "/$batch" };
	world_init(&world, replies, answer->row.read == RENEWS ? 2 : 1);
	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	/* Nothing is sent a second time but what had a bad token. */
	world_is_used_up(&world);
	assert_outcome(answer, &write, answer->row.item);
	assert_ends_with(
		answer, write.text, write.outcome == GRAPH_UNKNOWN ? DOUBT : answer->row.said);
}

static void a_write_in_a_batch_has_the_outcome_of_its_answer(void **state UNUSED)
{
	for_each_answer(assert_the_item_is_settled);
}

static void assert_the_whole_is_settled(const struct answer *answer)
{
	CLEANUP(world_release) struct world world;
	const struct reply reply = { answer->row.status, answer->body, .url = "/$batch" };
	const struct reply replies[] = { reply, reply };
	struct graph_write write = a_write();
	struct error err = { 0 };
	bool renews = answer->row.read == RENEWS;

	world_init(&world, replies, renews ? 2 : 1);
	if (graph_write_batch(world.graph, &write, 1, &err) == renews)
		fail_msg("%ld: %s", answer->row.status, err.text);
	world_is_used_up(&world);
	if (renews) {
		assert_int_equal(write.outcome, GRAPH_NOT_SENT);
		assert_int_equal(err.kind, ERROR_AUTH);
		assert_ends_with(answer, err.text, token);
		return;
	}
	assert_outcome(answer, &write, answer->row.whole);
	assert_ends_with(answer, write.text, answer->row.said);
	assert_int_equal(
		strncmp(write.text, DOUBT, strlen(DOUBT)) == 0, write.outcome == GRAPH_UNKNOWN);
}

static void an_answer_to_the_whole_batch_says_little_of_its_writes(void **state UNUSED)
{
	for_each_answer(assert_the_whole_is_settled);
}

/* ---- refusals that share a status and a code ------------------------------------------ */

static const struct refusal {
	long status;
	const char *error; /* what stands in "error" */
	enum graph_outcome outcome;
	const char *said;
} refusals[] = {
	/* 5.1: words choose the hint, never the outcome */
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Unable to update the specified properties "
		"for on-premises mastered Directory Sync objects or objects currently undergoing "
		"migration.\"",
		GRAPH_REFUSED,
		"the object is mastered on premises: the production sync server must export it" },
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Unable to update the specified properties "
		"for objects that have originated within an external service.\"",
		GRAPH_REFUSED, "the value belongs to Exchange Online: change it there" },
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Property 'proxyAddresses' is read-only and "
		"cannot be set.\"",
		GRAPH_REFUSED, "Graph cannot write this property on any object" },
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Cannot Update a mail-enabled security "
		"groups and or distribution list.\"",
		GRAPH_REFUSED,
		"the group belongs to Exchange Online: change it with Exchange PowerShell" },
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Data contract version does not allow "
		"'Delete' operations on 'Contact'.\"",
		GRAPH_REFUSED, "Graph cannot delete this kind of object: its source must" },
	/* 5.3: who holds the value */
	{ 400,
		"\"code\":\"Request_BadRequest\",\"message\":\"Another object with the same value for "
		"property proxyAddresses already exists.\",\"details\":[{\"code\":\"ObjectConflict\","
		"\"target\":\"proxyAddresses\"},{\"code\":\"ConflictingObjects\",\"target\":\"User_" ID
		"\"}]",
		GRAPH_CONFLICT,
		"already exists. (held by User_" ID
		") – another object holds the value: let go of it there first" },
	{ 400,
		"\"code\":\"Request_BadRequest\",\"details\":[{\"code\":\"ObjectConflict\",\"target\":"
		"\"userPrincipalName\"}]",
		GRAPH_CONFLICT, held },
	{ 409, "\"code\":\"Request_MultipleObjectsWithSameKeyValue\"", GRAPH_CONFLICT, held },
	/* 9.2: which permission */
	{ 403, "\"code\":\"Authorization_RequestDenied\",\"message\":\"Insufficient privileges\"",
		GRAPH_DENIED,
		"User-Mail.ReadWrite.All for otherMails) – grant the permission with an "
		"administrator's consent or, for administrators and restricted units, the "
		"directory role; a few calls need a licence; then run again" },
};

static void a_refusal_says_what_its_words_and_details_hint_at(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		CLEANUP(buf_release) struct buf body = BUF_UP_TO(2048);
		CLEANUP(world_release) struct world world;
		const struct answer answer = { .row = { .status = refusals[i].status } };
		struct graph_write write = a_write();
		struct error err = { 0 };
		struct reply reply = { 200 };

		buf_addf(&body,
			"{\"responses\":[{\"id\":\"1\",\"status\":%ld,\"body\":{\"error\":{%s}}}]}",
			refusals[i].status, refusals[i].error);
		reply.body = buf_text(&body);
		world_init(&world, &reply, 1);
		assert_true(graph_write_batch(world.graph, &write, 1, &err));
		assert_int_equal(write.outcome, refusals[i].outcome);
		assert_ends_with(&answer, write.text, refusals[i].said);
	}
}

/* ---- no answer ------------------------------------------------------------------------ */

static void a_write_without_an_answer_is_settled_by_reading(void **state UNUSED)
{
	WORLD(world, { 0, .fault = REPLY_LOST });
	struct graph_write write = a_write();
	struct error err = { 0 };

	assert_true(graph_write_batch(world.graph, &write, 1, &err));
	assert_int_equal(write.outcome, GRAPH_UNKNOWN);
	assert_contains(write.text, DOUBT);
}

static void a_read_without_an_answer_is_repeated(void **state UNUSED)
{
	static const struct reply replies[] = { { 0, .fault = REPLY_LOST },
		{ 0, .fault = REPLY_UNREACHABLE }, { 200, LAST } };
	struct error err = { 0 };

	assert_true(read_list(replies, COUNT_OF(replies), &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_does_what_the_answer_asks_for),
		cmocka_unit_test(a_reader_that_gets_nothing_else_ends_and_says_why),
		cmocka_unit_test(an_item_that_is_read_does_the_same_by_itself),
		cmocka_unit_test(a_write_in_a_batch_has_the_outcome_of_its_answer),
		cmocka_unit_test(an_answer_to_the_whole_batch_says_little_of_its_writes),
		cmocka_unit_test(a_refusal_says_what_its_words_and_details_hint_at),
		cmocka_unit_test(a_write_without_an_answer_is_settled_by_reading),
		cmocka_unit_test(a_read_without_an_answer_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
