#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The owner's own word: pause, never and resume, and who may say them.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket

# as UID COMMAND...: as another user.
as()
{
    setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# shown MEMBER: of the whole, as JSON has it.
shown()
{
    dusk owner --json | sed -n "s/^{[^[]*\"$1\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p"
}

ticking_program compute <<END
echo \$\$ >"$folder/task.pid.new" && mv "$folder/task.pid.new" "$folder/task.pid"
END
chmod 777 "$folder"

# ---- nobody to talk to ----

ends_with 3 dusk owner
like "$output" "no agent runs on this computer, or it does not listen at '.*/pc1.socket'" \
    'without an agent that is said'

# ---- pause and resume ----

start_server
start_agent pc1 --set suspend_for=1h
like "$(dusk owner)" 'pc1 is lent to the pool: nobody uses it' 'the status says that it is lent'
like "$(dusk owner)" 'No task is here' 'and that no task is here'
job=$(submit_program compute)
must '[ -s "$folder/task.pid" ]'
must "state_is $job.0 Running"
ok 'a task computes' goes_on
like "$(dusk owner)" "^$job\.0 +[^ ]+ +running " 'the status names it'

like "$(dusk owner pause)" "its owner has paused it" 'pause is answered with how it is then'
like "$(dusk owner)" "^$job\.0 +[^ ]+ +suspended " 'the task is suspended in the same moment'
ok 'and frozen' wait_for 'is_frozen "$(cat "$folder/task.pid")"'
stands=$(ticks)
ok 'the pool learns of it' wait_for "state_is $job.0 Suspended"
like "$(dusk node show pc1 --json)" '"reason":"its owner has paused it"' 'and why'
is "$(ticks)" "$stands" 'nothing computes'
is "$(shown owner) $(shown reason) $(shown until_at)" '"present" "paused" null' 'scripts see it'

crash_agent pc1
start_agent pc1 --set suspend_for=1h
is "$(shown reason)" '"paused"' 'an agent that was killed remembers it'
ok 'the task is still there' wait_for '[ -n "$(dusk owner | grep "^$job\.0 .* suspended")" ]'
is "$(ticks)" "$stands" 'and computed nothing'

like "$(dusk owner resume)" 'is lent to the pool' 'resume lends it again'
ok 'the task goes on' goes_on
is "$(sort -u "$folder/ticks" | tr '\n' ' ')" '1 ' 'in the same attempt'
ok 'the pool sees it' wait_for "state_is $job.0 Running"

paused=$(dusk owner pause 2s --json)
like "$paused" '"reason":"paused".*"until_at":[0-9.]+,' 'a pause for two seconds has an end'
ok 'and ends by itself' wait_for '[ "$(shown reason)" = "\"none\"" ]'
ok 'and the task goes on' goes_on

like "$(dusk owner pause until 00:00)" ' until [0-9-]+( 00:00)?$' 'until a time of day'
like "$(dusk owner never)" "does not lend it" 'never is another word'
ok 'that the pool hears' \
    wait_for 'dusk node show pc1 --json | grep -q "its owner does not lend it"'
crash_agent pc1
start_agent pc1 --set suspend_for=1h
is "$(shown reason)" '"never"' 'and the agent remembers'
dusk owner resume >/dev/null
ok 'it is taken back, too' goes_on

# ---- one user's tasks alone ----

like "$(dusk owner mine-only erika)" "takes only erika's tasks: its owner said so" \
    'mine-only is answered with whose tasks are welcome'
ok "another's task is frozen" wait_for 'is_frozen "$(cat "$folder/task.pid")"'
ok 'which the pool learns' wait_for "state_is $job.0 Suspended"
ok 'and for whom it is' wait_for 'dusk node show pc1 --json | grep -q "only erika.s tasks"'
program compute_more <<END
while :; do sleep 0.02; done
END
other=$(submit_program compute_more)
dusk owner pause 1s >/dev/null
ok 'a pause leaves it as it was' \
    wait_for '[ "$(shown reason) $(shown only_user)" = "\"none\" \"erika\"" ]'
stands=$(ticks)
ok 'another task waits, and is told why' \
    wait_for 'dusk why $other.0 | grep -q "pc1 takes only erika.s tasks: its owner said so"'
crash_agent pc1
start_agent pc1 --set suspend_for=1h
is "$(shown only_user)" '"erika"' 'an agent that was killed remembers it'
crash_server
start_server
ok 'and so does the pool when its server was' \
    wait_for 'dusk why $other.0 | grep -q "pc1 takes only erika.s tasks: its owner said so"'
is "$(task "$other.0" state) $(task "$other.0" attempts)" 'Idle 0' 'nothing was tried in vain'
is "$(ticks)" "$stands" 'and nothing computed'
like "$(dusk owner mine-only)" "takes only $(id -un)'s tasks" 'whose is by default who says it'
ok 'what he had queued before runs there' wait_for "state_is $other.0 Running"
ok 'and what was frozen goes on' wait_for "state_is $job.0 Running"
dusk rm "$other" >/dev/null
like "$(dusk owner resume)" 'is lent to the pool' 'resume ends it'
is "$(shown only_user)" '' 'for everybody'
ok 'the pool learns that, too' wait_for '! dusk node show pc1 --json | grep -q DuskOnlyUser'

# ---- who may ----

if [ "$(id -u)" = 0 ]; then
    like "$(as 65533 "$dusk_path" owner)" 'is lent to the pool' 'a stranger may ask'
    ends_with 5 as 65533 "$dusk_path" owner pause
    like "$output" 'only whoever sits at this computer may say that' 'and is told why not'
    is "$(shown reason)" '"none"' 'nothing came of it'
    dusk owner pause >/dev/null
    task_uid=$(stat -c %u "/proc/$(cat "$folder/task.pid")")
    ends_with 5 as "$task_uid" "$dusk_path" owner resume
    is "$(shown reason)" '"paused"' 'a task may not resume'
    dusk owner resume >/dev/null
else
    skip 'a stranger and a task are refused' 'only root can be another user'
fi

# ---- who is rude ----

cat >"$folder/bin/visit" <<'END'
import socket, sys
def visit():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s
silent = [visit() for i in range(8)]
print(sum(s.recv(1) == b'' for s in silent[4:]), 'too many')
print(sum(s.recv(1) == b'' for s in silent[:4]), 'said nothing')
s = visit()
s.sendall(b'x' * 600)
print(s.makefile().readline())
s = visit()
s.sendall(b'{"version":1,"word":"pause"')
s.shutdown(socket.SHUT_WR)
print(s.recv(1) == b'', 'half a word')
END
visits=$(python3 "$folder/bin/visit" "$DUSK_AGENT_SOCKET")
like "$visits" '4 too many' 'of one user only some are let in'
like "$visits" '4 said nothing' 'whoever says nothing is sent away'
like "$visits" 'takes no line as long' 'and whoever says too much'
like "$visits" 'True half a word' 'half a word is none'
is "$(shown reason)" '"none"' 'nothing came of it'

# ---- what is broken ----

dusk rm "$job" >/dev/null
stop_agent pc1
echo nonsense >"$folder/pc1/owner"
start_agent pc1
is "$(shown reason)" '"paused"' 'a word that cannot be read counts as pause'
like "$(cat "$folder/pc1.log")" 'this counts as .pause.' 'and the log says so'
launch_agent pc2 --owner-socket "$DUSK_AGENT_SOCKET"
ok 'a second agent leaves the socket to the first' \
    wait_for 'grep -q "another agent listens there" "$folder/pc2.log"'
is "$(shown node)" '"pc1"' 'which still answers'
must 'grep -q "^ready pc2$" "$folder/pc2.out"'
stop_agent pc2
is "$(shown node)" '"pc1"' 'also when the second is gone'

# ---- notice ----

stop_agent pc1
rm "$folder/pc1/owner"
start_agent pc1 --set notice_before_start=1h
dusk owner pause 1s >/dev/null
ok 'notice is given when a pause has ended' wait_for '[ "$(shown reason)" = "\"notice\"" ]'
is "$(shown owner)" '"near"' 'and until then nothing is begun'
like "$(dusk owner)" 'notice is given that it will be lent' 'the owner is told'
like "$(dusk owner resume)" 'is lent to the pool' 'and may say that he needs none'

# ---- without the server ----

is "$(shown server_problem)" 'null' 'the server is reached'
stop_server
ok 'and when it is not, the owner is told' wait_for '[ "$(shown server_problem)" != null ]'
like "$(dusk owner resume)" 'The server is not reached: ' 'his word is heard all the same'
stop_agent pc1
finish
