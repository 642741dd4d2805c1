#!/usr/bin/perl

# Interfaces of every kind in a network of the test's own: counters,
# addresses and state as psutil and ip tell them.

use strict;
use warnings;

use JSON::PP;
use Socket qw(:all);
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::ProcmgrNet;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my %made;

$made{veth} = ip('link add va type veth peer name vb');
$made{bridge} = ip('link add br0 type bridge');
my $why = `ip link add link va name va.7 type vlan id 7 2>&1`;
$made{vlan} = $? == 0;
$made{tun} = ip('tuntap add dev tun0 mode tun');
$made{gre} = ip('link add gre9 type gre local 10.9.1.1 remote 10.9.1.9');
$made{odd} = ip('link add \'o"dd\\\' type veth peer name od');

ip('addr add 10.9.1.1/24 brd + dev va');
ip('addr add 10.9.4.1/24 label va:second dev va');
ip('addr add 10.9.2.1 peer 10.9.2.2/32 dev va');
ip('-6 addr add fd00:9::1/64 dev va nodad');
ip('addr add 10.9.3.1 peer 10.9.3.2/32 dev tun0');
ip('-6 addr add fd00:9:3::1 peer fd00:9:3::2/128 dev tun0');
ip('link set va.7 mtu 1400');
ip('link set \'o"dd\\\' promisc on allmulticast on arp off');
ip('link set vb master br0');
ip("link set $_ up") for qw(va vb va.7 br0 tun0 od), '\'o"dd\\\'';

my $t = Test::Procmgr->new(plan => 47)->run(interval => '50ms', workers => 2);
my $s = $t->login('viewer');

sub get {
    sleep 0.06;
    return $s->get("/system/network/$_[0]");
}

sub json { get(@_)->{json} }

ok($made{veth}, 'a pair of interfaces');
diag('not here: ' . join ' ', grep { !$made{$_} } sort keys %made)
    if grep { !$_ } values %made;

# the same as psutil

my $psutil = python('import psutil; print(json.dumps(psutil.__version__))');

SKIP: {
    skip 'no psutil', 7 if !defined $psutil;

    my ($theirs, $ours) = stable(
        sub { python('import psutil; print(json.dumps(psutil.net_if_addrs()))') },
        sub { json('addrs?shape=array') });
    is_deeply($ours, $theirs, 'addresses');

    ($theirs, $ours) = stable(
        sub { python(<<'EOP') },
import psutil
print(json.dumps({n: [s._asdict() | {"duplex": int(s.duplex)}]
                  for n, s in psutil.net_if_stats().items()}))
EOP
        sub { json('stats') });
    is_deeply({ map { $_ => [$ours->{$_}] } keys %$ours }, $theirs, 'state');

    ($theirs, $ours) = stable(
        sub { python('import psutil; print(json.dumps(psutil.net_if_stats()))') },
        sub { json('stats?shape=array') });
    is_deeply($ours, $theirs, 'state as arrays');

    # our own requests go over lo

    my $counters = <<'EOP';
import psutil
c = psutil.net_io_counters(pernic=True, nowrap=False)
c.pop("lo")
EOP
    for my $u (['pernic=true&nowrap=false', '{n: v._asdict() for n, v in c.items()}'],
               ['pernic=1&nowrap=0&shape=array', 'c'],
               ['pernic=1&shape=array', 'c'])
    {
        ($theirs, $ours) = stable(
            sub { python("$counters\nprint(json.dumps($u->[1]))") },
            sub { my $v = json("io?$u->[0]"); delete $v->{lo}; $v });
        is_deeply($ours, $theirs, "counters, $u->[0]");
    }
    is_deeply([sort keys %{ json('io') }], [sort @{ python(
        'import psutil; print(json.dumps(psutil.net_io_counters()._fields))')
        }], 'names of the sum');
}

# the same as ip

SKIP: {
    my $read = sub {
        my $text = `ip -j addr`;
        return eval { JSON::PP->new->utf8->decode($text) };
    };
    skip 'this ip has no JSON', 3 if !$read->();

    my ($theirs, $ours) = stable($read,
        sub { [json('addrs'), json('stats')] });
    my ($addrs, $stats) = @$ours;
    my (%ip, %here, %mtu);

    for my $l (@$theirs) {
        my $name = $l->{ifname};
        $mtu{$name} = $l->{mtu};
        for my $a (@{ $l->{addr_info} }) {
            my $nic = $a->{family} eq 'inet' && $a->{label} || $name;
            my $at = $a->{scope} eq 'link' ? "$a->{local}%$name" : $a->{local};
            push @{ $ip{$nic} }, "$a->{family} $at";
        }
        push @{ $ip{$name} }, "link $l->{address}"
            if ($l->{link_type} eq 'ether' || $l->{link_type} eq 'loopback');
    }
    my %family = (2 => 'inet', 10 => 'inet6', 17 => 'link');
    for my $n (keys %$addrs) {
        next if $n eq 'gre9' || $n eq 'gre0';
        $here{$n} = [map { "$family{$_->{family}} $_->{address}" }
            @{ $addrs->{$n} }];
    }
    $_ = join ', ', sort @$_ for values(%ip), values(%here);
    delete @ip{grep { /^(?:gre|erspan|sit|tunl)/ } keys %ip};
    delete @here{grep { /^(?:gre|erspan|sit|tunl)/ } keys %here};
    is_deeply(\%here, \%ip, 'addresses of ip');
    is_deeply({ map { $_ => $stats->{$_}{mtu} } keys %$stats }, \%mtu,
        'mtu of ip');
    is_deeply([sort keys %$stats], [sort keys %mtu], 'all interfaces');
}

# what each is

my $addrs = json('addrs');
my $stats = json('stats');

is_deeply($addrs->{lo}[0], { family => 2, address => '127.0.0.1',
    netmask => '255.0.0.0', broadcast => undef, ptp => undef }, 'loopback');
my ($v4) = grep { $_->{address} eq '10.9.1.1' } @{ $addrs->{va} };
is_deeply($v4, { family => 2, address => '10.9.1.1',
    netmask => '255.255.255.0', broadcast => '10.9.1.255', ptp => undef },
    'an address with its broadcast');
is($addrs->{'va:second'}[0]{address}, '10.9.4.1', 'a label');
is(join(' ', map { $_->{family} } @{ $addrs->{va} }),
    join(' ', sort { $a <=> $b } map { $_->{family} } @{ $addrs->{va} }),
    'by family');
my ($link) = grep { $_->{family} == 10 && $_->{address} =~ /^fe80/ }
    @{ $addrs->{va} };
like($link->{address} // '', qr/^fe80::.*%va$/, 'a scope');
like($addrs->{va}[-1]{address}, qr/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/,
    'hardware');
is($addrs->{va}[-1]{broadcast}, 'ff:ff:ff:ff:ff:ff', 'and its broadcast');

SKIP: {
    skip 'no tunnel', 3 if !$made{tun};
    my ($p) = grep { $_->{family} == 2 } @{ $addrs->{tun0} };
    is("$p->{address} $p->{ptp}", '10.9.3.1 10.9.3.2', 'the other end');
    is($p->{broadcast}, undef, 'is no broadcast');
    is(scalar(grep { $_->{family} == 17 } @{ $addrs->{tun0} }), 0,
        'a link without an address is none');
}

SKIP: {
    skip 'no gre', 1 if !$made{gre};
    my ($l) = grep { $_->{family} == 17 } @{ $addrs->{gre9} };
    is($l->{address}, '0a:09:01:01:00:00', 'a short address is padded');
}

SKIP: {
    skip 'a kernel without 8021q', 1
        if $why =~ /Unknown device type|not supported/i;
    is($stats->{'va.7'}{mtu}, 1400, 'mtu of a vlan');
}

SKIP: {
    skip 'no odd name', 2 if !$made{odd};
    ok($addrs->{'o"dd\\'}, 'a name of odd letters');
    is($stats->{'o"dd\\'}{flags},
        'up,broadcast,running,noarp,promisc,allmulti,multicast', 'flags in order');
}

is($stats->{va}{duplex}, 2, 'a veth is full duplex');
is($stats->{va}{speed}, 10000, 'of ten gigabits');
ok($stats->{va}{isup}, 'and up');
is("$stats->{lo}{duplex}$stats->{lo}{speed}", '00', 'lo knows neither');

my $human = json('io?pernic=1&human=true');
like($human->{va}{bytes_sent_human}, qr/^[\d.]+ (?:B|KiB)$/, 'for people');
is(json('stats?human=1')->{'va'}{mtu_human}, '1.5 KiB', 'the mtu too');

# the sum of all, lo included

{
    my ($all, $sum);
    for (1 .. 20) {
        sleep 0.06;
        $all = $s->get('/system/network/io?pernic=1')->{json};
        $sum = 0;
        $sum += $_->{errin} + $_->{dropout} for values %$all;
        last if $all->{va}{packets_sent};
    }
    my $r = json('io');
    is($r->{errin} + $r->{dropout}, $sum, 'the sum of what stands still');
    cmp_ok($r->{bytes_sent}, '>=', $all->{lo}{bytes_sent} + $all->{va}{bytes_sent},
        'has lo');
}

# what is not known is refused

for my $q (['io?pernic=2', 'true, false'], ['io?nowrap=x', 'true, false'],
           ['io?shape=tuple', 'object, array'], ['addrs?shape=x', 'object'],
           ['stats?kind=inet', 'kind'], ['io?kind=all', 'kind'],
           ['addrs?shape=array&shape=array', 'twice'])
{
    my $r = $s->get("/system/network/$q->[0]");
    ok($r->{status} == 400 && $r->{json}{detail} =~ /\Q$q->[1]/,
        "$q->[0] is refused") or diag($r->{raw});
}

# interfaces that come and go leave the rest of each answer whole

my $churn = spawn(code => sub {
    if (!fork) {
        for my $i (1 .. 150) {
            ip("link add gone$_ type veth peer name gone${_}p") for 1 .. 3;
            ip("addr add 10.8.$_.1/24 dev gone$_") for 1 .. 3;
            ip("link del gone$_") for 1 .. 3;
        }
        POSIX::_exit(0);
    }
    'ok';
});

my $bad = 0;
for (1 .. 40) {
    for my $u (qw(addrs stats io?pernic=1)) {
        sleep 0.06 if $u eq 'addrs';
        my $r = $s->get("/system/network/$u");
        $bad++ if $r->{status} != 200 || !$r->{json}{lo} || !$r->{json}{va};
    }
}
is($bad, 0, 'answers are whole while interfaces come and go');

# a network without an interface: what the kernel shows the workers is covered
# by a list of its two first lines alone

SKIP: {
    my $head = join '', (split /^/, Test::Procmgr::read_path('/proc/net/dev'))
        [0, 1];
    mkdir "$t->{dir}/net" or die;
    $t->write('net/dev', $head, 0644);
    my @over = grep { system("mount --bind '$t->{dir}/net' /proc/$_/net "
        . '2>/dev/null') == 0 } $t->workers();

    skip 'no file can cover a list of the kernel', 6
        if @over != $t->workers();

    my $r = get('io?nowrap=false');
    is($r->{status}, 200, 'no interface: counters');
    is($r->{body} =~ s/\s+//r, 'null', '- are null');
    is(get('io?shape=array&nowrap=false')->{body} =~ s/\s+//r, 'null',
        '- as a tuple too');
    is_deeply(json('io?pernic=true'), {}, '- by interface none');
    is_deeply(json('stats'), {}, '- and no states');

    system("umount /proc/$_/net") for @over;
    ok(json('io?pernic=true')->{lo}, 'and they are there again');
}
