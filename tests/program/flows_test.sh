#!/usr/bin/env bash
# What heals by itself is what production's rules really flow, where its configuration was imported.
. "$(dirname "$0")/library.sh"

require_tools jq python3

start_tenant tenant || give_up
expect 0 "$UNSTAGE" snapshot --output base.jsonl.zst || give_up
say day && say incident && say "files" "$work/files" && say morning 11 || give_up
expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst && say wait 11 || give_up
expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl || give_up

find_with() { # EVIDENCE: the answer, in $work/found
	expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence "$1" --staging SYNC02 --json &&
		cp "$work/stdout" "$work/found"
}

import_rules() { # SERVER FOLDER OUTPUT
	expect 0 "$UNSTAGE" import "$2" --server "$1" --evidence evidence.jsonl --output "$3"
}

sentence "without a configuration the default rules are assumed, and that is said"
find_with evidence.jsonl || give_up
healing=$(jq .heals.values "$work/found") manual=$(jq .stays.manual "$work/found")
at_least "healing" 50 "$healing"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02
answered "by the default rules"

sentence "production's configuration puts a line for each kind into the evidence, with where it is from"
import_rules SYNC01 files/SYNC01/configuration whole.jsonl || give_up
same "kinds" "contact group user" "$(jq -r 'select(.flows and .server).flows' whole.jsonl | sort | xargs)"
same "servers" SYNC01 "$(jq -r 'select(.flows and .server).server' whole.jsonl | sort -u)"

sentence "only what these rules lack heals no more, which are the extension attributes; the server is named"
find_with whole.jsonl
expect 1 "$UNSTAGE" diff base.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02 --json --output all.json
extensions=$(jq -s '[.[] | select(.door == "sync" and
	(.attribute // "" | startswith("onPremisesExtensionAttributes/")))] | length' all.json)
at_least "extensions" 1 "$extensions"
healing=$((healing - extensions)) manual=$((manual + extensions))
same "healing" "$healing" "$(jq .heals.values "$work/found")"
same "manual" "$manual" "$(jq .stays.manual "$work/found")"
expect 1 "$UNSTAGE" diff base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 --json --output whole.json
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02
answered "by the configuration of SYNC01, exported"
[ "$(wc -l <"$work/stdout")" -le 40 ] || wrong "$(wc -l <"$work/stdout") lines are no screen"

sentence "what no rule flows any more stays: of so many values less it is said that they heal"
cp -r files/SYNC01/configuration poorer
python3 - poorer/SynchronizationRules/*.xml <<'PYTHON'
import re, sys
for path in sys.argv[1:]:
    raw = open(path, "rb").read()
    form = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig" if raw[:3] == b"\xef\xbb\xbf" else "utf-8"
    text = re.sub(r"\s*<mapping>\s*<dest>department</dest>.*?</mapping>", "", raw.decode(form), flags=re.S)
    open(path, "wb").write(text.encode(form))
PYTHON
import_rules SYNC01 poorer poorer.jsonl || give_up
expect 1 "$UNSTAGE" diff base.jsonl.zst live.jsonl.zst --evidence poorer.jsonl --staging SYNC02 --json --output poorer.json
departments=$(jq -s '[.[] | select(.attribute == "department" and .door == "sync")] | length' all.json)
at_least "departments" 10 "$departments"
find_with poorer.jsonl
same "healing" "$((healing - departments))" "$(jq .heals.values "$work/found")"
same "manual" "$((manual + departments))" "$(jq .stays.manual "$work/found")"
same "reasons" "$departments" "$(jq -s '[.[] | select(.attribute == "department" and .door == "manual" and
	(.reason | contains("no outbound rule of SYNC01 flows it")))] | length' poorer.json)"
same "the rest" "$(jq -c 'select(.id and .attribute != "department")' whole.json | cksum)" \
	"$(jq -c 'select(.id and .attribute != "department")' poorer.json | cksum)"
same "whose rules" SYNC01 "$(jq -r 'select(.flowsServer).flowsServer' poorer.json)"

sentence "the plan has a paragraph for each of them that says what to do"
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence poorer.jsonl --staging SYNC02 --output plan.json
at_least "paragraphs" "$departments" "$(grep -c "no outbound rule of SYNC01 flows it" plan-manual.txt)"

sentence "plan and show say what heals by itself, and how many requests the rest takes how long"
answered "heal at production's next cycle; unstage apply writes"
answered "of the tenant's write quota"
expect 0 "$UNSTAGE" show plan.json && answered "heal at production's next cycle; unstage apply writes"
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence poorer.jsonl --staging SYNC02 --output again.json --json
for door in graph sync exchange adsync manual; do
	same "$door" "$(jq "[.steps[] | select(.door == \"$door\")] | length" plan.json)" \
		"$(jq ".forecast.doors.$door" "$work/stdout")"
done
same "writes" "$(jq .forecast.doors.graph "$work/stdout")" "$(jq .forecast.writes "$work/stdout")"
same "requests" "$(jq '3 * .forecast.batches' "$work/stdout")" "$(jq .forecast.requests "$work/stdout")"

sentence "a staging server's rules heal nothing: its configuration puts none into the evidence"
import_rules SYNC02 files/SYNC02/configuration staging.jsonl
same "lines" 0 "$(jq -c 'select(.flows and .server)' staging.jsonl | wc -l)"

finish
