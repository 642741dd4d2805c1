#!/usr/bin/perl

# A refused login is held for a moment, so that a flood of them leaves the
# worker's time to others; not where connections run short.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 11)->run(workers => 1, server => <<EOF);
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
EOF

sub attempt {
    my $start = time;
    my $r = $t->post('/session', { username => 'viewer', password => 'x' });
    return ($r, time - $start);
}

# not to be waited for

sub asked {
    my $body = '{"username":"viewer","password":"x"}';
    my $c = $t->connect();
    print $c "POST /session HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    return $c;
}

sub statuses {
    return map { Test::Procmgr::parse($t->raw('', socket => $_,
        timeout => 20))->{status} } @_;
}

# until there is a delay, of so many seconds that the test is over before

my ($r, $took);
for (1 .. 40) {
    ($r, $took) = attempt();
    next if $r->{status} != 429;
    last if $r->{headers}{'retry-after'} > 10;
    sleep $r->{headers}{'retry-after'} + 0.1;
}
is($r->{status}, 429, 'a refused login');
cmp_ok($took, '>=', 0.199, 'is held');

my $start = time;
my @held = map { asked() } 1 .. 50;
$t->get('/');
cmp_ok(time - $start, '<', 1, 'others are answered meanwhile');
is_deeply([statuses(@held)], [(429) x 50], 'fifty held have their answers');

# clients that leave, and a worker that leaves

close $_ for map { asked() } 1 .. 50;
is((attempt())[0]{status}, 429, 'some left before theirs');

@held = map { asked() } 1 .. 20;
my ($old) = $t->workers();
sleep 0.05;
$t->reload();
is_deeply([statuses(@held)], [(429) x 20], 'a worker that ends holds on');
ok($t->wait_for(sub { !grep { $_ == $old } $t->workers() }, 20),
    'and ends then');

# a quarter of the connections is not to be held

my @idle = map { $t->connect() } 1 .. 790;
$t->wait_for(sub { $t->get('/')->{status} == 200 }, 20);
($r, $took) = attempt();
is($r->{status}, 429, 'short of connections a refusal');
cmp_ok($took, '<', 0.199, 'is answered at once');
close $_ for @idle;

ok($t->wait_for(sub { my ($r, $took) = attempt();
    $r->{status} == 429 && $took >= 0.199 }, 20), 'later they are held again');

is($t->request('POST', '/session', { username => 'operator',
    password => $t->password('operator') }, { 'X-Real-IP' => '192.0.2.1' })
    ->{status}, 200, 'another enters');
