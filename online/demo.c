/*
 * unstage demo: the whole story on a simulated tenant. Every step is the command a person would
 * type, run as a process of its own over HTTP; only what happens around it is played here.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/plan_file.h"
#include "online/simulated.h"

struct demo_arguments {
	struct common common;
	int64_t users, groups, contacts, seed;
	const char *base;
};

enum {
	COMMAND_MAX = 4096,
	WORDS_MAX = 24,
	STATUS_ANY = -1,
	GLIMPSE_LINES = 34,
	CYCLE_EVERY_MS = 30 * 60 * 1000,
	LOG_CATCHES_UP_MS = 11 * 60 * 1000
};

/* What there is from before the night. */
enum demo_base {
	BASE_SNAPSHOT,
	BASE_CSEXPORT, /* no snapshot of ours: the base comes from production's files */
	BASE_AUDIT,    /* nothing: it is made of the evidence */
	BASE_COUNT
};

static const char *const base_names[BASE_COUNT] = { "snapshot", "csexport", "audit" };

static const char *const base_operands[BASE_COUNT] = { "production.jsonl.zst",
	"production.jsonl.zst", "audit" };

struct demo {
	struct simulated simulated;
	char program[4096];
	struct common to_screen;
	enum demo_base base;
	bool *followed; /* paragraphs, by step */
};

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	fflush(stdout);
}

static void heading(const char *text)
{
	say("\n== %s\n", text);
}

static NORETURN void become(const struct demo *demo, char **words, int output)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* Nobody is asked: who watches the story did not read the plan. */
	if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
		chdir(demo->simulated.folder) == 0 &&
		(output < 0 || dup2(output, STDOUT_FILENO) >= 0))
		execv(demo->program, words);
	_exit(ERROR_SYSTEM);
}

/* Passes on the first lines of what comes and counts the rest. */
static void show_glimpse(int input)
{
	FILE *file = fdopen(input, "r");
	CLEANUP(memory_freep) char *line = NULL;
	size_t capacity = 0, lines = 0;

	while (file && getline(&line, &capacity, file) > 0) {
		if (lines++ < GLIMPSE_LINES)
			fputs(line, stdout);
	}
	if (lines > GLIMPSE_LINES)
		printf("… %zu more lines\n", lines - GLIMPSE_LINES);
	fflush(stdout);
	if (file)
		fclose(file);
}

static bool wait_for(pid_t child, const char *command, int expected, struct error *err)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		return error_errno(err, "demo: %s", command);
	if (!WIFEXITED(status))
		return error_set(err, ERROR_SYSTEM, "demo: unstage %s ended by signal %d", command,
			WTERMSIG(status));
	if (expected != STATUS_ANY && WEXITSTATUS(status) != expected)
		return error_set(err, ERROR_SYSTEM,
			"demo: unstage %s ended with %d, %d was expected", command,
			WEXITSTATUS(status), expected);
	return true;
}

/*
 * Prints and runs one command line in the demo's folder; words are split at blanks (none of ours
 * holds one). `glimpse`: only the first lines of its answer.
 */
static bool type_command(
	const struct demo *demo, const char *line, int expected, bool glimpse, struct error *err)
{
	CLEANUP(memory_freep) char *copy = memory_text(line);
	char *words[WORDS_MAX + 1] = { NULL }, *rest = NULL;
	int pipes[2] = { -1, -1 };
	size_t count = 0;
	pid_t child;

	say("\n$ %s%s\n", line, glimpse ? " | head" : "");
	for (char *word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (glimpse && pipe(pipes) < 0)
		return error_errno(err, "demo: pipe");
	child = fork();
	if (child < 0)
		return error_errno(err, "demo: fork");
	if (child == 0)
		become(demo, words, pipes[1]);
	if (glimpse) {
		close(pipes[1]);
		show_glimpse(pipes[0]);
	}
	return wait_for(child, words[1], expected, err);
}

/* As type_command(), of `verb` with what there is for BASE; `rest` follows. */
static bool type_comparison(const struct demo *demo, const char *verb, const char *rest,
	int expected, bool glimpse, struct error *err)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(COMMAND_MAX);

	buf_addf(&line, "unstage %s %s live.jsonl.zst --evidence evidence.jsonl%s", verb,
		base_operands[demo->base], rest);
	return type_command(demo, buf_text(&line), expected, glimpse, err);
}

/* ---- the story ------------------------------------------------------------------------ */

static bool before_the_night(struct demo *demo, struct error *err)
{
	if (demo->base != BASE_SNAPSHOT)
		return true;
	heading("An ordinary morning: the production snapshot");
	return type_command(demo, "unstage snapshot --output production.jsonl.zst", 0, false, err);
}

static bool the_night(struct demo *demo, struct error *err)
{
	struct simulator *simulator = demo->simulated.simulator;

	heading("A day of legitimate changes, and at night SYNC02, a stale staging server, exports");
	say("   In the morning people correct values by hand and move objects to the cloud.\n");
	/* From the log alone nobody can know what was written elsewhere. */
	if (!simulator_play_day(simulator, err) || !simulator_play_incident(simulator, err) ||
		(demo->base != BASE_AUDIT && !simulator_play_directory_export(simulator, err)) ||
		!simulator_play_morning(simulator, err))
		return false;
	simulator_set_now_ms(simulator, time_now_ms() - LOG_CATCHES_UP_MS);
	return true;
}

/* An administrator collects on each server what docs/IMPORTS.md asks for; staging's first. */
static bool collect(struct demo *demo, struct error *err)
{
	CLEANUP(memory_freep) char *folder = file_path(demo->simulated.folder, "files");

	heading("Nobody has a snapshot from before: both servers' own files");
	say("   an administrator runs csexport, and collects run history and configuration,\n"
	    "   on SYNC02 and on SYNC01, before either imports again\n");
	return simulated_write_files(demo->simulated.simulator, folder, NULL, err) &&
		type_command(demo,
			"unstage import files/SYNC02/sync02-all.xml files/SYNC02/sync02-runs.json "
			"files/SYNC02/sync02-steps.json files/SYNC02/configuration "
			"--live live.jsonl.zst --evidence audit.jsonl --output cloud.jsonl",
			0, false, err) &&
		type_command(demo,
			"unstage import files/SYNC02/sync02-ad.xml --role ad --server SYNC02 "
			"--live live.jsonl.zst --evidence cloud.jsonl --output staging.jsonl",
			0, false, err) &&
		type_command(demo,
			"unstage import files/SYNC01/sync01-all.xml files/SYNC01/sync01-runs.json "
			"files/SYNC01/sync01-steps.json files/SYNC01/configuration "
			"--live live.jsonl.zst --evidence staging.jsonl --output evidence.jsonl "
			"--base production.jsonl.zst",
			0, false, err);
}

/* What staging wrote into Active Directory is in no log of the cloud. */
static bool collect_directory(struct demo *demo, struct error *err)
{
	CLEANUP(memory_freep) char *folder = file_path(demo->simulated.folder, "files");

	heading("Did it write into Active Directory, too?");
	say("   an administrator runs csexport on SYNC02, for its connector to Active Directory\n");
	return simulated_write_files(demo->simulated.simulator, folder, NULL, err) &&
		type_command(demo,
			"unstage import files/SYNC02/sync02-ad.xml --role ad --server SYNC02 "
			"--live live.jsonl.zst --evidence audit.jsonl --output evidence.jsonl",
			0, false, err);
}

/* What the log received is all only of what is ten minutes old. */
static void let_the_log_catch_up(struct demo *demo)
{
	say("\n   the audit log trails: eleven minutes go by\n");
	simulator_set_now_ms(demo->simulated.simulator, time_now_ms());
}

static bool look(struct demo *demo, struct error *err)
{
	static bool (*const collects[BASE_COUNT])(struct demo * demo, struct error * err) = {
		[BASE_SNAPSHOT] = collect_directory,
		[BASE_CSEXPORT] = collect,
	};
	bool (*files)(struct demo * demo, struct error * err) = collects[demo->base];

	heading("What happened?");
	if (!type_command(demo, "unstage snapshot --output live.jsonl.zst", 0, false, err))
		return false;
	let_the_log_catch_up(demo);
	return type_command(demo,
		       files ? "unstage evidence --from 2d --output audit.jsonl"
			     : "unstage evidence --from 2d --output evidence.jsonl",
		       0, false, err) &&
		(!files || files(demo, err)) && type_comparison(demo, "find", "", 1, false, err) &&
		type_comparison(demo, "diff", " --json --output findings.json", 1, false, err) &&
		type_comparison(demo, "diff", "", 1, true, err);
}

static bool plan_and_sign(struct demo *demo, struct error *err)
{
	heading("The way back: planned, signed, verified");
	return type_comparison(demo, "plan", " --output plan.json", 0, false, err) &&
		type_command(demo, "unstage show plan.json", 0, true, err) &&
		type_command(demo, "unstage keygen --no-password", 0, false, err) &&
		type_command(demo, "unstage sign plan.json", 0, false, err) &&
		type_command(demo, "unstage verify plan.json --key unstage.pub", 0, false, err);
}

static bool apply(struct demo *demo, struct error *err)
{
	heading("Applied: first what Graph may write");
	return type_command(demo,
		"unstage apply plan.json --key unstage.pub --journal journal.sqlite --receipt receipt.json",
		1, false, err);
}

/* Once each; what is refused, because somebody still holds the address, is tried again later. */
static bool follow_paragraph(
	struct demo *demo, const struct plan_step *step, size_t *followed, struct error *err)
{
	bool *done = &demo->followed[step->number - 1];
	struct error refusal = { 0 };

	if (*done || step->door != DOOR_MANUAL || step->operation != GRAPH_SET)
		return true;
	*done = simulator_play_manual(
		demo->simulated.simulator, step->id, step->attribute->name, step->to, &refusal);
	*followed += *done;
	if (*done || refusal.kind == ERROR_REFUSED)
		return true;
	*err = refusal;
	return false;
}

/* A person reads the manual paragraphs and does what they say, where the value is mastered. */
static bool follow_paragraphs(struct demo *demo, size_t *followed, struct error *err)
{
	CLEANUP(memory_freep) char *path = file_path(demo->simulated.folder, "plan.json");
	CLEANUP(plan_file_close) struct plan_file file = { 0 };

	*followed = 0;
	if (!plan_file_open(&file, path, NULL, NULL, false, err))
		return false;
	if (!demo->followed)
		demo->followed = memory_array(file.plan->step_count + 1, sizeof(bool));
	for (size_t i = 0; i < file.plan->step_count; i++)
		if (!follow_paragraph(demo, &file.plan->steps[i], followed, err))
			return false;
	return true;
}

/* Runs the script; `changed` counts what it did. Without a step for it there is no script. */
static bool run_exchange_script(
	struct demo *demo, struct simulator_played *played, struct error *err)
{
	CLEANUP(memory_freep) char *script = file_path(demo->simulated.folder, "plan-exchange.ps1");

	*played = (struct simulator_played){ 0 };
	if (access(script, F_OK) != 0)
		return true;
	if (!simulator_play_exchange(demo->simulated.simulator, script, played, err))
		return false;
	say("   an administrator runs plan-exchange.ps1 -Apply: %zu changed, %zu stood there already\n",
		played->changed, played->already);
	return true;
}

/* Rings lead through several doors: each waits for the other, and takes up where it left off. */
static bool take_turns(struct demo *demo, struct error *err)
{
	struct simulator_played played;
	size_t followed;

	do {
		if (!run_exchange_script(demo, &played, err) ||
			!follow_paragraphs(demo, &followed, err))
			return false;
		if (followed)
			say("   a person follows %zu paragraph%s of plan-manual.txt\n", followed,
				followed == 1 ? "" : "s");
		if ((followed || played.changed) &&
			!type_command(demo,
				"unstage apply plan.json --key unstage.pub --journal journal.sqlite "
				"--receipt receipt.json",
				STATUS_ANY, true, err))
			return false;
	} while (followed || played.changed);
	if (!played.stale && !played.failed)
		return true;
	return error_set(err, ERROR_SYSTEM,
		"demo: plan-exchange.ps1: %zu stale, %zu failed, the first: %s", played.stale,
		played.failed, played.first_trouble);
}

/* Before the cycle, and nothing else can bring it back: what stands in Active Directory by then, production brings to the cloud. */
static bool correct_directory(struct demo *demo, struct error *err)
{
	CLEANUP(memory_freep) char *ldif = file_path(demo->simulated.folder, "plan-directory.ldif");
	struct simulator_played played;

	if (demo->base == BASE_AUDIT)
		return true;
	if (!simulator_play_ldif(demo->simulated.simulator, ldif, &played, err))
		return false;
	say("   an administrator runs ldapmodify -c -f plan-directory.ldif: %zu changed\n",
		played.changed);
	return (played.changed && !played.stale && !played.failed) ||
		error_set(err, ERROR_SYSTEM,
			"demo: plan-directory.ldif: %zu stale, %zu failed, the first: %s",
			played.stale, played.failed, played.first_trouble);
}

/* What the next cycle leaves alone, holds. */
static bool next_cycle(struct simulator *simulator, struct error *err)
{
	say("   half an hour later SYNC01 runs its next cycle\n");
	simulator_set_now_ms(simulator, simulator_now_ms(simulator) + CYCLE_EVERY_MS);
	return simulator_play_production_cycle(simulator, err);
}

static bool other_doors(struct demo *demo, struct error *err)
{
	CLEANUP(memory_freep) char *csv = file_path(demo->simulated.folder, "plan-adsync.csv");
	struct simulator *simulator = demo->simulated.simulator;

	heading("The other doors");
	if (!correct_directory(demo, err))
		return false;
	say("   SYNC01, production, runs its cycle, as plan-sync.txt asks\n");
	if (!simulator_play_production_cycle(simulator, err))
		return false;
	say("   an administrator runs Remove-ADSyncToolsAadObject with plan-adsync.csv\n");
	return simulator_play_adsync(simulator, csv, err) && take_turns(demo, err) &&
		next_cycle(simulator, err) &&
		type_command(demo,
			"unstage status plan.json --key unstage.pub --journal journal.sqlite", 0,
			false, err);
}

static int proof(struct demo *demo, struct error *err)
{
	struct simulator_proof proof = { 0 };
	CLEANUP(screen_release) struct screen screen;
	bool whole;

	screen_init(&screen, &demo->to_screen);
	if (!simulator_prove(demo->simulated.simulator, &proof, err))
		return -1;
	whole = simulated_tell_proof(&screen, &proof) && proof.put_back_graph &&
		proof.put_back_sync && proof.put_back_adsync && proof.put_back_exchange &&
		proof.put_back_manual;
	if (!screen_give(&screen, &demo->to_screen, err))
		return -1;
	say("\nEverything lies in %s\n", demo->simulated.folder);
	return whole ? 0 : 1;
}

static bool open_demo(struct demo *demo, const struct demo_arguments *arguments, struct error *err)
{
	struct simulator_options options = {
		.seed = arguments->seed ? (uint64_t)arguments->seed : 1,
		.now_ms = time_now_ms() - SIMULATED_STORY_MS,
		.quota = SIMULATOR_QUOTA_WINDOW,
	};
	struct simulator_size size = {
		.users = arguments->users ? (unsigned)arguments->users : 2000,
		.groups = arguments->groups ? (unsigned)arguments->groups : 200,
		.contacts = arguments->contacts ? (unsigned)arguments->contacts : 50,
	};
	ssize_t length = readlink("/proc/self/exe", demo->program, sizeof(demo->program) - 1);

	if (length < 0)
		return error_errno(err, "demo: /proc/self/exe");
	if (!simulated_open(&demo->simulated, &options, &size, 0, arguments->common.output, err))
		return false;
	if (setenv("UNSTAGE_CONFIG", demo->simulated.config, 1) < 0)
		return error_errno(err, "demo: setenv");
	say("A simulated tenant: %u users, %u groups, %u contacts; SYNC01 is production,\n"
	    "SYNC02 the staging server that must never export.\n\n$ cd %s\n$ export UNSTAGE_CONFIG=%s\n",
		size.users, size.groups, size.contacts, demo->simulated.folder,
		demo->simulated.config);
	return true;
}

static void close_demo(struct demo *demo)
{
	simulated_close(&demo->simulated);
	memory_free(demo->followed);
}

static bool choose_base(enum demo_base *base, const char *word, struct error *err)
{
	for (int i = 0; word && i < BASE_COUNT; i++) {
		if (strcmp(base_names[i], word) == 0) {
			*base = (enum demo_base)i;
			return true;
		}
	}
	return !word ||
		error_set(err, ERROR_USAGE,
			"demo: --base takes snapshot, csexport: what both servers hold, or audit: "
			"the log alone");
}

static int run(
	const void *arguments, const char *const *operands, size_t operand_count, struct error *err)
{
	static bool (*const acts[])(struct demo * demo, struct error * err) = {
		before_the_night,
		the_night,
		look,
		plan_and_sign,
		apply,
		other_doors,
	};
	const struct demo_arguments *demo_arguments = arguments;
	CLEANUP(close_demo) struct demo demo = { 0 };

	(void)operands;
	(void)operand_count;
	if (demo_arguments->users > 1000000 || demo_arguments->groups > 100000 ||
		demo_arguments->contacts > 100000) {
		error_set(err, ERROR_USAGE,
			"demo: at most 1000000 users, 100000 groups and 100000 contacts");
		return -1;
	}
	if (!demo_arguments->common.output) {
		error_set(err, ERROR_USAGE,
			"demo: say where its files go: --output DIR (a new folder)");
		return -1;
	}
	if (!choose_base(&demo.base, demo_arguments->base, err))
		return -1;
	if (access(demo_arguments->common.output, F_OK) == 0) {
		error_set(err, ERROR_USAGE, "demo: %s is there already; name a new folder",
			demo_arguments->common.output);
		return -1;
	}
	if (!open_demo(&demo, demo_arguments, err))
		return -1;
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (interrupted() || !acts[i](&demo, err))
			return -1;
	}
	return proof(&demo, err);
}

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, "DIR", "a new folder for everything that the story leaves",
		offsetof(struct demo_arguments, common.output) },
	{ "base", 'b', OPTION_TEXT, "WHAT", "snapshot, csexport (servers' files), audit (log)",
		offsetof(struct demo_arguments, base) },
	{ "users", 0, OPTION_NUMBER, "N", "2000 unless said",
		offsetof(struct demo_arguments, users) },
	{ "groups", 0, OPTION_NUMBER, "N", "200 unless said",
		offsetof(struct demo_arguments, groups) },
	{ "contacts", 0, OPTION_NUMBER, "N", "50 unless said",
		offsetof(struct demo_arguments, contacts) },
	{ "seed", 's', OPTION_NUMBER, "N", "another seed is another company",
		offsetof(struct demo_arguments, seed) },
	{ 0 },
};

const struct command command_demo = {
	.name = "demo",
	.details = "Exit status 0 only when the proof holds: nothing left damaged, nothing\n"
		   "legitimate lost.\n",
	.options = options,
	.arguments_size = sizeof(struct demo_arguments),
	.run = run,
};
