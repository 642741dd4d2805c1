#!/usr/bin/perl

# Each filter of the log has an index behind it: what is rare among many rows
# is found by it, not by looking at all.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my $n = 60000;

# rows as they would be, but for their hashes

$db->psql(<<"SQL");
SET session_replication_role = replica;
INSERT INTO procmgr.chain VALUES ('h0', 0, 0, ''), ('h1', 0, 0, ''),
    ('rare', 0, 0, '');
INSERT INTO procmgr.op
    SELECT i, gen_random_uuid(),
        CASE WHEN i % 5000 = 9 THEN 'rare' ELSE 'h' || i % 2 END,
        now() - ($n - i) * interval '30 s',
        CASE WHEN i % 5000 = 9 THEN 'token_added' ELSE 'login' END,
        CASE WHEN i % 5000 = 9 THEN 'rare' ELSE 'target' || i % 9 END,
        CASE WHEN i % 5000 = 9 THEN 'rare' ELSE 'actor' || i % 9 END,
        'admin', '127.0.0.1', '{}', NULL, NULL
    FROM generate_series(1, $n) i;
INSERT INTO procmgr.op_event
    SELECT i, i, 'h0', i, now(), 'outcome',
        CASE WHEN i % 5000 = 9 THEN 'failure' ELSE 'success' END, NULL, '{}',
        ''
    FROM generate_series(1, $n) i;
INSERT INTO procmgr.op_state
    SELECT i, CASE WHEN i % 5000 = 9 THEN 'failure' ELSE 'success' END, NULL,
        i, i % 5000 = 9
    FROM generate_series(1, $n) i;
SQL
$db->psql('VACUUM ANALYZE');
is($db->{state}, '', 'rows are made');

my $since = $db->psql("SELECT to_char(now() AT TIME ZONE 'UTC' - interval "
    . "'10 minutes', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");

for ([{ unread => 'true' }, 'op_state_unread', 12],
     [{ retStatus => 'failure' }, 'op_state_status', 12],
     [{ retStatus => 'refused' }, 'op_state_status', 0],
     [{ logType => 'token_added' }, 'op_type', 12],
     [{ actor => 'rare' }, 'op_actor', 12],
     [{ actor => 'nobody' }, 'op_actor', 0],
     [{ target => 'rare' }, 'op_target', 12],
     [{ host => 'rare' }, 'op_host', 12],
     [{ since => $since }, 'op_pkey', 20],
     [{ since => $since, q => 'target3' }, 'op_pkey', undef])
{
    my ($filters, $index, $rows) = @$_;
    my $name = join ' ', map { "$_=$filters->{$_}" } sort keys %$filters;
    my ($plan, $found) = explain($filters);

    like($plan, qr/\b$index\b/, "$name: by $index");
    like($plan, qr/Index Cond: \(seq >=/, "$name: from there on")
        if $filters->{since};
    unlike($plan, qr/Seq Scan on (op|op_state)\b/, "$name: not all rows");
    is($found, $rows, "$name: what is there") if defined $rows;
}

my ($plan) = explain({ unread => 'false' });
unlike($plan, qr/Seq Scan/, 'the usual is found from the end');

# the check can fail

$db->psql('DROP INDEX procmgr.op_actor');
($plan) = explain({ actor => 'nobody' });
unlike($plan, qr/\bop_actor\b/, 'without its index it is not by it');

done_testing();


# the plans of the statements inside of a list, and how many rows it has

sub explain {
    my ($filters) = @_;
    my $json = Test::ProcmgrDb::quote($filters);

    my $rows = $db->psql("LOAD 'auto_explain';
        SET auto_explain.log_min_duration = 0;
        SET auto_explain.log_nested_statements = on;
        SET client_min_messages = log;
        SELECT json_array_length(procmgr.log_list($json, 100, NULL)::json
            ->'rows')");

    # psql is terse on stderr: the server's log has the plans

    open my $log, '<', "$db->{dir}/pg/data/server.log" or die;
    local $/;
    my $text = <$log>;
    my @plans = $text =~ /Query Text: SELECT o\.seq\b.*?(?=\n\d{4}-|\z)/sg;
    return ($plans[-1] // '', $rows);
}
