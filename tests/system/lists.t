#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lists of tasks: what each says of a task that waits, runs, is over or never began, in which
# order, and with how much of it.
. "$(dirname "$0")/lib.sh" || exit 1
start_server
cd "$folder/work" || exit 1

# check WHAT PYTHON: of `tasks`, the array on standard input.
check()
{
    local said

    said=$(python3 -c "
import json, sys
tasks = json.load(sys.stdin)
print($2)" 2>&1)
    is "$said" True "$1"
}

# ---- what never began ----

printf '#!/bin/sh\n' >compute
chmod 755 compute
submit_file sweep.sub <<'END'
executable = compute
arguments = --energy $(1000 + 100 * $(Process)) \"name\"
hold = true
queue 3
executable = /bin/true
transfer_executable = false
arguments =
queue 1
END
job=$(dusk submit --quiet sweep.sub)
dusk q --json >all
check 'a task has exactly the members of the interface' 'all(list(t) == [
    "id", "job", "task", "user", "state", "node", "attempts", "checkpoints", "exit_code",
    "exit_signal", "reason",
    "submitted_at", "started_at", "ended_at", "cpu_seconds", "memory_peak", "wall_seconds",
    "executable", "arguments"] for t in tasks)' <all
check 'in order' "[t['id'] for t in tasks] == ['$job.%d' % i for i in range(4)]" <all
check 'what has not happened yet is null' 'all(t[n] is None for t in tasks for n in (
    "node", "exit_code", "exit_signal", "started_at", "ended_at", "cpu_seconds", "memory_peak",
    "wall_seconds")) and all(t["attempts"] == 0 for t in tasks)' <all
check 'each has its own program and arguments' '[(t["executable"], t["arguments"])
    for t in tasks] == [("compute", "--energy %d \\\"name\\\"" % e)
    for e in (1000, 1100, 1200)] + [("/bin/true", "")]' <all
is "$(dusk q "$job.1" -af executable arguments)" 'compute --energy 1100 \"name\"' \
    'they are columns, too'
is "$(dusk q "$job.3" -af Cmd Args)" '/bin/true ' 'with the names of HTCondor'
dusk q --json --columns id,state "$job.2" >one
check 'of a list, only the columns that are asked for' \
    "tasks == [{'id': '$job.2', 'state': 'Held'}]" <one
ends_with 2 dusk q --json --columns id,colour
is "$(dusk q --user nobody --json | tr -d '[:space:]')" '[]' 'of nobody there is nothing'
is "$(dusk q "$job.9" --json | tr -d '[:space:]')" '[]' 'nor of a task that is not there'

# ---- what is over ----

start_agent pc1 --cpus 2
dusk release "$job.3" >/dev/null
ok 'one of them runs' dusk wait "$job.3" --timeout 60
ok 'the others are removed' dusk rm "$job"
second=$(dusk submit --quiet --wait sweep.sub -append 'hold = false')
dusk history --json >all
check 'history has all, in order' "[t['id'] for t in tasks] ==
    ['$job.%d' % i for i in range(4)] + ['$second.%d' % i for i in range(4)]" <all
check 'each as it ended' "[t['state'] for t in tasks] == ['Removed'] * 3 + ['Completed'] * 5" <all
check 'with its program' '[t["arguments"] for t in tasks[:4]] ==
    ["--energy %d \\\"name\\\"" % e for e in (1000, 1100, 1200)] + [""]' <all
check 'what ran has times and figures' 'all(t["submitted_at"] <= t["started_at"] <= t["ended_at"]
    and t["exit_code"] == 0 and t["exit_signal"] is None and t["attempts"] == 1
    and t["node"] == "pc1" and t["wall_seconds"] > 0 and t["cpu_seconds"] >= 0
    for t in tasks[3:])' <all
check 'what never ran has none' 'all(t["attempts"] == 0 and t["started_at"] is None
    and t["ended_at"] is not None and t["exit_code"] is None for t in tasks[:3])' <all
is "$(dusk history --limit 6 -af id | paste -sd ' ')" \
    "$second.3 $second.2 $second.1 $second.0 $job.3 $job.2" 'a limit takes the newest'
is "$(dusk history "$job.1" -af id state)" "$job.1 Removed" 'one of them alone'
is "$(dusk history "$job.3" -af id state)" "$job.3 Completed" 'and another'

# ---- why ----

submit_file log.sub <<END
executable = /bin/sleep
transfer_executable = false
arguments = 300
log = $folder/work/events.log
queue 5
END
job=$(dusk submit --quiet log.sub)
must '[ "$(dusk q "$job" -af state | grep -c Running)" = 2 ]'
ok 'a job is held with a reason' dusk hold "$job" -reason 'the license server is down'
held="a user asked for it: the license server is down"
is "$(dusk q "$job" -af HoldReason | sort -u)" "$held" 'all its tasks say so, those that ran too'
is "$(dusk q "$job" --jobs -af reason)" "$held" 'and the job'
like "$(dusk why "$job")" "$held" 'and why, of the job'
like "$(dusk why "$job.0")" "$held" 'and of a task that ran'
like "$(dusk why "$job.4")" "$held" 'and of one that did not'
is "$(dusk q --held -af id | paste -sd ' ')" "$job.0 $job.1 $job.2 $job.3 $job.4" \
    'q --held has these'
like "$(dusk q --held "$job.1")" 'license server' 'with the reason'
must 'grep -q "license server" events.log'
pass 'the event log has it, too'
crash_server
start_server
is "$(dusk q "$job" -af HoldReason | sort -u)" "$held" 'a restart forgets none of it'
must 'node_is pc1 Unclaimed || node_is pc1 Claimed'
ok 'released' dusk release "$job.0"
must "state_is $job.0 Running"
unlike "$(dusk q "$job.0" -af reason)" 'license' 'a task has no old reason'
is "$(dusk q --held "$job.0" --json | tr -d '[:space:]')" '[]' 'and is not held any more'
ok 'one is held for itself' dusk hold "$job.0" --reason "it's \"odd\""
is "$(dusk q "$job.0" -af reason)" "a user asked for it: it's \"odd\"" 'with its own reason'
ok 'removed with a reason' dusk rm "$job" --reason 'wrong input'
removed='a user asked for it: wrong input'
must '[ "$(dusk history "$job" -af state | grep -c Removed)" = 5 ]'
is "$(dusk history "$job" -af RemoveReason | sort -u)" "$removed" 'history has it of all tasks'
like "$(dusk why "$job.4")" "$removed" 'and why'
must "dusk why $job | grep -q over"
like "$(dusk why "$job")" "$removed" 'of the job that is over, too'
hold=$(dusk submit --quiet sweep.sub)
is "$(dusk q "$hold" -af reason | sort -u)" 'submitted on hold' 'what was submitted on hold says so'
ends_with 1 dusk hold "$hold" --reason "$(head -c 2000 /dev/zero | tr '\0' x)"
like "$output" '1000 bytes' 'a reason that is too long is refused'
dusk rm "$hold" >/dev/null
is "$(dusk history "$hold" -af reason | sort -u)" 'a user asked for it' \
    'without one it is as before'

# ---- all ----

running=$(dusk submit --quiet log.sub)
held=$(dusk submit --quiet sweep.sub)
must '[ "$(dusk q "$running" -af state | grep -c Running)" = 2 ]'
ok 'release --all passes over what is not held' dusk release --all
is "$(dusk q "$held" -af state | grep -c Held)" 0 'and releases the others'
ok 'rm --all removes everything' dusk rm --all
must '[ "$(dusk q -af id | wc -l)" = 0 ]'
ok 'and is content where there is nothing' dusk rm --all

# ---- the event log ----

: >events.log
job=$(dusk submit --quiet log.sub)
must '[ "$(dusk q "$job" -af state | grep -c Running)" = 2 ]'
for verb in hold release hold rm; do dusk "$verb" "$job.4" >/dev/null; done
dusk hold "$job.0" >/dev/null
dusk rm "$job" >/dev/null
must '[ "$(grep -c ^009 events.log)" -ge 3 ]'
is "$(sed -n 's/^\([0-9]*\) (\([0-9.]*\)).*/\2 \1/p' events.log | sort -s -k 1,1 |
    awk '$1 != last { print $2 } $1 == last && $2 == "000" { print "again" } { last = $1 }' |
    sort -u)" 000 'in the event log each task begins with its submission, and has one'

# ---- what is long ----

submit_file long.sub <<'END'
executable = /bin/true
transfer_executable = false
arguments = $(Process)
hold = true
queue 20000
END
job=$(dusk submit --quiet long.sub)
dusk q --json "$job" >all
check 'each once, in order' \
    '[(t["task"], t["arguments"]) for t in tasks] == [(i, str(i)) for i in range(20000)]' <all
is "$(dusk q "$job.19999" -af id arguments)" "$job.19999 19999" 'the last is found'
dusk rm "$job" >/dev/null
dusk history --json "$job" >all
check 'and again when all are removed' '[t["task"] for t in tasks] == list(range(20000))' <all
finish
