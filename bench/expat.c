/* expat, reading a file and doing nothing: what `unstage import` is measured against. */
#include <expat.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { CHUNK_BYTES = 128 << 10 };

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	(void)data, (void)name, (void)attributes;
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	(void)data, (void)name;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
	(void)data, (void)text, (void)length;
}

int main(int argc, char **argv)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	int descriptor = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = 1;

	if (!parser || descriptor < 0)
		return 2;
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	while (got > 0) {
		got = read(descriptor, XML_GetBuffer(parser, CHUNK_BYTES), CHUNK_BYTES);
		if (got < 0 || !XML_ParseBuffer(parser, (int)got, got == 0))
			return 1;
	}
	XML_ParserFree(parser);
	close(descriptor);
	return 0;
}
