#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tree of control groups is full: tasks are held without, as where there are no groups at all.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

start_server
start_agent pc1 --cpus 3
group=$(head -n 1 "$folder/pc1/keeper.group" 2>/dev/null)
if [ ! -w "$group/cgroup.max.descendants" ]; then
    skip 'a full tree of control groups' 'there are no groups here'
    stop_agent pc1
    stop_server
    finish
fi
is "$(dusk run echo in a group)" 'in a group' 'a task runs in a group'
unlike "$(cat "$folder/pc1/keeper.log")" 'cannot make a control group' 'of which nothing is said'

# The spare that the first one left is taken by the next; so two run at once.
echo 0 >"$group/cgroup.max.descendants"
program stay <<'END'
while :; do sleep 0.05; done
END
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
like "$(cat "$folder/pc1/keeper.log")" "below '$group': Resource temporarily unavailable" 'and why'
dusk rm "$job" >/dev/null
ok 'they can be ended' wait_for "! pgrep -f '$folder/.*/stay'"
echo max >"$group/cgroup.max.descendants"
is "$(dusk run echo again)" again 'with room again, all is as before'
stop_agent pc1
stop_server
finish
