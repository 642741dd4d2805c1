#!/bin/sh
# html.sh OUT: lays the page out as it is served: our files, its libraries
# from npm as html/package-lock.json pins them, compressed copies for
# gzip_static

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
out=$1

cd "$top/html"

if [ ! -f node_modules/.package-lock.json ] \
   || [ package-lock.json -nt node_modules/.package-lock.json ]
then
    npm ci --ignore-scripts --no-audit --no-fund --omit=dev --silent
    touch node_modules/.package-lock.json
fi

rm -rf "$out.new"
node build.mjs "$out.new"
rm -rf "$out"
mv "$out.new" "$out"
touch "$out/index.html"
