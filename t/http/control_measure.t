#!/usr/bin/perl

# A measured run: what it cost, as GNU time has it, and its memory over time.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 32);
my $d = "$t->{dir}/demo";

$t->run(policy => <<EOF);
command hold path=$d/hold hold user=nobody roles=operator,admin
command dies path=$d/dies dies user=nobody roles=operator,admin
EOF
$t->write('demo/hold', <<'EOT', 0755);
#!/usr/bin/perl
my $x = 'x' x (64 << 20);
my $n = 0;
$n += $_ for 1 .. 3_000_000;
select undef, undef, undef, 0.8;
EOT
$t->write('demo/dies', "#!/bin/sh\nkill -TERM \$\$\n", 0755);

my $s = $t->login('operator');
my $r = $s->post('/control/commands',
    { command => 'hold', measure => JSON::PP::true });
my $u = $r->{json}{usage};

is($r->{status}, 200, 'it ran');
is($r->{json}{retStatus}, 'success', 'success');
is_deeply([sort keys %$u], [sort qw(retval real user sys maxrss avgrss
    maxvsize avgvsize minflt majflt nvcsw nivcsw inblock oublock host)],
    'members');
is($u->{retval}, 0, 'retval');
cmp_ok($u->{real}, '>=', 0.8, 'real');
cmp_ok($u->{real}, '<', 30, 'in seconds');
cmp_ok($u->{user}, '>', 0, 'user');
cmp_ok($u->{user} + $u->{sys}, '<=', 2 * $u->{real}, 'no more than there was');
cmp_ok($u->{maxrss}, '>', 64 << 10, 'maxrss in KiB');
cmp_ok($u->{maxrss}, '<', 200 << 10, 'of the command alone');
cmp_ok($u->{avgrss}, '<=', $u->{maxrss}, 'avgrss');
cmp_ok($u->{maxvsize}, '>=', $u->{avgrss}, 'maxvsize');
cmp_ok($u->{avgvsize}, '<=', $u->{maxvsize}, 'avgvsize');
cmp_ok($u->{minflt}, '>', 1000, 'faults');
like($u->{nvcsw}, qr/^\d+$/, 'switches');

my ($total) = Test::Procmgr::read_path('/proc/meminfo')
    =~ /^MemTotal:\s+(\d+)/;
is($u->{host}{totalmem}, $total, 'memory of the host');
cmp_ok($u->{host}{free}, '<=', $u->{host}{totalmem}, 'and what is free');
is_deeply($r->{json}{request}, { argv => ['hold'], measure => JSON::PP::true },
    'what was asked');

# what GNU time says of the same

SKIP: {
    skip 'no /usr/bin/time', 2 if !-x '/usr/bin/time';

    my $text = `/usr/bin/time -v $d/hold 2>&1`;
    my ($rss) = $text =~ /Maximum resident set size \(kbytes\): (\d+)/;
    my ($flt) = $text =~ /Minor \(reclaiming a frame\) page faults: (\d+)/;

    cmp_ok(abs($u->{maxrss} - $rss), '<', 0.05 * $rss, 'maxrss as time has it');
    cmp_ok(abs($u->{minflt} - $flt), '<', 0.10 * $flt, 'and the faults');
}

# its memory over time

my $list = $s->get("/log/$r->{json}{op_id}/series")->{json};
cmp_ok(scalar @$list, '>=', 5, 'some samples');
cmp_ok(scalar @$list, '<=', 1000, 'not too many');
is_deeply([sort keys %{ $list->[-1] }], [sort qw(t VmPeak VmSize VmHWM VmRSS)],
    'members of a sample');
ok(!(grep { $list->[$_]{t} <= $list->[$_ - 1]{t} } 1 .. $#$list),
    'time goes on');
cmp_ok($list->[-1]{t}, '<=', $u->{real} + 0.1, 'in seconds');
my ($most) = sort { $b <=> $a } map { $_->{VmRSS} // 0 } @$list;
cmp_ok($most, '>', 64 << 10, 'KiB');
cmp_ok($most, '<=', 1.02 * $u->{maxrss}, 'no more than the most');

# the row keeps it

is_deeply($s->get("/log/$r->{json}{op_id}")->{json}{usage}, $u,
    'the same in the log');

$r = $s->post('/control/commands',
    { command => 'dies', measure => JSON::PP::true });
is("$r->{json}{code} $r->{json}{signal} $r->{json}{usage}{retval}",
    'killed 15 143', 'one that is killed is measured too');

is($s->get('/log/00000000-0000-4000-8000-000000000000/series')->{status}, 404,
    'no such operation');
is($s->get('/log/nonsense/series')->{status}, 404, 'no operation');
is($t->get("/log/$r->{json}{op_id}/series")->{status}, 401,
    'not without a session');
