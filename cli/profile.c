/* The configuration: an INI file, one section a tenant; the environment fills what it lacks. */
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"

enum {
	CONFIG_MAX = 1 << 20,
	CONFIG_LINE_MAX = 199 - 1, /* inih cuts longer lines without a word */
};

/* Less would take days. */
static const double QUOTA_SHARE_LEAST = 0.01;

/* A key of the file, the variable that stands in for it, and where it lands. */
static const struct profile_key {
	const char *name, *variable;
	size_t offset;
} profile_keys[] = {
	{ "tenant", "AZURE_TENANT_ID", offsetof(struct profile, tenant) },
	{ "client_id", "AZURE_CLIENT_ID", offsetof(struct profile, client_id) },
	{ "client_secret_file", NULL, offsetof(struct profile, client_secret_file) },
	{ "certificate_file", NULL, offsetof(struct profile, certificate_file) },
	{ "certificate_password_file", NULL, offsetof(struct profile, certificate_password_file) },
	{ "assertion", NULL, offsetof(struct profile, assertion) },
	{ "send_certificate_chain", NULL, offsetof(struct profile, send_certificate_chain) },
	{ "federated_token_file", NULL, offsetof(struct profile, federated_token_file) },
	{ "managed_identity", NULL, offsetof(struct profile, managed_identity) },
	{ "access_token_file", NULL, offsetof(struct profile, access_token_file) },
	{ "cloud", NULL, offsetof(struct profile, cloud) },
	{ "graph", NULL, offsetof(struct profile, graph) },
	{ "authority", NULL, offsetof(struct profile, authority) },
	{ "proxy", NULL, offsetof(struct profile, proxy) },
	{ "ca_file", NULL, offsetof(struct profile, ca_file) },
	{ "key", NULL, offsetof(struct profile, key) },
	{ "staging", NULL, offsetof(struct profile, staging) },
	{ "production", NULL, offsetof(struct profile, production) },
	{ "marker", NULL, offsetof(struct profile, marker) },
	{ "state", NULL, offsetof(struct profile, state) },
	{ "quota_share", NULL, offsetof(struct profile, quota_share) },
	{ "owners_every", NULL, offsetof(struct profile, owners_every) },
	{ "run_limit", NULL, offsetof(struct profile, run_limit) },
};

static char **profile_place(struct profile *profile, const struct profile_key *key)
{
	return (char **)(void *)((char *)profile + key->offset);
}

struct reading {
	const char *wanted; /* NULL: the only section there is */
	struct profile *profile;
	bool found, several;
	bool seen[COUNT_OF(profile_keys)];
	struct error *err;
};

static int note_key(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	struct profile *profile = reading->profile;

	if (reading->wanted && strcmp(section, reading->wanted) != 0)
		return 1;
	if (!reading->wanted && profile->name && strcmp(profile->name, section) != 0) {
		reading->several = true;
		return 1;
	}
	reading->found = true;
	if (!profile->name)
		profile->name = memory_text(section);
	for (size_t i = 0; i < COUNT_OF(profile_keys); i++) {
		char **place = profile_place(profile, &profile_keys[i]);

		if (strcmp(profile_keys[i].name, name) != 0)
			continue;
		/* Also how inih gives a value that goes on in the next line. */
		if (reading->seen[i]) {
			error_set(reading->err, ERROR_USAGE, "[%s] has the key '%s' twice", section,
				name);
			return 0;
		}
		reading->seen[i] = true;
		*place = memory_text(value);
		return 1;
	}
	error_set(reading->err, ERROR_USAGE, "[%s] has a key '%s' that means nothing here", section,
		name);
	return 0;
}

static bool check_lines(const char *path, struct span text, struct error *err)
{
	size_t line = 1, length = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '\n') {
			line++;
			length = 0;
		} else if (++length > CONFIG_LINE_MAX) {
			return error_set(err, ERROR_USAGE, "%s:%zu: a line of more than %d bytes",
				path, line, CONFIG_LINE_MAX);
		} else if (text.data[i] == '\0') {
			return error_set(err, ERROR_USAGE, "%s:%zu: a NUL byte", path, line);
		}
	}
	return true;
}

/* The configuration's path, and whether somebody named it. */
static char *config_path(bool *named)
{
	const char *path = getenv("UNSTAGE_CONFIG"), *folder = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	CLEANUP(memory_freep) char *own = NULL;

	*named = path && *path;
	if (*named)
		return memory_text(path);
	if (folder && *folder)
		return file_path(folder, "unstage/config");
	own = file_path(home ? home : "", ".config");
	return file_path(own, "unstage/config");
}

static bool read_config(
	const char *path, const char *wanted, struct profile *profile, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(CONFIG_MAX);
	struct reading reading = { .wanted = wanted, .profile = profile, .err = err };
	int line;

	if (!file_load(path, CONFIG_MAX, &text, err) || !check_lines(path, buf_span(&text), err))
		return false;
	line = ini_parse_string(buf_text(&text), note_key, &reading);
	if (line != 0 && err->kind != ERROR_NONE)
		return error_prefix(err, "%s:%d", path, line);
	if (line != 0)
		return error_set(
			err, ERROR_USAGE, "%s:%d: neither a [section] nor key = value", path, line);
	if (reading.several)
		return error_set(err, ERROR_USAGE,
			"%s has several sections; say which tenant with --profile NAME", path);
	if (wanted && !reading.found)
		return error_set(err, ERROR_USAGE, "%s has no section [%s]", path, wanted);
	return true;
}

static void fill_from_environment(struct profile *profile)
{
	for (size_t i = 0; i < COUNT_OF(profile_keys); i++) {
		char **place = profile_place(profile, &profile_keys[i]);
		const char *value = profile_keys[i].variable ? getenv(profile_keys[i].variable)
							     : NULL;

		if (!*place && value && *value)
			*place = memory_text(value);
	}
}

/* An authority of the cloud table, from the variable the Azure SDKs know [T20]. */
static bool authority_from_environment(
	struct profile *profile, const struct cloud *cloud, struct error *err)
{
	const char *host = getenv("AZURE_AUTHORITY_HOST");
	size_t length, count, skip;
	const struct cloud *table = cloud_table(&count);

	if (profile->authority || !host || !*host)
		return true;
	skip = strncmp(host, "https://", 8) == 0 ? 8 : 0;
	length = strcspn(host + skip, "/");
	for (size_t i = 0; i < count; i++) {
		const char *known[] = { table[i].authority, table[i].authority_too };

		for (size_t k = 0; k < COUNT_OF(known); k++) {
			if (!known[k] || strlen(known[k] + 8) != length ||
				strncmp(known[k] + 8, host + skip, length) != 0)
				continue;
			profile->authority = memory_text(known[k]);
			return true;
		}
	}
	return error_set(err, ERROR_USAGE,
		"AZURE_AUTHORITY_HOST names '%s', which is no sign-in host of a Microsoft cloud; for cloud %s "
		"it is %s",
		host, cloud->name, cloud->authority);
}

bool profile_limits(
	const struct profile *profile, double *share, int64_t *run_ms, struct error *err)
{
	const char *text = profile->quota_share;
	char *end;

	*share = 0;
	*run_ms = 0;
	if (text) {
		*share = strtod(text, &end);
		if (*end || !(*share >= QUOTA_SHARE_LEAST && *share <= 1))
			return error_set(err, ERROR_USAGE,
				"[%s] quota_share = %s: a number from %.2f to 1 belongs there",
				profile->name, text, QUOTA_SHARE_LEAST);
	}
	return !profile->run_limit || duration_parse(profile->run_limit, run_ms, err) ||
		error_prefix(err, "[%s] run_limit", profile->name);
}

static bool complete(struct profile *profile, struct error *err)
{
	const struct cloud *cloud;

	fill_from_environment(profile);
	if (!profile->cloud)
		profile->cloud = memory_text("global");
	cloud = cloud_find(profile->cloud);
	if (!cloud)
		return error_set(err, ERROR_USAGE,
			"there is no cloud '%s'; known are global, usgov, dod and china",
			profile->cloud);
	if (!authority_from_environment(profile, cloud, err))
		return false;
	if (!profile->authority)
		profile->authority = memory_text(cloud->authority);
	if (!profile->graph)
		profile->graph = memory_text(cloud->graph);
	if (!profile->name)
		profile->name = memory_text("default");
	if (!profile->state) {
		const char *folder = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
		CLEANUP(memory_freep)
		char *own = file_path(home ? home : "", ".local/state");
		CLEANUP(memory_freep)
		char *ours = file_path(folder && *folder ? folder : own, "unstage");

		profile->state = file_path(ours, profile->name);
	}
	return true;
}

struct profile *profile_load(const char *name, struct error *err)
{
	CLEANUP(profile_freep) struct profile *profile = memory_new(sizeof(*profile));
	bool named;
	CLEANUP(memory_freep) char *path = config_path(&named);
	/* One that is there and can't be read is an error, and not the same as none. */
	bool there = access(path, F_OK) == 0;

	if ((there || named || name) && !read_config(path, name, profile, err))
		return NULL;
	if (!complete(profile, err))
		return NULL;
	return TAKE(profile);
}

bool profile_load_if_any(struct profile **profile, const char *name, struct error *err)
{
	struct error none = { 0 };

	*profile = profile_load(name, name ? err : &none);
	return *profile || !name;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < COUNT_OF(profile_keys); i++)
		memory_free(*profile_place(profile, &profile_keys[i]));
	memory_free(profile->name);
	memory_free(profile);
}
