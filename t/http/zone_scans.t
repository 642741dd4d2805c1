#!/usr/bin/perl

# One scan of /proc in an interval, whatever the number of workers, clients
# and different questions; none at all while nobody asks.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 7)->run(
    workers => 4, interval => '500ms', database => 0, locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC

sleep 1.2;
is(scans(), 0, 'nobody asks, nobody scans');

my @urls = map { ("/open/process?num=$_", "/open/summary",
                  "/open/process/info?simple=true") } 1 .. 4;

# each first question may want more of every process than those before it

$t->get($_) for @urls;

my $before = scans();
my $start = time;
my @pollers = map { poller($_) } @urls;

sleep 3;

my ($asked, $bad) = (0, 0);
for my $p (@pollers) {
    kill 'TERM', $p->{pid};
    my ($n, $b) = split ' ', readline($p->{out}) // '0 1';
    waitpid $p->{pid}, 0;
    $asked += $n;
    $bad += $b;
}

# the questions come at most every 500 ms after the scan's start

my $most = (time - $start) / 0.5 + 1;
my $scans = scans() - $before;

is($bad, 0, 'every request was answered');
cmp_ok($asked, '>', 10 * $scans, "$asked requests");
cmp_ok($scans, '<=', $most, "$scans scans, no more than intervals");
cmp_ok($scans, '>=', 3, 'but new ones');

sleep 1.2;
is(scans(), $before + $scans, 'none after the last request');

is(scalar(() = $t->error_log() =~ /procmgr scan: [1-9]\d* processes/g),
    $before + $scans, 'each found processes');


sub scans { scalar(() = $t->error_log() =~ /procmgr scan:/g) }

sub poller {
    my ($url) = @_;

    my $pid = open my $out, '-|' // die "fork: $!";
    return { pid => $pid, out => $out } if $pid;

    my ($n, $b, $end) = (0, 0, 0);
    $SIG{TERM} = sub { $end = 1 };

    until ($end) {
        my $r = $t->get($url);
        last if $end;
        $n++;
        $b++ if $r->{status} != 200 || !$r->{json};
        sleep 0.02;
    }

    print "$n $b\n";
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}
