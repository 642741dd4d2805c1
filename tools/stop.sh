#!/bin/sh
# stop.sh: stops what run.sh started, by pid; the data stay

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
link=${PROCMGR_RUN_DIR:-$top/run}

if [ ! -d "$link/etc" ]; then
    echo "nothing to stop: no instance at $link"
    exit 0
fi

"$top/tools/instance.sh" stop "$(readlink -f "$link")"
echo "stopped"
