#!/bin/sh
# screenshots.sh: every view in both themes and three widths, into
# run/screenshots/

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
out=${PROCMGR_SCREENSHOTS:-$top/run/screenshots}

mkdir -p "$out"
exec "$top/tools/test-ui.sh" --screenshots "$out"
