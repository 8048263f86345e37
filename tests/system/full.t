#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disk fills that the server keeps its own state on. New work is refused with one sentence, what
# runs is recorded as long as there is any room, then waits on its node; with room the pool goes on
# by itself. A commit that fails all the same ends the server, and loses nothing that it has said.
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
    echo '1..0 # SKIP only root can mount small file systems'
    exit 0
fi
[ -n "${DUSK_TEST_UNSHARED:-}" ] || DUSK_TEST_UNSHARED=1 exec unshare -m "$BASH" "$0" "$@"
. "$(dirname "$0")/lib.sh" || exit 1
mkdir "$folder/server"
if ! mount -t tmpfs -o size=40m,mode=755 none "$folder/server"; then
    echo '1..0 # SKIP no file system can be mounted here'
    exit 0
fi
start_server --lease 3s
start_agent pc1 --cpus 8
cd "$folder/work" || exit 1

# leave BYTES: so many are free on the server's disk, less than a page more or less.
leave()
{
    local free

    rm -f "$folder/server/ballast"
    free=$(df --output=avail -B1 "$folder/server" | tail -n 1)
    head -c $((free - $1)) /dev/zero >"$folder/server/ballast" 2>/dev/null
}

program gate <<'END'
while [ ! -e "$1" ]; do sleep 0.05; done
echo done
END
submit_file gate.sub <<END
executable = gate
arguments = $folder/work/\$(name)
queue
END
submit_file true.sub <<'END'
executable = /bin/true
transfer_executable = false
queue
END

# gate NAME [LINE]: submits one that runs until NAME is there; waits until it does.
gate()
{
    job=$(dusk submit --quiet gate.sub "name=$1" ${2:+-append "$2"})
    must "state_is $job.0 Running"
}
is_refused()
{
    ends_with 1 "$@"
    is "$output" 'dusk: the disk of the server is full
hint: try again when there is room on it, or tell who runs the pool' 'and one sentence says why'
}

gate silent
silent=$job
gate loud 'output = loud.out'
loud=$job
gate late
late=$job
gate later
later=$job
idle=$(dusk submit --quiet true.sub -append 'hold = true')

# ---- nearly full ----

leave 1000000
is_refused dusk submit true.sub
head -c 3000000 /dev/urandom >large
is_refused dusk run -i large cat large
touch silent
ok 'a result without files is recorded' dusk wait "$silent" --timeout 60
touch loud
must "state_is $loud.0 Held"
like "$(dusk why "$loud.0")" 'disk of the server' 'one with files is held with that reason'
ok 'a job can be removed' dusk rm "$idle"

# ---- full ----

leave 0
is_refused dusk submit true.sub
is_refused dusk rm "$later"
is "$(dusk q -af id state)" "$loud.0 Held
$late.0 Running
$later.0 Running" 'questions are answered'
like "$(dusk why "$late.0")" 'disk of the server is full' 'why says what is waited for'
pid=$(pgrep -of "^/bin/sh .*$folder/work/later")
must 'is_frozen "$pid"'
pass 'after its lease a task is frozen'
touch late later
is "$(dusk q "$late" -af id state)" "$late.0 Running" 'nothing more is recorded'

# ---- room again ----

rm "$folder/server/ballast"
ok 'the frozen ones go on and are recorded' dusk wait "$late" "$later" --timeout 60
is "$(dusk history -af id attempts)" "$silent.0 1
$late.0 1
$later.0 1
$idle.0 0" 'and none was computed again'
ok 'what was held is released' dusk release "$loud"
ok 'and ends' dusk wait "$loud" --timeout 60
is "$(cat loud.out)" done 'with its output'
ok 'jobs are taken again' dusk submit --wait true.sub
ok 'all this by the same server' kill -0 "$server_pid"

# ---- full, and a crash ----

rm -f late
gate late
leave 0
crash_server
touch late
: >"$folder/server.out"
: >"$folder/server.log"
"$dusk_path" server --state "$folder/server" --port "$server_port" --lease 3s \
    >"$folder/server.out" 2>>"$folder/server.log" </dev/null &
server_pid=$!
must 'grep -q "^ready " "$folder/server.out" || has_ended "$server_pid"'
like "$(cat "$folder/server.log")" 'full|No space' 'a server that starts on a full disk says so'
rm "$folder/server/ballast"
has_ended "$server_pid" && start_server --lease 3s
ok 'with room, the result from before is recorded' dusk wait "$job" --timeout 60
is "$(task "$job.0" state attempts)" 'Completed 1' 'once'

# ---- a commit that fails ----

if command -v prlimit >/dev/null; then
    # The log starts anew from time to time and is full of old commits: some fit below this.
    prlimit --pid "$server_pid" --fsize=1000000
    acknowledged=
    while job=$(dusk submit --quiet true.sub 2>/dev/null); do
        acknowledged="$acknowledged $job"
    done
    must 'has_ended "$server_pid"'
    like "$(tail -n 1 "$folder/server.log")" 'cannot store what happened.*disk is full.*room' \
        'a server that cannot store ends, and says what to do'
    start_server --lease 3s
    ok 'it has all that it acknowledged' dusk wait $acknowledged --timeout 60
else
    skip 'a commit that fails' 'there is no prlimit'
fi
finish
