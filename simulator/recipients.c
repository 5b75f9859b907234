/*
 * An administrator in Exchange Online PowerShell with our script: what its cmdlets do to a
 * recipient (facts 7.1). The mail address follows the primary one.
 */
#include "base/memory.h"
#include "simulator/handed.h"

static bool is_smtp(const char *address)
{
	return strncasecmp(address, "smtp:", 5) == 0;
}

static bool is_primary(const char *address)
{
	return strncmp(address, "SMTP:", 5) == 0;
}

static bool same_address(const char *a, const char *b)
{
	return is_primary(a) == is_primary(b) && strcasecmp(a, b) == 0;
}

static bool holds(const json_t *addresses, const char *wanted)
{
	size_t index;
	json_t *address;

	json_array_foreach((json_t *)addresses, index, address)
	{
		if (same_address(json_string_value(address), wanted))
			return true;
	}
	return false;
}

/* All of `wanted` is there, and no other SMTP address. */
static bool is_set(const json_t *now, const json_t *wanted)
{
	size_t index;
	json_t *address;

	json_array_foreach((json_t *)wanted, index, address)
	{
		if (!holds(now, json_string_value(address)))
			return false;
	}
	json_array_foreach((json_t *)now, index, address)
	{
		const char *text = json_string_value(address);

		if (is_smtp(text) && !holds(wanted, text))
			return false;
	}
	return true;
}

/* ---- the cmdlets --------------------------------------------------------------------------------- */

/* -EmailAddresses: one primary address, and mail is it. */
static bool set_email_addresses(
	struct simulator *simulator, const char *id, const json_t *addresses, struct error *err)
{
	struct actor person = story_help_desk();
	CLEANUP(json_freep) json_t *mail = NULL;
	size_t index, primaries = 0;
	json_t *address;

	person.door = "exchange";
	json_array_foreach((json_t *)addresses, index, address)
	{
		if (!is_primary(json_string_value(address)))
			continue;
		primaries++;
		json_decref(mail);
		mail = json_string(json_string_value(address) + 5);
	}
	if (primaries != 1)
		return error_set(err, ERROR_REFUSED,
			"Exchange: there must be exactly one primary SMTP address");
	return tenant_set(simulator, &person, id, "proxyAddresses", addresses, err) &&
		tenant_set(simulator, &person, id, "mail", mail, err);
}

/* What a parameter writes, as Graph shows it. */
static bool property_of(const char *parameter, struct buf *property)
{
	static const struct {
		const char *parameter, *property;
	} rows[] = { { "Alias", "mailNickname" }, { "Company", "companyName" },
		{ "Department", "department" }, { "DisplayName", "displayName" },
		{ "FirstName", "givenName" }, { "LastName", "surname" }, { "Title", "jobTitle" } };

	if (strncmp(parameter, "CustomAttribute", 15) == 0) {
		buf_addf(property, "onPremisesExtensionAttributes/extensionAttribute%s",
			parameter + 15);
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].parameter, parameter) == 0) {
			buf_add_text(property, rows[i].property);
			return true;
		}
	}
	return false;
}

/* ---- one item ----------------------------------------------------------------------------------- */

static enum handed_end stale(const json_t *item, struct error *err)
{
	error_set(err, ERROR_STALE, "%s of %s is not what the plan saw",
		handed_text(item, "attribute"), handed_text(item, "id"));
	return HANDED_STALE;
}

/* The step that goes on from a parked value is done: then this one is, too. */
static bool is_passed(const struct handed *handed, const json_t *item, const json_t *now)
{
	json_int_t until = json_integer_value(json_object_get(item, "until"));
	size_t index;
	json_t *other;

	json_array_foreach(handed->items, index, other)
	{
		CLEANUP(json_freep) json_t *to = handed_texts(other, "to");

		if (until && json_integer_value(json_object_get(other, "number")) == until)
			return is_set(now, to);
	}
	return false;
}

static enum handed_end play_addresses(struct simulator *simulator, const struct handed *handed,
	const json_t *item, const json_t *object, struct error *err)
{
	CLEANUP(json_freep) json_t *from = handed_texts(item, "from");
	CLEANUP(json_freep) json_t *to = handed_texts(item, "to");
	CLEANUP(json_freep) json_t *remove = handed_texts(item, "remove");
	CLEANUP(json_freep) json_t *after = handed_texts(item, "add");
	const json_t *now = json_object_get(object, "proxyAddresses");
	size_t index;
	json_t *address;

	if (is_set(now, to) || is_passed(handed, item, now))
		return HANDED_ALREADY;
	if (!is_set(now, from))
		return stale(item, err);
	json_array_foreach((json_t *)now, index, address)
	{
		if (!holds(remove, json_string_value(address)))
			json_array_append(after, address);
	}
	return set_email_addresses(simulator, handed_text(item, "id"), after, err) ? HANDED_CHANGED
										   : HANDED_FAILED;
}

static enum handed_end play_mail(const json_t *item, const json_t *object, struct error *err)
{
	CLEANUP(json_freep) json_t *to = handed_texts(item, "to");
	const char *mail = json_text_or_null(object, "mail");
	const char *wanted = json_string_value(json_array_get(to, 0));

	return mail && wanted && strcasecmp(mail, wanted) == 0 ? HANDED_ALREADY : stale(item, err);
}

static enum handed_end play_member(
	struct simulator *simulator, const json_t *item, struct error *err)
{
	struct actor person = story_help_desk();
	const char *id = handed_text(item, "id"), *target = handed_text(item, "target");
	bool wanted = json_array_size(json_object_get(item, "to")) > 0;
	bool there = tenant_has_reference(simulator, id, RELATION_MEMBERS, target);
	bool done;

	person.door = "exchange";
	if (there == wanted)
		return HANDED_ALREADY;
	done = wanted
		? tenant_add_reference(simulator, &person, id, RELATION_MEMBERS, target, err)
		: tenant_remove_reference(simulator, &person, id, RELATION_MEMBERS, target, err);
	return done ? HANDED_CHANGED : HANDED_FAILED;
}

static bool is_text(const json_t *value, const json_t *wanted)
{
	const json_t *text = json_array_get(wanted, 0);

	return text ? json_is_string(value) && json_equal((json_t *)value, (json_t *)text) == 1
		    : !value || json_is_null(value);
}

static enum handed_end play_text(struct simulator *simulator, const struct handed *handed,
	const json_t *item, const json_t *object, struct error *err)
{
	CLEANUP(json_freep) json_t *from = handed_texts(item, "from");
	CLEANUP(json_freep) json_t *to = handed_texts(item, "to");
	CLEANUP(buf_release) struct buf parameter = BUF_UP_TO(256), property = BUF_UP_TO(256);
	struct actor person = story_help_desk();
	const char *attribute = handed_text(item, "attribute");
	const json_t *now;
	json_t *value;

	person.door = "exchange";
	if ((!handed_row(handed, "parameters", attribute, &parameter) &&
		    !handed_row(handed, "ofContacts", attribute, &parameter)) ||
		!property_of(buf_text(&parameter), &property)) {
		error_set(err, ERROR_REFUSED, "Exchange: no cmdlet takes %s", attribute);
		return HANDED_FAILED;
	}
	now = story_property(object, buf_text(&property));
	if (is_text(now, to))
		return HANDED_ALREADY;
	if (!is_text(now, from))
		return stale(item, err);
	value = json_array_get(to, 0);
	return tenant_set(simulator, &person, handed_text(item, "id"), buf_text(&property),
		       value ? value : json_null(), err)
		? HANDED_CHANGED
		: HANDED_FAILED;
}

/* Get-Recipient, and whether anybody but the sync server may write it. */
static json_t *writable_recipient(struct simulator *simulator, const char *id, struct error *err)
{
	enum object_state state = OBJECT_GONE;
	CLEANUP(json_freep) json_t *object = tenant_get(simulator, id, NULL, &state);

	if (!object || state != OBJECT_LIVE || !json_object_get(object, "mail")) {
		error_set(err, ERROR_REFUSED, "Exchange: the object '%s' couldn't be found", id);
		return NULL;
	}
	if (json_is_true(json_object_get(object, "onPremisesSyncEnabled")) &&
		!json_is_true(json_object_get(object, "isCloudManaged"))) {
		error_set(err, ERROR_REFUSED,
			"Exchange: '%s' is out of the current user's write scope, because it is "
			"being synchronized from your on-premises organization",
			id);
		return NULL;
	}
	return TAKE(object);
}

static enum handed_end play_item(struct simulator *simulator, const struct handed *handed,
	const json_t *item, struct error *err)
{
	const char *id = handed_text(item, "id"), *attribute = handed_text(item, "attribute");
	CLEANUP(json_freep) json_t *object = NULL;

	if (!id || !attribute) {
		error_set(err, ERROR_FORMAT, "an item without an id or an attribute");
		return HANDED_FAILED;
	}
	object = writable_recipient(simulator, id, err);
	if (!object)
		return HANDED_FAILED;
	if (strcmp(attribute, "proxyAddresses") == 0)
		return play_addresses(simulator, handed, item, object, err);
	if (strcmp(attribute, "mail") == 0)
		return play_mail(item, object, err);
	if (strcmp(attribute, "members") == 0)
		return play_member(simulator, item, err);
	return play_text(simulator, handed, item, object, err);
}

bool simulator_play_exchange(struct simulator *simulator, const char *script_path,
	struct simulator_played *played, struct error *err)
{
	return handed_play(simulator, script_path, play_item, played, err);
}
