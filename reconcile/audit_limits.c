/*
 * What the directory's audit log does not tell (facts 2, contract 4.2). Its silence is a proof only
 * where it would have spoken: it trails behind what happened, it never speaks of some attributes,
 * and of two records a moment apart nobody knows which came first.
 */
#include "reconcile/reconcile_internal.h"

/* Though they have a name there: a record that was seen once promises nothing of the next. */
static const char *const never_logged[] = {
	"usageLocation",
};

void evidence_tell_limits(struct evidence *evidence)
{
	for (size_t i = 0; i < COUNT_OF(never_logged); i++)
		evidence_add_not_logged(evidence, never_logged[i]);
}

static bool is_named(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool audit_log_carries(const struct evidence *evidence, const struct attribute *attribute)
{
	size_t count;
	const char *const *told = evidence_not_logged(evidence, &count);

	if (is_named(attribute->name, never_logged, COUNT_OF(never_logged)) ||
		is_named(attribute->name, told, count))
		return false;
	/* Memberships are activities, and have no name among the properties. */
	return attribute->audit_name || attribute->source == SOURCE_RELATION ||
		attribute_is_extension(attribute);
}
