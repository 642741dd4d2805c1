#!/bin/sh
# helper-size.sh: how much code the setuid helper is, without comments and
# blank lines, and what it is linked with.  Code that runs as root is told
# apart from code that runs only when root has been given up; see doc/helper.md.
# Fails when one has grown past its bound, or with a library but libc.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

root_bound=2350         # of src/helper as root
policy_bound=1850

lines()
{
    cat "$@" | ${CC:-cc} -fpreprocessed -dD -E -P -x c - 2> /dev/null \
        | grep -c '[^[:space:]]'
}

# what runs as root does not know what is declared for the rest: a file that
# includes helper_drive.h runs behind helper_env_drop(), and the reader when
# it has become the owner of what it reads

after="src/helper/helper_drive.h src/helper/helper_reader.c
    $(grep -l '^#include "helper_drive.h"' src/helper/*.c)"
root=

for f in src/helper/*.[ch]; do
    case " $(echo $after) " in
    *" $f "*) ;;
    *) root="$root $f" ;;
    esac
done

policy=$(ls src/policy/*.c src/policy/*.h | grep -v -e pm_words -e pm_fail)

r=$(lines $root)
p=$(lines $policy)
a=$(lines $after)

echo "helper: $r lines as root (at most $root_bound), $p of policy and" \
    "frames (at most $policy_bound), $a after root is given up"

build=${BUILD_DIR:-build/release}
make -s BUILD_DIR="$build" helper > /dev/null
needs=$(readelf -d "$build/procmgr-helper" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')

echo "helper: needs" $needs

[ "$r" -le $root_bound ] && [ "$p" -le $policy_bound ] || {
    echo "helper: it has grown"
    exit 1
}

[ "$(echo $needs)" = libc.so.6 ] || {
    echo "helper: more than libc"
    exit 1
}
