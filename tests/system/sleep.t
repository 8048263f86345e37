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

# card_of N: each magic packet for pcN lets whoever stands still there go on, and is noted.
card_of()
{
    exec ip netns exec "pc$1" python3 - "$folder" "$1" <<'END'
import os, signal, socket, sys, time

folder, number = sys.argv[1:]
card = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("", 9))
print("listens", file=open(folder + "/listens" + number, "w"), flush=True)
while True:
    packet, sender = heard.recvfrom(2048)
    if packet != b"\xff" * 6 + card * 16:
        continue
    with open(folder + "/packets", "a") as file:
        print("magic", number, sender[0], file=file, flush=True)
    time.sleep(2)  # no computer starts at once
    os.kill(int(open(folder + "/sleeper" + number).read()), signal.SIGCONT)
END
}

# stop_sleeper N: that one's agent, whether it stands still or not.
stop_sleeper()
{
    kill -TERM "${agent_pids[pc$1]}"
    kill -CONT "${agent_pids[pc$1]}"
    stop_agent "pc$1"
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
for number in 1 2 3; do
    plug_in "$number"
done
: >"$folder/naps"
: >"$folder/packets"
program lie-down <<END
echo \$PPID >"$folder/sleeper\$1"
echo "down \$1" >>"$folder/naps"
kill -STOP \$PPID
END
program fall-over <<END
echo tried >>"$folder/falls"
exit 3
END
listeners=
for number in 2 3; do
    card_of "$number" &
    listeners="$listeners $!"
    disown "$!"
    must '[ -e "$folder/listens$number" ]'
done

# ---- who sleeps ----

start_server --lease 6s --wake-after 1s --name 10.77.0.100
server_address=10.77.0.100:$server_port
on 1 start_agent pc1 --cpus 1
on 2 start_agent pc2 --cpus 2 --sleep-when-idle 1s --sleep-command "exec $folder/work/lie-down 2"
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
job=$(dusk submit -q two.sub)
like "$(dusk why "$job.0")" '1 asleep, and woken when it has waited' \
    'dusk why says what happens next'
ok 'a task that only the sleeping one has room for is done' wait_for "state_is $job Completed"
is "$(cat "$folder/packets")" 'magic 2 10.77.0.1' \
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
like "$(tail -n 1 "$folder/packets")" '^magic 2 10\.77\.0\.(99|100)$' 'from its own card'
ok 'the work is done' wait_for '[ -z "$(dusk q -af id)" ]'

# ---- an admin ----

ok 'it sleeps once more' wait_for '[ "$(naps)" = 3 ] && node_is pc2 Offline'
ok 'an admin may wake it' dusk node wake pc2
ok 'it comes, and when nothing is to do it sleeps again' wait_for '[ "$(naps)" = 4 ]'
ends_with 1 dusk node wake pc1
like "$output" 'does not sleep' 'one that is awake cannot be woken'

# ---- working hours ----

# To its agent the computer is lent; the server hears of other hours, as when they begin meanwhile.
stop_sleeper 2
: >"$folder/naps"
: >"$folder/packets"
on 2 start_agent pc2 --cpus 2 --sleep-when-idle 1s --sleep-command "exec $folder/work/lie-down 2" \
    --attribute 'WorkingHours="Mon-Sun 00:00-24:00"'
must '[ "$(naps)" = 1 ] && node_is pc2 Offline'
on 3 start_agent pc3 --cpus 2 --sleep-when-idle 1s --sleep-command "exec $folder/work/lie-down 3"
must '[ "$(naps)" = 2 ] && node_is pc3 Offline'
job=$(dusk submit -q two.sub)
must 'state_is "$job" Completed'
unlike "$(cat "$folder/packets")" '^magic 2' 'in its working hours a computer sleeps on'
like "$(cat "$folder/packets")" '^magic 3' 'another one is woken'

# ---- who cannot sleep ----

on 1 stop_agent pc1
on 1 start_agent pc1 --cpus 1 --sleep-when-idle 1s --sleep-command "exec $folder/work/fall-over"
ok 'one whose command fails has tried' wait_for '[ -s "$folder/falls" ]'
ok 'and is there again' wait_for 'node_is pc1 Unclaimed'
like "$(cat "$folder/pc1.log")" 'cannot sleep: the command for it failed' 'it says so'

kill $listeners
stop_sleeper 2
stop_sleeper 3
finish
