/*
 * Importing a connector space: one pass over the file, and a second one for those objects that could not
 * be understood before the whole file was known (a reference without anchor to an object that comes
 * later). Which file it is shows only at its end: one made with /f:x has nothing but pending exports,
 * one made with /o: no state.
 */
#include "imports/imports.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "imports/digest.h"
#include "imports/space_internal.h"

static const struct {
	bool cloud; /* the space of the connector to Entra ID */
	bool all;   /* attributes that the kinds table lacks matter */
	space_take_function *take;
	enum fact_source source;
} roles[SPACE_ROLES] = {
	[SPACE_PRODUCTION] = { true, false, space_take_production, FROM_PRODUCTION_SPACE },
	[SPACE_STAGING] = { true, false, space_take_staging, FROM_STAGING_SPACE },
	[SPACE_DIRECTORY] = { false, true, space_take_directory, FROM_DIRECTORY_SPACE },
};

static void space_release(struct space *space)
{
	space_report_free(space->report);
	space_base_free(space->base);
	space_shown_free(space->shown);
	memory_free(space->waiting);
	digest_free(space->digest);
	if (space->descriptor >= 0)
		close(space->descriptor);
}

/* ---- one object --------------------------------------------------------------------- */

static bool is_there(const struct space_object *object, enum space_part_id part)
{
	return object->parts[part].present && object->parts[part].read;
}

static bool has_delta(const struct space_object *object)
{
	return is_there(object, UNCONFIRMED_EXPORT) || is_there(object, ESCROWED_EXPORT) ||
		is_there(object, UNAPPLIED_EXPORT);
}

static bool check_connector(
	struct space *space, const struct space_object *object, struct error *err)
{
	bool wanted = roles[space->import->role].cloud;
	struct span name = space_text(object, object->connector);

	if (!object->has_connector || object->is_cloud == wanted)
		return true;
	return error_set(err, ERROR_FORMAT,
		wanted ? "this is the space of connector \"%.*s\", which is not the one to Entra ID "
			 "(\"… - AAD\"); an Active Directory connector's space has role ad"
		       : "this is the space of connector \"%.*s\", which is the one to Entra ID; its "
			 "role is production or staging",
		SPAN_FORMAT(name));
}

static void later(int64_t *latest, int64_t ms)
{
	if (ms > *latest)
		*latest = ms;
}

static bool is_deletion(const struct space_object *object)
{
	enum space_operation operation = object->parts[UNAPPLIED_EXPORT].operation;

	return is_there(object, UNAPPLIED_EXPORT) &&
		(operation == OPERATION_DELETE || operation == OPERATION_DELETE_ADD);
}

static void count_object(struct space *space, const struct space_object *object)
{
	struct space_report *report = space->report;
	struct span name = space_text(object, object->connector);

	report->objects++;
	if (object->kind)
		report->by_kind[object->kind->id]++;
	report->exported += is_there(object, UNCONFIRMED_EXPORT);
	report->escrowed += is_there(object, ESCROWED_EXPORT);
	report->pending += is_there(object, UNAPPLIED_EXPORT);
	space->with_state += object->has_state;
	report->pending_deletes += is_deletion(object);
	later(&report->imported_ms, object->imported_ms);
	later(&space->latest_ms, object->imported_ms);
	later(&space->latest_ms, object->exported_ms);
	if (name.length && !report->connector[0])
		(void)snprintf(report->connector, sizeof(report->connector), "%.*s",
			TEXT_UP_TO(sizeof(report->connector) - 1, name.data));
}

static void wait_for_more(struct space *space, const struct space_object *object)
{
	MEMORY_GROW(space->waiting, space->waiting_count, space->waiting_capacity);
	space->waiting[space->waiting_count++] = object->number;
}

static bool take(struct space *space, struct space_object *object, struct error *err)
{
	bool complete = true;
	bool cloud = roles[space->import->role].cloud;

	if (!cloud)
		return (!has_delta(object) || space_resolve_directory(space, object, err)) &&
			roles[space->import->role].take(space, object, err);
	if (!object->kind) {
		space_note(space, SPACE_OTHER_TYPE, object, span_of(object->type));
		return true;
	}
	space_learn(space, object);
	if (space->import->role == SPACE_STAGING && !has_delta(object))
		return true;
	if (!space_resolve(space, object, &complete, err))
		return false;
	if (!complete && !space->last_pass) {
		wait_for_more(space, object);
		return true;
	}
	return !object->has_id || roles[space->import->role].take(space, object, err);
}

static bool first_pass(void *context, struct space_object *object, struct error *err)
{
	struct space *space = context;

	if (!check_connector(space, object, err))
		return false;
	count_object(space, object);
	return take(space, object, err);
}

static bool second_pass(void *context, struct space_object *object, struct error *err)
{
	struct space *space = context;

	if (space->waiting_next == space->waiting_count)
		return false;
	if (object->number != space->waiting[space->waiting_next])
		return true;
	space->waiting_next++;
	return take(space, object, err);
}

/* ---- the file ----------------------------------------------------------------------- */

static bool file_open(struct space *space, struct error *err)
{
	const char *path = space->import->path, *slash = strrchr(path, '/');

	space->file = slash ? slash + 1 : path;
	space->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (space->descriptor < 0)
		return error_errno(err, "%s: can't open", path);
	space->last_pass = lseek(space->descriptor, 0, SEEK_CUR) < 0;
	(void)posix_fadvise(space->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
	return true;
}

static bool read_file(struct space *space, space_object_function *each, struct error *err)
{
	return space_read_ahead(space->descriptor, space->import->path,
		roles[space->import->role].all, each, space, err);
}

static bool learn_flows(struct space *space, struct error *err)
{
	const char *path = space->import->path;

	return space_base_learn(space->base, space->descriptor, path, err) &&
		(lseek(space->descriptor, 0, SEEK_SET) == 0 ||
			error_errno(err, "%s: can't read it again", path));
}

static bool prepare(struct space *space, struct error *err)
{
	const struct space_import *import = space->import;

	space_ids_settle(import->ids);
	if (import->evidence && !space->last_pass) {
		space->digest = digest_begin(space->descriptor, import->path, err);
		if (!space->digest)
			return false;
	}
	if (import->role != SPACE_PRODUCTION)
		return true;
	space->base = space_base_new(import);
	if (import->evidence)
		space->shown = space_shown_new(import->evidence);
	/* What comes through a pipe comes once. */
	if (!import->flows && !space->last_pass && !learn_flows(space, err))
		return false;
	return !import->base || space_base_follow(space->base, import->base, err);
}

/* What the file as a whole says about how it was made (facts 3.1). */
static bool check_whole(struct space *space, struct error *err)
{
	const struct space_report *report = space->report;
	const char *path = space->import->path, *name = report->connector;

	if (!report->objects)
		return error_set(err, ERROR_FORMAT,
			"%s: no object in it; a whole connector space is never empty, one made with a "
			"filter (/f:) can be: make an unfiltered one",
			path);
	if (!space->with_state)
		return error_set(err, ERROR_FORMAT,
			"%s: no object has a state: this file was made with /o:, and lacks what "
			"evidence needs; make one without: csexport \"%s\" FILE.xml",
			path, *name ? name : "CONNECTOR");
	if (report->pending == report->objects && !space->import->all_pending)
		return error_set(err, ERROR_FORMAT,
			"%s: every one of its %llu objects has a pending export: this file was made "
			"with /f:x. It shows what was not yet exported; make an unfiltered one: "
			"csexport \"%s\" FILE.xml",
			path, (unsigned long long)report->objects, *name ? name : "CONNECTOR");
	return true;
}

static bool read_passes(struct space *space, struct error *err)
{
	if (!read_file(space, first_pass, err) || !check_whole(space, err))
		return false;
	/* Sorting takes the memory once more; who comes next does it when there is more to ask. */
	if (!space->waiting_count)
		return true;
	space_ids_settle(space->import->ids);
	if (lseek(space->descriptor, 0, SEEK_SET) < 0)
		return error_errno(err, "%s: can't read it again", space->import->path);
	space->last_pass = true;
	return read_file(space, second_pass, err);
}

static int64_t known_ms(int64_t ms)
{
	return ms == TIME_NONE ? 0 : ms;
}

static bool finish(struct space *space, struct error *err)
{
	const struct space_import *import = space->import;
	char digest[IMPORT_DIGEST_TEXT];

	if (!import->evidence)
		return true;
	if (space->digest && !digest_end(space->digest, digest, err))
		return false;
	evidence_add_source(import->evidence,
		&(struct evidence_source){
			.source = roles[import->role].source,
			.server = import->who ? import->who->server : NULL,
			.file = space->file,
			.digest = space->digest ? digest : NULL,
			.until_ms = known_ms(import->made_ms),
			.pending_known = import->role == SPACE_PRODUCTION &&
				space->latest_ms != TIME_NONE,
			.pending_deletes = space->report->pending_deletes,
			.pending_ms = known_ms(space->latest_ms),
		});
	return !space->shown ||
		space_shown_finish(space, known_ms(space->report->imported_ms), err);
}

struct space_report *space_import(const struct space_import *import, struct error *err)
{
	CLEANUP(space_release)
	struct space space = {
		.import = import,
		.report = memory_new(sizeof(*space.report)),
		.descriptor = -1,
		.latest_ms = TIME_NONE,
	};

	*space.report = (struct space_report){
		.role = import->role,
		.imported_ms = TIME_NONE,
		.first_export_ms = TIME_NONE,
		.last_export_ms = TIME_NONE,
	};
	if (!file_open(&space, err) || !prepare(&space, err) || !read_passes(&space, err) ||
		!finish(&space, err))
		return NULL;
	return TAKE(space.report);
}
