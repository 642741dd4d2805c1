#!/usr/bin/perl

# A process whose arguments, environment and mappings nobody can read: a read
# of them waits for ever.  Answers come all the same, without what is not
# known; nobody else waits for it, and no thread is lost.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use POSIX ();
use Time::HiRes qw(sleep time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

plan skip_all => 'only root can mount what never answers' if !as_root();

my $dir = tempdir(CLEANUP => 1);
mkdir "$dir/mnt";
system('cc', '-std=c11', '-D_GNU_SOURCE', '-O1', '-pthread', '-o',
    "$dir/stuck", 't/lib/stuck.c') == 0
    or plan skip_all => 'no compiler, or no headers of the kernel';

my $t = Test::Procmgr->new(plan => 21)->run(interval => '200ms',
    zone => '96m', workers => 1, server => 'keepalive_requests 100000;');
my $s = $t->login();

# one that can be read, of the same owner, started before and after it

my @others = map { spawn(code => sub { $0 = "beside-it"; 'ready' }) } 1;
$t->write('html/still.txt', "x\n", 0644);

my ($stuck, $pid, $why) = stuck();
push @others, spawn(code => sub { $0 = "beside-it"; 'ready' });

SKIP: {
    skip $why, 21 if defined $why;

    my ($worker) = $t->workers();
    my $threads = threads($worker);

    # one process

    my $path = "/system/process/info?pid=$pid&fields="
        . 'pid,exe,cmdline,environ,memory_maps,memory_full_info,num_threads';
    my ($r, $took, $meanwhile) = beside($path);
    my $row = $r->{json}[0];

    is($r->{status}, 200, 'it is answered');
    cmp_ok($took, '<', 45, sprintf 'in %.1f s', $took);
    is_deeply([@{$row}{qw(pid exe num_threads)}], [$pid, "$dir/stuck", 2],
        'with what is known');
    is_deeply([@{$row}{qw(cmdline environ memory_maps memory_full_info)}],
        [(undef) x 4], 'and null for what is not');
    is($r->{headers}{'x-procmgr-partial'},
        'cmdline,environ,memory_full_info,memory_maps', 'which it says');
    cmp_ok($meanwhile, '>=', 5, 'other locations answer meanwhile');

    # all of them

    ($r, $took, $meanwhile) = beside('/system/process/info?simple=false');
    my %row = map { $_->{pid} => $_ } @{ $r->{json} || [] };

    is($r->{status}, 200, 'a list of all is answered');
    cmp_ok($took, '<', 45, sprintf 'in %.1f s', $took);
    is_deeply([exists $row{$pid}, $row{$pid}{cmdline}, $row{$pid}{exe}],
        [1, undef, "$dir/stuck"], 'it is in the list');
    is_deeply([map { $row{ $_->{pid} }{cmdline} } @others],
        [(['beside-it']) x 2], 'others are whole');
    like($r->{headers}{'x-procmgr-partial'}, qr/\bcmdline\b/, 'it says so');
    cmp_ok($meanwhile, '>=', 5, 'other locations answer meanwhile');

    # alone: no value, and a reason

    for my $item (qw(cmdline memory_maps)) {
        $r = $s->get("/system/process/$pid/$item");
        is_deeply([$r->{status}, $r->{json}{code}], [403, 'access_denied'],
            "its $item");
    }

    # the name, in the lists that read nothing else of it

    ($row) = grep { $_->{pid} == $pid }
        @{ $s->get('/system/process/info')->{json} };
    is($row->{name}, 'a-name-of-15-ch', 'its name is that of the kernel');

    # more questions at once than the pool has threads

    my @asked = map {
        my $item = $_;
        my $child = fork() // die;
        if (!$child) {
            my $r = $s->get("/system/process/$pid/$item");
            POSIX::_exit($r->{status} == 403 ? 0 : 1);
        }
        $child;
    } (qw(cmdline environ memory_maps memory_full_info)) x 2;
    my $failed = grep { waitpid($_, 0); $? } @asked;
    is($failed, 0, 'all are answered, more than there are threads');

    is($s->get('/system/summary')->{status}, 200, 'threads work');
    is(threads($worker), $threads, 'none more than before');
    is_deeply([$t->workers()], [$worker], 'of the same worker');

    # it comes back

    kill 'KILL', $stuck;
    waitpid $stuck, 0;
    $stuck = undef;
    ok($t->wait_for(sub {
        $s->get("/system/process/$pid")->{status} == 404
    }, 20), 'and it ends');

    # which looks into all processes, and would have waited as well

    ok($t->wait_for(sub { !$t->helpers() }, 30), 'no helper is left');
}


# the answer, its time, and how many others came before it

sub beside {
    my ($path) = @_;
    my $n = 0;
    my $start = time;

    pipe my $from, my $to or die;
    my $child = fork() // die;

    if (!$child) {
        close $from;
        syswrite $to, $s->get($path)->{raw};
        close $to;
        POSIX::_exit(0);
    }
    close $to;

    my $sel = IO::Select->new($from);
    my $raw = '';

    while (!$sel->can_read(0)) {
        $n++ if $t->get('/still.txt')->{status} == 200;
        sleep 0.02;
    }
    while (sysread $from, $raw, 1 << 20, length $raw) { }
    waitpid $child, 0;

    return (Test::Procmgr::parse($raw), time - $start, $n);
}

# the process that keeps it so, the pid, or why there is none

sub stuck {
    pipe my $from, my $to or die;
    my $child = fork() // die;

    if (!$child) {
        close $from;
        POSIX::dup2(fileno $to, 1);
        exec "$dir/stuck", "$dir/mnt" or POSIX::_exit(1);
    }
    close $to;

    my $said = line($from);
    return ($child, undef, $said || 'it says nothing') if $said !~ /^\d+$/;

    my $word = line($from);
    return ($child, $said, 'this kernel keeps no lock: ' . $word)
        if $word ne 'stuck';

    # soon, a reader does not come back

    for (1 .. 20) {
        my $reader = fork() // die;
        if (!$reader) {
            open my $f, '<', "/proc/$said/cmdline";
            my $text = <$f>;
            POSIX::_exit(0);
        }

        sleep 0.7;
        my $ended = waitpid $reader, POSIX::WNOHANG();
        next if $ended == $reader;

        kill 'KILL', $reader;
        waitpid $reader, 0;
        return ($child, $said, undef);
    }
    return ($child, $said, 'this kernel lets others read');
}

sub line {
    my ($from) = @_;
    my ($line, $end) = ('', time + 20);
    my $sel = IO::Select->new($from);

    while ($line !~ /\n/ && time < $end && $sel->can_read($end - time)) {
        last if !sysread $from, $line, 1, length $line;
    }
    chomp $line;
    return $line;
}

sub threads { scalar(() = glob "/proc/$_[0]/task/*") }

END {
    my $status = $?;
    if ($t && $t->{owner} == $$ && $stuck) {
        kill 'KILL', $stuck;
        waitpid $stuck, 0;
    }
    $? = $status;
}
