#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An admin drains nodes: nothing new starts there, also when the server comes back.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# activity NAME: state and activity.
activity()
{
    dusk status -af name state activity | sed -n "s/^$1 //p"
}

# Tasks that wait for a file each, one at a time on a node of one CPU.
program wait_for_file <<END
until [ -e "$folder/go.\$1" ]; do sleep 0.02; done
echo "\$DUSK_ATTEMPT"
END
submit_file waiting.sub <<END
executable = wait_for_file
arguments = \$(Process)
output = out.\$(Process)
request_memory = 1M
request_disk = 1M
queue 3
END

start_server
start_agent pc1 --cpus 1
job=$(dusk submit --quiet waiting.sub)
must "state_is $job.0 Running"

# ---- what runs goes on to its end ----

is "$(dusk drain pc1)" 'pc1 is given nothing new; 1 task goes on to its end' 'a node is drained'
is "$(activity pc1)" 'Claimed Retiring' 'and retires'
like "$(dusk node show pc1 --json)" '"drained":true' 'scripts see it'
like "$(dusk node show pc1 --json)" '"reason":"drained by an admin' 'and why'
ok 'to say it again changes nothing' dusk drain pc1
touch "$folder/go.0"
ok 'what runs there goes on to its end' wait_for "state_is $job.0 Completed"
ok 'and then the node is empty' wait_for '[ "$(activity pc1)" = "Drained Idle" ]'
is "$(task "$job.1" state)" Idle 'nothing else has started'
like "$(dusk why "$job.1")" '1 drained by an admin' 'why says so'
like "$(dusk status --total)" 'Nodes: 1 Drained' 'the sums count it apart'

# ---- it stays so ----

crash_server
start_server
must '[ "$(activity pc1)" = "Drained Idle" ]'
pass 'a server that comes back knows it'
stop_agent pc1
start_agent pc1 --cpus 1
must '[ "$(activity pc1)" = "Drained Idle" ]'
is "$(task "$job.1" state)" Idle 'and an agent that comes back is given nothing'
is "$(dusk drain --undo pc1)" 'pc1 is given work again' 'it is taken back'
ok 'and the node works' wait_for "state_is $job.1 Running"

# ---- at once ----

is "$(dusk drain --now pc1)" 'pc1 is given nothing new; 1 task leaves' 'a node is drained at once'
must '[ "$(activity pc1)" = "Drained Idle" ]'
is "$(task "$job.1" state)" Idle 'its task waits'
like "$(dusk why "$job.1")" 'the node is drained' 'and says why'
start_agent pc2 --cpus 1
ok 'it starts elsewhere' wait_for "state_is $job.1 Running"
is "$(task "$job.1" node)" pc2 'on the other node'
touch "$folder/go.1" "$folder/go.2"
ok 'all of it comes to its end' dusk wait "$job"
is "$(cat out.1)" 2 'in a second attempt'

# ---- what cannot be ----

ends_with 4 dusk drain pc9
ends_with 2 dusk drain
ends_with 2 dusk drain --now --undo pc1
like "$(dusk drain -cancel --json pc1)" '"tasks":0.*"name":"pc1"' "HTCondor's words are understood"

stop_agent pc1
stop_agent pc2
stop_server
finish
