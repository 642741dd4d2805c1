#!/usr/bin/perl

# Samples of the host: one an interval whatever the number of workers, over
# reloads and the death of workers, and none at all where they are off.

use strict;
use warnings;

use lib 't/lib';
use Socket;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrNet;

ip('link add va type veth peer name vb') && ip('link set va up')
    && ip('link set vb up')
    && ip('addr add 10.99.1.1/24 broadcast 10.99.1.255 dev va')
    or plan(skip_all => 'no interfaces of our own');

my $t = Test::Procmgr->new(plan => 40)->run(
    workers => 4, interval => '100ms', http => 'procmgr_history 6000;');
my $s = $t->login('viewer');

$t->{allow_alert} = $t->{allow_exit} = qr/exited on signal 9/;

is($t->get('/system/history')->{status}, 401, 'nobody without a session');

my $r = reached(3);
my @rows = @{ $r->{history} };

is($r->{interval_ms}, 100, 'the interval');
is($r->{size}, 6000, 'the size of the ring');
is($rows[0]{seq}, 1, 'the first one');
is($r->{next}, $rows[-1]{seq}, 'where to go on');
is_deeply([map { $_->{seq} } @rows], [1 .. @rows], 'all of them');
is_deeply([sort keys %{ $rows[0] }],
    [qw(cpu disk load memory network seq swap tasks time)], 'their parts');

my $sum = $s->get('/system/summary')->{json};
is_deeply([sort keys %{ $rows[0]{$_} }], [sort keys %{ $sum->{$_} }],
    "$_ as in the summary") for qw(cpu memory swap tasks);
is($rows[-1]{memory}{total}, $sum->{memory}{total}, 'the same memory');

is_deeply([grep { abs($_ - 100) > 0.05 } map { total($_->{cpu}) } @rows], [],
    'percentages sum to 100');
is($rows[0]{network}{rx_bytes_per_s}, undef, 'a first sample has no rate');
is_deeply([grep { ($rows[$_]{time} cmp $rows[$_ - 1]{time}) != 1 }
    1 .. $#rows], [], 'in the order of time');

# behind a number, and not more than so many

my $h = history("?since=1&limit=2");
is_deeply([map { $_->{seq} } @{ $h->{history} }], [2, 3], 'since and limit');
is($h->{next}, 3, 'the next ones are behind it');

$h = history("?since=$r->{next}");
is(scalar(grep { $_->{seq} <= $r->{next} } @{ $h->{history} }), 0,
    'only new ones');

$h = history('?since=9007199254740991&limit=1');
is(scalar @{ $h->{history} }, 1, 'a number of another life: from the start');

$h = history('?human=true&limit=1');
like($h->{history}[0]{memory}{total_human}, qr/iB$/, 'human=true');

for (['since=x', qr/"since" is "x"/], ['since=-1', qr/"since" is "-1"/],
     ['since=9007199254740992', qr/"since" is "9007199254740992"/],
     ['limit=0', qr/"limit" is "0"/], ['until=1', qr/"until"/]) {
    my $bad = $s->get("/system/history?$_->[0]");
    is($bad->{status}, 400, "$_->[0] is refused");
    like($bad->{json}{detail}, $_->[1], '- by its name');
}

# what the interfaces moved, the loopback left out

socket my $k, PF_INET, SOCK_DGRAM, 0 or die "socket: $!";
setsockopt $k, SOL_SOCKET, SO_BROADCAST, 1;
my $to = sockaddr_in(9, inet_aton('10.99.1.255'));
my $seen = $t->wait_for(sub {
    send $k, 'x' x 1000, 0, $to for 1 .. 50;
    grep { ($_->{network}{tx_bytes_per_s} // 0) > 1000
        && ($_->{network}{rx_bytes_per_s} // 0) > 1000 }
        @{ history('')->{history} };
}, 30);
ok($seen, 'bytes that were sent and received');

# one worker takes them

$r = reached(40);
my $scans = () = $t->error_log() =~ /procmgr scan:/g;
is_deeply([map { $_->{seq} } @{ $r->{history} }], [1 .. $r->{next}],
    'without a gap');
cmp_ok($scans, '<=', history('')->{next} + 15,
    "$scans scans by four workers");

# it goes on after a reload and after workers died, without beginning anew

$t->reload();
ok(reached($r->{next} + 10), 'after a reload');

kill 'KILL', $t->workers();
$t->wait_for(sub { 4 == $t->workers() });
$h = reached(history('')->{next} + 10);
ok($h, 'after all workers died');
is($h->{history}[0]{seq}, 1, '- in the same ring');

# another size is another ring, which forgets the oldest; off is nothing

conf('procmgr_history 3;');
$h = $t->wait_for(sub {
    my $n = history('');
    $n->{size} == 3 && $n->{next} > 6 ? $n : undef;
}, 30);
is_deeply([map { $_->{seq} } @{ $h->{history} // [] }],
    [$h->{next} - 2 .. $h->{next}], 'a smaller ring after a reload');

conf('procmgr_history off;');
$t->wait_for(sub { 4 == $t->workers() }, 30);
$r = $s->get('/system/history');
is($r->{status}, 501, 'off');
is($r->{json}{code}, 'unsupported', '- and why');

$scans = () = $t->error_log() =~ /procmgr scan:/g;
select undef, undef, undef, 1;
is(scalar(() = $t->error_log() =~ /procmgr scan:/g), $scans,
    'nobody looks, nothing is done');


sub history {
    my ($query) = @_;
    my $h = $s->get("/system/history$query")->{json};
    return ref $h eq 'HASH' && $h->{history} ? $h
        : { history => [], next => 0, size => 0 };
}

# the whole ring once there are so many samples

sub reached {
    my ($n) = @_;
    return $t->wait_for(sub {
        my $h = history('');
        $h->{next} >= $n ? $h : undef;
    }, 30);
}

sub conf {
    $t->{opt}{http} = $_[0];
    $t->write('etc/nginx.conf', $t->conf());
    $t->reload();
}

sub total {
    my ($cpu) = @_;
    my $sum = 0;
    $sum += $_ for values %$cpu;
    return $sum;
}
