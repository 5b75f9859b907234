/* Who we are: the credential, its token, what that says about itself, and whose clock is right. */
#include "online/doctor.h"

enum { CLOCK_SLACK_MS = 5 * 60 * 1000 }; /* apply refuses more [T12] */

void doctor_sign_in(struct doctor *doctor)
{
	struct auth *auth = doctor->session->auth;
	int64_t ends_ms = auth_credential_ends_ms(auth), left_ms;
	char text[TIME_TEXT_BYTES];
	struct check *check;

	if (ends_ms == TIME_NONE)
		doctor_add(doctor, SECTION_SIGN_IN, "credential", MARK_OK, "%s",
			auth_credential_name(auth));
	else
		doctor_add(doctor, SECTION_SIGN_IN, "credential", MARK_OK, "%s, ends %s UTC",
			auth_credential_name(auth), screen_time(ends_ms, text));
	check = doctor_add(doctor, SECTION_SIGN_IN, "token", MARK_OK, "given");
	check->needed = true;
	if (!auth_token(auth, false, &doctor->trouble)) {
		/* What was said goes to stderr, whole. */
		check_set(check,
			doctor->trouble.kind == ERROR_NETWORK ? MARK_UNKNOWN : MARK_MISSING,
			"none came: the last line says why");
		return;
	}
	left_ms = auth_token_left_ms(auth);
	if (left_ms != TIME_NONE)
		check_set(check, MARK_OK, "given, good for %lld minutes",
			(long long)(left_ms / 60000));
	doctor->permissions = auth_token_permissions(auth);
	if (!doctor->permissions)
		doctor_add(doctor, SECTION_SIGN_IN, "the token says", MARK_NOTE,
			"nothing that can be read: what it may write is not known");
	else
		doctor_add(doctor, SECTION_SIGN_IN, "the token says", MARK_NOTE, "%s",
			*doctor->permissions ? doctor->permissions : "no permission at all");
}

static void look_at_one_clock(
	struct doctor *doctor, const char *name, bool known, int64_t ahead_ms, bool needed)
{
	struct check *check = doctor_add(
		doctor, SECTION_SIGN_IN, name, MARK_UNKNOWN, "the service did not say");
	long long seconds = (long long)(ahead_ms / 1000);

	check->needed = needed;
	check->kind = ERROR_NETWORK;
	if (!known)
		return;
	check->kind = ERROR_NONE;
	if (ahead_ms <= CLOCK_SLACK_MS && ahead_ms >= -CLOCK_SLACK_MS)
		check_set(check, MARK_OK, "this machine's clock is %lld s %s",
			seconds < 0 ? -seconds : seconds, seconds < 0 ? "behind" : "ahead");
	else
		check_set(check, MARK_MISSING,
			"this machine's clock is %lld s %s: apply refuses, set it right",
			seconds < 0 ? -seconds : seconds, seconds < 0 ? "behind" : "ahead");
}

/* Graph's decides, because apply compares with it [T12]; Entra judges assertions by its own. */
void doctor_look_at_clock(struct doctor *doctor)
{
	int64_t service_ms = graph_service_time_ms(doctor->session->graph), ahead_ms = 0;
	bool known = service_ms != TIME_NONE;

	look_at_one_clock(
		doctor, "clock, beside Graph", known, known ? time_now_ms() - service_ms : 0, true);
	known = auth_clock_skew_ms(doctor->session->auth, &ahead_ms);
	if (known)
		look_at_one_clock(doctor, "clock, beside Entra", known, ahead_ms, false);
}
