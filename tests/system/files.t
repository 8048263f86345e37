#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files on their way to a task and back.
. "$(dirname "$0")/lib.sh" || exit 1
start_server
start_agent pc1 --cpus 4
cd "$folder/work" || exit 1

# run_job FILE: submits it from standard input and waits; sets $job.
run_job()
{
    submit_file "$1"
    job=$(dusk submit --quiet "$1") && dusk wait "$job" --timeout 60
}

# ---- one name, listed twice ----

mkdir twice
echo in >twice/x
program list <<'END'
cat x twice/x
ls -d list x twice/x
END
run_job twice.sub <<'END'
executable           = list
transfer_input_files = list, twice/, twice/x, twice, twice
output               = twice.out
queue
END
is "$(paste -sd ' ' twice.out)" 'in in list twice/x x' 'what is listed twice arrives once'

# ---- inputs by content ----

head -c 2000000 /dev/urandom >big
cp big copy-of-big
program sum <<'END'
cat "$@" | cksum
END
run_job by-content.sub <<'END'
executable = sum
arguments = big copy-of-big
transfer_input_files = big, copy-of-big
output = sum.$(Process)
queue 8
END
is "$(cat sum.? | sort | uniq -c | tr -s ' ')" " 8 $(cat big big | cksum)" \
    'inputs arrive as they were'
hash=$(sha256sum <big | cut -d ' ' -f 1)
cached=$(find "$folder/pc1/content" -name "$hash")
is "$(find "$folder/pc1/content" -type f -size +1000k | wc -l)" 1 \
    'two names with the same content travel once'
inode=$(stat -c %i "$cached")
job=$(dusk submit --quiet by-content.sub)
dusk wait "$job" --timeout 60
is "$(stat -c %i "$cached")" "$inode" 'and not again for another job'
echo 'changed' >>big
run_job changed.sub <<'END'
executable = sum
arguments = big
transfer_input_files = big
output = sum.changed
queue
END
is "$(cat sum.changed)" "$(cksum <big)" 'a file that changed is another content'
program spoil <<'END'
chmod u+w big && echo spoiled >big
END
run_job spoil.sub <<'END'
executable = spoil
transfer_input_files = big
transfer_output_files =
queue
END
run_job changed.sub <<'END'
executable = sum
arguments = big
transfer_input_files = big
output = sum.unspoiled
queue
END
is "$(cat sum.unspoiled)" "$(cksum <big)" 'a task that writes to its input spoils nobody else'

# ---- what a power cut leaves of the cache ----

stop_agent pc1
hash=$(sha256sum <big | cut -d ' ' -f 1)
cached=$(find "$folder/pc1/content" -name "$hash")
: >"$cached"
start_agent pc1 --cpus 4
rm sum.unspoiled
job=$(dusk submit --quiet changed.sub)
dusk wait "$job" --timeout 60
is "$(cat sum.unspoiled)" "$(cksum <big)" 'an input that was cut off in the cache comes again'
stop_agent pc1
size=$(stat -c %s big)
head -c "$size" /dev/zero >"$cached"
head -c 6000000 /dev/urandom >bigger
run_damaged()
{
    start_agent pc1 --cpus 4
    run_job damaged.sub <<END
executable = sum
arguments = $1
transfer_input_files = $1
output = sum.damaged
queue 2
END
}
run_damaged big
is "$(cat sum.damaged)" "$(cksum <big)" 'one whose bytes are others, too'
is "$(sha256sum <"$cached" | cut -d ' ' -f 1)" "$hash" 'and is right in the cache from then on'
run_job bigger.sub <<'END'
executable = sum
arguments = bigger
transfer_input_files = bigger
queue
END
stop_agent pc1
head -c 6000000 /dev/zero >"$(find "$folder/pc1/content" \
    -name "$(sha256sum <bigger | cut -d ' ' -f 1)")"
run_damaged bigger
is "$(cat sum.damaged)" "$(cksum <bigger)" 'the same where a child lays it'
rm bigger

# ---- folders, modes, empty things ----

mkdir -p tree/inner/empty tree/locked
: >tree/nothing
echo a >tree/inner/a
chmod 750 tree/inner
printf '#!/bin/sh\necho ran\n' >tree/tool
chmod 755 tree/tool
echo secret >tree/locked/key
chmod 600 tree/locked/key
program look <<'END'
cd tree && find . | sort | while read -r name; do stat -c '%n %A %s' "$name"; done |
    sed -E 's/^([^ ]+ d.........) .*/\1/'
./tool
END
run_job tree.sub <<'END'
executable = look
transfer_input_files = tree
output = tree.out
queue
END
is "$(grep -c . tree.out)" 9 'a folder arrives with everything in it'
like "$(cat tree.out)" '^\./nothing -rw-r--r-- 0$' 'an empty file, too'
like "$(cat tree.out)" '^\./inner/empty d' 'an empty folder, too'
like "$(cat tree.out)" '^\./inner drwxr-x---' 'a folder keeps its mode'
like "$(cat tree.out)" '^\./locked/key -rw-------' 'a file keeps its mode'
like "$(cat tree.out)" '^ran$' 'a program in it can be executed'
program make <<'END'
mkdir -p made/inner/empty
: >made/nothing
echo b >made/inner/b
chmod 640 made/inner/b
printf '#!/bin/sh\necho made ran\n' >made/tool
chmod 755 made/tool
END
run_job made.sub <<'END'
executable = make
transfer_output_files = made
queue
END
is "$(cd made && find . | sort | paste -sd ' ')" \
    '. ./inner ./inner/b ./inner/empty ./nothing ./tool' 'a folder comes back whole'
is "$(stat -c '%a %s' made/inner/b made/nothing | paste -sd ' ')" '640 2 644 0' 'with its modes'
is "$(made/tool)" 'made ran' 'and programs'

# ---- which files come back ----

echo old >touched
echo old >untouched
program several <<'END'
echo new >touched
echo new >fresh
mkdir folder
echo inside >folder/inside
ln -s /etc/passwd link
echo kept >"$TMPDIR/temporary"
END
cp touched untouched "$folder/"
before=$(stat -c %i untouched)
run_job several.sub <<'END'
executable = several
transfer_input_files = touched, untouched
queue
END
is "$(cat touched fresh | paste -sd ' ')" 'new new' 'new and changed files come back'
is "$(stat -c %i untouched)" "$before" 'one that did not change does not'
ok 'neither do folders, links and temporary files that nobody asked for' \
    test ! -e folder -a ! -e link -a ! -e temporary
is "$(cd "$folder/work" && ls | grep -c '^several$')" 1 'the executable does not come back'
mkdir -p results begin/elsewhere
echo input >begin/start
program remapped <<'END'
cat start >one
echo 2 >two
echo 3 >three
END
cp remapped begin/
run_job remap.sub <<END
executable = remapped
initialdir = begin
transfer_input_files = start
transfer_output_files = one, two, three
transfer_output_remaps = "two = elsewhere/zwei; three = $folder/work/results/drei"
output = said
queue
END
is "$(cat begin/one begin/elsewhere/zwei results/drei | paste -sd ' ')" 'input 2 3' \
    'initialdir and remaps say where outputs go'
ok 'output goes to initialdir' test -e begin/said

# ---- names from a node that leave their folder ----

program escape <<'END'
ln -s /etc/passwd link
ln -s / root
echo x >plain
END
for name in link root/etc/passwd ../outside; do
    submit_file escape.sub <<END
executable = escape
transfer_output_files = $name
queue
END
    if job=$(dusk submit --quiet escape.sub 2>"$folder/refusal"); then
        wait_for "state_is $job.0 Held"
        is "$(task "$job.0" state)" Held "an output '$name' is refused"
        like "$(dusk why "$job.0")" 'out|link|leads|name' "'$name': the reason is said"
        dusk rm "$job" >/dev/null
    else
        pass "an output '$name' is refused"
        like "$(cat "$folder/refusal")" 'out|link|leads|name' "'$name': the reason is said"
    fi
done
ok 'and nothing of them came' test ! -e link -a ! -e passwd -a ! -e ../outside -a ! -e outside
run_job missing.sub <<'END'
executable = /bin/true
transfer_output_files = never-made
queue
END
is "$(task "$job.0" state)" Held 'an output that was not made holds the task'
like "$(dusk why "$job.0")" never-made 'and the reason names it'

# ---- a half-arrived file is never seen ----

program huge <<'END'
head -c 60000000 /dev/zero >huge.data
END
submit_file huge.sub <<'END'
executable = huge
request_disk = 100M
transfer_output_files = huge.data
queue
END
job=$(dusk submit --quiet huge.sub)
(
    until [ "$(stat -c %s huge.data 2>/dev/null)" = 60000000 ]; do
        # The size is taken through the name, in one call: what is visible is whole.
        size=$(stat -c %s huge.data 2>/dev/null) || continue
        [ "$size" = 60000000 ] || echo "$size" >>"$folder/half"
    done
) &
watcher=$!
ok 'a large output comes' dusk wait "$job" --timeout 60
must 'has_ended $watcher'
ok 'it was never seen half' test ! -e "$folder/half"
is "$(ls -A | grep -c 'huge.data')" 1 'and nothing is left beside it'

# ---- the scratch folder ----

run_job scratch.sub <<'END'
executable = /bin/sh
transfer_executable = false
arguments = "-c 'pwd; mkdir -p deep/er; chmod 0 deep'"
output = where
queue
END
must "[ ! -e '$(cat where)' ]"
pass 'the scratch folder is removed, however closed'

# ---- from afar ----

user_token=$(dusk token create --user marie)
afar()
{
    env -u DUSK_SOCKET HOME="$folder/marie" "$dusk_path" "$@"
}
mkdir -p "$folder/marie" "$folder/afar"
cd "$folder/afar" || exit 1
like "$(afar login --server "$server_address" --token "$user_token" 2>&1)" marie \
    'login says who one is'
cp "$folder/work/sum" "$folder/work/big" .
cat >afar.sub <<'END'
executable = sum
arguments = big
transfer_input_files = big
output = afar.$(Process)
queue 2
END
job=$(afar submit --quiet afar.sub)
like "$job" '^[0-9]+$' 'a job can be submitted over TLS'
ok 'it ends' dusk wait "$job" --timeout 60
ok 'its results wait on the server' test ! -e afar.0
is "$(afar fetch --list --columns name,size "$job" | grep -c 'afar\|stdout')" 2 \
    'fetch --list shows them'
ok 'fetch' afar fetch "$job"
is "$(cat afar.0 afar.1 | sort -u)" "$(cksum <big)" 'brings them home'
is "$(task "$job" user | sort -u)" marie 'the job is marie'"'"'s'
is "$(afar run echo from afar)" 'from afar' 'run works from afar'
job=$(afar submit --quiet --wait afar.sub)
is "$(ls "$folder/server/spool" | grep -c "^$job\.")" 0 'after submit --wait the spool is empty'
finish
