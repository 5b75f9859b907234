/*
 * Active Directory, where the staging server wrote into it itself. What stands there is production's
 * picture (space.h) but for these rows, which production takes over when it imports the next time;
 * an administrator with an LDIF file can be faster.
 */
#include "base/file.h"
#include "base/memory.h"
#include "simulator/handed.h"
#include "simulator/ldif.h"
#include "simulator/story_sql.h"

/* `now` NULL: production's picture is what stands there. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS on_premises ("
	" cloud_id TEXT, property TEXT, sent TEXT, now TEXT, PRIMARY KEY (cloud_id, property))"
	" WITHOUT ROWID;";

bool on_premises_prepare(struct simulator *simulator, struct error *err)
{
	return story_run(simulator, err, schema, "");
}

static bool write_row(struct simulator *simulator, const char *id, const char *property,
	const json_t *value, struct error *err)
{
	return story_run(simulator, err,
		"INSERT INTO on_premises (cloud_id, property, now) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (cloud_id, property) DO UPDATE SET now = ?3",
		"ttj", id, property, value);
}

/* ---- the staging server ------------------------------------------------------------------------ */

/* Its rules have one picture of a person, for the cloud and for Active Directory. */
static bool send(
	struct simulator *simulator, const char *id, const char *property, struct error *err)
{
	CLEANUP(json_freep) json_t *wanted = connector_wanted(simulator, SERVER_STAGING, id);
	const json_t *value = json_object_get(wanted, property);

	return write_row(simulator, id, property, value, err) &&
		story_run(simulator, err,
			"UPDATE on_premises SET sent = now WHERE cloud_id = ?1 AND property = ?2",
			"tt", id, property);
}

static bool send_third(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	return send(simulator, id, story_move(index)->property, err);
}

static bool send_addresses(
	struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return send(simulator, id, "proxyAddresses", err);
}

static bool send_name(struct simulator *simulator, const char *id, size_t index, struct error *err)
{
	(void)index;
	return send(simulator, id, "userPrincipalName", err);
}

static const struct cast_change sent_rows[] = {
	{ CAST_PERSON, PEOPLE_THIRD, 4, send_third },
	{ CAST_PERSON, PEOPLE_ALIAS, PEOPLE_ALIAS_COUNT, send_addresses },
	{ CAST_PERSON, PEOPLE_SUFFIX, 2, send_name },
};

json_t *on_premises_sent(struct simulator *simulator, const char *id)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	json_t *sent = json_object();
	struct error err = { 0 };

	if (story_prepare(simulator, &row, &err,
		    "SELECT property, sent FROM on_premises WHERE cloud_id = ?1 AND sent NOTNULL",
		    "t", id))
		while (story_row(simulator, row, &err))
			json_object_set_new(sent, story_text(row, 0),
				json_from_span(span_of(story_text(row, 1))));
	return sent;
}

/* ---- production ---------------------------------------------------------------------------------- */

static json_t *rows_to_take_over(struct simulator *simulator, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	json_t *rows = json_array();

	if (story_prepare(simulator, &row, err,
		    "SELECT cloud_id, property, now FROM on_premises WHERE now NOTNULL", ""))
		while (story_row(simulator, row, err))
			json_array_append_new(rows,
				json_pack("[s, s, o]", story_text(row, 0), story_text(row, 1),
					json_from_span(span_of(story_text(row, 2)))));
	return rows;
}

bool on_premises_take_over(struct simulator *simulator, struct error *err)
{
	CLEANUP(json_freep) json_t *rows = rows_to_take_over(simulator, err);
	size_t index;
	json_t *row;

	if (err->kind != ERROR_NONE)
		return false;
	json_array_foreach(rows, index, row)
	{
		if (!connector_set(simulator, SERVER_PRODUCTION,
			    json_string_value(json_array_get(row, 0)),
			    json_string_value(json_array_get(row, 1)), json_array_get(row, 2), err))
			return false;
	}
	return story_run(simulator, err, "UPDATE on_premises SET now = NULL", "");
}

bool on_premises_corrected(
	struct simulator *simulator, const char *id, const char *property, struct error *err)
{
	return story_run(simulator, err,
		"UPDATE on_premises SET now = NULL WHERE cloud_id = ?1 AND property = ?2", "tt", id,
		property);
}

/* ---- an administrator: ldapmodify ------------------------------------------------------------------ */

/* As the schema of Active Directory calls them, and Graph. */
static const struct ldap_name {
	const char *ldap, *property;
} ldap_names[] = {
	{ "c", "country" },
	{ "co", "country" },
	{ "company", "companyName" },
	{ "department", "department" },
	{ "displayName", "displayName" },
	{ "employeeID", "employeeId" },
	{ "facsimileTelephoneNumber", "faxNumber" },
	{ "givenName", "givenName" },
	{ "l", "city" },
	{ "mail", "mail" },
	{ "mailNickname", "mailNickname" },
	{ "mobile", "mobilePhone" },
	{ "msExchUsageLocation", "usageLocation" },
	{ "physicalDeliveryOfficeName", "officeLocation" },
	{ "postalCode", "postalCode" },
	{ "preferredLanguage", "preferredLanguage" },
	{ "proxyAddresses", "proxyAddresses" },
	{ "sn", "surname" },
	{ "st", "state" },
	{ "streetAddress", "streetAddress" },
	{ "telephoneNumber", "businessPhones" },
	{ "title", "jobTitle" },
	{ "userPrincipalName", "userPrincipalName" },
};

static bool property_named(const char *ldap, struct buf *property)
{
	static const char extension[] = "extensionAttribute";

	if (strncasecmp(ldap, extension, sizeof(extension) - 1) == 0) {
		buf_addf(property, "onPremisesExtensionAttributes/%s%s", extension,
			ldap + sizeof(extension) - 1);
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(ldap_names); i++) {
		if (strcasecmp(ldap_names[i].ldap, ldap) == 0) {
			buf_add_text(property, ldap_names[i].property);
			return true;
		}
	}
	return false;
}

static bool is_many(const char *property)
{
	return strcmp(property, "proxyAddresses") == 0 || strcmp(property, "businessPhones") == 0;
}

/* What stands in Active Directory: a new list, as LDAP has values. */
static json_t *values_now(
	struct simulator *simulator, const char *id, const char *property, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(json_freep) json_t *wanted = NULL;
	CLEANUP(json_freep) json_t *value = NULL;

	if (!story_prepare(simulator, &row, err,
		    "SELECT now FROM on_premises WHERE cloud_id = ?1 AND property = ?2 AND now NOTNULL",
		    "tt", id, property))
		return NULL;
	if (story_row(simulator, row, err)) {
		value = story_json(row, 0);
	} else {
		wanted = connector_wanted(simulator, SERVER_PRODUCTION, id);
		value = json_incref(json_object_get(wanted, property));
	}
	if (json_is_array(value))
		return json_deep_copy(value);
	return json_is_string(value) ? json_pack("[O]", value) : json_array();
}

/* LDAP compares these without case, "smtp:" and "SMTP:" too. */
static size_t place_of(const json_t *values, const char *text)
{
	size_t index;
	json_t *value;

	json_array_foreach((json_t *)values, index, value)
	{
		if (strcasecmp(json_string_value(value), text) == 0)
			break;
	}
	return index;
}

static bool change_values(json_t *values, const json_t *change, struct error *err)
{
	const char *operation = json_string_value(json_object_get(change, "operation"));
	const json_t *named = json_object_get(change, "values");
	bool deletes = strcmp(operation, "delete") == 0;
	size_t index;
	json_t *value;

	if (strcmp(operation, "replace") == 0 || (deletes && !json_array_size(named)))
		json_array_clear(values);
	json_array_foreach((json_t *)named, index, value)
	{
		size_t place = place_of(values, json_string_value(value));
		bool there = place < json_array_size(values);

		if (there != deletes)
			return error_set(err, ERROR_STALE,
				deletes ? "LDAP 16, noSuchAttribute"
					: "LDAP 20, attributeOrValueExists");
		if (deletes)
			json_array_remove(values, place);
		else
			json_array_append(values, value);
	}
	return true;
}

/* The values of each property after the record's changes; false: none of it is to be written. */
static bool change_record(struct simulator *simulator, const char *id, const json_t *record,
	json_t *after, struct error *err)
{
	size_t index;
	json_t *change, *values;
	const char *property;

	json_array_foreach(json_object_get(record, "changes"), index, change)
	{
		CLEANUP(buf_release) struct buf name = BUF_UP_TO(256);

		if (!property_named(json_string_value(json_object_get(change, "name")), &name))
			return error_set(err, ERROR_REFUSED, "LDAP 17, undefinedAttributeType");
		if (!json_object_get(after, buf_text(&name)))
			json_object_set_new(after, buf_text(&name),
				values_now(simulator, id, buf_text(&name), err));
		if (!change_values(json_object_get(after, buf_text(&name)), change, err))
			return false;
	}
	json_object_foreach(after, property, values)
	{
		if (json_array_size(values) > 1 && strcmp(property, "proxyAddresses") != 0)
			return error_set(err, ERROR_REFUSED, "LDAP 19, constraintViolation");
	}
	return true;
}

static bool write_record(
	struct simulator *simulator, const char *id, const json_t *after, struct error *err)
{
	const char *property;
	json_t *values;

	json_object_foreach((json_t *)after, property, values)
	{
		json_t *value = is_many(property) ? values : json_array_get(values, 0);

		if (!write_row(simulator, id, property, value, err))
			return false;
	}
	return true;
}

/* Where everybody stands: {"CN=…": "id"}. */
static json_t *places(struct simulator *simulator, struct error *err)
{
	CLEANUP(statement_finalize) sqlite3_stmt *row = NULL;
	json_t *places = json_object();

	if (story_prepare(simulator, &row, err,
		    "SELECT json_extract(json, '$.onPremisesDistinguishedName') AS dn, id"
		    " FROM objects WHERE dn NOTNULL",
		    ""))
		while (story_row(simulator, row, err))
			json_object_set_new(
				places, story_text(row, 0), json_string(story_text(row, 1)));
	return places;
}

static enum handed_end modify(
	struct simulator *simulator, const json_t *places, const json_t *record, struct error *err)
{
	CLEANUP(json_freep) json_t *after = json_object();
	const char *dn = json_string_value(json_object_get(record, "dn"));
	const char *id = json_string_value(json_object_get(places, dn));

	if (!id) {
		error_set(err, ERROR_STALE, "LDAP 32, noSuchObject");
		return HANDED_FAILED;
	}
	if (change_record(simulator, id, record, after, err))
		return write_record(simulator, id, after, err) ? HANDED_CHANGED : HANDED_FAILED;
	return err->kind == ERROR_STALE ? HANDED_STALE : HANDED_FAILED;
}

static bool modify_all(struct simulator *simulator, const json_t *records,
	struct simulator_played *played, struct error *err)
{
	CLEANUP(json_freep) json_t *known = places(simulator, err);
	size_t index;
	json_t *record;

	if (err->kind != ERROR_NONE)
		return false;
	json_array_foreach((json_t *)records, index, record)
	{
		struct error why = { 0 };
		enum handed_end end = modify(simulator, known, record, &why);

		if (why.kind == ERROR_SYSTEM) {
			*err = why;
			return false;
		}
		handed_count(played, end, &why);
	}
	return true;
}

/* ---- in one transaction -------------------------------------------------------------------------- */

bool simulator_play_ldif(struct simulator *simulator, const char *path,
	struct simulator_played *played, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(HANDED_MAX);
	CLEANUP(json_freep) json_t *records = NULL;
	bool done;

	*played = (struct simulator_played){ 0 };
	if (!file_load(path, HANDED_MAX, &text, err))
		return false;
	records = ldif_read(buf_span(&text), path, err);
	if (!records)
		return false;
	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && modify_all(simulator, records, played, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_play_directory_export(struct simulator *simulator, struct error *err)
{
	bool done;

	simulator_lock(simulator);
	done = simulator_begin(simulator, err) &&
		story_change_cast(simulator, sent_rows, COUNT_OF(sent_rows), err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}
