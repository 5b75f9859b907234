/* From a profile to a connection: origins, transport, token, Graph. */
#include <string.h>

#include "base/memory.h"
#include "online/online.h"

/* Graph's row; where tokens are asked for is entered by auth_open(). */
static bool open_origins(struct session *session, struct error *err)
{
	const struct profile *profile = session->profile;

	session->origins = net_origins_new();
	return net_origins_add(session->origins, profile->graph, NET_SECRET_TOKEN, "/v1.0/", err) ||
		error_prefix(err, "[%s] graph", profile->name);
}

/* A host that is not Microsoft's is somebody's decision, and it is said aloud [T20]. */
static void tell_foreign_hosts(const struct profile *profile, const struct auth *auth)
{
	const struct cloud *cloud = cloud_find(profile->cloud);
	const char *authority = profile->authority, *too = cloud->authority_too;
	bool secret_abroad = auth_signs_in(auth) && strcmp(authority, cloud->authority) != 0 &&
		!(too && strcmp(authority, too) == 0);
	bool token_abroad = strcmp(profile->graph, cloud->graph) != 0;

	if (secret_abroad && token_abroad && strcmp(authority, profile->graph) == 0)
		progress_warn(talk(), "secret and token go to %s, as [%s] says", authority,
			profile->name);
	else if (secret_abroad)
		progress_warn(talk(), "the %s goes to %s (configured in [%s]), not to %s",
			auth_credential_name(auth), authority, profile->name, cloud->authority);
	if (token_abroad && strcmp(authority, profile->graph) != 0)
		progress_warn(talk(), "the token goes to %s (configured in [%s]), not to %s",
			profile->graph, profile->name, cloud->graph);
}

static bool open_auth(struct session *session, struct error *err)
{
	const struct profile *profile = session->profile;
	const struct auth_options options = {
		.tenant = profile->tenant,
		.client_id = profile->client_id,
		.authority = profile->authority,
		.graph = profile->graph,
		.client_secret_file = profile->client_secret_file,
		.certificate_file = profile->certificate_file,
		.federated_token_file = profile->federated_token_file,
		.managed_identity = profile->managed_identity,
		.access_token_file = profile->access_token_file,
		.certificate_password_file = profile->certificate_password_file,
		.assertion = profile->assertion,
		.send_certificate_chain = profile->send_certificate_chain,
		.environment = true,
		.origins = session->origins,
	};

	session->auth = auth_open(&options, &session->transport, talk(), err);
	return session->auth || error_prefix(err, "[%s]", profile->name);
}

struct session *session_open(const char *profile_name, struct error *err)
{
	CLEANUP(session_closep) struct session *session = memory_new(sizeof(*session));
	struct net_options net = { 0 };
	struct graph_options graph = { 0 };

	session->profile = profile_load(profile_name, err);
	if (!session->profile || !open_origins(session, err))
		return NULL;
	net.proxy = session->profile->proxy;
	net.ca_file = session->profile->ca_file;
	if (!transport_curl(&session->transport, session->origins, &net, err) ||
		!open_auth(session, err))
		return NULL;
	tell_foreign_hosts(session->profile, session->auth);
	if (!profile_limits(session->profile, &graph.quota_share, &graph.run_limit_ms, err))
		return NULL;
	graph.transport = &session->transport;
	graph.auth = session->auth;
	graph.origins = session->origins;
	graph.url = session->profile->graph;
	graph.progress = talk();
	session->graph = graph_open(&graph, err);
	return session->graph ? TAKE(session) : NULL;
}

void session_hang_up(struct session *session)
{
	graph_close(session->graph);
	auth_close(session->auth);
	if (session->transport.close)
		transport_close(&session->transport);
	session->graph = NULL;
	session->auth = NULL;
	session->transport = (struct transport){ 0 };
}

void session_close(struct session *session)
{
	if (!session)
		return;
	session_hang_up(session);
	net_origins_free(session->origins);
	profile_free(session->profile);
	memory_free(session);
}
