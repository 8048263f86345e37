#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Computers that sleep when nothing is to do, and are woken by a magic packet when work waits. Each
# has a network of its own, and a bridge joins them; nothing leaves these. One that sleeps is one
# whose agent stands still, and who hears the packet at its card lets it go on.
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null ||
    ! unshare -n -m sh -c 'mount -t tmpfs none /run && ip netns add pc1 &&
        ip link add hall type bridge &&
        ip link add to1 type veth peer name eth0 netns pc1' 2>/dev/null; then
    echo '1..0 # SKIP networks of their own need root, ip and bridges'
    exit 0
fi
[ -n "${DUSK_TEST_UNSHARED:-}" ] ||
    DUSK_TEST_UNSHARED=1 exec unshare -n -m "$BASH" "$0" "$@"
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# A network of its own for pcN, 10.77.0.N.
plug_in()
{
    ip netns add "pc$1"
    ip link add "to$1" type veth peer name eth0 netns "pc$1"
    ip link set "to$1" master hall up
    ip -n "pc$1" link set lo up
    ip -n "pc$1" addr add "10.77.0.$1/24" brd + dev eth0
    ip -n "pc$1" link set eth0 up
    printf '#!/bin/sh\nexec ip netns exec pc%s %s "$@"\n' "$1" "$dusk_path" >"$folder/bin/on-pc$1"
    chmod 755 "$folder/bin/on-pc$1"
}

# on N FUNCTION...: what it starts runs on that computer.
on()
{
    local here=$dusk_path

    dusk_path=$folder/bin/on-pc$1
    shift
    "$@"
    dusk_path=$here
}

# The card of pc2: each magic packet for it lets whoever stands still go on, and is noted.
card_of_pc2()
{
    exec ip netns exec pc2 python3 - "$folder" <<'END'
import os, signal, socket, sys

folder = sys.argv[1]
card = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("", 9))
print("listens", file=open(folder + "/listens", "w"), flush=True)
while True:
    packet, sender = heard.recvfrom(2048)
    right = packet == b"\xff" * 6 + card * 16
    with open(folder + "/packets", "a") as file:
        print("magic" if right else "other", sender[0], file=file, flush=True)
    if right:
        os.kill(int(open(folder + "/sleeper").read()), signal.SIGCONT)
END
}

# reason NODE: what people are told.
reason()
{
    dusk node show "$1" --json | python3 "$library/json_fields" reason
}

naps()
{
    wc -l <"$folder/naps"
}

mount -t tmpfs none /run
ip link set lo up
ip link add hall type bridge
ip link set hall up
# Of one address alone: the server reaches all, and is in nobody's segment.
ip addr add 10.77.0.100/32 dev hall
ip route add 10.77.0.0/24 dev hall src 10.77.0.100
plug_in 1
plug_in 2
: >"$folder/naps"
: >"$folder/packets"
program lie-down <<END
echo \$PPID >"$folder/sleeper"
echo down >>"$folder/naps"
kill -STOP \$PPID
END
program fall-over <<END
echo tried >>"$folder/falls"
exit 3
END
card_of_pc2 &
listener=$!
disown "$listener"
must '[ -e "$folder/listens" ]'

# ---- who sleeps ----

start_server --lease 6s --wake-after 1s --name 10.77.0.100
server_address=10.77.0.100:$server_port
on 1 start_agent pc1 --cpus 1
on 2 start_agent pc2 --cpus 2 --sleep-when-idle 1s --sleep-command "exec $folder/work/lie-down"
ok 'a computer without work goes to sleep' wait_for '[ "$(naps)" = 1 ]'
ok 'and is Offline' wait_for 'node_is pc2 Offline'
like "$(reason pc2)" 'asleep since .*; woken when work waits for it' 'whoever looks is told why'
is "$(dusk node show pc1 --json | python3 "$library/json_fields" asleep)" false \
    'one that was not told to sleep does not'

# ---- who is woken ----

submit_file two.sub <<'END'
executable = /bin/true
transfer_executable = false
request_cpus = 2
queue
END
job=$(dusk submit two.sub | sed -n 's/[^0-9]*\([0-9]*\).*/\1/p' | head -n 1)
like "$(dusk why "$job.0")" '1 asleep, and woken when it has waited' \
    'dusk why says what happens next'
ok 'a task that only the sleeping one has room for is done' wait_for "state_is $job Completed"
is "$(cat "$folder/packets")" 'magic 10.77.0.1' \
    'its card heard one magic packet, from the other one'
like "$(cat "$folder/server.log")" 'node pc2 is woken by pc1' 'the server says so'

# ---- a server that starts anew, in the segment itself ----

ok 'when its work is done, it sleeps again' wait_for '[ "$(naps)" = 2 ] && node_is pc2 Offline'
stop_server
ip addr add 10.77.0.99/24 dev hall
start_server --lease 6s --wake-after 1s --name 10.77.0.100
server_address=10.77.0.100:$server_port
like "$(reason pc2)" 'asleep since' 'a restarted server knows who sleeps'
dusk submit two.sub >/dev/null
ok 'and wakes him itself' wait_for '[ "$(wc -l <"$folder/packets")" -ge 2 ]'
like "$(tail -n 1 "$folder/packets")" '^magic 10\.77\.0\.(99|100)$' 'from its own card'
ok 'the work is done' wait_for '[ -z "$(dusk q -af id)" ]'

# ---- who cannot sleep ----

on 1 stop_agent pc1
on 1 start_agent pc1 --cpus 1 --sleep-when-idle 1s --sleep-command "exec $folder/work/fall-over"
ok 'one whose command fails has tried' wait_for '[ -s "$folder/falls" ]'
ok 'and is there again' wait_for 'node_is pc1 Unclaimed'
like "$(cat "$folder/pc1.log")" 'cannot sleep: the command for it failed' 'it says so'

kill -CONT "$(cat "$folder/sleeper")" 2>/dev/null
kill "$listener"
finish
