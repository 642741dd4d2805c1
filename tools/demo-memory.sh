#!/bin/sh
# demo-memory.sh: a small program that grows, watched by the instance of
# "make run" (which is started when it is not there): its samples, the alert
# and the summary.
#
#   PROCMGR_RUN_DIR (run)  PROCMGR_DEMO_MB (48)  PROCMGR_DEMO_STEPS (12)

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
run=${PROCMGR_RUN_DIR:-$top/run}

alive()
{
    [ -s "$run/instance.json" ] || return 1
    pid=$(perl -MJSON::PP -0777 -ne 'print decode_json($_)->{nginx_pid}' \
        "$run/instance.json")
    [ -n "$pid" ] && [ -d "/proc/$pid" ]
}

if ! alive; then
    "$top/tools/run.sh" > /dev/null
fi

exec perl "$top/tools/demo-memory.pl" "$run/instance.json"
