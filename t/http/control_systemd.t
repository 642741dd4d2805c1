#!/usr/bin/perl

# Units of a real systemd: what each answer of systemctl becomes in ours and
# in the log.  The test runs within a systemd of its own, see
# t/lib/systemd-sandbox.

use strict;
use warnings;

use lib 't/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Procmgr;
use Test::ProcmgrControl;

my $self = abs_path($0);

outside() unless @ARGV && $ARGV[0] eq 'inside';

my $sleep = "ExecStart=/bin/sleep 1000\n";

my %units = (
    simple => "[Service]\n$sleep\[Install]\nWantedBy=multi-user.target\n",
    other => "[Service]\n$sleep",
    dies => "[Service]\nExecStart=/bin/false\n",
    missing => "[Service]\nExecStart=/no/such/program\n",
    condition => "[Unit]\nConditionPathExists=/no/such/file\n"
        . "[Service]\n$sleep",
    keeper => "[Unit]\nWants=condition.service\n[Service]\n$sleep",
    once => "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    oncebad => "[Service]\nType=oneshot\nExecStart=/bin/false\n",
    execbad => "[Service]\nType=exec\nExecStart=/no/such/program\n",
    notify => "[Service]\nType=notify\nTimeoutStartSec=1\n$sleep",
    needs => "[Unit]\nRequires=oncebad.service\nAfter=oncebad.service\n"
        . "[Service]\n$sleep",
    bad => "[Service]\nType=simple\nRestart=always\n",
    reload => "[Service]\n$sleep" . "ExecReload=/bin/true\n",
    reloadbad => "[Service]\n$sleep" . "ExecReload=/bin/false\n",
    nostart => "[Unit]\nRefuseManualStart=yes\n[Service]\n$sleep",
    nostop => "[Unit]\nRefuseManualStop=yes\n[Service]\n$sleep",
    stubborn => "[Service]\nTimeoutStopSec=1\nExecStart=/bin/sh -c "
        . "'trap \"\" TERM; while :; do sleep 0.2; done'\n",
    limit => "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n"
        . "[Service]\n$sleep",
    slow => "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n",
    talks => "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo one; "
        . "echo \"<b>two</b>\"'\n",
);

my @names = sort keys %units, qw(masked nosuch);

my $t = Test::Procmgr->new(plan => 43 * Test::ProcmgrControl::CASE + 13);
my $dir = '/run/systemd/system';

mkdir $dir;
put("$dir/$_.service", $units{$_}) for keys %units;
symlink '/dev/null', "$dir/masked.service";
system('systemctl', 'daemon-reload');

$t->run(policy => join '', map({
        "service $_ systemd $_.service actions=start,stop,restart,reload,"
        . "enable,disable,status roles=operator timeout="
        . ($_ eq 'slow' ? 2 : 60) . "s\n" } @names),
    "journal unit=talks.service,nosuch.service roles=operator lines=100\n");

my $s = $t->login('operator');
my $c = Test::ProcmgrControl->new($s);
my ($row, $r);

# a unit that is not there: 5, and its status 4

for my $action (qw(start stop restart reload)) {
    $c->act("$action of no unit", nosuch => $action, 'failure not_found',
        exit => 5, change => 'inactive inactive',
        says => qr/^systemd knows no such unit$/);
}

$c->act('enable of no unit', nosuch => 'enable', 'failure not_found',
    exit => 1, says => qr/^systemd knows no such unit$/);
$c->state('nosuch', 'inactive dead', 'status of no unit');

# what is so already: 0

$c->state('simple', 'inactive dead', 'an inactive one');
$row = $c->act('start', simple => 'start', 'success', exit => 0,
    change => 'inactive active');
my $pid = $row->{after}{main_pid};
is_deeply($row->{argv}, ['/usr/bin/systemctl', '--no-ask-password', 'start',
    '--', 'simple.service'], 'one unit a call');
ok(!active('other'), 'and no other one');
$c->state('simple', 'active running', 'it runs');
$c->act('start of a running one', simple => 'start', 'success unchanged',
    change => 'active active', says => qr/^simple is active already$/);
$row = $c->act('restart', simple => 'restart', 'success', exit => 0,
    change => 'active active');
isnt($row->{after}{main_pid}, $pid, 'by another process');
$c->act('reload that it has not', simple => 'reload',
    'failure reload_unsupported', exit => 3, change => 'active active',
    says => qr/^the unit cannot be reloaded$/);
$c->act('stop', simple => 'stop', 'success', exit => 0,
    change => 'active inactive');
$c->act('stop of a stopped one', simple => 'stop', 'success unchanged',
    change => 'inactive inactive');

$c->act('enable', simple => 'enable', 'success', exit => 0);
$c->act('enable again', simple => 'enable', 'success unchanged');
$c->act('disable', simple => 'disable', 'success', exit => 0);
$c->act('disable again', simple => 'disable', 'success unchanged');
$c->act('enable of what has no place', once => 'enable',
    'failure not_installable', exit => 0, says => qr/how it would be enabled$/);

$c->act('one that ends by itself', once => 'start', 'success', exit => 0,
    change => 'inactive inactive');

# 0, and it does not run

$c->act('of Type=simple that dies', dies => 'start', 'failure start_failed',
    exit => 0, change => 'inactive failed', says => qr/did not stay up/);
$c->act('of Type=simple without its program', missing => 'start',
    'failure start_failed', exit => 0, change => 'inactive failed',
    says => qr/did not stay up/);

# (what nothing needs is forgotten at once, and with it why it was not started)

system('systemctl', 'start', 'keeper');
$c->act('a condition that is not met', condition => 'start',
    'failure condition_failed', exit => 0, change => 'inactive inactive',
    says => qr/^a condition of the unit is not met/);

# 1, told apart

for (['a oneshot that fails', 'oncebad', 'start_failed', 'failed',
        qr/did not stay up/],
    ['an exec without its program', 'execbad', 'start_failed', 'failed',
        qr/did not stay up/],
    ['no word in time', 'notify', 'start_timeout', 'failed',
        qr/^the service was not ready in its time$/],
    ['a dependency that fails', 'needs', 'dependency_failed', 'inactive',
        qr/^another unit that it needs/],
    ['a unit file that is not valid', 'bad', 'bad_unit', 'inactive',
        qr/^the unit's file is not valid$/],
    ['a masked one', 'masked', 'masked', 'inactive',
        qr/^the unit is masked$/])
{
    my ($what, $name, $code, $state, $says) = @$_;
    $c->act($what, $name => 'start', "failure $code", exit => 1,
        change => "\\S+ $state", says => $says);
}

$c->act('restart of a masked one', masked => 'restart', 'failure masked',
    exit => 1, change => 'inactive inactive');
$c->act('stop of a masked one', masked => 'stop', 'success unchanged',
    change => 'inactive inactive');

# reload

system('systemctl', 'start', 'reload', 'reloadbad');
$c->act('reload', reload => 'reload', 'success', exit => 0,
    change => 'active active');
$c->act('reload that fails', reloadbad => 'reload', 'failure exit_status',
    exit => 1, change => 'active active');
system('systemctl', 'stop', 'reload');
$c->act('reload of a stopped one', reload => 'reload', 'failure exit_status',
    exit => 1, change => 'inactive inactive');

# by hand: 4

$c->act('not to be started by hand', nostart => 'start',
    'failure refuse_manual', exit => 4, change => 'inactive inactive',
    says => qr/may not be started or stopped by hand$/);
system('systemctl', 'start', 'nostop');
$c->act('not to be stopped by hand', nostop => 'stop',
    'failure refuse_manual', exit => 4, change => 'active active');

# stopped by force: 0

$c->act('start of a stubborn one', stubborn => 'start', 'success', exit => 0,
    change => 'inactive active');
$c->act('its stop', stubborn => 'stop', 'success forced', exit => 0,
    change => 'active failed', says => qr/had to be killed$/);
$c->state('stubborn', 'failed failed', 'and it counts as failed');

# too often

$c->act('one of two starts', limit => 'start', 'success', exit => 0,
    change => 'inactive active');
$c->act('the second', limit => 'restart', 'success', exit => 0,
    change => 'active active');
$c->act('the third', limit => 'restart', 'failure rate_limited', exit => 1,
    change => 'active failed', says => qr/started too often/);
$c->act('and it stays so', limit => 'start', 'failure rate_limited',
    exit => 1, change => 'failed failed', says => qr/started too often/);
system('systemctl', 'reset-failed', 'limit');
$c->act('until it is reset', limit => 'start', 'success', exit => 0,
    change => 'inactive active');

# in its time

$c->act('longer than the policy gives', slow => 'start', 'failure timeout',
    signal => 15, change => 'inactive activating',
    says => qr/did not end within 2 s/);
$c->state('slow', 'activating start', 'and goes on');
system('systemctl', 'stop', 'slow');

# root needs no bus

my $bus = '/run/dbus/system_bus_socket';
rename $bus, "$bus.away";
$c->act('without dbus', other => 'start', 'success', exit => 0,
    change => 'inactive active');
rename "$bus.away", $bus;

# journalctl

$c->act('one that talks', talks => 'start', 'success', exit => 0,
    change => 'inactive inactive');
ok($t->wait_for(sub {
    $r = $s->get('/control/services/talks/journal?lines=50');
    $r->{body} =~ /two/;
}, 60), 'its log') or diag($r->{body});
like(join("\n", @{ $r->{json}{lines} }),
    qr/^20\d\d-\d\d-\d\dT.* one\n20.* <b>two<\/b>$/m, 'with its times');
$r = $s->get('/control/services/nosuch/journal');
is_deeply([$r->{status}, $r->{json}{lines}], [200, []],
    'of no unit: no lines');
is($s->get('/control/services/simple/journal')->{json}{code},
    'policy_denied', 'of one that the policy does not name');

is($t->login('admin')->get('/log/verify')->{json}{ok}, JSON::PP::true,
    'the chain of all these rows');

system('systemctl', 'stop', sort keys %units);


sub active { `systemctl is-active $_[0]` eq "active\n" }

sub put {
    my ($path, $text) = @_;
    open my $f, '>', $path or die "$path: $!";
    print $f $text;
    close $f;
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
