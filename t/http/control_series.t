#!/usr/bin/perl

# A worker that dies during a measured run takes neither its outcome nor the
# samples of its memory with it: the helper has both.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

my $t = Test::Procmgr->new(plan => 7);
my $d = "$t->{dir}/demo";

$t->{allow_exit} = qr/exited on signal 9/;
$t->{allow_alert} = qr/exited on signal 9/;

$t->run(policy => "command hold path=$d/hold hold user=nobody "
    . 'roles=operator,admin');
$t->write('demo/hold', "#!/bin/sh\n: > $d/run/began\nsleep 3\n", 0755);
chmod 0777, "$d/run";

my $s = $t->login('operator');
my $r = $s->post('/control/commands',
    { command => 'hold', measure => JSON::PP::true }, { Prefer => 'wait=0' });
is($r->{status}, 202, 'it runs');

ok($t->wait_for(sub { -e "$d/run/began" }), 'it has begun');
kill 'KILL', $t->workers();
ok($t->wait_for(sub { $t->get('/log')->{status} == 401 }),
    'new workers answer');

my $id = $r->{json}{op_id};
is($t->wait_for(sub {
    sleep 0.3;
    my $ret = $s->get("/log/$id")->{json}{retStatus} // '';
    return $ret eq 'success' || $ret eq 'failure' || $ret eq 'unknown'
        ? $ret : undef;
}, 90), 'success', 'its end is known');

my $row = $s->get("/log/$id")->{json};
cmp_ok($row->{usage}{real}, '>=', 3, 'what it cost is known');

my $list = $s->get("/log/$id/series")->{json};
cmp_ok(scalar @$list, '>', 10, 'so is its memory over time');
cmp_ok($list->[-1]{t}, '>', 1, 'to its end');
