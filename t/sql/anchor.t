#!/usr/bin/perl

# A chain whose end was cut off is whole from inside; a mark that was kept
# elsewhere tells.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my ($out, $err, $rc);
my @marks;

sub act {
    my ($n, $host) = @_;
    my $r = $db->call('op_intent', $db->uuid($n), $host, 'service_start',
        "s$n", 'anna', 'admin', undef, {}, undef, undef);
    $db->call('op_outcome', $db->uuid($n), 'success', undef, {});
    return $r->{chain};
}

sub verify {
    my (@lines) = @_;
    ($out, $err, $rc) = $db->ctl({ stdin => join "\n", @lines }, 'log',
        'verify', '--anchor', '-');
    return $rc;
}

push @marks, act($_, $_ % 2 ? 'h1' : 'h2') for 1 .. 6;
like($marks[0], qr/^1:[0-9a-f]{64}\@h1$/, 'an intent tells the head');
is($marks[4], $db->psql("SELECT n || ':' || encode(hash, 'hex') || '\@h1'
    FROM procmgr.op_event WHERE host = 'h1' AND n = 5"), 'which is its event');

my @lines = map { "Nov 21 03:00:00 web1 helper[7]: op=x chain=$_" } @marks;
is(verify(@lines), 0, 'all marks fit');
is($out, "ok 12 events, 6 marks\n", 'and are counted');

($out, $err, $rc) = $db->ctl('log', 'heads');
is($rc, 0, 'the heads');
like($out, qr/^chain=6:[0-9a-f]{64}\@h1\nchain=6:[0-9a-f]{64}\@h2\n$/,
    'as marks');
my $heads = $out;
is(verify($heads), 0, 'fit too');

($out) = $db->ctl('log', 'heads', '--host', 'h2', '--json');
is(JSON::PP->new->decode($out)->[0]{n}, 6, 'as JSON');

# what is no mark

is(verify('chain=', "chain=1:$marks[0]", 'chain=1:abc@h1', 'no mark at all'),
    1, 'a text without a mark');
like($err, qr/has no mark/, 'is told');
($out, $err, $rc) = $db->ctl('log', 'verify', '--anchor', "$db->{dir}/none");
is($rc, 1, 'no file');

# another hash, a host that is not there, one host alone

(my $forged = $lines[2]) =~ s/chain=(\d+):./chain=$1:g/;
is(verify($lines[0], $forged), 0, 'a broken one is none');
($forged = $lines[2]) =~ s/chain=(\d+):(.)/"chain=$1:" . ($2 eq 'a' ? 'b' : 'a')/e;
is(verify($lines[0], $forged), 6, 'another hash');
like($err, qr/^procmgrctl: line 2 of -, event 3 of h1: the hash/, 'is named');
is(verify("chain=1:" . '0' x 64 . '@h9'), 6, 'an unknown host');

# the end cut off, and nothing to see from inside

$db->psql(<<'SQL');
SET session_replication_role = replica;
DELETE FROM procmgr.op_state WHERE seq IN
    (SELECT op FROM procmgr.op_event WHERE host = 'h1' AND n > 4);
DELETE FROM procmgr.op WHERE seq IN
    (SELECT op FROM procmgr.op_event WHERE host = 'h1' AND n > 4);
DELETE FROM procmgr.op_event WHERE host = 'h1' AND n > 4;
UPDATE procmgr.chain c SET n = e.n, seq = e.seq, hash = e.hash
    FROM procmgr.op_event e WHERE c.host = 'h1' AND e.host = 'h1' AND e.n = 4;
SQL
is($db->{state}, '', 'cut off');
($out, $err, $rc) = $db->ctl('log', 'verify');
is($rc, 0, 'whole from inside');
is(verify(@lines), 6, 'but the marks know');
like($err, qr/line 5 of -, event 5 of h1: its row is missing/, 'what is gone');
is(verify($heads), 6, 'so do the heads');
($out, $err, $rc) = $db->ctl({ stdin => join "\n", @lines }, 'log', 'verify',
    '--anchor', '-', '--host', 'h2');
is($rc, 0, 'the other host is whole');
($out) = $db->ctl({ stdin => join "\n", @lines }, 'log', 'verify',
    '--anchor', '-', '--json');
is_deeply(JSON::PP->new->decode($out), { ok => JSON::PP::false, bad => {
    line => 5, n => 5, host => 'h1', reason => 'its row is missing' } },
    'as JSON');

done_testing();
