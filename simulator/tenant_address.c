/*
 * Who holds which address. proxyAddresses and userPrincipalName share one namespace over users,
 * groups and contacts: two live objects never hold the same value, whatever its case and
 * whether it is primary or secondary (contract 5.3). What lies in deleted items keeps its rows,
 * so that a search finds it, but does not stop a sync server from giving the address away: that
 * is how a restore comes into conflict (contract 2.10).
 */
#include <stdio.h>

#include "simulator/store.h"

enum { ADDRESS_MAX = 4096 };

void address_key(struct buf *out, const char *address)
{
	const char *rest = strncasecmp(address, "smtp:", 5) == 0 ? address + 5 : address;

	for (; *rest; rest++)
		buf_add_byte(out, text_lower(*rest));
}

bool tenant_find_address(struct simulator *simulator, const char *address, const char *except,
	char holder[static GUID_TEXT_BYTES], enum object_state *state)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(ADDRESS_MAX);
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_ADDRESS_FIND);
	bool found;

	address_key(&key, address);
	store_bind_text(statement, 1, buf_text(&key));
	store_bind_text(statement, 2, except);
	found = sqlite3_step(statement) == SQLITE_ROW;
	if (found) {
		snprintf(holder, GUID_TEXT_BYTES, "%s", store_text(statement, 0));
		if (state)
			*state = (enum object_state)sqlite3_column_int(statement, 1);
	}
	sqlite3_reset(statement);
	return found;
}

bool tenant_find_upn(struct simulator *simulator, const char *upn, char id[static GUID_TEXT_BYTES])
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(ADDRESS_MAX);
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_UPN_FIND);
	bool found;

	address_key(&key, upn);
	store_bind_text(statement, 1, buf_text(&key));
	found = sqlite3_step(statement) == SQLITE_ROW;
	if (found)
		snprintf(id, GUID_TEXT_BYTES, "%s", store_text(statement, 0));
	sqlite3_reset(statement);
	return found;
}

static bool insert(struct simulator *simulator, const char *id, const char *address,
	const char *source, struct error *err)
{
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(ADDRESS_MAX);
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_ADDRESS_INSERT);

	address_key(&key, address);
	store_bind_text(statement, 1, buf_text(&key));
	store_bind_text(statement, 2, id);
	store_bind_text(statement, 3, source);
	return store_run(simulator, statement, "index an address", err);
}

bool addresses_update(struct simulator *simulator, const struct object_row *row, struct error *err)
{
	const json_t *addresses = json_object_get(row->json, "proxyAddresses");
	const char *upn = json_text_or_null(row->json, "userPrincipalName");
	sqlite3_stmt *statement = store_statement(simulator, STATEMENT_ADDRESS_CLEAR);

	store_bind_text(statement, 1, row->id);
	if (!store_run(simulator, statement, "index addresses", err))
		return false;
	if (row->state == OBJECT_GONE)
		return true;
	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *address = json_string_value(json_array_get(addresses, i));

		if (address && !insert(simulator, row->id, address, "proxy", err))
			return false;
	}
	return !upn || insert(simulator, row->id, upn, "upn", err);
}

static bool one_free(struct simulator *simulator, const struct object_row *row, const char *address,
	struct error *err)
{
	char holder[GUID_TEXT_BYTES];
	enum object_state state;

	if (!address || !tenant_find_address(simulator, address, row->id, holder, &state) ||
		state != OBJECT_LIVE)
		return true;
	return error_set(err, ERROR_REFUSED, "simulator: %s is held by %s", address, holder);
}

bool addresses_free(struct simulator *simulator, const struct object_row *row, struct error *err)
{
	const json_t *addresses = json_object_get(row->json, "proxyAddresses");

	for (size_t i = 0; i < json_array_size(addresses); i++)
		if (!one_free(simulator, row, json_string_value(json_array_get(addresses, i)), err))
			return false;
	return one_free(simulator, row, json_text_or_null(row->json, "userPrincipalName"), err);
}
