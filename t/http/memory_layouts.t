#!/usr/bin/perl

# The parts of a process, by programs that know their own: position
# independent and not, static, deleted, renamed, with threads; huge pages,
# shared memory of four kinds, brk, reserved address space as Java and Go have
# it.  The parts add up, and to what the kernel and psutil say.

use strict;
use warnings;

use lib 't/lib';
use File::Copy qw(copy);
use IO::Handle;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $MB = 1048576;

# [name, options of the compiler, threads, what happens to its file]

my @LAYOUTS = (
    ['pie', '-pie -fPIE', 0, ''],
    ['fixed', '-no-pie', 0, ''],
    ['static', '-static', 0, ''],
    ['static_pie', '-static-pie', 0, ''],
    ['threads', '-pie -fPIE', 7, ''],
    ['deleted', '-pie -fPIE', 0, 'unlink'],
    ['renamed', '-pie -fPIE', 0, 'rename'],
    ["line\nfeed", '-no-pie', 0, ''],
);

plan skip_all => 'no compiler' if system('gcc --version > /dev/null 2>&1');

my $t = Test::Procmgr->new(plan => 19 * @LAYOUTS)->run();
my $s = $t->login('admin');
my (@pids, @inputs);

for my $l (@LAYOUTS) {
    my ($name, $options, $threads, $then) = @$l;

    my $pid = start($name, $options, $threads);
    my $file = "$t->{dir}/$name";

    unlink $file if $then eq 'unlink';
    rename $file, "$file.new" if $then eq 'rename';

    look($name =~ s/\n/ /r, $pid, $threads);
}


sub look {
    my ($name, $pid, $threads) = @_;

    my $j = $s->get("/memory/$pid")->{json};
    my ($seg, $tot) = @$j{qw(segments totals)};

    my $static = $name =~ /static/;
    my $page = 65536;

    between($seg->{text}{rss}, $MB, ($static ? 3 : 2) * $MB, "$name: text");
    between($seg->{data}{rss}, 8 * $MB, 8 * $MB + $page, "$name: data, bss");
    between($seg->{heap}{rss}, 8 * $MB, 8 * $MB + 4 * $page, "$name: heap");
    between($seg->{stack}{rss}, 4096, 2 * $page, "$name: stack");
    between($seg->{anonymous}{rss}, 26 * $MB, 28 * $MB, "$name: anonymous");
    between($seg->{anonymous}{size}, 1108 * $MB, 1400 * $MB,
        "$name: reserved space is size");
    between($seg->{shared}{rss}, 8 * $MB, 8 * $MB, "$name: shared");
    between($seg->{other}{rss}, 2 * $MB, 2 * $MB + $page, "$name: other");
    between($seg->{libraries}{size}, $static ? 0 : $MB, $static ? 0 : 4 * $MB,
        "$name: libraries");

    for my $f (qw(rss pss uss swap)) {
        my $sum = 0;
        $sum += $_->{$f} for values %$seg;
        is($sum, $tot->{$f}, "$name: the parts' $f add up");
    }
    is($tot->{physical_plus_swap}, $tot->{rss} + $tot->{swap},
        "$name: physical and swap");

    # the roll-up keeps fractions of a KiB of each mapping's PSS

    my %roll = (rss => 0, pss => 0, uss => 0, swap => 0);
    my $maps = () = Test::Procmgr::read_path("/proc/$pid/smaps")
        =~ /^[0-9a-f]+-/mg;

    for (split /\n/, Test::Procmgr::read_path("/proc/$pid/smaps_rollup")) {
        my ($key, $kib) = /^(Rss|Pss|Private_\w+|Swap):\s+(\d+)/ or next;
        $roll{lc($key) =~ s/private_.*/uss/r} += $kib * 1024;
    }

    is("$tot->{rss} $tot->{uss} $tot->{swap}",
        "$roll{rss} $roll{uss} $roll{swap}", "$name: as the kernel adds");
    between($tot->{pss}, $roll{pss} - 1024 * $maps, $roll{pss},
        "$name: its PSS");

    my $ps = python('import psutil; m = psutil.Process(int(sys.argv[1]))'
        . '.memory_full_info(); print(json.dumps([m.rss, m.uss, m.swap]))',
        $pid);

  SKIP: {
        skip 'no psutil', 1 if !$ps;
        is("@$ps[1, 2]", "$tot->{uss} $tot->{swap}", "$name: as psutil");
    }

    is($j->{thread_stacks}, $threads, "$name: stacks of threads");
}

sub between {
    my ($got, $least, $most, $name) = @_;
    ok(defined $got && $got >= $least && $got <= $most, $name)
        or diag("$name: " . ($got // 'undef') . " is not in $least..$most");
}

sub start {
    my ($name, $options, $threads) = @_;
    my $file = "$t->{dir}/$name";

    system("gcc -O1 $options -pthread -o '$t->{dir}/layout' "
        . "$Test::Procmgr::TOP/t/lib/layout.c") == 0 or die 'gcc';
    rename "$t->{dir}/layout", $file or die "$file: $!";

    pipe my $in, my $hold or die;
    pipe my $said, my $out or die;

    my $pid = fork() // die;
    if (!$pid) {
        open STDIN, '<&', $in or POSIX::_exit(1);
        open STDOUT, '>&', $out or POSIX::_exit(1);
        close $_ for $hold, $said, @inputs;
        exec { $file } $file, $threads or POSIX::_exit(1);
    }

    push @pids, $pid;
    push @inputs, $hold;
    close $_ for $in, $out;

    is(scalar(<$said>), "ready\n", ($name =~ s/\n/ /r) . ': it runs');
    return $pid;
}

END {
    my $status = $?;
    close $_ for @inputs;
    for my $pid (@pids) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    $? = $status;
}
