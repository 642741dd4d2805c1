#!/usr/bin/perl

# Requests that are wrong in themselves: every one gets a problem in JSON, and
# the worker stays.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 106)->run();
my $s = $t->login();
my $host = "127.0.0.1:$t->{port}";

# the answer is a problem with this status and code, and has all headers

sub problem {
    my ($r, $status, $code, $name) = @_;
    my $j = ref $r->{json} eq 'HASH' ? $r->{json} : {};

    is("$r->{status} " . ($j->{code} // 'no JSON'), "$status $code", $name);

    my @wrong;
    push @wrong, 'type' if ($j->{type} // '') ne 'about:blank';
    push @wrong, 'status' if ($j->{status} // 0) != $status;
    push @wrong, 'title' if !length($j->{title} // '');
    push @wrong, 'detail' if !length($j->{detail} // '');
    push @wrong, 'content-type'
        if $r->{headers}{'content-type'} ne 'application/problem+json';
    push @wrong, headers($r);
    push @wrong, 'www-authenticate' if $r->{headers}{'www-authenticate'};
    is("@wrong", '', "- $name: a whole problem");
}

sub headers {
    my ($r) = @_;
    my %want = (
        'x-content-type-options' => qr/^nosniff$/,
        'referrer-policy' => qr/^no-referrer$/,
        'content-security-policy' =>
            qr/^default-src 'self'; frame-ancestors 'none'/,
        'cache-control' => qr/^no-store$/,
    );
    return grep { ($r->{headers}{$_} // '') !~ $want{$_} } sort keys %want;
}

# bytes of a login, its body as it stands

sub login_bytes {
    my ($body, @h) = @_;
    @h = ('Content-Type: application/json') if !@h;
    return join("\r\n", 'POST /session HTTP/1.1', "Host: $host",
        'Connection: close', @h, 'Content-Length: ' . length($body), '',
        $body);
}

sub bytes { Test::Procmgr::parse($t->raw($_[0])) }


# paths and methods

problem($t->get('/session'), 401, 'no_session', 'no session');
problem($t->get('/session/nothing'), 404, 'not_found', 'no such path');
problem($t->get('/session/'), 401, 'no_session', 'a slash at the end');
problem($t->get('/sessions'), 404, 'not_found', 'a longer word');
problem($t->get('/logout'), 404, 'not_found', 'another longer word');
problem($s->get('/system/nothing'), 404, 'not_found', 'nothing in system');
problem($s->get('/log/x/y/z'), 404, 'not_found', 'too deep');
problem($s->get('/session/%3Cimg%20src=x%3E'), 404, 'not_found',
    'markup in a path');
problem($s->get("/session/%ff%fe"), 404, 'not_found', 'broken UTF-8 in a path');

for (['/session', 'PUT', 'GET, HEAD, POST, DELETE'],
     ['/session/list', 'POST', 'GET, HEAD'],
     ['/session/password', 'GET', 'POST'],
     ['/session', 'OPTIONS', 'GET, HEAD, POST, DELETE'],
     ['/system/summary', 'DELETE', 'GET, HEAD'],
     ['/system/summary', 'PROPFIND', 'GET, HEAD'],
     ['/system/summary', 'BREW', 'GET, HEAD'])
{
    my ($uri, $method, $allow) = @$_;
    my $r = $s->request($method, $uri);
    problem($r, 405, 'method_not_allowed', "$method $uri");
    is($r->{headers}{allow}, $allow, '- what is allowed');
    is($r->{headers}{'access-control-allow-origin'}, undef, '- no CORS');
}


# HEAD is GET without the body

my $r = $s->request('HEAD', '/session');
is($r->{status}, 200, 'HEAD');
is($r->{body}, '', '- without a body');
is($r->{headers}{'content-length'}, length $s->get('/session')->{body},
    '- with its length');


# bodies

problem(bytes(login_bytes('x' x 16385)), 413, 'body_too_large',
    'a body of 16385 bytes');
problem(bytes(login_bytes('{"username":"' . 'x' x 16368 . '"}')), 400,
    'bad_parameter', 'one of 16384 is read');
my $chunks = sub {
    return "POST /session HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        . "\r\n" . join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_)
        . "0\r\n\r\n";
};

problem(bytes($chunks->(('x' x 1000) x 17)), 413, 'body_too_large',
    '17000 bytes in chunks');

my $login = '{"username":"viewer","password":"' . $t->password('viewer')
    . '"}';

is(bytes($chunks->(split //, $login))->{status}, 200,
    'a login in chunks of one byte');
is(bytes($chunks->($login . ' ' x 15000))->{status}, 200,
    'one that does not fit in one buffer');

problem(bytes(login_bytes($login, 'Content-Type: text/plain')), 415,
    'not_json', 'text');
problem(bytes(login_bytes($login, 'X: y')), 415, 'not_json', 'no type');
problem(bytes(login_bytes($login, 'Content-Type: application/jsonp')), 415,
    'not_json', 'a longer type');
problem(bytes(login_bytes($login,
    'Content-Type: application/json; charset=utf-16')), 415, 'not_json',
    'another charset');
is(bytes(login_bytes($login, 'Content-Type: Application/JSON;charset="UTF-8"'))
    ->{status}, 200, 'the charset of JSON');

for (['', qr/ends too early at line \d+, column \d+, byte 0$/, 'nothing'],
     ['{"username":"x",}', qr/invalid syntax at line 1, column 17, byte 17/,
        'a comma too many'],
     ["{\n \"username\" \"x\"}", qr/line 2, column 15, byte 17/,
        'a missing colon'],
     ['{} {}', qr/something follows its end .*byte 4/, 'two objects'],
     ['[1]', qr/must be a JSON object/, 'an array'],
     ['"x"', qr/byte 3|invalid syntax/, 'a string'],
     ['{"username":"a","username":"b"}', qr/a member stands twice/,
        'a member twice'],
     ["{\"username\":\"\xff\"}", qr/invalid UTF-8/, 'broken UTF-8'],
     ['{"username":"a\u0000b"}', qr/\\u0000 is not allowed/, 'a zero'],
     ['{"username":"a\ud800b"}', qr/invalid syntax/, 'half a surrogate'],
     ['[' x 8000, qr/nested too deeply/, 'nested arrays'],
     ['{"a":' x 3000, qr/nested too deeply/, 'nested objects'],
     ["{\"username\":\"a\0b\"}", qr/byte 14/, 'a raw zero'],
     ['{"n":1e999}', qr/a number is too large/, 'a large number'])
{
    my ($body, $detail, $name) = @$_;
    my $r = bytes(login_bytes($body));
    is("$r->{status} " . ($r->{json}{code} // ''), '400 bad_json', $name);
    like($r->{json}{detail}, $detail, '- the place is named');
}

for (['{}', qr/"username" is missing/],
     ['{"username":"x"}', qr/"password" is missing/],
     ['{"username":1,"password":"x"}', qr/"username" must be a string/],
     ['{"username":"","password":"x"}', qr/"username" must be a string of 1/],
     ['{"username":"x","password":null}', qr/"password" must be/],
     ['{"username":"x","password":"' . 'p' x 513 . '"}',
        qr/"password" must be a string of 1 to 512 bytes/],
     ['{"username":"x","password":"y","remember":true}',
        qr/unknown member "remember"/])
{
    my ($body, $detail) = @$_;
    like(bytes(login_bytes($body))->{json}{detail} // '', $detail,
        "members: $detail");
}


# the wire

my $two = $t->raw("GET /session HTTP/1.1\r\nHost: $host\r\n\r\n"
    . "POST /session/nothing HTTP/1.1\r\nHost: $host\r\n"
    . "Content-Length: 5\r\n\r\nabcde"
    . "DELETE /session HTTP/1.1\r\nHost: $host\r\n"
    . "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    . "GET /session HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
is(join(' ', $two =~ /HTTP\/1.1 (\d+)/g), '401 404 401 401',
    'bodies that nobody asked for are passed over');

is(bytes("DELETE /session HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n"
    . "Transfer-Encoding: chunked\r\n\r\nzzz\r\n")->{json}{code},
    'bad_request', 'a malformed chunk');

my $c = $t->connect();
print $c login_bytes($login) =~ s/.{10}\z//sr;
close $c;
is($t->get('/session')->{status}, 401, 'a client that leaves in its body');

for (1 .. 50) {
    my $c = $t->connect();
    print $c login_bytes($login) if $_ % 2;
    print $c "GET /system/process HTTP/1.1\r\nHost: $host\r\n"
        . "Cookie: $s->{cookie}\r\n\r\n" if $_ % 2 == 0;
    setsockopt($c, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack('ii', 1, 0));
    close $c;
}
ok($t->wait_for(sub { $s->get('/session')->{status} == 200 }),
    'fifty clients that cut the connection');

my $junk = bytes("GET /session HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n"
    . "Cookie: " . ';' x 500 . "procmgr\r\nCookie: procmgr=\r\n"
    . "Cookie: procmgr=\xff\xfe; procmgr=" . 'A' x 43 . "\r\n"
    . "X-CSRF-Token: \r\nOrigin: \r\nAuthorization: Bearer " . 'x' x 3000
    . "\r\nIf-None-Match: " . 'W/' x 300 . "\r\n\r\n");
is($junk->{status}, 401, 'hostile headers');
