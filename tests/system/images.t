#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Images: the same files are one image wherever they come from; only what is missing travels, to the
# server and to a node; agent and server may be killed meanwhile; what is damaged is no image; what
# nobody needs goes, and what is in use stays.
. "$(dirname "$0")/lib.sh" || exit 1
start_server --image-quota 200M
cd "$folder/work" || exit 1

# What HasContainer says is not so: the node fetches the image of a task, and holds the task then.
start_node()
{
    start_agent "$1" --cpus 8 --attribute HasContainer=true --attribute HasSandboxImage=true \
        "${@:2}"
}

# file_system NAME SIZE: random bytes that begin as a squashfs does.
file_system()
{
    head -c "$2" /dev/urandom >"$1"
    printf hsqs | dd of="$1" conv=notrunc status=none
    chmod 644 "$1"
}

hash_of()
{
    dusk image show "$1" -af sha256
}

# here NODE NAME: the node has it, whole.
here()
{
    [ -e "$folder/$1/images/$(hash_of "$2")/about" ]
}

# run_in NAME [LINE]...: submits a task that runs in it. Prints the job.
run_in()
{
    submit_program /bin/true 'transfer_executable = false' "container_image = $1" "${@:2}" \
        2>/dev/null
}

# Where the server keeps the content with this hash.
content()
{
    echo "$folder/server/content/${1:0:2}/$1"
}

# How many it keeps.
contents()
{
    find "$folder/server/content" -type f ! -name '.*' | wc -l
}

# ---- adding ----

mkdir -p tree/bin tree/etc
cp "$dusk_path" tree/bin/sh
head -c 9000000 "$dusk_path" >tree/bin/large
ln tree/bin/sh tree/bin/ash
ln -s bin tree/sbin
echo hello >tree/etc/motd
chmod 4755 tree/bin/sh
chmod 600 tree/etc/motd
ends_with 0 dusk image add folder tree
image=$(hash_of folder)
like "$output" "^folder is the image $image \\(tree, " 'a folder becomes an image'
tar -C tree -cf tree.tar .
gzip -k tree.tar
xz -0 -k tree.tar 2>/dev/null || cp tree.tar tree.tar.xz
ends_with 0 dusk image add --quiet tar tree.tar
is "$output" "$image" 'an archive of it is the same image'
ends_with 0 dusk image add --quiet tar:gz tree.tar.gz
is "$output" "$image" 'a compressed one, too'
ends_with 0 dusk image add --quiet tar:xz tree.tar.xz
is "$output" "$image" 'by another program as well'
is "$(dusk image list -af names)" 'folder tar tar:gz tar:xz' 'they are names of one image'

# What the form of images is, every tar can tell.
sed -n '4,$p' "$(content "$image")" | while read -r chunk; do
    cat "$(content "$chunk")"
done >form.tar
is "$(sha256sum <"$(content "$image")" | cut -d ' ' -f 1)" "$image" \
    'its hash is that of its manifest'
is "$(tar --numeric-owner -tvf form.tar | awk '{print $1, $2, $6}')" 'drwxr-xr-x 0/0 bin/
-rwxr-xr-x 0/0 bin/ash
-rw-r--r-- 0/0 bin/large
h--------- 0/0 bin/sh
drwxr-xr-x 0/0 etc/
-rw------- 0/0 etc/motd
lrwxrwxrwx 0/0 sbin' 'and it is an archive, all of it root'"'"'s, and nothing setuid'

# ---- names and rights ----

ends_with 2 dusk image add a/b tree
ends_with 1 dusk image add text /etc/hostname
ends_with 4 dusk image show nothing
ends_with 4 dusk image rm nothing
file_system vast 5000
truncate -s 210000000 vast
ends_with 1 dusk image add vast vast
like "$output" "each user's images may have 200 MB" 'what is too large for one user is refused'
rm vast
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
    chmod 711 "$folder/server"
    chmod 666 "$folder/server/socket"
    as_nobody()
    {
        setpriv --reuid nobody --clear-groups env HOME=/nonexistent "$dusk_path" "$@"
    }
    ends_with 5 as_nobody image rm folder
    file_system mini 5000
    ends_with 5 as_nobody image add folder mini
    ends_with 0 as_nobody image add theirs mini
    like "$(dusk image list -af names user)" 'theirs nobody' 'everybody may add some'
    ok 'an admin may take them away' dusk image rm theirs
else
    skip 'names are their owners'"'" 'only root can be two users'
fi

# ---- an upload that breaks off ----

file_system part 30000000
before=$(contents)
dusk image add broken part >/dev/null 2>&1 &
upload=$!
must '[ "$(contents)" -gt $((before + 2)) ]'
crash_server
wait "$upload"
start_server --image-quota 200M
ok 'an upload goes on after a crash of the server' dusk image add broken part
is "$(contents)" "$((before + 9))" 'and nothing is there twice'
like "$(dusk image list -af names complete)" 'broken true' 'it is complete'

# ---- nodes ----

submit_file nothing.sub <<'END'
executable = /bin/true
container_image = nothing
queue
END
ends_with 1 dusk submit --quiet nothing.sub
like "$output" "there is no image 'nothing' here" 'an image that is not there is found at once'
start_node pc1
job=$(run_in folder)
must 'here pc1 folder'
must "state_is $job.0 Held"
like "$(dusk why "$job.0")" 'no container runtime' 'without a runtime the task is held'
place=$folder/pc1/images/$image/root
is "$(diff -r --no-dereference tree "$place" && echo same)" same 'a node unpacks the image'
is "$(stat -c '%a %h' "$place/bin/sh")" '755 2' 'without setuid, and linked as it was'
[ "$(id -u)" != 0 ] || is "$(stat -c '%u %g' "$place/etc/motd")" '0 0' "as root's"
is "$(ls "$folder/pc1/images/arriving")" '' 'nothing is left on the way'

# The same name means another image to those who come later.
echo other >tree/etc/motd
dusk image add --quiet folder tree >/dev/null
ok 'a name moves' test "$(hash_of folder)" != "$image"
is "$(dusk image show "$image" -af names)" 'tar tar:gz tar:xz' 'the old image has its other names'
dusk release "$job" >/dev/null
must "state_is $job.0 Held"
ok 'and a job keeps the one that it was submitted with' \
    test ! -e "$folder/pc1/images/$(hash_of folder)"

# A path is added with the job, without a name.
job=$(run_in ./tree)
must "state_is $job.0 Held"
ok 'a path is an image, too' here pc1 folder
echo third >tree/etc/motd
job=$(run_in ./tree)
must "state_is $job.0 Held"
is "$(dusk image list -af names complete | grep -c '^ true')" 1 'one without a name'

# Twenty tasks and one fetch.
dusk image add --quiet many part >/dev/null
job=$(run_in many 'queue 20' 2>/dev/null)
must 'here pc1 many'
is "$(grep -c "the image $(hash_of many) is here" "$folder/pc1.log")" 1 'many tasks, one fetch'
ok 'a file system stays a file' cmp -s part "$folder/pc1/images/$(hash_of many)/image"
must '[ "$(dusk q "$job" -af state | sort -u)" = Held ]'
dusk rm "$job" >/dev/null

# ---- crashes in the middle ----

# large NAME: a file of 60 MB that looks like a file system, as an image.
large()
{
    file_system "$1" 60000000
    dusk image add --quiet "$1" "$1" >/dev/null
}

# Half of it has come, or all.
has_arrived()
{
    [ "$(stat -c %b "$folder/$1/images/arriving/$(hash_of "$2")/data")" -gt 40000 ] ||
        here "$1" "$2"
}

dusk image rm many >/dev/null
dusk image rm broken >/dev/null
large one
job=$(run_in one)
must 'has_arrived pc1 one'
crash_agent pc1
start_node pc1
must 'here pc1 one'
ok 'an agent that is killed goes on' cmp -s one "$folder/pc1/images/$(hash_of one)/image"
dusk rm "$job" >/dev/null
dusk image rm one >/dev/null

large two
job=$(run_in two)
must 'has_arrived pc1 two'
crash_server
start_server --image-quota 200M
must 'here pc1 two'
ok 'so it does when the server is killed' cmp -s two "$folder/pc1/images/$(hash_of two)/image"
must "state_is $job.0 Held"
dusk rm "$job" >/dev/null

# ---- damage ----

manifest=$(content "$(hash_of two)")
printf x | dd of="$(content "$(sed -n 6p "$manifest")")" conv=notrunc status=none
dusk drain pc1 >/dev/null
start_node pc2
job=$(run_in two)
must "state_is $job.0 Held"
like "$(dusk why "$job.0")" 'damaged from the server' 'a damaged chunk is found, and it is said'
ok 'and no image is made of it' test ! -e "$folder/pc2/images/$(hash_of two)"
dusk rm "$job" >/dev/null
dusk drain --undo pc1 >/dev/null

# ---- room ----

stop_agent pc2
stop_agent pc1
start_node pc1 --image-cache 70M
dusk image rm two >/dev/null
large three
job=$(run_in three)
must 'here pc1 three'
must "state_is $job.0 Held"
dusk rm "$job" >/dev/null
must '[ "$(du -s -B1M "$folder/pc1/images" | cut -f 1)" -le 70 ]'
pass 'what is used longest ago makes room'
dusk image rm three >/dev/null
file_system four 75000000
dusk image add --quiet four four >/dev/null
job=$(run_in four)
must "state_is $job.0 Held"
like "$(dusk why "$job.0")" 'keeps 70 MB of images' 'what is larger than the limit is refused'
dusk rm "$job" >/dev/null

# ---- what nobody needs ----

dusk rm --all >/dev/null 2>&1
for name in $(dusk image list -af names); do dusk image rm "$name" >/dev/null; done
must '[ "$(dusk image list -af names | grep -c .)" = 0 ]'
is "$(dusk image list -af names complete | grep -c '^ true')" 1 'what has no name stays a while'
# Of that one the contents stay: as many as its size has chunks of 4 MiB.
size=$(dusk image list -af size complete | sed -n 's/ true$//p')
few=$((10 + size / 4194304))
must '[ "$(contents)" -lt "$few" ]'
pass 'contents that no image and no job needs are removed'

# ---- a whole distribution ----

if ! command -v mmdebstrap >/dev/null; then
    skip 'an image of a distribution' 'mmdebstrap is not installed'
elif ! mmdebstrap --variant=extract --include=busybox-static \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" debian.tar >"$folder/mmdebstrap" 2>&1; then
    skip 'an image of a distribution' "mmdebstrap: $(tail -n 1 "$folder/mmdebstrap")"
else
    dusk image add --quiet debian debian.tar >/dev/null 2>&1
    job=$(run_in debian)
    must "state_is $job.0 Held"
    place=$folder/pc1/images/$(hash_of debian)/root
    ok 'an image of a distribution is unpacked' test -x "$place/bin/busybox"
fi
finish
