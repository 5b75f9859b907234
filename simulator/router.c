/*
 * From a request to its handler: version root, faults, token, permission, route. The table of
 * routes is all that this Graph knows.
 */
#include <stdio.h>

#include "base/memory.h"
#include "simulator/token.h"

#define ANY_READ READ_USERS " " READ_GROUPS
#define WRITE_USERS                                                                                \
	"User.ReadWrite.All User.ReadUpdate.All Directory.ReadWrite.All "                          \
	"User.EnableDisableAccount.All User-Phone.ReadWrite.All User-Mail.ReadWrite.All"
#define WRITE_GROUPS      "Group.ReadWrite.All Directory.ReadWrite.All"
#define READ_APPLICATIONS "Application.Read.All Directory.Read.All"
#define READ_ROLES                                                                                  \
	"RoleManagement.Read.Directory RoleManagement.Read.All RoleManagement.ReadWrite.Directory " \
	"Directory.Read.All"
#define WRITE_MEMBERS "GroupMember.ReadWrite.All Group.ReadWrite.All"

struct route {
	const char *method, *pattern; /* "*" is any segment */
	const char *permissions;      /* one of these; NULL: none, or the handler asks */
	route_function *answer;
};

static const struct route routes[] = {
	{ "GET", "organization", "Organization.Read.All Directory.Read.All", answer_organization },
	{ "GET", "users", READ_USERS, answer_list },
	{ "GET", "groups", READ_GROUPS, answer_list },
	{ "GET", "contacts", READ_CONTACTS, answer_list },
	{ "GET", "users/$count", READ_USERS, answer_count },
	{ "GET", "groups/$count", READ_GROUPS, answer_count },
	{ "GET", "contacts/$count", READ_CONTACTS, answer_count },
	{ "GET", "users/delta", READ_USERS, answer_delta },
	{ "GET", "groups/delta", READ_GROUPS, answer_delta },
	{ "GET", "contacts/delta", READ_CONTACTS, answer_delta },
	{ "GET", "users/*", READ_USERS, answer_object },
	{ "GET", "groups/*", READ_GROUPS, answer_object },
	{ "GET", "contacts/*", READ_CONTACTS, answer_object },
	{ "GET", "users/*/manager", READ_USERS, answer_manager },
	{ "GET", "contacts/*/manager", READ_CONTACTS, answer_manager },
	{ "GET", "groups/*/members", READ_GROUPS, answer_related },
	{ "GET", "groups/*/owners", READ_GROUPS, answer_related },
	{ "GET", "users/*/memberOf", READ_USERS, answer_related },
	{ "GET", "groups/*/memberOf", READ_GROUPS, answer_related },
	{ "GET", "users/*/ownedObjects", READ_USERS, answer_related },
	{ "GET", "users/*/directReports", READ_USERS, answer_related },
	{ "GET", "users/*/onPremisesSyncBehavior", "User-OnPremisesSyncBehavior.ReadWrite.All",
		answer_behavior },
	{ "GET", "groups/*/onPremisesSyncBehavior", "Group-OnPremisesSyncBehavior.ReadWrite.All",
		answer_behavior },
	{ "GET", "contacts/*/onPremisesSyncBehavior",
		"Contacts-OnPremisesSyncBehavior.ReadWrite.All", answer_behavior },
	{ "PATCH", "users/*/onPremisesSyncBehavior", "User-OnPremisesSyncBehavior.ReadWrite.All",
		answer_patch_behavior },
	{ "PATCH", "groups/*/onPremisesSyncBehavior", "Group-OnPremisesSyncBehavior.ReadWrite.All",
		answer_patch_behavior },
	{ "PATCH", "contacts/*/onPremisesSyncBehavior",
		"Contacts-OnPremisesSyncBehavior.ReadWrite.All", answer_patch_behavior },
	{ "GET", "directory/deletedItems", ANY_READ, answer_deleted_list },
	{ "GET", "directory/deletedItems/*", ANY_READ, answer_deleted_one },
	{ "POST", "directory/deletedItems/*/restore", NULL, answer_restore },
	{ "POST", "users/*/restore", NULL, answer_restore_elsewhere },
	{ "DELETE", "directory/deletedItems/*", NULL, answer_purge },
	{ "GET", "auditLogs/directoryAudits", "AuditLog.Read.All", answer_audits },
	{ "PATCH", "users/*", WRITE_USERS, answer_patch_user },
	{ "PATCH", "groups/*", WRITE_GROUPS, answer_patch_group },
	{ "PATCH", "contacts/*", NULL, answer_patch_contact },
	{ "DELETE", "users/*", "User.ReadWrite.All User.DeleteRestore.All", answer_delete_object },
	{ "DELETE", "groups/*", WRITE_GROUPS, answer_delete_object },
	{ "DELETE", "contacts/*", NULL, answer_delete_object },
	{ "POST", "groups/*/members/$ref", WRITE_MEMBERS, answer_add_reference },
	{ "POST", "groups/*/owners/$ref", "Group.ReadWrite.All", answer_add_reference },
	{ "DELETE", "groups/*/members/*/$ref", WRITE_MEMBERS, answer_remove_reference },
	{ "DELETE", "groups/*/owners/*/$ref", "Group.ReadWrite.All", answer_remove_reference },
	/* The trap: without /$ref it is the object that goes. */
	{ "DELETE", "groups/*/members/*", NULL, answer_delete_through_reference },
	{ "DELETE", "groups/*/owners/*", NULL, answer_delete_through_reference },
	{ "PUT", "users/*/manager/$ref", "User.ReadWrite.All", answer_set_manager },
	{ "DELETE", "users/*/manager/$ref", "User.ReadWrite.All", answer_clear_manager },
	{ "POST", "$batch", NULL, answer_batch },
	{ "POST", "directoryObjects/getByIds", ANY_READ " " READ_CONTACTS, answer_by_ids },
	{ "POST", "directoryObjects/getAvailableExtensionProperties", "Directory.Read.All",
		answer_extension_properties },
	{ "GET", "directory/onPremisesSynchronization", NULL, answer_on_premises_synchronization },
	{ "GET", "directory/recovery/snapshots", "EntraBackup.Read.All",
		answer_recovery_snapshots },
	{ "GET", "servicePrincipals", READ_APPLICATIONS, answer_service_principals },
	{ "GET", "servicePrincipals/*/appRoleAssignedTo", READ_APPLICATIONS,
		answer_app_role_assignments },
	{ "GET", "roleManagement/directory/roleAssignments", READ_ROLES, answer_role_assignments },
	{ "GET", "roleManagement/directory/roleDefinitions", READ_ROLES, answer_role_definitions },
};

static const struct route *find_route(const struct exchange *exchange, bool *path_known)
{
	*path_known = false;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (!exchange_fits(exchange, routes[i].pattern))
			continue;
		*path_known = true;
		if (strcmp(routes[i].method, exchange->method) == 0)
			return &routes[i];
	}
	return NULL;
}

static bool is_fault(unsigned every, unsigned *count)
{
	return every && ++*count % every == 0;
}

/* A look-up with a body is a read for all that. */
static bool is_write(const struct route *route)
{
	return strcmp(route->method, "GET") != 0 && route->answer != answer_batch &&
		route->answer != answer_by_ids && route->answer != answer_extension_properties;
}

bool exchange_route(struct exchange *exchange, struct error *err)
{
	struct simulator *simulator = exchange->simulator;
	struct fault_counters *faults = &simulator->faults;
	bool path_known, done;
	const struct route *route = find_route(exchange, &path_known);
	bool is_batch;

	if (!quota_admit(exchange))
		return true;
	if (!route && path_known)
		return exchange_refuse(exchange, 405, "Request_BadRequest",
			"Specified HTTP method is not allowed for the request target.");
	if (!route)
		return exchange_refuse(exchange, 400, "BadRequest",
			"Resource not found for the segment '%s'.", exchange->segments[0]);
	is_batch = route->answer == answer_batch;
	exchange->is_write = is_write(route);
	if (!is_batch && !fault_passes(exchange))
		return true;
	if (route->permissions && !permission_any(simulator, route->permissions))
		return exchange_refuse_denied(exchange);
	done = route->answer(exchange, err);
	if (done && exchange->fails_made)
		fault_change_answer(exchange);
	if (exchange->is_write && simulator->options.drop_answer_at &&
		++faults->writes == simulator->options.drop_answer_at)
		simulator->cut = true;
	return done;
}

/* ---- simulator_handle ------------------------------------------------------------------------ */

static bool is_token_path(const struct exchange *exchange)
{
	return exchange->segment_count == 4 && strcmp(exchange->segments[1], "oauth2") == 0 &&
		strcmp(exchange->segments[2], "v2.0") == 0 &&
		strcmp(exchange->segments[3], "token") == 0;
}

static bool answer_graph(
	struct exchange *exchange, const struct simulator_request *request, struct error *err)
{
	struct simulator *simulator = exchange->simulator;

	if (is_fault(simulator->options.throttle_every, &simulator->faults.requests))
		return exchange_throttle(exchange, FAULT_WAIT_MS);
	if (!exchange_is_authorised(exchange, request->authorization))
		return true;
	return exchange_route(exchange, err);
}

static bool answer(
	struct exchange *exchange, const struct simulator_request *request, struct error *err)
{
	static const char version[] = "/v1.0";
	size_t length = sizeof(version) - 1;

	if (strncmp(request->path, version, length) == 0 && request->path[length] == '/') {
		if (!exchange_parse_target(exchange, request->path + length))
			return exchange_refuse(
				exchange, 400, "BadRequest", "The request target is malformed.");
		return answer_graph(exchange, request, err);
	}
	exchange->is_signin = true;
	if (exchange_parse_target(exchange, request->path)) {
		if (is_token_path(exchange))
			return answer_token(exchange, request->authorization, err);
		if (is_identity_path(request->path))
			return answer_identity(exchange, err);
	}
	return exchange_refuse(
		exchange, 404, "ResourceNotFound", "There is nothing at this address.");
}

/* All of a request is one transaction: what fails half way has not happened. */
static bool handle(
	struct exchange *exchange, const struct simulator_request *request, struct error *err)
{
	struct simulator *simulator = exchange->simulator;

	if (!simulator_begin(simulator, err))
		return false;
	if (answer(exchange, request, err) &&
		book_request(simulator, exchange->method, request->path, exchange->answer.status,
			exchange->is_write, false, err))
		return simulator_commit(simulator, err);
	simulator_rollback(simulator);
	return false;
}

void simulator_handle(struct simulator *simulator, const struct simulator_request *request,
	struct simulator_response *response)
{
	struct error err = { 0 };
	CLEANUP(exchange_release)
	struct exchange exchange = {
		.simulator = simulator,
		.method = request->method,
		.target = request->path,
		.content_type = request->content_type,
		.client_request_id = request->client_request_id,
		.prefer = request->prefer,
		.metadata = request->metadata,
		.identity_header = request->identity_header,
		.body = request->body,
		.eventual = request->consistency_level.length == strlen("eventual") &&
			strncasecmp(request->consistency_level.data, "eventual",
				strlen("eventual")) == 0,
	};

	*response = (struct simulator_response){ .headers = BUF_UP_TO(PATH_MAX_BYTES),
		.body = BUF_UP_TO(ANSWER_MAX_BYTES) };
	simulator->cut = false;
	simulator->request_number++;
	if (simulator->options.on_request)
		simulator->options.on_request(simulator->options.on_request_context, simulator,
			simulator->request_number);
	simulator_guid(simulator, exchange.request_id);
	if (request->body.length > BODY_MAX_BYTES)
		exchange_refuse(
			&exchange, 413, "RequestEntityTooLarge", "The request is too large.");
	else if (!handle(&exchange, request, &err))
		exchange_refuse(&exchange, 500, "InternalServerError", "%s", err.text);
	exchange_write_response(&exchange, response);
	response->cut = simulator->cut;
}

void simulator_response_release(struct simulator_response *response)
{
	buf_release(&response->headers);
	buf_release(&response->body);
}
