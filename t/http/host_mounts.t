#!/usr/bin/perl

# A file system that never answers, as of a server that is gone: it stands in
# the lists, nothing is asked of it, and nobody waits.  In a mount namespace
# of the test's own.

use strict;
use warnings;

use Fcntl;
use Time::HiRes qw(time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

BEGIN {
    if (!$ENV{PROCMGR_TEST_MOUNTS}) {
        plan(skip_all => 'only root mounts') if $> != 0;
        plan(skip_all => 'no mount namespace') if system('unshare -m true');

        $ENV{PROCMGR_TEST_MOUNTS} = readlink '/proc/self/ns/mnt';
        exec 'unshare', '-m', '--propagation', 'private', $^X,
            (map { "-I$_" } @INC), $0, @ARGV or die "unshare: $!";
    }

    die "this is not a mount namespace of our own\n"
        if readlink('/proc/self/ns/mnt') eq $ENV{PROCMGR_TEST_MOUNTS};
}

my $t = Test::Procmgr->new();
my $dead = "$t->{dir}/dead";

# nobody ever reads the requests that the kernel puts into this descriptor

my $fuse;
sysopen $fuse, '/dev/fuse', O_RDWR
    or plan(skip_all => "no /dev/fuse: $!");
fcntl $fuse, F_SETFD, 0;
mkdir $dead or die;
my $no = fileno $fuse;

plan(skip_all => 'no such mount')
    if system("mount -i -t fuse -o fd=$no,rootmode=40000,user_id=0,"
        . "group_id=0,allow_other dead '$dead' 2>/dev/null");

fcntl $fuse, F_SETFD, FD_CLOEXEC;

plan(tests => 12 + 3);
$t->{plan} = 12;
$t->run(interval => '100ms', workers => 1, database => 0,
    locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC

my ($r, $took) = ask('disk');
is($r->{status}, 200, 'the disks');
cmp_ok($took, '<', 8, sprintf('- in time: %.2f s', $took));
ok($r->{json}{usage}{'/'}{total}, '- with the room on those that answer');
ok(!$r->{json}{usage}{$dead}, '- none of the one that is dead');

($r, $took) = ask('disk?all=true');
is($r->{status}, 200, 'all mounts');
cmp_ok($took, '<', 8, sprintf('- in time: %.2f s', $took));
is(scalar(grep { $_->{mountpoint} eq $dead } @{ $r->{json}{partitions} }), 1,
    '- the dead one among them');

($r, $took) = ask("disk?path=$dead/x");
is($r->{status}, 400, 'the room on it cannot be asked for');
like($r->{json}{detail}, qr/\Q$dead\E/, '- and it is said why');
cmp_ok($took, '<', 8, sprintf('- is told of in time: %.2f s', $took));

($r, $took) = ask('summary');
is($r->{status}, 200, 'the worker goes on');
cmp_ok($took, '<', 8, sprintf('- at once: %.2f s', $took));

END {
    # who waits for it is let go
    close $fuse if $fuse;
    system("umount -l '$dead' 2>/dev/null") if $dead && -d $t->{dir};
}


sub ask {
    my $start = time;
    return ($t->get("/open/$_[0]"), time - $start);
}
