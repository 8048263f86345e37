#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Disks that are full: at the submitter, on the node, on the server. The task is held with that
# reason, and nothing else suffers. Small file systems in a mount namespace of this test's own.
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
    echo '1..0 # SKIP only root can mount small file systems'
    exit 0
fi
[ -n "${DUSK_TEST_UNSHARED:-}" ] || DUSK_TEST_UNSHARED=1 exec unshare -m "$BASH" "$0" "$@"
. "$(dirname "$0")/lib.sh" || exit 1

# small FOLDER SIZE
small()
{
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2,mode=755" none "$1"
}
if ! small "$folder/probe" 1m; then
    echo '1..0 # SKIP no file system can be mounted here'
    exit 0
fi
start_server
small "$folder/server/spool" 3m
small "$folder/server/content" 6m
small "$folder/pc2" 3m
small "$folder/work/little" 1m
chmod 711 "$folder/server/spool"
# The server has made this below, before the small one came on top.
mkdir -m 700 "$folder/server/spool/arriving"
start_agent pc1 --cpus 4
cd "$folder/work" || exit 1
program fill <<'END'
head -c "$1" /dev/zero >data
END
cp fill little/

# ---- what an owner says ----

small "$folder/owned" 1m
start_agent owned
export DUSK_AGENT_SOCKET=$folder/owned.socket
must 'node_is owned Unclaimed'
head -c 2M /dev/zero >"$folder/owned/filler" 2>/dev/null
ends_with 1 dusk owner never
like "$output" 'it is so, but cannot be remembered yet: .*No space left' \
    'an owner whose disk is full hears that his word cannot be remembered'
like "$(dusk owner)" 'its owner does not lend it' 'and it holds all the same'
rm "$folder/owned/filler"
ok 'when there is room it is remembered' wait_for 'grep -q never "$folder/owned/owner"'
crash_agent owned
start_agent owned
like "$(dusk owner)" 'its owner does not lend it' 'also by the next agent'
stop_agent owned

# held JOB PATTERN NAME
held()
{
    wait_for "state_is $1.0 Held"
    is "$(task "$1.0" state)" Held "$3: the task is held"
    like "$(dusk why "$1.0")" "$2" "$3: with that reason"
    is "$(dusk run echo fine)" fine "$3: nothing else suffers"
}

# ---- the submit folder ----

cd little || exit 1
cat >bytes.sub <<'END'
executable = fill
arguments = $(bytes)
request_disk = 1K
queue
END
job=$(dusk submit --quiet bytes.sub bytes=2000000)
cd ..
held "$job" 'disk of the submit folder' 'a full submit folder'
is "$(ls -A little | sort | paste -sd ' ')" 'bytes.sub fill' 'nothing half-written is left there'
dusk rm "$job" >/dev/null

# ---- the server ----

cp little/bytes.sub .
job=$(dusk submit --quiet bytes.sub bytes=5000000)
held "$job" 'disk of the server' 'a full spool of the server'
dusk rm "$job" >/dev/null
is "$(find "$folder/server/spool" -mindepth 1 ! -name arriving)" '' 'nothing is left in the spool'
head -c 8000000 /dev/urandom >large
cat >large.sub <<'END'
executable = fill
arguments = 1
transfer_input_files = large
queue
END
dusk submit --quiet large.sub >"$folder/said" 2>&1
is $? 1 'an input for which the server has no room is refused'
like "$(cat "$folder/said")" 'full|space|room' 'and the reason is said'
is "$(dusk run echo fine)" fine 'nothing else suffers'
is "$(find "$folder/server/content" -type f -size +100k)" '' 'nothing half-arrived is left'

# ---- the node ----

head -c 4000000 /dev/urandom >large
job=$(dusk submit --quiet large.sub)
ok 'a node with room takes it' dusk wait "$job" --timeout 60
stop_agent pc1
start_agent pc2 --cpus 4 --disk 1G
job=$(dusk submit --quiet large.sub)
held "$job" 'disk of the node' 'a full node'
dusk rm "$job" >/dev/null
stop_agent pc2
start_agent pc1 --cpus 4
job=$(dusk submit --quiet large.sub)
ok 'on another node the same task runs' dusk wait "$job" --timeout 60

# ---- a node whose disk is full of inputs that nobody needs now ----

stop_agent pc1
mount -o remount,size=64m "$folder/server/content"
small "$folder/pc4" 7m
start_agent pc4 --cpus 1 --disk 1G
for number in 1 2 3; do
    head -c 2500000 /dev/urandom >"in$number"
    cat >cached.sub <<END
executable = /usr/bin/cksum
transfer_executable = false
arguments = in$number
transfer_input_files = in$number
output = cached.out
request_disk = 3M
queue
END
    job=$(dusk submit --quiet cached.sub)
    dusk wait "$job" --timeout 60
    is "$(cat cached.out)" "$(cksum "in$number")" "the cache gives way to input $number"
done
stop_agent pc4

# ---- the same disk under another number ----

# attach IMAGE FOLDER: sets $device.
attach()
{
    device=$(losetup -f --show "$1") && mount "$device" "$2"
}
truncate -s 32M "$folder/image"
truncate -s 1M "$folder/other"
mkdir "$folder/pc3"
if mkfs.ext4 -q "$folder/image" && attach "$folder/image" "$folder/pc3"; then
    before=$(stat -c %d "$folder/pc3")
    start_agent pc3 --cpus 1
    stop_agent pc3
    wait_for 'umount "$folder/pc3"'
    losetup -d "$device"
    other=$(losetup -f --show "$folder/other")
    ok 'a disk is found again' attach "$folder/image" "$folder/pc3"
    ok 'under another number' test "$(stat -c %d "$folder/pc3")" != "$before"
    start_agent pc3 --cpus 1
    pass 'its agent is no copy of itself'
    stop_agent pc3
    wait_for 'umount "$folder/pc3"'
    losetup -d "$device"
    losetup -d "$other"
else
    skip 'the same disk under another number' 'there are no loop devices'
fi 2>"$folder/losetup.out"
finish
