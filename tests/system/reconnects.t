#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agents whose connection looks alive to the server and is not, and such whose place is taken.
. "$(dirname "$0")/lib.sh" || exit 1
relay=$(cd "$(dirname "$1")" && pwd)/tests/bench/relay
cd "$folder/work" || exit 1

# The cable of whoever dials $relay_address; SIGSTOP pulls it out.
start_relay()
{
    "$relay" "$server_port" >"$folder/relay.out" 2>"$folder/relay.log" </dev/null &
    relay_pid=$!
    disown "$relay_pid"
    must 'grep -q "^ready " "$folder/relay.out"'
    relay_address=localhost:$(sed -n 's/^ready //p' "$folder/relay.out")
}

# ---- a computer that comes back before the server has missed it ----

start_server --lease 30s
direct_address=$server_address
start_relay
server_address=$relay_address
start_agent pc1 --cpus 2
server_address=$direct_address
kill -STOP "$relay_pid"
crash_agent pc1
: >"$folder/pc1.log"
start_agent pc1 --cpus 2
pass 'an agent is let in again though its older connection still looks alive'
is "$(grep -c 'older connection' "$folder/pc1.log")" 1 'and says once what it waits for'
like "$(dusk run echo works)" works 'and works'
kill -KILL "$relay_pid"

# ---- a computer whose place is taken, as by its copy ----

stop_agent pc1
identity=$(dirname "$(find "$folder/pc1" -name key.pem)")
MACHINE=$(python3 -c 'import sqlite3, sys
print("%016x" % (sqlite3.connect(sys.argv[1]).execute("SELECT machine FROM node").fetchone()[0]
                 & (1 << 64) - 1))' "$folder/server/dusk.db")
export MACHINE
python3 "$library/stranger" "$server_port" agent "$identity" 1 >"$folder/first" 2>&1 &
first=$!
disown "$first"
must 'grep -q welcome "$folder/first"'
: >"$folder/pc1.log"
launch_agent pc1 --cpus 2
must "has_ended ${agent_pids[pc1]}" 30
like "$(cat "$folder/pc1.log")" 'another agent with this identity is connected' \
    'an agent whose place is taken ends, and says why'
is "$(cat "$folder/pc1.out")" '' 'and was never ready'
ok 'who was there first goes on' kill -0 "$first"
kill -KILL "$first"
must 'has_ended "$first"'
start_agent pc1 --cpus 2
pass 'when the other is gone, it is let in'
finish
