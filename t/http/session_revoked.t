#!/usr/bin/perl

# A session that ends is dead in every worker within a second, whoever ended
# it; one that is in use costs the database one small statement a second.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 23)->run(workers => 4,
    main => 'worker_rlimit_nofile 4096;');

# the statuses of many fresh connections, and how many workers gave them

sub statuses {
    my ($s) = @_;
    my %n;
    $n{ $s->get('/session')->{status} }++ for 1 .. 20;
    return join ' ', sort keys %n;
}

# seconds until all say 401

sub death {
    my ($s, $since) = @_;
    $t->wait_for(sub { statuses($s) eq '401' }, 5) or return 99;
    return time - $since;
}

my $s = $t->login();
is(statuses($s), '200', 'alive in all workers');

my $keep = $t->login();
$s->delete('/session');
is(statuses($s), '401', 'after a logout it is dead at once');
is(statuses($keep), '200', 'another one is not');


# ended elsewhere: by another host, by procmgrctl, by hand

sub elsewhere {
    my ($sql, $name, $account) = @_;
    my $s = $t->login($account);
    my ($key) = $s->{cookie} =~ /=(.*)/;
    my $hash = Digest::SHA::sha256_hex($key);

    statuses($s);
    my $at = time;
    $t->psql($sql =~ s/HASH/$hash/r);
    cmp_ok(death($s, $at), '<', 1.8, $name);
}

elsewhere("SELECT procmgr.session_end('HASH')", 'ended at another host');

elsewhere("UPDATE procmgr.account SET disabled = true WHERE name = 'viewer';"
    . "SELECT procmgr.epoch_grow()", 'account disabled', 'viewer');
$t->psql("UPDATE procmgr.account SET disabled = false");

elsewhere("UPDATE procmgr.account SET deleted = now() WHERE name = 'operator';"
    . "SELECT procmgr.epoch_grow()", 'account deleted', 'operator');

# a role that changes is another role within a second

my $viewer = $t->login('viewer');
is($viewer->get('/session')->{json}{role}, 'viewer', 'a viewer');
$t->psql("UPDATE procmgr.account SET role = 'operator' WHERE name = 'viewer';"
    . "SELECT procmgr.epoch_grow()");
sleep 1.1;
is($viewer->get('/session')->{json}{role}, 'operator', 'is an operator');


# a new password

my $a = $t->login('viewer');
my $b = $t->login('viewer');
my $r = $a->post('/session/password',
    { old => 'wrong', new => 'new password 1' });
is($r->{status}, 403, 'the old password is wanted');
is($r->{json}{code}, 'wrong_password', 'its code');
is($a->post('/session/password', { old => $t->password('viewer'),
    new => 'short' })->{status}, 400, 'and a new one of eight bytes');
is($a->post('/session/password', { old => $t->password('viewer'),
    new => 'new password 1' })->{status}, 204, 'it is changed');
is(statuses($b), '401', 'all other sessions are dead');
is(statuses($a), '200', 'this one is not');
is($t->login('viewer')->{status}, 401, 'the old password is no more');
is($t->login('viewer', 'new password 1')->{status}, 200, 'the new one is');

my $hash = $t->psql("SELECT hash FROM procmgr.account WHERE name = 'viewer'");
like($hash, qr/^\$y\$jBT\$/, 'it is stored as yescrypt');


# fresh authentication

my $auth = $t->psql("SELECT max(auth_at) FROM procmgr.session");
is($keep->post('/session/reauth', { password => 'wrong' })->{status}, 403,
    'not with a wrong password');
is($keep->post('/session/reauth', { password => $t->password('admin') })
    ->{status}, 204, 'with the right one');
is($t->psql("SELECT max(auth_at) > '$auth' FROM procmgr.session"), 't',
    'is written down');


# what it costs

$t->psql("ALTER SYSTEM SET log_statement = 'all'");
$t->psql("SELECT pg_reload_conf()");
sleep 1.5;

my $from = length $t->read_file('pg/data/server.log');
my $end = time + 4;
my $requests = 0;

while (time < $end) {
    $keep->get('/session');
    $requests++;
}

my @said = substr($t->read_file('pg/data/server.log'), $from)
    =~ /procmgr\.(session_\w+)/g;

cmp_ok($requests, '>', 100, 'many requests');
cmp_ok(scalar @said, '<=', 8,
    'about one statement a second, whatever the number of workers');
cmp_ok(scalar(grep { $_ eq 'session_epoch' } @said), '>=', 2, 'but that one');
