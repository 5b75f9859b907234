#!/usr/bin/env bash
# Every request of the whole story, against Microsoft's OpenAPI document as Stoplight's Prism reads it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools jq sqlite3
openapi=$SOURCE/../shared/graph/v1.0-directory.openapi.json
[ -f "$openapi" ] || skip "Microsoft's OpenAPI document is not here ($openapi)"
need_peers

sentence "the story runs through a recorder, to its end"
recorder=$(free_port)
start_tenant tenant --page-max 120 --origin "http://127.0.0.1:$recorder" || give_up
backend=$(tenant_address "$work/tenant.err")
start_peer recorder recorder "$recorder" "${backend##*:}" "$work/requests.jsonl" || give_up
mkdir "$work/story" && cd "$work/story" || give_up
whole_story || give_up
expect 1 "$UNSTAGE" apply plan.json --key unstage.pub || give_up
expect 1 "$UNSTAGE" status plan.json --key unstage.pub
at_least "requests" 50 "$(wc -l <"$work/requests.jsonl")"
same "writes that the tenant booked" "$(graph_steps plan.json)" "$(writes_sent)"
same "tokens in what was recorded" 0 "$(grep -c 'Bearer' "$work/requests.jsonl")"

sentence "Prism finds nothing wrong with any of them"
peer contract "$openapi" "$work/requests.jsonl" "$work" >"$work/report.json" 2>"$work/contract.err" ||
	wrong "it fails: $(tail -n 5 "$work/contract.err")" || give_up
same "broken" "" "$(jq -r '.broken[]' "$work/report.json" | cut -c 1-400 | head -n 5)"

sentence "it saw every operation of ours that the document has"
for operation in "GET /v1.0/users" "GET /v1.0/groups" "GET /v1.0/contacts" "GET /v1.0/users/{id}" \
	"GET /v1.0/groups/{id}" "PATCH /v1.0/users/{id}" "PATCH /v1.0/groups/{id}" \
	"GET /v1.0/auditLogs/directoryAudits"; do
	at_least "$operation" 1 "$(jq --arg operation "$operation" '.judged[$operation] // 0' "$work/report.json")"
done

sentence "and it does find what is wrong: 422"
same "statuses" "422 422 422 422 422" "$(jq -r '.controls | join(" ")' "$work/report.json")"

finish
