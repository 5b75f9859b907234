/* What changed since a link was given, with delta's traps (contract 2.9). */
#include "tests/graph/script.h"

#define ADA  "aaaaaaaa-0000-4000-8000-000000000001"
#define BEN  "aaaaaaaa-0000-4000-8000-000000000002"
#define LINK ROOT "/users/delta?$deltatoken=old"

struct told {
	struct graph_change changes[16];
	size_t count;
};

static bool note(void *context, const struct graph_change *change, struct error *err)
{
	struct told *told = context;

	(void)err;
	assert_true(told->count < COUNT_OF(told->changes));
	told->changes[told->count++] = *change;
	return true;
}

static enum graph_delta ask(struct world *world, struct told *told, char **next, struct error *err)
{
	return graph_delta(world->graph, kind_get(KIND_USER), LINK, note, told, next, err);
}

static void changes_are_told_to_the_last_page_and_the_next_link_kept(void **state)
{
	WORLD(world,
		{ 200,
			"{\"@odata.nextLink\":\"" ROOT "/users/delta?$skiptoken=2\",\"value\":["
			"{\"id\":\"" ADA "\",\"department\":null}]}",
			.url = "$deltatoken=old" },
		{ 200, "{\"@odata.nextLink\":\"" ROOT "/users/delta?$skiptoken=3\",\"value\":[]}" },
		{ 200,
			"{\"value\":[{\"id\":\"" BEN
			"\",\"createdDateTime\":\"2026-03-04T02:17:41Z\"}],"
			"\"@odata.deltaLink\":\"" ROOT "/users/delta?$deltatoken=new\"}" });
	CLEANUP(memory_freep) char *next = NULL;
	struct told told = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ask(&world, &told, &next, &err), GRAPH_DELTA_TOLD);
	assert_string_equal(next, ROOT "/users/delta?$deltatoken=new");
	assert_int_equal(told.count, 2);
	assert_int_equal(told.changes[0].sort, GRAPH_CHANGED);
	assert_false(told.changes[0].anew);
	assert_true(told.changes[1].anew);
	world_is_used_up(&world);
}

static void deleted_and_gone_are_told_apart_and_a_new_reason_is_the_milder(void **state)
{
	static const struct {
		const char *reason;
		enum graph_change_sort sort;
	} rows[] = { { "changed", GRAPH_DELETED }, { "deleted", GRAPH_GONE },
		{ "archived", GRAPH_DELETED } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(memory_freep) char *next = NULL;
		CLEANUP(world_release) struct world world;
		struct reply reply = { .status = 200 };
		struct told told = { 0 };
		struct error err = { 0 };
		char body[512];

		snprintf(body, sizeof(body),
			"{\"value\":[{\"id\":\"" ADA "\",\"@removed\":{\"reason\":\"%s\"}}],"
			"\"@odata.deltaLink\":\"" ROOT "/users/delta?$deltatoken=n\"}",
			rows[i].reason);
		reply.body = body;
		world_init(&world, &reply, 1);
		assert_int_equal(ask(&world, &told, &next, &err), GRAPH_DELTA_TOLD);
		assert_int_equal(told.changes[0].sort, rows[i].sort);
	}
}

/* 410, and the same codes on other 40x. */
static void a_lost_token_is_told_as_lost_in_every_form(void **state)
{
	static const struct reply forms[] = {
		{ 410, "{\"error\":{\"code\":\"syncStateNotFound\"}}",
			"location: " ROOT "/users/delta?$deltatoken=\n" },
		{ 410, "" },
		{ 400, "{\"error\":{\"code\":\"resyncRequired\"}}" },
		{ 404, "{\"error\":{\"code\":\"syncStateNotFound\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		CLEANUP(memory_freep) char *next = NULL;
		CLEANUP(world_release) struct world world;
		struct told told = { 0 };
		struct error err = { 0 };

		world_init(&world, &forms[i], 1);
		assert_int_equal(ask(&world, &told, &next, &err), GRAPH_DELTA_LOST);
		assert_null(next);
		world_is_used_up(&world); /* the Location is input, and nobody follows it */
	}
}

static void what_is_no_answer_is_a_failure(void **state)
{
	static const struct {
		struct reply reply;
		const char *words;
	} rows[] = {
		{ { 200, "{\"value\":[]}" }, "no @odata.deltaLink" },
		{ { 200,
			  "{\"value\":[],\"@odata.nextLink\":\"" ROOT
			  "/users/delta?a\",\"@odata.deltaLink\":\"" ROOT "/users/delta?b\"}" },
			"both @odata.nextLink and @odata.deltaLink" },
		{ { 200, "{\"value\":[{\"id\":\"ada\"}],\"@odata.deltaLink\":\"" LINK "\"}" },
			"no GUID" },
		{ { 200,
			  "{\"value\":[{\"id\":\"" ADA
			  "\",\"@removed\":true}],\"@odata.deltaLink\":\"" LINK "\"}" },
			"without a reason" },
		{ { 403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" },
			"Authorization_RequestDenied" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(memory_freep) char *next = NULL;
		CLEANUP(world_release) struct world world;
		struct told told = { 0 };
		struct error err = { 0 };

		/* A page behind the one with two links is asked for before that is known. */
		const struct reply replies[] = { rows[i].reply, { 200, "{\"value\":[]}" } };

		world_init(&world, replies, COUNT_OF(replies));
		assert_int_equal(ask(&world, &told, &next, &err), GRAPH_DELTA_FAILED);
		assert_contains(err.text, rows[i].words);
		assert_null(next);
	}
}

static void a_stored_link_to_another_host_is_not_followed(void **state)
{
	CLEANUP(world_release) struct world world;
	CLEANUP(memory_freep) char *next = NULL;
	struct told told = { 0 };
	struct error err = { 0 };

	(void)state;
	world_init(&world, NULL, 0);
	assert_int_equal(graph_delta(world.graph, kind_get(KIND_USER),
				 "https://graph.microsoft.com.evil.example/v1.0/users/delta", note,
				 &told, &next, &err),
		GRAPH_DELTA_FAILED);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_told_to_the_last_page_and_the_next_link_kept),
		cmocka_unit_test(deleted_and_gone_are_told_apart_and_a_new_reason_is_the_milder),
		cmocka_unit_test(a_lost_token_is_told_as_lost_in_every_form),
		cmocka_unit_test(what_is_no_answer_is_a_failure),
		cmocka_unit_test(a_stored_link_to_another_host_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
