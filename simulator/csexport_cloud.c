/* csexport of the connector to the cloud: each object in all of its layers. */
#include "base/memory.h"
#include "simulator/csexport.h"

enum { DN_MAX = 256, ANCHOR_MAX = 512, ESCROW_MS = 1000 };

static const char *const cloud_classes[][2] = {
	[OBJECT_USER] = { "user", NULL },
	[OBJECT_GROUP] = { "group", NULL },
	[OBJECT_CONTACT] = { "contact", NULL },
};

static const char *const anchor_prefixes[] = {
	[OBJECT_USER] = "User_",
	[OBJECT_GROUP] = "Group_",
	[OBJECT_CONTACT] = "Contact_",
};

/* CN={hexadecimal digits of the source anchor's text} (facts 3.5). */
void csexport_cloud_dn(struct buf *out, const char *anchor)
{
	buf_add_text(out, "CN={");
	for (; *anchor; anchor++)
		buf_addf(out, "%02X", (unsigned)(unsigned char)*anchor);
	buf_add_byte(out, '}');
}

/* "User_<id>" in UTF-16LE with its NUL, behind a count of bytes, in base64 (facts 3.5). */
static void add_anchor(struct buf *out, enum object_kind kind, const char *id)
{
	uint8_t bytes[ANCHOR_MAX] = { 0 };
	char text[ANCHOR_MAX / 4];
	size_t length = 4;

	snprintf(text, sizeof(text), "%s%s", anchor_prefixes[kind], id);
	for (size_t i = 0; i <= strlen(text); i++, length += 2)
		bytes[length] = (uint8_t)text[i];
	bytes[0] = (uint8_t)(length - 4);
	add_base64(out, bytes, length);
}

static bool find_reference(void *context, const char *id, struct buf *dn, struct buf *anchor)
{
	struct space_file *file = context;
	char source[SPACE_ANCHOR_BYTES];
	enum object_kind kind;

	if (!space_anchor(file->simulator, file->server, id, source, &kind))
		return false;
	csexport_cloud_dn(dn, source);
	add_anchor(anchor, kind, id);
	return true;
}

struct cloud_walk {
	struct space_file *file;
	int64_t escrowed_after_ms;
};

static bool visit(void *context, const struct space_object *object, struct error *err)
{
	struct cloud_walk *walk = context;
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
	CLEANUP(json_freep) json_t *seen = cells_of_cloud(&facts, object->seen);
	CLEANUP(json_freep) json_t *arrived = cells_of_cloud(&facts, object->arrived);
	CLEANUP(json_freep) json_t *sent = cells_of_cloud(&facts, object->sent);
	CLEANUP(json_freep) json_t *wanted = cells_of_cloud(&facts, object->wanted);
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(DN_MAX), anchor = BUF_UP_TO(ANCHOR_MAX);
	char id[BRACED_GUID_BYTES], metaverse[BRACED_GUID_BYTES];
	struct cs_object shown = {
		.type = object_kind_name(object->kind),
		.classes = cloud_classes[object->kind],
		.joined = object->joined,
		.seen = seen,
		.arrived = arrived,
		.sent = sent,
		.wanted = wanted,
		.arrived_as = object->arrived_as,
		.sent_as = object->sent_as,
		.wanted_as = object->wanted_as,
		.escrowed = object->sent_ms > walk->escrowed_after_ms,
		.refusal = object->refusal,
		.seen_ms = object->seen_ms,
		.sent_ms = object->sent_ms,
		.connector_id = CLOUD_CONNECTOR_ID,
		.connector_name = CLOUD_CONNECTOR_NAME,
		.partition_id = CLOUD_PARTITION_ID,
		.partition_name = CLOUD_PARTITION_NAME,
	};

	if (file->pending_only && !object->wanted_as)
		return true;
	csexport_cloud_dn(&dn, object->anchor);
	shown.dn = buf_text(&dn);
	if (object->cloud_id[0]) {
		add_anchor(&anchor, object->kind, object->cloud_id);
		shown.anchor = buf_text(&anchor);
	}
	shown.id = server_guid(file->simulator, file->server, shown.dn, id);
	shown.metaverse_id = server_guid(file->simulator, file->server, object->anchor, metaverse);
	csexport_object(file->sheet, &shown,
		&(struct cs_references){ .find = find_reference, .context = file });
	return sheet_pass(file->sheet, err);
}

struct escrow_walk {
	int64_t after_ms;
	struct space_counts *counts;
};

static bool count_escrowed(void *context, const struct space_object *object, struct error *err)
{
	struct escrow_walk *walk = context;

	(void)err;
	if (object->sent_as && object->sent_ms > walk->after_ms)
		space_count(walk->counts, object->sent_as);
	return true;
}

bool csexport_escrowed(struct simulator *simulator, const char *server, struct space_counts *counts,
	struct error *err)
{
	struct escrow_walk walk = {
		.after_ms = space_last_sent_ms(simulator, server) - ESCROW_MS,
		.counts = counts,
	};

	return space_each(simulator, server, count_escrowed, &walk, err);
}

bool csexport_cloud(struct space_file *file, struct error *err)
{
	struct cloud_walk walk = { .file = file, .escrowed_after_ms = INT64_MAX };

	if (file->files->died_midway)
		walk.escrowed_after_ms = space_last_sent_ms(file->simulator, file->server) -
			ESCROW_MS;
	csexport_begin(file->sheet);
	if (!space_each(file->simulator, file->server, visit, &walk, err))
		return false;
	csexport_end(file->sheet);
	return true;
}
