#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What people type, on a pool of one server and two agents.
. "$(dirname "$0")/lib.sh" || exit 1

start_server
like "$(cat "$folder/server.out")" '^ready [^ ]+:[1-9][0-9]*$' 'the server says where it is ready'
ok 'its socket is there' test -S "$folder/server/socket"
token=$(dusk token create)
like "$token" '^[^[:space:]]+$' 'token create prints the token alone'
echo "$token" >"$folder/token"
start_agent pc1 --cpus 2
start_agent pc2 --cpus 2
is "$(cat "$folder/pc1.out")" 'ready pc1' 'the agent says that it is ready'
is "$(dusk status -af name state | sort | paste -sd ' ')" 'pc1 Unclaimed pc2 Unclaimed' \
    'one token serves two agents'
cd "$folder/work" || exit 1

# ---- submit, wait, history ----

program greet <<'END'
echo "hello $1"
echo "trouble $1" >&2
exit "$1"
END
submit_file greet.sub <<'END'
executable = greet
arguments = $(Process)
output = out.$(Process)
error = err.$(Process)
queue 3
END
job=$(dusk submit --quiet greet.sub)
like "$job" '^[1-9][0-9]*$' 'submit --quiet prints the number alone'
ok 'wait ends with 0 when all is Completed, whatever the exit codes' dusk wait "$job"
is "$(cat out.0 out.1 out.2 err.2 | paste -sd,)" 'hello 0,hello 1,hello 2,trouble 2' \
    'the outputs are there when wait ends'
submit_file both.sub <<'END'
executable = greet
arguments = 0
output = both
error = ./both
queue
END
ok 'a task with one file for both streams ends' dusk submit --wait both.sub
is "$(paste -sd, both)" 'hello 0,trouble 0' 'and has both in it, however its name is written'
is "$(task "$job" id state exit_code exit_signal attempts | sort | paste -sd,)" \
    "$job.0 Completed 0 undefined 1,$job.1 Completed 1 undefined 1,$job.2 Completed 2 undefined 1" \
    'history has the results'
is "$(dusk history --json "$job.1" | python3 -c '
import json, sys
task = json.load(sys.stdin)[0]
times = [task[n] for n in ("submitted_at", "started_at", "ended_at")]
print(all(isinstance(t, float) for t in times) and times == sorted(times),
      task["node"] in ("pc1", "pc2"), isinstance(task["attempts"], int),
      {"id", "state", "node", "attempts", "exit_code", "exit_signal", "reason", "submitted_at",
       "started_at", "ended_at"} <= set(task))')" 'True True True True' \
    'a task has the fields of the interface, in order of time'
is "$(dusk q --json | tr -d '[:space:]')" '[]' 'q --json of nothing is an empty array'
job=$(dusk submit --quiet --wait greet.sub -a 'x = 1' 2>/dev/null) && status=0 || status=$?
is "$status" 0 'submit --wait ends when the last result is recorded'
is "$(task "$job" state | sort -u)" Completed 'and then history has them all'

# ---- waiting for what does not end well ----

submit_file sleep.sub <<'END'
executable = /bin/sleep
transfer_executable = false
arguments = 300
queue
END
long=$(dusk submit --quiet sleep.sub)
ends_with 124 dusk wait "$long" --timeout 0.2
must "state_is $long.0 Running"
is "$(dusk q --json "$long" |
    python3 "$library/json_fields" id state attempts exit_code ended_at)" \
    "$long.0 Running 1 null null" 'q --json knows what runs'
like "$(dusk q)" "^ *$long " 'q has a line for the job'
like "$(dusk q --tasks)" "$long\.0 .*Running" 'q --tasks has a line for the task'
like "$(dusk why "$long.0")" 'pc[12]' 'why says where it runs'
like "$(dusk status)" '^pc[12] .*Claimed' 'status shows a claimed node'
ok 'hold' dusk hold "$long"
must "state_is $long.0 Held"
ends_with 1 dusk wait "$long" --timeout 30
like "$(dusk why "$long.0")" 'user' 'why says who held it'
ok 'release' dusk release "$long.0"
must "state_is $long.0 Running"
ok 'rm' dusk rm "$long"
must "state_is $long.0 Removed"
ends_with 1 dusk wait "$long"
must '! pgrep -f "^/bin/sleep 300$" -s 0'
ends_with 4 dusk wait 4711
ends_with 4 dusk rm 4711
ends_with 4 dusk why 4711.1
ends_with 2 dusk wait x17

# ---- run ----

is "$(dusk run echo hello)" hello 'run shows what the program writes'
is "$(echo through | dusk run tr a-z A-Z)" THROUGH 'run sends standard input along'
is "$(dusk run sh -c 'echo wrong >&2' 2>&1 >/dev/null)" wrong 'and keeps standard error apart'
ends_with 7 dusk run sh -c 'exit 7'
ends_with 137 dusk run sh -c 'kill -9 $$'
ends_with 143 dusk run sh -c 'kill -15 $$'
ends_with 127 dusk run no-such-program-anywhere
printf '#!/no/such/interpreter\n' >orphan
chmod 755 orphan
ends_with 1 dusk run ./orphan
like "$output" 'could not be run.*interpreter' 'a program that cannot be run is no success'
dusk run sleep 1000 >run.out 2>&1 </dev/null &
runner=$!
must '[ "$(dusk q -af state)" = Running ]'
dusk rm --all >/dev/null
wait "$runner"
is "$? $(cat run.out)" '1 dusk: the task was removed' 'nor is one that was removed'
is "$(head -c 3000000 /dev/zero | dusk run wc -c | tr -d ' ')" 3000000 'megabytes go in'
is "$(dusk run head -c 3000000 /dev/zero | wc -c | tr -d ' ')" 3000000 'and out'
is "$(dusk run -e COLOUR=blue sh -c 'echo $COLOUR')" blue 'a variable goes along'
unlike "$(SECRET_OF_SUBMITTER=1 dusk run env)" 'SECRET_OF_SUBMITTER|DUSK_TEST_FOLDER|DUSK_TOKEN' \
    'and no other, neither of the submitter nor of the agent'
is "$(dusk run sh -c 'echo $(ls /proc/self/fd)')" '0 1 2 3' \
    'no descriptor leaks into a task'

# ---- tail ----

program talk <<'END'
echo first
while [ ! -e "$1" ]; do sleep 0.05; done
echo last
END
submit_file talk.sub <<END
executable = talk
arguments = $folder/work/go
output = talk.out
queue
END
job=$(dusk submit --quiet talk.sub)
must "dusk tail $job.0 | grep -qx first"
pass 'tail shows what a running task has written'
dusk tail --follow "$job.0" >"$folder/followed" &
follower=$!
must 'grep -qx first "$folder/followed"'
touch go
ok 'the task ends' dusk wait "$job"
must 'has_ended $follower'
is "$(paste -sd, "$folder/followed")" first,last 'tail --follow goes on until the task ends'

# peak_of_server: of its memory, in kB.
peak_of_server()
{
    sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server_pid/status"
}
rm -f go
program flood <<'END'
head -c 60000000 /dev/zero
while [ ! -e "$1" ]; do sleep 0.1; done
END
submit_file flood.sub <<END
executable = flood
arguments = $folder/work/go
output = flood.out
request_disk = 100M
queue
END
job=$(dusk submit --quiet flood.sub)
must "state_is $job.0 Running"
before=$(peak_of_server)
mkfifo slow
dusk tail --follow "$job.0" >slow &
exec 7<slow
is "$(head -c 1000000 <&7 | wc -c)" 1000000 'tail of much output begins'
must '[ "$(dusk tail "$job.0" | wc -c)" = 60000000 ]'
pass 'another reads it all, while the first does nothing'
if grep -aq __asan_init "$dusk_path"; then
    skip 'and the server does not keep it all' 'the sanitizer keeps what was freed'
else
    ok 'and the server does not keep it all' test $(($(peak_of_server) - before)) -lt 30000
fi
is "$(head -c 59000000 <&7 | wc -c)" 59000000 'the reader gets the rest when he goes on'
touch go
exec 7<&-
ok 'the task ends, too' dusk wait "$job"

# ---- nodes ----

is "$(dusk node list -af name | sort | paste -sd,)" pc1,pc2 'node list'
is "$(dusk node show pc1 --json | python3 "$library/json_fields" name state cpus)" \
    'pc1 Unclaimed 2' 'node show'
ends_with 4 dusk node show pc9
# The address by which this computer would speak to others; nothing is sent.
address=$(python3 -c '
import socket
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(("192.0.2.1", 9))
print(peer.getsockname()[0])' 2>/dev/null)
if [ -n "$address" ]; then
    by_name=$server_address
    server_address=$address:${server_address##*:}
    start_agent pc3
    pass 'a server is reached by its address, too'
    stop_agent pc3
    dusk node forget pc3 >/dev/null
    server_address=$by_name
else
    skip 'a server is reached by its address, too' 'this computer has none'
fi
stop_agent pc2
must 'node_is pc2 Offline'
ok 'node forget' dusk node forget pc2
unlike "$(dusk node list -af name)" pc2 'a forgotten node is listed no more'
launch_agent pc2
must "has_ended ${agent_pids[pc2]}"
unset 'agent_pids[pc2]'
like "$(tail -n 3 "$folder/pc2.log")" 'token|pool|certificate' \
    'and is told what to do when it comes back'

# ---- dusk itself ----

like "$(dusk version)" '^dusk [0-9]+\.[0-9]+' version
is "$(dusk config --json | python3 -c '
import json, sys
settings = {s["key"]: s for s in json.load(sys.stdin)}
print(settings["socket"]["value"], settings["socket"]["origin"])')" \
    "$DUSK_SOCKET DUSK_SOCKET" 'config says what is set and where'
is "$(dusk config server --state "$folder/server" --lease 7s --json | python3 -c '
import json, sys
settings = {s["key"]: s for s in json.load(sys.stdin)}
print(settings["lease"]["value"], settings["lease"]["origin"], settings["port"]["origin"])')" \
    '7s --lease default' "a server's settings, too"
printf '[agent]\nserver = big.example\ntoken = dusk1.secret\n' >"$folder/agent.ini"
like "$(dusk config agent --config "$folder/agent.ini")" "server +big.example +$folder/agent.ini" \
    "and an agent's"
unlike "$(dusk config agent --config "$folder/agent.ini")" 'dusk1' 'but no token'
ends_with 2 dusk sumbit x
like "$output" 'dusk submit' 'an unknown command names the nearest one'
ends_with 2 dusk q --taks
like "$output" 'tasks' 'an unknown option names the nearest one'
ends_with 2 dusk
ends_with 3 env DUSK_SOCKET="$folder/nothing" "$dusk_path" q
like "$output" 'server' 'without a server the reason is said'
without=
for command in $(dusk help words) server agent sim; do
    dusk "$command" --help 2>/dev/null | grep -iq 'example' || without="$without $command"
done
is "$without" '' 'the help of each command has an example'

stop_agent pc1
stop_server
is "$(wc -l <"$folder/server.out") $(wc -l <"$folder/pc1.out")" '1 1' \
    'servers and agents print nothing but that they are ready'
finish
