#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An agent that is killed and never comes back, and one that hangs: nobody may be left with tasks
# that run, and in the end not even with tasks that stand still.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
program patient <<'END'
(while :; do sleep 0.2; done) &
echo "$DUSK_ATTEMPT $$ $!" >>"$2"
while [ ! -e "$1" ]; do sleep 0.05; done
exit 23
END
ledger=$folder/ledger

# submit_patient: sets $job, and $leader and $child of its first attempt.
submit_patient()
{
    : >"$ledger"
    chmod 666 "$ledger"
    rm -f go
    submit_file patient.sub <<END
executable = patient
arguments = $folder/work/go $ledger
queue
END
    job=$(dusk submit --quiet patient.sub)
    must '[ -s "$ledger" ]'
    read -r _ leader child <"$ledger"
}

groups=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)

keepers_of()
{
    grep -lszF "$folder/$1" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q ' keeper ' && echo "$pid"
    done
}

start_server --lease 4s

# ---- killed ----

start_agent pc1 --cpus 2 --keep-lapsed 20s
submit_patient
must '[ -n "$(keepers_of pc1)" ]'
crash_agent pc1
ok 'a task whose agent is dead goes on while its lease lasts' kill -0 "$leader"
must 'is_frozen "$leader"'
pass 'and is frozen at its end'
ok 'with all of its processes' is_frozen "$child"
must 'has_ended "$leader" && has_ended "$child"'
pass 'in the end it is killed'
must '[ -z "$(keepers_of pc1)" ]'
pass 'and its keeper goes'
start_agent pc2 --cpus 2
touch go
ok 'the task ends elsewhere' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 2' 'as a second attempt'

# ---- hanging ----

stop_agent pc2
start_agent pc3 --cpus 2 --keep-lapsed 4s
submit_patient
hanging=${agent_pids[pc3]}
kill -STOP "$hanging"
must 'has_ended "$leader" && has_ended "$child"'
pass 'what an agent has that hangs is ended as well'
must '[ -z "$(keepers_of pc3)" ]'
kill -CONT "$hanging"
must 'node_is pc3 Claimed || node_is pc3 Unclaimed'
touch go
ok 'an agent that hung goes on, and so does the task' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 2' 'as a second attempt'
like "$(cat "$folder/pc3.log")" 'keeper is gone' 'and it says what became of its keeper'

# ---- a keeper that stands still ----

stop_agent pc3
export DUSK_AGENT_SOCKET=$folder/pc4.socket
start_agent pc4 --cpus 2 --set suspend_for=1h
submit_patient
keeper=$(keepers_of pc4)
kill -STOP "$keeper"
dusk owner pause >/dev/null
must 'is_frozen "$leader" && is_frozen "$child"'
pass 'a keeper that was stopped is told to go on when an owner wants his computer'
is "$(keepers_of pc4)" "$keeper" 'and loses nothing'
dusk owner resume >/dev/null
must '! is_frozen "$leader"'
# Whoever is in a group that is frozen does not go on by a signal.
cell=$groups/dusk-test-$$
if [ -n "$groups" ] && mkdir "$cell" 2>/dev/null && echo "$keeper" 2>/dev/null >"$cell/cgroup.procs"
then
    echo 1 >"$cell/cgroup.freeze"
    dusk owner pause >/dev/null
    must 'has_ended "$leader" && has_ended "$child"'
    pass 'one that stays so is ended, and what it held'
    like "$(cat "$folder/pc4.log")" 'stands still and its owner waits' 'the log says so'
    wait_for 'rmdir "$cell"'
fi
dusk owner resume >/dev/null
touch go
ok 'the task is done by the next one' dusk wait "$job" --timeout 60

finish
