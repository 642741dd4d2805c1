#!/usr/bin/perl

# /memory/<pid> and its mappings: what status says, who may see what, what
# kernel threads, zombies and the dead have, kernels without smaps, and one
# reading however many ask.

use strict;
use warnings;

use lib 't/lib';
use IO::Select;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 48)->run(workers => 1, zone => '96m');
my $s = $t->login('admin');
my $v = $t->login('viewer');


# paths and parameters

is($t->get("/memory/$$")->{status}, 401, 'not without a session');
is($s->get('/memory/watches/nothing')->{status}, 404, 'no such watch');
is($s->get("/memory/$$?nothing=1")->{status}, 400, 'an unknown parameter');
is($s->get("/memory/$$/maps?grouped=2")->{status}, 400, 'a wrong value');
is($s->get("/memory/$$/nothing")->{status}, 404, 'nothing there');
is($s->request('DELETE', "/memory/$$")->{status}, 405, 'only reading');

for (4194303, '9999999999', '9999999999/maps') {
    my $r = $s->get("/memory/$_");
    is("$r->{status} $r->{json}{code}", '404 no_such_process', "no $_");
}


# what status says

my $r = $s->get('/memory/self');
my $j = $r->{json};
is($r->{status}, 200, 'the worker itself');
is($j->{pid}, ($t->workers())[0], '- by its number');
is($j->{name}, 'nginx', '- and name');
ok($t->wait_for(sub {
    my $tag = $s->get('/memory/self')->{headers}{etag};
    $s->get('/memory/self', { 'If-None-Match' => $tag })->{status} == 304
}, 20), '- unchanged within the interval');

# a name that looks like lines of status

my $p = spawn(user => 'nobody', code => sub {
    $0 = "x\nUid:\t0\nVmRSS:\t 1 kB";
    1;
});
my $pid = $p->{pid};
$t->wait_for(sub { (stat_of($pid))[0] eq 'S' });
my %status = map { /^(\w+):\s*(.*)/ } split /\n/,
    Test::Procmgr::read_path("/proc/$pid/status");

$r = $s->get("/memory/$pid?human=true");
$j = $r->{json};

is($j->{status}{PPid}, $$, 'a number of status');
is("@{ $j->{status}{Uid} }", $status{Uid} =~ s/\t/ /gr, 'its users');
is("@{ $j->{status}{Gid} }", $status{Gid} =~ s/\t/ /gr, 'its groups');
is($j->{status}{State}, $status{State}, 'its state');
is($j->{status}{VmHWM}, $status{VmHWM} =~ s/ kB//r, 'a size in KiB');
is($j->{stats}{virtual_size}, $j->{status}{VmSize} * 1024, 'in bytes');
is($j->{stats}{shared_size}, $j->{status}{RssFile} * 1024, 'shared');
like($j->{stats}{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'when');
like($j->{stats}{virtual_size_human}, qr/^[\d.]+ [KMG]iB$/, 'for people');
like($j->{status}{VmSize_human}, qr/^[\d.]+ [KMG]iB$/, 'KiB for people');
like($j->{segments}{heap}{rss_human}, qr/^[\d.]+ [KMG]iB$/,
    'of a part, of another user\'s process');
is(join(' ', sort grep { !/_human/ } keys %{ $j->{status} }),
    'FDSize Gid Groups PPid RssAnon RssFile RssShmem State Tgid Threads '
    . 'TracerPid Uid VmData VmExe VmHWM VmLck VmLib VmPTE VmPeak VmPin VmRSS '
    . 'VmSize VmStk VmSwap', 'all of the fields');


# who may see what

$r = $v->get("/memory/$pid");
is($r->{status}, 200, 'a viewer');
is($r->{headers}{'x-procmgr-partial'}, 'segments,totals', '- is told');
is($r->{json}{segments} // 'null', 'null', '- what he does not see');
is($r->{json}{status}{VmHWM}, $j->{status}{VmHWM}, '- and sees the rest');

$r = $v->get("/memory/$pid/maps");
is("$r->{status} $r->{json}{code}", '403 access_denied', 'maps are one item');


# mappings

$r = $s->get("/memory/$pid/maps")->{json};
my %path = map { $_->{path} => $_ } @$r;
ok($path{'[heap]'}{rss} && !exists $path{'[heap]'}{addr}, 'by path');

$r = $s->get("/memory/$pid/maps?grouped=false&human=1")->{json};
ok(@$r > keys %path, 'one by one');
like("$r->[0]{addr} $r->[0]{perms}", qr/^[0-9a-f]+-[0-9a-f]+ [-rwxsp]{4}$/,
    'with address and rights');
ok(exists $r->[0]{rss_human}, 'sizes for people');


# what has no memory

SKIP: {
    my ($kthread) = grep { (stat_of($_))[1] == 2 } 2 .. 400;
    skip 'no kernel threads here', 3 if !$kthread;

    $j = $s->get("/memory/$kthread")->{json};
    is($j->{totals}{rss}, 0, 'a kernel thread has 0');
    is($j->{status}{VmRSS} // 'null', 'null', '- and no such line');
    is(@{ $s->get("/memory/$kthread/maps")->{json} }, 0, '- and no mapping');
}

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;
$t->wait_for(sub { (stat_of($zombie))[0] eq 'Z' });

$j = $s->get("/memory/$zombie")->{json};
is($j->{totals}{physical_plus_swap}, 0, 'a zombie has 0');
$r = $s->get("/memory/$zombie/maps");
is("$r->{status} $r->{json}{code}", '409 zombie_process', '- and no mappings');
waitpid $zombie, 0;

end($p);
ok($t->wait_for(sub { $s->get("/memory/$pid")->{status} == 404 }), 'ended');


# as many mappings as there may be, asked for by many at once

SKIP: {
    my $n = 60000;
    chomp(my $max = Test::Procmgr::read_path('/proc/sys/vm/max_map_count'));
    skip 'the host allows fewer mappings', 4 if $max < $n + 100;
    skip 'no compiler', 4 if system("gcc -O1 -pthread -o $t->{dir}/layout "
        . "$Test::Procmgr::TOP/t/lib/layout.c 2> /dev/null") != 0;

    my $many = open my $said, '-|', "exec '$t->{dir}/layout' 0 $n < /dev/zero";
    is(scalar(<$said>), "ready\n", "$n mappings");
    $s->get("/memory/$$");
    my $before = runs();

    my @clients = map {
        my $c = $t->connect();
        print $c "GET /memory/$many HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
            . "Connection: close\r\nCookie: $s->{cookie}\r\n\r\n";
        $c->flush();
        $c;
    } 1 .. 8;

    # while a thread waits for the helper, the loop goes on

    my $health = $t->get('/system/health')->{status};
    is($health . (IO::Select->new(@clients)->can_read(0) ? ' late' : ''),
        200, 'the worker answers meanwhile');

    my @rss;
    for my $c (@clients) {
        my $a = Test::Procmgr::parse($t->raw('', socket => $c, timeout => 60));
        push @rss, $a->{json}{totals}{rss} // "none: $a->{body}";
    }
    is(grep({ /^\d+$/ && $_ == $rss[0] } @rss), 8, 'all have one answer');
    cmp_ok(runs() - $before, '<=', 2, 'made once');

    kill 'KILL', $many;
    close $said;
}


# a kernel that has no smaps, and a reading that fails: by a helper that says so

my $helper = "$t->{dir}/libexec/procmgr-helper";

for ([2, 501, 'unsupported'], [5, 500, 'system_call_failed'],
     [13, 200, undef])
{
    my ($errno, $want, $code) = @$_;

    fake($errno);
    my $got;
    $t->wait_for(sub {
        $got = $s->get("/memory/$$?human=1");
        return -e "$t->{dir}/fake/ran" && $got->{status} == $want;
    }, 20);
    is("$got->{status} " . ($got->{json}{code} // '-'),
        "$want " . ($code // '-'), "errno $errno: $want");
    like($got->{json}{detail}, qr/smaps.* EIO$/, '- names the call')
        if $errno == 5;
    unlink "$t->{dir}/fake/ran";
}


sub stat_of {
    my ($n) = @_;
    my $stat = eval { Test::Procmgr::read_path("/proc/$n/stat") } // '';
    return $stat =~ /.*\) (\S) (\d+)/s ? ($1, $2) : ('', 0);
}

# children that nginx has reaped: runs of the helper, all that it forks here

sub runs {
    my $n = () = $t->error_log() =~ /process \d+ exited with code 0/g;
    return $n;
}

# answers every field of every process with one errno

sub fake {
    my ($errno) = @_;

    mkdir "$t->{dir}/fake";
    chmod 0777, "$t->{dir}/fake";

    $t->write('libexec/fake', "#!/usr/bin/perl\nmy \$DIR = '$t->{dir}/fake';\n"
        . "my \$ERRNO = $errno;\n" . <<'EOF', 0755);
use strict;
use warnings;

sub put { my $p = join '', @_; while (length $p) {
    my $n = syswrite(SOCK, $p) // exit 0; substr($p, 0, $n, '') } }
sub take { my ($n, $b) = (@_, ''); while (length $b < $n) {
    sysread SOCK, $b, $n - length $b, length $b or exit 0 } $b }

open SOCK, '+<&=', 0 or exit 0;
my (undef, undef, undef, $len, $payload) = unpack 'CCSLl', take(16);
take($len);
my $pids = take($payload);
open my $ran, '>', "$DIR/ran";

while (length $pids) {
    my ($pid, $fields) = unpack 'lL', substr $pids, 0, 16, '';
    for my $f (grep { $fields & 1 << $_ } 0 .. 31) {
        put(pack('CCSLlL', ord 'R', $f, $ERRNO, 0, $pid, 0));
    }
}
put(pack('CCSLlL', ord 'F', 0, 0, 10, 0, 0) . "result=ok\n");
EOF

    rename "$t->{dir}/libexec/fake", $helper or die "$helper: $!";
}
