/* Objects: their lines parsed, asked, and who masters them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "directory/directory.h"

#define ID    "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10"
#define OTHER "c1d7e7a2-3b55-4a8e-b7be-0d9b0f4c2f66"
#define USER  "\"id\":\"" ID "\",\"kind\":\"user\""

static struct object *parsed(const char *lines)
{
	struct error err = { 0 };
	struct object *object = object_parse(span_of(lines), &err);

	if (!object)
		fail_msg("%s", err.text);
	return object;
}

static void assert_refused(const char *lines, const char *why)
{
	struct error err = { 0 };

	assert_null(object_parse(span_of(lines), &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, why);
}

static void a_line_becomes_an_object(void **state)
{
	CLEANUP(object_freep)
	struct object *object = parsed(
		"{\"city\":\"B\",\"deleted\":true,\"employeeOrgData\":{\"division\":\"d\"}," USER
		",\"mail\":\"a@b\"}");

	(void)state;
	assert_ptr_equal(object_kind(object), kind_get(KIND_USER));
	assert_true(span_is(object_id(object), ID));
	assert_true(object_deleted(object));
	assert_true(span_is(object_get_named(object, "city"), "\"B\""));
	assert_true(span_is(object_get_named(object, "employeeOrgData/division"), "\"d\""));
	assert_null(object_get_named(object, "employeeOrgData/costCenter").data);
	assert_null(object_get_named(object, "no such attribute").data);
	assert_true(span_is(object_name(object), "a@b"));
}

static void a_row_of_another_kind_means_the_same_name(void **state)
{
	CLEANUP(object_freep) struct object *object = parsed("{" USER ",\"mail\":\"a@b\"}");
	const struct kind *group = kind_get(KIND_GROUP);

	(void)state;
	assert_true(span_is(
		object_get(object, attribute_find(group, SPAN_LITERAL("mail"))), "\"a@b\""));
	assert_null(object_get(object, attribute_find(group, SPAN_LITERAL("members"))).data);
}

static void parts_in_any_order_become_one_sorted_array(void **state)
{
	CLEANUP(object_freep)
	struct object *object = parsed("{\"id\":\"" ID "\",\"kind\":\"group\",\"members\":[\"" OTHER
				       "\"],\"part\":\"members:c\"}\n"
				       "{\"id\":\"" ID "\",\"kind\":\"group\",\"mail\":\"g@b\"}\n"
				       "{\"id\":\"" ID "\",\"kind\":\"group\",\"owners\":[\"" OTHER
				       "\"],\"part\":\"owners:\"}\n"
				       "{\"id\":\"" ID "\",\"kind\":\"group\",\"members\":[\"" ID
				       "\"],\"part\":\"members:0\"}\n");

	(void)state;
	assert_true(span_is(object_get_named(object, "members"), "[\"" ID "\",\"" OTHER "\"]"));
	assert_true(span_is(object_get_named(object, "owners"), "[\"" OTHER "\"]"));
	assert_true(span_is(object_get_named(object, "mail"), "\"g@b\""));
}

static void the_text_is_copied(void **state)
{
	char text[] = "{" USER ",\"mail\":\"a@b\"}";
	CLEANUP(object_freep) struct object *object = parsed(text);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_true(span_is(object_get_named(object, "mail"), "\"a@b\""));
}

static void lines_that_do_not_belong_together_are_refused(void **state)
{
	(void)state;
	assert_refused("{" USER "}\n{\"id\":\"" OTHER "\",\"kind\":\"user\"}\n",
		"line 2: user " OTHER " among the lines of user " ID);
	assert_refused("{" USER "}\n{\"id\":\"" ID "\",\"kind\":\"group\"}\n",
		"line 2: group " ID " among the lines of user " ID);
	assert_refused("{" USER "}\n{" USER "}\n", "line 2: a second line of the same object");
	assert_refused("{\"id\":\"" ID "\",\"kind\":\"group\",\"part\":\"members:\"}",
		"the object has no line of its own");
	assert_refused("", "the object has no line of its own");
}

static void damaged_lines_are_refused_with_line_and_byte(void **state)
{
	(void)state;
	assert_refused("\n{" USER, "line 2: byte 58: the object does not end");
	assert_refused("{\"id\":\"" ID "\"}", "line 1: kind: missing, or none that is known");
	assert_refused("[]", "line 1: kind: missing, or none that is known");
	assert_refused("{\"kind\":\"user\"}", "line 1: id: missing");
	assert_refused("{" USER ",\"mail\":7}", "line 1: mail: a number where a text belongs");
	assert_refused("{" USER ",\"otherMails\":[\"a\",{}]}",
		"line 1: otherMails: an object where a text belongs");
	assert_refused("{" USER ",\"manager\":{\"id\":\"" OTHER "\"}}",
		"line 1: manager: an object that is no object id");
	assert_refused("{" USER ",\"unknown\":[1]}", "line 1: unknown: not a text");
}

static void unknown_is_told_by_name_and_by_outer_name(void **state)
{
	CLEANUP(object_freep)
	struct object *object = parsed(
		"{" USER ",\"unknown\":[\"mail\",\"onPremisesExtensionAttributes\"]}");
	const struct kind *user = kind_get(KIND_USER);

	(void)state;
	assert_true(object_unknown(object, attribute_find(user, SPAN_LITERAL("mail"))));
	assert_true(object_unknown(object,
		attribute_find(
			user, SPAN_LITERAL("onPremisesExtensionAttributes/extensionAttribute7"))));
	assert_false(object_unknown(object, attribute_find(user, SPAN_LITERAL("city"))));
	assert_false(object_unknown(object, attribute_find(user, SPAN_LITERAL("mailNickname"))));
}

static void an_object_is_named_by_what_people_know(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"displayName\":\"D\"," USER ",\"mail\":\"m\",\"userPrincipalName\":\"u\"}",
			"u" },
		{ "{\"displayName\":\"D \\\"x\\\"\"," USER ",\"mail\":\"m\"}", "D \"x\"" },
		{ "{" USER ",\"mail\":\"m\"}", "m" },
		{ "{" USER "}", ID },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(object_freep) struct object *object = parsed(cases[i][0]);

		assert_true(span_is(object_name(object), cases[i][1]));
	}
}

/* ---- mastery (the table of source-of-authority states) -------------------------------------- */

static void mastery_follows_sync_switch_and_history(void **state)
{
	static const struct {
		const char *members;
		enum mastery mastery;
		bool was_synced;
	} cases[] = {
		/* synced from AD */
		{ "\"isCloudManaged\":false," USER ",\"onPremisesSyncEnabled\":true",
			MASTERY_SYNCED, true },
		{ USER ",\"onPremisesSyncEnabled\":true", MASTERY_SYNCED, true },
		{ USER ",\"onPremisesSyncEnabled\":true,\"unknown\":[\"isCloudManaged\"]",
			MASTERY_SYNCED, true },
		/* switched to the cloud */
		{ "\"isCloudManaged\":true," USER ",\"onPremisesImmutableId\":\"x\"", MASTERY_CLOUD,
			true },
		{ "\"isCloudManaged\":true," USER ",\"onPremisesSyncEnabled\":true", MASTERY_CLOUD,
			true },
		/* switched back, and not taken over yet */
		{ "\"isCloudManaged\":false," USER ",\"onPremisesImmutableId\":\"x\"",
			MASTERY_CLOUD, true },
		/* born in the cloud */
		{ USER, MASTERY_CLOUD, false },
		{ USER ",\"unknown\":[\"isCloudManaged\"]", MASTERY_CLOUD, false },
		/* it was synced, and whether it was switched is not known */
		{ USER ",\"onPremisesImmutableId\":\"x\"", MASTERY_UNKNOWN, true },
		{ USER ",\"onPremisesSecurityIdentifier\":\"S-1\",\"unknown\":[\"isCloudManaged\"]",
			MASTERY_UNKNOWN, true },
		{ USER ",\"onPremisesSyncEnabled\":false", MASTERY_UNKNOWN, true },
		{ "\"isCloudManaged\":false," USER ",\"onPremisesSyncEnabled\":false",
			MASTERY_CLOUD, true },
		{ "\"deleted\":true," USER ",\"onPremisesImmutableId\":\"x\"", MASTERY_UNKNOWN,
			true },
		/* nothing can be said */
		{ "\"isCloudManaged\":true," USER ",\"unknown\":[\"onPremisesSyncEnabled\"]",
			MASTERY_UNKNOWN, true },
		{ USER ",\"unknown\":[\"isCloudManaged\",\"onPremisesImmutableId\"]",
			MASTERY_UNKNOWN, true },
		{ "\"isCloudManaged\":false," USER ",\"unknown\":[\"onPremisesImmutableId\"]",
			MASTERY_CLOUD, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf line = BUF_UP_TO(1000);
		CLEANUP(object_freep) struct object *object = NULL;

		buf_addf(&line, "{%s}", cases[i].members);
		object = parsed(buf_text(&line));
		if (object_mastery(object) != cases[i].mastery)
			fail_msg("mastery of %s", buf_text(&line));
		assert_int_equal(object_was_synced(object), cases[i].was_synced);
	}
}

static void contacts_and_groups_have_a_mastery_too(void **state)
{
	CLEANUP(object_freep)
	struct object *contact = parsed(
		"{\"id\":\"" ID "\",\"kind\":\"contact\",\"onPremisesSyncEnabled\":true}");
	CLEANUP(object_freep)
	struct object *group = parsed("{\"id\":\"" ID "\",\"kind\":\"group\"}");

	(void)state;
	assert_int_equal(object_mastery(contact), MASTERY_SYNCED);
	assert_int_equal(object_mastery(group), MASTERY_CLOUD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_becomes_an_object),
		cmocka_unit_test(a_row_of_another_kind_means_the_same_name),
		cmocka_unit_test(parts_in_any_order_become_one_sorted_array),
		cmocka_unit_test(the_text_is_copied),
		cmocka_unit_test(lines_that_do_not_belong_together_are_refused),
		cmocka_unit_test(damaged_lines_are_refused_with_line_and_byte),
		cmocka_unit_test(unknown_is_told_by_name_and_by_outer_name),
		cmocka_unit_test(an_object_is_named_by_what_people_know),
		cmocka_unit_test(mastery_follows_sync_switch_and_history),
		cmocka_unit_test(contacts_and_groups_have_a_mastery_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
