#include <fcntl.h>
#include <unistd.h>

#include <sodium.h>

#include "base/memory.h"
#include "imports/imports.h"

enum { PIECE_BYTES = 64 << 10, DIGEST_BYTES = IMPORT_DIGEST_TEXT / 2 };

bool import_digest(const char *path, char text[static IMPORT_DIGEST_TEXT], struct error *err)
{
	CLEANUP(memory_freep) unsigned char *piece = memory_new(PIECE_BYTES);
	unsigned char digest[DIGEST_BYTES];
	crypto_generichash_state state;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got;

	if (descriptor < 0)
		return error_errno(err, "%s: can't open", path);
	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	while ((got = read(descriptor, piece, PIECE_BYTES)) > 0)
		crypto_generichash_update(&state, piece, (size_t)got);
	close(descriptor);
	if (got < 0)
		return error_errno(err, "%s: can't read", path);
	crypto_generichash_final(&state, digest, sizeof(digest));
	sodium_bin2hex(text, IMPORT_DIGEST_TEXT, digest, sizeof(digest));
	return true;
}
