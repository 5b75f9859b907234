#include "online/simulated.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"

static bool write_secret(const struct simulated *simulated, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(simulated->folder, "client.secret");

	return file_save(path, span_of(simulator_client_secret(simulated->simulator)), err);
}

/* `origin`: how clients reach the tenant; NULL: as it listens. */
static bool write_config(const struct simulated *simulated, const char *origin, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(64 << 10);
	char own[64];

	snprintf(own, sizeof(own), "http://127.0.0.1:%u", simulator_server_port(simulated->server));
	if (!origin)
		origin = own;

	buf_addf(&text,
		"# A simulated tenant; it exists while the simulator runs.\n[simulated]\n"
		"tenant = %s\nclient_id = %s\nclient_secret_file = %s/client.secret\n"
		"graph = %s\nauthority = %s\n"
		"staging = " SIMULATED_STAGING "\nproduction = " SIMULATED_PRODUCTION "\n"
		"key = %s/unstage.pub\nstate = %s/state\n",
		simulator_tenant(simulated->simulator), simulator_client_id(simulated->simulator),
		simulated->folder, origin, origin, simulated->folder, simulated->folder);
	return buf_check(&text, "the configuration", err) &&
		file_save(simulated->config, buf_span(&text), err);
}

/* What a program on App Service would find in its environment; and the simulated VM's address. */
static bool write_identity(const struct simulated *simulated, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(simulated->folder, "identity.env");
	CLEANUP(buf_release) struct buf text = BUF_UP_TO(4096);
	unsigned port = simulator_server_port(simulated->server);

	buf_addf(&text,
		"# App Service; on a VM: managed_identity = system, with this alone:\n"
		"# IMDS_ENDPOINT=http://127.0.0.1:%u\n"
		"IDENTITY_ENDPOINT=http://127.0.0.1:%u/msi/token\nIDENTITY_HEADER=%s\n",
		port, port, simulator_identity_header(simulated->simulator));
	return file_save(path, buf_span(&text), err);
}

/* A tenant that was kept goes on at the present; a new one begins as far back as its story is long. */
static bool open_tenant(struct simulated *simulated, const struct simulator_options *options,
	const struct simulator_size *size, struct error *err)
{
	struct simulator_options served = *options;

	/* Assertions are made by machines that live today, whatever day the story plays on. */
	served.signin_clock_ms = time_now_ms;
	simulated->simulator = simulator_open(&served, err);
	if (!simulated->simulator)
		return false;
	if (!simulator_is_populated(simulated->simulator))
		return simulator_populate(simulated->simulator, size, err);
	simulator_set_now_ms(simulated->simulator, time_now_ms());
	return true;
}

bool simulated_open(struct simulated *simulated, const struct simulator_options *options,
	const struct simulator_size *size, unsigned port, const char *folder, struct error *err)
{
	char absolute[PATH_MAX];

	*simulated = (struct simulated){ 0 };
	if (!file_make_folder(folder, err))
		return false;
	if (!realpath(folder, absolute))
		return error_errno(err, "%s", folder);
	simulated->folder = memory_text(absolute);
	simulated->config = file_path(absolute, "config");
	if (!open_tenant(simulated, options, size, err))
		return false;
	simulated->server = simulator_server_start(simulated->simulator, port, err);
	return simulated->server && write_secret(simulated, err) &&
		write_identity(simulated, err) && write_config(simulated, options->graph_url, err);
}

void simulated_close(struct simulated *simulated)
{
	simulator_server_stop(simulated->server);
	simulator_close(simulated->simulator);
	memory_free(simulated->folder);
	memory_free(simulated->config);
}

bool simulated_write_files(struct simulator *simulator, const char *folder,
	const struct simulator_files *files, struct error *err)
{
	CLEANUP(memory_freep) char *production = file_path(folder, SIMULATED_PRODUCTION);
	CLEANUP(memory_freep) char *staging = file_path(folder, SIMULATED_STAGING);

	return simulator_write_server_files(
		       simulator, SIMULATED_PRODUCTION, production, files, err) &&
		simulator_write_server_files(simulator, SIMULATED_STAGING, staging, files, err);
}

static void add_count(struct screen *screen, bool good, uint64_t count, const char *text)
{
	screen_addf(screen, good ? STYLE_GREEN : STYLE_RED, "  %6llu  %s\n",
		(unsigned long long)count, text);
}

bool simulated_tell_proof(struct screen *screen, const struct simulator_proof *proof)
{
	screen_addf(screen, STYLE_BOLD, "\nThe proof");
	screen_addf(
		screen, STYLE_PLAIN, ", from the simulated tenant's own record of every write\n");
	add_count(screen, true, proof->damaged, "values damaged by the staging server");
	add_count(screen, proof->put_back_graph, proof->put_back_graph,
		"put back by unstage apply (graph)");
	add_count(screen, proof->put_back_sync, proof->put_back_sync,
		"put back by production's run (sync)");
	add_count(screen, proof->put_back_adsync, proof->put_back_adsync,
		"put back by the administrator's CSV (adsync)");
	add_count(screen, proof->put_back_exchange, proof->put_back_exchange,
		"put back by the administrator's script (exchange)");
	add_count(screen, proof->put_back_manual, proof->put_back_manual,
		"put back by a person with our paragraph (manual)");
	add_count(screen, true, proof->put_back_people,
		"decided by people before us: left as they are");
	add_count(screen, !proof->still_damaged, proof->still_damaged, "values still damaged");
	add_count(
		screen, !proof->legitimate_lost, proof->legitimate_lost, "legitimate changes lost");
	screen_addf(screen, STYLE_PLAIN, "          (of %llu made since the production snapshot)\n",
		(unsigned long long)proof->legitimate);
	if (proof->first_trouble[0]) {
		screen_addf(screen, STYLE_RED, "  first: ");
		screen_text(screen, STYLE_RED, span_of(proof->first_trouble), 0, false);
		screen_addf(screen, STYLE_PLAIN, "\n");
	}
	return !proof->still_damaged && !proof->legitimate_lost;
}
