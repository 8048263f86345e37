#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# seeds.t SIMULATOR LIST: whether the seeds of LIST pass, each of which once found a fault.
set -u

simulator=$1
list=$2
number=0

while read -r seed sentence; do
    case "$seed" in '' | '#'*) continue ;; esac
    number=$((number + 1))
    if said=$("$simulator" --seed "$seed" 2>&1); then
        echo "ok $number - seed $seed: $sentence"
    else
        echo "$said" | sed 's/^/# /'
        echo "not ok $number - seed $seed: $sentence"
    fi
done <"$list"
echo "1..$number"
