#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GPUs: each is one task's alone, and the task is told which. The node only says that it has some.
. "$(dirname "$0")/lib.sh" || exit 1

cd "$folder/work" || exit 1
mkdir -m 1777 "$folder/seen"

# Says what it sees, and stays until it may go.
program holder <<'END'
echo "$CUDA_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES $_CONDOR_AssignedGPUs $DUSK_GPUS" >"$1/new.$2"
mv "$1/new.$2" "$1/$2"
while [ ! -e "$1/go.$2" ]; do sleep 0.05; done
END

# holds GPUS TASKS: submits such tasks; prints the job's number.
holds()
{
    submit_file holder.sub <<END
executable = holder
arguments = $folder/seen \$(Cluster).\$(Process)
request_gpus = $1
queue $2
END
    dusk submit --quiet holder.sub
}

claimed()
{
    dusk status -af name gpus gpus_claimed | sed -n 's/^pc1 //p'
}

start_server
start_agent pc1 --cpus 8 --gpus 2
start_agent pc2 --cpus 8 --gpus 0
must 'node_is pc1 Unclaimed && node_is pc2 Unclaimed'
is "$(claimed)" '2 0' 'a node lends as many GPUs as its admin says'
like "$(dusk node show pc1 --long)" '^GPUs = 2$' 'which is an attribute of it'

# ---- two for three ----

job=$(holds 1 3)
must '[ -e "$folder/seen/$job.0" ] && [ -e "$folder/seen/$job.1" ]'
is "$(cat "$folder/seen/$job".[01] | sort | paste -sd /)" '0 0 GPU0 1/1 0 GPU1 1' \
    'two tasks run, and each is told of another GPU'
is "$(task "$job.2" state)" Idle 'the third one waits'
is "$(claimed)" '2 2' 'both GPUs are claimed'
why=$(dusk why "$job.2")
like "$why" '^It needs 1 CPU, 1 GPU, ' 'dusk why says what it needs,'
like "$why" '^ +1 with too few GPUs$' 'that one node has no GPUs'
like "$why" '^ +1 busy with other tasks$' 'and that the other one is busy'
like "$why" '^ +on 1 of them all but GPUs is free$' 'with its GPUs alone'

# ---- none, and too many ----

submit_file none.sub <<'END'
executable = /usr/bin/env
transfer_executable = false
requirements = GPUs == 2
output = none.out
queue
END
ok 'a task that asks for none runs beside them' \
    dusk wait "$(dusk submit --quiet none.sub)" --timeout 60
like "$(cat none.out)" '^CUDA_VISIBLE_DEVICES=10000$' 'and sees none:'
like "$(cat none.out)" '^NVIDIA_VISIBLE_DEVICES=none$' 'neither it nor what it starts'
many=$(holds 3 1)
why=$(dusk why "$many.0")
like "$why" '^It needs 1 CPU, 3 GPUs, ' 'who asks for too many'
like "$why" 'No connected node is large enough: .* 2 GPUs,' 'learns how many there are'
dusk rm "$many" >/dev/null

# ---- the agent starts again ----

crash_agent pc1
start_agent pc1 --cpus 8 --gpus 2
must 'node_is pc1 Claimed'
# The first one is still in use; an agent that did not know would give it away.
second=$(grep -l GPU1 "$folder/seen/$job".[01])
touch "$folder/seen/go.${second##*/}"
must '[ -e "$folder/seen/$job.2" ]'
like "$(cat "$folder/seen/$job.2")" GPU1 'an agent that was killed knows which GPU was whose'
touch "$folder/seen/go.$job".{0,1,2}
ok 'all of them end' dusk wait "$job" --timeout 60
must '[ "$(claimed)" = "2 0" ]'
is "$(dusk history "$job" -af attempts | sort -u)" 1 'each in one attempt'
is "$(dusk run --gpus 1 /bin/sh -c 'echo $CUDA_VISIBLE_DEVICES')" 0 'dusk run asks for some, too'

# ---- what they can do ----

submit_file able.sub <<'END'
executable = /usr/bin/env
transfer_executable = false
output = able.out
request_gpus = 1
require_gpus = Capability > 8
queue
END
job=$(dusk submit --quiet able.sub 2>"$folder/warning")
like "$(cat "$folder/warning")" 'require_gpus.*nodes do not tell what their GPUs can do' \
    'a condition on GPUs comes with a warning,'
ok 'and holds of the GPUs of a node that says nothing of it' dusk wait "$job" --timeout 60
like "$(cat able.out)" '^DUSK_NODE=pc1$' 'if there are some'
stop_agent pc1
start_agent pc3 --cpus 8 --gpus 1 --attribute 'AvailableGPUs={ [ Capability = 7.5 ] }'
must 'node_is pc3 Unclaimed'
job=$(dusk submit --quiet able.sub 2>/dev/null)
like "$(dusk why "$job.0")" 'countMatches' 'where an admin has told what they can do, that counts'
stop_agent pc3
start_agent pc3 --cpus 8 --gpus 1 --attribute 'AvailableGPUs={ [ Capability = 8.6 ] }'
ok 'for and against' dusk wait "$job" --timeout 60
finish
