# What the tests share that kill `apply`: a tenant as it was when the plan was signed, a run that is killed
# at a system call, and the same command again. Sourced where these are set: $told (the folder of the
# story, with template/, template.sqlite and planned), $plan, $steps and $apply_status (of a run to its end).

# fresh OPTION...: the tenant as it was when the plan was signed, and nothing applied.
fresh() {
	stop_tenant
	rm -rf run run.sqlite
	mkdir run
	cp "$told"/template/{unstage.pub,client.secret} run/
	cp "$told/template.sqlite" run.sqlite
	start_tenant run "$@"
}

apply=("$UNSTAGE" apply "$plan" --journal run/journal.sqlite --receipt run/receipt.json)

# An attempt that nobody answered is not repeated before replicas had two minutes to show it. The
# test does not wait for that: it makes the journal's intents older.
let_time_pass() {
	[ ! -e run/journal.sqlite ] ||
		sqlite3 run/journal.sqlite "UPDATE intent SET begun_ms = begun_ms - 180000"
}

# resume: the same command again. Where it waits for replicas it is killed there too, and called
# again when that time is over.
resume() {
	local pid status

	"${apply[@]}" >"$work/stdout" 2>"$work/stderr" </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null && ! grep -q replicas "$work/stderr"; do
		sleep 0.02
	done
	if grep -q replicas "$work/stderr"; then
		waits=$((waits + 1))
		kill -KILL "$pid"
		{ wait "$pid"; } 2>/dev/null
		let_time_pass
		expect "$apply_status" "${apply[@]}"
		return
	fi
	wait "$pid"
	status=$?
	same "status of the run that goes on" "$apply_status" "$status"
}

# whole: every change exactly once, and journal and receipt know it.
whole() {
	our_writes >written
	diff "$told/planned" written >differences ||
		wrong "planned (<) and written (>) differ: $(head -n 3 differences)"
	same "requests that write" "$steps" "$(writes_sent)"
	same "those that were refused" 0 "$(query 'SELECT count(*) FROM requests WHERE is_write AND status >= 400')"
	same "integrity of the journal" ok "$(sqlite3 -readonly run/journal.sqlite 'PRAGMA integrity_check')"
	same "beside the journal" run/journal.sqlite "$(echo run/journal.sqlite*)"
	same "done, by the receipt" "$steps" \
		"$(jq '[.steps[] | select(.state == "done")] | length' run/receipt.json)"
}

# killed CALL NUMBER: at the entry of this call; fails when the run ended before it came to it.
killed() {
	local status

	# The shell that runs it would tell everybody who was killed.
	(
		timeout -k 5 "$COMMAND_LIMIT_S" strace -f -qq -o /dev/null -e "trace=$1" \
			-e "inject=$1:signal=KILL:when=$2" "${apply[@]}" >"$work/stdout" 2>"$work/stderr" </dev/null
		exit $?
	) 2>/dev/null
	status=$?
	[ "$status" -eq 137 ] && return 0
	same "status of a run that was not killed" "$apply_status" "$status"
	return 1
}
