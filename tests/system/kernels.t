#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kernels that are older than what dusk asks of them first, or the filter of a container that says
# so: where something older does the same work, tasks notice nothing, and where nothing does, the
# agent says so and does not begin.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
older_kernel=$folder/bin/older-kernel
if ! ${CC:-cc} -o "$older_kernel" -I "$library/../../src" "$library/older_kernel.c" \
    2>/dev/null; then
    echo '1..0 # SKIP there is no compiler for an older kernel'
    exit 0
fi
if ! "$older_kernel" clone3 -- true; then
    echo '1..0 # SKIP this kernel takes no filters'
    exit 0
fi

# older_dusk CALL... [-- COMMAND...]: dusk without these calls, run by the command as which user.
older_dusk()
{
    local calls=()

    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        calls+=("$1")
        shift
    done
    cat >"$folder/bin/older-dusk" <<END
#!/bin/sh
exec '$older_kernel' ${calls[*]} -- ${*:2} '$folder/bin/dusk' "\$@"
END
    chmod 755 "$folder/bin/older-dusk"
}

ticking_program compute </dev/null
program show <<'END'
ls /proc/self/fd
echo kept >result
END

# tasks_are_held NODE HOW: run, with nothing of the keeper's, frozen, thawed and killed.
tasks_are_held()
{
    local job owner=(dusk owner --socket "$folder/$1/owner.socket")

    job=$(submit_program show 'output = descriptors' 'transfer_output_files = result')
    ok "$2 a task runs" wait_for "state_is $job.0 Completed"
    # The last is the one by which ls reads the folder.
    is "$(tr '\n' ' ' <descriptors)" '0 1 2 3 ' 'with no descriptor but its own'
    is "$(cat result)" kept 'and its result is collected'
    rm -f descriptors result
    job=$(submit_program compute)
    must "state_is $job.0 Running && goes_on"
    "${owner[@]}" pause >/dev/null
    ok 'another is frozen' wait_for "state_is $job.0 Suspended"
    "${owner[@]}" resume >/dev/null
    ok 'and thawed' wait_for "state_is $job.0 Running && goes_on"
    dusk rm "$job" >/dev/null
    ok 'and killed' wait_for "state_is $job.0 Removed"
}

start_server
older_dusk clone3 close_range mount_setattr pidfd_open
dusk_path=$folder/bin/older-dusk start_agent pc1 --owner-socket "$folder/pc1/owner.socket"
tasks_are_held pc1 'with openat2 alone'
stop_agent pc1

# Who has no control groups, but wardens.
as_user=(setpriv --reuid 31001 --regid 31001 --clear-groups)
if [ "$(id -u)" = 0 ] && "${as_user[@]}" true 2>/dev/null; then
    mkdir "$folder/pc2"
    chown 31001:31001 "$folder/pc2"
    dusk token create >"$folder/token"
    older_dusk clone3 close_range mount_setattr pidfd_open -- "${as_user[@]}"
    dusk_path=$folder/bin/older-dusk launch_agent pc2 --owner-socket "$folder/pc2/owner.socket"
    must "grep -q '^ready pc2\$' '$folder/pc2.out'"
    tasks_are_held pc2 'as an ordinary user,'
    stop_agent pc2
else
    skip 'an ordinary user' 'only root can be another user'
fi

older_dusk openat2
ends_with 1 "$folder/bin/older-dusk" agent --state "$folder/pc3" --server "$server_address" \
    --presence none
like "$output" 'cannot run the agent: this kernel \(Linux [^ ]*\) refuses openat2\(2\): ' \
    'without openat2 nothing is lent, the agent says'
like "$output" 'an agent needs Linux 5.6 or later' 'and from which kernel on it is'
ok 'nothing was begun' [ ! -e "$folder/pc3" ]
stop_server
finish
