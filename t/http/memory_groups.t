#!/usr/bin/perl

# Sums over the processes of a user, a unit, a name: what they add up to, who
# sees which, the order, and one reading for all who ask.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 31)->run(workers => 1, interval => '1s');
my $s = $t->login('admin');
my $v = $t->login('viewer');

# three processes of one name, hostile as names are

my $name = "a\"\\\n\xff<b>";
my @p = map { spawn(user => 'nobody', code => sub { $0 = $name; 1 }) } 1 .. 3;

for ('by=host', 'sort=x', 'order=up', 'limit=0', 'pss=maybe', 'x=1') {
    is($s->get("/memory/groups?$_")->{status}, 400, $_);
}
is($t->get('/memory/groups')->{status}, 401, 'not without a session');


# by name

my $groups;
ok($t->wait_for(sub {
    my $r = $s->get('/memory/groups?by=name&human=true')->{json};
    ($groups) = grep { ($_->{group} // '') eq "a\"\\\n\x{fffd}<b>" }
        @{ $r->{groups} };
    $groups && $groups->{processes} == 3;
}, 20), 'a group of three, its name as it is');

my ($rss, $pss) = (0, 0);
for (@p) {
    my %kib = map { /^(\w+):\s*(\d+)/ } split /\n/, Test::Procmgr::read_path(
        "/proc/$_->{pid}/smaps_rollup");
    $pss += $kib{Pss} * 1024;
    $rss += $1 * 4096
        if Test::Procmgr::read_path("/proc/$_->{pid}/statm") =~ /^\d+ (\d+)/;
}

SKIP: {
    skip 'pages of another size', 1 if POSIX::sysconf(POSIX::_SC_PAGESIZE())
        != 4096;
    cmp_ok(abs($groups->{rss} - $rss), '<', 1 << 20, 'the RSS of the three');
}
cmp_ok(abs($groups->{pss} - $pss), '<', 1 << 20, 'the PSS of the three');
cmp_ok($groups->{pss}, '<', $groups->{rss}, 'which is less');
is($groups->{threads}, 3, 'their threads');
like($groups->{rss_human}, qr/^[\d.]+ [KM]iB$/, 'for people');
like($groups->{cpu_time}, qr/^\d+(\.\d+)?$/, 'their time');


# by user and unit; all groups have all processes

my $all = $s->get('/system/summary')->{json}{tasks}{total};
my $r = $s->get('/memory/groups');
is($r->{json}{by}, 'user', 'users are the default');
ok($r->{json}{rss_counted_more_than_once}, 'marked');

# only root makes processes of others

my $user = $< == 0 ? 'nobody' : getpwuid $<;
my ($mine) = grep { $_->{group} eq $user } @{ $r->{json}{groups} };
cmp_ok($mine->{processes}, '>=', 3, 'those of a user');

for my $by (qw(user unit name)) {
    my $j = $s->get("/memory/groups?by=$by&pss=false")->{json};
    my $n = 0;
    $n += $_->{processes} for @{ $j->{groups} };
    cmp_ok(abs($n - $all), '<', 50, "by $by: all processes");
    is($j->{groups}[0]{pss} // 'null', 'null', "by $by: PSS only if wanted")
        if $by eq 'user';
}


# order and limit

my $j = $s->get('/memory/groups?by=name&pss=0')->{json};
my @rss = map { $_->{rss} } @{ $j->{groups} };
is("@rss", join(' ', sort { $b <=> $a } @rss), 'the largest first');
is($j->{total}, @rss, 'how many there are');

my $few = $s->get('/memory/groups?by=name&pss=0&limit=2&order=asc')->{json};
is(scalar @{ $few->{groups} }, 2, 'not more than wanted');
is($few->{total}, $j->{total}, '- of so many');
is($few->{groups}[0]{rss}, $rss[-1], 'the smallest first');

my @names = map { $_->{group} }
    @{ $s->get('/memory/groups?by=user&pss=0&sort=group')->{json}{groups} };
is("@names", join(' ', sort @names), 'by name, from A on');


# what a viewer may not see is not known, and not 0

$r = $v->get('/memory/groups?by=name');
($groups) = grep { ($_->{group} // '') =~ /^a"/ } @{ $r->{json}{groups} };
is($groups->{pss} // 'null', 'null', 'no PSS for a viewer');
cmp_ok($groups->{rss}, '>', 0, 'but RSS');
is($r->{headers}{'x-procmgr-partial'}, 'pss,uss,swap', 'and he is told');

# made once for all who ask at a time

my @clients = map {
    my $c = $t->connect();
    $c->autoflush(1);
    print $c "GET /memory/groups?by=unit HTTP/1.1\r\nConnection: close\r\n"
        . "Host: 127.0.0.1:$t->{port}\r\nCookie: $s->{cookie}\r\n\r\n";
    $c;
} 1 .. 8;
my %tag = map { Test::Procmgr::parse($t->raw('', socket => $_))
    ->{headers}{etag} // 'none' => 1 } @clients;
cmp_ok(scalar keys %tag, '<=', 2, 'one answer for many');

end(@p);
