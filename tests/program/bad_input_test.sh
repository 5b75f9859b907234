#!/usr/bin/env bash
# What is wrong is said: which file, which host, which permission, what to do. Each failure has
# its own exit status, and nothing half-written is left under a final name.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq zstd

# ---- what was typed --------------------------------------------------------------------------

sentence "an unknown command is refused with 2 and named"
expect 2 "$UNSTAGE" abracadabra
said "abracadabra"

sentence "an unknown option is refused with 2 and named"
expect 2 "$UNSTAGE" snapshot --force --output x.jsonl.zst
said "--force"
absent x.jsonl.zst

sentence "an option without its value, a flag with one, a number that is none, a word too many: all 2"
expect 2 "$UNSTAGE" snapshot --output
said "--output"
expect 2 "$UNSTAGE" keygen --no-password=yes
said "--no-password"
expect 2 "$UNSTAGE" plan a b --evidence c --output d --expires soon
said "soon"
expect 2 "$UNSTAGE" verify one two
said "two"
expect 2 "$UNSTAGE" diff one
said "BASE LIVE"

sentence "a verdict that doesn't exist is refused with 2, and those that do are listed"
expect 2 "$UNSTAGE" diff a b --verdict guilty
said "contested"

# ---- profile and credentials --------------------------------------------------------------------

sentence "without any credentials the status is 3, and the variables to set are named"
tenant=AZURE_TENANT_ID=11111111-2222-4333-8444-555555555555
client=AZURE_CLIENT_ID=66666666-7777-4888-8999-aaaaaaaaaaaa
expect 3 "$UNSTAGE" snapshot --output x.jsonl.zst
said "AZURE_TENANT_ID"
expect 3 env "$tenant" "$UNSTAGE" snapshot --output x.jsonl.zst
said "AZURE_CLIENT_ID"
expect 3 env "$tenant" "$client" "$UNSTAGE" snapshot --output x.jsonl.zst
said "AZURE_CLIENT_SECRET"
absent x.jsonl.zst

sentence "a sign-in host that is not Microsoft's can't come from the environment"
expect 2 env AZURE_AUTHORITY_HOST=https://login.example.com "$UNSTAGE" snapshot --output x.jsonl.zst
said "login.example.com"

start_tenant plain || give_up
cp "$UNSTAGE_CONFIG" good.config
plain_config=$UNSTAGE_CONFIG

# config SED: the good configuration, changed.
config() {
	sed -E "$1" good.config >changed.config
	export UNSTAGE_CONFIG=$work/changed.config
}

sentence "a key that means nothing is refused with 2, with file and line"
{ cat good.config; echo 'graf = x'; } >changed.config
export UNSTAGE_CONFIG=$work/changed.config
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst
said "changed.config:$(wc -l <changed.config):"
said "graf"

sentence "a line too long to be read whole is refused with 2, with file and line"
{ cat good.config; printf 'proxy = http://%0300d\n' 1; } >changed.config
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst
said "changed.config:$(wc -l <changed.config):"

sentence "a line that is no INI is refused with 2, with file and line"
{ cat good.config; echo 'what is this'; } >changed.config
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst
said "changed.config:$(wc -l <changed.config):"

sentence "of several sections one must be named"
{ cat good.config; printf '[other]\ntenant = x\n'; } >changed.config
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst
said "--profile"
expect 2 "$UNSTAGE" snapshot --profile third --output x.jsonl.zst
said "[third]"
expect 0 "$UNSTAGE" snapshot --profile simulated --output section.jsonl.zst

sentence "a secret that others may read is refused with 8, and chmod is named"
UNSTAGE_CONFIG=$plain_config
chmod 644 plain/client.secret
expect 8 "$UNSTAGE" snapshot --output x.jsonl.zst
said "chmod 600"
said "client.secret"
chmod 600 plain/client.secret

sentence "a secret behind a link is refused with 8"
ln -s "$work/plain/client.secret" link.secret
config "s|^client_secret_file.*|client_secret_file = $work/link.secret|"
expect 8 "$UNSTAGE" snapshot --output x.jsonl.zst
said "link.secret"

sentence "plain http to anything but this machine is refused before a request is made"
config 's|^graph = http://127.0.0.1|graph = http://192.0.2.1|'
before=$(query 'SELECT count(*) FROM requests')
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst
said "192.0.2.1"
same "requests" "$before" "$(query 'SELECT count(*) FROM requests')"

sentence "a host that never answered is tried three times, named, and 6"
config 's#^(graph|authority) = .*#\1 = http://127.0.0.1:1#'
expect 6 "$UNSTAGE" snapshot --output x.jsonl.zst
said "given up after 3 tries"
said "127.0.0.1:1"
said "could not connect"

sentence "an error is JSON when the answer would be, and Ctrl-C ends the waiting"
expect_interrupted 6 "waiting until" "$UNSTAGE" snapshot --output x.jsonl.zst --json
same "kind and status" "unstage-error/1 6" \
	"$(tail -n 1 "$work/stderr" | jq -r '"\(.format) \(.error.status)"')"
expect 2 "$UNSTAGE" snapshot --force --json
same "status" 2 "$(jq -r .error.status "$work/stderr")"
same "stdout" "" "$(cat "$work/stdout")"
absent x.jsonl.zst

# ---- the files -----------------------------------------------------------------------------------

UNSTAGE_CONFIG=$plain_config
whole_story || give_up

# flip FILE OFFSET: a copy with one bit turned.
flip() {
	local byte

	cp "$1" flipped
	byte=$(od -A n -t u1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059 # the octal escape is what is to be printed
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of=flipped bs=1 seek="$2" conv=notrunc status=none
}

sentence "a snapshot with one bit turned, wherever it is, is damaged: 7, the file and the place named"
size=$(stat -c %s live.jsonl.zst)
for offset in 0 3 40 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 200)) $((size - 56)) $((size - 1)); do
	flip live.jsonl.zst "$offset"
	expect 7 "$UNSTAGE" verify flipped || echo "    (at byte $offset of $size)"
	said "flipped"
	grep -qE 'bucket|index|frame|footer|header|offset|byte' "$work/stderr" ||
		wrong "byte $offset: no place named: $(cat "$work/stderr")"
done

sentence "a damaged snapshot yields no findings and no plan"
flip live.jsonl.zst $((size / 2))
expect 7 "$UNSTAGE" diff production.jsonl.zst flipped --evidence evidence.jsonl --output x.json
absent x.json
expect 7 "$UNSTAGE" plan production.jsonl.zst flipped --evidence evidence.jsonl --output x.json
absent x.json

sentence "a snapshot that ends early is damaged"
head -c $((size - 1000)) live.jsonl.zst >flipped
expect 7 "$UNSTAGE" verify flipped
said "flipped"

sentence "a file that is no snapshot at all is 7, and named"
echo "hello" >hello.txt
expect 7 "$UNSTAGE" diff hello.txt live.jsonl.zst
said "hello.txt"

sentence "a file that is not there is 9, and named"
expect 9 "$UNSTAGE" diff nowhere.jsonl.zst live.jsonl.zst
said "nowhere.jsonl.zst"

sentence "evidence that ends early is incomplete: 7"
head -n 100 evidence.jsonl >cut.jsonl
expect 7 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst --evidence cut.jsonl --output x.json
said "cut.jsonl"
said "incomplete"
absent x.json

sentence "evidence with a line taken out of its middle is incomplete: 7"
sed 50d evidence.jsonl >cut.jsonl
expect 7 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst --evidence cut.jsonl --output x.json
said "cut.jsonl"
absent x.json

sentence "an output folder that is not there is 9, and nothing appears"
expect 9 "$UNSTAGE" snapshot --output nowhere/x.jsonl.zst
said "nowhere"

sentence "a key pair is never overwritten"
sum=$(cat unstage.key unstage.pub | sha256sum)
expect 2 "$UNSTAGE" keygen --no-password
said "unstage."
same "the keys" "$sum" "$(cat unstage.key unstage.pub | sha256sum)"

sentence "two tenants are not compared: 8"
stop_tenant
start_tenant other --seed 2 || give_up
expect 0 "$UNSTAGE" snapshot --output other.jsonl.zst
expect 8 "$UNSTAGE" diff production.jsonl.zst other.jsonl.zst
said "tenant"
stop_tenant

# ---- what the service does ---------------------------------------------------------------------

sentence "a wrong secret is 3, with Entra's code and what to do"
start_tenant refuse1 --refuse-token 1 || give_up
expect 3 "$UNSTAGE" snapshot --output x.jsonl.zst
said "AADSTS7000215"
said "client_secret_file"
absent x.jsonl.zst
stop_tenant

sentence "an application that nobody knows there is 3, with Entra's code and what to do"
start_tenant refuse2 --refuse-token 2 || give_up
expect 3 "$UNSTAGE" snapshot --output x.jsonl.zst
said "AADSTS700016"
said "AZURE_CLIENT_ID"
absent x.jsonl.zst
stop_tenant

sentence "a permission that nobody consented to is 4, and named"
start_tenant denied --deny AuditLog.Read.All || give_up
expect 4 "$UNSTAGE" evidence --from 2d --output x.jsonl
said "AuditLog.Read.All"
absent x.jsonl
stop_tenant

sentence "a nextLink to another host is refused with 8, and nothing follows it"
start_tenant foreign --foreign-link-at 2 --page-max 50 || give_up
expect 8 "$UNSTAGE" snapshot --output x.jsonl.zst
absent x.jsonl.zst
said "graph.example.net"
same "requests that failed or came after" 0 "$(query 'SELECT count(*) FROM requests WHERE status <> 200')"
stop_tenant

sentence "a window from before the log's memory is not claimed as covered, and that is said"
start_tenant forgetful || give_up
expect 0 "$UNSTAGE" evidence --from 40d --output old.jsonl
said "is not covered"
covered=$(head -n 1 old.jsonl | jq -r '.sources[0].covered[0].from')
at_least "begin of what is covered" "$(date -u -d '9 days ago' +%s)" "$(date -u -d "$covered" +%s)"
stop_tenant

sentence "throttled, refused now and then, in small pages: the same snapshot in the end"
start_tenant troubled || give_up
expect 0 "$UNSTAGE" snapshot --output calm.jsonl.zst
stop_tenant
start_tenant troubled --throttle-every 7 --throttle-items 5 --fail-every 11 --page-max 120 || give_up
expect 0 "$UNSTAGE" snapshot --output troubled.jsonl.zst
at_least "requests that were throttled" 1 "$(query 'SELECT count(*) FROM requests WHERE status = 429')"
at_least "requests that failed" 1 "$(query 'SELECT count(*) FROM requests WHERE status = 503')"
said "throttled"
expect 0 "$UNSTAGE" diff calm.jsonl.zst troubled.jsonl.zst
same "lines" "$(zstd -dc calm.jsonl.zst | tail -n +2 | sha256sum)" \
	"$(zstd -dc troubled.jsonl.zst | tail -n +2 | sha256sum)"

finish
