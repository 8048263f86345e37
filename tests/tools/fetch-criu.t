#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fetch-criu.t FETCH-CRIU: which CRIU it takes, without a network. A criu, an apt-get and an id of
# ours stand in front of the real ones: DUMPS and RESTORES say what criu can do, OFFERS is the
# package that apt-get finds, and ROOT whether we are.
set -u

fetch=$1
keys=/usr/share/keyrings/debian-archive-keyring.gpg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$work/bin"

cat >"$work/criu" <<'SCRIPT'
#!/bin/sh
verb=$1
while [ $# -gt 0 ]; do
    case "$1" in
    -t) pid=$2 ;;
    --pidfile) file=$2 ;;
    esac
    shift
done
case "$verb" in
dump) [ -n "${DUMPS-}" ] && kill -KILL "$pid" ;;
restore)
    [ -n "${RESTORES-}" ] || exit 1
    sleep 1000 &
    echo $! >"$file"
    ;;
esac
SCRIPT
cat >"$work/bin/id" <<'SCRIPT'
#!/bin/sh
echo "${ROOT-0}"
SCRIPT
cat >"$work/bin/apt-get" <<'SCRIPT'
#!/bin/sh
echo called >>"$CALLS"
if [ -z "${OFFERS-}" ]; then
    echo "E: Could not resolve the mirror"
    exit 100
fi
for word in "$@"; do
    case "$word" in
    Dir::Cache=*) cache=${word#*=} ;;
    esac
done
cp "$OFFERS" "$cache/archives/"
SCRIPT
chmod +x "$work/criu" "$work/bin/id" "$work/bin/apt-get"
PATH="$work/bin:$PATH"
export CALLS="$work/calls"

tests=0
result() {
    tests=$((tests + 1))
    echo "$1 $tests - $2"
}

# expect WHAT STATUS WORDS CALLED COMMAND…: its status, what it says, and whether apt-get was asked.
expect() {
    what=$1 status=$2 words=$3 called=$4
    shift 4
    : >"$CALLS"
    output=$("$@" 2>&1)
    got=$?
    asked=no
    [ ! -s "$CALLS" ] || asked=asked
    case "$got:$asked:$output" in
    "$status:$called:"*"$words"*) result ok "$what" ;;
    *)
        result "not ok" "$what"
        echo "$got, apt-get $asked: $output" | sed 's/^/# /'
        ;;
    esac
}

# One without arguments of our own: a criu that is installed here must not be found.
fetch() {
    PATH="$work/bin:/usr/bin:/bin" "$fetch" "$@"
}

expect "without a folder it says how it is called" 2 usage no "$fetch"
expect "with two folders, too" 2 usage no "$fetch" a b
ROOT=1000 expect "who is not root is told so" 1 "takes root" no fetch "$work/none"

cp "$work/criu" "$work/bin/criu"
export DUMPS=yes RESTORES=yes
expect "the distribution's is taken if it works" 0 "" no fetch "$work/first"
if [ "$(readlink "$work/first/criu")" = "$work/bin/criu" ]; then
    result ok "and is found in the folder"
else
    result "not ok" "and is found in the folder"
fi
rm "$work/bin/criu"
ln -sf "$work/criu" "$work/first/criu"
expect "what is in the folder already is kept" 0 "" no fetch "$work/first"
RESTORES='' expect "one that cannot restore is not" 1 "no CRIU works" no \
    fetch --check "$work/first"
DUMPS='' expect "nor one that cannot save" 1 "no CRIU works" no fetch --check "$work/first"

if [ -r "$keys" ] && command -v dpkg-deb >/dev/null; then
    expect "without a network it says what went wrong" 1 "Could not resolve the mirror" asked \
        fetch "$work/second"
    mkdir -p "$work/package/DEBIAN" "$work/package/usr/sbin" "$work/package/usr/lib64" \
        "$work/package/usr/lib/here"
    printf '%s\n' "Package: criu" "Version: 99" "Architecture: all" "Maintainer: nobody" \
        "Description: none" >"$work/package/DEBIAN/control"
    cp "$work/criu" "$work/package/usr/sbin/criu"
    : >"$work/package/usr/lib/here/libc.so.6"
    # shellcheck disable=SC2016 # for the script
    printf '%s\n' '#!/bin/sh' 'shift 2' 'exec "$@"' >"$work/package/usr/lib64/ld-linux-own.so.2"
    chmod +x "$work/package/usr/lib64/ld-linux-own.so.2"
    dpkg-deb -b "$work/package" "$work/criu.deb" >/dev/null
    OFFERS="$work/criu.deb" expect "the newest is fetched where none works" 0 "fetching" asked \
        fetch "$work/second"
    expect "once" 0 "" no fetch "$work/second"
    RESTORES='' expect "and not again where it does not work either" 1 "not even" no \
        fetch "$work/second"
    if [ ! -e "$work/second/criu" ]; then
        result ok "and then there is none"
    else
        result "not ok" "and then there is none"
    fi
else
    result ok "the package # SKIP this computer has no keys of Debian or no dpkg-deb"
fi
echo "1..$tests"
