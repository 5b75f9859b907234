/* What the files of net/ share: the gate's verdict and the two halves of an exchange. */
#pragma once

#include <curl/curl.h>

#include "net/net.h"

/* ---- gate.c ---- */

/* One reading of a URL, libcurl's, after the rules that hold for every URL [T19]. */
struct url_parts {
	CURLU *url;
	char *scheme, *host, *path; /* libcurl's memory */
	unsigned port;
	bool has_query;
};

/* Fills `parts` (to be released also on failure). Returns the rule that is broken, or NULL. */
const char *url_parts_read(struct url_parts *parts, const char *text);
void url_parts_release(struct url_parts *parts);

/* Host of a URL as it may be shown: printable, short, without a user part. */
void url_add_host_shown(struct buf *out, const char *text);

/* The rule that a path breaks (dot segments, hidden separators), or NULL. */
const char *url_path_trouble(const char *path);

/* net_gate(), which also says which row let the URL pass and how libcurl spells it. */
struct gate_pass {
	size_t row;
	char *url; /* libcurl's memory */
};
MUST_CHECK bool gate_open(const struct net_origins *origins, const char *url,
	enum net_secret secret, struct gate_pass *pass, struct error *err);
void gate_pass_release(struct gate_pass *pass);

/* ---- origins.c ---- */

size_t origins_count(const struct net_origins *origins);
const struct net_origin *origins_row(const struct net_origins *origins, size_t row);
/* Loopback, or link-local as the metadata service: no business of a proxy. */
bool origin_is_direct(const struct net_origin *origin);

/* ---- unpack.c ---- */

/* One gzip member (RFC 1952) that comes in pieces. */
struct unpack;
struct unpack *unpack_new(void);
void unpack_free(struct unpack *unpack);
/*
 * Hands on what the next packed bytes hold, at most 64 KiB at a time. ERROR_FORMAT: they are
 * damaged, or follow the member's end; or whatever `take` set.
 */
MUST_CHECK bool unpack_take(struct unpack *unpack, struct span packed,
	bool (*take)(void *context, struct span piece, struct error *err), void *context,
	struct error *err);
/* Its end came, and checksum and length were right. */
bool unpack_is_whole(const struct unpack *unpack);

/* ---- answer.c ---- */

/* What comes back in one exchange, kept within the limits of T30. */
struct answer {
	CURL *curl;
	const struct net_request *request;
	struct net_response *response;
	struct error *err;
	uint64_t wire_bytes;   /* of the body */
	uint64_t body_bytes;   /* after decompression */
	struct unpack *unpack; /* NULL: it does not come packed, or none of it came yet */
	bool failed;           /* a limit or the sink ended it, and `err` is set */
	bool *heard;           /* to be set when a sink got bytes */
};

MUST_CHECK CURLcode answer_listen(struct answer *answer);
/* The checks that need the whole answer. */
MUST_CHECK bool answer_finish(struct answer *answer);
void answer_forget(struct answer *answer);

/* ---- curl_handle.c ---- */

/* `proxy` is "" for none; `ca_file` NULL for the system's. */
MUST_CHECK CURLcode handle_configure(
	CURL *curl, const struct net_origin *origin, const char *proxy, const char *ca_file);

/* ---- curl_request.c ---- */

struct lane;
struct curl_transport;

/* An exchange on its way: what its handle borrows. */
struct running {
	struct running *next; /* of the same lane */
	struct curl_transport *transport;
	struct lane *lane;
	struct net_exchange *exchange;
	CURL *curl;
	bool joined; /* the lane's multi handle has it */
	struct gate_pass pass;
	struct curl_slist *headers;
	struct span unsent; /* of the body */
	const char *proxy_shown;
	int64_t begun_ms;
	struct answer answer;
	char words[CURL_ERROR_SIZE];
};

/* CURL_HTTP_VERSION_2TLS, or CURL_HTTP_VERSION_1_1 for what may write. */
long request_version(const struct net_request *request);
MUST_CHECK bool running_add_headers(struct running *running, struct error *err);
/* Handles are used again, so each request sets all of it. */
MUST_CHECK CURLcode running_configure(struct running *running);
/* The handle outlives the exchange; what it was lent does not. */
void running_forget(struct running *running);
/* What libcurl's failure means, with a hint. Returns false. */
bool running_explain(const struct running *running, CURLcode code, struct error *err);

/* ---- trace.c ---- */

/* One line about an exchange that is over; `url` is the one sent. */
void trace_exchange(FILE *trace, const struct net_request *request, const char *url,
	const struct net_response *response, const char *trouble);

/* Bytes of `url` before its query: all of it that an error text may show. */
int url_shown_length(const char *url);
