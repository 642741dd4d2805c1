#!/bin/sh
# run.sh: prepares and starts an instance below run/, prints how to reach it.
#
#   PROCMGR_PORT (8080)  PROCMGR_RUN_DIR (run)  PROCMGR_ADMIN_PASSWORD
#
# Running it again keeps the data and the password.

set -eu
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$top/build/release}
port=${PROCMGR_PORT:-8080}
link=${PROCMGR_RUN_DIR:-$top/run}

die()
{
    echo "run.sh: $*" >&2
    exit 1
}

case "$port" in
    '' | *[!0-9]*) die "PROCMGR_PORT \"$port\" is no port" ;;
esac
[ "$port" -ge 1 ] && [ "$port" -le 65535 ] \
    || die "PROCMGR_PORT \"$port\" is no port"

case "$link" in /*) ;; *) link=$(pwd)/$link ;; esac

# As root, the folder of the clone may be closed to www-data and postgres and
# writable by others; what they use lies in a folder of root's instead, and
# run/ is a link to it.

if [ "$(id -u)" = 0 ]; then
    if [ ! -L "$link" ]; then
        [ ! -d "$link" ] || rmdir "$link" 2> /dev/null \
            || die "$link is a folder with files: remove it first"
        name=$(printf %s "$link" | cksum | cut -d ' ' -f 1)
        mkdir -p -m 755 "/var/lib/procmgr-run/$name"
        mkdir -p "$(dirname "$link")"
        ln -s "/var/lib/procmgr-run/$name" "$link"
    fi
    run=$(readlink -f "$link") || die "$link leads nowhere"
    mkdir -p -m 755 "$run"
else
    mkdir -p "$link"
    run=$(readlink -f "$link")
fi

instance()
{
    cmd=$1
    shift
    BUILD_DIR="$build" "$top/tools/instance.sh" "$cmd" "$run" "$@"
}

instance prepare
instance pg-start
instance migrate

# the account: made once; a password given by hand replaces the old one

password=${PROCMGR_ADMIN_PASSWORD:-}
if [ -z "$password" ] && [ -s "$run/instance.json" ]; then
    password=$(perl -MJSON::PP -0777 -ne \
        'print decode_json($_)->{password} // ""' "$run/instance.json")
    keep=$password
fi

if [ -z "${keep:-}" ]; then
    [ -n "$password" ] \
        || password=$(head -c 15 /dev/urandom | base64 | tr '+/' 'xy')
    printf '%s\n' "$password" | instance account admin admin
fi

# nginx

socket=$(instance conninfo | sed 's/^host=\([^ ]*\).*/\1/')
if [ "$(id -u)" = 0 ]; then user="user www-data;"; else user=""; fi

sed -e "s|@PREFIX@|$run|g" -e "s|@PORT@|$port|g" -e "s|@USER@|$user|" \
    -e "s|@SOCKET@|$socket|g" -e "s|@WORKERS@|${PROCMGR_WORKERS:-2}|" \
    "$top/examples/nginx.conf" > "$run/etc/nginx.conf.new"
mv -f "$run/etc/nginx.conf.new" "$run/etc/nginx.conf"
cp /etc/nginx/mime.types "$run/etc/mime.types"

if ! instance nginx-start 2> "$run/nginx/logs/start.log"; then
    cat "$run/nginx/logs/start.log" >&2
    die "nginx did not start on port $port"
fi

# it is up when it answers as ours

url="http://127.0.0.1:$port/"
i=0
until perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]",
                                  Timeout => 2) or exit 1;
    print $s "GET /session HTTP/1.0\r\nHost: 127.0.0.1:$ARGV[0]\r\n\r\n";
    local $/; my $a = <$s> // "";
    exit($a =~ m{^HTTP/1\.\d (401|200)} ? 0 : 1)' "$port"
do
    i=$((i + 1))
    [ $i -lt 100 ] || die "nginx does not answer at $url: see" \
                          "$run/nginx/logs/error.log"
    sleep 0.1
done

nginx_pid=$(cat "$run/nginx/nginx.pid")
postgres_pid=$(head -n 1 "$run/pg/data/postmaster.pid")

(
    umask 077
    P="$password" perl -MJSON::PP -e '
        print JSON::PP->new->canonical->encode({
            url => $ARGV[0], username => "admin", password => $ENV{P},
            nginx_pid => $ARGV[1] + 0, postgres_pid => $ARGV[2] + 0 }), "\n"' \
        "$url" "$nginx_pid" "$postgres_pid" > "$run/instance.json.new"
)
mv -f "$run/instance.json.new" "$run/instance.json"

cat << EOF

procmgr is running

  URL       $url
  user      admin
  password  $password

  files     $link
  stop      make stop
EOF
