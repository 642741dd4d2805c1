#!/usr/bin/perl

# Cached answers and 304 against static files, idle workers, reloads.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Bench;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 3;

each_size('300', sub {
    my ($t, $n) = @_;
    my $s = $t->login();
    my $base = "http://127.0.0.1:$t->{port}";

    # a cached answer against a file of its size

    my $body = $s->get('/system/process')->{body};
    $t->write('html/same-size.json', $body, 0644);

    for my $c (1, 32) {
        my (@ours, @file);
        for (1 .. $rounds) {
            push @file, wrk("$base/same-size.json", $c);
            push @ours, wrk("$base/system/process", $c,
                "Cookie: $s->{cookie}");
        }
        row("cached /system/process, connections: $c", $n,
            median(@ours), median(@file), 0.8, 'least');
    }

    # a 304

    my (@not, @not_file);
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
});


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
