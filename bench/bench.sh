#!/bin/sh
# bench.sh: builds the load and runs the figures

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
: "${BUILD_DIR:=$top/build/release}"
export BUILD_DIR

for c in wrk strace; do
    command -v $c > /dev/null || { echo "bench: $c is missing" >&2; exit 1; }
done

mkdir -p "$BUILD_DIR/bench"
${CC:-cc} -O2 -Wall -Wextra -Werror -o "$BUILD_DIR/bench/load" \
    "$top/bench/load.c" -lpthread

cd "$top"
exec perl bench/bench.pl
