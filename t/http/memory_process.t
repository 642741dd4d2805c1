#!/usr/bin/perl

# /memory/<pid>: what status says of it, the sizes of its parts, and that the
# parts add up.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 12)->run();
my $s = $t->login('admin');

is($t->get("/memory/$$")->{status}, 401, 'not without a session');
is($s->get('/memory/4194303')->{status}, 404, 'no such process');
is($s->get('/memory/watches/nothing')->{status}, 404, 'no such watch');
is($s->get("/memory/$$?nothing=1")->{status}, 400, 'an unknown parameter');

my $r = $s->get('/memory/self');
my $j = $r->{json};
is($r->{status}, 200, 'the worker itself');
is($j->{pid}, ($t->workers())[0], '- by its number');
is($j->{name}, 'nginx', '- and name');

$j = $s->get("/memory/$$?human=true")->{json};
my %status = map { /^(\w+):\s*(.*)/ } split /\n/,
    Test::Procmgr::read_path("/proc/$$/status");

is($j->{status}{PPid}, $status{PPid}, 'a number of status');
is("@{ $j->{status}{Uid} }", $status{Uid} =~ s/\t/ /gr, 'its users');
is($j->{status}{VmExe}, $status{VmExe} =~ s/ kB//r, 'a size in KiB');
is($j->{stats}{virtual_size}, $j->{status}{VmSize} * 1024, 'in bytes');
like($j->{stats}{virtual_size_human}, qr/^[\d.]+ [KM]iB$/, 'for people');
