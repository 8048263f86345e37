#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The owner's figures: what his computer did for the pool, and for whom.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket

# of DAYS USER MEMBER: one figure; USER is null, or a name in quotes.
of()
{
    dusk owner figures --json |
        sed -n "s/.*{\"days\":$1,\"user\":$2,[^}]*\"$3\":\([^,}]*\).*/\1/p"
}

program compute <<'END'
i=0
while [ $i -lt 100000 ]; do i=$((i + 1)); done
END
me=\"$(id -un)\"

start_server
start_agent pc1 --set watts_per_core=900
is "$(of 1 null tasks)" 0 'nothing has been done yet'
ok 'the computer is lent' wait_for '[ -n "$(of 1 null lent_s | grep "[1-9]")" ]'
like "$(dusk owner figures)" '^today +all .* 0 +0\.00s +0\.000kWh' 'a person sees it'

ok 'a task computes' dusk run ./compute
is "$(of 7 null tasks) $(of 365 "$me" tasks)" '1 1' 'it is counted, and for whom it was'
used=$(of 365 "$me" cpu_s)
like "$used" '[1-9]' 'and so is the time of the processor'
is "$(of 365 null cpu_s)" "$used" 'which all together have used'
ok 'the energy is estimated from that' awk -v wh="$(of 365 null energy_wh)" -v s="$used" \
    'BEGIN { exit !(wh > 0.249 * s && wh < 0.251 * s) }'
like "$(dusk owner figures)" 'ENERGY: estimated, not measured: 900 W' 'and called an estimate'
is "$(of 365 null lent_s | grep -c .) $(of 365 "$me" lent_s)" '1 null' 'lent is the computer alone'
like "$(dusk owner figures --json)" '"since":"[0-9]{4}-[0-9]{2}-[0-9]{2}"' 'since when is said'
unlike "$(dusk owner --json)" '"figures"' 'who asks for the status has no figures'

if [ "$(id -u)" = 0 ]; then
    like "$(setpriv --reuid 65533 --regid 65533 --clear-groups "$dusk_path" owner figures)" \
        '^today +all ' 'a stranger may ask'
else
    skip 'a stranger may ask' 'only root can be another user'
fi

# ---- over the agent's end ----

stop_agent pc1
is "$(stat -c %a "$folder/pc1/figures")" 600 'the file is nobody else'"'"'s'
start_agent pc1
is "$(of 365 "$me" tasks) $(of 365 "$me" cpu_s)" "1 $used" 'another agent goes on with them'
crash_agent pc1
start_agent pc1
is "$(of 365 "$me" tasks) $(of 365 "$me" cpu_s)" "1 $used" 'also after one that was killed'

stop_agent pc1
echo nonsense >>"$folder/pc1/figures"
echo '1000 0 5 5 long ago' >>"$folder/pc1/figures"
start_agent pc1
is "$(of 365 "$me" tasks) $(of 365 null tasks)" '1 1' 'what is broken or old does no harm'
like "$(cat "$folder/pc1.log")" 'figures. has lines without sense, which will be removed: 1$' \
    'and the log says so'
stop_agent pc1
unlike "$(cat "$folder/pc1/figures")" 'nonsense|long ago' 'nor is it kept'

# ---- as days go by ----

shift_library=$folder/clock_shift.so
if ${CC:-cc} -shared -fPIC -o "$shift_library" "$library/clock_shift.c" 2>/dev/null; then
    echo $((3 * 24 * 3600)) >"$folder/shift"
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 CLOCK_SHIFT=$folder/shift \
        LD_PRELOAD=$shift_library start_agent pc1
    is "$(of 1 null tasks) $(of 7 null tasks)" '0 1' 'in three days today is another day'
    is "$(of 1 "$me" tasks)" '' 'on which nobody has had anything'
    stop_agent pc1
else
    skip 'in three days today is another day' 'there is no compiler'
fi

rm "$folder/pc1/figures"
mkdir "$folder/pc1/figures"
start_agent pc1
like "$(cat "$folder/pc1.log")" 'figures begin anew' 'an agent that cannot read them says so'
is "$(of 365 null tasks)" 0 'and begins anew'
stop_agent pc1
like "$(cat "$folder/pc1.log")" "cannot save the owner's figures" 'as one that cannot save them'
stop_server
finish
