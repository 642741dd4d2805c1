#!/usr/bin/perl

# The tree of processes: children under parents, in the order asked for, and
# with the ancestors of what is found.

use strict;
use warnings;

use POSIX ();

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 14)->run(interval => '100ms');

# parent -> a (small), b (large) -> c

my $mark = "pmtree$$";
my $top = spawn(code => sub {
    my ($a, $b, $c);
    $0 = "$mark-top";
    pipe my $from, my $to or die;
    for my $n (qw(a b)) {
        my $pid = fork() // die;
        if (!$pid) {
            $0 = "$mark-$n";
            our @keep = ('x' x ($n eq 'b' ? 40_000_000 : 1000));
            if ($n eq 'b') {
                my $sub = fork() // die;
                if (!$sub) {
                    $0 = "$mark-c";
                    wait_for_end();
                }
                syswrite $to, "$sub\n";
            }
            wait_for_end();
        }
        $n eq 'a' ? ($a = $pid) : ($b = $pid);
    }
    chomp($c = <$from>);
    return "$a $b $c";
});
my ($a, $b, $c) = split ' ', $top->{said};
my $p = $top->{pid};

my $s = $t->login();
select undef, undef, undef, 0.3;

my $all = $s->get('/system/process/info?tree=true')->{json};
my %at = map { $all->[$_]{pid} => $_ } 0 .. $#$all;

is_deeply([sort keys %{ $all->[0] }],
    [qw(ancestor depth name pid ppid username)], 'its keys');
cmp_ok(scalar @$all, '>', 10, 'all are there');

my @bad = grep {
    my $row = $all->[$_];
    my $up = $at{ $row->{ppid} };
    defined $up ? $row->{depth} != $all->[$up]{depth} + 1 || $up >= $_
        : $row->{depth} != 0;
} 0 .. $#$all;
is_deeply(\@bad, [], 'each below its parent, one deeper');

# between a row and its parent stand descendants of the parent alone

@bad = grep {
    my $up = $at{ $all->[$_]{ppid} };
    my $deep = $all->[$_]{depth};
    defined $up && grep { $_->{depth} < $deep } @{$all}[$up + 1 .. $_ - 1];
} 0 .. $#$all;
is_deeply(\@bad, [], 'and nobody else\'s between');
is_deeply([grep { $_->{ancestor} } @$all], [], 'none is there for another');

# a hit with its ancestors

my $hit = $s->get("/system/process/info?tree=1&name=$mark-c")->{json};
is_deeply([map { $_->{pid} } @{$hit}[-4 .. -1]], [$$, $p, $b, $c],
    'the way down to a hit');
is_deeply([map { $_->{ancestor} ? 1 : 0 } @$hit], [(1) x $#$hit, 0],
    'which alone is one');
is_deeply([map { $_->{depth} } @$hit], [0 .. $#$hit], 'each one deeper');

# siblings in the order asked for

my $in = sub {
    my %mine = map { $_ => 1 } $p, $a, $b, $c;
    my $r = $s->get("/system/process?tree=true&pid=$p,$a,$b,$c&$_[0]");
    return [grep { $mine{$_} } map { $_->{pid} } @{ $r->{json} }];
};
is_deeply($in->('sort=pid'), [$p, $a, $b, $c], 'siblings by number');
is_deeply($in->('sort=pid&order=desc'), [$p, $b, $c, $a], 'downwards');
is_deeply($in->(''), [$p, $b, $c, $a], 'the largest first');

# limit counts hits

my $r = $s->get("/system/process/info?tree=true&pid=$a,$c&sort=pid&limit=1");
is_deeply([map { $_->{pid} } grep { !$_->{ancestor} } @{ $r->{json} }], [$a],
    'limit counts hits, not ancestors');

$r = $s->get("/system/process/info?tree=true&pid=$c&fields=depth,name");
is_deeply([sort keys %{ $r->{json}[0] }], [qw(ancestor depth name ppid)],
    'the fields asked for, and those of a tree');

# depth without the tree

is($s->get("/system/process?pid=$c&fields=depth")->{json}[0]{depth},
    $r->{json}[-1]{depth}, 'depth is known in any list');


# of the parent

sub wait_for_end {
    my $parent = getppid;
    sleep 1 while getppid == $parent;
    POSIX::_exit(0);
}
