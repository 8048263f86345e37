#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.t DEMO BUILD-FOLDER: what the demo leaves when it is stopped in the middle, and what it says
# when nothing was built. That it ends well is for a person to see: make demo.
set -u

demo=$1
# The results of an earlier demo in the real one must stay.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/build" "$work/temporary"
chmod 711 "$work/temporary"
for part in dusk examples tests; do
    ln -s "$2/$part" "$work/build/$part"
done

tests=0
# ok SENTENCE COMMAND...: the command succeeds.
ok() {
    sentence=$1
    shift
    tests=$((tests + 1))
    if "$@" >/dev/null 2>&1; then
        echo "ok $tests - $sentence"
    else
        echo "not ok $tests - $sentence"
        sed 's/^/# /' "$work/out"
    fi
}

is_at_work() {
    grep -q '^=== Job 1:' "$work/out" || ! kill -0 "$pid"
}

"$demo" "$work/nothing-here" >"$work/out" 2>&1
ok "without a build it does not begin" test $? -eq 1
ok "and says what to do" grep -q 'run make first' "$work/out"

TMPDIR=$work/temporary "$demo" "$work/build" >"$work/out" 2>&1 </dev/null &
pid=$!
tries=0
until is_at_work || [ "$tries" -ge 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
ok "it gets to work" grep -q '^=== Job 1:' "$work/out"
kill -TERM "$pid"
wait "$pid"
ok "stopped, it ends as one that was interrupted" test $? -eq 130
ok "and says so" grep -q 'nothing of it runs any more' "$work/out"
ok "no file of it is left" test -z "$(ls -A "$work/temporary")"
# The brackets, because the one that searches has them on its own command line.
ok "and no process" test -z "$(grep -ls -e "$work/temporar[y]" /proc/[0-9]*/cmdline)"
echo "1..$tests"
