#!/usr/bin/env bash
# Snapshots by name: what the state folder keeps, which one is pinned, and what a word stands for.
. "$(dirname "$0")/library.sh"

require_tools jq zstd sqlite3

start_tenant tenant || give_up
state=$work/tenant/state

kept() { # how many
	find "$state" -maxdepth 1 -name '*.jsonl.zst' 2>/dev/null | wc -l
}

identity() { # WORD
	"$UNSTAGE" show "$1" --json 2>/dev/null | jq -r .identity
}

# ---- nothing yet -----------------------------------------------------------------------------------

sentence "a name that stands for nothing says what there is, and what to run"
for word in production latest @2020-01-01 @36h @production @latest; do
	expect 2 "$UNSTAGE" show "$word"
	said "$word: $state has no snapshot yet; take one with: unstage snapshot"
done
expect 0 "$UNSTAGE" show snapshots && answered "0 snapshots"
expect 0 "$UNSTAGE" forget --keep-last 1 && answered "0 kept, 0 removed"
[ ! -e "$state" ] || wrong "looking made the state folder"

# ---- taking --------------------------------------------------------------------------------------------

sentence "without --output a snapshot is kept under its time and its identity, ours alone"
expect 0 "$UNSTAGE" snapshot --json
first=$(jq -r .identity "$work/stdout")
same "mode of the state folder" 700 "$(stat -c %a "$state")"
name=$(cd "$state" && ls ./*.jsonl.zst)
grep -qxE '\./[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\.jsonl\.zst' <<<"$name" || wrong "it is called $name"
same "how its identity begins" "${first:0:16}" "${name:19:16}"
same "its mode" 600 "$(stat -c %a "$state/$name")"
same "what else is there" 1 "$(find "$state" -type f | wc -l)"
same "its format" unstage-snapshot/1 "$(zstdcat "$state/$name" | jq -r 'select(.format).format')"

sentence "it is the latest, and nothing is pinned"
same "latest" "$first" "$(identity latest)"
same "the same with its sign" "$first" "$(identity @latest)"
expect 2 "$UNSTAGE" show production
said "nothing is pinned; $state has 1, complete from "
said "unstage snapshot --pin production @WHEN"
expect 0 "$UNSTAGE" show snapshots && answered "none is pinned"

sentence "a name pins one that is there, and nothing is taken"
requests=$(query 'SELECT count(*) FROM requests')
expect 0 "$UNSTAGE" snapshot --pin production latest && answered "pinned as production"
same "requests sent" "$requests" "$(query 'SELECT count(*) FROM requests')"
same "production" "$first" "$(identity production)"
same "kept" 1 "$(kept)"

say day && say incident && say morning 11 || give_up

sentence "live is taken now, and kept"
expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl
expect 1 "$UNSTAGE" find production live --evidence evidence.jsonl
answered "unstage diff production latest --evidence evidence.jsonl"
answered "nobody signed it"
same "kept" 2 "$(kept)"
second=$(identity latest)
differ "the latest" "$first" "$second"
same "production" "$first" "$(identity production)"

# What live showed is in the log ten minutes later.
say wait 11 && expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl

sentence "names and files say the same to find, diff and plan"
"$UNSTAGE" diff production latest --evidence evidence.jsonl --json >by-name 2>/dev/null
"$UNSTAGE" diff "$state"/*"${first:0:16}.jsonl.zst" "$state"/*"${second:0:16}.jsonl.zst" \
	--evidence evidence.jsonl --json >by-file 2>/dev/null
cmp -s by-name by-file || wrong "the two answers differ"
expect 0 "$UNSTAGE" import --role staging --server SYNC02 "$SOURCE/tests/data/imports/staging.xml" \
	--live latest --json
expect 2 "$UNSTAGE" import --role staging --server SYNC02 "$SOURCE/tests/data/imports/staging.xml" \
	--live @2020-01-01 && said "@2020-01-01"
expect 0 "$UNSTAGE" plan production latest --evidence evidence.jsonl --output plan.json
answered "base: nobody signed it"
same "the plan's base" "$first" "$(jq -r .base plan.json)"
same "whether it is signed" false "$(jq .base_signed plan.json)"

# ---- moments -------------------------------------------------------------------------------------------

# The first is of more than a day ago by the tenant's clock, the second of now.
sentence "@WHEN is the newest that was complete by then"
taken() { # WORD
	"$UNSTAGE" show "$1" --json | jq -r .taken_until
}
same "at the very second of the first" "$first" "$(identity "@$(taken production)")"
same "at the very second of the second" "$second" "$(identity "@$(taken latest)")"
same "an hour ago" "$first" "$(identity @1h)"
same "long after" "$second" "$(identity @2100-01-01)"
expect 2 "$UNSTAGE" show @2020-01-01 && said "@2020-01-01: none was complete then; $state has 2"
expect 2 "$UNSTAGE" show @yesterday && said "'yesterday' is no moment"
expect 2 "$UNSTAGE" show @ && said "'' is no moment"

# ---- files of that name -----------------------------------------------------------------------------------

sentence "a name that is a file here, too, is refused, and both have a spelling of their own"
zstd -q -o latest <<<"no snapshot"
for command in show verify sign; do
	expect 2 "$UNSTAGE" "$command" latest
	said "'latest' is a name, and there is a file of that name here: write ./latest for the file, or @latest"
done
expect 2 "$UNSTAGE" diff production latest && said "./latest"
expect 7 "$UNSTAGE" show ./latest
same "the name" "$second" "$(identity @latest)"
rm latest

sentence "every other word is a file"
expect 9 "$UNSTAGE" show Production && said "Production: can't open"
expect 9 "$UNSTAGE" show snapshot && said "snapshot: can't open"

sentence "live is nothing that could be shown, verified or signed"
for command in show verify sign; do
	expect 2 "$UNSTAGE" "$command" live && said "find, diff, plan"
done

# ---- pinning ----------------------------------------------------------------------------------------------

sentence "a file from elsewhere is copied when it is pinned, with its statement"
expect 0 "$UNSTAGE" snapshot --output elsewhere.jsonl.zst
make_key "$work/tenant/unstage"
expect 0 "$UNSTAGE" sign elsewhere.jsonl.zst --secret-key tenant/unstage.key
cp elsewhere.jsonl.zst kept-elsewhere.jsonl.zst
third=$(identity elsewhere.jsonl.zst)
rm "$state"/*"${third:0:16}"* 2>/dev/null # it may be the latest once more
expect 0 "$UNSTAGE" snapshot --pin production elsewhere.jsonl.zst
answered "pinned as production, a copy of it in $state"
same "production" "$third" "$(identity production)"
rm elsewhere.jsonl.zst
expect 0 "$UNSTAGE" verify production && answered "signed by key"
say wait 11 && expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl
expect 0 "$UNSTAGE" plan production latest --evidence evidence.jsonl --output signed.json
same "whether the base is signed" true "$(jq .base_signed signed.json)"
expect 0 "$UNSTAGE" show snapshots && answered "yes"

sentence "pinning into a file of one's own keeps a copy"
expect 0 "$UNSTAGE" snapshot --output own.jsonl.zst --pin production && answered "own.jsonl.zst"
same "production" "$(identity own.jsonl.zst)" "$(identity production)"

sentence "one pin there is, and what is not pinned is not named"
expect 2 "$UNSTAGE" snapshot --pin staging && said "there is one pin: production"
expect 2 "$UNSTAGE" snapshot latest && said "add --pin production"
expect 2 "$UNSTAGE" snapshot latest --pin production --output x.jsonl.zst && said "nothing is taken"

sentence "a damaged file is not pinned"
say cycle
expect 0 "$UNSTAGE" snapshot --output flipped.jsonl.zst
head -c -1 flipped.jsonl.zst >cut.jsonl.zst
expect 7 "$UNSTAGE" snapshot --pin production cut.jsonl.zst
printf '\xff' | dd of=flipped.jsonl.zst bs=1 seek=5000 conv=notrunc status=none
expect 7 "$UNSTAGE" snapshot --pin production flipped.jsonl.zst
same "production" "$(identity own.jsonl.zst)" "$(identity production)"
absent "$state/taking-"

sentence "a snapshot of another tenant is not pinned: 8"
expect 8 "$UNSTAGE" snapshot --pin production "$SOURCE/tests/data/snapshots/tiny.jsonl.zst"
said "11111111-2222-4333-8444-555555555555"

sentence "a pin whose file is gone says so"
cp -a "$state" "$work/saved"
rm "$state"/*"$(identity production | head -c 16)"*
expect 2 "$UNSTAGE" show production && said "is pinned, and it is not in $state any more"
expect 0 "$UNSTAGE" show snapshots && answered "it is not there any more"
rm -rf "$state" && mv "$work/saved" "$state"

# ---- what else may lie there ----------------------------------------------------------------------------------

sentence "what has another name than ours is never met"
cp own.jsonl.zst "$state/own.jsonl.zst"
cp own.jsonl.zst "$state/99999999T999999Z-0000000000000000.jsonl.zst"
cp own.jsonl.zst "$state/30000101T000000Z-000000000000000G.jsonl.zst"
before=$(identity latest)
same "latest" "$before" "$(identity latest)"
rm "$state/own.jsonl.zst" "$state"/9999* "$state"/*G.jsonl.zst

sentence "a file that was renamed or exchanged is refused: 8"
cp own.jsonl.zst "$state/30000101T000000Z-0000000000000000.jsonl.zst"
expect 8 "$UNSTAGE" show latest && said "exchanged or renamed"
expect 0 "$UNSTAGE" show snapshots && answered "can't be read"
rm "$state"/3000*

sentence "links are not followed: 8"
ln -s "$work/own.jsonl.zst" "$state/30000101T000000Z-0000000000000000.jsonl.zst"
expect 8 "$UNSTAGE" show latest && said "a link"
rm "$state"/3000*
mv "$state/production" pin && ln -s "$work/pin" "$state/production"
expect 8 "$UNSTAGE" show production && said "a link"
rm "$state/production" && mv pin "$state/production"

sentence "a pin that is no pin is damage: 7"
cp "$state/production" pin
for text in "" "unstage-pin/2 $first" "unstage-pin/1 ${first}0" "unstage-pin/1 ../../x" "$(head -c 200 /dev/zero | tr '\0' x)"; do
	echo "$text" >"$state/production"
	expect 7 "$UNSTAGE" show production && said "not a pin"
done
cp pin "$state/production"

sentence "a state folder that others may write to, or that is a link, is refused: 8"
chmod 777 "$state"
for command in "show latest" "show snapshots" "snapshot" "forget --keep-last 1"; do
	# shellcheck disable=SC2086 # words
	expect 8 "$UNSTAGE" $command && said "chmod go-w"
done
chmod 700 "$state"
mv "$state" "$work/moved" && ln -s "$work/moved" "$state"
expect 8 "$UNSTAGE" show latest && said "a link"
rm "$state" && mv "$work/moved" "$state"

# ---- the list ----------------------------------------------------------------------------------------------------

sentence "the list fits a terminal, and says everything as JSON too"
expect 0 "$UNSTAGE" show snapshots
printable "$work/stdout"
[ "$(tail -n +2 "$work/stdout" | wc -L)" -le 80 ] || wrong "a line is wider than 80 columns"
expect 0 "$UNSTAGE" show snapshots --json
jq -es '.[0].format == "unstage-snapshots/1" and (.[0].production | length) == 64 and
	.[-1].end and .[-1].snapshots == (length - 2) and
	(.[1:-1] | all(.users > 0 and .groups > 0 and .size > 0 and (.identity | length) == 64 and
		.sequence == 0 and (.signature | IN("signed", "unsigned")))) and
	(.[1:-1] | map(select(.pinned)) | length) == 1 and
	(.[1:-1] | map(.taken_until) | . == (sort | reverse))' "$work/stdout" >/dev/null ||
	wrong "the JSON is: $(cat "$work/stdout")"

finish
