#!/usr/bin/env bash
# libcurl's options, looked up in the sources [T25]: none of those that would carry a secret
# elsewhere may appear, and those that keep it here must.
set -u

source=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
if [ ! -d "$source/net" ]; then
	echo "no source tree at $source: skipped"
	exit 77
fi

failures=0
complain() {
	echo "forbidden_options: $*" >&2
	failures=$((failures + 1))
}

# Everything that is compiled into the program or links libcurl; tests may misbehave.
files=$(find "$source" -path "$source/tests" -prune -o -path '*/build' -prune -o \
	-path '*/node_modules' -prune -o -path '*/.*' -prune -o -name '*.[ch]' -print)

# forbid REASON PATTERN: an extended regular expression that no line may match.
forbid() {
	local found
	# shellcheck disable=SC2086 # the list is one of words
	if found=$(grep -nE "$2" $files); then
		complain "$1:"
		echo "$found" >&2
	fi
}

forbid 'redirects are never followed' 'CURLOPT_(FOLLOWLOCATION|MAXREDIRS|POSTREDIR|AUTOREFERER)'
forbid 'a credential never follows a host' 'CURLOPT_UNRESTRICTED_AUTH'
forbid 'no passwords from .netrc' 'CURLOPT_NETRC'
forbid 'no cookies' 'CURLOPT_COOKIE'
forbid 'no challenge-response authentication' 'CURLAUTH_(DIGEST|NEGOTIATE|NTLM|GSS|ANY|ANYSAFE)'
forbid 'authentication is the bearer header' 'CURLOPT_(HTTPAUTH|PROXYAUTH|USERPWD|XOAUTH2_BEARER)'
forbid 'no dependencies between streams' 'CURLOPT_STREAM_(DEPENDS|WEIGHT)'
forbid 'certificates are always checked' 'CURLOPT_(PROXY_)?SSL_VERIFYPEER[^0-9A-Z_]*0'
forbid 'host names are always checked' 'CURLOPT_(PROXY_)?SSL_VERIFYHOST[^0-9A-Z_]*[01]'
forbid 'TLS 1.2 or later' 'CURL_SSLVERSION_(SSL|TLSv1([^_]|$)|TLSv1_[01])'
forbid 'no weaker ciphers by hand' 'CURLOPT_(PROXY_)?SSL_CIPHER_LIST'
forbid 'curl'\''s talk holds secrets' 'CURLOPT_(VERBOSE|DEBUGFUNCTION|STDERR)'
forbid 'names are resolved by the system' 'CURLOPT_(RESOLVE|CONNECT_TO|DOH_URL)'
forbid 'no other old protocol option' 'CURLOPT_(PROTOCOLS|REDIR_PROTOCOLS)([^_]|$)'
forbid 'no upgrade tables on disk' 'CURLOPT_(ALTSVC|HSTS)'

# require OPTION [PATTERN]: somewhere in net/, with what must stand behind it.
require() {
	grep -qE "CURLOPT_$1${2:-[^A-Z_]}" "$source"/net/*.c || complain "CURLOPT_$1${2:-} is missing"
}

require PROTOCOLS_STR ', origin->scheme'
require PROXY ', '
require NOPROXY ', ""'
require NOSIGNAL ', 1'
require CONNECTTIMEOUT_MS ', NET_CONNECT_MS'
require TIMEOUT_MS ', NET_TOTAL_MS'
require LOW_SPEED_LIMIT ', 1'
require LOW_SPEED_TIME ', NET_STALL_MS'
require ACCEPT_ENCODING ', "gzip"'
require HTTP_CONTENT_DECODING ', 0'
require SSL_VERIFYPEER ', 1'
require SSL_VERIFYHOST ', 2'
require SSLVERSION ', CURL_SSLVERSION_TLSv1_2'

# One folder speaks HTTP: a handle made elsewhere would pass no gate.
if found=$(echo "$files" | grep -v "^$source/net/" | xargs grep -nE 'curl_(easy|multi)_(init|perform)'); then
	complain "only net/ makes requests:"
	echo "$found" >&2
fi

[ "$failures" -eq 0 ] || exit 1
echo "libcurl's options are as the threat model wants them"
