#!/usr/bin/perl

# Idle and absolute ends, from the zone as from the database.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 9)->run(workers => 2,
    session => 'idle=3s absolute=9s');

my $busy = $t->login();
my $idle = $t->login();
my $start = time;

is($busy->get('/session')->{json}{idle_seconds}, 3, 'idle seconds');
is($idle->get('/session')->{status}, 200, 'both live');

my $dead = 0;
while (time < $start + 6) {
    $dead++ if $busy->get('/session')->{status} != 200;
    sleep 0.2;
}

is($dead, 0, 'one that is used outlives the idle time');
is($idle->get('/session')->{status}, 401, 'one that is not does not');
is($idle->get('/session')->{status}, 401, 'and does not come back');

while (time < $start + 9.5) {
    $busy->get('/session');
    sleep 0.2;
}
is($busy->get('/session')->{status}, 401, 'the absolute end comes to all');
is($busy->delete('/session')->{status}, 401, 'it cannot be ended again');

my $seen = $t->psql("SELECT count(*) FROM procmgr.session "
    . "WHERE seen > created + interval '2 s'");
is($seen, 1, 'last_seen of the used one was written');
is($t->login()->{status}, 200, 'a new login');
