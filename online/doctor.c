/*
 * unstage doctor: can these credentials do the job? One question that can't be answered never
 * keeps the others from being asked; what needs no tenant is told even when nobody can sign in.
 */
#include "online/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

struct doctor_arguments {
	struct common common;
	bool apply;
};

enum { CHECK_TEXT_MAX = 8 << 10 };

/* ---- rows ----------------------------------------------------------------------------- */

static PRINTF_LIKE(2, 0) void set_text(struct check *check, const char *format, va_list arguments)
{
	struct buf printable = BUF_UP_TO(CHECK_TEXT_MAX);
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	text_printable(&printable, span_of(text ? text : ""));
	free(text);
	memory_free(check->text);
	check->text = buf_detach(&printable);
}

void check_set(struct check *check, enum mark mark, const char *format, ...)
{
	va_list arguments;

	check->mark = mark;
	va_start(arguments, format);
	set_text(check, format, arguments);
	va_end(arguments);
}

struct check *doctor_add(struct doctor *doctor, enum section section, const char *name,
	enum mark mark, const char *format, ...)
{
	struct check *check;
	va_list arguments;

	MEMORY_GROW(doctor->checks, doctor->count, doctor->capacity);
	check = &doctor->checks[doctor->count++];
	*check = (struct check){ .section = section, .name = name, .mark = mark };
	va_start(arguments, format);
	set_text(check, format, arguments);
	va_end(arguments);
	return check;
}

void doctor_release(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++)
		memory_free(doctor->checks[i].text);
	for (size_t i = 0; i < doctor->identity_count; i++)
		memory_free(doctor->identities[i].name);
	memory_free(doctor->checks);
	memory_free(doctor->identities);
	memory_free(doctor->address);
	memory_free(doctor->permissions);
	session_close(doctor->session);
	profile_free(doctor->profile);
}

/* ---- the examination ------------------------------------------------------------------ */

static bool load_profile(struct doctor *doctor)
{
	doctor->profile = profile_load(doctor->profile_name, &doctor->trouble);
	if (doctor->profile)
		return true;
	doctor_add(
		doctor, SECTION_MACHINE, "configuration", MARK_MISSING, "%s", doctor->trouble.text)
		->needed = true;
	return false;
}

static bool open_session(struct doctor *doctor)
{
	doctor->session = session_open(doctor->profile_name, &doctor->trouble);
	if (doctor->session)
		return true;
	doctor_add(doctor, SECTION_SIGN_IN, "credential", MARK_MISSING,
		"can't serve: the last line says why")
		->needed = true;
	return false;
}

static void examine(struct doctor *doctor)
{
	if (!load_profile(doctor))
		return;
	doctor_look_at_machine(doctor);
	if (!open_session(doctor))
		return;
	doctor_sign_in(doctor);
	if (doctor->trouble.kind != ERROR_NONE)
		return;
	doctor->now_ms = time_now_ms();
	doctor_ask_all(doctor);
	doctor_look_at_clock(doctor);
	doctor_look_at_audits(doctor);
}

/* ---- the verdict ---------------------------------------------------------------------- */

struct verdict_counts {
	size_t missing, unknown;
	size_t read, denied;         /* of the questions that must be answered */
	const struct check *unclear; /* the first that could not be found out */
};

static struct verdict_counts count_rows(const struct doctor *doctor)
{
	struct verdict_counts counts = { 0 };

	for (size_t i = 0; i < doctor->count; i++) {
		const struct check *check = &doctor->checks[i];

		if (!check->needed)
			continue;
		counts.missing += check->mark == MARK_MISSING;
		counts.unknown += check->mark == MARK_UNKNOWN;
		counts.denied += check->status == 403;
		counts.read += check->status / 100 == 2;
		if (check->mark == MARK_UNKNOWN && !counts.unclear)
			counts.unclear = check;
	}
	return counts;
}

bool doctor_is_complete(const struct doctor *doctor)
{
	struct verdict_counts counts = count_rows(doctor);

	return doctor->trouble.kind == ERROR_NONE && !counts.missing && !counts.unknown;
}

/* What apply would lack. That it can't be told is said on the screen, and is no failure. */
static bool lacks_for_apply(const struct doctor *doctor)
{
	for (enum grant_id id = GRANT_NONE + 1; id < GRANT_COUNT; id++)
		if (grant_of(id)->to_apply && grant_mark(doctor, id) == MARK_MISSING)
			return true;
	return false;
}

static int verdict(const struct doctor *doctor, bool apply, struct error *err)
{
	struct verdict_counts counts = count_rows(doctor);

	if (doctor->trouble.kind != ERROR_NONE) {
		*err = doctor->trouble;
		return -1;
	}
	if (interrupted()) {
		error_set(err, ERROR_NETWORK, "interrupted before everything was asked");
		return -1;
	}
	if (counts.denied && !counts.read) {
		error_set(err, ERROR_DENIED,
			"nothing may be read: grant the permissions, or consent to them, and run "
			"it again");
		return -1;
	}
	if (counts.missing || (apply && lacks_for_apply(doctor)))
		return 1;
	if (!counts.unclear)
		return 0;
	error_set(err, counts.unclear->kind != ERROR_NONE ? counts.unclear->kind : ERROR_NETWORK,
		"%zu of what is needed could not be found out, first: %s: %s", counts.unknown,
		counts.unclear->name, counts.unclear->text);
	return -1;
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct doctor_arguments *given = arguments;
	CLEANUP(doctor_release) struct doctor doctor = { .profile_name = given->common.profile };
	CLEANUP(screen_release) struct screen screen;

	(void)operands;
	(void)operand_count;
	examine(&doctor);
	talk_end();
	screen_init(&screen, &given->common);
	if (given->common.json)
		doctor_add_json(&screen, &doctor);
	else
		doctor_add_screen(&screen, &doctor);
	if (!screen_give(&screen, &given->common, err))
		return -1;
	return verdict(&doctor, given->apply, err);
}

static const struct option options[] = {
	{ "apply", 'a', OPTION_FLAG, NULL, "they are to apply, too, and not only to look",
		offsetof(struct doctor_arguments, apply) },
	OPTION_OUTPUT(struct doctor_arguments),
	OPTIONS_COMMON(struct doctor_arguments),
	{ 0 },
};

const struct command command_doctor = {
	.name = "doctor",
	.details = "Looks at the configuration, signs in, and puts harmless questions to Graph:\n"
		   "nothing is written anywhere. Exit status 0 when all that is needed is there,\n"
		   "1 when something is missing, else the kind of trouble that kept it from being\n"
		   "found out. What the application may write can't be tried; where the token can\n"
		   "be read, it is told what the token says.\n",
	.options = options,
	.arguments_size = sizeof(struct doctor_arguments),
	.run = run,
};
