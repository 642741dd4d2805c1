#!/usr/bin/perl

# Failed passwords: delays that grow from the third on, by source and by
# account, and end with a success; many attempts at once are bounded.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 33)->run(workers => 2, server => <<EOF);
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
EOF

# from a source of its own

sub attempt {
    my ($user, $password, $source) = @_;
    return $t->request('POST', '/session',
        { username => $user, password => $password },
        { 'X-Real-IP' => $source });
}

# attempts until there is a delay; on a slow machine the first may be over

sub until_delayed {
    my ($attempt) = @_;
    my @r;

    for (1 .. 8) {
        push @r, $attempt->($_);
        last if $r[-1]{status} == 429;
    }
    return @r;
}

my $delayed = qr/^401 401 401( 401)* 429$/;
my $right = $t->password('viewer');


# by source: names differ, the source does not

my @r = until_delayed(sub { attempt("nobody-$_[0]", 'x', '192.0.2.1') });
like(join(' ', map { $_->{status} } @r), $delayed,
    'the third failure of a source has a delay');
is($r[-1]{json}{code}, 'throttled', 'its code');
is($r[-1]{json}{status}, 429, 'a problem');
my $wait = $r[-1]{headers}{'retry-after'};
cmp_ok($wait, '>=', 1, 'of a second or more');

is(attempt('viewer', $right, '192.0.2.1')->{status}, 429,
    'the right password waits as well');
is(attempt('viewer', $right, '192.0.2.2')->{status}, 200,
    'another source does not');
is($t->post('/session', { username => 'viewer', password => $right })
    ->{status}, 200, 'nor does this host');

sleep $wait + 0.1;
is(attempt('nobody-15', 'x', '192.0.2.1')->{status}, 401, 'after the delay');
my $r = attempt('nobody-16', 'x', '192.0.2.1');
is($r->{status}, 429, 'the next delay');
cmp_ok($r->{headers}{'retry-after'}, '>', $wait, 'is longer');

sleep $r->{headers}{'retry-after'} + 0.1;
is(attempt('viewer', $right, '192.0.2.1')->{status}, 200, 'a success');
is(attempt('nobody-7', 'x', '192.0.2.1')->{status}, 401, 'begins anew');
is(attempt('nobody-8', 'x', '192.0.2.1')->{status}, 401, 'with two free');


# by account: sources differ, the account does not

@r = until_delayed(sub { attempt('operator', 'x', "192.0.2.1$_[0]") });
like(join(' ', map { $_->{status} } @r), $delayed,
    'the third failure of an account has a delay');
is(attempt("oper\tator", 'x', '192.0.2.20')->{status}, 429,
    'however its name is written');
is(attempt('admin', $t->password('admin'), '192.0.2.14')->{status}, 200,
    'another account has none');
sleep $r[-1]{headers}{'retry-after'} + 0.1;
is(attempt('operator', $t->password('operator'), '192.0.2.21')->{status},
    200, 'never for ever');

# an account that does not exist is delayed like one that does

@r = until_delayed(sub { attempt('no-such-user', 'x', "192.0.2.3$_[0]") });
like(join(' ', map { $_->{status} } @r), $delayed,
    'so nothing is told by it');


# nginx lingers at a connection with bytes left over: the request lives on,
# the attempt does not

my @open;
is(join(' ', map { lingering('viewer', "192.0.2.4$_") } 1 .. 3),
    '401 401 401', 'an answered attempt does not count against the next');
@open = ();

sub lingering {
    my ($user, $source) = @_;
    my $body = JSON::PP::encode_json({ username => $user, password => 'x' });
    my $socket = $t->connect();

    push @open, $socket;
    $socket->autoflush(1);
    print $socket "POST /session HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Real-IP: $source\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n${body}left over";

    my $line = <$socket> // '';
    return $line =~ m{^HTTP/1.1 (\d+)} ? $1 : 'nothing';
}


# without the database

$t->pg_stop();
is(attempt('nobody-9', 'x', '192.0.2.1')->{status}, 503, 'no database');
$t->pg_start();
ok($t->wait_for(sub { attempt('viewer', $right, '192.0.2.60')->{status} == 200 }),
    'it is back');


# sixty at once: not more than a few get to guess, and nothing breaks

sub flood {
    my ($n, $user, $source) = @_;
    my @socket;

    for my $i (1 .. $n) {
        my $body = JSON::PP::encode_json({ username => $user->($i),
            password => 'wrong' });
        my $c = $t->connect();
        print $c "POST /session HTTP/1.1\r\nHost: localhost\r\n"
            . "Connection: close\r\nContent-Type: application/json\r\n"
            . 'X-Real-IP: ' . $source->($i) . "\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
        push @socket, $c;
    }

    my %n;
    for my $c (@socket) {
        $n{ Test::Procmgr::parse($t->raw('', socket => $c, timeout => 40))
            ->{status} }++;
    }
    return \%n;
}

my $n = flood(60, sub { 'victim' }, sub { "198.51.100.$_[0]" });
cmp_ok($n->{401} // 0, '<=', 8, 'a few of them get to guess');
is(($n->{401} // 0) + ($n->{429} // 0) + ($n->{503} // 0), 60,
    'each has its answer');
is($n->{200}, undef, 'none got in');

# hashes run at a low priority and two at a time

my $s = $t->login('admin');
my $pid = fork();
if ($pid == 0) {
    flood(10, sub { "spread-$_[0]" }, sub { "203.0.113.$_[0]" });
    require POSIX;
    POSIX::_exit(0);
}

my ($most, $nice) = (0, 0);
my $end = time + 20;
my $slow = 0;

while (waitpid($pid, 1) == 0 && time < $end) {
    my $running = 0;

    for my $worker ($t->workers()) {
        for (glob "/proc/$worker/task/*/stat") {
            my $stat = eval { Test::Procmgr::read_path($_) } or next;
            my @f = split ' ', $stat =~ s/.*\)//sr;
            $running++ if $f[16] == 10;
        }
    }
    $most = $running if $running > $most;

    my $at = time;
    $s->get('/session');
    $slow = time - $at if time - $at > $slow;
    sleep 0.005;
}

cmp_ok($most, '<=', 2, 'two hashes at once on the host');
cmp_ok($most, '>=', 1, 'at nice 10');
cmp_ok($slow, '<', 1, 'others are answered meanwhile');

is(scalar(grep { (split ' ', Test::Procmgr::read_path($_) =~ s/.*\)//sr)[16]
    != 0 } map { glob "/proc/$_/task/*/stat" } $t->workers()), 0,
    'no thread keeps the low priority');


# the log: one row for many of one source

my $rows = $t->psql("SELECT count(*) FROM procmgr.op "
    . "WHERE type = 'login_failed'") // '';
like($rows, qr/^\d+$/, 'failed logins are in the log');
cmp_ok($rows, '<=', 60, 'and are aggregated');

is($t->login('viewer')->{status}, 200, 'a login after it all');
is($s->get('/session')->{status}, 200, 'and a session');
is(scalar($t->workers()), 2, 'two workers');
