#include "base/scan.h"
#include "report/report.h"

static const struct {
	const char *name, *title;
} dangers[DANGER_COUNT] = {
	[DANGER_DELETION] = { "deletion", "objects deleted" },
	[DANGER_SIGN_IN] = { "sign-in", "sign-in names and anchors" },
	[DANGER_PRIMARY] = { "primary-address", "primary addresses" },
	[DANGER_ACCOUNT] = { "account", "who may sign in, and how" },
	[DANGER_ROLE] = { "role", "groups that can have roles" },
	[DANGER_OWNER] = { "owner", "owners of groups" },
	[DANGER_RULE] = { "rule", "what a group is and who belongs by rule" },
	[DANGER_MEMBER_LESS] = { "member-removed", "memberships removed" },
	[DANGER_MEMBER_MORE] = { "member-added", "memberships added" },
	[DANGER_RESTORE] = { "restore", "objects restored" },
	[DANGER_ADDRESS] = { "address", "other addresses" },
	[DANGER_OTHER] = { "other", "everything else" },
};

const char *danger_name(enum danger danger)
{
	return dangers[danger].name;
}

const char *danger_title(enum danger danger)
{
	return dangers[danger].title;
}

static const enum danger by_operation[GRAPH_OPERATION_COUNT] = {
	[GRAPH_SET] = DANGER_OTHER, /* by its attribute */
	[GRAPH_RESTORE] = DANGER_RESTORE,
	[GRAPH_REMOVE] = DANGER_DELETION,
	[GRAPH_ADD_MEMBER] = DANGER_MEMBER_MORE,
	[GRAPH_REMOVE_MEMBER] = DANGER_MEMBER_LESS,
	[GRAPH_ADD_OWNER] = DANGER_OWNER,
	[GRAPH_REMOVE_OWNER] = DANGER_OWNER,
	[GRAPH_SET_MANAGER] = DANGER_OTHER,
	[GRAPH_CLEAR_MANAGER] = DANGER_OTHER,
};

static const struct {
	const char *attribute;
	enum danger danger;
} by_attribute[] = {
	{ "userPrincipalName", DANGER_SIGN_IN },
	{ "onPremisesImmutableId", DANGER_SIGN_IN },
	{ "onPremisesUserPrincipalName", DANGER_SIGN_IN },
	{ "onPremisesSamAccountName", DANGER_SIGN_IN },
	{ "onPremisesSecurityIdentifier", DANGER_SIGN_IN },
	{ "mail", DANGER_PRIMARY },
	{ "accountEnabled", DANGER_ACCOUNT },
	{ "passwordPolicies", DANGER_ACCOUNT },
	{ "signInSessionsValidFromDateTime", DANGER_ACCOUNT },
	{ "userType", DANGER_ACCOUNT },
	{ "externalUserState", DANGER_ACCOUNT },
	{ "isAssignableToRole", DANGER_ROLE },
	{ "isManagementRestricted", DANGER_ROLE },
	{ "groupTypes", DANGER_RULE },
	{ "membershipRule", DANGER_RULE },
	{ "membershipRuleProcessingState", DANGER_RULE },
	{ "securityEnabled", DANGER_RULE },
	{ "visibility", DANGER_RULE },
	{ "proxyAddresses", DANGER_ADDRESS },
	{ "otherMails", DANGER_ADDRESS },
	{ "mailNickname", DANGER_ADDRESS },
};

/* The element that is the primary address, as it is written; absent where none or not plain. */
static struct span primary_of(struct span set)
{
	struct scan scan = scan_open(set);
	struct span element;

	while (set.data && scan_type(set) == SCAN_ARRAY && scan_element(&scan, &element))
		if (element.length > 5 && memcmp(element.data, "\"SMTP:", 6) == 0)
			return element;
	return SPAN_NONE;
}

enum danger plan_step_danger(const struct plan_step *step)
{
	enum danger danger = by_operation[step->operation];

	if (step->operation != GRAPH_SET || !step->attribute)
		return danger;
	if (step->attribute->compare == COMPARE_ADDRESSES &&
		!span_equal(primary_of(step->from), primary_of(step->to)))
		return DANGER_PRIMARY;
	for (size_t i = 0; i < COUNT_OF(by_attribute); i++)
		if (strcmp(by_attribute[i].attribute, step->attribute->name) == 0)
			return by_attribute[i].danger;
	return danger;
}
