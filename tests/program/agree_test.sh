#!/usr/bin/env bash
# `unstage diff` of two snapshots agrees, row for row, with a script that shares nothing with it but the
# documents: both read what zstdcat prints of the same two files of 200,000 objects.
. "$(dirname "${BASH_SOURCE[0]}")/library.sh"
require_tools python3 zstdcat jq

OBJECTS=200000
here=$SOURCE/tests/program

agree() { # FINDINGS
	python3 "$here/agree.py" "$SOURCE/docs/ATTRIBUTES.md" base.lines live.lines "$1" >"$work/stdout"
}

sentence "two moments of one company become snapshots"
[ -x "${TAKE:?the program that makes a snapshot of lines}" ] || wrong "$TAKE is not built" || give_up
python3 "$here/company.py" "$OBJECTS" base.made live.made || wrong "they can't be made" || give_up
for side in base live; do
	"$TAKE" 2 "$side.jsonl.zst" <"$side.made" || wrong "$side is no snapshot" || give_up
	zstdcat "$side.jsonl.zst" >"$side.lines" 2>/dev/null
	same "its objects" "$(grep -vc '"part":"' "$side.made")" "$(tail -n +2 "$side.lines" | grep -vc '"part":"')"
	rm "$side.made"
done

sentence "diff and the script find the same rows"
expect 1 "$UNSTAGE" diff base.jsonl.zst live.jsonl.zst --json
mv stdout findings.jsonl
agree findings.jsonl || { wrong "they differ:" || head -n 12 stdout; }
tail -n 1 stdout
at_least "rows of every sort" 20 "$(wc -l <stdout)"
for row in created deleted restored purged proxyAddresses members manager mail createdDateTime \
	onPremisesExtensionAttributes/extensionAttribute1 imAddresses phones; do
	at_least "rows of $row" 50 "$(sed -n "s|^\([0-9]*\) $row\$|\1|p" stdout)"
done

sentence "rows come in order: by id, then attribute, then element"
sed '1d;$d' findings.jsonl | jq -r '[.id, .attribute // "", .element // ""] | join("\u0001")' >rows
LC_ALL=C sort -c rows 2>out-of-order || wrong "they do not: $(cat out-of-order)"

sentence "a row that is missing, and one with another value, are noticed"
total=$(jq -r 'select(.end) | .findings' findings.jsonl)
sed "2d;s/\"findings\":$total/\"findings\":$((total - 1))/" findings.jsonl |
	awk 'NR > 1 && !done && sub(/"live":"[^"]*"/, "\"live\":\"another\"") { done = 1 } { print }' >other.jsonl
! agree other.jsonl || wrong "they are not"
same "rows of the script alone" "this script alone: 2 rows" "$(grep 'script alone: [0-9]* rows' stdout)"
same "rows of unstage alone" "unstage alone: 1 rows" "$(grep 'unstage alone: [0-9]* rows' stdout)"

finish
