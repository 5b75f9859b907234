/*
 * Whether a value may be written to a property at all: it exists, it is not read-only, it has the
 * right type and length (contract 2.2, 2.3, 5.1, 5.2). What the object itself forbids is in
 * patch.c.
 */
#include "base/time.h"
#include "simulator/patch.h"

static size_t characters(const json_t *text)
{
	struct span span = { json_string_value(text), json_string_length(text) };
	size_t at = 0, count = 0;
	uint32_t scalar;

	while (at < span.length) {
		text_scalar(span, &at, &scalar);
		count++;
	}
	return count;
}

/* Null is one thing, the empty text another: the directory takes neither for the other. */
static bool text_fits(const struct property *property, const json_t *value)
{
	return json_is_string(value) && json_string_length(value) > 0 &&
		(!property->length_max || characters(value) <= property->length_max);
}

static bool texts_fit(const struct property *property, const json_t *value)
{
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!text_fits(property, json_array_get(value, i)))
			return false;
	return true;
}

static bool members_fit(const struct property *property, const json_t *value)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value))
		return false;
	json_object_foreach((json_t *)value, name, member)
	{
		const char *const *known = property_members(property);

		while (*known && strcmp(*known, name) != 0)
			known++;
		if (!*known || (!json_is_null(member) && !text_fits(property, member)))
			return false;
	}
	return true;
}

static bool is_instant(const json_t *value)
{
	int64_t ms;

	return json_is_string(value) &&
		time_parse(
			(struct span){ json_string_value(value), json_string_length(value) }, &ms);
}

static bool type_fits(const struct property *property, const json_t *value)
{
	if (json_is_null(value))
		return !(property->flags & (P_KEEP | P_NEVER_NULL));
	if (strcmp(property->type, "Edm.String") == 0)
		return text_fits(property, value);
	if (strcmp(property->type, "Edm.Boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(property->type, "Edm.DateTimeOffset") == 0)
		return is_instant(value);
	if (strcmp(property->type, "Collection(Edm.String)") == 0)
		return texts_fit(property, value);
	return property_members(property) && members_fit(property, value);
}

static bool two_letters(const json_t *value)
{
	const char *text = json_string_value(value);

	return strlen(text) == 2 && text_lower(text[0]) >= 'a' && text_lower(text[0]) <= 'z' &&
		text_lower(text[1]) >= 'a' && text_lower(text[1]) <= 'z';
}

static bool is_in_domain(const char *text, const char *domain)
{
	const char *at = strchr(text, '@');

	return at && at > text && strcasecmp(at + 1, domain) == 0;
}

static bool is_sign_in_name(const json_t *value)
{
	const char *text = json_string_value(value);

	return is_in_domain(text, TENANT_DOMAIN) || is_in_domain(text, TENANT_INITIAL_DOMAIN);
}

static bool is_mail(const json_t *value)
{
	const char *text = json_string_value(value);
	const char *at = strchr(text, '@');

	return at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " ,;<>");
}

static bool is_anchor(const json_t *value)
{
	return json_is_null(value) || !strpbrk(json_string_value(value), "$_");
}

static bool at_most_one(const json_t *value)
{
	return json_array_size(value) <= 1;
}

static bool at_most_250(const json_t *value)
{
	return json_array_size(value) <= 250;
}

static bool is_visibility(const json_t *value)
{
	const char *text = json_string_value(value);

	return strcasecmp(text, "Public") == 0 || strcasecmp(text, "Private") == 0;
}

static bool is_processing_state(const json_t *value)
{
	const char *text = json_string_value(value);

	return !text || strcmp(text, "On") == 0 || strcmp(text, "Paused") == 0;
}

/* What the type does not say. */
static const struct {
	enum object_kind kind;
	const char *property;
	bool (*fits)(const json_t *value);
} rules[] = {
	{ OBJECT_USER, "usageLocation", two_letters },
	{ OBJECT_USER, "userPrincipalName", is_sign_in_name },
	{ OBJECT_USER, "mail", is_mail },
	{ OBJECT_USER, "onPremisesImmutableId", is_anchor },
	{ OBJECT_USER, "businessPhones", at_most_one },
	{ OBJECT_USER, "otherMails", at_most_250 },
	{ OBJECT_GROUP, "visibility", is_visibility },
	{ OBJECT_GROUP, "membershipRuleProcessingState", is_processing_state },
};

static bool rules_fit(const struct schema *schema, const char *name, const json_t *value)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++)
		if (rules[i].kind == schema->kind && strcmp(rules[i].property, name) == 0 &&
			!rules[i].fits(value))
			return false;
	return true;
}

bool patch_value_fits(struct exchange *exchange, const struct schema *schema, const char *name,
	const json_t *value)
{
	const struct property *property = schema_property(schema, name, strlen(name));

	if (!property && tenant_has_extension(exchange->simulator, name))
		return true;
	if (!property)
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Property '%s' does not exist as a declared property or extension property.",
			name);
	if (!(property->flags & P_WRITE))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Property '%s' is read-only and cannot be set.", name);
	if (property->flags & P_RESERVED)
		return !exchange_refuse_denied(exchange);
	if (!type_fits(property, value) || !rules_fit(schema, name, value))
		return !exchange_refuse(exchange, 400, "Request_BadRequest",
			"Invalid value specified for property '%s' of resource '%s'.", name,
			schema->resource);
	return true;
}
