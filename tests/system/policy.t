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

out=$(DUSK_TOKEN=none dusk agent --state "$folder/other" --policy DESKTOP --idle-after 5m 2>&1)
is "$?" 2 'two words for the same are one too many'
like "$out" "'idle_after' does not go with a policy" 'and that is said'

stop_server
kill -TERM "$desktop_pid"
must 'has_ended "$desktop_pid"'
finish
