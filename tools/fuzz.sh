#!/bin/sh
# fuzz.sh: random texts for everything that reads one: t/fuzz/kernel.c what
# comes from /proc and files, t/fuzz/told.c what people and pipes say.  Each
# PROCMGR_FUZZ_SECONDS (60); what was found before is begun with.  A text that
# breaks something stays in the build folder, named in the last lines.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

dir=${BUILD_DIR:-$top/build/release}/fuzz
mkdir -p "$dir/kernel" "$dir/told"

# seed TARGET NUMBER: standard input, for the reader of that number
seed()
{
    n=$((n + 1))
    {
        # shellcheck disable=SC2059
        printf "\\$(printf %03o "$2")"
        head -c 3500
    } > "$dir/$1/seed-$n"
}

n=0
i=0

for file in stat statm status cgroup cmdline environ io limits smaps; do
    seed kernel $i < "/proc/self/$file"
    i=$((i + 1))
done

for file in stat meminfo loadavg uptime pressure/memory; do
    [ ! -r "/proc/$file" ] || seed kernel 9 < "/proc/$file"
done

for file in tcp tcp6 udp; do
    sed -n 2p "/proc/net/$file" | seed kernel 10
done

printf '0 /dev/null\0003 socket:[22]\000' | seed kernel 11
printf '*/5 1-3 * jan mon root echo %%a' | seed kernel 12
printf 'mysql\000--password=x\000-psecret\000' | seed kernel 15

printf 'name ~ "ng" and (pid > 5 or not rss >= 1.5)' | seed told 0
printf 'nginx wo nginx: worker process' | seed told 1
printf 'supervisorctl -c "/etc/s d.conf" restart a\\ b' | seed told 2
sed -n 's/^# *\(service\|command\|signal\|priority\|read\) /\1 /p' \
    examples/policy.conf | seed told 3
printf 'verb=action\ntarget=a%%20b\nn=5\n' | seed told 4

for target in kernel told; do
    clang -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -O1 \
        -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=undefined -Isrc/proc -Isrc/policy \
        -o "$dir/fuzz_$target" "t/fuzz/$target.c" src/proc/*.c src/policy/*.c

    echo "fuzz: $target"
    "$dir/fuzz_$target" -max_total_time="${PROCMGR_FUZZ_SECONDS:-60}" \
        -max_len=4096 -timeout=5 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$dir/$target-" "$dir/$target"
done
