/* $filter: contract 2.5 and 2.6. */
#include "tests/simulator/tenant_fixture.h"

static void encode(char room[static 2048], const char *collection, const char *filter)
{
	static const char digits[] = "0123456789ABCDEF";
	int length = snprintf(room, 2048, "/v1.0/%s?$select=id,displayName&$filter=", collection);

	for (; *filter; filter++) {
		if (strchr(" +#&%'", *filter))
			length += snprintf(room + length, 4, "%%%c%c", digits[*filter >> 4],
				digits[*filter & 15]);
		else
			room[length++] = *filter;
	}
	room[length] = '\0';
}

static struct reply filtered(struct tenant *tenant, const char *collection, const char *filter)
{
	char path[2048];

	encode(path, collection, filter);
	return get(tenant, path);
}

static void make_people(struct tenant *tenant)
{
	char id[GUID_TEXT_BYTES];

	make(tenant, OBJECT_USER,
		"{\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@contoso.com\",\"department\":\"Research\","
		"\"accountEnabled\":true,\"createdDateTime\":\"2026-01-10T08:00:00Z\","
		"\"proxyAddresses\":[\"SMTP:ada@contoso.com\",\"smtp:a.l@contoso.com\"],"
		"\"otherMails\":[\"ada@home.example\"],"
		"\"onPremisesProvisioningErrors\":[{\"category\":\"PropertyConflict\",\"propertyCausingError\":\"ProxyAddress\",\"value\":\"smtp:x@contoso.com\"}]}",
		id);
	make(tenant, OBJECT_USER,
		"{\"displayName\":\"Grace O'Hara\",\"userPrincipalName\":\"grace@contoso.com\",\"department\":\"Sales\","
		"\"accountEnabled\":false,\"createdDateTime\":\"2026-02-10T08:00:00Z\",\"onPremisesSyncEnabled\":true,"
		"\"onPremisesLastSyncDateTime\":\"2026-03-04T01:00:00Z\","
		"\"proxyAddresses\":[\"SMTP:grace@contoso.com\"]}",
		id);
}

static const struct {
	const char *filter, *wanted; /* the one name that matches; "" none; "*" both */
} plain[] = {
	{ "displayName eq 'Ada'", "Ada" },
	{ "displayName eq 'ADA'", "Ada" },
	{ "displayName eq 'Grace O''Hara'", "Grace O'Hara" },
	{ "startsWith(displayName,'gr')", "Grace O'Hara" },
	{ "startswith(userPrincipalName,'ada@')", "Ada" },
	{ "department in ('Sales','Legal')", "Grace O'Hara" },
	{ "accountEnabled eq false", "Grace O'Hara" },
	{ "onPremisesSyncEnabled eq true", "Grace O'Hara" },
	{ "createdDateTime ge 2026-02-01T00:00:00Z", "Grace O'Hara" },
	{ "createdDateTime ge 2026-01-01T00:00:00Z and createdDateTime le 2026-01-31T00:00:00Z",
		"Ada" },
	{ "onPremisesLastSyncDateTime ge 2026-03-04T00:59:59.5Z", "Grace O'Hara" },
	{ "proxyAddresses/any(x:x eq 'smtp:a.l@contoso.com')", "Ada" },
	{ "proxyAddresses/any(x:x eq 'smtp:A.L@contoso.com')", "Ada" },
	{ "proxyAddresses/any(p:startsWith(p,'SMTP:ada'))", "Ada" },
	{ "otherMails/any(m:m eq 'ada@home.example')", "Ada" },
	{ "onPremisesProvisioningErrors/any(o:o/category eq 'PropertyConflict')", "Ada" },
	{ "department eq 'Sales' or department eq 'Research'", "*" },
	{ "(department eq 'Sales' or department eq 'Research') and accountEnabled eq true", "Ada" },
	{ "department eq 'Nowhere'", "" },
};

static void assert_found(const struct reply *reply, const char *filter, const char *wanted)
{
	const json_t *first = json_array_get(json_object_get(reply->body, "value"), 0);
	size_t count = strcmp(wanted, "*") == 0 ? 2 : wanted[0] ? 1 : 0;

	if (reply->status != 200 || value_count(reply) != count)
		fail_msg("%s: status %d, %zu found", filter, reply->status, value_count(reply));
	if (count == 1)
		assert_string_equal(json_text_or_null(first, "displayName"), wanted);
}

static void plain_filters_find_what_they_say(void **state)
{
	make_people(*state);
	for (size_t i = 0; i < COUNT_OF(plain); i++) {
		CLEANUP(reply_release)
		struct reply reply = filtered(*state, "users", plain[i].filter);

		assert_found(&reply, plain[i].filter, plain[i].wanted);
	}
}

static void an_address_prefix_is_compared_exactly(void **state)
{
	make_people(*state);
	{
		CLEANUP(reply_release)
		struct reply reply = filtered(
			*state, "users", "proxyAddresses/any(x:x eq 'smtp:ada@contoso.com')");

		assert_int_equal(value_count(&reply), 0);
	}
}

static const struct {
	const char *filter, *wanted;
} advanced[] = {
	{ "department ne 'Sales'", "Ada" },
	{ "not(department eq 'Sales')", "Ada" },
	{ "onPremisesSyncEnabled eq null", "Ada" },
	{ "endsWith(userPrincipalName,'a@contoso.com')", "Ada" },
	{ "companyName eq 'Contoso'", "" },
	{ "employeeType eq 'Contractor'", "" },
};

static void advanced_filters_need_the_header_and_the_count(void **state)
{
	make_people(*state);
	for (size_t i = 0; i < COUNT_OF(advanced); i++) {
		CLEANUP(reply_release)
		struct reply bare = filtered(*state, "users", advanced[i].filter);
		char path[2048];

		assert_refused(bare, 400, "Request_UnsupportedQuery");
		encode(path, "users", advanced[i].filter);
		{
			CLEANUP(reply_release) struct reply header = get_eventual(*state, path);

			assert_refused(header, 400, "Request_UnsupportedQuery");
		}
		strcat(path, "&$count=true");
		{
			CLEANUP(reply_release) struct reply both = get_eventual(*state, path);

			assert_found(&both, advanced[i].filter, advanced[i].wanted);
		}
	}
}

static void what_the_matrix_leaves_out_is_unsupported(void **state)
{
	static const char *const users[] = { "onPremisesUserPrincipalName eq 'x'",
		"showInAddressList eq true", "favouriteColour eq 'x'", "mail ge 'a'",
		"createdDateTime eq 2026-01-10T08:00:00Z", "accountEnabled ne true",
		"mail/any(x:x eq 'a')", "proxyAddresses eq 'x'", "startsWith(accountEnabled,'t')" };

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		CLEANUP(reply_release) struct reply reply = filtered(*state, "users", users[i]);

		if (reply.status != 400)
			fail_msg("%s: %d", users[i], reply.status);
		assert_refused(reply, 400, "Request_UnsupportedQuery");
	}
	{
		CLEANUP(reply_release)
		struct reply reply = filtered(
			*state, "groups", "createdDateTime ge 2026-01-01T00:00:00Z");

		assert_refused(reply, 400, "Request_UnsupportedQuery");
	}
}

static void broken_filters_are_malformed(void **state)
{
	static const char *const broken[] = { "", "displayName", "displayName eq", "eq 'x'",
		"displayName eq 'x", "displayName eq x", "displayName eq 'x' and", "(mail eq 'x'",
		"mail eq 'x')", "mail eq 'x' xor mail eq 'y'", "accountEnabled eq 'true'",
		"createdDateTime ge '2026-01-01T00:00:00Z'", "proxyAddresses/any(x:x eq 'a'",
		"proxyAddresses/any(x:y eq 'a')", "department in ()", "department in ('a'" };

	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		CLEANUP(reply_release) struct reply reply = filtered(*state, "users", broken[i]);

		if (reply.status != 400)
			fail_msg("%s: %d", broken[i], reply.status);
		assert_refused(reply, 400, "Request_BadRequest");
	}
}

static void endless_filters_end(void **state)
{
	char filter[1024] = "";

	for (unsigned i = 0; i < 500; i++)
		strcat(filter, "(");
	{
		CLEANUP(reply_release) struct reply reply = filtered(*state, "users", filter);

		assert_refused(reply, 400, "Request_BadRequest");
	}
}

static void groups_and_contacts_filter_by_their_own_rows(void **state)
{
	char id[GUID_TEXT_BYTES];

	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"All\",\"groupTypes\":[\"Unified\"],\"mailEnabled\":true,"
		"\"mail\":\"all@contoso.com\",\"proxyAddresses\":[\"SMTP:all@contoso.com\"]}",
		id);
	make(*state, OBJECT_CONTACT,
		"{\"displayName\":\"Supplier\",\"mail\":\"s@fabrikam.com\",\"proxyAddresses\":[\"SMTP:s@fabrikam.com\"]}",
		id);
	{
		CLEANUP(reply_release)
		struct reply unified = filtered(
			*state, "groups", "groupTypes/any(t:t eq 'Unified')");
		CLEANUP(reply_release)
		struct reply mail = filtered(*state, "contacts", "startsWith(mail,'s@')");
		CLEANUP(reply_release)
		struct reply address = filtered(
			*state, "contacts", "proxyAddresses/any(x:x eq 'SMTP:s@fabrikam.com')");

		assert_int_equal(value_count(&unified), 1);
		assert_int_equal(value_count(&mail), 1);
		assert_int_equal(value_count(&address), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(plain_filters_find_what_they_say),
		FRESH(an_address_prefix_is_compared_exactly),
		FRESH(advanced_filters_need_the_header_and_the_count),
		FRESH(what_the_matrix_leaves_out_is_unsupported),
		FRESH(broken_filters_are_malformed),
		FRESH(endless_filters_end),
		FRESH(groups_and_contacts_filter_by_their_own_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
