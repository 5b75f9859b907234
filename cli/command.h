/*
 * A command is a file with one table and one `run`; commands.c lists them. The same rows parse the
 * arguments and print help, the man page and the completions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum option_type {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *: borrowed from argv */
	OPTION_NUMBER, /* int64_t, decimal, not negative */
};

struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_type type;
	const char *value; /* the word for it in help: "FILE" */
	const char *help;
	size_t offset; /* into the command's arguments */
};

enum { OPERANDS_MAX = 32 };

struct command {
	const char *name;
	const char *operands; /* "BASE LIVE"; brackets around what may be left out; NULL: none */
	size_t operands_least, operands_most;
	bool takes_live;     /* an operand may be the name `live`, which takes a snapshot */
	const char *details; /* the man page's paragraphs, or NULL */
	const struct option *options; /* ended by a row without a name */
	size_t arguments_size;
	/* Returns the exit status, 0 or 1; or -1 with the error set (then its kind is the status). */
	int (*run)(const void *arguments, const char *const *operands, size_t operand_count,
		struct error *err);
};

struct command_row {
	const char *name;
	const char *summary;           /* one line, for the list of commands */
	const struct command *command; /* NULL: it talks, see program.h */
};

extern const struct command_row commands[]; /* ended by a row without a name */
const struct command_row *command_row_named(const char *name);

/* Fills `arguments` (of command->arguments_size, zeroed) and `operands`. ERROR_USAGE names the word. */
MUST_CHECK bool options_parse(const struct command *command, int argc, char **argv, void *arguments,
	const char **operands, size_t *operand_count, bool *help, struct error *err);
void options_print_help(const struct command *command);
