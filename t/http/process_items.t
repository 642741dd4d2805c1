#!/usr/bin/perl

# Items of a process: who gets them, what is said where there is none, and
# the record of values that were shown.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep);

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 55)->run(interval => '200ms',
    zone => '64m');

my $owner = as_root() ? 'nobody' : getpwuid $>;

my $p = spawn(user => $owner, code => sub {
    %ENV = (FIRST => 'canary-of-a-value', EMPTY => '');
    exec '/usr/bin/perl', '-e', '$| = 1; sleep 600' if !fork;
    sleep 600 if 0;
    'ready';
});

sleep 0.5;
my ($pid) = grep { $_ != $p->{pid} && ppid($_) == $p->{pid} }
    map { m{(\d+)$} } glob '/proc/[0-9]*';
my $items = "/system/process/$pid";

my $admin = $t->login();
my $viewer = $t->login('viewer');
my $operator = $t->login('operator');

# the environment, by role and age of the authentication

is_deeply($admin->get("$items/environ")->{json},
    { FIRST => 'canary-of-a-value', EMPTY => '' },
    'values for an administrator who has just logged in');

my $rows = $admin->get('/log?logType=sensitive_read')->{json}{rows};
is(scalar @$rows, 1, 'one row in the log');
is_deeply([@{ $rows->[0] }{qw(actor role target retStatus)}],
    ['admin', 'admin', "process $pid", 'success'], 'of who saw what');
unlike(encode_json($rows), qr/canary/, 'without the values');

$admin->get("$items?simple=false");
$admin->get("$items/exe");
is(scalar @{ $admin->get('/log?logType=sensitive_read')->{json}{rows} }, 2,
    'a row for each request, and none where no value is shown');

$t->psql("UPDATE procmgr.session SET auth_at = auth_at - interval '6 min'");
$t->psql('SELECT procmgr.epoch_grow()');
sleep 1.3;

my $r = $admin->get("$items/environ");
is_deeply($r->{json}, { FIRST => undef, EMPTY => undef },
    'names alone after five minutes');
is_deeply($admin->get("$items?simple=false")->{json}[0]{environ},
    { FIRST => undef, EMPTY => undef }, 'in the full object, too');
is(scalar @{ $admin->get('/log?logType=sensitive_read')->{json}{rows} }, 2,
    'which is no row');

for my $s ($viewer, $operator) {
    $r = $s->get("$items/environ");
    is_deeply([$r->{status}, $r->{json}{code}], [403, 'access_denied'],
        'nothing for others');
    $r = $s->get("$items?simple=false");
    is($r->{json}[0]{environ}, undef, 'null in the full object');
    like($r->{headers}{'x-procmgr-partial'}, qr/\benviron\b/, 'it says so');
    unlike($r->{body}, qr/canary/, 'no value anywhere');
}

# the policy decides: the bundled one gives viewers descriptors

SKIP: {
    skip 'a plain user\'s own are no secret to the helper', 4 if !as_root();

    $r = $viewer->get("$items/exe");
    is_deeply([$r->{status}, $r->{json}{code}], [403, 'access_denied'],
        'an item that the policy denies');
    like($r->{json}{detail}, qr/exe.*\b$pid\b/, 'by its name');
    is($viewer->get("$items/open_files")->{status}, 200, 'one that it gives');
    like($viewer->get('/system/process/info?simple=false')
        ->{headers}{'x-procmgr-partial'}, qr/^exe,cmdline,environ,cwd,/,
        'a list says what it lost');
}

# none of it

for my $item (qw(exe cmdline environ cwd memory_maps threads status parent)) {
    $r = $admin->get("/system/process/4194303/$item");
    is_deeply([$r->{status}, $r->{json}{code}], [404, 'no_such_process'],
        "$item of no process");
}

is($admin->get('/system/process/4194303/is_running')->{body}, 'false',
    'but whether it runs is known');
is($admin->get('/system/process/9999999999/is_running')->{body}, 'false',
    'also of a number too large');
is($admin->get('/system/process/9999999999/exe')->{status}, 404, 'or not');
is($admin->get('/system/process/0/exe')->{status}, 404, 'no pid');

$r = $admin->get("$items/exes");
is_deeply([$r->{status}, $r->{json}{code}], [400, 'bad_parameter'],
    'an unknown item');
like($r->{json}{detail}, qr/"exes".*\bexe\b.*\bchildren\b/,
    'what there is instead');

for my $q ('memory_maps?grouped=2', 'exe?grouped=true', 'exe?shape=tuple',
    'connections?kind=icmp', 'children?kind=all', 'exe?human=x')
{
    my ($name) = $q =~ /\?(\w+)/;
    $r = $admin->get("$items/$q");
    ok($r->{status} == 400 && $r->{json}{detail} =~ /\b$name\b/, $q)
        or diag $r->{raw};
}

# zombies

my $zombie = fork() // die;
POSIX::_exit(0) if !$zombie;
sleep 0.4;

is_deeply([map { $admin->get("/system/process/$zombie/$_")->{json}{code} }
    qw(exe cmdline environ cwd memory_maps)], [('zombie_process') x 5],
    'what a zombie has not');
is($admin->get("/system/process/$zombie/exe")->{status}, 409, 'is a conflict');
is($admin->get("/system/process/$zombie/status")->{json}, 'zombie',
    'what it has');
is($admin->get("/system/process/$zombie/is_running")->{body}, 'true',
    'and it is there');
waitpid $zombie, 0;
is($admin->get("/system/process/$zombie/is_running")->{body} eq 'true'
    ? do { sleep 0.3; $admin->get("/system/process/$zombie/is_running")
        ->{body} } : 'false', 'false', 'until it is not');

# one that is younger than the snapshot

$admin->get('/system/process/info');
my $late = fork() // die;
if (!$late) {
    sleep 600;
    POSIX::_exit(0);
}
is($admin->get("/system/process/$late/ppid")->{json}, $$,
    'a process that has just begun');
is($admin->get("/system/process/$late?simple=false")->{json}[0]{pid}, $late,
    'whole');
kill 'KILL', $late;
waitpid $late, 0;

# kin, shapes, sizes for people

sleep 0.3;
is_deeply([map { $_->{pid} } @{ $admin->get(
    "/system/process/$p->{pid}/children")->{json} }], [$pid], 'children');
ok((grep { $_->{pid} == $pid } @{ $admin->get(
    "/system/process/$$/children?recursive=true")->{json} }),
    'and theirs');
ok(!(grep { $_->{pid} == $pid } @{ $admin->get(
    "/system/process/$$/children")->{json} }), 'only when asked for');

$r = $admin->get("$items/memory_info?human=true");
like($r->{json}{rss_human}, qr/^[0-9.]+ [KMG]iB$/, 'sizes for people');
is(ref $admin->get("$items?simple=false&shape=object")->{json}[0]{uids},
    'HASH', 'named values in the full object');

# without the helper

rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/away" or die;
sleep 0.3;
$r = $admin->get("$items/exe");
is_deeply([$r->{status}, $r->{json}{code}], [403, 'access_denied'],
    'no helper: not known');
$r = $admin->get("$items?simple=false");
is_deeply([@{ $r->{json}[0] }{qw(exe cmdline environ memory_full_info
    open_files)}], [(undef) x 5], 'null, never 0');
is($r->{json}[0]{num_threads}, 1, 'what everybody may see is there');
rename "$t->{dir}/libexec/away", "$t->{dir}/libexec/procmgr-helper" or die;

kill 'KILL', $pid;

sub ppid {
    my ($pid) = @_;
    open my $f, '<', "/proc/$pid/stat" or return 0;
    return <$f> =~ /.*\) \S (\d+)/s ? $1 : 0;
}
