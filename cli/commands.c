#include <string.h>

#include "cli/command.h"

extern const struct command command_import, command_find, command_diff, command_conflicts,
	command_who, command_plan, command_keygen, command_sign, command_verify, command_undo,
	command_show, command_forget;

/* In the order a clean-up goes. Without an address: it talks, and stands in online/. */
const struct command_row commands[] = {
	{ "doctor", "can these credentials do the job? says what is missing", NULL },
	{ "snapshot", "take a snapshot of the directory, or pin one", NULL },
	{ "evidence", "collect who wrote what from the audit log", NULL },
	{ "import", "a sync server's own files: evidence and base snapshot", &command_import },
	{ "find", "what did the staging server do? the blast radius", &command_find },
	{ "diff", "every difference with verdict, proof and door", &command_diff },
	{ "conflicts", "addresses and sign-in names with more than one claimant",
		&command_conflicts },
	{ "who", "one address: who holds and who claims it, since when", &command_who },
	{ "plan", "write the rollback plan", &command_plan },
	{ "rehearse", "run a plan on a simulated copy of LIVE and show the end", NULL },
	{ "keygen", "make a signing key pair", &command_keygen },
	{ "sign", "sign a plan, or a snapshot", &command_sign },
	{ "verify", "verify a plan's signature, or all of a snapshot", &command_verify },
	{ "apply", "apply a signed plan, or go on where it stopped", NULL },
	{ "status", "where a plan stands: applied, waiting, held, overwritten", NULL },
	{ "undo", "the inverse of what was applied, as a new plan", &command_undo },
	{ "show", "what is in a snapshot, plan, decisions, configuration", &command_show },
	{ "forget", "thin out the kept snapshots, by restic's rules", &command_forget },
	{ "demo", "the whole story on a simulated tenant", NULL },
	{ "simulate", "a simulated tenant to try things on", NULL },
	{ 0 },
};

const struct command_row *command_row_named(const char *name)
{
	for (size_t i = 0; commands[i].name; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}
