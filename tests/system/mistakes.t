#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Submit files that are wrong, and programs that cannot run: one clear sentence, an exit code that
# is not 0, and nothing lost.
. "$(dirname "$0")/lib.sh" || exit 1
start_server
start_agent pc1 --cpus 2
cd "$folder/work" || exit 1

# refused NAME PATTERN: submits standard input, which must be refused in few words.
refused()
{
    local said status

    submit_file wrong.sub
    said=$(dusk submit --quiet wrong.sub 2>&1)
    status=$?
    is "$status" 1 "$1 is refused" || diag "said: ${said:0:500}"
    like "${said:0:2000}" "$2" "$1: it says why" &&
        is "$((${#said} < 1500))" 1 "$1: in few words"
}

# held NAME PATTERN: submits standard input, whose task must end up held.
held()
{
    local job

    submit_file wrong.sub
    job=$(dusk submit --quiet wrong.sub 2>"$folder/said")
    if [ -z "$job" ]; then
        fail "$1 is accepted"
        diag "$(cat "$folder/said")"
        return
    fi
    wait_for "state_is $job.0 Held"
    is "$(task "$job.0" state)" Held "$1 is held"
    like "$(dusk why "$job.0")" "$2" "$1: the reason is said"
    dusk rm "$job" >/dev/null
}

submit_file typo.sub <<'END'
executable = /bin/true
reqest_memory = 10M
queue
END
job=$(dusk submit --quiet typo.sub 2>"$folder/warning")
like "$job" '^[0-9]+$' 'an unknown key is no error'
like "$(cat "$folder/warning")" 'request_memory' 'but a warning that names the nearest one'

refused 'a number that is none' 'request_cpus|many' <<'END'
executable = /bin/true
request_cpus = many
queue
END
refused 'a negative count' 'queue|-3' <<'END'
executable = /bin/true
queue -3
END
refused 'a job whose requests differ too often' 'memory|65534|round' <<'END'
executable = /bin/true
request_memory = $(1000 + $(Process)) MB
queue 70000
END
refused 'a submit file without executable' 'executable' <<'END'
arguments = 1
queue
END
refused 'an executable that does not exist' 'nothing-here' <<'END'
executable = nothing-here
queue
END
refused 'an input that does not exist' 'nothing-here' <<'END'
executable = /bin/true
transfer_input_files = nothing-here
queue
END
refused 'a submit file for a shared file system' 'transfer_input_files' <<'END'
executable = /bin/true
should_transfer_files = NO
queue
END
mkdir folder
refused 'a folder as executable' 'folder' <<'END'
executable = folder
queue
END
: >plain
refused 'an executable without permission' 'chmod' <<'END'
executable = plain
queue
END
refused 'a file without queue' 'queue' <<'END'
executable = /bin/true
END
refused 'an empty file' 'queue|empty' <<'END'
END
refused 'a line that is no assignment' 'line 2|:2' <<'END'
executable = /bin/true
what is this
queue
END
refused 'an output folder that does not exist' 'mkdir' <<'END'
executable = /bin/true
output = nowhere/out
queue
END
refused 'a macro that contains itself' 'a' <<'END'
a = $(a)x
executable = /bin/true
arguments = $(a)
queue
END
head -c 100000 /dev/urandom >binary.sub
ends_with 1 dusk submit binary.sub
ends_with 1 dusk submit no-such-file.sub
ends_with 1 dusk submit folder
printf 'executable = /bin/echo\r\narguments = carriage\r\noutput = crlf.out\r\nqueue\r\n' |
    submit_file crlf.sub
ok 'a file with CRLF is submitted' dusk submit --wait crlf.sub --timeout 60
is "$(od -c <crlf.out | head -n 1 | tr -s ' ')" '0000000 c a r r i a g e \n' \
    'and no carriage return remains'

# ---- a million characters ----

million=$(head -c 1000000 /dev/zero | tr '\0' x)
{
    echo 'executable = /bin/true'
    echo "arguments = $million"
    echo queue
} | submit_file million.sub
job=$(dusk submit --quiet million.sub 2>"$folder/said")
if [ -n "$job" ]; then
    wait_for "state_is $job.0 Held || state_is $job.0 Completed"
    like "$(task "$job.0" state)" 'Held|Completed' 'a line of a million characters ends somehow'
    like "$(dusk why "$job.0")" 'long|large|Completed|exit' 'and says how'
    dusk rm "$job" >/dev/null 2>&1
else
    pass 'a line of a million characters is refused'
    like "$(cut -c 1-500 "$folder/said")" 'long|large' 'and it is said why'
fi
refused 'a million characters that mean nothing' . <<END
executable = /bin/true
$million
queue
END
submit_file million.sub <<END
executable = /bin/true
$million = 1
queue
END
dusk submit --quiet million.sub >"$folder/said" 2>&1
ok 'a warning about a million characters is short' test "$(wc -c <"$folder/said")" -lt 1500

# ---- programs that cannot run ----

# An ELF file for a machine that no computer of today is: Fujitsu's MMA.
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\66\0\1\0\0\0' >foreign
head -c 100 /dev/zero >>foreign
chmod 755 foreign
held 'a task with more arguments than a node can be told of' 'arguments' < <(
    echo 'executable = /bin/true'
    echo "arguments  = $(seq 70000 | tr '\n' ' ')"
    echo queue
)
held 'a binary of another architecture' 'architecture|machine|format' <<'END'
executable = foreign
queue
END
printf '#!/no/such/interpreter\n' >lost
chmod 755 lost
held 'a script without its interpreter' 'interpreter|No such file' <<'END'
executable = lost
queue
END
held 'a program that the node does not have' 'not-on-this-node' <<'END'
executable = /usr/bin/not-on-this-node
transfer_executable = false
queue
END
mkdir empty
dusk image add debian empty >/dev/null
submit_file image.sub <<'END'
universe = docker
docker_image = debian
executable = /bin/true
queue
END
job=$(dusk submit --quiet image.sub)
like "$(dusk why "$job.0")" 'TARGET.HasDocker' \
    'a task in an image waits for a node that contains its tasks'
printf 'no program at all' >text
chmod 755 text
submit_file text.sub <<'END'
executable = text
queue
END
job=$(dusk submit --quiet text.sub)
wait_for "state_is $job.0 Held || state_is $job.0 Completed"
like "$(task "$job.0" state)" 'Held|Completed' 'a text that is executable ends somehow'

# ---- what fits nowhere waits, and says so ----

submit_file vast.sub <<'END'
executable = /bin/true
request_cpus = 1000
queue
END
job=$(dusk submit --quiet vast.sub)
is "$(task "$job.0" state)" Idle 'a task that fits on no node waits'
like "$(dusk why "$job.0")" '1000|cpus|CPU' 'and why says what is missing'
dusk rm "$job" >/dev/null

# ---- a folder that may not be written ----

mkdir closed
chmod 555 closed
if [ "$(id -u)" = 0 ]; then
    skip 'a read-only folder is refused' 'root may write everywhere; users.t shows it'
else
    refused 'a read-only folder' 'may not write' <<'END'
executable = /bin/true
output = closed/out
queue
END
fi
program close <<'END'
chmod 555 "$1"
echo result
END
mkdir closing
if [ "$(id -u)" = 0 ]; then
    skip 'a folder that is closed meanwhile holds the task' 'root may write everywhere'
else
    held 'a folder that is closed meanwhile' 'closing' <<END
executable = close
arguments = $folder/work/closing
output = closing/out
queue
END
fi
rmdir closing
mkdir closing
program vanish <<'END'
rmdir "$1"
echo result
END
if [ "$(id -u)" = 0 ]; then chmod 777 "$folder/work"; fi
held 'a folder that vanished meanwhile' 'closing' <<END
executable = vanish
arguments = $folder/work/closing
output = closing/out
queue
END

# ---- command lines ----

for words in 'submit' 'submit a b' 'wait' 'wait 1 --timeout soon' 'token' 'token make' 'node show' \
    'hold' 'rm x.y' 'q 1.2.3' 'run' 'tail' 'why' 'history --limit 0' 'q --columns nonsense'; do
    ends_with 2 dusk $words
done
is "$(dusk run echo still here)" 'still here' 'after all that, work goes on'
finish
