#!/usr/bin/perl

# The database freezes while a watch is changed: the answer says that nothing
# is known of it, sampling goes on meanwhile, and what was asked for again
# after the thaw is so here and there.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 41)->run(workers => 1);
my $s = $t->login('operator');
my $p = spawn();
my @frozen;

END { kill 'CONT', @frozen if @frozen }

for my $what (qw(stop delete)) {
    my $id = $s->post('/memory/watches', { pid => $p->{pid},
        thresholds_mb => [] })->{json}{id};
    ok($id, "a watch to $what");
    ok($t->wait_for(sub { watch($id)->{samples} > 3 }, 30), 'with samples');

    freeze();
    my $start = time;
    my $r = change($what, $id);
    is("$r->{status} $r->{json}{code}", '503 database_unavailable',
        "frozen: no $what");
    cmp_ok(time - $start, '<', 10, 'said in time');

    my $before = watch($id);
    ok($before->{is_running}, 'it runs on');
    ok($t->wait_for(sub { watch($id)->{samples} > $before->{samples} }, 30),
        'with more samples');
    thaw();

    # what was sent is done or not when the server goes on: the same here

    ok($t->wait_for(sub { $s->get('/log')->{status} == 200 }, 30), 'thawed');
    ok($t->wait_for(sub {
        my $there = $t->psql("SELECT count(*) FROM procmgr.watch "
            . ($what eq 'stop' ? 'WHERE running' : ''));
        my $here = $s->get("/memory/watches/$id");
        $there eq (($what eq 'stop' ? $here->{json}{is_running}
                                    : $here->{status} == 200) ? 1 : 0);
    }, 60), 'the same here and there');

    # asked for again, it is done

    ok($t->wait_for(sub {
        $r = change($what, $id);
        $r->{status} == ($what eq 'stop' ? 200 : 204) || $r->{status} == 404;
    }, 30), "the $what again");
    ok($what eq 'stop' ? !watch($id)->{is_running}
        : $s->get("/memory/watches/$id")->{status} == 404, 'is done here');
    is($t->psql("SELECT id FROM procmgr.watch WHERE running"), '',
        'and there');
    is($s->delete("/memory/watches/$id")->{status}, 204, 'deleted')
        if $what eq 'stop';
}

# a start and thresholds of which nothing is known: here as the server has it

my $id = $s->post('/memory/watches', { pid => $p->{pid},
    thresholds_mb => [100] })->{json}{id};
is($s->post("/memory/watches/$id/stop")->{status}, 200, 'a stopped watch');

for my $what (['PATCH', '', { thresholds_mb => [200] }],
    ['POST', '/start', undef])
{
    my ($method, $path, $body) = @$what;
    my $was = told($id);

    freeze();
    my $r = $s->request($method, "/memory/watches/$id$path", $body);
    is("$r->{status} $r->{json}{code}", '503 database_unavailable',
        "frozen: no $method");
    is(told($id), $was, 'it is as it was');
    thaw();
    ok($t->wait_for(sub { $s->get('/log')->{status} == 200 }, 30), 'thawed');
    sleep 10;       # the list is looked at twice
    is(told($id), $t->psql("SELECT running || ' ' || (def->'thresholds_mb'->>0"
        . ")::numeric::int FROM procmgr.watch"), 'the same here and there');
}

is($s->delete("/memory/watches/$id")->{status}, 204, 'deleted');

# one that is made while nobody answers is not there, and not later either

my $started = started();
freeze();
my $r = $s->post('/memory/watches', { pid => $p->{pid} });
is("$r->{status} $r->{json}{code}", '503 database_unavailable',
    'frozen: none is made');
is_deeply($s->get('/memory/watches')->{json}, [], 'and none runs');
thaw();

# the server runs what it was sent, as soon as it goes on

$t->wait_for(sub { started() == $started + 1 }, 20);
ok($t->wait_for(sub { !$t->psql('SELECT count(*) FROM procmgr.watch') }, 60),
    'what it made then is deleted');
is_deeply($s->get('/memory/watches')->{json}, [], 'and never ran');

ok($t->wait_for(sub {
    $r = $s->post('/memory/watches', { pid => $p->{pid} });
    $r->{status} == 201;
}, 30), 'thawed: made');
is($s->delete("/memory/watches/$r->{json}{id}")->{status}, 204, 'deleted');

$t->nginx_stop('QUIT');
$t->start();
my $list = $t->wait_for(sub {
    my $r = $s->get('/memory/watches');
    $r->{status} == 200 && $r;
}, 30);
sleep 1;
is_deeply($s->get('/memory/watches')->{json}, [],
    'a restart brings none back that nobody was told of');

is($t->psql("SELECT (procmgr.log_verify(NULL, 0, 5000))::json->>'ok'"), 'true',
    'the chain of the log is whole');

end($p);


sub started {
    return $t->psql("SELECT count(*) FROM procmgr.op_row "
        . "WHERE type = 'memory_watch' AND code = 'started'");
}

sub told {
    my $w = watch($_[0]);
    return ($w->{is_running} ? 'true' : 'false')
        . " $w->{config}{thresholds_mb}[0]";
}

sub watch { $s->get("/memory/watches/$_[0]")->{json} }

sub change {
    my ($what, $id) = @_;
    return $what eq 'stop' ? $s->post("/memory/watches/$id/stop")
                           : $s->delete("/memory/watches/$id");
}

sub freeze {
    my $pid = $t->pg_pid();
    @frozen = ($pid, split ' ',
        Test::Procmgr::read_path("/proc/$pid/task/$pid/children"));
    kill 'STOP', @frozen;
}

sub thaw {
    kill 'CONT', @frozen;
    @frozen = ();
}
