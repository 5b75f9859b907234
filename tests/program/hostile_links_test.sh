#!/usr/bin/env bash
# Links in answers that point elsewhere [T19]: no byte reaches a listener there, and least of all a
# token. Microsoft's hosts are played behind a proxy that sees every connection of the program.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/peers.sh"

require_tools node jq openssl
catcher=$here/catcher.mjs
urls=$SOURCE/tests/data/net/urls.txt
CATCHER_LIMIT_S=300

# report FILTER: jq's, on what the last catcher saw.
report() {
	jq -r "$1" "$work/report.json"
}

# catch MODE ARGUMENT...: no byte was caught, and nothing else was wrong.
catch() {
	timeout -k 5 "$CATCHER_LIMIT_S" node "$catcher" "$1" "$UNSTAGE" "${@:2}" \
		>"$work/report.json" 2>"$work/catcher.err" ||
		wrong "the catcher fails: $(tail -n 5 "$work/catcher.err")" || return 1
	same "bytes caught" "" "$(report '.caught[]' | head -n 5)"
	same "other ends than expected" "" "$(report '.wrong[]' | head -n 5)"
}

sentence "a proxy that takes every connection sees none but to Microsoft's two hosts"
make_ca && make_certificate microsoft DNS:graph.microsoft.com,DNS:login.microsoftonline.com || give_up
catch proxy "$urls" "$work/microsoft.pem" "$work/microsoft.key" "$work/ca.pem" "$work/proxy"
same "links" "$(grep -vc '^#' "$urls")" "$(report .links)"
at_least "hostile links" 500 "$(grep -c '^refuse' "$urls")"
at_least "good links, followed" 30 "$(report .followed)"

sentence "without a proxy, catchers on other ports and addresses of this machine see nothing"
catch direct "$work/direct"
at_least "links" 80 "$(report .links)"

finish
