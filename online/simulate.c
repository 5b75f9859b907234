/* unstage simulate: a tenant on this machine to try things on, and its story, played by hand. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "online/simulated.h"

struct simulate_arguments {
	struct common common;
	const char *folder, *database, *begin, *deny, *grant, *origin, *certificate, *federated;
	bool fail_writes, fail_made;
	int64_t port, users, groups, contacts, seed;
	int64_t throttle_every, throttle_items, fail_every, drop_answer_at, foreign_link_at,
		refuse_token, page_max, lag_ms, clock_ahead_s;
	const char *quota, *retry_after, *fail_code, *fail_body, *page_fault, *page_fault_list;
	int64_t units, writes, fail_at, fail_count, fail_status, page_fault_at, page_fault_count,
		page_fault_bytes, latency_ms;
	int64_t delta_page, delta_members, delta_empty_every, delta_replay_every, delta_lost_at;
};

enum { WORD_MAX = 4096, POLL_MS = 200, PEM_MAX = 64 << 10, MINUTES_MAX = 30 * 24 * 60 };

static bool prove(struct simulator *simulator, const char *argument, struct error *err)
{
	struct simulator_proof proof = { 0 };
	const struct common common = { 0 };
	CLEANUP(screen_release) struct screen screen;

	(void)argument;
	screen_init(&screen, &common);
	if (!simulator_prove(simulator, &proof, err))
		return false;
	simulated_tell_proof(&screen, &proof);
	return screen_give(&screen, &common, err);
}

static bool play_day(struct simulator *simulator, const char *argument, struct error *err)
{
	(void)argument;
	return simulator_play_day(simulator, err);
}

static bool play_incident(struct simulator *simulator, const char *argument, struct error *err)
{
	(void)argument;
	return simulator_play_incident(simulator, err);
}

static bool minutes_of(const char *argument, int64_t *ms, struct error *err)
{
	char *end;
	long minutes = strtol(argument, &end, 10);

	*ms = minutes * 60 * 1000;
	return (!*end && minutes >= 0 && minutes <= MINUTES_MAX) ||
		error_set(err, ERROR_USAGE, "\"%s\" is no number of minutes up to %d", argument,
			MINUTES_MAX);
}

/* "[MINUTES]": it ends so long before the present. */
static bool play_morning(struct simulator *simulator, const char *argument, struct error *err)
{
	int64_t ago_ms;

	if (!minutes_of(argument, &ago_ms, err) || !simulator_play_morning(simulator, err))
		return false;
	simulator_set_now_ms(simulator, time_now_ms() - ago_ms);
	return true;
}

/* "MINUTES": they go by, and nothing happens. */
static bool play_wait(struct simulator *simulator, const char *argument, struct error *err)
{
	int64_t ms;

	if (!minutes_of(argument, &ms, err))
		return false;
	simulator_set_now_ms(simulator, simulator_now_ms(simulator) + ms);
	return true;
}

static bool play_cycle(struct simulator *simulator, const char *argument, struct error *err)
{
	(void)argument;
	return simulator_play_production_cycle(simulator, err);
}

static void tell_played(const struct simulator_played *played)
{
	printf("%zu changed\n%zu already\n%zu stale\n%zu failed\n", played->changed,
		played->already, played->stale, played->failed);
}

static bool play_exchange(struct simulator *simulator, const char *argument, struct error *err)
{
	struct simulator_played played;

	if (!simulator_play_exchange(simulator, argument, &played, err))
		return false;
	tell_played(&played);
	return true;
}

static bool play_directory(struct simulator *simulator, const char *argument, struct error *err)
{
	(void)argument;
	return simulator_play_directory_export(simulator, err);
}

static bool play_ldif(struct simulator *simulator, const char *argument, struct error *err)
{
	struct simulator_played played;

	if (!simulator_play_ldif(simulator, argument, &played, err))
		return false;
	tell_played(&played);
	return true;
}

static bool play_adsync(struct simulator *simulator, const char *argument, struct error *err)
{
	return simulator_play_adsync(simulator, argument, err);
}

/* "DIR [utf16] [iso] [nested] [died] [ad]": DIR/SYNC01 and DIR/SYNC02. */
static bool write_files(struct simulator *simulator, const char *argument, struct error *err)
{
	CLEANUP(memory_freep) char *words = memory_text(argument);
	struct simulator_files files = { 0 };
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "utf16", &files.wide },
		{ "iso", &files.iso_dates },
		{ "nested", &files.nested },
		{ "died", &files.died_midway },
		{ "ad", &files.directory_written },
	};
	char *rest = NULL, *folder = strtok_r(words, " ", &rest);

	if (!folder)
		return error_set(err, ERROR_USAGE, "files: say into which folder");
	for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(flags); i++) {
			if (strcmp(flags[i].word, word) == 0)
				known = *flags[i].flag = true;
		}
		if (!known)
			return error_set(err, ERROR_USAGE,
				"files: \"%s\" is none of utf16, iso, nested, died, ad", word);
	}
	return simulated_write_files(simulator, folder, &files, err);
}

static bool play_import(struct simulator *simulator, const char *argument, struct error *err)
{
	return simulator_play_import(simulator, argument, err);
}

static bool play_export(struct simulator *simulator, const char *argument, struct error *err)
{
	return simulator_play_export(simulator, argument, err);
}

static bool play_synchronisation(
	struct simulator *simulator, const char *argument, struct error *err)
{
	return simulator_play_synchronisation(simulator, argument, err);
}

/* What can be typed while it runs. */
static const struct play {
	const char *word, *help;
	bool (*run)(struct simulator *simulator, const char *argument, struct error *err);
} plays[] = {
	{ "day", "a day of legitimate changes", play_day },
	{ "incident", "the staging server exports", play_incident },
	{ "directory", "it writes some of that into Active Directory, too", play_directory },
	{ "morning",
		"[MINUTES before now]: people correct two values; some objects move to the cloud",
		play_morning },
	{ "cycle", "production's import, synchronisation, export", play_cycle },
	{ "adsync", "FILE.csv: an administrator runs Remove-ADSyncToolsAadObject", play_adsync },
	{ "exchange", "FILE.ps1: an administrator runs this script with -Apply", play_exchange },
	{ "ldif", "FILE.ldif: an administrator runs ldapmodify -c with this file", play_ldif },
	{ "import", "SERVER: it imports from the cloud", play_import },
	{ "export", "SERVER: it writes what it holds, once more", play_export },
	{ "synchronise", "SERVER: it takes over what it imported", play_synchronisation },
	{ "wait", "MINUTES: they go by, and nothing happens", play_wait },
	{ "files", "DIR [utf16] [iso] [nested] [died] [ad]: what both servers hold", write_files },
	{ "prove", "what is damaged, put back, lost", prove },
};

static void obey(struct simulator *simulator, char *line)
{
	char *argument = strchr(line, ' ');
	struct error err = { 0 };

	if (argument)
		*argument++ = '\0';
	for (size_t i = 0; i < COUNT_OF(plays); i++) {
		if (strcmp(plays[i].word, line) != 0)
			continue;
		if (plays[i].run(simulator, argument ? argument : "", &err))
			text_line(stdout, "ok %s", line);
		else
			text_line(stdout, "failed %s: %s", line, err.text);
		fflush(stdout);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(plays); i++)
		text_line(stderr, "  %-11s %s", plays[i].word, plays[i].help);
}

/* Serves until a signal, or "quit"; the end of stdin only ends the typing. */
static void serve(struct simulator *simulator)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(WORD_MAX);
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (!interrupted()) {
		char byte;

		if (poll(&input, 1, POLL_MS) <= 0)
			continue;
		if (read(STDIN_FILENO, &byte, 1) != 1) {
			input.fd = -1;
			continue;
		}
		if (byte != '\n') {
			buf_add_byte(&line, byte);
			continue;
		}
		if (strcmp(buf_text(&line), "quit") == 0)
			return;
		if (line.length)
			obey(simulator, line.data);
		buf_cut(&line, 0);
	}
}

static unsigned small(int64_t number)
{
	return number > 1000000 ? 1000000U : (unsigned)number;
}

/* The place of a word among names; nothing changes when there is no word. */
static bool choose(const char *option, const char *const *names, const char *word, unsigned *place,
	struct error *err)
{
	CLEANUP(buf_release) struct buf known = BUF_UP_TO(WORD_MAX);

	if (!word)
		return true;
	for (unsigned i = 0; names[i]; i++) {
		if (strcmp(names[i], word) == 0) {
			*place = i;
			return true;
		}
		buf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	}
	return error_set(err, ERROR_USAGE, "simulate: --%s takes %s", option, buf_text(&known));
}

/* A tenant is throttled like a real one unless somebody says otherwise. */
static bool fill_quota(const struct simulate_arguments *simulate, struct simulator_options *options,
	struct error *err)
{
	unsigned quota = SIMULATOR_QUOTA_WINDOW, retry_after = SIMULATOR_RETRY_INTEGER;

	if (!choose("quota", simulator_quota_names, simulate->quota, &quota, err) ||
		!choose("retry-after", simulator_retry_after_names, simulate->retry_after,
			&retry_after, err))
		return false;
	options->quota = (enum simulator_quota)quota;
	options->retry_after = (enum simulator_retry_after)retry_after;
	options->units_per_10s = small(simulate->units);
	options->writes_per_150s = small(simulate->writes);
	return true;
}

static bool fill_faults(const struct simulate_arguments *simulate,
	struct simulator_options *options, struct error *err)
{
	unsigned page_fault = SIMULATOR_PAGE_GOOD, fail_body = SIMULATOR_FAIL_JSON;

	if (!choose("page-fault", simulator_page_fault_names, simulate->page_fault, &page_fault,
		    err) ||
		!choose("fail-body", simulator_fail_body_names, simulate->fail_body, &fail_body,
			err))
		return false;
	options->fail_at = small(simulate->fail_at);
	options->fail_count = small(simulate->fail_count);
	options->fail_status = (int)small(simulate->fail_status);
	options->fail_code = simulate->fail_code;
	options->fail_body = (enum simulator_fail_body)fail_body;
	options->fail_writes = simulate->fail_writes;
	options->fail_made = simulate->fail_made;
	options->page_fault = (enum simulator_page_fault)page_fault;
	options->page_fault_at = small(simulate->page_fault_at);
	options->page_fault_count = small(simulate->page_fault_count);
	options->page_fault_list = simulate->page_fault_list;
	options->page_fault_bytes = simulate->page_fault_bytes;
	options->latency_ms = simulate->latency_ms;
	return true;
}

static bool fill_begin(const struct simulate_arguments *simulate, struct simulator_options *options,
	struct error *err)
{
	options->now_ms = time_now_ms() - SIMULATED_STORY_MS;
	if (!simulate->begin || time_parse(span_of(simulate->begin), &options->now_ms))
		return true;
	error_set(err, ERROR_USAGE,
		"simulate: --begin: \"%s\" is no time like 2026-11-27T22:00:00Z", simulate->begin);
	return false;
}

static void fill_options(
	const struct simulate_arguments *simulate, struct simulator_options *options)
{
	options->database = simulate->database;
	options->seed = (uint64_t)simulate->seed;
	options->throttle_every = small(simulate->throttle_every);
	options->throttle_items = small(simulate->throttle_items);
	options->fail_every = small(simulate->fail_every);
	options->drop_answer_at = small(simulate->drop_answer_at);
	options->foreign_link_at = small(simulate->foreign_link_at);
	options->refuse_token = small(simulate->refuse_token);
	options->deny = simulate->deny;
	options->grant = simulate->grant;
	options->graph_url = simulate->origin;
	options->page_max = small(simulate->page_max);
	options->delta_page = small(simulate->delta_page);
	options->delta_members = small(simulate->delta_members);
	options->delta_empty_every = small(simulate->delta_empty_every);
	options->delta_replay_every = small(simulate->delta_replay_every);
	options->delta_lost_at = small(simulate->delta_lost_at);
	options->lag_ms = simulate->lag_ms;
	options->signin_ahead_ms = simulate->clock_ahead_s * 1000;
}

/* The federated credential that --federated registers. */
static const struct simulator_issuer outside_issuer = {
	.issuer = "https://issuer.simulated/",
	.subject = "unstage",
	.audience = "api://AzureADTokenExchange",
};

static bool register_proofs(
	const struct simulate_arguments *simulate, struct simulator *simulator, struct error *err)
{
	CLEANUP(buf_release) struct buf certificate = BUF_UP_TO(PEM_MAX), key = BUF_UP_TO(PEM_MAX);
	struct simulator_issuer issuer = outside_issuer;

	if (simulate->certificate &&
		(!file_load(simulate->certificate, PEM_MAX, &certificate, err) ||
			!simulator_trust_certificate(simulator, buf_span(&certificate), err)))
		return error_prefix(err, "--certificate %s", simulate->certificate);
	if (!simulate->federated)
		return true;
	if (!file_load(simulate->federated, PEM_MAX, &key, err))
		return error_prefix(err, "--federated");
	issuer.key_pem = buf_span(&key);
	return simulator_trust_issuer(simulator, &issuer, err) ||
		error_prefix(err, "--federated %s", simulate->federated);
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct simulate_arguments *simulate = arguments;
	struct simulator_options options = { 0 };
	struct simulator_size size = {
		.users = simulate->users ? small(simulate->users) : 2000,
		.groups = simulate->groups ? small(simulate->groups) : 200,
		.contacts = simulate->contacts ? small(simulate->contacts) : 50,
	};
	CLEANUP(simulated_close) struct simulated simulated = { 0 };
	const char *folder = simulate->folder ? simulate->folder : "unstage-simulator";

	(void)operands;
	(void)operand_count;
	fill_options(simulate, &options);
	if (!fill_begin(simulate, &options, err) || !fill_quota(simulate, &options, err) ||
		!fill_faults(simulate, &options, err))
		return -1;
	if (simulate->port > 65535) {
		error_set(err, ERROR_USAGE, "simulate: --port takes 0 to 65535");
		return -1;
	}
	if (!simulated_open(&simulated, &options, &size, (unsigned)simulate->port, folder, err) ||
		!register_proofs(simulate, simulated.simulator, err))
		return -1;
	text_line(stdout, "export UNSTAGE_CONFIG=%s", simulated.config);
	fflush(stdout);
	text_line(stderr,
		"unstage: a tenant of %u users serves on http://127.0.0.1:%u; Ctrl-C ends it",
		size.users, simulator_server_port(simulated.server));
	serve(simulated.simulator);
	return 0;
}

#define FAULT(name, member, text)                                                                  \
	{                                                                                          \
		name, 0, OPTION_NUMBER, "N", text, offsetof(struct simulate_arguments, member)     \
	}

static const struct option options[] = {
	{ "folder", 'f', OPTION_TEXT, "DIR", "for profile and secret; else unstage-simulator",
		offsetof(struct simulate_arguments, folder) },
	{ "database", 'd', OPTION_TEXT, "FILE", "keep the tenant there (SQLite), or go on with it",
		offsetof(struct simulate_arguments, database) },
	{ "port", 'p', OPTION_NUMBER, "PORT", "any free one unless said",
		offsetof(struct simulate_arguments, port) },
	{ "origin", 0, OPTION_TEXT, "URL", "where clients reach it, when behind a server",
		offsetof(struct simulate_arguments, origin) },
	{ "users", 0, OPTION_NUMBER, "N", "2000 unless said",
		offsetof(struct simulate_arguments, users) },
	{ "groups", 0, OPTION_NUMBER, "N", "200 unless said",
		offsetof(struct simulate_arguments, groups) },
	{ "contacts", 0, OPTION_NUMBER, "N", "50 unless said",
		offsetof(struct simulate_arguments, contacts) },
	{ "seed", 's', OPTION_NUMBER, "N", "the same seed is the same tenant",
		offsetof(struct simulate_arguments, seed) },
	{ "begin", 0, OPTION_TEXT, "TIME", "when its story begins, else before now",
		offsetof(struct simulate_arguments, begin) },
	{ "quota", 0, OPTION_TEXT, "MODEL", "off, window (unless said) or bucket",
		offsetof(struct simulate_arguments, quota) },
	FAULT("units", units, "resource units in 10 s; else by the number of users"),
	FAULT("writes", writes, "writes in 150 s; 3000 unless said"),
	{ "retry-after", 0, OPTION_TEXT, "FORM", "its form on a 429, see below",
		offsetof(struct simulate_arguments, retry_after) },
	FAULT("latency", latency_ms, "every answer takes N ms"),
	FAULT("throttle-every", throttle_every, "each Nth request answers 429"),
	FAULT("throttle-items", throttle_items, "each Nth item of a batch answers 429"),
	FAULT("fail-every", fail_every, "each Nth read answers 503"),
	FAULT("fail-at", fail_at, "the Nth read fails"),
	FAULT("fail-count", fail_count, "and those after it, N in all"),
	FAULT("fail-status", fail_status, "with this status; 503 unless said"),
	{ "fail-code", 0, OPTION_TEXT, "CODE", "and this code",
		offsetof(struct simulate_arguments, fail_code) },
	{ "fail-body", 0, OPTION_TEXT, "FORM", "as json, other (innererror), empty or html",
		offsetof(struct simulate_arguments, fail_body) },
	{ "fail-writes", 0, OPTION_FLAG, NULL, "it is a write, and not made",
		offsetof(struct simulate_arguments, fail_writes) },
	{ "fail-made", 0, OPTION_FLAG, NULL, "with --fail-writes: it is made all the same",
		offsetof(struct simulate_arguments, fail_made) },
	{ "page-fault", 0, OPTION_TEXT, "WHAT", "a page of a list that is wrong, see below",
		offsetof(struct simulate_arguments, page_fault) },
	FAULT("page-fault-at", page_fault_at, "the Nth page; the first unless said"),
	FAULT("page-fault-count", page_fault_count, "and those after it, N in all"),
	{ "page-fault-list", 0, OPTION_TEXT, "LIST", "only of the list whose path ends so",
		offsetof(struct simulate_arguments, page_fault_list) },
	FAULT("page-fault-bytes", page_fault_bytes, "where it ends, or how large it is"),
	FAULT("drop-answer-at", drop_answer_at, "the Nth write is done and its answer lost"),
	FAULT("foreign-link-at", foreign_link_at, "the Nth nextLink names another host"),
	FAULT("refuse-token", refuse_token, "1: wrong secret, 2: unknown application"),
	FAULT("page-max", page_max, "pages of at most N"),
	FAULT("delta-page", delta_page, "objects on a page of delta; 200 unless said"),
	FAULT("delta-members", delta_members, "members on one; 1000 unless said"),
	FAULT("delta-empty-every", delta_empty_every, "each Nth page of delta is empty; from 2"),
	FAULT("delta-replay-every", delta_replay_every, "each Nth tells some of it again"),
	FAULT("delta-lost-at", delta_lost_at, "the Nth delta token is lost: 410"),
	FAULT("lag", lag_ms, "reads show writes N ms later"),
	FAULT("clock-ahead", clock_ahead_s, "the sign-in service's clock is N s ahead"),
	{ "certificate", 0, OPTION_TEXT, "FILE",
		"register this certificate (PEM) on the application",
		offsetof(struct simulate_arguments, certificate) },
	{ "federated", 0, OPTION_TEXT, "FILE", "trust tokens that this public key (PEM) verifies",
		offsetof(struct simulate_arguments, federated) },
	{ "deny", 0, OPTION_TEXT, "PERMISSION", "a permission that nobody consented to",
		offsetof(struct simulate_arguments, deny) },
	{ "grant", 0, OPTION_TEXT, "PERMISSION", "one besides those that it has",
		offsetof(struct simulate_arguments, grant) },
	{ 0 },
};

const struct command command_simulate = {
	.name = "simulate",
	.details =
		"Prints the export line for your shell and serves on 127.0.0.1. While it runs,\n"
		"type day, incident, directory, morning, wait MINUTES, ldif FILE, cycle, adsync\n"
		"FILE, exchange FILE, import SERVER, export SERVER, synchronise SERVER, files\n"
		"DIR, prove, or quit.\n\n"
		"files writes what an administrator collects on SYNC01 and SYNC02: csexport of\n"
		"both connectors, run history and steps, configuration. Behind DIR: utf16 (with\n"
		"a byte order mark), iso (dates in JSON), nested (steps in the history), died\n"
		"(the export ended midway), ad (SYNC02 wrote into Active Directory, too).\n\n"
		"--page-fault makes a page html, empty, cut (before its Content-Length), short\n"
		"(with the right one), no-value, value-object, value-null, value-text, item-text,\n"
		"huge (64 MiB), empty-items (30 MB), link-self, link-back, content-type (text)\n"
		"or expired.\n\n"
		"The folder's identity.env holds what App Service would set for a managed\n"
		"identity. --federated trusts RS256 tokens of the issuer\n"
		"https://issuer.simulated/ with subject unstage and audience\n"
		"api://AzureADTokenExchange.\n",
	.options = options,
	.arguments_size = sizeof(struct simulate_arguments),
	.run = run,
};
