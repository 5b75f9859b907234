/* What the tests of connector spaces share: files made from text, imports of them, and facts as lines. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "imports/imports.h"

#define TENANT  "11111111-2222-4333-8444-555555555555"
#define SAMPLE  TEST_DATA "/imports/staging.xml"
#define MARA    "7f3a1c52-8e0b-4d9e-b6a4-2c9f10d7e835"
#define GROUP   "0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0"
#define MARA_DN "CN={6E696F6350333162594579614867314C6279364D45513D3D}"

enum { TEXT_MAX = 16 << 20, WRITTEN_MS = 1000 };

/* One import, and all that it needs; filled by hand where a test wants more. */
struct trial {
	char folder[64], file[128], base[128];
	struct space_ids *ids;
	struct evidence *evidence;
	struct snapshot_writer *writer;
	struct snapshot *live;
	struct space_import import;
	struct space_report *report;
	struct error err;
};

static const struct writer sync02 = {
	.id = "0f7c9a54-6e11-4a39-8f1b-9a3f5f3b2c10",
	.name = "Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com",
	.server = "SYNC02",
};

static UNUSED void trial_init(struct trial *trial, enum space_role role)
{
	struct evidence_header header = { .tenant = TENANT, .collected_ms = 1 };

	*trial = (struct trial){ .folder = "/tmp/unstage-space-XXXXXX" };
	assert_non_null(mkdtemp(trial->folder));
	snprintf(trial->file, sizeof(trial->file), "%s/space.xml", trial->folder);
	snprintf(trial->base, sizeof(trial->base), "%s/base.jsonl.zst", trial->folder);
	trial->evidence = evidence_new(&header);
	trial->import = (struct space_import){
		.path = trial->file,
		.role = role,
		.evidence = trial->evidence,
		.who = &sync02,
		.written_ms = WRITTEN_MS,
		.incident_ms = TIME_NONE,
		.made_ms = TIME_NONE,
	};
}

static UNUSED void trial_release(struct trial *trial)
{
	space_report_free(trial->report);
	space_ids_free(trial->ids);
	snapshot_writer_close(trial->writer);
	snapshot_close(trial->live);
	evidence_free(trial->evidence);
	unlink(trial->file);
	unlink(trial->base);
	rmdir(trial->folder);
}

static UNUSED void trial_want_base(struct trial *trial)
{
	struct snapshot_header header = {
		.tenant = (char[]){ TENANT },
		.cloud = (char[]){ "global" },
		.source = (char[]){ "csexport" },
	};

	trial->writer = snapshot_writer_open(trial->base, &header, &trial->err);
	assert_non_null(trial->writer);
	trial->import.base = trial->writer;
}

static UNUSED bool trial_run(struct trial *trial)
{
	if (!trial->ids)
		trial->ids = space_ids_new(trial->live);
	trial->import.ids = trial->ids;
	space_report_free(trial->report);
	trial->report = space_import(&trial->import, &trial->err);
	return trial->report != NULL;
}

static UNUSED void trial_run_text(struct trial *trial, struct span text)
{
	assert_true(file_save(trial->file, text, &trial->err));
	if (!trial_run(trial))
		fail_msg("%s", trial->err.text);
}

/* The facts as they are saved, without what is the same in all: "when", "who". */
static UNUSED void trial_facts(struct trial *trial, struct buf *out)
{
	char path[160];
	struct buf file = BUF_UP_TO(TEXT_MAX);

	snprintf(path, sizeof(path), "%s/evidence.jsonl", trial->folder);
	assert_true(evidence_save(trial->evidence, path, &trial->err));
	assert_true(file_load(path, TEXT_MAX, &file, &trial->err));
	unlink(path);
	for (char *line = strtok(file.data, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, "\"operation\"")) {
			char *reference = strstr(line, ",\"reference\"");
			char *source = strstr(line, ",\"source\"");
			char *end = strstr(line, ",\"when\"");

			buf_add(out, line, (size_t)(reference - line));
			buf_add(out, source, (size_t)(end - source));
			buf_add_byte(out, '\n');
		}
	buf_release(&file);
}

static UNUSED void assert_facts(struct trial *trial, const char *wanted)
{
	CLEANUP(buf_release) struct buf facts = BUF_UP_TO(TEXT_MAX);

	trial_facts(trial, &facts);
	assert_string_equal(buf_text(&facts), wanted);
}

/* The lines of the base, after it was finished. */
static UNUSED bool add_lines(void *context, struct span lines, struct error *err)
{
	(void)err;
	buf_add_span(context, lines);
	return true;
}

static UNUSED void trial_lines(struct trial *trial, struct buf *lines)
{
	struct snapshot *snapshot;

	assert_true(snapshot_writer_finish(TAKE(trial->writer), 1000, &trial->err));
	snapshot = snapshot_open(trial->base, &trial->err);
	assert_non_null(snapshot);
	assert_true(snapshot_each(snapshot, add_lines, lines, &trial->err));
	snapshot_close(snapshot);
}

/* ---- objects from a few words ---------------------------------------------------------- */

#define SPACE_BEGIN "<?xml version=\"1.0\"?>\n<cs-objects>\n"
#define SPACE_END   "</cs-objects>\n"
#define STATE                                                                                      \
	"<connector>1</connector><ma-id>{B891884F-051E-4A83-95AF-2544101C9083}</ma-id>"            \
	"<ma-name>contoso.onmicrosoft.com - AAD</ma-name>"                                         \
	"<last-import-delta-time>2026-03-02 06:31:07.410</last-import-delta-time>"                 \
	"<last-export-delta-time>2026-03-02 06:58:44.093</last-export-delta-time>"
#define OBJECT(dn, type, content)                                                                  \
	"<cs-object cs-dn=\"" dn                                                                   \
	"\" id=\"{5B0E6C21-93AD-4E7F-8D15-2F60A7C4B9E8}\" object-type=\"" type "\">" content STATE \
	"</cs-object>\n"
#define HOLOGRAM(content)                                                                          \
	"<synchronized-hologram><entry dn=\"x\">" content "</entry></synchronized-hologram>"
#define DELTA(part, operation, content)                                                            \
	"<" part "><delta operation=\"" operation "\" dn=\"x\">" content "</delta></" part ">"
#define TEXT(name, value)                                                                          \
	"<attr name=\"" name "\" type=\"string\" multivalued=\"false\"><value>" value              \
	"</value></attr>"
#define WRITTEN(name, value)                                                                       \
	"<attr name=\"" name                                                                       \
	"\" operation=\"replace\" type=\"string\" multivalued=\"false\"><value>" value             \
	"</value></attr>"
#define ANCHOR(base64) "<anchor encoding=\"base64\">" base64 "</anchor>"
#define MARA_ANCHOR                                                                                \
	ANCHOR("VAAAAFUAcwBlAHIAXwA3AGYAMwBhADEAYwA1ADIALQA4AGUAMABiAC0ANABkADkAZQAtAGIANgBhADQAL" \
	       "QAyAGMAOQBmADEAMABkADcAZQA4ADMANQAAAA==")
#define GROUP_ANCHOR                                                                               \
	ANCHOR("VgAAAEcAcgBvAHUAcABfADAAYwA1AGQAZQA5AGIAMQAtADYAMwBmADQALQA0AGEAMgA3AC0AOQBkADEAO" \
	       "AAtAGUANAA3AGIAMAAyAGEANgBjADkAZgAwAAAA")
