#!/bin/bash
# A snapshot is read by the world's own tools: zstdcat, jq, and b3sum for its digests.
set -euo pipefail

for tool in zstdcat zstd jq b3sum b2sum; do
	if ! command -v "$tool" >/dev/null; then
		echo "skipped: $tool is not installed"
		exit 77
	fi
done

data=${SOURCE:?}/tests/data/snapshots
file=$data/tiny.jsonl.zst
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

same() { # WHAT FOUND EXPECTED
	[ "$2" = "$3" ] || fail "$1: found '$2', expected '$3'"
}

# Every line is a JSON document, the header first, then the objects in id order.
zstdcat "$file" >"$work/plain" || fail "zstdcat can't read a snapshot"
same "first line" "$(head -n 1 "$work/plain" | jq -r .format)" unstage-snapshot/1
tail -n +2 "$work/plain" | cmp - "$data/tiny.jsonl" || fail "the lines are not those of tiny.jsonl"
same "users" "$(zstdcat "$file" | jq -r 'select(.kind == "user") | .displayName' | sort | tr '\n' '|')" \
	'Max|Zoë "Zed" Ångström|'
same "members" "$(zstdcat "$file" | jq -r 'select(.part) | (.members // .owners)[]' | wc -l)" 3

# zstd checks its own checksums, and passes over the index.
zstd -q --test "$file" || fail "zstd --test"

# Keys are in byte order and nothing is escaped without need: jq's canonical form is the line.
jq -cS . "$data/tiny.jsonl" | cmp - "$data/tiny.jsonl" || fail "lines are not canonical"

# The identity is the digest of the index, which the footer locates: no program of ours needed.
size=$(stat -c %s "$file")
number() { # OFFSET [BYTES]: a little-endian number
	od -A n -t "u${2:-8}" -j "$1" -N "${2:-8}" --endian=little "$file" | tr -d ' '
}
hex() { # OFFSET: of a digest
	od -A n -t x1 -w32 -j "$1" -N 32 "$file" | tr -d ' '
}
bytes() { # OFFSET LENGTH
	tail -c +$(($1 + 1)) "$file" | head -c "$2"
}
digest() { b3sum --no-names; }
offset=$(number $((size - 56)))
length=$(number $((size - 48)))
same "index and footer end the file" $((offset + length + 56)) "$size"
identity=$(bytes "$offset" "$length" | digest)
same "identity" "$identity" "$(hex $((size - 40)))"
grep -q "$identity" "$SOURCE/docs/FORMAT-snapshot.md" || fail "the page names another identity"

# So are the digests of each frame, and of the lines in it.
entry=$((offset + 20 + $(number $((offset + 16)) 4)))
count=$(number "$entry" 4)
same "frames" "$count" 2
for ((frame = 0; frame < count; frame++)); do
	at=$((entry + 4 + frame * 88))
	bytes "$(number $((at + 4)))" "$(number $((at + 12)) 4)" >"$work/frame"
	same "digest of frame $frame" "$(digest <"$work/frame")" "$(hex $((at + 56)))"
	same "digest of its lines" "$(zstdcat "$work/frame" | digest)" "$(hex $((at + 24)))"
done

# The statement names the whole file as b2sum does, and minisign verifies it.
echo "$(jq -r .b2sum "$file.statement")  $file" | b2sum --check --status || fail "b2sum does not agree with the statement"
same "size" "$(jq .bytes "$file.statement")" "$(stat -c %s "$file")"
if command -v minisign >/dev/null; then
	minisign -Vqm "$file.statement" -p "$data/tiny.pub" >/dev/null || fail "minisign does not verify the statement"
	"${UNSTAGE:?}" verify "$file" --key "$data/tiny.pub" >/dev/null || fail "unstage does not verify the snapshot"
fi

echo "ok"
