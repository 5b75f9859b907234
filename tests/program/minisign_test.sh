#!/usr/bin/env bash
# Keys and signatures are minisign's, both ways.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 minisign jq b2sum

start_tenant tenant || give_up
whole_story || give_up
stop_tenant

# by_minisign STATUS ARGUMENT...
by_minisign() {
	expect "$1" minisign "${@:2}"
}

# unsigned: the plan, with no signature.
unsigned() {
	rm -f plan.json.minisig
}

sentence "minisign verifies what we signed, as a signature of a prehashed file"
by_minisign 0 -VHm plan.json -p unstage.pub
answered "Trusted comment: unstage-plan/1 tenant"

sentence "minisign refuses what we signed once it is altered, or held against another key"
cp plan.json altered.json
cp plan.json.minisig altered.json.minisig
echo >>altered.json
by_minisign 1 -Vm altered.json -p unstage.pub
make_key other
by_minisign 1 -Vm plan.json -p other.pub

sentence "our secret key without a password signs in minisign's hands, and we verify it"
unsigned
by_minisign 0 -S -s unstage.key -m plan.json -t "two people looked at it"
expect 0 "$UNSTAGE" verify plan.json --key unstage.pub
answered "two people looked at it"

sentence "minisign recreates our public key from our secret key"
by_minisign 0 -R -s unstage.key -p recreated.pub
same "the key" "$(tail -n 1 unstage.pub)" "$(tail -n 1 recreated.pub)"

sentence "a key pair of minisign's own, without password, signs a plan in our hands; both verify it"
by_minisign 0 -G -W -p theirs.pub -s theirs.key
chmod 600 theirs.key
unsigned
sign_plan plan.json theirs.key
expect 0 "$UNSTAGE" verify plan.json --key theirs.pub
by_minisign 0 -Vm plan.json -p theirs.pub
expect 8 "$UNSTAGE" verify plan.json --key unstage.pub

sentence "a signature that is minisign's from key to file is accepted"
unsigned
by_minisign 0 -S -s theirs.key -m plan.json
expect 0 "$UNSTAGE" verify plan.json --key theirs.pub

sentence "a signature of the legacy kind is refused, though minisign takes it"
unsigned
if minisign -S -l -s theirs.key -m plan.json </dev/null >/dev/null 2>&1; then
	by_minisign 0 -Vm plan.json -p theirs.pub
	expect 8 "$UNSTAGE" verify plan.json --key theirs.pub
	said "legacy"
else
	echo "  this minisign makes none: not tried"
fi

sentence "a trusted comment that was altered is refused by both"
unsigned
by_minisign 0 -S -s theirs.key -m plan.json -t "steps 10"
sed -i 's/^trusted comment: steps 10/trusted comment: steps 11/' plan.json.minisig
expect 8 "$UNSTAGE" verify plan.json --key theirs.pub
by_minisign 1 -Vm plan.json -p theirs.pub

sentence "an untrusted comment says what it likes"
unsigned
by_minisign 0 -S -s theirs.key -m plan.json -c "signed by the president"
expect 0 "$UNSTAGE" verify plan.json --key theirs.pub

# ---- snapshots ------------------------------------------------------------------------------------

# unsigned_snapshot: with neither statement nor signature.
unsigned_snapshot() {
	rm -f production.jsonl.zst.statement production.jsonl.zst.statement.minisig
}

sentence "minisign and b2sum check a signed snapshot without us"
sign_plan production.jsonl.zst
by_minisign 0 -VHm production.jsonl.zst.statement -p unstage.pub
answered "Trusted comment: unstage-snapshot-statement/1 tenant"
same "its b2sum" "$(b2sum production.jsonl.zst | cut -d' ' -f1)" "$(jq -r .b2sum production.jsonl.zst.statement)"
same "its size" "$(stat -c %s production.jsonl.zst)" "$(jq .bytes production.jsonl.zst.statement)"
same "its first bytes" '{"format":"unstage-snapshot-statement/1",' "$(head -n 1 production.jsonl.zst.statement)"
expect 0 "$UNSTAGE" verify production.jsonl.zst --key unstage.pub
answered "signed by key $(awk 'NR == 1 { print $NF }' unstage.pub)"
expect 0 "$UNSTAGE" verify production.jsonl.zst --key unstage.pub --json
same "what it says" "signed first" "$(jq -r '.signature + " " + .chain' "$work/stdout")"

sentence "signing twice gives the same statement"
cp production.jsonl.zst.statement first
sign_plan production.jsonl.zst
cmp -s first production.jsonl.zst.statement || wrong "the statement differs"

sentence "minisign signs our statement, with its own key, and we verify it"
by_minisign 0 -S -s theirs.key -m production.jsonl.zst.statement -t "looked at by two"
expect 0 "$UNSTAGE" verify production.jsonl.zst --key theirs.pub && answered "looked at by two"
expect 8 "$UNSTAGE" verify production.jsonl.zst --key unstage.pub && said "this is key"

sentence "a signed statement of another purpose is refused"
cp production.jsonl.zst.statement good
head -c 4096 plan.json >production.jsonl.zst.statement
by_minisign 0 -S -s theirs.key -m production.jsonl.zst.statement
expect 8 "$UNSTAGE" verify production.jsonl.zst --key theirs.pub
said "not as an unstage snapshot statement"
cp good production.jsonl.zst.statement
by_minisign 0 -S -s theirs.key -m production.jsonl.zst.statement
cp production.jsonl.zst.statement.minisig plan.json.minisig
expect 8 "$UNSTAGE" verify plan.json --key theirs.pub

sentence "a statement that was altered, or whose hash is another file's, is refused though the key is right"
sed -i 's/"sequence":0/"sequence":1/' production.jsonl.zst.statement
expect 8 "$UNSTAGE" verify production.jsonl.zst --key theirs.pub && said "altered"
sed 's/"b2sum":"./"b2sum":"x/' good >production.jsonl.zst.statement
by_minisign 0 -S -s theirs.key -m production.jsonl.zst.statement
expect 8 "$UNSTAGE" verify production.jsonl.zst --key theirs.pub && said "line 11"

sentence "the statement of one snapshot is refused beside another, also by find, diff and plan"
unsigned_snapshot
sign_plan live.jsonl.zst
mv live.jsonl.zst.statement production.jsonl.zst.statement
mv live.jsonl.zst.statement.minisig production.jsonl.zst.statement.minisig
expect 8 "$UNSTAGE" verify production.jsonl.zst --key unstage.pub && said '"identity"'
for command in find diff "plan --output other.json"; do
	# shellcheck disable=SC2086 # words
	expect 8 "$UNSTAGE" $command production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --key unstage.pub
	said "its statement"
done
absent other.json

sentence "a plan says whether its base was signed, and by whom"
unsigned_snapshot
compared=(production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --key unstage.pub)
expect 0 "$UNSTAGE" plan "${compared[@]}" --output other.json && answered "nobody signed it"
same "base_signed" false "$(jq .base_signed other.json)"
sign_plan production.jsonl.zst
expect 0 "$UNSTAGE" plan "${compared[@]}" --output other.json && answered "base: signed by key"
same "base_signed" true "$(jq .base_signed other.json)"
expect 1 "$UNSTAGE" find "${compared[@]}" && answered ": signed by key"
expect 1 "$UNSTAGE" find "${compared[@]}" --json
same "what find says" signed "$(jq -r .base "$work/stdout")"

sentence "half of a signature is none, and with --key none is refused"
mv production.jsonl.zst.statement.minisig half
expect 0 "$UNSTAGE" verify production.jsonl.zst && answered "nobody signed it"
expect 8 "$UNSTAGE" verify production.jsonl.zst --key unstage.pub && said "no signature"
mv half production.jsonl.zst.statement.minisig

sentence "a wrong password leaves neither statement nor signature; a damaged snapshot is not signed"
cp production.jsonl.zst alone.jsonl.zst
printf 'geheim\ngeheim\n' | minisign -G -f -p locked.pub -s locked.key >/dev/null 2>&1 || give_up
chmod 600 locked.key
expect 2 setsid "$UNSTAGE" sign alone.jsonl.zst --secret-key locked.key
absent alone.jsonl.zst.statement
printf '\xff\xff' | dd of=alone.jsonl.zst bs=1 seek=5000 conv=notrunc status=none
expect 7 "$UNSTAGE" sign alone.jsonl.zst --secret-key unstage.key
absent alone.jsonl.zst.statement

# ---- keys with a password --------------------------------------------------------------------------

# typed STATUS PASSWORD COMMAND: runs it on a terminal of its own and types the password as often as
# it is asked for it. What it prints is in $work/stdout.
typed() {
	local expected=$1 password=$2 asked=0 tries=0 pid status keyboard

	rm -f keyboard
	: >"$work/stdout"
	mkfifo keyboard
	exec {keyboard}<>keyboard
	timeout "$COMMAND_LIMIT_S" script -qefc "$3" "$work/stdout" <keyboard >/dev/null 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 1000 ]; do
		# Each prompt is answered once, when it stands there: earlier typing is thrown away.
		if [ "$(grep -oE '(password[^:]*|again): ' "$work/stdout" | wc -l)" -gt "$asked" ]; then
			asked=$((asked + 1))
			echo "$password" >&"$keyboard"
		fi
		sleep 0.02
		tries=$((tries + 1))
	done
	exec {keyboard}>&-
	wait "$pid"
	status=$?
	[ "$status" -eq "$expected" ] || wrong "status $expected was expected, $status came from: $3:
$(tail -n 3 "$work/stdout" | cat -v)"
}

sentence "an encrypted key wants its password from a terminal; without one: 2, and no signature"
unsigned
expect 2 setsid "$UNSTAGE" sign plan.json --secret-key locked.key
said "terminal"
absent plan.json.minisig

if script -qec true /dev/null >/dev/null 2>&1; then
	sentence "minisign's encrypted key signs in our hands, once the password is right"
	typed 3 guess "$UNSTAGE sign plan.json --secret-key locked.key"
	absent plan.json.minisig
	typed 0 geheim "$UNSTAGE sign plan.json --secret-key locked.key"
	by_minisign 0 -Vm plan.json -p locked.pub

	sentence "the password is never shown"
	same "times it stands on the screen" 0 "$(grep -c geheim "$work/stdout")"

	sentence "our encrypted key signs in minisign's hands"
	typed 0 geheim "$UNSTAGE keygen --public-key ours.pub --secret-key ours.key"
	unsigned
	echo geheim | minisign -S -s ours.key -m plan.json >/dev/null 2>&1 || wrong "minisign was to sign with our key"
	expect 0 "$UNSTAGE" verify plan.json --key ours.pub
	unsigned
	echo guess | minisign -S -s ours.key -m plan.json >/dev/null 2>&1 && wrong "a wrong password was to fail"
else
	echo "  script(1) can have no terminal here: passwords not tried"
fi

finish
