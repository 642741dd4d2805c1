#!/usr/bin/perl

# Every route that changes something wants its own origin, the session's token
# and JSON; the list of them is read from the source.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my @routes;
my %prefix = (session => '/session', system => '/system',
              control => '/control', log => '/log', memory => '/memory',
              watch => '/memory');

for my $file (glob "$Test::Procmgr::TOP/src/http/*.c") {
    my $text = Test::Procmgr::read_path($file);

    while ($text =~ /ngx_http_procmgr_(\w+)_routes\[\]\s*=\s*\{(.*?)\n\};/sg) {
        my ($family, $table) = ($1, $2);

        while ($table =~ /\{\s*NGX_HTTP_(\w+),\s*"([^"]*)",([^{}]*)\}/g) {
            my ($method, $path, $rest) = ($1, $2, $3);
            next if $method eq 'GET' || $rest =~ /NOCSRF/;

            $path =~ s/\{pid\}/1/g;
            $path =~ s/\{id\}/00000000-0000-4000-8000-000000000000/g;
            $path =~ s/\{word\}/x/g;
            push @routes, [$method, ($prefix{$family} // "/system") . "/$path", $rest =~ /BODY/];
        }
    }
}


my $t = Test::Procmgr->new(plan => 20 * @routes + 11)->run();
my $s = $t->login();
my $own = "http://127.0.0.1:$t->{port}";

# what must not pass, with everything else in place

my @bad = (
    ['no origin at all', 403, Origin => undef],
    ['another origin', 403, Origin => 'http://evil.example'],
    ['another port', 403, Origin => 'http://127.0.0.1:1'],
    ['another scheme', 403, Origin => "https://127.0.0.1:$t->{port}"],
    ['a longer name', 403, Origin => "$own.evil.example"],
    ['a longer port', 403, Origin => "${own}0"],
    ['an opaque origin', 403, Origin => 'null'],
    ['an empty origin', 403, Origin => ''],
    ['two origins', 403, Origin => "$own $own"],
    ['no token', 403, 'X-CSRF-Token' => undef],
    ['an empty token', 403, 'X-CSRF-Token' => ''],
    ['a wrong token', 403, 'X-CSRF-Token' => 'x' x length $s->{csrf}],
    ['half of the token', 403, 'X-CSRF-Token' => substr $s->{csrf}, 0, 20],
    ['from another site', 403, Origin => undef,
        'Sec-Fetch-Site' => 'cross-site'],
    ['from a sister site', 403, Origin => undef,
        'Sec-Fetch-Site' => 'same-site'],
    ['typed by hand', 403, Origin => undef, 'Sec-Fetch-Site' => 'none'],
    ['a form', 415, 'Content-Type' => 'application/x-www-form-urlencoded'],
    ['an upload', 415, 'Content-Type' => 'multipart/form-data'],
    ['text', 415, 'Content-Type' => 'text/plain;charset=UTF-8'],
);

cmp_ok(scalar @routes, '>=', 6, 'the tables are found');

for (@routes) {
    my ($method, $uri, $body) = @$_;

    for (@bad) {
        my ($name, $status, %h) = @$_;
        my $r = $s->request($method, $uri, $body ? '{}' : undef,
            { $body ? ('Content-Type' => 'application/json') : (), %h });
        is($r->{status}, $status, "$method $uri: $name");
    }

    # without a session it does not come so far

    is($t->request($method, $uri, $body ? {} : undef,
        { Origin => $own, 'X-CSRF-Token' => $s->{csrf} })->{status}, 401,
        "$method $uri: no session");
}

is($s->get('/session')->{status}, 200, 'the session outlived it all');
is($s->get('/log/unread')->{status}, 200, 'and may read');


# what may pass

is($s->post('/log/read', { all => \1 })->{status} < 300, 1,
    'origin and token');
is($s->post('/log/read', { all => \1 },
    { Origin => uc $own =~ s/HTTP/http/r })->{status} < 300, 1,
    'letters of a host have no case');
is($s->post('/log/read', { all => \1 },
    { Origin => undef, 'Sec-Fetch-Site' => 'same-origin' })->{status} < 300,
    1, 'no origin, but the browser vouches for it');


# the login: whoever asks with a browser must be on the page

my $login = { username => 'viewer', password => $t->password('viewer') };

is($t->post('/session', $login)->{status}, 200, 'a login without origin');
is($t->post('/session', $login, { Origin => $own })->{status}, 200,
    'of the page');
is($t->post('/session', $login, { Origin => 'http://evil.example' })->{status},
    403, 'of another page');
is($t->post('/session', $login, { 'Sec-Fetch-Site' => 'cross-site' })
    ->{status}, 403, 'from another site');
is($t->post('/session', $login, { 'Content-Type' => 'text/plain' })->{status},
    415, 'as a form could send it');
