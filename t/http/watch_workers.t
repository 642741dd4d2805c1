#!/usr/bin/perl

# Workers that are killed all the time: the watches go on in another, no
# sample is taken twice, none is lost for longer than a lease; a reload costs
# no more; and after a restart of nginx they are there again.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use constant {
    INTERVAL => 100,
    LEASE    => 2000,
    SECONDS  => $ENV{PROCMGR_TEST_KILL} // 15,
};

my $t = Test::Procmgr->new(plan => 38)->run(workers => 2);
$t->{allow_exit} = qr/exited on signal 9/;
$t->{allow_alert} = qr/exited on signal 9/;
my $s = $t->login('operator');

my @p = map { spawn() } 1 .. 3;
my @id = map {
    my $r = $s->post('/memory/watches', { pid => $_->{pid},
        interval_ms => INTERVAL, history_size => 5000, thresholds_mb => [] });
    is($r->{status}, 201, 'a watch');
    $r->{json}{id};
} @p;

# one worker after the other

my $end = time + SECONDS;
my $killed = 0;

while (time < $end) {
    my @w = $t->workers();
    if (@w) {
        kill 'KILL', $w[rand @w];
        $killed++;
    }
    sleep 0.3 + rand 1.2;
}

cmp_ok($killed, '>=', SECONDS / 3, "$killed workers were killed");
ok($t->wait_for(sub { 2 == $t->workers() }, 20), 'there are two again');

for my $id (@id) {
    look($id, 'killed');
    is(get("/memory/watches/$id")->{is_running}, JSON::PP::true, 'runs on');
}

# reloads

my $before = get("/memory/watches/$id[0]")->{samples};
for (1 .. 3) {
    $t->reload();
    sleep 0.5;
}
cmp_ok($t->wait_for(sub {
    my $n = get("/memory/watches/$id[0]")->{samples};
    $n > $before + 10 && $n;
}, 20), '>', $before, 'samples come after reloads');
look($id[0], 'reloaded');

# both at once

kill 'KILL', $t->workers();
ok($t->wait_for(sub { 2 == $t->workers() }, 20), 'both killed, and back');
$before = get("/memory/watches/$id[0]")->{samples};
ok($t->wait_for(sub {
    get("/memory/watches/$id[0]")->{samples} > $before + 5
}, 20), 'samples come again');
look($id[0], 'both at once');

# one that is frozen is no holder for longer than the lease, and takes no
# sample again when it wakes

$s->get('/memory/watches') for 1 .. 20;

for my $pid ($t->workers()) {
    kill 'STOP', $pid;
    sleep 8;
    kill 'CONT', $pid;
    sleep 0.5;
}
look($id[0], 'frozen');

# restart: the definitions are in the database; of a process that has ended
# meanwhile only the end is told

is($s->request('PATCH', "/memory/watches/$id[0]",
    { thresholds_mb => [7000] })->{status}, 200, 'another threshold');
is($s->post("/memory/watches/$id[2]/stop")->{status}, 200, 'one is stopped');

$t->nginx_stop();
end($p[1]);
$t->start();

my $w = $t->wait_for(sub {
    my $j = get("/memory/watches/$id[0]");
    ref $j && ($j->{samples} // 0) > 3 && $j;
}, 30);
ok($w, 'it is back');
is($w && $w->{is_running}, JSON::PP::true, 'and runs');
is_deeply($w && $w->{config}{thresholds_mb}, [7000], 'as it was changed');
is($t->wait_for(sub {
    my $j = get("/memory/watches/$id[1]");
    ref $j && $j->{state} eq 'ended' && 'ended';
}, 20), 'ended', 'the one without its process ends');
is(get("/memory/watches/$id[2]")->{state}, 'stopped',
    'the stopped one stays stopped');
is(code($s->post('/memory/watches', { pid => $p[0]{pid} })),
    '409 already_exists', 'its target is taken');
is($t->wait_for(sub {
    $t->psql("SELECT count(*) FROM procmgr.op_row WHERE "
        . "type = 'memory_watch' AND code = 'ended'")
}, 20), 1, 'one row of the end');

is($s->delete("/memory/watches/$_")->{status}, 204, 'deleted') for @id;

end(@p[0, 2]);


# samples in order, one for a slot, gaps of two intervals and a lease at most

sub look {
    my ($id, $what) = @_;
    my $h = $t->wait_for(sub {
        my $j = get("/memory/watches/$id/history");
        ref $j eq 'HASH' && $j->{history};
    }, 20);
    my (%slot, $last);
    my ($double, $gap) = (0, 0);

    for (@$h) {
        my $ms = ms($_->{timestamp});
        $double++ if defined $last && $ms <= $last;
        $gap = $ms - $last if defined $last && $ms - $last > $gap;
        $last = $ms;
    }

    my $w = get("/memory/watches/$id");
    my $room = (ms($w->{current}{timestamp}) - ms($w->{started})) / INTERVAL;

    cmp_ok($w->{samples} + $w->{missed}, '<=', $room + 2,
        "$what: one sample of a slot at most") if $what ne 'killed';
    is($double, 0, "$what: none doubled");

    # nginx itself needs its time to start a worker on a loaded machine
    cmp_ok($gap, '<=', 2 * INTERVAL + LEASE + 3000, "$what: gaps of $gap ms");
}

sub get {
    my ($path) = @_;
    my $r = $s->get($path);
    return $r->{json};
}

sub ms {
    my @d = $_[0] =~ /(\d+)/g;
    return timegm(@d[5, 4, 3, 2], $d[1] - 1, $d[0]) * 1000 + $d[6];
}

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }
