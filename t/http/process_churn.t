#!/usr/bin/perl

# Large processes that end as soon as they have begun stand among the ten
# largest of a scan, and have ended when their rows are read: others take
# their places in the answer.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

use constant { STAY => 14, COME => 3 };

my $t = Test::Procmgr->new(plan => 8)->run(interval => '50ms', workers => 1);
my $s = $t->login();

# one is large, and so is everyone that it begins: some stay; others, larger,
# begin one after the other that does not

my $large = spawn(code => sub {
    our $much = 'x' x 150_000_000;
    our @stay = map { begin(sub { sleep 600 }) } 1 .. STAY;
    our @come = map { begin(sub {
        our $more = 'x' x 10_000_000;
        while (1) {
            waitpid begin(sub { select undef, undef, undef, rand 0.006 }), 0;
        }
    }) } 1 .. COME;
    join ' ', @stay, @come;
});

my %stays = map { $_ => 1 } $large->{pid}, split ' ', $large->{said};
my (%rows, @wrong, %seen);

# descriptors are read by the helper, threads by the worker; in other orders
# all processes are candidates

my @urls = ('/system/process', '/system/process?num=10&human=true',
    '/system/process?limit=10&fields=pid,threads,num_fds',
    '/system/process/info?fields=pid,exe,rss&sort=pid&order=desc&limit=10');

for my $url (@urls) {
    my $end = time + 4;

    while (time < $end) {
        my $r = $s->get($url);

        push @wrong, $r->{status} if $r->{status} != 200;
        $rows{$url}{ scalar @{ $r->{json} || [] } }++;
        $seen{ $_->{pid} }++ for @{ $r->{json} || [] };
        my %pids = map { $_->{pid} => 1 } @{ $r->{json} || [] };
        push @wrong, 'twice' if keys %pids != @{ $r->{json} || [] };
    }

    is(join(' ', keys %{ $rows{$url} }), 10, "always ten of $url");
}

is_deeply(\@wrong, [], 'each answered, each process once');
cmp_ok(scalar(grep { !$stays{$_} } keys %seen), '>=', 1,
    'some of those that come and go were seen');

# as many as there are, when there are fewer

my $few = join ',', sort keys %stays;
is(scalar @{ $s->get("/system/process?pid=$few&limit=100")->{json} },
    scalar keys %stays, 'all of those that stay');
is(scalar @{ $s->get("/system/process?pid=$few&limit=5&offset=" . (STAY + COME
    - 1))->{json} }, 2, 'and the last of them');


sub begin {
    my ($code) = @_;

    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    syscall 157, 1, 9, 0, 0, 0;
    $code->();
    POSIX::_exit(0);
}
