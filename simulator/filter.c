/*
 * Whether an object matches. Texts compare without regard to case, as the directory does; only
 * the prefix of an address is compared exactly, since the documentation leaves it open and a
 * client must not rely on either (contract 2.6).
 */
#include "base/memory.h"
#include "base/time.h"
#include "simulator/filter_tree.h"

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	filter_free(filter->left);
	filter_free(filter->right);
	memory_free(filter->path);
	json_decref(filter->value);
	memory_free(filter);
}

bool filter_schema_field(const void *context, struct simulator *simulator, const char *path,
	const char **type, unsigned *capabilities)
{
	const struct schema *schema = context;
	size_t length = strcspn(path, "/");
	const struct property *property = schema_property(schema, path, length);

	*type = "Edm.String";
	*capabilities = F_EQ | ((F_EQ | F_NULL) << F_ADVANCED);
	if (!property)
		return !path[length] && tenant_has_extension(simulator, path);
	*capabilities = property->filter;
	if (!path[length]) {
		*type = property->type;
		return !property_is_collection(property);
	}
	if (strcmp(path + length, "/*") == 0)
		return strcmp(property->type, "Collection(Edm.String)") == 0;
	if (strcmp(path + length, "/*/category") == 0 ||
		strcmp(path + length, "/*/propertyCausingError") == 0)
		return strcmp(property->name, "onPremisesProvisioningErrors") == 0;
	*capabilities = (F_EQ | F_STARTS) << F_ADVANCED;
	for (const char *const *member = property_members(property); member && *member; member++)
		if (strcmp(path + length + 1, *member) == 0)
			return true;
	return false;
}

static struct span json_span(const json_t *text)
{
	return (struct span){ json_string_value(text), json_string_length(text) };
}

static bool same_text(struct span a, struct span b, bool address)
{
	const char *colon = address && a.length ? memchr(a.data, ':', a.length) : NULL;

	if (colon &&
		(b.length != a.length || memcmp(a.data, b.data, (size_t)(colon - a.data)) != 0))
		return false;
	return text_compare_caseless(a, b) == 0;
}

/* True when the two are the same, or ordered as the op wants. */
static bool compare_instants(enum filter_operator op, const json_t *value, const json_t *literal)
{
	int64_t a, b;

	if (!time_parse_ticks(json_span(value), &a) || !time_parse_ticks(json_span(literal), &b))
		return false;
	switch (op) {
	case FILTER_GE:
		return a >= b;
	case FILTER_LE:
		return a <= b;
	default:
		return a == b;
	}
}

static bool compare_texts(const struct filter *filter, const json_t *value, const json_t *literal)
{
	struct span a = json_span(value), b = json_span(literal);
	bool address = strncmp(filter->path, "proxyAddresses", strlen("proxyAddresses")) == 0;

	if (filter->op == FILTER_EQ || filter->op == FILTER_NE || filter->op == FILTER_IN)
		return same_text(a, b, address);
	if (a.length < b.length)
		return false;
	if (filter->op == FILTER_STARTS)
		return same_text((struct span){ a.data, b.length }, b, address);
	return same_text((struct span){ a.data + a.length - b.length, b.length }, b, false);
}

static bool compare(const struct filter *filter, const json_t *value, const json_t *literal)
{
	if (json_is_null(literal) || !value || json_is_null(value))
		return json_is_null(literal) && (!value || json_is_null(value));
	if (strcmp(filter->type, "Edm.DateTimeOffset") == 0)
		return compare_instants(filter->op, value, literal);
	if (json_is_string(value) && json_is_string(literal))
		return compare_texts(filter, value, literal);
	return json_equal(value, literal);
}

static bool leaf_matches(const struct filter *filter, const json_t *value)
{
	if (filter->op != FILTER_IN)
		return compare(filter, value, filter->value) == (filter->op != FILTER_NE);
	for (size_t i = 0; i < json_array_size(filter->value); i++)
		if (compare(filter, value, json_array_get(filter->value, i)))
			return true;
	return false;
}

/* Walks "a/STAR/b": any element of a collection will do. */
static bool path_matches(const struct filter *filter, const json_t *value, const char *path)
{
	size_t length = strcspn(path, "/");
	const char *rest = path + length + (path[length] == '/');
	CLEANUP(memory_freep) char *name = memory_text_span(path, length);

	if (!path[0])
		return leaf_matches(filter, value);
	if (strcmp(name, "*") != 0)
		return path_matches(filter, json_object_get(value, name), rest);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (path_matches(filter, json_array_get(value, i), rest))
			return true;
	return false;
}

bool filter_matches(const struct filter *filter, const json_t *object)
{
	if (!filter)
		return true;
	switch (filter->op) {
	case FILTER_AND:
		return filter_matches(filter->left, object) &&
			filter_matches(filter->right, object);
	case FILTER_OR:
		return filter_matches(filter->left, object) ||
			filter_matches(filter->right, object);
	case FILTER_NOT:
		return !filter_matches(filter->left, object);
	default:
		return path_matches(filter, object, filter->path);
	}
}
