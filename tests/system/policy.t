#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# HTCondor's DESKTOP policy, with short times: keys are pressed in a real X server.
. "$(dirname "$0")/lib.sh" || exit 1
for tool in Xvfb xdotool; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done
cd "$folder/work" || exit 1

node()
{
    dusk status -af name state activity | sed -n "s/^$1 //p"
}

press()
{
    xdotool key a
}

# start_lender [NAME=EXPRESSION]...: pc1. How busy this computer is does not matter here.
start_lender()
{
    local arguments=() definition

    for definition in BackgroundLoad=1000 HighLoad=1000 StartIdleTime=2 \
        'KeyboardBusy=(KeyboardIdle < 2)' "$@"; do
        arguments+=(--condor "$definition")
    done
    start_agent pc1 --presence x11 --set grace=1s --policy desktop "${arguments[@]}"
}

: >"$folder/said"
chmod 666 "$folder/said"
program compute <<END
trap 'echo asked >>"$folder/said"' TERM
echo "\$DUSK_ATTEMPT" >>"$folder/said"
while :; do sleep 0.02; done
END

start_desktop
start_server

# ---- SUSPEND and CONTINUE ----

start_lender ContinueIdleTime=2
ok 'a computer that is used is not lent' wait_for 'press; [ "$(node pc1)" = "Owner Idle" ]'
ok 'and says why' \
    wait_for 'press; dusk node show pc1 --json | grep -q "\"reason\":\"its policy keeps it back\""'
ok 'START lends it' wait_for '[ "$(node pc1)" = "Unclaimed Idle" ]'
job=$(submit_program compute)
ok 'a task runs' wait_for "state_is $job.0 Running"
must '[ -s "$folder/said" ]'
press
ok 'SUSPEND suspends it' wait_for "state_is $job.0 Suspended"
ok 'CONTINUE lets it go on' wait_for "state_is $job.0 Running"
is "$(cat "$folder/said")" 1 'in the same attempt, and nobody asked it to leave'
dusk rm "$job" >/dev/null
stop_agent pc1

# ---- PREEMPT, WANT_VACATE and the time for it ----

: >"$folder/said"
start_lender MaxSuspendTime=2 MaxVacateTime=2
job=$(submit_program compute)
must "state_is $job.0 Running"
must '[ -s "$folder/said" ]'
while state_is "$job.0" Running || state_is "$job.0" Suspended; do press; done
is "$(task "$job.0" state)" Idle 'PREEMPT lets it leave when he stays'
is "$(sed -n 2p "$folder/said")" asked 'it is asked politely before'
ok 'and the computer is his' wait_for '[ "$(node pc1)" = "Owner Idle" ]'
stop_agent pc1

# ---- KILL, and what cannot be ----

: >"$folder/said"
start_lender MaxSuspendTime=2 WANT_VACATE=false
must "state_is $job.0 Running"
must '[ -s "$folder/said" ]'
while state_is "$job.0" Running || state_is "$job.0" Suspended; do press; done
is "$(grep -c asked "$folder/said")" 0 'without WANT_VACATE nobody asks it'
stop_agent pc1

# ---- START that looks at the job ----

# waits_for_start JOB: the server says that START is why.
waits_for_start()
{
    dusk why "$1.0" | grep -q '^pc1 does not take it: it takes only tasks of which its START is'
}

# never_tried JOB...
never_tried()
{
    local job

    for job; do
        [ "$(task "$job.0" state) $(task "$job.0" attempts)" = 'Idle 0' ] || return 1
    done
}

dusk rm "$job" >/dev/null
ok 'nothing is left' wait_for "state_is $job.0 Removed"
early=$(submit_program compute)
me=$(id -un)
asked="TARGET.Owner == \"$me\" && TARGET.IsShort =?= true"
start_lender "START=$asked || KeyboardIdle > \$(HOUR)" SUSPEND=false
ok 'a START that nobody can know without a job lends the computer' \
    wait_for '[ "$(node pc1)" = "Unclaimed Idle" ]'
ok 'what was queued before is asked' wait_for 'waits_for_start "$early"'
is "$(dusk why "$early.0" | grep '^pc1')" \
    "pc1 does not take it: it takes only tasks of which its START is true: $asked" \
    'why tells what is asked of jobs, and the rest of START is judged'
feigned=$(submit_program compute '+Owner = "somebody"')
job=$(submit_program compute '+IsShort = true' '+Owner = "somebody"')
ok 'a job of which START is true runs, whoever it says that its owner is' \
    wait_for "state_is $job.0 Running"
ok 'the others wait' wait_for 'waits_for_start "$feigned"'
crash_server
start_server
ok 'a server that comes back asks them, too' wait_for 'waits_for_start "$early"'
dusk rm "$job" >/dev/null
ok 'when there is room for them' wait_for '[ "$(node pc1)" = "Unclaimed Idle" ]'
job=$(submit_program compute '+IsShort = true')
ok 'it is the right job that runs' wait_for "state_is $job.0 Running"
ok 'and nothing was tried in vain' never_tried "$early" "$feigned"
dusk rm "$job" "$feigned" >/dev/null
stop_agent pc1

start_lender 'START=TARGET.IsShort =?= true || KeyboardIdle > 3' SUSPEND=false
ok 'where nobody was for long enough the others run as well' wait_for "state_is $early.0 Running"
dusk rm "$early" >/dev/null
stop_agent pc1

# ---- SUSPEND that looks at the job ----

is_kept_back()
{
    dusk node show pc1 --json | grep -q '"reason":"its policy keeps it back"'
}

start_sparing()
{
    start_lender 'SUSPEND=$(KeyboardBusy) && TARGET.Patient =!= true' ContinueIdleTime=2
}

: >"$folder/said"
start_sparing
spared=$(submit_program compute '+Patient = 7 > 3')
must "state_is $spared.0 Running"
must '[ -s "$folder/said" ]'
like "$(dusk node show pc1)" 'Patient' 'a node tells which attributes of jobs its policy looks at'
ok 'a key keeps others away' wait_for 'press; is_kept_back'
is "$(task "$spared.0" state)" Running 'and the job that is to be spared is spared'
crash_agent pc1
start_sparing
ok 'an agent that comes back' wait_for '[ "$(node pc1)" = "Claimed Busy" ] && ! is_kept_back'
ok 'hears of the next key' wait_for 'press; is_kept_back'
is "$(task "$spared.0" state attempts)" 'Running 1' 'and still knows what the job says'
dusk rm "$spared" >/dev/null
ok 'when it is gone there is room for another' wait_for '[ "$(node pc1)" = "Unclaimed Idle" ]'
other=$(submit_program compute '+Patient = false')
must "state_is $other.0 Running"
ok 'and is not spared' wait_for "press; state_is $other.0 Suspended"
dusk rm "$other" >/dev/null
stop_agent pc1

# ---- RANK ----

# What leaves leaves when the file is there.
program stay <<END
trap 'until [ -e "$folder/go" ]; do sleep 0.02; done; exit' TERM
echo "\$DUSK_ATTEMPT" >>"$folder/said"
while :; do sleep 0.02; done
END

: >"$folder/said"
start_agent pc1 --cpus 1 --presence none --set grace=1h \
    --condor 'RANK=ifThenElse(TARGET.Pages > 5, Cpus * 10, 0)'
first=$(submit_program stay)
ok 'where there is room nobody waits for a better one' wait_for "state_is $first.0 Running"
must '[ -s "$folder/said" ]'
plain=$(submit_program stay)
ranked=$(submit_program stay '+Pages = 7')
ok 'a job that the node ranks higher takes the place of what runs' \
    wait_for 'dusk why "$ranked.0" | grep -q "1 making way for it: their RANK prefers it"'
is "$(task "$first.0" state)" Idle 'which waits'
like "$(dusk why "$first.0")" 'it made way for a task that the node.s RANK prefers' 'and says why'
is "$(task "$ranked.0" state)" Idle 'until it has left nothing begins'
: >"$folder/go"
ok 'then the better one does' wait_for "state_is $ranked.0 Running"
last=$(submit_program stay '+Pages = 9')
ok 'one that is ranked the same waits' wait_for 'dusk why "$last.0" | grep -q "1 busy with other"'
ok 'and takes nothing' state_is "$ranked.0" Running
dusk rm "$ranked" >/dev/null
ok 'of all that wait the highest ranked begins, although it came last' \
    wait_for "state_is $last.0 Running"
ok 'and what is ranked lower was not tried in vain' never_tried "$plain"
dusk rm "$last" >/dev/null
ok 'then comes what had to leave' wait_for "state_is $first.0 Running"
dusk rm "$first" "$plain" >/dev/null
stop_agent pc1

out=$(DUSK_TOKEN=none dusk agent --state "$folder/other" --policy DESKTOP --idle-after 5m 2>&1)
is "$?" 2 'two words for the same are one too many'
like "$out" "'idle_after' does not go with a policy" 'and that is said'

stop_server
kill -TERM "$desktop_pid"
must 'has_ended "$desktop_pid"'
finish
