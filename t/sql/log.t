#!/usr/bin/perl

# The list of the log: filters, pages, marks.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

for my $n (1 .. 40) {
    my @op = ($db->uuid($n), $n % 4 ? 'h1' : 'h2',
        $n % 2 ? 'service_start' : 'command_run', 'unit' . $n % 5,
        $n % 3 ? 'admin' : 'viewer', 'admin', '127.0.0.1',
        { note => "Needle $n" });

    if ($n % 10 == 0) {
        $db->call('op_refuse', @op, 'policy_denied', 'no');

    } else {
        $db->call('op_intent', @op, undef, undef);
        $db->call('op_outcome', $op[0], $n % 7 ? 'success' : 'failure',
            undef, { stdout => 'y' x 10000 }) if $n != 39;
    }
}

sub list { $db->call('log_list', $_[0], $_[1] // 500, $_[2]) }
sub ids { join ' ', map { hex substr $_->{op_id}, 0, 8 } @{ $_[0]{rows} } }

sub numbers {
    my ($code) = @_;
    return join ' ', reverse grep { $code->() } 1 .. 40;
}

my $all = list({});
is(ids($all), numbers(sub { 1 }), 'newest first');
is($all->{next}, undef, 'no more');
is($all->{unread}, 40, 'all are unread');
is(length $all->{rows}[2]{stdout}, 4096, 'a list cuts outputs');
is($all->{rows}[2]{truncated}, JSON::PP::true, 'and says so');
is(length $db->call('log_get', $db->uuid(38))->{stdout}, 10000,
    'one row has all of it');

# filters

for (
    [{ logType => 'command_run' }, sub { $_ % 2 == 0 }],
    [{ retStatus => 'refused' }, sub { $_ % 10 == 0 }],
    [{ retStatus => 'failure' }, sub { $_ % 7 == 0 && $_ % 10 }],
    [{ retStatus => 'running' }, sub { $_ == 39 }],
    [{ retStatus => 'pending' }, sub { $_ == 39 }],
    [{ actor => 'viewer' }, sub { $_ % 3 == 0 }],
    [{ target => 'unit3' }, sub { $_ % 5 == 3 }],
    [{ host => 'h2' }, sub { $_ % 4 == 0 }],
    [{ q => 'needle 1' }, sub { /^1/ }],
    [{ q => 'policy_' }, sub { $_ % 10 == 0 }],
    [{ q => '%' }, sub { 0 }],
    [{ host => 'h2', actor => 'viewer', logType => 'command_run' },
     sub { $_ % 12 == 0 }],
    [{ unread => JSON::PP::true }, sub { 1 }],
    [{ unread => JSON::PP::false }, sub { 0 }],
    [{ since => '2000-01-01T00:00:00Z' }, sub { 1 }],
    [{ until => '2000-01-01T00:00:00Z' }, sub { 0 }],
    [{ target => "unit3' OR '1'='1" }, sub { 0 }],
) {
    my ($filter, $want) = @$_;
    is(ids(list($filter)), numbers($want),
        'filter ' . Test::ProcmgrDb::quote($filter));
}

my $cut = $all->{rows}[20]{logTime};
my $since = ids(list({ since => $cut }));
my $until = ids(list({ until => $cut }));
is("$since $until", numbers(sub { 1 }), 'since and until share no row');

list({ since => 'yesterday-ish' });
is($db->{state}, '22007', 'a time that is none');

# pages

my ($before, @pages);

for (1 .. 20) {
    my $page = list({}, 7, $before);
    push @pages, split / /, ids($page);
    $before = $page->{next};
    last if !defined $before;
}

is("@pages", numbers(sub { 1 }), 'pages of 7');
is(scalar @{ list({}, 0)->{rows} }, 1, 'at least one row');
is(scalar @{ list({}, 100000)->{rows} }, 40, 'a large limit');

# marks

my $r = $db->call('log_read', 'admin', { ids => [$db->uuid(1), $db->uuid(3),
    $db->uuid(999)] });
is_deeply($r, { read => 2, unread => 38 }, 'two ids, one unknown');
is_deeply($db->call('log_read', 'admin', { ids => [$db->uuid(1)] }),
    { read => 0, unread => 38 }, 'again');
is_deeply($db->call('log_read', 'admin', { ids => [] }),
    { read => 0, unread => 38 }, 'none');
is(ids(list({ unread => JSON::PP::false })), '3 1', 'these are read');
is($db->call('log_get', $db->uuid(3))->{logStatus}, 'read', 'logStatus');

my $upto = $db->call('log_get', $db->uuid(10))->{seq};
is_deeply($db->call('log_read', 'viewer', { upto => $upto }),
    { read => 8, unread => 30 }, 'up to a position');
is($db->call('log_unread')->{unread}, 30, 'the badge');
is(ids(list({ unread => JSON::PP::true }, 3)), '40 39 38', 'unread ones');
is($db->psql('SELECT by, count(*) FROM procmgr.op_read GROUP BY 1 ORDER BY 1'),
    "admin|2\nviewer|8", 'who read them');

is_deeply($db->call('log_read', 'admin', {}), { read => 0, unread => 30 },
    'nothing asked for');
is_deeply($db->call('log_read', 'admin', { all => JSON::PP::true }),
    { read => 30, unread => 0 }, 'all');

# an outcome leaves the mark alone

$db->call('op_outcome', $db->uuid(39), 'success', undef, {});
is($db->call('log_get', $db->uuid(39))->{logStatus}, 'read', 'still read');
is($db->call('log_verify', undef, 0, 10000)->{ok}, JSON::PP::true,
    'marks are beside the chain');

done_testing();
