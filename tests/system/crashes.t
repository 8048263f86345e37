#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Servers and agents that are killed at any moment. Every task writes a line when it computes, so
# that computing twice can be seen, and the outputs tell whether each result came home once.
. "$(dirname "$0")/lib.sh" || exit 1
RANDOM=$seed
diag "seed $seed; another one: $0 DUSK SEED"
cd "$folder/work" || exit 1

# Tasks may run as another user than this script's.
new_ledger()
{
    ledger=$folder/ledger.$1
    : >"$ledger"
    chmod 666 "$ledger"
}

# submit_many NAME COUNT: sets $job and $ledger.
submit_many()
{
    new_ledger "$1"
    mkdir -p "$1"
    submit_file "$1.sub" <<END
executable = compute
arguments = \$(Process) $ledger
initialdir = $1
output = out.\$(Process)
request_memory = 1M
request_disk = 1M
queue $2
END
    job=$(dusk submit --quiet "$1.sub")
}

program compute <<'END'
echo "$1 $DUSK_ATTEMPT $DUSK_NODE" >>"$2"
sleep 0.0$(($1 % 8))
echo "result $1"
exit $(($1 % 5))
END

computed()
{
    wc -l <"$ledger"
}

# every_result NAME COUNT: once, whole, and the right one.
every_result()
{
    local i wrong=0

    is "$(ls "$1" | wc -l)" "$2" "$1: as many outputs as tasks"
    for ((i = 0; i < $2; i++)); do
        [ "$(<"$1/out.$i")" = "result $i" ] && continue
        wrong=$((wrong + 1))
        diag "$1/out.$i is '$(<"$1/out.$i")'"
    done 2>/dev/null
    is "$wrong" 0 "$1: each output is whole"
    dusk history --json "$job" | python3 -c '
import collections, json, sys
tasks = json.load(sys.stdin)
for t in tasks:
    if t["state"] != "Completed" or t["exit_code"] != t["task"] % 5:
        sys.stderr.write("# %s\n" % t)
print(len(tasks), len({t["id"] for t in tasks}),
      sum(t["state"] == "Completed" and t["exit_code"] == t["task"] % 5 for t in tasks))
' >"$folder/summary"
    is "$(cat "$folder/summary")" "$2 $2 $2" \
        "$1: each result is recorded once, and is the right one"
}

# ---- acknowledged is kept ----

start_server
for ((i = 0; i < 50; i++)); do
    submit_file "one.sub" <<'END'
executable = compute
arguments = 0 /dev/null
queue
END
    dusk submit --quiet one.sub
done >"$folder/acknowledged"
crash_server
start_server
is "$(dusk q --json | python3 "$library/json_fields" job | sort)" "$(sort "$folder/acknowledged")" \
    '50 submits acknowledged and the server killed at once: all 50 are there'
is "$(sort -u "$folder/acknowledged" | wc -l)" 50 'each with a number of its own'
ok 'all 50 can be removed' dusk rm --all

# ---- the server is killed 20 times; nothing is computed twice ----

for node in pc1 pc2 pc3 pc4; do start_agent "$node" --cpus 2; done
submit_many server 400
for ((crash = 0, at = 0; crash < 20; crash++)); do
    at=$((at + 1 + RANDOM % 28))
    [ "$at" -lt 390 ] || at=390
    wait_for '[ "$(computed)" -ge "$at" ]' || break
    crash_server
    start_server
done
is "$crash" 20 'the server was killed at 20 moments'
ok 'the job ends' dusk wait "$job" --timeout 120
every_result server 400
is "$(computed)" 400 'no task was computed twice because the server crashed'
is "$(dusk history --json "$job" | python3 "$library/json_fields" attempts | sort | uniq -c |
    tr -s ' ')" ' 400 1' 'and none counts a second attempt'

# ---- a restart under load ----

submit_many restart 200
wait_for '[ "$(computed)" -ge 50 ]'
stop_server
start_server
ok 'the job goes on after a restart' dusk wait "$job" --timeout 120
every_result restart 200
is "$(computed)" 200 'restart: nothing is computed twice'

# ---- an agent is killed, and finds its tasks again ----

program patient <<'END'
echo "$DUSK_ATTEMPT" >>"$2"
while [ ! -e "$1" ]; do sleep 0.05; done
exit 23
END
patient()
{
    new_ledger "$1"
    rm -f "$folder/work/go.$1"
    submit_file patient.sub <<END
executable = patient
arguments = $folder/work/go.$1 $ledger
queue
END
    job=$(dusk submit --quiet patient.sub)
    must "[ -s $ledger ]"
    must "state_is $job.0 Running"
    node=$(task "$job.0" node)
}
patient found
crash_agent "$node"
start_agent "$node" --cpus 2
must "node_is $node Claimed"
touch go.found
ok 'a task outlives its agent' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 1' \
    'the agent finds it again: its exit code, one attempt'
patient ended
crash_agent "$node"
touch go.ended
must '[ -z "$(pgrep -f "^/bin/sh .*go.ended")" ]'
start_agent "$node" --cpus 2
ok 'a task ends while its agent is away' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 1' 'its result is kept for the agent'

# ---- an agent that is told to end leaves nothing running ----

patient told
stop_agent "$node"
is "$(pgrep -f "^/bin/sh .*go.told .*" | while read -r pid; do
    tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^DUSK_NODE=//p'
done | grep -x "$node")" '' 'a task does not outlive an agent that was told to end'
must "state_is $job.0 Running"
touch go.told
ok 'it runs elsewhere' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 2' 'as a second attempt'
start_agent "$node" --cpus 2
for name in "${!agent_pids[@]}"; do stop_agent "$name"; done
stop_server
finish
