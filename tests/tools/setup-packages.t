#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# setup-packages.t SETUP-PACKAGES: whether it misses each package of its list, one at a time. A
# dpkg-query of ours, in front of the real one, has all of them but one installed.
set -u

setup=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# MISSING is what dpkg has never heard of; OTHERWISE what it lists as in LISTED.
cat >"$work/dpkg-query" <<'SCRIPT'
#!/bin/sh
shift 3
for package in "$@"; do
    case "$package" in
    "${MISSING-}") ;;
    "${OTHERWISE-}") echo "$LISTED" ;;
    *) echo "installed $ARCHITECTURE $package" ;;
    esac
done
[ -z "${MISSING-}" ]
SCRIPT
chmod +x "$work/dpkg-query"
PATH="$work:$PATH"
export ARCHITECTURE
ARCHITECTURE=$(dpkg --print-architecture)

tests=0
result() {
    tests=$((tests + 1))
    echo "$1 $tests - $2"
}

output=$("$setup" --check 2>&1)
status=$?
if [ "$status" -eq 0 ] && [ -z "$output" ]; then
    result ok "nothing is said when all packages are there"
else
    result "not ok" "nothing is said when all packages are there"
fi

for package in $(sed -n "/cat <<'LIST'/,/^LIST/s/^\([a-z0-9][a-z0-9.+-]*\) .*/\1/p" "$setup"); do
    output=$(MISSING=$package "$setup" --check 2>&1)
    status=$?
    if [ "$status" -eq 1 ] && echo "$output" | grep -q "^  $package "; then
        result ok "that $package is missing is found"
    else
        result "not ok" "that $package is missing is found"
    fi
done

# otherwise VERDICT LISTED WHAT: what is said of gcc when dpkg has these lines for it.
otherwise() {
    output=$(OTHERWISE=gcc LISTED=$2 "$setup" --check 2>&1)
    case "$?$output" in
    0) verdict=there ;;
    1*"  gcc "*) verdict=missing ;;
    *) verdict=$output ;;
    esac
    if [ "$verdict" = "$1" ]; then
        result ok "$3"
    else
        result "not ok" "$3"
        echo "$verdict" | sed 's/^/# /'
    fi
}

otherwise missing "config-files $ARCHITECTURE gcc" "one that was removed is missing"
otherwise missing "installed other gcc" "one for another architecture is missing"
otherwise there "installed other gcc
installed $ARCHITECTURE gcc" "one that is there for two architectures is there"
otherwise there "installed all gcc" "one for all architectures is there"

# Installing is only said here.
printf '#!/bin/sh\necho "installs $*"\n' >"$work/apt-get"
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$work/sudo"
chmod +x "$work/apt-get" "$work/sudo"
unset CI
output=$(MISSING=xrdp "$setup" 2>&1; CI=true MISSING=xrdp "$setup" --check 2>&1)
if [ -z "$output" ]; then
    result ok "nobody's computer gets a server"
else
    result "not ok" "nobody's computer gets a server"
fi
if CI=true MISSING=xrdp "$setup" 2>&1 | grep -q '^installs install .* xrdp$'; then
    result ok "one that nobody sits at gets it"
else
    result "not ok" "one that nobody sits at gets it"
fi
echo "1..$tests"
