/* From the words of a command line to the command: this program's, or one that the other program has. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/program.h"

static void print_commands(FILE *file)
{
	fputs("unstage undoes what an Entra Connect staging server did by accident.\n\n", file);
	for (size_t i = 0; commands[i].name; i++)
		fprintf(file, "  unstage %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  unstage COMMAND --help tells a command's options. unstage --version\n", file);
}

/* NULL: it is another program's. */
static const struct command *command_of(const struct command_row *row)
{
	const struct command *const *talking = program.commands;

	if (row->command || !talking)
		return row->command;
	while (*talking && strcmp((*talking)->name, row->name) != 0)
		talking++;
	return *talking;
}

static bool wants_live(
	const struct command *command, const char *const *operands, size_t operand_count)
{
	bool wants = false;

	for (size_t i = 0; i < operand_count && command->takes_live; i++)
		wants |= names_is_live(operands[i]);
	return wants;
}

static int run(const struct command *command, int argc, char **argv, struct error *err)
{
	CLEANUP(memory_freep) void *arguments = memory_new(command->arguments_size);
	const char *operands[OPERANDS_MAX] = { NULL };
	size_t operand_count = 0;
	bool help = false;

	if (!options_parse(
		    command, argc - 2, argv + 2, arguments, operands, &operand_count, &help, err))
		return -1;
	if (help) {
		options_print_help(command);
		return 0;
	}
	if (!program.take_live && wants_live(command, operands, operand_count))
		return handover(argv, err) ? 0 : -1;
	/* Behind the last place where another program may take over, which would not hear of it. */
	interrupted_listen();
	if (program.start && !program.start(err))
		return -1;
	return command->run(arguments, operands, operand_count, err);
}

static int begin(const struct command_row *row, int argc, char **argv, struct error *err)
{
	const struct command *command = command_of(row);

	if (!handover_check(err) || !process_start(err))
		return -1;
	if (!command)
		return handover(argv, err) ? 0 : -1;
	return run(command, argc, argv, err);
}

int command_dispatch(int argc, char **argv, struct error *err)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command_row *row = word ? command_row_named(word) : NULL;

	if (row)
		return begin(row, argc, argv, err);
	if (!word) {
		print_commands(stderr);
		return ERROR_USAGE;
	}
	if (strcmp(word, "--version") == 0) {
		puts("unstage " UNSTAGE_VERSION);
		return 0;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		print_commands(stdout);
		return 0;
	}
	error_set(err, ERROR_USAGE, "there is no command '%s'; see: unstage --help", word);
	return -1;
}
