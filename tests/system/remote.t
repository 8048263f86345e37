#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who uses this computer from elsewhere uses it as well. A real VNC server has keys sent by its own
# protocol (RFC 6143), which the agent sees and so does the helper of that session; and somebody
# types in a terminal as sshd has one. Nothing of it listens at a port.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket XDG_RUNTIME_DIR=$folder/runtime
mkdir -m 700 "$XDG_RUNTIME_DIR"
ticking_program compute </dev/null
lends=(--set idle_after=3s --set resume_after=2s --set suspend_for=1h)

# suspends NAME COMMAND...: the command is a use, and its end is none.
suspends()
{
    must "state_is $job.0 Running"
    "${@:2}"
    ok "$1 suspends the task" wait_for "state_is $job.0 Suspended"
    ok 'and it goes on when nothing follows' wait_for "state_is $job.0 Running"
    ok 'and computes' goes_on
}

# DISPLAY is it; whoever may open its socket has its keyboard.
start_vnc_server()
{
    : >"$folder/display"
    Xvnc ":$desktop_number" -displayfd 3 -geometry 640x480 -depth 16 -SecurityTypes None \
        -rfbport -1 -rfbunixpath "$folder/vnc" 3>"$folder/display" >>"$folder/xvnc.log" 2>&1 &
    desktop_pid=$!
    disown "$desktop_pid"
    must '[ -s "$folder/display" ] && [ -S "$folder/vnc" ]'
    export DISPLAY=:$desktop_number
}

cat >"$folder/bin/viewer" <<'END'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
said = s.makefile('rb')
assert said.read(12) == b'RFB 003.008\n'
s.sendall(b'RFB 003.008\n')
assert 1 in said.read(said.read(1)[0])  # security types: None
s.sendall(b'\1')
assert said.read(4) == bytes(4)         # SecurityResult: OK
s.sendall(b'\1')                        # ClientInit: others may look as well
said.read(20)                           # ServerInit: what the screen is like,
said.read(struct.unpack('>I', said.read(4))[0])  # and what it is called
if sys.argv[2] == 'key':
    for down in 1, 0:
        s.sendall(struct.pack('>BBHI', 4, down, 0, ord('a')))
if sys.argv[2] == 'move':
    s.sendall(struct.pack('>BBHH', 5, 0, 100, 100))
s.settimeout(None)
said.read()
END

# view WHAT: a viewer that does it, and then only looks until the next one comes.
viewer_pid=
view()
{
    [ -z "$viewer_pid" ] || kill "$viewer_pid"
    python3 "$folder/bin/viewer" "$folder/vnc" "$1" </dev/null >>"$folder/viewer.log" 2>&1 &
    viewer_pid=$!
    disown "$viewer_pid"
}

start_server

# ---- a remote desktop ----

if command -v Xvnc >/dev/null; then
    start_vnc_server
    start_agent pc1 --presence x11 "${lends[@]}"
    job=$(submit_program compute)
    suspends 'a key sent to a VNC server' view key
    suspends 'its mouse' view move
    ok 'while the viewer still looks' kill -0 "$viewer_pid"
    dusk rm "$job" >/dev/null
    stop_agent pc1

    start_agent pc1 --presence session "${lends[@]}"
    "$dusk_path" agent --session </dev/null >>"$folder/helper.log" 2>&1 &
    helper_pid=$!
    disown "$helper_pid"
    job=$(submit_program compute)
    suspends 'a key that the helper of the session sees' view key
    dusk rm "$job" >/dev/null
    stop_agent pc1
    kill "$helper_pid" "$viewer_pid" "$desktop_pid"
else
    skip 'keys sent to a VNC server' 'there is no Xvnc'
fi

# ---- a terminal ----

# Terminals of its own, because somebody may type at this computer's.
cat >"$folder/bin/dusk-with-terminals" <<END
#!/bin/sh
exec unshare -m sh -c 'mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts &&
    mount --bind /dev/pts/ptmx /dev/ptmx && exec $dusk_path "\$@"' dusk "\$@"
END
chmod 755 "$folder/bin/dusk-with-terminals"

# What sshd would write into its end of the terminal.
type_line()
{
    echo "$1" >&9
}

if "$folder/bin/dusk-with-terminals" help >/dev/null 2>&1; then
    dusk_path=$folder/bin/dusk-with-terminals start_agent pc1 --presence tty "${lends[@]}"
    mkfifo "$folder/typed"
    nsenter -t "${agent_pids[pc1]}" -m script -qfc 'cat' /dev/null \
        <"$folder/typed" >"$folder/echoed" 2>&1 &
    terminal_pid=$!
    disown "$terminal_pid"
    exec 9>"$folder/typed"
    job=$(submit_program compute)
    suspends 'a line typed in a terminal' type_line hello
    like "$(cat "$folder/echoed")" hello 'which somebody read there'
    ok 'while it is still open' kill -0 "$terminal_pid"
    exec 9>&-
    dusk rm "$job" >/dev/null
    stop_agent pc1
    must 'has_ended "$terminal_pid"'
else
    skip 'a line typed in a terminal' 'only root may make terminals of his own'
fi
stop_server
finish
