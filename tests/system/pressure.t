#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs wait for a real disk. The pool gives way to the owner's, which are in a control group
# beside ours, and not to its own task. It takes more than two minutes: each wait lasts for one.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

limit=10 # percent of the time
at_once=4
tree=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
his=$tree/owner-$$

skip_all()
{
    skip 'programs that wait keep the pool away' "$1"
    finish
}

# waits FOLDER FILE: whether somebody there waited longer than that in the last ten seconds.
waits()
{
    awk -F '[= ]' -v limit="$limit" '/^some/ { waits = $3 > limit } END { exit !waits }' "$1/$2"
}

why()
{
    dusk node show "$1" --json | sed -n 's/.*"reason":"\([^"]*\)".*/\1/p'
}

# Reads for ever, past the cache.
program reads <<END
for i in \$(seq $at_once); do
    while dd if="$folder/work/file" of=/dev/null bs=4k iflag=direct 2>/dev/null; do :; done &
done
wait
END

unshare -m umount -l "$tree" 2>/dev/null || skip_all 'only root may hide the groups from an agent'
grep -qs some /proc/pressure/io || skip_all 'the kernel does not tell'
mkdir "$his" || skip_all 'no group can be made'
trap 'clean_up; rmdir "$his" 2>/dev/null' EXIT
grep -qs some "$his/io.pressure" || skip_all 'groups do not tell'
head -c 64M /dev/urandom >file
sync file

start_server
settings="--presence load --set max_pressure=$limit% --set max_load=0 --set idle_after=1s
    --set resume_after=1s --set suspend_for=1h"
start_agent pc1 $settings
must '[ -z "$(why pc1)" ]'
job=$(dusk submit --quiet /dev/stdin <<'END'
executable = reads
requirements = Name == "pc1"
request_memory = 1M
request_disk = 1M
queue
END
)
must "state_is $job.0 Running"
wait_for 'waits /proc/pressure io' || skip_all 'the disk keeps nobody waiting'

# ---- a task waits ----

cat >"$folder/bin/dusk-without-groups" <<END
#!/bin/sh
exec unshare -m sh -c 'umount -l $tree && exec $dusk_path "\$@"' dusk "\$@"
END
chmod 755 "$folder/bin/dusk-without-groups"
with_groups=$dusk_path
dusk_path=$folder/bin/dusk-without-groups start_agent pc2 $settings
dusk_path=$with_groups
ok 'who sees the whole computer, and has no task there, sees that somebody waits' \
    wait_for 'why pc2 | grep -q "wait for memory or disks"' 150
is "$(task "$job.0" state)" Running 'an agent does not give way to its own task'
is "$(why pc1)" '' 'its computer is lent'
like "$(dusk node show pc2 --json)" '"source":"load","works":true' 'and the source works'
stop_agent pc2

# ---- the owner waits ----

sh -c "echo \$\$ >'$his/cgroup.procs' && exec ./reads" &
readers=$!
disown "$readers"
must 'waits "$his" io.pressure'
ok 'it gives way to a program beside it' wait_for "state_is $job.0 Suspended" 150
like "$(why pc1)" "its owner's programs wait for memory or disks" 'and says why'
echo 1 >"$his/cgroup.kill"
dusk rm "$job" >/dev/null
stop_agent pc1
stop_server
finish
