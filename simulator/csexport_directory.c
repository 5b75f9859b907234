/* csexport of the connector to Active Directory: what the server last imported from there. */
#include "base/memory.h"
#include "simulator/csexport.h"

enum {
	DN_MAX = 1024,
	ANCHOR_MAX = 64,
	WRITTEN_COUNT = 5, /* people in whom the hybrid feature writes, when it is told to */
};

static const char *const user_classes[] = { "top", "person", "organizationalPerson", "user", NULL };
static const char *const group_classes[] = { "top", "group", NULL };
static const char *const contact_classes[] = { "top", "person", "organizationalPerson", "contact",
	NULL };
static const char *const *const directory_classes[] = {
	[OBJECT_USER] = user_classes,
	[OBJECT_GROUP] = group_classes,
	[OBJECT_CONTACT] = contact_classes,
};

static const char *const units[] = {
	[OBJECT_USER] = "People",
	[OBJECT_GROUP] = "Groups",
	[OBJECT_CONTACT] = "Contacts",
};

static void add_dn(struct buf *out, enum object_kind kind, const json_t *state, bool test_account)
{
	cells_add_dn(out, test_account ? "Test" : units[kind], state);
}

static void add_anchor(struct buf *out, const char *anchor)
{
	uint8_t guid[OBJECT_GUID_BYTES];

	if (cells_object_guid(anchor, guid))
		add_base64(out, guid, sizeof(guid));
}

static bool find_reference(void *context, const char *id, struct buf *dn, struct buf *anchor)
{
	struct space_file *file = context;
	char source[SPACE_ANCHOR_BYTES];
	enum object_kind kind;
	CLEANUP(json_freep) json_t *state = NULL;

	if (!space_anchor(file->simulator, SERVER_PRODUCTION, id, source, &kind))
		return false;
	state = connector_wanted(file->simulator, SERVER_PRODUCTION, id);
	add_dn(dn, kind, state, false);
	add_anchor(anchor, source);
	return true;
}

struct directory_walk {
	struct space_file *file;
	char connector[BRACED_GUID_BYTES], partition[BRACED_GUID_BYTES];
	unsigned to_write;
	int64_t written_ms;
};

/* What Exchange hybrid writes back into AD: the cloud's address as an x500 alias (facts 7.3). */
static json_t *written_back(const struct directory_object *object, const json_t *cells)
{
	json_t *written = json_deep_copy(cells);
	json_t *addresses = json_object_get(json_object_get(written, "proxyAddresses"), "values");

	json_array_append_new(addresses,
		json_sprintf("x500:/o=ExchangeLabs/ou=Exchange Administrative Group "
			     "(FYDIBOHF23SPDLT)/cn=Recipients/cn=%s",
			object->cloud_id));
	return written;
}

static bool is_staging(const struct space_file *file)
{
	return strcmp(file->server, SERVER_STAGING) == 0;
}

/* What its edited rules wrote there; NULL: nothing. */
static json_t *sent_by_rules(const struct space_file *file, const struct directory_object *object,
	const struct cell_facts *facts)
{
	CLEANUP(json_freep) json_t *sent = on_premises_sent(file->simulator, object->cloud_id);
	CLEANUP(json_freep) json_t *state = NULL;

	if (!json_object_size(sent))
		return NULL;
	state = json_copy(object->seen);
	json_object_update(state, sent);
	return cells_of_directory(facts, state);
}

static bool visit(void *context, const struct directory_object *object, struct error *err)
{
	struct directory_walk *walk = context;
	struct space_file *file = walk->file;
	CLEANUP(json_freep)
	json_t *known = object->cloud_id[0]
		? tenant_get(file->simulator, object->cloud_id, NULL, NULL)
		: NULL;
	const struct cell_facts facts = {
		.kind = object->kind,
		.anchor = object->anchor,
		.cloud_id = object->cloud_id,
		.sid = json_text_or_null(known, "onPremisesSecurityIdentifier"),
	};
	CLEANUP(json_freep) json_t *cells = cells_of_directory(&facts, object->seen);
	CLEANUP(json_freep) json_t *written = NULL;
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(DN_MAX), anchor = BUF_UP_TO(ANCHOR_MAX);
	char id[BRACED_GUID_BYTES], metaverse[BRACED_GUID_BYTES];
	struct cs_object shown = {
		.type = object_kind_name(object->kind),
		.classes = directory_classes[object->kind],
		.joined = true,
		.seen = cells,
		.connector_id = walk->connector,
		.connector_name = DIRECTORY_NAME,
		.partition_id = walk->partition,
		.partition_name = DIRECTORY_PARTITION,
		.account = cells_common_name(object->seen),
		.domain = DIRECTORY_NETBIOS,
		.upn = json_text_or_null(object->seen, "userPrincipalName"),
	};

	if (is_staging(file) && object->cloud_id[0])
		written = sent_by_rules(file, object, &facts);
	if (!written && walk->to_write && object->kind == OBJECT_USER) {
		walk->to_write--;
		written = written_back(object, cells);
	}
	if (written) {
		shown.sent = written;
		shown.sent_as = SPACE_UPDATE;
		shown.sent_ms = walk->written_ms;
	}
	add_dn(&dn, object->kind, object->seen, object->only_of_staging);
	add_anchor(&anchor, object->anchor);
	shown.dn = buf_text(&dn);
	shown.anchor = anchor.length ? buf_text(&anchor) : NULL;
	shown.id = server_guid(file->simulator, file->server, shown.dn, id);
	shown.metaverse_id = server_guid(file->simulator, file->server, object->anchor, metaverse);
	csexport_object(file->sheet, &shown,
		&(struct cs_references){ .find = find_reference, .context = file });
	return sheet_pass(file->sheet, err);
}

bool csexport_directory(struct space_file *file, struct error *err)
{
	struct directory_walk walk = { .file = file };

	server_guid(file->simulator, file->server, DIRECTORY_CONNECTOR_ID, walk.connector);
	server_guid(file->simulator, file->server, DIRECTORY_PARTITION_ID, walk.partition);
	walk.written_ms = space_last_sent_ms(file->simulator, file->server);
	if (file->files->directory_written && is_staging(file))
		walk.to_write = WRITTEN_COUNT;
	csexport_begin(file->sheet);
	if (!space_each_in_directory(file->simulator, file->server, visit, &walk, err))
		return false;
	csexport_end(file->sheet);
	return true;
}
