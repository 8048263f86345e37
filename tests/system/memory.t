#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The owner is short of memory, and what is frozen has some. The agent sees a /proc/meminfo that is
# the test's; what is really pushed out is a matter of guest.t.
. "$(dirname "$0")/lib.sh" || exit 1
unshare -m true 2>/dev/null ||
    { echo '1..0 # SKIP only root may give an agent a /proc/meminfo'; exit 0; }
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket

# left MEGABYTES: so much of the computer's 8000 could be had.
left()
{
    printf 'MemTotal: 8192000 kB\nMemAvailable: %d kB\n' "$(($1 * 1024))" >"$folder/meminfo"
}

left 4000
cat >"$folder/bin/dusk-that-sees" <<END
#!/bin/sh
exec unshare -m sh -c 'mount --bind $folder/meminfo /proc/meminfo && exec $dusk_path "\$@"' \
    dusk "\$@"
END
chmod 755 "$folder/bin/dusk-that-sees"

# Starts pc1 anew, and a task on it that stands still because its owner has said so.
freeze_task()
{
    : >"$folder/pc1.log"
    dusk_path=$folder/bin/dusk-that-sees start_agent pc1 --set suspend_for=1h --grace 1s \
        --log debug "$@"
    dusk owner resume >/dev/null
    job=$(submit_program compute)
    must "state_is $job.0 Running"
    dusk owner pause >/dev/null
    must "state_is $job.0 Suspended"
}

program compute <<END
trap 'echo asked >>"$folder/asked"; exit 1' TERM
while :; do sleep 0.02; done
END
: >"$folder/asked"
chmod 666 "$folder/asked"
chmod 777 "$folder"

start_server
freeze_task --set give_back_memory_within=1s
left 700
ok 'what stands still leaves an owner who is short of memory' wait_for "state_is $job.0 Idle"
is "$(cat "$folder/asked")" asked 'and was asked to'
like "$(dusk owner)" 'No task is here' 'nothing of it is there'
dusk rm "$job" >/dev/null
stop_agent pc1

left 900
freeze_task --set give_back_memory_within=1h
left 700
must 'grep -q "memory: short" "$folder/pc1.log"'
is "$(task "$job.0" state)" Suspended 'but not before its time'
left 900
ok 'one who has enough again is told apart' wait_for 'grep -q "memory: enough" "$folder/pc1.log"'
dusk owner resume >/dev/null
ok 'the task goes on' wait_for "state_is $job.0 Running"
dusk rm "$job" >/dev/null
stop_agent pc1
stop_server
finish
