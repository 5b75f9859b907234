/* The shape of errors and headers (contract 5.8, 7.2, 9.1), and the faults that can be asked for.
 */
#include "tests/simulator/tenant_fixture.h"

static bool has_header(const struct reply *reply, const char *line)
{
	return strstr(buf_text(&reply->headers), line) != NULL;
}

static void an_error_has_the_documented_shape(void **state)
{
	CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users/" NOBODY);
	const json_t *error = json_object_get(reply.body, "error");
	const json_t *inner = json_object_get(error, "innerError");
	const char *request_id = json_text_or_null(inner, "request-id");

	assert_int_equal(json_object_size(reply.body), 1);
	assert_non_null(json_text_or_null(error, "code"));
	assert_non_null(json_text_or_null(error, "message"));
	assert_string_equal(json_text_or_null(inner, "date"), "2026-03-04T02:17:41");
	assert_true(text_is_guid(span_of(request_id)));
	assert_string_equal(json_text_or_null(inner, "client-request-id"), request_id);
	assert_true(has_header(&reply, request_id));
}

static void the_clients_own_id_comes_back(void **state)
{
	struct tenant *tenant = *state;
	static const char id[] = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
	CLEANUP(reply_release)
	struct reply reply = exchange_with(tenant,
		&(struct simulator_request){ .method = "GET",
			.path = "/v1.0/users/" NOBODY,
			.authorization = span_of(tenant->authorization),
			.client_request_id = span_of(id) });
	const json_t *inner = json_object_get(json_object_get(reply.body, "error"), "innerError");

	assert_string_equal(json_text_or_null(inner, "client-request-id"), id);
	assert_string_not_equal(json_text_or_null(inner, "request-id"), id);
	assert_true(
		has_header(&reply, "client-request-id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301\r\n"));
}

static void an_id_that_breaks_the_header_does_not(void **state)
{
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply reply = exchange_with(tenant,
		&(struct simulator_request){ .method = "GET",
			.path = "/v1.0/users",
			.authorization = span_of(tenant->authorization),
			.client_request_id = SPAN_LITERAL("x\r\nSet-Cookie: y") });

	assert_false(has_header(&reply, "Set-Cookie"));
}

static void every_answer_bears_the_services_headers(void **state)
{
	CLEANUP(reply_release) struct reply reply = get(*state, "/v1.0/users");

	assert_true(has_header(&reply, "Date: Wed, 04 Mar 2026 02:17:41 GMT\r\n"));
	assert_true(has_header(&reply, "\r\nrequest-id: "));
	assert_true(has_header(&reply, "\r\nx-ms-ags-diagnostic: {"));
	assert_true(
		has_header(&reply, "\r\nContent-Type: application/json;odata.metadata=minimal"));
}

static void what_graph_does_not_know_is_an_error(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} cases[] = {
		{ "GET", "/", 404 },
		{ "GET", "/beta/users", 404 },
		{ "GET", "/v1.0/nonsense", 400 },
		{ "GET", "/v1.0/users/%zz", 400 },
		{ "GET", "/v1.0/users/%00", 400 },
		{ "GET", "/v1.0//users", 400 },
		{ "GET", "/v1.0/a/b/c/d/e/f/g/h/i/j", 400 },
		{ "PATCH", "/v1.0/users", 405 },
		{ "PUT", "/v1.0/organization", 405 },
		{ "PATCH", "/v1.0/groups/" NOBODY "/members", 405 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(reply_release)
		struct reply reply = call(*state, cases[i].method, cases[i].path, NULL);

		if (reply.status != cases[i].status)
			fail_msg("%s: %d", cases[i].path, reply.status);
	}
}

static void too_large_a_body_is_413(void **state)
{
	struct tenant *tenant = *state;
	size_t length = (4 << 20) + 1;
	CLEANUP(memory_freep) char *body = memory_new(length);
	CLEANUP(reply_release)
	struct reply reply = exchange_with(tenant,
		&(struct simulator_request){ .method = "POST",
			.path = "/v1.0/$batch",
			.authorization = span_of(tenant->authorization),
			.body = { body, length } });

	assert_int_equal(reply.status, 413);
}

static void a_permission_that_is_not_there_is_403(void **state UNUSED)
{
	static const struct {
		const char *deny, *path;
	} cases[] = {
		{ "AuditLog.Read.All", "/v1.0/auditLogs/directoryAudits" },
		{ "Directory.Read.All", "/v1.0/auditLogs/directoryAudits" },
		{ "OrgContact.Read.All,Directory.Read.All", "/v1.0/contacts" },
		{ "Organization.Read.All,Directory.Read.All", "/v1.0/organization" },
		{ "User-OnPremisesSyncBehavior.ReadWrite.All",
			"/v1.0/users/" NOBODY "/onPremisesSyncBehavior" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with(
			(struct simulator_options){ .deny = cases[i].deny });
		CLEANUP(reply_release) struct reply reply = get(tenant, cases[i].path);

		assert_refused(reply, 403, "Authorization_RequestDenied");
		assert_string_equal(error_message(&reply),
			"Insufficient privileges to complete the operation.");
	}
}

static void every_nth_request_is_throttled(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .throttle_every = 3 });

	for (unsigned i = 1; i <= 6; i++) {
		CLEANUP(reply_release) struct reply reply = get(tenant, "/v1.0/users");

		assert_int_equal(reply.status, i % 3 ? 200 : 429);
		assert_int_equal(has_header(&reply, "Retry-After: "), i % 3 == 0);
	}
}

static void every_nth_read_fails_and_no_write(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .fail_every = 2 });
	char id[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", id);
	for (unsigned i = 1; i <= 4; i++) {
		CLEANUP(reply_release)
		struct reply write = call(tenant, "PATCH", at(path, "/v1.0/users/{}", id),
			"{\"department\":\"Sales\"}");
		CLEANUP(reply_release) struct reply read = get(tenant, "/v1.0/users");

		assert_int_equal(write.status, 204);
		assert_int_equal(read.status, i % 2 ? 200 : 503);
	}
}

static void an_answer_can_be_lost_after_the_write(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .drop_answer_at = 2 });
	char id[GUID_TEXT_BYTES], path[512], body[64];

	make_user(tenant, "ada", id);
	for (unsigned i = 1; i <= 3; i++) {
		snprintf(body, sizeof(body), "{\"department\":\"Number %u\"}", i);
		{
			CLEANUP(reply_release)
			struct reply reply = call(
				tenant, "PATCH", at(path, "/v1.0/users/{}", id), body);

			assert_int_equal(reply.cut, i == 2);
		}
		snprintf(body, sizeof(body), "\"Number %u\"", i);
		assert_stored(tenant, id, "department", body);
	}
}

static void a_lagging_read_shows_what_was(void **state UNUSED)
{
	CLEANUP(tenant_freep)
	struct tenant *tenant = tenant_with((struct simulator_options){ .lag_ms = 60 * 60 * 1000 });
	char group[GUID_TEXT_BYTES], user[GUID_TEXT_BYTES], path[512], body[256];

	make_user(tenant, "ada", user);
	make_security_group(tenant, "crew", group);
	snprintf(body, sizeof(body), "{\"@odata.id\":\"" TEST_GRAPH "/v1.0/users/%s\"}", user);
	{
		CLEANUP(reply_release)
		struct reply write = call(tenant, "PATCH", at(path, "/v1.0/users/{}", user),
			"{\"department\":\"Sales\"}");
		CLEANUP(reply_release)
		struct reply add = call(
			tenant, "POST", at(path, "/v1.0/groups/{}/members/$ref", group), body);
		CLEANUP(reply_release)
		struct reply read = get(
			tenant, at(path, "/v1.0/users/{}?$select=department", user));
		CLEANUP(reply_release)
		struct reply members = get(tenant, at(path, "/v1.0/groups/{}/members", group));

		assert_int_equal(write.status, 204);
		assert_int_equal(add.status, 204);
		assert_true(json_is_null(json_object_get(read.body, "department")));
		assert_int_equal(value_count(&members), 0);
	}
	assert_stored(tenant, user, "department", "\"Sales\"");
	{
		CLEANUP(reply_release)
		struct reply delete = call(
			tenant, "DELETE", at(path, "/v1.0/users/{}", user), NULL);
		CLEANUP(reply_release)
		struct reply still = get(tenant, at(path, "/v1.0/users/{}", user));

		assert_int_equal(delete.status, 204);
		assert_int_equal(still.status, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(an_error_has_the_documented_shape),
		FRESH(the_clients_own_id_comes_back),
		FRESH(an_id_that_breaks_the_header_does_not),
		FRESH(every_answer_bears_the_services_headers),
		FRESH(what_graph_does_not_know_is_an_error),
		FRESH(too_large_a_body_is_413),
		cmocka_unit_test(a_permission_that_is_not_there_is_403),
		cmocka_unit_test(every_nth_request_is_throttled),
		cmocka_unit_test(every_nth_read_fails_and_no_write),
		cmocka_unit_test(an_answer_can_be_lost_after_the_write),
		cmocka_unit_test(a_lagging_read_shows_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
