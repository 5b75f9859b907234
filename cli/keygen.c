/* unstage keygen: a key pair in minisign's format. */
#include "base/memory.h"
#include "cli/cli.h"

enum { PASSWORD_MAX = 1024 };

struct keygen_arguments {
	struct common common;
	const char *public_key, *secret_key;
	bool no_password;
};

static void tell(struct screen *screen, const char *public_key, const char *secret_key)
{
	screen_text(screen, STYLE_BOLD, span_of(public_key), 0, false);
	screen_addf(screen, STYLE_PLAIN, "  give it to everyone who applies or verifies\n");
	screen_text(screen, STYLE_BOLD, span_of(secret_key), 0, false);
	screen_addf(screen, STYLE_PLAIN, "  keep it where signing is done, and nowhere else\n");
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	const struct keygen_arguments *keygen = arguments;
	const char *public_key = keygen->public_key ? keygen->public_key : "unstage.pub";
	const char *secret_key = keygen->secret_key ? keygen->secret_key : "unstage.key";
	CLEANUP(buf_wipe) struct buf password = BUF_UP_TO(PASSWORD_MAX);
	struct span given = SPAN_NONE;
	struct common to_screen = { .json = keygen->common.json };
	CLEANUP(screen_release) struct screen screen;

	(void)operands;
	(void)operand_count;
	screen_init(&screen, &to_screen);
	if (!keygen->no_password) {
		if (!password_ask("password for the secret key", true, &password, err))
			return -1;
		given = buf_span(&password);
	}
	if (!key_generate(public_key, secret_key, given, err))
		return -1;
	if (keygen->common.json)
		screen_addf(&screen, STYLE_PLAIN, "{\"format\":\"unstage-key-made/1\"}\n");
	else
		tell(&screen, public_key, secret_key);
	return screen_give(&screen, &to_screen, err) ? 0 : -1;
}

static const struct option options[] = {
	{ "public-key", 'p', OPTION_TEXT, "FILE", "unstage.pub unless said",
		offsetof(struct keygen_arguments, public_key) },
	{ "secret-key", 's', OPTION_TEXT, "FILE", "unstage.key unless said",
		offsetof(struct keygen_arguments, secret_key) },
	{ "no-password", 'W', OPTION_FLAG, NULL,
		"for tests and demos: do not encrypt the secret key",
		offsetof(struct keygen_arguments, no_password) },
	OPTIONS_COMMON(struct keygen_arguments),
	{ 0 },
};

const struct command command_keygen = {
	.name = "keygen",
	.details =
		"The files are minisign's: its keys work here, and ours there. Never overwrites a\n"
		"file.\n",
	.options = options,
	.arguments_size = sizeof(struct keygen_arguments),
	.run = run,
};
