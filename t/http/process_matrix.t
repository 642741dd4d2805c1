#!/usr/bin/perl

# Every item of the contract, in both shapes, of every kind of process: as the
# full object has it, or refused in the way that belongs to that kind.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

plan skip_all => 'only root has others\' processes' if !as_root();

my @full = qw(pid ppid name exe cmdline environ create_time status cwd
    username nice ionice io_counters num_ctx_switches num_handles num_fds
    num_threads threads cpu_percent cpu_times cpu_num cpu_affinity
    memory_info memory_full_info memory_percent memory_maps open_files
    connections uids gids terminal);
my @more = qw(is_running parent parents children rlimit cgroup unit);

# what may be another number at the next request, though nobody does anything

my %moves = map { $_ => 1 } qw(cpu_percent cpu_times cpu_num
    num_ctx_switches threads memory_full_info memory_maps);

# what a zombie has not

my %dead = map { $_ => 1 } qw(exe cmdline environ cwd memory_maps);

my $dir = tempdir(CLEANUP => 1);
chmod 0777, $dir;
copy('/bin/sleep', "$dir/program") or die;
chmod 0755, "$dir/program";

my $t = Test::Procmgr->new()->run(interval => '100ms', workers => 1);
my $s = $t->login();

my $busy = sub {
    our @keep;
    open $keep[0], '>', "$dir/file$$";
    $keep[1] = IO::Socket::INET->new(Listen => 1, LocalAddr => '0.0.0.0');
    chdir $dir;
    $keep[1] ? $keep[1]->sockport : 'none';
};

my %p = (
    'an own process' => spawn(code => $busy),
    'another user\'s process' => spawn(user => 'nobody', code => $busy),
    'a stopped process' => spawn(code => $busy),
    'a deleted program' => spawn(code => sub {
        my $pid = fork() // die;
        return $pid if $pid;
        syscall 157, 1, 9, 0, 0, 0;
        %ENV = (A => '1', B => "x\xff");
        exec "$dir/program", 600;
    }),
    'a process of other namespaces' => spawn(code => sub { apart($dir) }),
);
my %pid = map { $_ => $p{$_}{pid} } keys %p;

$pid{'a deleted program'} = $p{'a deleted program'}{said};
ok($t->wait_for(sub { (readlink "/proc/$pid{'a deleted program'}/exe") // ''
    eq "$dir/program" }, 20), 'the program runs');
unlink "$dir/program";
kill 'STOP', $pid{'a stopped process'};

my ($apart, $port) = split ' ', delete $p{'a process of other namespaces'}
    ->{said};
$pid{'a process of other namespaces'} = $apart;
delete $pid{'a process of other namespaces'} if $apart eq 'none';

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;
$pid{'a zombie'} = $zombie;
ok($t->wait_for(sub { state($zombie) eq 'Z' }, 20), 'a zombie');

# the two threads that every kernel begins

$pid{'a kernel thread'} = 2
    if (eval { Test::Procmgr::read_path('/proc/2/comm') } // '')
        eq "kthreadd\n";

select undef, undef, undef, 0.3;

for my $kind (sort keys %pid) {
    my $pid = $pid{$kind};
    my $dead = $kind eq 'a zombie';
    my %object = map {
        my $r = $s->get("/system/process/$pid?simple=false&shape=$_");
        $_ => $r->{json}[0];
    } qw(array object);

    is_deeply([sort keys %{ $object{array} }], [sort @full],
        "$kind: the keys of the full object");

    my %wrong;
    for my $item (@full) {
        for my $shape ('', '?shape=object', '?shape=array') {
            my $r = $s->get("/system/process/$pid/$item$shape");
            my $from = $object{$shape eq '?shape=array' ? 'array' : 'object'};

            if ($dead && $dead{$item}) {
                $wrong{"$item$shape"} = $r->{status} if $r->{status} != 409
                    || $r->{json}{code} ne 'zombie_process'
                    || defined $from->{$item};
                next;
            }

            my ($got, $want) = map { text($item eq 'open_files' ? own($_)
                : $_, $moves{$item}) } $r->{json}, $from->{$item};
            $wrong{"$item$shape"} = "$r->{status}: $got, $want"
                if $r->{status} != 200 || $got ne $want
                || $item ne 'terminal' && $want eq 'null';
        }
    }
    is_deeply(\%wrong, {}, "$kind: each item is as it is there");

    %wrong = ();
    my %is;
    for my $item (@more) {
        for my $shape ('', '?shape=object', '?shape=array') {
            my $r = $s->get("/system/process/$pid/$item$shape");
            $wrong{"$item$shape"} = $r->{raw} if $r->{status} != 200;
            $is{$item} //= $r->{json};
        }
    }
    is_deeply(\%wrong, {}, "$kind: the items that it has not, too");
    is($is{is_running}, JSON::PP::true, "$kind: it is there");
    is($is{parent} ? $is{parent}{pid} : 0, $object{array}{ppid},
        "$kind: its parent");

    # the list has as many files as the item

    my $row = $s->get("/system/process/info?pid=$pid&fields=pid,num_openfiles,"
        . 'num_fds,identity')->{json}[0];
    is_deeply([@{$row}{qw(pid num_openfiles num_fds)}], [$pid,
        scalar @{ $object{array}{open_files} }, $object{array}{num_fds}],
        "$kind: as many files in the list");
}

# what makes the kinds

my $status = sub { $s->get("/system/process/$pid{$_[0]}/status")->{json} };
is($status->('a stopped process'), 'stopped', 'stopped');
is($status->('a zombie'), 'zombie', 'zombie');
is($s->get("/system/process/$pid{'a deleted program'}/exe")->{json},
    "$dir/program", 'the program had this name');
is($s->get("/system/process/$pid{'a deleted program'}/environ")
    ->{body}, "{\"A\":\"1\",\"B\":\"x\x{ef}\x{bf}\x{bd}\"}",
    'an environment that is no text');

SKIP: {
    skip 'no namespaces here', 3 if $apart eq 'none';

    my $row = $s->get("/system/process/$apart?simple=false")->{json}[0];
    is_deeply([map { [@{$_}[1, 2, 3, 4, 5]] } grep { $_->[1] == 2 }
        @{ $row->{connections} }], [[2, 1, ['0.0.0.0', $port], [], 'LISTEN']],
        'a socket of another network');
    is_deeply([grep { $_ eq "$dir/own/inside" } map { $_->[0] }
        @{ $row->{open_files} }], ["$dir/own/inside"],
        'a file that nobody else sees');
    is($row->{cwd}, "$dir/own", 'and a folder');
}

SKIP: {
    skip 'no kernel threads here', 1 if !$pid{'a kernel thread'};

    my $row = $s->get('/system/process/2?simple=false')->{json}[0];
    is_deeply([@{$row}{qw(exe cmdline environ cwd open_files connections
        memory_maps num_fds io_counters)}],
        ['', [], {}, '/', [], [], [], 0, [(0) x 6]], 'empty, not unknown');
}

# a thread's number, one that is gone, and what is no number

waitpid $zombie, 0;
my $gone = $zombie;
my $many = spawn(code => sub {
    syscall(157, 1, 9, 0, 0, 0), exec '/usr/bin/python3', '-c', <<'P' if !fork;
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
time.sleep(600)
P
    'ready';
});
my $tid = $t->wait_for(sub {
    my ($child) = grep { ppid($_) == $many->{pid} }
        map { m{(\d+)$} } glob '/proc/[0-9]*';
    my ($tid) = grep { $_ != $child } map { m{(\d+)$} }
        glob "/proc/$child/task/*" if $child;
    return $tid;
}, 20);
select undef, undef, undef, 0.3;

for my $pid (grep { defined } $gone, $tid, 4194303, 4294967297, 9999999999) {
    my %wrong;
    for my $path ('', '?simple=false', map { "/$_" } @full, @more) {
        my $r = $s->get("/system/process/$pid$path");
        my $said = $path eq '/is_running' ? "$r->{status} $r->{body}"
            : "$r->{status} $r->{json}{code}";

        $wrong{$path} = $said if $said ne ($path eq '/is_running'
            ? '200 false' : '404 no_such_process');
        $wrong{$path} = $r->{json}{detail} if $path ne '/is_running'
            && $r->{json}{detail} !~ /\b$pid\b/;
    }
    is_deeply(\%wrong, {}, "$pid is no process: 404 that names it");
}

for my $pid (qw(0 01 -1 +1 1.0 1e3 0x1 12345678901 abc %20 1%0a)) {
    my $plain = $pid =~ s/%(..)/chr hex $1/ger;
    my %wrong;
    for my $path ('', '/name', '?simple=false') {
        my $r = $s->get("/system/process/$pid$path");
        $wrong{$path} = $r->{raw} if $r->{status} != 404
            || $r->{json}{code} ne 'not_found'
            || $r->{json}{detail} !~ m{/system/process/\Q$plain\E["/]};
    }
    is_deeply(\%wrong, {}, "$pid is no number of a process");
}

done_testing();


# files of this test: where the output of all tests goes, others write, too

sub own {
    my ($files) = @_;

    return $files if ref $files ne 'ARRAY';
    return [grep { index(ref $_ eq 'HASH' ? $_->{path} : $_->[0], $dir) == 0 }
        @$files];
}

# a value as text; of one that moves its form alone

sub text {
    my ($value, $form) = @_;

    return JSON::PP->new->canonical->allow_nonref->encode($value) if !$form;
    return join ',', 'HASH', sort keys %$value if ref $value eq 'HASH';
    return ref $value ? 'ARRAY ' . (ref $value->[0] ? text($value->[0], 1)
        : @$value) : defined $value ? 'value' : 'null';
}

sub state {
    my $stat = eval { Test::Procmgr::read_path("/proc/$_[0]/stat") } // '';
    return $stat =~ /.*\) (\S)/s ? $1 : '';
}

sub ppid {
    my $stat = eval { Test::Procmgr::read_path("/proc/$_[0]/stat") } // '';
    return $stat =~ /.*\) \S (\d+)/s ? $1 : 0;
}
