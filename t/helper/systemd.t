#!/usr/bin/perl

# Units of a real systemd: what systemctl says, and what is true of it.  The
# test runs within a systemd of its own, see t/lib/systemd-sandbox.

use warnings;
use strict;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::Helper;
use Test::More;
use Time::HiRes qw(time sleep);

my $self = abs_path($0);

worker(@ARGV[1 .. $#ARGV]) if @ARGV && $ARGV[0] eq 'worker';
outside() unless @ARGV && $ARGV[0] eq 'inside';

my $h = Test::Helper->new();
my $d = $h->{dir};
my $r;

my %units = (
	simple => "[Service]\nExecStart=/bin/sleep 1000\n"
		. "[Install]\nWantedBy=multi-user.target\n",
	dies => "[Service]\nExecStart=/bin/false\n",
	missing => "[Service]\nExecStart=/no/such/program\n",
	condition => "[Unit]\nConditionPathExists=/no/such/file\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	unmet => "[Unit]\nConditionPathExists=/no/such/file\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	wants => "[Unit]\nWants=unmet.service\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	once => "[Service]\nType=oneshot\nExecStart=/bin/true\n",
	oncebad => "[Service]\nType=oneshot\nExecStart=/bin/false\n",
	execbad => "[Service]\nType=exec\nExecStart=/no/such/program\n",
	notify => "[Service]\nType=notify\nTimeoutStartSec=1\n"
		. "ExecStart=/bin/sleep 1000\n",
	needs => "[Unit]\nRequires=oncebad.service\nAfter=oncebad.service\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	bad => "[Service]\nType=simple\nRestart=always\n",
	reload => "[Service]\nExecStart=/bin/sleep 1000\n"
		. "ExecReload=/bin/true\n",
	reloadbad => "[Service]\nExecStart=/bin/sleep 1000\n"
		. "ExecReload=/bin/false\n",
	refuse => "[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	stubborn => "[Service]\nTimeoutStopSec=1\nExecStart=/bin/sh -c "
		. "'trap \"\" TERM; while :; do sleep 0.2; done'\n",
	limit => "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n"
		. "[Service]\nExecStart=/bin/sleep 1000\n",
	slow => "[Service]\nType=oneshot\nExecStart=/bin/sleep 100\n",
	again => "[Service]\nRestart=always\nRestartSec=1\n"
		. "ExecStart=/bin/false\n",
	odd => "[Unit]\nDescription=it <b>says</b> \"50%%\"\n[Service]\n"
		. "User=nobody\nExecStart=/bin/sleep 1000\n",
	talks => "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'for i in 1 2 3; "
		. "do echo line \$\$i; done; echo \"<b>\"'\n",
	loud => "[Service]\nType=oneshot\nExecStart=$^X -e 'print \"\$\$_ \", "
		. "\"x\" x 900, chr(10) for 1 .. 100'\n",
	web => "[Service]\nKillMode=mixed\nExecStart=$^X $self worker $d\n",
);

mkdir '/run/systemd/system';

for my $u (sort keys %units) {
	$h->write("/run/systemd/system/$u.service", $units{$u}, 0644);
}

symlink '/dev/null', '/run/systemd/system/masked.service';
symlink '/run/systemd/system/stubborn.service',
	'/run/systemd/system/alias.service';
system('systemctl', 'daemon-reload');

$h->policy(join '', map {
	my $t = $_ eq 'slow' ? 2 : 20;
	"service $_ systemd $_.service actions=start,stop,restart,reload,enable,"
		. "disable,status roles=admin timeout=${t}s\n"
} sort(keys %units), qw(masked nosuch alias));

sub act {
	my ($name, $action) = @_;
	$r = $h->ask(verb => 'service', name => $name, action => $action);
	return Test::Helper::word($r);
}

sub change {
	return ($r->{final}{before_state} // '?') . ' '
		. ($r->{final}{after_state} // '?');
}

sub rc {
	return $r->{final}{exit_code} // 'none';
}

# what works

is(act('simple', 'start'), 'ok', 'start');
is(change(), 'inactive active', 'it runs now');
my $pid = $r->{final}{after_pid};
ok($pid && -d "/proc/$pid", 'its process');
is($r->{final}{argv}, "/usr/bin/systemctl\x1f--no-ask-password\x1fstart"
	. "\x1f--\x1fsimple.service", 'the words');

is(act('simple', 'start'), 'ok unchanged', 'start of a running one');
is(rc(), 'none', 'nothing was run');
is(act('simple', 'status'), 'ok', 'status');
is(act('simple', 'restart'), 'ok', 'restart');
isnt($r->{final}{after_pid}, $pid, 'another process');
is(act('simple', 'reload'), 'failed reload_unsupported', 'reload unsupported');
is(rc(), 3, 'status 3');
is(change(), 'active active', 'it runs on');
is(act('simple', 'stop'), 'ok', 'stop');
is(change(), 'active inactive', 'it does not run');
is(act('simple', 'stop'), 'ok unchanged', 'stop of a stopped one');

is(act('reload', 'start'), 'ok', 'one with a reload');
$pid = $r->{final}{after_pid};
is(act('reload', 'reload'), 'ok', 'reload');
is($r->{final}{after_pid}, $pid, 'the same process');
is(act('reload', 'stop'), 'ok', 'stop');
is(act('reload', 'reload'), 'failed exit_status', 'reload of a stopped one');
is(act('reloadbad', 'start'), 'ok', 'one whose reload fails');
is(act('reloadbad', 'reload'), 'failed exit_status', 'reload');

is(act('simple', 'enable'), 'ok', 'enable');
is("$r->{final}{before_enabled} $r->{final}{after_enabled}",
	'disabled enabled', 'it will start');
is(act('simple', 'enable'), 'ok unchanged', 'enable again');
is(act('simple', 'disable'), 'ok', 'disable');
is($r->{final}{after_enabled}, 'disabled', 'it will not start');
is(act('simple', 'disable'), 'ok unchanged', 'disable again');
is(act('once', 'enable'), 'failed not_installable', 'nothing to enable');

is(act('once', 'start'), 'ok', 'one that ends by itself');
is(change(), 'inactive inactive', 'it has ended');
is(act('once', 'restart'), 'ok', 'again');

# status 0 that lies (of a unit that nothing else wants systemd forgets at once
# that a condition was not met)

is(act('wants', 'start'), 'ok', 'one that wants another');

for my $c (['dies', 'start_failed', 'of a type simple that dies'],
	['missing', 'start_failed', 'without its program'],
	['again', 'start_failed', 'that dies again and again'],
	['condition', 'not_running', 'whose condition is not met'],
	['unmet', 'condition_failed', 'that is wanted'])
{
	like(act($c->[0], 'start'), qr/^failed $c->[1]$/, "start $c->[2]");
	is(rc(), 0, 'status 0 all the same');
	like($r->{final}{reason}, qr/ /, 'and a sentence');
}

act('again', 'stop');

# status 1, told apart

for my $c (['oncebad', 'start_failed', 'a oneshot that fails'],
	['execbad', 'start_failed', 'an exec without its program'],
	['notify', 'start_timeout', 'no word in time'],
	['needs', 'dependency_failed', 'a dependency that fails'],
	['bad', 'bad_unit', 'a bad unit file'],
	['masked', 'masked', 'a masked unit'])
{
	is(act($c->[0], 'start'), "failed $c->[1]", $c->[2]);
	is(rc(), 1, 'status 1');
}

is(act('masked', 'restart'), 'failed masked', 'restart of a masked unit');
is(act('masked', 'stop'), 'ok unchanged', 'stop of a masked unit');

is(act('limit', 'start'), 'ok', 'one of two starts');
is(act('limit', 'restart'), 'ok', 'and the second');
is(act('limit', 'restart'), 'failed rate_limited', 'started too often');
is(rc(), 1, 'status 1');
is($r->{final}{after_state}, 'failed', 'and left failed');

is(act('refuse', 'start'), 'failed refuse_manual', 'not by hand');
is(rc(), 4, 'status 4');

for my $action (qw(start stop restart reload)) {
	is(act('nosuch', $action), 'failed not_found', "$action of no unit");
	is(rc(), 5, 'status 5');
}

is(act('nosuch', 'enable'), 'failed not_found', 'enable of no unit');

is(act('stubborn', 'start'), 'ok', 'a stubborn one');
is(act('stubborn', 'stop'), 'ok forced', 'is killed in the end');
is(change(), 'active failed', 'and counts as failed');
is(rc(), 0, 'status 0');
is(act('stubborn', 'start'), 'ok', 'start of a failed one');
kill 'KILL', $r->{final}{after_pid};
sleep 0.3;
act('stubborn', 'status');
is($r->{final}{after_state}, 'failed', 'killed by another: failed');

act('stubborn', 'start');
my $other = fork();
if ($other == 0) {
	act('stubborn', 'stop');
	POSIX::_exit(0);
}
sleep 0.5;
is(act('alias', 'stop'), 'refused busy', 'one action at a time by any name');
waitpid $other, 0;

is(act('slow', 'start'), 'failed timeout', 'longer than the policy\'s time');
is(change(), 'inactive activating', 'it goes on');
act('slow', 'stop');

# the list

act('odd', 'start');
$r = $h->ask(verb => 'list', name => 'odd', live => 1);
my $l = Test::Helper::parse($r->{records}[0]{data});
is($l->{description}, 'it <b>says</b> "50%"', 'description');
is($l->{program}, '/bin/sleep', 'program');
is($l->{user}, 'nobody', 'user');
is($l->{start_type}, 'static', 'start type');
is($l->{enabled}, 0, 'not enabled');
is($l->{unit_file}, '/run/systemd/system/odd.service', 'unit file');
is("$l->{state} $l->{sub_state}", 'active running', 'state');
cmp_ok(abs($l->{since} - time()), '<', 10, 'since');
is($l->{pids}, $l->{main_pid}, 'its one process');
is($l->{main_start}, Test::Helper::start_time($l->{main_pid}), 'process');

# what it says

is(act('talks', 'start'), 'ok', 'one that talks');
is(act('loud', 'start'), 'ok', 'one that talks a lot');
sleep 0.5;
$h->policy("service talks systemd talks.service actions=start roles=admin\n"
	. "service odd systemd odd.service actions=status roles=admin\n"
	. "service nosuch systemd nosuch.service actions=status roles=admin\n"
	. "service web systemd web.service actions=start,stop,restart "
	. "roles=admin timeout=20s\n"
	. "service loud systemd loud.service actions=status roles=admin\n"
	. "journal unit=talks.service,loud.service,nosuch roles=admin "
	. "lines=100\n"
	. "schedule roles=admin\n");

sub journal {
	my ($name, $lines, %o) = @_;
	$r = $h->ask(verb => 'journal', name => $name, lines => $lines, %o);
	return Test::Helper::word($r);
}

# (the journal has it when it has read it)
for (1 .. 100) {
	last if journal('talks', 100) eq 'ok' && $r->{stdout} =~ /line 3\n/
		&& $r->{stdout} =~ /<b>/;
	sleep 0.1;
}
is(journal('talks', 100), 'ok', 'journal');
like($r->{stdout}, qr/^20\d\d-\d\d-\d\dT.* line 1\n.* line 2\n.* line 3\n/m,
	'its lines with their times');
like($r->{stdout}, qr/<b>/, 'as they are');
is(journal('talks', 2), 'ok', 'the last two');
is(scalar(() = $r->{stdout} =~ /\n/g), 2, 'are two');

# (systemd's own word on the end may come later than the unit's last one)
my $last = qr/100 x{900}\n(?:.* systemd\[1\]: .*\n)*\z/;

for (1 .. 100) {
	is(journal('loud', 100), 'ok', 'a long one') if $_ == 1;
	last if ($r->{stdout} // '') =~ $last;
	sleep 0.1;
	journal('loud', 100);
}
like($r->{stdout}, $last, 'ends with its last line');
cmp_ok(length $r->{stdout}, '<=', 65536, 'is no longer than there is room');
is($r->{final}{truncated}, 1, 'and it is said');
like($r->{stdout}, qr/\A20\d\d-/, 'begins with a whole line');
is(journal('odd', 10), 'refused policy_denied', 'not of another unit');
is(journal('talks', 10, role => 'operator'), 'refused policy_denied',
	'not to another role');
is(journal('nosuch', 10), 'ok', 'a unit that is none');
is($r->{stdout}, '', 'has no lines');

# what runs by time: within the sandbox the tables are its own

system('mkdir', '-p', '/var/spool/cron/crontabs');
my $tabs = '/var/spool/cron/crontabs';
$h->write("$tabs/nobody", "1 2 * * * echo <b>\n", 0600);
$h->write("$tabs/large", 'x' x 65537, 0600);
symlink '/etc/shadow', "$tabs/root";
link "$tabs/nobody", "$tabs/daemon";
POSIX::mkfifo("$tabs/bin", 0600);
$h->write("$tabs/games", "\@daily true\n", 0600);

$r = $h->ask(verb => 'schedule');
is(Test::Helper::word($r), 'ok', 'schedules');
my %at = map { my ($p, $t) = split /\0/, $_->{data}, 2;
	($p => "$_->{error} $t") } @{$r->{records}};
is($at{"$tabs/games"}, "0 \@daily true\n", 'the table of a user');
is($at{"$tabs/large"}, POSIX::EFBIG() . ' ', 'a large one');
unlike($at{"$tabs/$_"}, qr/^0/, "what is none: $_") for qw(root daemon bin);
unlike(join('', values %at), qr/root:/, 'nothing of another file');
like($at{'systemd timers'}, qr/^0 \[.*\]\s*$/s, 'timers');
is(Test::Helper::word($h->ask(verb => 'schedule', role => 'operator')),
	'refused policy_denied', 'not to another role');

# the unit that the helper belongs to

my $op = Test::Helper::uuid();
$h->write('own', $h->frame_of(verb => 'service', name => 'web', op => $op,
	action => 'restart'));
is(act('web', 'start'), 'ok', 'nginx\'s unit starts');
$pid = $r->{final}{after_pid};

for (1 .. 400) {
	$r = $h->ask(verb => 'query', op => $op);
	last if ($r->{final}{spool} // '') eq 'end';
	sleep 0.1;
}

is($r->{final}{spool}, 'end', 'restarted from within: it is known how it ended');
is(Test::Helper::word($r), 'ok', 'well');
is($r->{final}{before_pid}, $pid, 'the process before');
isnt($r->{final}{after_pid}, $pid, 'and after');
like($r->{final}{argv}, qr/--no-block\x1frestart/, 'without waiting for it');

$op = Test::Helper::uuid();
unlink "$d/began";
$h->write('own', $h->frame_of(verb => 'service', name => 'web', op => $op,
	action => 'stop'));
act('web', 'restart');

for (1 .. 400) {
	$r = $h->ask(verb => 'query', op => $op);
	last if ($r->{final}{spool} // '') eq 'end';
	sleep 0.1;
}

is(Test::Helper::word($r), 'ok', 'stopped from within');
is(change(), 'active inactive', 'it is down');

sleep 0.3;
unlike(`systemctl list-units --no-legend 'procmgr-*.scope'`, qr/procmgr/,
	'no scope is left');

# what an LSB script leaves is not part of nginx's unit

my $lsb = "$d/lsb";
$h->script('lsb', "case \$1 in status) [ -e $d/lsb.pid ] "
	. "&& kill -0 \$(cat $d/lsb.pid) || exit 3 ;;\n"
	. "start) setsid sleep 1000 < /dev/null > /dev/null 2>&1 & "
	. "echo \$! > $d/lsb.pid ;; esac\n");
$h->policy("service lsb lsb $lsb actions=start roles=admin "
	. "pidfile=$d/lsb.pid\n");
is(act('lsb', 'start'), 'ok', 'an LSB script');
open my $f, '<', "/proc/$r->{final}{after_pid}/cgroup";
like(join('', <$f>), qr/run-\w+\.scope/, 'has a scope of its own');

done_testing();

exit;


# as nginx does: a child of the unit speaks to the helper, once

sub worker {
	my ($dir) = @_;

	if (open my $f, '<:raw', "$dir/own") {
		my $frame = do { local $/; <$f> };
		unlink "$dir/own";

		my @www = getpwnam('www-data');
		my $h = bless { dir => $dir, uid => $www[2], gid => $www[3],
			helper => "$dir/procmgr-helper", pid => 0 }, 'Test::Helper';

		sleep 1;
		$h->exchange($frame);
	}

	sleep 1000;
}


sub outside {
	plan(skip_all => 'must be root') if $> != 0;

	my $lib = abs_path("$FindBin::Bin/../lib");
	my $top = abs_path("$FindBin::Bin/../..");
	my $build = $ENV{BUILD_DIR} // "$top/build/release";
	my $kind = $ENV{BUILD} // 'release';

	system("make -s -C $top BUILD=$kind BUILD_DIR=$build helper >&2") == 0
		or die "no helper";

	my $dir = tempdir('procmgr-sandbox.XXXXXX', DIR => '/var/tmp',
		CLEANUP => 1);

	$ENV{SANDBOX_BIND} = $build;

	my $rc = system("$lib/systemd-sandbox", $dir, 'sh', '-c',
		'exec "$SANDBOX" --in "$SANDBOX_DIR" systemd-run --wait --pipe --quiet '
		. '--collect -p WorkingDirectory=' . $top
		. " -E BUILD_DIR=$build -E BUILD=$kind -E COVERAGE="
		. ($ENV{COVERAGE} // '') . " -E 'CFLAGS=" . ($ENV{CFLAGS} // '')
		. "' $^X $self inside");

	plan(skip_all => 'no systemd in namespaces here') if $rc >> 8 == 77;
	exit($rc >> 8 || ($rc ? 1 : 0));
}
