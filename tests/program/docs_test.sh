#!/usr/bin/env bash
# What README and pages show exists: commands, options, links, formats.
set -u
# shellcheck source=tests/program/library.sh
. "$(dirname "$0")/library.sh"
export LC_ALL=C.UTF-8

commands=$("$UNSTAGE" --help | awk '/^  unstage [a-z]/ { print $2 }')
for command in $commands; do
	"$UNSTAGE" "$command" --help >"help-$command"
done
pages=("$SOURCE/README.md" "$SOURCE"/docs/*.md)

# Every `unstage command …` of the pages, continued lines joined: what follows is up to a pipe or the
# end of the code.
sed -e ':a;/\\$/N;s/\\\n//;ta' "${pages[@]}" | grep -oE 'unstage [a-z][a-z]* [^`|&]*|unstage [a-z]+`' |
	sed 's/`//' | sort -u >shown

sentence "a command that a page shows with options is one, and has them"
at_least "commands shown" 20 "$(wc -l <shown)"
tried=0
while read -r _ command words; do
	options=$(grep -oE '(^| )--[a-z-]+' <<<"$words" | tr -d ' ')
	[ -n "$options" ] || continue
	if [ ! -f "help-$command" ]; then
		wrong "there is no command: unstage $command $words"
		continue
	fi
	for option in $options; do
		tried=$((tried + 1))
		grep -qE -- "^  .{3} $option( |$)" "help-$command" || wrong "unstage $command has no $option"
	done
done <shown
at_least "options tried" 20 "$tried"

sentence "the README names every command"
for command in $commands; do
	grep -qE "unstage $command|\./dev $command|\`$command\`" "$SOURCE/README.md" || wrong "no word of $command"
done

sentence "every format that the program writes or reads is on a page"
folders=(auth base cli directory graph imports net reconcile rollback simulator snapshots)
[ ! -d "$SOURCE/report" ] || folders+=(report)
# simulator/1 is no format: the seed of a simulated tenant's names begins with it.
formats=$(cd "$SOURCE" && grep -rhoE 'unstage-[a-z-]+/1' --include='*.c' --include='*.h' "${folders[@]}" |
	grep -v '^unstage-simulator/' | sort -u)
at_least "formats" 20 "$(wc -w <<<"$formats")"
for format in $formats; do
	grep -qFw -- "$format" "${pages[@]}" || wrong "$format is on no page"
done

sentence "links lead to files, and to headings in them"
links=0
for page in "${pages[@]}"; do
	while read -r link; do
		links=$((links + 1))
		file=$(dirname "$page")/${link%%#*}
		[ "${link%%#*}" != "" ] || file=$page
		[ -e "$file" ] || { wrong "${page##*/}: $link leads nowhere"; continue; }
		[[ $link == *#* ]] || continue
		sed -nE 's/^#+ //p' "$file" | tr '[:upper:]' '[:lower:]' | sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g' |
			grep -qxF -- "${link#*#}" || wrong "${page##*/}: no heading for $link"
	done < <(grep -oE '\]\([^)]+\)' "$page" | sed -e 's/^](//' -e 's/)$//' | grep -v '^https\?:')
done
at_least "links" 20 "$links"

finish
