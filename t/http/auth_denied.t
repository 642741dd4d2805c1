#!/usr/bin/perl

# What is denied by Host, Origin or token is in the log, not a row each.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 19)->run(server =>
    'set_real_ip_from 127.0.0.1; real_ip_header X-From;');
my $s = $t->login();
my $n = 300;

# all of a code that the database was told of, by any worker

sub counted {
    my ($code, $want) = @_;
    my $sql = "SELECT coalesce(sum(n), 0) FROM procmgr.request_denied_count "
        . "WHERE code = '$code'";

    $t->wait_for(sub { ($t->psql($sql) || 0) >= $want }, 90);
    return $t->psql($sql);
}

sub written {
    return $t->psql("SELECT count(*) FROM procmgr.op "
        . "WHERE type = 'request_denied'");
}

# not across the end of five minutes

sleep 1 while time % 300 > 210;

my $evil = "<b>\"'evil" . 'x' x 400;
my $refused = 0;

for (1 .. $n) {
    $refused++ if $t->get('/session', { Host => $evil })
        ->{status} == 421;
}

is($refused, $n, 'another name is refused each time');
is(counted('bad_host', $n), $n, 'and counted each time');
is(written(), 1, 'in one row');

my $row = $s->get('/log?logType=request_denied')->{json}{rows}[0];
is_deeply([@$row{qw(target actor remote retStatus code)}],
    [substr($evil, 0, 256), undef, '127.0.0.1', 'refused', 'bad_host'],
    'this one');

is($s->post('/log/read', { all => \1 }, { Origin => 'http://evil.example',
    'User-Agent' => "\"\\<b>\xff" . 'x' x 1000 })->{status}, 403,
    'another origin');
is(counted('bad_origin', 1), 1, 'is counted');

$row = $s->get('/log?logType=request_denied&limit=1')->{json}{rows}[0];
is_deeply([@$row{qw(target code)}, $row->{request}{path}],
    ['http://evil.example', 'bad_origin', '/log/read'], 'and in the log');
is(length $row->{request}{agent}, 254, 'the agent is cut');
like($row->{request}{agent}, qr/^"\\<b>\x{fffd}x+$/, 'and text');

is($s->post('/log/read', { all => \1 }, { 'X-CSRF-Token' => 'x' })->{status},
    403, 'another token');
is(counted('bad_csrf', 1), 1, 'is counted');

$row = $s->get('/log?logType=request_denied&limit=1')->{json}{rows}[0];
is_deeply([@$row{qw(target actor code)}], ['admin', undef, 'bad_csrf'],
    'with whose session it came');

is(written(), 3, 'three rows of it all');

# a statement for many, as the database's own statistics tell some time later

my $changes = sub {
    return split /\|/, $t->psql("SELECT n_tup_ins, n_tup_upd "
        . "FROM pg_stat_user_tables WHERE relname = 'request_denied_count'");
};

ok($t->wait_for(sub { ($changes->())[0] >= 3 }, 60), 'what was written');
cmp_ok(($changes->())[1], '<', $n / 3, 'was not a write for each request');


# no database: what is counted waits for it, of some sources by name

my $told = counted('bad_host', $n);

$t->pg_stop();

for (1 .. 60) {
    $t->get('/session', { Host => $evil, 'X-From' => "192.0.2.$_" });
}

is($t->get('/session', { Host => $evil })->{status}, 421,
    'refused all the same');

$t->pg_start();

is(counted('bad_host', $told + 61), $told + 61, 'all were counted');
is($t->psql("SELECT count(*) FROM procmgr.op WHERE remote = '*'"), 1,
    'the rest of the sources together');
cmp_ok(written(), '<=', 20, 'not a row each');
