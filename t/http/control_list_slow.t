#!/usr/bin/perl

# A script whose status never comes does not hide the other services.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 5);
my $d = "$t->{dir}/demo";

$t->run(policy => "service mute lsb $d/mute actions=start roles=operator "
    . "timeout=60s");
$t->write('demo/mute', "#!/bin/sh\nsleep 600\n", 0755);

my $s = $t->login('operator');
my $r;

ok($t->wait_for(sub {
    $r = $s->get('/control/services');
    $r->{status} == 200;
}, 120), 'the list comes');

my %is = map { $_->{name} => $_ } @{ $r->{json} };

is($is{mute}{state}, 'unknown', 'its state is not known');
is($is{mute}{sub_state}, 'status timed out', 'and why');
is($is{demo}{state}, 'inactive', 'that of another is');
is($s->get('/system/summary')->{status}, 200, 'and the host can be seen');
