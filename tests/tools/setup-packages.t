#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# setup-packages.t SETUP-PACKAGES: whether it misses each package of its list, one at a time. A
# dpkg-query of ours, in front of the real one, has all of them but one installed.
set -u

setup=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/dpkg-query" <<'SCRIPT'
#!/bin/sh
for package in "$@"; do :; done
[ "$package" != "${MISSING-}" ] || exit 1
printf installed
SCRIPT
chmod +x "$work/dpkg-query"
PATH="$work:$PATH"

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
echo "1..$tests"
