#!/usr/bin/perl

# psutil's constants: every name with its value, and what Linux has not.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc qw(python);

my $t = Test::Procmgr->new(plan => 9)->run();
my $s = $t->login();

my $r = $s->get('/system/constants');
my $c = $r->{json};

is($r->{status}, 200, 'constants');
is(join(' ', sort keys %$c), 'connection hardware os priority resource status',
    'by what they are of');

my @other = grep { ref $c->{connection}{$_} } sort keys %{ $c->{connection} };
is(scalar keys %{ $c->{connection} }, 15, 'fifteen states of a connection');
is("@other", 'CONN_BOUND CONN_DELETE_TCB CONN_IDLE', 'three of other systems');
is_deeply([map { $c->{connection}{$_}{linux} ? 1 : 0 } @other], [0, 0, 0],
    'which say so');

ok($c->{os}{LINUX} && !$c->{os}{WINDOWS}, 'this system');
is($c->{connection}{CONN_SYN_RECV}, 'SYN_RECV', 'a value');

SKIP: {
    my $p = python('import json, psutil
kinds = ("STATUS", "IOPRIO", "RLIMIT", "RLIM", "CONN", "AF", "NIC", "POWER")
print(json.dumps({k: getattr(psutil, k) for k in dir(psutil)
    if k.split("_")[0] in kinds}))') or skip 'no psutil', 1;
    my %all = map { %{ $c->{$_} } } keys %$c;

    is_deeply([grep { !exists $all{$_} || $all{$_} ne $p->{$_} }
        sort keys %$p], [], 'all that psutil has, with its values');
}

is($s->get('/system/constants?x=1')->{status}, 400, 'nothing else to ask');
