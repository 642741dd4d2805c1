#!/usr/bin/perl

# Failpoints are in the build of the fault run, and nothing of them in any
# other.

use strict;
use warnings;

use lib 't/lib';
use Test::More tests => 5;
use Test::Procmgr;
use Test::ProcmgrFault;

my %name;

for my $file (glob('src/*/*.c'), 'ngx_http_procmgr_module.c') {
    my $text = Test::Procmgr::read_path($file);
    $name{"fail_$1"} = $file while $text =~ /\bpm_fail\((\w+),/g;
}

my $build = $ENV{BUILD_DIR} || 'build/release';
my $faults = Test::ProcmgrFault::build_dir();

cmp_ok(scalar keys %name, '>=', 14, scalar(keys %name) . ' failpoints');
is_deeply([missing($faults, sort keys %name)], [],
    'all are in the build of the fault run');

my @there = (sort keys %name, 'pm_fail_at', 'pm_fail_dir',
    'PROCMGR_FAIL_DIR');
is_deeply([missing($build, @there)], [sort @there], 'none is in this one');

cmp_ok(scalar(Test::ProcmgrFault::points()), '>=', 14,
    'the fault run stops at ' . Test::ProcmgrFault::points() . ' points');
is(scalar(Test::ProcmgrFault::faults()), 6, 'and does six things there');


# those of the names that stand in none of a build's three programs

sub missing {
    my ($dir, @names) = @_;
    my $bytes = join "\0", map { Test::Procmgr::read_path("$dir/$_") }
        qw(ngx_http_procmgr_module.so procmgr-helper procmgrctl);

    return sort grep { $bytes !~ /\b\Q$_\E\b/ } @names;
}
