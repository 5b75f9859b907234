#!/usr/bin/env bash
# The command line by itself: help, usage errors, exit statuses, JSON errors, and what becomes of an
# answer that nobody can take. No network, no tenant, no configuration.
set -u
# shellcheck source=tests/program/library.sh
. "$(dirname "$0")/library.sh"
export LC_ALL=C.UTF-8

require_tools jq zstd
snapshot=$SOURCE/tests/data/snapshots/tiny.jsonl.zst
object=0a000000-0000-4000-8000-000000000003
there "$snapshot" || give_up

commands=$("$UNSTAGE" --help | awk '/^  unstage [a-z]/ { print $2 }')

# Nothing around it: no HOME, no PATH, no terminal.
bare=(env -i "$UNSTAGE")

# No line of what was answered is wider than a terminal.
narrow() {
	local widest
	widest=$(wc -L <"$work/stdout")
	[ "$widest" -le 80 ] || wrong "a line of $widest columns: $(grep -E '.{81}' "$work/stdout")"
}

# usage WORDS COMMAND...: refused with 2, says WORDS, answers nothing.
usage() {
	local words=$1
	shift
	expect 2 "$UNSTAGE" "$@" && said "$words"
	same "what it answered" "" "$(cat "$work/stdout")"
}

# json_error STATUS KIND COMMAND...: an error that a program can read, and nothing else.
json_error() {
	local status=$1 kind=$2
	shift 2
	expect "$status" "$UNSTAGE" "$@"
	jq -e --argjson status "$status" --arg kind "$kind" '.format == "unstage-error/1" and
		.error.status == $status and .error.kind == $kind and (.error.text | length > 0)' \
		<"$work/stderr" >"$work/verdict" 2>&1 ||
		wrong "stderr was to be an error of kind $kind in JSON: $(cat "$work/stderr")"
	same "documents on stderr" 1 "$(jq -s length <"$work/stderr")"
	same "what it answered" "" "$(cat "$work/stdout")"
}

# ---- help ---------------------------------------------------------------------------------------

sentence "help lists every command there is within 80 columns"
expect 0 "$UNSTAGE" --help
narrow
in_tables=$(sed -n '/\[\] = {/,/^}/p' "$SOURCE/cli/commands.c" "$SOURCE/online/online.c" |
	grep -o '&command_[a-z]*' | tr -d '&' | sort)
same "commands" "$in_tables" "$(for command in $commands; do echo "command_$command"; done | sort)"
at_least "commands" 10 "$(wc -w <<<"$commands")"
cp "$work/stdout" "$work/listed"
expect 0 "$UNSTAGE" help
same "the same by another word" "$(cat "$work/listed")" "$(cat "$work/stdout")"
expect 0 "$UNSTAGE" -h
same "the same by a letter" "$(cat "$work/listed")" "$(cat "$work/stdout")"

sentence "no command is a mistake, and the list is the help for it"
expect 2 "$UNSTAGE"
same "what it says" "$(cat "$work/listed")" "$(cat "$work/stderr")"
same "what it answered" "" "$(cat "$work/stdout")"

sentence "the version is one line"
expect 0 "$UNSTAGE" --version
grep -qxE 'unstage [0-9]+\.[0-9]+\.[0-9]+' "$work/stdout" || wrong "it is: $(cat "$work/stdout")"

# The long names in a command's table, as its source has them.
options_in_source() { # COMMAND
	local file=$SOURCE/cli/$1.c

	[ -e "$file" ] || file=$SOURCE/online/$1.c
	tr '\n\t' '  ' <"$file" | grep -oE '(\{|FAULT\() *"[a-z-]+", *[^}]*OPTION_|FAULT\( *"[a-z-]+"' |
		grep -oE '"[a-z-]+"' | tr -d '"'
	for macro in OPTIONS_COMMON OPTION_OUTPUT OPTIONS_COMPARISON; do
		grep -q "$macro(struct" "$file" && sed -n "/define $macro/,/^$/p" "$SOURCE/cli/cli.h" |
			grep -oE '"[a-z-]+", *'"'" | grep -oE '[a-z-]{2,}'
	done
}

for command in $commands; do
	sentence "help of $command names every option within 80 columns"
	expect 0 "$UNSTAGE" "$command" --help
	narrow
	cp "$work/stdout" "$work/help"
	same "options" "$(options_in_source "$command" | sort)" \
		"$(grep -oE '^  (-[a-zA-Z],|   ) --[a-z-]+' "$work/help" | grep -oE '[a-z-]{3,}$' |
			sed 's/^--//' | grep -vx help | sort)"
	same "letters used twice" "" "$(grep -oE '^  -[a-zA-Z],' "$work/help" | sort | uniq -d)"
	expect 0 "$UNSTAGE" "$command" -h
	same "by a letter" "$(cat "$work/help")" "$(cat "$work/stdout")"
done

# ---- mistakes -----------------------------------------------------------------------------------

sentence "an unknown command is named, and the way to the list"
usage "there is no command 'snapshit'; see: unstage --help" snapshit
usage "there is no command ''" ''
usage "there is no command '--verbose'" --verbose

for command in $commands; do
	sentence "$command refuses what its table does not have, and says where help is"
	usage "$command: there is no option '--no-such'; see: unstage $command --help" "$command" --no-such
	usage "$command: there is no option '--no-such=1'" "$command" --no-such=1
	usage "$command: there is no option '-?'" "$command" '-?'
	# More than any command takes.
	usage "is one word too many; usage: unstage $command" "$command" w{1..33}
	said "unstage: $command: "
	least=$("$UNSTAGE" "$command" --help | head -n 1 | sed 's/\[[^]]*\]//g' | wc -w)
	[ "$least" -le 2 ] || usage "$command: words are missing; usage: unstage $command" "$command"
done

for command in $commands; do
	sentence "$command says which option lacks its value, or has one too much"
	"$UNSTAGE" "$command" --help | grep -E '^  (-[a-zA-Z],|   ) --' | sed 's/^    /- /' |
		while read -r letter name value _; do
			letter=${letter%,}
			case $value in
			[A-Z]*[A-Z] | N) echo "value $letter $name $value" ;;
			*) echo "flag $letter $name" ;;
			esac
		done >"$work/options"
	while read -r kind letter name value; do
		[ "$name" != --help ] || continue
		if [ "$kind" = flag ]; then
			usage "$command: $name takes no value" "$command" "$name=1"
			continue
		fi
		usage "$command: $name wants $value" "$command" "$name"
		[ "$letter" = - ] || usage "$command: $name wants $value" "$command" "$letter"
		[ "$value" != N ] || usage "$command: $name takes a whole number, not '1x'" "$command" "$name" 1x
	done <"$work/options"
done

sentence "a number is a number"
for number in '' -1 1.5 0x10 1e3 ' 1' 99999999999999999999; do
	usage "plan: --expires takes a whole number, not '$number'" plan a b --expires "$number"
done

sentence "after -- nothing is an option"
expect 9 "$UNSTAGE" show -- --json && said "unstage: --json: can't open"
usage "diff: '--json' is one word too many" diff -- a b --json
usage "there is no option '-x'" show -x
expect 9 "$UNSTAGE" show -- -x && said "unstage: -x: can't open"
expect 9 "$UNSTAGE" show - && said "unstage: -: can't open"

sentence "what a hostile argument holds is shown, and does nothing to the terminal"
usage "no command 'a\\x1b[2J\\n\\u{202e}'" $'a\e[2J\n\u202e'
expect 9 "$UNSTAGE" show $'\e]0;x\a\xff' && said '\x1b]0;x\x07\xff: can'\''t open'
same "bytes below a blank" "" "$(tr -d '[:print:]\n' <"$work/stderr" | od -An -tx1)"

# ---- exit statuses, and errors as JSON -----------------------------------------------------------

sentence "every error can be had as JSON, with its exit status"
echo "not a snapshot" >garbage
zstd -q -o garbage.zst garbage
json_error 2 usage nosuch --json
json_error 2 usage nosuch -j
json_error 2 usage show --json --no-such
json_error 2 usage show --no-such -j
json_error 2 usage diff --json one
json_error 2 usage snapshot --json "$snapshot"
json_error 2 usage show --json production
json_error 2 usage forget --json
json_error 2 usage diff --json "$snapshot" "$snapshot" --verdict nosuch
json_error 2 usage show --json "$snapshot" 00000000-0000-4000-8000-000000000000
json_error 9 system show --json nowhere
json_error 9 system verify nowhere --json
json_error 9 system diff nowhere "$snapshot" -j
json_error 9 system sign nowhere --json
json_error 9 system show --json $'no\xffutf8'
json_error 9 system show "$snapshot" --json --output nowhere/answer
json_error 7 format show --json garbage
json_error 7 format verify --json garbage.zst
json_error 7 format diff --json garbage.zst "$snapshot"
json_error 7 format diff --json "$snapshot" "$snapshot" --evidence garbage
absent nowhere

sentence "where nobody asked for JSON, an error is one line"
expect 7 "$UNSTAGE" show garbage
same "lines" 1 "$(wc -l <"$work/stderr")"
grep -q '^unstage: garbage: ' "$work/stderr" || wrong "it is: $(cat "$work/stderr")"

# ---- without any configuration -------------------------------------------------------------------

sentence "what needs no network needs no configuration and no environment either"
expect 0 "${bare[@]}" show "$snapshot" && answered "identity"
expect 0 "${bare[@]}" show --json "$snapshot"
identity=$(jq -r .identity "$work/stdout")
grep -qxE '[0-9a-f]{64}' <<<"$identity" || wrong "the identity is: $identity"
expect 0 "${bare[@]}" show "$snapshot" "$object" && answered '"displayName":"Max"'
expect 0 "${bare[@]}" verify "$snapshot" && answered "$identity"
expect 0 "${bare[@]}" verify --json "$snapshot"
same "what it verified" "$identity" "$(jq -r .identity "$work/stdout")"
expect 0 "${bare[@]}" keygen --no-password
there unstage.pub unstage.key
same "mode of the secret key" 600 "$(stat -c %a unstage.key)"
expect 2 "${bare[@]}" find "$snapshot" "$snapshot" && said "--evidence"

# Its quarantined address is a conflict, which stands alone; nothing differs.
sentence "a snapshot does not differ from itself"
"${bare[@]}" diff "$snapshot" "$snapshot" --json >"$work/stdout" 2>"$work/stderr"
status=$?
same "what differs" "" "$(jq -c 'select(.verdict and (.conflict | not))' "$work/stdout")"
findings=$(jq 'select(.end).findings' "$work/stdout")
same "status, with $findings findings" "$((findings > 0))" "$status"
"${bare[@]}" diff "$snapshot" "$snapshot" >"$work/stdout" 2>"$work/stderr"
same "status without --json" "$status" "$?"

sentence "a profile that somebody names has to be there"
expect 9 "${bare[@]}" diff "$snapshot" "$snapshot" --profile nosuch && said "/.config/unstage/config"
printf '[one]\ntenant = x\n' >config
expect 2 env -i UNSTAGE_CONFIG=config "$UNSTAGE" diff "$snapshot" "$snapshot" --profile nosuch
said "config has no section [nosuch]"

# ---- the answer ----------------------------------------------------------------------------------

sentence "an answer goes to a file whole, and stdout stays empty"
expect 0 "$UNSTAGE" show "$snapshot" --output answer
same "stdout" "" "$(cat "$work/stdout")"
same "the answer" "$("$UNSTAGE" show "$snapshot")" "$(cat answer)"
expect 9 "$UNSTAGE" show "$snapshot" --output nowhere/answer && said "nowhere/answer"
mkfifo pipe
expect 9 "$UNSTAGE" show "$snapshot" --output pipe && said "no regular file"
[ -p pipe ] || wrong "the pipe is gone"

sentence "colour comes only when it is asked for, and never into a file"
has_escape() { grep -q $'\e' "$1"; }
expect 0 "$UNSTAGE" show "$snapshot"
! has_escape "$work/stdout" || wrong "colour without a terminal"
expect 0 env CLICOLOR_FORCE=1 "$UNSTAGE" show "$snapshot"
has_escape "$work/stdout" || wrong "CLICOLOR_FORCE=1 was to force colour"
expect 0 env CLICOLOR_FORCE=0 "$UNSTAGE" show "$snapshot"
! has_escape "$work/stdout" || wrong "CLICOLOR_FORCE=0 forces nothing"
expect 0 env CLICOLOR_FORCE=1 NO_COLOR=1 "$UNSTAGE" show "$snapshot"
! has_escape "$work/stdout" || wrong "NO_COLOR was to win"
expect 0 env CLICOLOR_FORCE=1 "$UNSTAGE" show --json "$snapshot"
! has_escape "$work/stdout" || wrong "colour in JSON"
expect 0 env CLICOLOR_FORCE=1 "$UNSTAGE" show "$snapshot" --output coloured
! has_escape coloured || wrong "colour in a file"

# closed STATUS REDIRECTION COMMAND...: with a standard file closed, or a disk that is full.
closed() {
	local expected=$1 redirection=$2
	shift 2
	expect "$expected" bash -c "\"\$@\" $redirection" - "$UNSTAGE" "$@"
}

sentence "an answer that nobody can take is a failure of this machine"
for redirection in '>&-' '>/dev/full' '<&- >&-'; do
	closed 9 "$redirection" --version && said "can't write to stdout"
	closed 9 "$redirection" --help && said "can't write to stdout"
	closed 9 "$redirection" help && said "can't write to stdout"
	for command in $commands; do
		closed 9 "$redirection" "$command" --help && said "can't write to stdout"
	done
	closed 9 "$redirection" show "$snapshot" && said "can't write to stdout"
	closed 9 "$redirection" show --json "$snapshot"
	jq -e '.error.kind == "system"' <"$work/stderr" >/dev/null || wrong "that was to be JSON"
	closed 9 "$redirection" verify "$snapshot" && said "can't write to stdout"
	closed 9 "$redirection" diff "$snapshot" "$snapshot" && said "can't write to stdout"
done
closed 9 '>&- 2>&-' --version
closed 9 '<&- >&- 2>&-' show "$snapshot"
closed 9 '2>&-' show nowhere
closed 2 '2>&-' nosuch

sentence "what a command reads is not lost under what it writes: 2, and it stays as it was"
cp "$snapshot" read.zst
ln read.zst linked.zst
expect 2 "$UNSTAGE" show read.zst --output read.zst && said "would be lost"
expect 2 "$UNSTAGE" show read.zst --output ./linked.zst && said "would be lost"
expect 2 "$UNSTAGE" undo read.zst --output read.zst
expect 2 "$UNSTAGE" plan "$snapshot" "$snapshot" --evidence read.zst --output read.zst && said "would be lost"
same "what was read" "$(sha256sum <"$snapshot")" "$(sha256sum <read.zst)"

# unread COMMAND...: the reader of its answer is gone before it begins.
unread() {
	(sleep 0.2 && exec "$UNSTAGE" "$@") 2>"$work/stderr" | :
	same "status of $*" 141 "${PIPESTATUS[0]}"
	same "what $* says" "" "$(cat "$work/stderr")"
}

sentence "whoever reads no further ends it as other programs end: by the signal, without a word"
unread --version
unread diff --help
unread show "$snapshot"
unread show --json "$snapshot"
unread verify "$snapshot"

sentence "a file that is written is not mixed with what stdout would have got"
closed 0 '<&- >&- 2>&-' show "$snapshot" --output closed
same "the answer" "$(cat answer)" "$(cat closed)"
closed 9 '<&- >&- 2>&-' keygen --no-password --public-key c.pub --secret-key c.key
there c.pub c.key
same "lines of the public key" 2 "$(wc -l <c.pub)"

finish
