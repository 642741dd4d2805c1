#!/usr/bin/perl

# Figures as ratios, all measured in one run: the machine's speed drops out.
# bench.sh builds what this needs; "make bench" runs it.
#
#   PROCMGR_BENCH_N (300)  processes    PROCMGR_BENCH_ROUNDS (3)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use IPC::Open2;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my @sizes = split ' ', $ENV{PROCMGR_BENCH_N} // '300';
my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 3;
my $build = $ENV{BUILD_DIR};

$| = 1;
printf "%-44s %6s %9s %9s %7s %8s\n",
    'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

for my $n (@sizes) {
    my $pid = open2(my $ready, my $stdin, "$build/bench/load", $n, 5000);
    readline $ready;

    my $t = Test::Procmgr->new()->run(interval => '20s', workers => 1,
        http => 'keepalive_requests 100000000;');
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
    my $base = "http://127.0.0.1:$t->{port}";

    # a cached answer against a file of its size

    my $body = $s->get('/system/process')->{body};
    $t->write('html/same-size.json', $body, 0644);

    my (@ours, @file, @not, @not_file);
    for (1 .. $rounds) {
        push @file, wrk("$base/same-size.json", 32);
        push @ours, wrk("$base/system/process", 32, "Cookie: $s->{cookie}");
    }
    row('cached /system/process, 32 connections', $n,
        median(@ours), median(@file), 0.8, 'least');

    # a 304

    my $etag = $t->get('/same-size.json')->{headers}{etag};
    for (1 .. $rounds) {
        my $own = $s->get('/system/process')->{headers}{etag};
        push @not_file, wrk("$base/same-size.json", 32,
            "If-None-Match: $etag");
        push @not, wrk("$base/system/process", 32, "Cookie: $s->{cookie}",
            "If-None-Match: $own");
    }
    row('304 of /system/process, 32 connections', $n,
        median(@not), median(@not_file), 0.9, 'least');

    # nobody asks

    sleep 3;
    my ($calls) = idle_calls($t, 5);
    row('system calls of the workers in 5 s, idle', $n, $calls, 0, 0, 'most');

    # a reload under load

    my $lost = reload_loss($t, $s);
    row('requests lost in five reloads', $n, $lost, 0, 0, 'most');
}


# requests per second that wrk reaches in two seconds

sub wrk {
    my ($url, $connections, @headers) = @_;
    my $out = command('wrk', '-t1', "-c$connections", '-d2s',
        (map { ('-H', $_) } @headers), $url);

    die "wrk: $out" if $out !~ /^Requests\/sec:\s+([\d.]+)/m;
    my $rate = $1;
    die "wrk: $out" if $out =~ /Non-2xx or 3xx responses/;
    return $rate;
}

# system calls that strace sees of all workers; those that it interrupts
# itself, by attaching, are begun again in its first second

sub idle_calls {
    my ($t, $seconds) = @_;
    my @p = map { ('-p', $_) } $t->workers();
    my $file = "$t->{dir}/strace";

    my $start = time;
    command('timeout', '-s', 'INT', $seconds + 1, 'strace', '-f', '-qq',
        '-ttt', '-o', $file, @p);

    return scalar grep { /^\d+\s+(\d+\.\d+)\s+\w+\(/ && $1 > $start + 1 }
        split /\n/, Test::Procmgr::read_path($file);
}

sub reload_loss {
    my ($t, $s) = @_;
    my $pid = open my $out, '-|' // die "fork: $!";

    if (!$pid) {
        my ($lost, $end) = (0, time + 6);
        while (time < $end) {
            $lost++ if $s->get('/system/process')->{status} != 200;
        }
        print "$lost\n";
        close STDOUT;
        kill 'KILL', $$;
    }

    for (1 .. 5) {
        sleep 0.8;
        $t->reload();
    }
    chomp(my $lost = readline($out) // 'all');
    waitpid $pid, 0;
    return $lost;
}

sub command {
    open my $out, '-|', @_ or die "$_[0]: $!";
    local $/;
    my $text = <$out> // '';
    close $out;
    return $text;
}

sub median {
    my @v = sort { $a <=> $b } @_;
    return $v[@v / 2];
}

sub row {
    my ($name, $n, $ours, $base, $reach, $which) = @_;
    my $ratio = $base ? $ours / $base : undef;
    my $value = $ratio // $ours;
    my $ok = $which eq 'least' ? $value >= $reach : $value <= $reach;

    printf "%-44s %6d %9.4g %9.4g %7s %s %g%s\n", $name, $n, $ours, $base,
        defined $ratio ? sprintf('%.2f', $ratio) : '-',
        $which eq 'least' ? '>=' : '<=', $reach, $ok ? '' : '  MISSED';
}
