#!/bin/sh
# A procmgr instance below one folder: its own PostgreSQL and nginx.
#
#   instance.sh prepare RUN     folders, module, helper, page, policy, key
#   instance.sh pg-start RUN    makes the cluster when it is not there
#   instance.sh pg-stop RUN
#   instance.sh migrate RUN
#   instance.sh account RUN NAME ROLE     the password comes on stdin
#   instance.sh nginx-start RUN | nginx-stop RUN
#   instance.sh stop RUN        both, and the demonstration service
#
# As root, workers and helper belong to www-data and PostgreSQL to postgres;
# all that runs or is trusted is root's.  As a plain user everything is his,
# and the helper acts with his own rights.
#
# BUILD_DIR names the build to take (build/release).

set -eu
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$top/build/release}
nginx=${PROCMGR_NGINX:-$(PATH="$PATH:/usr/sbin" command -v nginx || true)}

case "$build" in /*) ;; *) build=$top/$build ;; esac

if [ "$(id -u)" = 0 ]; then
    web_user=www-data
    pg_user=postgres
else
    web_user=$(id -un)
    pg_user=$web_user
fi

die()
{
    echo "instance.sh: $*" >&2
    exit 1
}

as_pg()         # in a folder that everybody may enter
{
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec setpriv --reuid="$pg_user" --regid="$pg_user" \
            --init-groups env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@")
    else
        "$@"
    fi
}

pg_bin=
find_pg()
{
    for d in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr); do
        [ ! -x "$d/initdb" ] || { pg_bin=$d; return; }
    done
    die "no PostgreSQL server found below /usr/lib/postgresql"
}

# a socket's path has 107 bytes at most; a deep folder gets a short one

socket_dir()
{
    if [ -f "$run/pg/socket_dir" ]; then
        cat "$run/pg/socket_dir"
    else
        echo "$run/pg"
    fi
}

conninfo()      # role
{
    echo "host=$(socket_dir) port=5432 dbname=procmgr user=$1"
}

install_as()    # mode, source, target: replaced in one step, if it differs
{
    ! cmp -s "$2" "$3" || return 0
    cp "$2" "$3.new"
    chmod "$1" "$3.new"
    mv -f "$3.new" "$3"
}

prepare()
{
    for d in etc libexec modules nginx nginx/logs nginx/tmp pg demo demo/run; do
        mkdir -p "$run/$d"
    done

    mkdir -p -m 700 "$run/spool"

    if [ "$(id -u)" = 0 ]; then
        chown "$web_user" "$run/nginx/tmp"
        chown "$pg_user:$pg_user" "$run/pg"
    fi

    install_as 644 "$build/ngx_http_procmgr_module.so" \
        "$run/modules/ngx_http_procmgr_module.so"

    if [ ! -s "$run/etc/helper.key" ]; then
        (umask 077 && head -c 32 /dev/urandom | od -An -v -tx1 \
            | tr -d ' \n' > "$run/etc/helper.key")
    fi

    sed "s|@PREFIX@|$run|g" "$top/examples/policy.conf" > "$run/etc/policy.new"
    mv -f "$run/etc/policy.new" "$run/etc/policy.conf"

    sed "s|@PREFIX@|$run|g" "$top/examples/procmgr-demo" > "$run/demo/demo.new"
    chmod 755 "$run/demo/demo.new"
    mv -f "$run/demo/demo.new" "$run/demo/procmgr-demo"

    "${MAKE:-make}" -s -C "$top" BUILD_DIR="$build" helper-into \
        CONFDIR="$run/etc" SPOOLDIR="$run/spool" WEB_UID="$(id -u "$web_user")" \
        UNPRIVILEGED="$([ "$(id -u)" = 0 ] && echo 0 || echo 1)" \
        OUT="$run/libexec/procmgr-helper.new"

    if [ "$(id -u)" = 0 ]; then
        chgrp "$web_user" "$run/libexec/procmgr-helper.new"
        chmod 4750 "$run/libexec/procmgr-helper.new"
    else
        chmod 700 "$run/libexec/procmgr-helper.new"
    fi

    mv -f "$run/libexec/procmgr-helper.new" "$run/libexec/procmgr-helper"

    if [ -d "$build/html" ]; then
        rm -rf "$run/html.new" "$run/html.old"
        cp -R "$build/html" "$run/html.new"
        chmod -R u=rwX,go=rX "$run/html.new"
        [ ! -d "$run/html" ] || mv "$run/html" "$run/html.old"
        mv "$run/html.new" "$run/html"
        rm -rf "$run/html.old"
    fi
}

pg_make()
{
    as_pg "$pg_bin/initdb" -D "$run/pg/data" -U "$pg_user" -E UTF8 \
        --no-locale --auth=reject --no-sync > "$run/pg.log" 2>&1 \
        || die "initdb failed: $(tail -n 3 "$run/pg.log")"

    cat > "$run/pg.conf.new" << EOF
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 60
shared_buffers = 32MB
log_destination = 'stderr'
log_line_prefix = '%m [%p] %q%u '
timezone = 'UTC'
EOF
    cat > "$run/pg.hba.new" << EOF
# TYPE DATABASE USER ADDRESS METHOD
local all all peer map=procmgr
EOF
    {
        echo "procmgr $pg_user $pg_user"
        [ "$pg_user" = "$web_user" ] || echo "procmgr root $pg_user"
        echo "procmgr $web_user procmgr_web"
        [ "$(id -un)" = "$web_user" ] || echo "procmgr $(id -un) procmgr_web"
        echo "procmgr $(id -un) procmgr_audit"
    } > "$run/pg.ident.new"

    as_pg sh -c 'cat >> "$1"' sh "$run/pg/data/postgresql.conf" \
        < "$run/pg.conf.new"
    as_pg sh -c 'cat > "$1"' sh "$run/pg/data/pg_hba.conf" < "$run/pg.hba.new"
    as_pg sh -c 'cat > "$1"' sh "$run/pg/data/pg_ident.conf" \
        < "$run/pg.ident.new"
    rm -f "$run"/pg.*.new
}

pg_start()
{
    find_pg
    [ -s "$run/pg/data/PG_VERSION" ] || pg_make

    if [ "$(printf %s "$run/pg/.s.PGSQL.5432" | wc -c)" -gt 100 ] \
       && [ ! -d "$(cat "$run/pg/socket_dir" 2> /dev/null || echo /-)" ]
    then
        dir=$(as_pg mktemp -d /tmp/procmgr-XXXXXX)
        as_pg chmod 755 "$dir"
        echo "$dir" > "$run/pg/socket_dir"
    fi

    if ! as_pg "$pg_bin/pg_ctl" -D "$run/pg/data" status > /dev/null 2>&1; then
        as_pg "$pg_bin/pg_ctl" -D "$run/pg/data" -w -t 60 \
            -l "$run/pg/data/server.log" \
            -o "-k $(socket_dir)" start > "$run/pg.log" 2>&1 \
            || die "PostgreSQL does not start: $(tail -n 3 \
                    "$run/pg/data/server.log" 2> /dev/null)"
    fi
}

pg_stop()
{
    find_pg
    [ -s "$run/pg/data/PG_VERSION" ] || return 0
    as_pg "$pg_bin/pg_ctl" -D "$run/pg/data" -w -t 60 -m fast stop \
        > /dev/null 2>&1 || true
    if [ -f "$run/pg/socket_dir" ]; then
        rmdir "$(cat "$run/pg/socket_dir")" 2> /dev/null || true
    fi
}

migrate()
{
    PROCMGR_CONNINFO="host=$(socket_dir) port=5432 dbname=postgres user=$pg_user"
    export PROCMGR_CONNINFO
    find_pg

    if ! "$pg_bin/psql" -XAtq "$PROCMGR_CONNINFO" \
         -c "SELECT 1 FROM pg_database WHERE datname = 'procmgr'" | grep -q 1
    then
        "$pg_bin/psql" -Xq "$PROCMGR_CONNINFO" -c 'CREATE DATABASE procmgr'
    fi

    PROCMGR_CONNINFO=$(conninfo "$pg_user")
    "$build/procmgrctl" migrate "$top/sql"
}

account()       # name, role; updates one that is there
{
    PROCMGR_CONNINFO=$(conninfo "$pg_user")
    export PROCMGR_CONNINFO
    "$build/procmgrctl" account add "$1" --role "$2" --or-update \
        --password-stdin
}

nginx_pid()
{
    pid=$(cat "$run/nginx/nginx.pid" 2> /dev/null) || return 1
    [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null \
        && tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q "$run" && echo "$pid"
}

nginx_start()
{
    [ -n "$nginx" ] || die "no nginx found"

    # a module that was replaced is not loaded by a reload: its name is known

    if pid=$(nginx_pid) \
        && grep -q 'ngx_http_procmgr_module.so (deleted)$' "/proc/$pid/maps"
    then
        nginx_stop
    fi

    if nginx_pid > /dev/null; then
        "$nginx" -p "$run/nginx" -c "$run/etc/nginx.conf" -s reload
    else
        "$nginx" -p "$run/nginx" -c "$run/etc/nginx.conf"
    fi
}

nginx_stop()
{
    pid=$(nginx_pid) || return 0
    kill -QUIT "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2> /dev/null || return 0
        sleep 0.1
    done
    kill -TERM "$pid"
}

[ $# -ge 2 ] || die "usage: instance.sh COMMAND RUN ..."
command=$1
run=$(readlink -m "$2")
shift 2

case "$command" in
    prepare)     prepare ;;
    pg-start)    pg_start ;;
    pg-stop)     pg_stop ;;
    migrate)     migrate ;;
    account)     account "$@" ;;
    conninfo)    conninfo "${1:-procmgr_web}" ;;
    nginx-start) nginx_start ;;
    nginx-stop)  nginx_stop ;;
    stop)        nginx_stop
                 [ ! -x "$run/demo/procmgr-demo" ] \
                     || "$run/demo/procmgr-demo" stop > /dev/null 2>&1 || true
                 pg_stop ;;
    *)           die "unknown command $command" ;;
esac
