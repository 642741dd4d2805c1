#!/bin/sh
# ui-modules.sh: what the programs of t/ui and bench/page.mjs import, as
# t/ui/package-lock.json pins it

set -eu

cd "$(dirname "$0")/../t/ui"

if [ ! -f node_modules/.package-lock.json ] \
   || [ package-lock.json -nt node_modules/.package-lock.json ]
then
    npm ci --ignore-scripts --no-audit --no-fund --silent
    touch node_modules/.package-lock.json
fi
