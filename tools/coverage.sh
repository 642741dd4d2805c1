#!/bin/sh
# coverage.sh: which branches of the policy's and the helper's code the tests
# take.  Builds both with gcc's counters, runs the unit tests and t/helper (or
# the tests that are named), and prints for every file how many of its
# branches were taken; the lines of the others go to coverage.txt in the
# build folder.  As root, like t/helper itself.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

BUILD=debug
BUILD_DIR=${COVERAGE_DIR:-$top/build/coverage}
CFLAGS="-Wno-error --coverage -fprofile-update=atomic -include $top/tools/coverage.h"
COVERAGE=1
export BUILD BUILD_DIR CFLAGS COVERAGE

mkdir -p "$BUILD_DIR"

units="policy policy_ask policy_edges wire sha256 words"
find "$BUILD_DIR" -name '*.gcda' -delete

make -s BUILD="$BUILD" BUILD_DIR="$BUILD_DIR" helper ctl \
    $(for u in $units; do echo "$BUILD_DIR/unit/test_$u"; done) > /dev/null

# the helper counts as whom it has become: nobody
counters()
{
    find "$BUILD_DIR/src/policy" "$BUILD_DIR/src/helper" -name '*.gcno' \
        | sed 's/gcno$/gcda/'
}

counters | xargs touch
counters | xargs chmod 666
chmod a+rwx "$BUILD_DIR/src/policy" "$BUILD_DIR/src/helper"

for u in $units; do
    "$BUILD_DIR/unit/test_$u" > "$BUILD_DIR/unit.log" 2>&1 \
        || { tail "$BUILD_DIR/unit.log"; exit 1; }
done

# (the thousands of generated.t and of reused pids take no other branches)
TEST_REUSE=${TEST_REUSE:-50}
export TEST_REUSE

[ $# -gt 0 ] || set -- $(ls t/helper/*.t | grep -v -e sandbox -e generated)
prove -It/lib "$@" > "$BUILD_DIR/prove.log" 2>&1 || {
    tail -n 30 "$BUILD_DIR/prove.log"
    echo "coverage: a test failed"
}

: > "$BUILD_DIR/coverage.txt"

for c in src/policy/*.c src/helper/*.c; do
    o="$BUILD_DIR/${c%.c}.o"
    [ -s "${o%.o}.gcda" ] || continue

    gcov --branch-probabilities --branch-counts --stdout --object-file "$o" \
        "$c" 2> /dev/null | awk -v file="$c" '
        /^ +[0-9#=-][^:]*: *[0-9]+:/ {
            split($0, part, ":")
            line = part[2] + 0
            text = substr($0, length(part[1]) + length(part[2]) + 3)
            never = part[1] ~ /#####/
            if (never) { print file ":" line ": never: " text > list }
            next
        }
        /^branch / {
            all++
            if ($3 == "taken" && $4 + 0 > 0) {
                taken++
            } else if (!never && last != line) {
                print file ":" line ": one way only: " text > list
                last = line
            }
        }
        END {
            if (all) {
                printf "%-32s %4d of %4d branches  %5.1f %%\n", file, taken,
                    all, 100 * taken / all
            }
        }' list="$BUILD_DIR/coverage.part"

    [ ! -e "$BUILD_DIR/coverage.part" ] \
        || cat "$BUILD_DIR/coverage.part" >> "$BUILD_DIR/coverage.txt"
    rm -f "$BUILD_DIR/coverage.part"
done

echo "the branches that were not taken: $BUILD_DIR/coverage.txt"
