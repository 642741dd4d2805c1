#!/usr/bin/perl

# procmgrctl account: what is made, refused and told, and where the password
# never is.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my $canary = 'canary-73b1f5';

sub add {
    my ($name, $password, @more) = @_;
    return $db->ctl({ stdin => $password }, 'account', 'add', $name, '--role',
        'viewer', '--password-stdin', @more);
}

sub hash { $db->call('account_auth', $_[0])->{hash} }

my ($out, $err, $rc) = add('anna', "$canary\n");
is("$rc $out$err", "0 created anna\n", 'created');
is(crypt($canary, hash('anna')), hash('anna'), 'the hash is of the password');

($out, $err, $rc) = add('bert', $canary);
is($rc, 0, 'a password without a newline');
is(crypt($canary, hash('bert')), hash('bert'), 'is the same password');
isnt(hash('anna'), hash('bert'), 'and another salt');

($out, $err, $rc) = add('anna', "other\n");
is("$rc $err", "3 procmgrctl: there is an account \"anna\" already\n",
    'an existing name');
is(crypt($canary, hash('anna')), hash('anna'), 'it keeps its password');

# again with what it has: nothing happens, sessions live on

my $id = $db->call('account_auth', 'anna')->{id};
$db->call('session_create', $id, 'ab' x 32, 'c' x 43, 900, 900, undef, undef,
    'h1');
my $rows = $db->psql('SELECT count(*) FROM procmgr.op');

($out, $err, $rc) = add('anna', "$canary\n", '--or-update');
is("$rc $out", "0 unchanged anna\n", 'the same again');
ok($db->call('session_get', 'ab' x 32, 900), 'leaves the sessions alone');
is($db->psql('SELECT count(*) FROM procmgr.op'), $rows, 'and the log');

($out, $err, $rc) = add('anna', "other\n", '--or-update');
is("$rc $out", "0 updated anna\n", 'another password');
is(crypt('other', hash('anna')), hash('anna'), 'is set');
is($db->call('session_get', 'ab' x 32, 900), undef, 'and ends the sessions');

($out, $err, $rc) = $db->ctl({ stdin => "other\n" }, 'account', 'add', 'anna',
    '--role', 'operator', '--password-stdin', '--or-update');
is("$rc $out", "0 updated anna\n", 'another role');
is($db->call('account_auth', 'anna')->{role}, 'operator', 'is set');

($out, $err, $rc) = $db->ctl({ stdin => "third\n" }, 'account', 'passwd',
    'anna', '--password-stdin');
is("$rc $out", "0 updated anna\n", 'passwd');
is(crypt('third', hash('anna')), hash('anna'), 'is set');

($out, $err, $rc) = $db->ctl({ stdin => "x\n" }, 'account', 'passwd', 'nobody',
    '--password-stdin');
is("$rc $err", "4 procmgrctl: there is no account \"nobody\"\n",
    'passwd of nobody');

# names and passwords

for (['x' x 65, 'too long'], ['', 'empty'], ['a b', 'a space'],
     ["a\nb", 'a newline'], ["a\x7f", 'a control character'])
{
    ($out, $err, $rc) = add($_->[0], "x\n");
    is($rc, 2, "a name: $_->[1]");
}

for (["x' OR '1'='1" =~ s/ /_/gr, 'quotes'], ["\xe5\xbc\xa0", 'Chinese'],
     ['x' x 64, '64 bytes'])
{
    ($out, $err, $rc) = add($_->[0], "x\n");
    is($rc, 0, "a name: $_->[1]");
}

($out, $err, $rc) = add("\xff\xfe", "x\n");
is($rc, 1, 'a name that is no UTF-8');

for (['', 'none'], ["\n", 'an empty line'], ["a\0b\n", 'a zero byte'],
     ['x' x 512, '512 bytes'], ['x' x 100000, 'very many bytes'])
{
    ($out, $err, $rc) = add('new', $_->[0]);
    is($rc, 2, "a password: $_->[1]");
}

($out, $err, $rc) = add('long', 'x' x 511 . "\n");
is($rc, 0, 'a password of 511 bytes');
is(crypt('x' x 511, hash('long')), hash('long'), 'counts to its end');

# usage

for ([], ['account'], ['account', 'add'], ['account', 'add', 'a', 'b'],
     ['account', 'list', 'x'], ['nonsense'], ['--nonsense'], ['migrate', 'a',
     'b'], ['account', 'add', 'a', '--role', 'root', '--password-stdin'],
     ['account', 'add', 'a', '--password-stdin'],
     ['account', 'add', 'a', '--role', 'admin'],
     ['account', 'list', '--role', 'admin'])
{
    ($out, $err, $rc) = $db->ctl({ stdin => "x\n" }, @$_);
    is("$rc $out", '2 ', "usage: @$_");
}

($out, $err, $rc) = $db->ctl('--help');
is($rc, 0, 'help');
like($out, qr/account add NAME/, 'tells the commands');

($out, $err, $rc) = $db->ctl('account', 'list');
like($out, qr/^anna\toperator\t0\t-$/m, 'list');
($out, $err, $rc) = $db->ctl('account', 'list', '--json');
is((grep { $_->{name} eq 'anna' } @{ JSON::PP->new->decode($out) })[0]{role},
    'operator', 'list as JSON');

($out, $err, $rc) = $db->ctl({ conninfo => $db->conninfo(
    role => 'procmgr_web') }, 'token', 'list');
is($rc, 1, 'the web role is no administrator');
like($err, qr/^procmgrctl: permission denied/, 'which is told');

# the password is nowhere

my $dump = `pg_dump -d '@{[ $db->conninfo() ]}' 2>&1`;
like($dump, qr/COPY procmgr\.account/, 'a dump');
unlike($dump, qr/$canary/, 'without the password');

open my $log, '<', "$db->{dir}/pg/data/server.log" or die;
unlike(join('', <$log>), qr/$canary/, "nor is it in the server's log");

done_testing();
