#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tasks that say how long they take, and a computer whose owner's hours are about to begin.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
start_server

# The hours begin within the next two, and not within this one.
now=$((10#$(date +%H)))
hours=$(printf '%02d:00-%02d:00' $(((now + 2) % 24)) $(((now + 4) % 24)))
start_agent pc1 --cpus 4 --set "working_hours=$hours"

# submit_lasting TIME: sets $job.
submit_lasting()
{
    job=$(dusk submit --quiet /dev/stdin <<END
executable          = /bin/sh
transfer_executable = false
arguments           = "-c 'echo \$DUSK_NODE'"
output              = lasting.\$(Process)
expected_duration   = $1
queue 2
END
)
}

submit_lasting 30m
ok 'what ends before the hours is begun' dusk wait "$job" --timeout 60

submit_lasting '$(1 + 10799 * $(Process))'
must "[ \"\$(task $job.0 state)\" = Completed ]"
is "$(task "$job.1" state)" Idle 'what does not is not, though there is room'
why=$(dusk why "$job.1")
like "$why" 'It says that it takes 3h' 'why says how long it takes'
like "$why" 'a shorter expected_duration, or a node without working hours' 'what would help'
like "$why" '1 back with their owners before it could end, the last at ([A-Z][a-z]+ )?[0-9]+:00$' \
    'and that there is no time for it'
like "$(dusk submit --dry-run /dev/stdin <<'END'
executable        = /bin/true
expected_duration = 3h
queue
END
)" '^ExpectedDuration = 10800$' 'the attribute is in seconds'

stop_server
start_server
must 'node_is pc1 Unclaimed'
is "$(task "$job.1" state)" Idle 'it says so to the next server, too'
start_agent pc2 --cpus 1
ok 'a computer without hours takes it' dusk wait "$job" --timeout 60
is "$(task "$job.1" node)" pc2 'that one'
finish
