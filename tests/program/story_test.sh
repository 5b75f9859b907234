#!/usr/bin/env bash
# The whole story, as `unstage demo` tells it and as a person would type it: every file it leaves
# is read by the world's own tools, and the tenant's own book says what really happened.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq zstdcat iconv

# ---- the demo ------------------------------------------------------------------------------------

sentence "the demo ends with 0: its proof holds"
expect 0 "$UNSTAGE" demo --output demo || give_up
cp stdout demo.stdout
cp stderr demo.stderr

sentence "everything that its page names lies in its folder"
there demo/{production.jsonl.zst,live.jsonl.zst,evidence.jsonl,findings.json} \
	demo/{plan.json,plan.json.minisig,unstage.pub,unstage.key,journal.sqlite,receipt.json} \
	demo/plan-{adsync.csv,directory.ldif,directory.ps1,exchange.ps1,manual.txt,sync.txt}

sentence "no door of the plan is unused"
same "doors without a step" "" "$(jq -r '.counts.doors | to_entries[] | select(.value == 0) | .key' demo/plan.json)"
grep -q 'plan-directory.ldif: [1-9][0-9]* changed' demo.stdout || wrong "the LDIF file was to be played"

# count TEXT: the number before it in the proof.
count() {
	awk -v what="$1" 'index($0, what) { print $1; exit }' demo.stdout
}

sentence "the proof: much was damaged, every door put something back, nothing is left, nothing is lost"
at_least "damaged" 100 "$(count 'values damaged by the staging server')"
for door in graph sync adsync exchange manual; do
	at_least "put back by $door" 1 "$(count "($door)")"
done
same "decided by people" 3 "$(count 'decided by people before us')"
same "still damaged" 0 "$(count 'values still damaged')"
same "lost" 0 "$(count 'legitimate changes lost')"
same "all that was damaged" "$(count 'values damaged by the staging server')" \
	"$(($(count '(graph)') + $(count '(sync)') + $(count '(adsync)') + $(count '(exchange)') + $(count '(manual)') + 3))"

sentence "a folder that is there already is not written into: 2"
expect 2 "$UNSTAGE" demo --output demo
said "demo"

# ---- its files -----------------------------------------------------------------------------------

cd demo || give_up
export UNSTAGE_CONFIG=$PWD/config

sentence "zstdcat and jq read both snapshots, and count what show counts"
for snapshot in production live; do
	zstdcat $snapshot.jsonl.zst | jq -c . >"$work/$snapshot.lines" ||
		wrong "zstdcat $snapshot.jsonl.zst | jq"
	same "format" unstage-snapshot/1 "$(head -n 1 "$work/$snapshot.lines" | jq -r .format)"
	expect 0 "$UNSTAGE" show $snapshot.jsonl.zst --json
	for kind in user group contact; do
		same "${kind}s" "$(jq ".${kind}s" "$work/stdout")" \
			"$(jq -c "select(.kind == \"$kind\" and (.deleted | not) and (.part | not))" \
				"$work/$snapshot.lines" | wc -l)"
	done
	expect 0 "$UNSTAGE" verify $snapshot.jsonl.zst
done

sentence "jq reads findings, evidence, plan and receipt, and each says what it is"
same "findings" unstage-findings/1 "$(jq -rn 'input.format' findings.json)"
same "evidence" unstage-evidence/1 "$(jq -rn 'input.format' evidence.jsonl)"
same "plan" unstage-plan/1 "$(jq -r .format plan.json)"
same "receipt" unstage-receipt/1 "$(jq -r .format receipt.json)"
jq -c . findings.json >"$work/findings" || wrong "jq was to read findings.json"
jq -c . evidence.jsonl >"$work/evidence" || wrong "jq was to read evidence.jsonl"

sentence "lists that could be cut off end with a trailer that counts them"
same "facts" "$(tail -n 1 "$work/evidence" | jq .facts)" "$(grep -c '"operation"' "$work/evidence")"
same "holders" "$(tail -n 1 "$work/evidence" | jq .holders)" "$(grep -c '^{"holder"' "$work/evidence")"
same "end" true "$(tail -n 1 "$work/findings" | jq .end)"

sentence "the plan is about the tenant, the snapshots and the evidence that lie beside it"
expect 0 "$UNSTAGE" show production.jsonl.zst --json
same "base" "$(jq -r .identity "$work/stdout")" "$(jq -r .base plan.json)"
same "tenant" "$(jq -r .tenant "$work/stdout")" "$(jq -r .tenant plan.json)"
expect 0 "$UNSTAGE" show live.jsonl.zst --json
same "live" "$(jq -r .identity "$work/stdout")" "$(jq -r .live plan.json)"

sentence "the plan writes with all nine operations over Graph"
same "operations" \
	"add-member add-owner clear-manager remove remove-member remove-owner restore set set-manager" \
	"$(jq -r '.steps[] | select(.door == "graph") | .operation' plan.json | sort -u | xargs)"

sentence "a swap, a ring of three and one over all kinds are in it, parked and taken up again"
parked=$(jq '[.steps[] | select(.until)] | length' plan.json)
same "parked" 5 "$parked"
same "by Graph and by others" "false true" \
	"$(jq -r '.steps[] | select(.until) | .door == "graph"' plan.json | sort -u | xargs)"
same "taken up again" "$parked" \
	"$(jq '.steps as $all | [.steps[] | select(.until) | select($all[.until - 1].from == .to)] | length' plan.json)"
same "kinds in rings" "contact group user" "$(jq -r '.steps[] |
	select(.attribute == "proxyAddresses" and (.after | length) > 0) | .kind' plan.json | sort -u | xargs)"

sentence "rehearsed on a copy, the engine does every step, rings too, and nothing else changes"
expect 0 "$UNSTAGE" rehearse plan.json live.jsonl.zst --json
same "not as wanted" 0 "$(tail -n 1 "$work/stdout" | jq .not_as_wanted)"
same "changed besides" 0 "$(tail -n 1 "$work/stdout" | jq .changed_besides)"

sentence "the three contested values are listed, and no step touches them"
expect 1 "$UNSTAGE" diff production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --verdict contested
same "contested" 3 "$(grep -c '^    contested ' "$work/stdout")"
jq -r 'select(.verdict? == "contested") | "\(.id) \(.attribute)"' findings.json | sort >"$work/contested"
jq -r '.steps[] | "\(.id) \(.attribute)"' plan.json | sort >"$work/touched"
same "contested findings" 3 "$(wc -l <"$work/contested")"
same "touched by the plan" "" "$(comm -12 "$work/contested" "$work/touched")"

if command -v minisign >/dev/null; then
	sentence "minisign verifies the plan, and does no more once a byte is altered"
	expect 0 minisign -Vm plan.json -p unstage.pub
	cp plan.json altered.json
	cp plan.json.minisig altered.json.minisig
	printf 'X' | dd of=altered.json bs=1 seek=5000 conv=notrunc status=none
	expect 1 minisign -Vm altered.json -p unstage.pub
	rm altered.json altered.json.minisig
fi

sentence "the journal is whole, stands alone, and knows every step"
same "integrity" ok "$(sqlite3 -readonly journal.sqlite 'PRAGMA integrity_check')"
same "beside it" journal.sqlite "$(echo journal.sqlite*)"
same "steps in the receipt" "$(jq '.steps | length' plan.json)" "$(jq '.steps | length' receipt.json)"
same "done, by the receipt" "$(graph_steps plan.json)" \
	"$(jq '[.steps[] | select(.state == "done")] | length' receipt.json)"

sentence "find is one screen: no line of more than 80 columns"
expect 1 "$UNSTAGE" find production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl
widest=$(LC_ALL=C.UTF-8 wc -L <"$work/stdout")
[ "$widest" -le 80 ] || wrong "a line of $widest columns"
at_least "lines" 10 "$(wc -l <"$work/stdout")"
[ "$(wc -l <"$work/stdout")" -le 40 ] || wrong "$(wc -l <"$work/stdout") lines are no screen"

sentence "a run history and a forecast beside the log: what was sent and is in no evidence is counted"
touched=$(grep -m 1 'Sync_SYNC02' evidence.jsonl | jq -r .id)
first=$(jq -r 'select(.who.server == "SYNC02").when' evidence.jsonl | head -n 1)
last=$(jq -r 'select(.who.server == "SYNC02").when' evidence.jsonl | tail -n 1)
deleted=$(jq -r 'select(.who.server == "SYNC02" and .operation == "delete").id' evidence.jsonl | sort -u | wc -l)
{
	head -n 1 evidence.jsonl
	echo "{\"run\":17,\"step\":1,\"cloud\":true,\"server\":\"SYNC02\",\"type\":\"export\",\"from\":\"$first\",\"until\":\"$last\",\"deletes\":$((deleted + 1))}"
	sed '1d;$d' evidence.jsonl # holders, facts
	echo "{\"attribute\":\"jobTitle\",\"id\":\"$touched\",\"kind\":\"user\",\"new\":\"Clerk\",\"operation\":\"set\",\"reference\":\"sync02.xml\",\"source\":\"forecast\",\"when\":\"9000-01-01T00:00:00Z\",\"who\":{\"id\":\"\",\"name\":\"SYNC02\",\"server\":\"SYNC02\"}}"
	tail -n 1 evidence.jsonl | jq -c '{"end": true, facts: (.facts + 1), records: (.records + 1), runs: 1, holders: .holders}'
} >accounts.jsonl
expect 1 "$UNSTAGE" find production.jsonl.zst live.jsonl.zst --evidence accounts.jsonl
answered "$((deleted + 1)) deletes sent, $deleted explained, 1 not found in any evidence"
answered "SYNC02 would write 1 more value next"
expect 1 "$UNSTAGE" find production.jsonl.zst live.jsonl.zst --evidence accounts.jsonl --json
same "not found" 1 "$(jq ".exports[0].deletes.not_found" "$work/stdout")"
rm accounts.jsonl

# ---- what a directory may hold -------------------------------------------------------------------

sentence "names of the company hold control and text-turning characters"
jq -r 'select(.displayName? // "" | test("[\u0000-\u001f\u202a-\u202e]")) | .id' "$work/live.lines" >"$work/hostile"
at_least "such names" 2 "$(wc -l <"$work/hostile")"

sentence "none of them reaches a screen, or a file that people open"
sed 's/\r$//' plan-adsync.csv >"$work/plan-adsync.csv" # RFC 4180 ends its lines with both
printable "$work/demo.stdout" "$work/demo.stderr" plan-sync.txt plan-manual.txt "$work/plan-adsync.csv"
expect 1 "$UNSTAGE" diff production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl
printable "$work/stdout" "$work/stderr"
expect 0 "$UNSTAGE" show plan.json
printable "$work/stdout" "$work/stderr"
while read -r id; do
	expect 0 "$UNSTAGE" show live.jsonl.zst "$id"
	printable "$work/stdout"
	grep -q displayName "$work/stdout" || wrong "show $id was to print its displayName"
done <"$work/hostile"

sentence "the client secret is in no file but its own, and no token in any"
secret=$(cat client.secret)
at_least "characters of the secret" 20 ${#secret}
same "files with the secret" ./client.secret "$(grep -rlF -e "$secret" . "$work"/*.stdout "$work"/*.stderr)"
same "files with a token" "" "$(grep -rlE -e 'Bearer |eyJ[A-Za-z0-9_-]{10,}[.][A-Za-z0-9_-]{10,}' . "$work"/*.stdout "$work"/*.stderr)"
same "mode of the secret" 600 "$(stat -c %a client.secret)"
same "mode of the signing key" 600 "$(stat -c %a unstage.key)"
same "files that others may read" "" "$(find . -perm /077)"

# ---- by hand ---------------------------------------------------------------------------------------

cd "$work" || give_up
start_tenant tenant || give_up
mkdir hand && cd hand || give_up
whole_story || give_up

sentence "apply writes exactly what the plan says for its door, nothing else and nothing twice"
expect 1 "$UNSTAGE" apply plan.json --key unstage.pub
planned_writes plan.json >"$work/planned"
our_writes >"$work/written"
diff "$work/planned" "$work/written" >"$work/differences" ||
	wrong "planned (<) and written (>) differ: $(head -n 3 "$work/differences")"
same "requests that write" "$(graph_steps plan.json)" "$(writes_sent)"

sentence "status says who is waited for: 1; once the other doors have done their part: 0"
# The CSV, the cycle and the paragraphs are what is left.
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --json
same "waiting" "$(jq '[.steps[] | select(.door != "graph")] | length' plan.json)" \
	"$(jq -r 'select(.state? == "waiting") | .step' "$work/stdout" | wc -l)"
say wait 16
say cycle
say adsync "$PWD/plan-adsync.csv"
say exchange "$PWD/plan-exchange.ps1"
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --json
same "doors that wait" manual "$(jq -r 'select(.state? == "waiting") | .door' "$work/stdout" | sort -u)"
same "states of the other steps" "held settled" \
	"$(jq -r 'select(.door? and .door != "manual") | .state' "$work/stdout" | sort -u | xargs)"

sentence "the tenant's own proof: nothing of ours is left to do, nothing legitimate is lost"
say prove
same "left" "$(jq '[.steps[] | select(.door == "manual")] | length' plan.json)" "$(proved 'values still damaged')"
same "lost" 0 "$(proved 'legitimate changes lost')"

sentence "status and the reports write nothing"
same "requests that write" "$(graph_steps plan.json)" "$(writes_sent)"

sentence "no token that the tenant gave out is in any file of ours"
query "SELECT token FROM tokens" >"$work/tokens"
at_least "tokens" 4 "$(wc -l <"$work/tokens")"
same "files with one" "" "$(grep -rlF -f "$work/tokens" "$work/hand" "$work/tenant" "$work/stdout" "$work/stderr")"

finish
