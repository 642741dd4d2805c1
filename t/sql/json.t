#!/usr/bin/perl

# With --json every command that prints, prints JSON.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new(migrate => 0);
my $sql = "$Test::ProcmgrDb::TOP/sql";
my $files = () = glob "$sql/*.sql";
my $dir = "$db->{dir}/archive";
my ($out, $err, $rc);

mkdir $dir;

sub json {
    my (@args) = @_;
    my $opt = ref $args[0] ? shift @args : {};

    ($out, $err, $rc) = $db->ctl($opt, @args, '--json');
    my $said = eval { JSON::PP->new->utf8->decode($out) };
    ok(defined $said, "@args") or diag("$out$err");
    return $said;
}

my $r = json('migrate', $sql);
is(scalar @{ $r->{applied} }, $files, 'what was applied');
is(scalar @{ json('migrate', $sql)->{applied} }, 0, 'nothing the next time');

is_deeply(json({ stdin => "secret 1\n" }, 'account', 'add', 'a"nna', '--role',
    'admin', '--password-stdin'), { status => 'created', name => 'a"nna' },
    'an account');
json({ stdin => "secret 1\n" }, 'account', 'add', 'bert', '--role',
    'operator', '--password-stdin');
is(json({ stdin => "secret 1\n" }, 'account', 'add', 'bert', '--role',
    'operator', '--password-stdin', '--or-update')->{status}, 'unchanged',
    'unchanged');
is(json({ stdin => "secret 2\n" }, 'account', 'passwd', 'bert',
    '--password-stdin')->{status}, 'updated', 'a password');
is(scalar @{ json('account', 'list') }, 2, 'accounts');
is(json('account', 'role', 'bert', 'viewer')->{status}, 'ok', 'a role');
json('account', 'allow', 'bert', 'web');
json('account', 'disable', 'bert');
json('account', 'unlock', 'bert');

$r = json('token', 'add', 'ci', 'a"nna');
like($r->{token}, qr/^pm_[\w-]{43}$/, 'a token');
is(scalar @{ json('token', 'list') }, 1, 'tokens');
json('token', 'revoke', 'ci');
is(json('token', 'revoke', 'ci')->{status}, 'unchanged', 'revoked already');

$db->call('session_create', 1, 'ab' x 32, 'c' x 32, 900, 28800, undef, undef,
    'h1');
my $sessions = json('session', 'list');
is(scalar @$sessions, 1, 'sessions');
json('session', 'end', $sessions->[0]{id});
json('account', 'delete', 'bert');

ok(json('log', 'verify')->{ok}, 'verified');
json('log', 'heads');
my @lines = do {
    ($out) = $db->ctl('log', 'export', '--json');
    map { JSON::PP->new->utf8->decode($_) } split /\n/, $out;
};
cmp_ok(scalar @lines, '>', 9, 'an export: a JSON text a line');
is(ref json('log', 'archive', '--days', '1', $dir), 'ARRAY', 'an archive');
is(json('log', 'archive', '--days', '1', $dir)->[0]{operations}, 0,
    'with nothing to do');

done_testing();
