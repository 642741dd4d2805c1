#!/usr/bin/perl

# Managed services: their list and state, one of them, a real restart, what a
# role may do, and every malformed request.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 54)->run();
my $s = $t->login('operator');

is($t->get('/control/services')->{status}, 401, 'no list without a session');
is($t->request('POST', '/control/services',
    { name => 'demo', action => 'restart' })->{status}, 401,
    'no action without a session');

# a service of its own process, started, restarted, stopped

my $r = act('demo', 'start');
is($r->{status}, 200, 'start');
is($r->{json}{retStatus}, 'success', 'started');
my $pid = $r->{json}{after}{main_pid};
ok(alive($pid), 'its process lives');

$r = act('demo', 'start');
is($r->{json}{retStatus}, 'success', 'start of a running one succeeds');
is($r->{json}{code}, 'unchanged', 'and says that nothing changed');

$r = act('demo', 'restart');
is($r->{status}, 200, 'restart');
is($r->{json}{retStatus}, 'success', 'restarted');
isnt($r->{json}{after}{main_pid}, $pid, 'by another process');
ok(!alive($pid), 'the old one is gone');
ok(alive($r->{json}{after}{main_pid}), 'the new one lives');
is($r->{json}{before}{main_pid}, $pid, 'before: the old process');
is($r->{json}{before}{state}, 'active', 'before: active');
is($r->{json}{after}{state}, 'active', 'after: active');
is($r->{json}{exit_code}, 0, 'exit status');
is_deeply($r->{json}{request}, { name => 'demo', action => 'restart' },
    'what was asked');
is($r->{json}{argv}[1], 'restart', 'what was run');
is($r->{json}{target}, 'demo', 'target');
is($r->{json}{logType}, 'service_restart', 'type');
is($r->{json}{actor}, 'operator', 'actor');
is($r->{json}{remote}, '127.0.0.1', 'remote');
is($r->{json}{state}, 'done', 'done');
ok($r->{json}{is_exec}, 'is_exec');
is($r->{json}{cmdret}, $r->{json}{stdout}, 'cmdret is the output');
is($r->{json}{retopt}, 'Unkown', 'retopt');
like($r->{json}{logTime}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'logTime');
$pid = $r->{json}{after}{main_pid};

# the list

my ($demo) = grep { $_->{name} eq 'demo' } @{ list() };
ok($demo, 'the list has it');
is($demo->{manager}, 'lsb', 'manager');
is($demo->{state}, 'active', 'state');
is($demo->{main_pid}, $pid, 'main_pid');
is_deeply([sort grep { /^(?:re)?st(?:art|op)$/ } @{ $demo->{actions} }],
    [qw(restart start stop)], 'actions');

$r = $s->get('/control/services/demo');
is($r->{status}, 200, 'one service');
is($r->{json}{main_pid}, $pid, 'with its state');
is($s->get('/control/services/nosuch')->{status}, 404, 'one that is not');
is($s->get('/control/services/-x')->{status}, 400, 'one that cannot be');

$r = act('demo', 'stop');
is($r->{json}{retStatus}, 'success', 'stop');
ok(!alive($pid), 'no process is left');

is($t->wait_for(sub {
    my ($d) = grep { $_->{name} eq 'demo' } @{ list() };
    $d->{state} eq 'inactive' && $d->{state}
}, 5), 'inactive', 'the list sees it');

# what a role may do

$r = $s->get('/control/policy');
is($r->{status}, 200, 'policy');
is($r->{json}{role}, 'operator', 'its role');
ok($r->{json}{helper}{available}, 'the helper is there');
ok((grep { $_->{name} eq 'demo' } @{ $r->{json}{services} }),
    'the service may be acted on');
ok($r->{json}{can}{log_read}, 'an operator marks rows as read');
is(ref $s->get('/control/commands')->{json}, 'ARRAY', 'commands');

my $v = $t->login('viewer');
$r = $v->get('/control/policy');
is($r->{status}, 200, "a viewer's policy");
ok(!$r->{json}{can}{act} && !$r->{json}{can}{log_read}, 'lets him look');
is($v->get('/control/services')->{status}, 403, 'control is not for viewers');

# malformed requests make no row; names are in control_names.t

my $rows = $t->psql('SELECT count(*) FROM procmgr.op');

is(act('', 'restart')->{status}, 400, 'an empty name');
is(act("a\0", 'restart')->{status}, 400, 'a zero byte');
is(act('demo', 'destroy')->{status}, 400, 'no action');
is($s->post('/control/services', { name => 'demo' })->{status}, 400,
    'action is missing');
is($s->post('/control/services?x=1',
    { name => 'demo', action => 'stop' })->{status}, 400,
    'unknown parameter');
is($t->psql('SELECT count(*) FROM procmgr.op'), $rows, 'no row of them');


sub act {
    my ($name, $action) = @_;
    return $s->post('/control/services', { name => $name, action => $action });
}

sub list {
    my $r = $s->get('/control/services');
    return ref $r->{json} eq 'ARRAY' ? $r->{json} : [];
}

# a zombie waits for its parent alone

sub alive {
    my ($pid) = @_;
    my $stat = $pid && eval { Test::Procmgr::read_path("/proc/$pid/stat") };
    return $stat && $stat !~ /\) [ZX] /;
}
