/* The kinds table: its order, its names, and the page that describes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/file.h"
#include "directory/directory_internal.h"

#define PAGE       TEST_DATA "/../../docs/ATTRIBUTES.md"
#define FILE_LIMIT (64 << 20)

static struct span outer_of(const struct attribute *attribute)
{
	return (struct span){ attribute->name,
		attribute->outer_length ? attribute->outer_length : attribute->name_length };
}

/* ---- the table itself --------------------------------------------------------------- */

static void rows_stand_in_byte_order_so_no_name_comes_twice(void **state)
{
	(void)state;
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		assert_true(kind->attribute_count < KIND_ATTRIBUTES_MAX);
		for (size_t i = 1; i < kind->attribute_count; i++)
			if (strcmp(kind->attributes[i - 1].name, kind->attributes[i].name) >= 0)
				fail_msg("%s: %s stands before %s", kind->name,
					kind->attributes[i - 1].name, kind->attributes[i].name);
	}
}

static void lengths_are_those_of_the_names(void **state)
{
	(void)state;
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		for (size_t i = 0; i < kind->attribute_count; i++) {
			const struct attribute *attribute = &kind->attributes[i];
			const char *slash = strchr(attribute->name, '/');

			assert_int_equal(attribute->name_length, strlen(attribute->name));
			assert_int_equal(
				attribute->outer_length, slash ? slash - attribute->name : 0);
		}
	}
}

static void what_nobody_may_write_is_not_clearable(void **state)
{
	(void)state;
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		for (size_t i = 0; i < kind->attribute_count; i++)
			if (kind->attributes[i].when_cloud != MASTER_CLOUD)
				assert_false(kind->attributes[i].clearable);
	}
	for (const char *const *name = (const char *const[]){ "displayName", "mail",
		     "usageLocation", "accountEnabled", "userPrincipalName", NULL };
		*name; name++)
		assert_false(attribute_find(kind_get(KIND_USER), span_of(*name))->clearable);
}

static void graph_can_write_no_contact(void **state)
{
	const struct kind *contact = kind_get(KIND_CONTACT);

	(void)state;
	for (size_t i = 0; i < contact->attribute_count; i++)
		if (contact->attributes[i].source != SOURCE_BEHAVIOR)
			assert_int_not_equal(contact->attributes[i].when_cloud, MASTER_CLOUD);
	assert_false(contact->soft_deleted);
}

static void addresses_belong_to_exchange_in_the_cloud(void **state)
{
	(void)state;
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct attribute *row = attribute_find(
			kind_get((enum kind_id)id), span_of("proxyAddresses"));

		assert_non_null(row);
		assert_int_equal(row->when_cloud, MASTER_EXCHANGE);
		assert_int_equal(row->when_synced, MASTER_DIRECTORY);
		assert_int_equal(row->compare, COMPARE_ADDRESSES);
		assert_int_equal(row->shape, SHAPE_SET);
	}
}

static void every_enum_has_a_word(void **state)
{
	(void)state;
	assert_string_equal(attribute_type_name(TYPE_REFERENCE), "reference");
	assert_string_equal(attribute_compare_name(COMPARE_VOLATILE), "volatile");
	assert_string_equal(attribute_master_name(MASTER_SERVICE), "service");
}

/* ---- finding ------------------------------------------------------------------------ */

static void kinds_are_found_by_the_word_in_a_line(void **state)
{
	(void)state;
	assert_ptr_equal(kind_find(span_of("group")), kind_get(KIND_GROUP));
	assert_null(kind_find(span_of("groups")));
	assert_null(kind_find(SPAN_NONE));
}

static void assert_audit(enum kind_id kind, const char *audit_name, const char *name)
{
	const struct attribute *row = attribute_find_audit(kind_get(kind), span_of(audit_name));

	if (!row)
		fail_msg("no row for %s", audit_name);
	assert_string_equal(row->name, name);
}

static void audit_names_are_found_without_regard_to_case(void **state)
{
	(void)state;
	assert_audit(KIND_USER, "PhysicalDeliveryOfficeName", "officeLocation");
	assert_audit(KIND_USER, "physicaldeliveryofficename", "officeLocation");
	assert_audit(KIND_USER, "TelephoneNumber", "businessPhones");
	assert_audit(KIND_USER, "Mobile", "mobilePhone");
	assert_audit(KIND_USER, "OtherMail", "otherMails");
	assert_audit(KIND_USER, "SourceAnchor", "onPremisesImmutableId");
	assert_audit(KIND_USER, "ImmutableId", "onPremisesImmutableId");
	assert_audit(KIND_USER, "Title", "jobTitle");
	assert_audit(KIND_USER, "JobTitle", "jobTitle");
	assert_audit(KIND_USER, "Company", "companyName");
	assert_audit(KIND_USER, "ExtensionAttribute12",
		"onPremisesExtensionAttributes/extensionAttribute12");
	assert_audit(KIND_GROUP, "ProxyAddresses", "proxyAddresses");
	assert_audit(KIND_CONTACT, "LastDirSyncTime", "onPremisesLastSyncDateTime");
	assert_null(attribute_find_audit(kind_get(KIND_USER), span_of("TargetId.UserType")));
}

static void connector_space_names_are_found(void **state)
{
	static const char *const pairs[][2] = { { "alias", "mailNickname" },
		{ "title", "jobTitle" }, { "company", "companyName" },
		{ "physicalDeliveryOfficeName", "officeLocation" }, { "co", "country" },
		{ "l", "city" }, { "sourceAnchor", "onPremisesImmutableId" },
		{ "onPremiseSecurityIdentifier", "onPremisesSecurityIdentifier" },
		{ "telephoneNumber", "businessPhones" },
		{ "extensionAttribute1", "onPremisesExtensionAttributes/extensionAttribute1" } };
	const struct kind *user = kind_get(KIND_USER);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		assert_string_equal(
			attribute_find_sync(user, span_of(pairs[i][0]))->name, pairs[i][1]);
	assert_string_equal(
		attribute_find_sync(kind_get(KIND_GROUP), span_of("member"))->name, "members");
	assert_null(attribute_find_sync(user, span_of("userCertificate")));
}

static void lookups_find_every_outer_name_whatever_came_before(void **state)
{
	(void)state;
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);
		struct attribute_lookup lookup;

		attribute_lookup_init(&lookup, kind);
		for (size_t row = 0; row < kind->attribute_count;
			row = attribute_next_outer(kind, row)) {
			struct span name = outer_of(&kind->attributes[row]);

			assert_int_equal(attribute_lookup(&lookup, name), row);
		}
		assert_int_equal(attribute_lookup(&lookup, span_of("displayNam")), ATTRIBUTE_NONE);
		assert_int_equal(
			attribute_lookup(&lookup, span_of("displayNames")), ATTRIBUTE_NONE);
		assert_int_equal(attribute_lookup(&lookup, span_of("")), ATTRIBUTE_NONE);
		assert_int_equal(attribute_lookup(&lookup, span_of("employeeOrgData/division")),
			ATTRIBUTE_NONE);
	}
}

static void a_selection_names_each_outer_property_once(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(10000);
	const char *text;

	(void)state;
	kind_add_select(kind_get(KIND_USER), &out);
	text = buf_text(&out);
	assert_memory_equal(text, "id,accountEnabled,", strlen("id,accountEnabled,"));
	assert_non_null(strstr(text, ",onPremisesExtensionAttributes,"));
	assert_null(strstr(strstr(text, "onPremisesExtensionAttributes") + 1,
		"onPremisesExtensionAttributes"));
	assert_null(strchr(text, '/'));
	for (const char *const *name = (const char *const[]){ "manager", "isCloudManaged",
		     "aboutMe", "identities", "assignedLicenses", "employeeLeaveDateTime",
		     "customSecurityAttributes", "authorizationInfo", NULL };
		*name; name++)
		assert_null(strstr(text, *name));
}

/* ---- the page of the docs --------------------------------------------------------------- */

static void every_row_is_on_the_page_of_attributes(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILE_LIMIT);
	struct error err = { 0 };
	char line[400];

	(void)state;
	if (!file_load(PAGE, FILE_LIMIT, &text, &err))
		fail_msg("%s", err.text);
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		for (size_t i = 0; i < kind->attribute_count; i++) {
			const struct attribute *row = &kind->attributes[i];

			snprintf(line, sizeof(line), "| `%s` | %s | %s | %s | %s | %s | %s |\n",
				row->name, attribute_type_name(row->type),
				attribute_compare_name(row->compare),
				attribute_master_name(row->when_synced),
				attribute_master_name(row->when_cloud),
				row->sync_name ? row->sync_name : "–",
				row->audit_name ? row->audit_name : "–");
			if (!strstr(buf_text(&text), line))
				fail_msg("docs/ATTRIBUTES.md lacks for a %s: %s", kind->name, line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_stand_in_byte_order_so_no_name_comes_twice),
		cmocka_unit_test(lengths_are_those_of_the_names),
		cmocka_unit_test(what_nobody_may_write_is_not_clearable),
		cmocka_unit_test(graph_can_write_no_contact),
		cmocka_unit_test(addresses_belong_to_exchange_in_the_cloud),
		cmocka_unit_test(every_enum_has_a_word),
		cmocka_unit_test(kinds_are_found_by_the_word_in_a_line),
		cmocka_unit_test(audit_names_are_found_without_regard_to_case),
		cmocka_unit_test(connector_space_names_are_found),
		cmocka_unit_test(lookups_find_every_outer_name_whatever_came_before),
		cmocka_unit_test(a_selection_names_each_outer_property_once),
		cmocka_unit_test(every_row_is_on_the_page_of_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
