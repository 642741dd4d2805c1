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
    like($plan, qr/Index Cond: \(+seq >=/, "$name: from there on")
        if $filters->{since};
    unlike($plan, qr/Seq Scan on (op|op_state)\b/, "$name: not all rows");
    is($found, $rows, "$name: what is there") if defined $rows;
}

my ($plan) = explain({ unread => 'false' });
unlike($plan, qr/Seq Scan/, 'the usual is found from the end');

# what is asked for two things at once comes in pages, some of them empty, and
# is all of it, each once

for ([{ actor => 'actor3', target => 'target4' }, "false"],
     [{ actor => 'actor3', host => 'h1' }, "o.actor = 'actor3' AND host = 'h1'"],
     [{ retStatus => 'success', host => 'rare' }, 'false'],
     [{ unread => 'false', actor => 'actor5' }, "o.actor = 'actor5'"],
     [{ q => 'TARGET7', actor => 'actor7' }, "o.actor = 'actor7'"],
     [{ q => 'rare', retStatus => 'failure' }, "type = 'token_added'"],
     [{ since => $since, target => 'target2' },
         "target = 'target2' AND at >= '$since'"],
     [{ until => $since, actor => 'actor2' },
         "actor = 'actor2' AND at < '$since'"])
{
    my ($filters, $where) = @$_;
    my $name = join ' ', map { "$_=$filters->{$_}" } sort keys %$filters;
    my ($before, $calls, @got) = (undef, 0);

    do {
        my $page = $db->call('log_list', $filters, 500, $before);
        push @got, map { $_->{seq} } @{ $page->{rows} };
        $before = $page->{next};
    } while (defined $before && $calls++ < 1000);

    is(join(',', @got), $db->psql("SELECT coalesce(string_agg(seq::text, ','
        ORDER BY seq DESC), '') FROM procmgr.op o WHERE $where"),
        "$name: all of it, in order");
}

my $page = $db->call('log_list', { actor => 'actor3', target => 'target4' },
    100, undef);
is(scalar @{ $page->{rows} }, 0, 'a page that found nothing yet');
ok($page->{next}, 'says where to go on');

my $export = '';
my $before;
do {
    my $part = $db->call('log_export', { actor => 'actor3', host => 'h1' },
        'jsonl', $before);
    $export .= $part->{text};
    $before = $part->{next};
} while (defined $before);
is(scalar(() = $export =~ /\n/g), $db->psql("SELECT count(*) FROM procmgr.op
    WHERE actor = 'actor3' AND host = 'h1'"), 'an export goes on too');

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
    my @plans = $text =~ /Query Text: (looked :=.*?)(?=\n\d{4}-|\z)/sg;
    @plans = $text =~ /Query Text: (SELECT ARRAY.*?)(?=\n\d{4}-|\z)/sg
        if !@plans;
    return ($plans[-1] // '', $rows);
}
