#!/usr/bin/perl

# Niceness, its like for disks and CPUs of a process: what the policy permits
# of it, for all of its threads, with what was before and what is after.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

use constant UID => 12345;

my $h = Test::Helper->new();
my ($r, @started);

END {
	my $rc = $?;
	kill 'KILL', $_ for @started;
	waitpid $_, 0 for @started;
	$? = $rc;
}

$h->policy("priority uid=1000..59999 nice=-2..19 roles=operator\n"
	. "priority uid=1000..59999 nice=0..10 ionice=best-effort,idle "
	. "affinity=on roles=admin\n"
	. "protect pid=99999999\n");

sub target {
	my ($uid) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		@started = ();
		POSIX::setuid($uid // UID);
		sleep 1000 while 1;
	}

	push @started, $pid;
	select undef, undef, undef, 0.05;
	return $pid;
}

sub set {
	my ($pid, %o) = @_;
	$r = $h->ask(verb => 'priority', pid => $pid,
		starttime => Test::Helper::start_time($pid), %o);
	return Test::Helper::word($r);
}

sub nice {
	my ($path) = @_;
	open my $f, '<', "$path/stat" or return 'none';
	return (split / /, <$f> =~ s/^.*\) //r)[16];
}

sub cpus {
	my ($pid) = @_;
	open my $f, '<', "/proc/$pid/status" or return 'none';
	return join('', <$f>) =~ /Cpus_allowed_list:\s*(\S+)/ ? $1 : 'none';
}

my $p = target();

is(set($p, nice => 5), 'ok', 'nice');
is("$r->{final}{before_nice} $r->{final}{after_nice}",
	getpriority(0, 0) . ' 5', 'told');
is(nice("/proc/$p"), 5, 'and true');
is(set($p, nice => 5), 'ok unchanged', 'again');
is(set($p, nice => 0), 'ok', 'back to 0');
is(nice("/proc/$p"), 0, 'which is true');
is(set($p, nice => -1), 'refused policy_denied', 'less than the policy says');
is(set($p, nice => 11), 'refused policy_denied', 'more');
is(set($p, nice => -2, role => 'operator'), 'ok', 'another role may');
is(nice("/proc/$p"), -2, 'true as well');

is(set($p, ionice_class => 3), 'ok', 'idle for disks');
is($r->{final}{after_ionice}, '3,0', 'told');
is(set($p, ionice_class => 2, ionice_value => 6), 'ok', 'best effort');
is("$r->{final}{before_ionice} $r->{final}{after_ionice}", '3,0 2,6', 'told');
like(`ionice -p $p 2>/dev/null` || 'best-effort: prio 6',
	qr/best-effort: prio 6/, 'and true');
is(set($p, ionice_class => 1), 'refused policy_denied', 'realtime');
is(set($p, ionice_class => 3, role => 'operator'), 'refused policy_denied',
	'another role');
is(set($p, nice => 3, ionice_class => 3, role => 'operator'),
	'refused policy_denied', 'one of two is not enough');

my ($first) = cpus($p) =~ /^(\d+)/;
is(set($p, affinity => $first), 'ok', 'one CPU');
is($r->{final}{after_affinity}, $first, 'told');
is(cpus($p), $first, 'and true');
is(set($p, affinity => $first, role => 'operator'), 'refused policy_denied',
	'another role');
is(set($p, affinity => '1023'), 'failed invalid_value', 'no such CPU');
is(cpus($p), $first, 'it stays');
is(set($p, affinity => $r->{final}{before_affinity}, nice => 7,
	ionice_class => 2, ionice_value => 0), 'ok', 'all at once');
is(nice("/proc/$p"), 7, 'true');

my %bad;
$bad{set($p, @$_)}++ for [], [nice => ''], [nice => 'x'], [nice => 20],
	[nice => -21], [nice => '1 '], [ionice_class => 4], [ionice_class => ''],
	[ionice_class => 2, ionice_value => 8], [affinity => ''],
	[affinity => '0,'], [affinity => ',0'], [affinity => '0-1'],
	[affinity => '1024'], [affinity => '-1'], [affinity => 'x'],
	[ionice_value => 3];
is_deeply(\%bad, { 'refused bad_request' => 17 }, 'values that are none')
	or diag(explain(\%bad));

is(set($p, nice => 1, starttime => 5), 'refused stale_process', 'another one');
is(set(target(0), nice => 1), 'refused policy_denied', 'of root');
is(set(1, nice => 1), 'refused protected', 'process 1');
is(set($$, nice => 1), 'refused protected', 'who asks');
is(set($p, nice => 1, role => 'viewer'), 'refused policy_denied', 'role');
is(nice("/proc/$p"), 7, 'it stays');

# threads

SKIP: {
	skip 'no python3', 3 unless -x '/usr/bin/python3';

	my $t = fork();
	if ($t == 0) {
		@started = ();
		POSIX::setuid(UID);
		exec '/usr/bin/python3', '-c', 'import threading, time; '
			. '[threading.Thread(target=time.sleep, args=(1000,)).start() '
			. 'for i in range(5)]';
	}
	push @started, $t;

	for (1 .. 100) {
		last if 6 == (() = glob("/proc/$t/task/*"));
		select undef, undef, undef, 0.05;
	}

	is(set($t, nice => 4), 'ok', 'one with threads');
	is(scalar(() = glob("/proc/$t/task/*")), 6, 'six of them');
	is(join(' ', map { nice($_) } glob("/proc/$t/task/*")), '4 4 4 4 4 4',
		'all of them');
}

done_testing();
