#!/usr/bin/env bash
# Microsoft's own client and our own, on the simulated tenant behind nginx: TLS, a private CA, HTTP/2.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools jq sqlite3 nginx zstdcat
need_peers

start_tenant_behind_nginx tenant --page-max 100 || give_up

# ---- Microsoft's ---------------------------------------------------------------------------

# saw FIELD: what the client reported.
saw() {
	jq -r ".$1" "$work/client.json"
}

sentence "Microsoft's client reads, filters, batches and patches our tenant"
peer client "$nginx_origin" "$(profile tenant)" "$(profile client_id)" "$(profile client_secret_file)" \
	>"$work/client.json" 2>"$work/client.err" || wrong "it fails: $(tail -n 8 "$work/client.err")" || give_up
same "users" 300 "$(saw users)"
same "distinct users" 300 "$(saw distinct)"
same "pages" more "$(saw pages)"
at_least "groups" 40 "$(saw groups)"
same "the user that the filter names" true "$(saw filtered)"
same "\$count" true "$(saw counted)"
same "startswith" true "$(saw startingWithA)"
same "what it patched" "Patched by another's client" "$(saw patched)"
same "statuses in its batch" 200,204,404 "$(saw batch)"
same "read in its batch" "Patched by another's client" "$(saw inBatch)"
same "written in its batch" Batch "$(saw afterBatch)"

sentence "its errors are those of Graph"
same "a user that is not there" "404 Request_ResourceNotFound" "$(saw missing)"
same "a synced user" "400 Request_BadRequest" "$(saw synced)"
same "an unknown property" "400 Request_BadRequest" "$(saw unknown)"

# ---- ours ----------------------------------------------------------------------------------

# lines FILE: the objects of a snapshot.
lines() {
	zstdcat "$1" | tail -n +2 | jq -c 'select(.id)'
}

sentence "our snapshot goes through nginx, too"
: >"$work/nginx/access.log"
expect 0 "$UNSTAGE" snapshot --output "$work/nginx.jsonl.zst" || give_up
cp "$work/nginx/access.log" "$work/ours.log"

# Why not all of it: net/curl_request.c.
sentence "it reads over HTTP/2, and what may write has a connection to itself"
at_least "readings over HTTP/2" 10 "$(grep -c '^HTTP/2.0 GET 200$' "$work/ours.log")"
at_least "batches over HTTP/1.1" 1 "$(grep -c '^HTTP/1.1 POST 200$' "$work/ours.log")"
same "other requests" "" "$(grep -vE '^HTTP/(2.0 GET|1.1 GET|1.1 POST) 200$' "$work/ours.log")"

sentence "the same tenant without nginx gives the same lines"
stop_tenant
start_tenant tenant || give_up
expect 0 "$UNSTAGE" snapshot --output "$work/plain.jsonl.zst" || give_up
lines "$work/nginx.jsonl.zst" >"$work/nginx.lines"
lines "$work/plain.jsonl.zst" >"$work/plain.lines"
at_least "lines" 340 "$(wc -l <"$work/nginx.lines")"
cmp -s "$work/nginx.lines" "$work/plain.lines" ||
	wrong "they differ: $(diff "$work/nginx.lines" "$work/plain.lines" | head -n 4 | cut -c 1-200)"

finish
