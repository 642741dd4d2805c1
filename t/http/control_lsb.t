#!/usr/bin/perl

# LSB scripts: what each exit status of theirs becomes in the answer and in
# the log, as Debian's scripts have them and as others might.  A status is
# never believed without the state before and after.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrControl;

# statuses of: start, start of a running one, status up, status down, stop of
# a stopped one, an unknown verb

my %scripts = (
    nginx      => [0, 0, 0, 3, 0, 3],
    cron       => [0, 0, 0, 3, 0, 2],
    postgresql => [0, 0, 0, 3, 0, 2],
    supervisor => [0, 1, 0, 1, 0, 1],
    plain      => [0, 1, 0, 3, 1, 2],
);

# of those that are broken: the shell code of start, stop, restart, status

my %broken = (
    lies     => ['exit 0', 'exit 0', 'exit 0', ''],
    refuses  => ['echo "no such thing" >&2; exit 6', 'exit 4', 'exit 1', ''],
    mute     => ['exit 5', 'exit 1', 'exit 1', ''],
    both     => ['touch $up; exit 1', 'rm $up; exit 1', 'touch $up; exit 1',
        ''],
    hangs    => ['sleep 600', 'sleep 600', 'sleep 600', ''],
    deaf     => ['trap "" TERM; sleep 600 & wait; sleep 600', ':', ':', ''],
    killed   => ['kill -KILL $$', 'kill -TERM $$', 'kill -ABRT $$', ''],
    dies     => ['sleep 0.1 & exit 0', ':', ':', 'exit 3'],
    unknown  => ['touch $up', 'rm $up', ':', 'exit 4'],
    same     => [':', ':', ':', 'exit 0'],
);

my $t = Test::Procmgr->new(plan => Test::ProcmgrControl::CASE
    * (7 * keys(%scripts) + 30) + 4 * keys(%scripts) + 11);
my $d = "$t->{dir}/demo";
my $run = "$d/state";

mkdir $d;
mkdir $run;

$t->run(policy => join "\n", map {
    my $time = /^(?:hangs|deaf)$/ ? 1 : 60;
    "service $_ lsb $d/$_ actions=start,stop,restart,reload,enable,status "
        . "roles=operator,admin timeout=${time}s"
        . ($broken{$_} && !/^(?:same)$/ ? '' : " pidfile=$run/$_.pid")
} (sort keys %scripts), (sort keys %broken), qw(none writable));

real($_, @{ $scripts{$_} }) for keys %scripts;
broken($_, @{ $broken{$_} }) for keys %broken;

my $c = Test::ProcmgrControl->new($t->login('operator'));
my $row;

# rows of the table

for my $n (sort keys %scripts) {
    my ($start, $again, $up, $down, $stopped, $verb) = @{ $scripts{$n} };

    $c->state($n, 'inactive', "$n: status down is $down");

    $c->act("$n: start", $n => 'start', 'success', exit => $start,
        change => 'inactive active');
    $c->state($n, 'active', "$n: status up is $up");
    $c->act("$n: again, where that is $again", $n => 'start',
        'success unchanged', change => 'active active');

    my $was = pid($n);
    $c->act("$n: restart", $n => 'restart', 'success', exit => 0,
        change => 'active active');
    isnt(pid($n), $was, "$n: by another process");

    $c->act("$n: an unknown verb", $n => 'reload', 'failure exit_status',
        exit => $verb, change => 'active active',
        says => qr/\Q$n\E reload ended with status $verb; .* active$/);

    $c->act("$n: stop", $n => 'stop', 'success', exit => 0,
        change => 'active inactive');
    $c->act("$n: stop again, where that is $stopped", $n => 'stop',
        'success unchanged', change => 'inactive inactive');

    # after kill -9 the pid file is there: status 1

    start($n);
    kill 'KILL', pid($n);
    $t->wait_for(sub { !-e '/proc/' . pid($n) }, 30);
    $c->state($n, 'failed', "$n: killed is status 1");
    $c->act("$n: start of a killed one", $n => 'start', 'success', exit => 0,
        change => 'failed active');
    stop($n);
}

# statuses that lie

$c->act('0, and nothing runs', lies => 'start', 'failure no_effect',
    exit => 0, change => 'inactive inactive',
    says => qr/reported success, but the service is inactive$/);
up('lies');
$c->act('0, and it runs on', lies => 'stop', 'failure no_effect', exit => 0,
    change => 'active active',
    says => qr/reported success, but the service is active$/);
down('lies');
$c->act('restart that is none', lies => 'restart', 'failure no_effect',
    exit => 0, change => 'inactive inactive');
$c->act('reload of a stopped one', lies => 'reload', 'failure no_effect',
    exit => 0, change => 'inactive inactive');

# statuses that are right

$row = $c->act('not configured: 6', refuses => 'start', 'failure exit_status',
    exit => 6, change => 'inactive inactive',
    says => qr/start ended with status 6; the service is inactive$/);
is($row->{cmdret}, "no such thing\n", 'what it said is what is shown');
up('refuses');
$c->act('not permitted: 4', refuses => 'stop', 'failure exit_status',
    exit => 4, change => 'active active');
$c->act('restart that fails: 1', refuses => 'restart', 'failure exit_status',
    exit => 1, change => 'active active');
$row = $c->act('not installed: 5, and no word', mute => 'start',
    'failure exit_status', exit => 5, change => 'inactive inactive');
is($row->{cmdret}, $row->{reason}, 'then the sentence is shown');
$c->act('stop of a stopped one is not run', mute => 'stop',
    'success unchanged', change => 'inactive inactive');

$c->act('done, and 1 all the same', both => 'start', 'failure exit_status',
    exit => 1, change => 'inactive active');
$c->act('stopped, and 1 all the same', both => 'stop', 'failure exit_status',
    exit => 1, change => 'active inactive');
$c->act('restarted, and 1 all the same', both => 'restart',
    'failure exit_status', exit => 1, change => 'inactive active');

# time and signals

$row = $c->act('hangs at start', hangs => 'start', 'failure timeout',
    signal => 15, change => 'inactive inactive',
    says => qr/did not end within 1 s and was killed$/);
ok(!-e '/proc/' . last_pid('hangs'), 'and is no more');
$c->act('hangs at restart', hangs => 'restart', 'failure timeout',
    signal => 15, change => 'inactive inactive',
    says => qr/did not end within 1 s/);
$row = $c->act('does not hear TERM', deaf => 'start', 'failure timeout',
    signal => 9, change => 'inactive inactive',
    says => qr/did not end within 1 s/);
ok(!-e "/proc/" . last_pid('deaf'), 'and is no more');

$c->act('killed at start', killed => 'start', 'failure killed', signal => 9,
    change => 'inactive inactive', says => qr/signal 9|KILL/);
up('killed');
$c->act('ended by TERM at stop', killed => 'stop', 'failure killed',
    signal => 15, change => 'active active', says => qr/signal 15|TERM/);
$c->act('aborted at restart', killed => 'restart', 'failure killed',
    signal => 6, change => 'active active', says => qr/signal 6|ABRT/);

$c->act('dies after its start', dies => 'start', 'failure no_effect',
    exit => 0, change => 'inactive inactive');

# what "status" may say

for (['dead, its lock file is left: 2', 2, 'failed'],
    ['dead, its pid file is left: 1', 1, 'failed'], ['not known: 4', 4,
    'unknown'], ['reserved: 150', 150, 'unknown'], ['not there: 127', 127,
    'unknown'], ['runs: 0', 0, 'active'], ['does not: 3', 3, 'inactive'])
{
    my ($what, $status, $state) = @$_;
    broken('unknown', ':', ':', ':', "exit $status");
    $c->state('unknown', $state, "status $what");
}

broken('unknown', 'touch $up', 'rm $up', ':', 'exit 4');
$c->act('start of one whose state nobody knows', unknown => 'start',
    'failure no_effect', exit => 0, change => 'unknown unknown');

# by its process: restart is another one

start('same');
$c->act('restart that leaves the same process', same => 'restart',
    'failure not_restarted', exit => 0, change => 'active active',
    says => qr/the same process runs/);
$c->act('reload of a running one', same => 'reload', 'success', exit => 0,
    change => 'active active');
$c->act('of a script that no runlevel has', same => 'enable',
    'refused not_supported', status => 501, says => qr/enable of lsb/);
stop('same');

# what is not run at all

$c->act('no such script', none => 'start', 'refused not_executable',
    says => qr/none/);
$t->write('demo/writable', "#!/bin/sh\ntouch $run/touched\n", 0777);
chmod 0777, "$d/writable";
$c->act('one that others may write', writable => 'start',
    'refused not_executable', says => qr/writable/);
unlink "$d/writable";
$t->write('demo/state/loose', "#!/bin/sh\ntouch $run/touched\n", 0777);
chmod 0777, "$run/loose";
symlink "$run/loose", "$d/writable" or die;
$c->act('a link to such a one', writable => 'start', 'refused not_executable',
    says => qr/writable/);
$c->act('a service that is not in the policy', nobody => 'start',
    'refused unknown_service', says => qr/knows no service "nobody"/);
$c->act('an action that is not', demo => 'enable',
    'refused action_not_allowed', says => qr/does not allow "enable"/);

# where another manager should be

SKIP: {
    skip 'systemd runs here', Test::ProcmgrControl::CASE * 2
        if -d '/run/systemd/system';
    skip 'no systemctl', Test::ProcmgrControl::CASE * 2
        if !-x '/usr/bin/systemctl';

    $t->append('etc/policy.conf', "service unit systemd procmgr-none.service "
        . "actions=start,stop roles=operator\n");

    for my $action (qw(start stop)) {
        $c->act("$action, but systemd is not process 1", unit => $action,
            'failure manager_unavailable', exit => 1,
            change => 'unknown unknown', says => qr/systemd does not run/);
    }
}

END {
    my $status = $?;
    if ($run) {
        for (glob "$run/*.pid") {
            my $pid = pid(m{([^/]+)\.pid$});
            kill 'KILL', $pid if is_ours($pid);
        }
    }
    $? = $status;
}


# a script with a process of its own, as most are

sub real {
    my ($name, $start, $again, $up, $down, $stopped, $verb) = @_;

    $t->write("demo/$name", <<"EOT", 0755);
#!/bin/sh
pid=$run/$name.pid
runs() { [ -s \$pid ] && kill -0 `cat \$pid` 2> /dev/null; }
begin() {
    setsid $^X -e '\$0 = "procmgr-lsb-test"; sleep 600' \\
        < /dev/null > /dev/null 2>&1 &
    echo \$! > \$pid
}
end() {
    kill `cat \$pid`
    while runs; do sleep 0.05; done
    rm \$pid
}
case "\$1" in
    start) runs && exit $again; begin; exit $start ;;
    stop) runs || exit $stopped; end ;;
    restart) runs && end; begin ;;
    status) runs && exit $up; [ -e \$pid ] && exit 1; exit $down ;;
    *) echo "Usage: \$0 {start|stop|restart|status}"; exit $verb ;;
esac
EOT
}

# one that is up when a file says so

sub broken {
    my ($name, $start, $stop, $restart, $status) = @_;

    $t->write("demo/$name", <<"EOT", 0755);
#!/bin/sh
up=$run/$name.up
[ "\$1" = status ] || echo \$\$ > $run/$name.last
case "\$1" in
    start) $start ;;
    stop) $stop ;;
    restart) $restart ;;
    reload) exit 0 ;;
    status) @{[$status || '[ -e $up ] || exit 3']} ;;
    *) exit 2 ;;
esac
EOT
}

sub up   { $t->write("demo/state/$_[0].up", '') }
sub down { unlink "$run/$_[0].up" }

# without the helper, and for "same" a process that nothing changes

sub start {
    my ($name) = @_;

    if ($scripts{$name}) {
        system("$d/$name", 'start') == 0 or die "$name: start";
        return;
    }

    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        $0 = 'procmgr-lsb-test';
        sleep 600;
        require POSIX;
        POSIX::_exit(0);
    }
    $t->write("demo/state/$name.pid", "$pid\n");
}

sub stop {
    my ($name) = @_;
    my $pid = pid($name);

    kill 'KILL', $pid if is_ours($pid);
    waitpid $pid, 0;
    unlink "$run/$name.pid";
}

sub pid { read_number("$run/$_[0].pid") }
sub last_pid { read_number("$run/$_[0].last") }

sub read_number {
    my ($text) = map { eval { Test::Procmgr::read_path($_) } // '' } @_;
    return $text =~ /^(\d+)/ && $1 > 1 ? $1 : 'none';
}

sub is_ours {
    my ($pid) = @_;
    return $pid ne 'none' && (eval {
        Test::Procmgr::read_path("/proc/$pid/cmdline") } // '')
        =~ /^procmgr-lsb-test/;
}
