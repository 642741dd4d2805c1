#!/usr/bin/perl

# The header that is polled, the facts of the host, and the health anybody
# may ask for.

use strict;
use warnings;

use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 43)->run(interval => '300ms', workers => 2);
my $s = $t->login();

sub meminfo {
    my %m = Test::Procmgr::read_path('/proc/meminfo') =~ /^(\w+):\s+(\d+)/mg;
    return \%m;
}

my $r = $s->get('/system/summary');
sleep 0.4;
my $m1 = meminfo();
$r = $s->get('/system/summary');
my $m2 = meminfo();
my $j = $r->{json};

is($r->{status}, 200, 'summary');
is(join(' ', sort keys %$j), 'cpu cpus generation load memory pressure swap '
    . 'tasks text time uptime', 'its parts');

# tasks

my $tasks = $j->{tasks};
is($tasks->{running} + $tasks->{sleeping} + $tasks->{stopped}
    + $tasks->{zombie}, $tasks->{total}, 'all tasks are in some state');
cmp_ok(abs($tasks->{total} - (() = glob('/proc/[0-9]*'))), '<=',
    20 + $tasks->{total} / 10, 'as many as there are');

# processors

my @share = qw(us sy ni id wa hi si st);
is(join(' ', sort keys %{ $j->{cpu} }), join(' ', sort @share), 'shares');

sub sum { my ($c) = @_; my $n = 0; $n += $c->{$_} for @share; return $n }

cmp_ok(abs(sum($j->{cpu}) - 100), '<', 0.001, 'they sum to 100');
is(scalar @{ $j->{cpus} }, scalar(() = Test::Procmgr::read_path('/proc/stat')
    =~ /^cpu\d/mg), 'each processor');
is_deeply([grep { abs(sum($_) - 100) >= 0.001 } @{ $j->{cpus} }], [],
    'and theirs');

# memory, in KiB

my $m = $j->{memory};
is($m->{total}, $m1->{MemTotal}, 'memory as the kernel tells');
is($m->{used}, $m->{total} - $m->{free} - $m->{buff_cache},
    'used is what is neither free nor a cache');
is($m->{used_available}, $m->{total} - $m->{available},
    'or what is not available');
is($j->{swap}{total}, $m1->{SwapTotal}, 'swap');
is($j->{swap}{used}, $j->{swap}{total} - $j->{swap}{free}, 'its use');
is($j->{swap}{avail_mem}, $m->{available}, 'and the memory beside it');

my @cache = sort { $a <=> $b }
    map { $_->{Buffers} + $_->{Cached} + $_->{SReclaimable} } $m1, $m2;
ok($m->{buff_cache} >= $cache[0] - 50_000
    && $m->{buff_cache} <= $cache[1] + 50_000, 'buffers, cache and slab');

# the lines of top

my $text = $j->{text};
is($text->{tasks}, sprintf('%d total, %d running, %d sleeping, %d stopped, '
    . '%d zombie', @{$tasks}{qw(total running sleeping stopped zombie)}),
    'line of tasks');
is($text->{cpu}, join(', ', map { sprintf '%.1f %s', $j->{cpu}{$_}, $_ }
    @share), 'line of processors');
is($text->{memory}, "$m->{total} total, $m->{free} free, $m->{used} used, "
    . "$m->{buff_cache} buff/cache", 'line of memory');
is($text->{swap}, "$j->{swap}{total} total, $j->{swap}{free} free, "
    . "$j->{swap}{used} used. $m->{available} avail Mem", 'line of swap');

SKIP: {
    my $top = `LC_ALL=C top -bn1 -E k -w 200 2>/dev/null`;
    skip 'no top', 3 if $top !~ /^Tasks:/m;

    my ($line) = $top =~ /^Tasks:\s*(.*)$/m;
    is($line =~ s/\d+/N/gr =~ s/\s+/ /gr,
        $text->{tasks} =~ s/\d+/N/gr, 'tasks in the form of top');
    ($line) = $top =~ /^%Cpu\(s\):\s*(.*?)\s*$/m;
    is($line =~ s/\d+\.\d/N/gr =~ s/,\s*/, /gr,     # "0.0 ni,100.0 id"
        $text->{cpu} =~ s/\d+\.\d/N/gr, 'processors in the form of top');
    ($line) = $top =~ /^KiB Swap:\s*(.*?)\s*$/m;
    is($line =~ s/\d+(?:\.\d+)?/N/gr =~ s/\s+/ /gr,
        $text->{swap} =~ s/\d+/N/gr, 'swap in the form of top');
}

# load, uptime, time, pressure

my @load = Test::Procmgr::read_path('/proc/loadavg') =~ /(\d+\.\d\d)/g;
is(scalar @{ $j->{load} }, 3, 'load of one, five, fifteen minutes');
cmp_ok(abs($load[$_] - $j->{load}[$_]), '<', 1.5, "as the kernel has it: $_")
    for 1, 2;

my ($up) = Test::Procmgr::read_path('/proc/uptime') =~ /^(\S+)/;
cmp_ok(abs($up - $j->{uptime}), '<', 5, 'uptime');

like($j->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time');
my @d = $j->{time} =~ /(\d+)/g;
cmp_ok(abs(timegm(@d[5, 4, 3, 2], $d[1] - 1, $d[0]) - time), '<', 5,
    'which is now');

is(join(' ', map { defined $j->{pressure}{$_} ? 1 : 0 } qw(cpu memory io)),
    join(' ', map { -r "/proc/pressure/$_"
        && eval { Test::Procmgr::read_path("/proc/pressure/$_") } ? 1 : 0 }
        qw(cpu memory io)), 'pressure where the kernel has it, else null');

# generations: one for all workers and clients, and the next after it

my %g;
sleep 0.4;
my @clients = map {
    my $c = $t->connect();
    print $c "GET /system/summary HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
        . "Cookie: $s->{cookie}\r\nConnection: close\r\n\r\n";
    $c->flush();
    $c;
} 1 .. 12;
for my $c (@clients) {
    my $a = Test::Procmgr::parse($t->raw('', socket => $c))->{json};
    $g{ $a->{generation} }++;
}
cmp_ok(scalar keys %g, '<=', 2, 'twelve clients at once, one scan');
cmp_ok((sort { $a <=> $b } keys %g)[0], '>', $j->{generation},
    'it is a new one');

$r = $s->get('/system/summary');
is($s->get('/system/summary', { 'If-None-Match' => $r->{headers}{etag} })
    ->{status}, 304, 'the same one is 304');
is($r->{headers}{'cache-control'}, 'private, no-cache', 'for nobody else');

# for people

my $h = $s->get('/system/summary?human=true')->{json};
like($h->{memory}{total_human}, qr/^\d+\.\d [KMGT]iB$/, 'sizes to read');
like($h->{uptime_human}, qr/^\d+ (?:d \d+ h|h \d+ min|min \d+ s|s)$/,
    'durations to read');
is($s->get('/system/summary?human=maybe')->{status}, 400, 'or a refusal');

# facts

my $info = $s->get('/system/info')->{json};
is_deeply([grep { join(' ', sort keys %{ $info->{$_} })
    ne 'cmdret is_exec retopt' || $info->{$_}{retopt} ne 'Unkown' }
    keys %$info], [], 'facts in their envelope');
chomp(my $host = Test::Procmgr::read_path('/proc/sys/kernel/hostname'));
is($info->{hostname}{cmdret}, $host, 'the name of the host');
ok($info->{hostname}{is_exec}, 'which was obtained');
is_deeply([grep { !defined $info->{$_}{cmdret} || ref $info->{$_}{cmdret} }
    keys %$info], [], 'each has a value or says why not');
is_deeply([grep { !exists $info->{$_} } qw(os_type os_version hostname kernel
    architecture boot_time uptime timezone cpu_model cpu_count load users
    virtualization memory_total schedule)], [], 'all of them');

# health

$r = $t->get('/system/health');
is("$r->{status} $r->{body}", '200 {"status":"ok"}', 'health for anybody');
is($t->get('/system/info')->{status}, 401, 'and nothing else');
