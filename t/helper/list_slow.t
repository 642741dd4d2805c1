#!/usr/bin/perl

# Services whose status never comes do not keep the list from whoever waits:
# those that are left are told as not asked, the others as they are.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;
use Time::HiRes qw(time);

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy(join '', map { "service $_ lsb $d/"
	. ($_ =~ /^mute/ ? 'mute' : 'up')
	. " actions=status roles=admin timeout=60s\n" }
	qw(first mute1 mute2 mute3 mute4 last));
$h->script('mute', "exec sleep 600\n");
$h->script('up', "exit 0\n");

my $start = time;
my $r = $h->ask(verb => 'list', live => 1, _timeout => 60);

cmp_ok(time - $start, '<', 30, 'the list comes in time');
is(Test::Helper::word($r), 'ok', 'as a list');

my %is = map { $_->{name} => "$_->{state}: $_->{sub_state}" }
	map { Test::Helper::parse($_->{data}) } @{$r->{records}};

is_deeply(\%is, {
	first => 'active: running',
	(map { $_ => 'unknown: status timed out' } qw(mute1 mute2)),
	(map { $_ => 'unknown: status not asked, others took too long' }
		qw(mute3 mute4 last)),
}, 'with what is known of each');

done_testing();
