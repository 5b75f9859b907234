/* The program `unstage-online`: all that `unstage` has, and what talks. */
#include "online/online.h"

#include "cli/program.h"
#include "online/taking.h"

extern const struct command command_doctor, command_snapshot, command_evidence, command_rehearse,
	command_apply, command_status, command_demo, command_simulate;

static const struct command *const talking[] = {
	&command_doctor,
	&command_snapshot,
	&command_evidence,
	&command_rehearse,
	&command_apply,
	&command_status,
	&command_demo,
	&command_simulate,
	NULL,
};

const struct program program = {
	.start = net_start,
	.commands = talking,
	.take_live = take_live,
};
