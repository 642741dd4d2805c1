#!/usr/bin/perl

# procmgrctl log: verify, export, and an archive after which both what is left
# and what was taken out can be verified.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;
my $dir = "$db->{dir}/archive";
my ($out, $err, $rc);
my $ops = 0;

mkdir $dir;

# three days of operations: the events are made old before they are hashed

for my $day (9, 8, 7) {
    old($day);
    act("s$_", 'success') for 1 .. 4;
    old(0);
}
old(7);
act('newest', 'success');
old(0);

($out, $err, $rc) = $db->ctl('log', 'verify');
is("$rc $out", "0 ok 26 events\n", 'verify');
($out) = $db->ctl('log', 'verify', '--json');
is_deeply(JSON::PP->new->decode($out),
    { ok => JSON::PP::true, checked => 26, bad => undef }, 'as JSON');

# export

($out, $err, $rc) = $db->ctl('log', 'export', '--format', 'jsonl');
my @rows = map { JSON::PP->new->utf8->decode($_) } split /\n/, $out;
is(scalar @rows, 13, 'export: every operation');
is($rows[0]{target}, 'newest', 'newest first');
($out) = $db->ctl('log', 'export', '--since', '2000-01-01', '--until',
    '2000-01-02');
is($out, '', 'nothing of a day without operations');
($out, $err, $rc) = $db->ctl('log', 'export', '--format', 'xml');
is($rc, 2, 'an unknown format');

for (['=1+1', "'=1+1"], ['+1', "'+1"], ['-1', "'-1"], ['@x', "'\@x"],
     ["\t=1", "'\t=1"], ['a,b', '"a,b"'], ['say "x"', '"say ""x"""'],
     ["two\nlines", "\"two\nlines\""], ["=a\"b", "\"'=a\"\"b\""],
     ["\xe5\xbc\xa0", "\xe5\xbc\xa0"], [' =1', ' =1'])
{
    is($db->psql('SELECT procmgr.csv_line('
        . Test::ProcmgrDb::quote($_->[0]) . ", NULL, 'x')"),
        "$_->[1],,x\r\n", "CSV: $_->[0]");
}

($out) = $db->ctl('log', 'export', '--format', 'csv');
my @lines = split /\r\n/, $out;
is(scalar @lines, 14, 'CSV: a head and every operation');
like($lines[0], qr/^seq,op_id,host,logTime,logType,target,/, 'the head');
is(scalar(grep { tr/,// < 18 } @lines), 0, 'all columns in each line');

# pages: as many rows as there are, each once, also where results are large

$db->psql(q{SELECT procmgr.log_add('h2', 'login', 'n' || i, 'x', NULL, NULL,
    NULL, 'success', NULL, jsonb_build_object('stdout', repeat('x', 20000)))
    FROM generate_series(1, 700) i});
($out) = $db->ctl('log', 'export', '--host', 'h2');
my %seen;
$seen{JSON::PP->new->utf8->decode($_)->{target}}++ for split /\n/, $out;
is(scalar(keys %seen), 700, 'pages make all of it');
is(scalar(grep { $_ > 1 } values %seen), 0, 'nothing twice');

# what is unread and failed stays, and all after it

old(6);
act('bad', 'failure');
old(0);
old(5);
act('later', 'success');
old(0);

ok(!defined planned(9, 'h1'), 'nothing is that old');
is(planned(8, 'h1')->{to}, 8, 'a whole day');
is(planned(7, 'h1')->{to}, 16, 'two days');

($out, $err, $rc) = $db->ctl('log', 'archive', '--days', '8', $dir);
is("$rc$err", '0', 'archive');
like($out, qr/^archived 4 operations of h1 in \S+$/m, 'says what');
my ($file) = glob "$dir/procmgr-h1-*-8.jsonl";
ok(-f $file, 'a file for it');
is((stat $file)[2] & 07777, 0600, 'for root alone');

is($db->psql("SELECT count(*) FROM procmgr.op WHERE host = 'h1'
    AND type <> 'log_archived'"), 11, 'they are gone');
verifies('what is left verifies');
is($db->call('log_list', {}, 1, undef)->{rows}[0]{logType}, 'log_archived',
    'a row says so');

($out, $err, $rc) = $db->ctl('log', 'verify', '--archive', $file);
is($rc, 0, 'the archive verifies');
like($out, qr/^ok 8 events, the last is [0-9a-f]{64}$/, 'with its last hash');

# the next one continues it

($out) = $db->ctl('log', 'archive', '--days', '7', '--host', 'h1', $dir);
like($out, qr/^archived 4 operations/, 'the next');
verifies('what is left verifies again');
my ($next) = glob "$dir/procmgr-h1-*-16.jsonl";
($out, $err, $rc) = $db->ctl('log', 'verify', '--archive', $next);
is($rc, 0, 'the second archive verifies');
like(head($next), qr/"before" ?: ?"[0-9a-f]{64}"/, 'and names the first');

# bad days: the unread failure is not taken, nor what runs

my $ops_failed = $db->psql("SELECT op_id FROM procmgr.op
    WHERE target = 'bad'");
is(planned(1, 'h1')->{to}, 26, 'up to the day of the unread failure');
$db->call('log_read', 'anna', { ids => [$ops_failed] });
is(planned(1, 'h1')->{to}, 30, 'read, it can go');
is($db->psql("SELECT max(n) FROM procmgr.op_event WHERE host = 'h1'
    AND at < date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
             - interval '1 day'"), 30, 'which is all that is so old');

# archives that were touched

for (['a changed word', sub { s/"s1"/"s9"/ }],
     ['a line less', sub { s/\n.*?\n/\n/ }],
     ['a line twice', sub { s/(\n.*?\n)/$1 . substr $1, 1/e }],
     ['no end', sub { s/\{"end.*//s }],
     ['no head', sub { s/.*?\n// }],
     ['another head', sub { s/("before" ?: ?")./$1f/ }],
     ['no JSON', sub { s/\{/[/ }],
     ['a zero byte', sub { s/s1/s\0/ }],
     ['nothing', sub { $_ = '' }])
{
    my ($name, $touch) = @$_;
    local $_ = read_file($next);
    $touch->();
    open my $f, '>', "$dir/touched" or die;
    print $f $_;
    close $f;
    ($out, $err, $rc) = $db->ctl('log', 'verify', '--archive',
        "$dir/touched");
    is($rc, 6, "an archive with $name");
}

# a folder that cannot be written leaves all as it was

($out, $err, $rc) = $db->ctl('log', 'archive', '--days', '1', '--host', 'h1',
    "$dir/none");
is($rc, 1, 'no such folder');
is(planned(1, 'h1')->{to}, 30, 'nothing was forgotten');

# nobody else deletes

$db->psql("DELETE FROM procmgr.op_event");
is($db->{state}, '23001', 'rows are not deleted by hand');
$db->psql("SET procmgr.archiving = '1'; DELETE FROM procmgr.op");
is($db->{state}, '23001', 'nor by who says he archives');
$db->psql("DELETE FROM procmgr.chain_archive");
is($db->{state}, '23001', 'nor the anchors');

# a row that was changed behind everything's back

$db->psql("SET session_replication_role = replica;
    UPDATE procmgr.op SET target = 'forged' WHERE target = 'later'");
($out, $err, $rc) = $db->ctl('log', 'verify');
is($rc, 6, 'a forged row');
like($err, qr/^procmgrctl: row \d+ \(operation [0-9a-f-]{36}\): its content/,
    'is named');
($out, $err, $rc) = $db->ctl('log', 'archive', '--days', '1', '--host', 'h1',
    $dir);
is($rc, 1, 'and is not archived');
like($err, qr/the chain of h1 is broken/, 'which is told');
is_deeply([glob "$dir/procmgr-h1-*-30.jsonl"], [], 'no file is left');

done_testing();


sub old {
    my ($days) = @_;

    # the clock of the functions, for what is added until it is set right

    $db->psql($days ? <<"SQL" : 'DROP FUNCTION procmgr.clock_timestamp()');
CREATE OR REPLACE FUNCTION procmgr.clock_timestamp() RETURNS timestamptz
LANGUAGE sql AS \$\$
    SELECT date_trunc('day', pg_catalog.now() AT TIME ZONE 'UTC')
        AT TIME ZONE 'UTC' - interval '$days days' + interval '12 hours'
\$\$;
SQL
    for my $f (qw(op_add event_add)) {
        $db->psql("DO \$do\$ DECLARE f regprocedure; BEGIN
            SELECT oid INTO f FROM pg_proc WHERE proname = '$f'
                AND pronamespace = 'procmgr'::regnamespace;
            EXECUTE format('ALTER FUNCTION %s SET search_path = %s', f,
                '" . ($days ? 'procmgr, ' : '') . "pg_catalog, pg_temp');
            END \$do\$");
    }
}

sub act {
    my ($target, $status) = @_;
    my $id = Test::ProcmgrDb::uuid(++$ops);
    $db->call('op_intent', $id, 'h1', 'service_start', $target, 'anna',
        'admin', undef, {}, undef, undef, undef);
    $db->call('op_outcome', $id, $status, undef, {}, undef);
}

sub planned {
    my ($days, $host) = @_;
    my $text = $db->psql("SELECT procmgr.archive_plan('$host', $days)");
    return $text eq '' ? undef : JSON::PP->new->decode($text);
}

sub verifies {
    my ($o, $e, $c) = $db->ctl('log', 'verify');
    is("$c$e", '0', $_[0]);
}

sub read_file {
    local $/;
    open my $f, '<', $_[0] or die "$_[0]: $!";
    return <$f>;
}

sub head { (split /\n/, read_file($_[0]))[0] }
