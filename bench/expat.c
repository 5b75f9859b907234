/* expat, reading a file and doing nothing: what `unstage import` is measured against. */
#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { CHUNK_BYTES = 128 << 10 };

int main(int argc, char **argv)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	int descriptor = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = 1;

	if (!parser || descriptor < 0)
		return 2;

	while (got > 0) {
		got = read(descriptor, XML_GetBuffer(parser, CHUNK_BYTES), CHUNK_BYTES);
		if (got < 0 || !XML_ParseBuffer(parser, (int)got, got == 0))
			return 1;
	}
	XML_ParserFree(parser);
	close(descriptor);
	return 0;
}
