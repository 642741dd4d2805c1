#!/usr/bin/perl

# The log as CSV and as lines of JSON: all of it, in pages, to clients that
# are slow, that leave, and of a database that goes away meanwhile.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 43);
$t->run(workers => 1);

my $s = $t->login();

is($t->get('/log/export')->{status}, 401, 'nobody without a session');
is($t->login($_)->get('/log/export')->{status}, 403, "no $_")
    for qw(viewer operator);

for my $bad (qw(format=xml format= limit=3 before=3 logType=nonsense
    since=yesterday q=demo what=1 format=csv&format=csv))
{
    is($s->get("/log/export?$bad")->{status}, 400, "bad: $bad");
}
is($s->get('/log?q=demo')->{status}, 400, 'so is a list without bound');
like($s->get('/log/export?q=demo')->{json}{detail}, qr/since/,
    'which is named');

# what is in it: a formula is text, a newline does not make a row

$t->psql(q{SELECT procmgr.log_add('h9', 'command_run', v, 'anna', 'admin',
    NULL, '{}', 'failure', 'x', jsonb_build_object('exit_code', -1, 'stdout',
    E'two\r\nlines, "quoted"', 'stderr', '@evil'))
    FROM unnest(ARRAY['=cmd|''/C calc''!A1', '+1', '-1', '@x', 'plain',
    '<img src=x>', '张三']) v});

my $r = $s->get('/log/export?format=csv&host=h9');
is($r->{status}, 200, 'CSV');
like($r->{headers}{'content-type'}, qr{^text/csv; charset=utf-8}, 'its type');
like($r->{headers}{'content-disposition'}, qr/^attachment;/, 'to be kept');
like($r->{headers}{'cache-control'}, qr/no-store/, 'and not by caches');
is($r->{headers}{'x-content-type-options'}, 'nosniff', 'nor guessed at');
my @csv = csv($r->{body});
is(scalar @csv, 8, 'a head and every row');
is_deeply([map { $_->{target} } hashes(@csv)], [reverse "'=cmd|'/C calc'!A1",
    "'+1", "'-1", "'\@x", 'plain', '<img src=x>', "\xe5\xbc\xa0\xe4\xb8\x89"],
    'formulas are text');
my ($first) = hashes(@csv);
is_deeply([@{$first}{qw(stdout stderr exit_code retStatus)}],
    ["two\r\nlines, \"quoted\"", "'\@evil", "'-1", 'failure'],
    'quoted as RFC 4180 has it');
is(scalar(grep { @$_ != @{ $csv[0] } } @csv), 0, 'as many columns in each');

$r = $s->get('/log/export?host=h9');
like($r->{headers}{'content-type'}, qr{^application/x-ndjson}, 'JSON lines');
my @json = lines($r->{body});
is($json[0]{target}, "\x{5f20}\x{4e09}", 'newest first');
is($json[0]{exit_code}, -1, 'as they are');
is_deeply([lines($s->get('/log/export?host=h9&target=plain')->{body})],
    [grep { $_->{target} eq 'plain' } @json], 'filtered');
is($s->get('/log/export?host=nosuch')->{body}, '', 'nothing');
is(scalar csv($s->get('/log/export?format=csv&host=nosuch')->{body}), 1,
    'nothing but the head');
$r = $s->request('HEAD', '/log/export?format=csv');
is("$r->{status}$r->{body}", '200', 'HEAD');

# many rows: every one, once

$t->psql(qq{SELECT count(procmgr.log_add('h8', 'login', 'n' || i, 'anna', NULL,
    NULL, NULL, 'success', NULL, jsonb_build_object('stdout', repeat('x',
    i % 7 * 3000)))) FROM generate_series($_ * 200 + 1, $_ * 200 + 200) i})
    for 0 .. 5;

my $big = $s->get('/log/export?host=h8');
my %seen;
$seen{$_->{target}}++ for lines($big->{body});
is(scalar keys %seen, 1200, 'every row of many');
is(scalar(grep { $_ != 1 } values %seen), 0, 'each once');
is(scalar csv($s->get('/log/export?format=csv&host=h8')->{body}), 1201,
    'as CSV');

# the same to a slow client, while others are answered

my $c = start('/log/export?host=h8');
my $got = '';
for (1 .. 20) {
    sysread $c, $got, 4096, length $got;
    select undef, undef, undef, 0.02;
}
is($s->get('/session')->{status}, 200, 'others are answered meanwhile');
1 while sysread $c, $got, 65536, length $got;
is(Test::Procmgr::parse($got)->{body} eq $big->{body}, 1,
    'a slow client gets the same');

# memory: a page, not the log

my ($worker) = $t->workers();
my $before = rss($worker);
$s->get('/log/export?host=h8') for 1 .. 3;
cmp_ok(rss($worker) - $before, '<', length $big->{body}, 'memory stays');

# clients that leave

for (1 .. 5) {
    my $c = start('/log/export?host=h8');
    sysread $c, my $some, 1000;
    close $c;
}
is($s->get('/session')->{status}, 200, 'clients that left');
is_deeply([$t->workers()], [$worker], 'the same worker');

# a database that goes away: what was sent is not taken for the whole

$c = start('/log/export?host=h8');
$got = '';
sysread $c, $got, 4096, length $got;
like($got, qr/^HTTP\/1.1 200/, 'begun');
$t->pg_stop();
1 while sysread $c, $got, 65536, length $got;
unlike($got, qr/\r\n0\r\n\r\n\z/, 'it has no end');
cmp_ok(length $got, '<', length $big->{body}, 'and is not all');
is($s->get('/log/export')->{status}, 503, 'and none begins');
$t->pg_start();
$t->wait_for(sub { $s->get('/log/unread')->{status} == 200 }, 20);
is($s->get('/log/export?host=h8')->{body} eq $big->{body}, 1,
    'the same when it is back');


sub start {
    my ($uri) = @_;
    my $c = $t->connect();
    setsockopt $c, 1, 8, pack 'i', 131072;      # SO_RCVBUF
    syswrite $c, "GET $uri HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
        . "Cookie: $s->{cookie}\r\nConnection: close\r\n\r\n";
    return $c;
}

sub lines { map { JSON::PP->new->utf8->decode($_) } split /\n/, $_[0] }

sub hashes {
    my ($head, @rows) = @_;
    return map { my %h; @h{@$head} = @$_; \%h } @rows;
}

# RFC 4180, strictly

sub csv {
    my ($text) = @_;
    my (@rows, @row);

    while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc) {
        my ($quoted, $bare, $end) = ($1, $2, $3);
        push @row, defined $quoted ? $quoted =~ s/""/"/gr : $bare;
        next if $end eq ',';
        push @rows, [@row];
        @row = ();
    }
    die "no CSV at " . (pos($text) // 0) if (pos($text) // 0) != length $text;
    return @rows;
}

sub rss {
    my ($pid) = @_;
    return 1024 * (Test::Procmgr::read_path("/proc/$pid/status")
        =~ /^VmRSS:\s+(\d+)/m)[0];
}
