/*
 * Who may receive a token [T23]: a server on 127.0.0.1 with a certificate made for each case. What
 * reaches it as plain text is what a stranger could have read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

enum { HOUR_S = 3600 };

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	char path[64]; /* the certificate, as a CA file */
};

struct server {
	SSL_CTX *context;
	int listener;
	unsigned port;
	pthread_t thread;
	bool heard; /* something in plain text */
};

/* ---- certificates ---------------------------------------------------------------------- */

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* A certificate of its own authority, for `names`, until so many seconds from now. */
static void authority_make(struct authority *authority, const char *names, long until_s)
{
	X509 *certificate = X509_new();
	X509_NAME *name;
	FILE *file;

	authority->key = EVP_EC_gen("P-256");
	assert_non_null(authority->key);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -2L * HOUR_S);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
	X509_set_pubkey(certificate, authority->key);
	name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, NID_subject_alt_name, names);
	assert_true(X509_sign(certificate, authority->key, EVP_sha256()) > 0);
	authority->certificate = certificate;

	snprintf(authority->path, sizeof(authority->path), "/tmp/unstage-tls-XXXXXX");
	file = fdopen(mkstemp(authority->path), "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
}

static void authority_free(struct authority *authority)
{
	unlink(authority->path);
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
}

/* ---- the server --------------------------------------------------------------------------- */

/* One connection: shakes hands, and answers whatever is asked. */
static void *serve(void *context)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
	struct server *server = context;
	int connection = accept(server->listener, NULL, NULL);
	SSL *ssl = SSL_new(server->context);
	char request[4096];

	if (connection >= 0 && SSL_set_fd(ssl, connection) == 1 && SSL_accept(ssl) == 1 &&
		SSL_read(ssl, request, sizeof(request)) > 0) {
		server->heard = true;
		SSL_write(ssl, answer, sizeof(answer) - 1);
	}
	SSL_free(ssl);
	if (connection >= 0)
		close(connection);
	return NULL;
}

static void server_open(struct server *server, const struct authority *authority, int version_max)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	*server = (struct server){ .context = SSL_CTX_new(TLS_server_method()) };
	/* The old versions, which this OpenSSL offers to nobody unless told to. */
	SSL_CTX_set_security_level(server->context, version_max ? 0 : 2);
	SSL_CTX_set_max_proto_version(server->context, version_max);
	assert_int_equal(SSL_CTX_use_certificate(server->context, authority->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server->context, authority->key), 1);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	SSL_CTX_free(server->context);
}

/* ---- one request -------------------------------------------------------------------------- */

struct attempt {
	bool good, sent, heard;
	struct error err;
};

static struct attempt attempt(const struct authority *authority, const char *ca_file, int version)
{
	const struct net_options options = { .ca_file = ca_file };
	struct net_origins *origins = net_origins_new();
	struct net_response response;
	struct transport transport;
	struct attempt attempt = { 0 };
	struct server server;
	char origin[64], url[96];
	const struct net_request request = {
		.method = "GET", .url = url, .secret = NET_SECRET_TOKEN, .bearer = "Token-To-Guard"
	};

	server_open(&server, authority, version);
	snprintf(origin, sizeof(origin), "https://127.0.0.1:%u", server.port);
	snprintf(url, sizeof(url), "%s/v1.0/users", origin);
	assert_true(net_origins_add(origins, origin, NET_SECRET_TOKEN, "/v1.0/", &attempt.err));
	assert_true(transport_curl(&transport, origins, &options, &attempt.err));
	net_response_init(&response);
	attempt.good = transport_send(&transport, &request, &response, &attempt.err);
	attempt.sent = response.sent;
	net_response_release(&response);
	transport_close(&transport);
	net_origins_free(origins);
	server_close(&server);
	attempt.heard = server.heard;
	return attempt;
}

static void assert_nothing_heard(struct attempt attempt, const char *words)
{
	assert_false(attempt.good);
	assert_int_equal(attempt.err.kind, ERROR_NETWORK);
	if (!strstr(attempt.err.text, words))
		fail_msg("%s", attempt.err.text);
	assert_false(attempt.sent);
	assert_false(attempt.heard);
}

static void a_certificate_that_we_trust_for_this_host_gets_the_token(void **state)
{
	struct authority authority;
	struct attempt trusted;

	(void)state;
	authority_make(&authority, "IP:127.0.0.1", HOUR_S);
	trusted = attempt(&authority, authority.path, 0);
	if (!trusted.good)
		fail_msg("%s", trusted.err.text);
	assert_true(trusted.heard);
	authority_free(&authority);
}

static void a_certificate_that_nobody_vouches_for_hears_nothing(void **state)
{
	struct authority authority, other;

	(void)state;
	authority_make(&authority, "IP:127.0.0.1", HOUR_S);
	authority_make(&other, "IP:127.0.0.1", HOUR_S);
	assert_nothing_heard(attempt(&authority, NULL, 0), "certificate was not accepted");
	assert_nothing_heard(attempt(&authority, other.path, 0), "certificate was not accepted");
	authority_free(&authority);
	authority_free(&other);
}

static void a_certificate_for_another_host_hears_nothing(void **state)
{
	static const char *const others[] = { "IP:127.0.0.2", "DNS:localhost",
		"DNS:graph.microsoft.com", "DNS:127.0.0.1.example.com" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct authority authority;

		authority_make(&authority, others[i], HOUR_S);
		assert_nothing_heard(
			attempt(&authority, authority.path, 0), "certificate was not accepted");
		authority_free(&authority);
	}
}

static void a_certificate_that_has_expired_hears_nothing(void **state)
{
	struct authority authority;

	(void)state;
	authority_make(&authority, "IP:127.0.0.1", -HOUR_S);
	assert_nothing_heard(
		attempt(&authority, authority.path, 0), "certificate was not accepted");
	authority_free(&authority);
}

static void tls_before_1_2_is_not_spoken(void **state)
{
	struct authority authority;

	(void)state;
	authority_make(&authority, "IP:127.0.0.1", HOUR_S);
	assert_nothing_heard(attempt(&authority, authority.path, TLS1_1_VERSION), "TLS");
	assert_true(attempt(&authority, authority.path, TLS1_2_VERSION).good);
	authority_free(&authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_that_we_trust_for_this_host_gets_the_token),
		cmocka_unit_test(a_certificate_that_nobody_vouches_for_hears_nothing),
		cmocka_unit_test(a_certificate_for_another_host_hears_nothing),
		cmocka_unit_test(a_certificate_that_has_expired_hears_nothing),
		cmocka_unit_test(tls_before_1_2_is_not_spoken),
	};

	/* A client that hangs up in the middle of a handshake. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
