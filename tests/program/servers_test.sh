#!/usr/bin/env bash
# What the simulated servers hold, as their administrators would collect it: read by Python's XML
# and JSON, and compared with the tenant's own record of every write.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 python3

start_tenant tenant --begin 2026-03-02T08:00:00Z || give_up
say day && say incident && say "files" "$work/after" && say "files" "$work/wide utf16 iso nested died ad" ||
	give_up
say import SYNC01 && say "files" "$work/imported" || give_up
say import SYNC02 && say "files" "$work/eaten" || give_up

# Each check prints what is wrong with it, and nothing when it holds.
checked() { # SENTENCE FUNCTION
	sentence "$1"
	same "$2" "" "$(python3 "$SOURCE/tests/program/servers.py" "$work" "$tenant_database" "$2" 2>&1)"
}

checked "every file is well-formed, in either encoding, and says the same in both" well_formed
checked "what SYNC02 has sent and not read back is what the tenant's book says it wrote" sent_is_written
checked "its run of the export counts the objects that it wrote, and what was refused" counters
checked "an export that died midway leaves its last objects escrowed, none of them lost" escrowed
checked "a hologram and the change from it make the hologram above" tower
checked "SYNC01 still holds what was before the incident; an import makes the damage pending" before
checked "SYNC02's next import eats the evidence" eaten
checked "anchors and names of objects are what the tenant's ids make of them" anchors
checked "schedulers ran every half hour until they were suspended" half_hours
checked "the configuration names server, account and staging mode, and the edited rule" configuration
checked "Active Directory was not written, unless told so" directory

stop_tenant

sentence "the demo without a snapshot from before, from these files alone, ends with the same proof: 0"
expect 0 "$UNSTAGE" demo --base csexport --users 400 --groups 60 --contacts 10 --output demo
same "still damaged" 0 "$(awk '/values still damaged/ { print $1 }' "$work/stdout")"
same "lost" 0 "$(awk '/legitimate changes lost/ { print $1 }' "$work/stdout")"
at_least "damaged" 100 "$(awk '/values damaged by the staging server/ { print $1 }' "$work/stdout")"
there demo/production.jsonl.zst demo/files/SYNC01/sync01-all.xml demo/files/SYNC02/sync02-all.xml

sentence "there is no other base: 2"
expect 2 "$UNSTAGE" demo --base memory --output other
said "csexport"

finish
