#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The forms of submit files and of the command line, as people who come from HTCondor write them:
# what a dry run makes of them, and that a real pool gives its tasks the same.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# arguments [OPTION...]: those of all tasks of a dry run, one a line.
arguments()
{
    dusk submit -dry-run "$@" | sed -n 's/^Args = "\(.*\)"$/\1/p'
}

touch b.dat a.dat
mkdir d.dat
submit_file match.sub <<'END'
executable = /bin/echo
arguments  = $(mode:none) $(f)
queue f matching files *.dat
END
is "$(arguments match.sub)" $'none a.dat\nnone b.dat' 'patterns match files in order'
is "$(arguments - match.sub | wc -l)" 2 'HTCondor writes where a dry run goes to'
is "$(arguments match.sub mode=fast | head -n 1)" 'fast a.dat' 'NAME=VALUE sets a macro'
is "$(arguments -a 'mode = x' -append 'mode = y' match.sub | head -n 1)" 'y a.dat' \
    'the last appended line counts'

submit_file open.sub <<'END'
executable = /bin/echo
arguments  = $(Item) $(undefined)
END
is "$(arguments -allow-undefined open.sub -queue in [::-1] a b c)" $'c\nb\na' \
    'the queue statement comes from the command line'
said=$(dusk submit -n -allow-undefined --batch-name 'my batch' open.sub -queue 1)
like "$said" 'my batch' 'the batch has a name'
is "$(arguments executable=/bin/echo 'arguments=$(Process)' -queue 2)" $'0\n1' \
    'with -queue the command line may be all there is'
like "$(dusk submit -n open.sub -queue 2 2>&1)" "macro 'Item' is not defined" \
    'what is undefined is an error'

submit_file stdin.sub <<'END'
executable = /bin/echo
arguments  = $(x)
queue x from -
END
is "$(printf 'p q\nr\n' | arguments stdin.sub)" $'p q\nr' 'items come from standard input'
printf 'name, size\nx, 1\ny, 2\n' >table.csv
is "$(arguments -a 'executable = /bin/echo' -a 'arguments = $(name)=$(size)' /dev/null \
    -queue from TABLE table.csv)" $'x=1\ny=2' 'a table names its columns'
like "$(dusk submit -n -a 'executable = x' /dev/null -queue row from seq 0 99 2>&1)" \
    "hint: .*'seq' is a command.*seq 0 99 \|" 'a bar that was forgotten is a hint'

mkdir -p "$HOME/.config/dusk/templates"
printf 'word = $(1:none)\n' >"$HOME/.config/dusk/templates/Word"
submit_file parts.sub <<'END'
if version >= 8.4.0
    use TEMPLATE : Word(five)
    include command : echo more = $(word)teen
endif
executable = /bin/echo
seed       = $RANDOM_INTEGER(1,1000000)
arguments  = $(more) $(seed) $Fn(table.csv)
output     = out.$(seed)
queue 5
END
like "$(arguments parts.sub | head -n 1)" '^fiveteen [0-9]+ table$' 'parts come from everywhere'

start_server
start_agent pc1 --cpus 2
dusk submit --quiet --wait parts.sub >/dev/null
is "$?" 0 'the job is completed'
is "$(cat out.* | wc -l)" 5 'each task has its result'
same=0
for file in out.*; do
    [ "$(cut -d ' ' -f 2 "$file")" = "${file#out.}" ] && same=$((same + 1))
done
is "$same" "$(ls out.* | wc -l)" 'what is drawn for a task is the same wherever it uses it'
finish
