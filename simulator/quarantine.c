/*
 * Duplicate attribute resiliency (facts 4.1): an address that somebody else holds is left out and
 * noted on the object, a taken sign-in name is replaced, and an hourly task tests again.
 */
#include "simulator/story.h"

bool quarantine_is_free(struct simulator *simulator, const char *address, const char *id)
{
	char holder[GUID_TEXT_BYTES];
	enum object_state state;

	return !tenant_find_address(simulator, address, id, holder, &state) || state != OBJECT_LIVE;
}

bool quarantine_has(struct simulator *simulator, const char *id, const char *value)
{
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, NULL);
	size_t index;
	json_t *entry;

	json_array_foreach(json_object_get(object, "onPremisesProvisioningErrors"), index, entry)
	{
		const char *noted = json_text_or_null(entry, "value");

		if (noted && strcmp(noted, value) == 0)
			return true;
	}
	return false;
}

bool quarantine_note(struct simulator *simulator, const struct actor *actor, const char *id,
	const char *property, const char *value, struct error *err)
{
	CLEANUP(json_freep) json_t *object = NULL;
	CLEANUP(json_freep) json_t *errors = NULL;
	json_t *now;
	char when[TIME_TEXT_BYTES];

	if (quarantine_has(simulator, id, value))
		return true;
	object = tenant_get(simulator, id, NULL, NULL);
	now = json_object_get(object, "onPremisesProvisioningErrors");
	errors = json_is_array(now) ? json_deep_copy(now) : json_array();
	json_array_append_new(errors,
		json_pack("{s:s, s:s, s:s, s:s}", "category", "PropertyConflict",
			"occurredDateTime", time_text(simulator_now_ms(simulator), when),
			"propertyCausingError", property, "value", value));
	return tenant_set(simulator, actor, id, "onPremisesProvisioningErrors", errors, err);
}

/* "SMTP:a" and "smtp:a" are the same address. */
static bool same_address(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool is_written(const json_t *value, const char *noted)
{
	size_t index;
	json_t *element;

	if (json_is_string(value))
		return same_address(json_string_value(value), noted);
	json_array_foreach((json_t *)value, index, element)
	{
		if (json_is_string(element) && same_address(json_string_value(element), noted))
			return true;
	}
	return false;
}

bool quarantine_end(struct simulator *simulator, const struct actor *actor, const char *id,
	const json_t *written, struct error *err)
{
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, NULL);
	json_t *errors = json_object_get(object, "onPremisesProvisioningErrors"), *entry;
	CLEANUP(json_freep) json_t *left = json_array();
	size_t index;

	json_array_foreach(errors, index, entry)
	{
		const char *noted = json_text_or_null(entry, "value");

		if (!noted || !is_written(written, noted))
			json_array_append(left, entry);
	}
	return json_array_size(left) == json_array_size(errors) ||
		tenant_set(simulator, actor, id, "onPremisesProvisioningErrors", left, err);
}

/* The addresses that may be written; the others are noted on the object. */
json_t *quarantine_without_taken(struct simulator *simulator, const struct actor *actor,
	const char *id, const json_t *wanted, struct error *err)
{
	json_t *left = json_array();
	size_t index;
	json_t *element;

	json_array_foreach(wanted, index, element)
	{
		const char *address = json_string_value(element);

		if (quarantine_is_free(simulator, address, id)) {
			json_array_append(left, element);
		} else if (id[0] &&
			!quarantine_note(simulator, actor, id, "ProxyAddress", address, err)) {
			json_decref(left);
			return NULL;
		}
	}
	return left;
}

/* {prefix}+{4 digits}@{initial domain}: what stands where a sign-in name is taken (contract 5.3). */
json_t *quarantine_replacement_upn(struct simulator *simulator, const char *upn)
{
	size_t prefix = strcspn(upn, "@");

	return json_sprintf("%.*s+%04u@" TENANT_INITIAL_DOMAIN, (int)prefix, upn,
		(unsigned)simulator_random_below(simulator, 10000));
}

/* ---- the hourly task ---------------------------------------------------------------------- */

/* One quarantined address that is free now: applied, and its entry gone. */
static bool heal_address(struct simulator *simulator, const char *id, const char *value,
	bool *healed, struct error *err)
{
	struct actor service = story_service();
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, NULL);
	CLEANUP(json_freep) json_t *addresses = NULL;

	*healed = quarantine_is_free(simulator, value, id);
	if (!*healed)
		return true;
	addresses = json_deep_copy(json_object_get(object, "proxyAddresses"));
	if (!addresses)
		addresses = json_array();
	json_array_append_new(addresses, json_string(value));
	return tenant_set(simulator, &service, id, "proxyAddresses", addresses, err);
}

static bool heal_object(struct simulator *simulator, const char *id, struct error *err)
{
	struct actor service = story_service();
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, NULL);
	json_t *errors = json_object_get(object, "onPremisesProvisioningErrors"), *entry;
	CLEANUP(json_freep) json_t *left = json_array();
	size_t index;

	if (!json_is_array(errors))
		return true;
	json_array_foreach(errors, index, entry)
	{
		const char *property = json_text_or_null(entry, "propertyCausingError");
		const char *value = json_text_or_null(entry, "value");
		bool healed = false;

		if (property && value && strcmp(property, "ProxyAddress") == 0 &&
			!heal_address(simulator, id, value, &healed, err))
			return false;
		if (!healed)
			json_array_append(left, entry);
	}
	return tenant_set(simulator, &service, id, "onPremisesProvisioningErrors", left, err);
}

bool story_heal_quarantine(struct simulator *simulator, struct error *err)
{
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		CLEANUP(id_list_release) struct id_list list = { 0 };

		if (!tenant_list(simulator, (enum object_kind)kind, OBJECT_LIVE, &list, err))
			return false;
		for (size_t i = 0; i < list.count; i++) {
			if (!heal_object(simulator, list.ids[i], err))
				return false;
		}
	}
	return true;
}
