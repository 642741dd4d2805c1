#!/usr/bin/perl

# Counters that fall: one memory for all workers, which a reload and the
# death of a worker leave as it is, and which can be emptied.

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::ProcmgrNet;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 28)->run(interval => '50ms', workers => 4,
    locations => 'location /open/ { procmgr system; procmgr_auth off; }');
my $s = $t->login('viewer');

# a pair that is made anew counts from zero; nothing sends but the test

sub pair {
    ip('link add va type veth peer name vb') or die;
    for (qw(va vb)) {
        open my $f, '>', "/proc/sys/net/ipv6/conf/$_/disable_ipv6" or next;
        print $f "1\n";
    }
    ip('link set vb up') && ip('link set va up') or die;
    ip('addr add 10.9.1.1/24 dev va') or die;
    ip('neigh add 10.9.1.2 lladdr 02:00:00:00:00:02 dev va') or die;
}

sub anew {
    ip('link del va') or die;
    pair();
}

sub packets {
    my $k = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '10.9.1.2:9')
        or die;
    $k->send('x' x 100) for 1 .. $_[0];
}

sub of {
    my ($how, $who) = @_;
    sleep 0.06;
    my $r = ($who // $s)->get("/system/network/io?pernic=1&$how");
    return $r->{json}{va} // {};
}

sub sent { of(@_)->{packets_sent} }

# every connection may be another worker's

sub everywhere {
    my %v;
    $v{sent('nowrap=true')}++ for 1 .. 12;
    return join ' ', sort keys %v;
}

pair();
packets(10);
is(sent('nowrap=false'), 10, 'as the kernel has it');
is(sent('nowrap=true'), 10, 'the same');

anew();
packets(3);
is(sent('nowrap=false'), 3, 'it began anew');
is(everywhere(), 13, 'what was lost is added, by every worker');
is(of('nowrap=true')->{bytes_sent}, 13 * 142, 'bytes too');
is(of('nowrap=false')->{bytes_sent}, 3 * 142, 'not where nobody asks for it');

packets(2);
is(everywhere(), 15, 'it counts on');

my $sum = $s->get('/system/network/io?nowrap=1')->{json};
cmp_ok($sum->{packets_sent}, '>=', 15, 'the sum has it');

anew();
packets(1);
is(sent('nowrap=1'), 16, 'again');

# admin asks by a key of his own

is(sent('nowrap=1', $t->login()), 16, 'another role');

$t->reload();
is(everywhere(), 16, 'a reload keeps it');

$t->{allow_alert} = $t->{allow_exit} = qr/exited on signal 9/;
my ($w) = $t->workers();
kill 'KILL', $w;
$t->wait_for(sub { !grep { $_ == $w } $t->workers() });
$t->wait_for(sub { 4 == $t->workers() });
$s = $t->login('viewer');
is(everywhere(), 16, 'a worker that dies too');

# many at once: a reading that is older than another is no fall

packets(3);
is(sent('nowrap=1'), 19, 'and on');
anew();
packets(1);
my @children;
pipe my $from, my $to or die;
for my $n (1 .. 6) {
    my $pid = fork // die;
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        my ($last, $fell) = (0, 0);
        for my $i (1 .. 60) {
            my $q = $i % 2 ? 'pernic=1' : 'pernic=1&shape=object';
            my $r = $t->get("/open/network/io?$q&human=" . $n % 2);
            my $v = $r->{json}{lo}{packets_sent};
            $fell++ if $v < $last;
            $last = $v;
        }
        syswrite $to, "$fell\n";
        kill 'KILL', $$;
    }
    push @children, $pid;
}
close $to;
my @fell = map { scalar(<$from>) // "none\n" } @children;
waitpid $_, 0 for @children;
is(join('', @fell), "0\n" x 6, 'nothing falls under load');

my $all = $s->get('/system/network/io?pernic=1')->{json};
my $raw = $s->get('/system/network/io?pernic=1&nowrap=0')->{json};
cmp_ok($all->{lo}{packets_sent} - $raw->{lo}{packets_sent}, '<=', 0,
    'and nothing was added to what did not');
is($all->{va}{packets_sent}, 20, 'all the while');

# one that was seen to be gone is another one

ip('link del va');
is(sent('nowrap=1'), undef, 'gone');
pair();
packets(4);
is(sent('nowrap=1'), 4, 'forgotten');

# emptied

anew();
packets(2);
is(sent('nowrap=1'), 6, 'added');
my $r = $s->post('/system/network/io/cache_clear');
is($r->{status}, 204, 'emptied by a viewer');
is($s->get('/system/network/io?pernic=1')->{json}{va}{packets_sent}, 2,
    'seen at once');

is($t->post('/system/network/io/cache_clear')->{status}, 401, 'no session');
is($s->request('POST', '/system/network/io/cache_clear', undef,
    { 'X-CSRF-Token' => 'x' })->{status}, 403, 'no token');
is($s->request('POST', '/system/network/io/cache_clear', undef,
    { Origin => 'http://evil.example' })->{status}, 403, 'another origin');
$r = $s->get('/system/network/io/cache_clear');
is("$r->{status} $r->{headers}{allow}", '405 POST', 'not by GET');
is($s->post('/system/network/io/cache_clear?x=1')->{status}, 400,
    'unknown parameter');
isnt($t->post('/open/network/io/cache_clear')->{status}, 204,
    'nor without sessions');
is($s->post('/system/network/io')->{status}, 405, 'io is read');
