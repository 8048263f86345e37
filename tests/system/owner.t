#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The owner comes first: keys are pressed in a real X server, and the pool gives way.
. "$(dirname "$0")/lib.sh" || exit 1
for tool in Xvfb xdotool; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done
cd "$folder/work" || exit 1

node()
{
    dusk status -af name state activity | sed -n "s/^$1 //p"
}

# shown MEMBER: of pc1, as JSON has it.
shown()
{
    dusk node show pc1 --json | sed -n "s/.*\"$1\": *\(\"[^\"]*\"\|[^,}]*\).*/\1/p"
}

press()
{
    xdotool key "$1"
}

: >"$folder/goodbye"
chmod 666 "$folder/goodbye"
ticking_program compute <<END
trap 'echo bye >>"$folder/goodbye"; exit 1' TERM
END

# submit_on NODE
submit_on()
{
    submit_program compute "requirements = Name == \"$1\""
}

start_desktop
start_server --set move_suspended_after=2s
start_agent pc1 --presence x11 --set idle_after=2s --set resume_after=1s --set suspend_for=1h

# ---- an owner who is away ----

is "$(shown source)" '"x11"' 'the node shows who watches'
is "$(shown works)" true 'and that it works'
like "$(shown KeyboardIdle)" '^"[0-9]+"$' 'and for how long nobody was there, as HTCondor calls it'
wait_for '[ "$(node pc1)" = "Unclaimed Idle" ]'
job=$(submit_on pc1)
ok 'a computer that nobody uses is lent' wait_for "state_is $job.0 Running"
ok 'and the task computes' goes_on

# ---- he comes by ----

press a
ok 'a key suspends the task' wait_for "state_is $job.0 Suspended"
like "$(shown reason)" 'somebody uses it; it is lent from [0-9:]+ on' 'the node says why'
like "$(dusk q "$job" --json)" '"state": *"Suspended"' 'as scripts see, too'
press a # and again: so it stays for a second more
stands=$(ticks)
press a
is "$(ticks)" "$stands" 'it does not compute'
ok 'it goes on when he was only passing by' wait_for "state_is $job.0 Running"
ok 'and computes again' goes_on
is "$(sort -u "$folder/ticks" | tr '\n' ' ')" '1 ' 'all in one attempt'
like "$(shown last_activity_ms_ago)" '^[0-9]+$' 'and how long ago he was there'

xdotool mousemove_relative 30 30
ok 'the mouse suspends it as well' wait_for "state_is $job.0 Suspended"

# ---- he cannot be seen ----

kill -KILL "$desktop_pid"
must 'has_ended "$desktop_pid"'
ok 'without the X server nobody knows' wait_for "[ \"\$(shown works)\" = false ]"
like "$(shown reason)" 'whether somebody uses it cannot be seen' 'so the computer counts as used'
like "$(shown why_not)" "the X server of DISPLAY=$DISPLAY is gone" 'the node says what is wrong'
is "$(task "$job.0" state)" Suspended 'the task stays suspended'
start_desktop
ok 'it is watched again when the X server is back' wait_for "[ \"\$(shown works)\" = true ]"
ok 'and then the task goes on' wait_for "state_is $job.0 Running"
dusk rm "$job" >/dev/null
stop_agent pc1
: >"$folder/goodbye"

# ---- he is told before ----

start_agent pc1 --presence x11 --set idle_after=1s --set resume_after=1s \
    --set notice_before_start=1h
ok 'before it is lent its owner is given notice' \
    wait_for 'shown reason | grep -q "notice is given"'
is "$(node pc1)" 'Owner Idle' 'and nothing is begun'
press a
ok 'a key ends it' wait_for 'shown reason | grep -q "somebody uses it"'
ok 'and it comes again' wait_for 'shown reason | grep -q "notice is given"'
stop_agent pc1

# ---- he stays ----

start_agent pc1 --presence x11 --set idle_after=2s --set resume_after=2s --set suspend_for=1s
start_agent pc2
job=$(submit_on pc1)
must "state_is $job.0 Running"
while state_is "$job.0" Running || state_is "$job.0" Suspended; do press a; done
is "$(task "$job.0" state)" Idle 'when he stays, the task leaves'
is "$(cat "$folder/goodbye")" bye 'politely: it could say goodbye'
is "$(node pc1)" 'Owner Idle' 'and the computer is his'
like "$(dusk why "$job.0")" '1 in use by their owners' 'why says that owners are there'
like "$(dusk why "$job.0")" 'not lent just now: somebody uses it \(1\)' 'and what keeps them'

# ---- an ordinary user's agent, without control groups ----

dusk rm "$job" >/dev/null
stop_agent pc1
if [ "$(id -u)" = 0 ] && setpriv --reuid 1 --regid 1 --clear-groups true 2>/dev/null; then
    mkdir "$folder/pc4"
    chown 31001:31001 "$folder/pc4"
    agent_of_root=$dusk_path
    cat >"$folder/bin/as-user" <<END
#!/bin/sh
exec setpriv --reuid 31001 --regid 31001 --clear-groups "$dusk_path" "\$@"
END
    chmod 755 "$folder/bin/as-user"
    dusk_path=$folder/bin/as-user
    start_agent pc4 --presence x11 --set idle_after=2s --set resume_after=1s
    dusk_path=$agent_of_root
    job=$(submit_on pc4)
    must "state_is $job.0 Running"
    ok 'an ordinary user lends his computer' goes_on
    press a
    ok 'his key suspends the task, too' wait_for "state_is $job.0 Suspended"
    press a
    stands=$(ticks)
    press a
    is "$(ticks)" "$stands" 'it does not compute'
    ok 'and goes on when he has gone' wait_for "state_is $job.0 Running"
    dusk rm "$job" >/dev/null
    stop_agent pc4
else
    skip 'an ordinary user lends his computer' 'only root can become one'
fi

# ---- what else runs here ----

# The class of a task that does nothing, so that it need not wait for a processor to say it.
class_of_task()
{
    ps -o cls= -p "$(pgrep -f 'sleep 4321$' | head -n 1)" | tr -d ' '
}

start_agent pc5 --give-way yes
job=$(dusk submit --quiet /dev/stdin <<'END'
executable = /bin/sleep
transfer_executable = false
arguments = 4321
requirements = Name == "pc5"
request_memory = 1M
request_disk = 1M
queue
END
)
wait_for '[ "$(class_of_task)" = IDL ]'
is "$(class_of_task)" IDL 'tasks give way to everything else'
dusk rm "$job" >/dev/null
stop_agent pc5
stop_agent pc2

# ---- he stays, and another computer is free ----

start_agent pc1 --presence x11 --set idle_after=2s --set resume_after=2s --set suspend_for=1h
job=$(submit_program compute)
must "state_is $job.0 Running"
press a
must "state_is $job.0 Suspended"
is "$(task "$job.0" node)" pc1 'without another node a suspended task stays'
start_agent pc2
ok 'with one it moves when it was suspended for long' \
    wait_for "press a; [ \"\$(task $job.0 state node)\" = 'Running pc2' ]"
dusk rm "$job" >/dev/null
stop_agent pc1

# ---- the clock on the wall ----

start_agent pc3 --set working_hours=always
ok 'in working hours nothing is lent' wait_for '[ "$(node pc3)" = "Owner Idle" ]'
like "$(dusk node show pc3 --json)" '"reason":"it is working hours there"' 'and the node says so'
stop_agent pc3
# Hours that it is now, and that end within the next two.
now=$((10#$(date +%H)))
start_agent pc6 --set "working_hours=$(printf '%02d:00-%02d:00' $now $(((now + 2) % 24)))"
ok 'hours end' wait_for '[ "$(node pc6)" = "Owner Idle" ]'
like "$(dusk node show pc6 --json)" 'working hours there; it is lent from [0-9]+:00 on' \
    'and the node says when'
job=$(submit_on pc6)
like "$(dusk why "$job.0")" 'it is working hours there \(1, until [0-9]+:00\)' 'and why as well'
dusk rm "$job" >/dev/null
stop_agent pc6

stop_agent pc2
stop_server
kill -TERM "$desktop_pid"
must 'has_ended "$desktop_pid"'
finish
