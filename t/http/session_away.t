#!/usr/bin/perl

# The database is away: known sessions read on, nobody acts, nobody logs in;
# it comes back, and so does everything.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 24)->run(workers => 2);

my $s = $t->login();
my $unknown = 'procmgr=' . 'A' x 43;

sub quick {
    my ($code, $name, $limit) = @_;
    my $at = time;
    my $r = $code->();
    cmp_ok(time - $at, '<', $limit, "$name: in time");
    return $r;
}

for my $how ('stopped', 'frozen') {
    is($s->get('/system/summary')->{status}, 200, "$how: before");

    my $pid = $t->pg_pid();
    my @frozen;

    if ($how eq 'stopped') {
        $t->pg_stop();

    } else {
        @frozen = ($pid, split ' ', `ps -o pid= --ppid $pid`);
        kill 'STOP', @frozen;
    }

    sleep 1.2;

    my $r = quick(sub { $s->get('/system/summary') }, "$how: a read", 3);
    is($r->{status}, 200, "$how: reads go on");

    my %n;
    my $at = time;
    $n{ $s->get('/session')->{status} }++ for 1 .. 30;
    is(join(' ', keys %n), '200', "$how: all of them");
    cmp_ok(time - $at, '<', 3, "$how: without waiting each");

    $r = quick(sub { $s->post('/control/services',
        { name => 'demo', action => 'restart' }) }, "$how: an act", 5);
    is($r->{status}, 503, "$how: nobody acts");
    is($r->{json}{code}, 'database_unavailable', "$how: and learns why");

    is($t->get('/session', { Cookie => $unknown })->{status}, 503,
        "$how: who is not known may come again");

    kill 'CONT', @frozen if @frozen;
    $t->pg_start() if !@frozen;

    ok($t->wait_for(sub {
        $s->post('/session/reauth', { password => $t->password('admin') })
            ->{status} == 204
    }, 15), "$how: it is back");
}

my $log = $t->error_log();
unlike($log, qr/password/i, 'nothing secret was logged');

is($t->psql("SELECT count(*) FROM procmgr.op WHERE type = 'service_restart'"),
    0, 'nothing was executed');
is($t->get('/session', { Cookie => $unknown })->{status}, 401,
    'and who is not known is told so');
is($s->get('/session')->{status}, 200, 'the session is the same');
