#include <string.h>

#include "cli/command.h"

extern const struct command command_find, command_diff, command_plan, command_keygen, command_sign,
	command_verify, command_apply, command_status, command_snapshot, command_evidence,
	command_import, command_show, command_forget, command_demo, command_simulate,
	command_doctor, command_rehearse, command_undo, command_conflicts, command_who;

/* In the order a clean-up goes. */
const struct command *const commands[] = {
	&command_doctor,
	&command_snapshot,
	&command_evidence,
	&command_import,
	&command_find,
	&command_diff,
	&command_conflicts,
	&command_who,
	&command_plan,
	&command_rehearse,
	&command_keygen,
	&command_sign,
	&command_verify,
	&command_apply,
	&command_status,
	&command_undo,
	&command_show,
	&command_forget,
	&command_demo,
	&command_simulate,
	NULL,
};

const struct command *command_named(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}
