#!/usr/bin/env bash
# The directory and its audit log in one run.
. "$(dirname "$0")/library.sh"

require_tools zstd

start_tenant busy || give_up
say day
say incident
# The service's Date has whole seconds: what was written in the present one is not covered yet.
sleep 2

sentence "evidence taken beside a snapshot is what is collected after it"
expect 0 "$UNSTAGE" snapshot --output beside.jsonl.zst --evidence beside.jsonl --from 2d
expect 0 "$UNSTAGE" evidence --output after.jsonl --from 2d
same "facts" "$(tail -n +2 beside.jsonl | sha256sum)" "$(tail -n +2 after.jsonl | sha256sum)"
[ "$(wc -l <beside.jsonl)" -gt 100 ] || wrong "there are no facts"

sentence "the snapshot is the same with and without"
expect 0 "$UNSTAGE" snapshot --output alone.jsonl.zst
same "lines" "$(zstd -dc beside.jsonl.zst | tail -n +2 | sha256sum)" \
	"$(zstd -dc alone.jsonl.zst | tail -n +2 | sha256sum)"

sentence "a window without a file for it is refused with 2"
expect 2 "$UNSTAGE" snapshot --output x.jsonl.zst --from 2d
said "--evidence"
absent x.jsonl.zst

sentence "without the permission for the log neither file is there"
stop_tenant
start_tenant denied --deny AuditLog.Read.All || give_up
expect 4 "$UNSTAGE" snapshot --output denied.jsonl.zst --evidence denied.jsonl
said "AuditLog.Read.All"
absent denied.jsonl

finish
