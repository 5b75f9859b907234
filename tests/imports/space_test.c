/* Connector spaces: what a staging server's file proves, and what a production server's does. */
#include "space_testing.h"

static void load_sample(struct buf *text)
{
	struct error err = { 0 };

	assert_true(file_load(SAMPLE, TEXT_MAX, text, &err));
}

/* ---- the sample --------------------------------------------------------------------- */

static void the_sample_gives_what_was_sent_and_what_would_be_sent(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial.import.path = SAMPLE;
	if (!trial_run(&trial))
		fail_msg("%s", trial.err.text);
	assert_facts(&trial, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_gives_what_was_sent_and_what_would_be_sent),
	};

	(void)load_sample;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
