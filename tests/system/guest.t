#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole PC: Debian with systemd in a virtual machine, at whose keyboard somebody sits. The agent
# is a service there, as it is installed; the server is here. One guest, booted once, serves all
# tests. Keys are pressed again before each look at what they froze: all is emulated, and slow.
# Another node, where tasks go on while that one sleeps, is an agent here.
build=$(cd "${1%/*}" && pwd)
. "$(dirname "$0")/lib.sh" || exit 1
command -v qemu-system-x86_64 >/dev/null ||
    { echo '1..0 # SKIP there is no qemu-system-x86_64'; exit 0; }
image=$build/guest
mkdir -p "$image"
# Two tests of one build at a time would write over each other.
why_not=$(flock "$image" "$library/../guest/build" "$image") ||
    { echo "1..0 # SKIP no guest: ${why_not##*$'\n'}"; exit 0; }
if ! ${CC:-cc} -o "$folder/mouse" "$library/mouse.c" 2>/dev/null; then
    echo '1..0 # SKIP there is no compiler for a mouse'
    exit 0
fi
patience=120
cd "$folder/work" || exit 1

# ---- the guest ----

libraries_of_dusk()
{
    ldd "$dusk_path" | grep -o '/[^ ]*'
    # A plugin, which the binary loads when it runs.
    ldd "$dusk_path" | sed -n 's|.* \(/.*\)/libwebsockets[.].*|\1/libwebsockets-evlib_uv.so|p'
}

# The binary, its units and those of its libraries that the image lacks, as one more archive behind
# the image: so they are always those of this build.
pack_dusk()
{
    local program path units=$build/units

    program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$units/dusk-agent.service")
    mkdir -p "root${program%/*}" root/etc/systemd/system root/etc/dusk \
        root/usr/lib/x86_64-linux-gnu
    cp "$dusk_path" "$folder/mouse" "root${program%/*}"
    cp "$units"/dusk-agent.service "$units"/dusk.slice root/etc/systemd/system/
    cpio -t --quiet <"$image/root.cpio" >in_image
    libraries_of_dusk | while read -r path; do
        grep -q "/${path##*/}\$" in_image || cp -L "$path" root/usr/lib/x86_64-linux-gnu/
    done
    (cd root && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) >dusk.cpio
    cat "$image/root.cpio" dusk.cpio >"$folder/initrd"
}

# monitor COMMAND: of QEMU, which answers in monitor.out.
monitor()
{
    printf '%s\n' "$*" >&"$monitor"
}

boot()
{
    truncate -s 256M "$folder/disk"
    mkfifo "$folder/monitor"
    exec {monitor}<>"$folder/monitor"
    qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 768 -nodefaults -display none -no-reboot \
        -kernel "$image/kernel" -initrd "$folder/initrd" \
        -append 'console=ttyS0 quiet systemd.getty_auto=no' \
        -netdev user,id=net,hostfwd=tcp:127.0.0.1:0-10.0.2.15:7 \
        -device virtio-net-pci,netdev=net -device virtio-mouse-pci \
        -drive "file=$folder/disk,format=raw,if=virtio" \
        -device virtio-keyboard-pci,id=keyboard \
        -serial "file:$folder/console.log" -monitor stdio \
        <"$folder/monitor" >"$folder/monitor.out" 2>&1 &
    machine_pid=$!
    disown "$machine_pid"
    monitor info usernet
    must 'grep -q HOST_FORWARD "$folder/monitor.out"'
    shell_port=$(sed -n 's/.*HOST_FORWARD\] *[0-9]* *[0-9.]* *\([0-9]*\) .*/\1/p' \
        "$folder/monitor.out")
    must 'guest true'
}

# guest SCRIPT: run by root's bash there, and ends as it does. What it leaves in the background must
# have another output.
guest()
{
    local channel said

    exec {channel}<>"/dev/tcp/127.0.0.1/$shell_port" || return 1
    printf '{ %s\n} </dev/null 2>&1\nstatus=$?; echo; echo "exit $status"; exit\n' "$*" \
        >&"$channel"
    said=$(timeout 60 cat <&"$channel")
    exec {channel}>&-
    printf '%s\n' "$said" | sed '$d' | sed '${/^$/d}'
    [ "${said##*$'\n'}" = 'exit 0' ]
}

# start_service KEY=VALUE...: the agent anew, so configured.
start_service()
{
    printf '[agent]\nserver = 10.0.2.2:%s\nname = pc1\ntoken = %s\n' "$server_port" "$token" >ini
    printf '%s\n' "$@" >>ini
    guest "cat >/etc/dusk/agent.ini <<'END'
$(cat ini)
END
systemctl restart dusk-agent"
}

# configure KEY=VALUE...: the same, and the computer is lent.
configure()
{
    start_service "$@"
    must 'is_shown "Unclaimed"'
}

# is_asleep: the machine itself. What was answered before does not count.
is_asleep()
{
    local before

    before=$(grep -c '^VM status' "$folder/monitor.out")
    monitor info status
    must '[ "$(grep -c "^VM status" "$folder/monitor.out")" -gt '"$before"' ]'
    grep '^VM status' "$folder/monitor.out" | tail -n 1 | grep -q suspended
}

send_to_sleep()
{
    guest 'systemctl suspend'
    must is_asleep
}

wake_up()
{
    monitor system_wakeup
    must 'guest true'
}

# is_shown STATE [ACTIVITY]: of pc1, and its activity as well if that is asked for.
is_shown()
{
    dusk status -af name state activity | grep -q "^pc1 $1"
}

# ---- who is there ----

# press [KEY]: one that no program does anything with.
press()
{
    monitor sendkey "${1:-shift}"
}

# about SOURCE MEMBER: what the node says of one of those who watch.
about()
{
    dusk node show pc1 --json | grep -o "\"source\":\"$1\"[^}]*" |
        sed -n "s/.*\"$2\":\([^,]*\).*/\1/p"
}

# used_lately SOURCE: since the last call of mark, which waits until earlier uses are 5 s ago: so
# neither moment need be known better than to a second.
mark()
{
    must 'ago=$(about '"$1"' last_activity_ms_ago); [ "$ago" = null ] || [ "$ago" -ge 5000 ]'
    marked=$SECONDS
}

used_lately()
{
    local ago

    ago=$(about "$1" last_activity_ms_ago)
    [ "${ago:-null}" != null ] && [ "$ago" -lt $(((SECONDS - marked) * 1000 + 2000)) ]
}

reason_is()
{
    dusk node show pc1 | grep -q "^reason  *$1"
}

# ---- a task ----

# submit_compute [PROGRAM MEMORY]
submit_compute()
{
    guest ': >/tmp/ticks; chmod 666 /tmp/ticks'
    job=$(dusk submit --quiet /dev/stdin <<END
executable = ${1:-compute}
request_memory = ${2:-1M}
request_disk = 1M
queue
END
)
    must "state_is $job.0 Running"
    group=/sys/fs/cgroup$(guest 'sed s/^0::// /proc/$(pgrep -o -f ./'"${1:-compute}"')/cgroup')
}

stands()
{
    guest "grep -qx 1 $group/cgroup.freeze && grep -qx 'frozen 1' $group/cgroup.events"
}

ticks()
{
    guest 'wc -l </tmp/ticks'
}

# Whether the task computes: it is given the time for some more, and makes none or more.
goes_on()
{
    local before

    before=$(ticks)
    wait_for "state_is $job.0 Running" && wait_for '[ "$(ticks)" -gt '"$((before + 2))"' ]'
}

# ---- it boots ----

program compute <<'END'
while :; do echo "$DUSK_ATTEMPT" >>/tmp/ticks; sleep 0.05; done
END

pack_dusk
start_server --name 10.0.2.2
token=$(dusk token create)
boot
diag "booted within $SECONDS s"
configure presence=auto idle_after=2s resume_after=2s suspend_for=1h

pass 'the service lends a PC that nobody uses'
for source in evdev tty logind; do
    ok "$source watches" wait_for '[ "$(about "$source" works)" = true ]'
done
like "$(guest journalctl -u dusk-agent)" 'held by control groups; limits: memory enforced' \
    'tasks are held by control groups'

# ---- keys and mice ----

submit_compute
ok 'a task computes' goes_on
like "$group" '^/sys/fs/cgroup/dusk.slice/.*/task-1$' 'in a group below dusk.slice'
is "$(guest "cat $group/../cpu.idle /sys/fs/cgroup/dusk.slice/cpu.idle" | tr -d '\n')" 11 \
    'which is idle, and so is the slice'
# Whether the kernel has weights for the disk is the kernel's.
weight=$(guest 'cat /sys/fs/cgroup/dusk.slice/io.weight 2>/dev/null || true')
if [ -n "$weight" ]; then
    is "$weight" 'default 1' 'the disk is everybody else'"'"'s first'
else
    skip 'the disk is everybody else'"'"'s first' 'this kernel has no weights for it'
fi

press
ok 'a key suspends it' wait_for "state_is $job.0 Suspended"
press
ok 'its group is frozen' stands
press
before=$(ticks)
press
is "$(ticks)" "$before" 'and does not compute'
ok 'it goes on when nobody presses any more' goes_on
mark evdev
monitor mouse_move 40 40
ok 'the mouse suspends it as well' wait_for "state_is $job.0 Suspended"
ok 'which evdev has seen' used_lately evdev
ok 'and it goes on again' goes_on

devices=$(guest 'ls /dev/input' | grep -c event)
monitor device_del keyboard
must '[ "$(guest "ls /dev/input" | grep -c event)" -lt "$devices" ]'
is "$(about evdev works)" true 'a keyboard may be unplugged'
monitor device_add virtio-keyboard-pci,id=another
must '[ "$(guest "ls /dev/input" | grep -c event)" = "$devices" ]'
mark evdev
ok 'and the next one is heard' wait_for 'press; used_lately evdev'

# ---- a quick mouse ----

# How often the agent has woken since it began, and how many thousand times the mouse was moved.
wake_ups_and_moves()
{
    echo $(guest 'sed -n "s/^voluntary_ctxt_switches:[^0-9]*//p" \
        "/proc/$(systemctl show --property MainPID --value dusk-agent)/status"
        wc -l </run/moves')
}

# It comes like one by Bluetooth, tells 1,000 moves a second, and is gone while it does.
guest 'modprobe uhid'
mark evdev
guest 'systemd-run --quiet --unit mouse --property StandardOutput=file:/run/moves mouse'
ok 'a mouse that is plugged in is heard' wait_for 'used_lately evdev'
ok 'and suspends the task' wait_for "state_is $job.0 Suspended"
must 'read -r wakes moves < <(wake_ups_and_moves) && [ "$moves" -ge 1 ]'
must 'read -r wakes_then moves_then < <(wake_ups_and_moves) &&
    [ "$moves_then" -ge $((moves + 5)) ]'
moves=$(((moves_then - moves) * 1000))
wakes=$((wakes_then - wakes))
ok "few of its moves wake the agent ($wakes of $moves)" [ $((wakes * 10)) -lt "$moves" ]
ok 'the task stands all the time' stands
guest 'systemctl kill --signal KILL mouse'
must '[ "$(guest "ls /dev/input" | grep -c event)" = "$devices" ]'
is "$(about evdev works)" true 'it may be unplugged while it moves'
ok 'and then the task goes on' goes_on

# ---- sessions ----

must 'is_shown "Claimed Busy"'
guest 'systemd-run --quiet --unit film systemd-inhibit --what idle --why film sleep 1000'
ok 'who inhibits idleness must not be disturbed' \
    wait_for 'reason_is "a program there must not be disturbed"'
ok 'the task waits for the end of the film' wait_for 'stands'
guest 'systemctl stop film'
ok 'and then goes on' goes_on

guest 'systemctl restart systemd-logind'
ok 'logind can be restarted' wait_for '[ "$(about logind works)" = false ]'
ok 'and is asked again' wait_for '[ "$(about logind works)" = true ]'

mark logind
for key in ret r o o t ret; do press "$key"; done
ok 'somebody logs in at the console' wait_for 'guest loginctl | grep tty1'
ok 'and logind says so' wait_for 'used_lately logind'
mark tty
press a
ok 'the terminal sees what is typed' wait_for 'used_lately tty'

session='busctl call org.freedesktop.login1 $(busctl tree --list org.freedesktop.login1 |
    grep -m 1 session/_) org.freedesktop.login1.Session'
guest "$session SetLockedHint b true"
mark logind
guest "$session SetLockedHint b false"
ok 'to unlock the screen is a use' wait_for 'used_lately logind'
mark logind
guest "$session Terminate"
ok 'so is to log out' wait_for 'used_lately logind'
ok 'then the task goes on' goes_on

# ---- the agent dies ----

press
must "state_is $job.0 Suspended"
guest 'systemctl kill --signal KILL dusk-agent'
ok 'what is frozen when the agent is killed stays so without it' stands
must 'reason_is "not connected"'
ok 'while somebody is there the next agent lets nothing go on' \
    wait_for 'press; reason_is "somebody uses it"'
press
ok 'it stands' stands
ok 'and goes on when he has left' goes_on

# ---- time ----

press
must "state_is $job.0 Suspended"
guest 'date -s "+1 day"' >/dev/null
press
ok 'it stands while the clock jumps ahead' stands
ok 'and goes on after that' goes_on
guest 'date -s "-1 day"' >/dev/null
press
ok 'a key counts when the clock was put back' wait_for "state_is $job.0 Suspended"
ok 'for as long as ever' goes_on

send_to_sleep
ok 'a task is frozen before the computer sleeps' wait_for "state_is $job.0 Suspended"
mark logind
wake_up
ok 'to wake the computer up is a use' wait_for 'used_lately logind'
ok 'the task goes on when nobody is there after all' goes_on
press
must "state_is $job.0 Suspended"
press
send_to_sleep
wake_up
ok 'what was frozen stands when the computer wakes' wait_for 'press; stands'
press
before=$(ticks)
press
is "$(ticks)" "$before" 'and does not compute while somebody is there'
ok 'it goes on when he has left' goes_on
is "$(guest 'sort -u /tmp/ticks')" 1 'all in one attempt'
dusk rm "$job" >/dev/null

# ---- he computes ----

# A program of his on each processor, until they had two seconds of them; then how much the tasks
# had meanwhile, in percent of that. Pool and owner would share them evenly.
program burn <<'END'
while :; do :; done
END
job=$(dusk submit --quiet /dev/stdin <<END
executable = burn
request_memory = 1M
request_disk = 1M
queue 2
END
)
must "state_is $job.1 Running"
share=$(guest 'used() { sed -n "s/usage_usec //p" /sys/fs/cgroup/$1.slice/cpu.stat; }
for i in 1 2; do systemd-run --quiet --slice user --unit his$i sh -c "while :; do :; done"; done
his=$(used user) ours=$(used dusk)
while [ $(($(used user) - his)) -lt 2000000 ]; do sleep 0.1; done
echo $((100 * ($(used dusk) - ours) / ($(used user) - his)))')
ok "his programs have the processors first ($share % for tasks)" [ "$share" -lt 25 ]
press
ok 'and yet a key freezes the tasks' wait_for "state_is $job.0 Suspended"
guest 'systemctl stop his1 his2'
dusk rm "$job" >/dev/null

# ---- his memory ----

# in_group FILE: the number there, in MiB.
in_group()
{
    guest "echo \$((\$(cat $group/$1) >> 20))"
}

guest 'mkswap /dev/vda; swapon /dev/vda' >/dev/null
configure presence=auto idle_after=2s resume_after=2s suspend_for=1h
program hold <<'END'
held=$(head -c 30000000 /dev/zero | tr '\0' x)
while :; do echo "${#held}" >>/tmp/ticks; sleep 0.05; done
END
submit_compute hold 200M
ok 'a task with memory computes' goes_on
ok 'and has it' [ "$(in_group memory.current)" -gt 25 ]
press
ok 'a key freezes it' wait_for 'press; stands'
ok 'and its memory goes to the disk' wait_for 'press
    [ "$(in_group memory.swap.current)" -gt 20 ] && [ "$(in_group memory.current)" -le 16 ]'
ok 'where it goes on from' goes_on
is "$(guest 'sort -u /tmp/ticks')" 30000000 'with all that it had'
dusk rm "$job" >/dev/null

# ---- he stays ----

configure presence=auto idle_after=2s resume_after=2s suspend_for=1s
submit_compute
while state_is "$job.0" Running || state_is "$job.0" Suspended; do press; done
is "$(task "$job.0" state)" Idle 'when he stays, the task leaves'
press
ok 'and the computer is his' wait_for 'press; is_shown "Owner Idle"'
ok 'nothing of it is left' wait_for "! guest 'pgrep -f ./compute'"
dusk rm "$job" >/dev/null

# ---- it sleeps for longer than a lease ----

stop_server
start_server --lease 5s --wake-after 1s --name 10.0.2.2
configure presence=auto idle_after=2s resume_after=2s suspend_for=1h
program roam <<'END'
[ "$DUSK_NODE" = pc1 ] || exec sleep 1000
while :; do echo "$DUSK_ATTEMPT" >>/tmp/ticks; sleep 0.05; done
END
submit_compute roam
send_to_sleep
# For the pool it has a card in the same segment.
start_agent pc2 --cpus 1 --attribute 'WakeCards="52:54:00:00:00:02 10.0.2.9/24"'
ok 'when its lease is over the task begins anew on another computer' \
    wait_for '[ "$(task "$job.0" state node)" = "Running pc2" ]'
stop_server
wake_up
must "guest 'dusk owner' | grep 'is lent to the pool'"
ok 'where it was it stands, though no server says so' stands
before=$(ticks)
must 'guest true'
is "$(ticks)" "$before" 'and does not compute'
start_server --lease 5s --wake-after 1s --name 10.0.2.2
ok 'when the server is there, nothing of it is left' wait_for "! guest 'pgrep -f ./roam'"
ok 'on the other one it goes on' wait_for '[ "$(task "$job.0" state node)" = "Running pc2" ]'
dusk rm "$job" >/dev/null

# ---- it goes to sleep ----

# asleep_for SECONDS: so long the server has not heard of it.
asleep_for()
{
    local seen

    seen=$(dusk status -af name last_seen_at | sed -n 's/^pc1 \([0-9]*\).*/\1/p')
    is_asleep && node_is pc1 Offline && [ $(($(date +%s) - seen)) -ge "$1" ]
}

# Without the keyboard that was plugged in, keys come from the computer's own, which wakes it.
monitor device_del another
must '[ "$(guest "ls /dev/input" | grep -c event)" -lt "$devices" ]'
start_service presence=auto idle_after=5s resume_after=2s sleep_when_idle=1s sleep_how=suspend
must is_asleep
pass 'a computer with nothing to do goes to sleep'
is "$(dusk node show pc1 --json | python3 "$library/json_fields" asleep)" true 'as it has told'
ok 'and is Offline' node_is pc1 Offline
# An agent need not notice that it has slept for a moment.
must 'asleep_for 5'
press
ok 'a key wakes it for who pressed it' wait_for 'is_shown "Owner Idle"'
ok 'and when he has left it sleeps again' wait_for 'asleep_for 5'

job=$(dusk submit --quiet /dev/stdin <<'END'
executable = compute
request_memory = 1M
request_disk = 1M
requirements = Name == "pc1"
queue
END
)
ok 'the pool wakes it for a task' wait_for 'grep "node pc1 is woken by pc2" "$folder/server.log"'
# There is no such card in these machines.
monitor system_wakeup
ok 'which then computes there' wait_for "state_is $job.0 Running"
ok 'and keeps it awake' goes_on
start_service presence=auto idle_after=2s resume_after=2s suspend_for=1h
dusk rm "$job" >/dev/null
must 'is_shown "Unclaimed"'

ok 'the service ends when it is told to' guest 'systemctl stop dusk-agent'
[ "$test_failures" = 0 ] || guest 'journalctl -b --no-pager' >"$folder/guest.log"
monitor quit
must 'has_ended "$machine_pid"'
stop_server
finish
