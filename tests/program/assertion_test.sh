#!/usr/bin/env bash
# The assertion that we sign with a certificate: jose verifies it, and it is, field by field, what
# Microsoft's token library makes of the same certificate.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools jq openssl
need_peers

tenant=11111111-2222-3333-4444-555555555555
client=66666666-7777-8888-9999-000000000000

# captured N: the Nth form that the sign-in host was sent.
captured() {
	echo "$work/forms/$1.json"
}

# use_certificate: our profile with it.
use_certificate() {
	cat >"$work/config" <<-END
		[assertion]
		tenant = $tenant
		client_id = $client
		certificate_file = $work/app-both.pem
		authority = $origin
		graph = $origin
		ca_file = $work/ca.pem
		state = $work/state
	END
	export UNSTAGE_CONFIG=$work/config
}

make_ca && make_certificate host IP:127.0.0.1 && make_certificate app DNS:app.example || give_up
cat "$work/app.pem" "$work/app.key" >"$work/app-both.pem" && chmod 600 "$work/app-both.pem"
mkdir "$work/forms"
start_peer listener assertion listen "$work/host.pem" "$work/host.key" "$work/forms" || give_up
origin=https://127.0.0.1:$(cat "$work/listener.line")

sentence "a sign-in host that refuses ours ends the run: 3"
use_certificate
expect 3 "$UNSTAGE" snapshot --output "$work/x.jsonl.zst"
there "$(captured 1)" || give_up
cp "$(captured 1)" "$work/ours.json"
rm "$work/forms"/*

sentence "and refuses Microsoft's the same way"
peer msal "$origin" "$tenant" "$client" certificate "$work/app.pem" "$work/app.key" >"$work/msal.json" 2>"$work/msal.err"
cp "$work/forms"/*.json "$work/theirs.json" || wrong "MSAL asked for nothing: $(cat "$work/msal.json" "$work/msal.err")" ||
	give_up

sentence "jose verifies both against the certificate, and they are equal but for time and id"
peer assertion compare "$work/app.pem" "$work/ours.json" "$work/theirs.json" "$origin" "$tenant" "$client" \
	>"$work/compared.json" 2>"$work/compare.err" || wrong "jose: $(tail -n 6 "$work/compare.err")" || give_up
same "differences" "" "$(jq -r '.wrong[]' "$work/compared.json")"
same "alg" PS256 "$(jq -r .ours.header.alg "$work/compared.json")"

sentence "another certificate does not verify it"
make_certificate other DNS:app.example
! peer assertion compare "$work/other.pem" "$work/ours.json" "$work/theirs.json" "$origin" "$tenant" "$client" \
	>"$work/compared.json" 2>"$work/compare.err" || wrong "jose was to refuse it"
grep -q "signature verification failed" "$work/compare.err" || wrong "jose says: $(tail -n 6 "$work/compare.err")"

finish
