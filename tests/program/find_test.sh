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
say day && say incident && say morning || give_up
expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst --evidence evidence.jsonl --from 2d || give_up
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
same "with the name" 2 "$(grep -c -e '--staging SYNC02' "$work/stdout")"

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
