#!/usr/bin/perl

# procmgrctl: accounts, tokens and sessions as they change, what ends with
# them, and the row that each change leaves.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my ($out, $err, $rc);

for (['root1', 'admin'], ['anna', 'operator']) {
    $db->ctl({ stdin => "$_->[0] password\n" }, 'account', 'add', $_->[0],
        '--role', $_->[1], '--password-stdin');
}

is(row()->{logType}, 'account_added', 'a new account is a row');
is(row()->{actor}, 'procmgrctl', 'by procmgrctl');

# roles

my $id = $db->call('account_auth', 'anna')->{id};
my $n = 0;
my $ops = 0;

my $was = epoch();
ok(login('anna'), 'a session');
ctl_is(['account', 'role', 'anna', 'viewer'], 0, "changed anna\n", 'role');
is($db->call('session_get', token(1), 900)->{role}, 'viewer',
    'its session has it');
cmp_ok(epoch(), '>', $was, 'the epoch grew');
is_deeply([@{ row() }{qw(logType target retStatus)}, row()->{after}{role}],
    ['account_changed', 'anna', 'success', 'viewer'], 'a row says so');
ctl_is(['account', 'role', 'anna', 'root'], 2, '', 'an unknown role');
ctl_is(['account', 'role', 'nobody', 'viewer'], 4, '', 'of nobody');
($out) = $db->ctl('account', 'role', 'anna', 'operator', '--json');
is(JSON::PP->new->decode($out)->{account}{role}, 'operator', 'as JSON');

# disable, unlock

ctl_is(['account', 'disable', 'anna'], 0, "changed anna\n", 'disable');
is($db->call('session_get', token(1), 900), undef, 'ends the session');
is(login('anna'), undef, 'no new one');
ctl_is(['account', 'unlock', 'anna'], 0, "changed anna\n", 'unlock');
is($db->call('session_get', token(1), 900), undef, 'the old one stays dead');
ok(login('anna'), 'a new one');

# sessions

($out) = $db->ctl('session', 'list');
like($out, qr/^[0-9a-f-]{36}\tanna\toperator\t.*\th1$/m, 'session list');
my ($sid) = $out =~ /^(\S+)/;
ctl_is(['session', 'end', $sid], 0, "ended $sid\n", 'session end');
is_deeply([@{ row() }{qw(logType target actor)}],
    ['logout', 'anna', 'procmgrctl'], 'a row says by whom');
ctl_is(['session', 'end', $sid], 4, '', 'once');
ctl_is(['session', 'end', 'x' x 36], 2, '', 'no id');

# services

ctl_is(['account', 'allow', 'anna', 'web', 'db'], 0, "changed anna\n",
    'allow');
is_deeply(account('anna')->{services}, ['db', 'web'], 'listed');
ctl_is(['account', 'allow', 'anna', 'a/b'], 2, '', 'a slash');
ctl_is(['account', 'allow', 'anna', 'a b'], 2, '', 'a space');
is_deeply(account('anna')->{services}, ['db', 'web'], 'left as it was');

my $r = intent('anna', 'service_restart', 'web');
is($r->{status}, 'ok', 'it may act on what is listed');
$db->call('op_outcome', uuid(), 'success', undef, {});
is_deeply($db->call('actor_allow', 'anna'), ['db', 'web'],
    'what it may act on is told');
is($db->call('actor_allow', 'admin'), undef, 'all: of another');
$r = intent('anna', 'service_restart', 'mail');
is_deeply([$r->{status}, @{ $r->{op} }{qw(retStatus code target)}],
    ['repeat', 'refused', 'not_allowed', 'mail'], 'and on nothing else');
is($db->psql("SELECT count(*) FROM procmgr.op_active"), 0, 'which holds '
    . 'nothing');
$r = intent('anna', 'command_run', 'web');
is($r->{op}{retStatus}, 'refused', 'a command is no service');
$r = intent('anna', 'process_signal', '17');
is($r->{op}{retStatus}, 'refused', 'nor is a process that gets a signal');
$r = intent('root1', 'service_restart', 'mail');
is($r->{status}, 'ok', 'others are not bound by it');
$db->call('op_outcome', uuid(), 'success', undef, {});

ctl_is(['account', 'allow', 'anna'], 0, "changed anna\n", 'none named');
$r = intent('anna', 'service_restart', 'mail');
is($r->{status}, 'ok', 'is all');
$db->call('op_outcome', uuid(), 'success', undef, {});

# tokens

($out, $err, $rc) = $db->ctl('token', 'add', 'backup', 'anna');
is("$rc$err", '0', 'token add');
like($out, qr/^pm_[A-Za-z0-9_-]{43}\n\z/, 'prints it');
chomp(my $token = $out);
my $key = sha256_hex($token);

$r = $db->call('token_get', $key);
is_deeply([@{$r}{qw(user role auth_at_ms)}], ['token:backup', 'operator', 0],
    'found by its hash, never fresh');
unlike(`pg_dump -d '@{[ $db->conninfo() ]}' 2>&1`, qr/\Q$token\E/,
    'the token is not in the database');
ctl_is(['token', 'add', 'backup', 'anna'], 3, '', 'the same name');
ctl_is(['token', 'add', 'other', 'nobody'], 4, '', 'of nobody');
ctl_is(['token', 'add', 'a b', 'anna'], 2, '', 'a name with a space');
ctl_is(['token', 'add', 'other', 'anna', '--role', 'admin'], 2, '',
    'more than its account');
ctl_is(['token', 'add', 'other', 'anna', '--days', '0'], 2, '', 'no days');

$db->ctl('account', 'role', 'anna', 'viewer');
is($db->call('token_get', $key)->{role}, 'viewer',
    'never more than its account has now');
$db->ctl('account', 'role', 'anna', 'operator');

$db->ctl('account', 'allow', 'anna', 'web');
$r = intent('token:backup', 'service_stop', 'mail');
is($r->{op}{code}, 'not_allowed', 'bound by the list of its account');
is_deeply($db->call('actor_allow', 'token:backup'), ['web'], 'and told it');
$db->ctl('account', 'allow', 'anna');

$db->ctl('account', 'disable', 'anna');
is($db->call('token_get', $key), undef, 'disabled with its account');
($out) = $db->ctl('token', 'list');
like($out, qr/^backup\tanna\toperator\tdisabled\t-\t-$/m, 'token list');
$db->ctl('account', 'unlock', 'anna');
ok($db->call('token_get', $key), 'and back with it');

ok($db->call('token_touch', $key), 'its use');
($out) = $db->ctl('token', 'list', '--json');
like(JSON::PP->new->decode($out)->[0]{last_used}, qr/^20\d\d-/, 'is told');

$was = epoch();
ctl_is(['token', 'revoke', 'backup'], 0, "revoked backup\n", 'revoke');
is($db->call('token_get', $key), undef, 'revoked');
cmp_ok(epoch(), '>', $was, 'the epoch grew');
ctl_is(['token', 'revoke', 'backup'], 0, "unchanged backup\n", 'once more');
ctl_is(['token', 'revoke', 'nothing'], 4, '', 'of what is not');
ctl_is(['token', 'add', 'backup', 'anna'], 3, '',
    'a name is never used again');

($out, $err, $rc) = $db->ctl({ stdin => "x\n" }, 'account', 'add', 'token:x',
    '--role', 'viewer', '--password-stdin');
is($rc, 2, 'no account has the name of a token');

# delete

($out) = $db->ctl('token', 'add', 'last', 'anna', '--days', '3');
chomp($token = $out);
ok($db->call('token_get', sha256_hex($token)), 'a token with an end');
ok(login('anna'), 'a session');
ctl_is(['account', 'delete', 'anna'], 0, "deleted anna\n", 'delete');
is($db->call('account_auth', 'anna'), undef, 'gone');
is($db->call('session_get', token($n), 900), undef, 'its session too');
is($db->call('token_get', sha256_hex($token)), undef, 'and its token');
ctl_is(['account', 'delete', 'anna'], 4, '', 'once');
is($db->psql("SELECT count(*) > 0 FROM procmgr.op WHERE actor = 'anna'"), 't',
    'its rows stay');

# the web's way keeps an admin

is($db->call('account_delete', 'root1', 'true', 'root1', 'admin', undef, 'h1')
    ->{status}, 'last_admin', 'the last admin is not deleted');
is($db->call('account_change', 'root1', { disabled => \1 }, 'true', 'root1',
    'admin', undef, 'h1')->{status}, 'last_admin', 'nor disabled');
is($db->call('account_change', 'root1', { role => 'viewer' }, 'true', 'root1',
    'admin', undef, 'h1')->{status}, 'last_admin', 'nor made less');

is($db->call('log_verify', undef, 0, 10000)->{ok}, JSON::PP::true,
    'the chain verifies');

done_testing();


sub ctl_is {
    my ($args, $code, $text, $name) = @_;
    my ($o, $e, $c) = $db->ctl(@$args);
    is("$c $o", "$code $text", $name);
    like($e, qr/^procmgrctl: \S/, "$name: says why") if $code;
}

sub token { sprintf('%02x', $_[0]) x 32 }

sub login {
    my ($name) = @_;
    my $a = $db->call('account_auth', $name)->{id};
    return $db->call('session_create', $a, token(++$n), 'c' x 43, 900, 900,
        undef, undef, 'h1');
}

sub row {
    return $db->call('log_list', {}, 1, undef)->{rows}[0];
}

sub epoch { $db->call('session_epoch') }

sub account {
    my ($name) = @_;
    my ($o) = $db->ctl('account', 'list', '--json');
    return (grep { $_->{name} eq $name } @{ JSON::PP->new->decode($o) })[0];
}


sub uuid { Test::ProcmgrDb::uuid($ops) }

sub intent {
    my ($actor, $type, $target) = @_;
    $ops++;
    return $db->call('op_intent', uuid(), 'h1', $type, $target, $actor,
        'operator', '127.0.0.1', {}, undef, undef, undef);
}
