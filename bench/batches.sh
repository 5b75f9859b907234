# Batches of twenty against a service that is nothing but latency (batchd.mjs), for run.sh: how much of
# 20 x k / L a second our engine and Microsoft's client reach with k batches under way, what it costs the processor,
# and how much of a third of that a whole apply does. The service has no quota, and ours is not kept.

batches=$work/batches
batches_port=18447
batches_runs=3
batches_latencies_ms="50 200"
batches_changes=9600 # thirty rounds of sixteen batches
batches_at_once=16   # GRAPH_CALLS_MAX, APPLY_BATCHES_MAX
batchd_pid=

stop_batchd() {
	[ -n "$batchd_pid" ] || return 0
	kill "$batchd_pid" 2>/dev/null || true
	wait "$batchd_pid" || true
	batchd_pid=
}

# start_batchd LATENCY_MS
start_batchd() {
	local tenths=0
	! answers $batches_port || fail "something listens on port $batches_port"
	trap stop_batchd EXIT
	node "$here/batchd.mjs" $batches_port "$1" "$batches/key.pem" "$batches/cert.pem" >"$batches/log" 2>&1 &
	batchd_pid=$!
	until answers $batches_port; do
		kill -0 "$batchd_pid" 2>/dev/null && [ "$((tenths += 1))" -lt "$start_limit_tenths" ] ||
			fail "batchd.mjs does not start ($batches/log)"
		sleep 0.1
	done
}

# batches_once NAME COUNT COMMAND...: adds what it says of itself to the runs of that name
batches_once() {
	local name=$1 count=$2
	shift 2
	"$@" >"$batches/out" 2>"$batches/errors" || fail "this does not work: $* ($batches/errors)"
	[ "$(jq .done "$batches/out")" = "$count" ] || fail "$name did not do $count: $(cat "$batches/out")"
	cat "$batches/out" >>"$batches/$name.runs"
}

# batches_median NAME FIELD
batches_median() { jq -s "map(.$2) | sort | .[length / 2 | floor]" "$batches/$1.runs"; }

# batches_row NAME TITLE COUNT LATENCY_MS REQUESTS_EACH
batches_row() {
	local seconds processor most
	seconds=$(batches_median "$1" seconds)
	processor=$(batches_median "$1" processor)
	most="20 * $batches_at_once * 1000 / $4 / $5"
	row "$2" "$seconds" "$(jq -rn "$3 / $seconds | round")/s of $(jq -rn "$most | round")/s" \
		"$(jq -rn "$3 / $seconds / ($most) * 1000 | round / 10") %, processor $(jq -rn "$processor / $3 * 1e7 | round / 10") us each"
}

# batches_with LATENCY_MS: its runs, and the rows of what was run
batches_with() {
	local run latency=$1 origin=https://localhost:$batches_port ours sdk folder=$batches/apply
	local measured=$((batches_changes - batches_changes / 4)) # an apply's start is not
	ours=("$work/bench_batch" $origin "$batches/cert.pem")
	sdk=(env NODE_EXTRA_CA_CERTS="$batches/cert.pem" node "$work/peers/sdkbatch.mjs" $origin)
	rm -f "$batches"/*.runs
	for ((run = 0; run < batches_runs; run++)); do
		start_batchd "$latency" # it remembers who was changed
		rm -rf "$folder"
		mkdir -m 700 "$folder"
		batches_once apply "$measured" "${ours[@]}" apply "$batches_changes" $batches_at_once "$folder"
		batches_once writes "$batches_changes" "${ours[@]}" write "$batches_changes" $batches_at_once
		batches_once reads "$batches_changes" "${ours[@]}" read "$batches_changes" $batches_at_once
		[ -z "$have_sdk" ] || batches_once sdk "$batches_changes" "${sdk[@]}" "$batches_changes" $batches_at_once
		stop_batchd
	done
	say "$batches_at_once under way, each answered after $latency ms"
	batches_row writes "our changes" "$batches_changes" "$latency" 1
	[ ! -f "$batches/sdk.runs" ] || batches_row sdk "graph-client" "$batches_changes" "$latency" 1
	batches_row reads "our reads" "$batches_changes" "$latency" 1
	batches_row apply "a whole apply" "$measured" "$latency" 3
}

measure_batches() {
	local latency
	say
	say "Batches of 20: median of $batches_runs runs in turn; of what latency allows"
	command -v openssl >/dev/null || { say "  left out: there is no openssl here"; return; }
	rm -rf "$batches"
	mkdir -p "$batches"
	make_certificate "$batches"
	for latency in $batches_latencies_ms; do
		batches_with "$latency"
	done
}
