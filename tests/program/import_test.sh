#!/usr/bin/env bash
# unstage import: what a sync server's own files say, recognised, told, and put into evidence.
. "$(dirname "$0")/library.sh"

data=$SOURCE/tests/data/imports
tenant=7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30

# Evidence of the audit log, with nothing in it: it says whose tenant it is.
cat >audit.jsonl <<-JSON
	{"format":"unstage-evidence/1","tenant":"$tenant","collected":"2026-11-23T12:20:00Z","sources":[{"source":"audit","covered":[{"from":"2026-11-20T00:00:00Z","until":"2026-11-23T12:20:00Z"}]}]}
	{"end":true,"facts":0,"records":0}
JSON

import() { # FILE...: whatever its status
	"$UNSTAGE" import "$@" >out 2>err
	status=$?
}

expect_status() { # NUMBER
	[ "$status" -eq "$1" ] || wrong "exit status $status instead of $1: $(cat err)"
}

expect_text() { # FILE TEXT
	grep -qF -- "$2" "$1" || wrong "no '$2' in: $(cat "$1")"
}

sentence "a run history tells what was sent, when, by whom, and what the server was refused"
import --server SYNC02 "$data/runs/runs.json" "$data/runs/steps.json"
expect_status 0
expect_text out "What it sent"
expect_text out "2026-11-23 02:16:34 to 02:16:43  run 17  completed-export-errors"
expect_text out 'started by CONTOSO\anna, by hand'
expect_text out "6 adds, 259 updates, 0 renames, 8 deletes, 0 delete-adds, 1 failures"
expect_text out "AttributeValueMustBeUnique"
expect_text out "is at 0c5de9b1-63f4-4a27-9d18-e47b02a6c9f0"
expect_text out "runs 13 to 15 of the Entra connector are in none of the files"
[ "$(wc -L <out)" -le 80 ] || wrong "wider than 80 columns"

sentence "Out-File's UTF-16, and WMI's XML, tell the same"
{ printf '\377\376' && iconv -f UTF-8 -t UTF-16LE "$data/runs/steps.json"; } >steps16.json
import --json --server SYNC02 "$data/runs/runs.json" steps16.json
expect_status 0
jq -S .runs.exports out >json.exports
import --json --server SYNC02 "$data/runs/runs.xml"
expect_status 0
jq -S .runs.exports out >xml.exports
jq -e 'map(select(.run == 17 and .counters.updates == 259)) | length == 1' json.exports >/dev/null ||
	wrong "no export of run 17 in the JSON"
diff <(jq -S 'map(select(.run == 17))' json.exports) xml.exports >&2 || wrong "XML and JSON differ"

sentence "a server's configuration says whose files these are, and its staging flag the role"
import --json "$data/configuration/SYNC02" "$data/runs/runs.json"
expect_status 0
jq -e '.server == "SYNC02" and .role == "staging" and .configuration.account ==
	"Sync_SYNC02_7be1c04d9a31@contoso.onmicrosoft.com"' out >/dev/null || wrong "$(cat out)"
import --server SYNC01 "$data/configuration/SYNC02"
expect_status 2
expect_text err "--server says SYNC01, and the configuration is SYNC02's"

sentence "unstage show tells a configuration, and of two what only one of them flows"
"$UNSTAGE" show "$data/configuration/SYNC02" >out || wrong "exit status $?"
expect_text out '"Department of yesterday"'
"$UNSTAGE" show --json "$data/configuration/SYNC02" | jq -e '.flows | length == 8' >/dev/null ||
	wrong "not its 8 flows as JSON"
mkdir -p other/SynchronizationRules
cp "$data"/configuration/SYNC02/SynchronizationRules/*0001* other/SynchronizationRules/
"$UNSTAGE" show "$data/configuration/SYNC02" other >out || wrong "exit status $?"
expect_text out "Written by SYNC02 and never by (no name)"
expect_text out "members"

sentence "what has to be explained stands in the evidence, beside what was there"
import "$data/configuration/SYNC02" "$data/runs/runs.json" "$data/runs/steps.json" \
	--evidence audit.jsonl --output evidence.jsonl
expect_status 0
expect_text out "unstage find BASE LIVE --evidence evidence.jsonl"
jq -se --arg tenant $tenant 'first.tenant == $tenant and
	(first.sources | map(.source) | contains(["audit", "runs"])) and
	any(.[]; .run == 17 and .server == "SYNC02" and .cloud and .updates == 259) and
	(any(.[]; .run == 16) | not)' evidence.jsonl >/dev/null || wrong "$(cat evidence.jsonl)"

sentence "the same files once more add nothing"
import "$data/configuration/SYNC02" "$data/runs/runs.json" "$data/runs/steps.json" \
	--evidence evidence.jsonl --output again.jsonl
expect_status 0
diff <(grep -v '"format"' evidence.jsonl) <(grep -v '"format"' again.jsonl) >&2 ||
	wrong "evidence grew"

sentence "a staging server's connector space becomes evidence of what it wrote and would write"
import "$data/configuration/SYNC02" "$data/staging.xml" "$data/runs/runs.json" "$data/runs/steps.json" \
	--evidence audit.jsonl --output space.jsonl
expect_status 0
expect_text out "objects that it wrote and did not read back yet"
expect_text out "no id"
jq -se 'map(select(.source == "staging-space")) | length > 0 and
	all(.[]; .who.server == "SYNC02")' space.jsonl >/dev/null || wrong "$(cat space.jsonl)"
jq -se 'any(.[]; .source == "forecast" and .operation)' space.jsonl >/dev/null || wrong "no forecast"

sentence "a connector space is not read without knowing what its server is"
import --server SYNC02 "$data/staging.xml"
expect_status 2
expect_text err "--role"
import --server SYNC02 --role spare "$data/staging.xml"
expect_status 2

sentence "production's connector space becomes a base snapshot, as old as its last import"
import --server SYNC01 --role production "$data/staging.xml" --evidence audit.jsonl --base base.jsonl.zst
expect_status 0
expect_text out "a base snapshot of 2026-03-02 06:31:07 UTC"
expect_text out "unstage find base.jsonl.zst LIVE"
"$UNSTAGE" show --json base.jsonl.zst | jq -e --arg tenant $tenant '.tenant == $tenant and
	.source == "csexport" and .taken_from == "2026-03-02T06:31:07.410Z" and .users == 1' >/dev/null ||
	wrong "$("$UNSTAGE" show --json base.jsonl.zst)"
import --server SYNC01 --role production "$data/staging.xml" --evidence audit.jsonl \
	--base told.jsonl.zst --taken 2026-03-02T06:40:00Z
expect_status 0
"$UNSTAGE" show --json told.jsonl.zst | jq -e '.taken_from == "2026-03-02T06:40:00Z"' >/dev/null ||
	wrong "not taken when --taken says"
import --role staging --server SYNC02 "$data/staging.xml" --evidence audit.jsonl --base none.jsonl.zst
expect_status 2
[ ! -e none.jsonl.zst ] || wrong "a file was left behind"

sentence "evidence and snapshot of two tenants are refused"
sed "s/$tenant/8c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30/" audit.jsonl >theirs.jsonl
import --server SYNC02 --role staging "$data/staging.xml" --live base.jsonl.zst --evidence theirs.jsonl \
	--output none.jsonl
expect_status 8
expect_text err "$tenant"
[ ! -e none.jsonl ] || wrong "a file was left behind"

sentence "evidence is of somebody's writes and of somebody's tenant"
import "$data/runs/runs.json" --evidence audit.jsonl --output none.jsonl
expect_status 2
expect_text err "say whose files these are"
import --server SYNC02 "$data/runs/runs.json" --output none.jsonl
expect_status 2
expect_text err "whose tenant it is"
[ ! -e none.jsonl ] || wrong "a file was left behind"

sentence "what is of no use is named, with what to give instead"
printf '<Objs Version="1.1.0.1"><Obj/></Objs>' >clixml.xml
import clixml.xml
expect_status 7
expect_text err "ConvertTo-Json -Depth 6"
import "$data/configuration/SYNC02/GlobalSettings/MV.xml"
expect_status 7
expect_text err "give the folder"
printf '{"SyncCycleEnabled":true}' >scheduler.json
import scheduler.json
expect_status 7
expect_text err "Get-ADSyncScheduler"
printf 'ID,Type,DN\n' >analyzer.csv
import analyzer.csv
expect_status 7
expect_text err "analyzer.csv"
: >empty.json
import empty.json
expect_status 7
mkdir nothing
import nothing
expect_status 7
import missing.json
expect_status 9
import audit.jsonl
expect_status 7
expect_text err "--evidence"

sentence "damage is named with file, line and byte, and nothing is written"
head -c 3000 "$data/runs/steps.json" >cut.json
import --server SYNC02 cut.json --evidence audit.jsonl --output none.jsonl
expect_status 7
expect_text err "cut.json: line "
expect_text err "copy it again"
import --json cut.json
jq -e '.error.kind == "format"' err >/dev/null || wrong "no error as JSON: $(cat err)"
printf '<!DOCTYPE run-history><run-history/>' >doctype.xml
import doctype.xml
expect_status 7
expect_text err "document type"
head -c 2000 "$data/staging.xml" >cut.xml
import --server SYNC01 --role production cut.xml --evidence audit.jsonl --base none.jsonl.zst
expect_status 7
expect_text err "cut.xml: line "
[ ! -e none.jsonl ] && [ ! -e none.jsonl.zst ] || wrong "a file was left behind"

sentence "no text of a file reaches the terminal as it is"
sed 's/CONTOSO\\\\anna/\\u001b[31m\\u202eanna/' "$data/runs/runs.json" >hostile.json
import hostile.json "$data/runs/steps.json"
expect_status 0
grep -P "$UNPRINTABLE" out && wrong "unprintable text on the screen"
expect_text out 'started by \x1b[31m'

finish
