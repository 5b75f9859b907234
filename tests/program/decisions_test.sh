#!/usr/bin/env bash
# What people decide, on the files of a demo: lines made of findings by jq, as the page of the format says,
# and what find, diff, plan, show and verify make of them.
. "$(dirname "$0")/library.sh"

require_tools jq b2sum

sentence "a demo leaves findings to decide about"
expect 0 "$UNSTAGE" demo --output demo || give_up
cd demo || give_up
export UNSTAGE_CONFIG=$PWD/config
inputs=(production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl)
expect 1 "$UNSTAGE" diff "${inputs[@]}" --json || give_up
cp "$work/stdout" findings.jsonl
tenant=$(head -n 1 findings.jsonl | jq -r .tenant)

# pick FILTER PROGRAM: the lines of the findings that fit, made into decisions.
pick() {
	jq -c "select(.verdict) | select($1) | $2" findings.jsonl
}
header() {
	echo "{\"format\":\"unstage-decisions/1\",\"tenant\":\"${1:-$tenant}\"}"
}
back='{decision: "revert", fingerprint, live, before, because: "asked for it", by: "ada@contoso.com"}'
contested=$(pick '.verdict == "contested" and has("before")' .fingerprint | head -n 1 | tr -d '"')
kept=$(pick '.verdict == "revert" and .attribute' .fingerprint | head -n 1 | tr -d '"')

decide() { # UNTIL
	header
	pick ".fingerprint == \"$contested\"" "$back"
	pick ".fingerprint == \"$kept\"" "{decision: \"keep\", fingerprint, until: \"$1\", because: \"true\"}"
}
verdict_of() { # FINGERPRINT
	jq -r "select(.fingerprint == \"$1\").verdict" "$work/stdout"
}

# ---- what they do ---------------------------------------------------------------------------------

sentence "diff tells what was decided, by which line, and what it was before"
decide 2100-01-01 >decisions.jsonl
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions decisions.jsonl --json
same "contested" revert "$(verdict_of "$contested")"
same "revert" kept "$(verdict_of "$kept")"
same "was" "contested revert" "$(jq -r 'select(.decided).decided.was' "$work/stdout" | sort | xargs)"
same "lines" "2 3" "$(jq -r 'select(.decided).decided.line' "$work/stdout" | sort | xargs)"
same "effects" "applied applied" "$(tail -n 1 "$work/stdout" | jq -r '.decisions[].effect' | xargs)"
same "digest" "$(b2sum -l 256 decisions.jsonl | cut -d ' ' -f 1)" \
	"$(head -n 1 "$work/stdout" | jq -r .decisions)"
same "nothing else" "$(jq -c 'select(.fingerprint) | [.fingerprint, .door, .before]' findings.jsonl |
	grep -v -e "$contested" -e "$kept")" \
	"$(jq -c 'select(.fingerprint) | [.fingerprint, .door, .before]' "$work/stdout" |
		grep -v -e "$contested" -e "$kept")"
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions decisions.jsonl --verdict kept
answered "line 3: keep, else revert"
answered "finding $kept"

sentence "the same differences have the same fingerprints without evidence"
expect 1 "$UNSTAGE" diff production.jsonl.zst live.jsonl.zst --json
at_least "found again" 200 "$(jq -r 'select(.fingerprint).fingerprint' "$work/stdout" |
	sort | comm -12 - <(jq -r 'select(.fingerprint).fingerprint' findings.jsonl | sort) | wc -l)"
same "each once" "" "$(jq -r 'select(.fingerprint).fingerprint' "$work/stdout" | sort | uniq -d)"

sentence "find counts what is kept, and the commands it names go on with the decisions"
expect 1 "$UNSTAGE" find "${inputs[@]}" --decisions decisions.jsonl
answered "a line of the decisions keeps it"
answered "--decisions decisions.jsonl"

sentence "the plan has a step for what is to go back, none for what is kept, and names the file's digest"
expect 0 "$UNSTAGE" plan "${inputs[@]}" --decisions decisions.jsonl --output decided.json
same "digest" "$(b2sum -l 256 decisions.jsonl | cut -d ' ' -f 1)" "$(jq -r .decisions decided.json)"
same "step" 1 "$(jq '[.steps[] | select(.why | contains("asked for it"))] | length' decided.json)"
same "no step" 0 "$(jq --arg id "$(pick ".fingerprint == \"$kept\"" .id | tr -d '"')" --arg attribute \
	"$(pick ".fingerprint == \"$kept\"" .attribute | tr -d '"')" \
	'[.steps[] | select(.id == $id and .attribute == $attribute)] | length' decided.json)"
expect 0 "$UNSTAGE" show decided.json
answered "$(b2sum -l 256 decisions.jsonl | cut -d ' ' -f 1)"
expect 0 "$UNSTAGE" sign decided.json --secret-key unstage.key
expect 0 "$UNSTAGE" verify decided.json --key unstage.pub
answered "decisions $(jq -r .decisions decided.json)"
expect 0 "$UNSTAGE" verify decided.json --key unstage.pub --json
same "digest" "$(jq -r .decisions decided.json)" "$(jq -r .decisions "$work/stdout")"

sentence "show lists them"
expect 0 "$UNSTAGE" show decisions.jsonl
answered "2 decisions for tenant $tenant"
answered "because  asked for it"
expect 0 "$UNSTAGE" show decisions.jsonl --json
same "count" 2 "$(jq .decisions "$work/stdout")"

# ---- what they do not -------------------------------------------------------------------------------

sentence "a line whose date is past is told on stderr, and stops neither diff nor plan"
decide 2020-01-01 >expired.jsonl
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions expired.jsonl --json
said "line 3 (byte "
said "expired on 2020-01-01T00:00:00Z: no effect"
same "still" revert "$(verdict_of "$kept")"
expect 0 "$UNSTAGE" plan "${inputs[@]}" --decisions expired.jsonl --output expired.json
expect 0 "$UNSTAGE" show expired.jsonl
answered "expired"

sentence "a line that nobody's finding fits is told by diff and refused by plan: 8, and no plan is written"
{
	decide 2100-01-01
	echo '{"decision":"keep","fingerprint":"00112233445566778899aabbccddeeff","until":"2100-01-01","because":"x"}'
} >unmatched.jsonl
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions unmatched.jsonl
said "line 4 (byte "
said "no finding is what it names: no effect"
expect 8 "$UNSTAGE" plan "${inputs[@]}" --decisions unmatched.jsonl --output unmatched.json
said "unmatched.jsonl: 1 of its 3 lines rest on what is not so"
[ ! -e unmatched.json ] || wrong "a plan was written"

sentence "a line about a live value that is another one by now has no effect, and its verdict stays"
sed 's/"live":"[^"]*"/"live":"Something else"/' decisions.jsonl >other.jsonl
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions other.jsonl --json
same "still" contested "$(verdict_of "$contested")"
said "line 2 (byte "
said "revert: live is "
expect 8 "$UNSTAGE" plan "${inputs[@]}" --decisions other.jsonl --output other.json

sentence "decisions for another tenant are refused: 8; what is damaged is: 7; what is not there: 9"
header 00000000-0000-4000-8000-000000000000 >tenant.jsonl
expect 8 "$UNSTAGE" diff "${inputs[@]}" --decisions tenant.jsonl
said "decisions for tenant 00000000-0000-4000-8000-000000000000"
{
	header
	echo '{"decision":"revert","everything":true,"because":"x"}'
} >damaged.jsonl
for command in diff find; do
	expect 7 "$UNSTAGE" "$command" "${inputs[@]}" --decisions damaged.jsonl
	said 'damaged.jsonl: line 2 (byte 81): a line that decides revert has no key "everything"'
done
expect 7 "$UNSTAGE" show damaged.jsonl
expect 9 "$UNSTAGE" diff "${inputs[@]}" --decisions nowhere.jsonl

sentence "what a line says can't write on the terminal"
{
	header
	pick ".fingerprint == \"$kept\"" \
		'{decision: "keep", fingerprint, until: "2100-01-01", because: "\u001b[2Jgone\u202e", by: "\u0007ada"}'
} >hostile.jsonl
expect 1 "$UNSTAGE" diff "${inputs[@]}" --decisions hostile.jsonl
! grep -qP "$UNPRINTABLE" "$work/stdout" || wrong "control characters in diff"
expect 0 "$UNSTAGE" show hostile.jsonl
! grep -qP "$UNPRINTABLE" "$work/stdout" || wrong "control characters in show"

finish
