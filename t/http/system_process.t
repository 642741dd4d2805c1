#!/usr/bin/perl

# The list of processes, the names, one process: against processes of the
# test's own, of other users too, and against psutil.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ();

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 45)->run(interval => '200ms');

my $dir = tempdir(CLEANUP => 1);
chmod 0777, $dir;

# a large process with three files, a deleted one, a pipe and a folder, and a
# name that is a trap for everyone who parses or prints it

my $owner = as_root() ? 'nobody' : getpwuid $>;

my $big = spawn(user => $owner, code => sub {
    our @keep;
    for my $n (1 .. 4) {
        open $keep[$n], '>', "$dir/file$n" or die;
    }
    unlink "$dir/file4";
    pipe $keep[5], $keep[6];
    opendir $keep[7], '/';
    $0 = "<b>)\tS\n\xff\"";
    $keep[8] = 'x' x 400_000_000;
    return 'ready';
});

my $inherited = grep { /^\d+$/ && -f "/proc/$big->{pid}/fd/$_" }
    map { s{.*/}{}r } glob("/proc/$big->{pid}/fd/*");
$inherited -= 4;

my $s = $t->login();

# the ten largest

my $r = $s->get('/system/process');
is($r->{status}, 200, 'the list');
is(scalar @{ $r->{json} }, 10, 'of ten');
is_deeply([grep { join(' ', sort keys %$_) ne 'cpu_percent memory_percent '
    . 'name num_openfiles num_threads pid username' } @{ $r->{json} }], [],
    'with exactly the seven keys');

my @bad;
my $last;
for my $p (@{ $r->{json} }) {
    push @bad, $p if $last
        && ($last->{memory_percent} < $p->{memory_percent}
            || $last->{memory_percent} == $p->{memory_percent}
               && $last->{pid} > $p->{pid});
    $last = $p;
}
is_deeply(\@bad, [], 'the largest first, of equal ones the lower pid');

my ($p) = grep { $_->{pid} == $big->{pid} } @{ $r->{json} };
ok($p, 'the large process is in it');
is($p->{name}, "<b>)\tS\n\x{fffd}\"", 'its name, whatever it holds');
is($p->{username}, $owner, 'its user');
is($p->{num_threads}, 1, 'its threads');
is($p->{num_openfiles}, 3 + $inherited, 'its regular files that have a name');
cmp_ok($p->{cpu_percent}, '>=', 0, 'its share of a processor');
like($r->{body}, qr/"cpu_percent":\d+\.\d[,}]/, 'in tenths');

# its share is that since its last sample, whichever list took it: the short
# one, which reads few processes, or one of all

my $busy = spawn(user => $owner, code => sub {
    our $keep = 'x' x 300_000_000;
    my $parent = $$;
    if (!fork) {
        my $y = 'x' x 350_000_000;
        1 while getppid == $parent;
        POSIX::_exit(0);
    }
    'ready';
});

my %share;
for my $path (('/system/process') x 6, '/system/process?num=1000',
              ('/system/process') x 3)
{
    my ($row) = grep { $_->{username} eq $owner && $_->{pid} != $big->{pid}
        && $_->{pid} != $busy->{pid} && ppid($_->{pid}) == $busy->{pid} }
        @{ $s->get($path)->{json} };
    $share{$path} = $row->{cpu_percent} if $row && $row->{cpu_percent};
    select undef, undef, undef, 0.5;
}
ok($share{$_}, "a busy process is busy in $_")
    for '/system/process', '/system/process?num=1000';
end($busy);

# num

is(scalar @{ $s->get('/system/process?num=3')->{json} }, 3, 'num');

my %there = map { s{.*/}{}r => 1 } glob('/proc/[0-9]*');
select undef, undef, undef, 0.3;
my $all = $s->get('/system/process?num=1000000')->{json};
my %got = map { $_->{pid} => $_ } @$all;
is_deeply([grep { !$got{$_} && -d "/proc/$_" } keys %there], [],
    'more than there are is all');

SKIP: {
    skip 'no kernel threads here', 2
        if !-r '/proc/2/comm' || Test::Procmgr::read_path('/proc/2/comm')
           ne "kthreadd\n";
    ok($got{2}, 'kernel threads are among them');
    is($got{2}{memory_percent}, 0, 'without memory');
}

for my $n ('0', '-1', 'abc', '1.5', '', '99999999999999999999') {
    my $e = $s->get("/system/process?num=$n");
    ok($e->{status} == 400 && $e->{json}{code} eq 'bad_parameter'
        && $e->{json}{detail} =~ /num/ && $e->{json}{detail} =~ /\Q$n\E/,
        "num=$n is refused by name") or diag($e->{raw});
}

is($s->get('/system/process?nmu=3')->{status}, 400, 'unknown parameter');
is($s->get('/system/process?num=3&num=4')->{status}, 400, 'repeated one');

# simple

$all = $s->get('/system/process/info')->{json};
is_deeply([sort keys %{ $all->[0] }], [qw(name pid username)],
    'the names of all');
is_deeply([map { $_->{pid} } @$all], [sort { $a <=> $b } map { $_->{pid} }
    @$all], 'by pid');

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;
select undef, undef, undef, 0.3;

ok((grep { $_->{pid} == $zombie } @{ $s->get('/system/process/info')->{json} }),
    'zombies are among them');
is($s->get("/system/process?num=1000000")->{status}, 200,
    'files of a zombie are no trouble');
waitpid $zombie, 0;

is_deeply($s->get("/system/process/$big->{pid}")->{json},
    [{ name => "<b>)\tS\n\x{fffd}\"", username => $owner,
       pid => $big->{pid} }], 'one process is an array of one');
is_deeply($s->get("/system/process/$big->{pid}?simple=TRUE")->{json},
    $s->get("/system/process/$big->{pid}?simple=1")->{json}, 'booleans');

# no such process

select undef, undef, undef, 0.3;
$r = $s->get("/system/process/$zombie");
is($r->{status}, 404, 'a process that is gone');
is($r->{json}{code}, 'no_such_process', 'by its code');
is($s->get('/system/process/9999999999')->{status}, 404, 'no number of one');

my ($thread) = grep { !$got{$_} } map { s{.*/}{}r }
    map { glob("/proc/$_->{pid}/task/*") }
    grep { $_->{num_threads} > 1 } values %got;

SKIP: {
    skip 'no process with threads', 1 if !defined $thread;
    is($s->get("/system/process/$thread")->{status}, 404,
        'a thread is no process');
}

is(scalar keys %{ $s->get("/system/process/$big->{pid}?simple=false")
    ->{json}[0] }, 31, 'a full object has its keys');

# shared answers

# a busy machine may let the interval pass between the two

my $again;
for (1 .. 20) {
    $r = $s->get('/system/process?num=5');
    $again = $s->get('/system/process?num=5',
        { 'If-None-Match' => $r->{headers}{etag} });
    last if $again->{status} == 304;
}
is($again->{status}, 304, 'the same generation is 304');
is($again->{body}, '', 'without a body');

select undef, undef, undef, 0.4;
$again = $s->get('/system/process?num=5',
    { 'If-None-Match' => $r->{headers}{etag} });
is($again->{status}, 200, 'the next one is not');
isnt($again->{headers}{etag}, $r->{headers}{etag}, 'and has another tag');

is($t->login('viewer')->get('/system/process')->{status}, 200,
    'viewers see it');
is($t->get('/system/process')->{status}, 401, 'nobody else');

# psutil, asked before and after; what moved between is left out

SKIP: {
    my $ask = 'import psutil
d = {}
size = lambda p: -(p.info["memory_info"].rss if p.info["memory_info"] else 0)
for p in sorted(psutil.process_iter(["memory_info"]), key=size)[:10]:
    try:
        with p.oneshot():
            d[p.pid] = [p.name(), p.username(), p.num_threads(),
                        p.memory_percent(), len(p.open_files())]
    except psutil.Error:
        pass
print(json.dumps(d))';

    my (@same, @ours);

    # one of another test may have moved and come back in between

    for (1 .. 10) {
        select undef, undef, undef, 0.3;
        my $before = python($ask) or skip 'no psutil', 2;
        my $list = $s->get('/system/process?num=10')->{json};
        my $after = python($ask);

        @same = @ours = ();

        for my $p (@$list) {
            my ($x, $y) = map { $_->{ $p->{pid} } } $before, $after;
            next if !$x || !$y || encode_json($x) ne encode_json($y);
            next if !as_root() && $p->{username} ne $owner;
            next if $p->{pid} == $big->{pid};

            push @same, $x;
            push @ours, [@{$p}{qw(name username num_threads memory_percent
                                  num_openfiles)}];
        }

        last if @ours && encode_json(\@ours) eq encode_json(\@same);
    }

    cmp_ok(scalar @ours, '>=', 1, 'some of the ten stood still');
    is_deeply(\@ours, \@same, 'to the last digit as psutil has them');
}

# without the helper: null, never 0, and it says so

SKIP: {
    skip 'only root has others\' processes', 1 if !as_root();

    rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/away" or die;
    select undef, undef, undef, 0.3;
    $r = $s->get('/system/process?num=10');
    ($p) = grep { $_->{pid} == $big->{pid} } @{ $r->{json} };

    is_deeply([$r->{status}, exists $p->{num_openfiles}, $p->{num_openfiles},
        $r->{headers}{'x-procmgr-partial'}],
        [200, 1, undef, 'num_openfiles'], 'no helper: not known');

    rename "$t->{dir}/libexec/away", "$t->{dir}/libexec/procmgr-helper" or die;
}

sub ppid {
    my ($pid) = @_;
    my $stat = eval { Test::Procmgr::read_path("/proc/$pid/stat") } // '';
    return $stat =~ /.*\) \S (\d+) /s ? $1 : 0;
}
