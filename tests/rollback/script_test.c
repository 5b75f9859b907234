/* Scripts: constant code in printable ASCII around one block of data, whatever a directory says [T36]. */
#include <sodium.h>
#include <stdio.h>

#include "tests/rollback/planning.h"

#include "rollback/handoff_internal.h"

enum {
	SCRIPT_MAX = 64 << 20,
	SCALARS = 0x110000,
	SCALARS_A_VALUE = 4096, /* of a value; every one of them stands in some value */
	SURROGATES = 0xd800,
	SURROGATES_END = 0xe000,
};

#define BLOCK_BEGIN "\nInvoke-Plan @'\n"
#define BLOCK_END   "\n'@\n"

typedef void writer_function(struct buf *out, const struct plan *plan);

static void add_scalar(struct buf *out, uint32_t scalar)
{
	if (scalar < 0x80) {
		buf_add_byte(out, (char)scalar);
		return;
	}
	if (scalar >= 0x10000)
		buf_add_byte(out, (char)(0xf0 | scalar >> 18));
	if (scalar >= 0x800)
		buf_add_byte(out,
			(char)(scalar >= 0x10000 ? 0x80 | (scalar >> 12 & 0x3f)
						 : 0xe0 | scalar >> 12));
	buf_add_byte(
		out, (char)(scalar >= 0x800 ? 0x80 | (scalar >> 6 & 0x3f) : 0xc0 | scalar >> 6));
	buf_add_byte(out, (char)(0x80 | (scalar & 0x3f)));
}

/* A plan in which this text stands in every field that may hold any. */
struct hostile {
	struct plan_step step;
	struct plan plan;
	struct buf value;
};

static void fill(struct hostile *hostile, enum door door, struct span text, const char *dn)
{
	struct plan *head = plan_with_head();

	*hostile = (struct hostile){ .value = BUF_UP_TO(SCRIPT_MAX) };
	scan_quote(text, &hostile->value);
	hostile->plan = *head;
	plan_free(head);
	hostile->step = (struct plan_step){
		.number = 1,
		.operation = GRAPH_SET,
		.door = door,
		.kind = kind_get(KIND_USER),
		.id = USER("1"),
		.name = buf_text(&hostile->value),
		.why = buf_text(&hostile->value),
		.distinguished_name = dn,
		.security_identifier = dn,
		.attribute = attribute_find(kind_get(KIND_USER), SPAN_LITERAL("displayName")),
		.from = buf_span(&hostile->value),
		.to = VALUE("\"Sales\""),
	};
	hostile->plan.tenant_name = buf_text(&hostile->value);
	hostile->plan.steps = &hostile->step;
	hostile->plan.step_count = 1;
	hostile->plan.by_door[door] = 1;
}

static void assert_ascii(const struct buf *script)
{
	for (size_t i = 0; i < script->length; i++) {
		if (script->data[i] != '\n' && (script->data[i] < ' ' || script->data[i] > '~'))
			fail_msg("byte %zu is 0x%02x", i, (unsigned char)script->data[i]);
	}
}

/* Parts the file at its only block: the digest of what is constant, and the data. */
static void take_apart(const struct buf *script, uint8_t digest[static 32], struct buf *data)
{
	const char *begin = strstr(buf_text(script), BLOCK_BEGIN), *end;
	crypto_generichash_state state;
	size_t length;

	assert_non_null(begin);
	begin += strlen(BLOCK_BEGIN);
	assert_null(strstr(begin, BLOCK_BEGIN));
	end = strstr(begin, BLOCK_END);
	assert_non_null(end);
	assert_string_equal(end, BLOCK_END);
	crypto_generichash_init(&state, NULL, 0, 32);
	crypto_generichash_update(
		&state, (const uint8_t *)script->data, (size_t)(begin - script->data));
	crypto_generichash_update(&state, (const uint8_t *)end, strlen(end));
	crypto_generichash_final(&state, digest, 32);
	length = (size_t)(end - begin);
	assert_int_equal(sodium_base642bin((uint8_t *)buf_room(data, length), length, begin, length,
				 "\n", &length, NULL, sodium_base64_VARIANT_ORIGINAL),
		0);
	buf_grew(data, length);
}

/* The item of the only step holds this very text as the value that is to be there. */
static void assert_carried(const struct buf *data, struct span text)
{
	const char *line = strchr(buf_text(data), '\n') + 1;
	struct span item = { line, strcspn(line, "\n") }, element;
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(SCRIPT_MAX);
	struct error err = { 0 };
	struct scan scan;

	assert_true(scan_check(item, &err));
	scan = scan_open(scan_find(item, "from"));
	assert_true(scan_element(&scan, &element));
	scan_text(element, &said);
	assert_int_equal(said.length, text.length + 1);
	assert_int_equal(said.data[0], '=');
	assert_memory_equal(said.data + 1, text.data, text.length);
}

static const struct {
	enum door door;
	writer_function *write;
} scripts[] = {
	{ DOOR_EXCHANGE, handoff_add_exchange },
	{ DOOR_DIRECTORY, handoff_add_directory },
};

static void check_text(size_t which, struct span text, const uint8_t constant[static 32])
{
	CLEANUP(buf_release)
	struct buf script = BUF_UP_TO(SCRIPT_MAX), data = BUF_UP_TO(SCRIPT_MAX);
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(SCRIPT_MAX);
	struct hostile hostile;
	uint8_t digest[32];

	/* A NUL would end it; it can't stand in a plan's texts. */
	buf_addf(&dn, "CN=%.*s,DC=x", (int)strnlen(text.data, text.length), text.data);
	fill(&hostile, scripts[which].door, text, buf_text(&dn));
	scripts[which].write(&script, &hostile.plan);
	assert_false(script.overflowed);
	assert_ascii(&script);
	take_apart(&script, digest, &data);
	assert_memory_equal(digest, constant, sizeof(digest));
	assert_carried(&data, text);
	buf_release(&hostile.value);
}

static void constant_of(size_t which, uint8_t digest[static 32])
{
	CLEANUP(buf_release)
	struct buf script = BUF_UP_TO(SCRIPT_MAX), data = BUF_UP_TO(SCRIPT_MAX);
	struct plan *plan = plan_with_head();

	scripts[which].write(&script, plan);
	take_apart(&script, digest, &data);
	plan_free(plan);
}

static void every_unicode_scalar_is_data_in_constant_code(void **state)
{
	(void)state;
	for (size_t which = 0; which < COUNT_OF(scripts); which++) {
		uint8_t constant[32];

		constant_of(which, constant);
		for (uint32_t scalar = 0; scalar < SCALARS;) {
			CLEANUP(buf_release) struct buf text = BUF_UP_TO(SCRIPT_MAX);

			for (size_t i = 0; i < SCALARS_A_VALUE && scalar < SCALARS; i++, scalar++) {
				if (scalar < SURROGATES || scalar >= SURROGATES_END)
					add_scalar(&text, scalar);
			}
			if (text.length)
				check_text(which, buf_span(&text), constant);
		}
	}
}

static void what_ends_a_string_in_powershell_ends_nothing(void **state)
{
	static const char *const texts[] = { "'", "\"", "`", "$(Remove-Item C:\\ -Recurse)",
		"$env:x", "\n'@\n", "\n\"@\n", "\r\n'@\r\nRemove-Item C:\\\r\n@'\r\n",
		"\u2018x\u2019", "\u201ax\u201b", "\u201cx\u201d\u201e", "#>", "<#", "--%", ";",
		"|", "&", "\xc3\x91", "2026-03-04T00:00:00Z", "/Date(1)/", "" };

	(void)state;
	for (size_t which = 0; which < COUNT_OF(scripts); which++) {
		uint8_t constant[32];

		constant_of(which, constant);
		for (size_t i = 0; i < COUNT_OF(texts); i++)
			check_text(which, span_of(texts[i]), constant);
	}
}

/* ---- LDIF ------------------------------------------------------------------------------------ */

static void ldif_of(struct buf *out, const char *value, const char *dn)
{
	struct hostile hostile;

	fill(&hostile, DOOR_DIRECTORY, span_of(value), dn);
	handoff_add_ldif(out, &hostile.plan);
	buf_release(&hostile.value);
}

static void ldif_removes_the_old_value_by_name(void **state)
{
	CLEANUP(buf_release) struct buf ldif = BUF_UP_TO(SCRIPT_MAX);

	(void)state;
	ldif_of(&ldif, "Lab", "CN=A,DC=x,DC=org");
	assert_non_null(strstr(buf_text(&ldif),
		"\ndn: CN=A,DC=x,DC=org\nchangetype: modify\n"
		"delete: displayName\ndisplayName: Lab\n-\nadd: displayName\ndisplayName: Sales\n-\n"));
}

static void what_is_no_safe_string_is_base64(void **state)
{
	static const char *const unsafe[] = { " a", "a ", ":a", "<file:///etc/passwd", "a\nb",
		"a\rb", "K\xc3\xb8ge", "\x7f", "\t" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(unsafe); i++) {
		CLEANUP(buf_release) struct buf ldif = BUF_UP_TO(SCRIPT_MAX);

		ldif_of(&ldif, unsafe[i], "CN=K\xc3\xb8ge,DC=x");
		assert_ascii(&ldif);
		assert_non_null(strstr(buf_text(&ldif), "\ndisplayName:: "));
		assert_non_null(strstr(buf_text(&ldif), "\ndn:: "));
	}
}

static void long_lines_are_folded(void **state)
{
	CLEANUP(buf_release) struct buf ldif = BUF_UP_TO(SCRIPT_MAX);
	char value[300];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	ldif_of(&ldif, value, "CN=A,DC=x");
	assert_non_null(strstr(buf_text(&ldif), "xxx\n xxx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_unicode_scalar_is_data_in_constant_code),
		cmocka_unit_test(what_ends_a_string_in_powershell_ends_nothing),
		cmocka_unit_test(ldif_removes_the_old_value_by_name),
		cmocka_unit_test(what_is_no_safe_string_is_base64),
		cmocka_unit_test(long_lines_are_folded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
