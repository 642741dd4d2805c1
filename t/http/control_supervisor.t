#!/usr/bin/perl

# A real supervisord: its statuses say 0 to what failed, and 7, 1 and 2 to
# much the same.  What each becomes in the answer and in the log.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrControl;

plan(skip_all => 'no supervisor') if !-x '/usr/bin/supervisord';
plan(skip_all => 'must be root') if $> != 0;

my $t = Test::Procmgr->new(plan => 28 * Test::ProcmgrControl::CASE + 21);
my $d = "$t->{dir}/demo";
my ($daemon, @orphans, $row, $r);

# a list asks supervisor for each of its services, which takes its time: those
# whose state is not looked at are for another role

my @operator = (['one', 'one'], ['talks', 'talks'], ['dies', 'dies'],
    ['pair', 'pair:*'], ['half', 'pair:a'], ['nosuch', 'nosuch']);
my @admin = (['missing', 'missing'], ['noexec', 'noexec'], ['ends', 'ends'],
    ['nogroup', 'nogroup:*'], ['mute', 'mute'], ['noconf', 'one', 'noconf'],
    ['loose', 'one', 'loose']);

$t->run(policy => service('operator', @operator) . service('admin', @admin)
    . "journal unit=talks,pair:a,nosuch roles=operator lines=50\n"
    . "journal unit=mute,noconf roles=admin lines=50\n");

$t->write('demo/noexec', "#!/bin/sh\n", 0644);
$t->write('demo/supervisord.conf', <<"EOT", 0600);
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=$d/supervisord.pid
childlogdir=$d
[unix_http_server]
file=$d/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://$d/supervisor.sock
[program:one]
command=/bin/sleep 1000
autostart=false
startsecs=0
[program:talks]
command=/bin/sh -c 'echo "it <b>works</b>"; exec sleep 1000'
autostart=true
startsecs=0
[program:mute]
command=/bin/sleep 1000
stdout_logfile=NONE
autostart=false
startsecs=0
[program:dies]
command=/bin/false
autostart=false
startretries=0
startsecs=1
[program:missing]
command=/no/such/program
autostart=false
[program:noexec]
command=$d/noexec
autostart=false
[program:ends]
command=/bin/sleep 0.1
autostart=false
autorestart=false
startsecs=0
[program:a]
command=/bin/sleep 1000
startsecs=0
autostart=false
[program:b]
command=/bin/sleep 1000
startsecs=0
autostart=false
[group:pair]
programs=a,b
EOT

my $s = $t->login('operator');
my $c = Test::ProcmgrControl->new($s);
my $a = $t->login('admin');
my $other = Test::ProcmgrControl->new($a);

# no socket: status 4, start 7

$c->state('one', 'unknown', 'status without supervisord');
$c->act('start without supervisord', one => 'start',
    'failure manager_unavailable', exit => 7, change => 'unknown unknown',
    says => qr/supervisor does not run/);
$c->act('stop without supervisord', one => 'stop',
    'failure manager_unavailable', exit => 7, change => 'unknown unknown',
    says => qr/supervisor does not run/);
is(journal('talks'), '503 journal_unavailable', 'its log without supervisord');

# no configuration, or one that is not to be trusted

$other->act('no configuration', noconf => 'start', 'refused config_invalid',
    says => qr/noconf\.conf/);
$t->write('demo/loose.conf', "[supervisorctl]\n", 0666);
chmod 0666, "$d/loose.conf";
$other->act('one that others may write', loose => 'start',
    'refused config_invalid', says => qr/loose\.conf/);

supervisord();

# one that runs, one that does not

$c->state('one', 'inactive STOPPED', 'status of a stopped one: 3');
$row = $c->act('start', one => 'start', 'success', exit => 0,
    change => 'inactive active');
my $pid = $row->{after}{main_pid};
ok($pid && -d "/proc/$pid", 'its process');
is_deeply($row->{argv}, ['/usr/bin/supervisorctl', '-c',
    "$d/supervisord.conf", 'start', 'one'], 'the words');
$c->state('one', 'active RUNNING', 'status of a running one: 0');

$c->act('start of a running one', one => 'start', 'success unchanged',
    change => 'active active');
$row = $c->act('restart', one => 'restart', 'success', exit => 0,
    change => 'active active');
isnt($row->{after}{main_pid}, $pid, 'by another process');
$c->act('reload', one => 'reload', 'refused not_supported', status => 501,
    says => qr/reload of supervisor/);
$c->act('stop', one => 'stop', 'success', exit => 0,
    change => 'active inactive');
$c->act('stop of a stopped one', one => 'stop', 'success unchanged',
    change => 'inactive inactive');
$c->act('restart of a stopped one', one => 'restart', 'success', exit => 0,
    change => 'inactive active');

# told behind its back: supervisor says 0 to both

kill 'KILL', $row->{after}{main_pid} // 0;
system('/usr/bin/supervisorctl -c ' . "$d/supervisord.conf stop one "
    . '> /dev/null 2>&1');
$c->state('one', 'inactive STOPPED', 'stopped by another');
$c->act('which is nothing to do', one => 'stop', 'success unchanged',
    change => 'inactive inactive');

# what fails

$row = $c->act('a program that dies', dies => 'start', 'failure start_failed',
    exit => 7, change => 'inactive failed',
    says => qr/supervisor could not keep the program running/);
like($row->{stdout}, qr/spawn error/, 'in its own words');
$c->state('dies', 'failed FATAL', 'and is seen as failed');
$other->act('a program whose file is missing', missing => 'start',
    'failure missing_program', exit => 1, change => '\S+ \S+',
    says => qr/the program's file is not there/);
$other->act('a program whose file is not executable', noexec => 'start',
    'failure missing_program', exit => 1, change => '\S+ \S+',
    says => qr/the program's file cannot be executed/);
$other->act('one that ends at once', ends => 'start', 'failure no_effect',
    exit => 0, change => 'inactive inactive',
    says => qr/reported success, but the service is inactive/);

for my $action (qw(start stop restart)) {
    $c->act("$action of no program", nosuch => $action, 'failure not_found',
        exit => 1, change => 'unknown unknown',
        says => qr/supervisor knows no such program/);
}

$c->state('nosuch', 'unknown', 'status of none: 4');
$other->act('start of no group', nogroup => 'start', 'failure not_found',
    exit => 2, change => 'unknown unknown',
    says => qr/supervisor knows no such group/);
$other->act('stop of no group', nogroup => 'stop', 'failure not_found',
    exit => 1, change => 'unknown unknown',
    says => qr/supervisor knows no such group/);

# groups

$c->act('start of a group', pair => 'start', 'success', exit => 0,
    change => 'inactive active');
$c->state('pair', 'active 2 of 2 running', 'both run');
ok($t->wait_for(sub {
    2 == @{ $s->get('/control/services/pair')->{json}{pids} // [] };
}, 60), 'its processes');
$c->act('start of a group that runs', pair => 'start', 'success unchanged',
    change => 'active active');
$c->act('stop of one of it', half => 'stop', 'success', exit => 0,
    change => 'active inactive');
$c->state('pair', 'failed 1 of 2 running', 'status of some not: 3');
$c->act('start of the rest', pair => 'start', 'success', exit => 0,
    change => 'failed active');
$c->act('restart of a group', pair => 'restart', 'success', exit => 0,
    change => 'active active');
$c->act('stop of a group', pair => 'stop', 'success', exit => 0,
    change => 'active inactive');

# the tail of a program's output

ok($t->wait_for(sub {
    $r = $s->get('/control/services/talks/journal?lines=5');
    ref $r->{json}{lines} && @{ $r->{json}{lines} };
}, 30), 'it has written');
is_deeply([@$r{'status'}, $r->{json}{lines}[0]], [200, 'it <b>works</b>'],
    'as it is');
is(journal($_->[0]), '503 journal_unavailable', "of $_->[1]")
    for ['mute', 'one without a log'], ['nosuch', 'no program'],
        ['noconf', 'one without a configuration'];
is(journal('one'), '403 policy_denied', 'of one that the policy does not name');

# it was killed: the socket is there, and nobody answers

@orphans = programs();
kill 'KILL', $daemon;
waitpid $daemon, 0;
$daemon = undef;
$c->act('its socket is left behind', one => 'start',
    'failure manager_unavailable', exit => 4, change => 'unknown unknown',
    says => qr/supervisor does not (?:run|answer)/);

END {
    my $status = $?;
    if ($daemon) {
        kill 'TERM', $daemon;
        waitpid $daemon, 0;
    }
    kill 'KILL', @orphans;
    $? = $status;
}


sub supervisord {
    $daemon = fork() // die "fork: $!";

    if ($daemon == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec '/usr/bin/supervisord', '-n', '-c', "$d/supervisord.conf"
            or die;
    }

    ok($t->wait_for(sub { -S "$d/supervisor.sock" }, 60), 'supervisord runs');
}

# what it leaves running when it is killed

sub programs {
    return split ' ', eval {
        Test::Procmgr::read_path("/proc/$daemon/task/$daemon/children") } // '';
}

sub service {
    my ($role, @of) = @_;

    return join '', map { "service $_->[0] supervisor $_->[1] config=$d/"
        . ($_->[2] // 'supervisord') . '.conf '
        . "actions=start,stop,restart,reload,status roles=$role\n" } @of;
}

sub journal {
    my ($name) = @_;
    my $who = $name =~ /^(?:mute|noconf)$/ ? $a : $s;
    my $r = $who->get("/control/services/$name/journal?lines=5");
    return join ' ', $r->{status}, $r->{json}{code} // ();
}
