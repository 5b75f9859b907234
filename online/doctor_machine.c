/*
 * What can be looked at without asking anybody: the configuration, the files that hold secrets
 * [T21], the public key, and the folder where apply keeps its journals and its lock [T10, T38].
 * Nothing is left behind.
 */
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "online/doctor.h"

/* A journal of a large plan, its receipt and a snapshot beside them. */
static const uint64_t free_least = UINT64_C(64) << 20;

/* ---- secrets --------------------------------------------------------------------------- */

/* Not a path: standard input, or what systemd hands over. */
static bool is_elsewhere(const char *path)
{
	return strcmp(path, "-") == 0 || strncmp(path, "credential:", strlen("credential:")) == 0;
}

static void look_at_secret(struct doctor *doctor, const char *name, const char *path, bool links)
{
	struct check *check;
	struct stat facts;

	if (!path || is_elsewhere(path))
		return;
	check = doctor_add(doctor, SECTION_MACHINE, name, MARK_OK, "%s: ours alone", path);
	check->needed = true;
	if ((links ? stat(path, &facts) : lstat(path, &facts)) < 0 || access(path, R_OK) < 0)
		check_set(check, MARK_MISSING, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(facts.st_mode))
		check_set(check, MARK_MISSING, "%s: a link, or no file; it is not read", path);
	else if (links)
		check_set(check, MARK_OK, "%s: can be read", path);
	else if (facts.st_uid != geteuid())
		check_set(check, MARK_MISSING, "%s: belongs to another user", path);
	else if (facts.st_mode & 077)
		check_set(check, MARK_MISSING, "%s: others may read it (mode %03o): chmod 600",
			path, facts.st_mode & 0777);
}

static void look_at_secrets(struct doctor *doctor)
{
	const struct profile *profile = doctor->profile;

	look_at_secret(doctor, "client secret", profile->client_secret_file, false);
	look_at_secret(doctor, "certificate", profile->certificate_file, false);
	look_at_secret(doctor, "certificate password", profile->certificate_password_file, false);
	look_at_secret(doctor, "federated token", profile->federated_token_file, true);
	look_at_secret(doctor, "access token", profile->access_token_file, false);
}

static void look_at_key(struct doctor *doctor)
{
	const char *path = doctor->profile->key;
	struct error err = { 0 };
	char key_id[KEY_ID_BYTES];

	if (!path) {
		doctor_add(doctor, SECTION_MACHINE, "public key", MARK_NOTE,
			"none in the profile: verify, apply and status want --key");
		return;
	}
	if (access(path, F_OK) < 0 && errno == ENOENT)
		doctor_add(doctor, SECTION_MACHINE, "public key", MARK_NOTE,
			"%s: not there yet; unstage keygen makes it", path);
	else if (key_read_public(path, key_id, &err))
		doctor_add(
			doctor, SECTION_MACHINE, "public key", MARK_OK, "%s: key %s", path, key_id);
	else
		doctor_add(doctor, SECTION_MACHINE, "public key", MARK_MISSING, "%s", err.text)
			->needed = true;
}

/* ---- the state folder --------------------------------------------------------------------- */

static void look_at_lock(struct doctor *doctor, const char *folder)
{
	CLEANUP(memory_freep) char *path = file_path(folder, "doctor.lock");
	struct error err = { 0 };
	int descriptor = file_lock(path, "unstage doctor", &err);

	if (descriptor < 0) {
		doctor_add(doctor, SECTION_MACHINE, "lock", MARK_MISSING, "%s", err.text)
			->needed = true;
		return;
	}
	unlink(path);
	close(descriptor);
	doctor_add(doctor, SECTION_MACHINE, "lock", MARK_OK, "can be taken");
}

static void look_at_space(struct doctor *doctor, const char *folder)
{
	struct statvfs facts;
	uint64_t room;
	struct check *check;

	if (statvfs(folder, &facts) < 0) {
		doctor_add(doctor, SECTION_MACHINE, "room on disk", MARK_UNKNOWN, "%s",
			strerror(errno));
		return;
	}
	room = (uint64_t)facts.f_bavail * facts.f_frsize;
	check = doctor_add(doctor, SECTION_MACHINE, "room on disk", MARK_OK, "%llu MiB",
		(unsigned long long)(room >> 20));
	check->needed = true;
	if (room < free_least)
		check_set(check, MARK_MISSING, "%llu MiB; a journal may need %llu",
			(unsigned long long)(room >> 20), (unsigned long long)(free_least >> 20));
}

/* The nearest folder above that exists; "/" does. To be freed. */
static char *existing_parent(const char *path)
{
	char *at = memory_text(path);
	struct stat facts;

	while (stat(at, &facts) < 0 && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
		char *above = memory_text(dirname(at));

		memory_free(at);
		at = above;
	}
	return at;
}

static void look_at_missing_folder(struct doctor *doctor, struct check *check, const char *path)
{
	CLEANUP(memory_freep) char *parent = existing_parent(path);

	if (access(parent, W_OK | X_OK) == 0)
		check_set(check, MARK_OK, "%s: will be made", path);
	else
		check_set(check, MARK_MISSING, "%s: can't be made in %s: %s", path, parent,
			strerror(errno));
	look_at_space(doctor, parent);
}

static void look_at_folder(struct doctor *doctor)
{
	const char *path = doctor->profile->state;
	struct stat facts;
	struct check *check = doctor_add(
		doctor, SECTION_MACHINE, "state folder", MARK_OK, "%s: ours alone", path);

	check->needed = true;
	if (stat(path, &facts) < 0) {
		look_at_missing_folder(doctor, check, path);
		return;
	}
	if (!S_ISDIR(facts.st_mode))
		check_set(check, MARK_MISSING, "%s: no folder", path);
	else if (facts.st_uid != geteuid())
		check_set(
			check, MARK_MISSING, "%s: belongs to another user; apply refuses it", path);
	else if (facts.st_mode & 022)
		check_set(check, MARK_MISSING,
			"%s: others may write to it (mode %03o), and apply refuses that: chmod 700",
			path, facts.st_mode & 0777);
	else if (access(path, W_OK | X_OK) < 0)
		check_set(check, MARK_MISSING, "%s: %s", path, strerror(errno));
	else if (facts.st_mode & 077)
		check_set(check, MARK_NOTE, "%s: others may look into it (mode %03o): chmod 700",
			path, facts.st_mode & 0777);
	if (check->mark == MARK_MISSING)
		return;
	look_at_lock(doctor, path);
	look_at_space(doctor, path);
}

void doctor_look_at_machine(struct doctor *doctor)
{
	const struct profile *profile = doctor->profile;

	doctor_add(doctor, SECTION_MACHINE, "configuration", MARK_OK, "[%s], cloud %s, %s",
		profile->name, profile->cloud, profile->graph);
	look_at_secrets(doctor);
	look_at_key(doctor);
	look_at_folder(doctor);
}
