#!/usr/bin/perl

# Sessions and accounts in the database: what counts, what ends, and that the
# epoch tells it.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

for my $name (qw(admin viewer)) {
    my ($out, $err, $rc) = $db->ctl({ stdin => "secret\n" }, 'account', 'add',
        $name, '--role', $name, '--password-stdin');
    is("$rc $out", "0 created $name\n", "account $name");
}

my $account = $db->call('account_auth', 'admin');
like($account->{hash}, qr/^\$y\$jBT\$/, 'a yescrypt hash');
is($account->{role}, 'admin', 'role');
is($account->{disabled}, JSON::PP::false, 'not disabled');
is($db->call('account_auth', "adm'in"), undef, 'no such account');

my $id = $account->{id};
my $other = $db->call('account_auth', 'viewer')->{id};

sub token { sprintf '%064x', $_[0] }
sub epoch { $db->call('session_epoch') }

sub create {
    my ($n, %o) = @_;
    return $db->call('session_create', $o{account} // $id, token($n),
        'c' x 43, $o{idle} // 900, $o{absolute} // 28800, '127.0.0.1',
        "agent $n", 'h1');
}

sub get { $db->call('session_get', token($_[0]), $_[1] // 900) }

# create and get

my $e = epoch();
my $s = create(1);

is_deeply([sort keys %$s], [sort qw(id account user role csrf expires_ms
    idle_until_ms auth_at_ms epoch)], 'members of a session');
is($s->{user}, 'admin', 'user');
is($s->{csrf}, 'c' x 43, 'csrf');
is($s->{epoch}, $e, 'epoch');
cmp_ok(abs($s->{expires_ms} / 1000 - time - 28800), '<', 60, 'absolute');
cmp_ok(abs($s->{idle_until_ms} / 1000 - time - 900), '<', 60, 'idle');
is_deeply(get(1), $s, 'the same again');
is(get(2), undef, 'an unknown token');
is($db->call('session_get', 'xyz', 900), undef, 'no token at all');
is($db->psql("SELECT count(*) FROM procmgr.session WHERE encode(token, 'hex')"
    . " = '" . token(1) . "'"), 1, 'the key is the hash of the token');

# the sixth ends the oldest

create($_) for 2 .. 5;
is(epoch(), $e, 'new sessions leave the epoch alone');
ok(get(1), 'five live');
create(6);
cmp_ok(epoch(), '>', $e, 'the epoch grows when one ends');
is(get(1), undef, 'the oldest ended');
is(scalar(grep { get($_) } 2 .. 6), 5, 'the others live');
create(7, account => $other);
is(scalar(grep { get($_) } 2 .. 7), 6, 'an account of its own');

my $list = $db->call('session_list', $id, 'false');
is(scalar @$list, 5, 'own sessions');
is($list->[0]{agent}, 'agent 6', 'newest first');
is(scalar @{ $db->call('session_list', $id, 'true') }, 6, 'all sessions');

# idle, absolute, touch, reauth

$db->psql("UPDATE procmgr.session SET seen = seen - interval '10 min' "
    . "WHERE token = decode('" . token(6) . "', 'hex')");
ok(get(6), 'ten minutes idle of fifteen');
is(get(6, 300), undef, 'ten minutes idle of five');
is($db->call('session_touch', token(6), 300), undef, 'no touch revives it');
my $before = get(6)->{idle_until_ms};
cmp_ok($db->call('session_touch', token(6), 900)->{idle_until_ms}, '>',
    $before + 500_000, 'touch moves it');
my $auth = get(6)->{auth_at_ms};
cmp_ok($db->call('session_reauth', token(6), 900)->{auth_at_ms}, '>', $auth,
    'authenticated again');

$db->psql("UPDATE procmgr.session SET expires = now() - interval '1 s' "
    . "WHERE token = decode('" . token(5) . "', 'hex')");
is(get(5), undef, 'expired');
is($db->call('session_touch', token(5), 900), undef, 'no touch then either');

# end

$e = epoch();
is($db->call('session_end', token(4))->{ended}, JSON::PP::true, 'logout');
is(get(4), undef, 'and it is over');
cmp_ok(epoch(), '>', $e, 'which the epoch tells');
is($db->call('session_end', token(4))->{ended}, JSON::PP::false, 'only once');

my $sid = get(7)->{id};
is($db->call('session_end_id', $sid, $id, 'false')->{ended}, JSON::PP::false,
    "not another's session");
ok(get(7), 'which lives');
is($db->call('session_end_id', $sid, $id, 'true')->{ended}, JSON::PP::true,
    'but an administrator may');
is(get(7), undef, 'over');

# a new password ends all but the one it came from

create(8);
$e = epoch();
my $r = $db->call('account_password', $id, '$y$jBT$new$hash', get(8)->{id});
is($r->{ended}, 4, 'the others end, expired ones too');
ok(get(8), 'the own one stays');
is(scalar(grep { get($_) } 2 .. 6), 0, 'none of the others');
cmp_ok(epoch(), '>', $e, 'the epoch grows');
is($db->call('account_auth', 'admin')->{hash}, '$y$jBT$new$hash', 'the hash');

# disabled and deleted accounts

$db->psql("UPDATE procmgr.account SET disabled = true WHERE id = $id");
is(get(8), undef, 'a disabled account has no session');
is(create(9), undef, 'and gets none');
is($db->call('account_auth', 'admin')->{disabled}, JSON::PP::true,
    'which the login sees');
$db->psql("UPDATE procmgr.account SET deleted = now() WHERE id = $id");
is($db->call('account_auth', 'admin'), undef, 'deleted');

# rows of the log

is($db->psql(<<'SQL'), <<"ROWS" =~ s/\n\z//r, 'their rows');
SELECT type, count(*) FROM procmgr.op_row WHERE status = 'success'
GROUP BY 1 ORDER BY 1
SQL
account_added|2
login|8
logout|2
password_changed|1
ROWS

# failed logins: one row per source and five minutes, 60 per host at most

sub failed {
    my ($n, $remote) = @_;
    return join ' ', map { "SELECT procmgr.login_failed('user $_', "
        . ($remote ? "'$remote'" : "'10.0.0.$_'") . ", 'x', 'h1');" } 1 .. $n;
}

sub rows {
    return $db->psql(
        "SELECT count(*) FROM procmgr.op WHERE type = 'login_failed'");
}

# not across the end of a bucket

sleep 1 while time % 300 > 280;

$db->psql(failed(50, '192.0.2.1'), role => 'procmgr_web');
is(rows(), 1, '50 failures of one source are one row');
is($db->psql('SELECT n FROM procmgr.login_failed_count'), 50, 'and a count');
$db->psql(failed(200), role => 'procmgr_web');
is(rows(), 61, 'many sources: 60 rows and one for the rest');
is($db->psql('SELECT sum(n) FROM procmgr.login_failed_count'), 250,
    'all are counted');

my $long = Test::ProcmgrDb::quote("x\n" x 5000);
$db->psql("SELECT procmgr.login_failed($long, $long, $long, 'h2')",
    role => 'procmgr_web');
is($db->{state}, '', 'a long name is cut');
is($db->psql("SELECT length(target) FROM procmgr.op WHERE host = 'h2'"), 64,
    'to 64 characters');

# twenty at once

my @kids = map {
    my $n = $_;
    my $pid = fork // die;
    if (!$pid) {
        create(100 + $n, account => $other);
        require POSIX;
        POSIX::_exit(0);
    }
    $pid;
} 1 .. 20;
waitpid $_, 0 for @kids;

is(scalar @{ $db->call('session_list', $other, 'false') }, 5,
    'five live of twenty logins at once');

is($db->call('log_verify', undef, 0, 10000)->{ok}, JSON::PP::true,
    'the chain holds');

done_testing();
