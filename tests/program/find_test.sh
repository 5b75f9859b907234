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
