#!/usr/bin/perl

# A watch from its making to its end: what it answers, what it refuses, and
# the rows it leaves.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 104)->run(workers => 1);
my $s = $t->login('operator');
my $viewer = $t->login('viewer');
my $p = spawn(code => sub { $0 = 'watched'; 'ready' });
my $pid = $p->{pid};
my $mb = 1048576;

is_deeply($viewer->get('/memory/watches')->{json}, [], 'none');

# what is asked for wrongly

for my $c ([{}, 'exactly one of pid, unit and name'],
    [{ pid => $pid, name => 'x' }, 'exactly one of pid, unit and name'],
    [{ pid => 0 }, 'pid must be an integer from 1'],
    [{ pid => "$pid" }, 'pid must be an integer'],
    [{ name => '' }, 'name must be a string of 1 to 255'],
    [{ unit => 'x' x 256 }, 'unit must be a string of 1 to 255'],
    [{ name => "a\nb" }, 'name must be a string'],
    [{ pid => $pid, interval_ms => 49 }, 'interval_ms must be an integer from 50 to 3600000'],
    [{ pid => $pid, interval_ms => 3600001 }, 'from 50 to 3600000'],
    [{ pid => $pid, interval_ms => 100.5 }, 'interval_ms must be an integer'],
    [{ pid => $pid, history_size => 0 }, 'history_size must be an integer from 1 to 100000'],
    [{ pid => $pid, history_size => 100001 }, 'from 1 to 100000'],
    [{ pid => $pid, thresholds_mb => 5 }, 'thresholds_mb must be a list of 0 to 8'],
    [{ pid => $pid, thresholds_mb => [1 .. 9] }, 'a list of 0 to 8'],
    [{ pid => $pid, thresholds_mb => [-1] }, 'number from 0.001'],
    [{ pid => $pid, thresholds_mb => ['1'] }, 'number from 0.001'],
    [{ pid => $pid, growth_mb_per_min => 0 }, 'growth_mb_per_min must be a number'],
    [{ pid => $pid, verbose_logging => 1 }, 'verbose_logging must be true or false'],
    [{ pid => $pid, detail => 'yes' }, 'detail must be true or false'],
    [{ pid => $pid, on_alert => '' }, 'on_alert must be a command'],
    [{ pid => $pid, color => 'red' }, 'unknown member "color"'])
{
    my ($body, $why) = @$c;
    my $r = $s->post('/memory/watches', $body);
    is(code($r), '400 bad_parameter', $why);
    like($r->{json}{detail}, qr/\Q$why\E/, 'named');
}

is(code($viewer->post('/memory/watches', { pid => $pid })), '403 role_too_low',
    'a viewer starts none');
is($t->request('POST', '/memory/watches', { pid => $pid })->{status}, 401,
    'the anonymous neither');
is($s->post('/memory/watches', { pid => $pid }, { 'X-CSRF-Token' => 'x' })
    ->{status}, 403, 'nor another page');

# what is not there

is(code($s->post('/memory/watches', { pid => 4194304 })),
    '404 no_such_process', 'no such pid');
is(code($s->post('/memory/watches', { name => 'no such program' })),
    '404 no_such_process', 'no such name');
is(code($s->post('/memory/watches', { unit => 'none.service' })),
    '404 no_such_process', 'no such unit');

my $zombie = fork // die "fork: $!";
POSIX::_exit(0) if !$zombie;
$t->wait_for(sub { Test::Procmgr::read_path("/proc/$zombie/stat") =~ /\) Z/ });
is(code($s->post('/memory/watches', { pid => $zombie })), '409 zombie_process',
    'a zombie');
waitpid $zombie, 0;

SKIP: {
    skip 'no thread of the kernel is to be seen', 1
        if (eval { Test::Procmgr::read_path('/proc/2/comm') } // '')
            ne "kthreadd\n";
    is(code($s->post('/memory/watches', { pid => 2 })), '501 unsupported',
        'a thread of the kernel');
}

# one that runs

my $start = time;
my $r = $s->post('/memory/watches', { pid => $pid, detail => JSON::PP::true });
is($r->{status}, 201, 'started');
my $id = $r->{json}{id};
like($id, qr/^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'its id');
is($r->{headers}{location}, "/memory/watches/$id", 'Location');
ok($r->{json}{is_running}, 'runs');
is($r->{json}{target}{pid}, $pid, 'its target');
is_deeply($r->{json}{config}, { interval_ms => 100, history_size => 1000,
    verbose_logging => JSON::PP::false, thresholds_mb => [100],
    growth_mb_per_min => undef, on_alert => undef,
    detail => JSON::PP::true }, 'the defaults');

$r = $s->post('/memory/watches', { pid => $pid });
is(code($r), '409 already_exists', 'a second one of the same');
like($r->{json}{detail}, qr/$id/, 'that names the first');

my $w = $t->wait_for(sub {
    my $j = $viewer->get("/memory/watches/$id")->{json};
    $j->{samples} >= 12 && $j;
}, 20);
ok($w, 'samples come');

my %status = map { /^(\w+):\s+(\d+) kB/ ? ($1 => $2 * 1024) : () }
    split /\n/, Test::Procmgr::read_path("/proc/$pid/status");

is($w->{current}{virtual_size}, $status{VmSize}, 'virtual');
cmp_ok(abs($w->{current}{physical_size} - $status{VmRSS}), '<', $mb,
    'physical');
cmp_ok(abs($w->{current}{shared_size} - $status{RssFile}), '<', $mb, 'shared');
is($w->{current}{VmStk}, $status{VmStk}, 'the stack, with detail');
is($w->{current}{VmSwap}, $status{VmSwap}, 'swap');
cmp_ok(abs($w->{current}{physical_mb} - $w->{current}{physical_size} / $mb),
    '<', 0.001, 'in MB');
like($w->{current}{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'when');
cmp_ok(abs(utc($w->{initial}{timestamp}) - $start), '<', 10,
    'by the clock of the host');
is_deeply([sort keys %{ $w->{initial} }], [sort keys %{ $w->{max} }],
    'initial and max alike');
is_deeply([sort keys %{ $w->{growth} }],
    [qw(physical_mb shared_mb virtual_mb)], 'growth');
cmp_ok($w->{samples} + $w->{missed}, '<=', (time - $start) * 10 + 2,
    'not more than there was time for');

my @list = @{ $viewer->get('/memory/watches?human=true')->{json} };
is(@list, 1, 'one in the list');
like($list[0]{current}{physical_size_human}, qr/^[\d.]+ MiB$/, 'for humans');

# history

my $h = $viewer->get("/memory/watches/$id/history")->{json};
my @h = @{ $h->{history} };
cmp_ok(@h, '>=', 12, 'all by default');
is($h->{next}, @h, 'where it goes on');
is_deeply([map { $_->{timestamp} } @h],
    [sort map { $_->{timestamp} } @h], 'in order');
my %once = map { $_->{timestamp} => 1 } @h;
is(keys %once, @h, 'none twice');
my $part = $viewer->get("/memory/watches/$id/history?limit=3")->{json};
is_deeply($part->{history}, [@h[0 .. 2]], 'the first three');
is($part->{next}, 3, 'and then');
$part = $viewer->get("/memory/watches/$id/history?since=3&limit=2")->{json};
is_deeply($part->{history}, [@h[3, 4]], 'by number');
$part = $viewer->get("/memory/watches/$id/history?limit=2&since="
    . $h[4]{timestamp})->{json};
is_deeply($part->{history}, [@h[5, 6]], 'by time');
is($part->{next}, 7, 'with its number');
is_deeply($viewer->get("/memory/watches/$id/history?since=2099-01-01T00:00:00Z")
    ->{json}{history}, [], 'of the future nothing');
is(code($viewer->get("/memory/watches/$id/history?since=yesterday")),
    '400 bad_parameter', 'no time');
is(code($viewer->get("/memory/watches/$id/history?limit=0")),
    '400 bad_parameter', 'no limit');

# thresholds

is(code($s->request('PATCH', "/memory/watches/$id", {})), '400 bad_parameter',
    'nothing to change');
is(code($s->request('PATCH', "/memory/watches/$id", { interval_ms => 100 })),
    '400 bad_parameter', 'the interval stays');
$r = $s->request('PATCH', "/memory/watches/$id",
    { thresholds_mb => [5000, 6000.5], growth_mb_per_min => 3 });
is($r->{status}, 200, 'patched');
is_deeply($r->{json}{config}{thresholds_mb}, [5000, 6000.5], 'thresholds');
is($r->{json}{config}{growth_mb_per_min}, 3, 'growth');

# its end

$r = $s->post("/memory/watches/$id/stop");
is($r->{status}, 200, 'stopped');
ok(!$r->{json}{is_running}, 'does not run');
my $samples = $r->{json}{samples};
is($s->post("/memory/watches/$id/stop")->{json}{samples}, $samples,
    'twice is harmless');
sleep 0.5;
is($viewer->get("/memory/watches/$id")->{json}{samples}, $samples,
    'no samples any more');
is(scalar @{ $viewer->get("/memory/watches/$id/history")->{json}{history} },
    $samples, 'its history is there');

$r = $s->post("/memory/watches/$id/start");
is(code($r), '200', 'started again');
is(code($s->post("/memory/watches/$id/start")), '409 already_running',
    'once');
is($s->delete("/memory/watches/$id")->{status}, 204, 'deleted');
is(code($viewer->get("/memory/watches/$id")), '404 not_found', 'and gone');
is(code($s->delete("/memory/watches/$id")), '404 not_found', 'twice');
is_deeply($viewer->get('/memory/watches')->{json}, [], 'none again');

is($t->psql("SELECT string_agg(code, ' ' ORDER BY seq) FROM procmgr.op_row "
    . "WHERE type = 'memory_watch'"),
    'started changed stopped started deleted', 'a row of each');
is($t->psql('SELECT count(*) FROM procmgr.watch'), 0, 'nothing is kept');
is($t->psql("SELECT (detail->>'samples') FROM procmgr.op_row "
    . "WHERE type = 'memory_watch' AND code = 'stopped'"), $samples,
    'the summary is in the row');

end($p);


sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }

sub utc {
    my @d = $_[0] =~ /(\d+)/g;
    require Time::Local;
    return Time::Local::timegm(@d[5, 4, 3, 2], $d[1] - 1, $d[0]);
}
