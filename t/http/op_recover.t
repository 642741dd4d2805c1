#!/usr/bin/perl

# What a crash left open is settled: what was never begun, what was begun and
# nobody knows, and nothing that still runs.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 12);
my $count = "$t->{dir}/demo/run/slow.count";

$t->{allow_exit} = qr/exited on signal 9/;
$t->{allow_alert} = qr/exited on signal 9/;

$t->run(workers => 2, policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart roles=operator,admin timeout=60\n"
    . "service long lsb $t->{dir}/demo/long "
    . "actions=restart roles=operator,admin timeout=60");

for my $name (qw(slow long)) {
    my $time = $name eq 'slow' ? 2 : 44;
    $t->write("demo/$name", <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    *) echo $name >> $count; sleep $time ;;
esac
EOT
}

my $s = $t->login('operator');
my $start = time;

# committed, and its worker died before it could start anything

my $row = $s->get('/log?limit=1')->{json}{rows}[0];
my $none = '0a0a0a0a-1111-4222-8333-444444444444';
is($t->psql("SELECT (procmgr.op_intent('$none', '$row->{host}', "
    . "'service_start', 'never', 'operator', 'operator', '127.0.0.1', "
    . "'{}', NULL, NULL))::json->>'status'"), 'ok', 'an intent alone');

# begun, and worker and helper died

my $lost = act('slow');
$t->wait_for(sub { -s $count });
my $long = act('long');
$t->wait_for(sub { Test::Procmgr::read_path($count) =~ /long/ });

my ($of_slow) = grep { $t->children($_) =~ m{demo/slow} } $t->helpers();
ok($of_slow, 'its helper is found');
kill 'KILL', $t->workers(), $of_slow;
ok($t->wait_for(sub { $t->get('/log')->{status} == 401 }),
    'new workers answer');

is(status($_), 'running', 'open') for $none, $lost, $long;

is($t->wait_for(sub { my $v = status($lost); $v ne 'running' && $v }, 60),
    'unknown', 'begun and lost: unknown');
is($t->wait_for(sub { my $v = status($none); $v ne 'running' && $v }, 60),
    'failure', 'never begun: failure');
is($t->psql("SELECT code FROM procmgr.op_row WHERE op_id = '$none'"),
    'not_started', 'not started');
ok(time - $start < 60, 'within a minute');

is($t->wait_for(sub { my $v = status($long); $v ne 'running' && $v }, 60),
    'success', 'what still ran has its own end');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'no target is held');


sub act {
    my ($name) = @_;
    return $s->post('/control/services',
        { name => $name, action => 'restart' },
        { Prefer => 'wait=0' })->{json}{op_id};
}

sub status {
    my ($id) = @_;
    sleep 0.3;
    return $s->get("/log/$id")->{json}{retStatus} // 'running';
}
