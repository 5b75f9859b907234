#!/usr/bin/env bash
# Pages that are not what they should be: a clear error that names the request, nothing half-read
# taken for the whole, and memory that stays where it was.
. "$(dirname "$0")/library.sh"

require_tools python3 zstd

memory_limit_kib=$((96 * 1024)) # a page of 64 MiB must not be held, still less parsed into a tree

# peak COMMAND...: runs it; stderr as expect() leaves it; prints "STATUS KIB"
peak() {
	python3 - "$work/stderr" "$@" <<-'PYTHON'
		import resource, subprocess, sys
		with open(sys.argv[1], "wb") as said:
		    status = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=said)
		print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	PYTHON
}

# refuses FAULT STATUS WORDS: a snapshot of a tenant whose second page of users is so
refuses() {
	local status kib
	sentence "a page that is $1 ends the reading with $2: $3"
	start_tenant "tenant-$1" --page-max 100 --page-fault "$1" --page-fault-list users \
		--page-fault-at 2 --page-fault-count 50 || give_up
	read -r status kib < <(peak "$UNSTAGE" snapshot --output "$1.jsonl.zst")
	[ "$status" -eq "$2" ] || wrong "status $2 was expected, $status came"
	said "GET /users: page 2"
	said "$3"
	[ -z "${4-}" ] || said "request-id"
	absent "$1.jsonl.zst"
	[ "$kib" -le "$memory_limit_kib" ] || wrong "it took $kib KiB"
	stop_tenant
}

refuses html 7 "is there a proxy or a sign-in page in between?" id
refuses empty 7 "the answer is empty, and no list" id
refuses short 7 "the page ends in its middle" id
refuses no-value 7 'the answer has no "value": it is no list' id
refuses value-object 7 'the page'\''s "value" is no array' id
refuses value-null 7 'the page'\''s "value" is no array' id
refuses value-text 7 'the page'\''s "value" is no array' id
refuses item-text 7 "is no object" id
refuses huge 7 "larger than 67108864 bytes"
refuses empty-items 7 "id: missing" id
refuses link-self 7 "was followed before: the list has no end" id
refuses content-type 7 "and not JSON" id

sentence "a page that breaks off is asked for again, and the snapshot is whole"
# The same tenant twice: born in the same second, whenever each is started.
begin=$(date -u -d '2 hours ago' +%Y-%m-%dT%H:%M:%SZ)
start_tenant whole --begin "$begin" --page-max 100 || give_up
expect 0 "$UNSTAGE" snapshot --output whole.jsonl.zst
stop_tenant
start_tenant cut --begin "$begin" --page-max 100 --page-fault cut --page-fault-list users --page-fault-at 2 || give_up
expect 0 "$UNSTAGE" snapshot --output cut.jsonl.zst
same "lines" "$(zstd -dc whole.jsonl.zst | tail -n +2 | sha256sum)" \
	"$(zstd -dc cut.jsonl.zst | tail -n +2 | sha256sum)"
stop_tenant

sentence "a page token that expires starts the list again, once, and the snapshot is whole"
start_tenant expired --page-max 100 --page-fault expired --page-fault-list users --page-fault-at 2 || give_up
expect 0 "$UNSTAGE" snapshot --output expired.jsonl.zst
said "the page token expired; starting again"
stop_tenant

sentence "a page token that expires each time ends it with what to do"
start_tenant expires --page-max 100 --page-fault expired --page-fault-list users --page-fault-at 2 \
	--page-fault-count 50 || give_up
expect 6 "$UNSTAGE" snapshot --output expires.jsonl.zst
said "the list took too long to read: run again"
absent expires.jsonl.zst
stop_tenant

finish
