#!/usr/bin/env bash
# Every way to sign in, by the program itself, against a tenant that judges what it gets; and our
# assertion, caught on its way and judged by openssl. What is secret stays nowhere on the way.
. "$(dirname "$0")/library.sh"

require_tools openssl jq curl python3 basenc

# ---- what there is to sign in with ----------------------------------------------------------------

password='marked PFX+password & more'
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 \
	-subj /CN=unstage 2>/dev/null || give_up
cat certificate.pem key.pem >both.pem
cat key.pem certificate.pem >turned.pem
{ openssl pkey -in key.pem -aes256 -passout "pass:$password" && cat certificate.pem; } >closed.pem
openssl pkcs12 -export -inkey key.pem -in certificate.pem -out both.pfx -passout "pass:$password"
openssl pkey -in key.pem -pubout -out public.pem
openssl ecparam -name prime256v1 -genkey -noout -out ec.key 2>/dev/null
openssl req -x509 -key ec.key -out ec.crt -days 2 -subj /CN=elliptic && cat ec.crt ec.key >ec.pem
printf '%s\n' "$password" >password
chmod 600 ./*.pem ./*.pfx password

start_tenant tenant --certificate certificate.pem --federated public.pem || give_up
good_config=$UNSTAGE_CONFIG
secret=$(cat tenant/client.secret)
port=$(sed -n 's/^graph = .*:\([0-9]*\)$/\1/p' "$good_config")
tenant_id=$(sed -n 's/^tenant = //p' "$good_config")
client_id=$(sed -n 's/^client_id = //p' "$good_config")
identity_header=$(sed -n 's/^IDENTITY_HEADER=//p' tenant/identity.env)
token_path="/$tenant_id/oauth2/v2.0/token"

# sign_in_by [KEY = VALUE]...: the good configuration, with these instead of the client secret.
sign_in_by() {
	{ grep -v '^client_secret_file' "$good_config" && printf '%s\n' "$@"; } >by.config
	export UNSTAGE_CONFIG=$work/by.config
}

# What every one of them must be able to do.
works() {
	rm -f x.jsonl.zst
	expect 0 "$@" "$UNSTAGE" snapshot --output x.jsonl.zst && there x.jsonl.zst
}

base64url() { basenc --base64url -w0 | tr -d =; }

# A token of the trusted issuer: federated SUBJECT LIFETIME
federated() {
	local now text
	now=$(date +%s)
	text=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(printf \
		'{"iss":"https://issuer.simulated/","sub":"%s","aud":"api://AzureADTokenExchange","nbf":%d,"iat":%d,"exp":%d}' \
		"$1" "$now" "$now" $((now + $2)) | base64url)
	printf '%s.%s' "$text" "$(printf %s "$text" | openssl dgst -sha256 -sign key.pem | base64url)"
}

# ---- client secret ----------------------------------------------------------------------------

sentence "a client secret comes from standard input, from systemd, or from its variable"
sign_in_by "client_secret_file = -"
UNSTAGE_CONFIG=$work/by.config timeout "$COMMAND_LIMIT_S" "$UNSTAGE" snapshot --output in.jsonl.zst \
	<tenant/client.secret >stdout 2>stderr
same "status" 0 $?
sign_in_by "client_secret_file = credential:entra"
mkdir handed && cp tenant/client.secret handed/entra && chmod 440 handed/entra
works env CREDENTIALS_DIRECTORY="$work/handed"
sign_in_by
works env AZURE_CLIENT_SECRET="$secret"

# ---- certificates ---------------------------------------------------------------------------------

sentence "a certificate is read from PEM in any order, encrypted PEM, and PFX"
for file in both.pem turned.pem; do
	sign_in_by "certificate_file = $work/$file"
	works env
done
for file in closed.pem both.pfx; do
	sign_in_by "certificate_file = $work/$file" "certificate_password_file = $work/password"
	works env
	sign_in_by
	works env AZURE_CLIENT_CERTIFICATE_PATH="$work/$file" \
		AZURE_CLIENT_CERTIFICATE_PASSWORD="$password"
done

sentence "the older assertion is sent when the profile says so, and the chain too"
sign_in_by "certificate_file = $work/both.pem" "assertion = RS256" "send_certificate_chain = yes"
works env

sentence "what can't serve is refused with 3 and says why; a file that others may read with 8"
sign_in_by "certificate_file = $work/closed.pem"
expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
said "AZURE_CLIENT_CERTIFICATE_PASSWORD"
sign_in_by "certificate_file = $work/ec.pem"
expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
said "its key is no RSA key"
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 2 \
	-subj /CN=other 2>/dev/null
cat other.crt key.pem >mixed.pem && cat other.crt other.key >unknown.pem && chmod 600 ./*.pem
sign_in_by "certificate_file = $work/mixed.pem"
expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
said "belongs to no certificate in it"
sign_in_by "certificate_file = $work/unknown.pem"
expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
said "AADSTS700027"
said "openssl x509 -fingerprint -sha256"
chmod 644 turned.pem
sign_in_by "certificate_file = $work/turned.pem"
expect 8 "$UNSTAGE" snapshot --output y.jsonl.zst
said "chmod 600"
absent y.jsonl.zst

sentence "memory that can't be locked for the key is told, with what to set"
sign_in_by "certificate_file = $work/both.pem"
if ldd "$UNSTAGE" 2>/dev/null | grep -q libasan; then
	echo "  skipped: the address sanitizer lets every lock succeed"
else
	# Root may lock whatever the limit, unless it gives up that right.
	without_right=()
	[ "$(id -u)" -ne 0 ] || without_right=(setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
	expect 9 "${without_right[@]}" bash -c 'ulimit -l 0; exec "$0" snapshot --output y.jsonl.zst' "$UNSTAGE"
	said "ulimit -l"
	# Room for the file, but not for the key.
	expect 9 "${without_right[@]}" bash -c 'ulimit -l 96; exec "$0" snapshot --output y.jsonl.zst' "$UNSTAGE"
	said "for the private key"
fi

# ---- our assertion, judged by openssl ----------------------------------------------------------------

# Takes one POST, keeps its body, and answers that the client is not accepted.
cat >catch.py <<'PYTHON'
import http.server, sys

class Catch(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        open("caught", "wb").write(body)
        open("caught.path", "w").write(self.path)
        answer = b'{"error":"invalid_request","error_codes":[90002]}'
        self.send_response(400)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Catch)
server.timeout = 60
print(server.server_port, flush=True)
server.handle_request()
PYTHON

# caught KEY = VALUE: signs in so at the catcher; the parts are in header.json, claims.json, signature.
caught() {
	local assertion catcher catch_port rest

	rm -f caught catch.port # the one before's would be read
	python3 catch.py >catch.port &
	catcher=$!
	for _ in $(seq 200); do
		[ -s catch.port ] && break
		sleep 0.02
	done
	catch_port=$(cat catch.port)
	sign_in_by "$@"
	sed -i "s|^authority = .*|authority = http://127.0.0.1:$catch_port|" by.config
	expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
	wait "$catcher"
	there caught || return 1
	same "the path" "$token_path" "$(cat caught.path)"
	assertion=$(tr '&' '\n' <caught | sed -n 's/^client_assertion=//p')
	printf %s "${assertion%.*}" >signed
	rest=${assertion#*.}
	unbase64 "${assertion%%.*}" >header.json
	unbase64 "${rest%%.*}" >claims.json
	unbase64 "${rest#*.}" >signature
	aud="http://127.0.0.1:$catch_port$token_path"
}

unbase64() { # TEXT without padding
	local text=$1
	while [ $((${#text} % 4)) -ne 0 ]; do text+==; done
	printf %s "$text" | basenc --base64url -d
}

fingerprint() { # ALGORITHM: of the certificate, as openssl shows it
	openssl x509 -in certificate.pem -noout -fingerprint "-$1" | sed 's/.*=//; s/://g' | tr A-F a-f
}

digest_in_header() { # MEMBER
	unbase64 "$(jq -r --arg member "$1" '.[$member]' header.json)" | od -An -v -tx1 | tr -d ' \n'
}

sentence "openssl verifies our PS256 signature, and x5t#S256 is the fingerprint it shows"
caught "certificate_file = $work/both.pem"
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256 \
	-verify public.pem -signature signature signed >verdict 2>&1 || wrong "$(cat verdict)"
same "the header" '["alg","typ","x5t#S256"] PS256 JWT' \
	"$(jq -rc '"\(keys) \(.alg) \(.typ)"' header.json)"
same "x5t#S256" "$(fingerprint sha256)" "$(digest_in_header 'x5t#S256')"
jq -e --arg aud "$aud" --arg client "$client_id" --argjson now "$(date +%s)" \
	'(keys == ["aud","exp","iat","iss","jti","nbf","sub"]) and .aud == $aud and .iss == $client and
	.sub == $client and .exp == .nbf + 600 and .iat == .nbf and (($now - .nbf) | . >= 0 and . < 60) and
	(.jti | test("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))' claims.json >/dev/null ||
	wrong "the claims are $(cat claims.json)"

sentence "and so it does with RS256, whose x5t is the SHA-1 fingerprint"
caught "certificate_file = $work/both.pem" "assertion = RS256"
openssl dgst -sha256 -verify public.pem -signature signature signed >verdict 2>&1 || wrong "$(cat verdict)"
same "the header" '["alg","typ","x5t"] RS256' "$(jq -rc '"\(keys) \(.alg)"' header.json)"
same "x5t" "$(fingerprint sha1)" "$(digest_in_header x5t)"

# ---- federated token ------------------------------------------------------------------------------------

sentence "a federated token is taken from its file, which may be a link"
federated unstage 3600 >federated.token
ln -s federated.token mounted.token
sign_in_by "federated_token_file = $work/mounted.token"
works env
sign_in_by
works env AZURE_FEDERATED_TOKEN_FILE="$work/federated.token"

sentence "one for another subject, or that has ended, is 3 with Entra's number, and the clocks are told"
federated somebody 3600 >federated.token
expect 3 env AZURE_FEDERATED_TOKEN_FILE="$work/federated.token" "$UNSTAGE" snapshot --output y.jsonl.zst
said "AADSTS700213"
said "letter by letter"
federated unstage -1000 >federated.token
expect 3 env AZURE_FEDERATED_TOKEN_FILE="$work/federated.token" "$UNSTAGE" snapshot --output y.jsonl.zst
said "AADSTS700024"
said "this machine's clock agrees with Entra's"

# ---- managed identity ------------------------------------------------------------------------------------

sentence "a managed identity is asked of this machine, past every proxy, without tenant and client"
grep -vE '^(client_|tenant|authority)' "$good_config" >identity.config
printf '%s\n' "managed_identity = system" "proxy = http://127.0.0.1:1" >>identity.config
export UNSTAGE_CONFIG=$work/identity.config
works env IMDS_ENDPOINT="http://127.0.0.1:$port"
grep -v '^managed_identity' identity.config >app.config
export UNSTAGE_CONFIG=$work/app.config
works env IDENTITY_ENDPOINT="http://127.0.0.1:$port/msi/token" IDENTITY_HEADER="$identity_header"
said "the token is asked for at http://127.0.0.1:$port/msi/token (IDENTITY_ENDPOINT)"
works env IDENTITY_ENDPOINT="http://localhost:$port/msi/token" IDENTITY_HEADER="$identity_header" \
	AZURE_CLIENT_ID="$client_id"

sentence "nothing but this machine may stand in for the endpoint"
export UNSTAGE_CONFIG=$work/identity.config
expect 2 env IMDS_ENDPOINT=http://192.0.2.1 "$UNSTAGE" snapshot --output y.jsonl.zst
said "only a literal loopback address"
export UNSTAGE_CONFIG=$work/app.config
expect 2 env IDENTITY_ENDPOINT=http://192.0.2.1/msi/token IDENTITY_HEADER=x \
	"$UNSTAGE" snapshot --output y.jsonl.zst
said "managed identity"

sentence "an unknown identity and a wrong header are 3"
export UNSTAGE_CONFIG=$work/app.config
expect 3 env IDENTITY_ENDPOINT="http://127.0.0.1:$port/msi/token" IDENTITY_HEADER=marked-wrong-header \
	"$UNSTAGE" snapshot --output y.jsonl.zst
said "the managed identity endpoint refused: 401"
! grep -q marked-wrong-header "$work/stderr" || wrong "the header is quoted"

# ---- a pasted token -----------------------------------------------------------------------------------------

sentence "a pasted token is used as it is, and its end is told"
token=$(curl -s "http://127.0.0.1:$port$token_path" -d grant_type=client_credentials \
	--data-urlencode "client_id=$client_id" --data-urlencode "client_secret=$secret" \
	--data-urlencode "scope=http://127.0.0.1:$port/.default" | jq -r .access_token)
grep -vE '^(client_|tenant|authority)' "$good_config" >pasted.config
echo "access_token_file = -" >>pasted.config
export UNSTAGE_CONFIG=$work/pasted.config
printf '%s\n' "$token" | timeout "$COMMAND_LIMIT_S" "$UNSTAGE" snapshot --output pasted.jsonl.zst \
	>stdout 2>stderr
same "status" 0 "${PIPESTATUS[1]}"
said "the pasted access token ends at 20"
there pasted.jsonl.zst

if script -qec true /dev/null >/dev/null 2>&1; then
	sentence "at a terminal it is asked for, however long, and not shown"
	long=$token$(printf 'x%.0s' $(seq 5000))
	rm -f screen keyboard && mkfifo keyboard
	exec {keyboard}<>keyboard
	timeout "$COMMAND_LIMIT_S" script -qefc "$UNSTAGE snapshot --output y.jsonl.zst" screen <keyboard >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 400); do
		grep -q "press Enter" screen 2>/dev/null && break
		sleep 0.02
	done
	# In pieces, as a terminal takes them.
	for part in $(printf %s "$long" | fold -w 1000); do
		printf %s "$part" >&"$keyboard"
		sleep 0.05
	done
	echo >&"$keyboard"
	wait "$pid"
	same "status" 3 $?
	exec {keyboard}>&-
	grep -q "does not accept the pasted access token" screen || wrong "it was to arrive: $(tail -n 2 screen)"
	! grep -qF "${token:0:200}" screen || wrong "the token is on the screen"
fi

sentence "when it is refused, a new one is asked for, and no request for a token is made"
printf '%sx\n' "$token" | timeout "$COMMAND_LIMIT_S" "$UNSTAGE" snapshot --output y.jsonl.zst \
	>stdout 2>stderr
same "status" 3 "${PIPESTATUS[1]}"
said "A pasted token can't be renewed: get a new one"
! grep -qF "$token" "$work/stderr" || wrong "the token is quoted"

# ---- clouds -----------------------------------------------------------------------------------------------------

sentence "both sign-in hosts of China are Microsoft's own, from the configuration and the environment"
for host in login.partner.microsoftonline.cn login.chinacloudapi.cn; do
	printf '%s\n' "[china]" "cloud = china" "tenant = $tenant_id" "client_id = $client_id" \
		"client_secret_file = $work/tenant/client.secret" "proxy = http://127.0.0.1:1" >china.config
	export UNSTAGE_CONFIG=$work/china.config
	expect 6 env "AZURE_AUTHORITY_HOST=https://$host/" "$UNSTAGE" snapshot --output y.jsonl.zst
	said "https://$host/$tenant_id/oauth2/v2.0/token"
	! grep -q "goes to" "$work/stderr" || wrong "Microsoft's own host was announced"
	echo "authority = https://$host" >>china.config
	expect 6 "$UNSTAGE" snapshot --output y.jsonl.zst
	said "https://$host/$tenant_id/oauth2/v2.0/token"
	! grep -q "goes to" "$work/stderr" || wrong "Microsoft's own host was announced"
done

# ---- clocks ------------------------------------------------------------------------------------------------------

sentence "an assertion that a wrong clock spoils names the difference"
stop_tenant
start_tenant late --certificate certificate.pem --clock-ahead 1200 || give_up
good_config=$UNSTAGE_CONFIG
sign_in_by "certificate_file = $work/both.pem"
expect 3 "$UNSTAGE" snapshot --output y.jsonl.zst
said "AADSTS700024"
said "this machine's clock is 1200 s behind Entra's"
stop_tenant

absent y.jsonl.zst
finish
