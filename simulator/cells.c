#include "simulator/cells.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/memory.h"
#include "simulator/sheet.h"

enum {
	SID_PARTS_MAX = 15,
	SID_HEAD_BYTES = 8,
	ACCOUNT_NORMAL = 0x200, /* userAccountControl */
	ACCOUNT_DISABLED = 0x202,
	GROUP_GLOBAL = 2, /* groupType */
};
#define GROUP_SECURITY  0x80000000U
#define EXTENSION_OUTER "onPremisesExtensionAttributes/"
#define PASSWORD_DATE   "20250117081503.0Z"

/* A property of the tenant, and how each connector calls it; NULL: it has no such attribute. */
static const struct cell_name {
	const char *property, *cloud, *directory, *type;
	bool multi, multi_in_directory;
} names[] = {
	{ "accountEnabled", "accountEnabled", NULL, CELL_BOOLEAN, false, false },
	{ SPACE_BLOCKED, SPACE_BLOCKED, NULL, CELL_BOOLEAN, false, false },
	{ "businessPhones", "telephoneNumber", "telephoneNumber", CELL_STRING, false, false },
	{ "city", "city", "l", CELL_STRING, false, false },
	{ "companyName", "company", "company", CELL_STRING, false, false },
	{ "department", "department", "department", CELL_STRING, false, false },
	{ "description", "description", "description", CELL_STRING, false, true },
	{ "displayName", "displayName", "displayName", CELL_STRING, false, false },
	{ "givenName", "givenName", "givenName", CELL_STRING, false, false },
	{ "jobTitle", "title", "title", CELL_STRING, false, false },
	{ "mail", "mail", "mail", CELL_STRING, false, false },
	{ "mailNickname", "alias", "mailNickname", CELL_STRING, false, false },
	{ "manager", "manager", "manager", CELL_REFERENCE, false, false },
	{ "members", "member", "member", CELL_REFERENCE, true, true },
	{ "mobilePhone", "mobile", "mobile", CELL_STRING, false, false },
	{ "officeLocation", "physicalDeliveryOfficeName", "physicalDeliveryOfficeName", CELL_STRING,
		false, false },
	{ "owners", "managedBy", "msExchCoManagedByLink", CELL_REFERENCE, true, true },
	{ "proxyAddresses", "proxyAddresses", "proxyAddresses", CELL_STRING, true, true },
	{ "securityEnabled", "securityEnabled", NULL, CELL_BOOLEAN, false, false },
	{ "surname", "surname", "sn", CELL_STRING, false, false },
	{ "userPrincipalName", "userPrincipalName", "userPrincipalName", CELL_STRING, false,
		false },
	{ STORY_EXTENSION, STORY_EXTENSION, "contosoCostCentre", CELL_STRING, false, false },
};

static bool holds_name(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

/* Of which types a group and a contact have properties, of those in the table. */
static bool type_has(const char *type, const char *property)
{
	static const char *const group[] = { "description", "displayName", "mail", "mailNickname",
		"members", "proxyAddresses", "securityEnabled" };
	static const char *const not_of_user[] = { "description", "members", "owners",
		"securityEnabled", SPACE_BLOCKED };
	static const char *const not_of_contact[] = { "accountEnabled", "userPrincipalName",
		STORY_EXTENSION };

	if (strcmp(type, "group") == 0)
		return holds_name(group, COUNT_OF(group), property);
	if (holds_name(not_of_user, COUNT_OF(not_of_user), property))
		return false;
	return strcmp(type, "contact") != 0 ||
		!holds_name(not_of_contact, COUNT_OF(not_of_contact), property);
}

const char *cells_name(size_t index, bool of_cloud, const char *type)
{
	if (index >= COUNT_OF(names))
		return NULL;
	if (type && !type_has(type, names[index].property))
		return "";
	if (of_cloud || !names[index].directory)
		return names[index].cloud;
	return names[index].directory;
}

static void put(json_t *cells, const char *name, const char *type, bool multi, json_t *values)
{
	json_object_set_new(cells, name,
		json_pack("{s:s, s:b, s:o}", "type", type, "multi", multi, "values", values));
}

static void put_text(json_t *cells, const char *name, const char *type, const char *text)
{
	if (text)
		put(cells, name, type, false, json_pack("[s]", text));
}

static void put_base64(json_t *cells, const char *name, const void *data, size_t length)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(1024);

	add_base64(&text, data, length);
	put_text(cells, name, CELL_BINARY, buf_text(&text));
}

/* ---- properties -------------------------------------------------------------------------------- */

static json_t *value_list(const json_t *value, bool multi)
{
	if (json_is_boolean(value))
		return json_pack("[s]", json_is_true(value) ? "true" : "false");
	if (!json_is_array(value))
		return json_pack("[O]", value);
	return multi ? json_copy((json_t *)value) : json_pack("[O]", json_array_get(value, 0));
}

static const struct cell_name *name_of(const char *property)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(names[i].property, property) == 0)
			return &names[i];
	}
	return NULL;
}

static void put_properties(json_t *cells, const json_t *state, bool of_cloud)
{
	const char *property;
	json_t *value;

	json_object_foreach((json_t *)state, property, value)
	{
		const struct cell_name *name = name_of(property);
		const char *called = !name ? NULL : of_cloud ? name->cloud : name->directory;
		bool multi = name && (of_cloud ? name->multi : name->multi_in_directory);

		if (called)
			put(cells, called, name->type, multi, value_list(value, multi));
		else if (strncmp(property, EXTENSION_OUTER, strlen(EXTENSION_OUTER)) == 0)
			put_text(cells, property + strlen(EXTENSION_OUTER), CELL_STRING,
				json_string_value(value));
	}
}

/* ---- what identifies ----------------------------------------------------------------------- */

/* The binary form: revision, count, authority big-endian, then parts little-endian. */
static void put_sid(json_t *cells, const char *name, const char *sid)
{
	uint8_t bytes[SID_HEAD_BYTES + 4 * SID_PARTS_MAX] = { 1 };
	size_t count = 0;
	char *at;

	if (!sid || strncmp(sid, "S-1-", 4) != 0)
		return;
	bytes[7] = (uint8_t)strtoul(sid + 4, &at, 10);
	while (*at == '-' && count < SID_PARTS_MAX) {
		unsigned long part = strtoul(at + 1, &at, 10);

		for (unsigned i = 0; i < 4; i++)
			bytes[SID_HEAD_BYTES + 4 * count + i] = (uint8_t)(part >> (8 * i));
		count++;
	}
	bytes[1] = (uint8_t)count;
	put_base64(cells, name, bytes, SID_HEAD_BYTES + 4 * count);
}

bool cells_object_guid(const char *anchor, uint8_t guid[static OBJECT_GUID_BYTES])
{
	size_t length;

	return sodium_base642bin(guid, OBJECT_GUID_BYTES, anchor, strlen(anchor), NULL, &length,
		       NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		length == OBJECT_GUID_BYTES;
}

static const char *const anchor_kinds[] = {
	[OBJECT_USER] = "User",
	[OBJECT_GROUP] = "Group",
	[OBJECT_CONTACT] = "Contact",
};

json_t *cells_of_cloud(const struct cell_facts *facts, const json_t *state)
{
	json_t *cells;

	if (!state)
		return NULL;
	cells = json_object();
	put_properties(cells, state, true);
	put_text(cells, "sourceAnchor", CELL_STRING, facts->anchor);
	put_text(cells, "cloudMastered", CELL_BOOLEAN, "false");
	put_text(cells, "commonName", CELL_STRING, json_text_or_null(state, "displayName"));
	put_sid(cells, "onPremiseSecurityIdentifier", facts->sid);
	if (facts->kind == OBJECT_USER && facts->sid)
		put_text(cells, "lastPasswordChangeTimestamp", CELL_STRING, PASSWORD_DATE);
	if (facts->cloud_id[0]) {
		CLEANUP(buf_release) struct buf text = BUF_UP_TO(128);

		buf_addf(&text, "%s_%s", anchor_kinds[facts->kind], facts->cloud_id);
		put_text(cells, "cloudAnchor", CELL_STRING, buf_text(&text));
	}
	return cells;
}

const char *cells_common_name(const json_t *state)
{
	const char *name = json_text_or_null(state, "mailNickname");

	return name ? name : json_text_or_null(state, "displayName");
}

/* RFC 4514: what has a meaning in a DN is escaped. */
void cells_add_dn(struct buf *out, const char *unit, const json_t *state)
{
	const char *name = cells_common_name(state);

	buf_add_text(out, "CN=");
	for (; name && *name; name++) {
		if (strchr(",\\#+<>;\"=", *name))
			buf_add_byte(out, '\\');
		buf_add_byte(out, *name);
	}
	buf_addf(out, ",OU=%s," DIRECTORY_PARTITION, unit);
}

static void put_number(json_t *cells, const char *name, unsigned number)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%x", number);
	put_text(cells, name, CELL_INTEGER, text);
}

json_t *cells_of_directory(const struct cell_facts *facts, const json_t *state)
{
	uint8_t guid[OBJECT_GUID_BYTES];
	json_t *cells = json_object();

	put_properties(cells, state, false);
	put_text(cells, "cn", CELL_STRING, cells_common_name(state));
	put_sid(cells, "objectSid", facts->sid);
	if (cells_object_guid(facts->anchor, guid)) {
		put_base64(cells, "objectGUID", guid, sizeof(guid));
		put_base64(cells, "mS-DS-ConsistencyGuid", guid, sizeof(guid));
	}
	if (facts->kind != OBJECT_CONTACT)
		put_text(cells, "sAMAccountName", CELL_STRING, cells_common_name(state));
	if (facts->kind == OBJECT_USER)
		put_number(cells, "userAccountControl",
			json_is_false(json_object_get(state, "accountEnabled")) ? ACCOUNT_DISABLED
										: ACCOUNT_NORMAL);
	if (facts->kind == OBJECT_GROUP)
		put_number(cells, "groupType",
			GROUP_GLOBAL |
				(json_is_true(json_object_get(state, "securityEnabled"))
						? GROUP_SECURITY
						: 0));
	return cells;
}

/* ---- names in order ------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *cells_names(const json_t *cells, const json_t *others)
{
	size_t count = 0, room = json_object_size(cells) + json_object_size(others);
	CLEANUP(memory_freep) const char **list = memory_array(room + 1, sizeof(*list));
	json_t *array = json_array(), *value;
	const char *name;

	json_object_foreach((json_t *)cells, name, value) list[count++] = name;
	json_object_foreach((json_t *)others, name, value)
	{
		if (!json_object_get(cells, name))
			list[count++] = name;
	}
	qsort(list, count, sizeof(*list), compare_names);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}
