#!/usr/bin/perl

# What a role may not see is neither shown nor told by whether a row is there
# or where it stands: by fields, filter, sort, name, open, a shared answer.

use strict;
use warnings;

use JSON::PP;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

plan skip_all => 'only root has others\' processes' if !as_root();

# answers are shared for as long as the test lasts; nothing but descriptors
# is for others than administrators, and those are not for viewers

my $t = Test::Procmgr->new()->run(interval => '20s', workers => 1);
my $policy = $t->read_file('etc/policy.conf');
$policy =~ s/^(read fields=fd\S* roles=)viewer,operator$/$1operator/m or die;
$t->write('etc/policy.conf', $policy, 0644);

my $word = "hidden$$";
my $p = spawn(user => 'nobody', code => sub {
    my $pid = fork() // die;
    return $pid if $pid;
    syscall 157, 1, 9, 0, 0, 0;
    exec '/usr/bin/perl', '-e', 'chdir "/tmp"; sleep 600', "$word-arg";
});
my $pid = $p->{said};
ok($t->wait_for(sub { (eval { Test::Procmgr::read_path("/proc/$pid/cmdline") }
    // '') =~ /$word/ }, 20), 'a process with something to hide');

my %s = map { $_ => $t->login($_) } qw(admin operator viewer);
my $info = '/system/process/info';
my @denied = qw(exe cmdline cwd read_bytes_per_s write_bytes_per_s);

# the administrator comes first: his answers are not the others'

my %all;
for my $role (qw(admin operator viewer)) {
    my $get = sub { $s{$role}->get(@_) };
    my $admin = $role eq 'admin';

    for my $field (@denied) {
        for my $q ("sort=$field", "filter=$field" . ($field =~ /bytes/
            ? '+%3E%3D+0' : '+~+a'))
        {
            my $r = $get->("$info?pid=$pid&fields=pid&$q");
            my $said = "$r->{status} " . ($r->{json} && ref $r->{json} eq
                'HASH' ? "$r->{json}{code} $r->{json}{detail}" : '');
            like($said, $admin ? qr/^200/
                : qr/^403 access_denied "$field" is not for this role/,
                "$role: $q");
        }
    }

    # one that he may compare by beside one that he may not

    my $r = $get->("$info?pid=$pid&fields=pid&filter=pid=$pid+or+exe+~+a");
    is($r->{status}, $admin ? 200 : 403, "$role: behind an or");

    # fields

    $r = $get->("$info?pid=$pid&fields=pid,exe,cmdline,environ,cwd,"
        . 'io_counters,memory_maps,memory_full_info');
    my $row = $r->{json}[0];
    is($row->{pid}, $pid, "$role: the row");

    if ($admin) {
        like(join(' ', @{ $row->{cmdline} }), qr/$word-arg/, 'all arguments');
        is($row->{cwd}, '/tmp', 'and the rest');

    } else {
        is_deeply([grep { defined $row->{$_} } qw(exe cmdline environ cwd
            io_counters memory_maps memory_full_info)], [],
            "$role: null of all that is not for him");
        is($r->{headers}{'x-procmgr-partial'}, 'exe,cmdline,environ,cwd,'
            . 'io_counters,memory_full_info,memory_maps', 'it says which');
        unlike($s{$role}->get("$info?simple=false")->{body}, qr/$word/,
            "$role: nowhere in all objects");
        unlike($get->("/system/process/$pid?simple=false")->{body},
            qr/$word/, "$role: nor in one");
        is_deeply([map { $get->("/system/process/$pid/$_")->{status} }
            qw(exe cmdline environ cwd io_counters memory_maps)],
            [(403) x 6], "$role: nor alone");
    }

    # names find what he may see

    for my $path ("$info?name=$word", "/system/process?name=$word-arg",
        "$info?name=$word&tree=true")
    {
        $r = $get->($path);
        my @hits = grep { $_->{pid} == $pid } @{ $r->{json} };
        is(scalar @hits, $admin ? 1 : 0, "$role: $path");
    }

    # open files: an operator's here

    $r = $get->("$info?pid=$pid&fields=pid&open=/dev/null");
    is($r->{status}, $role eq 'viewer' ? 403 : 200, "$role: open=");
    $r = $get->("$info?pid=$pid&fields=pid&sort=num_openfiles");
    is($r->{status}, $role eq 'viewer' ? 403 : 200,
        "$role: sort=num_openfiles");

    # nobody has another's answer again

    $all{$role} = $get->("$info?simple=false")->{headers}{etag};
}

my $r = $s{viewer}->get("$info?simple=false",
    { 'If-None-Match' => $all{admin} });
is($r->{status}, 200, 'the tag of an administrator is not a viewer\'s');
unlike($r->{body}, qr/$word/, 'and the answer is his own');

done_testing();
