#!/usr/bin/env bash
# Where a plan stands: done, held after the next sync cycle, and overwritten by a second accidental export.
. "$(dirname "$0")/library.sh"

require_tools sqlite3 jq

start_tenant tenant || give_up
whole_story || give_up

state() { # DOOR STATE: how many steps, by the last --json
	jq -r --arg door "$1" --arg state "$2" 'select(.door == $door and .state == $state) | .step' stdout | wc -l
}

doors() { # DOOR
	jq -r --arg door "$1" '.steps[] | select(.door == $door) | .number' plan.json | wc -l
}

sentence "before anything was applied: Graph's steps are open, the others wait"
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --json
same "graph" "$(doors graph)" "$(state graph open)"
same "sync" "$(doors sync)" "$(state sync waiting)"

sentence "what was applied is done; whether it holds the next sync cycle will say"
expect 1 "$UNSTAGE" apply plan.json --key unstage.pub --journal journal.sqlite
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --json
same "graph" "$(doors graph)" "$(state graph done)"

sentence "waiting ends by itself when its time is over, and says what still waits"
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --wait 1m --json
same "sync" "$(doors sync)" "$(state sync waiting)"
said "waiting"
expect 2 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --wait soon
said "--wait"

sentence "after production's cycle what we did is held, what production did is settled"
say wait 16 && say cycle && say adsync plan-adsync.csv || give_up
expect_any() { "$@" >stdout 2>stderr </dev/null; }
expect_any "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --json
same "graph" "$(doors graph)" "$(state graph held)"
same "sync" "$(doors sync)" "$(state sync settled)"
expect_any "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite
answered "held"

sentence "a second accidental export is seen: overwritten, by whom and when"
say export SYNC02 || give_up
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --json
at_least "overwritten" 10 "$(state sync overwritten)"
same "by whom" "" "$(jq -r 'select(.state == "overwritten") | .text' stdout | grep -v 'by Sync_SYNC02_')"
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite
answered "overwritten"
printable stdout
[ "$(wc -L <stdout)" -le 80 ] || wrong "a line has $(wc -L <stdout) columns"

sentence "waiting ends at once when something is lost"
began=$SECONDS
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --journal journal.sqlite --wait 1h
at_least "seconds left of a minute" 1 $((60 - SECONDS + began))

finish
