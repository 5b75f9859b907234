#!/usr/bin/env bash
# `unstage find` as the first thing that people run: who synchronises, what was done, and what is typed next.
. "$(dirname "$0")/library.sh"

require_tools jq

# screen: what find printed is one, and harmless.
screen() {
	local widest

	widest=$(LC_ALL=C.UTF-8 wc -L <"$work/stdout")
	[ "$widest" -le 80 ] || wrong "a line of $widest columns"
	[ "$(wc -l <"$work/stdout")" -le 40 ] || wrong "$(wc -l <"$work/stdout") lines are no screen"
	printable "$work/stdout"
}

start_tenant tenant || give_up
expect 0 "$UNSTAGE" snapshot --output base.jsonl.zst || give_up
say day && say incident && say morning 11 || give_up
expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst && say wait 11 || give_up
expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl || give_up
grep -v -e '^staging' -e '^production' "$UNSTAGE_CONFIG" >bare.config
chmod 600 bare.config

# ---- who synchronises ------------------------------------------------------------------------------

sentence "without snapshots it lists who synchronises, and finds something"
expect 1 "$UNSTAGE" find --evidence evidence.jsonl
screen
answered "Sync_SYNC01_"
answered "Sync_SYNC02_"
answered "one burst"

sentence "the staging server is not guessed: without its name the list comes, what to type, and 2"
export UNSTAGE_CONFIG=$work/bare.config
expect 2 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl
screen
answered "Which of them is the staging server?"
answered "--staging SYNC02"
grep -qF -e "--staging SYNC01" "$work/stdout" && wrong "who writes in a cycle was to be left out"

sentence "the command that it prints can be typed"
command=$(grep -A 1 'unstage find' "$work/stdout" | tr -d '\\\n')
read -ra words <<<"$command"
expect 1 "$UNSTAGE" "${words[@]:1}"
screen

sentence "server, sign-in name and object id name the same server"
id=$(jq -r 'select(.who.server == "SYNC02").who.id' evidence.jsonl | head -n 1)
name=$(jq -r 'select(.who.server == "SYNC02").who.name' evidence.jsonl | head -n 1)
for staging in SYNC02 sync02 "$id" "$name"; do
	expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging "$staging" --json
	jq -c 'del(.staging)' "$work/stdout" >"$work/this"
	[ -e "$work/first" ] || cp "$work/this" "$work/first"
	cmp -s "$work/first" "$work/this" || wrong "--staging $staging was to say the same"
done

sentence "two snapshots, or none"
expect 2 "$UNSTAGE" find base.jsonl.zst --evidence evidence.jsonl && said "BASE and LIVE"
expect 2 "$UNSTAGE" find && said "--evidence"

sentence "as JSON: identities with their rhythm, and which lists were read"
expect 1 "$UNSTAGE" find --evidence evidence.jsonl --json
same "format" unstage-find/1 "$(jq -r .format "$work/stdout")"
same "rhythm" burst "$(jq -r '.identities[] | select(.server == "SYNC02").rhythm.sort' "$work/stdout")"
same "roles" true "$(jq .lists.roles.read "$work/stdout")"
same "flip-flops" 0 "$(jq '.flipFlops | length' "$work/stdout")"

# ---- what was done ---------------------------------------------------------------------------------

blast() { # EVIDENCE: the answer, in $work/blast
	expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence "$1" --staging SYNC02 --json
	cp "$work/stdout" "$work/blast"
}

sentence "objects by kind and operation are those that the evidence tells, each once"
blast evidence.jsonl
jq -r 'select(.operation and .who.server == "SYNC02") | [.id, .kind,
	(if .operation == "create" then "created" elif .operation == "restore" then "restored"
	elif .operation == "delete" or .operation == "purge" then "deleted"
	elif .attribute == "members" or .attribute == "owners" then "members"
	else "changed" end)] | @tsv' evidence.jsonl | sort -u | cut -f 2-3 | sort | uniq -c |
	awk '{ print $2, $3, $1 }' >"$work/told"
jq -r '.objectsBy | to_entries[] | .key as $kind | .value | to_entries[] | select(.value > 0) |
	"\($kind) \(.key) \(.value)"' "$work/blast" | sort >"$work/counted"
at_least "sorts of deeds" 4 "$(wc -l <"$work/told")"
diff "$work/told" "$work/counted" || wrong "they were to be the same"

sentence "writes by kind and operation add up to all of them, and so do those that are explained"
for key in writes explained; do
	same "$key" "$(jq ".$key" "$work/blast")" "$(jq "[.${key}By[][]] | add" "$work/blast")"
done

sentence "what heals and what never will add up to what is proved and stands"
same "values" "$(jq '.verdicts.revert + .verdicts.blocked' "$work/blast")" \
	"$(jq '.heals.values + .stays.values' "$work/blast")"
same "reasons" "$(jq .stays.values "$work/blast")" \
	"$(jq '.stays | del(.values) | add' "$work/blast")"

sentence "three commands are typed next, with the name that was given"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02
screen
same "commands" 3 "$(sed -n '/^Next/,$p' "$work/stdout" | grep -c '^  unstage ')"
same "with the name" 3 "$(grep -c -e '--staging SYNC02' "$work/stdout")"

# with_holder ID: the evidence, and that ID holds a role.
with_holder() {
	sed '/^{"holder"/,$d' evidence.jsonl
	{
		grep '^{"holder"' evidence.jsonl
		echo "{\"holder\":\"$1\",\"holds\":\"role\",\"role\":\"62e90394-69f5-4237-9190-012177145e10\"}"
	} | awk -F'"' '{ print ($8 == "role") "\t" $4 "\t" $0 }' | sort | cut -f 3-
	sed -n '/"operation"/p' evidence.jsonl
	tail -n 1 evidence.jsonl | jq -c '.holders += 1'
}

sentence "who holds a role and was touched is named"
touched=$(jq -r 'select(.who.server == "SYNC02" and .kind == "user").id' evidence.jsonl | head -n 1)
same "before" 0 "$(jq .privileged.role "$work/blast")"
with_holder "$touched" >holder.jsonl
blast holder.jsonl
same "holders" 1 "$(jq .privileged.role "$work/blast")"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence holder.jsonl --staging SYNC02
screen
answered "1 holder of a role"

sentence "evidence that ends before the live snapshot says so, and proves nothing"
sed "1s/\"until\":\"[^\"]*\"/\"until\":\"$(jq -r 'select(.sources).sources[0].covered[0].from' evidence.jsonl | cut -c 1-10)T23:59:59Z\"/" \
	evidence.jsonl >short.jsonl
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence short.jsonl --staging SYNC02
screen
answered "nothing is known of"

# ---- two servers --------------------------------------------------------------------------------

# with_facts: the evidence and the facts of stdin, behind all others.
with_facts() {
	local facts

	facts=$(cat)
	sed '$d' evidence.jsonl
	echo "$facts"
	tail -n 1 evidence.jsonl | jq -c --argjson more "$(wc -l <<<"$facts")" \
		'.facts += $more | .records += $more'
}

fact() { # REFERENCE SOURCE WHEN ID NAME SERVER: a department that was written
	echo "{\"attribute\":\"department\",\"id\":\"$touched\",\"kind\":\"user\",\"new\":\"Lab\",\"operation\":\"set\",\"reference\":\"$1\",\"source\":\"$2\",\"when\":\"$3\",\"who\":{\"id\":\"$4\",\"name\":\"$5\",\"server\":\"$6\"}}"
}

sentence "two servers that overwrite each other in turns are named"
first_id=$(jq -r 'select(.who.server == "SYNC01").who.id' evidence.jsonl | head -n 1)
first_name=$(jq -r 'select(.who.server == "SYNC01").who.name' evidence.jsonl | head -n 1)
for hour in 1 2 3; do
	fact "a$hour" audit "9000-01-0${hour}T00:00:00Z" "$first_id" "$first_name" SYNC01
	fact "b$hour" audit "9000-01-0${hour}T00:10:00Z" "$id" "$name" SYNC02
done | with_facts >flips.jsonl
expect 1 "$UNSTAGE" find --evidence flips.jsonl
screen
answered "SYNC01 and SYNC02 overwrite each other in turns: 1 value"
expect 1 "$UNSTAGE" find --evidence flips.jsonl --json
same "turns" 5 "$(jq '.flipFlops[0].turns' "$work/stdout")"

sentence "of an account that two servers use nothing is put back, and what tells them apart is said"
fact sync09.xml staging-space 9000-01-01T00:00:00Z "" "$name" SYNC09 | with_facts >shared.jsonl
blast shared.jsonl
same "suspect before" 0 "$(jq .verdicts.suspect "$work/first")"
at_least "to put back before" 100 "$(jq .verdicts.revert "$work/first")"
same "to put back" 0 "$(jq .verdicts.revert "$work/blast")"
at_least "suspect" 100 "$(jq .verdicts.suspect "$work/blast")"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence shared.jsonl --staging SYNC02
screen
answered "used by SYNC09 too"
answered "connector spaces"
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence shared.jsonl --staging SYNC02 --output none.json
same "steps" 0 "$(jq '.steps | length' none.json)"

# ---- bad input ------------------------------------------------------------------------------------

sentence "a server that wrote nothing: who did is said, and 2"
expect 2 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC07
said "\"SYNC07\" wrote nothing in the evidence; the sync servers that did: SYNC01 ("

# empty_window FROM UNTIL COLLECTED
empty_window() {
	local tenant

	tenant=$(head -n 1 evidence.jsonl | jq -r .tenant)
	echo "{\"format\":\"unstage-evidence/1\",\"tenant\":\"$tenant\",\"collected\":\"$3\",\"sources\":[{\"source\":\"audit\",\"covered\":[{\"from\":\"$1\",\"until\":\"$2\"}]}]}"
	echo '{"end":true,"facts":0,"records":0}'
}

sentence "a window without records says whether the log reaches that far back"
empty_window 2026-03-01T00:00:00Z 2026-03-02T00:00:00Z 2026-03-03T00:00:00Z >empty.jsonl
expect 0 "$UNSTAGE" find --evidence empty.jsonl
screen
answered "there are no records"
answered "the log reaches back that far: it is kept for 7 days at least"
expect 2 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence empty.jsonl --staging SYNC02
said "there are no records, and the log reaches back that far"
empty_window 2026-02-10T00:00:00Z 2026-03-02T00:00:00Z 2026-03-03T00:00:00Z >empty.jsonl
expect 2 "$UNSTAGE" find --evidence empty.jsonl
screen
answered "only with Entra ID P1 or P2"
for from in 2026-01-10T00:00:00Z 2026-03-02T00:00:00Z; do
	empty_window "$from" 2026-03-02T00:00:00Z 2026-03-03T00:00:00Z >empty.jsonl
	expect 2 "$UNSTAGE" find --evidence empty.jsonl
	screen
	answered "the log did not reach back that far"
	expect 2 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence empty.jsonl --staging SYNC02
	said "the log did not reach back that far"
done

sentence "of the last ten minutes it says that they are not covered yet, and not that they are gone"
expect 0 "$UNSTAGE" evidence --from 5m --output young.jsonl
expect 2 "$UNSTAGE" find --evidence young.jsonl
screen
answered "collect it again later"
expect 2 "$UNSTAGE" find --evidence young.jsonl --json
same "reach" not-yet "$(jq -r .reach "$work/stdout")"

sentence "evidence of another tenant is refused, with snapshots and without"
sed '1s/"tenant":"[^"]*"/"tenant":"00000000-0000-4000-8000-000000000001"/' evidence.jsonl >other.jsonl
expect 8 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence other.jsonl --staging SYNC02
said "00000000-0000-4000-8000-000000000001"
expect 8 "$UNSTAGE" find --evidence other.jsonl
said "00000000-0000-4000-8000-000000000001"

sentence "a fact without its object is no evidence: 7, and where"
line=$(grep -n -m 1 '"operation"' evidence.jsonl | cut -d : -f 1)
sed "${line}s/\"id\":\"[^\"]*\",\"kind\"/\"kind\"/" evidence.jsonl >headless.jsonl
expect 7 "$UNSTAGE" find --evidence headless.jsonl
said "headless.jsonl: line $line"

# ---- what can't be read ---------------------------------------------------------------------------

unread() { # LIST of the simulator, its NAME here, what find SAYS of it
	stop_tenant
	rm -f tenant.sqlite
	start_tenant tenant --page-fault html --page-fault-count 100 --page-fault-list "$1" || give_up
	say incident || give_up
	expect 0 "$UNSTAGE" evidence --from 2d --output unread.jsonl
	said "unknown, not none"
	grep -qF "{\"holders\":\"$2\",\"read\":false" unread.jsonl || wrong "the file was to say so"
	expect 1 "$UNSTAGE" find --evidence unread.jsonl
	screen
	answered "$3"
	expect 1 "$UNSTAGE" find --evidence unread.jsonl --json
	same "$2" false "$(jq ".lists.$2.read" "$work/stdout")"
}

sentence "a list that can't be read is unknown, and not empty: evidence is collected all the same"
unread roleAssignments roles "unknown who holds a role"
unread servicePrincipals sync "unknown which applications may synchronise"

finish
