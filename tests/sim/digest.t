#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# digest.t ROOT SIMULATOR: whether a seed is always the same world: run again, run beside others,
# traced or not, and built by another compiler or without optimisation.
set -u

root=$1
simulator=$2
seeds=1-30
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
expected=$("$simulator" --seeds "$seeds" --jobs 1 --digest)

# same SENTENCE DIGEST
same() {
    number=$((number + 1))
    if [ -n "$2" ] && [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        echo "# expected $3, got $2"
        echo "not ok $number - $1"
    fi
}

same 'run again' "$("$simulator" --seeds "$seeds" --jobs 1 --digest)" "$expected"
same 'run in three processes' "$("$simulator" --seeds "$seeds" --jobs 3 --digest)" "$expected"
same 'traced' "$("$simulator" --seed 7 --trace --digest | tail -n 1)" \
    "$("$simulator" --seed 7 --digest)"
for compiler in gcc clang; do
    if ! command -v "$compiler" >/dev/null; then
        number=$((number + 1))
        echo "ok $number - built by $compiler # SKIP it is not installed"
        continue
    fi
    # No name of a source has a blank.
    # shellcheck disable=SC2046
    (cd "$root/src" && "$compiler" -std=gnu17 -O0 -w -I . -o "$work/sim" ../tests/planted/main.c \
        $(ls base/*.c lang/*.c core/*.c sim/*.c |
            grep -v '_test\.c$\|_fixture\.c$\|_bench\.c$') -lm -lpcre2-8)
    same "built by $compiler without optimisation" \
        "$("$work/sim" --seeds "$seeds" --digest)" "$expected"
done
echo "1..$number"
