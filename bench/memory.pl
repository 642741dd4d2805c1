#!/usr/bin/perl

# Figures of watches: the share of a core that many cost, what they miss, what
# another page of the same worker notices, and one sample against the floor of
# its reads.
#
#   PROCMGR_BENCH_N (100)  watches    PROCMGR_BENCH_SECONDS (20)

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Bench;
use POSIX ();
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $n = $ENV{PROCMGR_BENCH_N} // 100;
my $seconds = $ENV{PROCMGR_BENCH_SECONDS} // 20;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

printf "%-46s %6s %9s %9s %7s %8s\n",
    'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

my ($ours, $floor) = split ' ', command(program('watch',
    qw(src/proc/pm_watch.c src/proc/pm_procfs.c src/proc/pm_pid.c
       src/proc/pm_json.c src/proc/pm_utf8.c)), 100, 200);
row('one sample, us of CPU', 100, $ours, $floor, 1.5, 'most');

my $t = Test::Procmgr->new()->run(interval => '20s', workers => 1,
    zone => '64m');
$t->write('etc/nginx.conf', $t->read_file('etc/nginx.conf')
    =~ s/error\.log debug/error.log warn/r =~ s/access_log .*/access_log off;/r);
$t->reload();

my $s = $t->login('operator');
my @pid = map { my $p = fork // die; if (!$p) { sleep while 1 } $p } 1 .. $n;

$t->write('html/still.txt', "x\n", 0644);
my $quiet = stall($seconds / 4);

for my $pid (@pid) {
    my $r = $s->post('/memory/watches', { pid => $pid, thresholds_mb => [],
        history_size => int(100000 / $n) });
    die "watch: $r->{raw}\n" if $r->{status} != 201;
}
sleep 1;

my ($worker) = $t->workers();
my $start = time;
my $cpu = cpu($worker);
my %before = map { $_->{id} => $_ } @{ $s->get('/memory/watches')->{json} };
sleep $seconds;
$cpu = cpu($worker) - $cpu;
my $wall = time - $start;

row('a core, percent, of watches at 100 ms', $n, 100 * $cpu / $wall, 0, 3,
    'most');

my ($samples, $missed) = (0, 0);
for (@{ $s->get('/memory/watches')->{json} }) {
    $samples += $_->{samples} - $before{ $_->{id} }{samples};
    $missed += $_->{missed} - $before{ $_->{id} }{missed};
}
row('samples missed, percent', $n, 100 * $missed / ($samples + $missed), 0, 1,
    'most');

my $busy = stall($seconds / 2);
row('99 of 100 answers of a file, ms more', $n,
    $busy > $quiet ? $busy - $quiet : 0, 0, 1, 'most');
printf "# %d samples in %.1f s, %.2f s of CPU\n", $samples, $wall, $cpu;

$s->delete("/memory/watches/$_->{id}")
    for @{ $s->get('/memory/watches')->{json} };
kill 'KILL', @pid;
waitpid $_, 0 for @pid;
$t->finish();


# user and system time of a process with its threads, s

sub cpu {
    my ($pid) = @_;
    my @f = split ' ', Test::Procmgr::read_path("/proc/$pid/stat")
        =~ s/.*\) //sr;
    return ($f[11] + $f[12]) / $ticks;
}

sub stall {
    my ($time) = @_;
    my $end = time + $time;
    my @ms;

    while (time < $end) {
        push @ms, ms(sub { $t->get('/still.txt') });
        sleep 0.002;
    }
    @ms = sort { $a <=> $b } @ms;
    return $ms[@ms * 0.99];
}
