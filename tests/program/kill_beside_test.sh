#!/usr/bin/env bash
# kill -9 of `apply` while several batches are under way: a plan of 160 changes of people of the cloud, killed at
# the system calls that send, that fetch and that make the journal durable. The same command goes on, what was
# unknown is settled by reading, and the tenant's own book shows every change exactly once.
#
# A run takes every KILL_EVERYth point, always the first and the last.
test_path=$(realpath "$0")
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq strace zstdcat
KILL_EVERY=${KILL_EVERY:-6}
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # it can't work under strace
strace -f -qq -o /dev/null true 2>/dev/null || skip "strace may not trace here"

# ---- one plan, made once --------------------------------------------------------------------------

start_tenant template --users 900 || give_up
whole_story || give_up
stop_tenant
cp unstage.pub template/
told=$work
plan=$told/many.json
zstdcat live.jsonl.zst | jq -c 'select(.kind == "user" and (.onPremisesSyncEnabled | not) and (.deleted | not)
	and .department and ((.unknown // []) | index("department") | not)) | {id, name: .userPrincipalName, from: .department}' |
	head -n 160 >people
jq -c --slurp 'to_entries[] | {number: (.key + 1), operation: "set", door: "graph", kind: "user", id: .value.id,
	name: .value.name, attribute: "department", from: .value.from, to: "Put back \(.key)", why: "of the test",
	references: [], after: []}' people >many.steps
count=$(wc -l <many.steps)
{
	sed '/^"limits"/,$d' plan.json
	echo "\"limits\":{\"steps\":$count,\"deletes\":0,\"member_removals\":0,\"objects\":$count},"
	echo "\"counts\":{\"steps\":$count,\"blocked\":0,\"doors\":{\"graph\":$count,\"sync\":0,\"directory\":0,\"exchange\":0,\"adsync\":0,\"manual\":0}},"
	printf '%s\n' '"files":[' '],' '"blocked":[' '],' '"steps":['
	sed '$!s/$/,/' many.steps
	echo ']}'
} >"$plan"
sign_plan "$plan"
planned_writes "$plan" >planned
steps=$(graph_steps "$plan")
at_least "steps" 150 "$steps"
apply_status=0
. "$(dirname "$test_path")/killing.sh"

# ---- without a kill, and how many points there are ------------------------------------------------

sentence "a run that nobody kills does everything once"
fresh --latency 20 || give_up
expect 0 strace -f -qq -s 200 -o trace "${apply[@]}" || give_up
whole
declare -A calls
for call in fdatasync sendto recvfrom; do
	calls[$call]=$(grep -cE "^[0-9]+ +$call\(" trace)
	at_least "$call" 1 "${calls[$call]}"
done

# ---- killed ---------------------------------------------------------------------------------------

# INTENTs without OUTCOME: what the kill left unknown.
unknown_now() {
	[ -e run/journal.sqlite ] || { echo 0; return; }
	sqlite3 run/journal.sqlite 'SELECT count(*) FROM intent LEFT JOIN outcome USING (step, attempt) WHERE outcome IS NULL' 2>/dev/null || echo 0
}

most_unknown=0
kills_at() {
	local call=$1 last=${calls[$1]} tried=0 missed=0 at title unknown
	waits=0

	title="killed at any $2 with several batches under way, it goes on and does everything once"
	sentence "$title"
	for at in $(seq 1 "$KILL_EVERY" "$((last - 1))") "$last"; do
		fresh --latency 20 || return
		sentence_now="killed at $call $at of $last"
		tried=$((tried + 1))
		killed "$call" "$at" || missed=$((missed + 1))
		unknown=$(unknown_now)
		[ "$unknown" -le "$most_unknown" ] || most_unknown=$unknown
		resume
		whole
	done
	sentence_now=$title
	echo "  $tried of $last points; $missed not reached; $waits left something to wait for"
	[ "$missed" -le "$((tried / 3 + 1))" ] || wrong "$missed runs of $tried ended before their kill"
}

kills_at fdatasync "synchronisation of the journal"
kills_at sendto "request"
kills_at recvfrom "answer"

sentence "a kill left more than one batch unknown"
at_least "changes whose outcome a kill left unknown" 21 "$most_unknown"

finish
