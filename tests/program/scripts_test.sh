#!/usr/bin/env bash
# The scripts for PowerShell: their data is the plan's, their code is constant and printable ASCII,
# others' grammar reads it as PowerShell, and one that was altered or is missing is told.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools sqlite3 jq python3

start_tenant tenant || give_up
directory_story || give_up
stop_tenant

# decoded SCRIPT: the documents of its block, a line each, without the mark before each text. Read
# by python3 alone: by none of the code that wrote it.
decoded() {
	python3 - "$1" <<-'END'
		import base64, json, re, sys

		def unmarked(value):
		    if isinstance(value, str):
		        assert value.startswith("="), value
		        return value[1:]
		    if isinstance(value, list):
		        return [unmarked(element) for element in value]
		    if isinstance(value, dict):
		        return {key: unmarked(member) for key, member in value.items()}
		    return value

		text = open(sys.argv[1], "rb").read().decode("ascii")
		blocks = re.findall(r"^Invoke-Plan @'\n((?:[A-Za-z0-9+/=]{1,76}\n)+)'@\n\Z", text, re.M)
		assert len(blocks) == 1, "blocks: %d" % len(blocks)
		data = base64.b64decode(blocks[0].replace("\n", ""), validate=True).decode("utf-8")
		for line in data.splitlines():
		    print(json.dumps(unmarked(json.loads(line)), sort_keys=True))
	END
}

# planned PLAN DOOR: the same documents' items, from the plan.
planned() {
	jq -cS --arg door "$2" '
		def texts: if . == null then [] elif type == "array" then . else [.] end | map(if type == "string" then . else tojson end);
		.steps[] | select(.door == $door) | (.from | texts) as $from | (.to | texts) as $to |
		{number, kind, id, attribute, target, from: $from, to: $to, add: ($to - $from), remove: ($from - $to),
			after, until: (.until // 0)} +
		if .door == "directory" then {dn: .distinguished_name, sid: .security_identifier,
			domain: (.distinguished_name | [scan("DC=([^,]+)")[0]] | join("."))} else {} end' "$1"
}

# constant SCRIPT: its bytes without what is in the block.
constant() {
	sed "/^Invoke-Plan @'\$/,/^'@\$/{/^Invoke-Plan @'\$/!{/^'@\$/!d}}" "$1"
}

# check_script SCRIPT PLAN DOOR
check_script() {
	decoded "$1" >"$work/decoded" 2>"$work/decoded.err" ||
		wrong "the block of $1: $(tail -n 1 "$work/decoded.err")" || return
	head -n 1 "$work/decoded" | jq -cS '{door, expires, format, items, plan, tenant}' >"$work/head"
	jq -cS --arg door "$3" '{door: $door, expires, format: "unstage-handoff/1", plan: .id, tenant,
		items: ([.steps[] | select(.door == $door)] | length)}' "$2" >"$work/head.planned"
	same "about the plan" "$(cat "$work/head.planned")" "$(cat "$work/head")"
	tail -n +2 "$work/decoded" | jq -cS . >"$work/items"
	planned "$2" "$3" >"$work/items.planned"
	at_least "items of $3" 1 "$(wc -l <"$work/items.planned")"
	diff "$work/items.planned" "$work/items" >"$work/differences" ||
		wrong "planned (<) and in the script (>) differ: $(head -n 3 "$work/differences")"
}

same "scripts" "plan-directory.ps1 plan-exchange.ps1" "$(echo plan-*.ps1)"
doors=$(for file in plan-*.ps1; do basename "$file" .ps1 | cut -d- -f2; done)
scripts=$(ls plan-*.ps1)

sentence "each script's data is the plan's, step by step, as python3 decodes it"
for door in $doors; do check_script "plan-$door.ps1" plan.json "$door"; done

sentence "every byte is printable ASCII or a line's end"
for script in $scripts; do
	same "other bytes of $script" 0 "$(LC_ALL=C tr -d '\n -~' <"$script" | wc -c)"
done

sentence "the constant part is the same in the script of another plan"
mkdir other
expect 0 "$UNSTAGE" plan production.jsonl.zst live.jsonl.zst --evidence evidence.jsonl --output other/plan.json
for script in $scripts; do
	differ "the data of $script" "$(decoded "$script" | sha256sum)" "$(decoded "other/$script" | sha256sum)"
	same "the code of $script" "$(constant "$script" | sha256sum)" "$(constant "other/$script" | sha256sum)"
done

sentence "verify refuses a plan beside which a script is altered or missing, and names it: 8"
expect 0 "$UNSTAGE" verify plan.json --key unstage.pub
for script in $scripts; do
	cp "$script" kept.ps1
	sed -i 's/\$dry = \$WhatIf -or -not \$Apply/$dry = $false/' "$script"
	differ "the altered script" "$(sha256sum <kept.ps1)" "$(sha256sum <"$script")"
	expect 8 "$UNSTAGE" verify plan.json --key unstage.pub
	said "$script: altered"
	rm "$script"
	expect 8 "$UNSTAGE" verify plan.json --key unstage.pub
	said "$script: missing"
	mv kept.ps1 "$script"
done
expect 0 "$UNSTAGE" verify plan.json --key unstage.pub

sentence "a plan with the digest of another script than its steps make gets no signature: 8"
own=$(b2sum -l 256 plan-exchange.ps1 | cut -d ' ' -f 1)
{ cat plan-exchange.ps1 && echo 'Remove-Mailbox -Identity ceo'; } >evil.ps1
sed "s/$own/$(b2sum -l 256 evil.ps1 | cut -d ' ' -f 1)/" plan.json >forged.json
differ "the forged plan" "$(sha256sum <plan.json)" "$(sha256sum <forged.json)"
expect 8 "$UNSTAGE" sign forged.json --secret-key unstage.key
said "hand-off file exchange.ps1"
absent forged.json.minisig

need_peers

sentence "tree-sitter's grammar reads each as PowerShell with one block, and nothing in it is broken"
# shellcheck disable=SC2086 # a list of names without blanks
peer powershell $scripts >judged.jsonl 2>peer.err || wrong "it fails: $(tail -n 3 peer.err)" || give_up
same "judged" "$(wc -w <<<"$scripts")" "$(wc -l <judged.jsonl)"
same "broken" "" "$(jq -r '.broken[]' judged.jsonl | head -n 3)"
same "blocks" 1 "$(jq .blocks judged.jsonl | sort -u)"
at_least "nodes" 1000 "$(jq .nodes judged.jsonl | sort -n | head -n 1)"

sentence "whatever the data, the tree around it is the same; and the grammar does find what is broken"
for script in $scripts; do
	{ constant "$script" | sed '$d' && head -c 22800 "$UNSTAGE" | base64 -w 76 && echo "'@"; } >"random-$script"
	sed "s/^function Read-Text(/function Read-Text((/" "$script" >"broken-$script"
	peer powershell "$script" "other/$script" "random-$script" >trees.jsonl 2>peer.err
	same "trees of $script" 1 "$(jq -r .tree trees.jsonl | sort -u | wc -l)"
	same "broken" 0 "$(jq '.broken | length' trees.jsonl | sort -nu)"
	at_least "broken in broken-$script" 1 "$(peer powershell "broken-$script" 2>peer.err | jq '.broken | length')"
done

finish
