/*
 * The kinds table against Microsoft's own description of Graph: every row is a property or a
 * navigation there, of the type, the shape and the nullability that the row says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/file.h"
#include "directory/directory_internal.h"
#include "tests/shared.h"

#define CSDL       TEST_SHARED "/graph/v1.0-directory.csdl.xml"
#define FILE_LIMIT (64 << 20)

/* Microsoft's types are named as the kinds are, and kept in a schema with this alias. */
#define ALIAS "graph."

/* What a line of ours calls a value, and what Microsoft does. */
static const char *const primitive_types[] = {
	[TYPE_TEXT] = "Edm.String",
	[TYPE_BOOLEAN] = "Edm.Boolean",
	[TYPE_INSTANT] = "Edm.DateTimeOffset",
	[TYPE_COMPLEX] = NULL, /* one of the schema's own */
	[TYPE_REFERENCE] = ALIAS "directoryObject",
};

/* The text from `opening` to `ending`; absent when there is none. */
static struct span element(struct span text, const char *opening, const char *ending)
{
	const char *begin = memmem(text.data, text.length, opening, strlen(opening));
	size_t left = begin ? text.length - (size_t)(begin - text.data) : 0;
	const char *end = begin ? memmem(begin, left, ending, strlen(ending)) : NULL;

	return end ? (struct span){ begin, (size_t)(end - begin) } : SPAN_NONE;
}

/* The text of an EntityType or ComplexType, without the types around it; absent: none. */
static struct span type_of(struct span csdl, const char *sort, struct span name)
{
	char opening[200], ending[40];

	snprintf(opening, sizeof(opening), "<%s Name=\"%.*s\"", sort, SPAN_FORMAT(name));
	snprintf(ending, sizeof(ending), "</%s>", sort);
	return element(csdl, opening, ending);
}

/* The opening tag of a Property or NavigationProperty; absent: none. */
static struct span member_of(struct span type, const char *sort, struct span name)
{
	char opening[200];

	snprintf(opening, sizeof(opening), "<%s Name=\"%.*s\"", sort, SPAN_FORMAT(name));
	return element(type, opening, ">");
}

/* The value of the member's Type, without Collection(). */
static struct span type_name(struct span member, bool *collection)
{
	static const char type[] = "Type=\"", many[] = "Collection(";
	const char *at = memmem(member.data, member.length, type, sizeof(type) - 1);

	assert_non_null(at);
	at += sizeof(type) - 1;
	*collection = strncmp(at, many, sizeof(many) - 1) == 0;
	if (*collection)
		at += sizeof(many) - 1;
	return (struct span){ at, strcspn(at, *collection ? ")" : "\"") };
}

static bool never_null(struct span member)
{
	static const char text[] = "Nullable=\"false\"";

	return memmem(member.data, member.length, text, sizeof(text) - 1) != NULL;
}

static struct span outer_of(const struct attribute *row)
{
	return (struct span){ row->name, row->outer_length ? row->outer_length : row->name_length };
}

static struct span inner_of(const struct attribute *row)
{
	return (struct span){ row->name + row->outer_length + 1,
		row->name_length - row->outer_length - 1 };
}

/* A schema's own type by its name in a Type="…". */
static struct span own_type(struct span csdl, const char *sort, struct span name)
{
	if (name.length <= strlen(ALIAS) || strncmp(name.data, ALIAS, strlen(ALIAS)) != 0)
		return SPAN_NONE;
	return type_of(csdl, sort,
		(struct span){ name.data + strlen(ALIAS), name.length - strlen(ALIAS) });
}

/* Where Microsoft describes the row's value; absent: nowhere. */
static struct span member_of_row(
	struct span csdl, const struct kind *kind, const struct attribute *row)
{
	struct span type = type_of(csdl, "EntityType", span_of(strrchr(kind->type, '.') + 1));
	struct span base = type_of(csdl, "EntityType", span_of("directoryObject"));
	bool relation = row->source == SOURCE_EXPAND || row->source == SOURCE_RELATION;
	struct span member;
	bool collection;

	assert_non_null(type.data);
	assert_non_null(base.data);
	if (row->source == SOURCE_BEHAVIOR) {
		/* A navigation of the object, and a property of what stands there. */
		member = member_of(type, "NavigationProperty", span_of("onPremisesSyncBehavior"));
		if (!member.data)
			return SPAN_NONE;
		type = own_type(csdl, "EntityType", type_name(member, &collection));
		return type.data ? member_of(type, "Property", outer_of(row)) : SPAN_NONE;
	}
	member = member_of(type, relation ? "NavigationProperty" : "Property", outer_of(row));
	if (!member.data)
		member = member_of(base, "Property", outer_of(row));
	if (!member.data || !row->outer_length)
		return member;
	type = own_type(csdl, "ComplexType", type_name(member, &collection));
	return type.data && !collection ? member_of(type, "Property", inner_of(row)) : SPAN_NONE;
}

static void assert_as_microsoft_says(
	struct span csdl, const struct kind *kind, const struct attribute *row)
{
	struct span member = member_of_row(csdl, kind, row);
	const char *primitive = primitive_types[row->type];
	struct span type;
	bool collection;

	if (!member.data)
		fail_msg("Microsoft's %s has no %s", kind->type, row->name);
	type = type_name(member, &collection);
	if (collection != (row->shape != SHAPE_ONE))
		fail_msg("%s.%s: one or many? %.*s", kind->name, row->name, SPAN_FORMAT(member));
	if (primitive ? !span_equal(type, span_of(primitive))
		      : !own_type(csdl, "ComplexType", type).data)
		fail_msg("%s.%s: %.*s", kind->name, row->name, SPAN_FORMAT(member));
	/* Of a collection, it is the elements that are never null. */
	if (!collection && row->clearable && never_null(member))
		fail_msg("%s.%s can be cleared? %.*s", kind->name, row->name, SPAN_FORMAT(member));
}

static void every_row_is_what_microsoft_says(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(FILE_LIMIT);
	struct error err = { 0 };
	size_t rows = 0;

	(void)state;
	if (!file_load(CSDL, FILE_LIMIT, &text, &err)) {
		print_message("skipped: Microsoft's CSDL is not here: %s\n", err.text);
		skip();
	}
	for (int id = 0; id < KIND_COUNT; id++) {
		const struct kind *kind = kind_get((enum kind_id)id);

		for (size_t i = 0; i < kind->attribute_count; i++, rows++)
			assert_as_microsoft_says(buf_span(&text), kind, &kind->attributes[i]);
	}
	assert_true(rows > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_what_microsoft_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
