#!/bin/sh
# test.sh [FILE|FOLDER ...]: runs the tests of t/, all by default.  The last
# line counts them: a file is one test.

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1

: "${BUILD_DIR:=$top/build/release}"
export BUILD_DIR
mkdir -p "$BUILD_DIR"

[ $# -gt 0 ] || set -- lint t/alone t/fault t/helper t/sql t/http t/ui

status=0

# JOBS PATH ...: what fails beside others is run once more, alone; a file that
# needs the machine for itself is named by that, and a wrong one fails again.
# A run that was given up names no file
perl_tests()
{
    jobs=$1
    shift
    rm -f "$BUILD_DIR/prove"

    prove --merge -f -o -r --timer -It/lib -j "$jobs" \
        --state=save --statefile="$BUILD_DIR/prove" "$@" && return

    if [ -z "$(prove --dry --state=failed --statefile="$BUILD_DIR/prove")" ]
    then
        status=1
        return
    fi

    echo "once more, alone:"
    prove --merge -f -o --timer -It/lib \
        --state=failed --statefile="$BUILD_DIR/prove" || status=1
}

beside=
for t; do
    case "$t" in
        lint | t/alone | t/alone/* | t/ui | t/ui/*) ;;
        *) [ ! -e "$t" ] || beside="$beside $t" ;;
    esac
done

for t; do
    if [ "$t" = lint ]; then
        tools/lint.sh || status=1
    fi
done

# those that look at all processes of the machine, or make some that nobody
# can read for a while

for t; do
    case "$t" in
        t/alone | t/alone/*) perl_tests 1 "$t" ;;
    esac
done

# shellcheck disable=SC2086
[ -z "$beside" ] || perl_tests "${PROCMGR_TEST_JOBS:-4}" $beside

for t; do
    case "$t" in
        t/ui | t/ui/*) tools/test-ui.sh "$t" || status=1 ;;
    esac
done

exit $status
