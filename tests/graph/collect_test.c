#include "base/scan.h"
#include "tests/graph/script.h"

#define SYNCED "aaaaaaaa-0000-4000-8000-000000000001"
#define CLOUD  "aaaaaaaa-0000-4000-8000-000000000002"
#define WAS    "aaaaaaaa-0000-4000-8000-000000000003"
#define GROUP  "bbbbbbbb-0000-4000-8000-000000000001"

#define EMPTY_PAGE "{\"value\":[]}"
#define EMPTY(path)                                                                                \
	{                                                                                          \
		200, EMPTY_PAGE, .url = path                                                       \
	}

/* ---- what Graph would send ----------------------------------------------------------- */

/* An object of this kind with all that is selected: `members` as given, null everywhere else. */
static char *object_of(enum kind_id kind, const char *members)
{
	CLEANUP(buf_release) struct buf select = BUF_UP_TO(1 << 16);
	struct buf object = BUF_UP_TO(1 << 16);
	char *name, *rest = NULL;

	kind_add_select(kind_get(kind), &select);
	buf_addf(&object, "{%s", members);
	for (name = strtok_r(select.data, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		char quoted[128];

		snprintf(quoted, sizeof(quoted), "\"%s\":", name);
		if (!strstr(members, quoted))
			buf_addf(&object, ",%snull", quoted);
	}
	buf_add_byte(&object, '}');
	return buf_detach(&object);
}

static char *page_of(enum kind_id kind, const char *const *members, size_t count)
{
	struct buf page = BUF_UP_TO(1 << 20);

	buf_add_text(&page, "{\"value\":[");
	for (size_t i = 0; i < count; i++) {
		CLEANUP(memory_freep) char *object = object_of(kind, members[i]);

		buf_addf(&page, "%s%s", i ? "," : "", object);
	}
	buf_add_text(&page, "]}");
	return buf_detach(&page);
}

/* ---- what came of it ----------------------------------------------------------------- */

struct collected {
	struct object *objects[64];
	size_t count;
};

static void collected_release(struct collected *collected)
{
	for (size_t i = 0; i < collected->count; i++)
		object_free(collected->objects[i]);
}

static bool keep(void *context, struct span lines, struct error *err)
{
	struct collected *collected = context;
	struct object *object = object_parse(lines, err);

	if (!object)
		return false;
	assert_true(collected->count < COUNT_OF(collected->objects));
	assert_true(lines.data[lines.length - 1] == '\n');
	collected->objects[collected->count++] = object;
	return true;
}

static const struct object *find(const struct collected *collected, const char *id)
{
	for (size_t i = 0; i < collected->count; i++) {
		if (span_is(object_id(collected->objects[i]), id))
			return collected->objects[i];
	}
	fail_msg("%s was not collected", id);
	return NULL;
}

static bool is_unknown(const struct object *object, const char *name)
{
	return object_unknown(object, attribute_find(object_kind(object), span_of(name)));
}

static void collect(struct world *world, struct collected *collected)
{
	struct error err = { 0 };

	if (!graph_collect(world->graph, keep, collected, &err))
		fail_msg("%s", err.text);
	world_is_used_up(world);
}

/* ---- collecting ---------------------------------------------------------------------- */

static const char one_user[] = "{\"value\":[{\"id\":\"" SYNCED
			       "\",\"onPremisesSyncEnabled\":true}]}";

static void everything_is_read_and_what_needs_more_is_asked_for(void **state)
{
	static const char *const users[] = {
		"\"id\":\"" SYNCED "\",\"onPremisesSyncEnabled\":true,\"department\":\"Sales\","
		"\"manager\":{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"" CLOUD "\"}",
		"\"id\":\"" CLOUD "\"",
		"\"id\":\"" WAS "\",\"onPremisesSyncEnabled\":false,"
		"\"onPremisesImmutableId\":\"q83vEg==\"",
	};
	static const char *const groups[] = { "\"id\":\"" GROUP
					      "\",\"onPremisesSyncEnabled\":true" };
	static const char *const gone[] = { "\"id\":\"cccccccc-0000-4000-8000-000000000001\"" };
	CLEANUP(memory_freep) char *user_page = page_of(KIND_USER, users, 3);
	CLEANUP(memory_freep) char *group_page = page_of(KIND_GROUP, groups, 1);
	CLEANUP(memory_freep) char *gone_page = page_of(KIND_GROUP, gone, 1);
	const struct reply replies[] = {
		{ 200, user_page, .url = "/users?$select=" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"isCloudManaged\":true}}]}",
			.url = BATCH },
		{ 200, group_page, .url = "/groups?$select=" },
		{ 200,
			"{\"responses\":[{\"id\":\"2\",\"status\":200,\"body\":{\"value\":[]}},"
			"{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[{\"id\":\"" SYNCED
			"\"}],"
			"\"@odata.nextLink\":\"" ROOT "/groups/" GROUP
			"/members?$skiptoken=x\"}}]}",
			.url = BATCH },
		{ 200, "{\"value\":[{\"id\":\"" CLOUD "\"}]}", .url = "/members?$skiptoken=x" },
		EMPTY("/contacts?$select="),
		EMPTY("/directory/deletedItems/microsoft.graph.user?$select="),
		{ 200, gone_page, .url = "/directory/deletedItems/microsoft.graph.group?$select=" },
	};
	CLEANUP(world_release) struct world world;
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *synced, *was, *group, *deleted;

	(void)state;
	world_init(&world, replies, COUNT_OF(replies));
	collect(&world, &collected);
	assert_int_equal(collected.count, 5);

	synced = find(&collected, SYNCED);
	assert_true(span_is(object_get_named(synced, "manager"), "\"" CLOUD "\""));
	assert_false(is_unknown(synced, "department"));
	assert_false(is_unknown(synced, "isCloudManaged"));
	assert_int_equal(object_mastery(find(&collected, CLOUD)), MASTERY_CLOUD);
	was = find(&collected, WAS);
	assert_true(span_is(object_get_named(was, "isCloudManaged"), "true"));
	assert_false(is_unknown(was, "isCloudManaged"));

	group = find(&collected, GROUP);
	assert_true(span_is(object_get_named(group, "members"), "[\"" SYNCED "\",\"" CLOUD "\"]"));
	assert_false(object_get_named(group, "owners").data != NULL);
	assert_false(is_unknown(group, "owners"));

	/* What a deleted group had can't be read, so it is not "none". */
	deleted = find(&collected, "cccccccc-0000-4000-8000-000000000001");
	assert_true(object_deleted(deleted));
	assert_true(is_unknown(deleted, "members"));
	assert_true(is_unknown(deleted, "owners"));
}

static void lists_ask_for_full_pages_with_the_manager_beside(void **state)
{
	WORLD(world, { 200, one_user }, EMPTY("/groups?"), EMPTY("/contacts?"),
		EMPTY("graph.user?"), EMPTY("graph.group?"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_contains(world.script.asked[0].url, "&$expand=manager($select=id)&$top=999");
	assert_null(strstr(world.script.asked[1].url, "$expand"));
	assert_contains(world.script.asked[1].url, "&$top=999");
	assert_null(strstr(world.script.asked[3].url, "$expand"));
}

static void what_was_selected_and_did_not_come_is_unknown(void **state)
{
	WORLD(world, { 200, one_user }, EMPTY("/groups?"), EMPTY("/contacts?"),
		EMPTY("graph.user?"), EMPTY("graph.group?"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *user;

	(void)state;
	collect(&world, &collected);
	user = find(&collected, SYNCED);
	assert_true(is_unknown(user, "proxyAddresses"));
	assert_false(is_unknown(user, "onPremisesSyncEnabled"));
	assert_false(is_unknown(user, "manager"));
}

static void relations_that_may_not_be_read_are_unknown(void **state)
{
	WORLD(world, { 200, one_user },
		{ 200, "{\"value\":[{\"id\":\"" GROUP "\",\"onPremisesSyncEnabled\":false}]}" },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":403},{\"id\":\"2\",\"status\":200,"
			"\"body\":{\"value\":[{\"id\":\"" CLOUD
			"\"}]}},{\"id\":\"3\",\"status\":400}]}" },
		EMPTY("/contacts?"), EMPTY("graph.user?"), EMPTY("graph.group?"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *group;

	(void)state;
	collect(&world, &collected);
	group = find(&collected, GROUP);
	assert_true(is_unknown(group, "members"));
	assert_false(is_unknown(group, "owners"));
	assert_true(span_is(object_get_named(group, "owners"), "[\"" CLOUD "\"]"));
	assert_true(is_unknown(group, "isCloudManaged"));
	assert_int_equal(object_mastery(group), MASTERY_UNKNOWN);
}

/* Members of all groups and owners of all groups make full batches of one sort. */
static void groups_wait_for_full_batches(void **state)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(1 << 16);
	CLEANUP(buf_release) struct buf full = BUF_UP_TO(1 << 16);
	CLEANUP(buf_release) struct buf rest = BUF_UP_TO(1 << 16);
	CLEANUP(world_release) struct world world;
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct reply replies[8] = { { 200, one_user } };

	(void)state;
	for (int i = 0; i < 21; i++)
		buf_addf(&page,
			"%s{\"id\":\"bbbbbbbb-0000-4000-8000-0000000000%02d\","
			"\"onPremisesSyncEnabled\":true}",
			i ? "," : "{\"value\":[", i);
	buf_add_text(&page, "]}");
	for (int i = 1; i <= 20; i++)
		buf_addf(&full, "%s{\"id\":\"%d\",\"status\":200,\"body\":{\"value\":[]}}",
			i > 1 ? "," : "{\"responses\":[", i);
	buf_add_text(&full, "]}");
	buf_add_text(&rest,
		"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[]}},"
		"{\"id\":\"2\",\"status\":200,\"body\":{\"value\":[]}}]}");
	replies[1] = (struct reply){ 200, buf_text(&page) };
	replies[2] = replies[3] = (struct reply){ 200, buf_text(&full) };
	replies[4] = (struct reply){ 200, buf_text(&rest) };
	replies[5] = (struct reply)EMPTY("/contacts?");
	replies[6] = (struct reply)EMPTY("graph.user?");
	replies[7] = (struct reply)EMPTY("graph.group?");
	world_init(&world, replies, COUNT_OF(replies));
	collect(&world, &collected);
	assert_int_equal(collected.count, 22);
	assert_null(strstr(world.script.asked[2].body, "/owners"));
	assert_null(strstr(world.script.asked[3].body, "/members"));
	assert_contains(buf_text(&world.script.asked[2].headers), "x-ms-throttle-priority: low\n");
}

static void a_tenant_without_users_is_an_error(void **state)
{
	WORLD(world, { 200, EMPTY_PAGE });
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_collect(world.graph, keep, &collected, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_contains(err.text, "no user at all");
}

static void a_list_that_starts_again_hands_its_objects_on_again(void **state)
{
	WORLD(world,
		{ 200,
			"{\"value\":[{\"id\":\"" SYNCED "\",\"onPremisesSyncEnabled\":true},"
			"{\"id\":\"" WAS "\",\"onPremisesSyncEnabled\":false}],"
			"\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=1\"}" },
		{ 400, "{\"error\":{\"code\":\"Directory_ExpiredPageToken\"}}" }, { 200, one_user },
		EMPTY("/groups?"), EMPTY("/contacts?"), EMPTY("graph.user?"),
		EMPTY("graph.group?"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	/* The one that waited was forgotten with the list. */
	assert_int_equal(collected.count, 2);
}

static void an_object_without_an_id_stops_the_collection(void **state)
{
	WORLD(world, { 200, "{\"value\":[{\"id\":\"ada\"}]}" });
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_collect(world.graph, keep, &collected, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- reading by id ------------------------------------------------------------------- */

static struct graph_read read_of(enum kind_id kind, const char *id, unsigned flags)
{
	struct graph_read read = { .kind = kind_get(kind), .flags = flags };

	snprintf(read.id, sizeof(read.id), "%s", id);
	return read;
}

static struct object *parsed(struct graph_read *read)
{
	struct error err = { 0 };
	struct object *object = object_parse(span_of(read->lines), &err);

	if (!object)
		fail_msg("%s", err.text);
	memory_free(TAKE(read->lines));
	return object;
}

static void objects_are_read_by_id_live_ones_first(void **state)
{
	WORLD(world,
		{ 200,
			"{\"responses\":["
			"{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" SYNCED
			"\",\"onPremisesSyncEnabled\":true,\"department\":\"Sales\"}},"
			"{\"id\":\"2\",\"status\":404},"
			"{\"id\":\"3\",\"status\":200,\"body\":{\"id\":\"" GROUP
			"\",\"onPremisesSyncEnabled\":false}},"
			"{\"id\":\"4\",\"status\":404}]}" },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" CLOUD
			"\",\"@odata.type\":\"#microsoft.graph.user\"}}]}" },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[{\"id\":\"" WAS
			"\"}]}},{\"id\":\"2\",\"status\":200,\"body\":{\"isCloudManaged\":false}}]}" });
	struct graph_read reads[] = {
		read_of(KIND_USER, SYNCED, GRAPH_READ_BEHAVIOR),
		read_of(KIND_USER, CLOUD, GRAPH_READ_BEHAVIOR),
		read_of(KIND_GROUP, GROUP, GRAPH_READ_MEMBERS | GRAPH_READ_BEHAVIOR),
		read_of(KIND_CONTACT, WAS, 0),
	};
	struct error err = { 0 };

	(void)state;
	if (!graph_read_objects(world.graph, reads, COUNT_OF(reads), &err))
		fail_msg("%s", err.text);
	world_is_used_up(&world);
	assert_contains(world.script.asked[0].body, "\"/users/" SYNCED "?$select=");
	assert_contains(world.script.asked[0].body, "&$expand=manager($select=id)");
	/* A contact has no deleted items to look in. */
	assert_contains(world.script.asked[1].body, "\"/directory/deletedItems/" CLOUD "?$select=");
	assert_null(strstr(world.script.asked[1].body, WAS));
	assert_null(reads[3].lines);
	{
		CLEANUP(object_freep) struct object *user = parsed(&reads[0]);
		CLEANUP(object_freep) struct object *deleted = parsed(&reads[1]);
		CLEANUP(object_freep) struct object *group = parsed(&reads[2]);

		assert_true(span_is(object_get_named(user, "department"), "\"Sales\""));
		assert_true(object_deleted(deleted));
		assert_true(is_unknown(deleted, "manager"));
		assert_true(span_is(object_get_named(group, "members"), "[\"" WAS "\"]"));
		/* Not asked for. */
		assert_true(is_unknown(group, "owners"));
		assert_true(span_is(object_get_named(group, "isCloudManaged"), "false"));
	}
}

static void a_deleted_item_of_another_kind_is_not_the_object(void **state)
{
	WORLD(world, { 200, "{\"responses\":[{\"id\":\"1\",\"status\":404}]}" },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" GROUP
			"\",\"@odata.type\":\"#microsoft.graph.application\"}}]}" });
	struct graph_read read = read_of(KIND_GROUP, GROUP, 0);
	struct error err = { 0 };

	(void)state;
	assert_true(graph_read_objects(world.graph, &read, 1, &err));
	assert_null(read.lines);
}

static void reads_that_fail_give_no_lines_at_all(void **state)
{
	WORLD(world,
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" SYNCED
			"\",\"onPremisesSyncEnabled\":true}},{\"id\":\"2\",\"status\":403}]}" });
	struct graph_read reads[] = { read_of(KIND_USER, SYNCED, 0),
		read_of(KIND_GROUP, GROUP, 0) };
	struct error err = { 0 };

	(void)state;
	assert_false(graph_read_objects(world.graph, reads, 2, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_contains(err.text, "GroupMember.Read.All");
	assert_contains(err.text, "/groups/" GROUP);
	assert_null(reads[0].lines);
}

static void another_object_than_asked_for_is_an_error(void **state)
{
	WORLD(world,
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" CLOUD
			"\",\"onPremisesSyncEnabled\":true}}]}" });
	struct graph_read read = read_of(KIND_USER, SYNCED, 0), odd = read_of(KIND_USER, "me", 0);
	struct error err = { 0 };

	(void)state;
	assert_false(graph_read_objects(world.graph, &read, 1, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_false(graph_read_objects(world.graph, &odd, 1, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	world_is_used_up(&world);
}

static void no_reads_need_no_request(void **state)
{
	CLEANUP(world_release) struct world world;
	struct error err = { 0 };

	(void)state;
	world_init(&world, NULL, 0);
	assert_true(graph_read_objects(world.graph, NULL, 0, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_and_what_needs_more_is_asked_for),
		cmocka_unit_test(lists_ask_for_full_pages_with_the_manager_beside),
		cmocka_unit_test(what_was_selected_and_did_not_come_is_unknown),
		cmocka_unit_test(relations_that_may_not_be_read_are_unknown),
		cmocka_unit_test(groups_wait_for_full_batches),
		cmocka_unit_test(a_tenant_without_users_is_an_error),
		cmocka_unit_test(a_list_that_starts_again_hands_its_objects_on_again),
		cmocka_unit_test(an_object_without_an_id_stops_the_collection),
		cmocka_unit_test(objects_are_read_by_id_live_ones_first),
		cmocka_unit_test(a_deleted_item_of_another_kind_is_not_the_object),
		cmocka_unit_test(reads_that_fail_give_no_lines_at_all),
		cmocka_unit_test(another_object_than_asked_for_is_an_error),
		cmocka_unit_test(no_reads_need_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
