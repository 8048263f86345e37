# SPDX-License-Identifier: Apache-2.0
# What the system tests share: TAP, a pool of real processes below one temporary folder, and waits
# with a deadline in place of sleeps. A test sources it with the binary to test as its first
# argument, and ends with `finish`:
#
#     . "$(dirname "$0")/lib.sh" || exit 1
#     start_server; start_agent pc1 --cpus 2
#     is "$(dusk run echo hello)" hello 'a program runs'
#     finish
#
# Whatever way it ends, every process that has to do with the folder is killed, keepers and tasks
# too; one that `finish` finds where it had asked all to end is a failure of the test.
set -u
LC_ALL=C
export LC_ALL

dusk_path=${1:?usage: $0 DUSK [SEED]}
seed=${2:-${DUSK_TEST_SEED:-1}}
library=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/dusk-system-XXXXXX") || exit 1
chmod 755 "$folder"
test_number=0
test_failures=0
patience=60 # seconds until a wait gives up; only a broken pool ever waits that long
declare -A agent_pids=()
server_pid=
server_port=0

# The commands must find the pool of this test and no other.
unset DUSK_SERVER DUSK_TOKEN DUSK_IDENTITY DUSK_TIMEOUT
export DUSK_SOCKET=$folder/server/socket HOME=$folder/home DUSK_TEST_FOLDER=$folder
mkdir -p "$HOME" "$folder/work" "$folder/bin"
# What a sanitizer says of any process is kept here, because many have nobody who reads their words,
# and a leak is told after the last of them. Whoever a process runs as can write it down.
mkdir -m 1777 "$folder/sanitizer"
sanitizer_options=log_path=$folder/sanitizer/report:abort_on_error=1:print_stacktrace=1
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}$sanitizer_options
export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}$sanitizer_options
# A copy, because other users must be able to execute it wherever the build stands.
cp "$dusk_path" "$folder/bin/dusk" || exit 1
dusk_path=$folder/bin/dusk
unset XDG_CONFIG_HOME XDG_RUNTIME_DIR

dusk()
{
    "$dusk_path" "$@"
}

# ---- TAP ----

diag()
{
    printf '%s\n' "$*" | sed 's/^/# /'
}

pass()
{
    test_number=$((test_number + 1))
    printf 'ok %d - %s\n' "$test_number" "$1"
}

fail()
{
    test_number=$((test_number + 1))
    test_failures=$((test_failures + 1))
    printf 'not ok %d - %s\n' "$test_number" "$1"
}

skip()
{
    test_number=$((test_number + 1))
    printf 'ok %d - %s # SKIP %s\n' "$test_number" "$1" "$2"
}

# ok NAME COMMAND...: the command succeeds.
ok()
{
    local name=$1 output

    shift
    if output=$("$@" 2>&1); then
        pass "$name"
    else
        fail "$name"
        diag "failed: $*"
        diag "$output"
        return 1
    fi
}

# is GOT EXPECTED NAME
is()
{
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        fail "$3"
        diag "got:      $1"
        diag "expected: $2"
        return 1
    fi
}

# like GOT PATTERN NAME: an extended regular expression, in any line.
like()
{
    if printf '%s\n' "$1" | grep -Eq -e "$2"; then
        pass "$3"
    else
        fail "$3"
        diag "got:        $1"
        diag "looked for: $2"
        return 1
    fi
}

unlike()
{
    if printf '%s\n' "$1" | grep -Eq -e "$2"; then
        fail "$3"
        diag "got:  $1"
        diag "with: $2"
        return 1
    else
        pass "$3"
    fi
}

# ends_with CODE COMMAND...: runs it, its output to $output, and its exit code is that one. The
# last word of the name is the command itself.
output=
ends_with()
{
    local code=$1 got

    shift
    output=$("$@" 2>&1 </dev/null)
    got=$?
    is "$got" "$code" "ends with $code: ${*//$folder/...}" || diag "said: $output"
}

# ---- waiting ----

# wait_for CONDITION [SECONDS]: evaluated again and again. Says what it waited for in vain.
wait_for()
{
    local deadline=$((SECONDS + ${2:-$patience}))

    while ! eval "$1" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            diag "waited in vain for: $1"
            return 1
        fi
        sleep 0.02
    done
}

# The same, and a test that cannot go on without it ends.
must()
{
    wait_for "$@" && return
    fail "cannot go on without: $1"
    show_logs
    finish
}

has_ended()
{
    ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# is_frozen PID: stopped by a signal, or in a group that is frozen.
is_frozen()
{
    local groups

    groups=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
    grep -q '^State:.T' "/proc/$1/status" ||
        grep -qx 'frozen 1' "$groups$(sed -n 's/^0:://p' "/proc/$1/cgroup")/cgroup.events"
}

# ---- the pool ----

# start_server [OPTION...]: in $folder/server, ready when this returns. Started again, it takes the
# port that it had, as its agents expect; another process may hold that for a moment.
start_server()
{
    local deadline=$((SECONDS + patience))

    while :; do
        : >"$folder/server.out"
        "$dusk_path" server --state "$folder/server" --port "$server_port" "$@" \
            >"$folder/server.out" 2>>"$folder/server.log" </dev/null &
        server_pid=$!
        disown "$server_pid"
        must 'grep -q "^ready " "$folder/server.out" || has_ended "$server_pid"'
        grep -q '^ready ' "$folder/server.out" && break
        if [ "$SECONDS" -ge "$deadline" ] || [ "$server_port" = 0 ]; then
            fail 'the server starts'
            show_logs
            finish
        fi
    done
    server_address=$(sed -n 's/^ready //p' "$folder/server.out")
    server_port=${server_address##*:}
    server_address=localhost:$server_port
}

stop_server()
{
    kill -TERM "$server_pid" 2>/dev/null
    must 'has_ended "$server_pid"'
}

crash_server()
{
    kill -KILL "$server_pid" 2>/dev/null
    must 'has_ended "$server_pid"'
}

# launch_agent NAME [OPTION...]: does not wait. Its state stays in $folder/NAME, and its owner's
# socket is there, too: this computer's own may be an agent's that is not the test's.
launch_agent()
{
    local name=$1

    shift
    [ -s "$folder/token" ] || dusk token create >"$folder/token"
    : >"$folder/$name.out"
    "$dusk_path" agent --state "$folder/$name" --server "$server_address" \
        --token "$(cat "$folder/token")" --name "$name" --presence none --give-way no \
        --runtime "${runtime-process}" \
        --owner-socket "$folder/$name.socket" "$@" \
        >"$folder/$name.out" 2>>"$folder/$name.log" </dev/null &
    agent_pids[$name]=$!
    disown "${agent_pids[$name]}"
}

start_agent()
{
    launch_agent "$@"
    must "grep -q '^ready $1\$' '$folder/$1.out'"
}

stop_agent()
{
    kill -TERM "${agent_pids[$1]}" 2>/dev/null
    must "has_ended ${agent_pids[$1]}"
    unset "agent_pids[$1]"
}

crash_agent()
{
    kill -KILL "${agent_pids[$1]}" 2>/dev/null
    must "has_ended ${agent_pids[$1]}"
    unset "agent_pids[$1]"
}

# The computer that strangers say they are.
export MACHINE=0000000000000001

# stranger WHAT...: a peer that is no part of dusk; see the file of that name.
stranger()
{
    python3 "$library/stranger" "$server_port" "$@" 2>&1
}

# enrol_stranger NAME: into $folder/NAME the identity of a node whose agent is not dusk's.
enrol_stranger()
{
    local request

    mkdir -p "$folder/$1"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$folder/$1/key.pem" -out "$folder/$1/csr" 2>/dev/null
    request=$(sed 's/$/\\n/' "$folder/$1/csr" | tr -d '\n')
    stranger request POST /v1/enrol "{\"token\": \"$(dusk token create)\", \"kind\": \"node\",
        \"name\": \"$1\", \"machine\": \"$MACHINE\", \"request\": \"$request\"}" \
        >"$folder/$1/reply"
    sed -n 's/.*"certificate": *"\([^"]*\)".*/\1/p' "$folder/$1/reply" | sed 's/\\n/\n/g' \
        >"$folder/$1/certificate.pem"
}

show_logs()
{
    local log

    for log in "$folder"/*.log; do
        [ -s "$log" ] || continue
        diag "---- ${log##*/}"
        tail -n 25 "$log" | sed 's/^/# /'
    done
}

# ---- jobs ----

# submit_file NAME: from standard input to work/NAME.
submit_file()
{
    cat >"$folder/work/$1"
}

# program NAME: an executable of sh, from standard input, in work.
program()
{
    { echo '#!/bin/sh'; cat; } >"$folder/work/$1"
    chmod 755 "$folder/work/$1"
}

# ticking_program NAME: one that never ends, and writes the number of its attempt into
# $folder/ticks as long as it computes. What it does before comes from standard input.
ticking_program()
{
    : >"$folder/ticks"
    chmod 666 "$folder/ticks"
    { cat; echo "while :; do echo \"\$DUSK_ATTEMPT\" >>'$folder/ticks'; sleep 0.02; done"; } |
        program "$1"
}

ticks()
{
    wc -l <"$folder/ticks"
}

# Whether it computes: it is given the time for some more.
goes_on()
{
    wait_for '[ "$(ticks)" -gt '"$(($(ticks) + 2))"' ]'
}

# submit_program NAME [LINE...]: one task of a program that has room everywhere, with more lines of
# a submit file. Prints the job.
submit_program()
{
    printf '%s\n' "executable = $1" 'request_memory = 1M' 'request_disk = 1M' "${@:2}" queue |
        dusk submit --quiet /dev/stdin
}

# task ID FIELD...: of a task or of the tasks of a job, wherever they are, with blanks between.
task()
{
    local id=$1

    shift
    { dusk q "$id" -af "$@"; dusk history "$id" -af "$@"; } 2>/dev/null
}

state_is()
{
    [ "$(task "$1" state)" = "$2" ]
}

node_is()
{
    dusk status -af name state | grep -qx "$1 $2"
}

# ---- desktops ----

# The display of this test and of no other one. A number that an X server finds free by itself, from
# 0 on, is somebody else's as soon as that server has ended. None is above 59535. The next one is
# of this test, too.
desktop_number=$((1000 + 2 * ($$ % 29000)))

# start_desktop: an X server, and DISPLAY is it.
start_desktop()
{
    : >"$folder/display"
    Xvfb ":$desktop_number" -displayfd 3 -screen 0 640x480x8 -nolisten tcp \
        3>"$folder/display" >>"$folder/xvfb.log" 2>&1 &
    desktop_pid=$!
    disown "$desktop_pid"
    must '[ -s "$folder/display" ]'
    export DISPLAY=:$desktop_number
}

# ---- the end ----

# The processes that have to do with the folder, by command line or environment.
processes_of_test()
{
    local file pid found

    # To its end before anything else is started here: a sort beside it would have the folder in
    # its environment, and be found.
    found=$(grep -lsF -e "$folder" /proc/[0-9]*/cmdline /proc/[0-9]*/environ)
    for file in $found; do
        pid=${file#/proc/}
        pid=${pid%/*}
        # The one that searches has the folder on its command line, too.
        [ ! -e "/proc/$pid" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = grep ] || echo "$pid"
    done
}

kill_all()
{
    local round pids

    # Some rounds, because what is killed may have been about to start another.
    for round in 1 2 3 4 5; do
        pids=$(processes_of_test)
        [ -n "$pids" ] || break
        kill -KILL $pids 2>/dev/null
    done
}

# Keepers that were killed leave their control groups to the next one of their folder, and there is
# none. Their names begin with device and inode of that folder.
remove_groups()
{
    local state mark mounted

    for state in "$folder"/*/keeper.group; do
        [ -e "$state" ] || continue
        mark=$(stat -c %D "${state%/*}")-$(printf %x "$(stat -c %i "${state%/*}")")
        sed -n 's/^[^ ]* \([^ ]*\) cgroup2* .*/\1/p' /proc/mounts | while read -r mounted; do
            find "$mounted" -depth -type d -path "*/dusk-$mark-*" -exec rmdir {} + 2>/dev/null
        done
    done
}

clean_up()
{
    cd /
    kill_all
    remove_groups
    # An X server that was killed leaves these.
    for number in $(cat "$folder"/display* 2>/dev/null); do
        rm -f "/tmp/.X$number-lock" "/tmp/.X11-unix/X$number"
    done
    for mounted in $(sed -n "s|^[^ ]* \($folder[^ ]*\) .*|\1|p" /proc/mounts); do
        umount -l "$mounted"
    done
    if [ -n "${DUSK_TEST_KEEP:-}" ]; then
        echo "# kept: $folder"
    else
        chmod -R u+rwx "$folder" 2>/dev/null
        rm -rf "$folder"
    fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# Nothing that was asked to end is left: neither keepers nor tasks nor helpers.
nothing_is_left()
{
    [ -z "$(processes_of_test)" ]
}

# Ends the pool as a person would, and the test.
finish()
{
    local name

    trap - ERR
    for name in "${!agent_pids[@]}"; do
        kill -TERM "${agent_pids[$name]}" 2>/dev/null
    done
    for name in "${!agent_pids[@]}"; do
        wait_for "has_ended ${agent_pids[$name]}" || fail "the agent $name ends at SIGTERM"
    done
    if [ -n "$server_pid" ] && ! has_ended "$server_pid"; then
        kill -TERM "$server_pid"
        wait_for 'has_ended "$server_pid"' || fail 'the server ends at SIGTERM'
    fi
    if wait_for nothing_is_left 20; then
        pass 'nothing is left running'
    else
        fail 'nothing is left running'
        for pid in $(processes_of_test); do
            diag "$pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
        done
    fi
    if grep -qs . "$folder"/sanitizer/* || grep -qs Assertion "$folder"/*.log; then
        fail 'no sanitizer and no assertion complained'
        grep -hs . "$folder"/sanitizer/* | head -n 60 | sed 's/^/# /'
        grep -hs Assertion "$folder"/*.log | sed 's/^/# /'
    fi
    [ "$test_failures" = 0 ] || show_logs
    echo "1..$test_number"
    [ "$test_failures" = 0 ] && exit 0
    exit 1
}
