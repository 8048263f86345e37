# SPDX-License-Identifier: Apache-2.0
#
# Reads what `gcov -b -c -t` prints and holds it against the list of exceptions; see coverage.

BEGIN {
    FS = "\t"
    while ((getline line <exceptions) > 0) {
        number++
        if (line ~ /^#/ || line == "")
            continue
        if (split(line, part, "\t") != 4 || part[2] !~ /^[1-9][0-9]*$/ || part[4] == "")
            complain(exceptions ":" number, "it is: FUNCTION, COUNT, LINE, REASON, with tabs between")
        place = part[1] "\t" part[3]
        excused[place] = part[2]
        listed_at[place] = number
    }
}

function complain(where, text) {
    printf "%s: %s\n", where, text
    failed = 1
}

# The line that was read last is whole now: all its branches were seen.
function end_line(    place, missed) {
    if (!measured || !is_code)
        return
    total += branches
    missed = untaken + (count == "#####")
    if (text ~ /^assert\(/ || text ~ /^switch \(/)
        missed = count == "#####"
    # A case that leads nowhere but to abort() is one place with it.
    if (count == "#####" && text ~ /^case .*:$/) {
        pending = pending == "" ? file ":" line_number : pending
        return
    }
    if (count == "#####" && text == "abort();")
        pending = ""
    end_case()
    if (missed == 0)
        return
    place = name "\t" text
    seen[place] += missed
    where[place] = file ":" line_number
}

# A case that was never taken, and behind it something else than abort().
function end_case() {
    if (pending != "")
        complain(pending, name "() never takes this case: test it, or see tests/tidy/coverage")
    pending = ""
}

/^function / {
    end_line()
    is_code = 0
    split($0, word, " ")
    name = word[2]
    next
}

/^branch / {
    branches++
    untaken += $0 ~ / never executed| taken 0( |$)/
    next
}

/^call / { next }

/^ *[^:]*: *[0-9]+:/ {
    end_line()
    count = $0
    sub(/:.*/, "", count)
    gsub(/[ *]/, "", count)
    line_number = substr($0, index($0, ":") + 1)
    text = substr(line_number, index(line_number, ":") + 1)
    sub(/:.*/, "", line_number)
    gsub(/ /, "", line_number)
    if (line_number == 0 && text ~ /^Source:/) {
        file = substr(text, 8)
        measured = file ~ /^core\//
    }
    gsub(/^ +| +$/, "", text)
    is_code = count != "-" && line_number > 0
    branches = untaken = 0
}

END {
    end_line()
    end_case()
    for (place in seen)
        if (seen[place] != excused[place]) {
            split(place, part, "\t")
            complain(where[place], part[1] "() does not take all branches of \047" part[2] \
                     "\047 in its unit tests (" seen[place] " missed, " excused[place] + 0 " excused)")
        }
    for (place in excused)
        if (!(place in seen))
            complain(exceptions ":" listed_at[place], "its branches are all taken: remove it")
    if (total == 0)
        complain("gcov", "it counted nothing")
    printf "%d branches of src/core\n", total
    exit failed
}
