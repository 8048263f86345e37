#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whose outputs are recorded: those of the attempt whose claim stands, whoever else speaks of the
# task, whatever is still on its way of an earlier attempt, and whoever fetches meanwhile.
. "$(dirname "$0")/lib.sh" || exit 1
start_server --lease 3s
start_agent pc1 --cpus 4
cd "$folder/work" || exit 1

# ---- another node speaks of the task ----

program patient <<'END'
while [ ! -e "$1" ]; do sleep 0.05; done
echo done
END
submit_file patient.sub <<END
executable = patient
arguments  = $folder/go
output     = own.out
queue
END
if command -v openssl >/dev/null; then
    enrol_stranger usurper
    job=$(dusk submit --quiet patient.sub)
    must "state_is $job.0 Running"
    stranger usurper "$folder/usurper" "$job" >"$folder/usurper/said"
    like "$(cat "$folder/usurper/said")" '^forget' 'a node with a foreign task is told to forget it'
    touch "$folder/go"
    ok 'the task ends on its own node' dusk wait "$job" --timeout 60
    is "$(task "$job.0" exit_code) $(cat own.out)" '0 done' 'its own result is recorded'
    dusk node forget usurper >/dev/null
else
    skip 'another node speaks of the task' 'there is no openssl to make its key'
fi

# ---- an attempt is overtaken while its outputs are being delivered ----

program stamp <<'END'
date +%s.%N
END
submit_file stamp.sub <<'END'
executable = stamp
output     = stamp.out
queue
END
ok 'a task makes the process that delivers' dusk submit --wait stamp.sub --timeout 60
deliverer=$(pgrep -P "$server_pid" -f deliver)
rm stamp.out
kill -STOP "$deliverer"
job=$(dusk submit --quiet stamp.sub)
must "grep -q . '$folder/server/spool/arriving/$job.0#1/'*"
ok 'it is held in the middle of its delivery' dusk hold "$job"
is "$(task "$job.0" state)" Held 'it is held'
ok 'it is released' dusk release "$job"
must "grep -q . '$folder/server/spool/arriving/$job.0#2/'*"
second=$(cat "$folder/server/spool/arriving/$job.0#2/"*)
kill -CONT "$deliverer"
ok 'it ends' dusk wait "$job" --timeout 60
is "$(cat stamp.out)" "$second" 'what is there is what the second attempt said'
is "$(ls "$folder/server/spool/arriving")" '' 'nothing is left of what arrived'

# ---- a node sleeps while its outputs are being brought, and wakes up too late ----

submit_file large.sub <<'END'
executable            = /bin/sh
transfer_executable   = false
arguments             = "-c 'truncate -s 300M data'"
transfer_output_files = data
request_disk          = 400M
queue
END
job=$(dusk submit --quiet --spool large.sub)
must "test -s '$folder/server/spool/arriving/$job.0#1/0'"
kill -STOP "${agent_pids[pc1]}"
if state_is "$job.0" Completed; then
    skip 'a node sleeps in the middle' 'it was too quick for this'
else
    start_agent pc2 --cpus 1
    ok 'another node computes it' dusk wait "$job" --timeout 60
    kill -CONT "${agent_pids[pc1]}"
    must 'node_is pc1 Unclaimed'
    ok 'its outputs are there' dusk fetch "$job"
    is "$(stat -c %s data)" 314572800 'and whole'
fi
kill -CONT "${agent_pids[pc1]}"
rm -f data

# ---- outputs are fetched while others of the job arrive ----

submit_file many.sub <<'END'
executable          = /bin/echo
transfer_executable = false
arguments           = $(Process)
output              = many.$(Process)
queue 100
END
job=$(dusk submit --quiet --spool many.sub)
until dusk wait "$job" --timeout 0.05 >/dev/null 2>&1; do
    dusk fetch "$job" >/dev/null 2>&1
    [ "$SECONDS" -lt 200 ] || break
done
ok 'the rest is fetched' dusk fetch "$job"
is "$(cat many.[0-9]* | sort -n | tr '\n' ' ')" "$(seq 0 99 | tr '\n' ' ')" 'all outputs came home'
is "$(ls "$folder/server/spool")" arriving 'and none is kept on the server'
finish
