#!/bin/sh
# packages.sh build|test|fuzz: installs what is missing of Debian's packages, and
# nothing else.  As root, or through sudo; where neither is there, the missing
# names are printed.  No service is started and no main cluster is made.

set -eu

want=

need_file()     # package, a file of it
{
    [ -e "$2" ] || want="$want $1"
}

need_command()  # package, command: a vendor's own build is as good
{
    PATH="$PATH:/usr/sbin:/sbin" command -v "$2" > /dev/null 2>&1 \
        || want="$want $1"
}

need_build()
{
    need_command gcc cc
    need_command make make
    need_file libc6-dev /usr/include/stdio.h
    need_command nginx nginx
    need_file nginx-dev /usr/share/nginx/src/conf_flags
    need_file libjansson-dev /usr/include/jansson.h
    need_file libpq-dev /usr/include/postgresql/libpq-fe.h
    need_file libcrypt-dev /usr/include/crypt.h
    need_command perl perl

    set -- /usr/lib/postgresql/*/bin/initdb
    [ -e "$1" ] || want="$want postgresql"

    need_command nodejs node
    need_command npm npm
}

need_test()
{
    need_file libcmocka-dev /usr/include/cmocka.h
    need_command chromium chromium
    need_file python3-psutil /usr/lib/python3/dist-packages/psutil/__init__.py
    need_command iproute2 ss
    need_command net-tools netstat
    need_command procps top
    need_command strace strace
    need_command cppcheck cppcheck
    need_command clang-tidy clang-tidy
    need_command acl setfacl
    need_command time /usr/bin/time
    need_command curl curl
    need_file python3-flask /usr/lib/python3/dist-packages/flask/__init__.py
    need_command wrk wrk
    need_command pgbouncer pgbouncer
    need_command openssl openssl
    need_command apache2-utils ab
    need_command supervisor supervisord
    need_command systemd systemctl
    need_command dbus dbus-daemon
    need_file cron /etc/init.d/cron
    need_file openssh-server /etc/init.d/ssh
}

need_fuzz()
{
    need_command clang clang
    set -- /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
    [ -e "$1" ] || want="$want libclang-rt-dev"
}

case "${1-}" in
    build) need_build ;;
    test)  need_build; need_test ;;
    fuzz)  need_build; need_fuzz ;;
    *)     echo "usage: $0 build|test|fuzz" >&2; exit 2 ;;
esac

[ -n "$want" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo > /dev/null 2>&1 && sudo -n true 2> /dev/null; then
    sudo=sudo
elif command -v sudo > /dev/null 2>&1 && [ -t 0 ]; then
    sudo=sudo
else
    echo "missing packages:$want" >&2
    echo "install them as root, then run this again" >&2
    exit 1
fi

echo "installing:$want"

# while packages are configured: no service starts, no cluster is made

made=
quiet_install()
{
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' \
            | $sudo sh -c 'umask 022; cat > /usr/sbin/policy-rc.d
                           chmod 755 /usr/sbin/policy-rc.d'
        made=1
    fi

    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        $sudo mkdir -p /etc/postgresql-common/createcluster.d
        echo "create_main_cluster = false" | $sudo sh -c \
            'cat > /etc/postgresql-common/createcluster.d/procmgr.conf'
    fi
}

cleanup()
{
    [ -z "$made" ] || $sudo rm -f /usr/sbin/policy-rc.d
}

trap cleanup EXIT
trap 'exit 1' INT TERM HUP

quiet_install

$sudo apt-get update -q > /dev/null
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends -o Dpkg::Options::=--force-confold $want > /dev/null
