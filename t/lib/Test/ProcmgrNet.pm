package Test::ProcmgrNet;

# A test file in a network namespace of its own, with all that it starts:
#
#   use Test::ProcmgrNet;       # before the plan; skips the file without root
#   ip('link add va type veth peer name vb') or ...;
#   my ($sock, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 5);

use strict;
use warnings;

use Exporter 'import';
use Socket qw(:all);
use Test::More ();

our @EXPORT = qw(ip bound stable);

# the file is run again inside; its programs must be found as before

BEGIN {
    if (!$ENV{PROCMGR_TEST_NETNS}) {
        Test::More::plan(skip_all => 'only root has network namespaces')
            if $> != 0;
        Test::More::plan(skip_all => 'no ip, or no network namespace')
            if system('unshare -n ip link set lo up 2>/dev/null') != 0;

        $ENV{PROCMGR_TEST_NETNS} = (stat '/proc/self/ns/net')[1];
        exec 'unshare', '-n', $^X, (map { "-I$_" } @INC), $0, @ARGV
            or die "unshare: $!";
    }

    die "this is not a network of our own\n"
        if (stat '/proc/self/ns/net')[1] == $ENV{PROCMGR_TEST_NETNS};

    system('ip link set lo up') == 0 or die "no loopback\n";
}

# whether it could be done: a kernel may lack a kind of interface

sub ip {
    my ($args) = @_;
    return system("ip $args 2>/dev/null") == 0;
}

# a socket on a port of its own, which listens when it has a backlog

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

# what a peer says before and after is the same: (its value, ours between)

sub stable {
    my ($peer, $ours) = @_;
    my ($before, $mine, $after);

    for (1 .. 10) {
        $before = $peer->();
        $mine = $ours->();
        $after = $peer->();
        last if Test::More::eq_array([$before], [$after]);
    }
    return ($before, $mine);
}

1;
