#!/usr/bin/perl

# The web role calls functions and does nothing else; the audit role reads the
# log; nobody else comes in.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

my @tables = split /\n/, $db->psql(<<'SQL');
SELECT relname FROM pg_class
WHERE relnamespace = 'procmgr'::regnamespace AND relkind IN ('r', 'v')
ORDER BY 1
SQL

cmp_ok(scalar @tables, '>', 8, 'tables are there');

my @statements = (
    (map { ("SELECT * FROM procmgr.$_ LIMIT 1", "DELETE FROM procmgr.$_",
            "TRUNCATE procmgr.$_", "INSERT INTO procmgr.$_ DEFAULT VALUES",
            "BEGIN; LOCK procmgr.$_ IN ACCESS SHARE MODE",
            "DROP TABLE procmgr.$_") } grep { $_ ne 'op_row' } @tables),
    'SELECT * FROM procmgr.op_row',
    "UPDATE procmgr.op SET actor = 'x'",
    "UPDATE procmgr.op_event SET status = 'success'",
    "UPDATE procmgr.account SET role = 'admin'",
    "SELECT nextval('procmgr.log_seq')",
    'CREATE TABLE procmgr.mine (a int)',
    'CREATE TABLE public.mine (a int)',
    'CREATE TEMP TABLE mine (a int)',
    'CREATE SCHEMA mine',
    'CREATE ROLE mine',
    'SET ROLE procmgr_owner',
    'ALTER TABLE procmgr.op DISABLE TRIGGER ALL',
    'ALTER FUNCTION procmgr.log_unread() SECURITY INVOKER',
    "COPY procmgr.account TO '/tmp/x'",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    'GRANT SELECT ON procmgr.op TO procmgr_web',
);

my @passed;

for my $sql (@statements) {
    $db->psql($sql, role => 'procmgr_web');
    push @passed, "$sql: $db->{state}" if $db->{state} ne '42501';
}

is_deeply(\@passed, [], 'forbidden statements of the web role give 42501');

# functions: exactly these

my @web = qw(account_auth account_change account_delete account_get
    account_list account_new account_password actor_allow log_export log_get
    log_list log_read log_series log_unread log_verify login_failed op_intent
    op_not_started op_open op_outcome op_refuse request_denied schema_level
    sensitive_read session_create session_end session_end_id session_epoch
    session_get session_list session_reauth session_touch token_get
    token_touch watch_add watch_change watch_list watch_note);

sub callable {
    my ($role) = @_;
    return [ split /\n/, $db->psql(<<SQL) ];
SELECT proname FROM pg_proc WHERE pronamespace = 'procmgr'::regnamespace
AND has_function_privilege('$role', oid, 'EXECUTE') ORDER BY 1
SQL
}

is_deeply(callable('procmgr_web'), \@web, 'functions of the web role');
is_deeply(callable('procmgr_audit'),
    [qw(archive_check chain_heads chain_mark_check chain_marks log_export
        log_get log_list log_series log_unread log_verify schema_level)],
    'functions of the audit role');

$db->psql("SELECT procmgr.account_add('x', 'admin', '\$y\$x', false, 'h')",
    role => 'procmgr_web');
is($db->{state}, '42501',
    'the web role makes no accounts in the name of procmgrctl');

# but for those of one statement that are written into their callers', which
# have one, and which nobody else may call

is($db->psql(<<'SQL'), '', 'each function has a fixed search_path');
SELECT proname FROM pg_proc WHERE pronamespace = 'procmgr'::regnamespace
AND proname NOT IN ('rfc3339', 'op_json', 'op_json_common')
AND NOT coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}'
SQL

is($db->psql(<<'SQL'), 'procmgr_owner', 'one owner of all');
SELECT DISTINCT r.rolname FROM pg_roles r WHERE r.oid IN (
    SELECT proowner FROM pg_proc WHERE pronamespace = 'procmgr'::regnamespace
    UNION
    SELECT relowner FROM pg_class WHERE relnamespace = 'procmgr'::regnamespace)
SQL

is($db->psql("SELECT rolcanlogin OR rolsuper FROM pg_roles "
    . "WHERE rolname = 'procmgr_owner'"), 'f', 'the owner cannot log in');

is($db->psql('SHOW statement_timeout', role => 'procmgr_web'), '3s',
    'statement_timeout of the web role');
is($db->psql('SHOW lock_timeout', role => 'procmgr_web'), '1s',
    'lock_timeout of the web role');

# audit

is($db->psql('SELECT count(*) FROM procmgr.op', role => 'procmgr_audit'), 0,
    'the audit role reads operations');

for my $sql ('SELECT * FROM procmgr.account', 'SELECT * FROM procmgr.session',
             'SET TRANSACTION READ WRITE; DELETE FROM procmgr.op_read')
{
    $db->psql("BEGIN; $sql", role => 'procmgr_audit');
    is($db->{state}, '42501', "the audit role: $sql");
}

# somebody else of the same cluster

$db->psql('CREATE ROLE other');
is($db->psql("SELECT has_database_privilege('other', 'procmgr', 'CONNECT') OR "
    . "has_schema_privilege('other', 'procmgr', 'USAGE')"), 'f',
    'another role does not come in');

# the rows of the log do not change, even for the owner

for my $sql ("UPDATE procmgr.op SET actor = 'x'", 'DELETE FROM procmgr.op',
             'DELETE FROM procmgr.op_event', 'TRUNCATE procmgr.op_read',
             "UPDATE procmgr.op_event SET code = 'x'")
{
    $db->psql("SET ROLE procmgr_owner; $sql");
    is($db->{state}, '23001', "even the owner: $sql");
}

done_testing();
