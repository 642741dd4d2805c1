#!/usr/bin/perl

# Answers that are right: caching, headers, HTTP/2, locations without
# sessions, requests from inside nginx; and a worker's memory.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $port2 = Test::Procmgr::free_port();

my $t = Test::Procmgr->new(plan => 41)->run(interval => '1h', http => <<EOF,
    server {
        listen 127.0.0.1:$port2 http2;
        location /session { procmgr session; }
        location /system/ { procmgr system; }
    }
EOF
    server => 'gzip on; gzip_types application/json; gzip_min_length 1;',
    locations => <<'EOF');
        location /open/ { procmgr system; procmgr_auth off; }
        location /deep/er/system { procmgr system; }
        location /admins/ { procmgr system; procmgr_role admin; }
        location /openlog { procmgr log; procmgr_auth off; }
        location = /exact { procmgr session; }
        location /guarded { auth_request /session; root html; }
        location /moved { rewrite ^/moved(.*)$ /session$1 last; }
        location /only { procmgr session; limit_except GET { deny 127.0.0.2; } }
EOF

my $s = $t->login();
my $viewer = $t->login('viewer');


# views

my $r = $s->get('/system/process');
my $etag = $r->{headers}{etag};

is($r->{status}, 200, 'a view');
like($etag, qr{^W/"[0-9a-f]+-[0-9a-f]+-[0-9a-f]{8}"$}, 'its weak ETag');
is($r->{headers}{'cache-control'}, 'private, no-cache', 'asks again');
is($r->{headers}{'content-type'}, 'application/json', 'its type');
is($r->{headers}{'content-length'}, length $r->{body}, 'its length');
is($r->{headers}{'x-content-type-options'}, 'nosniff', 'its headers');

my ($bare) = $etag =~ m{^W/(.*)};

for ($etag, $bare, qq{"x", $etag}, qq{W/"a,b",$bare , "y"}, '*') {
    $r = $s->get('/system/process', { 'If-None-Match' => $_ });
    is($r->{status}, 304, "If-None-Match: $_");
}

is($r->{body}, '', 'without a body');
is($r->{headers}{etag}, $etag, 'with the ETag');
is($r->{headers}{'cache-control'}, 'private, no-cache', 'and its caching');

for ('"x"', substr($etag, 0, -2) . '"', substr($bare, 1, -1), '', '"', 'W/',
     '"x" y "z"')
{
    is($s->get('/system/process', { 'If-None-Match' => $_ })->{status}, 200,
        "another: $_");
}

isnt($s->get('/system/process?num=3')->{headers}{etag}, $etag,
    'another query has another');
isnt($viewer->get('/system/process')->{headers}{etag}, $etag,
    'another role has another');

$r = $s->request('HEAD', '/system/process');
is("$r->{status} $r->{headers}{etag} [$r->{body}]", "200 $etag []",
    'HEAD of a view');

$r = $s->get('/system/process', { 'Accept-Encoding' => 'gzip' });
is($r->{headers}{'content-encoding'}, 'gzip', 'nginx compresses it');
is($r->{headers}{etag}, $etag, 'and the ETag stays');


# locations

is($s->get('/deep/er/system/process')->{status}, 200, 'anywhere');
is($s->get('/deep/er/systemx/process')->{status}, 404, 'but not beside it');
is($viewer->get('/admins/process')->{json}{code}, 'role_too_low',
    'a location may ask for more');
is($s->get('/admins/process')->{status}, 200, 'which an admin has');
is($t->get('/exact')->{status}, 401, 'an exact location');
is($t->get('/moved')->{status}, 401, 'after a rewrite');
is($s->get('/only')->{status}, 200, 'with limit_except');
is($s->get('/guarded')->{status}, 403, 'no subrequests');

is($t->get('/open/process')->{status}, 200, 'without sessions');
$r = $t->post('/openlog/read', { all => \1 });
is("$r->{status} $r->{json}{code}", '403 read_only', 'there is only reading');


# HTTP/2

SKIP: {
    skip 'no curl with HTTP/2', 4
        if `curl --version 2>/dev/null` !~ /\bHTTP2\b/;

    my $h2 = sub {
        my ($path, @o) = @_;
        open my $out, '-|', 'curl', '-s', '--http2-prior-knowledge', '-m', 20,
            '-w', ' %{http_code}', @o, "http://127.0.0.1:$port2$path" or die;
        local $/;
        return scalar <$out>;
    };

    like($h2->('/session'), qr/"code":"no_session"\} 401$/, 'no session');
    like($h2->('/system/process', '-H', "Cookie: $s->{cookie}"),
        qr/^\[\{.*\}\] 200$/s, 'a view');

    my $login = $t->write('login.json', JSON::PP::encode_json({
        username => 'admin', password => $t->password('admin') }));
    like($h2->('/session', '-H', 'Content-Type: application/json',
        '-d', "\@$login"), qr/"csrf":.* 200$/, 'a login');

    my $long = $t->write('long.json', 'x' x 50000);
    open STDIN, '<', $long or die;
    like($h2->('/session', '-H', 'Content-Type: application/json',
        '-X', 'POST', '-T', '-'),
        qr/"code":"body_too_large"\} 413$/, 'a body without a length');
}


# the key of the helper is in the workers' memory: nobody else reads it there

SKIP: {
    skip 'only root has another user', 1 if $> != 0;

    my ($pid) = $t->workers();
    system('setpriv', '--reuid=www-data', '--regid=www-data', '--init-groups',
        'sh', '-c', "exec 2>/dev/null; dd if=/proc/$pid/mem of=/dev/null "
        . "bs=1 count=1 skip=0 || cat /proc/$pid/maps >/dev/null");
    isnt($?, 0, 'a program of the same user cannot read the memory');
}
