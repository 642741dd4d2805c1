#!/usr/bin/perl

# PostgreSQL is stopped: what a known session reads still comes, nothing is
# done, and all is well again within five seconds of its return.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 20)->run(workers => 2);
my $s = $t->login();

is($s->get('/system/summary')->{status}, 200, 'a read');
my $rows = $t->psql('SELECT count(*) FROM procmgr.op');

$t->pg_stop();

# a read of a known session, an action, a login

my ($ok, $slowest) = (0, 0);

for (1 .. 20) {
    my $r = timed(sub { $s->get('/system/summary') });
    $ok++ if $r->{status} == 200;
    $slowest = $r->{time} if $r->{time} > $slowest;
}

is($ok, 20, 'stopped: reads of a known session');
cmp_ok($slowest, '<', 3.5, sprintf 'the slowest took %.2f s', $slowest);

for (['an action', sub { $s->post('/control/services',
          { name => 'demo', action => 'restart' }) }],
     ['the log', sub { $s->get('/log') }],
     ['a login', sub { $t->login()->{answer} }])
{
    my ($name, $code) = @$_;
    my $r = timed($code);

    is($r->{status}, 503, "stopped: $name");
    is($r->{json}{code}, 'database_unavailable', "$name: its code");
    cmp_ok($r->{time}, '<', 3.5, "$name: soon");
}

ok(!-e "$t->{dir}/demo/run/procmgr-demo.pid", 'nothing was started');

# long enough for the back-off to be at its longest

sleep 9;
$t->pg_start();
my $back = time;
my $after = $t->wait_for(sub {
    $t->login()->{status} == 200 && $s->get('/log')->{status} == 200
        && time - $back
}, 20);

cmp_ok($after || 99, '<', 5, sprintf 'back within %.2f s', $after || 99);

# one worker reached it: the other one waits no longer either

my %n;
$n{ $s->get('/log')->{status} }++ for 1 .. 40;
is(join(' ', map { "$_: $n{$_}" } sort keys %n), '200: 40',
    'in every worker');

is($s->get('/system/summary')->{status}, 200, 'the session lives on');
is($s->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=9' })->{status}, 200, 'and acts');
ok(-e "$t->{dir}/demo/run/procmgr-demo.pid", 'for real');

my $log = $t->error_log();
my %away;
$away{$1}++ while $log =~ /\[error\] (\d+)#\d+: procmgr: the database is away/g;

is(scalar(grep { $_ > 1 } values %away), 0, 'away is told once per worker');
ok($t->wait_for(sub {
    keys %away == grep { /\[notice\] .*procmgr: the database is back/ }
        split /\n/, $t->error_log()
}, 5), 'and its return');


sub timed {
    my ($code) = @_;
    my $start = time;
    my $r = $code->();
    return { %$r, time => time - $start };
}
