/*
 * Everything that must hold before the first write: the plan by itself, the lock, the service's
 * tenant and clock. Nothing here changes anything in a directory.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollback/apply_internal.h"
#include "rollback/plan_internal.h"

/* What a step needs to be written by us; a hand-made or damaged plan ends here. */
static const struct step_needs {
	bool attribute, target;
} step_needs[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = { .attribute = true },
	[GRAPH_ADD_MEMBER] = { .target = true },
	[GRAPH_REMOVE_MEMBER] = { .target = true },
	[GRAPH_ADD_OWNER] = { .target = true },
	[GRAPH_REMOVE_OWNER] = { .target = true },
	[GRAPH_SET_MANAGER] = { .target = true },
};

/* ---- the plan by itself --------------------------------------------------------------- */

static bool check_order(const struct plan_step *step, size_t index, struct error *err)
{
	if (step->number != index + 1)
		return error_set(err, ERROR_REFUSED, "the plan's step at place %zu is numbered %zu",
			index + 1, step->number);
	for (size_t i = 0; i < step->after_count; i++)
		if (step->after[i] < 1 || step->after[i] >= step->number)
			return error_set(err, ERROR_REFUSED,
				"step %zu waits for step %zu, which does not come before it",
				step->number, step->after[i]);
	return true;
}

static bool check_step(const struct plan_step *step, size_t index, struct error *err)
{
	const struct step_needs *needs = &step_needs[step->operation];

	if (!check_order(step, index, err))
		return false;
	if (!text_is_guid(span_of(step->id)))
		return error_set(err, ERROR_REFUSED, "step %zu: its id is no GUID", step->number);
	if ((needs->target || step->target) && !text_is_guid(span_of(step->target)))
		return error_set(
			err, ERROR_REFUSED, "step %zu: its target is no GUID", step->number);
	if (step->door != DOOR_GRAPH)
		return true;
	if (needs->attribute && (!step->attribute || step->attribute->source != SOURCE_SELECT))
		return error_set(err, ERROR_REFUSED,
			"step %zu: \"set\" of something that no PATCH can carry", step->number);
	return true;
}

static bool check_limit(const char *what, size_t found, size_t limit, struct error *err)
{
	if (found <= limit)
		return true;
	return error_set(err, ERROR_REFUSED,
		"the plan has %zu %s, and its limit is %zu: nothing was sent", found, what, limit);
}

/* Counted again from the steps: the counts in a plan only repeat it [T8]. */
static bool check_limits(const struct plan *plan, struct error *err)
{
	struct plan_counts counts = plan_count(plan->steps, plan->step_count);

	return check_limit("steps", counts.steps, plan->limits.steps, err) &&
		check_limit("deletions", counts.deletes, plan->limits.deletes, err) &&
		check_limit("removals of members", counts.member_removals,
			plan->limits.member_removals, err) &&
		check_limit("objects", counts.objects, plan->limits.objects, err);
}

bool preflight_plan(const struct plan *plan, const struct apply_options *options, struct error *err)
{
	char created[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];
	int64_t now_ms = options->now_ms;

	if (strcmp(plan->cloud, options->cloud) != 0)
		return error_set(err, ERROR_REFUSED,
			"the plan is for the cloud %s, and this profile talks to the cloud %s: use the "
			"profile of its tenant",
			plan->cloud, options->cloud);
	if (!text_is_guid(span_of(plan->tenant)) || !text_is_guid(span_of(plan->id)))
		return error_set(err, ERROR_REFUSED, "the plan's tenant or id is no GUID");
	if (plan->created_ms > now_ms + APPLY_CLOCK_SLACK_MS)
		return error_set(err, ERROR_REFUSED,
			"the plan was made at %s, but this machine's clock says %s: set the clock right",
			time_text(plan->created_ms, created), time_text(now_ms, now));
	if (plan->expires_ms - plan->created_ms > (int64_t)PLAN_EXPIRES_MAX_S * 1000)
		return error_set(err, ERROR_REFUSED,
			"the plan lives for more than %d days: make a new one",
			PLAN_EXPIRES_MAX_S / 86400);
	for (size_t i = 0; i < plan->step_count; i++)
		if (!check_step(&plan->steps[i], i, err))
			return false;
	return check_limits(plan, err);
}

bool preflight_expiry(const struct plan *plan, int64_t now_ms, struct error *err)
{
	char expires[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];

	if (now_ms < plan->expires_ms)
		return true;
	return error_set(err, ERROR_REFUSED,
		"the plan expired at %s and it is %s now: the directory has moved on, make a new plan",
		time_text(plan->expires_ms, expires), time_text(now_ms, now));
}

/* ---- the service ------------------------------------------------------------------------ */

static bool check_tenant(
	const struct plan *plan, const char *tenant, const char *where, struct error *err)
{
	if (text_compare_caseless(span_of(tenant), span_of(plan->tenant)) == 0)
		return true;
	return error_set(err, ERROR_REFUSED,
		"the plan is for tenant %s, but %s tenant %s: use that tenant's credentials or its plan",
		plan->tenant, where, tenant);
}

static bool check_clock(const struct apply *apply, struct error *err)
{
	int64_t service_ms = graph_service_time_ms(apply->options->graph);
	int64_t now_ms = apply_now_ms(apply);
	char service[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];

	if (service_ms == TIME_NONE)
		return error_set(err, ERROR_REFUSED,
			"the service did not say what time it is, so this machine's clock can't be checked");
	if (now_ms - service_ms <= APPLY_CLOCK_SLACK_MS &&
		service_ms - now_ms <= APPLY_CLOCK_SLACK_MS)
		return true;
	return error_set(err, ERROR_REFUSED,
		"this machine's clock says %s and the service's %s: set the clock right",
		time_text(now_ms, now), time_text(service_ms, service));
}

/* They come only where they are selected by name. */
static bool has_extensions(const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].attribute && attribute_is_extension(plan->steps[i].attribute))
			return true;
	return false;
}

bool preflight_tenant(
	const struct plan *plan, struct graph *graph, int64_t *last_sync_ms, struct error *err)
{
	struct graph_organization organization = { 0 };

	if (!graph_organization(graph, &organization, err))
		return error_prefix(err, "which tenant is this");
	if (last_sync_ms)
		*last_sync_ms = organization.last_sync_ms;
	return check_tenant(plan, organization.id, "the directory answers as", err) &&
		(!has_extensions(plan) || graph_find_extensions(graph, err));
}

bool preflight_service(const struct apply *apply, struct error *err)
{
	const char *token_tenant = apply->options->token_tenant;

	if (token_tenant && !check_tenant(apply->plan, token_tenant, "the access token is of", err))
		return false;
	return preflight_tenant(apply->plan, apply->options->graph, NULL, err) &&
		check_clock(apply, err);
}

/* ---- the lock [T10] ------------------------------------------------------------------------ */

/* For people only: which machine, which boot of it, which process. */
static void lock_owner(struct buf *owner)
{
	char host[256] = "", boot[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (gethostname(host, sizeof(host) - 1))
		strcpy(host, "?");
	if (!file || !fgets(boot, sizeof(boot), file))
		strcpy(boot, "?");
	if (file)
		fclose(file);
	boot[strcspn(boot, "\n")] = '\0';
	buf_addf(owner, "host %s, boot %s, pid %ld", host, boot, (long)getpid());
}

/* Whoever may write there may swap a ledger or a journal [T38]. */
static bool check_folder(const char *path, struct error *err)
{
	struct stat facts;

	if (stat(path, &facts) < 0)
		return error_errno(err, "state folder %s", path);
	if (facts.st_uid != geteuid())
		return error_set(err, ERROR_REFUSED,
			"state folder %s: it belongs to another user; name one of your own (state = … in "
			"the profile)",
			path);
	if (facts.st_mode & 022)
		return error_set(err, ERROR_REFUSED,
			"state folder %s: others may write to it (mode %03o); run: chmod go-w %s",
			path, facts.st_mode & 0777, path);
	return true;
}

int preflight_lock(const struct plan *plan, const char *state_folder, struct error *err)
{
	CLEANUP(buf_release) struct buf name = BUF_UP_TO(64), owner = BUF_UP_TO(512);
	CLEANUP(memory_freep) char *path = NULL;

	if (!file_make_folder(state_folder, err) || !check_folder(state_folder, err))
		return -1;
	for (const char *at = plan->tenant; *at; at++)
		buf_add_byte(&name, text_lower(*at));
	buf_add_text(&name, ".lock");
	path = file_path(state_folder, buf_text(&name));
	lock_owner(&owner);
	return file_lock(path, buf_text(&owner), err);
}
