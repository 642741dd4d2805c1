#!/usr/bin/perl

# An answer of megabytes comes whole: more than one read of the socket.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 8)->run();
my $s = $t->login();

$t->psql(<<'SQL');
DO $$
BEGIN
    FOR i IN 1 .. 800 LOOP
        PERFORM procmgr.log_add('far', 'command_run', 'row' || i, 'admin',
            'admin', NULL, '{}', 'success', NULL,
            jsonb_build_object('stdout', repeat(md5(i::text), 70)));
    END LOOP;
END
$$
SQL

my $r = $s->get('/log?limit=500&host=far');
is($r->{status}, 200, 'a page of 500 rows');
cmp_ok(length $r->{body}, '>', 2_000_000, 'megabytes');
is(scalar @{ $r->{json}{rows} // [] }, 500, 'all rows');
is($r->{json}{rows}[0]{target}, 'row800', 'the first');
is($r->{json}{rows}[499]{target}, 'row301', 'the last');

my $next = $r->{json}{next};
$r = $s->get("/log?limit=500&host=far&before=$next");
is(scalar @{ $r->{json}{rows} // [] }, 300, 'the next page');

# many of them at once, over a few connections

my $get = "GET /log?limit=100&host=far HTTP/1.0\r\nCookie: $s->{cookie}\r\n"
    . "Host: 127.0.0.1:$t->{port}\r\n\r\n";
my $bytes = length $t->raw($get);
my @kids = map {
    my $pid = open my $out, '-|' // die "fork: $!";
    if (!$pid) {
        print length $t->raw($get);
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    $out;
} 1 .. 12;

is(scalar(grep { $_ == $bytes } map { readline($_) // 0 } @kids), 12,
    "12 at once, $bytes bytes each");
cmp_ok($t->psql("SELECT count(*) FROM pg_stat_activity "
    . "WHERE usename = 'procmgr_web'"), '<=', 4, 'over four connections');
