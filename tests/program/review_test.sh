#!/usr/bin/env bash
# What a person sees of a plan before signing it, and that the one who applies it means that plan.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"

require_tools jq sqlite3 python3 b2sum

# typed STATUS TEXT COMMAND...: as expect, but stdin is a terminal at which somebody types TEXT.
typed() {
	local expected=$1 text=$2
	shift 2
	timeout -k 5 "$COMMAND_LIMIT_S" python3 - "$text" "$@" >"$work/stdout" 2>"$work/stderr" <<-'PYTHON'
		import os, pty, subprocess, sys
		ours, theirs = pty.openpty()
		os.write(ours, sys.argv[1].encode())
		sys.exit(subprocess.run(sys.argv[2:], stdin=theirs).returncode)
	PYTHON
	local status=$?
	[ "$status" -eq "$expected" ] || wrong "status $expected was expected, $status came: $(tail -n 3 "$work/stderr")"
}

narrow() { # FILE: no line is wider than a screen
	local wide

	wide=$(LC_ALL=C.UTF-8 awk 'length > 80' "$1" | head -n 1)
	[ -z "$wide" ] || wrong "$1 has a line wider than 80 columns: $wide"
}

# The code as the documentation describes it, by other programs.
code_of() { # FILE
	python3 - "$(b2sum -l 256 "$1" | cut -c 1-25)" <<-'PYTHON'
		import sys
		bits, digits = int(sys.argv[1], 16), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
		text = "".join(digits[bits >> 5 * i & 31] for i in range(19, -1, -1))
		print("-".join(text[i:i + 5] for i in range(0, 20, 5)))
	PYTHON
}

start_tenant tenant || give_up
mkdir story && cd story && whole_story || give_up
code=$(code_of plan.json)

sentence "one code stands for the plan's bytes, and every command that has the plan shows it"
for command in "show plan.json" "verify plan.json --key unstage.pub"; do
	# shellcheck disable=SC2086 # words
	expect 0 "$UNSTAGE" $command && answered "fingerprint  $code"
done
timeout 120 "$UNSTAGE" rehearse plan.json live.jsonl.zst >"$work/stdout" 2>"$work/stderr"
answered "fingerprint  $code"
timeout 120 "$UNSTAGE" status plan.json --key unstage.pub >"$work/stdout" 2>"$work/stderr"
answered "fingerprint  $code"
same "in JSON" "$code" "$("$UNSTAGE" verify plan.json --key unstage.pub --json | jq -r .fingerprint)"
expect 0 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --output again.json
answered "fingerprint  $(code_of again.json)"
differ "the code of another plan" "$code" "$(code_of again.json)"

sentence "the most dangerous comes first, and every step once"
expect 0 "$UNSTAGE" show plan.json --json
same "format" unstage-review/1 "$(head -n 1 "$work/stdout" | jq -r .format)"
same "steps" "$(jq '.steps | length' plan.json)" "$(jq -s 'map(select(.step)) | length' "$work/stdout")"
jq -r 'select(.step) | .danger' "$work/stdout" | sort | uniq -c >"$work/dangers"
same "deletions" "$(jq '[.steps[] | select(.operation == "remove")] | length' plan.json)" \
	"$(awk '$2 == "deletion" { print $1 }' "$work/dangers")"
expect 0 "$UNSTAGE" show plan.json && narrow "$work/stdout"
same "steps shown" "$(jq -r '.steps[].number' plan.json)" \
	"$(grep -E '^ {0,5}[0-9]+  ' "$work/stdout" | awk '/^ *[0-9]+  /{print $1}' |
		tail -n "$(jq '.steps | length' plan.json)" | sort -n)"
first=$(jq '[.steps[] | select(.operation == "remove")][0].number' plan.json)
same "the first step shown" "$first" \
	"$(sed -n '/^objects deleted/,$p' "$work/stdout" | sed -n '2s/^ *\([0-9]*\) .*/\1/p')"
expect 2 "$UNSTAGE" show live.jsonl.zst --step 1 && said "for a plan"
expect 2 "$UNSTAGE" show plan.json --step 999999 && said "steps"

sentence "names that would fool a reader do nothing to the screen, and are marked"
paul=$(jq -r '[.steps[] | select(.kind == "user" and (.name | test("a.*@")))][0] | .id' plan.json)
other=$(jq -r --arg id "$paul" '[.steps[] | select(.id != $id)][0].id' plan.json)
third=$(jq -r --arg id "$paul" --arg other "$other" '[.steps[] | select(.id != $id and .id != $other)][0].id' plan.json)
python3 - "$paul" "$other" "$third" <<'PYTHON'
import json, re, sys
paul, other, third = sys.argv[1:]
lines = open("plan.json", encoding="utf-8").read().split("\n")
name = next(json.loads(l.rstrip(","))["name"] for l in lines if f'"id":"{paul}"' in l and '"number"' in l)
fools = {other: name.replace("a", "\u0430", 1), third: "\x1b[2J\u202e" + "x" * 300 + "\u200b"}
for i, line in enumerate(lines):
    for id, fool in fools.items():
        if f'"id":"{id}"' in line and '"name":' in line:
            said = json.dumps(fool, ensure_ascii=False)
            lines[i] = line = re.sub(r'"name":"(?:[^"\\]|\\.)*"', lambda _: '"name":' + said, line)
open("fooled.json", "w", encoding="utf-8").write("\n".join(lines))
PYTHON
there fooled.json || give_up
expect 0 "$UNSTAGE" show fooled.json && printable "$work/stdout" && narrow "$work/stdout"
answered "name looks like" && answered "$paul"
grep -qE 'name mixes scripts: (Latin, Cyrillic|Cyrillic, Latin)' "$work/stdout" || wrong "the scripts were to be named"
answered "has invisible or control characters" && answered '\x1b[2J\u{202e}xxx'
expect 0 env CLICOLOR_FORCE=1 "$UNSTAGE" show fooled.json && differ "colours" "" "$(grep -c $'\e' "$work/stdout")"
expect 0 "$UNSTAGE" show fooled.json --json && printable "$work/stdout"
same "whom it looks like" "$paul" "$(jq -r --arg id "$other" \
	'select(.id == $id) | .marks[] | select(.mark == "looks-like" and .of == "name").other_id' "$work/stdout" | sort -u)"

sentence "what is cut says how much is missing, and a step alone is whole"
number=$(jq --arg id "$third" '[.steps[] | select(.id == $id)][0].number' fooled.json)
expect 0 "$UNSTAGE" show fooled.json && answered "more bytes of 310 (BLAKE2b-256 "
expect 0 "$UNSTAGE" show fooled.json --step "$number" && narrow "$work/stdout"
at_least "characters of the name" 300 "$(tr -cd x <"$work/stdout" | wc -c)"
! grep -q "more bytes" "$work/stdout" || wrong "a step alone was to be whole"
expect 0 "$UNSTAGE" show fooled.json --long && narrow "$work/stdout"
! grep -q "more bytes" "$work/stdout" || wrong "--long was to show everything"

sentence "at a terminal, apply asks which plan is meant, and sends nothing for another code"
apply=("$UNSTAGE" apply plan.json --key unstage.pub --journal journal.sqlite --receipt receipt.json)
typed 8 $'00000-00000-00000-00000\n' "${apply[@]}" && said "not the fingerprint"
! grep -qF "$code" "$work/stderr" || wrong "apply was not to give the code away"
typed 8 "$(code_of again.json)"$'\n' "${apply[@]}"
typed 8 $'\n' "${apply[@]}"
typed 8 $'\x04' "${apply[@]}" && said "no fingerprint was typed"
expect 8 "${apply[@]}" --fingerprint "${code%?}" && said "not the fingerprint"
same "writes" 0 "$(writes_sent)"
absent journal.sqlite

sentence "the right code is taken as people type it; a script gives it, or relies on the signature"
typed 1 "$(tr -d - <<<"$code" | tr 'A-Z' 'a-z')"$'\n' "${apply[@]}" && said "fingerprint, as unstage show printed it"
at_least "writes" 1 "$(writes_sent)"
expect 1 "${apply[@]}" --fingerprint "$code"
expect 1 "${apply[@]}"

finish
