#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requirements and ranks: where tasks run, what they wait for, and what dusk says of it.
. "$(dirname "$0")/lib.sh" || exit 1

# submits LINE...: submits a task that sleeps a moment, with these lines; prints the job's number.
submits()
{
    {
        printf 'executable = /bin/sleep\narguments = 0\n'
        printf '%s\n' "$@"
        echo queue
    } | submit_file matching.sub
    dusk submit -q "$folder/work/matching.sub"
}

# ran_on JOB: the node of its task, when that is over.
ran_on()
{
    dusk wait "$1" >/dev/null
    dusk history "$1" -af node
}

cd "$folder/work" || exit 1
start_server
start_agent slow --cpus 1 --attribute Speed=1 --attribute 'Room="lab"'
start_agent fast --cpus 1 --attribute Speed=10 --attribute 'Room="lab"' --attribute HasMatlab=true
start_agent other --cpus 1 --attribute Speed=5 --attribute 'Room="office"' \
    --attribute KeyboardIdle=1000
for node in slow fast other; do
    must "node_is $node Unclaimed"
done

# ---- where ----

is "$(ran_on "$(submits 'requirements = Room == "office"')")" other \
    'a task runs where its requirements are true'
is "$(ran_on "$(submits 'rank = Speed')")" fast 'and prefers the node of the highest rank'
is "$(ran_on "$(submits 'rank = -Speed')")" slow 'which may be the lowest of something'
job=$(submits 'requirements = TARGET.HasMatlab && Speed >= MY.Least' '+Least = 2')
is "$(ran_on "$job")" fast \
    'its own attributes count, too'

is "$(ran_on "$(submits 'requirements = KeyboardIdle > 15 * 60 && KeyboardIdle < 1000')")" other \
    'what never stands still counts as rounded down'

# ---- what the node is called ----

submit_file node.sub <<'END'
executable = /bin/echo
arguments = $$(Room) $$(Speed) $$(Nothing:none) $$([TARGET.Speed * MY.Least]) $$(DOLLARDOLLAR)(x)
environment = "WHERE=$$(Room) TWICE=$$([ TARGET.Speed * 2 ])"
output = $(Process).out
requirements = Room == "office"
+Least = 2
queue
executable = /usr/bin/env
arguments =
queue
arguments = $$(Nothing)
queue
END
job=$(dusk submit -q "$folder/work/node.sub")
must "state_is $job.0 Completed && state_is $job.1 Completed"
is "$(cat "$folder/work/0.out")" 'office 5 none 10 $$(x)' \
    'what a task says of its node is filled in'
like "$(cat "$folder/work/1.out")" '^WHERE=office$' 'in its environment, too'
like "$(cat "$folder/work/1.out")" '^TWICE=10$' 'where an expression may have blanks'
must "state_is $job.2 Held"
like "$(dusk why "$job.2")" 'Nothing' 'what the node does not have holds the task, with its name'
dusk rm "$job" >/dev/null
is "$(dusk run -- echo '$$(Room)' '$$([1])')" '$$(Room) $$([1])' \
    'the words of dusk run stay as they are'

# ---- what it waits for ----

job=$(submits 'requirements = HasMatlab && Room == "office"')
why=$(dusk why "$job.0")
like "$why" 'Its requirements rule out 3 of 3 connected nodes' 'a task that suits nowhere waits'
like "$why" '2 of them: HasMatlab' 'dusk why counts the nodes for each condition'
like "$why" '2 of them: Room == "office"' 'for the other one, too'
like "$why" "Without 'HasMatlab' it could run on 1 node, 'other'" \
    'and says which change would let it run'
is "$(ran_on "$(submits 'requirements = Room == "lab"' 'rank = Speed')")" fast \
    'and stops nobody behind it'
start_agent late --cpus 1 --attribute HasMatlab=true --attribute 'Room="office"'
is "$(ran_on "$job")" late 'until a node comes that suits'

submit_file groups.sub <<'END'
executable = /bin/true
requirements = Room == "$(where)"
queue where in cellar attic cellar
END
groups=$(dusk submit -q groups.sub)
why=$(dusk why "$groups")
like "$why" "Those like $groups.0:" 'of a job of many, dusk why tells groups'
like "$why" "Those like $groups.1:" 'each by one of its tasks'
unlike "$why" "Those like $groups.2:" 'and once'
dusk rm "$groups" >/dev/null

# ---- who remembers ----

job=$(submits 'requirements = Room == "cellar"')
crash_server
start_server
must 'node_is slow Unclaimed'
like "$(dusk why "$job.0")" 'Its requirements rule out' 'they are known after a crash of the server'
stop_agent late
start_agent late --cpus 1 --attribute 'Room="cellar"'
is "$(ran_on "$job")" late 'and obeyed'

# ---- many of one job ----

submit_file many.sub <<'END'
executable = /bin/sleep
arguments = 0
requirements = Room == "$(where)"
queue where in lab office lab office
END
many=$(dusk submit -q "$folder/work/many.sub")
dusk wait "$many" >/dev/null
nodes=$(dusk history "$many" -af task node | sort -n | sed 's/[0-9]* //; s/slow\|fast/lab/' | xargs)
is "$nodes" 'lab other lab other' 'tasks of one job may have different requirements'

printf 'executable = /bin/true\nrequirements = Room ==\nqueue\n' | submit_file wrong.sub
ends_with 1 "$dusk_path" submit "$folder/work/wrong.sub"
like "$output" 'wrong.sub:2:.*expression' 'requirements that are no expression are refused'

printf '%s\n' 'executable = /bin/true' 'requirements = Speed > $(Process)' 'queue 6000' |
    submit_file share.sub
ends_with 1 "$dusk_path" submit "$folder/work/share.sub"
like "$output" 'as many different requirements and ranks as one user may have' \
    'no user takes all classes from the others'
is "$(ran_on "$(submits 'requirements = Speed == 10')")" fast 'and what he was refused is forgotten'

# ---- what is meant to hurt ----

# A match that ends before it begins, in requirements and in what is filled in at the start.
job=$(submits '+P = "(?(DEFINE)(ab\K))(?=(?1))"' '+S = "abc"' '+R = "\0"' \
    'requirements = regexps(P, S, R) =!= "x"' 'arguments = $$([regexps(P, S, R)])')
must "state_is $job.0 Held"
# A hundred attributes that refer to one another, each nested as deep as an expression may be.
mapfile -t lines < <(awk 'BEGIN {
    for (i = 0; i < 99; i++) {
        line = "+X" i " = "
        for (j = 0; j < 190; j++)
            line = line "1||0&&1|1^1&1==1<1<<1+1*("
        line = line "X" (i + 1)
        for (j = 0; j < 190; j++)
            line = line ")"
        print line
    }
    print "+X99 = 1"
}')
job=$(submits "${lines[@]}" 'requirements = X0 == 1 && TARGET.Speed > 0')
like "$(ran_on "$job")" '[a-z]' 'the server lives through expressions that were made to end it'

finish
