#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Contained tasks, from the submit file to the result: what they find, and who runs them.
. "$(dirname "$0")/lib.sh" || exit 1

# What lies in /tmp is hidden by a container's own.
tools=$(mktemp -d /var/tmp/dusk-tools-XXXXXX)
trap 'clean_up; rm -rf "$tools"' EXIT

start_server
runtime=container start_agent pc1 --cpus 2
runtime=process start_agent pc2 --cpus 2
runtime=container start_agent pc3 --cpus 2 --network none --container-paths "/nowhere $tools"
cd "$folder/work" || exit 1

is "$(dusk node show pc1 --long | grep -E '^(Runtime|Network) ' | paste -sd,)" \
    'Network = "full",Runtime = "container"' 'a node says how it runs tasks'
is "$(dusk node show pc2 --long | grep -E '^(Runtime|Network) ' | paste -sd,)" \
    'Network = "full",Runtime = "process"' 'and one that runs them bare, too'

# ---- its surroundings ----

program look <<'END'
echo "in $(pwd), home $HOME, temporary $TMPDIR, scratch $_CONDOR_SCRATCH_DIR"
set -- /proc/[0-9]*
echo "processes $#, node $(hostname)"
echo "names $(ls -A / | paste -sd' ')"
cat data >result
echo "temporary" >/tmp/some && cat /tmp/some
END
echo "some data" >data
submit_file look.sub <<'END'
executable = look
transfer_input_files = data
output = look.out
error = look.err
runtime = container
requirements = TARGET.Name == "pc1"
queue
END
ok 'a contained task ends' dusk submit --wait look.sub
is "$(head -2 look.out)" "in /job, home /job, temporary /tmp, scratch /job
processes 2, node pc1" 'it is in its folder, alone, on its node'
unlike "$(sed -n 3p look.out)" 'home|root|var|run|work' \
    'of the node it finds no more than it needs'
is "$(cat result)" 'some data' 'its input is there, and its output comes back'
is "$(sed -n 4p look.out)" 'temporary' 'what is temporary has its place'
is "$(cat look.err)" '' 'without a complaint'

# ---- who may have what ----

submit_file network.sub <<'END'
executable = /bin/sh
transfer_executable = false
arguments = "-c 'grep -c : /proc/net/dev; hostname'"
output = network.$(Kind)
runtime = container
network = $(Kind)
queue Kind in none, full
END
ok 'tasks with and without a network end' dusk submit --wait network.sub
is "$(cat network.none)" "1
$(sed -n 2p network.none)" 'without one there is its own loopback alone'
is "$(tail -1 network.full)" 'pc1' \
    'a node that lends no network is not given a task that needs it'

job=$(dusk submit --quiet - <<'END'
executable = /bin/true
transfer_executable = false
requirements = TARGET.Name == "pc3"
network = full
queue
END
)
like "$(dusk why "$job.0")" 'MY.Network == "none" .. TARGET.Network == MY.Network' \
    'and why says which condition that is'
dusk rm "$job" >/dev/null

submit_file runtimes.sub <<'END'
executable = /bin/sh
transfer_executable = false
arguments = "-c pwd"
output = pwd.$(Kind)
runtime = $(Kind)
queue Kind in process, container
END
ok 'tasks choose how they are run' dusk submit --wait runtimes.sub
like "$(cat pwd.process)" "^$folder/pc2/attempts/" 'bare in the scratch folder itself'
is "$(cat pwd.container)" '/job' 'contained in what stands for it'

# ---- what goes wrong ----

held()
{
    [ "$(task "$1" state)" = Held ]
}
job=$(dusk submit --quiet - <<END
executable = $tools/program
transfer_executable = false
runtime = container
requirements = TARGET.Name == "pc1"
queue
END
)
must "held $job.0"
like "$(task "$job.0" reason)" "cannot run '$tools/program': No such file" \
    'a program that is not in the container is named'

chmod 755 "$tools"
cp /bin/sh "$tools/program"
stop_agent pc3
runtime=container start_agent pc3 --cpus 2 --container-paths "$tools"
submit_file tools.sub <<END
executable = $tools/program
transfer_executable = false
arguments = "-c 'echo found; : >$tools/new'"
output = tools.out
requirements = TARGET.Name == "pc3"
queue
END
dusk submit --wait tools.sub >/dev/null
is "$(cat tools.out)" 'found' 'what the admin adds is there'
ok 'to read' test ! -e "$tools/new"

# ---- images ----

mkdir -p image/bin image/etc
cp /bin/sh image/bin/
for library in $(ldd /bin/sh | grep -o '/[^ ]*'); do
    mkdir -p "image$(dirname "$library")"
    cp "$library" "image$library"
done
echo 'of the image' >image/etc/issue
ok 'an image is added' dusk image add small image
submit_file image.sub <<'END'
container_image = small
executable = /bin/sh
transfer_executable = false
arguments = "-c 'read -r line </etc/issue; echo $line; echo /*; true >/new; true >new'"
output = image.out
error = image.err
queue
END
ok 'a task in an image ends' dusk submit --wait image.sub
is "$(cat image.out)" "of the image
/bin /dev /etc /job $(cd image && echo lib*| sed 's,\(^\| \),\1/,g') /proc /sys /tmp" \
    'it finds the files of its image'
like "$(cat image.err)" 'cannot create /new: Read-only file system' 'to read'
ok 'and its own folder to write' test -f new

# ---- ends ----

program die <<'END'
kill -KILL $$
END
submit_file die.sub <<'END'
executable = die
runtime = container
queue
END
job=$(dusk submit --quiet --wait die.sub)
is "$(task "$job" exit_code exit_signal)" 'undefined 9' 'a signal that ends the program is told'

submit_file long.sub <<'END'
executable = /bin/sleep
transfer_executable = false
arguments = 1000
runtime = container
requirements = TARGET.Name == "pc1"
queue 2
END
job=$(dusk submit --quiet long.sub)
is_running()
{
    [ "$(task "$job" state | sort -u)" = Running ]
}
must is_running
crash_agent pc1
runtime=container start_agent pc1 --cpus 2
must is_running
is "$(task "$job" attempts | sort -u)" 1 \
    'contained tasks go on while their agent is killed and another comes'
dusk rm "$job" >/dev/null
no_task_left()
{
    ! pgrep -f '^/bin/sleep 1000$' >/dev/null
}
must no_task_left
ok 'and nothing is left of them when they are removed' no_task_left
finish
