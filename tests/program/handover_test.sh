#!/usr/bin/env bash
# Two programs: `unstage` works on files and has nothing in it that talks; for what talks it becomes
# `unstage-online`, and whoever called it sees one program.
. "$(dirname "$0")/library.sh"

require_tools ldd jq strace
online=$(dirname "$UNSTAGE")/unstage-online
snapshot=$SOURCE/tests/data/snapshots/tiny.jsonl.zst
there "$online" "$snapshot" || give_up
talking="doctor snapshot evidence rehearse apply status demo simulate"
# The leak sanitizer can't work under strace.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

# ---- what is in them ----------------------------------------------------------------------------

sentence "what works on files loads no library that talks, itself or by another one"
ldd "$UNSTAGE" >loaded || give_up
same "libraries that talk" "" \
	"$(grep -oE 'lib(curl|microhttpd|ssl|crypto|gnutls|nghttp2|ssh2|ldap|krb5|rtmp|psl)[^ ]*' loaded)"
ldd "$online" | grep -q libcurl || wrong "this test looks for names that libraries do not have"

# restricted COMMAND...: how it began, seen by the system.
restricted() {
	strace -qq -s 200 -e trace=umask,prlimit64,prctl,execve -o calls "$@" >/dev/null 2>&1
	for call in 'umask(077)' 'prlimit64(0, RLIMIT_CORE, {rlim_cur=0, rlim_max=0}' \
		'prctl(PR_SET_NO_NEW_PRIVS, 1' 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE'; do
		grep -qF -e "$call" calls || wrong "$* began without $call"
	done
}

sentence "both begin without core files, debuggers, new privileges, or files for others"
if strace -qq -o /dev/null true 2>/dev/null && ! grep -q libasan loaded; then
	restricted "$UNSTAGE" show "$snapshot"
	restricted "$online" show "$snapshot"
	restricted "$UNSTAGE" snapshot --help
	same "programs that began" 2 "$(grep -c 'execve(.*= 0$' calls)"
	same "times that debuggers were forbidden" 2 "$(grep -c PR_SET_DUMPABLE calls)"
fi

# ---- one program, for whoever calls it ----------------------------------------------------------

for command in $talking; do
	sentence "$command answers and refuses as if it were in the program that was called"
	expect 0 "$UNSTAGE" "$command" --help
	cp stdout help
	expect 0 "$online" "$command" --help
	same "the help" "$(cat help)" "$(cat stdout)"
	expect 2 "$UNSTAGE" "$command" --no-such && said "$command: there is no option '--no-such'"
	(sleep 0.1 && exec "$UNSTAGE" "$command" --help) 2>stderr | :
	same "status where nobody reads" 141 "${PIPESTATUS[0]}"
	same "what it says then" "" "$(cat stderr)"
done

sentence "it is the same process, called as it was called"
"$UNSTAGE" simulate --folder simulated --users 300 --groups 40 --contacts 4 >served 2>&1 < <(exec sleep 60) &
pid=$!
for _ in $(seq 400); do
	grep -q UNSTAGE_CONFIG served && break
	sleep 0.02
done
same "the words" "$UNSTAGE simulate" "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1,2)"
same "the program" "$(realpath "$online")" "$(readlink "/proc/$pid/exe")"
sentence "a signal ends it as it ends the command"
kill -TERM "$pid"
wait "$pid"
same "status" 0 $?

# A program in the other's place, which tells what it was given.
mkdir -p fake/bin other
cp "$UNSTAGE" fake/bin/unstage
cat >fake/bin/unstage-online <<'SCRIPT'
#!/bin/bash
printf '<%s>' "$@"
echo
env
[ "$2" != interrupt ] || kill -INT $$
exit 42
SCRIPT
chmod +x fake/bin/unstage-online

sentence "arguments come as they were typed, also empty ones; the status is the other's"
expect 42 fake/bin/unstage snapshot "" "a b" --output='*' -- --help
same "arguments" "<snapshot><><a b><--output=*><--><--help>" "$(head -n 1 stdout)"

sentence "the environment comes cut down, and with the version"
expect 42 env SSLKEYLOGFILE=keys LD_LIBRARY_PATH=/x https_proxy=http://127.0.0.1:1 AZURE_CLIENT_ID=me \
	fake/bin/unstage snapshot
! grep -E '^(SSLKEYLOGFILE|LD_|https_proxy)' stdout || wrong "a variable was passed on"
answered "AZURE_CLIENT_ID=me"
answered "UNSTAGE_HANDOVER=$("$UNSTAGE" --version | cut -d' ' -f2)"

sentence "an interrupt is not held off"
expect 130 bash -c 'fake/bin/unstage snapshot interrupt; exit $?'

sentence "a comparison with live talks, and one with files does not"
for command in "diff $snapshot live" "find @latest @live" "plan $snapshot live" "conflicts live" "who a@b.c live"; do
	# shellcheck disable=SC2086 # words
	expect 42 fake/bin/unstage $command
done
expect 1 fake/bin/unstage diff "$snapshot" "$snapshot" && answered "1 drift"
expect 0 fake/bin/unstage diff "$snapshot" live --help && answered "unstage diff BASE LIVE"
expect 2 fake/bin/unstage show live && said "taken only where two are compared"

# ---- where it is, and where it is not -----------------------------------------------------------

sentence "it is found beside the program, however that was called, or in libexec"
mkdir -p installed/bin installed/libexec/unstage links
cp "$UNSTAGE" installed/bin/unstage
cp fake/bin/unstage-online installed/libexec/unstage/
ln -s ../installed/bin/unstage links/unstage
expect 42 installed/bin/unstage snapshot
expect 42 links/unstage snapshot
(cd other && expect 42 env PATH="../links:$PATH" unstage snapshot)
expect 42 bash -c 'exec -a somewhere/else "$0" snapshot' installed/bin/unstage

sentence "without it, what works on files works, and the rest says what is missing and where"
mkdir alone
cp "$UNSTAGE" alone/unstage
expect 0 alone/unstage --help && answered "unstage snapshot "
expect 0 alone/unstage show "$snapshot"
expect 0 alone/unstage verify "$snapshot"
for command in snapshot "apply plan.json" "diff $snapshot live"; do
	# shellcheck disable=SC2086 # words
	expect 9 alone/unstage $command
	said "unstage ${command%% *} needs the program unstage-online, which is neither in $(realpath alone) nor in"
	said "alone/../libexec/unstage; install it there"
done
expect 9 alone/unstage snapshot --json
same "as JSON" "system 9" "$(jq -r '"\(.error.kind) \(.error.status)"' <stderr)"

sentence "one that can't be run is named"
mkdir alone/unstage-online
expect 9 alone/unstage snapshot && said "alone/unstage-online: can't run it: Permission denied"
rmdir alone/unstage-online

sentence "one of another version is refused, and so is the same program in its place"
expect 0 env UNSTAGE_HANDOVER="$("$UNSTAGE" --version | cut -d' ' -f2)" "$online" snapshot --help
expect 9 env UNSTAGE_HANDOVER=0.0.9 "$online" snapshot --help
said "unstage is version 0.0.9, and the unstage-online that it found is $("$UNSTAGE" --version | cut -d' ' -f2)"
cp "$UNSTAGE" alone/unstage-online
expect 9 alone/unstage snapshot && said "is unstage itself"

finish
