#!/usr/bin/perl

# Idempotency-Key: a repeated request is the first one.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 19);
my $count = "$t->{dir}/demo/run/slow.count";

$t->run(policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart,start roles=operator,admin timeout=30");
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    *) echo run >> $count; sleep 0.7 ;;
esac
EOT

my $s = $t->login('operator');
my $key = '6fa459ea-ee8a-4ca4-894e-db77e160355e';

my $r = act('slow', 'restart', $key);
is($r->{status}, 200, 'the first');
my $id = $r->{json}{op_id};

$r = act('slow', 'restart', $key);
is($r->{status}, 200, 'again');
is($r->{json}{op_id}, $id, 'is the first');
is($r->{json}{retStatus}, 'success', 'with its result');
is(act('slow', 'restart', uc $key)->{json}{op_id}, $id,
    'in capitals too');
is(act('slow', 'restart', "\"$key\"")->{json}{op_id}, $id, 'or in quotes');
is($s->post('/control/services', '{"action":"restart", "name":"slow"}',
    { 'Idempotency-Key' => $key, 'Content-Type' => 'application/json' })
    ->{json}{op_id}, $id, 'the order of members does not matter');
is(runs(), 1, 'it ran once');

$r = act('demo', 'start', $key);
is($r->{status}, 409, 'another request with this key');
is($r->{json}{code}, 'idempotency_mismatch', 'is refused');
is($r->{json}{op_id}, $id, 'and names the first');
is(runs(), 1, 'nothing ran');

$r = $t->login('admin')->post('/control/services',
    { name => 'slow', action => 'restart' }, { 'Idempotency-Key' => $key });
isnt($r->{json}{op_id}, $id, 'keys are of an account');
is(runs(), 2, 'so that it ran');

is(act('slow', 'restart', 'x')->{status}, 400, 'a key that is none');

# a repeat while the first runs

$key =~ s/^6/7/;
$r = $s->post('/control/services', { name => 'slow', action => 'restart' },
    { 'Idempotency-Key' => $key, Prefer => 'wait=0' });
$id = $r->{json}{op_id};
$r = act('slow', 'restart', $key);
is($r->{status}, 202, 'a repeat of a running one');
is($r->{json}{op_id}, $id, 'is that one');
is($r->{headers}{location}, "/log/$id", 'and points to it');

# what was refused stays refused

my $k2 = '11111111-2222-4333-8444-555555555555';
$id = act('nosuch', 'restart', $k2)->{json}{op_id};
is(act('nosuch', 'restart', $k2)->{json}{op_id}, $id, 'a refused one too');


sub act {
    my ($name, $action, $key) = @_;
    return $s->post('/control/services', { name => $name, action => $action },
        { 'Idempotency-Key' => $key });
}

sub runs { scalar(() = Test::Procmgr::read_path($count) =~ /\n/g) }
