#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where control groups are not as they should be. Their tree is full: tasks are held without, as
# where there are no groups at all. Or there is version 1 alone: then its freezer holds tasks.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

start_server

# ---- a full tree ----

program stay <<'END'
while :; do sleep 0.05; done
END

runs_in_a_full_tree()
{
    is "$(dusk run echo in a group)" 'in a group' 'a task runs in a group'
    unlike "$(cat "$folder/pc1/keeper.log")" 'cannot make a control group' \
        'of which nothing is said'
    # The spare that the first one left is taken by the next; so two run at once.
    echo 0 >"$group/cgroup.max.descendants"
    job=$(dusk submit --quiet /dev/stdin <<'END'
executable = stay
request_memory = 1M
request_disk = 1M
queue 3
END
)
    for task in 0 1 2; do must "state_is $job.$task Running"; done
    pass 'in a full tree tasks run as well'
    is "$(grep -c 'cannot make a control group' "$folder/pc1/keeper.log")" 1 'which is said once'
    like "$(cat "$folder/pc1/keeper.log")" "below '$group': Resource temporarily unavailable" \
        'and why'
    dusk rm "$job" >/dev/null
    ok 'they can be ended' wait_for "! pgrep -f '$folder/.*/stay'"
    echo max >"$group/cgroup.max.descendants"
    is "$(dusk run echo again)" again 'with room again, all is as before'
}

start_agent pc1 --cpus 3
group=$(head -n 1 "$folder/pc1/keeper.group" 2>/dev/null)
if [ -w "$group/cgroup.max.descendants" ]; then
    runs_in_a_full_tree
else
    skip 'a full tree of control groups' 'there are no groups here'
fi

# ---- version 1 alone ----

freezer=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup .*[ ,]freezer[ ,].*/\1/p' /proc/mounts | head -n 1)
ledger=$folder/ledger
export DUSK_AGENT_SOCKET=$folder/pc2.socket

# It and its children have children all the time.
program breed <<'END'
echo $$ >"$1"
breed()
{
    while :; do
        (echo >>"$1")
        /bin/true
    done
}
for child in 1 2 3; do breed "$1" & done
breed "$1"
END

# Sets $job, and $group of its first attempt.
submit_breeder()
{
    rm -f "$ledger"
    install -m 666 /dev/null "$ledger"
    job=$(dusk submit --quiet /dev/stdin <<END
executable = breed
arguments = $ledger
requirements = Name == "pc2"
request_memory = 256M
request_disk = 1M
queue
END
)
    must '[ "$(wc -l <"$ledger")" -gt 10 ]'
    group=$freezer$(sed -n 's/^[0-9]*:[^:]*freezer[^:]*://p' "/proc/$(head -n 1 "$ledger")/cgroup")
}

breeders()
{
    pgrep -f "$folder/.*/breed"
}

suspend()
{
    dusk owner pause >/dev/null
    must "state_is $job.0 Suspended"
    ok "$1" wait_for '[ "$(cat "$group/freezer.state")" = FROZEN ]'
}

stands_as_a_whole()
{
    local count

    suspend 'what forks all the time is frozen by the freezer'
    is "$(cat "$group/cgroup.procs" | while read -r pid; do
        sed -n 's/^State:.\(.\).*/\1/p' "/proc/$pid/status"; done | sort -u)" D \
        'all that is in its group stands still'
    is "$(breeders | grep -vxFf "$group/cgroup.procs")" '' 'and nothing of it is anywhere else'
    count=$(wc -l <"$ledger")
    is "$(dusk run echo elsewhere)" elsewhere 'another computer works'
    is "$(wc -l <"$ledger")" "$count" 'while it does nothing'
    dusk owner resume >/dev/null
    ok 'then it goes on' wait_for "[ \"\$(wc -l <'$ledger')\" -gt $count ]"
}

keeper_of_pc2()
{
    grep -lszF "$folder/pc2" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
        grep -sqzx keeper "/proc/$pid/cmdline" && echo "$pid"
    done
}

holds_by_freezer()
{
    local modern=$dusk_path

    cat >"$folder/bin/on-old-computer" <<END
#!/bin/sh
exec unshare -m sh -c 'for mounted in \$(sed -n "s/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p" /proc/mounts)
do umount -l "\$mounted" || exit 1; done; exec "\$@"' sh "$modern" "\$@"
END
    chmod 755 "$folder/bin/on-old-computer"
    dusk_path=$folder/bin/on-old-computer
    start_agent pc2 --cpus 1
    dusk_path=$modern
    like "$(cat "$folder/pc2.log")" 'tasks are held by control groups of version 1;' \
        'an agent says that its computer has version 1 alone'
    submit_breeder
    stands_as_a_whole
    dusk rm "$job" >/dev/null
    ok 'it is killed as a whole' wait_for '! breeders'

    submit_breeder
    suspend 'another is frozen'
    dusk rm "$job" >/dev/null
    ok 'and killed where it stands' wait_for '! breeders'
    dusk owner resume >/dev/null

    submit_breeder
    suspend 'a third is frozen'
    kill -KILL "$(keeper_of_pc2)"
    ok 'what a killed keeper left frozen is killed by the next' wait_for '! breeders'
    ok 'and its groups are removed' wait_for '[ ! -e "${group%/*}" ]'
    dusk rm "$job" >/dev/null
    dusk owner resume >/dev/null
    stop_agent pc2
    ok 'so are those of one that ends' wait_for \
        '! grep -qsF "$freezer" "$folder/pc2/keeper.group" ||
            [ ! -e "$(head -n 1 "$folder/pc2/keeper.group")" ]'
}

if [ -n "$freezer" ] && [ -w "$freezer" ] && unshare -m true 2>/dev/null; then
    holds_by_freezer
else
    skip 'a computer with version 1 alone' 'no freezer of version 1, or not for this user'
fi
stop_agent pc1
stop_server
finish
