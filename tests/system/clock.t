#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The clock on the wall is set back an hour, and forward, while a pool works. No lease and no
# waiting hangs on it, and certificates that were made before are good afterwards.
. "$(dirname "$0")/lib.sh" || exit 1
shift_library=$folder/clock_shift.so
if ! ${CC:-cc} -shared -fPIC -o "$shift_library" "$library/clock_shift.c" 2>/dev/null; then
    echo '1..0 # SKIP there is no compiler for a library that shifts the clock'
    exit 0
fi
# AddressSanitizer would be the first library that is loaded; this one does not mind being second.
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
export CLOCK_SHIFT=$folder/shift
echo 0 >"$CLOCK_SHIFT"
chmod 644 "$CLOCK_SHIFT"
# The whole computer, as far as this test goes: server, agents, tasks and commands.
shifted()
{
    LD_PRELOAD=$shift_library "$@"
}
before=$(date +%s)
echo -3600 >"$CLOCK_SHIFT"
ok 'the clock can be shifted here' test "$(shifted date +%s)" -lt $((before - 3000))
echo 0 >"$CLOCK_SHIFT"
export LD_PRELOAD=$shift_library
cd "$folder/work" || exit 1
program patient <<'END'
echo "$DUSK_ATTEMPT" >>"$2"
while [ ! -e "$1" ]; do sleep 0.05; done
exit 23
END
ledger=$folder/ledger
: >"$ledger"
chmod 666 "$ledger"
submit_file patient.sub <<END
executable = patient
arguments = $folder/work/go $ledger
queue
END

start_server --lease 5s
start_agent pc1 --cpus 4
job=$(dusk submit --quiet patient.sub)
must '[ -s "$ledger" ]'
for seconds in -3600 3600; do
    echo "$seconds" >"$CLOCK_SHIFT"
    is "$(dusk run echo on)" on "$seconds: work goes on"
    crash_server
    start_server --lease 5s
    must 'node_is pc1 Claimed'
    pass "$seconds: server and agent still know each other"
    is "$(dusk run echo on)" on "$seconds: and work goes on"
    start_agent "new$seconds"
    pass "$seconds: the old token brings a new node in"
    stop_agent "new$seconds"
done
crash_agent pc1
echo -3600 >"$CLOCK_SHIFT"
start_agent pc1 --cpus 4
must 'node_is pc1 Claimed'
touch go
ok 'the task that ran all the time ends' dusk wait "$job" --timeout 60
is "$(task "$job.0" state exit_code attempts) $(wc -l <"$ledger")" 'Completed 23 1 1' \
    'with one attempt and the right exit code'
unset LD_PRELOAD
finish
