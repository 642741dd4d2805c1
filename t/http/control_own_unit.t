#!/usr/bin/perl

# nginx as a unit of a real systemd restarts and stops that unit: the helper
# lives on beside it, nobody waits for its answer, and once nginx is back the
# row of the operation says how it ended.

use strict;
use warnings;

use lib 't/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

my $self = abs_path($0);

outside() unless @ARGV && $ARGV[0] eq 'inside';

my $t = Test::Procmgr->new(plan => 13);
my $d = $t->{dir};

$t->run(workers => 2, policy => 'service web systemd web.service '
    . 'actions=restart,stop,status roles=operator,admin timeout=60s');
$t->nginx_stop();
$t->{allow_alert} = qr/./;              # systemd ends what is slow by SIGKILL

open my $f, '>', '/run/systemd/system/web.service' or die "unit: $!";
print $f <<"EOF";
[Service]
KillMode=mixed
TimeoutStopSec=20
ExecStart=$t->{nginx} -p $d/nginx -c $d/etc/nginx.conf -g "daemon off;"
EOF
close $f;

system('systemctl', 'daemon-reload');
is(system('systemctl', 'start', 'web'), 0, 'nginx is a unit');
ok($t->wait_for(sub { $t->connect() }), 'and answers');

my $pid = main_pid();
my $s = $t->login('operator');
my $r = $s->post('/control/services', { name => 'web', action => 'restart' },
    { Prefer => 'wait=0' });
my $id = $r->{json}{op_id};

is($r->{status}, 202, 'its restart is accepted');
ok($t->wait_for(sub { my $now = main_pid(); $now && $now != $pid }, 60),
    'another nginx runs');
ok($t->wait_for(sub { $t->connect() }, 60), 'and answers');

is(settled(), 'success', 'the row has its end');

my $row = $s->get("/log/$id")->{json};
is($row->{code}, undef, 'without a but');
is($row->{before}{main_pid}, $pid, 'the process before');
is($row->{after}{main_pid}, main_pid(), 'and after');
like(join(' ', @{ $row->{argv} }), qr/--no-block restart -- web/,
    'without waiting for it');

# a stop, seen when somebody has started it again

$r = $s->post('/control/services', { name => 'web', action => 'stop' },
    { Prefer => 'wait=0' });
$id = $r->{json}{op_id};
ok($t->wait_for(sub { !main_pid() }, 60), 'it stops');
sleep 1;
system('systemctl', 'start', 'web');
$t->wait_for(sub { $t->connect() }, 60);
is(settled(), 'success', 'its row too');
is($s->get("/log/$id")->{json}{after}{state}, 'inactive', 'as it was');

system('systemctl', 'stop', 'web');


sub settled {
    return $t->wait_for(sub {
        sleep 0.3;
        my $ret = ($s->get("/log/$id")->{json} || {})->{retStatus} // '';
        return $ret =~ /^(success|failure|refused|unknown)$/ ? $ret : undef;
    }, 90);
}

sub main_pid {
    return `systemctl show -p MainPID --value web` + 0;
}

sub outside {
    plan(skip_all => 'must be root') if $> != 0;

    my $lib = abs_path('t/lib');
    my $top = abs_path('.');
    my $build = $ENV{BUILD_DIR} || "$top/build/release";
    $build = "$top/$build" if $build !~ m{^/};
    my $kind = $ENV{BUILD} // 'release';

    plan(skip_all => 'sanitizers do not like to be units')
        if $kind eq 'sanitize';

    my $dir = tempdir('procmgr-sandbox.XXXXXX', DIR => '/var/tmp',
        CLEANUP => 1);

    $ENV{SANDBOX_BIND} = $build;

    my $rc = system("$lib/systemd-sandbox", $dir, 'sh', '-c',
        'exec "$SANDBOX" --in "$SANDBOX_DIR" systemd-run --wait --pipe '
        . "--quiet --collect -p WorkingDirectory=$top -E BUILD_DIR=$build "
        . "-E BUILD=$kind -E PATH=$ENV{PATH} $^X $self inside");

    plan(skip_all => 'no systemd in namespaces here') if $rc >> 8 == 77;
    exit($rc >> 8 || ($rc ? 1 : 0));
}
