/* What doctor_probes.c, which asks, and doctor_learn.c, which understands, share. */
#pragma once

#include "online/doctor.h"

/* What an answer teaches; it may change the row. */
typedef void learn_function(
	struct doctor *doctor, const struct graph_probe *probe, struct check *check);

learn_function learn_user, learn_group, learn_contact, learn_organization, learn_sync, learn_roles,
	learn_backups, learn_extensions, learn_service, learn_principals, learn_synchronization,
	learn_page_size, learn_delta, learn_address, learn_case;
