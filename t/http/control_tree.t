#!/usr/bin/perl

# Trees of processes: found and frozen before anything is sent, children
# first, told who is gone and who is alive; signals that stop; what one line
# of the policy permits of priorities and another does not.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrControl;
use Time::HiRes qw(sleep);

plan(skip_all => 'must be root') if $> != 0;

# the instance's own policy is for uids from 1000

use constant { UID => 2000, OTHER => 500, ALL => 501, NICE => 502,
    IONICE => 503 };

my $t = Test::Procmgr->new(plan => 31 * Test::ProcmgrControl::CASE + 34);

$t->run(policy => "signal uid=${\UID} "
    . "sigs=TERM,KILL,STOP,CONT,TSTP,TTIN,TTOU,USR1 roles=operator\n"
    . "priority uid=${\ALL} nice=-5..15 ionice=best-effort,idle affinity=on "
    . "roles=operator\n"
    . "priority uid=${\NICE} nice=0..10 roles=operator\n"
    . "priority uid=${\IONICE} ionice=idle roles=operator\n");

my $c = Test::ProcmgrControl->new($t->login('operator'));
my (@tree, $row, @started);

END {
    my $status = $?;
    kill 'KILL', @started;
    $? = $status;
}

# what stops: all of them, in a group that has somebody to continue it

for my $sig (qw(STOP TSTP TTIN TTOU)) {
    @tree = tree('');
    kill 'STOP', $tree[2];
    ok(wait_states('T', $tree[2]), "$sig: one stands still before");

    $row = signal("$sig to a tree", $tree[0], $sig, 'success');
    ok(wait_states('T', @tree), "$sig: all stand still");
    is_deeply([sort @{ $row->{alive} }], [sort @tree], "$sig: and are alive");

    signal("CONT after $sig", $tree[0], 'CONT', 'success');
    ok(wait_states('S', @tree), "$sig: all go on");

    # but one that a program catches

    end(@tree);
    @tree = tree("\$SIG{$sig} = sub { \$0 = 'caught' };");
    next if $sig eq 'STOP';

    signal("$sig that they catch", $tree[0], $sig, 'success');
    ok($t->wait_for(sub { 3 == grep { cmdline($_) =~ /^caught/ } @tree }, 30),
        "$sig: they were told");
    is(scalar(grep { state($_) eq 'T' } @tree), 0, "$sig: and nobody stands");
    end(@tree);
}

# a parent that starts its children anew does not come to it

my $again = "$t->{dir}/demo/again";
@tree = tree('$SIG{CHLD} = sub { while (waitpid(-1, 1) > 0) { '
    . "open my \$f, '>>', '$again'; print \$f 'x'; if (!fork) { sleep 600 } "
    . '} };');
$row = signal('TERM to one that starts its children anew', $tree[0], 'TERM',
    'success', wait_ms => 20000);
is_deeply([sort @{ $row->{gone} }], [sort @tree], 'all are gone');
is_deeply($row->{alive}, [], 'nobody is alive');
ok(!-e $again, 'and none was started');
end(@tree);

# who does not want to

@tree = tree('if (fork() == 0) { $SIG{TERM} = "IGNORE"; print "$$\n"; '
    . 'sleep 600 while 1 }', 1);
my $deaf = pop @tree;
$row = signal('TERM, one of them is deaf', $tree[0], 'TERM',
    'success still_alive', wait_ms => 5000,
    says => qr/^1 of 4 processes still run$/);
is_deeply($row->{alive}, [$deaf], 'it is alive');
is_deeply([sort @{ $row->{gone} }], [sort @tree], 'the others are gone');
end(@tree);
$row = signal('and then KILL', $deaf, 'TERM', 'success', wait_ms => 100,
    then => 'KILL');
is_deeply([$row->{gone}, $row->{alive}], [[$deaf], []], 'now it is gone');
end($deaf);

@tree = tree('$SIG{TERM} = "IGNORE";');
$row = signal('a deaf tree', $tree[0], 'TERM', 'success still_alive',
    wait_ms => 300, says => qr/^3 of 3 processes still run$/);
is_deeply([sort @{ $row->{alive} }], [sort @tree], 'is alive');
ok(wait_states('S', @tree), 'and does not stand still');
$row = signal('and then KILL', $tree[0], 'TERM', 'success', wait_ms => 100,
    then => 'KILL');
is_deeply([sort @{ $row->{gone} }], [sort @tree], 'it is gone');
end(@tree);

# one of them is not the policy's

@tree = tree('', 0, OTHER);
signal('one of another user below', $tree[0], 'TERM', 'refused policy_denied',
    says => qr/of uid 500 is below it/);
ok(wait_states('S', @tree), 'nobody was signalled or stands still');
end(@tree);

# priorities: each refused and permitted

my %p = map { $_ => process($_) } ALL, NICE, IONICE;
my ($cpu) = Test::Procmgr::read_path("/proc/$p{+ALL}/status")
    =~ /^Cpus_allowed_list:\s+(\d+)/m;
my @nobody = ('refused policy_denied', says => qr/policy/);

change('nice', ALL, { nice => 5 }, 'success');
change('nice below nought', ALL, { nice => -5 }, 'success');
change('nice below the range', ALL, { nice => -6 }, @nobody);
change('nice above it', ALL, { nice => 16 }, @nobody);
change('ionice', ALL, { ionice => [2, 7] }, 'success');
change('ionice of another class', ALL, { ionice => [1, 0] }, @nobody);
change('one CPU', ALL, { cpu_affinity => [$cpu + 0] },
    qr/^success(?: unchanged)?$/);
change('a CPU that there is not', ALL, { cpu_affinity => [1023] },
    'failure invalid_value', says => qr/\S+ \S+/);
change('where only nice is permitted', NICE, { nice => 5 }, 'success');
change('not ionice', NICE, { ionice => [3, 0] }, @nobody);
change('nor CPUs', NICE, { cpu_affinity => [$cpu + 0] }, @nobody);
change('where only ionice is', IONICE, { ionice => [3, 0] }, 'success');
change('not nice', IONICE, { nice => 1 }, @nobody);
change('both at once need both', NICE, { nice => 1, ionice => [3, 0] },
    @nobody);
is(nice($p{+ALL}), -5, 'what was refused was not done');
is(nice($p{+NICE}), 5, 'to nobody');


sub signal {
    my ($what, $pid, $sig, $end, %o) = @_;
    my $says = delete $o{says};

    return $c->case($what, '/control/signal', { identity => id($pid),
        signal => $sig, tree => JSON::PP::true, wait_ms => 0, %o }, $end,
        target => id($pid), $says ? (says => $says) : ());
}

sub change {
    my ($what, $uid, $set, $end, %o) = @_;
    my $pid = $p{$uid};

    # on a host of one CPU it has it already

    if (ref $end) {
        my ($now) = Test::Procmgr::read_path("/proc/$pid/status")
            =~ /^Cpus_allowed_list:\s+(\S+)/m;
        $end = $now eq $cpu ? 'success unchanged' : 'success';
    }

    return $c->case($what, '/control/priority', { identity => id($pid),
        %$set }, $end, target => id($pid), %o);
}

# a parent and two children, of a group of their own below this process, so
# that it is no orphaned one; more of them, when their code tells so

sub tree {
    my ($code, $more, $last) = @_;
    my $uid = UID;
    my $child = '$0 = "procmgr-tree"; print "$$\n"; sleep 600 while 1;';
    my $as = $last ? "if (\$_ == 2) { \$< = \$> = $last }" : '';
    my $root = $last ? '' : "\$< = \$> = $uid;";

    # who is to have a child of another user becomes himself last

    my $become = $last ? "\$< = \$> = $uid;" : '';
    my $inner = $last ? "\$< = \$> = $uid if \$_ == 1;" : '';

    my $pid = open(my $out, '-|') // die "fork: $!";

    if (!$pid) {
        setpgrp;
        $( = $) = "$uid $uid";
        exec $^X, '-e', "\$| = 1; $root for (1, 2) { if (!fork) { "
            . ($code =~ /fork/ ? '' : $code)
            . " $as $inner $child } } $become $code $child" or die;
    }

    my @pids = map { scalar(readline $out) + 0 } 1 .. 3 + ($more // 0);
    push @started, @pids;
    keep($out);

    # the one that leads is first, what its code has started is last

    my @below = grep { $_ != $pid } @pids;
    if ($more) {
        my ($deaf) = grep { ignores($_) } @below;
        @below = ((grep { $_ != $deaf } @below), $deaf);
    }
    return ($pid, @below);
}

my @kept;
sub keep { push @kept, @_ }

sub process {
    my ($uid) = @_;
    my $pid = fork() // die "fork: $!";

    if (!$pid) {
        $( = $) = "$uid $uid";
        $< = $> = $uid;
        exec $^X, '-e', 'sleep 600' or die;
    }
    push @started, $pid;
    $t->wait_for(sub { cmdline($pid) =~ /sleep 600/ }, 30);
    return $pid;
}

sub end {
    kill 'KILL', @_;
    waitpid $_, 0 for @_;
}

sub wait_states {
    my ($want, @pids) = @_;
    return $t->wait_for(sub {
        @pids == grep { state($_) eq $want } @pids;
    }, 30);
}

sub ignores {
    my ($text) = eval { Test::Procmgr::read_path("/proc/$_[0]/status") };
    return $text =~ /^SigIgn:\s*(\S+)/m && hex(substr $1, -4) & 1 << 14;
}

sub stat_of {
    my $text = eval { Test::Procmgr::read_path("/proc/$_[0]/stat") } // '';
    return split ' ', $text =~ s/^.*\) //sr;
}
sub state { (stat_of(@_))[0] // '' }
sub nice { (stat_of(@_))[16] }
sub id { "$_[0]:" . (stat_of(@_))[19] }
sub cmdline { eval { Test::Procmgr::read_path("/proc/$_[0]/cmdline") } // '' }
