/*
 * Writes a company of N users: as a snapshot, as plain lines for the peers, and as items the way
 * Graph sends them. Object i is the same in every run; the first options say which are changed.
 *
 *	bench_generate USERS CHANGED REMOVED ADDED SNAPSHOT [ITEMS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/company.h"
#include "snapshots/snapshots.h"

enum { ITEM_MAX = 4096 };

static const char *const places[] = { "Berlin", "München", "Zürich", "Paris", "London", "Milano",
	"Tokyo" };
static const char *const departments[] = { "Finance", "Human Resources", "Research & Development",
	"Sales EMEA", "IT Operations", "Legal", "Procurement", "Manufacturing", "Logistics" };

/*
 * One user as Graph sends it: nulls, @odata members, keys in an order that is nobody's, since Graph
 * promises none.
 */
static void add_user(struct buf *item, uint64_t number, bool changed)
{
	uint64_t random = mix(number), more = mix(random);
	char id[37];

	company_id(number, id);
	buf_addf(item,
		"{\"@odata.id\":\"users/%llu\",\"id\":\"%s\",\"accountEnabled\":%s,"
		"\"displayName\":\"%s%s\",\"userPrincipalName\":\"user.%llu@contoso.com\","
		"\"mail\":\"user.%llu@contoso.com\",\"mailNickname\":\"user.%llu\",",
		(unsigned long long)number, id, more & 15 ? "true" : "false", company_name(number),
		changed ? " (ext)" : "", (unsigned long long)number, (unsigned long long)number,
		(unsigned long long)number);
	buf_addf(item,
		"\"city\":\"%s\",\"companyName\":\"Contoso AG\",\"country\":null,\"department\":\"%s\","
		"\"employeeId\":\"%08llu\",\"jobTitle\":\"Senior Analyst\",\"officeLocation\":\"B%u/%u.%03u\","
		"\"postalCode\":\"%05u\",\"preferredLanguage\":\"de-DE\",\"usageLocation\":\"DE\","
		"\"createdDateTime\":\"20%02u-%02u-%02uT08:15:%02uZ\",\"userType\":\"Member\",",
		PICK(places, random >> 20), PICK(departments, random >> 30),
		(unsigned long long)(more % 100000000), (unsigned)(more >> 8 & 15),
		(unsigned)(more >> 12 & 7), (unsigned)(more >> 16 & 255),
		(unsigned)(more >> 24 & 0xffff), (unsigned)(12 + random % 13),
		(unsigned)(1 + random % 12), (unsigned)(1 + random % 28), (unsigned)(random % 60));
	buf_addf(item,
		"\"businessPhones\":[\"+49 30 %07u\"],\"otherMails\":[],\"onPremisesSyncEnabled\":true,"
		"\"onPremisesImmutableId\":\"%016llx%06llx==\",\"onPremisesSamAccountName\":\"u%llu\","
		"\"onPremisesSecurityIdentifier\":\"S-1-5-21-1004336348-1177238915-682003330-%llu\","
		"\"onPremisesExtensionAttributes\":{\"extensionAttribute1\":\"CC%05u\","
		"\"extensionAttribute2\":\"FTE\",\"extensionAttribute3\":null,\"extensionAttribute10\":\"DE\"},",
		(unsigned)(random >> 24 & 0xffffff), (unsigned long long)random,
		(unsigned long long)(more & 0xffffff), (unsigned long long)number,
		(unsigned long long)(1000 + number), (unsigned)(more % 3000));
	buf_addf(item,
		"\"proxyAddresses\":[\"smtp:u%llu@contoso.com\",\"SMTP:user.%llu@contoso.com\","
		"\"smtp:user.%llu@contoso.mail.onmicrosoft.com\",\"X500:/o=ExchangeLabs/ou=Exchange "
		"Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=%016llx\"]}",
		(unsigned long long)number, (unsigned long long)number, (unsigned long long)number,
		(unsigned long long)more);
}

static bool generate(
	const uint64_t *sizes, struct snapshot_writer *writer, FILE *items, struct error *err)
{
	uint64_t users = sizes[0];
	CLEANUP(buf_release) struct buf item = BUF_UP_TO(ITEM_MAX);
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(ITEM_MAX);

	for (uint64_t number = 0; number < users + sizes[3]; number++) {
		if (company_removes(number, users, sizes[2]))
			continue;
		buf_cut(&item, 0);
		buf_cut(&line, 0);
		add_user(&item, number, company_changes(number, users, sizes[1]));
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
		.tenant = (char[]){ COMPANY_TENANT },
		.cloud = (char[]){ "global" },
		.source = (char[]){ "graph" },
		.taken_from_ms = COMPANY_TAKEN_MS,
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
		header.taken_from_ms += COMPANY_LATER_MS;
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
