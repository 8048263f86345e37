#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that save themselves: what they have done is not done again, whatever happens to their
# nodes, their owners and the server.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# A program in parts: part N is done when the test has made $folder/go.N. It writes each number to
# $folder/done, with its node, and to its standard output; what it has done stands in `state`. After
# each part it ends with 85, to be saved; after the last one it is over. It begins from `state`.
: >"$folder/done"
chmod 666 "$folder/done"
chmod 777 "$folder"
program parts <<END
last=\$1 polite=\$2
done=\$(cat state 2>/dev/null || echo 0)
save() { echo "\$done" >state.new; mv state.new state; }
[ -z "\$polite" ] || trap 'save; echo "left after \$done" >>told; exit 3' "\$polite"
next=\$((done + 1))
echo "\$DUSK_NODE" >"$folder/at.\$next.new"
mv "$folder/at.\$next.new" "$folder/at.\$next"
while [ ! -e "$folder/go.\$next" ]; do sleep 0.02; done
done=\$next
echo "\$done \$DUSK_NODE" >>"$folder/done"
echo "part \$done"
save
[ "\$done" -lt "\$last" ] || exit 0
exit 85
END

# submit_parts LAST [LINE...]
submit_parts()
{
    submit_program parts "arguments = $1 ${polite:-}" 'checkpoint_exit_code = 85' \
        'output = out' 'log = log' "${@:2}"
}

# begins PART: it waits for the word to do that part; on which node stands in at.PART.
begins()
{
    wait_for "[ -s '$folder/at.$1' ]"
}

go()
{
    touch "$folder/go.$1"
}

# afresh: nothing was done yet.
afresh()
{
    rm -f "$folder"/at.* "$folder"/go.* out log told state
    : >"$folder/done"
}

checkpoints_are()
{
    [ "$(task "$1" checkpoints)" = "$2" ]
}

parts_done()
{
    cut -d ' ' -f 1 "$folder/done" | tr '\n' ' '
}

start_server
start_agent pc1 --cpus 1

# ---- on one node ----

job=$(submit_parts 3 'transfer_checkpoint_files = state')
ok 'a program that saves itself begins' begins 1
is "$(task "$job.0" checkpoints)" 0 'and has no checkpoint yet'
go 1
ok 'saved, it starts again in its folder' begins 2
is "$(task "$job.0" checkpoints attempts)" '1 1' 'in the same attempt'
like "$(dusk why "$job.0")" 'up to checkpoint 1 is saved' 'dusk why says so'
like "$(dusk q "$job" --json)" '"checkpoints": *1,' 'and scripts see it'
is "$(cat "$folder/server/checkpoints/$job.0/1/0")" 1 'the server has what it saved'
go 2
must 'begins 3'
ok 'the checkpoint before is removed' wait_for "[ ! -e '$folder/server/checkpoints/$job.0/1' ]"
is "$(cat "$folder/server/checkpoints/$job.0/2/0")" 2 'when the next one is there'
go 3
ok 'it comes to its end' dusk wait --timeout 60 "$job"
is "$(tr '\n' ' ' <out)" 'part 1 part 2 part 3 ' 'with all that it has written on the way'
is "$(parts_done)" '1 2 3 ' 'and each part was done once'
ok 'then nothing is kept of it' wait_for "[ ! -e '$folder/server/checkpoints/$job.0' ]"
is "$(grep -c '^003 .* Job was checkpointed' log)" 2 'its log tells of each checkpoint'

# ---- the node is lost ----

afresh
start_agent pc2 --cpus 1
dusk drain pc2 >/dev/null
must 'node_is pc2 Drained'
job=$(submit_parts 3 'transfer_checkpoint_files = state')
must 'begins 1'
go 1
must 'begins 2'
dusk drain --undo pc2 >/dev/null
go 2
must 'begins 3'
rm "$folder/at.3"
pid=${agent_pids[pc1]}
crash_agent pc1
for pid in $(processes_of_test); do
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -e parts -e "$folder/pc1 " &&
        kill -KILL "$pid" 2>/dev/null
done
start_agent pc1 --cpus 1
ok 'a task whose processes are gone begins again' begins 3
is "$(task "$job.0" attempts checkpoints)" '2 2' 'in another attempt, from its checkpoint'
go 3
ok 'and comes to its end' dusk wait --timeout 60 "$job"
is "$(tr '\n' ' ' <out)" 'part 1 part 2 part 3 ' 'with what it had written before'
is "$(parts_done)" '1 2 3 ' 'and nothing was done twice'
stop_agent pc1

# ---- the owner returns ----

afresh
polite=TERM
start_agent pc1 --cpus 1 --set suspend_for=1s
dusk drain pc2 >/dev/null
job=$(submit_parts 2 'when_to_transfer_output = ON_EXIT_OR_EVICT' \
    'transfer_checkpoint_files = state, told')
must 'begins 1'
is "$(cat "$folder/at.1")" pc1 'a task runs'
go 1
must "grep -q '^1 ' '$folder/done'"
# It says what was told only when it leaves.
is "$(task "$job.0" state)" Held 'a file that is named and not there holds it' ||
    must "state_is $job.0 Held"
like "$(dusk why "$job.0")" 'its checkpoint could not be made.*told' 'and dusk why says which'
dusk rm "$job" >/dev/null

afresh
job=$(submit_parts 2 'when_to_transfer_output = ON_EXIT_OR_EVICT')
must 'begins 1'
go 1
must 'begins 2'
dusk drain --undo pc2 >/dev/null
rm "$folder/at.2"
DUSK_AGENT_SOCKET=$folder/pc1.socket dusk owner pause >/dev/null
ok 'the owner is back: the task goes on elsewhere' begins 2
is "$(cat "$folder/at.2")" pc2 'on the other node'
is "$(task "$job.0" attempts checkpoints)" '2 2' 'from what it saved when it had to leave'
go 2
ok 'and comes to its end' dusk wait --timeout 60 "$job"
is "$(tr '\n' ' ' <out)" 'part 1 part 2 ' 'with all that it wrote'
is "$(cat told)" 'left after 1' 'it had heard the signal'
is "$(parts_done)" '1 2 ' 'and nothing was done twice'
like "$(cat log)" '\(1\) Job was checkpointed' 'its log says so'
DUSK_AGENT_SOCKET=$folder/pc1.socket dusk owner resume >/dev/null
must 'node_is pc1 Unclaimed'

# ---- another signal ----

afresh
polite=USR1
job=$(submit_parts 1 'when_to_transfer_output = ON_EXIT_OR_EVICT' 'kill_sig = SIGUSR1')
must 'begins 1'
at=$(cat "$folder/at.1")
rm "$folder/at.1"
dusk hold "$job.0" >/dev/null
ok 'a task that is held is told by its signal, and saved' wait_for "checkpoints_are $job.0 1"
must "state_is $job.0 Held"
dusk release "$job.0" >/dev/null
ok 'released, it begins from there' begins 1
go 1
ok 'and comes to its end' dusk wait --timeout 60 "$job"
is "$(cat told)" 'left after 0' 'it had heard the signal'
polite=

# ---- agent and server are killed ----

afresh
job=$(submit_parts 4)
must 'begins 1'
go 1
must 'begins 2'
at=$(cat "$folder/at.2")
crash_server
go 2
must "grep -q '^2 ' '$folder/done'"
start_server
ok 'what was saved while the server was away is brought when it is back' begins 3
is "$(task "$job.0" attempts checkpoints)" '1 2' 'in the same attempt'
crash_agent "$at"
go 3
must "grep -q '^3 ' '$folder/done'"
start_agent "$at" --cpus 1
ok 'and likewise what was saved without an agent' begins 4
is "$(task "$job.0" attempts checkpoints)" '1 3' 'still in the same attempt'
stop_server
start_server
go 4
ok 'it comes to its end' dusk wait --timeout 60 "$job"
is "$(tr '\n' ' ' <out)" 'part 1 part 2 part 3 part 4 ' 'with all that it wrote'
is "$(parts_done)" '1 2 3 4 ' 'and each part was done once'

# ---- the agent is told to end ----

afresh
job=$(submit_parts 2)
must 'begins 1'
go 1
must 'begins 2'
at=$(cat "$folder/at.2")
rm "$folder/at.2"
stop_agent "$at"
ok 'its agent ends: it goes on elsewhere' begins 2
is "$(task "$job.0" attempts checkpoints)" '2 1' 'from its checkpoint'
crash_server
mkdir -p "$folder/server/checkpoints/$job.0/7" "$folder/server/checkpoints/99.0/1"
start_server
ok 'what a server left half done is removed by the next' \
    [ ! -e "$folder/server/checkpoints/99.0" ]
is "$(ls "$folder/server/checkpoints/$job.0")" 1 'and what counts stays'
go 2
ok 'it comes to its end' dusk wait --timeout 60 "$job"

# ---- in a container ----

program counts <<'END'
done=$(($(cat state 2>/dev/null || echo 0) + 1))
echo "part $done"
echo "$done" >state
[ "$done" -lt 3 ] || exit 0
exit 85
END
afresh
runtime=container start_agent pc3 --cpus 1
job=$(submit_program counts 'checkpoint_exit_code = 85' 'output = out' 'runtime = container')
ok 'a contained task saves itself, too' dusk wait --timeout 60 "$job"
is "$(tr '\n' ' ' <out)" 'part 1 part 2 part 3 ' 'and goes on from there'

finish
