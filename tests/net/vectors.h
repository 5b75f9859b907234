/*
 * The URLs of tests/data/net/urls.txt, and the table of origins that they are about. Whatever takes
 * a link from outside is tried with all of them.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "net/net.h"

enum { VECTOR_MAX = 512, VECTORS_MAX = 1024, VECTORS_HOSTILE = 500 /* at least [T19] */ };

struct vector {
	bool allowed;
	char rule[16];          /* "-" where it is allowed */
	char url[VECTOR_MAX];   /* as it comes from outside */
	char shown[VECTOR_MAX]; /* as it stands in the file */
};

static struct net_origins *vector_origins(void)
{
	static const struct {
		const char *url;
		enum net_secret secret;
		const char *root;
	} rows[] = {
		{ "https://graph.microsoft.com", NET_SECRET_TOKEN, "/v1.0/" },
		{ "https://graph.example:8443", NET_SECRET_TOKEN, "/v1.0/" },
		{ "https://login.microsoftonline.com", NET_SECRET_CREDENTIAL, "/" },
		{ "http://127.0.0.1:8080", NET_SECRET_TOKEN, "/v1.0/" },
		{ "http://[::1]:8081", NET_SECRET_TOKEN, "/v1.0/" },
	};
	struct net_origins *origins = net_origins_new();
	struct error err = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!net_origins_add(origins, rows[i].url, rows[i].secret, rows[i].root, &err))
			abort();
	return origins;
}

/* Undoes \xNN in place. */
static void vector_unescape(char *text)
{
	char *to = text;

	while (*text) {
		unsigned byte;

		if (sscanf(text, "\\x%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static bool vector_read(struct vector *vector, char *line)
{
	char *rule = strchr(line, '\t');
	char *url = rule ? strchr(rule + 1, '\t') : NULL;

	if (!url)
		return false;
	*rule++ = *url++ = '\0';
	url[strcspn(url, "\n")] = '\0';
	vector->allowed = strcmp(line, "allow") == 0;
	snprintf(vector->rule, sizeof(vector->rule), "%s", rule);
	snprintf(vector->shown, sizeof(vector->shown), "%s", url);
	snprintf(vector->url, sizeof(vector->url), "%s", url);
	vector_unescape(vector->url);
	return vector->allowed || strcmp(line, "refuse") == 0;
}

/* All of them, to be freed with free(); 0 where a line can't be read. */
static size_t vectors_load(struct vector **vectors)
{
	FILE *file = fopen(TEST_DATA "/net/urls.txt", "r");
	char line[2 * VECTOR_MAX];
	size_t count = 0;

	*vectors = calloc(VECTORS_MAX, sizeof(**vectors));
	if (!file || !*vectors)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		if (count == VECTORS_MAX || !vector_read(&(*vectors)[count++], line)) {
			count = 0;
			break;
		}
	}
	fclose(file);
	return count;
}
