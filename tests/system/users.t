#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may do what: two users of the server's computer, an admin, and whom their tasks run as.
. "$(dirname "$0")/lib.sh" || exit 1
if [ "$(id -u)" != 0 ] || ! setpriv --reuid 1 --regid 1 --clear-groups true 2>/dev/null; then
    echo '1..0 # SKIP only root can be several users'
    exit 0
fi
# Users without an entry in passwd are called by their number.
anna=31001
berta=31002
carla=31003
mkdir -p "$folder/server"
printf '[server]\nadmins = uid%s\n' "$carla" >"$folder/server/server.ini"
start_server
start_agent pc1 --cpus 4

as()
{
    local user=$1

    shift
    (cd "$folder/home.$user" && HOME=$folder/home.$user exec setpriv --reuid "$user" \
        --regid "$user" --clear-groups "$dusk_path" "$@")
}
for user in $anna $berta $carla; do
    mkdir "$folder/home.$user"
    chown "$user:$user" "$folder/home.$user"
    chmod 700 "$folder/home.$user"
    cat >"$folder/home.$user/id.sub" <<'END'
executable = /usr/bin/id
transfer_executable = false
arguments = -u
output = id.out
queue
END
    cat >"$folder/home.$user/sleep.sub" <<'END'
executable = /bin/sleep
transfer_executable = false
arguments = 300
queue
END
done

# ---- files are written as the submitter, tasks run as nobody's user ----

for user in $anna $berta; do ok "$user submits" as "$user" submit --wait id.sub; done
is "$(stat -c '%u %g %a' "$folder/home.$anna/id.out")" "$anna $anna 644" \
    'an output belongs to its submitter'
uid_of_anna=$(cat "$folder/home.$anna/id.out")
uid_of_berta=$(cat "$folder/home.$berta/id.out")
ok 'a task of an agent that is root does not run as root' test "$uid_of_anna" -gt 0
ok 'and neither as its submitter' test "$uid_of_anna" != "$anna"
ok 'two users never share a uid' test "$uid_of_anna" != "$uid_of_berta"
as $anna submit --wait id.sub >/dev/null
is "$(cat "$folder/home.$anna/id.out")" "$uid_of_anna" 'a user keeps his'
root_uid=$(cd "$folder/work" && dusk run id -u)
ok 'root'"'"'s tasks do not run as root either' test "$root_uid" -gt 0
is "$(cd "$folder/work" && dusk run id -G)" "$root_uid" 'nor with any of its groups'
as $berta submit --quiet sleep.sub >"$folder/berta"
long=$(cat "$folder/berta")
must "state_is $long.0 Running"
ok 'a task cannot signal one of another user' as $anna run sh -c '
    for process in /proc/[0-9]*; do
        tr "\0" " " <$process/cmdline | grep -q "^/bin/sleep 300" || continue
        kill ${process#/proc/} 2>/dev/null && exit 1
    done
    exit 0'
is "$(task "$long.0" state)" Running 'and it runs on'
cat >"$folder/home.$anna/steal.sub" <<END
executable = /bin/true
transfer_executable = false
output = $folder/home.$berta/planted
queue
END
as $anna submit --quiet steal.sub >"$folder/steal" 2>&1
ok 'nobody writes into another user'"'"'s folder' \
    test $? -ne 0 -a ! -e "$folder/home.$berta/planted"
like "$(cat "$folder/steal")" 'may not|denied' 'and is told so at once'

# ---- what is the owner's of the computer stays his ----

mkdir -m 755 "$folder/owner"
echo secret >"$folder/owner/private"
chmod 600 "$folder/owner/private"
chown -R $carla "$folder/owner"
SECRET=of-the-owner setpriv --reuid $carla --regid $carla --clear-groups sleep 300 &
owners_process=$!
disown "$owners_process"
must "tr '\0' '\n' </proc/$owners_process/environ | grep -q '^SECRET='"
look()
{
    cd "$folder/work" && dusk run sh -c "$1"
}
is "$(look "cat $folder/owner/private 2>&1; ls $folder/home.$anna 2>&1" | grep -c denied)" 2 \
    'a task reads no file that only its owner may, and no folder'
is "$(look "echo x 2>&1 >$folder/owner/planted" | grep -c denied)" 1 'it writes nothing beside them'
is "$(look "cat /proc/$owners_process/environ 2>&1 || cat /proc/$owners_process/mem 2>&1" |
    grep -c -i denied)" 2 "nothing of its owner's programs"
is "$(look "kill $owners_process 2>&1" | grep -c 'not permitted')" 1 'it signals none of them'
is "$(look "find $folder/server $folder/pc1 -type f -readable ! -name server.ini 2>/dev/null |
    grep -v /scratch/; echo looked")" looked \
    'nothing of what server and agent keep'
is "$(look "grep NoNewPrivs /proc/self/status" | grep -o '[0-9]')" 1 \
    'and no program that it starts has more rights'
kill -TERM "$owners_process"

# ---- what a task leaves outside of its folder ----

left=left-by-${folder##*-}
ok 'a task leaves something' as $anna run sh -c "
    touch /tmp/$left /dev/shm/$left; mkdir /var/tmp/$left; touch /var/tmp/$left/inside
    ipcmk -M 4096"
touch "/tmp/$left-by-others"
must "test ! -e /tmp/$left -a ! -e /dev/shm/$left -a ! -e /var/tmp/$left"
pass 'files go when its user has no task any more'
ok 'those of others stay' test -e "/tmp/$left-by-others"
rm "/tmp/$left-by-others"
is "$(ipcs -m | awk -v uid="$uid_of_anna" '$3 == uid')" '' 'as does shared memory'

# ---- everybody sees, the owner touches ----

like "$(as $anna q --tasks)" "$long\.0 " 'a user sees the tasks of others'
like "$(as $anna why "$long.0")" pc1 'and why they are as they are'
for verb in rm hold release; do
    as $anna $verb "$long" >"$folder/said" 2>&1
    is $? 5 "but cannot $verb them"
    like "$(cat "$folder/said")" 'not yours' "and $verb says why"
done
as $anna tail "$long.0" >"$folder/said" 2>&1
is $? 5 'and does not see what they write'
for words in 'token create' 'token list' 'node forget pc1' 'drain pc1'; do
    as $anna $words >"$folder/said" 2>&1
    is $? 5 "an ordinary user cannot: $words"
done
ok 'an admin of the configuration may hold' as $carla hold "$long"
must "state_is $long.0 Held"
like "$(as $carla token create)" . 'and create tokens'
ok 'the owner may release' as $berta release "$long"
must "state_is $long.0 Running"
ok 'root may remove' dusk rm "$long"
must "state_is $long.0 Removed"
long=$(as $berta submit --quiet sleep.sub)
other=$(as $anna submit --quiet sleep.sub)
as $berta rm --all >/dev/null
must "state_is $long.0 Removed"
is "$(task "$other.0" state | grep -c Removed)" 0 'rm --all means one'"'"'s own'
as $anna rm --all >/dev/null

# ---- the same from afar, where the certificate says who one is ----

token=$(dusk token create --user "uid$anna")
as $anna login --server "$server_address" --token "$token" >/dev/null
own=$(as $anna submit --quiet sleep.sub)
other=$(as $berta submit --quiet sleep.sub)
afar()
{
    (unset DUSK_SOCKET && as $anna "$@")
}
ok 'a user may remove his own job from afar' afar rm "$own"
afar rm "$other" >/dev/null 2>&1
is $? 5 'and no other'
afar token list >/dev/null 2>&1
is $? 5 'and is no admin there'
as $berta rm --all >/dev/null
finish
