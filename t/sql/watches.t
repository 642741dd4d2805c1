#!/usr/bin/perl

# Definitions of watches: a row of the log with each change, once however
# often it is said; only those of a host; the role that a maker has today.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new(plan => 25);
my $def = { pid => 7, interval_ms => 100 };
my @who = ('anna', 'operator', '127.0.0.1');
my $w = $db->uuid(1);

$db->psql("INSERT INTO procmgr.account (name, role, hash) "
    . "VALUES ('anna', 'operator', '\$y\$x')");

is_deeply($db->call('watch_list', 'h'), [], 'none');
is_deeply($db->call('watch_add', $w, 'h', 'pid 7 (x)', @who, $def),
    { status => 'ok' }, 'added');
is_deeply($db->call('watch_add', $w, 'h', 'pid 7 (x)', @who, $def),
    { status => 'ok' }, 'said again');

my $list = $db->call('watch_list', 'h');
is(@$list, 1, 'is one');
is_deeply($list->[0]{def}, $def, 'its definition');
ok($list->[0]{running}, 'that runs');
is($list->[0]{actor}, 'anna', 'of its maker');
is_deeply($db->call('watch_list', 'other'), [], 'of this host alone');
is(rows('started'), 1, 'and one row');

# changes

is(change(2, 'stopped')->{status}, 'ok', 'stopped');
change(2, 'stopped');
is(rows('stopped'), 1, 'once');
ok(!$db->call('watch_list', 'h')->[0]{running}, 'does not run');
change(3, 'changed', { pid => 7, interval_ms => 200 });
is($db->call('watch_list', 'h')->[0]{def}{interval_ms}, 200, 'changed');
change(4, 'started');
ok($db->call('watch_list', 'h')->[0]{running}, 'runs again');
is($db->call('watch_change', $db->uuid(5), 'other', $w, @who, 'deleted',
    undef, undef)->{status}, 'missing', 'not from another host');
$db->call('watch_change', $db->uuid(6), 'h', $w, @who, 'exploded', undef,
    undef);
is($db->{state}, '22023', 'no other change');

# notes

my $n = noted(10, 'memory_alert', 'threshold_exceeded');
is_deeply($n, { status => 'ok', fresh => JSON::PP::true, role => 'operator' },
    'an alert, and the role of its maker');
is(noted(10, 'memory_alert', 'threshold_exceeded')->{fresh}, JSON::PP::false,
    'written once');
$db->psql("UPDATE procmgr.account SET disabled = true WHERE name = 'anna'");
is(noted(11, 'memory_alert', 'threshold_exceeded')->{role}, undef,
    'who is disabled has no role');
noted(12, 'memory_watch', 'ended');
ok(!$db->call('watch_list', 'h')->[0]{running}, 'an end ends it');
$db->call('watch_note', $db->uuid(13), 'h', $w, 'login', 'x', @who, 'x', {});
is($db->{state}, '22023', 'no rows of other kinds');

is(change(7, 'deleted')->{status}, 'ok', 'deleted');
is_deeply($db->call('watch_list', 'h'), [], 'none again');
is($db->call('log_verify', 'h', 0, 5000)->{ok}, JSON::PP::true,
    'the chain is whole');
is($db->psql('SELECT count(*) FROM procmgr.op_state WHERE status <> '
    . "'success'"), 0, 'every row is complete at once');


sub change {
    my ($i, $code, $d) = @_;
    return $db->call('watch_change', $db->uuid($i), 'h', $w, @who, $code,
        { samples => 3 }, $d);
}

sub noted {
    my ($i, $type, $code) = @_;
    return $db->call('watch_note', $db->uuid($i), 'h', $w, $type, 'pid 7 (x)',
        @who, $code, { stdout => 'x' });
}

sub rows {
    return $db->psql("SELECT count(*) FROM procmgr.op_row WHERE code = '$_[0]'");
}
