/* Text that may be long, on a screen that is not wide: nothing is cut without a mark [T17]. */
#include <sodium.h>

#include "base/text.h"
#include "cli/show_plan.h"

enum { CUT_HASH_BYTES = 8 };

static void add_cut(struct screen *screen, struct span text, size_t shown, unsigned indent)
{
	uint8_t hash[crypto_generichash_BYTES];
	CLEANUP(buf_release) struct buf hex = BUF_UP_TO(sizeof(hash) * 2);

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)text.data, text.length, NULL, 0);
	buf_add_hex(&hex, hash, CUT_HASH_BYTES);
	screen_addf(screen, STYLE_YELLOW, "%*s… %zu more bytes of %zu (BLAKE2b-256 %s…)\n",
		(int)indent, "", text.length - shown, text.length, buf_text(&hex));
}

void screen_block(
	struct screen *screen, enum style style, struct span text, unsigned indent, size_t most)
{
	size_t shown = most && text.length > most ? text_whole(text, most) : text.length;

	screen_fill(screen, style, (struct span){ text.data, shown }, indent);
	if (shown < text.length)
		add_cut(screen, text, shown, indent);
}
