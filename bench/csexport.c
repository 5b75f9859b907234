/*
 * Writes the connector space of a company of N objects as csexport does (facts 3): of eight objects
 * seven are users and one is a group with ten members. The same number gives the same file.
 *
 *	bench_csexport OBJECTS [WRITTEN]
 *
 * WRITTEN: every so many-th object carries an unconfirmed export, as on a staging server that wrote.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/memory.h"

enum { OBJECT_MAX = 64 << 10, GROUP_EVERY = 8, MEMBERS = 10 };

static const char *const names[] = { "Anna Müller", "Max Schmidt", "Sofia Rossi", "Lukas Weber",
	"Zoë O'Brien", "Jakub Wójcik", "Yuki Sato", "Priya Patel", "Søren Hansen", "Lucía García" };
static const char *const places[] = { "Berlin", "München", "Zürich", "Paris", "London", "Milano",
	"Tokyo" };
static const char *const departments[] = { "Finance", "Human Resources",
	"Research &amp; Development", "Sales EMEA", "IT Operations", "Legal", "Procurement",
	"Manufacturing", "Logistics" };

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#define PICK(array, random) (array)[(random) % COUNT_OF(array)]

static bool is_group(uint64_t number)
{
	return number % GROUP_EVERY == GROUP_EVERY - 1;
}

static void add_base64(struct buf *out, const uint8_t *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		uint32_t word = (uint32_t)bytes[i] << 16 |
			(i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0) |
			(i + 2 < length ? bytes[i + 2] : 0U);

		buf_add_byte(out, digits[word >> 18]);
		buf_add_byte(out, digits[word >> 12 & 63]);
		buf_add_byte(out, i + 1 < length ? digits[word >> 6 & 63] : '=');
		buf_add_byte(out, i + 2 < length ? digits[word & 63] : '=');
	}
}

static void add_source_anchor(struct buf *out, uint64_t number)
{
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(mix(number * 2 + i / 8) >> i % 8 * 8);
	add_base64(out, bytes, sizeof(bytes));
}

/* CN={hex of the source anchor's text} */
static void add_dn(struct buf *out, uint64_t number)
{
	struct buf anchor = BUF_UP_TO(64);

	add_source_anchor(&anchor, number);
	buf_add_text(out, "CN={");
	for (size_t i = 0; i < anchor.length; i++)
		buf_addf(out, "%02X", (unsigned char)anchor.data[i]);
	buf_add_text(out, "}");
	buf_release(&anchor);
}

/* A count, UTF-16 and two bytes of nothing, in base64. */
static void add_anchor(struct buf *out, uint64_t number)
{
	char text[64];
	uint8_t bytes[4 + 2 * sizeof(text)] = { 0 };
	uint64_t random = mix(number), more = mix(random);
	size_t length = (size_t)snprintf(text, sizeof(text), "%s_%08x-%04x-4%03x-8%03x-%012llx",
		is_group(number) ? "Group" : "User", (unsigned)(random >> 32),
		(unsigned)(random >> 16 & 0xffff), (unsigned)(random & 0xfff),
		(unsigned)(more & 0xfff), (unsigned long long)(more >> 16));

	bytes[0] = (uint8_t)(2 * (length + 1));
	for (size_t i = 0; i < length; i++)
		bytes[4 + 2 * i] = (uint8_t)text[i];
	buf_add_text(out, "<anchor encoding=\"base64\">");
	add_base64(out, bytes, 4 + 2 * (length + 1));
	buf_add_text(out, "</anchor>");
}

static void add_text(struct buf *out, const char *name, const char *value)
{
	buf_addf(out,
		"    <attr name=\"%s\" type=\"string\" multivalued=\"false\"><value>%s</value></attr>\n",
		name, value);
}

static void add_number(struct buf *out, const char *name, const char *format, uint64_t number)
{
	struct buf text = BUF_UP_TO(256);

	buf_addf(&text, "%s%llu", format, (unsigned long long)number);
	add_text(out, name, buf_text(&text));
	buf_release(&text);
}

static void add_user(struct buf *out, uint64_t number)
{
	uint64_t random = mix(number), more = mix(random);

	buf_add_text(out,
		"    <attr name=\"accountEnabled\" type=\"boolean\" multivalued=\"false\"><value>true</value></attr>\n");
	buf_addf(out,
		"    <attr name=\"alias\" type=\"string\" multivalued=\"false\"><value>user.%llu</value></attr>\n",
		(unsigned long long)number);
	add_text(out, "city", PICK(places, random >> 20));
	add_number(out, "commonName", "user ", number);
	add_text(out, "company", "Contoso AG");
	add_text(out, "country", "Germany");
	add_text(out, "countryLetterCode", "DE");
	add_text(out, "department", PICK(departments, random >> 30));
	add_text(out, "displayName", PICK(names, random >> 8));
	add_text(out, "dnsDomainName", "corp.contoso.com");
	add_number(out, "extensionAttribute1", "CC", more % 3000);
	add_text(out, "extensionAttribute10", "DE");
	add_text(out, "extensionAttribute2", "FTE");
	add_text(out, "givenName", "Anna");
	add_number(out, "lastPasswordChangeTimestamp", "20260101083", random % 1000000);
	buf_addf(out,
		"    <attr name=\"mail\" type=\"string\" multivalued=\"false\"><value>user.%llu@contoso.com</value></attr>\n",
		(unsigned long long)number);
	add_text(out, "netBiosName", "CONTOSO");
	buf_addf(out,
		"    <attr name=\"onPremiseSecurityIdentifier\" type=\"binary\" multivalued=\"false\"><value encoding=\"base64\">AQUAAAAAAAUVAAAA3PTcO4U9K0aCi6Yo%02X==</value></attr>\n",
		(unsigned)(number % 256));
	add_number(out, "onPremisesSamAccountName", "u", number);
	buf_addf(out,
		"    <attr name=\"onPremisesDistinguishedName\" type=\"string\" multivalued=\"false\"><value>CN=user %llu,OU=People,DC=corp,DC=contoso,DC=com</value></attr>\n",
		(unsigned long long)number);
	add_number(out, "physicalDeliveryOfficeName", "B", more >> 8 & 255);
	add_number(out, "postalCode", "", more >> 24 & 0xffff);
	buf_addf(out,
		"    <attr name=\"proxyAddresses\" type=\"string\" multivalued=\"true\"><value>SMTP:user.%llu@contoso.com</value><value>smtp:u%llu@contoso.com</value><value>X500:/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=%016llx</value></attr>\n",
		(unsigned long long)number, (unsigned long long)number, (unsigned long long)more);
	add_text(out, "surname", "Müller");
	add_number(out, "telephoneNumber", "+49 30 ", random >> 24 & 0xffffff);
	add_text(out, "title", "Senior Analyst");
	add_text(out, "usageLocation", "DE");
	buf_addf(out,
		"    <attr name=\"userPrincipalName\" type=\"string\" multivalued=\"false\"><value>user.%llu@contoso.com</value></attr>\n",
		(unsigned long long)number);
}

static void add_group(struct buf *out, uint64_t number, uint64_t objects)
{
	add_number(out, "displayName", "Group ", number);
	add_number(out, "onPremisesSamAccountName", "g", number);
	buf_add_text(out,
		"    <attr name=\"securityEnabled\" type=\"boolean\" multivalued=\"false\"><value>true</value></attr>\n");
	buf_add_text(out, "    <dn-attr name=\"member\" multivalued=\"true\">\n");
	for (uint64_t i = 0; i < MEMBERS; i++) {
		uint64_t member = mix(number * MEMBERS + i) % objects;

		buf_add_text(out, "     <dn-value><dn>");
		add_dn(out, member);
		buf_add_text(out, "</dn>");
		add_anchor(out, member);
		buf_add_text(out, "</dn-value>\n");
	}
	buf_add_text(out, "    </dn-attr>\n");
}

static void add_written(struct buf *out, uint64_t number)
{
	buf_add_text(out, "  <unconfirmed-export>\n   <delta operation=\"update\" dn=\"");
	add_dn(out, number);
	buf_add_text(out, "\">");
	add_anchor(out, number);
	buf_addf(out,
		"\n    <attr name=\"displayName\" operation=\"replace\" type=\"string\" multivalued=\"false\"><value>Old name %llu</value></attr>\n   </delta>\n  </unconfirmed-export>\n",
		(unsigned long long)number);
}

static void add_object(struct buf *out, uint64_t number, uint64_t objects, bool written)
{
	const char *type = is_group(number) ? "group" : "user";
	uint64_t random = mix(number);

	buf_add_text(out, " <cs-object cs-dn=\"");
	add_dn(out, number);
	buf_addf(out, "\" id=\"{%08X-93AD-4E7F-8D15-%012llX}\" object-type=\"%s\">\n",
		(unsigned)random, (unsigned long long)(random >> 16), type);
	if (written)
		add_written(out, number);
	buf_add_text(out, "  <synchronized-hologram>\n   <entry dn=\"");
	add_dn(out, number);
	buf_add_text(out, "\">\n    ");
	add_anchor(out, number);
	buf_addf(out,
		"\n    <primary-objectclass>%s</primary-objectclass>\n    <objectclass><oc-value>%s</oc-value></objectclass>\n",
		type, type);
	if (is_group(number))
		add_group(out, number, objects);
	else
		add_user(out, number);
	buf_add_text(out,
		"    <attr name=\"sourceAnchor\" type=\"string\" multivalued=\"false\"><value>");
	add_source_anchor(out, number);
	buf_add_text(out, "</value></attr>\n   </entry>\n  </synchronized-hologram>\n  ");
	add_anchor(out, number);
	buf_addf(out,
		"\n  <connector>1</connector>\n  <connector-state>normal</connector-state>\n  <seen-by-import>1</seen-by-import>\n"
		"  <rebuild-in-progress>0</rebuild-in-progress>\n  <obsoletion>0</obsoletion>\n  <need-full-sync>0</need-full-sync>\n"
		"  <placeholder-parent>0</placeholder-parent>\n  <placeholder-link>0</placeholder-link>\n  <placeholder-delete>0</placeholder-delete>\n"
		"  <pending>0</pending>\n  <ref-retry>0</ref-retry>\n  <rename-retry>0</rename-retry>\n"
		"  <import-delta-operation>none</import-delta-operation>\n  <export-delta-operation>%s</export-delta-operation>\n"
		"  <ma-id>{B891884F-051E-4A83-95AF-2544101C9083}</ma-id>\n  <ma-name>contoso.onmicrosoft.com - AAD</ma-name>\n"
		"  <partition-id>{2A1C8F0E-52B1-4C9B-9B7C-5E3F0B6D1A44}</partition-id>\n  <partition-name>default</partition-name>\n"
		"  <mv-link lineage-id=\"{8D26623C-0832-4BE2-8FBF-E7FC72796D25}\" lineage-time=\"2026-01-12 04:11:09.220\" lineage-type=\"provision\">{%08X-0832-4BE2-8FBF-%012llX}</mv-link>\n"
		"  <last-import-delta-time>2026-03-%02u 06:31:07.410</last-import-delta-time>\n  <last-export-delta-time>2026-03-02 06:58:44.093</last-export-delta-time>\n"
		" </cs-object>\n",
		written ? "update" : "none", (unsigned)(random >> 32),
		(unsigned long long)(random >> 8 & 0xffffffffffffu), (unsigned)(1 + number % 2));
}

int main(int argc, char **argv)
{
	uint64_t objects = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t every = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct buf out = BUF_UP_TO(OBJECT_MAX);

	if (!objects) {
		fprintf(stderr, "usage: bench_csexport OBJECTS [WRITTEN]\n");
		return 2;
	}
	puts("<?xml version=\"1.0\"?>\n<cs-objects>");
	for (uint64_t i = 0; i < objects; i++) {
		buf_cut(&out, 0);
		add_object(&out, i, objects, every && i % every == 0);
		if (fwrite(out.data, 1, out.length, stdout) != out.length)
			return 1;
	}
	puts("</cs-objects>");
	buf_release(&out);
	return 0;
}
