/* Arguments by the rows of a command's table; help from the same rows. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"

static const struct option *find_long(const struct option *options, const char *name, size_t length)
{
	for (; options->name; options++) {
		if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
			return options;
	}
	return NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
	for (; options->name; options++) {
		if (options->letter == letter)
			return options;
	}
	return NULL;
}

static bool parse_number(const char *text, int64_t *number)
{
	*number = 0;
	if (!*text || strlen(text) > 15)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		*number = *number * 10 + (*text - '0');
	}
	return true;
}

static bool store(const struct command *command, const struct option *option, const char *value,
	void *arguments, struct error *err)
{
	char *place = (char *)arguments + option->offset;
	int64_t number;

	switch (option->type) {
	case OPTION_FLAG:
		memcpy(place, &(bool){ true }, sizeof(bool));
		return true;
	case OPTION_TEXT:
		memcpy(place, &value, sizeof(value));
		return true;
	case OPTION_NUMBER:
		if (!parse_number(value, &number))
			return error_set(err, ERROR_USAGE,
				"%s: --%s takes a whole number, not '%s'", command->name,
				option->name, value);
		memcpy(place, &number, sizeof(number));
		return true;
	}
	return error_set(err, ERROR_USAGE, "%s: --%s", command->name, option->name);
}

/* One option and the value it takes, which may be the next word; moves `at` past both. */
static bool parse_option(const struct command *command, int argc, char **argv, int *at,
	void *arguments, struct error *err)
{
	const char *word = argv[*at], *value = NULL;
	const struct option *option;

	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");

		option = find_long(command->options, word + 2, length);
		value = word[2 + length] ? word + 3 + length : NULL;
	} else {
		option = word[2] ? NULL : find_letter(command->options, word[1]);
	}
	if (!option)
		return error_set(err, ERROR_USAGE,
			"%s: there is no option '%s'; see: unstage %s --help", command->name, word,
			command->name);
	if (option->type == OPTION_FLAG && value)
		return error_set(
			err, ERROR_USAGE, "%s: --%s takes no value", command->name, option->name);
	if (option->type != OPTION_FLAG && !value) {
		if (++*at == argc)
			return error_set(err, ERROR_USAGE, "%s: --%s wants %s", command->name,
				option->name, option->value);
		value = argv[*at];
	}
	++*at;
	return store(command, option, value, arguments, err);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat of_a, of_b;

	return a && b && stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
		of_a.st_ino == of_b.st_ino;
}

static const char *text_of(const struct option *option, const void *arguments)
{
	const char *text;

	memcpy(&text, (const char *)arguments + option->offset, sizeof(text));
	return text;
}

/* What is written there would take the place of what it was made of: evidence, or a signed plan. */
static bool check_output(const struct command *command, const void *arguments,
	const char *const *operands, size_t operand_count, struct error *err)
{
	const struct option *output = find_long(command->options, "output", strlen("output"));
	const char *path = output && output->type == OPTION_TEXT ? text_of(output, arguments)
								 : NULL;
	bool read = false;

	for (size_t i = 0; i < operand_count; i++)
		read |= is_same_file(path, operands[i]);
	for (const struct option *option = command->options; option->name; option++)
		read |= option != output && option->type == OPTION_TEXT &&
			strcmp(option->value, "FILE") == 0 &&
			is_same_file(path, text_of(option, arguments));
	return !read ||
		error_set(err, ERROR_USAGE,
			"%s: --output %s is named a second time, and would be lost: name another file",
			command->name, path);
}

bool options_parse(const struct command *command, int argc, char **argv, void *arguments,
	const char **operands, size_t *operand_count, bool *help, struct error *err)
{
	bool only_operands = false;

	*operand_count = 0;
	for (int at = 0; at < argc;) {
		const char *word = argv[at];

		if (!only_operands && strcmp(word, "--") == 0) {
			only_operands = true;
			at++;
		} else if (!only_operands && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
			*help = true;
			return true;
		} else if (!only_operands && word[0] == '-' && word[1]) {
			if (!parse_option(command, argc, argv, &at, arguments, err))
				return false;
		} else if (*operand_count == command->operands_most) {
			return error_set(err, ERROR_USAGE,
				"%s: '%s' is one word too many; usage: unstage %s%s%s",
				command->name, word, command->name, command->operands ? " " : "",
				command->operands ? command->operands : "");
		} else {
			operands[(*operand_count)++] = word;
			at++;
		}
	}
	if (*operand_count < command->operands_least)
		return error_set(err, ERROR_USAGE, "%s: words are missing; usage: unstage %s %s",
			command->name, command->name, command->operands);
	return check_output(command, arguments, operands, *operand_count, err);
}

void options_print_help(const struct command *command)
{
	printf("unstage %s%s%s [options]\n\n  %s\n\n", command->name, command->operands ? " " : "",
		command->operands ? command->operands : "",
		command_row_named(command->name)->summary);
	for (const struct option *option = command->options; option->name; option++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value ? " " : "",
			option->value ? option->value : "");
		if (option->letter)
			printf("  -%c, %-22s %s\n", option->letter, left, option->help);
		else
			printf("      %-22s %s\n", left, option->help);
	}
	printf("  -h, %-22s %s\n", "--help", "this");
	if (command->details)
		printf("\n%s", command->details);
}
