#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a node says of itself: found out, set by its admin, printed by his script.
. "$(dirname "$0")/lib.sh" || exit 1

# attribute NODE NAME: its expression; nothing if there is none.
attribute()
{
    dusk node show "$1" --long | sed -n "s/^$2 = //p"
}

attribute_is()
{
    [ "$(attribute "$1" "$2")" = "$3" ]
}

mkdir "$folder/pc1"
chmod 755 "$folder" "$folder/pc1"
script=$folder/attributes
cat >"$script" <<END
#!/bin/sh
# As whoever this is, the test's folder is there to read.
cat '$folder/printed'
echo "ScriptUser = \$(id -u)"
exit \$(cat '$folder/code')
END
chmod 755 "$script"
printf 'Licences = 3\nNote = "of \\"two\\" words"\n' >"$folder/printed"
echo 0 >"$folder/code"
cat >"$folder/pc1/agent.ini" <<END
[agent]
attribute.HasMatlab = true
attribute.Rack = "a" + "b"
attribute.FileSystemDomain = "lab.example"
attribute_script = $script
attribute_script_interval = 1s
END

start_server
start_agent pc1 --cpus 2 --memory 1G --attribute Rack=7

# ---- what may be said ----

page=$library/../../doc/man/dusk-agent.1.scd
missing=
for option in $(dusk agent --help | sed -n 's/^  .*  *\(--[a-z-]*\) .*/\1/p'); do
    grep -q -e "\*$option\*" "$page" || missing="$missing $option"
done
is "$missing" '' 'the manual page explains each option of the agent'

# ---- found out ----

shown=$(dusk node show pc1)
like "$shown" '^name +pc1$' 'a node is shown with what the server knows of it'
like "$shown" '^OpSys = "LINUX"$' 'and with its attributes'
is "$(attribute pc1 Arch)" "\"$(uname -m | sed s/x86_64/X86_64/)\"" \
    'they have the names of HTCondor'
is "$(attribute pc1 Cpus) $(attribute pc1 Memory) $(attribute pc1 DetectedCpus)" \
    "2 1024 $(nproc)" 'say what is lent and what is there'
is "$(attribute pc1 State) $(attribute pc1 HasFileTransfer)" '"Unclaimed" true' \
    'and what it does'
like "$(attribute pc1 KFlops) $(attribute pc1 Mips)" '^[1-9][0-9]* [1-9][0-9]*$' \
    'the speed was measured'
is "$(attribute pc1 KeyboardIdle)" '' 'what nobody watches is not made up'
unlike "$(dusk node show pc1 --long)" '^name ' '--long shows the attributes alone'
like "$(dusk node show pc1 --json)" '"HasMatlab": ?"true"' '--json has their expressions as texts'
dusk node show pc1 --json | python3 -c 'import json, sys
attributes = json.load(sys.stdin)["attributes"]
assert attributes["Arch"][0] == "\"", attributes' || fail 'a text is an expression, with its quotes'

dusk node show pc1 --long >"$folder/machine"
condition='Cpus == 2 && ClockMin >= 0 && ClockMin < 1440 && ClockDay < 7'
is "$(dusk classad --my "$folder/machine" eval "$condition && versionGE(GlibcVersion, \"2\")")" \
    true 'all together they are an ad, to which expressions can be put'

# ---- offered ----

# lent_by NODE: as the server tells it; memory in MB, as the attribute has it.
lent_by()
{
    dusk node show "$1" --json | python3 -c 'import json, sys
node = json.load(sys.stdin)
print(node["cpus"], node["memory"] >> 20, node["gpus"])'
}

found=$(attribute pc1 DetectedMemory)
start_agent pc2 --set 'offer=cpus 50 %, memory 25 %' --gpus 4
must 'node_is pc2 Unclaimed'
half=$(($(nproc) / 2))
# Of what is lent without a word, which is all but a twentieth.
like "$(lent_by pc2)" "^$((half > 0 ? half : 1)) [0-9]+ 4\$" \
    'a share of the processors is offered, rounded down, and never none'
share=$(lent_by pc2 | cut -d ' ' -f 2)
is "$((share - found * 95 / 400 <= 1 && found * 95 / 400 - share <= 1))" 1 \
    'and one of the memory that is lent when nothing is said'
is "$(attribute pc2 Cpus) $(attribute pc2 Memory)" "$(lent_by pc2 | cut -d ' ' -f -2)" \
    'its attributes say the same'
ends_with 2 "$dusk_path" agent --state "$folder/none" --set 'offer=cpus 50 %, gpus 1' --cpus 2
is "$output" "dusk: cannot run the agent: 'offer' and 'cpus' both say how much is lent
hint: take out either the key 'cpus', or 'cpus' from 'offer'" 'nobody has to guess which one counts'
ends_with 2 "$dusk_path" agent --state "$folder/none" --offer 'cpus 150 %'
is "$output" "dusk: cannot run the agent: --offer: cpus: '150 %' is no share from 1 % to 100 %
hint: say a whole number before the '%', as in 50 %" 'what is wrong with an offer is said'
stop_agent pc2
start_agent pc2 --offer "cpus $(($(nproc) + 46)), memory 8"
like "$(cat "$folder/pc2.log")" "warning: $(($(nproc) + 46)) processors are lent, and there are" \
    'who forgets a % hears of it'
like "$(cat "$folder/pc2.log")" 'less than 1 MB of memory or disk is lent: no task' 'or an M'
stop_agent pc2

# ---- set ----

is "$(attribute pc1 HasMatlab) $(attribute pc1 FileSystemDomain)" 'true "lab.example"' \
    'an admin sets attributes in agent.ini, also such as the agent found out'
is "$(attribute pc1 Rack)" 7 'and the command line wins'
like "$(dusk config agent --state "$folder/pc1")" \
    "^attribute.HasMatlab +true +$folder/pc1/agent.ini\$" 'dusk config agent shows who said so'
ends_with 2 "$dusk_path" agent --state "$folder/none" --attribute Cpus=3
like "$output" "the attribute 'Cpus' cannot be set.*" 'what is lent is no attribute to be set'

# ---- printed by the script ----

must 'attribute_is pc1 Licences 3'
pass 'what the script prints arrives'
is "$(attribute pc1 Note)" '"of \"two\" words"' 'as it was printed'
if [ "$(id -u)" = 0 ]; then
    is "$(attribute pc1 ScriptUser)" "$(id -u nobody)" \
        'the script of an agent that is root is nobody'
else
    is "$(attribute pc1 ScriptUser)" "$(id -u)" 'the script runs as its agent'
fi
printf 'Licences = 2\n' >"$folder/printed"
must 'attribute_is pc1 Licences 2'
must 'attribute_is pc1 Note ""'
pass 'what it prints anew is another, and what it does not print any more is gone'
printf 'Licences = 5\nState = "Idle"\n' >"$folder/printed"
must 'attribute pc1 AttributeScriptError | grep -q State'
is "$(attribute pc1 Licences)" 2 'of what has a mistake in it nothing counts'
printf 'Licences = 4\n' >"$folder/printed"
echo 3 >"$folder/code"
must 'attribute pc1 AttributeScriptError | grep -q "exit code 3"'
pass 'a script that fails is told of as an attribute'
is "$(grep -c 'exit code 3' "$folder/pc1.log")" 1 'and once in the log'
echo 0 >"$folder/code"
must 'attribute_is pc1 Licences 4'
is "$(attribute pc1 AttributeScriptError)" '' 'until it works again'

# ---- who remembers ----

crash_server
printf 'Licences = 6\n' >"$folder/printed"
start_server
must 'node_is pc1 Unclaimed'
must 'attribute_is pc1 Licences 6'
pass 'what changed while the server was away arrives'

# ---- a copy ----

identity=$(dirname "$(find "$folder/pc1" -name key.pem)")
like "$(stranger agent "$identity" 1)" '^closed ' 'a copy of the node is refused'
is "$(attribute pc1 HasMatlab)" true 'and what it says of itself does not count'

# ---- what is learned ----

first=$(attribute pc1 AvailTimeEstimate)
like "$first" '^[1-9][0-9]*$' 'how long a node will stay free is an attribute'
like "$(attribute pc1 AvailSince)" '^1[0-9]{9}$' 'and since when it is'
for round in 1 2 3; do
    stop_agent pc1
    must 'node_is pc1 Offline'
    is "$(attribute pc1 AvailTimeEstimate)" '' "of one that is away it is not known ($round)"
    start_agent pc1 --cpus 2 --memory 1G --attribute Rack=7
    must 'attribute pc1 AvailTimeEstimate | grep -q .'
done
learned=$(attribute pc1 AvailTimeEstimate)
since=$(attribute pc1 AvailSince)
ok 'one that went away again and again is not expected to stay' [ "$learned" -lt "$first" ]
crash_server
start_server
must 'attribute pc1 AvailTimeEstimate | grep -q .'
ok 'a server that starts anew has not forgotten that' \
    [ "$(attribute pc1 AvailTimeEstimate)" -lt "$first" ]
is "$(attribute pc1 AvailSince)" "$since" 'nor since when the node is free'

# ---- who says too much ----

if command -v openssl >/dev/null; then
    enrol_stranger boaster
    like "$(stranger boaster "$folder/boaster" 200)" '^closed ' \
        'a node that has more and more attributes is hung up on'
    like "$(cat "$folder/server.log")" 'boaster does not keep to the protocol: there are more' \
        'the log says why'
    is "$(dusk node show boaster --long | grep -c ^Boast_)" 400 'and keeps those that it may have'
else
    skip 'a node that has more and more attributes is hung up on' 'there is no openssl'
    skip 'the log says why' 'there is no openssl'
    skip 'and keeps those that it may have' 'there is no openssl'
fi

# ---- who is away ----

stop_agent pc1
must 'node_is pc1 Offline'
before=$(dusk node show pc1 --long | grep -v '^LastHeardFrom ')
stop_server
start_server
is "$(dusk node show pc1 --long | grep -v '^LastHeardFrom ')" "$before" \
    'a server that starts anew knows the attributes of a node that is away'
finish
