#!/usr/bin/perl

# nice, ionice and the CPUs of one process that the policy names.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $uid = $> == 0 ? 2000 : $>;
my $t = Test::Procmgr->new(plan => 38);

$t->run(policy => "priority uid=$uid nice=5..15 ionice=best-effort,idle "
    . "affinity=on roles=operator,admin");

my $s = $t->login('operator');
my $p = process();

# it is told what it may

my @may = grep { $_->{uid} eq "$uid..$uid" }
    @{ $s->get('/control/policy')->{json}{priorities} };
is_deeply(\@may, [{ uid => "$uid..$uid", nice => '5..15', ionice => [2, 3],
    affinity => JSON::PP::true }], 'the policy');

my $r = priority(nice => 7);
is(code($r), '200', 'nice');
is($r->{json}{retStatus}, 'success', 'success');
is($r->{json}{logType}, 'process_priority', 'type');
is($r->{json}{target}, id($p), 'target');
is($r->{json}{before}{nice}, 0, 'before');
is($r->{json}{after}{nice}, 7, 'after');
is((stat_of($p))[16], 7, 'the process has it');
is(code(priority(nice => 7)), '200 unchanged', 'again: nothing changed');

$r = priority(ionice => [3, 0]);
is(code($r), '200', 'ionice');
is($r->{json}{after}{ionice}[0], 3, 'after');
like(`ionice -p $p`, qr/idle/, 'the process has it');

my ($cpu) = Test::Procmgr::read_path("/proc/$p/status")
    =~ /^Cpus_allowed_list:\s+(\d+)/m;
$r = priority(cpu_affinity => [$cpu + 0]);
is(code($r), $r->{json}{code} ? '200 unchanged' : '200', 'affinity');
is_deeply($r->{json}{after}{cpu_affinity}, [$cpu], 'after');
like(Test::Procmgr::read_path("/proc/$p/status"),
    qr/^Cpus_allowed_list:\s+$cpu$/m, 'the process has it');

$r = priority(nice => 9, ionice => [2, 5], cpu_affinity => [$cpu + 0]);
is(code($r), '200', 'all three');
is_deeply($r->{json}{after}, { nice => 9, ionice => [2, 5],
    cpu_affinity => [$cpu + 0] }, 'after');

# what the policy does not permit

is(code(priority(nice => -1)), '403 policy_denied', 'out of the range');
is(code(priority(ionice => [1, 0])), '403 policy_denied', 'a class');
is(code($t->login('viewer')->post('/control/priority',
    { identity => id($p), nice => 7 })), '403 role_too_low', 'a viewer');
is(code($s->post('/control/priority', { identity => id(1), nice => 7 })),
    '403 protected', 'process 1');
is(code($s->post('/control/priority',
    { identity => "$p:1", nice => 7 })), '409 stale_process', 'another one');
is((stat_of($p))[16], 9, 'nothing of it was done');

# that is no request

for ([{}, 'nothing to set'], [{ nice => 20 }, 'nice'],
    [{ nice => -21 }, 'nice below'], [{ nice => '5' }, 'text'],
    [{ nice => 1.5 }, 'half'], [{ ionice => 3 }, 'no list'],
    [{ ionice => [3] }, 'no value'], [{ ionice => [4, 0] }, 'class'],
    [{ ionice => [2, 8] }, 'value'], [{ ionice => [3, 1] }, 'idle has none'],
    [{ cpu_affinity => [] }, 'no CPU'], [{ cpu_affinity => [-1] }, 'CPU'],
    [{ cpu_affinity => [1024] }, 'CPU above'],
    [{ cpu_affinity => ['0'] }, 'CPU as text'], [{ more => 1 }, 'unknown'])
{
    my ($body, $what) = @$_;
    is(code(priority(%$body)), '400 bad_parameter', $what);
}

END { my $status = $?; kill 'KILL', $p if $p; $? = $status }


sub priority {
    return $s->post('/control/priority', { identity => id($p), @_ });
}

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }

sub process {
    my $pid = open my $out, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        if ($> == 0) {
            $( = $) = "$uid $uid";
            $< = $> = $uid;
        }
        exec $^X, '-e', '$| = 1; print "x\n"; sleep 600' or die;
    }
    readline $out;
    keep($out);
    return $pid;
}

my @kept;
sub keep { push @kept, @_ }

sub stat_of {
    my $text = eval { Test::Procmgr::read_path("/proc/$_[0]/stat") } // '';
    return split ' ', $text =~ s/^.*\) //sr;
}
sub id { "$_[0]:" . (stat_of(@_))[19] }
