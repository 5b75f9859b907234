/*
 * What the files of auth/ share: locked memory, the kinds of credential, Entra's refusals, and the
 * clocks of tests.
 */
#pragma once

#include <jansson.h>

#include "auth/auth.h"
#include "base/time.h"

/* ---- locked_text.c ---- */

/* A text in memory that is never swapped, never in a core file, and wiped when freed [T21]. */
struct locked_text {
	char *data; /* ended by NUL; NULL: none */
	size_t length, capacity;
};

/* Room for `capacity` bytes; `what` names the content. ERROR_SYSTEM when it can't be locked. */
MUST_CHECK bool locked_text_init(
	struct locked_text *text, size_t capacity, const char *what, struct error *err);
/* An exact copy, in memory of its own. */
MUST_CHECK bool locked_text_init_copy(
	struct locked_text *text, struct span content, const char *what, struct error *err);
void locked_text_add(struct locked_text *text, struct span more); /* the caller reserved it */
struct span locked_text_span(const struct locked_text *text);
void locked_text_release(struct locked_text *text);

/* Appends `plain` as it stands in a form: percent-encoded. ERROR_SYSTEM. */
MUST_CHECK bool locked_text_add_encoded(
	struct locked_text *text, struct span plain, struct error *err);
/* Bytes that encoding can need. */
size_t locked_text_encoded_max(size_t length);

/* ---- secret_place.c: where a secret comes from ---- */

enum secret_trim {
	TRIM_NOTHING,
	TRIM_LINE_END, /* a secret may begin or end with a blank */
	TRIM_BLANKS,
};

/* A place that a profile key or a variable names. */
struct secret_place {
	const char *key;  /* "client_secret_file", for messages */
	const char *text; /* a path, "-" or "credential:NAME" */
	const char *what; /* "client secret" */
	size_t max;
	enum secret_trim trim;
	const struct progress *progress; /* told when a person is waited for */
};

/* Reads it into `out` (exactly as large as needed). ERROR_AUTH when it is empty. */
MUST_CHECK bool secret_read(
	const struct secret_place *place, struct locked_text *out, struct error *err);

/*
 * Moves a variable's value into `out`, wipes the bytes it stood in and unsets it; false only where
 * memory can't be locked. `out` stays empty when the variable is not set or empty.
 */
MUST_CHECK bool secret_take_variable(
	const char *name, const char *what, struct locked_text *out, struct error *err);

/* A variable's value, or NULL where it is not set, empty, or not to be asked. */
const char *variable_of(const struct auth_options *options, const char *name);

/* ---- credential.c: the kinds, and which one it is ---- */

/* What must not be quoted, in its plain and its encoded form. */
struct refusal_secret {
	struct span plain, encoded;
};

/* What every request for a token is about. */
struct token_target {
	const char *url; /* Entra's token endpoint for this tenant; NULL: no tenant is known */
	const char *client_id; /* may be NULL where the kind does without */
	const char *graph;     /* origin, without a slash at its end */
	int64_t now_ms;        /* the wall clock */
};

/* One request for a token, made by a credential; released after the answer. */
struct token_request {
	const char *method, *url;
	struct net_header headers[3];
	size_t header_count;
	struct locked_text form; /* the body; empty: none */
	enum net_secret secret;
	struct refusal_secret proof; /* borrowed from the form or the credential */
};

/* Where a credential is made from. */
struct credential_source {
	const struct auth_options *options;
	const struct progress *progress;
	int64_t now_ms;
	/* From the environment, and gone from there. */
	struct locked_text client_secret, certificate_password, identity_header;
};

/* How long to wait before the next try, by the kind's own timetable; negative: no more tries. */
typedef int64_t credential_pause_function(long status, unsigned tries, int64_t waited_ms);

struct credential_kind {
	const char *name;    /* "client secret" */
	const char *choices; /* what would choose it, for the error when nothing does */
	const char *check;   /* what to do when the service does not accept it */
	const char *service; /* who answers: "Entra" */
	bool signs_in;       /* goes to Entra with tenant and client id */
	bool renews_proof;   /* a proof is made anew for each request, so a second try may help */

	/* The profile key that names it, or NULL; and whether the variables offer it. */
	const char *(*named)(const struct auth_options *options);
	bool (*offered)(const struct credential_source *source);

	/* Returns the state that the other functions get, or NULL. */
	void *(*open)(struct credential_source *source, struct error *err);
	void (*close)(void *state); /* wipes; never NULL */
	/* Makes a request; or, where it is NULL, the credential is the token and hands it out. */
	bool (*request)(void *state, const struct token_target *target,
		struct token_request *request, struct error *err);
	bool (*hand_out)(void *state, bool refused, struct span *token, struct error *err);

	credential_pause_function *pause_ms;   /* NULL: as retry_wait() does */
	int64_t (*ends_ms)(const void *state); /* NULL: unknown */
};

extern const struct credential_kind credential_secret, credential_certificate, credential_federated,
	credential_identity, credential_pasted;

struct credential {
	const struct credential_kind *kind;
	void *state;
};

/*
 * Chooses and opens. ERROR_AUTH when there is none, or tenant or client id is missing for it;
 * ERROR_USAGE when the profile names two.
 */
MUST_CHECK bool credential_open(struct credential *credential, const struct auth_options *options,
	const struct progress *progress, struct error *err);
void credential_close(struct credential *credential);

/* ---- form.c: the body of a client credentials request (contract 1.2) ---- */

/* All but the proof, with room for `proof` bytes behind it; and what goes around the form. */
MUST_CHECK bool form_begin(struct token_request *request, const struct token_target *target,
	size_t proof, struct error *err);
/* "&client_assertion_type=…&client_assertion=", and how long that is. */
void form_add_assertion_head(struct token_request *request);
enum { FORM_ASSERTION_HEAD_MAX = 160 };

/* ---- certificate.c, assertion.c ---- */

struct certificate;

/* How a certificate is to be used. */
struct certificate_use {
	const char *name;      /* the file, for messages */
	struct span password;  /* absent: none */
	const char *assertion; /* "PS256", "RS256", or NULL: as the key can */
	bool send_chain;
	int64_t now_ms;
};

/*
 * Reads certificate and key from the bytes of a PEM or PFX file; the key goes to OpenSSL's secure
 * heap. ERROR_AUTH: not both in it, or not belonging together; a wrong password; no RSA key;
 * a certificate that is not valid at `now_ms`.
 */
MUST_CHECK struct certificate *certificate_read(
	struct span bytes, const struct certificate_use *use, struct error *err);
void certificate_free(struct certificate *certificate);
DEFINE_CLEANUP(struct certificate *, certificate_free);
int64_t certificate_ends_ms(const struct certificate *certificate);
/* ERROR_AUTH, with the date, outside its time of validity. */
MUST_CHECK bool certificate_check_time(
	const struct certificate *certificate, int64_t now_ms, struct error *err);
/* Appends a new assertion (contract 1.3) for the target's URL and client to `out`. */
MUST_CHECK bool certificate_assert(const struct certificate *certificate,
	const struct token_target *target, struct buf *out, struct error *err);

/* ---- refusal.c, refusal_table.c ---- */

enum refusal_flags {
	REFUSAL_LATER = 1, /* passes by itself: try again */
	REFUSAL_CLOCK = 2, /* may come from a wrong clock */
};

/* What is known about one of Entra's errors, or one AADSTS number. */
struct refusal {
	const char *error; /* NULL: a number's row */
	long code;
	const char *meaning;
	const char *action; /* NULL: what the kind of credential says */
	enum error_kind kind;
	unsigned flags;
};

const struct refusal *refusal_by_code(long code);          /* NULL: unknown */
const struct refusal *refusal_by_error(const char *error); /* NULL: unknown */

/* The AADSTS numbers of an answer. */
enum { REFUSAL_CODES_MAX = 4 };
size_t refusal_codes(const json_t *answer, long codes[static REFUSAL_CODES_MAX]);

/* The row that a parsed answer falls under; never NULL. A known number goes before the error. */
const struct refusal *refusal_find(const json_t *answer);

/* Who refused, and what may be said about it. */
struct refusal_context {
	const struct credential_kind *kind;
	struct refusal_secret proof;
	const int64_t *skew_ms; /* NULL: unknown */
};

/*
 * Sets the row's error from a refusal: Entra's error, its AADSTS codes and ids, what they mean and
 * what to do. Nothing that holds the proof is quoted.
 */
bool refusal_explain(const json_t *answer, long status, const struct refusal_context *context,
	struct error *err);
/* "this machine's clock is 312 s ahead of Entra's" */
void refusal_add_skew(struct buf *out, int64_t skew_ms);

/* ---- token.c ---- */

/* A good answer of the token endpoint. `text` borrows from the parsed body. */
struct token_answer {
	struct span text;
	int64_t lifetime_ms;
	int64_t refresh_ms; /* when the service would like it renewed; 0: it did not say */
};
/* `now_ms` is the wall clock: some endpoints say when the token ends, and not how long it lives. */
MUST_CHECK bool token_answer_read(
	struct span body, int64_t now_ms, struct token_answer *answer, struct error *err);

/* What may stand in an Authorization header behind "Bearer ". */
bool token_is_bearer(struct span text);
/* The `tid` of a token that looks like a JWT: a GUID to be freed with memory_free(), or NULL. */
char *token_tenant(struct span token);
/* All claims of such a token: a new reference, or NULL. */
json_t *token_claims(struct span token);
/* Its `exp`, or TIME_NONE. */
int64_t token_ends_ms(struct span token);

/* ---- auth.c ---- */

/* For tests: time that does not pass. `clock_ms` is monotonic. */
void auth_use_clock(struct auth *auth, int64_t (*clock_ms)(void), void (*sleep_ms)(int64_t));
void auth_use_wall_clock(struct auth *auth, int64_t (*now_ms)(void));
