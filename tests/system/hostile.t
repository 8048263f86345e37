#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tasks that mean harm (hostile/*.c), in containers beside somebody else's: what they try comes to
# nothing, those that take all are stopped with a reason, and nobody else notices. Once on a node
# whose agent is root, and once on an ordinary user's.
. "$(dirname "$0")/lib.sh" || exit 1
if [ "$(id -u)" != 0 ] || ! setpriv --reuid 1 --regid 1 --clear-groups true 2>/dev/null; then
    echo '1..0 # SKIP only root can be several users'
    exit 0
fi
hostile=$folder/bin/hostile
if ! ${CC:-cc} -static -o "$hostile" "$library"/hostile/*.c -lrt 2>/dev/null; then
    echo '1..0 # SKIP there is no compiler, or no C library for a static program'
    exit 0
fi
anna=31001
berta=31002
owner=31003 # of the computer; pc2 is his agent, too
mark=owner-${folder##*-}
shared=$((0x64000000 + $$))

as()
{
    setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# submit USER ARGUMENTS [LINE...]: to $node. Sets $job; what it writes comes to $home/out.
submit()
{
    home=$folder/home.$1
    printf '%s\n' "executable = $hostile" "arguments = $2" 'output = out' 'runtime = container' \
        "requirements = TARGET.Name == \"$node\"" 'request_memory = 64M' 'request_disk = 20M' \
        "${@:3}" queue >"$home/job.sub"
    job=$(cd "$home" && HOME=$home as "$1" "$dusk_path" submit --quiet job.sub)
}

wait_for_job()
{
    dusk wait "$job" --timeout "$patience" >/dev/null
}

keeper_of()
{
    grep -lszF "$folder/$1" /proc/[0-9]*/cmdline | cut -d / -f 3 | while read -r pid; do
        grep -sqzx keeper "/proc/$pid/cmdline" && echo "$pid"
    done | head -n 1
}

# ---- what there is to be had ----

for user in $anna $berta $owner; do
    mkdir "$folder/home.$user"
    chown "$user:$user" "$folder/home.$user"
done
echo secret >"$folder/home.$owner/private"
chmod 600 "$folder/home.$owner/private"
chown $owner "$folder/home.$owner/private"
setpriv --reuid $owner --regid $owner --clear-groups "$hostile" own mark="$mark" \
    shared="$shared" >"$folder/own" &
owns=$!
disown "$owns"
start_server
must "grep -q ready '$folder/own'"

# words NODE: where all of it is.
words()
{
    echo "mark=$mark shared=$shared secret=$folder/home.$owner/private port=$server_port" \
        "attempts=$folder/$1/attempts keeper_socket=$folder/$1/keeper.socket" \
        "agent_socket=$folder/$1.socket server_socket=$folder/server/socket" \
        "victim=$victim keeper=$(keeper_of "$1")"
}

# Who is out of a container and the owner himself finds what the task shall not find.
victim=
tries=$(as $owner "$hostile" tries $(words pc1))
for name in read_owners_file read_above connect_abstract connect_local attach_shared_memory \
    open_message_queue open_shared_file open_temporary_file unshare_user find_processes; do
    like "$tries" "^$name done\$" "on the node itself nothing stands in the way: $name"
done

# ---- what is tried ----

# outcome OUTCOME NAME: it was refused. Without calls of another architecture those who make them
# are killed.
outcome()
{
    case $2:$1 in
    *_otherwise:'signal 11') skip "$node: $2" 'the computer has no calls of another architecture' ;;
    *) like "$1" '^E[A-Z0-9]+$' "$node: $2" ;;
    esac
}

victim_computes()
{
    local lines

    lines=$(wc -l <"$1")
    wait_for "[ \$(wc -l <'$1') -gt $lines ]"
}

try_everything()
{
    submit $anna "tries $(words "$node")"
    wait_for_job
    is "$(task "$job.0" state exit_code)" 'Completed 0' "$node: one that tries everything ends"
    is "$(wc -l <"$home/out")" "$(echo "$tries" | wc -l)" "$node: and has tried it"
    while read -r name result; do
        outcome "$result" "$name"
    done <"$home/out"
}

# ---- what is taken ----

# Pairs of one that takes all of something, and of the words by which he is told.
takers="take_memory:memory take_shared_files:memory take_nameless_memory:memory
    take_shared_memory:memory take_folder:disk take_temporary:disk take_unseen:disk
    take_names:disk take_depth:disk take_processes:processes"

sentence()
{
    case $1 in
    memory) echo 'asked for 64 MB of memory and used [0-9]+ MB' ;;
    disk) echo 'asked for 20 MB of disk and used [0-9]+ MB' ;;
    processes) echo 'may have 1024 processes and threads at once, and wanted [0-9]+ more' ;;
    esac
}

take_everything()
{
    local taker memory jobs=

    for taker in $takers; do
        case $taker in *:processes) memory=1G ;; *) memory=64M ;; esac
        submit $anna "${taker%:*}" 'output =' "request_memory = $memory"
        jobs="$jobs $job:$taker"
    done
    for taker in $jobs; do
        job=${taker%%:*}
        wait_for "state_is $job.0 Held" || dusk rm "$job"
        taker=${taker#*:}
        is "$(task "$job.0" state attempts)" 'Held 1' "$node: ${taker%:*} is held"
        like "$(task "$job.0" reason)" "$(sentence "${taker#*:}")" "$node: ${taker%:*} is told why"
        dusk rm "$job" >/dev/null
    done
}

# ---- what is left ----

leave_everything()
{
    submit $anna stay
    wait_for_job
    is "$(task "$job.0" state exit_code)" 'Completed 0' "$node: one that would stay ends"
    is "$(pgrep -c -f 'hostile stay')" 0 "$node: and does not stay"

    submit $anna pose
    wait_for_job
    is "$(task "$job.0" exit_code exit_signal)" '137 undefined' "$node: nobody poses as process 1"

    submit $anna leave 'transfer_output_files = folder'
    wait_for_job
    is "$(task "$job.0" state)" Held "$node: a link to a file of the node does not come home"
    like "$(task "$job.0" reason)" "'folder/far' is a link that leaves" "$node: and is named"
    dusk rm "$job" >/dev/null
    submit $anna leave 'transfer_output_files = stolen'
    wait_for_job
    like "$(task "$job.0" reason)" "'stolen' is a link that leaves" "$node: nor by its name"
    dusk rm "$job" >/dev/null
    submit $anna leave
    wait_for_job
    is "$(task "$job.0" state)" Completed "$node: links that nobody asked for are left out"
    ok "$node: and are not there" test ! -e "$home/stolen" -a ! -e "$home/above"
    submit $anna leave_raised 'transfer_output_files = raised'
    wait_for_job
    is "$(stat -c %a "$home/raised")" 755 "$node: bits that give rights do not come home"
    rm -f "$home/raised"

    submit $anna "leave_behind mark=left-$mark"
    wait_for_job
    is "$(task "$job.0" state exit_code)" 'Completed 0' "$node: one leaves what it can"
    ok "$node: of which nothing is on the node" test ! -e "/tmp/left-$mark" -a \
        ! -e "/dev/shm/left-$mark"
    unlike "$(ipcs -m)" '0x64757374' "$node: nor shared memory"
}

every_harm()
{
    node=$1
    submit $berta compute
    others=$job
    must "state_is $others.0 Running"
    victim=$(pgrep -n -f 'hostile compute')
    lines=$(ls "$folder/$node/attempts/$others.0-1"/work/*stdout*)
    try_everything
    take_everything
    leave_everything
    is "$(task "$others.0" state attempts)" 'Running 1' "$node: another user's task goes on"
    ok "$node: and computes" victim_computes "$lines"
    ok "$node: and so does the owner's program" kill -0 "$owns"
    dusk rm "$others" >/dev/null
    stop_agent "$node"
    ok "$node: of all these nothing is left" wait_for '! pgrep -f "^./hostile"'
}

runtime=container start_agent pc1 --cpus 20
every_harm pc1

# Without root there are no groups unless somebody delegated some, and memory that is in no process
# is seen by nobody: that of files in memory and of shared segments. What is the agent's user's is
# hidden from its tasks by their container alone.
takers=$(printf '%s\n' $takers | grep -v -e take_nameless_memory -e take_shared)
mkdir "$folder/pc2"
chown $owner:$owner "$folder/pc2"
dusk token create >"$folder/token"
agent_of_root=$dusk_path
printf '#!/bin/sh\nexec setpriv --reuid %s --regid %s --clear-groups %s "$@"\n' $owner $owner \
    "$dusk_path" >"$folder/bin/as-owner"
chmod 755 "$folder/bin/as-owner"
dusk_path=$folder/bin/as-owner
runtime=container launch_agent pc2 --cpus 20
dusk_path=$agent_of_root
must "grep -q '^ready pc2\$' '$folder/pc2.out' || has_ended ${agent_pids[pc2]}"
if has_ended "${agent_pids[pc2]}"; then
    skip 'pc2: containers of an ordinary user' "$(tail -n 1 "$folder/pc2.log")"
else
    every_harm pc2
fi
kill -TERM "$owns"
finish
