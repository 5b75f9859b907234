/* Comparison: what is the same for Entra, and what is one element of a set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "directory/directory.h"

static const struct attribute *row(enum kind_id kind, const char *name)
{
	const struct attribute *attribute = attribute_find(kind_get(kind), span_of(name));

	if (!attribute)
		fail_msg("no row %s", name);
	return attribute;
}

struct pair {
	const char *a, *b;
	bool equal;
};

static void assert_pairs(const struct attribute *attribute, const struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct span a = span_of(pairs[i].a), b = span_of(pairs[i].b);

		if (attribute_equal(attribute, a, b) != pairs[i].equal ||
			attribute_equal(attribute, b, a) != pairs[i].equal)
			fail_msg("%s: %s and %s", attribute->name, pairs[i].a, pairs[i].b);
	}
}

static void a_change_of_case_in_a_display_name_is_a_change(void **state)
{
	static const struct pair pairs[] = {
		{ "\"Ada\"", "\"Ada\"", true },
		{ "\"Ada\"", "\"ada\"", false },
		{ "\"Ada\"", NULL, false },
		{ "\"\"", NULL, false },
		{ NULL, NULL, true },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "displayName"), pairs, COUNT_OF(pairs));
}

static void nothing_null_and_the_empty_set_are_the_same(void **state)
{
	static const struct pair pairs[] = {
		{ "[]", NULL, true },
		{ "null", NULL, true },
		{ "null", "[]", true },
		{ "[\"a@b\"]", "[]", false },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "otherMails"), pairs, COUNT_OF(pairs));
}

static void sign_in_names_compare_without_regard_to_case(void **state)
{
	static const struct pair pairs[] = {
		{ "\"Ada@Contoso.com\"", "\"ada@contoso.com\"", true },
		{ "\"J\xc3\x96RG@x\"", "\"j\xc3\xb6rg@x\"", true },
		{ "\"a\\\"B\"", "\"A\\\"b\"", true },
		{ "\"ada@x\"", "\"eda@x\"", false },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "userPrincipalName"), pairs, COUNT_OF(pairs));
	assert_pairs(row(KIND_GROUP, "mailNickname"), pairs, COUNT_OF(pairs));
}

static void instants_compare_as_points_in_time(void **state)
{
	static const struct pair pairs[] = {
		{ "\"2026-03-04T02:17:41Z\"", "\"2026-03-04T02:17:41.0000000Z\"", true },
		{ "\"2026-03-04T02:17:41Z\"", "\"2026-03-04T03:17:41+01:00\"", true },
		{ "\"2026-03-04T02:17:41Z\"", "\"2026-03-04T02:17:41.0000001Z\"", false },
		{ "\"yesterday\"", "\"Yesterday\"", false },
		{ "\"yesterday\"", "\"yesterday\"", true },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "createdDateTime"), pairs, COUNT_OF(pairs));
}

static void what_changes_by_itself_is_never_a_difference(void **state)
{
	static const struct pair pairs[] = {
		{ "\"2026-03-04T02:17:41Z\"", NULL, true },
		{ "\"2026-03-04T02:17:41Z\"", "\"2027-03-04T02:17:41Z\"", true },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "onPremisesLastSyncDateTime"), pairs, COUNT_OF(pairs));
	assert_pairs(row(KIND_GROUP, "renewedDateTime"), pairs, COUNT_OF(pairs));
}

static void references_compare_without_regard_to_case(void **state)
{
	static const struct pair pairs[] = {
		{ "\"0F7C9A54-6e11-4a39-8f1b-9a3f5f3b2c10\"",
			"\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\"", true },
		{ "\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c11\"",
			"\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\"", false },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "manager"), pairs, COUNT_OF(pairs));
}

static void the_source_anchor_compares_exactly(void **state)
{
	static const struct pair pairs[] = { { "\"abC==\"", "\"abc==\"", false } };

	(void)state;
	assert_pairs(row(KIND_USER, "onPremisesImmutableId"), pairs, COUNT_OF(pairs));
}

static void sets_compare_without_order_and_doubles(void **state)
{
	static const struct pair exact[] = {
		{ "[\"1\",\"2\"]", "[\"2\",\"1\",\"2\"]", true },
		{ "[\"1\",\"2\"]", "[\"1\"]", false },
		{ "[\"a\"]", "[\"A\"]", false },
	};
	static const struct pair caseless[] = {
		{ "[\"A@x\",\"b@x\"]", "[\"B@X\",\"a@x\",\"A@X\"]", true },
		{ "[\"a@x\"]", "[\"b@x\"]", false },
	};
	static const struct pair complex[] = {
		{ "[{\"n\":1},{\"n\":2}]", "[{\"n\":2},{\"n\":1}]", true },
		{ "[{\"n\":1}]", "[{\"n\":2}]", false },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "businessPhones"), exact, COUNT_OF(exact));
	assert_pairs(row(KIND_USER, "otherMails"), caseless, COUNT_OF(caseless));
	assert_pairs(row(KIND_CONTACT, "phones"), complex, COUNT_OF(complex));
}

static void addresses_compare_as_entra_compares_them(void **state)
{
	static const struct pair pairs[] = {
		{ "[\"SMTP:Ada@x\",\"smtp:b@x\"]", "[\"smtp:B@X\",\"SMTP:ada@x\"]", true },
		{ "[\"Smtp:a@x\"]", "[\"smtp:a@x\"]", true },
		/* a primary swap */
		{ "[\"SMTP:a@x\",\"smtp:b@x\"]", "[\"smtp:a@x\",\"SMTP:b@x\"]", false },
		{ "[\"SIP:a@x\"]", "[\"sip:A@x\"]", true },
		{ "[\"X500:/o=A/cn=b\"]", "[\"x500:/o=A/cn=b\"]", true },
		{ "[\"x500:/o=A/cn=b\"]", "[\"x500:/o=a/cn=b\"]", false },
		{ "[\"eum:1\"]", "[\"sip:1\"]", false },
		{ "[\"smtp:a@x\"]", "[\"smtp:a@x\",\"smtp:b@x\"]", false },
	};

	(void)state;
	assert_pairs(row(KIND_USER, "proxyAddresses"), pairs, COUNT_OF(pairs));
}

static void assert_key(const struct attribute *attribute, const char *element, const char *key)
{
	CLEANUP(buf_release) struct buf out = BUF_UP_TO(1000);

	element_add_key(&out, attribute, span_of(element));
	assert_string_equal(buf_text(&out), key);
}

static void one_address_is_one_element_whatever_its_primacy(void **state)
{
	const struct attribute *addresses = row(KIND_USER, "proxyAddresses");

	(void)state;
	assert_key(addresses, "\"SMTP:Ada@X\"", "smtp:ada@x");
	assert_key(addresses, "\"smtp:ada@x\"", "smtp:ada@x");
	assert_key(addresses, "\"X500:/O=A\"", "x500:/O=A");
	assert_key(row(KIND_USER, "otherMails"), "\"Ada@X\"", "ada@x");
	assert_key(row(KIND_USER, "businessPhones"), "\"+49 A\"", "\"+49 A\"");
	assert_key(row(KIND_GROUP, "members"), "\"0F7C9A54-6E11-4A39-8F1B-9A3F5F3B2C10\"",
		"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10");
}

static void an_element_is_found_by_its_key(void **state)
{
	const struct attribute *addresses = row(KIND_USER, "proxyAddresses");
	struct span set = SPAN_LITERAL("[\"SMTP:Ada@x\",\"smtp:b@x\"]");

	(void)state;
	assert_true(
		span_is(set_find(addresses, set, SPAN_LITERAL("smtp:ada@x")), "\"SMTP:Ada@x\""));
	assert_null(set_find(addresses, set, SPAN_LITERAL("smtp:c@x")).data);
	assert_null(set_find(addresses, SPAN_NONE, SPAN_LITERAL("smtp:c@x")).data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_case_in_a_display_name_is_a_change),
		cmocka_unit_test(nothing_null_and_the_empty_set_are_the_same),
		cmocka_unit_test(sign_in_names_compare_without_regard_to_case),
		cmocka_unit_test(instants_compare_as_points_in_time),
		cmocka_unit_test(what_changes_by_itself_is_never_a_difference),
		cmocka_unit_test(references_compare_without_regard_to_case),
		cmocka_unit_test(the_source_anchor_compares_exactly),
		cmocka_unit_test(sets_compare_without_order_and_doubles),
		cmocka_unit_test(addresses_compare_as_entra_compares_them),
		cmocka_unit_test(one_address_is_one_element_whatever_its_primacy),
		cmocka_unit_test(an_element_is_found_by_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
