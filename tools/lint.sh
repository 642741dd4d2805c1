#!/bin/sh
# lint.sh: the house rules that a machine can see.  Layers by their includes,
# what must never stand in a file, static analysis of the layer without nginx.

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
export LC_ALL=C.UTF-8

status=0

# rule: its name, then what breaks it on stdin
rule()
{
    found=$(cat)
    [ -n "$found" ] || return 0
    echo "lint: $1:"
    echo "$found" | head -n 20 | sed 's/^/    /'
    status=1
}

# the checks work on a tree, so that tools/lint.sh can be tried on a bad one
tree=${LINT_TREE:-.}
cd "$tree" || exit 1

files()         # patterns of git or, outside of it, of find
{
    if [ -n "${LINT_TREE:-}" ]; then
        for p; do
            find . -path "./$p" -type f
        done
    else
        git ls-files -co --exclude-standard -- "$@"
    fi
}

in_files()      # pattern, files...
{
    pattern=$1
    shift
    files "$@" | xargs -r grep -nE -e "$pattern" /dev/null
}

in_files 'include .*ngx_http' 'src/core/*' 'src/proc/*' 'src/policy/*' \
    'src/helper/*' > /tmp/lint.$$
rule "HTTP below its layer" < /tmp/lint.$$

in_files 'include .*(ngx_|libpq|jansson)' 'src/proc/*' 'src/policy/*' \
    'src/helper/*' > /tmp/lint.$$
rule "more than libc in layer 0" < /tmp/lint.$$

in_files 'include .*libpq' 'src/*' | grep -v -e 'ngx_procmgr_pg[_a-z]*\.[ch]:' \
    -e 'src/ctl/' > /tmp/lint.$$
rule "libpq outside its room" < /tmp/lint.$$

in_files 'include .*(crypt|jansson)\.h' 'src/helper/*' > /tmp/lint.$$
rule "a library in the helper" < /tmp/lint.$$

in_files '\b(fork|vfork|posix_spawnp?|opendir|openat2?) *\(' 'src/http/*' \
    > /tmp/lint.$$
rule "HTTP files read no files and start no programs" < /tmp/lint.$$

in_files '\b(system|popen|strcpy|strcat|sprintf|gets) *\(' 'src/*.[ch]' \
    'src/*/*.[ch]' 'ngx_*.c' | grep -vE 'ngx_(v?s[nl]*printf|strcpy)|_sprintf' \
    > /tmp/lint.$$
rule "a shell or an unbounded copy" < /tmp/lint.$$

in_files 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerously' \
    'html/*.html' 'html/js/*' 'html/js/*/*' > /tmp/lint.$$
rule "unsafe in the page" < /tmp/lint.$$

in_files '(TO[D]O|FIX[M]E|X[X]X)\b' 'src/*' 'src/*/*' 'html/*' 'html/*/*' 'sql/*' \
    'ngx_*.c' 'tools/*' 't/*/*' | grep -v -e node_modules -e 'tools/lint.sh' \
    -e XXXX > /tmp/lint.$$
rule "left over" < /tmp/lint.$$

files 'ngx_*.c' 'src/*.[ch]' 'src/*/*.[ch]' 'html/js/*' 'html/js/*/*' 't/*.t' \
    't/*/*' 'tools/*' | grep -vE 'fixtures|package-lock' | sort -u \
    | xargs -r wc -l | awk '$2 != "total" && $1 > 750' > /tmp/lint.$$
rule "longer than 750 lines" < /tmp/lint.$$

files 'src/*/*.[ch]' 'ngx_*.c' | xargs -r grep -nP '\t| +$|^.{81,}' /dev/null \
    > /tmp/lint.$$
rule "tabs, trailing spaces or more than 80 columns" < /tmp/lint.$$

rm -f /tmp/lint.$$

[ -z "${LINT_TREE:-}" ] || exit $status

tools/helper-size.sh || status=1

# every rule above must be able to fail

bad=$(mktemp -d)
mkdir -p "$bad/src/core" "$bad/src/proc" "$bad/src/helper" "$bad/src/http" \
    "$bad/html/js"
printf '#include <ngx_http.h>\n' > "$bad/src/core/bad.c"
printf '#include <libpq-fe.h>\n\tsystem("x");\n' > "$bad/src/proc/bad.c"
printf '#include <crypt.h>\n' > "$bad/src/helper/bad.c"
printf 'pid = fork();\n/* TO''DO */\n' > "$bad/src/http/bad.c"
printf 'x.inner''HTML = 1\n' > "$bad/html/js/bad.js"
yes | head -n 751 > "$bad/src/http/long.c"
said=$(LINT_TREE=$bad "$top/tools/lint.sh" | grep -c '^lint: ')
rm -rf "$bad"
if [ "$said" -ne 10 ]; then
    echo "lint: $said of 10 rules saw the bad sample"
    status=1
fi

if command -v cppcheck > /dev/null 2>&1; then
    cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
        --enable=warning,performance,portability --suppress=missingInclude \
        --suppress=normalCheckLevelMaxBranches \
        -Isrc/proc -Isrc/policy src/proc src/policy src/helper || status=1
fi

if command -v clang-tidy > /dev/null 2>&1 && ls src/proc/*.c > /dev/null 2>&1
then
    # one file a run: a list of files makes it see va_list uninitialized
    printf '%s\n' src/proc/*.c src/policy/*.c src/helper/*.c \
        | xargs -P "$(nproc)" -I {} clang-tidy --quiet \
        --warnings-as-errors='*' \
        --checks='-*,clang-analyzer-*,bugprone-sizeof-expression,bugprone-suspicious-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling' \
        {} -- -std=c11 -D_GNU_SOURCE -Isrc/proc -Isrc/policy \
        -DPM_POLICY_PATH='""' -DPM_KEY_PATH='""' -DPM_SPOOL_DIR='""' -DPM_WEB_UID=33 -DPM_UNPRIVILEGED=0 \
        2> /dev/null || status=1
fi

# types and style of the page

if command -v npm > /dev/null 2>&1; then
    (
        cd html || exit 1
        [ -d node_modules/typescript ] \
            || npm ci --ignore-scripts --no-audit --no-fund --silent || exit 1
        npm run --silent check
    ) || status=1
fi

git diff --check "$(git hash-object -t tree /dev/null)" -- ':!t/fixtures' \
    ':!*.sql' > /dev/null || {
    echo "lint: white space at the end of lines or files"
    git diff --check "$(git hash-object -t tree /dev/null)" -- \
        ':!t/fixtures' ':!*.sql' | head -n 20
    status=1
}

[ $status = 0 ] && echo "lint: clean"
exit $status
