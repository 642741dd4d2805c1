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
COVERAGE=1

# all processes of a program count in one file: see coverage.c
counters=$BUILD_DIR/counters

CFLAGS="-Wno-error --coverage -fprofile-update=atomic -fdata-sections"
CFLAGS="$CFLAGS -fprofile-info-section=pm_gcov_info"

for f in fork execve; do
    CFLAGS="$CFLAGS -fno-builtin-$f"
done

CFLAGS="$CFLAGS -Wl,$BUILD_DIR/coverage.o -Wl,-T,$top/tools/coverage.ld"

for f in $(sed -nE 's/^pm_wrap(_ids)?\((\w+).*/\2/p' tools/coverage.c) \
    clock_gettime poll
do
    CFLAGS="$CFLAGS -Wl,--wrap=$f"
done

export BUILD BUILD_DIR CFLAGS COVERAGE

rm -rf "$counters"
mkdir -p "$counters"
chmod 777 "$counters"

# objects of another compiler or of other flags cannot be told from these
echo "$CFLAGS" | cat - tools/coverage.* | cksum > "$BUILD_DIR/flags.new"
cmp -s "$BUILD_DIR/flags.new" "$BUILD_DIR/flags" || {
    rm -rf "$BUILD_DIR/src" "$BUILD_DIR/unit" "$BUILD_DIR"/procmgr*
    mv "$BUILD_DIR/flags.new" "$BUILD_DIR/flags"
}

${CC:-cc} -g -O1 -Wall -fPIE -DPM_COVERAGE_DIR="\"$counters\"" -c \
    -o "$BUILD_DIR/coverage.o" tools/coverage.c

units="policy policy_ask policy_edges wire sha256 words"
find "$BUILD_DIR" -name '*.gcda' -delete

make -s BUILD="$BUILD" BUILD_DIR="$BUILD_DIR" helper ctl \
    $(for u in $units; do echo "$BUILD_DIR/unit/test_$u"; done) > /dev/null

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

for program in procmgr-helper procmgrctl \
    $(for u in $units; do echo "unit/test_$u"; done)
do
    PM_COVERAGE_DUMP=1 "$BUILD_DIR/$program" || exit 1
done

rmdir "$counters" || echo "coverage: counters that belong to no program"

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
