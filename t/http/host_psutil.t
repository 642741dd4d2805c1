#!/usr/bin/perl

# Processors, memory, disks, sensors, users: psutil's own answers on the same
# machine, and those of free, df and who.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc qw(python);

plan(skip_all => 'no psutil')
    if !defined python('import json, psutil; print(json.dumps(1))');

my $t = Test::Procmgr->new(plan => 59)->run(interval => '100ms', workers => 2);
my $s = $t->login();

sub psutil { python("import json, psutil; print(json.dumps($_[0]))") }

sub near {
    my ($got, $want, $off, $name) = @_;
    ok(defined $got && abs($got - $want) <= $off, $name)
        or diag("got " . ($got // 'null') . ", psutil has $want");
}

# processors

my $names = 'user nice system idle iowait irq softirq steal guest guest_nice';
my $before = psutil('list(psutil.cpu_times())');
my $r = $s->get('/system/cpu');
my $after = psutil('list(psutil.cpu_times())');
my $cpu = $r->{json};

is($r->{status}, 200, 'processors');
is(join(' ', sort keys %$cpu), 'count freq stats times times_percent',
    'their parts');
is_deeply([sort keys %{ $cpu->{times} }], [sort split ' ', $names],
    'the times');

my $a = $s->get('/system/cpu?shape=array')->{json};
is(scalar @{ $a->{times} }, 10, 'as a tuple');
is(ref $a->{stats}, 'ARRAY', 'all of them');

my @names = split ' ', $names;
is_deeply([grep {
    my $v = $cpu->{times}{ $names[$_] };
    # idle and iowait may go back a little
    $v < $before->[$_] - 0.05 || $v > $after->[$_] + 1
} 0 .. 9], [], 'between two answers of psutil');

my $sum = 0;
$sum += $cpu->{times_percent}{$_} for @names[0 .. 7];
near($sum, 100, 0.01, 'percentages sum to 100, guest counted once');

$r = $s->get('/system/cpu?percpu=true')->{json};
is(scalar @{ $r->{times} }, psutil('psutil.cpu_count()'), 'each processor');
is(scalar @{ $r->{times_percent} }, scalar @{ $r->{times} }, 'in percent too');
is($cpu->{count}{logical}, psutil('psutil.cpu_count()'), 'their number');
is($cpu->{count}{physical}, psutil('psutil.cpu_count(logical=False)'),
    'and that of the cores');

$before = psutil('list(psutil.cpu_stats())');
$r = $s->get('/system/cpu')->{json}{stats};
$after = psutil('list(psutil.cpu_stats())');
my @stat = qw(ctx_switches interrupts soft_interrupts);
is_deeply([grep { $r->{ $stat[$_] } < $before->[$_]
    || $r->{ $stat[$_] } > $after->[$_] } 0 .. 2], [], 'counters');
ok(exists $r->{syscalls} && !defined $r->{syscalls},
    'what Linux does not count is null');

my $freq = psutil('psutil.cpu_freq() and list(psutil.cpu_freq())');
SKIP: {
    skip 'no frequencies', 2 if !$freq;
    near($cpu->{freq}{current}, $freq->[0], $freq->[0] * 0.5, 'frequency');
    ok(!defined $cpu->{freq}{min} || $cpu->{freq}{min} == $freq->[1],
        'its limit, or null');
}

# memory: the rest of the machine goes on between two readings

my $vm = psutil('psutil.virtual_memory()._asdict()');
my $mem = $s->get('/system/memory')->{json};
is_deeply([sort keys %{ $mem->{virtual} }], [sort keys %$vm], 'memory');
is($mem->{virtual}{total}, $vm->{total}, 'in all');
near($mem->{virtual}{$_}, $vm->{$_}, $vm->{total} / 20, $_)
    for qw(available used free active inactive buffers cached shared slab);
near($mem->{virtual}{percent}, $vm->{percent}, 5, 'percent');
cmp_ok($mem->{virtual}{percent}, '==', sprintf('%.1f', ($vm->{total}
    - $mem->{virtual}{available}) / $vm->{total} * 100),
    'of what is not available');

my $swap = psutil('psutil.swap_memory()._asdict()');
is_deeply([sort keys %{ $mem->{swap} }], [sort keys %$swap], 'swap');
is($mem->{swap}{$_}, $swap->{$_}, "swap $_") for qw(total sin sout);

my ($line) = `LC_ALL=C free -b` =~ /^Mem:\s*(.*)$/m;
is($mem->{virtual}{total}, (split ' ', $line)[0], 'free has the same total');
near($mem->{virtual}{free}, (split ' ', $line)[2], $vm->{total} / 20,
    'and the same free');

like($s->get('/system/memory?human=true')->{json}{virtual}{total_human},
    qr/^[\d.]+ [KMGT]iB$/, 'sizes to read');

# disks

my $disk = $s->get('/system/disk')->{json};
my $parts = psutil('[[p.device, p.mountpoint, p.fstype, p.opts] '
    . 'for p in psutil.disk_partitions()]');
is_deeply([map { [@{$_}{qw(device mountpoint fstype opts)}] }
    @{ $disk->{partitions} }], $parts, 'partitions');

my $all = $s->get('/system/disk?all=true&shape=array')->{json};
is_deeply($all->{partitions}, psutil('[[p.device, p.mountpoint, p.fstype, '
    . 'p.opts] for p in psutil.disk_partitions(all=True)]'), 'all of them');

my $usage = psutil('psutil.disk_usage("/")._asdict()');
is_deeply([sort keys %{ $disk->{usage}{'/'} }], [sort keys %$usage], 'room');
is($disk->{usage}{'/'}{total}, $usage->{total}, 'in all');
near($disk->{usage}{'/'}{$_}, $usage->{$_}, $usage->{total} / 100, $_)
    for qw(used free);
near($disk->{usage}{'/'}{percent}, $usage->{percent}, 1, 'percent');

my ($df) = `LC_ALL=C df -B1 --output=size,used,avail / | tail -1`;
is($disk->{usage}{'/'}{total}, (split ' ', $df)[0], 'df has the same');

$r = $s->get('/system/disk?path=/usr/bin')->{json}{usage};
is($r->{total}, psutil('psutil.disk_usage("/usr/bin")')->[0],
    'the room at a path');
is($s->get('/system/disk?path=/no/such/path')->{json}{code}, 'not_found',
    'a path that is not there');
is($s->get('/system/disk?path=relative')->{status}, 400, 'one without a root');

my $io = psutil('psutil.disk_io_counters(nowrap=False)._asdict()');
is_deeply([sort keys %{ $disk->{io} }], [sort keys %$io], 'counters of disks');
$before = psutil('list(psutil.disk_io_counters())');
$r = $s->get('/system/disk?shape=array')->{json}{io};
$after = psutil('list(psutil.disk_io_counters())');
is_deeply([grep { $r->[$_] < $before->[$_] || $r->[$_] > $after->[$_] }
    0 .. 8], [], 'their values in the same order');
$r = $s->get('/system/disk?perdisk=true')->{json}{io};
is_deeply([sort keys %$r],
    [sort keys %{ psutil('psutil.disk_io_counters(perdisk=True)') }],
    'each disk and partition');

# sensors, users, boot

$r = $s->get('/system/sensors')->{json};
is_deeply([sort keys %$r], [qw(battery fans temperatures)], 'sensors');
is_deeply([map { $_ => scalar @{ $r->{temperatures}{$_} } }
    sort keys %{ $r->{temperatures} }],
    [do { my $p = psutil('psutil.sensors_temperatures()');
        map { $_ => scalar @{ $p->{$_} } } sort keys %$p }],
    'temperatures');
is_deeply([sort keys %{ $r->{fans} }],
    [sort keys %{ psutil('psutil.sensors_fans()') }], 'fans');
is(defined $r->{battery} ? 1 : 0,
    defined psutil('psutil.sensors_battery()') ? 1 : 0, 'battery');

is_deeply([map { [@$_] } @{ $s->get('/system/users?shape=array')->{json} }],
    psutil('psutil.users()'), 'users');
is(scalar @{ $s->get('/system/users')->{json} }, scalar(() = `who`),
    'as many as who has');
is($s->get('/system/boot_time')->{body}, psutil('psutil.boot_time()') . '.0',
    'boot time');

# refusals

is($s->get('/system/memory?shape=tuple')->{status}, 400, 'unknown shape');
like($s->get('/system/cpu?percpu=2')->{json}{detail}, qr/percpu/,
    'a refusal names the parameter');
is($s->get('/system/sensors?percpu=true')->{status}, 400,
    'one that belongs elsewhere');
