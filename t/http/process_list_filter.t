#!/usr/bin/perl

# Lists of processes by name, user, status, number, open file and filter, in
# any order, with any fields: against processes of the test's own.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ();

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 47)->run(interval => '100ms');

my $dir = tempdir(CLEANUP => 1);
chmod 0777, $dir;

my $owner = as_root() ? 'nobody' : getpwuid $>;

# $0 is the name of the process and its only argument

my $mark = "pmlist$$";
my @p = map { my $n = $_; spawn(user => $owner, code => sub {
    our @keep = ('x' x ($n * 20_000_000));
    open $keep[1], '>', "$dir/file" or die if $n == 2;
    $0 = "$mark-$n";
    return 'ready';
}) } 1 .. 3;

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;
select undef, undef, undef, 0.3;

my $s = $t->login();
my $only = 'pid=' . join ',', map { $_->{pid} } @p;

sub get {
    my ($path, $who) = @_;
    return ($who // $s)->get("/system/process$path");
}

sub pids {
    my $r = get(@_);
    diag($r->{raw}) if $r->{status} != 200;
    return [map { $_->{pid} } @{ $r->{json} }];
}

my ($one, $two, $three) = map { $_->{pid} } @p;

# by number, and in what order

is_deeply(pids("?$only"), [$three, $two, $one], 'numbers, the largest first');
is_deeply(pids("?$only&order=asc"), [$one, $two, $three], 'the other way');
is_deeply(pids("/info?$only"), [$one, $two, $three], 'names by number');
is_deeply(pids("/info?$only&order=desc"), [$three, $two, $one], 'downwards');
is_deeply(pids("/info?pid=$two,4194303"), [$two], 'one that is not there');
is_deeply(pids("/info?$only&sort=rss"), [$one, $two, $three], 'by rss');
is_deeply(pids("/info?$only&sort=rss&order=desc"), [$three, $two, $one],
    'the largest');
is_deeply(pids("/info?$only&sort=name&order=desc"), [$three, $two, $one],
    'by text');
is_deeply(pids("/info?$only&sort=identity"),
    [sort { "$a" cmp "$b" } $one, $two, $three], 'by identity');
is_deeply(pids("/info?$only&sort=nice"), [$one, $two, $three],
    'of equal ones the lower number');
is_deeply(pids("/info?$only&sort=num_fds&order=desc&limit=1"), [$two],
    'by the number of descriptors');

# a part

is_deeply(pids("?$only&limit=2"), [$three, $two], 'limit');
is_deeply(pids("?$only&limit=2&offset=2"), [$one], 'offset');
is_deeply(pids("?$only&limit=2&offset=5"), [], 'behind the end');
is_deeply(pids("?$only&num=1"), [$three], 'num');
cmp_ok(scalar @{ pids('/info') }, '>', 10, 'names of all without a limit');

# fields

my $row = get("?pid=$two&fields=identity,name,rss,vms,shared,swap,username,"
    . 'cgroup,unit,depth,num_openfiles,status,ppid,cmdline')->{json}[0];
my ($start) = (split ' ', Test::Procmgr::read_path("/proc/$two/stat")
    =~ s/.*\)//sr)[19];
is($row->{identity}, "$two:$start", 'identity');
my @statm = split ' ', Test::Procmgr::read_path("/proc/$two/statm");
my $page = POSIX::sysconf(POSIX::_SC_PAGESIZE());
is_deeply([@{$row}{qw(vms rss shared)}], [map { $_ * $page } @statm[0 .. 2]],
    'VIRT, RES, SHR');
is($row->{swap}, 1024 * (Test::Procmgr::read_path("/proc/$two/status")
    =~ /^VmSwap:\s+(\d+)/m)[0], 'swap');
is_deeply([@{$row}{qw(name username status ppid cmdline)}],
    ["$mark-2", $owner, 'sleeping', $$, ["$mark-2"]], 'those of the object');
is(scalar keys %$row, 14, 'these keys and no others');
like(get("?pid=$two&fields=rss&human=true")->{body},
    qr/^\[\{"rss":\d+,"rss_human":"[\d.]+ MiB"\}\]$/, 'for people');
like(get("?pid=$two&fields=status,pid,status")->{body},
    qr/^\[\{"status":"sleeping","pid":$two\}\]$/, 'in the order asked for');

# filters

is_deeply(pids("/info?filter=name+~+$mark+and+rss+>+45M+and+rss+<+1G"),
    [$two, $three], 'a filter');
is_deeply(pids("/info?filter=cmdline+~+$mark&sort=rss&order=desc"),
    [$three, $two, $one], 'by what is not in the snapshot');
is_deeply(pids("/info?filter=identity='$two:$start'"), [$two], 'a text');
is_deeply(pids("/info?$only&filter=not+name+=+%22$mark-1%22"),
    [$two, $three], 'not');
is_deeply(pids("/info?$only&user=$owner"), [$one, $two, $three], 'a user');
is_deeply(pids("/info?$only&user=" . (getpwnam $owner)[2]),
    [$one, $two, $three], 'by its number');
is_deeply(pids("/info?$only&user=nosuchuser"), [], 'another one');
is_deeply(pids("/info?$only,$zombie&status=zombie"), [$zombie], 'a status');
waitpid $zombie, 0;

# names

is_deeply(pids("?name=$mark-2"), [$two], 'a name');
is_deeply(pids("?name=" . uc $mark)->[0] && 3,
    scalar @{ pids("?name=" . uc $mark) }, 'in any case');
is_deeply([sort { $a <=> $b } @{ pids("/info?name=$mark+pmlist") }],
    [sort { $a <=> $b } $one, $two, $three], 'two words');

# the better hit is first, whatever its number: a name outweighs an argument

my $arg = spawn(user => $owner, code => sub {
    $0 = "other $mark-1";
    return 'ready';
});
select undef, undef, undef, 0.2;
is_deeply(pids("?name=$mark-1"), [$one, $arg->{pid}], 'the best first');
is_deeply(pids("?name=$mark-1&sort=pid&order=desc"), [$arg->{pid}, $one],
    'or as is asked for');

# files

is_deeply(pids("/info?open=$dir/file"), [$two], 'who has a file open');
is_deeply(pids("/info?open=$dir/fil"), [], 'nobody has this one');

# bytes a second: nothing is known at first, then what was written

my $writer = spawn(user => $owner, code => sub {
    open my $f, '+>', "$dir/written" or die;
    $SIG{USR1} = sub {
        sysseek $f, 0, 0;
        syswrite $f, 'x' x 4_194_304;
        $f->IO::Handle::sync;
        syscall 221, fileno $f, 0, 0, 4;        # out of the page cache
        sysseek $f, 0, 0;
        sysread $f, my $in, 4_194_304;
    };
    return 'ready';
});
my $rate = "?pid=$writer->{pid}&fields=read_bytes_per_s,write_bytes_per_s";
select undef, undef, undef, 0.2;
is_deeply(get($rate)->{json},
    [{ read_bytes_per_s => undef, write_bytes_per_s => undef }],
    'rates are not known at first');
select undef, undef, undef, 0.3;
$row = get($rate)->{json}[0];
is_deeply($row, { read_bytes_per_s => 0, write_bytes_per_s => 0 },
    'then they are, and 0 is the kernel\'s');

# what it writes, and reads past the page cache, if its own counters say so

my %moved;
for my $n (1 .. 40) {
    my @before = io($writer->{pid});
    kill 'USR1', $writer->{pid};
    $t->wait_for(sub { (io($writer->{pid}))[1] - $before[1] >= 4_000_000 }, 5);
    select undef, undef, undef, 0.2;
    my @after = io($writer->{pid});
    $row = get($rate)->{json}[0];
    $moved{read} = 1 if $after[0] - $before[0] >= 1_000_000;
    $moved{write} = 1 if $after[1] - $before[1] >= 1_000_000;
    $moved{"$_ told"} = 1 for grep {
        ($row->{"${_}_bytes_per_s"} // 0) > 1000 } qw(read write);
    last if $moved{'read told'} && $moved{'write told'}
        || $n >= 10 && !$moved{read};
}

for my $way (qw(write read)) {
    SKIP: {
        skip "no disk below $dir: nothing counts as a $way", 1
            if !$moved{$way};
        ok($moved{"$way told"}, "bytes that a process moves a second: $way");
    }
}

# what the role may not see: exe, cmdline and io are for administrators

my $viewer = $t->login('viewer');
for my $q ('filter=exe+~+perl', 'sort=cmdline', 'sort=read_bytes_per_s') {
    get("/info?$only&$q", $viewer);
    my $r = get("/info?$only&$q", $viewer);
    is("$r->{status} $r->{json}{code}", '403 access_denied',
        "$q is not for a viewer");
}

# that names are found all the same, by what he may see

is_deeply(pids("/info?name=$mark-2", $viewer), [$two], 'a viewer finds names');

is(get("?$only&sort=rss")->{headers}{'cache-control'}, 'private, no-cache',
    'a list is a view');


# bytes read and written, as the kernel has them

sub io {
    my ($pid) = @_;
    my $io = eval { Test::Procmgr::read_path("/proc/$pid/io") } // '';
    return ($io =~ /^read_bytes: (\d+)/m ? $1 : 0,
            $io =~ /^write_bytes: (\d+)/m ? $1 : 0);
}
