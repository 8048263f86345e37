#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# planted.t TIDY COMPILER...: whether the checks in the folder TIDY find what they are there for.
# Each test plants one violation in a small tree and expects the place and the advice.
set -u
export LC_ALL=C

tidy=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

result() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "$work/out"
    fi
}

# A tree without fault, in $work/tree.
plant_nothing() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src/base" "$work/tree/src/sys" "$work/tree/src/core" \
        "$work/tree/src/net" "$work/tree/src/web" "$work/tree/src/server"
    echo '/* SPDX-License-Identifier: Apache-2.0 */' >"$work/tree/src/core/clean.c"
    echo '#include "base/error.h"' >>"$work/tree/src/core/clean.c"
}

# plant FILE: appends standard input to a file that has its SPDX line.
plant() {
    plant_nothing
    echo '/* SPDX-License-Identifier: Apache-2.0 */' >"$work/tree/$1"
    cat >>"$work/tree/$1"
}

# accepts SENTENCE CHECK [ARGUMENT...]
accepts() {
    sentence=$1
    check=$2
    shift 2
    "$tidy/$check" "$@" >"$work/out" 2>&1
    result $? "$check: $sentence"
}

# finds SENTENCE PATTERN CHECK [ARGUMENT...]
finds() {
    sentence=$1
    pattern=$2
    check=$3
    shift 3
    ! "$tidy/$check" "$@" >"$work/out" 2>&1 && grep -q "$pattern" "$work/out"
    result $? "$check: $sentence"
}

plant_nothing
accepts 'a clean tree passes' includes "$work/tree"
echo '#include "net/link.h"' | plant src/core/bad.c
finds 'a room may not look up' 'src/core/bad.c:2: .*not below' includes "$work/tree"
echo '#include "agent/agent.h"' | plant src/server/bad.c
finds 'a room may not look sideways' 'src/server/bad.c:2: .*not below' includes "$work/tree"
echo '#include "server/server.h"' | plant src/web/bad.h
finds 'headers count as well' 'src/web/bad.h:2: .*not below' includes "$work/tree"
echo '#include "sys/clock.h"' | plant src/core/bad.c
finds 'a pure room may not ask the kernel' 'src/core/bad.c:2: .*pure' includes "$work/tree"
echo '#include "sys/clock.h"' | plant src/base/bad.c
finds 'neither may the base' 'src/base/bad.c:2: ' includes "$work/tree"
echo '#  include "../net/link.h"' | plant src/core/bad.c
finds 'nobody goes around by the back door' 'src/core/bad.c:2: name the room' includes "$work/tree"
echo '#include "cellar/wine.h"' | plant src/server/bad.c
finds 'an unknown room is named' 'src/server/bad.c:2: .*cellar' includes "$work/tree"
printf '#include "base/error.h"\n#include "sys/clock.h"\n#include "own.h"\n' | plant src/net/good.c
accepts 'looking down is allowed' includes "$work/tree"

words=$tidy/forbidden-words
plant_nothing
accepts 'a clean tree passes' sizes "$work/tree" "$words"
{ echo 'void f(void)'; echo '{'; yes '    f();' | head -n 58; echo '}'; } | plant src/core/good.c
accepts '60 lines are a function' sizes "$work/tree" "$words"
{ echo 'void f(void)'; echo '{'; yes '    f();' | head -n 59; echo '}'; } | plant src/core/bad.c
finds '61 lines are none' 'src/core/bad.c:3: .* 61 lines' sizes "$work/tree" "$words"
yes 'int x;' | head -n 800 | plant src/core/bad.c
finds '801 lines are no file' 'src/core/bad.c:801: .*split' sizes "$work/tree" "$words"
printf '/* %0100d */\n' 0 | plant src/core/bad.c
finds 'a long line is found' 'src/core/bad.c:2: .*106 columns' sizes "$work/tree" "$words"
printf 'int x; \n' | plant src/core/bad.c
finds 'a space at the end is found' 'src/core/bad.c:2: ' sizes "$work/tree" "$words"
printf '/* %s: later */\n' 'TO''DO' | plant src/core/bad.c
finds 'work left behind is found' 'src/core/bad.c:2: .*issue' sizes "$work/tree" "$words"
printf 'const char *p = "/%s/someone/x";\n' home | plant src/core/bad.c
finds 'a path of one computer is found' 'src/core/bad.c:2: .*path' sizes "$work/tree" "$words"
for change in 'i++' '(i = 2)' '(i += 2) > 0'; do
    printf 'int f(int i) { assert(%s); return i; }\n' "$change" | plant src/core/bad.c
    finds "an assertion that does something is found: $change" 'src/core/bad.c:2: .*assertion' \
        sizes "$work/tree" "$words"
done
echo 'int f(int i) { assert(i <= 2 && i != *"="); return i; }' | plant src/core/good.c
accepts 'one that asks something is none' sizes "$work/tree" "$words"
plant_nothing
echo 'int x;' >"$work/tree/src/core/bad.h"
finds 'a file without a licence is found' 'src/core/bad.h:1: .*SPDX' sizes "$work/tree" "$words"
printf '#!/bin/sh\nexit\n' >"$work/tree/src/core/clean.sh"
rm "$work/tree/src/core/bad.h"
finds 'scripts are known by their first line' 'clean.sh:1: .*SPDX' sizes "$work/tree" "$words"

# Four lines of code (a licence and empty lines are none), and what is said about them.
comments='%s\nint x;\nint y;\n\nint z;\n'
printf "$comments" 'int w;' | plant src/core/bad.c
rm "$work/tree/src/core/clean.c"
finds 'a share of comments can be asked for' '^0.0 % are too few, 25' sizes "$work/tree" "$words" 25
accepts 'and is not, if it is not' sizes "$work/tree" "$words"
printf "$comments" 'int w; /* behind code */' >>"$work/tree/src/core/bad.c"
finds 'comments are counted by line' '12.5 % are too few' sizes "$work/tree" "$words" 25
accepts 'a comment behind code is one' sizes "$work/tree" "$words" 12
printf "$comments" '/* Two
lines */' | plant src/core/good.c
rm "$work/tree/src/core/clean.c"
accepts 'each line of a comment counts' sizes "$work/tree" "$words" 40
plant src/core/bad.c <<'END'
char x[] = "\"/* none", y = '"', z[] = "// none";
END
rm "$work/tree/src/core/clean.c"
finds 'what stands in quotes is no comment' '^0.0 % are too few' sizes "$work/tree" "$words" 1
printf '/* %s */\n' 1 2 3 4 5 6 7 8 9 >"$work/tree/src/core/bad_test.c"
sed -i '1s,^,/* SPDX-License-Identifier: Apache-2.0 */\n,' "$work/tree/src/core/bad_test.c"
finds 'comments of tests do not count' '^0.0 % are too few' sizes "$work/tree" "$words" 1

# compile NAME COMPILER...: makes the archive $work/NAME of standard input.
compile() {
    library=$work/$1
    shift
    cat >"$work/unit.c"
    "$@" -c -o "$work/unit.o" "$work/unit.c" && ar rcs "$library" "$work/unit.o"
}

echo 'unsigned long length(const char *t); unsigned long strlen(const char *);
unsigned long length(const char *t) { return strlen(t); }' | compile good.a "$@"
echo 'int now(void); long time(long *);
unsigned long length(const char *);
int now(void) { return (int)time(0) + (int)length("x"); }' | compile bad.a "$@"
printf 'strlen  texts\n_GLOBAL_OFFSET_TABLE_  position-independent code\n' >"$work/allowed"
accepts 'an allowed symbol passes' purity "$work/allowed" "$work/good.a"
finds 'a call of the clock is found' "bad.a:.*'time'" purity "$work/allowed" "$work/good.a" \
    "$work/bad.a"
"$tidy/purity" "$work/allowed" "$work/good.a" "$work/bad.a" >"$work/out" 2>&1
grep -q "'time'" "$work/out" && ! grep -q "'length'" "$work/out"
result $? 'purity: archives may need each other'
echo 'time' >>"$work/allowed"
finds 'a symbol without a reason is found' 'allowed:3: .*why' purity "$work/allowed" "$work/bad.a"
if command -v gcc >/dev/null && command -v gcov >/dev/null; then
    printf '%s\n' 'int sign(int);' 'int sign(int a)' '{' '    if (a > 0)' '        return 1;' \
        '    return 0;' '}' | plant src/core/sign.c
    rm "$work/tree/src/core/clean.c"
    printf 'int sign(int);\nint main(void) { return sign(1) - 1; }\n' \
        >"$work/tree/src/core/sign_test.c"
    : >"$work/excused"
    finds 'a line that never runs is found' 'core/sign.c:7: sign() .*return 0;' \
        coverage "$work/tree" "$work/excused" "$work/good.a" "$work/good.a"
    grep -q 'core/sign.c:5: .*1 missed' "$work/out"
    result $? 'coverage: a branch that is never taken is found'
    printf 'sign\t1\tif (a > 0)\tWhy.\nsign\t1\treturn 0;\tWhy.\n' >"$work/excused"
    accepts 'what has a reason is excused' \
        coverage "$work/tree" "$work/excused" "$work/good.a" "$work/good.a"
    printf 'int sign(int);\nint main(void) { return sign(1) - 1 + sign(0); }\n' \
        >"$work/tree/src/core/sign_test.c"
    finds 'an excuse that is none any more is found' 'excused:2: .*remove' \
        coverage "$work/tree" "$work/excused" "$work/good.a" "$work/good.a"
fi
echo "1..$number"
