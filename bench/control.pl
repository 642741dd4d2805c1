#!/usr/bin/perl

# Figures of actions, as ratios of what was measured in the same run: an
# action against what it cannot do without, and many at once.
#
#   PROCMGR_BENCH_N (200)  actions at once    PROCMGR_BENCH_ROUNDS (15)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $n = $ENV{PROCMGR_BENCH_N} // 200;
my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 15;

$| = 1;
printf "%-44s %6s %9s %9s %7s %8s\n",
    'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

my $t = Test::Procmgr->new();
my $d = "$t->{dir}/demo";

$t->run(interval => '20s', workers => 1, helper_max => 4,
    policy => join "\n", map { "service s$_ lsb $d/s$_ actions=restart "
        . "roles=operator,admin timeout=30s" } 1 .. $n);
$t->write("demo/s$_", "#!/bin/sh\nexit 0\n", 0755) for 1 .. $n;
$t->write('etc/nginx.conf',
    $t->read_file('etc/nginx.conf') =~ s/error\.log debug/error.log warn/r);
$t->reload();

my $s = $t->login('operator');

one();
many();
$t->finish();


# three runs of the script, one of the helper, two commits, all in ms

sub one {
    my (@script, @helper, @commit, @ours, @start);

    act('s1');

    # without a shell, and with no socket to talk to it ends where it would
    # wait for its request

    for (1 .. 10 * $rounds) {
        push @start, timed(sub {
            my $pid = fork() // die "fork: $!";
            if ($pid == 0) {
                open STDIN, '<', '/dev/null';
                no warnings 'exec';
                exec { "$t->{dir}/libexec/procmgr-helper" } 'procmgr-helper';
                kill 'KILL', $$;
            }
            waitpid $pid, 0;
        });
    }

    for (1 .. $rounds) {
        push @script, timed(sub { system "$d/s1", 'status' });
        push @helper, timed(sub { system "$t->{dir}/libexec/procmgr-helper "
            . '< /dev/null > /dev/null 2>&1' });
        push @ours, timed(sub { act('s1') });
    }

    my $ms = $t->psql(<<'SQL');
CREATE TABLE public.bench (at timestamptz);
CREATE PROCEDURE public.bench_run(n int, OUT ms float) AS $$
DECLARE at timestamptz := clock_timestamp();
BEGIN
    FOR i IN 1 .. n LOOP
        INSERT INTO public.bench VALUES (clock_timestamp());
        COMMIT;
    END LOOP;
    ms := extract(epoch FROM clock_timestamp() - at) * 1000 / n;
END
$$ LANGUAGE plpgsql;
SQL
    $ms = $t->psql('CALL public.bench_run(50, 0)');

    row('the start of the helper, ms', scalar @start, median(@start), 0, 3);
    row('an action on a service that does nothing, ms', 1, median(@ours),
        3 * median(@script) + median(@helper) + 2 * $ms, 1.5);
}


# another location meanwhile, and what the log has of them

sub many {
    my @pids;
    my $before = $t->psql('SELECT count(*) FROM procmgr.op');

    $t->write('html/still.txt', "x\n", 0644);
    my $quiet = stall(2);

    my $start = time;
    for my $i (1 .. $n) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            act("s$i");
            kill 'KILL', $$;
        }
        push @pids, $pid;
    }

    my $busy = stall(3);
    waitpid $_, 0 for @pids;
    my $took = time - $start;

    $t->wait_for(sub {
        !$t->psql('SELECT count(*) FROM procmgr.op_active')
    }, 60);

    row('actions at once that are not in the log', $n, $n
        - ($t->psql('SELECT count(*) FROM procmgr.op') - $before), 0, 0);
    row('of these without an outcome', $n, $t->psql("SELECT count(*) "
        . "FROM procmgr.op_state WHERE status IN ('running', 'unknown')"),
        0, 0);
    row('99 of 100 answers of a file, ms more', $n,
        $busy > $quiet ? $busy - $quiet : 0, 0, 5);
    printf "# %d actions in %.1f s\n", $n, $took;
}

# ms in which 99 of 100 small answers came; the machine's own pauses are in
# the same figure without actions

sub stall {
    my ($seconds) = @_;
    my $end = time + $seconds;
    my @ms;

    while (time < $end) {
        push @ms, timed(sub { $t->get('/still.txt') });
        sleep 0.002;
    }
    @ms = sort { $a <=> $b } @ms;
    return $ms[@ms * 0.99];
}

sub act { $s->post('/control/services', { name => $_[0], action => 'restart' }) }

sub timed {
    my ($code) = @_;
    my $at = time;
    $code->();
    return 1000 * (time - $at);
}

sub median {
    my @v = sort { $a <=> $b } @_;
    return $v[@v / 2];
}

sub row {
    my ($name, $count, $ours, $base, $reach) = @_;
    my $ratio = $base ? $ours / $base : undef;
    my $ok = ($ratio // $ours) <= $reach;

    printf "%-44s %6d %9.4g %9.4g %7s <= %g%s\n", $name, $count, $ours, $base,
        defined $ratio ? sprintf('%.2f', $ratio) : '-', $reach,
        $ok ? '' : '  MISSED';
}
