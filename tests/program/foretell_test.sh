#!/usr/bin/env bash
# What production's next cycle puts back by itself, exactly, where its connector space was imported; and
# what it will not, and why. The space is the simulated server's, and then altered as time would alter it.
. "$(dirname "$0")/library.sh"

require_tools jq python3

start_tenant tenant --begin 2026-03-02T08:00:00Z || give_up
expect 0 "$UNSTAGE" snapshot --output base.jsonl.zst || give_up
say day && say incident && say "files" "$work/files" || give_up
expect 0 "$UNSTAGE" snapshot --output live.jsonl.zst && say wait 11 || give_up
expect 0 "$UNSTAGE" evidence --from 2d --output evidence.jsonl || give_up
say import SYNC01 && say "files" "$work/imported" || give_up
space=files/SYNC01/sync01-all.xml

plan_with() { # EVIDENCE
	expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence "$1" --staging SYNC02 --output plan.json
}

foresee_with() { # SPACE: findings in found.json, the plan in plan.json
	expect 0 "$UNSTAGE" import "$1" --role production --server SYNC01 --evidence evidence.jsonl --output whole.jsonl &&
		expect 1 "$UNSTAGE" diff base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 \
			--json --output found.json &&
		plan_with whole.jsonl
}

next_of() { # ID ATTRIBUTE: verdict, door, what production does
	jq -r --arg id "$1" --arg attribute "$2" \
		'select(.id == $id and .attribute == $attribute) | "\(.verdict) \(.door) \(.next)"' found.json
}

step_of() { # ID ATTRIBUTE KEY
	jq -r --arg id "$1" --arg attribute "$2" \
		".steps[] | select(.id == \$id and .attribute == \$attribute) | .$3 // \"none\"" plan.json
}

sentence "without production's space nothing is foreseen, and the default rules are said to choose the doors"
plan_with evidence.jsonl || give_up
answered "doors: by the default rules"
same "rules" null "$(jq -c .rules plan.json)"
same "production" null "$(jq -c .production plan.json)"
same "foreseen" 0 "$(jq '[.steps[] | select(.next)] | length' plan.json)"
healing=$(jq .counts.doors.sync plan.json)
at_least "healing" 100 "$healing"
there plan-sync.txt
same "what is said of the rules" 1 "$(grep -c "the default rules: its configuration was" plan-sync.txt)"
expect 0 "$UNSTAGE" show plan.json && answered "doors: by the default rules"

sentence "with it every value that heals is foreseen exactly, before the server imports the damage and after"
for from in "$space" imported/SYNC01/sync01-all.xml; do
	foresee_with "$from" || give_up
	answered "$healing written again, exactly as before"
	same "steps" "$healing" "$(jq '[.steps[] | select(.door == "sync" and .next == "before")] | length' plan.json)"
	same "the same steps" "$healing" "$(jq .counts.doors.sync plan.json)"
done
same "said in the file" 1 "$(grep -c "shows: $healing exactly what was" plan-sync.txt)"

sentence "show says it as plan does, on the screen and as JSON"
expect 0 "$UNSTAGE" show plan.json && answered "$healing written again, exactly as before"
expect 0 "$UNSTAGE" show plan.json --json
head -1 "$work/stdout" | jq -c .forecast >shown.json
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 --output again.json --json
same "forecast" "$(jq -c .forecast "$work/stdout")" "$(cat shown.json)"
same "before" "$healing" "$(jq .production.next.before shown.json)"

sentence "find tells how many requests the plan takes and how long, as plan does, and what heals exactly"
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 --output again.json --json
taken=$(jq -c '.forecast | {batches, lastsMs, reads, requests, share, writes}' "$work/stdout")
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 --json
same "what it takes" "$taken" "$(jq -c .apply "$work/stdout")"
at_least "requests" 3 "$(jq .apply.requests "$work/stdout")"
same "next" "$healing" "$(jq .heals.next.before "$work/stdout")"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02
answered "$(jq -r '"\(.writes) writes in \(.requests) requests"' <<<"$taken")" && answered "$healing exactly as before"
[ "$(wc -l <"$work/stdout")" -le 40 ] || wrong "$(wc -l <"$work/stdout") lines are no screen"

sentence "where no plan can be made, find says why instead"
jq -c 'if .sources then .sources[0].covered[0].until = "2026-03-02T09:00:00Z" else . end' evidence.jsonl >short.jsonl
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence short.jsonl --staging SYNC02
answered "how long it takes is not known"
expect 1 "$UNSTAGE" find base.jsonl.zst live.jsonl.zst --evidence short.jsonl --staging SYNC02 --json
same "why" 1 "$(jq -r .apply.unknown "$work/stdout" | grep -c "the evidence ends at")"
expect 8 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence short.jsonl --staging SYNC02 --output short.json
said "the evidence ends at 2026-03-02T09:00:00"
absent short.json

# Departments that heal: one each for a change in Active Directory, one that production takes for right, and
# one whose owner it is about to delete.
mapfile -t people < <(jq -r '.steps[] | select(.attribute == "department" and .door == "sync" and .to and .from) | .id' plan.json)
at_least "departments" 4 "${#people[@]}"
before=$(step_of "${people[0]}" department to) stale=$(step_of "${people[1]}" department from)

alter() { # SPACE WHAT …: as servers would have written it
	python3 - "$@" <<'PYTHON'
import base64, re, struct, sys

path, acts = sys.argv[1], sys.argv[2:]
raw = open(path, "rb").read()
text = raw.decode("utf-8-sig")

def anchor(identity):
    name = ("User_" + identity).encode("utf-16-le") + b"\0\0"
    return base64.b64encode(struct.pack("<I", len(name)) + name).decode()

def department(entry, value):
    changed, count = re.subn(r'(<attr name="department"[^>]*>\s*<value>)[^<]*', lambda m: m.group(1) + value, entry)
    assert count == 1, count
    return changed

def parts(identity):
    own = anchor(identity)  # first in the object's parts; others name it behind their own
    for found in re.finditer(r"<cs-object .*?(?=</cs-object>)", text, re.S):
        first = re.search(r"<anchor[^>]*>([^<]*)", found.group(0))
        if first and first.group(1) == own:
            hologram = re.search(r"<synchronized-hologram>(.*?)</synchronized-hologram>", found.group(0), re.S)
            return found.start(), found.end(), found.group(0), hologram
    raise SystemExit("no object " + identity)

while acts:
    act, identity, value, *acts = acts
    begin, end, whole, hologram = parts(identity)
    entry = hologram.group(1)
    dn = re.search(r'cs-dn="([^"]*)"', whole).group(1)
    if act == "moved":
        delta = ('<unapplied-export><delta operation="update" dn="%s"><attr name="department" operation="replace" '
                 'type="string" multivalued="false"><value>%s</value></attr></delta></unapplied-export>' % (dn, value))
        above = "<unapplied-export-hologram>" + department(entry, value) + "</unapplied-export-hologram>"
        new = whole[:hologram.start()] + delta + hologram.group(0) + above + whole[hologram.end():]
    elif act == "agrees":
        new = re.sub(r"<(pending-import(-hologram)?)>.*?</\1>", "", whole, flags=re.S)
        new = new.replace(entry, department(entry, value))
    else:
        delta = '<unapplied-export><delta operation="delete" dn="%s"/></unapplied-export>' % dn
        new = whole[:hologram.start()] + delta + whole[hologram.start():]
    text = text[:begin] + new + text[end:]
open(path, "wb").write(text.encode())
PYTHON
}

cp imported/SYNC01/sync01-all.xml altered.xml
alter altered.xml moved "${people[0]}" Harbour agrees "${people[1]}" "$stale" deletes "${people[2]}" - ||
	wrong "the space could not be altered" || give_up
foresee_with altered.xml || give_up

sentence "where Active Directory moved on, production writes that, and the plan says which value"
same "finding" "revert sync other" "$(next_of "${people[0]}" department)"
same "next" other "$(step_of "${people[0]}" department next)"
same "value" Harbour "$(step_of "${people[0]}" department next_value)"
same "still wanted" "$before" "$(step_of "${people[0]}" department to)"
same "in the file" 1 "$(grep -c 'production writes "Harbour"' plan-sync.txt)"
answered "1 written as another value: Active Directory moved on"
expect 0 "$UNSTAGE" show plan.json --step "$(step_of "${people[0]}" department number)"
answered "Harbour"

sentence "where production holds staging's value for right it writes nothing: suspect, and no step"
same "finding" "suspect none nothing" "$(next_of "${people[1]}" department)"
same "step" "" "$(step_of "${people[1]}" department next)"
same "reason" 1 "$(jq -s --arg id "${people[1]}" '[.[] | select(.id == $id and .attribute == "department" and
	(.reason | contains("would write nothing")))] | length' found.json)"

sentence "a person who decides so anyway gets a paragraph, and no promise that it heals"
jq -c --arg id "${people[1]}" 'select(.id == $id and .attribute == "department") |
	{format: "x", fingerprint, before, live}' found.json >one.json
{
	echo "{\"format\":\"unstage-decisions/1\",\"tenant\":\"$(jq -r .tenant plan.json)\"}"
	jq -c '{decision: "revert", fingerprint, live, before, because: "the department is wrong"}' one.json
} >decisions.jsonl
expect 0 "$UNSTAGE" plan base.jsonl.zst live.jsonl.zst --evidence whole.jsonl --staging SYNC02 \
	--decisions decisions.jsonl --output decided.json
same "door" manual "$(jq -r --arg id "${people[1]}" '.steps[] | select(.id == $id and .attribute == "department").door' decided.json)"

sentence "what production is about to delete does not heal, and it is said"
same "finding" "revert sync delete" "$(next_of "${people[2]}" department)"
same "in the file" "$(jq '[.steps[] | select(.next == "delete")] | length' plan.json)" \
	"$(grep -c "production deletes the object" plan-sync.txt)"
plan_with whole.jsonl && answered "not: production deletes the object" && answered "1 deletes pending" &&
	answered "exactly as before"

sentence "its own pending deletes count against the threshold, whoever they are"
cp "$space" many.xml
python3 - many.xml <<'PYTHON'
import sys
path = sys.argv[1]
text = open(path, "rb").read().decode("utf-8-sig")
one = ('<cs-object cs-dn="CN={%X}" id="{%08X-93AD-4E7F-8D15-2F60A7C4B9E8}" object-type="device"><unapplied-export>'
       '<delta operation="delete" dn="CN={%X}"/></unapplied-export><connector>1</connector></cs-object>\n')
many = "".join(one % (0x61616161 + i, i, 0x61616161 + i) for i in range(501))
open(path, "wb").write(text.replace("</cs-objects>", many + "</cs-objects>").encode())
PYTHON
foresee_with many.xml || give_up
same "in the plan" 501 "$(jq .production.pending_deletes plan.json)"
answered "501 deletes pending, more than 500"
same "in the file" 1 "$(grep -c "has 501 deletes pending" plan-sync.txt)"
same "and what follows" 1 "$(grep -c "in all more than 500, so the export will stop" plan-sync.txt)"

sentence "the staging server's own space foresees nothing of production"
expect 0 "$UNSTAGE" import files/SYNC02/sync02-all.xml --role production --server SYNC02 --evidence evidence.jsonl --output wrong.jsonl
plan_with wrong.jsonl
same "production" null "$(jq -c .production plan.json)"

finish
