/*
 * Reads a plan, strictly: what it does not know it refuses, and in the end it writes the plan
 * again and compares, so that nothing stands in the file that is not in the parsed plan.
 *
 * Walks checked text with base/scan instead of building a tree: a plan of a million steps
 * would take gigabytes as one.
 */
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "rollback/plan_read.h"

#define FORMAT_START "{\"format\":\"unstage-plan/"

/* ---- which version ---------------------------------------------------------------------- */

static bool check_version(struct span bytes, struct error *err)
{
	struct span start = SPAN_LITERAL(FORMAT_START);
	size_t digits = 0;

	if (bytes.length < start.length || memcmp(bytes.data, start.data, start.length) != 0)
		return error_set(
			err, ERROR_FORMAT, "not a plan: it does not begin with %s1\"", start.data);
	start = (struct span){ bytes.data + start.length, bytes.length - start.length };
	while (digits < start.length && start.data[digits] >= '0' && start.data[digits] <= '9')
		digits++;
	if (!digits || digits > 9 || digits == start.length || start.data[digits] != '"')
		return error_set(err, ERROR_FORMAT, "not a plan: its version is no number");
	if (digits != 1 || start.data[0] != '1')
		return error_set(err, ERROR_REFUSED,
			"a plan of version %.*s; this program reads "
			"version 1 only: use the unstage that wrote it",
			(int)digits, start.data);
	return true;
}

/* ---- the head --------------------------------------------------------------------------- */

static const char *const head_keys[] = { "format", "tenant", "cloud", "id", "created", "expires",
	"tool", "tenant_name", "staging", "base", "live", "evidence", "decisions", "base_signed",
	"rules", "production", "limits", "counts", "files", "blocked", "steps", NULL };
static const char *const rules_keys[] = { "server", "exported", NULL };
static const char *const production_keys[] = { "pending_deletes", "at", NULL };
static const char *const limit_keys[] = { "steps", "deletes", "member_removals", "objects", NULL };
static const char *const count_keys[] = { "steps", "blocked", "doors", NULL };

static bool check_identity(const char *key, const char *identity, struct error *err)
{
	if (identity && !snapshot_is_identity(identity))
		return error_set(err, ERROR_FORMAT, "\"%s\" is not 64 hexadecimal digits", key);
	return true;
}

static bool read_times(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;

	if (!read_instant(reader, head, "created", &plan->created_ms, err) ||
		!read_instant(reader, head, "expires", &plan->expires_ms, err))
		return false;
	/* In unsigned numbers: both may be any instant there is. */
	if (plan->expires_ms <= plan->created_ms ||
		(uint64_t)plan->expires_ms - (uint64_t)plan->created_ms >
			(uint64_t)PLAN_EXPIRES_MAX_S * 1000)
		return error_set(err, ERROR_FORMAT,
			"\"expires\" must be after \"created\", and by 7 "
			"days at most");
	return true;
}

static bool read_sources(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;

	return read_text(reader, head, "base", &plan->base, err) &&
		check_identity("base", plan->base, err) &&
		read_text(reader, head, "live", &plan->live, err) &&
		check_identity("live", plan->live, err) &&
		read_text_or_null(reader, head, "evidence", &plan->evidence, err) &&
		check_identity("evidence", plan->evidence, err) &&
		read_text_or_null(reader, head, "decisions", &plan->decisions, err) &&
		check_identity("decisions", plan->decisions, err) &&
		read_boolean(head, "base_signed", &plan->base_signed, err);
}

static bool read_rules(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;
	struct span value = scan_find(head, "rules"), exported;

	plan->rules_ms = TIME_NONE;
	if (value.data && scan_type(value) == SCAN_NULL)
		return true;
	if (!read_object(head, "rules", &value, err) || !check_keys(value, rules_keys, err) ||
		!read_text(reader, value, "server", &plan->rules_server, err))
		return false;
	exported = scan_find(value, "exported");
	return (exported.data && scan_type(exported) == SCAN_NULL) ||
		read_instant(reader, value, "exported", &plan->rules_ms, err);
}

static bool read_production(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;
	struct span value = scan_find(head, "production");

	if (value.data && scan_type(value) == SCAN_NULL)
		return true;
	plan->has_production = true;
	return read_object(head, "production", &value, err) &&
		check_keys(value, production_keys, err) &&
		read_number(value, "pending_deletes", &plan->production_deletes, err) &&
		read_instant(reader, value, "at", &plan->production_ms, err);
}

static bool read_head(struct plan_reader *reader, struct span head, struct error *err)
{
	struct plan *plan = reader->plan;

	return check_keys(head, head_keys, err) &&
		read_guid(reader, head, "tenant", &plan->tenant, err) &&
		read_text(reader, head, "cloud", &plan->cloud, err) &&
		read_guid(reader, head, "id", &plan->id, err) && read_times(reader, head, err) &&
		read_text(reader, head, "tool", &plan->tool, err) &&
		read_text_or_null(reader, head, "tenant_name", &plan->tenant_name, err) &&
		read_text_or_null(reader, head, "staging", &plan->staging, err) &&
		read_sources(reader, head, err) && read_rules(reader, head, err) &&
		read_production(reader, head, err);
}

/* ---- counts and limits ------------------------------------------------------------------ */

static bool check_count(const char *what, size_t says, size_t is, struct error *err)
{
	if (says != is)
		return error_set(
			err, ERROR_FORMAT, "counts: %zu %s, and the plan has %zu", says, what, is);
	return true;
}

static bool check_limit(const char *what, size_t limit, size_t is, struct error *err)
{
	if (is > limit)
		return error_set(err, ERROR_FORMAT, "limits: %zu %s at most, and the plan has %zu",
			limit, what, is);
	return true;
}

static bool read_doors(
	struct plan *plan, struct span doors, const struct plan_counts *counts, struct error *err)
{
	struct span key, value;
	struct scan scan = scan_open(doors);

	for (enum door door = 0; door < DOOR_COUNT; door++) {
		if (!plan_has_door(door))
			continue;
		if (!read_number(doors, door_name(door), &plan->by_door[door], err) ||
			!check_count(
				door_name(door), plan->by_door[door], counts->by_door[door], err))
			return false;
	}
	while (scan_member(&scan, &key, &value)) {
		enum door door;

		if (!find_door(key, &door))
			return error_set(
				err, ERROR_FORMAT, "counts: no such door: %.*s", SPAN_FORMAT(key));
	}
	return true;
}

static bool read_counts(
	struct plan *plan, struct span head, const struct plan_counts *counts, struct error *err)
{
	struct span object, doors;
	size_t steps, blocked;

	return read_object(head, "counts", &object, err) && check_keys(object, count_keys, err) &&
		read_number(object, "steps", &steps, err) &&
		check_count("steps", steps, plan->step_count, err) &&
		read_number(object, "blocked", &blocked, err) &&
		check_count("blocked", blocked, plan->blocked_count, err) &&
		read_object(object, "doors", &doors, err) && read_doors(plan, doors, counts, err);
}

static bool read_limits(
	struct plan *plan, struct span head, const struct plan_counts *counts, struct error *err)
{
	struct span object;

	return read_object(head, "limits", &object, err) && check_keys(object, limit_keys, err) &&
		read_number(object, "steps", &plan->limits.steps, err) &&
		check_limit("steps", plan->limits.steps, counts->steps, err) &&
		read_number(object, "deletes", &plan->limits.deletes, err) &&
		check_limit("deletes", plan->limits.deletes, counts->deletes, err) &&
		read_number(object, "member_removals", &plan->limits.member_removals, err) &&
		check_limit("removals of members", plan->limits.member_removals,
			counts->member_removals, err) &&
		read_number(object, "objects", &plan->limits.objects, err) &&
		check_limit("objects", plan->limits.objects, counts->objects, err);
}

/* ---- the whole -------------------------------------------------------------------------- */

/* The file must be what we would write. Says where it first is not. */
static bool check_spelling(const struct plan_reader *reader, struct error *err)
{
	CLEANUP(buf_release) struct buf again = BUF_UP_TO(PLAN_FILE_MAX);
	struct span bytes = reader->bytes;
	size_t same = 0;

	plan_add_json(&again, reader->plan);
	if (!buf_check(&again, "plan", err))
		return false;
	if (span_equal(buf_span(&again), bytes))
		return true;
	while (same < bytes.length && same < again.length && again.data[same] == bytes.data[same])
		same++;
	return error_set(err, ERROR_FORMAT,
		"line %zu (byte %zu): not spelled as a plan is: order of "
		"keys, blanks, line ends or escapes differ",
		line_of(bytes, bytes.data + same), same);
}

struct plan *plan_parse(struct span bytes, struct error *err)
{
	CLEANUP(plan_freep) struct plan *plan = plan_begin();
	struct plan_reader reader = { .bytes = bytes, .plan = plan };
	struct plan_counts counts;

	if (bytes.length > PLAN_FILE_MAX) {
		error_set(err, ERROR_FORMAT, "plan: more than %d bytes", PLAN_FILE_MAX);
		return NULL;
	}
	if (!check_version(bytes, err) || !scan_check(bytes, err) ||
		!read_head(&reader, bytes, err) || !read_blocked(&reader, bytes, err) ||
		!read_steps(&reader, bytes, err)) {
		error_prefix(err, "plan");
		return NULL;
	}
	counts = plan_count(plan->steps, plan->step_count);
	if (!read_limits(plan, bytes, &counts, err) || !read_counts(plan, bytes, &counts, err) ||
		!read_files(&reader, bytes, err) || !check_spelling(&reader, err)) {
		error_prefix(err, "plan");
		return NULL;
	}
	return TAKE(plan);
}
