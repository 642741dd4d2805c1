#!/usr/bin/perl

# What a worker counted of denied requests is written though it ends first.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 11)->run(workers => 2);
my $denied = 0;

$t->{allow_exit} = $t->{allow_alert} = qr{exited on signal 9};

sub deny {
    for (1 .. 30) {
        $denied++ if $t->get('/session', { Host => 'evil.example' })
            ->{status} == 421;
    }
    return $denied;
}

sub counted {
    return $t->psql('SELECT coalesce(sum(n), 0) '
        . 'FROM procmgr.request_denied_count');
}

sub all_counted {
    $t->wait_for(sub { (counted() || 0) >= $denied }, 60);
    return counted();
}


# the first is written at once, what follows five seconds later

my @workers = $t->workers();
is(deny(), 30, 'denied');
ok($t->wait_for(sub { counted() }, 30), 'the first are written');
deny();

kill 'KILL', @workers;
$t->wait_for(sub { 2 == grep { my $p = $_; !grep { $_ == $p } @workers }
    $t->workers() }, 60);
is(all_counted(), $denied, 'workers that are killed lose nothing');

deny();
$t->reload();
deny();
is(all_counted(), $denied, 'nor those that are replaced');


# killed while there is no database

$t->pg_stop();
deny();

@workers = $t->workers();
kill 'KILL', @workers;
$t->wait_for(sub { 2 == grep { my $p = $_; !grep { $_ == $p } @workers }
    $t->workers() }, 60);
is(deny(), 180, 'denied by those that come after');

$t->pg_start();
is(all_counted(), $denied, 'written when the database is back');

is($t->psql("SELECT count(*) FROM procmgr.op WHERE remote = '127.0.0.1' "
    . "AND type = 'request_denied'") <= 2, 1, 'not a row each');


# the last workers write what there is

deny();
$t->nginx_stop('QUIT');
is(counted(), $denied, 'a stop that waits for requests waits for them');

$t->start();
$t->pg_stop();
deny();

my ($master) = $t->{master};
my $start = time;

$t->nginx_stop('QUIT');
ok(!-d "/proc/$master", 'it ends without a database');
cmp_ok(time - $start, '<', 15, 'and does not wait for one');
is($denied, 240, 'all were denied');
