#!/usr/bin/perl

# Every field of every process against psutil, asked before and after: what
# stood still has to be the same, what moved lies between.  What psutil gets
# wrong, or leaves out, is asserted as such.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Open2 qw(open2);
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

plan skip_all => 'only root has others\' processes' if !as_root();
plan skip_all => 'no psutil'
    if !defined eval { python('import psutil; print(1)') };

my $t = Test::Procmgr->new(plan => 32)->run(interval => '100ms',
    zone => '96m', workers => 1);

my $dir = tempdir(CLEANUP => 1);
chmod 0777, $dir;

my $netns = readlink '/proc/self/ns/net';
my $json = JSON::PP->new->canonical->allow_nonref;

# a busy machine: files, sockets, threads, users, and all that is a trap

my %p;

$p{files} = spawn(user => 'nobody', code => sub {
    our @keep;
    open $keep[0], '<', '/etc/passwd';
    open $keep[1], '>', "$dir/written";
    open $keep[2], '>>', "$dir/appended";
    open $keep[3], '+<', "$dir/written";
    open $keep[4], '+>>', "$dir/appended";
    open $keep[5], '>', "$dir/gone";
    open $keep[6], '>', "$dir/a (deleted)";
    pipe $keep[7], $keep[8];
    syswrite $keep[1], 'x' x 1000;
    unlink "$dir/gone";
    chdir $dir;
    'ready';
});

$p{sockets} = spawn(user => 'daemon', code => sub {
    our @keep;
    $keep[0] = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    $keep[1] = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $keep[0]->sockport);
    $keep[2] = $keep[0]->accept;
    $keep[3] = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1', LocalPort => 0);
    $keep[4] = IO::Socket::UNIX->new(Local => "$dir/a socket", Listen => 1);
    socketpair $keep[5], $keep[6], AF_UNIX, SOCK_DGRAM, PF_UNSPEC;
    open $keep[7], '>&', $keep[0];
    'ready';
});

my $python = <<'P';
import os, sys, threading, time, ctypes
prctl = ctypes.CDLL(None).prctl
def idle(n):
    prctl(15, n, 0, 0, 0)
    t = time.process_time()
    while time.process_time() - t < 0.05: pass
    time.sleep(600)
for n in [b"x) S 1 1 1 1", b"two", b"three\n4"]:
    threading.Thread(target=idle, args=(n,), daemon=True).start()
time.sleep(0.5)
os.write(3, b"ready\n")
time.sleep(600)
P

$p{threads} = run_python($python);

$p{title} = spawn(user => 'nobody', code => sub {
    open my $f, '-|', '/bin/true';
    $0 = 'short';
    'ready';
});

$p{spoof} = spawn(user => 'nobody', code => sub {
    $0 = "Uid:\t0\t0\t0";
    'ready';
});

$p{stopped} = spawn(code => sub { 'ready' });
kill 'STOP', $p{stopped}{pid};

copy('/bin/sleep', "$dir/program") or die;
chmod 0755, "$dir/program";
$p{deleted} = run_program("$dir/program", '600', '');
sleep 0.3;
unlink "$dir/program";

$p{nice} = spawn(code => sub { POSIX::nice(7);
    syscall 251, 1, 0, 3 << 13; 'ready' });

$p{netns} = spawn(code => sub {
    syscall(272, 0x40000000) == 0 or return 'none';
    our $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0',
        LocalPort => 4711);
    'ready';
});

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;

my $s = $t->login();

# psutil's words for all processes, with what it throws.  One program reads
# again and again: pages of libraries that it has in common with others are
# shared as long as it lives, not only while psutil looks

my $asker = <<'P';
import json, psutil, sys
names = ("ppid name exe cmdline environ create_time status cwd username nice "
         "ionice io_counters num_ctx_switches num_fds num_threads threads "
         "cpu_times cpu_num cpu_affinity memory_info memory_full_info "
         "memory_percent memory_maps open_files connections uids gids "
         "terminal").split()
def read():
    all = {}
    for pid in psutil.pids():
        d = {}
        try:
            p = psutil.Process(pid)
        except psutil.Error:
            continue
        for n in names:
            try:
                d[n] = getattr(p, n)()
            except psutil.Error as e:
                d[n] = {"error": type(e).__name__}
            except Exception as e:
                d[n] = {"error": "bug"}
        all[pid] = d
    return json.dumps(all)
read()
for line in sys.stdin:
    print(read(), flush=True)
P

# A field that disagrees is asked again.  Processes of this test do nothing
# between the readings; others may go up and down between them, or become
# another program and back: of those it has to disagree four times in a row,
# while what they are stays the same.

my %own = map { $_ => 1 } $zombie, map { $_->{pid} } values %p;
my (%bad, %agreed, %who, $ours, $before, $after, $full);
my $rounds = 0;
my $begun = time;

my $asked = open2(my $from_psutil, my $to_psutil, '/usr/bin/python3', '-c',
    $asker);

while ($rounds++ < 12) {
    $before = ask();
    sleep 0.2;
    $full = $s->get('/system/process/info?simple=false');
    $after = ask();
    $ours = { map { $_->{pid} => $_ } @{ $full->{json} || [] } };

    last if $full->{status} != 200;

    for my $pid (keys %$before) {
        my ($b, $a, $o) = ($before->{$pid}, $after->{$pid}, $ours->{$pid});

        next if $pid == $asked || !$a || who($b) ne who($a);

        if (!$own{$pid} && ($who{$pid} // '') ne who($b)) {
            delete @bad{ grep { /^$pid / } keys %bad };
            $who{$pid} = who($b);
        }

        if (!$o) {
            disagrees("$pid missing", $b->{name});
            next;
        }
        delete $bad{"$pid missing"};

        next if $a->{status} eq 'zombie' || $b->{status} eq 'zombie';

        for my $f (keys %$b) {
            my $key = "$pid $f";

            next if $agreed{$key};
            next if ref $b->{$f} eq 'HASH' && exists $b->{$f}{error};
            next if ref $a->{$f} eq 'HASH' && exists $a->{$f}{error};

            my $said = difference($f, $b->{$f}, $a->{$f}, $o->{$f});

            if ($said eq '') {
                $agreed{$key} = 1;
                delete $bad{$key};

            } else {
                disagrees($key, "$b->{name}: $said");
            }
        }
    }

    # on with it while something may agree yet, unless the machine is slow

    last if $rounds >= 4 && time - $begun > 60;
    last if !grep { !ordered($_) && alive($_) && $bad{$_}{n} < 4 } keys %bad;
    sleep 0.5;
}

close $to_psutil;
waitpid $asked, 0;

is($full->{status}, 200, 'full objects of all');
is_deeply([sort keys %{ $ours->{$$} }], [sort qw(pid ppid name exe cmdline
    environ create_time status cwd username nice ionice io_counters
    num_ctx_switches num_handles num_fds num_threads threads cpu_percent
    cpu_times cpu_num cpu_affinity memory_info memory_full_info
    memory_percent memory_maps open_files connections uids gids terminal)],
    'with exactly the keys');

# the line of the result itself says what it was: it may be all that is kept

my @bad = grep { !ordered($_) && alive($_) && ($bad{$_}{n} >= 4
    || $own{ (split)[0] }) } sort keys %bad;
my @said = map { "$_: $bad{$_}{said}" =~ s/[^ -~]/?/gr } @bad;

ok(!@bad, join ' ', 'as psutil has them, or between its readings',
    @bad ? (scalar @bad, 'not,', $said[0] =~ s/#/?/gr) : ());
note("$_\n") for splice @said, 0, 20;

my %fields = map { (split)[1] => 1 } keys %agreed;
cmp_ok(scalar keys %fields, '>=', 28, 'of every field') or diag(join ' ',
    sort keys %fields);
cmp_ok(scalar keys %agreed, '>', 1000, 'of many processes');

# what psutil does not do, in the order of the list

is_deeply($ours->{ $p{spoof}{pid} }{uids}, [65534, 65534, 65534],
    'a name that imitates a line of ids is a name');
is($ours->{ $p{spoof}{pid} }{username}, 'nobody', 'and its user is who it is');

SKIP: {
    skip 'this psutil has learned it', 1
        if $before->{ $p{spoof}{pid} }{username} ne 'root';
    pass('where psutil says that it is root');
}

my @threads = @{ $ours->{ $p{threads}{pid} }{threads} };
is(scalar @threads, 4, 'threads');
is_deeply([grep { $_->[1] > 60 } @threads], [],
    'their times, whatever they are called');
is_deeply([map { $_->[0] } @threads],
    [sort { $a cmp $b } map { $_->[0] } @threads], 'in the order of strings');

is_deeply($ours->{ $p{title}{pid} }{cmdline}, ['short'],
    'a title without its padding');

my $o = $ours->{$zombie};
is($o->{status}, 'zombie', 'zombies are in the list');
is_deeply([@{$o}{qw(exe cmdline environ cwd memory_maps)}], [(undef) x 5],
    'what they have not is null');
is_deeply([$o->{num_fds}, $o->{open_files}, $o->{connections}], [0, [], []],
    'and what they have none of is empty');

my ($kthread) = grep { $_->{ppid} == 2 } values %$ours;

SKIP: {
    skip 'no kernel threads here', 2 if !$kthread;
    is_deeply([@{$kthread}{qw(exe cmdline environ cwd num_fds open_files
        connections memory_maps)}], ['', [], {}, '/', 0, [], [], []],
        'kernel threads are in the list');
    is_deeply($kthread->{memory_full_info}, [(0) x 10], 'without memory');
}

SKIP: {
    skip 'no other network namespace', 2 if $p{netns}{said} ne 'ready';
    is_deeply($before->{ $p{netns}{pid} }{connections}, [],
        'psutil does not look into another network namespace');
    is($ours->{ $p{netns}{pid} }{connections}[0][3][1], 4711, 'we do');
}

my @listen = grep { $_->[5] eq 'LISTEN' }
    @{ $ours->{ $p{sockets}{pid} }{connections} };
is(scalar @listen, 2, 'both descriptors of one socket');

is($ours->{ $p{deleted}{pid} }{exe}, "$dir/program",
    'a program that is deleted');
is($ours->{ $p{stopped}{pid} }{status}, 'stopped', 'a stopped process');

# items, in both shapes

my $pid = $p{files}{pid};
my $items = "/system/process/$pid";

is_deeply([sort map { "$_->[3] " . (split m{/}, $_->[0])[-1] } grep {
    $_->[0] =~ m{^\Q$dir\E} } @{ $s->get("$items/open_files?shape=array")
    ->{json} }], ['a appended', 'a+ appended', 'r+ written', 'w a (deleted)',
    'w written'], 'modes of files');

my %wrong;
for my $f (sort grep { $_ ne 'cpu_percent' } keys %{ $ours->{$pid} }) {
    my $array = $s->get("$items/$f?shape=array");
    my $object = $s->get("$items/$f");

    $wrong{$f} = "$array->{status} $object->{status}"
        if $array->{status} != 200 || $object->{status} != 200;
    next if $f =~ /^(io_counters|num_ctx|threads|cpu_|memory_)/;
    $wrong{$f} = $array->{body}
        if $json->encode($array->{json}) ne $json->encode($ours->{$pid}{$f})
           && $f ne 'environ';
}
is_deeply(\%wrong, {}, 'each item is what the full object holds');

is_deeply([sort keys %{ $s->get("$items/memory_full_info")->{json} }],
    [sort qw(rss vms shared text lib data dirty uss pss swap)],
    'named values');
is_deeply([sort keys %{ $s->get("/system/process/$p{sockets}{pid}/connections"
    . "?kind=unix")->{json}[0] }], [sort qw(fd family type laddr raddr
    status)], 'named connections');
is_deeply([map { $_->{laddr} } grep { $_->{laddr} ne '' } @{ $s->get(
    "/system/process/$p{sockets}{pid}/connections?kind=unix")->{json} }],
    ["$dir/a socket"], 'a socket with a blank in its name');

my $want = python(<<'P', $pid, $p{sockets}{pid}, $p{stopped}{pid});
import psutil
p = psutil.Process(int(sys.argv[1]))
q = psutil.Process(int(sys.argv[3]))
limits = {n: q.rlimit(getattr(psutil, n)) for n in dir(psutil)
          if n.startswith("RLIMIT_")}
print(json.dumps([limits, [q.pid for q in p.parents()], p.parent().pid,
    sorted(q.pid for q in p.parent().children()),
    [list(m) for m in p.memory_maps(grouped=False)],
    sorted([c.family, c.type, c.laddr or "", c.status]
           for c in psutil.Process(int(sys.argv[2])).connections("unix"))]))
P

my $limits = $s->get("/system/process/$p{stopped}{pid}/rlimit?shape=array")
    ->{json};
is_deeply({ map { $_ => $limits->{$_} } keys %{ $want->[0] } }, $want->[0],
    'limits');
is_deeply([map { $_->{pid} } @{ $s->get("$items/parents")->{json} }],
    $want->[1], 'the line of its parents');
is($s->get("$items/parent")->{json}{pid}, $want->[2], 'its parent');
is_deeply([grep { my $x = $_; grep { $_ == $x->{pid} } map { $_->{pid} }
    values %p } @{ $s->get("/system/process/$$/children")->{json} }]
    ->[0]{name}, $ours->{ (sort { $a <=> $b } map { $_->{pid} }
    values %p)[0] }{name}, 'children');
is_deeply([map { [@{$_}[0 .. 2, 4]] } @{ $s->get(
    "$items/memory_maps?grouped=false&shape=array")->{json} }],
    [map { [@{$_}[0 .. 2, 4]] } @{ $want->[4] }], 'each mapping');

waitpid $zombie, 0;


# what psutil says now; a byte that is no text is half of a pair there

sub ask {
    print {$to_psutil} "now\n";
    $to_psutil->flush;
    my $text = <$from_psutil> // die 'psutil has ended';
    return $json->decode($text =~ s/\\udc[89a-f][0-9a-f]/\\ufffd/gr);
}

# what a process is; another program, or another process, has other fields

sub who {
    my ($d) = @_;
    return $json->encode([@{$d}{qw(create_time ppid name exe cmdline cwd
        uids)}]);
}

sub disagrees {
    my ($key, $said) = @_;
    $bad{$key}{n}++;
    $bad{$key}{said} = $said;
}

# equal, or within the change; columns that others' processes move have more
# room: a page is shared or private by who else has it

sub difference {
    my ($f, $first, $last, $o) = @_;

    if ($f eq 'connections') {
        return conns($first) ne conns($last) || conns($first) eq conns($o)
            ? '' : conns($first) . ' | ' . conns($o);
    }

    # titles are padded

    if ($f eq 'cmdline') {
        for my $c ($first, $last) {
            $c = [@$c];
            pop @$c while @$c && $c->[-1] eq '';
        }
    }

    # a file of a process that has ended is open still, and not found by name

    $o = [grep { $_->[0] !~ m{^/proc/\d+/} || -e $_->[0] } @{ $o || [] }]
        if $f eq 'open_files';

    if ($f eq 'open_files') {
        ($first, $last, $o) = map { [sort { $a->[1] <=> $b->[1] } @$_] }
            $first, $last, $o || [];
    }

    return apart($first, $last, $o, $f =~ /^memory_/ ? 1 : 0);
}

sub conns {
    my ($c) = @_;
    my %c = map { $json->encode([@{$_}[1 .. 5]]) => 1 } @{ $c || [] };
    return join ' ', sort keys %c;
}

# where in a value something is neither equal nor between, and what it is;
# nothing if nothing is

sub apart {
    my ($b, $a, $o, $room) = @_;

    my ($x, $y, $z) = map { $json->encode($_) } $b, $a, $o;
    my $said = substr "$x | $y | $z", 0, 400;

    return '' if $x eq $z;
    return $said if !defined $o || !defined $b || !defined $a
                    || ref $o ne ref $b;

    if (ref $b eq 'ARRAY') {
        return $x ne $y ? '' : $said if @$b != @$a || @$b != @$o;
        my ($first) = grep { $_->[1] ne '' } map { [$_, apart($b->[$_],
            $a->[$_], $o->[$_], $room)] } 0 .. $#$b;
        return $first ? "[$first->[0]] $first->[1]" : '';
    }

    return $x ne $y ? '' : $said if ref $b || "$b$a$o" =~ /[^0-9.e+-]/;

    my ($low, $high) = $a < $b ? ($a, $b) : ($b, $a);
    my $slack = $room && $high > 1000 ? 65536 + 0.1 * $high : 0;
    return $o >= $low - $slack && $o <= $high + $slack ? '' : $said;
}

# deviations that are ordered, each asserted above;

sub ordered {
    my ($pid, $f) = split ' ', $_[0];

    return $f =~ /^(username|uids)$/ if $pid == $p{spoof}{pid};
    return 1 if $f eq 'connections'
                && (readlink "/proc/$pid/ns/net" // '') ne $netns;

    # psutil is told lies by a thread's name, and the question itself is a
    # connection, for which a worker reads /proc

    return $f eq 'threads' if $pid == $p{threads}{pid};
    return $f =~ /^(connections|num_fds|open_files)$/
        if grep { $pid == $_ } $$, $t->workers;
    return 0;
}

# those of other tests come and go, and change whenever they like

sub alive {
    my ($pid, $f) = split ' ', $_[0];
    return -d "/proc/$pid" && $f !~ /^(cpu_num|status)$/;
}

sub run_python {
    my ($program) = @_;
    return run_program('/usr/bin/python3', '-c', $program);
}

# its descriptor 3 says that it is ready; one that does not know it ends it

sub run_program {
    my (@argv) = @_;

    pop @argv if $argv[-1] eq '';
    pipe my $from, my $to or die;
    my $pid = fork() // die;

    if (!$pid) {
        close $from;
        if (fileno $to != 3) {
            POSIX::dup2(fileno $to, 3);
        }
        fcntl $to, 2, 1;
        open my $null, '<', '/dev/null';
        $^F = 3;
        exec { $argv[0] } @argv or POSIX::_exit(1);
    }

    close $to;

    if ($argv[0] =~ /python/) {
        my $said = <$from>;
    }

    push @main::PROGRAMS, $pid;
    return { pid => $pid };
}

END {
    my $status = $?;
    if ($t && $t->{owner} == $$) {
        for my $pid (@main::PROGRAMS) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
        }
    }
    $? = $status;
}
