#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agents and server that are killed together, on a pool with short leases: tasks are computed again
# when, and only when, their node was lost.
. "$(dirname "$0")/lib.sh" || exit 1
RANDOM=$seed
diag "seed $seed; another one: $0 DUSK SEED"
lease=4
cd "$folder/work" || exit 1
ledger=$folder/ledger
: >"$ledger"
chmod 666 "$ledger"
mkdir out

program compute <<'END'
echo "$1 $DUSK_ATTEMPT $DUSK_NODE" >>"$2"
sleep 0.0$(($1 % 10))
echo "result $1"
END
submit_file many.sub <<END
executable = compute
arguments = \$(Process) $ledger
output = out/out.\$(Process)
request_memory = 1M
request_disk = 1M
queue 1000
END

computed()
{
    wc -l <"$ledger"
}

# Tasks, keeper and agent: as if the computer had lost its power.
cut_power()
{
    # The agent first, which may have been launched a moment ago; then what it started.
    local pids=${agent_pids[$1]}

    while [ -n "$pids" ]; do
        kill -KILL $pids 2>/dev/null
        pids=$(grep -lszE -e "$folder/$1(/|\$)" /proc/[0-9]*/cmdline /proc/[0-9]*/environ |
            cut -d / -f 3 | sort -u)
    done
    must "has_ended ${agent_pids[$1]}"
}

# ---- 30 moments ----

start_server --lease ${lease}s
for node in pc1 pc2 pc3 pc4; do start_agent "$node" --cpus 2; done
job=$(dusk submit --quiet many.sub)
gone=
for ((crash = 0, at = 0; crash < 30; crash++)); do
    at=$((at + 1 + RANDOM % 40))
    [ "$at" -lt 990 ] || at=990
    wait_for '[ "$(computed)" -ge "$at" ]' || break
    # pc3 and pc4 are never touched: whatever began there must be computed once.
    victim=pc$((1 + RANDOM % 2))
    case $((RANDOM % 4)) in
    0)
        crash_server
        start_server --lease ${lease}s
        ;;
    1)
        crash_agent "$victim"
        launch_agent "$victim" --cpus 2
        ;;
    2)
        crash_server
        crash_agent "$victim"
        start_server --lease ${lease}s
        launch_agent "$victim" --cpus 2
        ;;
    3)
        cut_power "$victim"
        launch_agent "$victim" --cpus 2
        gone=yes
        ;;
    esac
done
is "$crash" 30 'server and agents were killed at 30 moments'
diag "a node lost its power: ${gone:-no}"
ok 'the job ends' dusk wait "$job" --timeout 120
is "$(ls out | wc -l)" 1000 'as many outputs as tasks'
is "$(cat out/* | sort)" "$(for ((i = 0; i < 1000; i++)); do echo "result $i"; done | sort)" \
    'each result came home once'
dusk history --json "$job" >"$folder/history"
is "$(python3 "$library/json_fields" state exit_code <"$folder/history" | sort | uniq -c |
    tr -s ' ')" ' 1000 Completed 0' 'each result is recorded once'
python3 - "$folder/history" "$ledger" >"$folder/verdict" <<'END'
import collections, json, sys
tasks = {t["task"]: t for t in json.load(open(sys.argv[1]))}
runs = collections.defaultdict(list)
for line in open(sys.argv[2]):
    task, attempt, node = line.split()
    runs[int(task)].append((int(attempt), node))
again = [n for n, t in tasks.items() if t["attempts"] > 1]
sys.stderr.write("# %d tasks have more than one attempt\n" % len(again))
for number, attempts in runs.items():
    if len(attempts) != len({a for a, _ in attempts}):
        print("task", number, "computed one attempt twice:", attempts)
    if max(a for a, _ in attempts) > tasks[number]["attempts"]:
        print("task", number, "ran more often than its record says:", attempts)
    for attempt, node in attempts:
        if attempt < tasks[number]["attempts"] and node not in ("pc1", "pc2"):
            print("task", number, "was computed again, though", node, "was never killed:", attempts)
for number in tasks.keys() - runs.keys():
    print("task", number, "has a result and never ran")
END
is "$(cat "$folder/verdict")" '' 'computed again only when its agent or node was killed'

# ---- the server is away for longer than a lease ----

program patient <<'END'
echo "$DUSK_ATTEMPT" >>"$2"
while [ ! -e "$1" ]; do sleep 0.05; done
exit 23
END
: >"$ledger"
submit_file patient.sub <<END
executable = patient
arguments = $folder/work/go $ledger
queue
END
job=$(dusk submit --quiet patient.sub)
must '[ -s "$ledger" ]'
node=$(task "$job.0" node)
pid=$(pgrep -of "^/bin/sh .*$folder/work/go")
crash_server
must 'is_frozen "$pid"'
pass 'without a server for longer than its lease, a task is frozen'
start_server --lease ${lease}s
must '! is_frozen "$pid"'
pass 'and goes on when the server is back'
touch go
ok 'it ends' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts)" 'Completed 23 1' 'with one attempt'

# ---- a node forgets everything ----

rm -f go
: >"$ledger"
job=$(dusk submit --quiet patient.sub)
must '[ -s "$ledger" ]'
node=$(task "$job.0" node)
cut_power "$node"
rm -rf "${folder:?}/$node"
: >"$folder/$node.log"
launch_agent "$node" --cpus 2
# The folder's inode is part of what tells computers apart, and the new one may have the old number.
must "has_ended ${agent_pids[$node]} || grep -q ready $folder/$node.out"
like "$(cat "$folder/$node.out" "$folder/$node.log")" 'ready|forget' \
    'a node whose folder was wiped joins anew, or is told what to do'
must '[ "$(wc -l <"$ledger")" = 2 ]'
touch go
ok 'its task ends elsewhere' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code)" 'Completed 23' 'and ends well'
for name in "${!agent_pids[@]}"; do stop_agent "$name"; done
stop_server
finish
