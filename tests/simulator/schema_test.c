/* The property tables against Microsoft's own CSDL: same names, types and nullability. */
#include "tests/simulator/tenant_fixture.h"

#include "base/file.h"
#include "simulator/endpoint.h"
#include "tests/shared.h"

enum { CSDL_MAX = 4 << 20 };

/* The text between <EntityType Name="NAME" and its end; a copy. */
static char *entity_of(const char *csdl, const char *name)
{
	char opening[64];
	const char *from, *until;

	snprintf(opening, sizeof(opening), "<EntityType Name=\"%s\"", name);
	from = strstr(csdl, opening);
	assert_non_null(from);
	until = strstr(from, "</EntityType>");
	assert_non_null(until);
	return memory_text_span(from, (size_t)(until - from));
}

/* The <Property …> element of this name, up to its '>'; NULL when there is none. */
static char *property_of(const char *entity, const char *name)
{
	char opening[96];
	const char *from;

	snprintf(opening, sizeof(opening), "<Property Name=\"%s\"", name);
	from = strstr(entity, opening);
	return from ? memory_text_span(from, strcspn(from, ">")) : NULL;
}

static void assert_as_documented(const struct schema *schema, const struct property *property,
	const char *entities[static 3])
{
	CLEANUP(memory_freep) char *element = NULL;
	char type[128];

	for (size_t i = 0; i < 3 && !element; i++)
		element = property_of(entities[i], property->name);
	if (!element)
		fail_msg("%s.%s is not in the CSDL", schema->type, property->name);
	snprintf(type, sizeof(type), "Type=\"%s\"", property->type);
	if (!strstr(element, type))
		fail_msg("%s.%s: %s, but %s>", schema->type, property->name, type, element);
	if ((strstr(element, "Nullable=\"false\"") != NULL) !=
		((property->flags & P_NEVER_NULL) != 0))
		fail_msg("%s.%s: nullability differs: %s>", schema->type, property->name, element);
}

static void every_property_is_microsofts(void **state UNUSED)
{
	CLEANUP(buf_release) struct buf csdl = BUF_UP_TO(CSDL_MAX);
	struct error err = { 0 };
	static const char path[] = TEST_SHARED "/graph/v1.0-directory.csdl.xml";

	if (!file_load(path, CSDL_MAX, &csdl, &err)) {
		print_message("skipped: Microsoft's CSDL is not here: %s\n", err.text);
		skip();
	}
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		const struct schema *schema = schema_of((enum object_kind)kind);
		CLEANUP(memory_freep)
		char *own = entity_of(buf_text(&csdl), strrchr(schema->type, '.') + 1);
		CLEANUP(memory_freep) char *base = entity_of(buf_text(&csdl), "directoryObject");
		CLEANUP(memory_freep) char *root = entity_of(buf_text(&csdl), "entity");
		const char *entities[] = { own, base, root };

		for (size_t i = 0; i < schema->property_count; i++)
			assert_as_documented(schema, &schema->properties[i], entities);
	}
}

static void no_property_stands_twice(void **state UNUSED)
{
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		const struct schema *schema = schema_of((enum object_kind)kind);

		for (size_t i = 0; i < schema->property_count; i++) {
			const char *name = schema->properties[i].name;

			assert_ptr_equal(schema_property(schema, name, strlen(name)),
				&schema->properties[i]);
		}
	}
}

static void nothing_of_a_contact_can_be_written(void **state UNUSED)
{
	const struct schema *schema = schema_of(OBJECT_CONTACT);

	for (size_t i = 0; i < schema->property_count; i++)
		assert_false(schema->properties[i].flags & P_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_property_is_microsofts),
		cmocka_unit_test(no_property_stands_twice),
		cmocka_unit_test(nothing_of_a_contact_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
