/*
 * The company: people and groups of Active Directory, flowed by both sync servers, beside those
 * born in the cloud and those switched to it. Some names are what a hostile user would choose.
 */
#include "base/memory.h"
#include "simulator/cells.h"

enum {
	FOUNDED_DAYS_AGO = 400,
	RECORDED_DAYS = 1, /* what the servers ran before the base */
	LEAST_USERS = 300,
	LEAST_GROUPS = 40,
	LEAST_CONTACTS = 4,
	MEMBERS_LEAST = 4,
	MEMBERS_RANGE = 24,
	SWITCHED_EVERY = 40, /* of the people, one was switched to the cloud long ago */
	CLOUD_EVERY = 6,     /* and one was born there */
};

static const char *const first_names[] = { "Anna", "Max", "Sofia", "Lukas", "Emma", "Paul", "Marie",
	"Jonas", "Léa", "Hugo", "Camille", "Louis", "Olivia", "Noah", "Amelia", "Oliver", "Isla",
	"George", "Ava", "Harry", "Giulia", "Leonardo", "Lucía", "Martín", "Zofia", "Jakub", "Yuki",
	"Haruto", "Priya", "Arjun", "Fatima", "Omar", "Ingrid", "Lars", "Zoë", "Björn", "Søren",
	"Anaïs", "Grace", "Liam" };
static const char *const first_ascii[] = { "anna", "max", "sofia", "lukas", "emma", "paul", "marie",
	"jonas", "lea", "hugo", "camille", "louis", "olivia", "noah", "amelia", "oliver", "isla",
	"george", "ava", "harry", "giulia", "leonardo", "lucia", "martin", "zofia", "jakub", "yuki",
	"haruto", "priya", "arjun", "fatima", "omar", "ingrid", "lars", "zoe", "bjoern", "soeren",
	"anais", "grace", "liam" };
static const char *const last_names[] = { "Müller", "Schmidt", "Fischer", "Weber", "Meyer", "Smith",
	"Jones", "Taylor", "O'Brien", "Williams", "Dubois", "Thomas", "Petit", "Rossi", "Russo",
	"García", "Fernández", "Nowak", "Kowalski", "Wójcik", "Sato", "Suzuki", "Patel", "Sharma",
	"Hansen", "Larsen", "Nielsen", "Korhonen", "Virtanen", "Anderson", "Walker", "Hall" };
static const char *const last_ascii[] = { "mueller", "schmidt", "fischer", "weber", "meyer",
	"smith", "jones", "taylor", "obrien", "williams", "dubois", "thomas", "petit", "rossi",
	"russo", "garcia", "fernandez", "nowak", "kowalski", "wojcik", "sato", "suzuki", "patel",
	"sharma", "hansen", "larsen", "nielsen", "korhonen", "virtanen", "anderson", "walker",
	"hall" };
static const char *const departments[] = { "Finance", "Human Resources", "Research", "Sales EMEA",
	"IT Operations", "Legal", "Procurement", "Manufacturing", "Logistics", "Customer Service",
	"Marketing" };
static const char *const titles[] = { "Analyst", "Manager", "Director", "Engineer", "Technician",
	"Team Lead", "Consultant", "Specialist", "Assistant", "Controller" };
static const char *const cities[] = { "Berlin", "München", "Zürich", "Paris", "London", "Milano",
	"Madrid", "Warszawa", "Tokyo", "Oslo", "Seattle" };

/* Display names that a directory user could choose to harm whoever reads them. */
/* NOLINTBEGIN(misc-misleading-bidirectional): one is meant to mislead */
static const char *const hostile_names[] = { "=HYPERLINK(\"http://example.invalid\",\"click\")",
	"<script>alert(1)</script>", "'; Remove-Item C:\\ -Recurse #", "\u202egnp.tnuocca",
	"Zoë \x1b[31mRed" };
/* NOLINTEND(misc-misleading-bidirectional) */

#define PICK(array, random) (array)[(random) % COUNT_OF(array)]

/* A person's properties; what is random comes from the seed, what identifies from the number. */
static json_t *person_properties(
	struct simulator *simulator, unsigned number, const char *department)
{
	size_t first = (size_t)simulator_random_below(simulator, COUNT_OF(first_names));
	size_t last = (size_t)simulator_random_below(simulator, COUNT_OF(last_names));
	uint64_t random = simulator_random(simulator);
	CLEANUP(buf_release) struct buf upn = BUF_UP_TO(256);
	json_t *person;

	buf_addf(&upn, "%s.%s%u@" TENANT_DOMAIN, first_ascii[first], last_ascii[last], number);
	person = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "givenName",
		first_names[first], "surname", last_names[last], "userPrincipalName",
		buf_text(&upn), "mail", buf_text(&upn), "department", department, "jobTitle",
		PICK(titles, random >> 8), "city", PICK(cities, random >> 16), "companyName",
		TENANT_NAME, "accountEnabled", 1, "userType", "Member");
	json_object_set_new(person, "displayName",
		number % 97 == 5 ? json_string(PICK(hostile_names, number / 97))
				 : json_sprintf("%s %s", first_names[first], last_names[last]));
	json_object_set_new(person, "mailNickname",
		json_sprintf("%s.%s%u", first_ascii[first], last_ascii[last], number));
	json_object_set_new(person, "proxyAddresses",
		json_pack("[o, o]", json_sprintf("SMTP:%s", buf_text(&upn)),
			json_sprintf("smtp:%c%s%u@" TENANT_DOMAIN, first_ascii[first][0],
				last_ascii[last], number)));
	json_object_set_new(person, "officeLocation",
		json_sprintf(
			"B%u/%03u", (unsigned)(random >> 24 & 7), (unsigned)(random >> 32 & 255)));
	if (number % 3 == 0)
		json_object_set_new(person, STORY_EXTENSION, json_sprintf("%04u", number));
	json_object_set_new(person, "businessPhones",
		json_pack("[o]", json_sprintf("+49 30 555 %04u", number % 10000)));
	return person;
}

/* The source anchor of an AD object: base64 of 16 bytes (facts 3.5). */
static char *new_anchor(struct simulator *simulator, char anchor[static 25])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < 21; i++)
		anchor[i] = digits[simulator_random_below(simulator, 64)];
	anchor[21] =
		"AQgw"[simulator_random_below(simulator, 4)]; /* 4 of its 6 bits carry nothing */
	anchor[22] = anchor[23] = '=';
	anchor[24] = '\0';
	return anchor;
}

/* userType and usageLocation are the cloud's; the rest is what the default rules flow. */
static bool add_to_connectors(struct simulator *simulator, const char *anchor, const char *id,
	enum object_kind kind, json_t *properties, struct error *err)
{
	json_object_del(properties, "userType");
	return connector_add(simulator, SERVER_PRODUCTION, anchor, id, kind, properties, err) &&
		connector_add(simulator, SERVER_STAGING, anchor, id, kind, properties, err);
}

static void add_synced_facts(
	json_t *object, enum object_kind kind, const char *anchor, unsigned number)
{
	CLEANUP(buf_release) struct buf dn = BUF_UP_TO(1024);

	json_object_set_new(object, "onPremisesSyncEnabled", json_true());
	if (kind == OBJECT_CONTACT)
		return;
	json_object_set_new(object, "onPremisesSecurityIdentifier",
		json_sprintf("S-1-5-21-1004336348-1177238915-682003330-%u", 1000 + number));
	if (kind != OBJECT_USER)
		return;
	json_object_set_new(object, "onPremisesImmutableId", json_string(anchor));
	cells_add_dn(&dn, "People", object);
	json_object_set_new(object, "onPremisesDistinguishedName", json_string(buf_text(&dn)));
}

static bool create_synced(struct simulator *simulator, enum object_kind kind, json_t *properties,
	unsigned number, char id[static GUID_TEXT_BYTES], struct error *err)
{
	struct actor production = story_server(SERVER_PRODUCTION);
	CLEANUP(json_freep) json_t *object = json_deep_copy(properties);
	char anchor[25];

	add_synced_facts(object, kind, new_anchor(simulator, anchor), number);
	return tenant_create(simulator, &production, kind, object, id, err) &&
		add_to_connectors(simulator, anchor, id, kind, properties, err);
}

/* ---- people --------------------------------------------------------------------------------- */

/* The one department that the staging server's edited rule will take is all in one range. */
static const char *department_of(struct simulator *simulator, size_t person)
{
	if (person >= PEOPLE_SUFFIX && person < PEOPLE_SUFFIX + PEOPLE_SUFFIX_COUNT)
		return "Sales APAC";
	return PICK(departments, simulator_random(simulator));
}

static bool add_synced_person(struct simulator *simulator, unsigned number, struct error *err)
{
	bool switched = number % SWITCHED_EVERY == SWITCHED_EVERY - 1;
	size_t person = cast_count(simulator, CAST_PERSON);
	CLEANUP(json_freep)
	json_t *properties = person_properties(simulator, number, department_of(simulator, person));
	struct actor admin = story_admin();
	char id[GUID_TEXT_BYTES];

	if (!create_synced(simulator, OBJECT_USER, properties, number, id, err))
		return false;
	if (!switched)
		return cast_add(simulator, CAST_PERSON, id, err);
	return tenant_set_cloud_managed(simulator, &admin, id, true, err) &&
		space_blocked(simulator, id, err) && cast_add(simulator, CAST_SWITCHED, id, err);
}

static bool add_cloud_person(struct simulator *simulator, unsigned number, struct error *err)
{
	CLEANUP(json_freep)
	json_t *properties = person_properties(
		simulator, number, PICK(departments, simulator_random(simulator)));
	struct actor admin = story_admin();
	char id[GUID_TEXT_BYTES];

	json_object_set_new(properties, "usageLocation", json_string("DE"));
	return tenant_create(simulator, &admin, OBJECT_USER, properties, id, err) &&
		cast_add(simulator, CAST_CLOUD_PERSON, id, err);
}

/* Managers come from behind the cast, so that nobody's damage touches another one's manager. */
static bool add_managers(struct simulator *simulator, struct error *err)
{
	struct actor production = story_server(SERVER_PRODUCTION);
	size_t people = cast_count(simulator, CAST_PERSON);

	for (size_t i = 0; i < people; i++) {
		size_t boss = PEOPLE_NEEDED +
			(size_t)simulator_random_below(simulator, people - PEOPLE_NEEDED);
		char id[GUID_TEXT_BYTES], manager[GUID_TEXT_BYTES];

		if (i == boss || person_without_manager(i))
			continue;
		if (!cast_get(simulator, CAST_PERSON, i, id) ||
			!cast_get(simulator, CAST_PERSON, boss, manager))
			continue;
		if (!tenant_add_reference(
			    simulator, &production, id, RELATION_MANAGER, manager, err) ||
			!directory_link(simulator, id, RELATION_MANAGER, manager, true, true, err))
			return false;
	}
	return true;
}

static bool add_people(struct simulator *simulator, unsigned count, struct error *err)
{
	for (unsigned number = 0; number < count; number++) {
		bool cloud = number % CLOUD_EVERY == CLOUD_EVERY - 1;

		if (!(cloud ? add_cloud_person : add_synced_person)(simulator, number, err))
			return false;
	}
	return add_managers(simulator, err);
}

/* ---- groups ------------------------------------------------------------------------------------ */

static const struct group_sort {
	const char *name;
	bool mail, security, unified, dynamic, synced;
	enum cast_role role;
	bool in_cast;
	unsigned share; /* of 20 */
} group_sorts[] = {
	{ "sec", false, true, false, false, true, CAST_SYNCED_GROUP, true, 8 },
	{ "dl", true, false, false, false, true, CAST_LIST, true, 2 },
	{ "mesec", true, true, false, false, true, CAST_SYNCED_GROUP, false, 2 },
	{ "cloud", false, true, false, false, false, CAST_CLOUD_GROUP, true, 4 },
	{ "m365", true, false, true, false, false, CAST_CLOUD_GROUP, false, 3 },
	{ "dyn", false, true, false, true, false, CAST_CLOUD_GROUP, false, 1 },
};

static const struct group_sort *sort_of(unsigned number)
{
	unsigned left = number % 20;

	for (size_t i = 0; i < COUNT_OF(group_sorts); i++) {
		if (left < group_sorts[i].share)
			return &group_sorts[i];
		left -= group_sorts[i].share;
	}
	return &group_sorts[0];
}

static json_t *group_properties(const struct group_sort *sort, unsigned number)
{
	json_t *group = json_pack("{s:o, s:o, s:o, s:b, s:b}", "displayName",
		json_sprintf("%s %s %u", sort->name, PICK(departments, number), number),
		"description", json_sprintf("Group %u of sort %s", number, sort->name),
		"mailNickname", json_sprintf("%s-%u", sort->name, number), "mailEnabled",
		sort->mail, "securityEnabled", sort->security);

	if (sort->unified)
		json_object_set_new(group, "groupTypes", json_pack("[s]", "Unified"));
	if (sort->dynamic) {
		json_object_set_new(group, "groupTypes", json_pack("[s]", "DynamicMembership"));
		json_object_set_new(
			group, "membershipRule", json_string("user.department -eq \"Legal\""));
		json_object_set_new(group, "membershipRuleProcessingState", json_string("On"));
	}
	if (sort->mail) {
		json_object_set_new(
			group, "mail", json_sprintf("%s-%u@" TENANT_DOMAIN, sort->name, number));
		json_object_set_new(group, "proxyAddresses",
			json_pack("[o]",
				json_sprintf("SMTP:%s-%u@" TENANT_DOMAIN, sort->name, number)));
	}
	return group;
}

/* Groups born in the cloud hold people of both kinds; those of AD hold people of AD. */
static bool add_member(struct simulator *simulator, const struct group_sort *sort,
	const char *group, enum relation relation, struct error *err)
{
	struct actor actor = sort->synced ? story_server(SERVER_PRODUCTION) : story_admin();
	enum cast_role role = sort->synced || simulator_random_below(simulator, 2)
		? CAST_PERSON
		: CAST_CLOUD_PERSON;
	char person[GUID_TEXT_BYTES];

	if (!cast_get(simulator, role,
		    (size_t)simulator_random_below(simulator, cast_count(simulator, role)), person))
		return true;
	return tenant_add_reference(simulator, &actor, group, relation, person, err) &&
		(!sort->synced ||
			directory_link(simulator, group, relation, person, true, true, err));
}

/*
 * managedBy of AD is not the owner of a group (facts 3.6), yet the audit log knows owner changes:
 * this company has a custom rule that flows it for the groups of its project office.
 */
static bool add_owners(struct simulator *simulator, const char *group, struct error *err)
{
	struct actor production = story_server(SERVER_PRODUCTION);

	for (unsigned i = 0; i < 2; i++) {
		char person[GUID_TEXT_BYTES];

		if (!cast_get(simulator, CAST_PERSON, PEOPLE_NEEDED + i, person))
			continue;
		if (!tenant_add_reference(
			    simulator, &production, group, RELATION_OWNERS, person, err) ||
			!directory_link(simulator, group, RELATION_OWNERS, person, true, true, err))
			return false;
	}
	return true;
}

static bool add_group(struct simulator *simulator, unsigned number, struct error *err)
{
	const struct group_sort *sort = sort_of(number);
	CLEANUP(json_freep) json_t *properties = group_properties(sort, number);
	struct actor admin = story_admin();
	size_t place = cast_count(simulator, CAST_SYNCED_GROUP);
	uint64_t members = MEMBERS_LEAST + simulator_random_below(simulator, MEMBERS_RANGE);
	char id[GUID_TEXT_BYTES];

	if (sort->synced ? !create_synced(
				   simulator, OBJECT_GROUP, properties, 100000 + number, id, err)
			 : !tenant_create(simulator, &admin, OBJECT_GROUP, properties, id, err))
		return false;
	for (uint64_t i = 0; i < members && !sort->dynamic; i++) {
		if (!add_member(simulator, sort, id, RELATION_MEMBERS, err))
			return false;
	}
	if (!sort->synced && !add_member(simulator, sort, id, RELATION_OWNERS, err))
		return false;
	if (!sort->in_cast)
		return true;
	if (sort->role == CAST_SYNCED_GROUP && place >= GROUPS_SWITCHED &&
		place < GROUPS_SWITCHED + GROUPS_SWITCHED_COUNT && !add_owners(simulator, id, err))
		return false;
	return cast_add(simulator, sort->role, id, err);
}

/* ---- contacts ------------------------------------------------------------------------------------ */

static bool add_contact(struct simulator *simulator, unsigned number, struct error *err)
{
	CLEANUP(json_freep)
	json_t *properties = json_pack("{s:o, s:s, s:o, s:o}", "displayName",
		json_sprintf("Partner %u (%s)", number, PICK(cities, number)), "companyName",
		"Fabrikam", "mail", json_sprintf("partner%u@fabrikam.example", number),
		"proxyAddresses",
		json_pack("[o]", json_sprintf("SMTP:partner%u@fabrikam.example", number)));
	char id[GUID_TEXT_BYTES];

	/* One partner can be written to at the company's own domain. */
	if (number == RING_CONTACT)
		json_array_append_new(json_object_get(properties, "proxyAddresses"),
			json_sprintf("smtp:partner%u@" TENANT_DOMAIN, number));
	return create_synced(simulator, OBJECT_CONTACT, properties, number, id, err) &&
		cast_add(simulator, CAST_CONTACT, id, err);
}

/* Founded long before the base, so that the audit log, which keeps 30 days, knows nothing of it. */
static bool found(struct simulator *simulator, const struct simulator_size *size, struct error *err)
{
	if (!connector_prepare(simulator, err) ||
		!tenant_register_extension(simulator, STORY_EXTENSION, err) ||
		!add_people(simulator, size->users, err))
		return false;
	for (unsigned number = 0; number < size->groups; number++) {
		if (!add_group(simulator, number, err))
			return false;
	}
	for (unsigned number = 0; number < size->contacts; number++) {
		if (!add_contact(simulator, number, err))
			return false;
	}
	return true;
}

/* Who may do what: an administrator, and the accounts of both servers (facts 2). */
static bool assign_roles(struct simulator *simulator, struct error *err)
{
	const struct {
		struct actor actor;
		const char *role;
	} rows[] = {
		{ story_admin(), ROLE_GLOBAL_ADMINISTRATOR },
		{ story_server(SERVER_PRODUCTION), ROLE_SYNCHRONIZATION_ACCOUNTS },
		{ story_server(SERVER_STAGING), ROLE_SYNCHRONIZATION_ACCOUNTS },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!tenant_assign_role(simulator, &rows[i].actor, rows[i].role, err))
			return false;
	return true;
}

static bool populate(
	struct simulator *simulator, const struct simulator_size *size, struct error *err)
{
	int64_t now = simulator_now_ms(simulator);

	simulator_set_now_ms(simulator, now - (int64_t)FOUNDED_DAYS_AGO * 86400000);
	if (!found(simulator, size, err) || !assign_roles(simulator, err))
		return false;
	simulator_set_now_ms(simulator, now);
	return tenant_set_last_sync_ms(simulator, now, err) &&
		schedule_prepare(simulator, now - RECORDED_DAYS * 86400000, err) &&
		story_set_mark(simulator, MARK_BASE, err);
}

bool simulator_populate(
	struct simulator *simulator, const struct simulator_size *size, struct error *err)
{
	bool done;

	if (size->users < LEAST_USERS || size->groups < LEAST_GROUPS ||
		size->contacts < LEAST_CONTACTS)
		return error_set(err, ERROR_USAGE,
			"the story needs a company of at least %d users, %d groups and %d contacts",
			LEAST_USERS, LEAST_GROUPS, LEAST_CONTACTS);
	simulator_lock(simulator);
	done = simulator_begin(simulator, err) && populate(simulator, size, err) &&
		simulator_commit(simulator, err);
	if (!done)
		simulator_rollback(simulator);
	simulator_unlock(simulator);
	return done;
}

bool simulator_is_populated(struct simulator *simulator)
{
	bool populated;

	simulator_lock(simulator);
	populated = writes_last(simulator) > 0;
	simulator_unlock(simulator);
	return populated;
}
