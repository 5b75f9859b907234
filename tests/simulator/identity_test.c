/* The managed identity endpoints of a VM and of App Service (contract 1.5). */
#include "tests/simulator/tenant_fixture.h"

#define IMDS_PATH "/metadata/identity/oauth2/token"
#define RESOURCE  "resource=http%3A%2F%2F127.0.0.1%3A8080"
#define IMDS      IMDS_PATH "?api-version=2018-02-01&" RESOURCE
#define APP       "/msi/token?api-version=2019-08-01&" RESOURCE

static struct reply ask_imds(struct tenant *tenant, const char *path, const char *metadata)
{
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = "GET", .path = path, .metadata = span_of(metadata) });
}

static struct reply ask_app_service(struct tenant *tenant, const char *path, const char *header)
{
	return exchange_with(tenant,
		&(struct simulator_request){
			.method = "GET", .path = path, .identity_header = span_of(header) });
}

static void assert_texts(const json_t *body, const char *const *names)
{
	for (; *names; names++)
		if (!json_is_string(json_object_get(body, *names)))
			fail_msg("%s is no text", *names);
}

/* The token of a reply opens Graph. */
static void assert_opens(struct tenant *tenant, const struct reply *reply)
{
	const char *token = json_text_or_null(reply->body, "access_token");
	CLEANUP(buf_release) struct buf bearer = BUF_UP_TO(16 << 10);

	assert_int_equal(reply->status, 200);
	assert_non_null(token);
	buf_addf(&bearer, "Bearer %s", token);
	memory_free(tenant->authorization);
	tenant->authorization = buf_detach(&bearer);
	{
		CLEANUP(reply_release) struct reply users = get(tenant, "/v1.0/users");

		assert_int_equal(users.status, 200);
	}
}

static void a_machine_gets_a_token_in_texts(void **state)
{
	static const char *const names[] = { "access_token", "expires_in", "expires_on",
		"not_before", "resource", "token_type", "refresh_token", NULL };
	CLEANUP(reply_release) struct reply reply = ask_imds(*state, IMDS, "true");

	assert_opens(*state, &reply);
	assert_texts(reply.body, names);
	assert_string_equal(json_text_or_null(reply.body, "refresh_token"), "");
}

static void the_header_is_required_and_in_lower_case(void **state)
{
	static const char *const wrong[] = { NULL, "", "True", "1" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CLEANUP(reply_release) struct reply reply = ask_imds(*state, IMDS, wrong[i]);

		assert_int_equal(reply.status, 400);
		assert_string_equal(json_text_or_null(reply.body, "error"), "bad_request_102");
	}
}

static void app_service_wants_its_header(void **state)
{
	static const char *const names[] = { "access_token", "expires_on", "resource", "token_type",
		NULL };
	struct tenant *tenant = *state;
	CLEANUP(reply_release)
	struct reply good = ask_app_service(
		tenant, APP, simulator_identity_header(tenant->simulator));
	CLEANUP(reply_release) struct reply none = ask_app_service(tenant, APP, NULL);
	CLEANUP(reply_release) struct reply wrong = ask_app_service(tenant, APP, "x");

	assert_opens(tenant, &good);
	assert_texts(good.body, names);
	assert_null(json_object_get(good.body, "expires_in"));
	assert_int_equal(none.status, 401);
	assert_int_equal(wrong.status, 401);
	assert_null(json_object_get(wrong.body, "access_token"));
}

static void the_query_is_looked_at(void **state)
{
	static const char *const wrong[] = {
		IMDS_PATH "?" RESOURCE,
		IMDS_PATH "?api-version=2019-08-01&" RESOURCE,
		IMDS_PATH "?api-version=2018-02-01",
		IMDS "%2F.default",
		IMDS "&client_id=" NOBODY,
		IMDS "&object_id=" NOBODY,
		IMDS "&msi_res_id=x",
	};

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		CLEANUP(reply_release) struct reply reply = ask_imds(*state, wrong[i], "true");

		assert_int_equal(reply.status, 400);
		assert_null(json_object_get(reply.body, "access_token"));
	}
}

static void a_user_assigned_identity_is_known_by_its_ids(void **state)
{
	struct tenant *tenant = *state;
	char path[512];

	snprintf(path, sizeof(path), "%s&client_id=%s", IMDS,
		simulator_client_id(tenant->simulator));
	{
		CLEANUP(reply_release) struct reply reply = ask_imds(tenant, path, "true");

		assert_opens(tenant, &reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_machine_gets_a_token_in_texts),
		FRESH(the_header_is_required_and_in_lower_case),
		FRESH(app_service_wants_its_header),
		FRESH(the_query_is_looked_at),
		FRESH(a_user_assigned_identity_is_known_by_its_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
