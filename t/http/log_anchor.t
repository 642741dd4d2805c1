#!/usr/bin/perl

# An action leaves the head of the log's chain beside the helper's spool,
# where procmgrctl compares it; and two nginx of one host name and one
# database, each with its spool, leave each other's operations alone.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 11)->run(interval => '100ms');
my $s = $t->login();

is($s->post('/control/services', { name => 'demo', action => 'start' },
    { Prefer => 'wait=20' })->{status}, 200, 'an action');

my $file = "$t->{dir}/spool/anchors";
like($t->read_file('spool/anchors'), qr/ chain=\d+:[0-9a-f]{64}\@\S+\n\z/,
    'its mark is kept');

sub verify {
    local $ENV{PROCMGR_CONNINFO} = 'host=' . $t->socket_dir()
        . ' port=5432 dbname=procmgr user='
        . ($t->{root} ? 'postgres' : scalar getpwuid $>);
    my $out = `$t->{build}/procmgrctl log verify --anchor $file 2>&1`;
    return ($? >> 8, $out);
}

my ($rc, $out) = verify();
is($rc, 0, 'and fits') or diag($out);

$t->append('spool/anchors', "0 chain=99999:" . '0' x 64 . "\@here\n");
($rc) = verify();
is($rc, 6, 'one that does not is told');

# the row of an operation that belongs to another spool stays open: nothing
# of its is here

my $host = $t->psql('SELECT host FROM procmgr.op ORDER BY seq DESC LIMIT 1');
my @id = map { sprintf '%08x-0000-4000-8000-000000000000', $_ } 1 .. 3;

for (0 .. 2) {
    my $spool = $_ == 1 ? "'another one'" : 'NULL';
    $t->psql("SELECT procmgr.op_intent('$id[$_]', '$host', 'service_start',
        't$_', 'admin', 'admin', NULL, '{}', NULL, NULL, NULL, $spool)");
}

sub ids {
    my ($spool) = @_;
    return join ' ', sort map { $_->{op_id} } @{ JSON::PP->new->decode(
        $t->psql("SELECT procmgr.op_open('$host', $spool)")) };
}

is(ids("'mine'"), "$id[0] $id[2]", 'open for me');
is(ids("'another one'"), join(' ', @id), 'open for the other');

my $start = $t->psql('SELECT count(*) FROM procmgr.op_active');
is($start, 3, 'three are open');

# this nginx settles what names no spool and leaves the other one's

$t->reload();
ok($t->wait_for(sub {
    $t->psql("SELECT count(*) FROM procmgr.op_active") == 1
}, 90), 'the others are settled');
is($t->psql('SELECT op_id FROM procmgr.op_active'), $id[1],
    'the one of another spool is left');
is($t->psql("SELECT status FROM procmgr.op_row WHERE op_id = '$id[1]'"),
    'running', 'and runs');

is($t->psql("SELECT count(*) FROM procmgr.op_event e JOIN procmgr.op o
    ON o.seq = e.op WHERE o.op_id = '$id[0]' AND kind = 'outcome'"), 1,
    'an outcome for the settled one');
