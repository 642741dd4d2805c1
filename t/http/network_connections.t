#!/usr/bin/perl

# Connections of every kind in a network of the test's own, as psutil tells
# them; and what psutil tells wrong: names with spaces, shared sockets.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket qw(:all);
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::ProcmgrNet;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

ip('link add va type veth peer name vb');
ip('addr add 10.9.1.1/24 dev va');
ip('neigh add 10.9.1.77 lladdr 02:00:00:00:00:77 dev va');
ip('link set va up');
ip('link set vb up');

my $t = Test::Procmgr->new(plan => 49)->run(interval => '50ms', workers => 2);
my $s = $t->login();
my $dir = "$t->{dir}/un";
mkdir $dir or die;
chmod 0777, $dir;

my $six = eval { bound(AF_INET6, SOCK_STREAM, '::1', 1); 1 };

# sockets of another user, whose descriptors only the helper sees

my $holder = spawn(user => 'nobody', code => sub {
    our @keep;
    my %said;
    for my $o (['tcp', AF_INET, SOCK_STREAM, '127.0.0.1', 7],
               ['udp', AF_INET, SOCK_DGRAM, '127.0.0.1', 0],
               $six ? (['tcp6', AF_INET6, SOCK_STREAM, '::1', 9],
                       ['mapped', AF_INET6, SOCK_STREAM, '::ffff:127.0.0.1', 5],
                       ['udp6', AF_INET6, SOCK_DGRAM, '::', 0]) : ())
    {
        my $name = shift @$o;
        my ($k, $port) = bound(@$o);
        push @keep, $k;
        $said{$name} = [fileno $k, $port];
    }

    # a socket over IPv6 that talks IPv4, one that sent without a name

    open my $twice, '<&', $keep[0] or die;
    push @keep, $twice;
    $said{twice} = fileno $twice;

    my @un = (['path', SOCK_STREAM, "$dir/plain"],
              ['space', SOCK_STREAM, "$dir/with a space  or two"],
              ['leading', SOCK_DGRAM, "$dir/ leading"],
              ['abstract', SOCK_STREAM, "\0procmgr.$$"],
              ['zeros', SOCK_DGRAM, "\0procmgr\0two words\0$$"],
              ['packets', SOCK_SEQPACKET, "\0procmgr-seq $$"],
              ['line', SOCK_STREAM, "$dir/two\nlines"]);
    for (@un) {
        my ($name, $type, $path) = @$_;
        socket my $k, AF_UNIX, $type, 0 or die;
        bind $k, pack_sockaddr_un($path) or die "$path: $!";
        listen $k, 3 if $type != SOCK_DGRAM;
        push @keep, $k;
        $said{$name} = [fileno $k, $path =~ tr/\0/@/r];
    }
    socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die;
    push @keep, $a, $b;
    $said{pair} = [fileno $a, fileno $b];

    return JSON::PP->new->canonical->encode(\%said);
});
my $has = decode_json($holder->{said});

# connections in many states

my $server = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1')
    or die;
my $port = $server->sockport();
my $conn = sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die };

my $client = $conn->();
my $served = $server->accept();

my $half = $conn->();           # FIN_WAIT2 here, CLOSE_WAIT there
my $waits = $server->accept();
my $half_port = $half->sockport();
$half->shutdown(1);

my $gone = $conn->();           # TIME_WAIT
my $over = $server->accept();
my $gone_port = $gone->sockport();
$gone->shutdown(1);
$over->close();
$gone->close();

my $syn = IO::Socket::INET->new(PeerAddr => '10.9.1.77:7', Blocking => 0);
my $unserved = $conn->();       # in the backlog: no descriptor yet

my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
    PeerAddr => "127.0.0.1:$has->{udp}[1]") or die;

sub answer {
    sleep 0.06;
    return $s->get("/system/network/connections$_[0]");
}

sub rows { answer(@_)->{json} }

my $json = JSON::PP->new->canonical;

# psutil's rows, of this process's own rights: root sees all

my @kinds = qw(inet inet4 inet6 tcp tcp4 tcp6 udp udp4 udp6 unix all);
my $psutil = python('import psutil; print(json.dumps(psutil.__version__))');

for my $kind (@kinds) {
    SKIP: {
        skip 'no psutil', 2 if !defined $psutil;

        # python's own sockets and those of this test's requests come and go

        my $theirs = sub {
            my $rows = python(<<'EOP', $kind);
import psutil, os
print(json.dumps([c for c in psutil.net_connections(sys.argv[1])
                  if c.pid != os.getpid()]))
EOP
            return { map { $json->encode($_) => 1 } @$rows };
        };
        my ($before, $ours, $after);

        for (1 .. 8) {
            $before = $theirs->();
            $ours = rows("?kind=$kind&shape=array");
            $after = $theirs->();
            last if $json->encode($before) eq $json->encode($after);
        }

        # what psutil says of names with spaces

        for my $r (@$ours) {
            $r->[3] = '' if $r->[1] == 1 && $r->[3] =~ /[ \n]/;
            # half a line is what it takes for the whole name
            $r->[3] = "$dir/two" if $r->[1] == 1 && $r->[3] eq ''
                && $r->[6] && $r->[6] == $holder->{pid}
                && $r->[0] == $has->{line}[0];
        }

        my %ours = map { $json->encode($_) => 1 } @$ours;
        my @lacks = grep { !$ours{$_} && $after->{$_} } keys %$before;

        # requests of the test itself

        my $own = sub { $_[0] =~ /"127\.0\.0\.1",$t->{port}\]/ };
        is_deeply([grep { !$own->($_) } @lacks], [], "$kind: all of psutil");

        # without holders, of whom psutil knows one process for a socket:
        # nothing that psutil has not

        my $bare = sub {
            return $json->encode([@{ $json->decode($_[0]) }[1 .. 5]]);
        };
        my %theirs = map { $bare->($_) => 1 } keys %$before, keys %$after;
        is_deeply([grep { !$theirs{$bare->($_)} && !$own->($_) } keys %ours],
            [], "$kind: and nothing else");
    }
}

# rows are a set

my $all = rows('?kind=all&shape=array');
my %seen;
is_deeply([grep { $seen{$_}++ } map { $json->encode($_) } @$all], [],
    'no row twice');

my $objects = rows('?kind=all');
is(join(' ', sort keys %{ $objects->[0] }),
    'family fd laddr pid raddr status type', 'as objects');

sub row {
    my ($cond) = @_;
    return grep { $cond->($_) } @$objects;
}

sub local_port {
    my ($p, $status) = @_;
    my ($r) = row(sub { ref $_[0]{laddr} && @{ $_[0]{laddr} }
        && $_[0]{laddr}[1] == $p && (!$status || $_[0]{status} eq $status) });
    return $r;
}

is_deeply(local_port($has->{tcp}[1]), { family => 2, type => 1,
    laddr => ['127.0.0.1', $has->{tcp}[1]], raddr => [], status => 'LISTEN',
    fd => $has->{tcp}[0], pid => $holder->{pid} },
    'a listener of another user, through the helper');
is(scalar(row(sub { ref $_[0]{laddr} && @{ $_[0]{laddr} }
    && $_[0]{laddr}[1] == $has->{tcp}[1] && $_[0]{status} eq 'LISTEN' })), 2,
    'by both descriptors');
is(local_port($has->{udp}[1])->{status}, 'NONE', 'UDP has no status');

SKIP: {
    skip 'no IPv6', 2 if !$six;
    is(local_port($has->{mapped}[1])->{laddr}[0], '::ffff:127.0.0.1',
        'a mapped address as psutil has it');
    is(local_port($has->{tcp6}[1])->{family}, 10, 'IPv6');
}

is(local_port($client->sockport())->{status}, 'ESTABLISHED', 'established');
is(local_port($half_port)->{status}, 'FIN_WAIT2', 'half closed here');
is((row(sub { $_[0]{status} eq 'CLOSE_WAIT' && @{ $_[0]{raddr} }
    && $_[0]{raddr}[1] == $half_port }))[0]{pid}, $$, 'and there');
my $tw = local_port($gone_port);
is_deeply([@$tw{qw(status fd pid)}], ['TIME_WAIT', -1, undef],
    'one without a descriptor');

SKIP: {
    skip 'no route', 1 if !$syn;
    is((row(sub { $_[0]{status} eq 'SYN_SENT' }))[0]{raddr}[0], '10.9.1.77',
        'one that nobody answers');
}

my @shared = sort { $a <=> $b } map { $_->{pid} } row(sub {
    $_[0]{status} eq 'LISTEN' && $_[0]{laddr}[1] == $t->{port} });
is("@shared", join(' ', sort { $a <=> $b } $t->{master}, $t->workers()),
    'all holders of a shared listener');

# names

for my $n (qw(path space leading abstract zeros packets line)) {
    my ($r) = row(sub { $_[0]{family} == 1 && $_[0]{fd} == $has->{$n}[0]
        && ($_[0]{pid} // 0) == $holder->{pid} });
    is($r->{laddr}, $has->{$n}[1], "$n: the whole name");
}

# what the helper is away for is not known

rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/away" or die;
my $new = spawn(user => 'nobody', code => sub {
    our ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 3);
    return $port;
});
my $r = answer('?kind=tcp4');
my ($row) = grep { $_->{laddr}[1] == $new->{said} } @{ $r->{json} };
is_deeply([@$row{qw(fd pid)}], [-1, undef], 'no helper: no holder');
like($r->{headers}{'x-procmgr-partial'}, qr/\bfd,pid\b/, 'and it says so');
rename "$t->{dir}/libexec/away", "$t->{dir}/libexec/procmgr-helper" or die;

# refusals

for my $q (['kind=tcp5', 'inet, inet4, inet6, tcp, tcp4, tcp6, udp, udp4, '
                . 'udp6, unix, all'], ['kind=', 'inet4'],
           ['shape=x', 'object, array'], ['proto=tcp', 'proto'])
{
    $r = $s->get("/system/network/connections?$q->[0]");
    ok($r->{status} == 400 && $r->{json}{detail} =~ /\Q$q->[1]/,
        "$q->[0] is refused") or diag($r->{raw});
}

# a process that is idle is not read again; one that did something is

my $toggle = do {
    socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die;
    my $p = spawn(user => 'nobody', code => sub {
        close $a;
        if (!fork) {
            our %open;
            while (sysread $b, my $c, 1) {
                if ($c eq 'o') {
                    my ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1',
                        1);
                    $open{$port} = $k;
                    syswrite $b, pack 'n', $port;

                } elsif ($c eq 'c') {
                    %open = ();
                    syswrite $b, pack 'n', 1;
                }
            }
            POSIX::_exit(0);
        }
        close $b;
        'ok';
    });
    close $b;
    $a;
};

sub order {
    syswrite $toggle, $_[0];
    sysread $toggle, my $answer, 2;
    return unpack 'n', $answer;
}

my ($wrong, $port2) = (0, 0);
for my $i (1 .. 25) {
    my $p = order('o');
    $wrong++ if !grep { $_->{laddr}[1] == $p && $_->{pid} }
        @{ rows('?kind=tcp4') };
    # twice: from what is kept
    $wrong++ if !grep { $_->{laddr}[1] == $p && $_->{pid} }
        @{ rows('?kind=tcp4') };
    if ($i % 5 == 0) {
        order('c');
        $wrong++ if grep { $_->{laddr}[1] == $p } @{ rows('?kind=tcp4') };
    }
}
is($wrong, 0, 'what a process opened and closed is seen at once');
