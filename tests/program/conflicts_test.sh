#!/usr/bin/env bash
# Who claims an address: an incident's quarantined values against the tenant's own book, one address at a
# time, and addresses that want to do something to the terminal.
. "$(dirname "$0")/library.sh"

require_tools jq sqlite3

start_tenant tenant || give_up
expect 0 "$UNSTAGE" snapshot --pin production --output production.jsonl.zst || give_up

conflicts() { # STATUS OPERAND...
	local status=$1
	shift
	expect "$status" "$UNSTAGE" conflicts "$@"
}

narrow() { # in 80 columns, what the last command answered
	same "lines wider than a screen" "" "$(LC_ALL=C.UTF-8 grep -m 1 -P '^.{81}' "$work/stdout")"
}

# The quarantined values of the tenant's book, as keys: "ID smtp:address".
in_quarantine() {
	query "SELECT objects.id || ' smtp:' || lower(replace(json_extract(e.value, '\$.value'), 'SMTP:', ''))
		FROM objects, json_each(objects.json, '\$.onPremisesProvisioningErrors') AS e WHERE state = 0" | sed 's/smtp:smtp:/smtp:/' | sort
}

sentence "in a directory where nothing was done wrong nobody contests anything: 0"
conflicts 0 production.jsonl.zst && answered "0 addresses are claimed more than once"
conflicts 0 production.jsonl.zst --json
same "lines" 2 "$(wc -l <"$work/stdout")"
same "conflicts" 0 "$(jq -s '.[1].conflicts' "$work/stdout")"

# The service tells the time in whole seconds: live begins behind the last write.
say day && say incident && say wait 1 || give_up
expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst || give_up
in_quarantine >"$work/quarantined"
# The log is complete ten minutes behind.
say morning || give_up
expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl || give_up

sentence "each value in quarantine is a contest, and no other one is: 1"
conflicts 1 production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02 --json
cp "$work/stdout" found.jsonl
at_least "values in quarantine" 2 "$(wc -l <"$work/quarantined")"
same "who waits for what" "$(cat "$work/quarantined")" \
	"$(jq -r 'select(.claimants) | .address as $a | .claimants[] | select(.standing == "waits") | "\(.id) \($a)"' found.jsonl | sort)"
same "its header" unstage-conflicts/1 "$(head -n 1 found.jsonl | jq -r .format)"
same "its trailer" "$(grep -c '"address"' found.jsonl)" "$(tail -n 1 found.jsonl | jq 'select(.end) | .conflicts')"

sentence "rightful is who held it in production's snapshot, by the tenant's book too"
while read -r address id; do
	same "holder of $address" 1 \
		"$(query "SELECT count(*) FROM addresses WHERE object = '$id' AND lower(value) IN ('${address#smtp:}', '$address')" | sed 's/[1-9][0-9]*/1/')"
done < <(jq -r 'select(.address and .rightful) | "\(.address) \(.rightful)"' found.jsonl)
same "proved" "$(tail -n 1 found.jsonl | jq .conflicts)" "$(tail -n 1 found.jsonl | jq .rightful)"
same "claims that staging made" "" "$(jq -r 'select(.claimants) | .claimants[] | select(.standing == "waits" and .staging != true) | .id' found.jsonl)"

sentence "without evidence, and without a base, all are told, and nothing is decided"
for operands in live.jsonl.zst "production.jsonl.zst live.jsonl.zst"; do
	# shellcheck disable=SC2086 # two words
	conflicts 1 $operands --json
	same "contests" "$(jq -r 'select(.address).address' found.jsonl)" "$(jq -r 'select(.address).address' "$work/stdout")"
	same "decided" 0 "$(tail -n 1 "$work/stdout" | jq .rightful)"
done

sentence "a screen has 80 columns"
conflicts 1 production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02
narrow
answered "held it in the base, and holds it still"
conflicts 1 production live.jsonl.zst && answered "nobody signed it" && answered "that is no proof"
narrow

sentence "one address, written in any way, is the same contest on one screen"
address=$(jq -r 'select(.address).address' found.jsonl | head -n 1)
for written in "${address#smtp:}" "SMTP:${address#smtp:}" "$(tr '[:lower:]' '[:upper:]' <<<"${address#smtp:}")"; do
	expect 1 "$UNSTAGE" who "$written" production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02 --json
	same "$written" "$(grep -F "\"$address\"" found.jsonl)" "$(sed -n 2p "$work/stdout")"
done
expect 1 "$UNSTAGE" who "${address#smtp:}" production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --staging SYNC02
narrow
answered "rightful"
same "fits a screen" yes "$([ "$(wc -l <"$work/stdout")" -le 24 ] && echo yes)"

sentence "an address that nobody contests, or nobody has: 0"
expect 0 "$UNSTAGE" who "$(query "SELECT json_extract(json, '\$.mail') FROM objects WHERE state = 0 AND kind = 0 AND json_extract(json, '\$.mail') IS NOT NULL AND id NOT IN (SELECT object FROM addresses GROUP BY value HAVING count(*) > 1) ORDER BY id LIMIT 1")" production.jsonl.zst
answered "nobody contests it"
expect 0 "$UNSTAGE" who nobody@contoso.com live.jsonl.zst && answered "nobody claims it"
expect 0 "$UNSTAGE" who "sip:${address#smtp:}" live.jsonl.zst && answered "nobody claims it"

sentence "what is no address: 2"
for none in "" smtp: sip:; do
	expect 2 "$UNSTAGE" who "$none" live.jsonl.zst && said "is no address"
done
expect 2 "$UNSTAGE" who "${address#smtp:}"
expect 2 "$UNSTAGE" conflicts
expect 2 "$UNSTAGE" conflicts live.jsonl.zst --evidence evidence.jsonl --staging SYNC09 && said "SYNC09"

sentence "evidence of another tenant: 8"
sed 's/"tenant":"[^"]*"/"tenant":"7c9e1b52-4a0d-4f3e-9b61-2f8d5c6a1e30"/' evidence.jsonl >other.jsonl
conflicts 8 live.jsonl.zst --evidence other.jsonl --staging SYNC02 && said "of tenant"

sentence "a snapshot that was damaged: 7, and where"
cp live.jsonl.zst damaged.jsonl.zst
printf '\377\377\377\377' | dd of=damaged.jsonl.zst bs=1 seek=$(($(stat -c %s damaged.jsonl.zst) / 3)) conv=notrunc status=none
conflicts 7 damaged.jsonl.zst && said "damaged.jsonl.zst"
expect 7 "$UNSTAGE" who nobody@contoso.com damaged.jsonl.zst && said "damaged.jsonl.zst"

# ---- hostile addresses ----------------------------------------------------------------------------------------

long=$(head -c 65536 /dev/zero | tr '\0' a)
hostile='\u001b[2J\u202egpj.\u00c4@contoso.com'
share() { # JSON-TEXT: two people get this address
	query "SELECT id FROM objects WHERE kind = 0 AND state = 0 ORDER BY id LIMIT 2 OFFSET $2" >"$work/two"
	while read -r id; do
		sqlite3 "$tenant_database" <<<"UPDATE objects SET json = json_set(json, '\$.mail', json_extract('[\"$1\"]', '\$[0]'), '\$.displayName', json_extract('[\"$1\"]', '\$[0]')) WHERE id = '$id'"
	done <"$work/two"
}
share "$hostile" 10
share "$long@contoso.com" 20
expect 0 "$UNSTAGE" snapshot --output hostile.jsonl.zst || give_up

sentence "what a hostile address holds is shown, and does nothing to the terminal"
conflicts 1 hostile.jsonl.zst
printable "$work/stdout"
answered '\x1b[2j\u{202e}gpj.'
narrow
expect 1 "$UNSTAGE" who "$(printf '\033[2J\u202egpj.\u00e4@CONTOSO.com')" hostile.jsonl.zst
printable "$work/stdout"
answered "several hold it"
narrow

sentence "an address of 64 KiB is an address"
expect 1 "$UNSTAGE" who "${long^^}@contoso.com" hostile.jsonl.zst --json
same "claimants" 2 "$(sed -n 2p "$work/stdout" | jq '.claimants | length')"
same "its length" 65553 "$(sed -n 2p "$work/stdout" | jq '.address | length')"

finish
