/* How a process of ours begins, whether it talks to anybody or not. */
#pragma once

#include "base/error.h"

/*
 * Keeps the short list of environment variables of T24 and drops the rest; no core files, no debugger of
 * the same user, no new privileges, files for nobody else, standard descriptors that are open; jansson's
 * memory is wiped when it is freed; draws random bytes once. Call first in main(), before any library
 * has memory. ERROR_SYSTEM, also where the program is installed set-uid.
 */
MUST_CHECK bool process_start(struct error *err);

/* environment.c: drops every environment variable that T24 does not list. */
void environment_restrict(void);
