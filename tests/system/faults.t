#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One call that changes a file fails, once: the n-th in the life of a server, an agent, or a helper
# of theirs, for many n. The program ends with a sentence, or says what it could not do and goes
# on; nothing is lost.
. "$(dirname "$0")/lib.sh" || exit 1
fault_library=$folder/fault.so
if ! ${CC:-cc} -shared -fPIC -o "$fault_library" "$library/fault.c" -ldl 2>/dev/null; then
    echo '1..0 # SKIP there is no compiler for a library that makes calls fail'
    exit 0
fi
if grep -aq __asan_init "$dusk_path"; then
    echo '1..0 # SKIP no other library can be loaded before the sanitizer'
    exit 0
fi
export FAULT_COUNT=$folder/count FAULT_HIT=$folder/hit
chmod 755 "$fault_library"
cd "$folder/work" || exit 1
program double <<'END'
sed 's/$/ twice/' given
echo "made by $1" >"made.$1"
END
echo input >given
submit_file job.sub <<'END'
executable = double
arguments = $(Process)
transfer_input_files = given
output = out.$(Process)
queue 3
END
expected="input twice,input twice,input twice,made by 0,made by 1,made by 2"

# A program says why it ended, in its last lines.
explains()
{
    tail -n 3 "$1" | grep -Eq 'Input/output error|No space left|disk I/O error|disk is full'
}

# launch PROGRAM: with the fault of this round, if it is about that one or a helper that it starts.
launch()
{
    case $program-$1 in
    server-server | deliver-server | agent-agent | keeper-agent)
        [ -e "$FAULT_HIT" ] || export LD_PRELOAD=$fault_library FAULT_PROGRAM=$program \
            FAULT_AT=$at FAULT_ERROR=$error ;;
    esac
    if [ "$1" = agent ]; then
        launch_agent pc1 --cpus 4
    else
        : >"$folder/server.out"
        "$dusk_path" server --state "$folder/server" --port "$server_port" \
            >"$folder/server.out" 2>>"$folder/server.log" </dev/null &
        server_pid=$!
        disown "$server_pid"
    fi
    unset LD_PRELOAD FAULT_PROGRAM
}

# Whoever has ended has said why, and is started again; from the fault on, without another.
look_after_programs()
{
    if has_ended "$server_pid"; then
        explains "$folder/server.log" || silent=server
        launch server
    fi
    if has_ended "${agent_pids[pc1]}"; then
        explains "$folder/pc1.log" || silent=agent
        launch agent
    fi
}

is_ready()
{
    has_ended "$server_pid" && look_after_programs
    grep -q '^ready ' "$folder/server.out" || return
    server_address=localhost:$(sed -n 's/^ready .*://p' "$folder/server.out")
    server_port=${server_address##*:}
    [ -s "$folder/token" ] || dusk token create >"$folder/token"
}

# What could not be submitted, or is held, is tried again, as its submitter would. An agent that
# ends, told to or by its fault, before it has heard that its results were taken leaves them with
# its keeper, for the next one: so it is waited until an agent has heard.
is_done()
{
    look_after_programs
    [ -n "$job" ] || job=$(dusk submit --quiet job.sub) || return
    [ "$(dusk q "$job" -af state | grep -c Held)" = 0 ] || dusk release "$job"
    [ "$(dusk history "$job" -af state exit_code | grep -c 'Completed 0')" = 3 ] &&
        dusk owner --socket "$folder/pc1.socket" | grep -q 'No task is here'
}

# round PROGRAM N: sets $silent to who ended without a word, $hit to what failed.
round()
{
    program=$1 at=$2 error=$((at % 2 ? 5 : 28)) job='' silent='' hit=''
    rm -rf "$folder/server" "$folder/pc1" "$folder/token" "$FAULT_HIT" out.* made.*
    : >"$folder/server.log" >"$folder/pc1.log"
    server_port=0
    agent_pids[pc1]=$$
    launch server
    wait_for is_ready || return
    launch agent
    wait_for is_done || return
    [ -e "$FAULT_HIT" ] && hit=$(cat "$FAULT_HIT")
    stop_agent pc1
    stop_server
}

# sweep PROGRAM N...
sweep()
{
    local program=$1 n

    shift
    for n; do
        if ! round "$program" "$n" || [ "$(cat out.? made.? | paste -sd,)" != "$expected" ]; then
            fail "$program, change $n fails ($(cat "$FAULT_HIT" 2>/dev/null)): all is there"
            show_logs
            continue
        fi
        is "$silent" '' "$program, change $n fails (${hit:-it never came}): all is there" ||
            show_logs
    done
}

# Which ones is the seed's; over the seeds they are all.
sweep server $(seq $((1 + seed % 9)) 9 300)
sweep agent $(seq $((1 + seed % 5)) 5 100)
sweep deliver $(seq $((1 + seed % 3)) 3 20)
sweep keeper $(seq $((1 + seed % 5)) 5 60)
finish
