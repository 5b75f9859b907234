#!/usr/bin/env bash
# The man pages say what the program's own tables say, and mandoc finds nothing to mend in them.
set -u
# shellcheck source=tests/program/library.sh
. "$(dirname "$0")/library.sh"
export LC_ALL=C.UTF-8

require_tools mandoc

# The words of a text, one a line, without blanks and line breaks taking part.
words() {
	tr -s ' \t\n' '\n\n\n' | sed '/^$/d'
}

# page NAME: as it stands on a screen, without the overstriking.
page() {
	mandoc -T utf8 -O width=200 "man/$1.1" | sed -e 's/.\x08//g'
}

sentence "there is a page for the program, and one for each command"
expect 0 bash "$SOURCE/docs/man.sh" "$UNSTAGE" man
commands=$("$UNSTAGE" --help | awk '/^  unstage [a-z]/ { print $2 }')
at_least "commands" 10 "$(wc -w <<<"$commands")"
same "pages" "$( (echo unstage.1; for command in $commands; do echo "unstage-$command.1"; done) | sort)" \
	"$(ls man | sort)"

sentence "mandoc has nothing to say against them"
expect 0 mandoc -T lint -W warning man/*.1

sentence "each page has its command's options and paragraphs, word for word"
for command in $commands; do
	"$UNSTAGE" "$command" --help >help
	page "unstage-$command" >shown
	sed -n '5,$p' help | sed '/^$/,$d' | sed -E 's/^  (-.,)? *//' | words >wanted
	at_least "words about options of $command" 4 "$(wc -l <wanted)"
	sed -n '/^OPTIONS/,/^EXIT STATUS/p' shown | sed '1d;$d' | sed -E 's/^ +(-.,) /     /' | words >found
	same "options of $command" "$(cat wanted)" "$(cat found)"
	sed -n '5,$p' help | sed '1,/^$/d' | words >wanted
	[ -s wanted ] || sed -n 3p help | sed 's/$/./' | words >wanted
	sed -n '/^DESCRIPTION/,/^OPTIONS/p' shown | sed '1d;$d' | words >found
	same "paragraphs of $command" "$(cat wanted)" "$(cat found)"
done

sentence "the program's page lists the commands, and what exit statuses mean"
page unstage >shown
for command in $commands; do
	grep -q "unstage-$command(1)" shown || wrong "no word of $command"
done
same "exit statuses" "0 1 2 3 4 5 6 7 8 9" \
	"$(sed -n '/^EXIT STATUS/,/^SEE ALSO/p' shown | grep -oE '^ +[0-9]' | tr -d ' ' | xargs)"

sentence "a help that has another shape is refused, and no page left out"
printf '#!/bin/sh\n[ "$1" = --help ] && echo "  unstage odd  an odd one" || printf "unstage odd\\n\\n  odd\\n\\n  an option\\n"\n' >odd
chmod +x odd
expect 1 bash "$SOURCE/docs/man.sh" ./odd elsewhere && said "not an option"

finish
