#!/bin/sh
# test-ui.sh [PATH]: starts an instance of its own by run.sh, runs the page's
# tests against it in Chromium, stops it and removes it.
#
# test-ui.sh --screenshots OUT does the same for the pictures.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
: "${BUILD_DIR:=$top/build/release}"
export BUILD_DIR

cd "$top"
tools/ui-modules.sh

# a folder that others cannot write: the helper trusts no other
if [ "$(id -u)" = 0 ]; then base=/var/lib; else base=$top/build; fi
PROCMGR_RUN_DIR=$(mktemp -u "$base/procmgr-ui-XXXXXX")
PROCMGR_PORT=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
    Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 0)->sockport')
export PROCMGR_RUN_DIR PROCMGR_PORT

cleanup()
{
    status=$?
    trap - EXIT INT TERM HUP
    target=$(readlink -f "$PROCMGR_RUN_DIR" || true)
    [ $status = 0 ] || tail -n 20 "$target/nginx/logs/error.log" >&2 || true
    tools/stop.sh > /dev/null 2>&1 || true
    case "$target" in
        /var/lib/procmgr-run/* | */build/procmgr-ui-*) rm -rf "$target" ;;
    esac
    rm -f "$PROCMGR_RUN_DIR" 2> /dev/null || true
    exit $status
}

trap cleanup EXIT
trap 'exit 1' INT TERM HUP

PROCMGR_WORKERS=2 tools/run.sh > /dev/null

PROCMGR_UI_INSTANCE=$PROCMGR_RUN_DIR/instance.json
export PROCMGR_UI_INSTANCE

if [ "${1-}" = --screenshots ]; then
    node t/ui/screenshots.mjs "$2"
else
    case "${1:-t/ui}" in
        *.mjs) set -- "$1" ;;
        *)     set -- t/ui/*.test.mjs ;;
    esac

    # one after the other: they share the instance, its badge, its service,
    # its sessions; a file that fails is run once more, as test.sh does
    failed=0
    for f; do
        node --test "$f" && continue
        echo "once more: $f"
        node --test "$f" || failed=1
    done
    [ $failed = 0 ] || exit 1

    if grep -E '\[(alert|emerg)\]' \
        "$PROCMGR_RUN_DIR/nginx/logs/error.log" >&2
    then
        echo "the error log holds an alert" >&2
        exit 1
    fi
fi
