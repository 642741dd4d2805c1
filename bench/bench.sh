#!/bin/sh
# bench.sh: what the figures need, then the figures

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
: "${BUILD_DIR:=$top/build/release}"
export BUILD_DIR

for c in wrk strace; do
    command -v $c > /dev/null || { echo "bench: $c is missing" >&2; exit 1; }
done

cd "$top"
exec perl bench/bench.pl "$@"
