#!/usr/bin/perl

# The operation log: pages, filters, one operation, and what is hostile in it.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 63);
$t->run(policy => "service loud lsb $t->{dir}/demo/loud "
    . "actions=restart roles=operator,admin timeout=30");
$t->write('demo/loud', <<'EOT', 0755);
#!/bin/sh
[ "$1" = status ] && exit 0
printf '<img src=x onerror=alert(1)></script>\n'
printf 'bad \377\376 utf-8, a zero \000 here, \033[31mred\033[0m\n'
printf '\342\200\256right to left\n'
printf 'error %s\n' "$0" >&2
EOT

my $s = $t->login('operator');

is($t->get('/log')->{status}, 401, 'no log without a session');

act('demo', 'start');
act('demo', 'restart');
act('nosuch', 'restart');
my $loud = act('loud', 'restart')->{json};

# hostile output is text, and stays what it is

like($loud->{stdout}, qr/^<img src=x onerror=alert\(1\)><\/script>\n/,
    'markup is text');
like($loud->{stdout}, qr/bad \x{fffd}+ utf-8, a zero  here, \e\[31mred/,
    'bytes that are no text are repaired, zeros are left out');
like($loud->{stdout}, qr/\x{202e}right to left\n\z/, 'marks are kept');
my $got = $s->get("/log/$loud->{op_id}");
is($got->{json}{stdout}, $loud->{stdout}, 'the log has the same');
unlike($got->{body}, qr/[\x00-\x08\x0b-\x1f]/, 'no raw control characters');
like($loud->{stderr}, qr/^error /, 'stderr apart');

# one operation

is($got->{status}, 200, 'one operation');
is_deeply([map { $_->{kind} } @{ $got->{json}{events} }],
    [qw(intent outcome)], 'its events');
is($s->get('/log/00000000-0000-4000-8000-000000000000')->{status}, 404,
    'one that is not');
is($s->get('/log/nonsense')->{status}, 400, 'no id');
is($s->get("/log/$loud->{op_id}?x=1")->{status}, 400, 'unknown parameter');

# the list

my $r = $s->get('/log');
is($r->{status}, 200, 'list');
like($r->{headers}{'cache-control'}, qr/no-store/, 'not stored');
my @rows = @{ $r->{json}{rows} };
is($rows[0]{op_id}, $loud->{op_id}, 'newest first');
ok((grep { $rows[$_]{seq} <= $rows[$_ + 1]{seq} } 0 .. $#rows - 1) == 0,
    'in order');
is($r->{json}{next}, undef, 'no more pages');
ok(exists $rows[0]{$_}, "has $_") for qw(logTime logType retStatus logStatus
    actor remote host target is_exec cmdret retopt);

# pages

my (@seen, $next);
my $pages = 0;
do {
    my $p = $s->get('/log?limit=2' . ($next ? "&before=$next" : ''))->{json};
    push @seen, map { $_->{seq} } @{ $p->{rows} };
    $next = $p->{next};
} while ($next && $pages++ < 20);
is_deeply(\@seen, [map { $_->{seq} } @rows], 'pages make the list');

# filters

filter('logType=service_restart', sub { $_->{logType} eq 'service_restart' });
filter('retStatus=refused', sub { $_->{retStatus} eq 'refused' });
filter('retStatus=success&target=demo',
    sub { $_->{retStatus} eq 'success' && $_->{target} eq 'demo' });
filter('actor=operator', sub { $_->{actor} eq 'operator' });
filter('since=2020-01-01T00:00:00Z&q=NOSUCH', sub { ($_->{target} // '') eq 'nosuch' });
filter('unread=true', sub { $_->{logStatus} eq 'unread' });
filter('unread=0', sub { $_->{logStatus} eq 'read' }, 0);
filter("host=$rows[0]{host}", sub { 1 });
filter('since=2020-01-01T00:00:00Z', sub { 1 });
filter('since=2020-01-01T00:00:00.5+02:00', sub { 1 });
filter('until=2020-01-01T00:00:00Z', sub { 0 }, 0);
filter("since=$rows[1]{logTime}&until=$rows[0]{logTime}",
    sub { $_->{logTime} ge $rows[1]{logTime}
          && $_->{logTime} lt $rows[0]{logTime} });
filter('target=' . q{x'%20OR%20'1'='1}, sub { 0 }, 0);
filter('since=2020-01-01T00:00:00Z&q=%25', sub { 0 }, 0);

# what is no filter

for my $bad (qw(logType=nonsense retStatus=ok limit=0 limit=501 limit=x
    before=0 before=x before=99999999999999999999 since=yesterday
    since=2026-02-30T00:00:00Z since=2026-01-01 until=2026-13-01T00:00:00Z
    until=2026-01-01T25:00:00Z unread=perhaps actor=%00 q=x
    since=2020-01-01T00:00:00Z&q=%ff what=1 actor=a&actor=b))
{
    my $r = $s->get("/log?$bad");
    is($r->{status}, 400, "bad: $bad");
}
like($s->get('/log?retStatus=ok')->{json}{detail},
    qr/"?ok"?.*success.*failure/, 'the allowed ones are named');


sub act {
    my ($name, $action) = @_;
    return $s->post('/control/services', { name => $name, action => $action });
}

sub filter {
    my ($query, $want, $some) = @_;
    my $r = $s->get("/log?$query");
    my @want = map { $_->{seq} } grep { $want->() } @rows;

    fail("$query: selects nothing") if !@want && ($some // 1);
    is_deeply([map { $_->{seq} } @{ $r->{json}{rows} }], \@want, $query);
}
