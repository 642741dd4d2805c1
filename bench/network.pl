#!/usr/bin/perl

# Figures of services and connections against their floor, ss, netstat and
# psutil, all in one run, as bench.pl prints them.
#
#   BUILD_DIR=build/release perl bench/network.pl
#   PROCMGR_BENCH_N (300 1000)  processes    PROCMGR_BENCH_ROUNDS (5)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use File::Path qw(make_path);
use IPC::Open2;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my @sizes = split ' ', $ENV{PROCMGR_BENCH_N} // '300 1000';
my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 5;
my $build = $ENV{BUILD_DIR} // "$Test::Procmgr::TOP/build/release";
my $cc = $ENV{CC} // 'cc';

$| = 1;
make_path("$build/bench");
for (['load', '-lpthread'], ['floor_services', '']) {
    system("$cc -O2 -Wall -Wextra -Werror -o $build/bench/$_->[0] "
        . "$FindBin::Bin/$_->[0].c $_->[1]") == 0 or die "bench: no $_->[0]\n";
}

printf "%-44s %6s %9s %9s %7s %8s\n",
    'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

for my $n (@sizes) {
    my $pid = open2(my $ready, my $stdin, "$build/bench/load", $n, 5000);
    readline $ready;

    my $t = Test::Procmgr->new()->run(interval => '1s', workers => 1);
    $t->write('etc/nginx.conf',
        $t->read_file('etc/nginx.conf') =~ s/error\.log debug/error.log warn/r
            =~ s/access_log .*/access_log off;/r);
    $t->reload();

    figures($t, $n);

    $t->finish();
    close $stdin;
    waitpid $pid, 0;
}


sub figures {
    my ($t, $n) = @_;
    my $s = $t->login();

    # the answer's bytes: to parse them here would take longer than they do

    my $get = sub {
        my $r = $t->raw("GET $_[0] HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
            . "Cookie: $s->{cookie}\r\nConnection: close\r\n\r\n");
        $r =~ m{^HTTP/1.1 200 } or die 'bench: ', substr($r, 0, 200), "\n";
    };
    my (@first, @ours, @same, @floor, @ss, @netstat, @psutil, @conn);

    # the first of a worker knows nothing of before

    for (1 .. 3) {
        $t->reload();
        sleep 1.1;
        $get->('/system/summary');
        push @floor, floor();
        push @first, ms(sub { $get->('/system/services?all=true') });
    }

    for (1 .. $rounds) {
        push @floor, floor();
        push @ss, ms(sub { `ss -tunap` });
        push @netstat, ms(sub { `netstat -tunap 2>/dev/null` });
        sleep 1.1;
        push @ours, ms(sub { $get->('/system/services?all=true') });
        push @same, ms(sub { $get->('/system/services?all=true') });
        sleep 1.1;
        push @conn, ms(sub { $get->('/system/network/connections') });
        push @psutil, psutil();
    }

    my $floor = median(@floor);
    row('first services with holders, floor, ms', $n, median(@first),
        $floor, 1.2);
    row('fresh services with holders, floor, ms', $n, median(@ours),
        $floor, 1.2);
    row('fresh services against ss, ms', $n, median(@ours), median(@ss), 1);
    row('fresh services against netstat, ms', $n, median(@ours),
        median(@netstat), 1);
    row('services within the interval, ms', $n, median(@same), $floor, 1);
    row('fresh connections against psutil, ms', $n, median(@conn),
        median(@psutil), 1) if $psutil[0];
}

sub floor {
    chomp(my $ms = `$build/bench/floor_services 1`);
    return $ms;
}

# of the call alone, without Python's start

sub psutil {
    return undef if !-x '/usr/bin/python3';
    my $ms = `/usr/bin/python3 -c '
import time, psutil
a = time.time()
psutil.net_connections()
print((time.time() - a) * 1e3)' 2>/dev/null`;
    return $ms || undef;
}

sub ms {
    my ($code) = @_;
    my $start = time;
    $code->();
    return (time - $start) * 1e3;
}

sub median {
    my @v = sort { $a <=> $b } @_;
    return $v[@v / 2];
}

sub row {
    my ($name, $n, $ours, $base, $reach) = @_;
    my $ratio = $ours / $base;

    printf "%-44s %6d %9.4g %9.4g %7.2f <= %g%s\n", $name, $n, $ours, $base,
        $ratio, $reach, $ratio <= $reach ? '' : '  MISSED';
}
