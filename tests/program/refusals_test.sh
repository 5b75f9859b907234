#!/usr/bin/env bash
# Only a plan that is whole, ours, in time and for this tenant is applied; anything else is
# refused with 8, and the tenant's own book shows that no write was even asked for.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq minisign

start_tenant tenant || give_up
whole_story || give_up
# The profile's key is the one that the plan was signed with.
cp unstage.pub tenant/unstage.pub
cp plan.json good.json
cp plan.json.minisig good.minisig
tenant=$(jq -r .tenant plan.json 2>/dev/null | head -n 1)

# nothing_sent WHAT WHY COMMAND...: refused with 8 for this reason, and no request is a write.
nothing_sent() {
	local why=$2 sent

	sentence "$1 is refused with 8, and nothing is sent"
	shift 2
	sent=$(writes_sent)
	expect 8 "$@" && said "$why"
	same "writes asked for" "$sent" "$(writes_sent)"
}

# again: the good plan and its signature, as they were.
again() {
	cp good.json plan.json
	cp good.minisig plan.json.minisig
}

# re_signed SED: the good plan, edited, and signed by the right key, by other means than ours: our own
# signature is for what a plan's own steps and head make of its files.
re_signed() {
	edited "$1"
	minisign -S -s unstage.key -m plan.json -t 'by other means' </dev/null >/dev/null 2>&1 ||
		wrong "minisign was to sign the plan with our key"
}

same "writes before anything was applied" 0 "$(writes_sent)"

# ---- the signature -------------------------------------------------------------------------------

# One byte, at the begin, within and at the end: another digit or letter, so that it stays JSON.
for place in 1 20 200 $(($(stat -c %s good.json) / 2)) $(($(stat -c %s good.json) - 3)); do
	again
	byte=$(od -A n -t u1 -j "$place" -N 1 good.json | tr -d ' ')
	# shellcheck disable=SC2059 # the octal escape is what is to be printed
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of=plan.json bs=1 seek="$place" conv=notrunc status=none
	nothing_sent "a plan with byte $place altered" "altered after it was signed" "$UNSTAGE" apply plan.json
done

again
sed -i 's/"graph"/"sync"/' plan.json
nothing_sent "a plan with a door edited" "altered after it was signed" "$UNSTAGE" apply plan.json
again
echo >>plan.json
nothing_sent "a plan with a newline appended" "altered after it was signed" "$UNSTAGE" apply plan.json
again
truncate -s -1 plan.json
nothing_sent "a plan without its last byte" "altered after it was signed" "$UNSTAGE" apply plan.json
again
truncate -s 0 plan.json
nothing_sent "an empty plan" "altered after it was signed" "$UNSTAGE" apply plan.json

again
rm plan.json.minisig
nothing_sent "a plan without signature" "no signature" "$UNSTAGE" apply plan.json
again
: >plan.json.minisig
nothing_sent "a plan with an empty signature" "line 1" "$UNSTAGE" apply plan.json
again
sed -i '3s/steps [0-9]*/steps 1/' plan.json.minisig
cmp -s good.minisig plan.json.minisig && wrong "the trusted comment was to be edited"
nothing_sent "a signature with its trusted comment edited" "altered after it was signed" "$UNSTAGE" apply plan.json

again
make_key foreign || give_up
rm plan.json.minisig
sign_plan plan.json foreign.key || give_up
nothing_sent "a plan signed by somebody else" "signed by key" "$UNSTAGE" apply plan.json
again
nothing_sent "a good plan held against another key" "signed by key" "$UNSTAGE" apply plan.json --key foreign.pub
nothing_sent "a good plan without any key to hold it against" "--key" \
	env UNSTAGE_CONFIG="$work/keyless" bash -c \
	'sed "/^key = /d" "$1" >"$2/keyless" && "$3" apply plan.json' - "$UNSTAGE_CONFIG" "$work" "$UNSTAGE"

# ---- what was signed -----------------------------------------------------------------------------

sentence "what is neither a plan nor a snapshot is not signed by us: 7"
echo '{"hello":"world"}' >letter.json
expect 7 "$UNSTAGE" sign letter.json
absent letter.json.minisig
head -c 4096 live.jsonl.zst >half.jsonl.zst
expect 7 "$UNSTAGE" sign half.jsonl.zst
absent half.jsonl.zst.statement

# edited SED: the good plan, edited, its bytes otherwise as they were.
edited() {
	sed -E "$1" good.json >plan.json
	! cmp -s good.json plan.json || wrong "the edit '$1' was to change the plan"
	rm -f plan.json.minisig
}

# not_worth_signing WHAT STATUS WHY SED: neither signed nor, signed by other means, applied.
not_worth_signing() {
	local sent

	sentence "a plan $1 is not signed: $2"
	edited "$4"
	expect "$2" "$UNSTAGE" sign plan.json && said "$3"
	absent plan.json.minisig
	sentence "a plan $1 is not applied even when minisign signed it: $2, nothing sent"
	minisign -S -s unstage.key -m plan.json -t 'by other means' </dev/null >/dev/null 2>&1 ||
		wrong "minisign was to sign the plan with our key"
	sent=$(writes_sent)
	expect "$2" "$UNSTAGE" apply plan.json && said "$3"
	same "writes asked for" "$sent" "$(writes_sent)"
}

not_worth_signing "that lives for years" 7 "by 7 days at most" 's/"expires":"[^"]*"/"expires":"2099-01-02T00:00:00Z"/'
not_worth_signing "of a format that is newer than we are" 8 "version" 's#unstage-plan/1#unstage-plan/2#'
not_worth_signing "with more steps than its limit" 7 "3 steps at most" 's/"limits":\{"steps":[0-9]+/"limits":{"steps":3/'
not_worth_signing "with a key that we don't know" 7 "sudo" 's/^(\{"number":1,)/\1"sudo":true,/'
not_worth_signing "with a key twice" 7 "duplicate" 's/^(\{"number":1,)/\1"operation":"restore",/'
not_worth_signing "with an operation that we don't know" 7 "create" '0,/"operation":"set"/s//"operation":"create"/'
not_worth_signing "with an id that leads elsewhere" 7 "GUID" \
	'0,/"id":"[0-9a-f-]{36}","name"/s//"id":"..\/organization","name"/'
not_worth_signing "with a step that waits for itself" 7 "does not come before" '/^\{"number":1,/s/"after":\[\]/"after":[1]/'

if command -v minisign >/dev/null; then
	cp letter.json other.json
	minisign -S -s unstage.key -m other.json -t 'a letter' </dev/null >/dev/null 2>&1 ||
		wrong "minisign was to sign a letter with our key"
	nothing_sent "a letter that our key signed" "not as an unstage plan" "$UNSTAGE" apply other.json
	cp other.json.minisig letter.minisig
	again
	cp letter.minisig plan.json.minisig
	nothing_sent "our key's signature of a letter, put beside a plan" "altered after it was signed" "$UNSTAGE" apply plan.json
	again
	rm plan.json.minisig
	if minisign -S -l -s unstage.key -m plan.json -t 'legacy' </dev/null >/dev/null 2>&1; then
		nothing_sent "a signature of the kind that is not prehashed" "legacy" "$UNSTAGE" apply plan.json
	else
		echo "  this minisign makes no legacy signatures: not tried"
	fi
else
	echo "  minisign is not installed: letters and legacy signatures not tried"
fi

# ---- time, tenant, order ---------------------------------------------------------------------------

again
re_signed 's/"created":"[^"]*"/"created":"2026-01-01T00:00:00Z"/; s/"expires":"[^"]*"/"expires":"2026-01-02T00:00:00Z"/'
nothing_sent "an expired plan" "expired at 2026-01-02" "$UNSTAGE" apply plan.json
re_signed 's/"created":"[^"]*"/"created":"2098-12-31T00:00:00Z"/; s/"expires":"[^"]*"/"expires":"2099-01-01T00:00:00Z"/'
nothing_sent "a plan from the future" "clock" "$UNSTAGE" apply plan.json

re_signed 's/"tenant":"[^"]*"/"tenant":"11111111-2222-4333-8444-555555555555"/'
nothing_sent "a plan for another tenant, by its own words" "the plan is for tenant 11111111-2222-4333-8444-555555555555" "$UNSTAGE" apply plan.json

again
stop_tenant
start_tenant other --seed 2 || give_up
nothing_sent "a good plan with another tenant's credentials" "the plan is for tenant $tenant" \
	"$UNSTAGE" apply plan.json --key unstage.pub
stop_tenant

# ---- a used plan ------------------------------------------------------------------------------------

start_tenant tenant || give_up
again
sentence "after all these the good plan is applied: status 1, for other doors are still to do their part"
expect 1 "$UNSTAGE" apply plan.json
sent=$(writes_sent)
at_least "writes" 10 "$sent"

sentence "applied once more it sends nothing, and says the same"
cp stdout first.stdout
expect 1 "$UNSTAGE" apply plan.json
same "writes asked for" "$sent" "$(writes_sent)"
same "its answer" "$(cat first.stdout)" "$(cat stdout)"

journal=$(find tenant/state -name '*.journal.sqlite')
cp "$journal" kept.sqlite

re_signed '1s/"id":"[^"]*"/"id":"11111111-2222-4333-8444-555555555555"/'
nothing_sent "a plan with another plan's journal" "journal" "$UNSTAGE" apply plan.json --journal "$journal"
re_signed 's/"expires":"([0-9]{4}-[0-9-]+T[0-9:]+)[^"]*"/"expires":"\1.123Z"/'
nothing_sent "a used plan id with other content" "was used by a plan with the hash" "$UNSTAGE" apply plan.json

again
rm "$journal"
nothing_sent "a used plan whose journal is gone" "bring it back" "$UNSTAGE" apply plan.json
cp kept.sqlite "$journal"
chmod 600 "$journal"
printf 'garbage garbage' | dd of="$journal" bs=1 seek=0 conv=notrunc status=none
sentence "a used plan whose journal is damaged is not applied: 7, nothing sent"
expect 7 "$UNSTAGE" apply plan.json
same "writes asked for" "$sent" "$(writes_sent)"
cp kept.sqlite "$journal"

# ---- one at a time ----------------------------------------------------------------------------------

# Reads show writes two seconds late, so the first run waits after its first write: time enough to
# begin a second one.
stop_tenant
start_tenant slow --lag 2000 || give_up
whole_story_again() {
	local folder=$work/slow.story

	mkdir "$folder" && cd "$folder" && whole_story
}
whole_story_again || give_up
"$UNSTAGE" apply plan.json --key unstage.pub >first.out 2>first.err </dev/null &
first=$!
for _ in $(seq 200); do
	grep -q 'replicas' first.err && break
	sleep 0.05
done
sentence "while a plan is being applied, a second run is refused with 8 and told who holds the lock"
expect 8 "$UNSTAGE" apply plan.json --key unstage.pub
said "another run holds it"
said "pid $first"
kill -0 "$first" 2>/dev/null || wrong "the first run was to be still at work"
kill -TERM "$first"
wait "$first"
same "status of the first run, interrupted" 1 $?

finish
