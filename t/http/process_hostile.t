#!/usr/bin/perl

# Processes that are hard to read, real ones: none of them harms the list, its
# time or what is said of others.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $dir = tempdir(CLEANUP => 1);
chmod 0755, $dir;
system('cc', '-std=c11', '-D_GNU_SOURCE', '-O1', '-pthread', '-o',
    "$dir/hostile", 't/lib/hostile.c') == 0
    or plan skip_all => 'no compiler';

my $t = Test::Procmgr->new(plan => 56)->run(interval => '200ms',
    zone => '128m', workers => 1, main => 'env PROCMGR_FDS=folder;',
    policy => 'read fields=cmdline roles=viewer');
my $s = $t->login();
my (@running, $r);

# names

for my $name ("a) S 1 (b", "tab\tUid:\t0\t0\t0", "line\nPPid: 1", "\xff\xfe)",
    '<img onerror>', "Uid:\t0\t0\t0", "\x1b[2J", ' ', ')')
{
    my $p = hostile('name', unpack 'H*', $name) or next;
    my $row = $s->get("/system/process/$p?simple=false")->{json}[0];
    my $want = substr $name, 0, 15;
    $want =~ s/[\x80-\xff]/\x{fffd}/g;
    my $shown = $want =~ s/[^ -~]/./gr;

    is($row->{name}, $want, "a process called \"$shown\"");
    is_deeply([$row->{ppid}, $row->{uids}[0], $row->{num_threads},
        $row->{status}], [$$, $>, 1, 'sleeping'], 'and its facts');
}

# names that the kernel cuts, one in the middle of a letter

for my $long ('n' x 15, 'n' x 16, ('n' x 14) . "\xc3\xbc" . ('n' x 47),
    'n' x 200)
{
    my $p = hostile({ program => "$dir/$long" }, 'name', unpack 'H*', $long)
        or next;
    my $want = $long =~ s/\xc3\xbc/\x{fc}/r;
    my ($row) = grep { $_->{pid} == $p }
        @{ $s->get('/system/process/info')->{json} };

    is_deeply([$row->{name}, $s->get("/system/process/$p/name")->{json}],
        [$want, $want], 'a name of ' . length($long) . ' bytes');
}

my $cut = hostile('name', unpack 'H*', ('n' x 14) . "\xc3\xbc");
is($s->get("/system/process/$cut/name")->{json}, ('n' x 14) . "\x{fffd}",
    'one that is cut, and called otherwise');
$cut = hostile({ program => "$dir/" . 'n' x 63 }, 'name', unpack 'H*',
    'another-name-of-15');
is($s->get("/system/process/$cut/name")->{json}, 'another-name-of',
    'one that says another name than its arguments');

# arguments

for my $mb (2, 6) {
    my $n = $mb == 2 ? 20 : 59;
    my $p = hostile('args', $n * 100_000);

    SKIP: {
        skip "no arguments of $mb MB here", 3 if !$p;

        $r = $s->get("/system/process/$p/cmdline");
        is($r->{status}, 200, "arguments of $mb MB");
        is(scalar @{ $r->{json} }, $n + 2, 'all of them');
        is(length $r->{json}[-1], 99_999, 'whole');
        end_of($p);
    }
}

my $p = hostile('empty');
is_deeply($s->get("/system/process/$p/cmdline")->{json}, [],
    'arguments that were emptied');
is($s->get("/system/process/$p/name")->{json}, 'hostile', 'leave the name');

my $long = spawn(code => sub { $0 = 'x' x 4000; 'ready' });
ok($s->get("/system/process/$long->{pid}/cmdline")->{json}[0] =~ /^x+$/,
    'a long title');

my $secret = spawn(code => sub { $0 = 'run --password=hunter2 -phunter2';
    'ready' });
my $v = $t->login('viewer');
is_deeply($v->get("/system/process/$secret->{pid}/cmdline")->{json},
    ['run', '--password=***', '-p***'], 'viewers see no secret');
unlike($v->get('/system/process/info?simple=false')->{body}, qr/hunter2/,
    'nowhere');
is_deeply($s->get("/system/process/$secret->{pid}/cmdline")->{json},
    ['run', '--password=hunter2', '-phunter2'], 'administrators do');

# many threads

my $threads = hostile('threads', 200);
my $list = $s->get("/system/process/$threads/threads")->{json};
is(scalar @$list, 201, 'threads called like what stands behind their names');
is_deeply([grep { $_->{user_time} > 60 } @$list], [], 'and their times');
my ($tid) = grep { $_ != $threads } map { $_->{id} } @$list;
is($s->get("/system/process/$tid/name")->{status}, 404, 'none is a process');
is($s->get("/system/process/$tid/is_running")->{body}, 'false', 'nor runs');

# many mappings

my $maps = hostile('maps', 60_000);

SKIP: {
    skip 'no 60,000 mappings here', 2 if !$maps;

    my $start = time;
    $r = $s->get("/system/process/$maps/memory_maps?grouped=false");
    my $took = time - $start;
    is($r->{status}, 200, sprintf '60,000 mappings in %.1f s', $took);
    cmp_ok(scalar @{ $r->{json} }, '>=', 60_000, 'each of them');
    end_of($maps);
}

# descriptors where the kernel does not count them

my $fds = spawn(code => sub { our @k; open $k[$_], '<', '/dev/null'
    for 0 .. 30; 'ready' });
sleep 0.3;
my $n = () = glob "/proc/$fds->{pid}/fd/*";
is($s->get("/system/process/$fds->{pid}/num_fds")->{json}, $n,
    'descriptors are counted in the folder');
is($s->get("/system/process/2/num_fds")->{json}, 0, 'of a kernel thread')
    if -d '/proc/2';
pass('no kernel threads here') if !-d '/proc/2';

# and compared

my $few = spawn(code => sub { 'ready' });
my $both = "pid=$few->{pid},$fds->{pid}&fields=pid,num_fds";
sleep 0.3;
my $less = () = glob "/proc/$few->{pid}/fd/*";
is_deeply($s->get("/system/process/info?$both&sort=num_fds&order=desc")->{json},
    [{ pid => $fds->{pid}, num_fds => $n },
     { pid => $few->{pid}, num_fds => $less }], 'sorted by it');
is_deeply($s->get("/system/process/info?$both&filter=num_fds+>%3D+$n")->{json},
    [{ pid => $fds->{pid}, num_fds => $n }], 'filtered by it');
is_deeply($s->get("/system/process/info?$both&filter=num_handles+<+$n")
    ->{json}, [{ pid => $few->{pid}, num_fds => $less }], 'from below');
my $r2 = $s->get('/system/process/info?fields=pid,num_fds&filter=num_fds+=+0');
is_deeply([grep { $_->{num_fds} } @{ $r2->{json} || [{ num_fds => -1 }] }], [],
    'kernel threads have none');

# many open files, whose names are longer than what is kept of one walk

my $names = tempdir(CLEANUP => 1);
chmod 0777, $names;
my $files = spawn(code => sub { our @k; open $k[$_], '>',
    "$names/" . 'n' x 200 . $_ for 1 .. 600; 'ready' });
sleep 0.3;
$r = $s->get("/system/process/$files->{pid}?simple=false")->{json}[0];
my @opened = grep { index($_->[0], $names) == 0 } @{ $r->{open_files} };
is_deeply([scalar @opened, length $opened[-1][0]],
    [600, length("$names/") + 203], 'many files with long names');
is(scalar @{ $s->get("/system/process/$files->{pid}/open_files")->{json} },
    scalar @{ $r->{open_files} }, 'as many alone');

# one that has numbers and mounts of its own

my $own = as_root() ? spawn(code => sub {
    (split ' ', apart($dir))[0] }) : { said => 'none' };

SKIP: {
    skip 'no namespaces here', 4 if $own->{said} !~ /^\d+$/;

    $r = $s->get("/system/process/$own->{said}?simple=false")->{json}[0];
    is_deeply([@{$r}{qw(pid ppid cwd status)}],
        [$own->{said}, $own->{pid}, "$dir/own", 'sleeping'],
        'a process with numbers and mounts of its own');
    is_deeply([map { [@{$_}[0, 3]] } grep { $_->[0] =~ m{^\Q$dir/own/} }
        @{ $r->{open_files} }], [["$dir/own/inside", 'w']],
        'a file that is not where others look');
    is_deeply([grep { !defined $r->{$_} } qw(exe cmdline environ io_counters
        memory_full_info memory_maps threads connections)], [],
        'nothing is missing');
    is($s->get("/system/process/$own->{said}/parent")->{json}{pid},
        $own->{pid}, 'its parent is outside');
}

# a thousand forks a second

my $forks = hostile('forks', 1000, 8);
my $start = time;
my (@wrong, $answers);

while (time - $start < 3) {
    $r = $s->get('/system/process/info?simple=false');
    $answers++;
    push @wrong, $r->{status} if $r->{status} != 200;
    push @wrong, grep { keys %$_ != 31 } @{ $r->{json} || [] };

    my %seen;
    push @wrong, grep { $seen{ $_->{pid} }++ } @{ $r->{json} || [] };
}

is_deeply(\@wrong, [], 'a thousand forks a second');
cmp_ok($answers, '>=', 1, 'answers meanwhile');


sub hostile {
    my (@args) = @_;
    my $program = ref $args[0] ? (shift @args)->{program} : "$dir/hostile";

    link "$dir/hostile", $program if !-e $program;
    pipe my $from, my $to or die;
    my $pid = fork() // die;

    if (!$pid) {
        POSIX::dup2(fileno $to, 1);
        open STDERR, '>', '/dev/null';
        exec $program, @args or POSIX::_exit(1);
    }

    close $to;
    push @running, $pid;
    my $said = <$from> // '';

    if ($said ne "ready\n") {
        end_of($pid);
        return undef;
    }

    sleep 0.25;
    return $pid;
}

sub end_of {
    for my $pid (my @pids = @_) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        @running = grep { $_ != $pid } @running;
    }
}

END {
    my $status = $?;
    end_of(@running) if $t && $t->{owner} == $$;
    $? = $status;
}
