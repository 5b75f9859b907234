/* A glance at two lines says what parsing both says, or nothing; whatever the bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "directory/directory.h"

enum { LINE_MAX_BYTES = 4096, ROUNDS = 200000 };

#define USER(members)                                                                              \
	"{\"accountEnabled\":true," members "\"id\":\"00112233-4455-4677-8899-aabbccddeeff\","     \
	"\"kind\":\"user\",\"mail\":\"ada@contoso.com\",\"onPremisesExtensionAttributes\":"        \
	"{\"extensionAttribute1\":\"x\",\"extensionAttribute2\":\"y\"},"                           \
	"\"onPremisesSyncEnabled\":true,\"unknown\":[\"city\"],"                                   \
	"\"userPrincipalName\":\"ada@contoso.com\"}\n"

/* Both with a length, copied to their own places, so that a sanitizer sees a byte too many. */
static bool glance_at(struct span base, struct span live, struct glance *glance, char **copies)
{
	copies[0] = memory_copy(base.data, base.length);
	copies[1] = memory_copy(live.data, live.length);
	return lines_glance((struct span){ copies[0], base.length },
		(struct span){ copies[1], live.length }, glance);
}

static void copies_free(char **copies)
{
	memory_free(copies[0]);
	memory_free(copies[1]);
}

static bool glances(const char *base, const char *live, struct glance *glance)
{
	char *copies[2];
	bool fine = glance_at(span_of(base), span_of(live), glance, copies);

	copies_free(copies);
	return fine;
}

static void what_differs_is_told_with_name_and_mastery(void **state)
{
	char *copies[2];
	struct glance glance;

	(void)state;
	assert_true(glance_at(SPAN_LITERAL(USER("\"department\":\"Lab\",\"displayName\":\"Ada\",")),
		SPAN_LITERAL(USER("\"city\":\"Bonn\",\"displayName\":\"Ada, L\",")), &glance,
		copies));
	assert_int_equal(glance.count, 2); /* city is unknown */
	assert_string_equal(glance.at[0].attribute->name, "department");
	assert_true(span_is(glance.at[0].base, "\"Lab\""));
	assert_null(glance.at[0].live.data);
	assert_string_equal(glance.at[1].attribute->name, "displayName");
	assert_true(span_is(glance.at[1].live, "\"Ada, L\""));
	assert_true(span_is(glance.id, "00112233-4455-4677-8899-aabbccddeeff"));
	assert_true(span_is(glance.name, "ada@contoso.com"));
	assert_int_equal(glance.kind->id, KIND_USER);
	assert_int_equal(glance.mastery, MASTERY_SYNCED);
	copies_free(copies);
}

static void what_takes_more_than_a_glance_is_left(void **state)
{
	static const char plain[] = USER("");
	static const char *const others[] = {
		USER("\"businessPhones\":[\"1\"],"),                  /* a set */
		USER("\"deleted\":true,"),                            /* another story */
		USER("\"displayName\":7,"),                           /* no text */
		USER("\"displayName\":\"\xff\","),                    /* no UTF-8 */
		USER("\"nobody\":\"knows\","),                        /* no row */
		USER("\"city\":\"a\",\"ageGroup\":\"b\","),           /* not in order */
		USER("\"displayName\":\"a\",\"displayName\":\"b\","), /* twice */
		USER("\"displayName\":null,"),                        /* no line has it */
		USER("\"displayName\": \"a\","),                      /* nor blanks */
		"{}\n",
		"\n",
		"",
	};
	struct glance glance;

	(void)state;
	assert_true(glances(plain, plain, &glance));
	assert_int_equal(glance.count, 0);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (glances(plain, others[i], &glance))
			fail_msg("%s", others[i]);
		if (glances(others[i], plain, &glance))
			fail_msg("%s", others[i]);
	}
}

/* ---- any bytes --------------------------------------------------------------------------- */

static uint64_t next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

static void spoil(char *text, size_t *length, uint64_t *random)
{
	static const char bytes[] = "\"\\{}[],:a\n0t\x01\xc3";
	size_t at = next(random) % *length;

	switch (next(random) % 4) {
	case 0:
		*length = at + 1;
		break;
	case 1:
		memmove(text + at, text + at + 1, *length - at - 1);
		*length -= *length > 1;
		break;
	default:
		text[at] = bytes[next(random) % (sizeof(bytes) - 1)];
	}
}

static bool both_know(
	const struct object *base, const struct object *live, const struct attribute *attribute)
{
	return !object_unknown(base, attribute) && !object_unknown(live, attribute);
}

static void check_against_objects(
	const struct glance *glance, const struct object *base, const struct object *live)
{
	const struct kind *kind = object_kind(live);
	size_t found = 0;

	assert_ptr_equal(kind, glance->kind);
	assert_true(span_equal(object_id(live), glance->id));
	assert_true(span_equal(object_name(live), glance->name));
	assert_int_equal(object_mastery(live), glance->mastery);
	assert_false(object_deleted(base) || object_deleted(live));
	for (size_t i = 0; i < kind->attribute_count; i++) {
		const struct attribute *row = &kind->attributes[i];
		struct span was = object_get(base, row), is = object_get(live, row);

		if (!both_know(base, live, row) || attribute_equal(row, was, is))
			continue;
		assert_true(found < glance->count);
		assert_ptr_equal(glance->at[found].attribute, row);
		assert_true(span_equal(glance->at[found].base, was));
		assert_true(span_equal(glance->at[found].live, is));
		found++;
	}
	assert_int_equal(found, glance->count);
}

static void spoiled_bytes_are_read_as_an_object_or_left(void **state)
{
	static const char *const lines[] = { USER(""), USER("\"displayName\":\"Ada\","),
		USER("\"displayName\":\"A\\\\\\\"da\",\"jobTitle\":\"x\","),
		USER("\"city\":\"Bonn\",\"employeeOrgData\":{\"division\":\"d\"},") };
	uint64_t random = 4711;
	size_t told = 0, checked = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char texts[2][LINE_MAX_BYTES], *copies[2];
		size_t lengths[2];
		struct glance glance;

		for (int side = 0; side < 2; side++) {
			const char *line = lines[next(&random) % COUNT_OF(lines)];

			lengths[side] = strlen(line);
			memcpy(texts[side], line, lengths[side]);
			for (uint64_t i = next(&random) % 3; i > 0; i--)
				spoil(texts[side], &lengths[side], &random);
		}
		if (glance_at((struct span){ texts[0], lengths[0] },
			    (struct span){ texts[1], lengths[1] }, &glance, copies)) {
			struct error err = { 0 };
			CLEANUP(object_freep)
			struct object *base = object_parse(
				(struct span){ copies[0], lengths[0] }, &err);
			CLEANUP(object_freep)
			struct object *live = object_parse(
				(struct span){ copies[1], lengths[1] }, &err);

			told++;
			/* What is equal in both is not checked: there an object may be none. */
			if (base && live) {
				check_against_objects(&glance, base, live);
				checked++;
			}
		}
		copies_free(copies);
	}
	assert_true(checked > ROUNDS / 20);
	assert_true(told - checked < told / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_differs_is_told_with_name_and_mastery),
		cmocka_unit_test(what_takes_more_than_a_glance_is_left),
		cmocka_unit_test(spoiled_bytes_are_read_as_an_object_or_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
