#!/usr/bin/env bash
# Man pages from what the program says itself: docs/man.sh UNSTAGE FOLDER
#
# `--help` is printed from the one table of options that a command has, so a page made of it can't say
# anything else. Exit status and files are the README's and docs/CONFIGURATION.md's words. ./dev man makes them into build/man.
set -euo pipefail

unstage=${1:?usage: docs/man.sh UNSTAGE FOLDER}
folder=${2:?usage: docs/man.sh UNSTAGE FOLDER}
docs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Text that roff prints as it stands, whatever it begins with.
plain() {
	sed -e 's/\\/\\e/g' -e 's/`/\\(ga/g' -e "s/'/\\\\(aq/g" -e 's/^\./\\\&./' -e 's/-/\\-/g'
}

head_of() { # NAME SUMMARY
	printf '.Dd $Mdocdate$\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n' "${1^^}" "$1" "$(plain <<<"$2")"
}

# Paragraphs as they are; lines that are indented or lists keep their shape.
paragraphs() {
	printf '.Bd -literal\n'
	plain
	printf '.Ed\n'
}

exit_status() {
	printf '.Sh EXIT STATUS\n.Bl -tag -width 3n\n'
	sed -n '/^## Exit status/,/^## What/s/^| \([0-9]\) | \(.*\) |$/\1 \2/p' "$docs/../README.md" |
		while read -r status words; do
			printf '.It %s\n%s\n' "$status" "$(plain <<<"$words")"
		done
	printf '.El\n'
}

page_of() { # COMMAND
	local help usage summary options details
	help=$("$unstage" "$1" --help)
	usage=$(sed -n 1p <<<"$help")
	summary=$(sed -n '3s/^  //p' <<<"$help")
	options=$(sed -n '5,$p' <<<"$help" | sed '/^$/,$d')
	details=$(sed -n '5,$p' <<<"$help" | sed '1,/^$/d')
	[ -n "$summary" ] && [ -n "$options" ] || { echo "man.sh: no help of $1" >&2; return 1; }
	head_of "unstage-$1" "$summary"
	printf '.Sh SYNOPSIS\n.Nm unstage %s\n' "$1"
	usage=${usage#"unstage $1"}
	usage=${usage% \[options\]}
	printf '.Op options\n'
	[ -z "$usage" ] || printf '.No %s\n' "$(plain <<<"${usage# }")"
	printf '.Sh DESCRIPTION\n'
	[ -z "$details" ] && printf '%s.\n' "$(plain <<<"$summary")" || paragraphs <<<"$details"
	printf '.Sh OPTIONS\n.Bl -tag -width Ds\n'
	# "  -o, --output FILE          words": letter or none, name, value or none, two blanks or more, words.
	while IFS= read -r line; do
		if [[ $line =~ ^\ \ (-.,|\ \ \ )\ (--[a-z-]+)(\ ([A-Z]+))?\ +(.*)$ ]]; then
			printf '.It Sy %s%s%s\n%s\n' "$([ "${BASH_REMATCH[1]}" = '   ' ] || plain <<<"${BASH_REMATCH[1]} ")" \
				"$(plain <<<"${BASH_REMATCH[2]}")" "${BASH_REMATCH[4]:+ Ar ${BASH_REMATCH[4]}}" \
				"$(plain <<<"${BASH_REMATCH[5]}")"
		else
			echo "man.sh: $1: not an option: $line" >&2
			return 1
		fi
	done <<<"$options"
	printf '.El\n'
	exit_status
	printf '.Sh SEE ALSO\n.Xr unstage 1\n'
}

main_page() {
	head_of unstage "undoes what an Entra Connect staging server did by accident"
	printf '.Sh SYNOPSIS\n.Nm unstage\n.Ar command\n.Op options\n.Nm unstage\n.Ar command\n.Fl \\-help\n'
	printf '.Sh DESCRIPTION\n.Bl -tag -width Ds\n'
	"$unstage" --help | sed -n 's/^  unstage \([a-z]*\)  *\(.*\)$/\1 \2/p' | while read -r name summary; do
		[ "$name" = COMMAND ] || printf '.It Xr unstage-%s 1\n%s\n' "$name" "$(plain <<<"$summary")"
	done
	printf '.El\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n'
	printf '.It Ev UNSTAGE_CONFIG\nthe configuration to read, in place of the one below\n'
	printf '.It Ev XDG_CONFIG_HOME , XDG_STATE_HOME , HOME\nwhere configuration and state are\n'
	printf '.It Ev NO_COLOR , CLICOLOR_FORCE , TERM\nwhether to use colours\n'
	printf '.It Ev CREDENTIALS_DIRECTORY , AZURE_* , IDENTITY_*\nways to sign in, where the configuration names none\n'
	printf '.El\n.Sh FILES\n.Bl -tag -width Ds\n'
	printf '.It Pa ~/.config/unstage/config\nthe profiles: a section is a tenant; chmod 600\n'
	printf '.It Pa ~/.local/state/unstage/<profile>/\nkept snapshots, journals, receipts, and the ledger of plans\n.El\n'
	exit_status
	printf '.Sh SEE ALSO\n.Xr jq 1 ,\n.Xr minisign 1 ,\n.Xr zstd 1\n'
}

mkdir -p "$folder"
main_page >"$folder/unstage.1"
"$unstage" --help | sed -n 's/^  unstage \([a-z][a-z]*\) .*/\1/p' | while read -r command; do
	page_of "$command" >"$folder/unstage-$command.1"
done
