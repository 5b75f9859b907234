#!/usr/bin/env bash
# Nobody has a snapshot: the base is made of the evidence.
. "$(dirname "$0")/library.sh"

require_tools jq

cd "$work" || give_up
export TMPDIR="$work/tmp"
mkdir "$TMPDIR"

sentence "the demo's incident, told by the log alone: all is put back, nothing legitimate is lost"
expect 0 "$UNSTAGE" demo --base audit --output demo
cp "$work/stdout" "$work/demo.stdout"
grep -Eq '^ +0  values still damaged' "$work/demo.stdout" || wrong "values are still damaged"
grep -Eq '^ +0  legitimate changes lost' "$work/demo.stdout" || wrong "legitimate changes are lost"
absent demo/production.jsonl.zst

cd demo || give_up
export UNSTAGE_CONFIG=$PWD/config

sentence "find says that there is no snapshot, and what can't be told; no line is longer than 80"
expect 1 "$UNSTAGE" find audit live.jsonl.zst --evidence evidence.jsonl
answered "no snapshot: compared with what the evidence knows of "
answered "what others changed can't be told"
same "lines of more than 80" 0 "$(awk 'length > 80' "$work/stdout" | wc -l)"

sentence "what goes back has a record that tells what stood there"
jq -c 'select(.verdict? == "revert")' findings.json >"$work/reverts"
at_least "values that go back" 200 "$(wc -l <"$work/reverts")"
same "of them without a reference" 0 "$(jq -c 'select(.references == [])' "$work/reverts" | wc -l)"
same "values of them without what stood there" 0 \
	"$(jq -c 'select(.attribute and (has("before") | not))' "$work/reverts" | wc -l)"
jq -r '.references[]' "$work/reverts" | sort -u >"$work/referred"
jq -r '.reference? // empty' evidence.jsonl | sort -u >"$work/recorded"
same "references that are no record" "" "$(comm -23 "$work/referred" "$work/recorded" | head -n 1)"

sentence "the same evidence makes the same base; the plan names it, and that nobody signed it"
expect 0 "$UNSTAGE" plan audit live.jsonl.zst --evidence evidence.jsonl --output again.json
answered "base: nobody signed it"
same "base" "$(jq -r .base plan.json)" "$(jq -r .base again.json)"
same "base of the findings" "$(jq -r .base plan.json)" "$(head -n 1 findings.json | jq -r .base)"
differ "base and live" "$(jq -r .base plan.json)" "$(jq -r .live plan.json)"

sentence "it is made nowhere else, and of evidence only"
expect 2 "$UNSTAGE" diff audit live.jsonl.zst && said "name it with --evidence FILE"
expect 2 "$UNSTAGE" diff live.jsonl.zst audit --evidence evidence.jsonl && said "made of evidence"
expect 2 "$UNSTAGE" show audit && said "made of evidence"
touch audit
expect 2 "$UNSTAGE" find audit live.jsonl.zst --evidence evidence.jsonl && said "write ./audit for the file"
expect 1 "$UNSTAGE" find @audit live.jsonl.zst --evidence evidence.jsonl
rm audit

sentence "evidence of another tenant, or without a write by that server, makes none"
sed '1s/"tenant":"[^"]*"/"tenant":"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"/' evidence.jsonl >foreign.jsonl
expect 8 "$UNSTAGE" find audit live.jsonl.zst --evidence foreign.jsonl
expect 2 "$UNSTAGE" find audit live.jsonl.zst --evidence evidence.jsonl --staging SYNC09
said "SYNC02"

sentence "a log that begins within a day of the first write vouches for nothing that was found"
first=$(jq -r 'select(.who.server? == "SYNC02").when' evidence.jsonl | head -n 1)
from=$(date -u -d "$first 2 hours ago" +%Y-%m-%dT%H:%M:%SZ)
jq -c --arg from "$from" 'if .format then .sources[0].covered[0].from = $from else
	select((has("when") | not) or .when >= $from) end' evidence.jsonl >late.facts
facts=$(jq -c 'select(.when)' late.facts | wc -l)
records=$(jq -r 'select(.when).reference' late.facts | sort -u | wc -l)
jq -c --argjson facts "$facts" --argjson records "$records" \
	'if .end then .facts = $facts | .records = $records else . end' late.facts >late.jsonl
expect 1 "$UNSTAGE" diff audit live.jsonl.zst --evidence late.jsonl --json
jq -c 'select(.verdict? == "revert" and .change != "created")' "$work/stdout" >"$work/late"
jq -r 'select(.verdict? == "suspect").reason' "$work/stdout" >"$work/reasons"
at_least "reasons that say so" 100 "$(grep -c "covers less than a day before" "$work/reasons")"
[ "$(wc -l <"$work/late")" -lt 50 ] || wrong "$(wc -l <"$work/late") go back though the log begins too late"

sentence "a marker is an extension and a value; one that LIVE was not asked for is said"
name=extension_0123456789abcdef0123456789abcdef_stagingServer
sed "/^staging = /a marker = $name" config >"$work/marker.config"
expect 2 env UNSTAGE_CONFIG="$work/marker.config" "$UNSTAGE" find audit live.jsonl.zst --evidence evidence.jsonl
said "expected extension_<application>_<name>=<value>"
sed "/^staging = /a marker = $name=SYNC02" config >"$work/marker.config"
expect 1 env UNSTAGE_CONFIG="$work/marker.config" "$UNSTAGE" find audit live.jsonl.zst --evidence evidence.jsonl
said "LIVE was not asked for $name"

sentence "nothing of it is left behind"
same "temporary files" "" "$(ls -A "$TMPDIR")"

finish
