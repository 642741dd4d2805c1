#!/usr/bin/perl

# Workers, helpers, PostgreSQL and connections die at every point of an
# operation; afterwards the log is compared with what the services really did.
#
# PROCMGR_FAULT_SEED=n repeats a run, PROCMGR_FAULT_RUNS=n sets their number,
# PROCMGR_FAULT_JOBS=n how many instances there are at once, and
# PROCMGR_FAULT_ONLY="end_written worker" runs one pair again and again.
# Up to twenty runs share an instance, and a time in which everything has to settle.

use strict;
use warnings;

use lib 't/lib';
use IO::Handle;
use JSON::PP;
use POSIX ();
use Test::More;
use Test::ProcmgrFault;
use Time::HiRes qw(sleep time);

use constant BATCH => 20;
use constant SETTLE => 60;

my $runs = $ENV{PROCMGR_FAULT_RUNS} || 60;
my $jobs = $ENV{PROCMGR_FAULT_JOBS} || 4;
my $seed = $ENV{PROCMGR_FAULT_SEED} || 1 + int rand 1_000_000;

diag "PROCMGR_FAULT_SEED=$seed PROCMGR_FAULT_RUNS=$runs "
    . "PROCMGR_FAULT_JOBS=$jobs";

my @plan = plan_of($seed, $runs);
my @batches;
my $size = POSIX::ceil($runs / $jobs);
$size = BATCH if $size > BATCH;
push @batches, [splice @plan, 0, $size] while @plan;

plan tests => $runs + 2 * @batches;

# a process for each batch, some at a time; each says what it found

my (%reader, %number);
my $next = 0;
my $slowest = 0;

while (%reader || $next < @batches) {

    while (keys %reader < $jobs && $next < @batches) {
        pipe my $r, my $w or die "pipe: $!";
        defined(my $pid = fork) or die "fork: $!";

        if (!$pid) {
            close $r;
            my $said = eval { encode_json(batch($seed + $next,
                @{ $batches[$next] })) } // encode_json({ died => "$@" });
            print $w $said;
            close $w;
            POSIX::_exit(0);
        }

        close $w;
        $reader{$pid} = $r;
        $number{$pid} = $next++;
    }

    my $rin = '';
    vec($rin, fileno $_, 1) = 1 for values %reader;
    select my $rout = $rin, undef, undef, 5;

    for my $pid (keys %reader) {
        next if !vec $rout, fileno $reader{$pid}, 1;
        my $text = do { local $/; my $r = delete $reader{$pid}; <$r> };
        waitpid $pid, 0;
        report($number{$pid}, eval { decode_json($text) }
            || { died => 'it said nothing' });
    }
}

diag sprintf 'everything was settled within %.1f s', $slowest;


sub report {
    my ($n, $said) = @_;
    my @runs = @{ $batches[$n] };

    diag "batch $n died: $said->{died}" if $said->{died};

    for my $i (0 .. $#runs) {
        my $why = $said->{runs} ? $said->{runs}[$i] : 'no word of it';
        is($why, '', sprintf 'batch %d: %s at %s', $n, @{ $runs[$i] }{qw(
            fault point)});
    }

    my $took = $said->{settled} // SETTLE + 1;
    $slowest = $took if $took > $slowest;

    cmp_ok($took, '<=', SETTLE, "batch $n: settled in time");
    is(join("\n", @{ $said->{wrong} || ['no word'] }), '',
        "batch $n: the log tells what happened");
}

# every pair before any comes again, in an order of its own

sub plan_of {
    my ($seed, $n) = @_;
    my @all;
    my @only = split ' ', $ENV{PROCMGR_FAULT_ONLY} // '';

    srand $seed;

    while (@all < $n) {
        my @round = map {
            my $point = $_;
            map { { point => $point, fault => $_ } }
                Test::ProcmgrFault::faults();
        } Test::ProcmgrFault::points();

        @round = grep { $_->{point} =~ /^(?:$only[0])$/
                        && $_->{fault} =~ /^(?:$only[1])$/ } @round if @only;

        for my $i (reverse 1 .. $#round) {
            my $j = int rand($i + 1);
            @round[$i, $j] = @round[$j, $i];
        }
        push @all, @round;
    }

    return @all[0 .. $n - 1];
}

# operations first; then what recovery does with what they left

sub batch {
    my ($seed, @runs) = @_;
    my $f = Test::ProcmgrFault->new(services => scalar @runs)->run();
    my @names = @{ $f->{services} };
    my %said = (runs => [('') x @runs], wrong => []);

    srand $seed;

    my $ok = eval {
        for my $pass (0, 1) {
            for my $i (0 .. $#runs) {
                my $late = $runs[$i]{point} =~ /^(?:recover|query)_/ ? 1 : 0;
                next if $late != $pass;
                my $why = $late ? recovery($f, $runs[$i], $names[$i])
                                : operation($f, $runs[$i], $names[$i]);
                $said{runs}[$i] = $why;
            }
        }

        my $start = time;
        $f->wait_for(sub { sleep 0.3; $f->open_ops() == 0 }, SETTLE);
        $said{settled} = time - $start;

        # late ends of helpers whose workers went away
        $f->wait_for(sub { !$f->helpers() }, 20);

        # what was held is free
        for my $name (@names[0, $#names]) {
            my $r = $f->answer($f->ask($name, wait => 15));
            push @{ $said{wrong} }, "$name afterwards: $r->{status} "
                . $r->{body} if $r->{status} != 200
                    || $r->{json}{retStatus} ne 'success';
        }

        push @{ $said{wrong} }, $f->wrong();
        1;
    };
    $said{died} = $@ if !$ok;

    if ((@{ $said{wrong} } || grep { $_ ne '' } @{ $said{runs} })
        && $ENV{PROCMGR_TEST_LEAVE})
    {
        $said{died} = "left: $f->{dir}";
    } else {
        local $ENV{PROCMGR_TEST_LEAVE};
        $f->finish();
        return \%said;
    }
    $f->finish();

    return \%said;
}

# '' or why the run was none

sub operation {
    my ($f, $run, $name) = @_;
    my ($point, $fault) = @$run{qw(point fault)};
    my $key = sprintf '%08x-%04x-4%03x-8%03x-%012x', map { int rand $_ }
        2**32, 2**16, 2**12, 2**12, 2**40;
    my %o = (key => $key, wait => rand(2) < 1 ? 8 : 0);
    my $again = rand(2) < 1;

    my ($ask, $held);

    # a connection that died with the last run may still be found out

    for (1 .. 4) {
        $f->point($point =~ /^not_started/ ? 'intent_before' : $point);
        $ask = $f->ask($name, %o);
        $held = $f->met($ask);

        if ($held && $point =~ /^not_started/) {

            # the answer to its intent gets lost, if it was sent

            $f->mute();
            $f->point($point);
            $f->release($held);
            sleep 0.3;
            $f->cut();
            $held = $f->met(undef, 8);
            heal($f, 'cut'), $f->answer($ask, 5) if !$held;
        }

        last if $held || $ask->{text} !~ /^HTTP\S+ 503/;
    }
    return "not met: $ask->{text}" if !$held;

    strike($f, $fault, $held);
    heal($f, $fault) or return 'nginx or the database did not come back';

    $f->answer($ask);
    $f->answer($f->ask($name, %o)) if $again;

    return '';
}

sub recovery {
    my ($f, $run, $name) = @_;

    $f->point('action_running');
    my $ask = $f->ask($name, wait => 0);
    my $held = $f->met($ask) or return "not begun: $ask->{text}";

    $f->point($run->{point});
    kill 'KILL', $f->workers();
    $f->release($held);
    $f->answer($ask);

    $held = $f->met(undef, 90) or return 'not met';
    strike($f, $run->{fault}, $held);

    return heal($f, $run->{fault}) ? ''
        : 'nginx or the database did not come back';
}

# while it is held, or where there is nobody yet, as soon as there is

sub strike {
    my ($f, $fault, $held) = @_;
    my $hit = $f->fault($fault, $held);

    sleep rand 0.2 if rand(2) < 1;
    $f->release($held);

    $f->wait_for(sub { $f->fault($fault) }, 0.5) if !$hit;
}

sub heal {
    my ($f, $fault) = @_;

    sleep rand($fault eq 'freeze' ? 4.5 : $fault eq 'postmaster' ? 2 : 0.2);

    return $f->heal();
}
