#!/usr/bin/perl

# Services with 5,000 sockets, row by row as ss and netstat have them, and
# those of other network namespaces.

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(:all);
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::ProcmgrNet;
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 20)->run(interval => '50ms', workers => 2);
my $s = $t->login();
my $six = eval { bound(AF_INET6, SOCK_STREAM, '::1', 1); 1 };

# ten processes of two users, each with five hundred sockets of all kinds

my @load = map {
    my $n = $_;
    spawn(user => $n % 2 ? 'nobody' : 'daemon', code => sub {
        our @keep;
        $0 = "load-$n";
        for my $i (1 .. 100) {
            my ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 5);
            push @keep, $k, (bound(AF_INET, SOCK_DGRAM, '127.0.0.1'))[0];
            push @keep, (bound($six ? AF_INET6 : AF_INET, SOCK_DGRAM,
                $six ? '::1' : '127.0.0.1'))[0];
            my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
                or die;
            accept my $a, $k or die;
            push @keep, $c, $a;
            syswrite $c, 'x' x $n if $i == 1;
        }
        return scalar @keep;
    });
} 0 .. 9;

sub rows {
    sleep 0.06;
    return $s->get("/system/services$_[0]")->{json};
}

# the tools' words for what we say otherwise

sub same {
    my ($name, $theirs, $ours) = @_;
    my ($before, $mine) = stable(sub { join "\n", sort $theirs->() },
        sub { [sort $ours->()] });
    my @before = split /\n/, $before;
    my %mine = map { $_ => 1 } @$mine;
    my %before = map { $_ => 1 } @before;
    my @lacks = grep { !$mine{$_} } @before;
    my @more = grep { !$before{$_} } @$mine;

    cmp_ok(scalar @before, '>=', 5000, "$name has 5,000 sockets");
    is("@lacks[0 .. ($#lacks < 3 ? $#lacks : 3)]", '',
        "$name: all that it has");
    is("@more[0 .. ($#more < 3 ? $#more : 3)]", '', "$name: nothing more");
}

my %word = (ESTAB => 'ESTABLISHED', 'FIN-WAIT-1' => 'FIN_WAIT1',
    'FIN-WAIT-2' => 'FIN_WAIT2', 'TIME-WAIT' => 'TIME_WAIT',
    'CLOSE-WAIT' => 'CLOSE_WAIT', 'LAST-ACK' => 'LAST_ACK',
    'SYN-SENT' => 'SYN_SENT', 'SYN-RECV' => 'SYN_RECV');

# what a request of the test leaves is no part of it

sub quiet { grep { !/127\.0\.0\.1:$t->{port}\b/ || /LISTEN/ } @_ }

SKIP: {
    skip 'no ss', 3 if !`ss -V 2>/dev/null`;

    same('ss', sub {
        my @rows;
        for (split /\n/, `ss -tunapH`) {
            my ($proto, $state, $rq, $sq, $local, $peer, $users)
                = split ' ', $_, 7;
            s/^\*:/[::]:/, s/%\w+// for $local, $peer;
            my @h = ($users // '') =~ /pid=(\d+),fd=(\d+)/g;
            my @pairs;
            push @pairs, join('/', splice @h, 0, 2) while @h;
            push @rows, join ' ', $proto, $word{$state} // $state, $rq, $sq,
                $local, $peer, sort @pairs;
        }
        return quiet(@rows);
    }, sub {
        return quiet(map {
            my $l = $_->{state} eq 'LISTEN';
            join ' ', $_->{proto} =~ s/6//r, $_->{state},
                $l ? $_->{backlog} : $_->{recv_q},
                $l ? $_->{backlog_max} : $_->{send_q},
                $_->{local}, $_->{foreign},
                sort map { "$_->{pid}/$_->{fd}" } @{ $_->{pids} };
        } @{ rows('?all=1') });
    });
}

SKIP: {
    skip 'no netstat', 3 if !`netstat --version 2>/dev/null`;

    same('netstat', sub {
        my @rows;
        for (split /\n/, `netstat -tunap --wide 2>/dev/null`) {
            my ($proto, $rq, $sq, $local, $peer, @rest) = split ' ', $_;
            next if $proto !~ /^(?:tcp|udp)6?$/;
            my $state = $rest[0] =~ /^[A-Z_0-9]+$/ ? shift @rest : 'UNCONN';
            my ($pid) = $rest[0] =~ m{^(\d+)/};
            # without brackets there
            for ($local, $peer) {
                s/^(.*):([^:]*)$/[$1]:$2/ if /:.*:/ && !/^[\d.]+:/;
            }
            # a listener's queue is in its backlog here
            ($rq, $sq) = (0, 0) if $state eq 'LISTEN';
            push @rows, join ' ', $proto, $rq, $sq, $local, $peer, $state,
                $pid // '-';
        }
        return quiet(@rows);
    }, sub {
        my %first;
        return quiet(map {
            join ' ', @$_{qw(proto recv_q send_q local foreign state)},
                $_->{pid_program} =~ m{^(\d+)/} ? $1 : '-';
        } @{ rows('?all=1') });
    });
}

# another namespace, of another user's process, with the same addresses

my $own = (stat '/proc/self/ns/net')[1];
my $shared = (bound(AF_INET, SOCK_STREAM, '127.0.0.1', 5))[1];

# a child is nobody's when its parent ends

my $child;
END { kill 'KILL', $child if $child }

sub elsewhere {
    my ($user, $code) = @_;
    return spawn(code => sub {
        syscall(272, 0x40000000) == 0 or die "unshare: $!";
        ip('link set lo up') or die;
        if ($user) {
            $> = $< = getpwnam $user;
        }
        return $code->();
    });
}

SKIP: {
    skip 'system calls are numbered otherwise', 14
        if `uname -m` ne "x86_64\n";

    my $there = elsewhere('nobody', sub {
        our @keep;
        my ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 9);
        my ($u, $uport) = bound(AF_INET, SOCK_DGRAM, '127.0.0.1');
        my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die;
        accept my $a, $k or die;
        push @keep, $k, $u, $c, $a;
        if ($six) {
            push @keep, (bound(AF_INET6, SOCK_STREAM, '::1', 2))[0];
        }
        my $child = fork;
        if (!$child) {
            1 while sleep 600;
        }
        return "$port $uport $child";
    });
    (my $port, my $uport, $child) = split ' ', $there->{said};
    my $third = elsewhere('daemon', sub {
        our ($k, $port) = bound(AF_INET, SOCK_STREAM, '127.0.0.1', 3);
        return $port;
    });

    is_deeply([grep { $_->{netns} != $own } @{ rows('?all=1') }], [],
        'one namespace unless others are asked for');
    ok(!exists rows('')->[0]{netns_pid}, 'and no word of others');

    my $all = rows('?netns=all');
    my @ours = grep { !defined $_->{netns_pid} } @$all;
    is_deeply([grep { ($_->{netns} // 0) != $own } @ours], [],
        'our own has its number');

    my @k = grep { defined $_->{netns_pid}
        && $_->{netns_pid} == $there->{pid} } @$all;
    my ($l) = grep { $_->{local} eq "127.0.0.1:$port" } @k;
    is("$l->{proto} $l->{state} $l->{user}", 'tcp LISTEN nobody',
        'a listener in another one');
    is($l->{netns}, (stat "/proc/$there->{pid}/ns/net")[1],
        'its number, which the helper tells');
    is($l->{pid_program} =~ /^(\d+)/ ? $1 : '-', $there->{pid},
        'with its holder');
    is(scalar @{ $l->{pids} }, 2, 'and the other one');
    is(scalar(grep { $_->{local} eq "127.0.0.1:$uport"
        && $_->{proto} eq 'udp' } @k), 1, 'UDP');
    is(scalar(grep { $_->{proto} eq 'tcp6' } @k), $six ? 1 : 0, 'IPv6');
    is(scalar(grep { $_->{state} eq 'ESTABLISHED' } @{
        rows("?netns=all&state=ESTABLISHED&port=$port") }), 1,
        'a state and a port');
    is(scalar(grep { ($_->{netns_pid} // 0) == $third->{pid} } @$all), 1,
        'and in a third');

    my $found = rows('?netns=all&name=load-3');
    is($found->{services}[0]{pids}[0]{pid}, $load[3]{pid}, 'a search');

    end($third);
    is(scalar(grep { ($_->{netns_pid} // 0) == $third->{pid} }
        @{ rows('?netns=all') }), 0, 'one that is gone');
    is($s->get('/system/services?netns=every')->{status}, 400,
        'another word is refused');
}
