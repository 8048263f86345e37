#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who comes to the port and should not: wrong, expired and revoked tokens and certificates, cloned
# identities, other versions, garbage, readers and connections that do nothing. Work goes on.
. "$(dirname "$0")/lib.sh" || exit 1
start_server
start_agent pc1 --cpus 2
cd "$folder/work" || exit 1

# refused_agent NAME PATTERN [OPTION...]: an agent that must end with a clear word.
refused_agent()
{
    local name=$1 pattern=$2

    shift 2
    launch_agent "$name" "$@"
    wait_for "has_ended ${agent_pids[$name]}" 20
    if wait "${agent_pids[$name]}" 2>/dev/null; [ -s "$folder/$name.out" ]; then
        fail "the agent $name is refused"
    elif has_ended "${agent_pids[$name]}"; then
        pass "the agent $name is refused"
    else
        fail "the agent $name is refused"
        kill -KILL "${agent_pids[$name]}"
    fi
    unset "agent_pids[$name]"
    like "$(cat "$folder/$name.log")" "$pattern" "$name is told why"
}
work_goes_on()
{
    is "$(dusk run echo on)" on "work goes on: $1"
}

# ---- tokens ----

good=$(cat "$folder/token")
for bad in nonsense 'dusk1.a.b.c' "${good%?????}00000"; do
    echo "$bad" >"$folder/token"
    refused_agent "wrong-${#bad}" 'token'
done
revoked=$(dusk token create)
id=$(dusk token list -af id created_at | sort -k 2 | tail -n 1 | cut -d ' ' -f 1)
for id in $(dusk token list -af id); do
    case $revoked in *".$id."*) ok 'a token is revoked' dusk token revoke "$id" ;; esac
done
echo "$revoked" >"$folder/token"
refused_agent revoked 'revoked'
ends_with 4 dusk token revoke no-such-token
dusk token create --ttl 1ms >"$folder/token"
refused_agent expired 'expired'
echo "$good" >"$folder/token"
token_of_user=$(dusk token create --user marie)
echo "$token_of_user" >"$folder/token"
refused_agent impostor 'user'
echo "$good" >"$folder/token"
start_agent pc3
pass 'a good token serves still'
stop_agent pc3
like "$(env -u DUSK_SOCKET "$dusk_path" login --server "$server_address" --token nonsense 2>&1)" \
    'token' 'login with a wrong token says so'

# ---- names and identities ----

launch_agent other --cpus 1
must "grep -q ready $folder/other.out"
mkdir "$folder/second"
stop_agent other
"$dusk_path" agent --state "$folder/second" --server "$server_address" --token "$good" \
    --name other >"$folder/second.out" 2>"$folder/second.log" </dev/null
is $? 1 'a second computer cannot take the name of another'
like "$(cat "$folder/second.log")" 'forget|--name' 'and is told what to do'
cp -a "$folder/pc1" "$folder/clone"
rm -f "$folder"/clone/lock "$folder"/clone/keeper*
refused_agent clone 'clone|cop|identity|other computer|another computer'
work_goes_on 'the original is not disturbed by its clone'
is "$(dusk status -af name state | grep -c pc1)" 1 'and is in the pool once'

# A copy of all, made while a task runs: it names the keeper of the original, and its groups.
program patient <<'END'
setsid sleep 300 &
echo $! >"$1.child"
while [ ! -e "$1" ]; do sleep 0.05; done
kill -0 $! && echo "its child lives"
END
touch go.child
chmod 666 go.child
cat >patient.sub <<END
executable = patient
arguments = $folder/work/go
output = patient.out
queue
END
job=$(dusk submit --quiet patient.sub)
must '[ -s go.child ]'
cp -a "$folder/pc1" "$folder/busy-clone"
refused_agent busy-clone 'clone|cop|identity|other computer|another computer'
touch go
ok 'a task of the original ends as if nothing had been copied' dusk wait "$job" --timeout 60
is "$(cat patient.out)" 'its child lives' 'nothing of it was touched'
is "$(task "$job.0" attempts exit_code)" '1 0' 'it has one attempt'

# ---- certificates ----

if command -v openssl >/dev/null; then
    identity=$(dirname "$(find "$folder/other" -name key.pem)")
    authority=$folder/server/authority
    sign()
    {
        mkdir -p "$folder/ca"
        : >"$folder/ca/index.txt"
        printf '[ca]\ndefault_ca = x\n[x]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\n' \
            "$folder/ca/index.txt" "$folder/ca" >"$folder/ca/config"
        printf 'policy = p\ndefault_md = sha256\n[p]\ncommonName = supplied\n' >>"$folder/ca/config"
        printf 'organizationalUnitName = optional\n' >>"$folder/ca/config"
        openssl req -new -key "$identity/key.pem" -subj '/CN=other/OU=node' -out "$folder/ca/csr" &&
            openssl ca -batch -config "$folder/ca/config" -in "$folder/ca/csr" -notext \
                -cert "$1" -keyfile "$2" -startdate 20200101000000Z -enddate "$3" \
                -out "$identity/certificate.pem"
    }
    if sign "$authority/authority.pem" "$authority/authority-key.pem" 20200102000000Z \
        >"$folder/ca.out" 2>&1; then
        refused_agent other 'expired'
        # Signed by somebody else's authority, which has the same name.
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -subj "$(openssl x509 -in "$authority/authority.pem" -noout -subject -nameopt compat |
                sed 's/^subject=//')" \
            -keyout "$folder/false-key" -out "$folder/false" >"$folder/ca.out" 2>&1
        sign "$folder/false" "$folder/false-key" 20991231000000Z >"$folder/ca.out" 2>&1
        like "$(MACHINE=0000000000000001 stranger agent "$identity" 1)" \
            '403|401|gone|alert|certificate|refused' \
            'a certificate of another authority is refused'
    else
        skip 'an expired certificate is refused' \
            "openssl cannot make one: $(tail -n 1 "$folder/ca.out")"
    fi
else
    skip 'an expired certificate is refused' 'there is no openssl to make one'
fi
stop_agent pc1
identity=$(dirname "$(find "$folder/pc1" -name key.pem)")
launch_agent pc1 --cpus 2
must 'node_is pc1 Unclaimed'

# ---- other versions, and no agents at all ----

like "$(stranger agent "$identity" 0)" 'version|protocol' 'an agent of another version is refused'
for message in '[{"report": 17}]' 'no JSON' '[{"nonsense": {}}]' \
    '[{"report": {"session": 1, "sent_ms": -1}}]' "$(head -c 3000000 /dev/zero | tr '\0' '[')"; do
    stranger agent "$identity" 1 "$message" >"$folder/said"
    ok "an agent that says ${message:0:40}" test -s "$folder/said"
done
like "$(stranger request GET /v1/version)" '"protocol": ?1' 'what is open is answered to anybody'
like "$(stranger request GET /v1/tasks?set=open)" '^HTTP/1.1 401' 'what is not open is refused'
like "$(stranger request POST /v1/jobs '{}')" '^HTTP/1.1 401' 'a stranger cannot submit'
like "$(stranger request GET /v1/agent)" '^HTTP/1.1 4' 'a stranger is no agent'
like "$(stranger request GET /v1/nothing)" '^HTTP/1.1 40[14]' 'an unknown path is refused'
like "$(stranger request GET "/v1/$(head -c 100000 /dev/zero | tr '\0' a)")" \
    'HTTP/1.1 4|closed|reset|Reset|EOF|timed' \
    'so is a path that is too long'
like "$(stranger request POST /v1/enrol '{"token": {}, "name": 17}')" '^HTTP/1.1 4' \
    'so is a wrong type'
like "$(stranger request POST /v1/enrol '{"token"')" '^HTTP/1.1 400' 'and what is no JSON'
is "$(stranger garbage)" closed 'garbage is hung up on'
unlike "$(stranger http)" '"protocol"' 'HTTP without TLS gets nothing'
like "$(stranger old-tls)" '^refused' 'TLS 1.2 is refused'
must 'node_is pc1 Unclaimed'
work_goes_on 'after all these strangers'

# ---- a node that lies about the names of its outputs ----

# lies NAME [SIZE]: of an output, on a node of its own while there is no other.
lies()
{
    enrol_stranger liar
    job=$(dusk submit --quiet lie.sub)
    stranger liar "$folder/liar" "$@" >"$folder/liar/said" &
    wait_for "state_is $job.0 Held || state_is $job.0 Completed"
}
if command -v openssl >/dev/null; then
    stop_agent pc1
    printf 'executable = /bin/true\nqueue\n' | submit_file lie.sub
    mkdir -p aside
    ln -s "$folder" link
    lies honest
    is "$(task "$job.0" state) $(cat honest)" 'Completed evil' 'what a node sends comes home'
    for name in ../evil "$folder/evil" link/evil aside/../../evil; do
        lies "$name"
        is "$(task "$job.0" state)" Held "a node cannot write to ${name#$folder}"
        dusk rm "$job" >/dev/null
    done
    ok 'and it did not' test ! -e "$folder/evil" -a ! -e ../evil
    for size in 4 6; do
        lies other "$size"
        is "$(task "$job.0" state)" Held "nor send 5 bytes where it said $size"
        dusk rm "$job" >/dev/null
    done
    ok 'no such file came home' test ! -e other
    printf 'executable = /bin/true\ntransfer_output_files = wanted, in/\nqueue\n' |
        submit_file lie.sub
    for name in unwanted wanted2 in2/x .profile; do
        lies "$name"
        is "$(task "$job.0" state)" Held "nor bring '$name', which nobody asked for"
        like "$(dusk why "$job.0")" 'nobody asked for' 'and why says so'
        dusk rm "$job" >/dev/null
    done
    lies wanted
    is "$(task "$job.0" state) $(cat wanted)" 'Completed evil' 'what was asked for comes'
    dusk node forget liar >/dev/null
    launch_agent pc1 --cpus 2
    must 'node_is pc1 Unclaimed'
else
    skip 'a node that lies about names' 'there is no openssl to make its key'
fi

# ---- who reads slowly, and who says nothing ----

submit_file many.sub <<'END'
executable = /bin/true
arguments = a rather long argument that makes the list of all these tasks longer
hold = true
queue 30000
END
job=$(dusk submit --quiet many.sub)
stranger slow "$folder/server/socket" "$folder/stop" >"$folder/slow" &
must 'grep -q reading "$folder/slow"'
work_goes_on 'while somebody reads a long list slowly'
ok 'and others read the same list' test "$(dusk q --json "$job" | wc -c)" -gt 1000000
touch "$folder/stop"
must 'grep -qv reading "$folder/slow"'
is "$(tail -n 1 "$folder/slow")" 'ends well' 'the slow reader gets it all'
ok 'the list is removed' dusk rm "$job"
rm "$folder/stop"
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt 1100 ]; then
    skip '1,000 connections that send nothing' "only $(ulimit -n) descriptors are allowed"
else
    stranger silent 1000 "$folder/stop" >"$folder/silent" &
    stranger half "$folder/stop" >"$folder/half" &
    must 'grep -q "connected 1000" "$folder/silent"'
    work_goes_on 'beside 1,000 connections that send nothing'
    start_agent pc5
    pass 'another agent finds its way between them'
    like "$(stranger request GET /v1/version)" '"protocol"' 'and so does another client'
    touch "$folder/stop"
fi
rm -rf "$folder/clone"
finish
