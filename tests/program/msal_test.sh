#!/usr/bin/env bash
# Microsoft's token library obtains tokens from the simulated tenant.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools jq sqlite3 nginx
need_peers

start_tenant_behind_nginx tenant || give_up

# got FIELD: what MSAL reported.
got() {
	jq -r ".$1" "$work/msal.json"
}

# msal SORT FILE...: MSAL asks for a token, and for five users with it.
msal() {
	peer msal "$nginx_origin" "$(profile tenant)" "$(profile client_id)" "$@" \
		>"$work/msal.json" 2>"$work/msal.err" || wrong "it fails: $(tail -n 5 "$work/msal.err")"
}

# a_token_that_works: what MSAL got is one.
a_token_that_works() {
	same "its error" null "$(got error)"
	same "type" Bearer "$(got type)"
	at_least "minutes" 55 "$(got minutes)"
	same "users read with it" 5 "$(got users)"
}

sentence "by secret"
msal secret "$(profile client_secret_file)" && a_token_that_works

sentence "a wrong secret is refused in words that it understands"
echo "not~the~secret" >"$work/wrong.secret"
msal secret "$work/wrong.secret"
case $(got error) in
*AADSTS7000215*) ;;
*) wrong "AADSTS7000215 was expected, MSAL says: $(got error)" ;;
esac

finish
