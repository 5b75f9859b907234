# What the tests against other people's programs share: their packages, installed once a lock file
# below the build folder; a CA of our own; nginx with TLS and HTTP/2 before the simulated tenant.
# Sourced after library.sh.
# shellcheck shell=bash

NODE_LEAST=18           # Debian 12's
NPM_LIMIT_S=300         # a first installation, over a slow line
PEER_LIMIT_S=60         # no script of a peer may take longer
START_LIMIT_TENTHS=150  # nor any server need longer to listen
here=$SOURCE/tests/peers
nginx_pid= nginx_origin=
peer_pids=()

# What library.sh calls before it removes the folder.
tidy() {
	local pid

	for pid in "${peer_pids[@]}" $nginx_pid; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	peer_pids=()
	nginx_pid=
}

# ---- packages ------------------------------------------------------------------------------

# Node, and our scripts beside the packages of the lock file, as $work/peers.
need_peers() {
	local store

	require_tools node npm flock
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$NODE_LEAST" ] ||
		skip "node $(node --version) is older than $NODE_LEAST"
	store=$(realpath -m "$(dirname "$UNSTAGE")/peers")/$(sha256sum "$here/package-lock.json" | cut -c1-16)
	mkdir -p "$store" "$work/peers" || give_up
	install_peers "$store"
	cp "$here"/*.mjs "$work/peers" && ln -s "$store/node_modules" "$work/peers/node_modules" || give_up
}

# install_peers FOLDER: several tests want this at the same time; the first one does it.
install_peers() {
	exec {lock}>"$1.lock"
	flock "$lock"
	if [ ! -e "$1/complete" ]; then
		cp "$here/package.json" "$here/package-lock.json" "$1"
		if (cd "$1" && npm_quietly ci --ignore-scripts --no-audit --no-fund) >"$1/npm.log" 2>&1; then
			touch "$1/complete"
		elif ! (cd "$1" && npm_quietly ping) >>"$1/npm.log" 2>&1; then
			skip "the npm registry is out of reach ($1/npm.log)"
		else
			wrong "npm ci fails: $(tail -n 3 "$1/npm.log")" || give_up
		fi
	fi
	exec {lock}>&-
}

npm_quietly() {
	HOME=$work/home npm_config_fetch_retries=0 npm_config_update_notifier=false \
		timeout -k 5 "$NPM_LIMIT_S" npm "$@"
}

# peer SCRIPT ARGUMENT...: runs one of tests/peers against what speaks with our CA's certificate.
peer() {
	NODE_EXTRA_CA_CERTS=$work/ca.pem timeout -k 5 "$PEER_LIMIT_S" node "$work/peers/$1.mjs" "${@:2}"
}

# start_peer NAME SCRIPT ARGUMENT...: the same as a server, which prints a line once it listens:
# that line is in $work/NAME.line then, and all else it says in $work/NAME.log.
start_peer() {
	local name=$1 tenths=0

	NODE_EXTRA_CA_CERTS=$work/ca.pem node "$work/peers/$2.mjs" "${@:3}" \
		>"$work/$name.line" 2>"$work/$name.log" </dev/null &
	peer_pids+=($!)
	while [ ! -s "$work/$name.line" ]; do
		kill -0 $! 2>/dev/null && [ "$((tenths += 1))" -lt "$START_LIMIT_TENTHS" ] ||
			wrong "$2 was to listen: $(tail -n 3 "$work/$name.log")" || return 1
		sleep 0.1
	done
}

# ---- TLS -----------------------------------------------------------------------------------

# make_ca: a CA for this test alone, $work/ca.pem and ca.key.
make_ca() {
	require_tools openssl
	openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj "/CN=The test's own CA" \
		-keyout "$work/ca.key" -out "$work/ca.pem" >"$work/openssl.log" 2>&1 ||
		wrong "openssl makes no CA: $(tail -n 2 "$work/openssl.log")"
}

# make_certificate NAME SUBJECT-ALTERNATIVE-NAMES: $work/NAME.pem and NAME.key, signed by that CA.
make_certificate() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" \
		>"$work/openssl.log" 2>&1 &&
		openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
			-days 1 -sha256 -extfile <(printf 'subjectAltName=%s' "$2") -out "$work/$1.pem" \
			>>"$work/openssl.log" 2>&1 ||
		wrong "openssl makes no certificate: $(tail -n 2 "$work/openssl.log")"
}

free_port() {
	node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
		console.log(s.address().port); s.close(); })'
}

# choose_origin: $nginx_origin, which the tenant has to know before it starts.
choose_origin() {
	nginx_origin=https://127.0.0.1:$(free_port)
}

# start_nginx BACKEND: TLS and HTTP/2 at $nginx_origin, before http://BACKEND.
start_nginx() {
	local tenths=0

	make_certificate nginx IP:127.0.0.1,DNS:localhost || return 1
	mkdir -p "$work/nginx"
	cat >"$work/nginx.conf" <<-END
		daemon off;
		pid $work/nginx/pid;
		error_log $work/nginx/error.log;
		worker_processes 1;
		events { worker_connections 128; }
		http {
			log_format protocol '\$server_protocol \$request_method \$status';
			access_log $work/nginx/access.log protocol;
			client_body_temp_path $work/nginx/body;
			proxy_temp_path $work/nginx/proxy;
			fastcgi_temp_path $work/nginx/fastcgi;
			uwsgi_temp_path $work/nginx/uwsgi;
			scgi_temp_path $work/nginx/scgi;
			server {
				listen ${nginx_origin#https://} ssl http2;
				ssl_certificate $work/nginx.pem;
				ssl_certificate_key $work/nginx.key;
				ssl_protocols TLSv1.2 TLSv1.3;
				client_max_body_size 8m;
				location / {
					proxy_pass http://$1;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
				}
			}
		}
	END
	nginx -p "$work/nginx" -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
	nginx_pid=$!
	while ! (: <"/dev/tcp/127.0.0.1/${nginx_origin##*:}") 2>/dev/null; do
		kill -0 "$nginx_pid" 2>/dev/null && [ "$((tenths += 1))" -lt "$START_LIMIT_TENTHS" ] ||
			wrong "nginx does not start: $(tail -n 2 "$work/nginx.out")" || return 1
		sleep 0.1
	done
}

# start_tenant_behind_nginx FOLDER OPTION...: as start_tenant, at $nginx_origin, with our CA.
start_tenant_behind_nginx() {
	choose_origin
	[ -s "$work/ca.pem" ] || make_ca || return 1
	start_tenant "$@" --origin "$nginx_origin" || return 1
	echo "ca_file = $work/ca.pem" >>"$UNSTAGE_CONFIG"
	start_nginx "$(tenant_address "$work/$1.err")"
}

# tenant_address FILE: where the tenant that said this on stderr really listens.
tenant_address() {
	sed -n 's|.* serves on http://\([0-9.:]*\);.*|\1|p' "$1"
}

# profile KEY: its value in the tenant's profile.
profile() {
	sed -n "s/^$1 = //p" "$UNSTAGE_CONFIG"
}
