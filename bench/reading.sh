# Reading a directory, for run.sh: one static nginx over TLS; our engine, Microsoft's client and curl
# in turn. Two sorts of pages, each at one port as it is and at another compressed beforehand: whole
# ones with everything that is selected, null where nothing is set, as Graph sends it; and short ones
# without these nulls.

reading=$work/reading
sorts="whole short"
declare -A port=([whole]=18443 [whole-gzip]=18444 [short]=18445 [short-gzip]=18446)
reading_runs=3
start_limit_tenths=50
nginx_pid=

# ---- what is served ---------------------------------------------------------------------------

# The compressed pages differ in where the next one is.
make_gzip_page() {
	sed "s/:$plain_port/:$gzip_port/" "$1" | gzip -1 >"$folder-gzip/${1##*/}.gz"
}

# make_sort whole|short
make_sort() {
	local folder=$reading/$1
	mkdir -p "$folder" "$folder-gzip"
	"$work/bench_generate" "$users" 0 0 0 "$reading/users.jsonl.zst" /dev/stdout |
		"$work/bench_pages" "$1" "$folder" "https://localhost:${port[$1]}"
	rm "$reading/users.jsonl.zst"
	export -f make_gzip_page
	find "$folder" -name '*.json' -print0 |
		folder=$folder plain_port=${port[$1]} gzip_port=${port[$1-gzip]} \
		xargs -0 -n 16 -P "$(nproc)" bash -c 'set -eo pipefail; for page; do make_gzip_page "$page"; done' bash
	make_urls "$1"
	make_urls "$1-gzip"
}

make_pages() {
	local sort
	rm -rf "$reading"
	for sort in $sorts; do make_sort "$sort"; done
	make_certificate "$reading"
}

# make_certificate FOLDER
make_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 365 -subj "/CN=localhost" \
		-addext "subjectAltName=DNS:localhost" -keyout "$1/key.pem" -out "$1/cert.pem" \
		>"$1/openssl.log" 2>&1 || fail "openssl makes no certificate ($1/openssl.log)"
}

# make_urls NAME: all pages for one curl, what it is to say of each, and what that comes to
make_urls() {
	local number pages
	cat "$reading/$1/"* | wc -c >"$reading/$1.bytes"
	pages=$(find "$reading/$1" -name '*.json*' | wc -l)
	echo 'write-out = "%{http_code} %{size_download}\n"' >"$reading/$1.curl"
	for ((number = 0; number < pages; number++)); do
		printf 'url = "https://localhost:%d/v1.0/users?$skiptoken=%d"\noutput = /dev/null\n' "${port[$1]}" "$number"
	done >>"$reading/$1.curl"
}

# nginx_server PORT FOLDER LINE: users in pages; of all else there is nothing, and no delta
nginx_server() {
	cat <<-END
		server {
			listen 127.0.0.1:$1 ssl http2;
			$3
			location = /v1.0/users { root $2; rewrite ^ /\$page.json break; }
			location ~ ^/v1.0/(groups|contacts|directory/deletedItems/[a-z.]*)\$ { return 200 '{"value":[]}'; }
			# The only batch asks which directory extensions there are.
			location = /v1.0/\$batch { return 200 '{"responses":[{"id":"1","status":200,"body":{"value":[]}}]}'; }
			location ~ /oauth2/v2.0/token\$ {
				return 200 '{"token_type":"Bearer","expires_in":3600,"access_token":"not-a-token"}';
			}
			location / { return 404 '{"error":{"code":"Request_ResourceNotFound","message":"not here"}}'; }
		}
	END
}

nginx_configuration() {
	cat <<-END
		daemon off;
		pid $reading/nginx/pid;
		error_log $reading/nginx/error.log;
		worker_processes 1;
		events { worker_connections 512; }
		http {
			access_log off;
			client_body_temp_path $reading/nginx/body;
			proxy_temp_path $reading/nginx/proxy;
			fastcgi_temp_path $reading/nginx/fastcgi;
			uwsgi_temp_path $reading/nginx/uwsgi;
			scgi_temp_path $reading/nginx/scgi;
			default_type application/json;
			sendfile on;
			keepalive_requests 100000;
			http2_chunk_size 64k;
			output_buffers 2 512k;
			ssl_certificate $reading/cert.pem;
			ssl_certificate_key $reading/key.pem;
			map \$args \$page { default 0; ~skiptoken=(?<number>[0-9]+) \$number; }
			$(for sort in $sorts; do
				nginx_server "${port[$sort]}" "$reading/$sort" ""
				nginx_server "${port[$sort-gzip]}" "$reading/$sort-gzip" "gzip_static on;"
			done)
		}
	END
	# The workers read what only this user may.
	[ "$(id -u)" -ne 0 ] || echo "user root;"
}

stop_nginx() {
	[ -n "$nginx_pid" ] || return 0
	kill "$nginx_pid" 2>/dev/null || true
	wait "$nginx_pid" || true
	nginx_pid=
}

answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

all_answer() {
	local each
	for each in "${port[@]}"; do answers "$each" || return 1; done
}

start_nginx() {
	local tenths=0 each
	mkdir -p "$reading/nginx"
	for each in "${port[@]}"; do ! answers "$each" || fail "something listens on port $each"; done
	nginx_configuration >"$reading/nginx.conf"
	trap stop_nginx EXIT
	nginx -p "$reading/nginx" -c "$reading/nginx.conf" -e "$reading/nginx/error.log" >"$reading/nginx.out" 2>&1 &
	nginx_pid=$!
	until all_answer; do
		kill -0 "$nginx_pid" 2>/dev/null && [ "$((tenths += 1))" -lt $start_limit_tenths ] ||
			fail "nginx does not start ($reading/nginx/error.log)"
		sleep 0.1
	done
}

# ---- who reads --------------------------------------------------------------------------------

# command_of TOOL NAME: what is measured, one process, in ${reader[@]}
command_of() {
	local compressed=() certificate=$reading/cert.pem origin=https://localhost:${port[$2]}
	[[ $2 != *-gzip ]] || compressed=(--compressed)
	case "$1" in
	ours) reader=("$work/bench_read" "$origin" "$certificate" /dev/null) ;;
	sdk) reader=(env NODE_EXTRA_CA_CERTS="$certificate" node "$work/peers/sdk.mjs" "$origin" /dev/null) ;;
	curl*) reader=(curl --silent --show-error --cacert "$certificate" "${compressed[@]}" --config "$reading/$2.curl") ;;
	esac
	case "$1" in
	curl1) reader+=(--http1.1) ;;
	curl2) reader+=(--http2) ;;
	esac
}

# objects_of TOOL NAME: how many it says it read. A curl knows of no objects: that it fetched every
# page, and as many bytes as they have, stands for them.
objects_of() {
	case "$1" in
	ours) jq .objects "$reading/out" ;;
	sdk) cat "$reading/out" ;;
	curl*) awk -v users="$users" -v bytes="$(cat "$reading/$2.bytes")" '$1 == 200 { got += $2 }
		END { print got == bytes ? users : 0 }' "$reading/out" ;;
	esac
}

# read_once TOOL NAME: adds a line of microseconds, KiB and processor seconds to the tool's runs
read_once() {
	local reader began ended
	command_of "$@"
	began=$EPOCHREALTIME
	command time -f '%M %U %S' -o "$reading/used" "${reader[@]}" >"$reading/out" 2>"$reading/log" ||
		fail "this does not work: ${reader[*]} ($reading/log)"
	ended=$EPOCHREALTIME
	[ "$(objects_of "$1" "$2")" = "$users" ] || fail "$1 did not find the $users objects of the $2 pages"
	echo "$((${ended/[^0-9]/} - ${began/[^0-9]/})) $(cat "$reading/used")" >>"$reading/$2-$1.runs"
}

# median_of TOOL NAME: of its seconds, and of those of the processor; the most of its memory
median_of() {
	sort -n "$reading/$2-$1.runs" | awk '{ s[NR] = $1 / 1e6 } END { print s[int((NR + 1) / 2)] }' >"$work/$2-$1.s"
	awk '{ print $3 + $4 }' "$reading/$2-$1.runs" | sort -n |
		awk '{ s[NR] = $1 } END { print s[int((NR + 1) / 2)] }' >"$work/$2-$1-cpu.s"
	sort -n -k 2 "$reading/$2-$1.runs" | awk 'END { print $2 }' >"$work/$2-$1.kib"
}

# One run that is not counted: every object is a line, and the lines are as jq sorts and writes them.
check_lines() {
	local lines=$reading/lines.jsonl
	"$work/bench_read" "https://localhost:${port[$1]}" "$reading/cert.pem" "$lines" >"$reading/out" 2>"$reading/log" ||
		fail "bench_read does not read the $1 pages ($reading/log)"
	[ "$(wc -l <"$lines")" = "$users" ] || fail "bench_read wrote $(wc -l <"$lines") lines for $users objects"
	head -n 2000 "$lines" >"$reading/some.jsonl"
	jq -cS . "$reading/some.jsonl" | cmp -s - "$reading/some.jsonl" || fail "the lines are not canonical ($lines)"
	rm "$lines" "$reading/some.jsonl"
}

rate_of() { jq -rn --argjson s "$(cat "$work/$1.s")" --argjson n "$users" '"\($n/$s/1000|round) thousand objects/s"'; }
hundredths() { jq -rn --argjson a "$(cat "$work/$1.s")" --argjson b "$(cat "$work/$2.s")" '$a/$b*100|round/100'; }

reading_row() { row "$2" "$(seconds "$1")" "$(seconds "$1-cpu") s of processor" "$(mebibytes "$1") MiB, $(rate_of "$1")$3"; }

# read_pages NAME: the tools in turn, so that what else the machine does meets all of them
read_pages() {
	local run tool tools="ours curl2 curl1" faster=curl2
	[ -z "$have_sdk" ] || tools="ours sdk curl2 curl1"
	check_lines "$@"
	rm -f "$reading/$1-"*.runs
	for ((run = 0; run < reading_runs; run++)); do
		for tool in $tools; do read_once "$tool" "$@"; done
	done
	for tool in $tools; do median_of "$tool" "$1"; done
	! jq -en "$(cat "$work/$1-curl1.s") < $(cat "$work/$1-curl2.s")" >/dev/null || faster=curl1

	reading_row "$1-ours" "our engine" ", $(hundredths "$1-ours" "$1-$faster") times the faster curl (processor: $(hundredths "$1-ours-cpu" "$1-$faster-cpu"))"
	[ -z "$have_sdk" ] || reading_row "$1-sdk" "graph-client" ", $(times "$1-sdk" "$1-ours") times ours"
	reading_row "$1-curl2" "curl, HTTP/2" ", $(hundredths "$1-curl2" "$1-ours") times ours"
	reading_row "$1-curl1" "curl, HTTP/1.1" ", $(hundredths "$1-curl1" "$1-ours") times ours"
}

measure_reading() {
	local tool sort
	say
	say "Reading a directory: $users users in pages of 999 over TLS, from one static nginx, wall clock"
	for tool in nginx curl openssl; do
		command -v $tool >/dev/null || { say "  left out: there is no $tool here"; return; }
	done
	if [ ! -f "$reading/ready-$users" ]; then
		say "making the pages"
		make_pages
		touch "$reading/ready-$users"
	fi
	start_nginx
	for sort in $sorts; do
		say "${sort^} pages, $(($(cat "$reading/$sort.bytes") / 1000000)) MB, $(curl --version | cut -d ' ' -f 1,2 | head -n 1)"
		read_pages "$sort"
		say "${sort^} pages, compressed by gzip -1 beforehand, $(($(cat "$reading/$sort-gzip.bytes") / 1000000)) MB"
		read_pages "$sort-gzip"
	done
	stop_nginx
}
