#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who uses this computer from elsewhere uses it as well. A real VNC server has keys sent by its own
# protocol (RFC 6143), which the agent sees and so does the helper of that session; a real RDP
# server has a real client, at whose keyboard somebody sits; and somebody types in a terminal, as
# anybody's and as that of a real sshd. Nothing of it listens at a port.
. "$(dirname "$0")/lib.sh" || exit 1
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket XDG_RUNTIME_DIR=$folder/runtime
mkdir -m 700 "$XDG_RUNTIME_DIR"
ticking_program compute </dev/null
lends=(--set idle_after=4s --set resume_after=4s --set suspend_for=1h)

# suspends NAME COMMAND...: the command is a use, and its end is none.
suspends()
{
    must "state_is $job.0 Running"
    "${@:2}"
    ok "$1 suspends the task" wait_for "state_is $job.0 Suspended"
    ok 'and it goes on when nothing follows' wait_for "state_is $job.0 Running"
    ok 'and computes' goes_on
}

# helper_tells NAME COMMAND...: the agent hears of the use from the helper of that session alone.
helper_tells()
{
    start_agent pc1 --presence session "${lends[@]}"
    "$dusk_path" agent --session </dev/null >>"$folder/helper.log" 2>&1 &
    helper_pid=$!
    disown "$helper_pid"
    job=$(submit_program compute)
    suspends "$@"
    dusk rm "$job" >/dev/null
    stop_agent pc1
    kill "$helper_pid"
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

# An X server whose screen and keyboard are those of whoever comes by RDP, as xrdp-sesman starts
# one; without that, for it asks for a password of this computer.
start_rdp_server()
{
    export XRDP_SOCKET_PATH=$folder
    : >"$folder/display"
    /usr/lib/xorg/Xorg ":$desktop_number" -displayfd 3 -config xrdp/xorg.conf -noreset \
        -nolisten tcp -logfile "$folder/xorg.log" 3>"$folder/display" >"$folder/xorg.out" 2>&1 &
    desktop_pid=$!
    disown "$desktop_pid"
    must '[ -s "$folder/display" ] && [ -S "$folder/xrdp_display_$desktop_number" ]'
    export DISPLAY=:$desktop_number
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$folder/rdp.key" -out "$folder/rdp.crt" \
        -subj /CN=pc1 2>/dev/null
    cat >"$folder/xrdp.ini" <<END
[Globals]
ini_version=1
fork=false
port=unix://.$folder/rdp
security_layer=tls
certificate=$folder/rdp.crt
key_file=$folder/rdp.key
autorun=desktop
allow_channels=true
[Logging]
LogFile=$folder/xrdp.log
LogLevel=INFO
EnableSyslog=false
[Channels]
[desktop]
name=desktop
lib=libxup.so
username=nobody
password=nobody
ip=127.0.0.1
port=$folder/xrdp_display_$desktop_number
code=20
END
    xrdp --nodaemon --config "$folder/xrdp.ini" </dev/null >>"$folder/xrdp.out" 2>&1 &
    rdp_pid=$!
    disown "$rdp_pid"
    must '[ -S "$folder/rdp" ]'
}

# The other computer: its desktop is full of the window that shows this one.
start_rdp_client()
{
    : >"$folder/display-elsewhere"
    Xvfb ":$elsewhere" -displayfd 3 -screen 0 640x480x24 -nolisten tcp \
        3>"$folder/display-elsewhere" >>"$folder/xvfb.log" 2>&1 &
    elsewhere_pid=$!
    disown "$elsewhere_pid"
    must '[ -s "$folder/display-elsewhere" ]'
    DISPLAY=:$elsewhere xfreerdp "/v:$folder/rdp" /cert:ignore /u:nobody /p:nobody /f \
        </dev/null >>"$folder/xfreerdp.log" 2>&1 &
    viewer_pid=$!
    disown "$viewer_pid"
    must 'grep -q "connected ok" "$folder/xrdp.log"'
    must '[ -n "$(elsewhere search --onlyvisible --name FreeRDP)" ]'
}

# elsewhere WHAT...: done with the keyboard and the mouse of the other computer.
elsewhere=$((desktop_number + 1))
elsewhere()
{
    DISPLAY=:$elsewhere xdotool "$@"
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

    helper_tells 'a key that the helper of the session sees' view key
    kill "$viewer_pid" "$desktop_pid"
    must 'has_ended "$desktop_pid"'
else
    skip 'keys sent to a VNC server' 'there is no Xvnc'
fi

if [ -x /usr/lib/xorg/Xorg ] && [ -e /etc/X11/xrdp/xorg.conf ] && command -v xrdp >/dev/null &&
    command -v xfreerdp >/dev/null; then
    start_rdp_server
    start_agent pc1 --presence x11 "${lends[@]}"
    start_rdp_client
    job=$(submit_program compute)
    suspends 'a key pressed in a client of RDP' elsewhere key a
    suspends 'its mouse' elsewhere mousemove 200 200
    ok 'while the client is still there' kill -0 "$viewer_pid"
    dusk rm "$job" >/dev/null
    stop_agent pc1

    helper_tells 'such a key that the helper of the session sees' elsewhere key a
    kill "$viewer_pid" "$rdp_pid" "$desktop_pid" "$elsewhere_pid"
else
    skip 'a key pressed in a client of RDP' 'there is no xrdp, xorgxrdp or freerdp2-x11'
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

# Reads what is typed in its terminal, and writes there all the time.
program talk <<'END'
while echo 'nothing happens'; do sleep 0.05; done &
exec cat
END

# types_in NAME COMMAND...: the command's terminal is one that the agent watches, and its standard
# input what somebody types there. It waits until the program above can be heard.
types_in()
{
    local name=$1

    : >"$folder/said"
    dusk_path=$folder/bin/dusk-with-terminals start_agent pc1 --presence tty "${lends[@]}"
    nsenter -t "${agent_pids[pc1]}" -m "${@:2}" <"$folder/typed" >"$folder/said" 2>&1 &
    terminal_pid=$!
    disown "$terminal_pid"
    exec 9>"$folder/typed"
    must 'grep -q "nothing happens" "$folder/said"'
    job=$(submit_program compute)
    suspends "a line typed in $name" type_line hello
    like "$(cat "$folder/said")" hello 'which somebody read there'
    ok 'while it is still open, and says things' kill -0 "$terminal_pid"
    dusk rm "$job" >/dev/null
    stop_agent pc1
    kill "$terminal_pid"
    exec 9>&-
    must 'has_ended "$terminal_pid"'
}

# A server of its own for the one who calls, with the keys of this test and none of the computer's.
set_up_ssh()
{
    ssh-keygen -q -t ed25519 -N '' -f "$folder/ssh-host"
    ssh-keygen -q -t ed25519 -N '' -f "$folder/ssh-user"
    cat >"$folder/sshd.config" <<END
HostKey $folder/ssh-host
AuthorizedKeysFile $folder/ssh-user.pub
AuthenticationMethods publickey
PermitRootLogin yes
StrictModes no
UsePAM no
PrintMotd no
PrintLastLog no
END
    # The folder into which sshd locks the part of it that strangers talk to.
    cat >"$folder/bin/sshd-for-one" <<END
#!/bin/sh
exec unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/sshd &&
    exec /usr/sbin/sshd -i -f $folder/sshd.config -E $folder/sshd.log'
END
    chmod 755 "$folder/bin/sshd-for-one"
    cat >"$folder/ssh.config" <<END
Host pc1
    User root
    ProxyCommand $folder/bin/sshd-for-one
    IdentityFile $folder/ssh-user
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    RequestTTY force
END
}

mkfifo "$folder/typed"
if ! "$folder/bin/dusk-with-terminals" help >/dev/null 2>&1; then
    skip 'a line typed in a terminal' 'only root may make terminals of his own'
else
    types_in 'a terminal' script -qfc "$folder/work/talk" /dev/null
    if [ -x /usr/sbin/sshd ] && command -v ssh >/dev/null; then
        set_up_ssh
        types_in 'a session of ssh' ssh -F "$folder/ssh.config" pc1 "$folder/work/talk"
    else
        skip 'a line typed in a session of ssh' 'there is no openssh-server or openssh-client'
    fi
fi
stop_server
finish
