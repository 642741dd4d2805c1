#!/usr/bin/perl

# TCP and UDP services with all who hold them, against sockets of the test's
# own, of several users, and against ss.

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Socket qw(:all);
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 57)->run(interval => '100ms', workers => 2);
my $s = $t->login();
my $me = getpwuid $>;
my $other = as_root() ? 'nobody' : $me;

# listeners on loopback: of another user, by IPv6, a mapped address, UDP

sub bound {
    my ($family, $type, $addr, $backlog) = @_;
    socket my $k, $family, $type, 0 or die "socket: $!";
    setsockopt $k, IPPROTO_IPV6, IPV6_V6ONLY, 0 if $family == AF_INET6;
    bind $k, $family == AF_INET6
        ? pack_sockaddr_in6(0, Socket::inet_pton(AF_INET6, $addr))
        : pack_sockaddr_in(0, inet_aton($addr)) or die "bind: $!";
    listen $k, $backlog or die "listen: $!" if $backlog;
    my ($port) = $family == AF_INET6
        ? unpack_sockaddr_in6(getsockname $k)
        : unpack_sockaddr_in(getsockname $k);
    return ($k, $port);
}

my $six = eval { bound(AF_INET6, SOCK_STREAM, '::1', 1); 1 };

my $holder = spawn(user => $other, code => sub {
    our @keep;
    my @ports;
    for my $o ([AF_INET, SOCK_STREAM, '127.0.0.1', 7],
               [AF_INET, SOCK_DGRAM, '127.0.0.1', 0],
               $six ? ([AF_INET6, SOCK_STREAM, '::1', 9],
                       [AF_INET6, SOCK_STREAM, '::ffff:127.0.0.1', 5],
                       [AF_INET6, SOCK_DGRAM, '::', 0]) : ())
    {
        my ($k, $port) = bound(@$o);
        push @keep, $k;
        push @ports, $port;
    }
    # the first one twice
    open my $twice, '<&', $keep[0] or die;
    push @keep, $twice;
    $0 = "holder \x{1b}[31m";
    return join ' ', map({ fileno $_ } $keep[0], $twice), @ports;
});
my ($fd1, $fd2, $tcp, $udp, $tcp6, $mapped, $udp6)
    = split ' ', $holder->{said};

# one that shares a socket with its parent, and one without any

my $shared = spawn(code => sub {
    our ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 3);
    our $child = fork();
    if (!$child) {
        1 while sleep 600;
    }
    return "$port $child";
});
my ($common, $child) = split ' ', $shared->{said};

# it is nobody's child when its parent ends
END { kill 'KILL', $child if defined $child }

my $quiet = spawn(user => $other, code => sub { $0 = 'procmgr-quiet'; 'ok' });

# connections: two in the backlog, and one with bytes to be read

my @waiting = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$tcp") }
    1 .. 2;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die;
my $port = $server->sockport();
my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die;
my $served = $server->accept();
syswrite $client, 'seven b';

sub answer {
    sleep 0.15;
    return $s->get("/system/services$_[0]");
}

sub rows { answer(@_)->{json} }

sub at {
    my ($rows, $local) = @_;
    return (grep { $_->{local} eq $local } @$rows)[0];
}

my $r = answer('');
my $list = $r->{json};
is($r->{status}, 200, 'services');

my $row = at($list, "127.0.0.1:$tcp");
ok($row, 'a listener');
is(join(' ', sort keys %$row), 'backlog backlog_max foreign inode local netns '
    . 'pid_program pids proto recv_q send_q state uid unit user',
    'everything of it');
is("$row->{proto} $row->{state} $row->{foreign}", 'tcp LISTEN 0.0.0.0:*',
    'as netstat writes it');
is("$row->{recv_q} $row->{send_q}", '0 0', 'no bytes wait at a listener');
is("$row->{backlog} $row->{backlog_max}", '2 7', 'connections do');
is($row->{user}, $other, 'its user');
is($row->{uid}, scalar getpwnam($other), 'by number');
is($row->{pid_program}, "$holder->{pid}/holder \x{1b}[31m", 'its program');
is_deeply($row->{pids}, [map { { pid => $holder->{pid},
    name => "holder \x{1b}[31m", fd => $_ } } $fd1, $fd2],
    'its holder, through the helper, by both descriptors');
cmp_ok($row->{inode}, '>', 0, 'its inode');
is($row->{netns}, (stat '/proc/self/ns/net')[1], 'its network');

$row = at($list, "127.0.0.1:$udp");
is("$row->{proto} $row->{state} $row->{foreign}", 'udp UNCONN 0.0.0.0:*',
    'a bound UDP socket');
is($row->{backlog}, undef, 'has no backlog');
is($row->{pids}[0]{pid}, $holder->{pid}, 'but a holder');

SKIP: {
    skip 'no IPv6', 4 if !$six;

    $row = at($list, "[::1]:$tcp6");
    is("$row->{proto} $row->{foreign}", 'tcp6 [::]:*', 'IPv6 in brackets');
    is($row->{pids}[0]{pid}, $holder->{pid}, 'and its holder');
    $row = at($list, "127.0.0.1:$mapped");
    is("$row->{proto} $row->{foreign}", 'tcp6 [::]:*',
        'a mapped address as netstat writes it');
    $row = at($list, "[::]:$udp6");
    is("$row->{proto} $row->{state}", 'udp6 UNCONN', 'UDP over IPv6');
}

# all holders of a shared listener

$row = at($list, "127.0.0.1:$common");
is(join(' ', sort { $a <=> $b } map { $_->{pid} } @{ $row->{pids} }),
    join(' ', sort { $a <=> $b } $shared->{pid}, $child),
    'parent and child');

$row = at($list, "127.0.0.1:$t->{port}");
my @holders = map { $_->{pid} } @{ $row->{pids} };
my @nginx = sort { $a <=> $b } $t->{master}, $t->workers();

# without root, a worker may not look into the other one

is("@holders", join(' ', grep { my $p = $_; $t->{root}
    || grep { $p == $_ } @holders } @nginx),
    'nginx: the master and both workers, by pid');
is($row->{pids}[0]{name}, 'nginx', 'by name');
is($row->{pid_program}, "$row->{pids}[0]{pid}/nginx", 'the first one leads');

is_deeply([grep { $_->{state} !~ /^(?:LISTEN|UNCONN)$/ } @$list], [],
    'nothing but services');
is_deeply([grep { $_->{state} eq 'LISTEN' && "$_->{recv_q}$_->{send_q}" ne '00' }
    @$list], [], 'and no listener with bytes');

# the rest

my $all = rows('?all=true');
ok((grep { $_->{state} eq 'LISTEN' } @$all), 'all has the services');

($row) = grep { $_->{local} eq "127.0.0.1:$port"
    && $_->{state} eq 'ESTABLISHED' } @$all;
is($row->{recv_q}, 7, 'bytes to be read');
is($row->{foreign}, '127.0.0.1:' . $client->sockport(), 'the other side');
is($row->{pids}[0]{pid}, $$, 'our own connection');

is_deeply([map { $_->{local} } @{ rows("?port=$tcp") }],
    ["127.0.0.1:$tcp"], 'by port');
is_deeply([sort map { $_->{proto} } @{ rows("?proto=udp&port=$udp") }],
    ['udp'], 'by proto');
is_deeply(rows("?proto=tcp&port=$udp"), [], 'by both');
is_deeply([grep { $_->{state} ne 'ESTABLISHED' }
    @{ rows('?state=ESTABLISHED') }], [], 'by state');
ok(at(rows('?state=ESTABLISHED'), "127.0.0.1:$port"),
    'a state that is asked for is meant');
is_deeply(rows("?state=UNCONN&port=$tcp"), [], 'UNCONN is of UDP alone');

# the search

my $found = rows('?name=holder');
is(join(' ', sort keys %$found), 'processes services', 'what a search has');
ok(at($found->{services}, "127.0.0.1:$tcp"), 'services by program');
is_deeply([grep { $_->{pid} == $holder->{pid} } @{ $found->{processes} }],
    [], 'whose process is not told again');

$found = rows('?name=' . 'PROCMGR+quiet');
is_deeply($found->{services}, [], 'none by the other name');
my ($p) = grep { $_->{pid} == $quiet->{pid} } @{ $found->{processes} };
is_deeply($p, { pid => $quiet->{pid}, name => 'procmgr-quiet',
    cmdline => ['procmgr-quiet'], unit => $p->{unit} },
    'a process without a socket, in any case, all words');

$found = rows('?name=prcmgrqt');
ok((grep { $_->{pid} == $quiet->{pid} } @{ $found->{processes} }),
    'letters in their order');
$found = rows('?name=no-such-thing-anywhere-here');
is_deeply($found->{services}, [], 'nothing is nothing');

# a viewer does not see others' command lines where the policy says so, and
# cannot find by what it does not see

SKIP: {
    skip 'all processes are our own', 3 if !as_root();

    my $v = $t->login('viewer');
    my $secret = spawn(user => $other, code => sub {
        $0 = 'procmgr-loud word-nobody-uses';
        'ok';
    });
    sleep 0.15;
    $r = $v->get('/system/services?name=procmgr-loud');
    ($p) = grep { $_->{pid} == $secret->{pid} } @{ $r->{json}{processes} };
    is($p->{cmdline}, undef, 'a command line that is not known');
    like($r->{headers}{'x-procmgr-partial'}, qr/\bcmdline\b/, 'it says so');

    is(scalar(grep { $_->{pid} == $secret->{pid} } @{
        $v->get('/system/services?name=word-nobody-uses')->{json}{processes}
    }), 0, 'and finds nothing by it');
}

# refusals name what is wrong and what is right

for my $q (['proto=tcp4', 'tcp6'], ['state=OPEN', 'LISTEN'],
           ['port=0', '65535'], ['port=65536', '65535'], ['netns=none', 'own, all'],
           ['name=' . 'x' x 129, 'name'], ['name=+', 'name'])
{
    $r = $s->get("/system/services?$q->[0]");
    my ($name) = split /=/, $q->[0];
    ok($r->{status} == 400 && $r->{json}{detail} =~ /$name/
        && $r->{json}{detail} =~ /$q->[1]/,
        substr($q->[0], 0, 12) . ' is refused') or diag($r->{raw});
}
is($s->get('/system/services?netns=own')->{status}, 200, 'netns=own');

# ss, asked before and after: what stood still

SKIP: {
    my $ss = sub {
        my %d;
        for (split /\n/, `ss -tunapH 2>/dev/null`) {
            my ($proto, $state, $rq, $sq, $local, $peer, $users)
                = split ' ', $_, 7;
            next if $local =~ /ffff:/;
            $state = 'LISTEN' if $state eq 'LISTEN';
            s/^\*:/[::]:/, s/%\w+// for $local, $peer;
            my @h = ($users // '') =~ /pid=(\d+),fd=(\d+)/g;
            my @pairs;
            push @pairs, join('/', splice @h, 0, 2) while @h;
            push @{ $d{"$proto $local $peer"} }, join ' ',
                $state =~ /^(?:ESTAB|LISTEN|UNCONN)$/
                    ? $state =~ s/ESTAB/ESTABLISHED/r : '-',
                $state eq 'LISTEN' ? ($rq, $sq) : ('-', '-'),
                sort @pairs;
        }
        $_ = join '; ', sort @$_ for values %d;
        return \%d;
    };

    my $before = $ss->();
    skip 'no ss', 2 if !%$before;
    my $ours = rows('?all=1');
    my $after = $ss->();
    my (%ours, @bad);
    my $same = 0;

    for my $o (@$ours) {
        next if $o->{proto} =~ /6/ && $o->{local} !~ /^\[/;
        my $proto = $o->{proto} =~ s/6//r;
        push @{ $ours{"$proto $o->{local} $o->{foreign}"} }, join ' ',
            $o->{state} =~ /^(?:ESTABLISHED|LISTEN|UNCONN)$/
                ? $o->{state} : '-',
            $o->{state} eq 'LISTEN'
                ? ($o->{backlog}, $o->{backlog_max}) : ('-', '-'),
            sort map { "$_->{pid}/$_->{fd}" } @{ $o->{pids} };
    }
    $_ = join '; ', sort @$_ for values %ours;

    for my $k (keys %$before) {
        next if ($after->{$k} // '') ne $before->{$k};
        next if $k =~ /:$t->{port}\b/;
        next if !as_root() && $before->{$k} !~ m{/};
        $same++;
        push @bad, "$k: ss $before->{$k}, here " . ($ours{$k} // 'nothing')
            if ($ours{$k} // '') ne $before->{$k};
    }

    cmp_ok($same, '>=', 5, 'several sockets stood still');
    is_deeply(\@bad, [], 'they are as ss has them');
}

# without the helper: the rows, without what is not known

rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/away" or die;
my $new = spawn(user => $other, code => sub {
    our ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 3);
    return $port;
});
$r = answer('');
$row = at($r->{json}, "127.0.0.1:$new->{said}");

SKIP: {
    skip 'all processes are our own', 2 if !as_root();
    is_deeply([$row->{pid_program}, $row->{pids}], ['-', []],
        'no helper: no holder');
    like($r->{headers}{'x-procmgr-partial'}, qr/\bpids\b/, 'and it says so');
}
rename "$t->{dir}/libexec/away", "$t->{dir}/libexec/procmgr-helper" or die;
