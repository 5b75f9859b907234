/* A server's run history as a file. */
#pragma once

#include "simulator/csexport.h"

#define RUN_DIED "stopped-server"

enum runs_form { RUNS_HISTORY, RUNS_STEPS, RUNS_XML };

struct runs_file {
	struct simulator *simulator;
	const char *server;
	const struct simulator_files *files;
	struct sheet *sheet;
	enum runs_form form;
};
MUST_CHECK bool runs_show(struct runs_file *file, struct error *err);

/* The folder that Get-ADSyncServerConfiguration writes (facts 1.3). */
MUST_CHECK bool configuration_write(struct simulator *simulator, const char *server,
	const char *folder, const struct simulator_files *files, struct error *err);
