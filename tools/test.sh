#!/bin/sh
# test.sh [FILE|FOLDER ...]: runs the tests of t/, all by default.  The last
# line counts them: a file is one test.

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1

: "${BUILD_DIR:=$top/build/release}"
export BUILD_DIR

[ $# -gt 0 ] || set -- lint t/fault t/helper t/sql t/http t/ui

status=0
perl_tests=
for t; do
    case "$t" in
        lint | t/ui | t/ui/*) ;;
        *) [ ! -e "$t" ] || perl_tests="$perl_tests $t" ;;
    esac
done

for t; do
    if [ "$t" = lint ]; then
        tools/lint.sh || status=1
    fi
done

# what fails beside three others is run once more, alone: a file that needs
# the machine for itself is named by that, and one that is wrong fails again

if [ -n "$perl_tests" ]; then
    state=$BUILD_DIR/prove
    mkdir -p "$BUILD_DIR"

    # shellcheck disable=SC2086
    if ! prove --merge -f -o -r --timer -j "${PROCMGR_TEST_JOBS:-4}" -It/lib \
        --state=save --statefile="$state" $perl_tests
    then
        echo "once more, alone:"
        prove --merge -f -o --timer -It/lib \
            --state=failed --statefile="$state" || status=1
    fi
fi

for t; do
    case "$t" in
        t/ui | t/ui/*) tools/test-ui.sh "$t" || status=1 ;;
    esac
done

exit $status
