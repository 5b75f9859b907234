#!/usr/bin/env bash
# unstage doctor against tenants that grant all, something and nothing; a machine that is not in order;
# a service that does not answer. It writes nothing, and what it says fits a screen.
. "$(dirname "$0")/library.sh"

require_tools jq sqlite3

# mark NAME: of the row in the last JSON answer; "-" where there is none.
mark() {
	jq -r --arg name "$1" '[.checks[] | select(.name == $name) | .mark] | .[0] // "-"' "$work/stdout"
}

ability() { # NAME: its mark
	jq -r --arg name "$1" '.abilities[] | select(.name == $name) | .mark' "$work/stdout"
}

grant() { # PERMISSION: its mark
	jq -r --arg name "$1" '.grants[] | select(.permission == $name) | .mark' "$work/stdout"
}

is_document() {
	same "documents" 1 "$(jq -s length "$work/stdout" 2>/dev/null)"
	same "format" unstage-doctor/1 "$(jq -r .format "$work/stdout")"
}

fits_screen() {
	same "the widest line of $1" ok "$(LC_ALL=C.UTF-8 awk 'length($0) > 80 { print; wide = 1 } END { if (!wide) print "ok" }' "$1")"
}

# ---- what needs no tenant --------------------------------------------------------------------------

sentence "without a configuration it says so, and which kind of trouble it is"
expect 3 "$UNSTAGE" doctor
answered "This machine"
export UNSTAGE_CONFIG=$work/none
expect 9 "$UNSTAGE" doctor --json
is_document
same "trouble" system "$(jq -r .trouble.kind "$work/stdout")"

# ---- the clock, in the past of the story ----------------------------------------------------------------

start_tenant tenant || give_up
good_config=$UNSTAGE_CONFIG

sentence "a clock that apply would refuse is missing"
expect 1 "$UNSTAGE" doctor --json
is_document
same "clock" missing "$(mark "clock, beside Graph")"
same "what was read" ok "$(mark users)"

# ---- everything granted ---------------------------------------------------------------------------------

say day && say incident && say morning || give_up
before=$(query 'SELECT count(*) FROM writes')

sentence "everything granted: it is complete, and ends with 0"
expect 0 "$UNSTAGE" doctor
cp stdout screen
fits_screen screen
printable screen
answered "All that is needed to look is there: unstage snapshot"
expect 0 "$UNSTAGE" doctor --apply --json
is_document
same "complete" true "$(jq .complete stdout)"
for name in "client secret" "state folder" token "clock, beside Graph" tenant users managers groups \
	members owners contacts "deleted users" "deleted groups" "newest records" "sync accounts"; do
	same "$name" ok "$(mark "$name")"
done
same "abilities that are not there" "" "$(jq -r '.abilities[] | select(.mark != "ok") | .name' stdout)"
same "tenant" "$(sed -n 's/^tenant = //p' "$good_config")" "$(jq -r .tenant.id stdout)"

sentence "every question was a harmless one, and nothing was left behind"
same "requests that are no GET" 0 "$(query "SELECT count(*) FROM requests WHERE method <> 'GET' AND path NOT LIKE '%/oauth2/%'")"
same "writes" "$before" "$(query 'SELECT count(*) FROM writes')"
absent tenant/state

sentence "it knows which server each sync identity is"
same "staging" "SYNC02 true" "$(jq -r '.identities[] | select(.role == "staging") | "\(.server) \(.records > 0)"' stdout)"
same "production" "SYNC01 true" "$(jq -r '.identities[] | select(.role == "production") | "\(.server) \(.records > 0)"' stdout)"
same "how far back the log reaches" note "$(mark "oldest record")"
grep -q "SYNC02 .*staging" screen || wrong "the screen does not name the staging server"

sentence "what documentation leaves open is answered, and never a failure"
for name in "changes of users" "changes of groups" "changes of contacts" "audits in order" "find sync conflicts"; do
	same "$name" yes "$(mark "$name")"
done
same "HTTP/2 of the simulator" no "$(mark HTTP/2)"
same "needed open points" 0 "$(jq '[.checks[] | select(.section == "open" and .needed)] | length' stdout)"

sentence "the quota is told, and what was spent of it"
same "limits" 3 "$(jq '.quota | length' stdout)"
same "units were spent" true "$(jq '.quota[0].spent > 0 and .quota[0].limit > 0' stdout)"

sentence "its table of permissions is the README's, and the one that refusals name"
jq -r '.grants[] | "| `\(.permission)` | \(.for) | \(if .needed then "needed" else "wished" end) |"' stdout >grants
grep -E '^\| `[A-Za-z-]+\.[A-Za-z.]+` \| .* \| (needed|wished) \|$' "$SOURCE/README.md" >readme
diff grants readme >differences || wrong "README and doctor differ: $(head -n 4 differences)"
same "rows that refusals name otherwise" "" "$(jq -r '.checks[] | select(.permission and .needs) |
	.permission as $one | select(.needs | contains($one) | not) | .name' stdout)"
same "writes whose least permission is not named" "" "$(jq -r '.abilities[] | select(.least) |
	.least as $one | select(.needs | contains($one) | not) | .name' stdout)"

sentence "a folder that is there is tried, and left as it was"
mkdir -m 700 tenant/state
expect 0 "$UNSTAGE" doctor --json
same "state folder" ok "$(mark "state folder")"
same "lock" ok "$(mark lock)"
same "files in it" "" "$(ls -A tenant/state)"

# ---- this machine is not in order --------------------------------------------------------------------------

sentence "a state folder where others may write is missing, and apply can't be done"
chmod 777 tenant/state
expect 1 "$UNSTAGE" doctor --json
same "state folder" missing "$(mark "state folder")"
same "apply" missing "$(ability "apply: members")"
same "snapshot" ok "$(ability "snapshot, status")"
chmod 700 tenant/state

sentence "a public key that is none is missing"
echo nonsense >tenant/unstage.pub
expect 1 "$UNSTAGE" doctor --json
same "public key" missing "$(mark "public key")"
rm tenant/unstage.pub

sentence "a secret that others may read ends it, with everything else that can be told"
chmod 644 tenant/client.secret
expect 8 "$UNSTAGE" doctor
answered "others may read it (mode 644)"
answered "state folder"
said "chmod 600"
fits_screen stdout
expect 8 "$UNSTAGE" doctor --json
is_document
same "trouble" refused "$(jq -r .trouble.kind stdout)"
chmod 600 tenant/client.secret

sentence "a wrong secret is a matter of authentication, and what needs no tenant is told"
printf wrong >wrong.secret && chmod 600 wrong.secret
sed "s|^client_secret_file = .*|client_secret_file = $work/wrong.secret|" "$good_config" >wrong.config
UNSTAGE_CONFIG=$work/wrong.config expect 3 "$UNSTAGE" doctor
answered "state folder"
answered "none came"
said AADSTS7000215
fits_screen stdout
UNSTAGE_CONFIG=$work/wrong.config expect 3 "$UNSTAGE" doctor --json
is_document
same "token" missing "$(mark token)"
same "trouble" authentication "$(jq -r .trouble.kind stdout)"

sentence "a token that Graph refuses is one, too"
printf 'abc.def.ghi' >pasted && chmod 600 pasted
sed "s|^client_secret_file = .*|access_token_file = $work/pasted|" "$good_config" >pasted.config
UNSTAGE_CONFIG=$work/pasted.config expect 3 "$UNSTAGE" doctor --json
is_document
same "apply, by a token that can't be read" unknown "$(ability "apply: members")"

sentence "another tenant than the configured one is missing"
sed 's|^tenant = .*|tenant = 11111111-2222-3333-4444-555555555555|' pasted.config >other.config
token=$(curl -s -d grant_type=client_credentials -d "client_id=$(sed -n 's/^client_id = //p' "$good_config")" \
	--data-urlencode "client_secret=$(cat tenant/client.secret)" \
	--data-urlencode "scope=$(sed -n 's/^graph = //p' "$good_config")/.default" \
	"$(sed -n 's/^authority = //p' "$good_config")/$(sed -n 's/^tenant = //p' "$good_config")/oauth2/v2.0/token" |
	jq -r .access_token)
printf %s "$token" >pasted
UNSTAGE_CONFIG=$work/other.config expect 1 "$UNSTAGE" doctor --json
same "tenant" missing "$(mark tenant)"
! grep -qF "$token" stdout stderr || wrong "the token was printed"

# ---- permissions are missing ------------------------------------------------------------------------------

denied() { # PERMISSIONS OPTION...: the same tenant, with fewer of them
	local permissions=$1
	shift
	stop_tenant
	start_tenant tenant --deny "$permissions" "$@" || give_up
}

sentence "without AuditLog.Read.All there is no evidence, but a snapshot"
denied AuditLog.Read.All
expect 1 "$UNSTAGE" doctor
fits_screen stdout
answered "lacks AuditLog.Read.All"
answered "Grant AuditLog.Read.All to the application"
expect 1 "$UNSTAGE" doctor --json
same "AuditLog.Read.All" missing "$(grant AuditLog.Read.All)"
same "Directory.Read.All" ok "$(grant Directory.Read.All)"
same "evidence" missing "$(ability evidence)"
same "snapshot" ok "$(ability "snapshot, status")"
same "status of the refusal" 403 "$(jq '.checks[] | select(.name == "sync accounts") | .status' stdout)"

sentence "without Directory.Read.All it is that one, and not the log's own"
denied Directory.Read.All
expect 1 "$UNSTAGE" doctor --json
same "AuditLog.Read.All" ok "$(grant AuditLog.Read.All)"
same "Directory.Read.All" missing "$(grant Directory.Read.All)"

sentence "who is only to look need not be able to apply"
denied "User.ReadWrite.All,Group.ReadWrite.All,GroupMember.ReadWrite.All"
expect 0 "$UNSTAGE" doctor --json
same "apply: members" missing "$(ability "apply: members")"
same "apply: restore users" ok "$(ability "apply: restore users")"
expect 1 "$UNSTAGE" doctor --apply

sentence "where nothing may be read it is a matter of permission"
denied "User.Read.All,User.ReadWrite.All,GroupMember.Read.All,GroupMember.ReadWrite.All,Group.Read.All,Group.ReadWrite.All,OrgContact.Read.All,Organization.Read.All,AuditLog.Read.All,Directory.Read.All"
expect 4 "$UNSTAGE" doctor --json
is_document
same "users" missing "$(mark users)"

# ---- the service does not answer --------------------------------------------------------------------------

sentence "a service that fails is not asked thirty times, and what could not be found out is unknown"
stop_tenant
start_tenant tenant --fail-every 1 || give_up
asked=$(query 'SELECT count(*) FROM requests')
expect 6 "$UNSTAGE" doctor --json
is_document
same "users" unknown "$(mark users)"
at_least "spare questions" 0 "$((12 - $(query 'SELECT count(*) FROM requests') + asked))"

# ---- hostile names ------------------------------------------------------------------------------------------

sentence "names from the log can't move a cursor or turn text around"
stop_tenant
sqlite3 "$tenant_database" "UPDATE audits SET json = replace(json, 'Sync_SYNC02_', 'Sync_S' || char(8238) || 'Y\\u001b[31m_')"
start_tenant tenant || give_up
expect 0 "$UNSTAGE" doctor
printable stdout
fits_screen stdout
answered '\x1b[31m'
expect 0 "$UNSTAGE" doctor --json
is_document
printable stdout

# ---- servers that sign in as applications ---------------------------------------------------------------------

sentence "a server that signs in as an application is found, whether it wrote lately or not"
stop_tenant
application='ConnectSyncProvisioning_SYNC01_0123456789ab'
sqlite3 "$tenant_database" "INSERT OR REPLACE INTO settings VALUES('sync-applications', '[
	{\"id\":\"aaaaaaaa-0000-4000-8000-000000000001\",\"appId\":\"aaaaaaaa-0000-4000-8000-000000000002\",\"displayName\":\"$application\"},
	{\"id\":\"aaaaaaaa-0000-4000-8000-000000000003\",\"appId\":\"aaaaaaaa-0000-4000-8000-000000000004\",\"displayName\":\"Own app\"}]');
	UPDATE audits SET json = json_set(json, '\$.initiatedBy', json('{\"user\":null,\"app\":{\"displayName\":\"$application\"}}'))
		WHERE json LIKE '%Sync_SYNC01_%'"
start_tenant tenant || give_up
expect 0 "$UNSTAGE" doctor --json
same "sync applications" ok "$(mark "sync applications")"
same "the one that wrote" "SYNC01 production true true" "$(jq -r --arg name "$application" '.identities[] |
	select(.name == $name) | "\(.server) \(.role) \(.may_synchronise) \(.records > 0)"' stdout)"
same "the one that did not" "null 0 true" "$(jq -r '.identities[] | select(.name == "Own app") |
	"\(.server) \(.records) \(.may_synchronise)"' stdout)"
expect 0 "$UNSTAGE" doctor
fits_screen stdout
answered "may synchronise; wrote nothing lately"
finish
