#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# scenario.t SIMULATOR: what it says about command lines and scenarios that are wrong.
set -u

simulator=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# says SENTENCE CODE PATTERN ARGUMENT...: ends with CODE, and what it says matches.
says() {
    number=$((number + 1))
    sentence=$1
    code=$2
    pattern=$3
    shift 3
    said=$("$simulator" "$@" 2>&1)
    if [ $? -eq "$code" ] && echo "$said" | grep -q -e "$pattern"; then
        echo "ok $number - $sentence"
    else
        echo "$said" | sed 's/^/# /'
        echo "not ok $number - $sentence"
    fi
}

# refuses SENTENCE PATTERN LINE...: a scenario of these lines.
refuses() {
    sentence=$1
    pattern=$2
    shift 2
    printf '%s\n' "$@" >"$work/story.scenario"
    says "$sentence" 1 "$pattern" --scenario "$work/story.scenario" --update
}

says 'an unknown option names the nearest' 2 'Did you mean --seeds?' --sedes 1-2
says 'a missing value is named' 2 '--seed needs a value' --seed
says 'a range that is none is refused' 2 'a range like 1-2000' --seeds 9-3
says 'a number out of range is refused' 2 'from 1 to 1000' --jobs 0
says 'a word that is no option is refused' 2 "'17' is no option" 17
says 'an unknown kind of faults names the nearest' 2 'Did you mean owners?' --mix server,owner
says 'an empty kind of faults is refused' 2 "no faults ''" --mix server,
says 'a mix of faults is played' 0 'all went well' --seed 3 --mix server,owners --crashes 1000
says 'many seeds have no trace' 2 'for one seed' --seeds 1-2 --trace
says 'help is given' 0 'examples:' --help
cat >"$work/owners.csv" <<'END'
data_set,family,free_first,free_second,taken_first,taken_second
Office,weibull,0.55,35.30,0.60,9.34
Office,exponential,67.01,,16.49,
END
owners() {
    set -- --owners "$work/owners.csv" --owners-like Office/exponential --agents 20 --days 3 "$@"
    "$simulator" "$@"
}
says 'figures are given for pools whose owners come and go' 0 'work thrown away, %' \
    --owners "$work/owners.csv" --owners-like Office --agents 20 --tasks 10 --days 3
says 'owners who are not in the table are named' 1 "no line for 'Ofice' and weibull" \
    --owners "$work/owners.csv" --owners-like Ofice
says 'a table that is not there is named' 1 "cannot read '$work/none'" --owners "$work/none"
says 'owners like some need a table' 2 'are for --owners' --owners-like Office
says 'more habits than all are refused' 2 'from 0 to 100' --habits 101
number=$((number + 1))
if [ "$(owners --seeds 1-3)" = "$(owners --seeds 1-3)" ] &&
    [ "$(owners --seed 1)" != "$(owners --seed 2)" ]; then
    echo "ok $number - the same seed gives the same figures"
else
    echo "not ok $number - the same seed gives the same figures"
fi
says 'a scenario that is not there is named' 1 "cannot read '$work/none'" --scenario "$work/none"

refuses 'the agents come first' "line 1: 'agents' must come first" 'submit 1 task 1s'
refuses 'an unknown command names the nearest' "line 3: there is no command 'submitt'" \
    'agents 1 cpus 1' '# then' 'submitt 1 task 1s'
refuses 'missing words are named' 'line 2: it is: run DURATION' 'agents 1 cpus 1' 'run'
refuses 'a wrong duration is named' "'fast' is no duration" 'agents 1 cpus 1' 'run fast'
refuses 'an unknown computer is named' 'none of pc1 to pc2' 'agents 2 cpus 1' 'off pc3'
refuses 'a wrong task is named' "'1.x' is neither" 'agents 1 cpus 1' 'hold 1.x'
refuses 'a wrong word is named' "'dances' is neither" 'agents 1 cpus 1' 'owner pc1 dances'
refuses 'a story without an end is noticed' 'line 3: the tasks are not over' \
    'agents 1 cpus 1' 'submit 1 task 1s held' 'finish'

printf 'agents 1 cpus 1\nsubmit 1 task 1s\nfinish\n' >"$work/story.scenario"
says 'a missing trace is named' 1 "cannot read '$work/story.trace'" \
    --scenario "$work/story.scenario"
says 'the trace is written on demand' 0 '' --scenario "$work/story.scenario" --update
says 'and then it is right' 0 '' --scenario "$work/story.scenario"
sed -i 's/1.0#1 Idle/1.0#1 Held/' "$work/story.trace"
says 'the first other line is shown' 1 'line 5: expected .*Held.*but there was .*Idle' \
    --scenario "$work/story.scenario"
echo "1..$number"
