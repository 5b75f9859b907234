/* PATCH and every refusal of contract 5.1 to 5.6. */
#include "tests/simulator/tenant_fixture.h"

#define SYNC_TEXT                                                                                  \
	"Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration."
#define EXTERNAL_TEXT    "originated within an external service."
#define MAIL_GROUP_WORDS "Cannot Update a mail-enabled security groups and or distribution list."

static struct reply patch(
	struct tenant *tenant, const char *format, const char *id, const char *body)
{
	char path[512];

	return call(tenant, "PATCH", at(path, format, id), body);
}

static void assert_bad(struct reply reply, const char *words)
{
	assert_refused(reply, 400, "Request_BadRequest");
	if (!strstr(error_message(&reply), words))
		fail_msg("\"%s\" does not say \"%s\"", error_message(&reply), words);
	reply_release(&reply);
}

static void assert_done(struct reply reply)
{
	if (reply.status != 204)
		fail_msg("%d: %s", reply.status, error_message(&reply));
	assert_null(reply.body);
	reply_release(&reply);
}

static void a_cloud_user_takes_every_writable_property(void **state)
{
	static const struct {
		const char *name, *value;
	} writable[] = {
		{ "accountEnabled", "false" },
		{ "ageGroup", "\"Adult\"" },
		{ "consentProvidedForMinor", "\"Granted\"" },
		{ "businessPhones", "[\"+1 425 555 0100\"]" },
		{ "mobilePhone", "\"+1 425 555 0101\"" },
		{ "city", "\"Redmond\"" },
		{ "state", "\"WA\"" },
		{ "country", "\"United States\"" },
		{ "postalCode", "\"98052\"" },
		{ "streetAddress", "\"1 Way\"" },
		{ "companyName", "\"Contoso\"" },
		{ "department", "\"Research\"" },
		{ "employeeType", "\"Employee\"" },
		{ "mailNickname", "\"ada.l\"" },
		{ "displayName", "\"Ada Lovelace\"" },
		{ "givenName", "\"Ada\"" },
		{ "surname", "\"Lovelace\"" },
		{ "jobTitle", "\"Countess\"" },
		{ "officeLocation", "\"18/2111\"" },
		{ "preferredLanguage", "\"en-US\"" },
		{ "employeeId", "\"1815\"" },
		{ "employeeLeaveDateTime", "\"2026-12-31T00:00:00Z\"" },
		{ "employeeOrgData", "{\"costCenter\":\"1\",\"division\":\"2\"}" },
		{ "otherMails", "[\"ada@home.example\"]" },
		{ "usageLocation", "\"GB\"" },
		{ "userPrincipalName", "\"ada.lovelace@contoso.com\"" },
		{ "userType", "\"Guest\"" },
		{ "onPremisesImmutableId", "\"AAEC\"" },
		{ "passwordPolicies", "\"DisablePasswordExpiration\"" },
	};
	char id[GUID_TEXT_BYTES], body[256];

	make_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(writable); i++) {
		snprintf(body, sizeof(body), "{\"%s\":%s}", writable[i].name, writable[i].value);
		assert_done(patch(*state, "/v1.0/users/{}", id, body));
		assert_stored(*state, id, writable[i].name, writable[i].value);
	}
}

static void null_clears_what_can_be_cleared(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	set_as_admin(*state, id, "department", "\"Research\"");
	set_as_admin(*state, id, "otherMails", "[\"ada@home.example\"]");
	assert_done(patch(*state, "/v1.0/users/{}", id, "{\"department\":null,\"otherMails\":[]}"));
	assert_stored(*state, id, "department", "null");
	assert_stored(*state, id, "otherMails", "null");
}

static void what_cannot_be_cleared_is_refused(void **state)
{
	static const char *const bodies[] = { "{\"displayName\":null}", "{\"mail\":null}",
		"{\"usageLocation\":null}", "{\"otherMails\":null}", "{\"businessPhones\":null}",
		"{\"userPrincipalName\":null}", "{\"accountEnabled\":null}",
		"{\"displayName\":\"\"}", "{\"department\":\"\"}" };
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_bad(
			patch(*state, "/v1.0/users/{}", id, bodies[i]), "Invalid value specified");
}

static void a_synced_user_is_refused_in_microsofts_words(void **state)
{
	static const char *const bodies[] = { "{\"department\":\"Sales\"}",
		"{\"displayName\":\"X\"}", "{\"accountEnabled\":false}",
		"{\"mail\":\"new@contoso.com\"}", "{\"userPrincipalName\":\"new@contoso.com\"}",
		"{\"onPremisesImmutableId\":null}",
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"x\"}}",
		"{\"usageLocation\":\"GB\",\"city\":\"London\"}" };
	char id[GUID_TEXT_BYTES];

	make_synced_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_bad(patch(*state, "/v1.0/users/{}", id, bodies[i]), SYNC_TEXT);
	assert_stored(*state, id, "usageLocation", "null");
}

static void what_no_rule_flows_is_the_clouds_even_of_a_synced_user(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = { { "usageLocation", "\"GB\"" }, { "otherMails", "[\"ada@home.example\"]" },
		{ "passwordPolicies", "\"DisablePasswordExpiration\"" },
		{ "userType", "\"Guest\"" } };
	char id[GUID_TEXT_BYTES], body[128];

	make_synced_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		snprintf(body, sizeof(body), "{\"%s\":%s}", rows[i].name, rows[i].value);
		assert_done(patch(*state, "/v1.0/users/{}", id, body));
		assert_stored(*state, id, rows[i].name, rows[i].value);
	}
}

static void extension_attributes_of_who_was_synced_stay_exchanges(void **state)
{
	static const char body[] =
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"x\"}}";
	char was_synced[GUID_TEXT_BYTES], born_here[GUID_TEXT_BYTES];

	make_user(*state, "ada", was_synced);
	set_as_admin(*state, was_synced, "onPremisesLastSyncDateTime", "\"2026-01-01T00:00:00Z\"");
	make_user(*state, "grace", born_here);
	assert_bad(patch(*state, "/v1.0/users/{}", was_synced, body), EXTERNAL_TEXT);
	assert_done(patch(*state, "/v1.0/users/{}", born_here, body));
	assert_stored(*state, born_here, "onPremisesExtensionAttributes",
		"{\"extensionAttribute1\":\"x\"}");
}

static void extension_attributes_merge(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	set_as_admin(*state, id, "onPremisesExtensionAttributes",
		"{\"extensionAttribute1\":\"a\",\"extensionAttribute2\":\"b\"}");
	assert_done(patch(*state, "/v1.0/users/{}", id,
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute2\":null,\"extensionAttribute3\":\"c\"}}"));
	assert_stored(*state, id, "onPremisesExtensionAttributes",
		"{\"extensionAttribute1\":\"a\",\"extensionAttribute3\":\"c\"}");
}

static void read_only_properties_are_named(void **state)
{
	static const char *const names[] = { "proxyAddresses", "id", "createdDateTime",
		"onPremisesSyncEnabled", "onPremisesLastSyncDateTime",
		"onPremisesDistinguishedName", "onPremisesSamAccountName",
		"onPremisesSecurityIdentifier", "imAddresses", "faxNumber", "showInAddressList",
		"securityIdentifier", "employeeHireDate", "onPremisesProvisioningErrors",
		"legalAgeGroupClassification", "deletedDateTime" };
	char id[GUID_TEXT_BYTES], body[128], words[128];

	make_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(body, sizeof(body), "{\"%s\":null}", names[i]);
		snprintf(words, sizeof(words), "Property '%s' is read-only and cannot be set.",
			names[i]);
		assert_bad(patch(*state, "/v1.0/users/{}", id, body), words);
	}
}

static void an_unknown_property_is_refused(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	assert_bad(patch(*state, "/v1.0/users/{}", id, "{\"favouriteColour\":\"blue\"}"),
		"'favouriteColour'");
	assert_bad(patch(*state, "/v1.0/users/{}", id, "{\"isCloudManaged\":true}"),
		"'isCloudManaged'");
}

static void a_wrong_type_or_size_is_refused(void **state)
{
	static const char *const bodies[] = { "{\"department\":1}", "{\"department\":[\"x\"]}",
		"{\"accountEnabled\":\"true\"}", "{\"otherMails\":\"a@b\"}", "{\"otherMails\":[1]}",
		"{\"businessPhones\":[\"1\",\"2\"]}", "{\"employeeId\":\"12345678901234567\"}",
		"{\"usageLocation\":\"GBR\"}", "{\"usageLocation\":\"1\"}",
		"{\"employeeLeaveDateTime\":\"soon\"}", "{\"employeeOrgData\":{\"wrong\":\"x\"}}",
		"{\"onPremisesExtensionAttributes\":{\"extensionAttribute16\":\"x\"}}",
		"{\"onPremisesImmutableId\":\"a_b\"}", "{\"onPremisesImmutableId\":\"a$b\"}",
		"{\"userPrincipalName\":\"ada@elsewhere.example\"}",
		"{\"userPrincipalName\":\"ada\"}", "{\"mail\":\"no address\"}" };
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_bad(
			patch(*state, "/v1.0/users/{}", id, bodies[i]), "Invalid value specified");
}

static void a_patch_is_all_or_nothing(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	assert_bad(patch(*state, "/v1.0/users/{}", id,
			   "{\"department\":\"Sales\",\"proxyAddresses\":[]}"),
		"read-only");
	assert_stored(*state, id, "department", "null");
}

static void mail_becomes_the_primary_address(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_user(*state, "ada", id);
	assert_done(patch(*state, "/v1.0/users/{}", id, "{\"mail\":\"countess@contoso.com\"}"));
	assert_stored(*state, id, "mail", "\"countess@contoso.com\"");
	assert_stored(*state, id, "proxyAddresses",
		"[\"SMTP:countess@contoso.com\",\"smtp:ada@contoso.com\"]");
}

static void assert_conflict(
	struct reply reply, const char *property, const char *kind, const char *holder)
{
	const json_t *details = json_object_get(json_object_get(reply.body, "error"), "details");
	char words[128], target[128];

	snprintf(words, sizeof(words),
		"Another object with the same value for property %s already exists.", property);
	snprintf(target, sizeof(target), "%s_%s", kind, holder);
	assert_refused(reply, 400, "Request_BadRequest");
	assert_string_equal(error_message(&reply), words);
	assert_string_equal(
		json_text_or_null(json_array_get(details, 0), "code"), "ObjectConflict");
	assert_string_equal(json_text_or_null(json_array_get(details, 0), "target"), property);
	assert_string_equal(
		json_text_or_null(json_array_get(details, 1), "code"), "ConflictingObjects");
	assert_string_equal(json_text_or_null(json_array_get(details, 1), "target"), target);
	reply_release(&reply);
}

static void a_mail_that_another_holds_is_a_conflict(void **state)
{
	char ada[GUID_TEXT_BYTES], grace[GUID_TEXT_BYTES], list[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_user(*state, "grace", grace);
	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"List\",\"mailEnabled\":true,\"proxyAddresses\":[\"smtp:sales@contoso.com\"]}",
		list);
	assert_conflict(patch(*state, "/v1.0/users/{}", ada, "{\"mail\":\"GRACE@contoso.com\"}"),
		"proxyAddresses", "User", grace);
	assert_conflict(patch(*state, "/v1.0/users/{}", ada, "{\"mail\":\"sales@contoso.com\"}"),
		"proxyAddresses", "Group", list);
}

static void an_address_in_deleted_items_is_still_reserved(void **state)
{
	struct tenant *tenant = *state;
	struct actor admin = an_admin();
	struct error err = { 0 };
	char ada[GUID_TEXT_BYTES], grace[GUID_TEXT_BYTES];

	make_user(tenant, "ada", ada);
	make_user(tenant, "grace", grace);
	assert_true(tenant_delete(tenant->simulator, &admin, grace, &err));
	assert_conflict(patch(tenant, "/v1.0/users/{}", ada, "{\"mail\":\"grace@contoso.com\"}"),
		"proxyAddresses", "User", grace);
}

static void a_taken_sign_in_name_is_a_conflict(void **state)
{
	char ada[GUID_TEXT_BYTES], grace[GUID_TEXT_BYTES];

	make_user(*state, "ada", ada);
	make_user(*state, "grace", grace);
	assert_conflict(patch(*state, "/v1.0/users/{}", ada,
				"{\"userPrincipalName\":\"grace@contoso.com\"}"),
		"userPrincipalName", "User", grace);
}

static void a_cloud_security_group_can_be_changed(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", id);
	assert_done(patch(*state, "/v1.0/groups/{}", id,
		"{\"displayName\":\"Crew\",\"description\":\"who works\",\"mailNickname\":\"c\"}"));
	assert_stored(*state, id, "displayName", "\"Crew\"");
	assert_done(patch(*state, "/v1.0/groups/{}", id, "{\"description\":null}"));
	assert_bad(patch(*state, "/v1.0/groups/{}", id, "{\"displayName\":null}"), "Invalid value");
	assert_bad(
		patch(*state, "/v1.0/groups/{}", id, "{\"mail\":\"x@contoso.com\"}"), "read-only");
	assert_bad(patch(*state, "/v1.0/groups/{}", id, "{\"proxyAddresses\":[]}"), "read-only");
	assert_bad(patch(*state, "/v1.0/groups/{}", id, "{\"mailEnabled\":true}"), "mail-enabled");
	assert_bad(patch(*state, "/v1.0/groups/{}", id, "{\"groupTypes\":[\"Unified\"]}"),
		"Invalid value");
}

static void mail_enabled_groups_are_exchanges(void **state)
{
	char list[GUID_TEXT_BYTES], secured[GUID_TEXT_BYTES], unified[GUID_TEXT_BYTES];

	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"L\",\"mailEnabled\":true,\"securityEnabled\":false}", list);
	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"S\",\"mailEnabled\":true,\"securityEnabled\":true}", secured);
	make(*state, OBJECT_GROUP,
		"{\"displayName\":\"U\",\"mailEnabled\":true,\"groupTypes\":[\"Unified\"]}",
		unified);
	assert_bad(patch(*state, "/v1.0/groups/{}", list, "{\"description\":\"x\"}"),
		MAIL_GROUP_WORDS);
	assert_bad(patch(*state, "/v1.0/groups/{}", secured, "{\"description\":\"x\"}"),
		MAIL_GROUP_WORDS);
	assert_done(patch(*state, "/v1.0/groups/{}", unified,
		"{\"description\":\"x\",\"visibility\":\"Private\"}"));
}

static void a_synced_group_is_refused(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_security_group(*state, "crew", id);
	set_as_admin(*state, id, "onPremisesSyncEnabled", "true");
	assert_bad(patch(*state, "/v1.0/groups/{}", id, "{\"description\":\"x\"}"), SYNC_TEXT);
}

static void a_role_assignable_group_needs_more(void **state)
{
	char id[GUID_TEXT_BYTES];

	make_security_group(*state, "admins", id);
	set_as_admin(*state, id, "isAssignableToRole", "true");
	{
		CLEANUP(reply_release)
		struct reply reply = patch(
			*state, "/v1.0/groups/{}", id, "{\"description\":\"x\"}");

		assert_refused(reply, 403, "Authorization_RequestDenied");
	}
}

static void contacts_take_nothing(void **state)
{
	char synced[GUID_TEXT_BYTES], exchange[GUID_TEXT_BYTES];

	make(*state, OBJECT_CONTACT, "{\"displayName\":\"S\",\"onPremisesSyncEnabled\":true}",
		synced);
	make(*state, OBJECT_CONTACT, "{\"displayName\":\"E\"}", exchange);
	assert_bad(
		patch(*state, "/v1.0/contacts/{}", synced, "{\"displayName\":\"X\"}"), SYNC_TEXT);
	assert_bad(patch(*state, "/v1.0/contacts/{}", exchange, "{\"displayName\":\"X\"}"),
		EXTERNAL_TEXT);
}

static void switching_authority_opens_the_object(void **state)
{
	static const char path[] = "/v1.0/users/{}/onPremisesSyncBehavior";
	char id[GUID_TEXT_BYTES];

	make_synced_user(*state, "ada", id);
	assert_done(patch(*state, path, id, "{\"isCloudManaged\":true}"));
	assert_stored(*state, id, "onPremisesSyncEnabled", "null");
	assert_done(patch(*state, "/v1.0/users/{}", id, "{\"department\":\"Sales\"}"));
	assert_bad(patch(*state, path, id, "{\"isCloudManaged\":\"yes\"}"), "isCloudManaged");
}

static void a_body_must_be_json_and_say_so(void **state)
{
	struct tenant *tenant = *state;
	char id[GUID_TEXT_BYTES], path[512];

	make_user(tenant, "ada", id);
	assert_bad(patch(tenant, "/v1.0/users/{}", id, "{\"department\":"), "JSON");
	assert_bad(patch(tenant, "/v1.0/users/{}", id, "[]"), "JSON");
	assert_bad(patch(tenant, "/v1.0/users/{}", id, "{\"city\":\"a\",\"city\":\"b\"}"), "JSON");
	{
		CLEANUP(reply_release)
		struct reply reply = exchange_with(tenant,
			&(struct simulator_request){ .method = "PATCH",
				.path = at(path, "/v1.0/users/{}", id),
				.authorization = span_of(tenant->authorization),
				.body = SPAN_LITERAL("{\"department\":\"Sales\"}") });

		assert_int_equal(reply.status, 415);
	}
}

static void a_missing_permission_is_denied(void **state UNUSED)
{
	static const struct {
		const char *deny, *body;
	} cases[] = {
		{ "User.ReadWrite.All", "{\"department\":\"Sales\"}" },
		{ "User.EnableDisableAccount.All", "{\"accountEnabled\":false}" },
		{ "User-LifeCycleInfo.ReadWrite.All", "{\"employeeLeaveDateTime\":null}" },
		{ "", "{\"identities\":[]}" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(tenant_freep)
		struct tenant *tenant = tenant_with(
			(struct simulator_options){ .deny = cases[i].deny });
		char id[GUID_TEXT_BYTES];

		make_user(tenant, "ada", id);
		{
			CLEANUP(reply_release)
			struct reply reply = patch(tenant, "/v1.0/users/{}", id, cases[i].body);

			assert_refused(reply, 403, "Authorization_RequestDenied");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_cloud_user_takes_every_writable_property),
		FRESH(null_clears_what_can_be_cleared),
		FRESH(what_cannot_be_cleared_is_refused),
		FRESH(a_synced_user_is_refused_in_microsofts_words),
		FRESH(what_no_rule_flows_is_the_clouds_even_of_a_synced_user),
		FRESH(extension_attributes_of_who_was_synced_stay_exchanges),
		FRESH(extension_attributes_merge),
		FRESH(read_only_properties_are_named),
		FRESH(an_unknown_property_is_refused),
		FRESH(a_wrong_type_or_size_is_refused),
		FRESH(a_patch_is_all_or_nothing),
		FRESH(mail_becomes_the_primary_address),
		FRESH(a_mail_that_another_holds_is_a_conflict),
		FRESH(an_address_in_deleted_items_is_still_reserved),
		FRESH(a_taken_sign_in_name_is_a_conflict),
		FRESH(a_cloud_security_group_can_be_changed),
		FRESH(mail_enabled_groups_are_exchanges),
		FRESH(a_synced_group_is_refused),
		FRESH(a_role_assignable_group_needs_more),
		FRESH(contacts_take_nothing),
		FRESH(switching_authority_opens_the_object),
		FRESH(a_body_must_be_json_and_say_so),
		cmocka_unit_test(a_missing_permission_is_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
