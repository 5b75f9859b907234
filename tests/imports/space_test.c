/* Connector spaces: what a staging server's file proves, and what a production server's does. */
#include "space_testing.h"

static const char sample_facts[] =
	"{\"attribute\":\"members\",\"id\":\"" GROUP "\",\"kind\":\"group\",\"old\":\"" MARA
	"\",\"operation\":\"remove\",\"source\":\"forecast\"\n"
	"{\"attribute\":\"accountEnabled\",\"id\":\"" MARA
	"\",\"kind\":\"user\",\"new\":false,\"old\":true,\"operation\":\"set\",\"source\":\"staging-space\"\n"
	"{\"attribute\":\"faxNumber\",\"id\":\"" MARA
	"\",\"kind\":\"user\",\"new\":null,\"old\":\"+46 8 555 01 77\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
	"{\"attribute\":\"mail\",\"id\":\"" MARA
	"\",\"kind\":\"user\",\"new\":\"mara.lind@old.contoso.com\",\"old\":\"mara.lind@contoso.com\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
	"{\"attribute\":\"proxyAddresses\",\"id\":\"" MARA
	"\",\"kind\":\"user\",\"new\":[\"SMTP:mara.lind@old.contoso.com\",\"smtp:m.lind@contoso.com\"],\"old\":[\"SMTP:mara.lind@contoso.com\",\"smtp:m.lind@contoso.com\"],\"operation\":\"set\",\"source\":\"staging-space\"\n"
	"{\"attribute\":\"userPrincipalName\",\"id\":\"" MARA
	"\",\"kind\":\"user\",\"new\":\"mara.lind@old.contoso.com\",\"old\":\"mara.lind@contoso.com\",\"operation\":\"set\",\"source\":\"staging-space\"\n";

/* ---- the sample of facts 3.8 ---------------------------------------------------------- */

static void the_sample_gives_what_was_sent_and_what_would_be_sent(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial.import.path = SAMPLE;
	if (!trial_run(&trial))
		fail_msg("%s", trial.err.text);
	assert_facts(&trial, sample_facts);
	assert_int_equal(trial.report->objects, 3);
	assert_int_equal(trial.report->exported, 2);
	assert_int_equal(trial.report->pending, 1);
	assert_string_equal(trial.report->connector, "contoso.onmicrosoft.com - AAD");
	/* The contact has no anchor, no hologram, and nobody else knows its DN. */
	assert_int_equal(trial.report->noted[SPACE_NO_ID], 1);
	assert_string_equal(
		trial.report->notes[0].dn, "CN={45473076364578364F55756C30704841506C39375A413D3D}");
}

static void utf_16_says_the_same(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf wide = BUF_UP_TO(TEXT_MAX);

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	assert_true(file_load(SAMPLE, TEXT_MAX, &text, &trial.err));
	buf_add(&wide, "\xff\xfe", 2);
	for (size_t i = 0; i < text.length; i++)
		buf_add(&wide, (char[]){ text.data[i], 0 }, 2);
	trial_run_text(&trial, buf_span(&wide));
	assert_facts(&trial, sample_facts);
}

static void the_production_servers_file_names_what_the_staging_servers_cannot(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_PRODUCTION);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(
			"CN={45473076364578364F55756C30704841506C39375A413D3D}", "contact",
			HOLOGRAM(ANCHOR("WgAAAEMAbwBuAHQAYQBjAHQAXwAwAGMANQBkAGUAOQBiADEALQA2ADMAZg"
					"A0AC0ANABhADIANwAtADkAZAAxADgALQBlADQANwBiADAAMgBhADYAYwA5"
					"AGYAMQAAAA==") TEXT("displayName", "Contact")))
				SPACE_END));
	trial.import.role = SPACE_STAGING;
	trial.import.path = SAMPLE;
	if (!trial_run(&trial))
		fail_msg("%s", trial.err.text);
	assert_int_equal(trial.report->noted[SPACE_NO_ID], 0);
	assert_int_equal(trial.report->facts, 6);
}

/* ---- values --------------------------------------------------------------------------- */

static void values_become_what_graph_shows(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			DELTA("unconfirmed-export", "update",
				MARA_ANCHOR WRITTEN("telephoneNumber", "+1") WRITTEN("sn",
					"L&amp;&quot;") "<attr name=\"onPremiseSecurityIdentifier\" operation=\"replace\" type=\"binary\" multivalued=\"false\"><value encoding=\"base64\">AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA6AMAAA==</value></attr>"
							"<attr name=\"extensionAttribute1\" operation=\"replace\" type=\"integer\" multivalued=\"false\"><value>0x1f4</value></attr>"
							"<attr name=\"msExchFoo\" operation=\"add\" type=\"string\" multivalued=\"false\"><value>x</value></attr>"))
				OBJECT("CN={41}", "user", HOLOGRAM("")) SPACE_END));
	assert_facts(&trial,
		"{\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"x\",\"operation\":\"set\",\"recorded\":\"msExchFoo\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"businessPhones\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":[\"+1\"],\"operation\":\"set\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"onPremisesExtensionAttributes/extensionAttribute1\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"500\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"onPremisesSecurityIdentifier\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"S-1-5-21-1-2-3-1000\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"surname\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"L&\\\"\",\"operation\":\"set\",\"source\":\"staging-space\"\n");
	assert_int_equal(trial.report->noted[SPACE_OTHER_NAME], 1);
}

static void an_import_not_yet_synchronised_makes_the_value_below_unknown(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			DELTA("unconfirmed-export", "update",
				WRITTEN("city", "Old") WRITTEN("title", "Old"))
				DELTA("pending-import", "update", WRITTEN("city", "Other"))
					HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin")
							TEXT("title", "Boss"))) SPACE_END));
	assert_facts(&trial,
		"{\"attribute\":\"city\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Old\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"jobTitle\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Old\",\"old\":\"Boss\",\"operation\":\"set\",\"source\":\"staging-space\"\n");
}

static void created_and_deleted_objects_are_facts(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			DELTA("unconfirmed-export", "add",
				MARA_ANCHOR
				"<attr name=\"city\" type=\"string\" multivalued=\"false\"><value>Rome</value></attr>"))
				OBJECT("CN={42}", "group",
					DELTA("escrowed-export", "delete", "")
						HOLOGRAM(GROUP_ANCHOR)) SPACE_END));
	assert_facts(&trial,
		"{\"id\":\"" GROUP
		"\",\"kind\":\"group\",\"operation\":\"delete\",\"source\":\"staging-escrow\"\n"
		"{\"id\":\"" MARA
		"\",\"kind\":\"user\",\"operation\":\"create\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"city\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Rome\",\"old\":null,\"operation\":\"set\",\"source\":\"staging-space\"\n");
}

/* ---- references ------------------------------------------------------------------------ */

#define MEMBER_OF_LATER                                                                                                               \
	OBJECT("CN={43}", "group",                                                                                                    \
		DELTA("unconfirmed-export", "update",                                                                                 \
			GROUP_ANCHOR                                                                                                  \
			"<dn-attr name=\"member\" operation=\"update\" multivalued=\"true\"><dn-value operation=\"add\"><dn>" MARA_DN \
			"</dn></dn-value></dn-attr>"))

static void a_reference_without_anchor_is_understood_when_its_object_comes_later(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN MEMBER_OF_LATER OBJECT(
			MARA_DN, "user", HOLOGRAM(MARA_ANCHOR)) SPACE_END));
	assert_facts(&trial,
		"{\"attribute\":\"members\",\"id\":\"" GROUP "\",\"kind\":\"group\",\"new\":\"" MARA
		"\",\"operation\":\"add\",\"source\":\"staging-space\"\n");
}

static void a_reference_that_nobody_knows_is_counted_and_listed(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial, SPAN_LITERAL(SPACE_BEGIN MEMBER_OF_LATER SPACE_END));
	assert_facts(&trial, "");
	assert_int_equal(trial.report->noted[SPACE_NO_REFERENCE], 1);
	assert_string_equal(trial.report->notes[0].detail, MARA_DN);
}

/* ---- a live snapshot ------------------------------------------------------------------- */

#define CONTACT_1 "00000000-0000-4000-8000-000000000001"
#define CONTACT_2 "00000000-0000-4000-8000-000000000002"

static void open_live(struct trial *trial, const char *lines)
{
	CLEANUP(buf_release) struct buf none = BUF_UP_TO(TEXT_MAX);

	trial_want_base(trial);
	trial->import.base = NULL;
	for (const char *end; *lines; lines = end + 1) {
		end = strchr(lines, '\n');
		assert_true(snapshot_writer_add(trial->writer,
			(struct span){ lines, (size_t)(end - lines) + 1 }, &trial->err));
	}
	trial_lines(trial, &none);
	trial->live = snapshot_open(trial->base, &trial->err);
	assert_non_null(trial->live);
}

#define CONTACT_DELTA                                                                              \
	SPACE_BEGIN OBJECT("CN={44}", "contact",                                                   \
		DELTA("unconfirmed-export", "delete", "") HOLOGRAM(TEXT("mail", "c@contoso.com"))) \
		SPACE_END

static void a_contact_matches_by_its_address_in_the_live_snapshot(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	open_live(&trial,
		"{\"id\":\"" CONTACT_1 "\",\"kind\":\"contact\",\"mail\":\"C@contoso.com\"}\n");
	trial_run_text(&trial, SPAN_LITERAL(CONTACT_DELTA));
	assert_facts(&trial,
		"{\"id\":\"" CONTACT_1
		"\",\"kind\":\"contact\",\"operation\":\"delete\",\"source\":\"staging-space\"\n");
}

static void an_ambiguous_contact_is_listed_and_not_guessed(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	open_live(&trial,
		"{\"id\":\"" CONTACT_1 "\",\"kind\":\"contact\",\"mail\":\"c@contoso.com\"}\n"
		"{\"id\":\"" CONTACT_2
		"\",\"kind\":\"contact\",\"proxyAddresses\":[\"smtp:c@contoso.com\"]}\n");
	trial_run_text(&trial, SPAN_LITERAL(CONTACT_DELTA));
	assert_facts(&trial, "");
	assert_int_equal(trial.report->noted[SPACE_AMBIGUOUS], 1);
}

static void a_user_without_anchor_matches_by_its_source_anchor(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	open_live(&trial,
		"{\"id\":\"" MARA
		"\",\"kind\":\"user\",\"onPremisesImmutableId\":\"niocP31bYEyaHg1Lby6MEQ==\"}\n");
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(
			MARA_DN, "user", DELTA("unconfirmed-export", "delete", "")) SPACE_END));
	assert_facts(&trial,
		"{\"id\":\"" MARA
		"\",\"kind\":\"user\",\"operation\":\"delete\",\"source\":\"staging-space\"\n");
}

/* ---- production ------------------------------------------------------------------------- */

static void production_gives_a_base_in_which_the_unknowable_is_unknown(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(TEXT_MAX);
	const char *unknown;

	(void)state;
	trial_init(&trial, SPACE_PRODUCTION);
	trial_want_base(&trial);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			HOLOGRAM(MARA_ANCHOR TEXT("userPrincipalName", "m@contoso.com") TEXT("mail",
				"m@contoso.com") "<attr name=\"proxyAddresses\" type=\"string\" multivalued=\"true\"><value>smtp:x@t.onmicrosoft.com</value><value>smtp:b@contoso.com</value></attr>"))
				OBJECT("CN={45}", "user",
					HOLOGRAM(ANCHOR(
						"VAAAAFUAcwBlAHIAXwA3AGYAMwBhADEAYwA1ADIALQA4AGUAMABiAC0ANABkADkAZQAtAGIANgBhADQALQAyAGMAOQBmADEAMABkADcAZQA4ADMANgAAAA==")
							TEXT("city", "Berlin"))) OBJECT("CN={46}",
					"group",
					HOLOGRAM(GROUP_ANCHOR
						"<dn-attr name=\"member\" multivalued=\"true\"><dn-value><dn>" MARA_DN
						"</dn>" MARA_ANCHOR "</dn-value></dn-attr>"))
					SPACE_END));
	trial.import.base = NULL;
	trial_lines(&trial, &lines);
	assert_int_equal(trial.report->lines, 3);
	/* No primary address was given: mail is it. The service's own address was not taken. */
	assert_non_null(strstr(lines.data,
		"\"mail\":\"m@contoso.com\",\"onPremisesSyncEnabled\":true,\"proxyAddresses\":[\"SMTP:m@contoso.com\",\"smtp:b@contoso.com\"]"));
	assert_non_null(strstr(lines.data, "\"members\":[\"" MARA "\"],\"part\":\"members:\""));
	assert_non_null(strstr(lines.data, "\"owners\""));
	unknown = strstr(lines.data, "\"unknown\":[");
	unknown = strstr(unknown + 1, "\"id\":\"" MARA "\"");
	assert_non_null(unknown);
	*strchr(unknown, '\n') = '\0';
	/* City is flowed, as another object shows: nothing, and not unknown. Department is not. */
	assert_null(strstr(strstr(unknown, "\"unknown\""), "\"city\""));
	assert_non_null(strstr(unknown, "\"department\""));
}

static void what_was_imported_after_the_incident_is_unknown(void **state)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf lines = BUF_UP_TO(TEXT_MAX);

	(void)state;
	trial_init(&trial, SPACE_PRODUCTION);
	trial_want_base(&trial);
	trial.import.incident_ms = INT64_C(1772432000000); /* 2026-03-02T06:13:20Z */
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(
			MARA_DN, "user", HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin"))) SPACE_END));
	trial.import.base = NULL;
	trial_lines(&trial, &lines);
	assert_int_equal(trial.report->noted[SPACE_AFTER_INCIDENT], 1);
	assert_null(strstr(lines.data, "Berlin"));
	assert_non_null(strstr(lines.data, "\"city\""));
}

static void production_shows_what_stood_where_the_evidence_names_it(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			DELTA("unconfirmed-export", "update", MARA_ANCHOR WRITTEN("city", "Old")))
				OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END));
	trial.import.role = SPACE_PRODUCTION;
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin") TEXT("title", "Boss")))
				SPACE_END));
	assert_int_equal(trial.report->shown, 1);
	assert_facts(&trial,
		"{\"attribute\":\"city\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Berlin\",\"operation\":\"shown\",\"source\":\"production-space\"\n"
		"{\"attribute\":\"city\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Old\",\"operation\":\"set\",\"source\":\"staging-space\"\n"
		"{\"attribute\":\"city\",\"id\":\"" MARA
		"\",\"kind\":\"user\",\"new\":\"Berlin\",\"operation\":\"shown\",\"source\":\"production-forecast\"\n");
}

/* ---- what production does next ------------------------------------------------------------- */

#define ABOVE(part, content)                                                                       \
	"<" part "-hologram><entry dn=\"x\">" content "</entry></" part "-hologram>\n"

/* What the forecast says of Mara's city, where production's file holds these parts; empty: nothing. */
static void foresee_city(struct span parts, struct buf *out, struct evidence_source *source)
{
	CLEANUP(trial_release) struct trial trial;
	CLEANUP(buf_release) struct buf facts = BUF_UP_TO(TEXT_MAX);
	CLEANUP(buf_release) struct buf file = BUF_UP_TO(TEXT_MAX);
	const struct evidence_source *sources;
	const char *line;
	size_t count;

	trial_init(&trial, SPACE_STAGING);
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			DELTA("unconfirmed-export", "update", MARA_ANCHOR WRITTEN("city", "Old")))
				OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END));
	trial.import.role = SPACE_PRODUCTION;
	trial.import.incident_ms = INT64_C(1772432000000); /* before it was imported */
	buf_add_span(&file, parts);
	trial_run_text(&trial, buf_span(&file));
	trial_facts(&trial, &facts);
	line = strstr(buf_text(&facts), "\"source\":\"production-forecast\"");
	while (line && line > facts.data && line[-1] != '\n')
		line--;
	if (line)
		buf_add(out, line, strcspn(line, "\n"));
	sources = evidence_sources(trial.evidence, &count);
	for (size_t i = 0; i < count; i++)
		if (sources[i].source == FROM_PRODUCTION_SPACE)
			*source = sources[i];
}

static void what_production_holds_for_right_is_the_top_of_its_tower(void **state)
{
	static const struct {
		const char *file;
		const char *says; /* NULL: nothing */
	} rows[] = {
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user", HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin")))
				  SPACE_END),
			"\"new\":\"Berlin\"" },
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user",
			  DELTA("unapplied-export", "update", MARA_ANCHOR WRITTEN("city", "Lyon"))
				  HOLOGRAM(MARA_ANCHOR TEXT("city", "Old"))
					  ABOVE("unapplied-export", TEXT("city", "Lyon")))
				  OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END),
			"\"new\":\"Lyon\"" },
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user",
			  DELTA("unconfirmed-export", "update", MARA_ANCHOR WRITTEN("city", "Lyon"))
				  HOLOGRAM(MARA_ANCHOR TEXT("city", "Old"))
					  ABOVE("unconfirmed-export", TEXT("city", "Lyon")))
				  OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END),
			"\"new\":\"Lyon\"" },
		/* What the delta makes of it is not printed. */
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user",
			  DELTA("unapplied-export", "update", MARA_ANCHOR WRITTEN("city", "Lyon"))
				  HOLOGRAM(MARA_ANCHOR TEXT("city", "Old")))
				  OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END),
			NULL },
		/* What came in and is not synchronised yet is not what it holds for right. */
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user",
			  DELTA("pending-import", "update", MARA_ANCHOR WRITTEN("city", "Old"))
				  HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin"))) SPACE_END),
			"\"new\":\"Berlin\"" },
		{ (SPACE_BEGIN OBJECT(MARA_DN, "user",
			  DELTA("unapplied-export", "delete", MARA_ANCHOR)
				  HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin")))
				  OBJECT("CN={47}", "user", HOLOGRAM("")) SPACE_END),
			"\"operation\":\"delete\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_release) struct buf said = BUF_UP_TO(TEXT_MAX);
		struct evidence_source source = { 0 };

		foresee_city(span_of(rows[i].file), &said, &source);
		if (rows[i].says ? !strstr(buf_text(&said), rows[i].says) : said.length)
			fail_msg("row %zu: \"%s\"", i, buf_text(&said));
		assert_true(source.pending_known);
	}
}

static void deletes_of_any_type_are_counted_whoever_they_are(void **state)
{
	CLEANUP(buf_release) struct buf said = BUF_UP_TO(TEXT_MAX);
	struct evidence_source source = { 0 };

	(void)state;
	foresee_city(SPAN_LITERAL(SPACE_BEGIN OBJECT(MARA_DN, "user",
			     HOLOGRAM(MARA_ANCHOR TEXT("city", "Berlin"))) OBJECT("CN={48}",
			     "device", DELTA("unapplied-export", "delete", "")) OBJECT("CN={49}",
			     "user", DELTA("unapplied-export", "delete", "")) OBJECT("CN={50}",
			     "user", DELTA("unapplied-export", "delete-add", "")) OBJECT("CN={51}",
			     "user", DELTA("unconfirmed-export", "delete", "")) SPACE_END),
		&said, &source);
	assert_int_equal(source.pending_deletes, 3);
	assert_non_null(strstr(buf_text(&said), "Berlin"));
}

/* ---- Active Directory -------------------------------------------------------------------- */

static void what_was_written_to_active_directory_is_listed(void **state)
{
	CLEANUP(trial_release) struct trial trial;

	(void)state;
	trial_init(&trial, SPACE_DIRECTORY);
	open_live(&trial,
		"{\"id\":\"" MARA
		"\",\"kind\":\"user\",\"onPremisesImmutableId\":\"niocP31bYEyaHg1Lby6MEQ==\"}\n");
	trial_run_text(&trial,
		SPAN_LITERAL(SPACE_BEGIN
			"<cs-object cs-dn=\"CN=Mara,DC=contoso,DC=com\" object-type=\"user\">" DELTA(
				"unconfirmed-export", "update", WRITTEN("msExchFoo", "x"))
				HOLOGRAM(ANCHOR(
					"niocP31bYEyaHg1Lby6MEQ==") "<attr name=\"objectGUID\" type=\"binary\" multivalued=\"false\"><value encoding=\"base64\">niocP31bYEyaHg1Lby6MEQ==</value></attr>") "<ma-id>{11111111-93AD-4E7F-8D15-2F60A7C4B9E8}</ma-id><ma-name>contoso.com</ma-name></cs-object>" SPACE_END));
	assert_int_equal(trial.report->written, 1);
	assert_string_equal(trial.report->writes[0].dn, "CN=Mara,DC=contoso,DC=com");
	assert_string_equal(trial.report->writes[0].id, MARA);
	assert_string_equal(trial.report->writes[0].attribute, "msExchFoo");
	assert_string_equal(trial.report->writes[0].new_value, "\"x\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_gives_what_was_sent_and_what_would_be_sent),
		cmocka_unit_test(utf_16_says_the_same),
		cmocka_unit_test(the_production_servers_file_names_what_the_staging_servers_cannot),
		cmocka_unit_test(values_become_what_graph_shows),
		cmocka_unit_test(an_import_not_yet_synchronised_makes_the_value_below_unknown),
		cmocka_unit_test(created_and_deleted_objects_are_facts),
		cmocka_unit_test(
			a_reference_without_anchor_is_understood_when_its_object_comes_later),
		cmocka_unit_test(a_reference_that_nobody_knows_is_counted_and_listed),
		cmocka_unit_test(a_contact_matches_by_its_address_in_the_live_snapshot),
		cmocka_unit_test(an_ambiguous_contact_is_listed_and_not_guessed),
		cmocka_unit_test(a_user_without_anchor_matches_by_its_source_anchor),
		cmocka_unit_test(production_gives_a_base_in_which_the_unknowable_is_unknown),
		cmocka_unit_test(what_was_imported_after_the_incident_is_unknown),
		cmocka_unit_test(production_shows_what_stood_where_the_evidence_names_it),
		cmocka_unit_test(what_production_holds_for_right_is_the_top_of_its_tower),
		cmocka_unit_test(deletes_of_any_type_are_counted_whoever_they_are),
		cmocka_unit_test(what_was_written_to_active_directory_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
