#!/bin/sh
# helper-size.sh: how much code the setuid helper is, without comments and
# blank lines, and what it is linked with.  Code that runs as root is told
# apart from code that runs only when root has been given up; see doc/helper.md.
# Fails when the first has grown past its bound, or with a library but libc.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

# no line of these runs before helper_env_drop() or, for the reader, before
# it has become the owner of what it reads
dropped="explain list priority reader schedule signal stored tell"

bound=3600          # of src/helper as root

lines()
{
    cat "$@" | ${CC:-cc} -fpreprocessed -dD -E -P -x c - | grep -c '[^[:space:]]'
}

root=
after=

for f in src/helper/*.c; do
    name=${f#src/helper/helper_}
    case " $dropped " in
    *" ${name%.c} "*) after="$after $f" ;;
    *) root="$root $f" ;;
    esac
done

policy=$(ls src/policy/*.c src/policy/*.h | grep -v -e pm_words -e pm_fail)

r=$(lines $root src/helper/*.h)
p=$(lines $policy)
a=$(lines $after)

echo "helper: $r lines as root, $p of policy and frames, $a after root is" \
    "given up"

build=${BUILD_DIR:-build/release}
make -s BUILD_DIR="$build" helper > /dev/null
needs=$(readelf -d "$build/procmgr-helper" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')

echo "helper: needs" $needs

[ "$r" -le $bound ] || {
    echo "helper: more than $bound lines run as root"
    exit 1
}

[ "$(echo $needs)" = libc.so.6 ] || {
    echo "helper: more than libc"
    exit 1
}
