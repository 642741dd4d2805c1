#!/usr/bin/perl

# listen=: the badge follows rows that others write at once, and costs no
# statement while nothing happens; without it one in an interval.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 14)->run(workers => 2,
    interval => '10m', session => 'idle=15m absolute=8h');
my $conf = $t->read_file('etc/nginx.conf');
my $s = $t->login();
my $rows = 0;

sub unread { $s->get('/log/unread')->{json}{unread} // 'none' }
sub row {
    $rows++;
    $t->psql("SELECT procmgr.log_add('elsewhere', 'login', 'x', 'x', NULL,
        NULL, NULL, 'success', NULL, NULL)");
}

# statements that the database has seen of the badge

sub asked {
    return scalar(() = $t->error_log() =~ /pg query \S+: SELECT procmgr\.log_unread/g);
}

# without it: within the interval nobody asks again, and nobody knows

my $was = unread();
row();
is(unread(), $was, 'without: the word of the interval');
my $asked = asked();
unread() for 1 .. 20;
is(asked(), $asked, 'which is one for all workers');

# with it

my ($conninfo) = $conf =~ /procmgr_database "([^"]*)"/;
$t->write('etc/nginx.conf',
    $conf =~ s/(procmgr_database "[^"]*")/$1 "listen=$conninfo"/r);
$t->reload();

sub listeners {
    return $t->psql("SELECT count(*) FROM pg_stat_activity
        WHERE query = 'LISTEN procmgr_unread'");
}

ok($t->wait_for(sub { listeners() == 2 }, 20), 'each worker listens');

my $before = unread();
row();
ok($t->wait_for(sub { unread() == $before + 1 }, 20), 'a row of another host');
$s->post('/log/read', { all => JSON::PP::true });
ok($t->wait_for(sub { unread() == 0 }, 20), 'marked as read');

row();
ok($t->wait_for(sub { unread() == 1 }, 20), 'and again');

# all notices have come: both workers know, neither asks

sleep 1;
unread() for 1 .. 10;
$asked = asked();
for (1 .. 40) {
    unread();
    sleep 0.05;
}
is(asked(), $asked, 'no statement while nothing happens');

# they are lost, and come back; what was missed is seen

$t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query = 'LISTEN procmgr_unread'");
ok($t->wait_for(sub { listeners() == 2 }, 20), 'listeners come back');

$t->pg_stop();
$t->pg_start();
row();
ok($t->wait_for(sub { listeners() == 2 }, 30), 'also after a restart');
ok($t->wait_for(sub { unread() eq '2' }, 20), 'what they missed is seen');

# a listener that finds nobody is told once and harms nothing

$t->write('etc/nginx.conf',
    $conf =~ s/(procmgr_database "[^"]*")/$1 "listen=$conninfo port=1"/r);
$t->reload();
$s = $t->login();
is($s->get('/log')->{status}, 200, 'a listener that finds nobody');
ok($t->wait_for(sub {
    $t->error_log() =~ /is away at "listen="/
}, 20), 'is told');
sleep 2;
my $log = $t->error_log();
my %away;
$away{$1}++ while $log
    =~ /\[error\] (\d+)#\d+: procmgr: the database is away at "listen="/g;
is(scalar(grep { $_ > 1 } values %away), 0, 'once per worker');
is($s->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=20' })->{status}, 200, 'all else works');
