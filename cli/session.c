/* From a profile to a connection: origins, transport, token, Graph. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"

enum { SECRET_MAX = 4096 };

/* The secret from the profile's file, else from the variable, which is wiped and unset [T21]. */
static bool read_secret(const struct profile *profile, struct buf *secret, struct error *err)
{
	char *variable = getenv("AZURE_CLIENT_SECRET");

	if (profile->client_secret_file) {
		if (!file_load_secret(profile->client_secret_file, SECRET_MAX, secret, err))
			return error_prefix(err, "[%s] client_secret_file", profile->name);
		while (secret->length && strchr("\r\n", secret->data[secret->length - 1]))
			buf_cut(secret, secret->length - 1);
	} else if (variable) {
		buf_add_text(secret, variable);
	}
	if (variable) {
		explicit_bzero(variable, strlen(variable));
		unsetenv("AZURE_CLIENT_SECRET");
	}
	return true;
}

static bool open_origins(struct session *session, struct error *err)
{
	const struct profile *profile = session->profile;
	CLEANUP(buf_release) struct buf root = BUF_UP_TO(NET_URL_MAX);

	session->origins = net_origins_new();
	buf_addf(&root, "/%s/", profile->tenant ? profile->tenant : "");
	if (!net_origins_add(session->origins, profile->graph, NET_SECRET_TOKEN, "/v1.0/", err))
		return error_prefix(err, "[%s] graph", profile->name);
	if (!net_origins_add(session->origins, profile->authority, NET_SECRET_CREDENTIAL,
		    buf_text(&root), err))
		return error_prefix(err, "[%s] authority", profile->name);
	return true;
}

/* A host that is not Microsoft's is somebody's decision, and it is said aloud [T20]. */
static void tell_foreign_hosts(const struct profile *profile)
{
	const struct cloud *cloud = cloud_find(profile->cloud);
	const char *authority = profile->authority, *too = cloud->authority_too;
	bool secret_abroad = strcmp(authority, cloud->authority) != 0 &&
		!(too && strcmp(authority, too) == 0);
	bool token_abroad = strcmp(profile->graph, cloud->graph) != 0;

	if (secret_abroad && token_abroad && strcmp(authority, profile->graph) == 0)
		progress_warn(talk(), "secret and token go to %s, as [%s] says", authority,
			profile->name);
	else if (secret_abroad)
		progress_warn(talk(),
			"the client secret goes to %s (configured in [%s]), not to %s", authority,
			profile->name, cloud->authority);
	if (token_abroad && strcmp(authority, profile->graph) != 0)
		progress_warn(talk(), "the token goes to %s (configured in [%s]), not to %s",
			profile->graph, profile->name, cloud->graph);
}

static bool open_auth(struct session *session, struct error *err)
{
	const struct profile *profile = session->profile;
	CLEANUP(buf_wipe) struct buf secret = BUF_UP_TO(SECRET_MAX);
	struct auth_options options = {
		.tenant = profile->tenant,
		.client_id = profile->client_id,
		.authority = profile->authority,
		.graph = profile->graph,
	};

	if (!read_secret(profile, &secret, err))
		return false;
	if (secret.length)
		options.secret = buf_span(&secret);
	session->auth = auth_open(&options, &session->transport, talk(), err);
	return session->auth != NULL;
}

struct session *session_open(const char *profile_name, struct error *err)
{
	CLEANUP(session_closep) struct session *session = memory_new(sizeof(*session));
	struct net_options net = { 0 };
	struct graph_options graph = { 0 };

	session->profile = profile_load(profile_name, err);
	if (!session->profile || !open_origins(session, err))
		return NULL;
	tell_foreign_hosts(session->profile);
	net.proxy = session->profile->proxy;
	net.ca_file = session->profile->ca_file;
	if (!transport_curl(&session->transport, session->origins, &net, err) ||
		!open_auth(session, err))
		return NULL;
	graph.transport = &session->transport;
	graph.auth = session->auth;
	graph.origins = session->origins;
	graph.url = session->profile->graph;
	graph.progress = talk();
	session->graph = graph_open(&graph, err);
	return session->graph ? TAKE(session) : NULL;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	graph_close(session->graph);
	auth_close(session->auth);
	if (session->transport.close)
		transport_close(&session->transport);
	net_origins_free(session->origins);
	profile_free(session->profile);
	memory_free(session);
}
