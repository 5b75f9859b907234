/* Connector spaces that are damaged, hostile, or made otherwise than evidence needs. */
#include "space_testing.h"

static void assert_refused(struct trial *trial, struct span text, const char *wanted)
{
	trial->err = (struct error){ 0 };
	assert_true(file_save(trial->file, text, &trial->err));
	assert_false(trial_run(trial));
	assert_int_equal(trial->err.kind, ERROR_FORMAT);
	if (!strstr(trial->err.text, wanted))
		fail_msg("\"%s\" lacks \"%s\"", trial->err.text, wanted);
}

static void a_file_made_with_a_filter_is_recognised_and_explained(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	static const char pending[] = SPACE_BEGIN OBJECT(MARA_DN, "user",
		DELTA("unapplied-export", "update", MARA_ANCHOR WRITTEN("city", "Old"))) SPACE_END;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	assert_refused(&trial, span_of(pending),
		"this file was made with /f:x. It shows what was not yet exported; make an "
		"unfiltered one: csexport \"contoso.onmicrosoft.com - AAD\" FILE.xml");
	trial.err = (struct error){ 0 };
	trial.import.all_pending = true;
	assert_true(trial_run(&trial));
	assert_int_equal(trial.report->forecast, 1);
	trial.import.all_pending = false;
	assert_refused(&trial, SPAN_LITERAL("<cs-objects/>"), "no object in it");
}

static void a_file_without_state_is_recognised_and_explained(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	assert_refused(&trial,
		SPAN_LITERAL(SPACE_BEGIN "<cs-object cs-dn=\"x\" object-type=\"user\">" HOLOGRAM(
			MARA_ANCHOR) "</cs-object>" SPACE_END),
		"made with /o:");
}

static void another_connectors_space_is_refused(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_DIRECTORY);
	assert_refused(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user", HOLOGRAM("")) SPACE_END),
		"space.xml: line 3, byte ");
	assert_non_null(strstr(trial.err.text, "its role is production or staging"));
}

static size_t lines_of(const struct buf *text)
{
	size_t count = 1;

	for (size_t i = 0; i < text->length; i++)
		count += text->data[i] == '\n';
	return count;
}

/* More than is read ahead; then one that is refused, and behind it what is no XML. */
static void an_object_far_down_is_refused_with_its_place_before_what_follows(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	char wanted[64];

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	buf_add_text(&text, SPACE_BEGIN);
	for (int i = 0; i < 1000; i++)
		buf_add_text(&text, "\n" OBJECT("x", "user", HOLOGRAM(MARA_ANCHOR)));
	buf_add_text(&text, "\n");
	snprintf(wanted, sizeof(wanted), "space.xml: line %zu, byte ", lines_of(&text));
	buf_add_text(&text,
		OBJECT("y", "user",
			DELTA("unconfirmed-export", "update",
				MARA_ANCHOR WRITTEN("accountEnabled", "maybe"))) "<<<");
	assert_refused(&trial, buf_span(&text), wanted);
	assert_non_null(strstr(trial.err.text, ": y: "));
	assert_non_null(strstr(trial.err.text, "accountEnabled: a value that is no boolean"));
}

static void objects_larger_than_what_is_read_ahead_are_taken(void **state)
{
	enum { SMALL = 300, EACH = 100, LARGE_BYTES = 4 << 20 };
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	CLEANUP(memory_freep) char *large = memory_new(LARGE_BYTES + 1);

	(void)state;
	memset(large, 'x', LARGE_BYTES);
	trial_init(&trial, SPACE_STAGING);
	buf_add_text(&text, SPACE_BEGIN);
	for (int i = 0; i < SMALL; i++) {
		if (i % EACH == 0)
			buf_addf(&text,
				OBJECT("z", "user",
					HOLOGRAM(MARA_ANCHOR
						"<attr name='city'><value>%s</value></attr>")),
				large);
		buf_add_text(&text, OBJECT("x", "user", HOLOGRAM(MARA_ANCHOR)));
	}
	buf_add_text(&text, SPACE_END);
	trial_run_text(&trial, buf_span(&text));
	assert_int_equal(trial.report->objects, SMALL + SMALL / EACH);
}

static void what_is_not_as_it_should_be_is_refused_with_its_place(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "<other/>", "begins no connector space" },
		{ "<cs-objects><cs-object/></cs-objects>", "without cs-dn" },
		{ SPACE_BEGIN OBJECT("x", "user", HOLOGRAM(GROUP_ANCHOR)) SPACE_END,
			"a user with the anchor of a Group" },
		{ SPACE_BEGIN OBJECT("x", "user", HOLOGRAM(ANCHOR("!"))) SPACE_END, "no base64" },
		{ SPACE_BEGIN OBJECT("x", "user", DELTA("unconfirmed-export", "invent", ""))
				SPACE_END,
			"operation \"invent\" is unknown" },
		{ SPACE_BEGIN OBJECT("x", "user", HOLOGRAM("") HOLOGRAM("")) SPACE_END,
			"a second" },
		{ SPACE_BEGIN OBJECT("x", "user",
			  DELTA("unconfirmed-export", "update",
				  MARA_ANCHOR WRITTEN("accountEnabled", "maybe"))) SPACE_END,
			"accountEnabled: a value that is no boolean" },
		{ SPACE_BEGIN OBJECT("x", "user",
			  "<last-import-delta-time>soon</last-import-delta-time>") SPACE_END,
			"is no time" },
	};

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_refused(&trial, span_of(cases[i].text), cases[i].wanted);
		assert_non_null(strstr(trial.err.text, "space.xml: line "));
	}
}

static void the_sample_cut_off_anywhere_is_refused(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	assert_true(file_load(SAMPLE, TEXT_MAX, &text, &trial.err));
	for (size_t length = 0; length < text.length - 1; length++)
		assert_refused(&trial, (struct span){ text.data, length }, "space.xml: line ");
}

/* Damage inside a value can't be seen in XML; all else is an error with its place, and nothing crashes. */
static void the_sample_with_any_byte_flipped_is_refused_or_another_space(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	size_t refused = 0;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	assert_true(file_load(SAMPLE, TEXT_MAX, &text, &trial.err));
	for (size_t i = 0; i < text.length; i++) {
		trial.err = (struct error){ 0 };
		text.data[i] = (char)(text.data[i] ^ (1 << i % 8));
		assert_true(file_save(trial.file, buf_span(&text), &trial.err));
		if (!trial_run(&trial)) {
			refused++;
			assert_int_equal(trial.err.kind, ERROR_FORMAT);
			assert_non_null(strstr(trial.err.text, "space.xml: "));
		}
		text.data[i] = (char)(text.data[i] ^ (1 << i % 8));
	}
	assert_true(refused > text.length / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_made_with_a_filter_is_recognised_and_explained),
		cmocka_unit_test(a_file_without_state_is_recognised_and_explained),
		cmocka_unit_test(another_connectors_space_is_refused),
		cmocka_unit_test(an_object_far_down_is_refused_with_its_place_before_what_follows),
		cmocka_unit_test(objects_larger_than_what_is_read_ahead_are_taken),
		cmocka_unit_test(what_is_not_as_it_should_be_is_refused_with_its_place),
		cmocka_unit_test(the_sample_cut_off_anywhere_is_refused),
		cmocka_unit_test(the_sample_with_any_byte_flipped_is_refused_or_another_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
