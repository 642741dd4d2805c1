#!/usr/bin/perl

# A reload under polling loses no request, keeps the sessions and what the
# zone knows.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep);
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 5)->run(workers => 2);
my $s = $t->login();

my @pollers = map { poller($s) } 1 .. 3;

for (1 .. 5) {
    sleep 0.4;
    $t->reload();
}

sleep 0.4;
my ($asked, $lost) = (0, 0);

for my $p (@pollers) {
    kill 'TERM', $p->{pid};
    my ($n, $bad) = split ' ', readline($p->{out}) // '0 1';
    waitpid $p->{pid}, 0;
    $asked += $n;
    $lost += $bad;
}

cmp_ok($asked, '>', 100, "$asked requests were made");
is($lost, 0, 'none was lost');

is($s->get('/session')->{status}, 200, 'the session is known');
is($s->get('/system/summary')->{status}, 200, 'the host is seen');

ok($t->wait_for(sub { 2 == $t->workers() }), 'the old workers have gone');


sub poller {
    my ($session) = @_;

    my $pid = open my $out, '-|' // die "fork: $!";
    return { pid => $pid, out => $out } if $pid;

    my ($n, $bad, $end) = (0, 0, 0);
    $SIG{TERM} = sub { $end = 1 };

    until ($end) {
        my $r = $session->get('/system/process');
        last if $end;    # the signal may have cut this one off
        $n++;
        $bad++ if $r->{status} != 200 || !$r->{json};
    }

    print "$n $bad\n";
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}
