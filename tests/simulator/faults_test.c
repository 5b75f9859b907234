/*
 * Reads that fail and pages that are not what they should be, by number. The pages are looked at
 * as the bytes they are.
 */
#include "tests/simulator/tenant_fixture.h"

/* An answer whose body may be anything. */
struct raw {
	struct simulator_response response;
};

static void raw_release(struct raw *raw)
{
	simulator_response_release(&raw->response);
}

static struct raw get_raw(struct tenant *tenant, const char *path)
{
	struct raw raw;

	simulator_handle(tenant->simulator,
		&(struct simulator_request){ .method = "GET",
			.path = path,
			.authorization = span_of(tenant->authorization) },
		&raw.response);
	return raw;
}

static json_t *json_of(const struct raw *raw)
{
	struct span body = buf_span(&raw->response.body);

	return json_loadb(body.data, body.length, 0, NULL);
}

static bool says(const struct raw *raw, const char *header_line)
{
	return strstr(buf_text(&raw->response.headers), header_line) != NULL;
}

/* Four users, two to a page. */
static struct tenant *tenant_of_pages(struct simulator_options options)
{
	struct tenant *tenant;

	options.page_max = 2;
	tenant = tenant_with(options);
	for (unsigned i = 0; i < 4; i++) {
		char name[32], id[GUID_TEXT_BYTES];

		snprintf(name, sizeof(name), "user%u", i);
		make_user(tenant, name, id);
	}
	return tenant;
}

static struct tenant *tenant_with_page(enum simulator_page_fault fault)
{
	return tenant_of_pages((struct simulator_options){ .page_fault = fault });
}

#define USERS "/v1.0/users?$select=id&$top=2"

/* ---- reads ----------------------------------------------------------------------------------- */

static void the_nth_read_fails_with_any_status_and_code(void **state UNUSED)
{
	static const struct {
		int status;
		const char *code, *told;
	} cases[] = {
		{ 0, NULL, "Directory_ReplicaUnavailable" },
		{ 400, NULL, "Request_BadRequest" },
		{ 400, "Request_UnsupportedQuery", "Request_UnsupportedQuery" },
		{ 400, "Directory_ExpiredPageToken", "Directory_ExpiredPageToken" },
		{ 401, NULL, "InvalidAuthenticationToken" },
		{ 403, NULL, "Authorization_RequestDenied" },
		{ 404, NULL, "Request_ResourceNotFound" },
		{ 404, "Directory_ObjectNotFound", "Directory_ObjectNotFound" },
		{ 405, NULL, "UnknownError" },
		{ 406, NULL, "UnknownError" },
		{ 409, NULL, "Request_MultipleObjectsWithSameKeyValue" },
		{ 410, NULL, "syncStateNotFound" },
		{ 410, "resyncRequired", "resyncRequired" },
		{ 412, NULL, "UnknownError" },
		{ 423, NULL, "UnknownError" },
		{ 429, NULL, "TooManyRequests" },
		{ 500, NULL, "InternalServerError" },
		{ 501, NULL, "UnknownError" },
		{ 502, NULL, "UnknownError" },
		{ 503, NULL, "Directory_ReplicaUnavailable" },
		{ 504, NULL, "GatewayTimeout" },
		{ 507, NULL, "UnknownError" },
		{ 509, "SomethingNew", "SomethingNew" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with((struct simulator_options){
			.fail_at = 2, .fail_status = cases[i].status, .fail_code = cases[i].code });
		CLEANUP(reply_release) struct reply first = get(tenant, "/v1.0/users");
		CLEANUP(reply_release) struct reply second = get(tenant, "/v1.0/users");
		CLEANUP(reply_release) struct reply third = get(tenant, "/v1.0/users");
		int status = cases[i].status ? cases[i].status : 503;

		assert_int_equal(first.status, 200);
		assert_refused(second, status, cases[i].told);
		assert_int_equal(third.status, 200);
		assert_int_equal(
			strstr(buf_text(&second.headers), "\r\nRetry-After: 1\r\n") != NULL,
			status == 429 || status == 503 || status == 504);
	}
}

static void several_reads_can_fail_in_a_row_and_no_write(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with(
		(struct simulator_options){ .fail_at = 1, .fail_count = 3, .fail_status = 502 });
	char id[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", id);
	for (unsigned i = 1; i <= 5; i++) {
		CLEANUP(reply_release) struct reply read = get(tenant, "/v1.0/users");
		CLEANUP(reply_release)
		struct reply write = call(tenant, "PATCH", at(path, "/v1.0/users/{}", id),
			"{\"department\":\"Sales\"}");

		assert_int_equal(read.status, i <= 3 ? 502 : 200);
		assert_int_equal(write.status, 204);
	}
}

static void a_failing_429_is_among_the_throttled(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){
		.fail_at = 1, .fail_status = 429, .retry_after = SIMULATOR_RETRY_DECIMAL });
	CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users");

	assert_refused(reply, 429, "TooManyRequests");
	assert_non_null(strstr(buf_text(&reply.headers), "\r\nRetry-After: 1.000\r\n"));
	assert_int_equal(simulator_usage(tenant->simulator).throttled, 1);
}

static void options_that_make_no_sense_are_refused(void **state UNUSED)
{
	static const struct simulator_options cases[] = {
		{ .fail_status = 200 },
		{ .fail_status = 600 },
		{ .page_fault_bytes = -1 },
		{ .page_fault_bytes = (INT64_C(1) << 30) + 1 },
		{ .latency_ms = -1 },
		{ .latency_ms = 60001 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };

		assert_null(simulator_open(&cases[i], &err));
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

/* ---- which page ------------------------------------------------------------------------------ */

static void only_the_page_with_the_number_is_wrong(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_of_pages((struct simulator_options){
		.page_fault = SIMULATOR_PAGE_NO_VALUE, .page_fault_at = 2, .page_fault_count = 2 });

	for (unsigned i = 1; i <= 5; i++) {
		CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
		CLEANUP(json_freep) json_t *body = json_of(&page);
		/* What is no list is no page of one. */
		CLEANUP(raw_release) struct raw other = get_raw(tenant, "/v1.0/organization");
		CLEANUP(json_freep) json_t *organization = json_of(&other);

		assert_int_equal(json_object_get(body, "value") == NULL, i == 2 || i == 3);
		assert_non_null(json_object_get(organization, "value"));
	}
}

static void the_pages_of_one_list_can_be_meant(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_of_pages(
		(struct simulator_options){ .page_fault = SIMULATOR_PAGE_EMPTY,
			.page_fault_at = 2,
			.page_fault_list = "users" });

	for (unsigned i = 1; i <= 3; i++) {
		CLEANUP(raw_release) struct raw groups = get_raw(tenant, "/v1.0/groups");
		CLEANUP(raw_release) struct raw users = get_raw(tenant, USERS);

		assert_int_not_equal(groups.response.body.length, 0);
		assert_int_equal(users.response.body.length == 0, i == 2);
	}
}

static void an_error_in_place_of_a_page_stays_as_it_is(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_HTML);
	CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users?$filter=nonsense");

	assert_int_equal(reply.status, 400);
	assert_non_null(error_code(&reply));
	assert_null(strstr(buf_text(&reply.headers), "html"));
}

static void pages_in_a_batch_are_left_alone(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_NO_VALUE);
	CLEANUP(reply_release)
	struct reply reply = call(tenant, "POST", "/v1.0/$batch",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"}]}");
	const json_t *item = json_array_get(json_object_get(reply.body, "responses"), 0);

	assert_non_null(json_object_get(json_object_get(item, "body"), "value"));
}

/* ---- what is wrong with it --------------------------------------------------------------------- */

static void a_page_can_be_html(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_HTML);
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);

	assert_int_equal(page.response.status, 200);
	assert_true(says(&page, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
	assert_memory_equal(buf_text(&page.response.body), "<!DOCTYPE html>", 15);
}

static void a_page_can_be_empty(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_EMPTY);
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);

	assert_int_equal(page.response.status, 200);
	assert_true(says(&page, "\r\nContent-Type: application/json"));
	assert_int_equal(page.response.body.length, 0);
	assert_int_equal(page.response.announced, 0);
}

static void a_page_can_end_at_any_byte(void **state UNUSED)
{
	static const enum simulator_page_fault faults[] = { SIMULATOR_PAGE_CUT,
		SIMULATOR_PAGE_SHORT };
	size_t whole;

	{
		CLEANUP(tenant_freep)
		struct tenant *good = tenant_of_pages((struct simulator_options){ 0 });
		CLEANUP(raw_release) struct raw page = get_raw(good, USERS);

		whole = page.response.body.length;
	}
	for (size_t f = 0; f < COUNT_OF(faults); f++)
		for (size_t bytes = 0; bytes <= whole + 1; bytes += bytes < 3 ? 1 : whole / 5) {
			CLEANUP(tenant_freep)
			struct tenant *tenant = tenant_of_pages((struct simulator_options){
				.page_fault = faults[f], .page_fault_bytes = (int64_t)bytes });
			CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
			CLEANUP(json_freep) json_t *body = json_of(&page);
			size_t wanted = bytes == 0 ? whole / 2 : bytes < whole ? bytes : whole - 1;

			assert_null(body);
			assert_int_equal(page.response.body.length, wanted);
			assert_int_equal(page.response.announced,
				faults[f] == SIMULATOR_PAGE_CUT ? whole : 0);
		}
}

static void a_page_can_have_no_value_or_one_of_a_wrong_type(void **state UNUSED)
{
	static const struct {
		enum simulator_page_fault fault;
		const char *value; /* NULL: none */
	} cases[] = {
		{ SIMULATOR_PAGE_NO_VALUE, NULL },
		{ SIMULATOR_PAGE_VALUE_OBJECT, "{}" },
		{ SIMULATOR_PAGE_VALUE_NULL, "null" },
		{ SIMULATOR_PAGE_VALUE_TEXT, "\"[]\"" },
		{ SIMULATOR_PAGE_ITEM_TEXT, "[\"{}\"]" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(cases[i].fault);
		CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
		CLEANUP(json_freep) json_t *body = json_of(&page);
		CLEANUP(json_freep)
		json_t *wanted = cases[i].value ? json_loads(cases[i].value, JSON_DECODE_ANY, NULL)
						: NULL;
		const json_t *value = json_object_get(body, "value");

		assert_non_null(json_object_get(body, "@odata.nextLink"));
		assert_true(cases[i].value ? json_equal(value, wanted) : value == NULL);
	}
}

static void a_page_can_be_larger_than_64_mib(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_HUGE);
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
	const char *text = buf_text(&page.response.body);
	size_t length = page.response.body.length;

	assert_false(page.response.body.overflowed);
	assert_in_range(length, (64 << 20) + 1, (64 << 20) + 4096);
	assert_memory_equal(text, "{\"@odata.context\":", 18);
	assert_memory_equal(text + length - 4, "\"}]}", 4);
}

static void a_larger_page_is_whole_json_with_its_items_again_and_again(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_of_pages((struct simulator_options){
		.page_fault = SIMULATOR_PAGE_HUGE, .page_fault_bytes = 100000 });
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
	CLEANUP(json_freep) json_t *body = json_of(&page);
	const json_t *value = json_object_get(body, "value");

	assert_in_range(page.response.body.length, 100000, 101000);
	assert_non_null(json_object_get(body, "@odata.nextLink"));
	assert_in_range(json_array_size(value), 1000, 3000);
	assert_true(json_equal(json_array_get(value, 0), json_array_get(value, 2)));
	assert_false(json_equal(json_array_get(value, 0), json_array_get(value, 1)));
}

static void a_page_can_hold_30_mb_of_empty_items(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_EMPTY_ITEMS);
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
	const char *text = buf_text(&page.response.body);
	const char *items = strstr(text, ",\"value\":[");

	assert_in_range(page.response.body.length, 30000000, 30000010);
	assert_non_null(items);
	assert_memory_equal(items, ",\"value\":[{},{},{},", 19);
	assert_string_equal(text + page.response.body.length - 6, "},{}]}");
}

static void fewer_empty_items_are_whole_json(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_of_pages((struct simulator_options){
		.page_fault = SIMULATOR_PAGE_EMPTY_ITEMS, .page_fault_bytes = 3000 });
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
	CLEANUP(json_freep) json_t *body = json_of(&page);
	const json_t *value = json_object_get(body, "value");

	assert_in_range(json_array_size(value), 800, 1000);
	assert_int_equal(json_object_size(json_array_get(value, 0)), 0);
}

static void a_page_can_say_that_it_is_text(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_CONTENT_TYPE);
	CLEANUP(raw_release) struct raw page = get_raw(tenant, USERS);
	CLEANUP(json_freep) json_t *body = json_of(&page);

	assert_true(says(&page, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_int_equal(json_array_size(json_object_get(body, "value")), 2);
}

static void a_page_token_can_expire_before_its_time(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_EXPIRED);
	CLEANUP(reply_release) struct reply first = get(tenant, USERS);
	CLEANUP(reply_release) struct reply second = get(tenant, next_path(&first));
	CLEANUP(reply_release) struct reply again = get(tenant, next_path(&first));

	assert_int_equal(first.status, 200);
	assert_refused(second, 400, "Directory_ExpiredPageToken");
	assert_int_equal(again.status, 200);
}

/* ---- loops ----------------------------------------------------------------------------------- */

static void a_page_can_link_to_itself(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_of_pages((struct simulator_options){
		.page_fault = SIMULATOR_PAGE_LINK_SELF, .page_fault_at = 2 });
	CLEANUP(reply_release) struct reply first = get(tenant, USERS);

	for (unsigned i = 0; i < 3; i++) {
		CLEANUP(reply_release) struct reply second = get(tenant, next_path(&first));

		assert_string_equal(next_path(&second), next_path(&first));
		assert_int_equal(value_count(&second), 2);
	}
}

static void two_pages_can_link_to_each_other(void **state UNUSED)
{
	for (unsigned begin = 1; begin <= 2; begin++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_of_pages((struct simulator_options){
			.page_fault = SIMULATOR_PAGE_LINK_BACK, .page_fault_at = begin });
		CLEANUP(reply_release) struct reply first = get(tenant, USERS);

		for (unsigned i = 0; i < 3; i++) {
			CLEANUP(reply_release) struct reply second = get(tenant, next_path(&first));
			CLEANUP(reply_release) struct reply back = get(tenant, USERS);

			assert_string_equal(next_path(&second), USERS);
			assert_string_equal(next_path(&back), next_path(&first));
		}
	}
}

static void other_lists_are_outside_the_loop(void **state UNUSED)
{
	CLEANUP(tenant_freep) struct tenant *tenant = tenant_with_page(SIMULATOR_PAGE_LINK_BACK);
	CLEANUP(reply_release) struct reply users = get(tenant, USERS);
	CLEANUP(reply_release) struct reply groups = get(tenant, "/v1.0/groups");

	assert_non_null(next_path(&users));
	assert_null(next_path(&groups));
}

static void every_fault_has_a_name(void **state UNUSED)
{
	assert_string_equal(simulator_page_fault_names[SIMULATOR_PAGE_GOOD], "good");
	assert_string_equal(simulator_page_fault_names[SIMULATOR_PAGE_ITEM_TEXT], "item-text");
	assert_string_equal(simulator_page_fault_names[SIMULATOR_PAGE_EXPIRED], "expired");
	assert_null(simulator_page_fault_names[SIMULATOR_PAGE_EXPIRED + 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_read_fails_with_any_status_and_code),
		cmocka_unit_test(several_reads_can_fail_in_a_row_and_no_write),
		cmocka_unit_test(a_failing_429_is_among_the_throttled),
		cmocka_unit_test(options_that_make_no_sense_are_refused),
		cmocka_unit_test(only_the_page_with_the_number_is_wrong),
		cmocka_unit_test(the_pages_of_one_list_can_be_meant),
		cmocka_unit_test(an_error_in_place_of_a_page_stays_as_it_is),
		cmocka_unit_test(pages_in_a_batch_are_left_alone),
		cmocka_unit_test(a_page_can_be_html),
		cmocka_unit_test(a_page_can_be_empty),
		cmocka_unit_test(a_page_can_end_at_any_byte),
		cmocka_unit_test(a_page_can_have_no_value_or_one_of_a_wrong_type),
		cmocka_unit_test(a_page_can_be_larger_than_64_mib),
		cmocka_unit_test(a_larger_page_is_whole_json_with_its_items_again_and_again),
		cmocka_unit_test(a_page_can_hold_30_mb_of_empty_items),
		cmocka_unit_test(fewer_empty_items_are_whole_json),
		cmocka_unit_test(a_page_can_say_that_it_is_text),
		cmocka_unit_test(a_page_token_can_expire_before_its_time),
		cmocka_unit_test(a_page_can_link_to_itself),
		cmocka_unit_test(two_pages_can_link_to_each_other),
		cmocka_unit_test(other_lists_are_outside_the_loop),
		cmocka_unit_test(every_fault_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
