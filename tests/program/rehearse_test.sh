#!/usr/bin/env bash
# A plan on a copy of LIVE: the end is what the plan wants, or the rehearsal says what is not; and
# nothing of it leaves the process.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq

start_tenant tenant || give_up
whole_story || give_up
steps=$(jq '.steps | length' plan.json)
asked=$(query 'SELECT count(*) FROM requests')

sentence "a plan that nobody signed yet ends on its own snapshot as it wants to"
expect 0 "$UNSTAGE" rehearse plan.json live.jsonl.zst
answered "the snapshot that the plan was made from"
answered "$steps  steps stand as the plan wants them"
answered " 0  other values changed"
printable stdout
[ "$(wc -L <stdout)" -le 80 ] || wrong "a line has $(wc -L <stdout) columns"

sentence "every step is told, as status tells it"
expect 0 "$UNSTAGE" rehearse plan.json live.jsonl.zst --json
same "steps" "$steps" "$(jq -r 'select(.step and .state) | .state' stdout | grep -cE '^(done|already|settled|held)$')"
same "as wanted" "$steps" "$(tail -n 1 stdout | jq .as_wanted)"
same "besides" 0 "$(tail -n 1 stdout | jq .changed_besides)"

sentence "the tenant was asked nothing, and no folder is left"
same "requests" "$asked" "$(query 'SELECT count(*) FROM requests')"
[ ! -e tenant/state ] || wrong "a rehearsal made the state folder"
XDG_CACHE_HOME=$work/scratch expect 0 "$UNSTAGE" rehearse plan.json live.jsonl.zst
[ -d scratch ] || wrong "the copy was made elsewhere"
same "left behind" 0 "$(find scratch -mindepth 1 | wc -l)"

if command -v strace >/dev/null; then
	sentence "no socket is opened"
	# A leak sanitizer can't work below strace.
	ASAN_OPTIONS=detect_leaks=0 expect 0 strace -f -e trace=socket,connect,sendto -o calls \
		"$UNSTAGE" rehearse plan.json live.jsonl.zst
	same "calls" 0 "$(grep -cE '(socket|connect|sendto)\(' calls)"
fi

sentence "on a snapshot from before the incident everything stands already, but for a set that somebody added to since"
expect 1 "$UNSTAGE" rehearse plan.json production.jsonl.zst
answered "1  do not"
answered "not the snapshot that the plan was made from"
answered "already"

sentence "where something else stands than the plan saw, it is left alone, and the end says so"
read -r number id < <(jq -r '[.steps[] | select(.door == "graph" and .operation == "set" and .attribute == "department")][0] | "\(.number) \(.id)"' plan.json)
sed "/^{\"number\":$number,/s/\"from\":\"[^\"]*\"/\"from\":\"Another\"/" plan.json >stale.json
expect 1 "$UNSTAGE" rehearse stale.json live.jsonl.zst
answered "stale"
answered "Not as the plan wants it"
answered "$id  step $number: department"
expect 1 "$UNSTAGE" rehearse stale.json live.jsonl.zst --json
same "not as wanted" 1 "$(tail -n 1 stdout | jq .not_as_wanted)"
same "which" "$id" "$(jq -r 'select(.kind) | .id' stdout)"

sentence "a plan for another tenant is refused"
sed "s/\"tenant\":\"[0-9a-f-]*\"/\"tenant\":\"00000000-0000-4000-8000-000000000001\"/" plan.json >other.json
expect 8 "$UNSTAGE" rehearse other.json live.jsonl.zst
said "the plan is for"

sentence "a snapshot that is damaged is refused, and nothing is left of the copy"
cp live.jsonl.zst cut.jsonl.zst
truncate -s -5 cut.jsonl.zst
XDG_CACHE_HOME=$work/scratch expect 7 "$UNSTAGE" rehearse plan.json cut.jsonl.zst
same "left behind" 0 "$(find scratch -mindepth 1 | wc -l)"

finish
