#!/usr/bin/env bash
# Microsoft's token library obtains tokens from the simulated tenant, by secret and by certificate.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools jq sqlite3 nginx
need_peers

make_ca && make_certificate app DNS:app.example && make_certificate stranger DNS:app.example || give_up
start_tenant_behind_nginx tenant --certificate "$work/app.pem" || give_up

# got FIELD: what MSAL reported.
got() {
	jq -r ".$1" "$work/msal.json"
}

# msal SORT FILE...: MSAL asks for a token, and for five users with it.
msal() {
	peer msal "$nginx_origin" "$(profile tenant)" "$(profile client_id)" "$@" \
		>"$work/msal.json" 2>"$work/msal.err" || wrong "it fails: $(tail -n 5 "$work/msal.err")"
}

# refused_with CODE: in the words that MSAL passes on.
refused_with() {
	case $(got error) in
	*"$1"*) ;;
	*) wrong "$1 was expected, MSAL says: $(got error)" ;;
	esac
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
refused_with AADSTS7000215

sentence "by certificate"
msal certificate "$work/app.pem" "$work/app.key" && a_token_that_works

sentence "a certificate that is not registered is refused, and so is another's key"
msal certificate "$work/stranger.pem" "$work/stranger.key"
refused_with AADSTS700027
msal certificate "$work/app.pem" "$work/stranger.key"
refused_with AADSTS700027

sentence "our own program gets in with the same certificate"
cat "$work/app.pem" "$work/app.key" >"$work/both.pem" && chmod 600 "$work/both.pem"
sed "s|^client_secret_file = .*|certificate_file = $work/both.pem|" "$UNSTAGE_CONFIG" >"$work/certificate.config"
expect 0 env UNSTAGE_CONFIG="$work/certificate.config" "$UNSTAGE" evidence --from 1h --output "$work/evidence.jsonl"
there "$work/evidence.jsonl"

finish
