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
	size_t count, gone;
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
	/* The last one counts. */
	for (size_t i = 0; i < collected->count; i++)
		if (span_equal(object_id(collected->objects[i]), object_id(object))) {
			object_free(collected->objects[i]);
			collected->objects[i] = object;
			return true;
		}
	collected->objects[collected->count++] = object;
	return true;
}

static bool forget(void *context, const char *id, struct error *err)
{
	struct collected *collected = context;

	(void)err;
	collected->gone++;
	for (size_t i = 0; i < collected->count; i++)
		if (span_is(object_id(collected->objects[i]), id)) {
			object_free(collected->objects[i]);
			collected->objects[i] = collected->objects[--collected->count];
		}
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

static bool try_collect(struct world *world, struct collected *collected, struct error *err)
{
	const struct graph_taker taker = { keep, forget, collected };
	CLEANUP(graph_links_release) struct graph_links links = { { NULL } };

	world->script.by_url = true;
	return graph_collect(world->graph, &taker, NULL, &links, err);
}

static void collect(struct world *world, struct collected *collected)
{
	struct error err = { 0 };

	if (!try_collect(world, collected, &err))
		fail_msg("%s", err.text);
	world_is_used_up(world);
}

/* ---- collecting ---------------------------------------------------------------------- */

#define AS_EXPECTED(path)                                                                          \
	{                                                                                          \
		200, "{\"@odata.deltaLink\":\"" ROOT path "/delta?$deltatoken=t\",\"value\":[]}",  \
			.url = path "/delta?$select=id"                                            \
	}
#define QUIET(path)                                                                                \
	{                                                                                          \
		200, "{\"@odata.deltaLink\":\"" ROOT path "/delta?$deltatoken=t2\",\"value\":[]}", \
			.url = path "/delta?$deltatoken=t"                                         \
	}
/* The first batch asks which directory extensions there are. */
#define EXTENSIONS(answer)                                                                         \
	{                                                                                          \
		200, "{\"responses\":[{\"id\":\"1\"," answer "}]}", .url = BATCH                   \
	}
/* Delta links. */
#define LINKS         AS_EXPECTED("/users"), AS_EXPECTED("/groups"), AS_EXPECTED("/contacts")
#define NO_EXTENSIONS EXTENSIONS("\"status\":200,\"body\":{\"value\":[]}")
#define BEGINS        NO_EXTENSIONS, LINKS
/* Nothing changes while the lists are read. */
#define NOTHING_NEW QUIET("/users"), QUIET("/groups"), QUIET("/contacts")
#define RESTS       BEGINS, NOTHING_NEW
#define MEMBERS(text)                                                                              \
	{                                                                                          \
		200,                                                                               \
			"{\"@odata.deltaLink\":\"" ROOT                                            \
			"/groups/delta?$deltatoken=m\",\"value\":[" text "]}",                     \
			.url = "/groups/delta?$select=members"                                     \
	}
#define NO_BULK_MEMBERS                                                                            \
	{                                                                                          \
		403, "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}",                     \
			.url = "/groups/delta?$select=members"                                     \
	}
#define USERS(text)                                                                                \
	{                                                                                          \
		200, "{\"value\":[" text "]}", .url = "/v1.0/users?"                               \
	}
#define GROUPS(text)                                                                               \
	{                                                                                          \
		200, "{\"value\":[" text "]}", .url = "/v1.0/groups?"                              \
	}
#define NO_CONTACTS       EMPTY("/v1.0/contacts?")
#define NO_DELETED_USERS  EMPTY("graph.user?")
#define NO_DELETED_GROUPS EMPTY("graph.group?")

static const char one_user[] = "{\"value\":[{\"id\":\"" SYNCED
			       "\",\"onPremisesSyncEnabled\":true}]}";
#define ONE_USER        "{\"id\":\"" SYNCED "\",\"onPremisesSyncEnabled\":true}"
#define ONE_GROUP(more) "{\"id\":\"" GROUP "\",\"onPremisesSyncEnabled\":true" more "}"

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
		RESTS,
		NO_BULK_MEMBERS,
		{ 200, user_page, .url = "/v1.0/users?$select=" },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"isCloudManaged\":true}}]}",
			.url = BATCH },
		{ 200, group_page, .url = "/v1.0/groups?$select=" },
		{ 200,
			"{\"responses\":[{\"id\":\"2\",\"status\":200,\"body\":{\"value\":[]}},"
			"{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[{\"id\":\"" SYNCED
			"\"}],"
			"\"@odata.nextLink\":\"" ROOT "/groups/" GROUP
			"/members?$skiptoken=x\"}}]}",
			.url = BATCH },
		{ 200, "{\"value\":[{\"id\":\"" CLOUD "\"}]}", .url = "/members?$skiptoken=x" },
		NO_CONTACTS,
		NO_DELETED_USERS,
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

static void lists_ask_for_full_pages_with_one_relation_beside(void **state)
{
	WORLD(world, RESTS, MEMBERS(""), USERS(ONE_USER), EMPTY("/v1.0/groups?"), NO_CONTACTS,
		NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_contains(
		world_asked(&world, "/v1.0/users?")->url, "&$expand=manager($select=id)&$top=999");
	assert_contains(
		world_asked(&world, "/v1.0/groups?")->url, "&$expand=owners($select=id)&$top=999");
	assert_null(strstr(world_asked(&world, "graph.user?")->url, "$expand"));
	assert_contains(buf_text(&world_asked(&world, "/v1.0/users?")->headers),
		"x-ms-throttle-priority: low\n");
}

#define APP "extension_7be1c04d9a314c60b9a1e0d4b6f2e8c1_"

static void directory_extensions_are_asked_for_by_name(void **state)
{
	WORLD(world,
		EXTENSIONS("\"status\":200,\"body\":{\"value\":["
			   "{\"name\":\"" APP "cost\",\"targetObjects\":[\"User\",\"Group\"]},"
			   "{\"name\":\"" APP "site\",\"targetObjects\":[\"User\"]},"
			   "{\"name\":\"" APP "rack\",\"targetObjects\":[\"Device\"]}]}"),
		LINKS, NOTHING_NEW, MEMBERS(""),
		USERS("{\"id\":\"" SYNCED "\",\"onPremisesSyncEnabled\":true,\"" APP
		      "site\":\"B\"}"),
		EMPTY("/v1.0/groups?"), NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_contains(world_asked(&world, "/v1.0/users?")->url, "," APP "cost," APP "site&");
	assert_contains(world_asked(&world, "graph.user?")->url, "," APP "cost," APP "site&");
	assert_contains(world_asked(&world, "/users/delta?")->url, "," APP "cost," APP "site,");
	assert_contains(world_asked(&world, "/v1.0/groups?")->url, "," APP "cost&");
	assert_null(strstr(world_asked(&world, "/v1.0/contacts?")->url, "extension_"));
	assert_true(span_is(object_get_named(find(&collected, SYNCED), APP "site"), "\"B\""));
	/* One that did not come is not set: Graph leaves those out. */
	assert_false(is_unknown(find(&collected, SYNCED), APP "cost"));
}

static void directory_extensions_that_may_not_be_listed_are_unknown(void **state)
{
	struct error err = { 0 };
	WORLD(world,
		EXTENSIONS("\"status\":403,\"body\":{\"error\":{\"code\":"
			   "\"Authorization_RequestDenied\"}}"),
		LINKS, NOTHING_NEW, MEMBERS(""), USERS(ONE_USER), EMPTY("/v1.0/groups?"),
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_true(is_unknown(find(&collected, SYNCED), APP "cost"));
	/* No reply is left: a refusal is not asked for again. */
	assert_true(graph_find_extensions(world.graph, &err));
}

static void a_list_of_directory_extensions_that_is_none_ends_it(void **state)
{
	static const char *const answers[] = {
		"\"status\":200,\"body\":{\"values\":[]}",
		"\"status\":200,\"body\":{\"value\":[{}]}",
		"\"status\":200,\"body\":{\"value\":[1]}",
		"\"status\":200,\"body\":{\"value\":[{\"name\":\"id\",\"targetObjects\":[]}]}",
		"\"status\":200,\"body\":{\"value\":[{\"name\":\"" APP
		"x,id\",\"targetObjects\":[\"User\"]}]}",
		"\"status\":200,\"body\":{\"value\":[],\"@odata.nextLink\":\"" ROOT "/x\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		CLEANUP(buf_release) struct buf body = BUF_UP_TO(4096);
		CLEANUP(collected_release) struct collected collected = { .count = 0 };
		struct error err = { 0 };

		buf_addf(&body, "{\"responses\":[{\"id\":\"1\",%s}]}", answers[i]);
		const struct reply reply = { 200, buf_text(&body), .url = BATCH };
		CLEANUP(world_release) struct world world;

		world_init(&world, &reply, 1);
		assert_false(try_collect(&world, &collected, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_contains(err.text, "getAvailableExtensionProperties");
		assert_int_equal(collected.count, 0);
	}
}

static void what_was_selected_and_did_not_come_is_unknown(void **state)
{
	WORLD(world, RESTS, MEMBERS(""), USERS(ONE_USER), EMPTY("/v1.0/groups?"), NO_CONTACTS,
		NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *user;

	(void)state;
	collect(&world, &collected);
	user = find(&collected, SYNCED);
	assert_true(is_unknown(user, "proxyAddresses"));
	assert_false(is_unknown(user, "onPremisesSyncEnabled"));
	assert_false(is_unknown(user, "manager"));
}

/* ---- members and owners ---------------------------------------------------------------- */

static void relations_that_may_not_be_read_are_unknown(void **state)
{
	WORLD(world, RESTS, NO_BULK_MEMBERS, USERS(ONE_USER),
		GROUPS("{\"id\":\"" GROUP "\",\"onPremisesSyncEnabled\":false}"),
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":403},{\"id\":\"2\",\"status\":200,"
			"\"body\":{\"value\":[{\"id\":\"" CLOUD
			"\"}]}},{\"id\":\"3\",\"status\":400}]}",
			.url = BATCH },
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
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

/* The same group comes again; a membership that ended is taken off; who lies deleted is not shown. */
static void members_of_all_groups_are_read_in_bulk(void **state)
{
	WORLD(world, RESTS,
		MEMBERS("{\"id\":\"" GROUP "\",\"members@delta\":[{\"id\":\"" SYNCED
			"\"},{\"id\":\"" WAS
			"\"},{\"id\":\"cccccccc-0000-4000-8000-000000000001\"}]},"
			"{\"id\":\"" GROUP "\",\"members@delta\":[{\"id\":\"" CLOUD
			"\"},{\"id\":\"" WAS "\",\"@removed\":{\"reason\":\"deleted\"}}]},"
			"{\"id\":\"bbbbbbbb-0000-4000-8000-000000000002\"},"
			"{\"id\":\"bbbbbbbb-0000-4000-8000-000000000003\",\"@removed\":{\"reason\":"
			"\"changed\"}}"),
		USERS(ONE_USER),
		GROUPS(ONE_GROUP(",\"owners\":[{\"id\":\"" CLOUD
				 "\"}]") ",{\"id\":\"bbbbbbbb-0000-4000-8000-000000000002\","
					 "\"onPremisesSyncEnabled\":true,\"owners\":[]}"),
		NO_CONTACTS,
		{ 200, "{\"value\":[{\"id\":\"cccccccc-0000-4000-8000-000000000001\"}]}",
			.url = "graph.user?" },
		NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *group, *empty;

	(void)state;
	collect(&world, &collected); /* no batch at all */
	group = find(&collected, GROUP);
	assert_true(span_is(object_get_named(group, "members"), "[\"" SYNCED "\",\"" CLOUD "\"]"));
	assert_true(span_is(object_get_named(group, "owners"), "[\"" CLOUD "\"]"));
	empty = find(&collected, "bbbbbbbb-0000-4000-8000-000000000002");
	assert_false(is_unknown(empty, "members"));
	assert_false(is_unknown(empty, "owners"));
	assert_null(object_get_named(empty, "members").data);
}

/* Without Member.Read.Hidden delta would show such a group as empty. */
static void members_that_are_hidden_are_asked_for_one_by_one(void **state)
{
	WORLD(world, RESTS, MEMBERS("{\"id\":\"" GROUP "\"}"), USERS(ONE_USER),
		GROUPS(ONE_GROUP(",\"owners\":[],\"visibility\":\"HiddenMembership\"")),
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":403}]}", .url = BATCH },
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_true(is_unknown(find(&collected, GROUP), "members"));
}

/* A group that delta did not name may be new, and a group without a line there is not empty. */
static void a_group_that_the_bulk_did_not_name_is_asked_for(void **state)
{
	WORLD(world, RESTS, MEMBERS(""), USERS(ONE_USER), GROUPS(ONE_GROUP(",\"owners\":[]")),
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[{\"id\":\"" CLOUD
			"\"}]}}]}",
			.url = BATCH },
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_true(
		span_is(object_get_named(find(&collected, GROUP), "members"), "[\"" CLOUD "\"]"));
}

/* $expand gives twenty and no link to more: twenty may be all, or the first of many. */
static void twenty_expanded_owners_are_not_believed_to_be_all(void **state)
{
	for (int count = 19; count <= 20; count++) {
		CLEANUP(buf_release) struct buf page = BUF_UP_TO(1 << 16);
		CLEANUP(world_release) struct world world;
		CLEANUP(collected_release) struct collected collected = { .count = 0 };
		struct reply replies[] = { RESTS, MEMBERS("{\"id\":\"" GROUP "\"}"),
			USERS(ONE_USER), NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS,
			{ 200, NULL, .url = "/v1.0/groups?" },
			{ 200,
				"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"value\":["
				"{\"id\":\"" CLOUD "\"}]}}]}",
				.url = BATCH } };
		size_t used = COUNT_OF(replies) - (count == 19);
		struct span owners;

		buf_addf(&page, "{\"value\":[{\"id\":\"" GROUP "\",\"onPremisesSyncEnabled\":true");
		for (int i = 0; i < count; i++)
			buf_addf(&page, "%s{\"id\":\"aaaaaaaa-0000-4000-8000-0000000001%02d\"}",
				i ? "," : ",\"owners\":[", i);
		buf_add_text(&page, "]}]}");
		replies[COUNT_OF(replies) - 2].body = buf_text(&page);
		(void)state;
		world_init(&world, replies, used);
		collect(&world, &collected);
		owners = object_get_named(find(&collected, GROUP), "owners");
		assert_int_equal(span_is(owners, "[\"" CLOUD "\"]"), count == 20);
	}
}

/* Members of all groups and owners of all groups make full batches of one sort. */
static void groups_wait_for_full_batches(void **state)
{
	CLEANUP(buf_release) struct buf page = BUF_UP_TO(1 << 16);
	CLEANUP(buf_release) struct buf full = BUF_UP_TO(1 << 16);
	CLEANUP(buf_release) struct buf rest = BUF_UP_TO(1 << 16);
	CLEANUP(world_release) struct world world;
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct reply replies[] = { RESTS, NO_BULK_MEMBERS, USERS(ONE_USER), NO_CONTACTS,
		NO_DELETED_USERS, NO_DELETED_GROUPS, { 200, NULL, .url = "/v1.0/groups?" },
		{ 200, NULL, .url = BATCH }, { 200, NULL, .url = BATCH },
		{ 200, NULL, .url = BATCH } };
	size_t at = COUNT_OF(replies) - 4, batches = 0;

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
	replies[at].body = buf_text(&page);
	replies[at + 1].body = replies[at + 2].body = buf_text(&full);
	replies[at + 3].body = buf_text(&rest);
	world_init(&world, replies, COUNT_OF(replies));
	collect(&world, &collected);
	assert_int_equal(collected.count, 22);
	for (size_t i = 0; i < world.script.used; i++) {
		const struct asked *asked = &world.script.asked[i];

		if (!strstr(asked->url, BATCH) ||
			strstr(asked->body, "getAvailableExtensionProperties"))
			continue;
		/* Of the last group both are in one. */
		if (batches++ < 2)
			assert_true(!strstr(asked->body, "/owners") ||
				!strstr(asked->body, "/members"));
		assert_contains(buf_text(&asked->headers), "x-ms-throttle-priority: low\n");
	}
	assert_int_equal(batches, 3);
}

/* ---- what is no answer ------------------------------------------------------------------ */

static void a_tenant_without_users_is_an_error(void **state)
{
	WORLD(world, RESTS, MEMBERS(""), EMPTY("/v1.0/users?"), EMPTY("/v1.0/groups?"), NO_CONTACTS,
		NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(try_collect(&world, &collected, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_contains(err.text, "no user at all");
}

static void a_list_that_starts_again_hands_its_objects_on_again(void **state)
{
	WORLD(world, RESTS, MEMBERS(""),
		{ 200,
			"{\"value\":[{\"id\":\"" SYNCED "\",\"onPremisesSyncEnabled\":true}],"
			"\"@odata.nextLink\":\"" ROOT "/users?$skiptoken=1\"}",
			.url = "/v1.0/users?$select" },
		{ 400, "{\"error\":{\"code\":\"Directory_ExpiredPageToken\"}}",
			.url = "/users?$skiptoken=1" },
		{ 200, one_user, .url = "/v1.0/users?$select" }, EMPTY("/v1.0/groups?"),
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_int_equal(collected.count, 1);
}

static void an_object_without_an_id_stops_the_collection(void **state)
{
	WORLD(world, RESTS, MEMBERS(""), USERS("{\"id\":\"ada\"}"), EMPTY("/v1.0/groups?"),
		NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(try_collect(&world, &collected, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- what changes while it is read ------------------------------------------------------ */

static void what_changed_while_reading_is_read_again_and_what_is_gone_is_told(void **state)
{
	WORLD(world, BEGINS, MEMBERS(""), USERS(ONE_USER ",{\"id\":\"" CLOUD "\"}"),
		EMPTY("/v1.0/groups?"), NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS,
		{ 200,
			"{\"@odata.deltaLink\":\"" ROOT "/users/delta?$deltatoken=t2\",\"value\":["
			"{\"id\":\"" SYNCED "\",\"department\":\"Sales\"},{\"id\":\"" SYNCED "\"},"
			"{\"id\":\"" CLOUD "\",\"@removed\":{\"reason\":\"deleted\"}}]}",
			.url = "/users/delta?$deltatoken=t" },
		QUIET("/groups"), QUIET("/contacts"),
		/* live ones, then deleted ones */
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" SYNCED
			"\",\"onPremisesSyncEnabled\":true,\"department\":\"Sales\"}},"
			"{\"id\":\"2\",\"status\":404,\"body\":{}}]}",
			.url = BATCH },
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":404,\"body\":{}}]}",
			.url = BATCH },
		QUIET("/users"), QUIET("/groups"), QUIET("/contacts"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_int_equal(collected.count, 1);
	assert_int_equal(collected.gone, 1);
	assert_true(span_is(object_get_named(find(&collected, SYNCED), "department"), "\"Sales\""));
	assert_contains(buf_text(&world_asked(&world, "/users/delta?$deltatoken=t")->headers),
		"prefer: return=minimal\n");
}

/* Delta goes on to tell of a member who was deleted, and the lists do not show him. */
static void groups_of_a_member_who_is_deleted_meanwhile_are_read_again(void **state)
{
	WORLD(world, BEGINS,
		MEMBERS("{\"id\":\"" GROUP "\",\"members@delta\":[{\"id\":\"" SYNCED "\"}]}"),
		USERS(ONE_USER), GROUPS(ONE_GROUP(",\"owners\":[]")), NO_CONTACTS, NO_DELETED_USERS,
		NO_DELETED_GROUPS,
		{ 200,
			"{\"@odata.deltaLink\":\"" ROOT "/users/delta?$deltatoken=t2\",\"value\":["
			"{\"id\":\"" SYNCED "\",\"@removed\":{\"reason\":\"changed\"}}]}",
			.url = "/users/delta?$deltatoken=t" },
		QUIET("/groups"), QUIET("/contacts"),
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":404,\"body\":{}},"
			"{\"id\":\"2\",\"status\":200,\"body\":" ONE_GROUP("") "}]}",
			.url = BATCH },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"" SYNCED
			"\"}}]}",
			.url = BATCH },
		{ 200,
			"{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":{\"value\":[]}},"
			"{\"id\":\"2\",\"status\":200,\"body\":{\"value\":[]}}]}",
			.url = BATCH },
		QUIET("/users"), QUIET("/groups"), QUIET("/contacts"));
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	const struct object *group;

	(void)state;
	collect(&world, &collected);
	assert_true(object_deleted(find(&collected, SYNCED)));
	group = find(&collected, GROUP);
	assert_null(object_get_named(group, "members").data);
	assert_false(is_unknown(group, "members"));
}

static void a_directory_that_never_rests_ends_with_a_warning(void **state)
{
	enum { FIRST = 10, A_ROUND = 4 };
	struct reply replies[FIRST + GRAPH_QUIET_ROUNDS * A_ROUND] = { BEGINS, MEMBERS(""),
		USERS(ONE_USER), EMPTY("/v1.0/groups?"), NO_CONTACTS, NO_DELETED_USERS,
		NO_DELETED_GROUPS };
	const struct reply a_round[A_ROUND] = { { 200,
							"{\"@odata.deltaLink\":\"" ROOT
							"/users/delta?$deltatoken=t\",\"value\":["
							"{\"id\":\"" SYNCED "\"}]}",
							.url = "/users/delta?$deltatoken=t" },
		QUIET("/groups"), QUIET("/contacts"),
		{ 200, "{\"responses\":[{\"id\":\"1\",\"status\":200,\"body\":" ONE_USER "}]}",
			.url = BATCH } };
	CLEANUP(world_release) struct world world;
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < GRAPH_QUIET_ROUNDS; i++)
		memcpy(&replies[FIRST + i * A_ROUND], a_round, sizeof(a_round));
	world_init(&world, replies, COUNT_OF(replies));
	collect(&world, &collected);
	assert_int_equal(collected.count, 1);
}

static void where_there_is_no_delta_the_lists_are_all_there_is(void **state)
{
	WORLD(world, NO_EXTENSIONS, { 403, "", .url = "/users/delta" },
		{ 404, "", .url = "/groups/delta?$select=id" },
		{ 400, "", .url = "/contacts/delta" }, MEMBERS(""), USERS(ONE_USER),
		EMPTY("/v1.0/groups?"), NO_CONTACTS, NO_DELETED_USERS, NO_DELETED_GROUPS);
	CLEANUP(collected_release) struct collected collected = { .count = 0 };

	(void)state;
	collect(&world, &collected);
	assert_int_equal(collected.count, 1);
}

static void changes_that_were_lost_end_the_collection(void **state)
{
	WORLD(world, BEGINS, MEMBERS(""), USERS(ONE_USER), EMPTY("/v1.0/groups?"), NO_CONTACTS,
		NO_DELETED_USERS, NO_DELETED_GROUPS, QUIET("/groups"), QUIET("/contacts"),
		{ 410, "{\"error\":{\"code\":\"syncStateNotFound\"}}",
			.url = "/users/delta?$deltatoken=t" });
	CLEANUP(collected_release) struct collected collected = { .count = 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(try_collect(&world, &collected, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_contains(err.text, "are lost: run again");
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
		cmocka_unit_test(lists_ask_for_full_pages_with_one_relation_beside),
		cmocka_unit_test(directory_extensions_are_asked_for_by_name),
		cmocka_unit_test(directory_extensions_that_may_not_be_listed_are_unknown),
		cmocka_unit_test(a_list_of_directory_extensions_that_is_none_ends_it),
		cmocka_unit_test(what_was_selected_and_did_not_come_is_unknown),
		cmocka_unit_test(relations_that_may_not_be_read_are_unknown),
		cmocka_unit_test(members_of_all_groups_are_read_in_bulk),
		cmocka_unit_test(members_that_are_hidden_are_asked_for_one_by_one),
		cmocka_unit_test(a_group_that_the_bulk_did_not_name_is_asked_for),
		cmocka_unit_test(twenty_expanded_owners_are_not_believed_to_be_all),
		cmocka_unit_test(groups_wait_for_full_batches),
		cmocka_unit_test(a_tenant_without_users_is_an_error),
		cmocka_unit_test(a_list_that_starts_again_hands_its_objects_on_again),
		cmocka_unit_test(an_object_without_an_id_stops_the_collection),
		cmocka_unit_test(what_changed_while_reading_is_read_again_and_what_is_gone_is_told),
		cmocka_unit_test(groups_of_a_member_who_is_deleted_meanwhile_are_read_again),
		cmocka_unit_test(a_directory_that_never_rests_ends_with_a_warning),
		cmocka_unit_test(where_there_is_no_delta_the_lists_are_all_there_is),
		cmocka_unit_test(changes_that_were_lost_end_the_collection),
		cmocka_unit_test(objects_are_read_by_id_live_ones_first),
		cmocka_unit_test(a_deleted_item_of_another_kind_is_not_the_object),
		cmocka_unit_test(reads_that_fail_give_no_lines_at_all),
		cmocka_unit_test(another_object_than_asked_for_is_an_error),
		cmocka_unit_test(no_reads_need_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
