#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a task asked for is what it gets: one that eats memory, one that fills the disk and one that
# forks without end are stopped, their users learn why, and nobody else suffers. Once with all that
# this computer has to hold tasks with, and once as an ordinary user.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# Slowly enough to be seen by a look every second.
program eat <<'END'
piece=$(head -c 1048576 /dev/zero | tr '\0' x)
while :; do
    all=$all$piece
    [ -e "$1" ] || sleep 0.02
done
END
program fill <<'END'
head -c "$1" /dev/zero >large
[ -z "$2" ] || sleep 300
END
program spread <<'END'
mkdir -p a/b c
for i in 1 2 3 4 5 6 7 8 9; do
    for folder in a a/b c "$TMPDIR"; do
        for part in 1 2 3; do head -c 1048576 /dev/zero >$folder/part.$i.$part; done
    done
done
END
program breed <<'END'
# A shell that may not fork any more ends; what it left is killed with it.
while :; do
    sleep 300 &
done
END

# submit_one PROGRAM ARGUMENTS [LINE...]: sets $job.
submit_one()
{
    local name=$1 arguments=$2

    shift 2
    {
        printf 'executable = %s\narguments = %s\n' "$name" "$arguments"
        printf '%s\n' "$@" queue
    } >one.sub
    job=$(dusk submit --quiet one.sub)
}

# held JOB PATTERN NAME
held()
{
    wait_for "state_is $1.0 Held"
    is "$(task "$1.0" state)" Held "$3: the task is held"
    output=$(dusk why "$1.0")
    like "$output" "$2" "$3: and its user learns why"
}

# every_limit NODE
every_limit()
{
    diag "$1: $(dusk status -af name limits.memory limits.processes limits.cpus limits.disk |
        sed -n "s/^$1 //p")"

    submit_one eat none 'request_memory = 64M'
    held "$job" 'asked for 64 MB of memory' "$1: memory"
    like "$output" 'request_memory = [0-9]+M' "$1: memory: and what to ask for"
    is "$(task "$job.0" attempts)" 1 "$1: memory: it is not tried again and again"
    dusk rm "$job" >/dev/null

    # Over while it runs, and over at its end.
    submit_one fill '40000000 stay' 'request_disk = 20M'
    held "$job" 'asked for 20 MB of disk' "$1: disk of a task that runs"
    like "$output" 'request_disk = [0-9]+M' "$1: disk: and what to ask for"
    dusk rm "$job" >/dev/null
    submit_one fill 40000000 'request_disk = 20M'
    held "$job" 'asked for 20 MB of disk and used [0-9]+ MB' "$1: disk of a task that has ended"
    dusk rm "$job" >/dev/null
    submit_one spread none 'request_disk = 20M'
    held "$job" 'asked for 20 MB of disk and used [0-9]+ MB' "$1: disk in many files and folders"
    dusk rm "$job" >/dev/null
    submit_one fill 40000000 'request_disk = 50M' 'transfer_output_files ='
    ok "$1: what was asked for may be used" dusk wait "$job" --timeout 60
    head -c 30000000 /dev/zero >input
    submit_one fill 1000000 'request_disk = 5M' 'transfer_input_files = input'
    ok "$1: inputs come on top" dusk wait "$job" --timeout 60

    is "$(dusk run echo fine)" fine "$1: nobody else suffers"
}

start_server
start_agent pc1 --cpus 2
must 'node_is pc1 Unclaimed'
every_limit pc1
submit_one breed none 'request_memory = 1G'
held "$job" 'may have 1024 processes and threads at once, and wanted [0-9]+ more' 'pc1: processes'
like "$output" 'request_cpus = 2' 'pc1: processes: and what to ask for'
dusk rm "$job" >/dev/null
is "$(grep -c 'tasks are held by .*; limits: memory' "$folder/pc1.log")" 1 \
    'the agent says once how it holds tasks'
stop_agent pc1

if [ "$(id -u)" = 0 ] && setpriv --reuid 1 --regid 1 --clear-groups true 2>/dev/null; then
    mkdir "$folder/pc2"
    chown 31001:31001 "$folder/pc2"
    dusk token create >"$folder/token"
    agent_of_root=$dusk_path
    cat >"$folder/bin/as-user" <<END
#!/bin/sh
exec setpriv --reuid 31001 --regid 31001 --clear-groups "$dusk_path" "\$@"
END
    chmod 755 "$folder/bin/as-user"
    dusk_path=$folder/bin/as-user
    launch_agent pc2 --cpus 2
    dusk_path=$agent_of_root
    must "grep -q '^ready pc2\$' '$folder/pc2.out'"
    every_limit pc2
    stop_agent pc2
else
    skip 'an ordinary user' 'only root can be another user'
fi
finish
