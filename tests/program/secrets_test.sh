#!/usr/bin/env bash
# Where the client secret goes is said, and it stays nowhere on the way. What the configuration, the
# state folder and the files named on the command line may not be is refused before anything is sent.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq openssl curl zstd

start_tenant tenant || give_up
whole_story || give_up
cp unstage.pub tenant/
secret=$(cat tenant/client.secret)
good_config=$UNSTAGE_CONFIG

# config SED: the good configuration, changed.
config() {
	sed -E "$1" "$good_config" >changed.config
	export UNSTAGE_CONFIG=$work/changed.config
}

# not_told FILE...: the secret stands in none of them.
not_told() {
	! grep -qF -e "$secret" "$@" || wrong "the secret stands in: $(grep -lF -e "$secret" "$@")"
}

# ---- where it goes ----------------------------------------------------------------------------

sentence "a sign-in host that is not Microsoft's is said aloud before the secret goes there"
config 's|^authority = .*|authority = https://127.0.0.1:1|; s|^graph = .*||'
expect 6 "$UNSTAGE" snapshot --output x.jsonl.zst
said "the client secret goes to https://127.0.0.1:1 (configured in [simulated])"
not_told "$work/stderr"

sentence "so is a host that gets the token"
config 's|^graph = .*|graph = https://127.0.0.1:1|'
# The simulated sign-in host gives no token for another host than its own.
expect 3 "$UNSTAGE" snapshot --output x.jsonl.zst
said "the token goes to https://127.0.0.1:1 (configured in [simulated])"
said "the client secret goes to http://127.0.0.1:"

sentence "and the cloud's own sign-in host needs no words"
config 's|^authority = .*||; s|^graph = .*|graph = https://127.0.0.1:1|; s|^tenant = .*|tenant = common|'
expect 3 "$UNSTAGE" snapshot --output x.jsonl.zst
! grep -q "client secret goes" "$work/stderr" || wrong "Microsoft's own host was announced"
absent x.jsonl.zst

# ---- where it stays -----------------------------------------------------------------------------

stop_tenant
start_tenant tenant --throttle-every 2 || give_up
good_config=$UNSTAGE_CONFIG
config 's|^client_secret_file = .*||'
sentence "a secret from the environment is gone from it as soon as it was read, and is in no argument"
AZURE_CLIENT_SECRET=$secret "$UNSTAGE" snapshot --output env.jsonl.zst >env.out 2>env.err </dev/null &
pid=$!
for _ in $(seq 400); do
	grep -q "waiting until" env.err && break
	sleep 0.02
done
for file in environ cmdline; do
	tr '\0' '\n' <"/proc/$pid/$file" >seen 2>/dev/null || continue # not ours to read is as well
	not_told seen
done
grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits" || wrong "it may leave a core file"
wait "$pid"
same "status" 0 $?
not_told env.out env.err env.jsonl.zst

# watched MARK COMMAND...: while it waits in a throttled run, and after it has ended, the mark is in
# no variable, no argument and no file, as it is and in the forms in which it might travel.
watched() {
	local mark=$1 form pid file
	shift
	rm -rf watch && mkdir watch
	"$@" "$UNSTAGE" snapshot --output watch/x.jsonl.zst >watch/out 2>watch/err <"${input:-/dev/null}" &
	pid=$!
	for _ in $(seq 400); do
		grep -q "waiting until" watch/err && break
		sleep 0.02
	done
	for file in environ cmdline; do
		tr '\0' '\n' <"/proc/$pid/$file" >"watch/$file" 2>/dev/null || continue
	done
	wait "$pid"
	same "status" 0 $?
	zstd -qdc watch/x.jsonl.zst >watch/snapshot
	cp -r tenant/state watch/state 2>/dev/null
	for form in "$mark" "$(printf %s "$mark" | base64 -w0)" "$(printf %s "$mark" | basenc --base64url -w0)" \
		"$(printf %s "$mark" | od -An -v -tx1 | tr -d ' \n')" \
		"$(printf %s "$mark" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F)" \
		"$(printf %s "$mark" | jq -sRr @uri)"; do
		! grep -rqF -e "$form" watch || wrong "a secret stands in: $(grep -rlF -e "$form" watch)"
	done
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 \
	-subj /CN=unstage 2>/dev/null
openssl pkcs12 -export -inkey key.pem -in certificate.pem -out pair.pfx -passout "pass:marked PFX+password"
openssl pkey -in key.pem -pubout -out public.pem
cat certificate.pem key.pem >pair.pem
chmod 600 pair.pfx pair.pem
stop_tenant
start_tenant tenant --throttle-every 6 --certificate certificate.pem --federated public.pem || give_up
good_config=$UNSTAGE_CONFIG
config 's|^client_secret_file = .*||'
port=$(sed -n 's/^graph = .*:\([0-9]*\)$/\1/p' "$good_config")

sentence "so is the password of a PFX, and of its key nothing is seen"
watched "marked PFX+password" env AZURE_CLIENT_CERTIFICATE_PATH="$work/pair.pfx" \
	AZURE_CLIENT_CERTIFICATE_PASSWORD="marked PFX+password"
# A line from the middle of the key, and what it says.
watched "$(sed -n 10p key.pem)" env AZURE_CLIENT_CERTIFICATE_PATH="$work/pair.pem"

sentence "so is the header of a managed identity, used or not"
header=$(sed -n 's/^IDENTITY_HEADER=//p' tenant/identity.env)
watched "$header" env IDENTITY_ENDPOINT="http://127.0.0.1:$port/msi/token" IDENTITY_HEADER="$header"
watched "marked-header" env AZURE_CLIENT_SECRET="$secret" IDENTITY_HEADER=marked-header \
	IDENTITY_ENDPOINT="http://127.0.0.1:$port/msi/token"

sentence "a federated token and a pasted one are told to nobody"
now=$(date +%s)
unsigned=$(printf '{"alg":"RS256"}' | basenc --base64url -w0 | tr -d =).$(printf \
	'{"iss":"https://issuer.simulated/","sub":"unstage","aud":"api://AzureADTokenExchange","nbf":%d,"exp":%d}' \
	"$now" $((now + 3600)) | basenc --base64url -w0 | tr -d =)
signature=$(printf %s "$unsigned" | openssl dgst -sha256 -sign key.pem | basenc --base64url -w0 | tr -d =)
printf '%s.%s' "$unsigned" "$signature" >federated.token
watched "$signature" env AZURE_FEDERATED_TOKEN_FILE="$work/federated.token"
token=$(curl -s "http://127.0.0.1:$port/$(sed -n 's/^tenant = //p' "$good_config")/oauth2/v2.0/token" \
	-d grant_type=client_credentials --data-urlencode "client_secret=$secret" \
	-d "client_id=$(sed -n 's/^client_id = //p' "$good_config")" \
	--data-urlencode "scope=http://127.0.0.1:$port/.default" | jq -r .access_token)
printf %s "$token" >pasted.token
config 's|^client_secret_file = .*|access_token_file = -|'
input=pasted.token watched "${token##*.}" env

# ---- what is refused ---------------------------------------------------------------------------

stop_tenant
start_tenant tenant --deny User.ReadWrite.All || give_up
good_config=$UNSTAGE_CONFIG
sent=$(writes_sent)

sentence "a key that stands in the configuration twice is refused, and so is a value of two lines"
config '$ a tenant = 11111111-2222-4333-8444-555555555555'
expect 2 "$UNSTAGE" status plan.json
said "the key 'tenant' twice"
config 's|^(tenant = .*)|\1\n  11111111-2222-4333-8444-555555555555|'
expect 2 "$UNSTAGE" status plan.json
said "the key 'tenant' twice"

sentence "a plan for another cloud is refused"
config '$ a cloud = usgov'
expect 8 "$UNSTAGE" apply plan.json
said "the plan is for the cloud global"

sentence "a state folder that others may write to is refused"
mkdir -p loose && chmod 777 loose
config "s|^state = .*|state = $work/loose|"
expect 8 "$UNSTAGE" apply plan.json
said "chmod go-w"

UNSTAGE_CONFIG=$good_config
sentence "a receipt takes the place of no other file, and not of the journal"
cp plan.json kept.json
expect 2 "$UNSTAGE" apply plan.json --receipt plan.json
said "is no receipt"
same "the plan" "$(sha256sum <kept.json)" "$(sha256sum <plan.json)"
expect 2 "$UNSTAGE" apply plan.json --receipt both --journal both
absent both

sentence "a journal that was named and is not there is not taken for an empty one"
expect 9 "$UNSTAGE" status plan.json --journal nowhere.sqlite
said "nowhere.sqlite"

sentence "a pipe in the place of a file is refused, and nobody waits for its other end"
mkfifo pipe
for command in show verify sign apply status; do
	expect 9 "$UNSTAGE" "$command" pipe
done
same "writes asked for" "$sent" "$(writes_sent)"

# ---- denied, and then granted ----------------------------------------------------------------------

sentence "a run that a missing permission ends says what was done, what was not, and what to grant"
expect 4 "$UNSTAGE" apply plan.json
said "User.ReadWrite.All"
said "run again"
answered "refused"
answered "receipt"
expect 4 "$UNSTAGE" apply plan.json --json
jq -s -e '.[0].format == "unstage-steps/1" and .[-1].end == true and
	([.[] | select(.state == "refused")] | length) == 1' <"$work/stdout" >/dev/null ||
	wrong "the steps were to be JSON lines: $(head -n 3 "$work/stdout")"
same "errors" 4 "$(tail -n 1 "$work/stderr" | jq .error.status)"
there tenant/state/*.receipt.json

sentence "once it is granted the same command does all of it"
stop_tenant
start_tenant tenant || give_up
expect 1 "$UNSTAGE" apply plan.json
planned_writes plan.json >planned
our_writes >written
diff planned written >differences || wrong "planned (<) and written (>) differ: $(head -n 3 differences)"

sentence "the status of a plan is not looked for in another tenant"
stop_tenant
start_tenant other --seed 2 || give_up
expect 8 "$UNSTAGE" status plan.json --key unstage.pub
said "the plan is for tenant"

finish
