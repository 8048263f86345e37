#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The icon of a desktop session's helper, on a real bus: it shows what the agent says, and a click
# in its menu is a word of the owner.
. "$(dirname "$0")/lib.sh" || exit 1
for tool in Xvfb dbus-daemon dbus-send; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done
cd "$folder/work" || exit 1
export DUSK_AGENT_SOCKET=$folder/pc1.socket XDG_RUNTIME_DIR=$folder/runtime
export XDG_CONFIG_HOME=$folder/config
mkdir -m 700 "$XDG_RUNTIME_DIR"

start_desktop
dbus-daemon --session --nofork --nopidfile --print-address=1 \
    >"$folder/bus" 2>>"$folder/bus.log" &
bus_pid=$!
disown "$bus_pid"
must '[ -s "$folder/bus" ]'
export DBUS_SESSION_BUS_ADDRESS=$(cat "$folder/bus")

start_helper()
{
    "$dusk_path" agent --session --log debug </dev/null >>"$folder/helper.log" 2>&1 &
    helper_pid=$!
    disown "$helper_pid"
}

# ask PATH METHOD ARGUMENT...: of whoever has it on this bus.
ask()
{
    local name path=$1
    shift
    for name in $(dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.ListNames | sed -n 's/.*"\(:[^"]*\)".*/\1/p'); do
        dbus-send --session --print-reply --dest="$name" "$path" "$@" 2>/dev/null && return
    done
    return 1
}

icon()
{
    ask /StatusNotifierItem org.freedesktop.DBus.Properties.Get \
        string:org.kde.StatusNotifierItem string:IconName | sed -n 's/.*string "\(.*\)"/\1/p'
}

# click LABEL: on the row of the menu that has this label.
click()
{
    local id

    id=$(ask /MenuBar com.canonical.dbusmenu.GetLayout int32:0 int32:-1 array:string: |
        awk -v label="$1" '$1 == "int32" { id = $2 } /string "label"/ { is_label = 1; next }
            is_label && index($0, "\"" label "\"") { print id } { is_label = 0 }')
    ask /MenuBar com.canonical.dbusmenu.Event \
        int32:"$id" string:clicked variant:int32:0 uint32:0 >/dev/null
}

tool_tip()
{
    ask /StatusNotifierItem org.freedesktop.DBus.Properties.Get \
        string:org.kde.StatusNotifierItem string:ToolTip
}

shows()
{
    [ "$(icon)" = "$1" ]
}

start_helper
ok 'without an agent the icon says so' wait_for 'shows dusk-error'
start_server
start_agent pc1 --presence none
ok 'an agent lends the computer' wait_for 'shows dusk-lending'
click 'Pause until I lend it again'
ok 'a click pauses it' wait_for 'shows dusk-paused'
like "$(dusk owner)" 'its owner has paused it' 'as the agent says as well'
click 'Lend it again'
ok 'another one lends it again' wait_for 'shows dusk-lending'
click 'Lend it to my own tasks only'
ok 'a third one keeps it for his own tasks' \
    wait_for 'dusk owner | grep -q "takes only $(id -un).s tasks"'
ok 'which the icon says as well' wait_for 'tool_tip | grep -q "Only tasks of $(id -un)"'
click "Lend it to tasks of $(id -un) only"
ok 'and the same row takes it back' wait_for '! dusk owner | grep -q "takes only"'
dusk owner never >/dev/null
ok 'what is said in a terminal shows' wait_for 'shows dusk-paused'
dusk owner resume >/dev/null
ok 'and when it is taken back' wait_for 'shows dusk-lending'
stop_server
ok 'a server that is gone shows' wait_for 'shows dusk-no-server'

click 'Show notifications'
ok 'that no notifications are wanted is remembered' \
    wait_for 'grep -qx "notifications = no" "$folder/config/dusk/session.ini"'
kill "$helper_pid"
ok 'the icon goes with the helper' wait_for '! icon | grep -q .'
listened=$(grep -c 'an agent listens' "$folder/helper.log")
echo 'tray = no' >>"$folder/config/dusk/session.ini"
start_helper
must '[ "$(grep -c "an agent listens" "$folder/helper.log")" -gt '"$listened ]"
is "$(icon)" '' 'and there is none if none is wanted'
kill "$helper_pid"
sed -i '/^tray/d' "$folder/config/dusk/session.ini"
start_helper
ok 'it is there again' wait_for 'shows dusk-no-server'
stop_agent pc1
ok 'an agent that is gone shows' wait_for 'shows dusk-error'
kill "$helper_pid" "$bus_pid" "$desktop_pid"
finish
