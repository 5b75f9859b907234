/*
 * The environment is an input that wrappers and other users can set: `SSLKEYLOGFILE` writes
 * session keys to disk, `OPENSSL_CONF` loads foreign code, `*_proxy` steers traffic. So only
 * the names that T24 lists stay.
 *
 * The array is thinned out in place and its texts are not copied: whoever reads a secret from
 * a variable can then overwrite the very bytes that /proc/PID/environ shows.
 */
#include "base/process.h"

#include <string.h>
#include <unistd.h>

/* Sorted; an entry that ends with "_" stands for every name that begins so. */
static const char *const kept_variables[] = {
#if defined(__SANITIZE_ADDRESS__)
	"ASAN_OPTIONS",
	"LSAN_OPTIONS",
	"UBSAN_OPTIONS",
#endif
	"AZURE_",
	"CLICOLOR_FORCE",
	"COLUMNS",
	"CREDENTIALS_DIRECTORY",
	"HOME",
	"IDENTITY_",
	"IMDS_ENDPOINT",
	"LANG",
	"LC_",
	"NO_COLOR",
	"PATH",
	"TERM",
	"TZ",
	"UNSTAGE_CONFIG",
	"XDG_",
};

static bool is_kept(const char *variable)
{
	size_t length = strcspn(variable, "=");

	/* A text without "=" is no variable; nobody may guess what it means. */
	if (!variable[length])
		return false;
	for (size_t i = 0; i < COUNT_OF(kept_variables); i++) {
		size_t kept = strlen(kept_variables[i]);
		bool prefix = kept_variables[i][kept - 1] == '_';

		if ((prefix ? length > kept : length == kept) &&
			memcmp(variable, kept_variables[i], kept) == 0)
			return true;
	}
	return false;
}

void environment_restrict(void)
{
	char **kept = environ;

	if (!environ)
		return;
	for (char **at = environ; *at; at++) {
		if (is_kept(*at))
			*kept++ = *at;
	}
	*kept = NULL;
}
