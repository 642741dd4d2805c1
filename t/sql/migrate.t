#!/usr/bin/perl

# procmgrctl migrate: wholly or not at all, again and again.

use strict;
use warnings;

use Test::More;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new(migrate => 0);
my $sql = "$Test::ProcmgrDb::TOP/sql";
my @files = map { s{.*/}{}r } sort glob "$sql/*.sql";
my $dir = tempdir(CLEANUP => 1);

sub file {
    my ($name, $text) = @_;
    open my $f, '>', "$dir/$name" or die;
    print $f $text;
    close $f;
}

sub schema {
    return $db->psql(<<'SQL');
SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
    SELECT relkind || relname || coalesce(relacl::text, '') FROM pg_class
    WHERE relnamespace = 'procmgr'::regnamespace
    UNION ALL
    SELECT proname || prosrc || coalesce(proacl::text, '') FROM pg_proc
    WHERE pronamespace = 'procmgr'::regnamespace) s (x)
SQL
}

# killed in the middle

file('000_wait.sql', "CREATE TABLE procmgr.half (a int); SELECT pg_sleep(60);"
    . "CREATE TABLE procmgr.other (a int);");

my $pid = fork // die;
if (!$pid) {
    $ENV{PROCMGR_CONNINFO} = $db->conninfo();
    exec "$db->{build}/procmgrctl", 'migrate', $dir;
    exit 1;
}

my $backend;
for (1 .. 200) {
    $backend = $db->psql("SELECT pid FROM pg_stat_activity "
        . "WHERE wait_event = 'PgSleep'") and last;
    select undef, undef, undef, 0.05;
}

ok($backend, 'in the middle of a migration');
kill 'KILL', $pid;
waitpid $pid, 0;
is($? & 127, 9, 'killed');
$db->psql("SELECT pg_terminate_backend($backend)");

for (1 .. 100) {
    last if !$db->psql("SELECT count(*) FROM pg_stat_activity "
        . "WHERE pid = $backend");
    select undef, undef, undef, 0.05;
}

is($db->psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'procmgr'"),
    0, 'and nothing is left of it');

# from nothing, twice at once

my @runs = map {
    my $kid = fork // die;
    if (!$kid) {
        my ($out, $err, $rc) = $db->ctl('migrate', $sql);
        require POSIX;
        POSIX::_exit($rc);
    }
    $kid;
} 1 .. 2;

is(join(' ', map { waitpid $_, 0; $? } @runs), '0 0', 'two migrations at once');
is($db->psql('SELECT count(*) FROM procmgr.schema_version'), scalar @files,
    'each file once');

my $was = schema();
my ($out, $err, $rc) = $db->ctl('migrate', $sql);
is("$rc $out$err", "0 the schema is up to date\n", 'again');
is(schema(), $was, 'nothing changed');
is($db->call('schema_level') + 0, substr($files[-1], 0, 3) + 0,
    'the level, as the module sees it');

# a bad file leaves nothing behind, the ones before it stay

file('000_wait.sql', 'SELECT 1');
file('801_good.sql', 'CREATE TABLE procmgr.good (a int)');
file('802_bad.sql', 'CREATE TABLE procmgr.bad (a int); SELECT 1/0');

($out, $err, $rc) = $db->ctl('migrate', $dir);
is($rc, 1, 'a bad file: exit code');
like($out, qr/applied 801_good\.sql/, 'what came before is applied');
like($err, qr/^procmgrctl: 802_bad\.sql: division by zero$/m, 'what is wrong');
unlike($err, qr/\b22012\b/, 'without codes');
is($db->psql("SELECT to_regclass('procmgr.good') IS NOT NULL, "
    . "to_regclass('procmgr.bad') IS NOT NULL"), 't|f', 'wholly or not');

file('802_bad.sql', 'CREATE TABLE procmgr.bad (a int); COMMIT; SELECT 1/0');
($out, $err, $rc) = $db->ctl('migrate', $dir);
is($rc, 1, 'a file that commits');
unlink "$dir/802_bad.sql";
$db->psql('DROP TABLE IF EXISTS procmgr.bad');

# mended

file('802_bad.sql', 'CREATE TABLE procmgr.bad (a int)');
($out, $err, $rc) = $db->ctl('migrate', $dir);
is("$rc $out", "0 applied 802_bad.sql\n", 'mended, and applied');

file('801_good.sql', 'CREATE TABLE procmgr.good (b int)');
($out, $err, $rc) = $db->ctl('migrate', $dir);
like($err, qr/warning: 801_good\.sql is not what was applied/,
    'an edited file is told');
is($rc, 0, 'and not applied again');

# what is no migration

($out, $err, $rc) = $db->ctl('migrate', $sql);
is($rc, 1, 'a schema that is newer');
like($err, qr/has version 802, which is newer/, 'is told');

file('801_twin.sql', 'SELECT 1');
($out, $err, $rc) = $db->ctl('migrate', $dir);
is("$rc $err", "1 procmgrctl: 801_good.sql and 801_twin.sql have one number\n",
    'two of one number');

my $empty = tempdir(CLEANUP => 1);
($out, $err, $rc) = $db->ctl('migrate', $empty);
is("$rc $err", "1 procmgrctl: no migration in $empty\n", 'an empty folder');

($out, $err, $rc) = $db->ctl('migrate', "$empty/none");
is($rc, 1, 'no folder');

($out, $err, $rc) = $db->ctl({ conninfo => "host=$empty user=x dbname=x" },
    'migrate', $sql);
is($rc, 5, 'no database');
like($err, qr/^procmgrctl: cannot connect to the database: /, 'is told');

done_testing();
