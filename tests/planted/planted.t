#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# planted.t ROOT COMPILER...: whether the simulator finds the bugs that are planted here.
#
# Each NN-name.patch changes the brains, or the simulator's server, in the way that its first line
# says. The sources of the simulator are built once as they are, and must pass; then each patch is
# applied to a copy, what it touches is compiled again, and some seed must fail. A rare bug's patch
# names the kind of world that it shows in, on a line `sim: OPTIONS`.
set -u
export LC_ALL=C

root=$1
shift
planted=$root/tests/planted
seeds=1-1000
seeds_unchanged=1-300
at_once=2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile FOLDER NAME: one source of FOLDER/src into its object.
compile() {
    # shellcheck disable=SC2086 # words, on purpose: it may be `ccache cc`
    $compiler -std=gnu17 -O1 -w -I "$1/src" -c -o "$1/objects/$(echo "$2" | tr / -).o" \
        "$1/src/$2"
}

# link FOLDER: the objects of a folder into FOLDER/sim.
link() {
    # shellcheck disable=SC2086
    $compiler -o "$1/sim" "$1"/objects/*.o -lm -lpcre2-8
}

# each COMMAND < LINES: runs `COMMAND LINE` for each line, a few at once.
each() {
    xargs -P "$at_once" -n 1 "$0" --inner "$work" "$compiler" "$@"
}

# plant PATCH: builds it in a folder of its own and looks for a seed; FOLDER/found says which, or
# FOLDER/said why not.
plant() {
    folder=$work/$(basename "$1" .patch)
    mkdir "$folder"
    cp -r "$work/src" "$work/objects" "$folder"
    if ! patch -d "$folder" -p1 -s -F0 <"$1" >"$folder/said" 2>&1; then
        echo "the patch does not apply any more: make it anew" >>"$folder/said"
        return
    fi
    for source in $(sed -n 's,^+++ b/src/,,p' "$1"); do
        compile "$folder" "$source" >>"$folder/said" 2>&1 || return
    done
    link "$folder" >>"$folder/said" 2>&1 || return
    options=$(sed -n 's/^sim: //p' "$1")
    # shellcheck disable=SC2086 # words, on purpose
    "$folder/sim" --seeds "$seeds" --jobs 1 $options >"$folder/out" 2>"$folder/err"
    case "$?-$(tail -n 1 "$folder/out")" in
    1-seed*failed) { tail -n 1 "$folder/out"; tail -n 1 "$folder/err"; } >"$folder/found" ;;
    *) echo "no seed of $seeds finds it" >>"$folder/said" ;;
    esac
}

# stays_silent: whether the sources as they are pass, in each kind of world that the patches name.
stays_silent() {
    { echo; sed -n 's/^sim: //p' "$planted"/*.patch; } | sort -u >"$work/worlds"
    while read -r options; do
        # shellcheck disable=SC2086 # words, on purpose
        "$work/sim" --seeds "$seeds_unchanged" --jobs "$at_once" $options >"$work/out" \
            2>>"$work/said" || return
    done <"$work/worlds"
}

# The script calls itself for what runs beside each other.
if [ "$root" = --inner ]; then
    trap - EXIT
    rmdir "$work"
    work=$1
    compiler=$2
    shift 2
    "$@"
    exit
fi

compiler=$*
mkdir "$work/src" "$work/objects"
for room in base lang core sim; do
    cp -r "$root/src/$room" "$work/src"
done
rm -f "$work"/src/*/*_test.c "$work"/src/*/*_fixture.c "$work"/src/*/*_bench.c
mkdir "$work/src/main"
cp "$planted/main.c" "$work/src/main/main.c"

set -- "$planted"/*.patch
echo "1..$(($# + 1))"
(cd "$work/src" && ls -- */*.c) | each compile "$work" >"$work/said" 2>&1
link "$work" >>"$work/said" 2>&1
ls -- "$@" | each plant
number=0
for patch; do
    number=$((number + 1))
    folder=$work/$(basename "$patch" .patch)
    sentence=$(head -n 1 "$patch")
    if [ -s "$folder/found" ]; then
        sed 's/^/# /' "$folder/found"
        echo "ok $number - $sentence"
    else
        sed 's/^/# /' "$folder/said"
        echo "not ok $number - $sentence"
    fi
done
if stays_silent; then
    echo "ok $(($# + 1)) - nothing is found where nothing is planted"
else
    sed 's/^/# /' "$work/said" "$work/out"
    echo "not ok $(($# + 1)) - nothing is found where nothing is planted"
fi
