/* Addresses: taken apart, and which of them the service computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "directory/directory.h"

static void assert_address(
	const char *text, const char *scheme, const char *value, bool smtp, bool primary)
{
	struct address address = address_parse(span_of(text));

	assert_true(span_equal(address.scheme, span_of(scheme)));
	assert_true(span_is(address.value, value));
	assert_int_equal(address.smtp, smtp);
	assert_int_equal(address.primary, primary);
}

static void the_primary_address_is_told_by_capitals(void **state)
{
	(void)state;
	assert_address("SMTP:a@b", "SMTP", "a@b", true, true);
	assert_address("smtp:a@b", "smtp", "a@b", true, false);
	assert_address("Smtp:a@b", "Smtp", "a@b", true, false);
	assert_address("SIP:a@b", "SIP", "a@b", false, false);
	assert_address("x500:/o=a:b", "x500", "/o=a:b", false, false);
	assert_address(":a", "", "a", false, false);
	assert_address("SMTP:", "SMTP", "", true, true);
}

static void a_text_without_a_colon_has_no_scheme(void **state)
{
	(void)state;
	assert_address("a@b", NULL, "a@b", false, false);
	assert_address("", NULL, "", false, false);
}

static void domains_of_the_service_are_computed(void **state)
{
	static const char *const computed[] = { "a@contoso.onmicrosoft.com",
		"a@Contoso.OnMicrosoft.COM", "a@contoso.mail.onmicrosoft.com",
		"a@contoso.microsoftonline.com", "a@contoso.onmicrosoft.us",
		"a@contoso.partner.onmschina.cn" };
	static const char *const others[] = { "a@contoso.com", "a@onmicrosoft.com",
		"a@evilonmicrosoft.com", "a@contoso.onmicrosoft.com.evil.org",
		"contoso.onmicrosoft.com", "x@contoso.onmicrosoft.com@evil.org", "", "@" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(computed); i++)
		assert_true(address_is_computed(span_of(computed[i])));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(address_is_computed(span_of(others[i])));
	assert_false(address_is_computed(SPAN_NONE));
}

static void a_secondary_address_equal_to_the_sign_in_name_is_computed(void **state)
{
	struct error err = { 0 };
	CLEANUP(object_freep)
	struct object *object = object_parse(
		SPAN_LITERAL("{\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\","
			     "\"kind\":\"user\",\"userPrincipalName\":\"Ada@Contoso.com\"}"),
		&err);

	(void)state;
	assert_non_null(object);
	assert_true(address_is_computed_for(object, SPAN_LITERAL("smtp:ada@contoso.com")));
	assert_false(address_is_computed_for(object, SPAN_LITERAL("SMTP:ada@contoso.com")));
	assert_false(address_is_computed_for(object, SPAN_LITERAL("sip:ada@contoso.com")));
	assert_false(address_is_computed_for(object, SPAN_LITERAL("smtp:a.l@contoso.com")));
	assert_true(
		address_is_computed_for(object, SPAN_LITERAL("smtp:x@contoso.onmicrosoft.com")));
	assert_true(
		address_is_computed_for(object, SPAN_LITERAL("SMTP:x@contoso.onmicrosoft.com")));
}

static void an_object_without_a_sign_in_name_has_only_service_domains(void **state)
{
	struct error err = { 0 };
	CLEANUP(object_freep)
	struct object *object = object_parse(
		SPAN_LITERAL("{\"id\":\"0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10\","
			     "\"kind\":\"group\"}"),
		&err);

	(void)state;
	assert_non_null(object);
	assert_false(address_is_computed_for(object, SPAN_LITERAL("smtp:")));
	assert_true(address_is_computed_for(object, SPAN_LITERAL("smtp:g@c.onmicrosoft.com")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_primary_address_is_told_by_capitals),
		cmocka_unit_test(a_text_without_a_colon_has_no_scheme),
		cmocka_unit_test(domains_of_the_service_are_computed),
		cmocka_unit_test(a_secondary_address_equal_to_the_sign_in_name_is_computed),
		cmocka_unit_test(an_object_without_a_sign_in_name_has_only_service_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
