#!/usr/bin/perl

# log_verify() finds what was changed behind the functions' back and names the
# first bad row; an independent program computes the same hashes.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

for my $n (1 .. 30) {
    my $host = $n % 3 ? 'h1' : "h2\n";
    my @op = ($db->uuid($n), $host, 'service_start', "unit$n", 'admin',
        'admin', undef, { n => $n, text => "\t'\"\x{fc}" });

    $db->call('op_intent', @op, undef, undef);
    $db->call('op_outcome', $db->uuid($n), $n % 5 ? 'success' : 'failure',
        $n % 5 ? undef : 'exit_status', { stdout => "out $n" });
}

sub verify { $db->call('log_verify', $_[0], $_[1] // 0, $_[2] // 10000) }

my $v = verify();
is($v->{ok}, JSON::PP::true, 'whole');
is($v->{checked}, 60, 'events looked at');
is($v->{next}, undef, 'to the end');
is($v->{bad}, undef, 'nothing bad');

# by pieces

my ($from, $checked, $calls) = (0, 0, 0);

while (defined $from && $calls++ < 100) {
    $v = verify(undef, $from, 7);
    last if !$v->{ok};
    $checked += $v->{checked};
    $from = $v->{next};
}

is($checked, 60, 'the same by pieces of 7');
is(verify('h1')->{checked}, 40, 'one host');
is(verify('h9')->{checked}, 0, 'no host');

# the hashes, computed by this program from the rows

my %head = ('h1' => '', "h2\n" => '');
my $wrong = 0;

sub canonical {
    return join '', map { defined $_ ? length($_) . ":$_," : '-,' } @_;
}

for my $line (split /\n/, $db->psql(<<'SQL')) {
SELECT json_build_array(e.host, e.n::text, e.seq::text,
    to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    e.kind, e.status, e.code, e.detail::text, o.seq::text, o.op_id::text,
    o.host, to_char(o.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    o.type, o.target, o.actor, o.role, o.remote, o.request::text, o.idem,
    o.idem_hash, encode(e.hash, 'hex'))
FROM procmgr.op_event e JOIN procmgr.op o ON o.seq = e.op ORDER BY e.seq
SQL
    my @f = map { defined $_ ? do { utf8::encode(my $b = $_); $b } : undef }
        @{ JSON::PP->new->utf8->decode($line) };
    my $hash = pop @f;
    my $mine = sha256_hex(pack('H*', $head{$f[0]})
        . canonical('procmgr-1', @f));

    $wrong++ if $mine ne $hash;
    $head{$f[0]} = $hash;
}

is($wrong, 0, 'the hashes are what the definition says');

# tampering, by somebody who may do everything; each is taken back

my $at = $db->psql("SELECT seq FROM procmgr.op WHERE target = 'unit10'");
my $out = $db->psql("SELECT max(seq) FROM procmgr.op_event WHERE op = $at");
my $id = $db->uuid(10);
my $alone = $db->uuid(77);
my $off = 'SET session_replication_role = replica';

sub tampered {
    my ($sql, $host, $from) = @_;
    my $args = join ', ', map { Test::ProcmgrDb::quote($_) }
        $host, $from // 0, 10000;

    my $text = $db->psql("BEGIN; $off; $sql; "
        . "SELECT procmgr.log_verify($args); ROLLBACK");
    return $db->{state} ne '' ? { bad => { reason => $db->{said} } }
        : JSON::PP->new->utf8->decode($text);
}

for (
    ["UPDATE procmgr.op SET actor = 'eve' WHERE seq = $at", $at,
     qr/content/, 'an actor'],
    ["UPDATE procmgr.op SET request = '{}' WHERE seq = $at", $at,
     qr/content/, 'a request'],
    ["UPDATE procmgr.op SET at = at + interval '1 microsecond' "
     . "WHERE seq = $at", $at, qr/content/, 'a time, by a microsecond'],
    ["UPDATE procmgr.op_event SET status = 'success' WHERE seq = $out", $out,
     qr/content/, 'an outcome'],
    ["UPDATE procmgr.op_event SET detail = '{\"stdout\":\"fine\"}' "
     . "WHERE seq = $out", $out, qr/content/, 'an output'],
    ["DELETE FROM procmgr.op_event WHERE seq = $out", undef,
     qr/last event/, 'a deleted outcome'],
    ["DELETE FROM procmgr.op WHERE seq = $at", $at, qr/operation is missing/,
     'a deleted operation'],
    ["UPDATE procmgr.op_state SET status = 'success', code = NULL "
     . "WHERE seq = $at", $out, qr/state/, 'a state that tells another story'],
    ["DELETE FROM procmgr.op_state WHERE seq = $at", $out, qr/state/,
     'a missing state'],
    ["INSERT INTO procmgr.op SELECT 900000, '$alone', host, at, type, target, "
     . "actor, role, remote, request FROM procmgr.op WHERE seq = $at", 900000,
     qr/no intent/, 'an operation without an intent'],
    ["DELETE FROM procmgr.op_event WHERE seq = (SELECT max(seq) FROM "
     . "procmgr.op_event); UPDATE procmgr.op_state SET event = seq, status = "
     . "'running', code = NULL WHERE seq = (SELECT max(seq) FROM procmgr.op)",
     undef, qr/end of the chain/, 'a cut tail'],
    ["UPDATE procmgr.op_event e SET hash = procmgr.event_hash((SELECT hash "
     . "FROM procmgr.op_event b WHERE b.host = e.host AND b.n = e.n - 1), e, "
     . "o) FROM procmgr.op o WHERE o.seq = e.op AND e.seq = $out; "
     . "UPDATE procmgr.op_event SET hash = sha256('x') WHERE seq = $out",
     $out, qr/content/, 'a hash'],
) {
    my ($sql, $seq, $reason, $name) = @$_;
    my $r = tampered($sql);

    like($r->{bad}{reason} // 'found nothing', $reason, $name);
    is($r->{bad}{seq}, $seq, "$name: the row") if defined $seq;
}

my $r = tampered("UPDATE procmgr.op SET actor = 'eve' WHERE seq = $at");
is($r->{ok}, JSON::PP::false, 'not ok');
is($r->{bad}{op_id}, $id, 'the operation is named');

is(tampered("UPDATE procmgr.op SET actor = 'eve' WHERE seq = $at", undef,
    $out + 1)->{ok}, JSON::PP::true, 'later rows are not touched by it');

# one who also recomputes the hash breaks the next link

$r = tampered("UPDATE procmgr.op SET actor = 'eve' WHERE seq = $at; "
    . "UPDATE procmgr.op_event e SET hash = procmgr.event_hash((SELECT b.hash "
    . "FROM procmgr.op_event b WHERE b.host = e.host AND b.n = e.n - 1), e, o)"
    . " FROM procmgr.op o WHERE o.seq = e.op AND e.seq = $at");
is($r->{bad}{seq}, $out, 'a recomputed hash breaks the link behind it');

is(verify()->{ok}, JSON::PP::true, 'whole after all that');

done_testing();
