#!/usr/bin/perl

# Pages of hugetlbfs, which the kernel keeps out of RSS and PSS: what is the
# process's own of them is in its USS, and the parts still add up.

use strict;
use warnings;

use lib 't/lib';
use IPC::Open2;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $MB = 1048576;
my $pool = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
my ($was, $pid);

# the pages that were added go back, whatever happens

END {
    my $status = $?;
    if ($pid) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    put($was) if defined $was;
    $? = $status;
}

plan skip_all => 'only root reserves pages' if $> != 0;
plan skip_all => 'no compiler' if system('gcc --version > /dev/null 2>&1');
plan skip_all => 'no pages of hugetlbfs' if !-e $pool;

chomp(my $n = Test::Procmgr::read_path($pool));
plan skip_all => 'the number of pages is not to be changed' if !put($n + 3);
$was = $n;
plan skip_all => 'no room for three huge pages'
    if Test::Procmgr::read_path($pool) < $n + 3;

my $t = Test::Procmgr->new();
my $file = "$t->{dir}/hugetlb";

system('gcc', '-O1', '-o', $file, "$Test::Procmgr::TOP/t/lib/hugetlb.c") == 0
    or die 'gcc';

$pid = open2(my $said, my $stdin, $file);
plan skip_all => 'no pages of hugetlbfs are given'
    if (readline($said) // '') ne "ready\n";

plan tests => 9 + 3;
$t->{plan} = 9;
$t->run();

my $j = $t->login('admin')->get("/memory/$pid")->{json};
my ($seg, $tot) = @$j{qw(segments totals)};

for my $f (qw(rss pss uss swap)) {
    my $sum = 0;
    $sum += $_->{$f} for values %$seg;
    is($sum, $tot->{$f}, "the parts' $f add up");
}

cmp_ok($tot->{uss}, '>=', 4 * $MB, 'two pages are its own');
cmp_ok($tot->{rss}, '<', 6 * $MB, 'none is in its RSS');

my %roll;
for (split /\n/, Test::Procmgr::read_path("/proc/$pid/smaps_rollup")) {
    $roll{$1} = $2 * 1024 if /^(\w+):\s+(\d+) kB/;
}

is($tot->{rss}, $roll{Rss}, 'RSS as the kernel has it');
is($tot->{uss}, $roll{Private_Clean} + $roll{Private_Dirty}
    + $roll{Private_Hugetlb}, 'USS as the kernel adds');

SKIP: {
    my $uss = python('import psutil; print(json.dumps(psutil.Process('
        . 'int(sys.argv[1])).memory_full_info().uss))', $pid);
    skip 'no psutil', 1 if !defined $uss;
    is($tot->{uss}, $uss, 'and psutil');
}

sub put {
    open my $f, '>', $pool or return 0;
    print $f "$_[0]\n";
    return close $f;
}
