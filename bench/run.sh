#!/usr/bin/env bash
# ./dev bench [USERS [SECTION...]]: our figures beside named tools, in one run, as ratios. Everything
# is made from numbers, so that two runs measure the same work; what was made stays in build/bench.
# The sections are changes, evidence, conflicts, who, compare, taking, since, check, lines, planning, reading,
# batches and import; all when none is named.
set -euo pipefail
users=${1:-1000000}
sections=("${@:2}")
build=${UNSTAGE_BUILD:-build}
here=$(cd "$(dirname "$0")" && pwd)
work=$(realpath -m "$build/bench")
items_count=$((users < 300000 ? users : 300000))

say() { printf '%s\n' "$*"; }
fail() {
	say "bench: $*" >&2
	exit 1
}

[[ $users =~ ^[0-9]+$ ]] && [ "$users" -ge 10000 ] || fail "USERS is a number of at least 10000, not '$users'"
[ ${#sections[@]} -gt 0 ] || sections=(changes evidence conflicts who compare taking since check lines planning reading batches import)
for section in "${sections[@]}"; do
	[[ $section =~ ^(changes|evidence|conflicts|who|compare|taking|since|check|lines|planning|reading|batches|import)$ ]] || fail "there is no section '$section'"
done
mkdir -p "$work"
cmake --build "$build" --target unstage bench_generate bench_compare bench_canonicalise bench_scan \
	bench_batch bench_evidence bench_pages bench_plan bench_read bench_take bench_since bench_csexport bench_expat >/dev/null
# shellcheck source=bench/reading.sh
. "$here/reading.sh"
# shellcheck source=bench/batches.sh
. "$here/batches.sh"

# ---- what is measured -----------------------------------------------------------------------

# make SIDE CHANGED REMOVED ADDED: a snapshot of the same company after that many changes
make() {
	"$work/bench_generate" "$users" "$2" "$3" "$4" "$work/$1.jsonl.zst"
}

# plain SIDE: its lines, compressed as anybody would, for the peers
plain() {
	zstdcat "$work/$1.jsonl.zst" | tail -n +2 | zstd -q -3 -f -o "$work/$1.plain.zst"
}

# Two at a time; `wait` for each, so that a failure ends the run.
make_all() {
	local first second
	make base 0 0 0 & first=$!
	make live 1000 100 100 & second=$!
	wait $first && wait $second
	make few 50 0 0 & first=$!
	make all "$users" 0 0 & second=$!
	wait $first && wait $second
	plain base & first=$!
	plain live & second=$!
	wait $first && wait $second
	"$work/bench_generate" "$items_count" 0 0 0 "$work/some.jsonl.zst" "$work/items.jsonl"
	rm "$work/some.jsonl.zst"
}

# The reading makes its own pages, the import its own file, and batches need nothing.
if [[ ! "${sections[*]}" =~ ^(reading|batches|import)$ ]] && [ ! -f "$work/ready-$users" ]; then
	say "making $users users, and what changed"
	rm -f "$work"/*.zst "$work"/*.jsonl "$work"/ready-*
	make_all
	touch "$work/ready-$users"
fi

# In a copy, so that the source tree stays as it is.
mkdir -p "$work/peers"
cp "$here"/package*.json "$here"/*.mjs "$work/peers"
peers=node have_sdk=
# The lock was made for x86-64; elsewhere npm install finds DuckDB's library for the machine.
export npm_config_fetch_retries=0 npm_config_update_notifier=false
if [[ ! " ${sections[*]} " =~ \ (changes|reading|batches)\  ]]; then
	: # nobody to be measured against who comes from npm
elif (cd "$work/peers" && { npm ci || npm install; }) >"$work/npm.log" 2>&1; then
	peers="node duck" have_sdk=yes
else
	say "DuckDB and Microsoft's client are left out: npm can't install them (is the registry out of reach? $work/npm.log)"
fi

# ---- measuring --------------------------------------------------------------------------------

# median NAME RUNS COMMAND: seconds, after one run that warms the page cache
median() {
	hyperfine --warmup 1 --runs "$2" --style none --export-json "$work/time.json" "$3" >"$work/hyperfine.log" 2>&1 ||
		fail "this does not work: $3 ($work/hyperfine.log)"
	jq -r '.results[0].median' "$work/time.json" >"$work/$1.s"
}

# memory NAME COMMAND: the peak of the largest process, in KiB
memory() {
	command time -f '%M' -o "$work/$1.kib" bash -c "$2" >/dev/null
}

# best NAME RUNS FIELD COMMAND: the least of a number that the command itself prints in JSON
best() {
	local run
	for ((run = 0; run < $2; run++)); do $4; done | jq -rs "map($3) | min" >"$work/$1.s"
}

seconds() { jq -rn --argjson a "$(cat "$work/$1.s")" '$a*1000|round/1000'; }
times() { jq -rn --argjson a "$(cat "$work/$1.s")" --argjson b "$(cat "$work/$2.s")" '$a/$b*10|round/10'; }
percent_of() { jq -rn --argjson a "$(cat "$work/$1.s")" --argjson b "$(cat "$work/$2.s")" '$a/$b*1000|round/10'; }
ratio_of() { jq -rn --argjson a "$(cat "$work/$1.s")" --argjson b "$(cat "$work/$2.s")" '$a/$b*100|round/100'; }
mebibytes() { jq -rn --argjson a "$(cat "$work/$1.kib")" '$a/102.4|round/10'; }
row() { printf '  %-16s %9s s  %-22s %s\n' "$@"; }

# agree NAME COUNT [MADE]: a peer that found something else was not measured doing the same work
agree() {
	[ "$2" = "${3:-1200}" ] || fail "$1 found $2 changes where ${3:-1200} were made"
}

# To a file that nobody synchronises: the peers' results go to a pipe.
diff_of() { echo "$build/unstage diff $work/base.jsonl.zst $work/$1.jsonl.zst --json >$work/found.jsonl || [ \$? = 1 ]"; }
ours=$(diff_of live)
few=$(diff_of few)
all=$(diff_of all)
node="bash -c 'node $work/peers/lines.mjs <(zstdcat $work/base.plain.zst) <(zstdcat $work/live.plain.zst)'"
duck="node $work/peers/duck.mjs $work/base.plain.zst $work/live.plain.zst"
join="node $work/peers/join.mjs $work/base.plain.zst $work/all.plain.zst $work/joined.jsonl"
both="bash -c 'zstd -q -dc $work/base.plain.zst >/dev/null & zstd -q -dc $work/all.plain.zst >/dev/null; wait'"
cat="bash -c 'cat $work/base.jsonl.zst $work/live.jsonl.zst >/dev/null'"

# Of the items, which are $bytes long.
rate() { jq -rn --argjson s "$(cat "$work/$1.s")" --argjson b "$bytes" '"\($b/$s/1e7|round/100) GB/s"'; }

# ---- the sections -----------------------------------------------------------------------------

measure_changes() {
	local peer show
	say
	say "What changed among $users users: 1,200 changes, from compressed files to a result, wall clock"
	bash -c "$ours"
	agree "unstage diff" "$(jq -r '.id // empty' "$work/found.jsonl" | sort -u | wc -l)"
	median ours 10 "$ours"
	memory ours "$ours"
	memory version "$build/unstage --version"
	row "unstage diff" "$(seconds ours)" "$(mebibytes ours) MiB" "(unstage --version: $(mebibytes version) MiB)"
	for peer in $peers; do
		agree "$peer" "$(bash -c "${!peer}")"
		median "$peer" 3 "${!peer}"
		memory "$peer" "${!peer}"
		row "$peer" "$(seconds "$peer")" "$(mebibytes "$peer") MiB" "$(times "$peer" ours) times ours"
	done
	median cat 5 "$cat"
	row "cat both files" "$(seconds cat)" "" "$(times cat ours) times ours"
	median few 10 "$few"
	row "ours, 50 changes" "$(seconds few)" "" "$(times few ours) times ours"
	median version 20 "$build/unstage --version"
	row "unstage --version" "$(seconds version)" "" ""
	show="$build/unstage show $work/base.jsonl.zst $(zstdcat "$work/base.jsonl.zst" 2>/dev/null | sed -n '5000{s/.*"id":"\([^"]*\)".*/\1/p}')"
	median show 10 "$show"
	row "unstage show ID" "$(seconds show)" "" "one object of $users"
	measure_all_changed
}

# Every object has a change; ours writes each of them, as DuckDB does.
measure_all_changed() {
	say
	say "The same where all $users users changed"
	[ -f "$work/all.plain.zst" ] || plain all
	bash -c "$all"
	agree "unstage diff" "$(tail -n 1 "$work/found.jsonl" | jq .findings)" "$users"
	median all 5 "$all"
	memory all "$all"
	row "unstage diff" "$(seconds all)" "$(mebibytes all) MiB" ""
	median both 5 "$both"
	row "zstd -dc of both" "$(seconds both)" "" "ours takes $(times all both) times as long"
	[[ " $peers " == *" duck "* ]] || return 0
	agree DuckDB "$(bash -c "$join")" "$users"
	median join 3 "$join"
	memory join "$join"
	row "DuckDB" "$(seconds join)" "$(mebibytes join) MiB" "$(times join all) times ours"
	rm "$work/joined.jsonl"
}

# with_evidence FILE LIVE
with_evidence() { echo "$build/unstage diff $work/base.jsonl.zst $work/$2.jsonl.zst --evidence $work/$1.jsonl --staging SYNC02 --json >$work/found.jsonl || [ \$? = 1 ]"; }

# The aim: three times the comparison, and reading the evidence at 0.5 GB/s.
measure_evidence() {
	local made records size judged count=$((users < 1000000 ? users / 20 : 50000))
	say
	say "The same with the evidence of $count audit records, the staging server's 1,200 changes among them"
	made=$("$work/bench_evidence" "$work/base.jsonl.zst" "$work/live.jsonl.zst" "$count" "$work/evidence.jsonl")
	records=$(jq .records <<<"$made") size=$(stat -c %s "$work/evidence.jsonl")
	[ "$records" = "$count" ] || fail "the evidence has $records records"
	judged=$(with_evidence evidence live)
	bash -c "$judged"
	agree "unstage diff --evidence" "$(jq -r '.id // empty' "$work/found.jsonl" | sort -u | wc -l)" "$(jq .touched <<<"$made")"
	median ours 10 "$ours"
	median judged 10 "$judged"
	memory ours "$ours"
	memory judged "$judged"
	jq -rn --argjson s "$(cat "$work/ours.s")" --argjson size "$size" '$s*3+$size/5e8' >"$work/aim.s"
	row "without evidence" "$(seconds ours)" "$(mebibytes ours) MiB" ""
	row "with evidence" "$(seconds judged)" "$(mebibytes judged) MiB" "$(times judged ours) times; $((size / 1000000)) MB of evidence"
	row "the aim" "$(seconds aim)" "64 MiB above" "ours takes $(ratio_of judged aim) times as long"
}

measure_compare() {
	local side
	say
	say "The same without judging what differs (snapshot_compare), processor time"
	for side in few live all; do
		best "$side" 3 ".open + .compare" "$work/bench_compare $work/base.jsonl.zst $work/$side.jsonl.zst"
	done
	row "50 differ" "$(seconds few)" "" "$(times few live) times 1,200"
	row "1,200 differ" "$(seconds live)" "" ""
	row "all differ" "$(seconds all)" "" "$(times all live) times 1,200"
	say
	say "All differ, on two cores, wall clock"
	[ -f "$work/all.plain.zst" ] || plain all
	median both 5 "$both"
	median all-wall 5 "$work/bench_compare $work/base.jsonl.zst $work/all.jsonl.zst 2"
	memory all-wall "$work/bench_compare $work/base.jsonl.zst $work/all.jsonl.zst 2"
	memory live-wall "$work/bench_compare $work/base.jsonl.zst $work/live.jsonl.zst 2"
	row "snapshot_compare" "$(seconds all-wall)" "$(mebibytes all-wall) MiB" "(1,200 differ: $(mebibytes live-wall) MiB)"
	row "zstd -dc of both" "$(seconds both)" "" "ours takes $(times all-wall both) times as long"
}

# ratio NAME NAME: of the sizes of two files, with two digits
ratio() { jq -rn --argjson a "$(stat -c %s "$work/$1")" --argjson b "$(stat -c %s "$work/$2")" '$a/$b*1000|round/1000'; }

measure_taking() {
	local take="$work/bench_take"
	if [ ! -f "$work/shuffled.jsonl" ]; then
		zstdcat "$work/base.jsonl.zst" | tail -n +2 >"$work/sorted.jsonl"
		shuf --random-source=<(yes) "$work/sorted.jsonl" >"$work/shuffled.jsonl"
	fi
	say
	say "A snapshot of the lines of $users users, wall clock; written, read back and synchronised"
	median take-sorted 3 "bash -c '$take 2 $work/taken.jsonl.zst <$work/sorted.jsonl'"
	memory take-sorted "$take 2 $work/taken.jsonl.zst <$work/sorted.jsonl"
	median zstd 3 "zstd -q -3 -T2 -f $work/sorted.jsonl -o $work/zstd.zst"
	row "from sorted lines" "$(seconds take-sorted)" "$(mebibytes take-sorted) MiB" "two workers"
	row "zstd -3 -T2" "$(seconds zstd)" "" "ours takes $(times take-sorted zstd) times as long"
	median take-any 3 "bash -c '$take 2 $work/any.jsonl.zst <$work/shuffled.jsonl'"
	memory take-any "$take 2 $work/any.jsonl.zst <$work/shuffled.jsonl"
	cmp -s "$work/any.jsonl.zst" "$work/taken.jsonl.zst" || fail "the order of the lines changed the snapshot"
	median sort 2 "bash -c 'LC_ALL=C sort $work/shuffled.jsonl | zstd -q -3 -T2 -f -o $work/zstd.zst'"
	memory sort "LC_ALL=C sort $work/shuffled.jsonl | zstd -q -3 -T2 -f -o $work/zstd.zst"
	row "from any order" "$(seconds take-any)" "$(mebibytes take-any) MiB" "two workers"
	row "sort | zstd" "$(seconds sort)" "$(mebibytes sort) MiB" "ours takes $(times take-any sort) times as long"
	row "size" "" "" "$(ratio taken.jsonl.zst base.plain.zst) times one frame of zstd -3"
}

# Every 10,000th user gets the mail address of the user before, in capitals. Who has one of them twice is then counted
# by grep and sort: none of these addresses has an escape in it, or a letter outside ASCII.
make_clash() {
	local lines="$work/clash.lines"
	zstdcat "$work/base.jsonl.zst" | tail -n +2 |
		awk 'NR % 10000 == 0 { gsub(/"mail":"[^"]*"/, "\"mail\":\"" toupper(mail) "\"") }
			{ print } match($0, /"mail":"[^"]*"/) { mail = substr($0, RSTART + 8, RLENGTH - 9) }' >"$lines"
	"$work/bench_take" 2 "$work/clash.jsonl.zst" <"$lines"
	LC_ALL=C grep -noE '"(mail|userPrincipalName)":"[^"]*"|"(SMTP|smtp):[^"]*"' "$lines" |
		LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C sed -E 's/"(mail|userprincipalname)":"/"smtp:/' |
		LC_ALL=C sort -u | cut -d : -f 2- | LC_ALL=C sort | uniq -d | wc -l >"$lines.count"
	rm "$lines"
	mv "$lines.count" "$work/clash-$users.count"
}

# Addresses that several claim: all of them are looked at in one pass.
measure_conflicts() {
	local conflicts="$build/unstage conflicts $work/clash.jsonl.zst --json >$work/contested.jsonl || [ \$? = 1 ]"
	[ -f "$work/clash-$users.count" ] || make_clash
	say
	say "Addresses that several of $users users claim, from a compressed file to a result, wall clock"
	bash -c "$conflicts"
	agree "unstage conflicts" "$(tail -n 1 "$work/contested.jsonl" | jq .conflicts)" "$(cat "$work/clash-$users.count")"
	measure_beside_unpacking conflicts "$conflicts" clash
}

# measure_beside_unpacking NAME COMMAND SIDE
measure_beside_unpacking() {
	median unpack 5 "zstd -q -dc $work/$3.jsonl.zst >/dev/null"
	median "$1" 5 "$2"
	memory "$1" "$2"
	row "unstage $1" "$(seconds "$1")" "$(mebibytes "$1") MiB" "$(times "$1" unpack) times unpacking"
	row "zstd -dc" "$(seconds unpack)" "" "one core"
}

measure_who() {
	local address who
	address=$(zstdcat "$work/base.jsonl.zst" 2>/dev/null | sed -n 5000p | jq -r .mail)
	who="$build/unstage who $address $work/base.jsonl.zst --json >$work/claimed.jsonl || [ \$? = 1 ]"
	say
	say "One address among those of $users users, wall clock"
	bash -c "$who"
	agree "unstage who" "$(jq -s 'map(.claimants // empty | length) | add' "$work/claimed.jsonl")" \
		"$(zstdcat "$work/base.jsonl.zst" | grep -c "[\":]$address\"")"
	measure_beside_unpacking who "$who" base
}

measure_check() {
	local bytes
	bytes=$(stat -c %s "$work/items.jsonl")
	say
	say "Strict check of pages of 999 items, $((bytes / 1000000)) MB, one core, processor time of the check"
	best pages 7 .seconds "$work/bench_scan ours $work/items.jsonl"
	best jansson-pages 1 .seconds "$work/bench_scan jansson $work/items.jsonl"
	row "scan_check" "$(seconds pages)" "$(rate pages)" ""
	row "jansson" "$(seconds jansson-pages)" "$(rate jansson-pages)" "$(times jansson-pages pages) times ours"
}

measure_lines() {
	local bytes list object jansson
	bytes=$(stat -c %s "$work/items.jsonl")
	say
	say "Strict check and canonical line of $items_count items, one core"
	list="$work/bench_canonicalise list $work/items.jsonl"
	object="$work/bench_canonicalise object $work/items.jsonl"
	jansson="$work/bench_canonicalise jansson $work/items.jsonl"
	median list 5 "$list"
	median jansson 2 "$jansson"
	median cat-items 5 "bash -c 'cat $work/items.jsonl | cat >/dev/null'"
	best list-alone 7 .seconds "$list"
	best object-alone 5 .seconds "$object"
	best jansson-alone 1 .seconds "$jansson"
	row "line_take_object" "$(seconds list)" "$(rate list)" "with reading the file"
	row "jansson" "$(seconds jansson)" "$(rate jansson)" "$(times jansson list) times ours"
	row "cat | cat" "$(seconds cat-items)" "$(rate cat-items)" "$(times cat-items list) times ours"
	row "line_take_object" "$(seconds list-alone)" "$(rate list-alone)" "processor time of the function"
	row "line_add_object" "$(seconds object-alone)" "$(rate object-alone)" "one by one, $(times object-alone list-alone) times"
	row "jansson" "$(seconds jansson-alone)" "$(rate jansson-alone)" "$(times jansson-alone list-alone) times ours"
}

# 50,000 steps, 5,000 of them moves of addresses in rings of two to seven people, scattered over what the
# directory has: the walks over it are most of the work. Then the program itself, from an export that changed as
# many objects: evidence, comparison, plan, check, hand-off files.
measure_planning() {
	local made="$work/bench_plan $work/base.jsonl.zst 50000 5000" field
	local count=$((users < 1000000 ? users / 20 : 50000)) records whole
	say
	say "A plan of 50,000 steps, 5,000 of them in rings, over $users users; wall clock"
	for _ in 1 2 3; do $made; done >"$work/planning.json"
	for field in planning checking planningProcessor checkingProcessor; do
		jq -s "map(.$field) | min" "$work/planning.json" >"$work/$field.s"
	done
	memory planning "$made"
	row "planning" "$(seconds planning)" "$(mebibytes planning) MiB" "with reading each object; processor $(seconds planningProcessor) s"
	row "checking" "$(seconds checking)" "" "independently, in two orders; processor $(seconds checkingProcessor) s"
	records=$((count * 6 / 5 + 200))
	make export $((count * 9 / 10)) $((count / 100)) $((count / 100))
	"$work/bench_evidence" "$work/base.jsonl.zst" "$work/export.jsonl.zst" $records "$work/export.jsonl" >/dev/null
	whole="$build/unstage plan $work/base.jsonl.zst $work/export.jsonl.zst --evidence $work/export.jsonl --staging SYNC02 --output $work/export.json"
	median whole-plan 3 "$whole"
	memory whole-plan "$whole"
	[ "$(jq .counts.steps "$work/export.json")" -ge $((count * 9 / 10)) ] || fail "unstage plan has too few steps"
	row "unstage plan" "$(seconds whole-plan)" "$(mebibytes whole-plan) MiB" "$(jq .counts.steps "$work/export.json") steps; from $records audit records, with hand-off files"
}

# An update with what changed, beside writing all of it: in no order, as lists of a directory come and a whole
# snapshot is written, and from lines that are sorted already. All with two workers, as `snapshot` has when it has hung up.
measure_since() {
	local lines="$work/since.lines" new="$work/since.new.zst" whole="$work/since.whole.zst" run
	local since="$work/bench_since 2 $work/base.jsonl.zst $work/live.jsonl.zst $new"

	zstdcat "$work/live.jsonl.zst" | tail -n +2 >"$lines"
	shuf --random-source=<(yes) "$lines" >"$lines.shuffled"
	say
	say "A snapshot of $users users from the one before it, with 1,200 changes: wall clock of the update alone"
	for ((run = 0; run < 5; run++)); do
		rm -f "$new"
		$since
	done | sed 's/.*, \([0-9]*\) ms$/\1/' | jq -s 'min / 1000' >"$work/update.s"
	memory update "rm -f $new; $since"
	cmp <(zstdcat "$new" | tail -n +2) "$lines" || fail "the update has other lines"
	median whole-any 3 "bash -c 'rm -f $whole; $work/bench_take 2 $whole <$lines.shuffled'"
	median whole 3 "bash -c 'rm -f $whole; $work/bench_take 2 $whole <$lines'"
	row "bench_since" "$(seconds update)" "$(mebibytes update) MiB" "two workers"
	row "all, in no order" "$(seconds whole-any)" "" "an update is $(percent_of update whole-any) % of it"
	row "all, sorted" "$(seconds whole)" "" "an update is $(percent_of update whole) % of it"
	rm -f "$lines" "$lines.shuffled" "$new" "$whole"
}

# A connector space of half as many objects as there are users, from a file to a base snapshot.
measure_import() {
	local objects=$((users / 2)) file="$work/space.xml" import
	say
	say "A connector space of $objects objects: csexport's file to a base snapshot, wall clock"
	"$work/bench_csexport" "$objects" >"$file"
	printf '%s\n%s\n' '{"format":"unstage-evidence/1","tenant":"11111111-2222-4333-8444-555555555555","collected":"1970-01-01T00:00:01Z","sources":[]}' \
		'{"end":true,"facts":0,"records":0}' >"$work/space-evidence.jsonl"
	import="$build/unstage import --role production --server SYNC01 --evidence $work/space-evidence.jsonl --base $work/space.jsonl.zst $file"
	median expat 3 "$work/bench_expat $file"
	median import 3 "$import"
	memory import "$import"
	row "expat, nothing" "$(seconds expat)" "" ""
	row "unstage import" "$(seconds import)" "$(mebibytes import) MiB" "$(times import expat) times expat"
	rm "$file"
}

say "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
say "node $(node --version), $(zstd --version | grep -o 'v[0-9.]*' | head -n 1 | sed 's/^/zstd /'), $(gcc --version | head -n 1)"

for section in "${sections[@]}"; do "measure_$section"; done
