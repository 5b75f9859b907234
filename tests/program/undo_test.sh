#!/usr/bin/env bash
# What was applied is undone, and what was undone is done again: each time the directory is what it was.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq

start_tenant tenant || give_up
whole_story || give_up
mv unstage.key unstage.pub tenant/

signed() { # PLAN
	expect 0 "$UNSTAGE" sign "$1" --secret-key tenant/unstage.key
}

sentence "nothing was applied, so there is nothing to undo: 9 names the journal that is missing"
expect 9 "$UNSTAGE" undo plan.json --output undo.json
said "journal of what was applied"
absent undo.json

sentence "the inverse has the steps that apply did, backwards, and no other"
expect 1 "$UNSTAGE" apply plan.json --journal one.sqlite
expect 0 "$UNSTAGE" snapshot --output applied.jsonl.zst
expect 0 "$UNSTAGE" undo plan.json --journal one.sqlite --output undo.json || give_up
same "steps" "$(graph_steps plan.json)" "$(jq '.steps | length' undo.json)"
same "the first undoes the last" \
	"$(jq -r '[.steps[] | select(.door == "graph")][-1] | .id' plan.json)" "$(jq -r '.steps[0].id' undo.json)"
same "values" "$(jq -c '[.steps[] | select(.door == "graph" and .operation == "set") | [.id, .attribute, .from, .to]] | sort' plan.json)" \
	"$(jq -c '[.steps[] | select(.operation == "set") | [.id, .attribute, .to, .from]] | sort' undo.json)"

sentence "synced people who were restored can't be deleted through Graph: said at once, by name, with the door that works"
same "who" "$(jq -c '[.steps[] | select(.operation == "restore" and .door == "graph" and .mastery == "synced") | .id] | sort' plan.json)" \
	"$(jq -c '[.steps[] | select(.operation == "remove" and .door == "manual") | .id] | sort' undo.json)"
by_hand=$(jq .counts.doors.manual undo.json)
at_least "by hand" 1 "$by_hand"
expect 0 "$UNSTAGE" undo plan.json --journal one.sqlite --output undo.json || give_up
answered "$(jq -r '[.steps[] | select(.door == "manual")][0].name' undo.json)" && answered "by hand  step"
there undo-manual.txt
same "paragraphs" "$by_hand" "$(grep -c "The door that works is sync" undo-manual.txt)"

sentence "a rehearsal says what else will come of it: a domain is gone"
expect 1 "$UNSTAGE" rehearse undo.json applied.jsonl.zst --json
jq -c 'select(.state == "refused")' stdout >refused
at_least "refused" 1 "$(wc -l <refused)"
same "refused otherwise" 0 "$(grep -cvE 'Invalid value specified' refused)"
same "changed besides" 0 "$(tail -n 1 stdout | jq .changed_besides)"

sentence "nobody's signature, no undoing"
expect 8 "$UNSTAGE" apply undo.json --journal two.sqlite

# differences BASE LIVE: whose values differ, and who is a member of what they were not; what was in
# quarantine and still is does not differ
differences() {
	"$UNSTAGE" diff "$1" "$2" --json | jq -r 'select(.id) | select(.conflict | not) | if .attribute == "members" then .element else .id end' | sort -u
}

sentence "undone, the directory is what it was before, but for what was refused as rehearsed, or waits for a person"
signed undo.json
expect 1 "$UNSTAGE" apply undo.json --journal two.sqlite --json
same "refused" "$(jq -c .step refused)" "$(jq -c 'select(.state == "refused") | .step' stdout)"
same "waiting" "$(jq '.steps[] | select(.door == "manual") | .number' undo.json)" \
	"$(jq -c 'select(.state == "waiting") | .step' stdout)"
same "other states" done "$(jq -r 'select(.state and .state != "refused" and .state != "waiting") | .state' stdout | sort -u)"
expect 0 "$UNSTAGE" snapshot --output undone.jsonl.zst
differences live.jsonl.zst undone.jsonl.zst >left
at_least "what differs from applied" 5 "$(differences applied.jsonl.zst undone.jsonl.zst | wc -l)"
jq -r '.steps[] | select(.door == "manual") | .id' undo.json >waiting
same "what differs and was neither refused nor waits" 0 "$(grep -cvFf <(jq -r .id refused; cat waiting) left)"

sentence "undone again, it is what was applied"
expect 0 "$UNSTAGE" undo undo.json --journal two.sqlite --output again.json
signed again.json
expect 0 "$UNSTAGE" apply again.json --journal three.sqlite
expect 0 "$UNSTAGE" snapshot --output again.jsonl.zst
same "what differs" "" "$(differences applied.jsonl.zst again.jsonl.zst)"

sentence "the journal of another plan is refused"
expect 8 "$UNSTAGE" undo plan.json --journal two.sqlite --output other.json
absent other.json

finish
