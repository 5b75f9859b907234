# What the program's tests share: a temporary folder, a simulated tenant that is talked to over
# its stdin, its database as the witness of what was really sent and written, and checks that say
# what was expected and what came. Sourced, not run.
#
# A failed check is told and counted, and the script goes on: finish() ends it. What everything
# after it needs is checked with `|| give_up`.
# shellcheck shell=bash

set -uo pipefail

: "${UNSTAGE:?the path of the program}"
# shellcheck disable=SC2034 # for the scripts
SOURCE=${SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
COMMAND_LIMIT_S=120 # no command of these tests may take longer
# Controls (but for newline), C1 controls, and the invisible and text-turning characters of Unicode.
UNPRINTABLE='[\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}]'
ANSWER_LIMIT_S=60   # nor may the simulated tenant be silent for longer

# Nothing of the person who runs the tests may take part in them.
unset UNSTAGE_CONFIG NO_COLOR CLICOLOR_FORCE http_proxy https_proxy all_proxy
unset "${!AZURE_@}" "${!XDG_@}"
export LC_ALL=C.UTF-8 # in which printf '\u202e' is that character

work=$(mktemp -d) || exit 1
export HOME=$work/home
mkdir "$HOME"
cd "$work" || exit 1

failures=0
sentence_now="(before the first sentence)"
tenant_pid= tenant_database=
tenant_in= tenant_out= tenant_line=

leave() {
	! declare -F tidy >/dev/null || tidy # what a script started besides the tenant
	stop_tenant
	cd / && rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM

# ---- what is said ------------------------------------------------------------------------

sentence() { # TEXT: what the checks that follow are about
	sentence_now=$1
	echo "- $1"
}

wrong() { # TEXT
	failures=$((failures + 1))
	echo "  FAILED: $sentence_now: $1"
	return 1
}

give_up() {
	echo "  nothing after this would mean anything"
	[ "$failures" -gt 0 ] || failures=1
	finish
}

finish() {
	if [ "$failures" -gt 0 ]; then
		echo "$failures checks failed"
		exit 1
	fi
	echo "ok"
	exit 0
}

skip() { # REASON
	echo "skipped: $1"
	exit 77
}

require_tools() { # TOOL...
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# ---- checks --------------------------------------------------------------------------------

# expect STATUS COMMAND...: what it printed is in $work/stdout and $work/stderr then.
expect() {
	local expected=$1 status
	shift
	timeout -k 5 "$COMMAND_LIMIT_S" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	[ "$status" -eq "$expected" ] && return 0
	wrong "status $expected was expected, $status came from: $*"
	tail -n 5 "$work/stdout" "$work/stderr" | sed 's/^/    /'
	return 1
}

# expect_interrupted STATUS WORDS COMMAND...: as expect, but SIGTERM comes once stderr says WORDS.
expect_interrupted() {
	local expected=$1 words=$2 status pid tries=0
	shift 2
	timeout -k 5 "$COMMAND_LIMIT_S" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null &
	pid=$!
	while ! grep -qF -e "$words" "$work/stderr" && kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 600 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	kill -TERM "$pid" 2>/dev/null # timeout passes it on
	wait "$pid"
	status=$?
	[ "$status" -eq "$expected" ] && return 0
	wrong "status $expected was expected after SIGTERM, $status came from: $*"
	tail -n 5 "$work/stdout" "$work/stderr" | sed 's/^/    /'
	return 1
}

same() { # WHAT EXPECTED FOUND
	[ "$2" = "$3" ] || wrong "$1: '$2' was expected, '$3' came"
}

differ() { # WHAT NOT-EXPECTED FOUND
	[ "$2" != "$3" ] || wrong "$1: anything but '$2' was expected"
}

at_least() { # WHAT LEAST FOUND
	[ "$3" -ge "$2" ] 2>/dev/null || wrong "$1: at least $2 was expected, '$3' came"
}

said() { # WORDS: in what the last command said on stderr
	grep -qF -e "$1" "$work/stderr" && return 0
	wrong "stderr was to say '$1', it says:"
	head -n 5 "$work/stderr" | sed 's/^/    /'
	return 1
}

answered() { # WORDS: in what the last command said on stdout
	grep -qF -e "$1" "$work/stdout" && return 0
	wrong "stdout was to say '$1', it says:"
	head -n 5 "$work/stdout" | sed 's/^/    /'
	return 1
}

there() { # FILE...
	local file

	for file; do
		[ -s "$file" ] || wrong "$file was expected, it is missing or empty"
	done
}

# printable FILE...: nothing in them can move a cursor, colour a screen or turn text around.
printable() {
	local file found

	for file; do
		if found=$(LC_ALL=C.UTF-8 grep -nP "$UNPRINTABLE" "$file"); then
			wrong "$file has unprintable characters: $(head -n 1 <<<"$found" | cat -v)"
		fi
		iconv -f UTF-8 -t UTF-8 "$file" >"$work/iconv" 2>&1 || wrong "$file is not UTF-8"
	done
}

# absent NAME: no such file, and nothing half-written beside it that begins with its name.
absent() {
	local found

	found=$(find "$(dirname "$1")" -maxdepth 1 -name "*$(basename "$1")*")
	[ -z "$found" ] || wrong "nothing was to be left of $1, found: $found"
}

# ---- the simulated tenant ------------------------------------------------------------------

# start_tenant FOLDER OPTION...: serves a small company; UNSTAGE_CONFIG points to it. Its database
# is FOLDER.sqlite: one that is there already goes on.
start_tenant() {
	local folder=$work/$1
	shift
	mkdir -p "$folder"
	rm -f "$folder.in" "$folder.out"
	mkfifo "$folder.in" "$folder.out" || return 1
	# Opened for both directions, a fifo lets nobody wait for the other end.
	exec {tenant_in}<>"$folder.in" {tenant_out}<>"$folder.out"
	tenant_database=$folder.sqlite
	"$UNSTAGE" simulate --folder "$folder" --database "$tenant_database" --users 300 --groups 40 \
		--contacts 4 --seed 1 "$@" <"$folder.in" >"$folder.out" 2>"$folder.err" &
	tenant_pid=$!
	hear_tenant || return 1
	[ "${tenant_line#export UNSTAGE_CONFIG=}" != "$tenant_line" ] ||
		wrong "the simulator was to print its export line, it prints: $tenant_line" || return 1
	export UNSTAGE_CONFIG=${tenant_line#export UNSTAGE_CONFIG=}
}

# The next line that the tenant prints, as $tenant_line; fails when it ends or stays silent.
hear_tenant() {
	local waited=0 begun= rest

	# What came of a line before the time was over is not read a second time.
	while ! IFS= read -r -t 1 rest <&"$tenant_out"; do
		begun+=$rest
		waited=$((waited + 1))
		if ! kill -0 "$tenant_pid" 2>/dev/null || [ "$waited" -ge "$ANSWER_LIMIT_S" ]; then
			wrong "the simulated tenant has ended or is silent"
			return 1
		fi
	done
	tenant_line=$begun$rest
}

# say WORD [ARGUMENT]: plays it; what it printed before its "ok" is in $work/told.
say() {
	echo "$*" >&"$tenant_in"
	: >"$work/told"
	while hear_tenant; do
		case $tenant_line in
		"ok $1") return 0 ;;
		"failed $1"*) break ;;
		esac
		echo "$tenant_line" >>"$work/told"
	done
	wrong "the simulated tenant was to play '$*', it says: $tenant_line"
}

stop_tenant() {
	[ -n "$tenant_pid" ] || return 0
	kill "$tenant_pid" 2>/dev/null
	wait "$tenant_pid" 2>/dev/null
	tenant_pid=
	exec {tenant_in}>&- {tenant_out}>&-
}

query() { # SQL: the tenant's own book, while nothing is being asked of it
	sqlite3 -cmd '.timeout 5000' "file:$tenant_database?mode=ro" "$1"
}

writes_sent() {
	query 'SELECT count(*) FROM requests WHERE is_write'
}

# What our application wrote, by the tenant's own book, and what a plan says that it should: a line
# for each change of a value, sorted, so that what was lost and what was done twice both show.
our_writes() {
	query "SELECT object, operation, ifnull(attribute, ''), CASE operation
		WHEN 'set' THEN ifnull(new, '') WHEN 'add' THEN new WHEN 'remove' THEN old ELSE '' END
		FROM writes WHERE role = 'app'" | LC_ALL=C sort
}

planned_writes() { # PLAN
	# A manager that is set replaces the one before: two changes by one request.
	jq -r '.steps[] | select(.door == "graph") |
		if .operation == "set" then [.id, "set", .attribute, (.to | if . == null then "" else tojson end)]
		elif .operation == "restore" then [.id, "restore", "", ""]
		elif .operation == "remove" then [.id, "delete", "", ""]
		elif .operation == "clear-manager" then [.id, "remove", "manager", (.from | tojson)]
		elif .operation == "set-manager" then
			(select(.from) | [.id, "remove", "manager", (.from | tojson)]),
			[.id, "add", "manager", (.target | tojson)]
		else [.id, (.operation | split("-")[0]), (.operation | split("-")[1] + "s"), (.target | tojson)]
		end | join("|")' "$1" | LC_ALL=C sort
}

graph_steps() { # PLAN: how many steps are ours to write
	jq '[.steps[] | select(.door == "graph")] | length' "$1"
}

# proved WHAT: the number that the tenant's last proof gives for it.
proved() {
	awk -v what="$1" 'index($0, what) { print $1; exit }' "$work/told"
}

# ---- the story -----------------------------------------------------------------------------

# whole_story: production and live snapshot, evidence, and a signed plan, in the folder where we are.
whole_story() {
	expect 0 "$UNSTAGE" snapshot --output production.jsonl.zst || return 1
	# The log trails by ten minutes: what is to go back must be older than that.
	say day && say incident && say morning 11 || return 1
	expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst && say wait 11 &&
		expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl &&
		expect 0 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst \
			--evidence evidence.jsonl --output plan.json &&
		make_key unstage && sign_plan plan.json
}

# directory_story: the same where the staging server wrote into Active Directory, too, as its file tells.
directory_story() {
	expect 0 "$UNSTAGE" snapshot --output production.jsonl.zst || return 1
	say day && say incident && say directory && say morning 11 || return 1
	expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst && say wait 11 && say files files &&
		expect 0 "$UNSTAGE" evidence --from 2d --output audit.jsonl &&
		expect 0 "$UNSTAGE" import files/SYNC02/sync02-ad.xml --role ad --server SYNC02 \
			--live live.jsonl.zst --evidence audit.jsonl --output evidence.jsonl &&
		expect 0 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst \
			--evidence evidence.jsonl --output plan.json &&
		make_key unstage && sign_plan plan.json
}

make_key() { # NAME: NAME.pub and NAME.key
	expect 0 "$UNSTAGE" keygen --no-password --public-key "$1.pub" --secret-key "$1.key"
}

sign_plan() { # FILE [KEY]
	expect 0 "$UNSTAGE" sign "$1" --secret-key "${2:-unstage.key}"
}
