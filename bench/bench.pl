#!/usr/bin/perl

# Figures as ratios, all measured in one run: the machine's speed drops out.
# One file for each topic; those named are run, or all.
#
#   perl bench/bench.pl [http process network page ...]
#   PROCMGR_BENCH_N  processes ("300 1000")    PROCMGR_BENCH_ROUNDS

use strict;
use warnings;

use FindBin;

my $status = 0;

for my $topic (@ARGV ? @ARGV : qw(http process network control database
                              memory page)) {
    my $file = "$FindBin::Bin/$topic.pl";

    next if !@ARGV && !-e $file;

    print "\n$topic\n";
    $status = 1 if system($^X, $file) != 0;
}

exit $status;
