#!/usr/bin/perl

# Names that procmgr answers to, with and without a list of origins.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

sub status {
    my ($t, $host, $bytes) = @_;
    my $p = $t->{port};
    $host =~ s/PORT/$p/g if defined $host;

    return Test::Procmgr::parse($t->raw($bytes
        // "GET /session HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n"))
        ->{status};
}

my $t = Test::Procmgr->new(plan => 59)->run(server =>
    'server_name_in_redirect off; server_name pm.example *.dep.example '
    . '.both.example tail.* ~^re.*$;');

for ('127.0.0.1:PORT', '127.0.0.1', 'localhost:PORT', 'LOCALHOST', '[::1]:PORT',
     '127.0.0.1:1', 'pm.example', 'PM.example:PORT', 'a.dep.example',
     'both.example', 'x.both.example:8')
{
    is(status($t, $_), 401, "own name: $_");
}

for ('evil.example', 'evil.example:PORT', '127.0.0.1.evil.example',
     'localhost.evil.example', 'pm.example.evil.example', 'xpm.example',
     'dep.example', 'xdep.example', 'tail.evil', 're.evil', '127.0.0.2',
     '0', '[::2]', '_')
{
    is(status($t, $_), 421, "other name: $_");
}

my $r = $t->get('/session', { Host => 'evil.example' });
is($r->{json}{code}, 'bad_host', 'the code');
is($t->post('/session', { username => 'admin',
    password => $t->password('admin') }, { Host => 'evil.example' })->{status},
    421, 'no login there');

is(status($t, undef, "GET /session HTTP/1.0\r\n\r\n"), 421, 'no name');
is(status($t, undef, "GET http://evil.example/session HTTP/1.1\r\n"
    . "Host: localhost\r\nConnection: close\r\n\r\n"), 421,
    'two names, the second is ours');
is(status($t, undef, "GET http://localhost/session HTTP/1.1\r\n"
    . "Host: evil.example\r\nConnection: close\r\n\r\n"), 421,
    'two names, the first is ours');
is(status($t, undef, "GET http://localhost:1/session HTTP/1.1\r\n"
    . "Host: localhost:1\r\nConnection: close\r\n\r\n"), 401,
    'the same name twice');

$t->stop();


# a list

$t = Test::Procmgr->new()->run(http =>
    'procmgr_origin https://pm.example http://plain.example '
    . 'http://odd.example:8080 https://[::1]:8443;');

for ('pm.example', 'pm.example:443', 'PM.EXAMPLE', 'plain.example',
     'plain.example:80', 'odd.example:8080', '[::1]:8443')
{
    is(status($t, $_), 401, "of the list: $_");
}

for ('127.0.0.1:PORT', 'localhost', 'pm.example:80', 'pm.example:8443',
     'plain.example:443', 'odd.example', 'odd.example:80808', '[::1]',
     'evil.example')
{
    is(status($t, $_), 421, "not of the list: $_");
}

my $login = { username => 'admin', password => $t->password('admin') };

$r = $t->post('/session', $login, { Host => 'pm.example',
    Origin => 'https://pm.example' });
is($r->{status}, 200, 'login behind a proxy that speaks TLS');
like($r->{headers}{'set-cookie'},
    qr/^__Host-procmgr=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    'its cookie');

my ($cookie, $token) = $r->{headers}{'set-cookie'} =~ /^(.*?=([^;]+))/;
is($t->get('/session', { Host => 'pm.example', Cookie => $cookie })
    ->{status}, 200, 'the cookie counts there');
is($t->get('/session', { Host => 'pm.example', Cookie => "procmgr=$token" })
    ->{status}, 401, 'without its prefix it does not');
is($t->get('/session', { Host => 'plain.example', Cookie => $cookie })
    ->{status}, 401, 'nor without TLS');

for (['https://plain.example', 'plain.example'],
     ['http://pm.example', 'pm.example'],
     ['http://plain.example', 'pm.example'],
     ['https://pm.example:443', 'pm.example'],
     ['http://127.0.0.1', 'pm.example'])
{
    my ($origin, $host) = @$_;
    is($t->post('/session', $login, { Host => $host, Origin => $origin })
        ->{status}, 403, "$origin is not the page of $host");
}

$r = $t->post('/session', $login, { Host => 'odd.example:8080',
    Origin => 'http://odd.example:8080' });
is($r->{status}, 200, 'a port of its own');
unlike($r->{headers}{'set-cookie'}, qr/Secure|__Host/, 'without TLS');
