/*
 * LDIF (RFC 2849), the part of it that modifies: read by the RFC, and not by what our writer makes
 * of it. A URL, a control and any other kind of change are refused.
 */
#pragma once

#include "simulator/simulator_internal.h"

/*
 * [{"dn": …, "changes": [{"operation": "delete", "name": …, "values": […]}, …]}, …], a new
 * reference; NULL with ERROR_FORMAT. `path` is for the error's text.
 */
json_t *ldif_read(struct span text, const char *path, struct error *err);
