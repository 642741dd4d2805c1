#!/usr/bin/perl

# PostgreSQL takes what is sent and answers nothing: no request waits longer
# than 3.5 s, the worker goes on, and a thaw is noticed within five seconds.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 14)->run();
my $s = $t->login();

is($s->get('/log')->{status}, 200, 'the log');
is($s->get('/system/summary')->{status}, 200, 'the host');

for my $round (1, 2) {
    freeze('STOP');

    # all at once, so that the pool is full of waiting statements

    my @kids = map { ask('/log') } 1 .. 12;
    my $static = time;
    is($t->get('/index.html')->{status}, 200, 'files are served meanwhile');
    cmp_ok(time - $static, '<', 0.5, 'at once');

    my @said = map { waited($_) } @kids;
    my ($slowest) = sort { $b <=> $a } map { $_->[1] } @said;

    is(scalar(grep { $_->[0] == 503 } @said), 12, "frozen: 12 times 503");
    cmp_ok($slowest, '<', 3.7, sprintf 'the slowest took %.2f s', $slowest);

    freeze('CONT');
    my $back = time;
    my $after = $t->wait_for(sub {
        $s->get('/log')->{status} == 200 && time - $back
    }, 20);
    cmp_ok($after || 99, '<', 5, sprintf 'thawed: back within %.2f s',
        $after || 99);

    # the next one finds fresh connections
    sleep 0.5;
}

is($t->psql("SELECT (procmgr.log_verify(NULL, 0, 5000))::json->>'ok'"), 'true',
    'the chain of the log is whole');
cmp_ok($t->psql("SELECT count(*) FROM pg_stat_activity "
    . "WHERE usename = 'procmgr_web'"), '<=', 4, 'no connection is left over');


sub ask {
    my ($uri) = @_;
    my $pid = open my $out, '-|' // die "fork: $!";

    if (!$pid) {
        my $start = time;
        my $r = $s->get($uri);
        print "$r->{status} ", time - $start, "\n";
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    return $out;
}

sub waited {
    my ($out) = @_;
    my $line = readline($out) // '0 99';
    close $out;
    return [split ' ', $line];
}

# the postmaster and all of its children

sub freeze {
    my ($signal) = @_;
    my $pid = $t->pg_pid();
    kill $signal, $pid,
        split ' ', Test::Procmgr::read_path("/proc/$pid/task/$pid/children");
}
