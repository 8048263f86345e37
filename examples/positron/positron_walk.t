#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# positron_walk.t POSITRON_WALK SUMMARIZE: whether the walk is deterministic, physically sane and
# clear about wrong arguments, and whether the summary reads what the walk writes.
set -u
export LC_ALL=C

walk=$1
summarize=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# is SENTENCE COMMAND...: one test.
is() {
    sentence=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $sentence"
    else
        echo "not ok $number - $sentence"
    fi
}

# holds EXPRESSION: whether awk finds it true.
holds() {
    awk "BEGIN { exit !($1) }"
}

lines_are_well_formed() {
    awk '/^#/ { next }
         NF != 6 || $1 != ++n { bad = 1 }
         $6 == "implanted" && ($2 != "20.0" || $5 < 0) { bad = 1 }
         $6 == "backscattered" && ($2 <= 20 || $2 > 1000 || $5 < -0.001 || $5 > 0.001) { bad = 1 }
         $6 != "implanted" && $6 != "backscattered" { bad = 1 }
         END { exit bad || n != 2000 }' "$1"
}

mean_depth() {
    awk '$6 == "implanted" { n++; sum += $5 } END { print sum / n }' "$1"
}

# Sideways nothing is preferred: within five standard errors of 0.
is_symmetric() {
    awk '$6 == "implanted" { n++; x += $3; xx += $3 * $3; y += $4; yy += $4 * $4 }
         END { exit !(x * x < 25 * xx && y * y < 25 * yy) }' "$1"
}

refuses() {
    expected=$1
    shift
    "$walk" "$@" >"$work/out" 2>"$work/err" </dev/null
    [ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q "$expected" "$work/err" &&
        grep -q '^usage: ' "$work/err"
}

notices_a_full_disk() {
    ! "$walk" 5000 1000 >/dev/full 2>"$work/err" && grep -q 'cannot write' "$work/err"
}

for energy in 1000 2000 5000; do
    "$walk" 2000 "$energy" >"$work/positron_$energy.out"
done
"$walk" 2000 1000 >"$work/again"
"$walk" 2000 1001 >"$work/other"
shallow=$(mean_depth "$work/positron_1000.out")
deep=$(mean_depth "$work/positron_5000.out")
back=$(grep -c backscattered "$work/positron_5000.out")

is 'the same arguments give the same output' cmp -s "$work/positron_1000.out" "$work/again"
is 'another energy gives another output' sh -c "! cmp -s '$work/again' '$work/other'"
is 'every particle has one well-formed line' lines_are_well_formed "$work/positron_1000.out"
is "1 keV goes 14 to 19 nm deep ($shallow)" holds "$shallow > 14 && $shallow < 19"
is "5 keV goes 165 to 205 nm deep ($deep)" holds "$deep > 165 && $deep < 205"
is 'the mean depth grows as the energy to the power of 1.4 to 1.7' \
    holds "log($deep / $shallow) / log(5) > 1.4 && log($deep / $shallow) / log(5) < 1.7"
is "9 to 16 % of them come back out ($back of 2000)" holds "$back > 180 && $back < 320"
is 'no direction along the surface is preferred' is_symmetric "$work/positron_5000.out"
is 'a missing argument is refused' refuses 'missing' 5000
is 'too many arguments are refused' refuses 'too many' 1 2 3
is 'no particles are refused' refuses 'whole number' 0 1000
is 'a negative number of particles is refused' refuses 'whole number' -1 1000
is 'a number of particles with letters is refused' refuses 'whole number' 10x 1000
is 'an energy that is no number is refused' refuses 'number of eV' 10 fast
is 'an energy below the rest energy is refused' refuses 'number of eV' 10 20
is 'an energy beyond the formulas is refused' refuses 'number of eV' 10 50001
is 'an energy that is not finite is refused' refuses 'number of eV' 10 nan
is 'a full disk is noticed' notices_a_full_disk
is 'the summary reads the results' sh -c \
    "sh '$summarize' '$work' >'$work/summary' && grep -q '^ *5000 ' '$work/summary'"
is 'the summary finds the power law' grep -q 'mean depth = 1[0-9.]* nm \* (energy / keV)^1\.[4-6]' \
    "$work/summary"
echo truncated >"$work/positron_1500.out"
is 'a result that is none is named' sh -c \
    "! sh '$summarize' '$work' >/dev/null 2>'$work/err' && grep -q positron_1500.out '$work/err'"
echo "1..$number"
