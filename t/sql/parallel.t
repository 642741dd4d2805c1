#!/usr/bin/perl

# Many at once: one of twenty gets the target, positions follow the commits,
# one key makes one operation.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

# runs code(n) in n children, each of which prints one line

sub together {
    my ($n, $code) = @_;
    my (@kids, @said);

    for my $i (1 .. $n) {
        my $pid = open my $kid, '-|';
        die "fork: $!" if !defined $pid;

        if ($pid == 0) {
            print $code->($i), "\n";
            close STDOUT;
            require POSIX;
            POSIX::_exit(0);
        }
        push @kids, $kid;
    }

    for my $kid (@kids) {
        push @said, <$kid>;
        close $kid;
    }
    chomp @said;
    return @said;
}

sub intent {
    my ($n, $host, $target, $idem) = @_;
    my $r = $db->call('op_intent', $db->uuid($n), $host, 'service_restart',
        $target, 'admin', 'admin', undef, {}, $idem, $idem);

    return $r ? $r->{status} : "error $db->{state}";
}

sub count {
    my %n;
    $n{$_}++ for @_;
    return \%n;
}

for my $round (1 .. 3) {
    is_deeply(count(together(20, sub {
        intent($round * 1000 + $_[0], 'h1', "demo$round")
    })), { ok => 1, busy => 19 }, "20 on one target, round $round");
}

is_deeply(count(together(20, sub { intent(5000 + $_[0], 'h1', "t$_[0]") })),
    { ok => 20 }, '20 on targets of their own');

is_deeply(count(together(20, sub { intent(6000, 'h1', 'same') })),
    { ok => 1, repeat => 19 }, '20 times the same operation');

is_deeply(count(together(20, sub {
    intent(7000 + $_[0], 'host' . $_[0] % 4, "k$_[0]", 'key')
})), { ok => 1, repeat => 19 }, 'one key on four hosts');

is($db->psql("SELECT count(*) FROM procmgr.op WHERE idem = 'key'"), 1,
    'is one operation');
is($db->psql("SELECT count(*) FROM procmgr.op_active a JOIN procmgr.op o "
    . "USING (seq) WHERE o.idem = 'key'"), 1, 'with one active target');

# intents against tombstones of the same operations

my @said = together(20, sub {
    my $n = 8000 + $_[0] % 10;

    return intent($n, 'h5', "x$n") if $_[0] > 10;

    my $r = $db->call('op_not_started', $db->uuid($n), 'h5',
        'service_restart', "x$n", 'admin', 'admin', undef, {});
    return 'T' . ($r ? $r->{status} : "error $db->{state}");
});
is(scalar(grep { !/^(?:ok|tombstone|Tok)$/ } @said), 0,
    "a tombstone and its intent, whoever is first: @{[ sort @said ]}");
is($db->psql("SELECT count(*) FROM procmgr.op_active WHERE host = 'h5'"), 0,
    'nothing is left active');

# outcomes

my @open = map { $_->{op_id} } @{ $db->call('op_open', 'h1') };
cmp_ok(scalar @open, '>=', 24, 'open operations');

is_deeply(count(together(20, sub {
    $db->call('op_outcome', $open[0], $_[0] % 2 ? 'success' : 'failure',
        undef, {})->{status}
})), { ok => 1, already => 19 }, '20 outcomes of one operation');

is($db->psql(<<'SQL'), 0, 'positions of a host follow its chain');
SELECT count(*) FROM (
    SELECT seq, lag(seq) OVER (PARTITION BY host ORDER BY n) AS before
    FROM procmgr.op_event) e
WHERE seq <= before
SQL

is($db->call('log_verify', undef, 0, 100000)->{ok}, JSON::PP::true,
    'the chain holds');

done_testing();
