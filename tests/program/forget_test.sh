#!/usr/bin/env bash
# Thinning out what is kept: by restic's words, and by restic's own judgement where it is installed.
. "$(dirname "$0")/library.sh"

require_tools jq sqlite3

state=$work/state
tiny=$SOURCE/tests/data/snapshots/tiny.jsonl.zst
export UNSTAGE_CONFIG=$work/config
printf '[contoso]\nstate = %s\n' "$state" >config

# All of them past, whatever day it is: half-hourly at the end, daily before, then weeks, months and
# years, and the turns of each.
moments="1998-11-28T12:00:00Z 1998-11-28T11:30:00Z 1998-11-28T11:00:00Z 1998-11-28T10:30:00Z
1998-11-28T00:00:00Z 1998-11-27T23:59:59Z 1998-11-27T08:00:00Z 1998-11-23T00:00:00Z
1998-11-22T23:59:59Z 1998-11-15T12:00:00Z 1998-11-01T00:00:00Z 1998-10-31T23:59:59Z
1998-10-15T12:00:00Z 1998-06-30T12:00:00Z 1998-01-02T12:00:00Z 1997-12-29T00:00:00Z
1997-12-28T12:00:00Z 1996-02-29T12:00:00Z 1996-02-28T12:00:00Z"
total=$(wc -w <<<"$moments")

name_of() { # MOMENT: its identity is made up, and for names alone
	local digits=${1//[-:]/}

	echo "$digits-$(sha256sum <<<"$1" | head -c 16).jsonl.zst"
}

# fill: the folder, with a snapshot of each moment; nothing pinned.
fill() {
	rm -rf "$state" && mkdir -m 700 "$state"
	for moment in $moments; do
		cp "$tiny" "$state/$(name_of "$moment")"
	done
}

left() { # the moments that are still there, newest first
	for moment in $moments; do
		[ ! -e "$state/$(name_of "$moment")" ] || echo "$moment"
	done
}

# forgets EXPECTED OPTION...: exactly these moments are left of a full folder.
forgets() {
	local expected=$1
	shift
	fill
	expect 0 "$UNSTAGE" forget "$@"
	same "left by $*" "$expected" "$(left | xargs)"
}

# ---- what is asked for ----------------------------------------------------------------------------------

sentence "without a policy nothing is removed: 2"
fill
expect 2 "$UNSTAGE" forget && said "say what to keep"
expect 2 "$UNSTAGE" forget --dry-run
expect 2 "$UNSTAGE" forget --keep-daily 0 --keep-weekly 0
same "left" "$total" "$(left | wc -l)"

sentence "numbers and lengths of time are what they are: 2"
for number in '' x 1.5 -2 ' 1' 99999999999999999999 all; do
	expect 2 "$UNSTAGE" forget --keep-daily "$number"
	said "forget: --keep-daily takes a whole number, not '$number'"
done
for span in '' 7 d 7w 1h1d 30m1y; do
	expect 2 "$UNSTAGE" forget --keep-within "$span" && said "--keep-within takes a length of time"
done
same "left" "$total" "$(left | wc -l)"

# ---- what goes and what stays --------------------------------------------------------------------------------

sentence "each rule keeps the newest of each of its last periods"
forgets "1998-11-28T12:00:00Z 1998-11-28T11:30:00Z" --keep-last 2
forgets "1998-11-28T12:00:00Z 1998-11-28T11:30:00Z 1998-11-28T10:30:00Z" --keep-hourly 3
forgets "1998-11-28T12:00:00Z 1998-11-27T23:59:59Z" --keep-daily 2
forgets "1998-11-28T12:00:00Z 1998-11-22T23:59:59Z" --keep-weekly 2
forgets "1998-11-28T12:00:00Z 1998-10-31T23:59:59Z" -m 2
forgets "1998-11-28T12:00:00Z 1997-12-29T00:00:00Z 1996-02-29T12:00:00Z" --keep-yearly 3
forgets "1998-11-28T12:00:00Z 1998-11-28T11:30:00Z 1998-11-28T11:00:00Z 1998-11-28T10:30:00Z" --keep-within 2h
forgets "$(xargs <<<"$moments")" --keep-last unlimited
forgets "$(xargs <<<"$moments")" --keep-within 3y

sentence "a dry run says the same and removes nothing"
fill
expect 0 "$UNSTAGE" forget --keep-daily 2 --keep-yearly 2 --dry-run
answered "3 kept, $((total - 3)) would be removed"
same "left" "$total" "$(left | wc -l)"
grep -E '^(keep|remove) ' "$work/stdout" | sort >dry
expect 0 "$UNSTAGE" forget --keep-daily 2 --keep-yearly 2
same "what it says" "$(cat dry)" "$(grep -E '^(keep|remove) ' "$work/stdout" | sort)"
same "what it keeps" "$(grep -c '^keep' dry)" "$(left | wc -l)"

sentence "a table says why each is kept, within a terminal"
fill
expect 0 "$UNSTAGE" forget --keep-last 1 --keep-daily 3 --keep-weekly 2 --keep-monthly 12 --keep-yearly 9 -n
answered "keep    1998-11-28 12:00:00  the newest, last snapshot, daily snapshot, weekly"
answered "keep    1998-10-31 23:59:59  monthly snapshot"
answered "keep    1996-02-28 12:00:00  oldest monthly snapshot, oldest yearly snapshot"
answered "remove  1998-11-28 11:30:00"
[ "$(wc -L <"$work/stdout")" -le 80 ] || wrong "a line is wider than 80 columns"

sentence "statement and signature go with their snapshot, and nothing else does"
fill
newest=$state/$(name_of 1998-11-28T12:00:00Z) old=$state/$(name_of 1996-02-28T12:00:00Z)
for file in "$newest" "$old"; do
	touch "$file.statement" "$file.statement.minisig"
done
touch "$state/0.journal.sqlite" "$state/0.receipt.json" "$state/ledger" "$old.copy" "$state/old.jsonl.zst"
expect 0 "$UNSTAGE" forget --keep-last 1
same "what is left" "$(printf '%s\n' "$newest" "$newest.statement" "$newest.statement.minisig" \
	"$old.copy" "$state/0.journal.sqlite" "$state/0.receipt.json" "$state/ledger" "$state/old.jsonl.zst" \
	"$state/snapshots.lock" | sort)" "$(find "$state" -type f | sort)"

sentence "the pinned one is never forgotten, nor the newest"
fill
pinned=1998-06-30T12:00:00Z
echo "unstage-pin/1 $(name_of $pinned | cut -d- -f2 | head -c 16)$(printf '0%.0s' {1..48})" >"$state/production"
expect 0 "$UNSTAGE" forget --keep-within 1h --json
same "left" "1998-11-28T12:00:00Z 1998-11-28T11:30:00Z $pinned" "$(left | xargs)"
jq -es --arg pinned "$pinned" '.[0].format == "unstage-forgotten/1" and (.[0].dry_run | not) and
	.[-1] == {end: true, kept: 3, removed: (length - 5)} and
	(.[1:-1] | map(select(.kept)) | length == 3 and .[0].reasons[0] == "the newest" and
		.[2].reasons == ["pinned as production"] and .[2].taken_until == $pinned) and
	(.[1:-1] | map(select(.kept | not)) | all(.reasons == []))' "$work/stdout" >/dev/null ||
	wrong "the JSON is: $(cat "$work/stdout")"

sentence "a pin that can't be read stops it: nothing is removed"
fill
echo nonsense >"$state/production"
expect 7 "$UNSTAGE" forget --keep-last 1
same "left" "$total" "$(left | wc -l)"
rm "$state/production"

sentence "while another run pins or forgets, it waits for no one and removes nothing: 8"
# An open-file-description lock, as the program takes it.
python3 - "$state/snapshots.lock" <<'PYTHON' &
import fcntl, struct, sys, time
file = open(sys.argv[1], "a+")
fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
file.write("somebody else\n"); file.flush()
time.sleep(60)
PYTHON
holder=$!
tidy() { kill "$holder" 2>/dev/null; }
for _ in {1..100}; do
	grep -q somebody "$state/snapshots.lock" 2>/dev/null && break
	sleep 0.05
done
expect 8 "$UNSTAGE" forget --keep-last 1 && said "another run holds it (somebody else)"
same "left" "$total" "$(left | wc -l)"
tidy

# ---- restic ----------------------------------------------------------------------------------------------------

if ! command -v restic >/dev/null; then
	echo "  restic is not installed: not compared with it"
	finish
fi

sentence "restic keeps the same"
export RESTIC_REPOSITORY=$work/repository RESTIC_PASSWORD=x TZ=UTC
echo something >file
restic init -q || give_up
for moment in $moments; do
	restic backup -q --no-cache --host h --time "$(tr T ' ' <<<"${moment%Z}")" file || give_up
done
fill
# What the newer restic keeps besides, for being the oldest, Debian's does not yet.
ours() {
	"$UNSTAGE" forget "$@" --dry-run --json | jq -r 'select(.kept == true) |
		select(.reasons | map(select(test("^(oldest|the newest|pinned)") | not)) | length > 0).taken_until'
}
theirs() {
	restic forget -q --no-cache "$@" --dry-run --json | jq -r '.[].keep[].time | sub("(\\.0+)?Z$"; "Z")' | sort -r
}
for policy in "-l 3" "-H 3" "-d 3" "-w 4" "-m 4" "-y 2" "-d 30 -w 12" "-H 24 -d 7 -w 5 -m 12 -y 75" \
	"-l 1 -m 2" "--keep-within 1d" "--keep-within 12h" "--keep-within 1m" "--keep-within 1y2m3d4h" \
	"--keep-within 5d -y 9" "-w 100"; do
	# shellcheck disable=SC2086 # words
	same "kept by $policy" "$(theirs $policy | xargs)" "$(ours $policy | xargs)"
done

finish
