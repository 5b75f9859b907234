/*
 * Writes a company of N users: as a snapshot, and as items the way Graph sends them. Object i is the
 * same in every run; the first options say which are changed: a name, a primary address, an alias gone,
 * an alias more, in turn (all of them: the name).
 *
 *	bench_generate USERS CHANGED REMOVED ADDED SNAPSHOT [ITEMS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "snapshots/snapshots.h"

enum {
	ITEM_MAX = 4096,
	LATER_MS = 3 * 60 * 60000, /* what was changed was taken so much later */
};

struct name {
	const char *written, *plain; /* plain: as in an address */
};

struct place {
	const char *city, *country, *code, *language;
};

struct company {
	const char *name, *domain;
};

static const struct name first_names[] = {
	{ "Anna", "anna" },
	{ "Max", "max" },
	{ "Sofia", "sofia" },
	{ "Lukas", "lukas" },
	{ "Emma", "emma" },
	{ "Paul", "paul" },
	{ "Marie", "marie" },
	{ "Jonas", "jonas" },
	{ "Léa", "lea" },
	{ "Hugo", "hugo" },
	{ "Camille", "camille" },
	{ "Louis", "louis" },
	{ "Olivia", "olivia" },
	{ "Noah", "noah" },
	{ "Amelia", "amelia" },
	{ "Oliver", "oliver" },
	{ "Isla", "isla" },
	{ "George", "george" },
	{ "Ava", "ava" },
	{ "Harry", "harry" },
	{ "Giulia", "giulia" },
	{ "Leonardo", "leonardo" },
	{ "Aurora", "aurora" },
	{ "Francesco", "francesco" },
	{ "Lucía", "lucia" },
	{ "Martín", "martin" },
	{ "María", "maria" },
	{ "Daniel", "daniel" },
	{ "Zofia", "zofia" },
	{ "Jakub", "jakub" },
	{ "Hanna", "hanna" },
	{ "Szymon", "szymon" },
	{ "Yuki", "yuki" },
	{ "Haruto", "haruto" },
	{ "Sakura", "sakura" },
	{ "Ren", "ren" },
	{ "Priya", "priya" },
	{ "Arjun", "arjun" },
	{ "Ananya", "ananya" },
	{ "Rohan", "rohan" },
	{ "Fatima", "fatima" },
	{ "Omar", "omar" },
	{ "Aisha", "aisha" },
	{ "Yusuf", "yusuf" },
	{ "Ingrid", "ingrid" },
	{ "Lars", "lars" },
	{ "Astrid", "astrid" },
	{ "Erik", "erik" },
	{ "Chloe", "chloe" },
	{ "Ethan", "ethan" },
	{ "Grace", "grace" },
	{ "Liam", "liam" },
	{ "Nora", "nora" },
	{ "Mason", "mason" },
	{ "Ella", "ella" },
	{ "Logan", "logan" },
	{ "Zoë", "zoe" },
	{ "Björn", "bjoern" },
	{ "Søren", "soeren" },
	{ "Anaïs", "anais" },
};

static const struct name last_names[] = {
	{ "Müller", "mueller" },
	{ "Schmidt", "schmidt" },
	{ "Schneider", "schneider" },
	{ "Fischer", "fischer" },
	{ "Weber", "weber" },
	{ "Meyer", "meyer" },
	{ "Wagner", "wagner" },
	{ "Becker", "becker" },
	{ "Schulz", "schulz" },
	{ "Hoffmann", "hoffmann" },
	{ "Smith", "smith" },
	{ "Jones", "jones" },
	{ "Taylor", "taylor" },
	{ "Brown", "brown" },
	{ "Williams", "williams" },
	{ "Wilson", "wilson" },
	{ "Johnson", "johnson" },
	{ "Davies", "davies" },
	{ "Martin", "martin" },
	{ "Bernard", "bernard" },
	{ "Dubois", "dubois" },
	{ "Thomas", "thomas" },
	{ "Robert", "robert" },
	{ "Richard", "richard" },
	{ "Petit", "petit" },
	{ "Durand", "durand" },
	{ "Rossi", "rossi" },
	{ "Russo", "russo" },
	{ "Ferrari", "ferrari" },
	{ "Esposito", "esposito" },
	{ "Bianchi", "bianchi" },
	{ "Romano", "romano" },
	{ "García", "garcia" },
	{ "Fernández", "fernandez" },
	{ "González", "gonzalez" },
	{ "Rodríguez", "rodriguez" },
	{ "López", "lopez" },
	{ "Nowak", "nowak" },
	{ "Kowalski", "kowalski" },
	{ "Wiśniewski", "wisniewski" },
	{ "Wójcik", "wojcik" },
	{ "Kowalczyk", "kowalczyk" },
	{ "Sato", "sato" },
	{ "Suzuki", "suzuki" },
	{ "Takahashi", "takahashi" },
	{ "Tanaka", "tanaka" },
	{ "Patel", "patel" },
	{ "Sharma", "sharma" },
	{ "Singh", "singh" },
	{ "Kumar", "kumar" },
	{ "Hansen", "hansen" },
	{ "Johansen", "johansen" },
	{ "Olsen", "olsen" },
	{ "Larsen", "larsen" },
	{ "Andersen", "andersen" },
	{ "Nielsen", "nielsen" },
	{ "Jensen", "jensen" },
	{ "Pedersen", "pedersen" },
	{ "Korhonen", "korhonen" },
	{ "Virtanen", "virtanen" },
	{ "Anderson", "anderson" },
	{ "Moore", "moore" },
	{ "Jackson", "jackson" },
	{ "White", "white" },
	{ "Harris", "harris" },
	{ "Clark", "clark" },
	{ "Lewis", "lewis" },
	{ "Walker", "walker" },
	{ "Hall", "hall" },
	{ "Allen", "allen" },
	{ "Young", "young" },
	{ "King", "king" },
	{ "Wright", "wright" },
	{ "Scott", "scott" },
	{ "Green", "green" },
	{ "Baker", "baker" },
	{ "Adams", "adams" },
	{ "Nelson", "nelson" },
	{ "Hill", "hill" },
	{ "Ramirez", "ramirez" },
	{ "Campbell", "campbell" },
	{ "Mitchell", "mitchell" },
	{ "Roberts", "roberts" },
	{ "Carter", "carter" },
	{ "Phillips", "phillips" },
	{ "Evans", "evans" },
	{ "Turner", "turner" },
	{ "Torres", "torres" },
	{ "Parker", "parker" },
	{ "Collins", "collins" },
	{ "Edwards", "edwards" },
	{ "Stewart", "stewart" },
};

static const struct place places[] = {
	{ "Berlin", "Germany", "DE", "de-DE" },
	{ "München", "Germany", "DE", "de-DE" },
	{ "Zürich", "Switzerland", "CH", "de-CH" },
	{ "Wien", "Austria", "AT", "de-AT" },
	{ "Paris", "France", "FR", "fr-FR" },
	{ "Lyon", "France", "FR", "fr-FR" },
	{ "London", "United Kingdom", "GB", "en-GB" },
	{ "Manchester", "United Kingdom", "GB", "en-GB" },
	{ "Milano", "Italy", "IT", "it-IT" },
	{ "Madrid", "Spain", "ES", "es-ES" },
	{ "Warszawa", "Poland", "PL", "pl-PL" },
	{ "Kraków", "Poland", "PL", "pl-PL" },
	{ "Tokyo", "Japan", "JP", "ja-JP" },
	{ "Mumbai", "India", "IN", "en-IN" },
	{ "Oslo", "Norway", "NO", "nb-NO" },
	{ "København", "Denmark", "DK", "da-DK" },
	{ "Helsinki", "Finland", "FI", "fi-FI" },
	{ "Seattle", "United States", "US", "en-US" },
	{ "Chicago", "United States", "US", "en-US" },
	{ "Austin", "United States", "US", "en-US" },
};

static const struct company companies[] = {
	{ "Contoso AG", "contoso.com" },
	{ "Fabrikam Ltd", "fabrikam.co.uk" },
	{ "Northwind SA", "northwind.fr" },
	{ "Tailspin Inc", "tailspin.com" },
};

static const char *const departments[] = {
	"Finance",
	"Human Resources",
	"Research & Development",
	"Sales EMEA",
	"Sales APAC",
	"IT Operations",
	"Legal",
	"Procurement",
	"Manufacturing",
	"Logistics",
	"Customer Service",
	"Marketing",
	"Quality Assurance",
	"Facilities",
};

static const char *const jobs[] = {
	"Analyst",
	"Senior Analyst",
	"Manager",
	"Director",
	"Engineer",
	"Senior Engineer",
	"Technician",
	"Team Lead",
	"Consultant",
	"Specialist",
	"Administrator",
	"Assistant",
	"Vice President",
	"Controller",
	"Planner",
	"Architect",
};

/* splitmix64: the same number gives the same person. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t draw(uint64_t *random)
{
	*random = mix(*random);
	return *random;
}

enum change { CHANGE_NONE, CHANGE_NAME, CHANGE_PRIMARY, CHANGE_FEWER, CHANGE_MORE };

enum { CHANGES = 4, SEED = 0xabcdef, ID_SEED = 0x12345678 };

/* What is decided of a user before it is written. */
struct user {
	uint64_t number, more; /* more: draws of all that follows, by number */
	const struct name *first, *last;
	const struct place *place;
	size_t company;
	enum change change;
	char id[37], anchor[25];
};

#define OF(user, number, range) (unsigned)(mix((user)->more + (number)) % (range))

static void set_id(struct user *user)
{
	uint64_t halves[2] = { mix(user->number * 2 + 1), mix(user->number * 2 + ID_SEED) };
	unsigned char bytes[16];

	memcpy(bytes, halves, sizeof(bytes));
	bytes[6] = (bytes[6] & 15) | 64;
	bytes[8] = (bytes[8] & 63) | 128;
	for (size_t i = 0, at = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			user->id[at++] = '-';
		at += (size_t)snprintf(user->id + at, 3, "%02x", bytes[i]);
	}
}

static void set_anchor(struct user *user, uint64_t *random)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < 22; i++)
		user->anchor[i] = digits[draw(random) & 63];
	memcpy(user->anchor + 22, "==", 3);
}

static struct user user_of(uint64_t number, enum change change)
{
	uint64_t random = mix(number ^ SEED);
	struct user user = { .number = number, .change = change };

	user.first = &first_names[draw(&random) % COUNT_OF(first_names)];
	user.last = &last_names[draw(&random) % COUNT_OF(last_names)];
	user.place = &places[draw(&random) % COUNT_OF(places)];
	user.company = draw(&random) % COUNT_OF(companies);
	set_id(&user);
	set_anchor(&user, &random);
	user.more = mix(random);
	return user;
}

static void add_address(
	struct buf *item, const struct user *user, const char *scheme, const char *domain)
{
	buf_addf(item, "\"%s:%s.%s%llu@%s\"", scheme, user->first->plain, user->last->plain,
		(unsigned long long)user->number, domain);
}

static void add_addresses(struct buf *item, const struct user *user)
{
	const char *domain = companies[user->company].domain;
	const char *last = user->last->plain;
	unsigned long long number = user->number;

	buf_add_text(item, "\"proxyAddresses\":[");
	add_address(item, user, user->change == CHANGE_PRIMARY ? "smtp" : "SMTP", domain);
	if (user->change == CHANGE_PRIMARY)
		buf_addf(item, ",\"SMTP:%s.%s%llu.new@%s\"", user->first->plain, last, number,
			domain);
	if (user->change != CHANGE_FEWER)
		buf_addf(
			item, ",\"smtp:%c%s%llu@%s\"", user->first->plain[0], last, number, domain);
	buf_add_byte(item, ',');
	add_address(item, user, "smtp", "contoso.mail.onmicrosoft.com");
	if (user->more >> 24 & 1) {
		buf_add_byte(item, ',');
		add_address(item, user, "SIP", domain);
	}
	if (user->change == CHANGE_MORE)
		buf_addf(item, ",\"smtp:moved.%s%llu@%s\"", last, number, domain);
	if ((user->more >> 25 & 3) == 0)
		buf_addf(item,
			",\"X500:/o=ExchangeLabs/ou=Exchange Administrative Group "
			"(FYDIBOHF23SPDLT)/cn=Recipients/cn=%016llx%s%llu\"",
			(unsigned long long)mix(user->more + 17), last, number);
	buf_add_text(item, "],");
}

static void add_extensions(struct buf *item, const struct user *user)
{
	buf_addf(item,
		"\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"CC%05u\","
		"\"extensionAttribute10\":\"%s\",\"extensionAttribute2\":\"%s\","
		"\"extensionAttribute5\":\"E%u\"%s},",
		OF(user, 15, 3000), user->place->code, user->more >> 8 & 3 ? "FTE" : "CWK",
		(unsigned)(1 + (user->more >> 10) % 5),
		user->more >> 20 & 7 ? "" : ",\"extensionAttribute9\":\"room-list\"");
}

static void add_work(struct buf *item, const struct user *user)
{
	buf_addf(item,
		"\"createdDateTime\":\"20%02u-%02u-%02uT%02u:%02u:%02uZ\",\"department\":\"%s\","
		"\"displayName\":\"%s, %s%s\",\"employeeId\":\"%08u\",\"givenName\":\"%s\","
		"\"id\":\"%s\",\"jobTitle\":\"%s\",",
		12 + OF(user, 1, 13), 1 + OF(user, 2, 12), 1 + OF(user, 3, 28), OF(user, 4, 24),
		OF(user, 5, 60), OF(user, 6, 60), departments[OF(user, 7, COUNT_OF(departments))],
		user->last->written, user->first->written,
		user->change == CHANGE_NAME ? " (ext)" : "", OF(user, 8, 100000000),
		user->first->written, user->id, jobs[OF(user, 9, COUNT_OF(jobs))]);
}

/* One user as Graph sends it, but for the nulls. */
static void add_user(struct buf *item, const struct user *user)
{
	const char *first = user->first->plain, *last = user->last->plain;
	unsigned long long number = user->number;
	const struct company *company = &companies[user->company];

	buf_addf(item,
		"{\"accountEnabled\":%s,\"city\":\"%s\",\"companyName\":\"%s\",\"country\":\"%s\",",
		user->more & 15 ? "true" : "false", user->place->city, company->name,
		user->place->country);
	add_work(item, user);
	buf_addf(item,
		"\"mail\":\"%s.%s%llu@%s\",\"mailNickname\":\"%s.%s%llu\","
		"\"officeLocation\":\"B%u/%u.%03u\",",
		first, last, number, company->domain, first, last, number, OF(user, 12, 20),
		OF(user, 13, 9), OF(user, 14, 400));
	add_extensions(item, user);
	buf_addf(item,
		"\"onPremisesImmutableId\":\"%s\",\"onPremisesSamAccountName\":\"%c%c%llu\","
		"\"onPremisesSecurityIdentifier\":\"S-1-5-21-%u-1177238915-682003330-%llu\","
		"\"onPremisesSyncEnabled\":true,\"postalCode\":\"%05u\",\"preferredLanguage\":\"%s\",",
		user->anchor, first[0], last[0], number, 1004336348U + (unsigned)user->company,
		1000 + number, OF(user, 16, 99999), user->place->language);
	add_addresses(item, user);
	buf_addf(item,
		"\"surname\":\"%s\",\"usageLocation\":\"%s\",\"userPrincipalName\":\"%s.%s%llu@%s\","
		"\"userType\":\"Member\"}",
		user->last->written, user->place->code, first, last, number, company->domain);
}

static bool is_nth(uint64_t number, uint64_t users, uint64_t of, uint64_t place)
{
	return of && number < users && number % (users / of) == place;
}

static enum change change_of(uint64_t number, uint64_t users, uint64_t changed)
{
	if (changed == users)
		return number < users ? CHANGE_NAME : CHANGE_NONE;
	if (!is_nth(number, users, changed, 3))
		return CHANGE_NONE;
	return CHANGE_NAME + (enum change)(number / (users / changed) % CHANGES);
}

static bool generate(
	const uint64_t *sizes, struct snapshot_writer *writer, FILE *items, struct error *err)
{
	uint64_t users = sizes[0];
	CLEANUP(buf_release) struct buf item = BUF_UP_TO(ITEM_MAX);
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(ITEM_MAX);

	for (uint64_t number = 0; number < users + sizes[3]; number++) {
		struct user user = user_of(number, change_of(number, users, sizes[1]));

		if (is_nth(number, users, sizes[2], 7))
			continue;
		buf_cut(&item, 0);
		buf_cut(&line, 0);
		add_user(&item, &user);
		if (items)
			fprintf(items, "%s\n", buf_text(&item));
		if (!line_add_object(
			    &line, kind_get(KIND_USER), buf_span(&item), false, NULL, 0, err))
			return false;
		buf_add_byte(&line, '\n');
		if (!snapshot_writer_add(writer, buf_span(&line), err))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct snapshot_header header = {
		.tenant = (char[]){ "7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11" },
		.cloud = (char[]){ "global" },
		.source = (char[]){ "graph" },
		.taken_from_ms = 1772600000000,
	};
	struct error err = { 0 };
	uint64_t sizes[4];
	struct snapshot_writer *writer;
	FILE *items = NULL;

	if (argc < 6)
		return 2;
	for (int i = 0; i < 4; i++)
		sizes[i] = strtoull(argv[i + 1], NULL, 10);
	if (sizes[1] || sizes[2] || sizes[3])
		header.taken_from_ms += LATER_MS;
	writer = snapshot_writer_open(argv[5], &header, &err);
	if (argc > 6)
		items = fopen(argv[6], "we");
	if (!writer || !generate(sizes, writer, items, &err) ||
		!snapshot_writer_finish(writer, header.taken_from_ms + 60000, &err)) {
		fprintf(stderr, "bench_generate: %s\n", err.text);
		return (int)err.kind;
	}
	if (items)
		fclose(items);
	return 0;
}
