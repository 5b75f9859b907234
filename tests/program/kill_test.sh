#!/usr/bin/env bash
# kill -9 of `apply`, for real, at the system calls that matter: each time the journal is written or
# synchronised, each time something is sent, each time an answer is fetched. Whatever the point,
# the same command goes on, and the tenant's own book shows every change exactly once.
#
# A point costs about a second, so a run takes every KILL_EVERYth of them, always the first and the
# last; KILL_EVERY=1 takes them all.
test_path=$(realpath "$0")
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq strace
KILL_EVERY=${KILL_EVERY:-3}
# The leak sanitizer can't work under strace.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
strace -f -qq -o /dev/null true 2>/dev/null || skip "strace may not trace here"

# ---- one story, told once -----------------------------------------------------------------------

start_tenant template || give_up
whole_story || give_up
stop_tenant
cp unstage.pub template/
told=$work
plan=$told/plan.json
planned_writes "$plan" >planned
steps=$(graph_steps "$plan")
at_least "steps of ours" 20 "$steps"

apply_status=1 # other doors have to do their part
. "$(dirname "$test_path")/killing.sh"

# proof: after everybody else's part nothing is left but the paragraphs, and nothing is lost.
proof() {
	say cycle
	say adsync "$told/plan-adsync.csv"
	say exchange "$told/plan-exchange.ps1"
	say prove
	same "still damaged" "$(jq '[.steps[] | select(.door == "manual")] | length' "$plan")" \
		"$(proved 'values still damaged')"
	same "lost" 0 "$(proved 'legitimate changes lost')"
}

# ---- without a kill, and how many points there are ------------------------------------------------

sentence "a run that nobody kills does everything once"
fresh || give_up
expect 1 strace -f -qq -s 200 -o trace "${apply[@]}" || give_up
whole
proof
declare -A calls
for call in fdatasync fsync pwrite64 sendto recvfrom; do
	calls[$call]=$(grep -cE "^[0-9]+ +$call\(" trace)
	at_least "$call" 1 "${calls[$call]}"
done
# The first batch of writes: its INTENT is the last thing the journal heard, its body not yet sent. The
# question which directory extensions there are is a POST and no write.
first_write=$(grep -E '^[0-9]+ +sendto\(' trace | grep -nE '\\"method\\":\\"(PATCH|POST|PUT|DELETE)\\"' |
	grep -v getAvailableExtensionProperties | head -n 1 | cut -d : -f 1)
at_least "the first write's place among what is sent" 5 "$first_write"

# ---- waited out for real, beside all the others ------------------------------------------------------

patient() {
	work=$told/patient
	mkdir "$work" && cd "$work" || exit 1
	trap stop_tenant EXIT
	trap 'exit 1' TERM
	tenant_pid=
	fresh || exit 1
	killed sendto "$first_write" || wrong "it was to be killed before its first write left"
	same "requests that write" 0 "$(writes_sent)"
	COMMAND_LIMIT_S=300
	expect 1 "${apply[@]}"
	said "replicas"
	whole
	proof
	exit "$failures"
}

stop_tenant
patient >patient.out 2>&1 &
patient_pid=$!
trap 'kill "$patient_pid" 2>/dev/null; wait "$patient_pid"; leave' EXIT

# ---- killed ---------------------------------------------------------------------------------------

# kills_at CALL WHAT
kills_at() {
	local call=$1 last=${calls[$1]} tried=0 missed=0 at title
	waits=0

	title="killed at any $2, it goes on and does everything once"
	sentence "$title"
	for at in $(seq 1 "$KILL_EVERY" "$((last - 1))") "$last"; do
		fresh || return
		sentence_now="killed at $call $at of $last"
		tried=$((tried + 1))
		killed "$call" "$at" || missed=$((missed + 1))
		resume
		whole
		[ "$tried" -gt 1 ] && [ "$at" -ne "$last" ] || proof
	done
	sentence_now=$title
	# In how many reads an answer comes is the network's affair.
	[ "$missed" -le 1 ] || wrong "$missed runs of $tried ended before their kill"
	echo "  $tried of $last points; $missed not reached; $waits left something to wait for"
}

kills_at fdatasync "synchronisation of the journal"
kills_at fsync "other synchronisation"
kills_at pwrite64 "write into the journal"
kills_at sendto "request"
kills_at recvfrom "answer"

sentence "killed over and over, it still comes to its end and does everything once"
fresh || give_up
kills=0
while killed sendto "$((10 + kills * 3))" && [ "$kills" -lt 50 ]; do
	kills=$((kills + 1))
	let_time_pass
done
at_least "kills" 5 "$kills"
whole
proof
echo "  $kills kills"

# ---- answers lost -----------------------------------------------------------------------------------

for number in 1 2 "$((steps / 2))" "$steps"; do
	sentence "write $number is done and its answer lost: it is settled by reading, not by sending again"
	fresh --drop-answer-at "$number" || give_up
	expect 1 "${apply[@]}"
	at_least "answers that never came, by the journal" 1 \
		"$(sqlite3 -readonly run/journal.sqlite "SELECT count(*) FROM outcome WHERE outcome = 'unknown'")"
	whole
done

sentence "killed before its first write left, and no clock is touched: it waits two minutes, then sends it once"
wait "$patient_pid"
same "failed checks of this one" 0 $?
sed 's/^/  /' patient.out

finish
