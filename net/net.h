/*
 * HTTP, and where a secret may go. One seam, several users: libcurl in the program, a
 * simulator or replayed exchanges in tests and rehearsals.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

enum {
	NET_URL_MAX = 16 << 10,  /* [T19] */
	NET_BODY_MAX = 64 << 20, /* after decompression [T30] */
	NET_RATIO_MAX = 200,
	NET_HEADERS_MAX = 64 << 10,
	NET_CONNECT_MS = 10000,
	NET_STALL_MS = 60000,
	NET_TOTAL_MS = 100000,
};

/* ---- origins: one table of scheme, host, port and which secret may go there [T20] ---- */

enum net_secret {
	NET_SECRET_NONE,
	NET_SECRET_CREDENTIAL, /* to Entra's sign-in service */
	NET_SECRET_TOKEN,      /* to Graph */
	NET_SECRET_IDENTITY,   /* to the managed identity endpoint of this machine */
};

struct net_origin {
	/*
	 * "https"; "http" only for the literal 127.0.0.1 or [::1], and with NET_SECRET_IDENTITY
	 * for a literal 169.254.x.y, which is how the platform serves it.
	 */
	const char *scheme;
	const char *host; /* ASCII, lower case */
	unsigned port;
	enum net_secret secret;
	const char *root; /* the path prefix below which requests stay: "/v1.0/", "/" */
};

struct net_origins;
struct net_origins *net_origins_new(void);
void net_origins_free(struct net_origins *origins);
DEFINE_CLEANUP(struct net_origins *, net_origins_free);

/*
 * Adds an origin from "https://host[:port]" with its secret and root path.
 * ERROR_USAGE: plain http to anything but a literal loopback address, a path, a user part, …;
 * NET_SECRET_IDENTITY and a host that is neither loopback nor link-local.
 */
MUST_CHECK bool net_origins_add(struct net_origins *origins, const char *url,
	enum net_secret secret, const char *root, struct error *err);

/*
 * The gate [T19]: may a request carrying `secret` go to `url`? https (http for a loopback
 * simulator), no user part, exact host and port of a row, path under the row's root without
 * dot segments in any spelling, no fragment, backslash, blank or control, at most NET_URL_MAX.
 * ERROR_REFUSED says which rule and names the host, printable. An empty table allows nothing.
 */
MUST_CHECK bool net_gate(const struct net_origins *origins, const char *url, enum net_secret secret,
	struct error *err);

/* ---- requests ------------------------------------------------------------------------ */

struct net_header {
	const char *name; /* lower case */
	const char *value;
};

enum { NET_REQUEST_HEADERS = 8 };

struct net_request {
	const char *method;
	const char *url;
	struct net_header headers[NET_REQUEST_HEADERS];
	size_t header_count;
	struct span body;       /* absent: none */
	enum net_secret secret; /* what it carries; the gate is asked with it */
	const char *bearer;     /* the access token, or NULL; never logged */
	/* When set, a 2xx body goes here in pieces as it comes and not into the response's body. */
	bool (*sink)(void *context, struct span piece, struct error *err);
	void *sink_context;
};

struct net_response {
	long status;        /* HTTP status; 0 where none came */
	unsigned version;   /* of HTTP: 10, 11, 20; 0 where that is not known */
	struct buf headers; /* "name: value\n" lines, names in lower case */
	struct buf body;
	int64_t took_ms;
	bool sent; /* the request may have reached the server (bytes left) */
};

void net_response_init(struct net_response *response);
void net_response_release(struct net_response *response);
/* Borrowed value of a response header (name in lower case); absent when there is none. */
struct span net_response_header(const struct net_response *response, const char *name);

/*
 * One exchange that runs beside others. The caller fills in `request` and keeps what it points
 * to (the bearer excepted, which is copied) until the exchange is done; `request.sink` is called
 * from transport_wait(). What comes is in `response`, to be released by the caller.
 */
struct net_exchange {
	struct net_request request;
	struct net_response response;
	bool done;
	bool good; /* a status came; else `error` says why not: */
	/*
	 *   ERROR_NETWORK  nothing usable came (host, what was tried and curl's words);
	 *                  response.sent tells whether the server may have seen the request
	 *   ERROR_REFUSED  the gate refused; nothing left this machine
	 *   ERROR_FORMAT   the answer breaks a limit
	 *   or whatever the sink set
	 */
	struct error error;
	void *own; /* the transport's, while it runs */
};

/*
 * The seam. `send` is one exchange from its beginning to its end, true whenever a status came.
 * A transport that can do several at once has the other three; for one that can't they are NULL,
 * and transport_begin() sends and waits.
 */
struct transport {
	bool (*send)(void *context, const struct net_request *request,
		struct net_response *response, struct error *err);
	void (*begin)(void *context, struct net_exchange *exchange);
	void (*wait)(void *context, int64_t timeout_ms);
	void (*cancel)(void *context, struct net_exchange *exchange);
	void (*close)(void *context);
	void *context;
};

MUST_CHECK bool transport_send(const struct transport *transport, const struct net_request *request,
	struct net_response *response, struct error *err);

/* Begins the exchange, whose `response` was initialised; a failure is found in it like any other. */
void transport_begin(const struct transport *transport, struct net_exchange *exchange);
/*
 * Lets what was begun go on until something happens (bytes came, an exchange is done, a signal)
 * or the time is over. With nothing under way it returns at once.
 */
void transport_wait(const struct transport *transport, int64_t timeout_ms);
/* Ends an exchange that is not done: it is forgotten, whatever the server makes of it. */
void transport_cancel(const struct transport *transport, struct net_exchange *exchange);
void transport_close(struct transport *transport);

struct net_options {
	const char *proxy;   /* from the configuration; NULL: none, and no environment is asked */
	const char *ca_file; /* NULL: the system's */
	FILE *trace;         /* header names from an allow-list, never bodies [T22]; NULL: none */
};

/* libcurl's options are set from the threat model [T25]; `origins` is borrowed. */
MUST_CHECK bool transport_curl(struct transport *transport, const struct net_origins *origins,
	const struct net_options *options, struct error *err);

/*
 * Replays exchanges from text, for tests: requests must come in order and match; what was
 * sent is kept for the test to look at. See net/replay.c for the form.
 */
struct replay;
struct replay *replay_new(const char *script);
void replay_free(struct replay *replay);
struct transport replay_transport(struct replay *replay);
/* What went wrong or is left over, or NULL when every exchange was used and matched. */
const char *replay_trouble(const struct replay *replay);
const char *replay_sent_body(const struct replay *replay, size_t exchange);

/*
 * Initialises OpenSSL without its configuration file, draws random bytes of it once, and initialises
 * libcurl. Call once, after process_start() (base/process.h) and before anything else of this folder.
 * ERROR_SYSTEM.
 */
MUST_CHECK bool net_start(struct error *err);

/*
 * OpenSSL's secure heap, where private keys go: locked, fenced, never in a core file. Whoever loads
 * a key calls this first; the second call finds it there. Not a part of net_start(): a command
 * without a key must not fail where no memory can be locked. ERROR_SYSTEM when it can't.
 */
MUST_CHECK bool net_secure_heap(struct error *err);

/* ---- waiting ------------------------------------------------------------------------- */

/* Most signals end a sleep early and are no reason to be early; only interrupted() ends this one. */
void net_sleep_ms(int64_t duration_ms);

/*
 * When to try again: Retry-After (integer or decimal seconds, or a date) capped, else backoff
 * doubling from 3 s with jitter, at most NET_RETRY_MAX_MS a wait, NET_TRIES_MAX tries.
 */
enum { NET_TRIES_MAX = 10, NET_RETRY_MAX_MS = 180000 };

struct retry {
	unsigned tries;
	int64_t deadline_ms;       /* monotonic; of the whole run; 0: none */
	int64_t (*clock_ms)(void); /* monotonic; NULL: time_monotonic_ms */
	void (*sleep_ms)(int64_t); /* NULL: time_sleep_ms */
};

/*
 * Counts a try that failed and says how long to wait before the next. False (ERROR_NETWORK, what
 * was tried how often) when tries or time are used up.
 */
MUST_CHECK bool retry_pause(struct retry *retry, struct span retry_after, const char *why,
	int64_t *pause_ms, struct error *err);

/* The same, and waits. */
MUST_CHECK bool retry_wait(struct retry *retry, struct span retry_after, const char *why,
	const struct progress *progress, struct error *err);
