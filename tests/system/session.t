#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The helper of a desktop session: keys in the desktop of an ordinary user stop what the agent of
# root runs. And desktops that stand still stop nobody.
. "$(dirname "$0")/lib.sh" || exit 1
for tool in Xvfb xdotool; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket

start_desktop

# The session's user: another than the agent's, if we can be one.
user=$(id -u)
if [ "$user" = 0 ] && setpriv --reuid 1 --regid 1 --clear-groups true 2>/dev/null; then
    user=31001
fi
export XDG_RUNTIME_DIR=$folder/runtime
mkdir "$XDG_RUNTIME_DIR"
chown "$user" "$XDG_RUNTIME_DIR"

as_user=()
[ "$user" = "$(id -u)" ] || as_user=(setpriv --reuid "$user" --regid "$user" --clear-groups)

start_helper()
{
    "${as_user[@]}" "$dusk_path" agent --session --log debug \
        </dev/null >>"$folder/helper.log" 2>&1 &
    helper_pid=$!
    disown "$helper_pid"
}

# shown MEMBER: of the whole, as JSON has it.
shown()
{
    dusk owner --json | sed -n "s/^{[^[]*\"$1\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p"
}

# source_shows MEMBER: of the only source.
source_shows()
{
    dusk owner --json | sed -n "s/.*\"sources\":\[{[^]]*\"$1\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p"
}

is_lent()
{
    [ "$(shown owner)" = '"away"' ]
}

ticking_program compute </dev/null

# ---- a helper comes ----

start_server
start_agent pc1 --presence session --set idle_after=2s --set resume_after=1s --set suspend_for=1h
is "$(source_shows source)" '"session"' 'the source is there'
# A logind would know that there is no desktop to watch but this one, which it does not know.
if [ -e /run/systemd/sessions ]; then
    skip 'without a helper nobody sees the desktop' 'there is a logind'
else
    is "$(shown reason)" '"unwatched"' 'without a helper nobody sees the desktop'
fi
start_helper
must 'grep -q "an agent listens" "$folder/helper.log"'
ok 'a helper sees it' wait_for '[ "$(source_shows works)" = true ]'
ok 'and the computer is lent' wait_for is_lent
job=$(submit_program compute)
must "state_is $job.0 Running"
ok 'a task computes' goes_on

# ---- somebody uses the desktop ----

xdotool key a
ok 'a key suspends it' wait_for '[ "$(shown reason)" = "\"used\"" ]'
ok 'as the pool sees' wait_for "state_is $job.0 Suspended"
ok 'and it goes on when he has gone' wait_for "state_is $job.0 Running"
ok 'the helper is told how things are' \
    wait_for "grep -q \"the agent of 'pc1' says: nobody\" $folder/helper.log"
ok 'with each change' wait_for "grep -q \"the agent of 'pc1' says: somebody\" $folder/helper.log"

ok 'a second helper of the same desktop ends' "${as_user[@]}" "$dusk_path" agent --session
must is_lent

# ---- the agent is started again ----

crash_agent pc1
ok 'the helper sees that it is gone' wait_for 'grep -q "no agent listens" "$folder/helper.log"'
start_agent pc1 --presence session --set idle_after=2s --set resume_after=1s --set suspend_for=1h
ok 'and comes back to the next one' \
    wait_for '[ "$(grep -c "an agent listens" "$folder/helper.log")" = 2 ]'
ok 'and sees for it' wait_for '[ "$(source_shows works)" = true ]'
ok 'the task goes on' wait_for 'is_lent && goes_on'
xdotool key a
ok 'whom a key reaches as well' wait_for '[ "$(shown reason)" = "\"used\"" ]'
ok 'until he has gone' wait_for is_lent

# ---- the admin knows of desks that are knocked against ----

crash_agent pc1
start_agent pc1 --presence session --set idle_after=2s --set resume_after=1s --set suspend_for=1h \
    --nudge 1000
ok 'the nudge of the settings reaches the helper' \
    wait_for 'pgrep -P "$helper_pid" -a -f watch-desktop | grep -q " 1000$"'
ok 'who sees with it' wait_for 'is_lent && goes_on'
xdotool key a
ok 'a key still counts' wait_for '[ "$(shown reason)" = "\"used\"" ]'
ok 'until he has gone' wait_for is_lent

# ---- the helper is killed ----

kill -KILL "$helper_pid"
must 'has_ended "$helper_pid"'
ok 'a helper that dies is a use' wait_for "state_is $job.0 Suspended"
start_helper
ok 'another helper takes its place' wait_for is_lent
ok 'and the task goes on' wait_for "state_is $job.0 Running"

# ---- the session ends ----

kill -KILL "$desktop_pid"
must 'has_ended "$desktop_pid"'
ok 'a helper ends with its desktop' wait_for 'has_ended "$helper_pid"'
tried=$(grep -c 'x11 does not work' "$folder/helper.log")
start_helper
must '[ "$(grep -c "x11 does not work" "$folder/helper.log")" -gt '"$tried"' ]'
start_desktop
ok 'one that came before its desktop tries again' wait_for '[ "$(source_shows works)" = true ]'
kill -KILL "$desktop_pid"
must 'has_ended "$desktop_pid" && has_ended "$helper_pid"'
start_helper
ok 'and ends when there is none' wait_for 'has_ended "$helper_pid"'
dusk rm "$job" >/dev/null
stop_agent pc1

# ---- who says he is a session ----

# say WHAT [UID]
say()
{
    python3 "$folder/bin/say" "$DUSK_AGENT_SOCKET" "$1" "${2:-$user}"
}

cat >"$folder/bin/say" <<'END'
import os, socket, sys
if int(sys.argv[3]) != os.getuid():
    os.setresuid(*[int(sys.argv[3])] * 3)
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
lines = s.makefile()
def say(word, more=''):
    s.sendall(('{"version":1,"word":"%s"%s}\n' % (word, more)).encode())
if sys.argv[2] == 'stranger':
    say('used', ',"ms_ago":0')
    print(lines.readline())
if sys.argv[2] == 'session':
    say('session')
    answer = lines.readline()
    print(answer)
    if 'error' in answer:
        sys.exit()
    say('watched')
    say('pause')
    print(lines.readline())
if sys.argv[2] == 'many':
    others = []
    for i in range(6):
        other = socket.socket(socket.AF_UNIX)
        other.settimeout(60)
        other.connect(sys.argv[1])
        other.sendall(b'{"version":1,"word":"session"}\n')
        print(other.makefile().readline())
        others.append(other)
if sys.argv[2] == 'babble':
    say('session')
    try:
        while True:
            say('used', ',"ms_ago":0')
    except OSError:
        print('sent away')
if sys.argv[2] == 'long':
    say('session')
    lines.readline()
    try:
        s.sendall(b'x' * 600)
        while lines.readline():
            pass
        print('sent away')
    except OSError:
        print('sent away')
END
start_agent pc1 --presence session --set idle_after=2s --set resume_after=1s
like "$(say stranger)" 'only the helper of a session says that' 'who is no session has no use'
said=$(say session)
like "$said" '"reason":' 'a session is told how things are'
[ "$user" = "$(id -u)" ] ||
    like "$said" '"refused":true' 'who does not sit here may have a session, and no more'
is "$(say many | grep -c 'too many helpers')" 2 'a user has only so many'
is "$(say babble)" 'sent away' 'who babbles is sent away'
is "$(say long)" 'sent away' 'and whoever sends lines without end'
[ "$user" = "$(id -u)" ] ||
    like "$(say session 61184)" 'a task is no desktop' 'a task is no session'
ok 'and the agent answers everybody' dusk owner
stop_agent pc1

# ---- an X server that stands still ----

start_desktop
kill -STOP "$desktop_pid"
start_agent pc1 --presence x11 --set idle_after=2s --set resume_after=1s
ok 'an agent is ready while its X server stands still' dusk owner
ok 'that the server does not answer is said' \
    wait_for '[ "$(source_shows why_not)" = "\"the X server of DISPLAY gives no answer\"" ]'
is "$(shown reason)" '"unwatched"' 'and the computer counts as used'
kill -CONT "$desktop_pid"
ok 'it is watched when it goes on' wait_for '[ "$(source_shows works)" = true ]'
ok 'and is lent then' wait_for is_lent
job=$(submit_program compute)
must "state_is $job.0 Running"
kill -STOP "$desktop_pid"
ok 'that one stands still later is seen, too' \
    wait_for '[ "$(source_shows why_not)" = "\"the X server of DISPLAY gives no answer\"" ]'
ok 'and the task gives way' wait_for "state_is $job.0 Suspended"
kill -CONT "$desktop_pid"
ok 'until it is watched again' wait_for "state_is $job.0 Running"
watcher=$(pgrep -P "${agent_pids[pc1]}" -f watch-desktop)
[ "$(id -u)" = 0 ] &&
    is "$(ps -o uid= -p "$watcher" | tr -d ' ')" 65534 'who watches for root is nobody'
kill -KILL "$watcher"
ok 'who watches is killed, and the computer counts as used' \
    wait_for '[ "$(shown reason)" = "\"unwatched\"" ]'
ok 'he is started again' wait_for is_lent
watcher=$(pgrep -P "${agent_pids[pc1]}" -f watch-desktop)
dusk rm "$job" >/dev/null
crash_agent pc1
ok 'and ends with his agent' wait_for 'has_ended "$watcher"'
start_agent pc1
stop_agent pc1

stop_server
kill -TERM "$desktop_pid"
must 'has_ended "$desktop_pid"'
finish
