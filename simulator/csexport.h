/*
 * One cs-object of a file of csexport (facts 3.2, 3.3, 3.4): layers of cells, and what changes
 * from one to the next.
 */
#pragma once

#include "simulator/cells.h"
#include "simulator/sheet.h"

struct cs_object {
	const char *dn, *id, *type; /* `id` in braces */
	const char *anchor;         /* base64; NULL: it has none yet */
	const char *const *classes; /* NULL-ended, the last is the primary one */
	bool joined;
	json_t *seen, *arrived, *sent, *wanted; /* cells, or NULL: not there */
	enum space_operation arrived_as, sent_as, wanted_as;
	bool escrowed; /* what was sent: the run died before the cloud's answer */
	const json_t *refusal;
	int64_t seen_ms, sent_ms;
	const char *connector_id, *connector_name, *partition_id, *partition_name;
	const char *metaverse_id;           /* in braces */
	const char *account, *domain, *upn; /* Active Directory's; NULL elsewhere */
};

/* How a reference is written: the DN and the anchor of an object. False: not in this space. */
struct cs_references {
	bool (*find)(void *context, const char *id, struct buf *dn, struct buf *anchor);
	void *context;
};

void csexport_begin(struct sheet *sheet);
void csexport_object(struct sheet *sheet, const struct cs_object *object,
	const struct cs_references *references);
void csexport_end(struct sheet *sheet);

/* The two connectors of a server; `pending_only` is csexport's /f:x. */
struct space_file {
	struct simulator *simulator;
	const char *server;
	const struct simulator_files *files;
	struct sheet *sheet;
	bool pending_only;
};
MUST_CHECK bool csexport_cloud(struct space_file *file, struct error *err);
MUST_CHECK bool csexport_directory(struct space_file *file, struct error *err);

/* The DN of an object in the connector to the cloud (facts 3.5). */
void csexport_cloud_dn(struct buf *out, const char *anchor);
/* <cd-error> of what the cloud refused. */
void csexport_refusal(struct buf *out, const json_t *refusal);
/* How much of the last export is escrowed, when it is to have died. */
MUST_CHECK bool csexport_escrowed(struct simulator *simulator, const char *server,
	struct space_counts *counts, struct error *err);

/* ---- names that all files of a server share ---------------------------------------------- */

#define CLOUD_CONNECTOR_ID     "{B891884F-051E-4A83-95AF-2544101C9083}" /* everywhere (facts 1.4) */
#define CLOUD_CONNECTOR_NAME   TENANT_INITIAL_DOMAIN " - AAD"
#define CLOUD_PARTITION_ID     "{2C25393A-36A8-495A-9F1A-7A9C03E6C1A1}"
#define CLOUD_PARTITION_NAME   "default"
#define DIRECTORY_NAME         TENANT_DOMAIN
#define DIRECTORY_NETBIOS      "CONTOSO"
#define DIRECTORY_CONNECTOR_ID "directory connector" /* purposes of fixed GUIDs, with the server */
#define DIRECTORY_PARTITION_ID "directory partition"

/* A GUID of the server's own, always the same for its purpose. */
char *server_guid(const struct simulator *simulator, const char *server, const char *purpose,
	char text[static BRACED_GUID_BYTES]);
