#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the nodes gave: counted while they are lent and compute, and found again after a restart.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1

# figure NAME MEMBER: of a node, or of "day", "week" or "year"; in thousandths of an hour, whole.
figure()
{
    dusk stats --json | python3 -c '
import json, sys
stats = json.load(sys.stdin)
found = [n for n in stats["nodes"] if n["name"] == sys.argv[1]] or [stats[sys.argv[1]]]
value = found[0][sys.argv[2]]
print(value if isinstance(value, str) else int(value * 1e6))' "$1" "$2"
}

program wait_for_file <<END
until [ -e "$folder/go" ]; do sleep 0.02; done
END

start_server --lease 3s
start_agent pc1 --cpus 2 --set 'attribute.MachineOwner="ada"'
job=$(dusk submit --quiet /dev/stdin <<END
executable = wait_for_file
request_cpus = 2
request_memory = 1M
request_disk = 1M
queue
END
)
must "state_is $job.0 Running"
ok 'what is lent is counted' wait_for '[ "$(figure pc1 lent_hours)" -gt 0 ]'
ok 'and what computes' wait_for '[ "$(figure pc1 core_hours)" -gt 0 ]'
ok 'with its speed' wait_for '[ "$(figure pc1 flop)" -gt 0 ]'
is "$(figure pc1 owner)" ada 'the node says who owns it'
is "$(figure pc1 wasted_core_hours)" 0 'nothing is wasted yet'
dusk hold "$job" >/dev/null
ok 'what gave no result is wasted' wait_for '[ "$(figure pc1 wasted_core_hours)" -gt 0 ]'
must 'node_is pc1 Unclaimed'
wasted=$(figure pc1 wasted_core_hours)
ok 'the pool has what its nodes have' [ "$(figure day wasted_core_hours)" = "$wasted" ]
ok 'also in the week and the year' \
    [ "$(figure week wasted_core_hours) $(figure year wasted_core_hours)" = "$wasted $wasted" ]

stop_server
start_server --lease 3s
is "$(figure pc1 wasted_core_hours) $(figure year wasted_core_hours)" "$wasted $wasted" \
    'a server that comes back knows it'
like "$(dusk stats)" '^pc1 +ada +[0-9.]+ +[0-9.]+ +0\.0 ' 'people get a table'
like "$(dusk stats --days 1)" '^year +[0-9.]+ ' 'and the sums below it'
ends_with 2 dusk stats --days 0
ends_with 2 dusk stats --days 401

stop_agent pc1
stop_server
finish
