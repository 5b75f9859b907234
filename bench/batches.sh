# Batches of twenty against a service that is nothing but latency (batchd.mjs), for run.sh: how much of
# 20 x k / L a second our engine and Microsoft's client reach, and what it costs the processor. As many as
# the published quota lets out without a pause: beyond it no client is faster than the quota.

batches=$work/batches
batches_port=18447
batches_latency_ms=50
batches_runs=5
batches_reads=3360 # of 3,500 resource units in 10 s
batches_writes=600 # of the burst; then 20 a second
batches_at_once=12 # GRAPH_CALLS_MAX
batchd_pid=

stop_batchd() {
	[ -n "$batchd_pid" ] || return 0
	kill "$batchd_pid" 2>/dev/null || true
	wait "$batchd_pid" || true
	batchd_pid=
}

start_batchd() {
	local tenths=0
	! answers $batches_port || fail "something listens on port $batches_port"
	trap stop_batchd EXIT
	node "$here/batchd.mjs" $batches_port $batches_latency_ms "$batches/key.pem" "$batches/cert.pem" >"$batches/log" 2>&1 &
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

# batches_row NAME TITLE COUNT AT_ONCE
batches_row() {
	local seconds processor
	seconds=$(batches_median "$1" seconds)
	processor=$(batches_median "$1" processor)
	row "$2" "$seconds" "$(jq -rn "$3 / $seconds | round")/s of $((20 * $4 * 1000 / batches_latency_ms))/s" \
		"$(jq -rn "$3 / $seconds / (20 * $4 * 1000 / $batches_latency_ms) * 1000 | round / 10") %, processor $(jq -rn "$processor / $3 * 1e7 | round / 10") us each"
}

measure_batches() {
	local run ours sdk origin=https://localhost:$batches_port
	say
	say "Batches of 20, answered after $batches_latency_ms ms: median of $batches_runs runs in turn"
	command -v openssl >/dev/null || { say "  left out: there is no openssl here"; return; }
	rm -rf "$batches"
	mkdir -p "$batches"
	make_certificate "$batches"
	start_batchd
	ours=("$work/bench_batch" $origin "$batches/cert.pem")
	sdk=(env NODE_EXTRA_CA_CERTS="$batches/cert.pem" node "$work/peers/sdkbatch.mjs" $origin)
	for ((run = 0; run < batches_runs; run++)); do
		batches_once reads $batches_reads "${ours[@]}" read $batches_reads
		batches_once writes $batches_writes "${ours[@]}" write $batches_writes
		[ -n "$have_sdk" ] || continue
		batches_once sdk-many $batches_reads "${sdk[@]}" $batches_reads $batches_at_once
		batches_once sdk-one $batches_writes "${sdk[@]}" $batches_writes 1
	done
	stop_batchd
	say "$batches_at_once under way at once"
	batches_row reads "our reads" $batches_reads $batches_at_once
	[ -z "$have_sdk" ] || batches_row sdk-many "graph-client" $batches_reads $batches_at_once
	say "One after another, as changes are sent"
	batches_row writes "our changes" $batches_writes 1
	[ -z "$have_sdk" ] || batches_row sdk-one "graph-client" $batches_writes 1
}
