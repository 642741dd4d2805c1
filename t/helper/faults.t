#!/usr/bin/perl

# Every system call that may fail does, once: whatever the kernel refuses, a
# command never runs as another user, nothing is done without its file in the
# spool, nothing runs twice, and success is told only of what was done.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper qw(uuid);
use Test::More;

use constant MOST => 12;                # of one call in one run

my $strace = (grep { -x } map { "$_/strace" } qw(/usr/bin /bin))[0];
plan(skip_all => 'no strace') unless $strace;

my $h = Test::Helper->new();
my $d = $h->{dir};
my $nobody = getpwnam('nobody');

$h->script('act', "id -u >> $d/ran\n");
$h->script('svc', "[ \$1 = status ] && exit 0; id -u >> $d/ran\n");
$h->policy("command act path=$d/act act user=nobody roles=admin\n"
	. "service svc lsb $d/svc actions=restart roles=admin log=$d/log\n"
	. "signal uid=12345 sigs=TERM roles=admin\n"
	. "priority uid=12345 nice=0..10 ionice=idle affinity=on roles=admin\n"
	. "read fields=all roles=admin\nschedule roles=admin\n"
	. "journal unit=svc roles=admin lines=10\n");
$h->write('log', "one\ntwo\n");
$h->write('ran', '', 0666);


my $trace = "$d/trace";

my %verbs = (
	command => [verb => 'command', argv => 'act', id => 'act'],
	service => [verb => 'service', name => 'svc', action => 'restart'],
	signal => [verb => 'signal', signal => 'TERM', wait_ms => 2000],
	tree => [verb => 'signal', signal => 'TERM', tree => 1,
		wait_ms => 2000],
	priority => [verb => 'priority', nice => 5, ionice_class => 3,
		affinity => cpus()],
	list => [verb => 'list', live => 1],
	journal => [verb => 'journal', name => 'svc', lines => 5],
	schedule => [verb => 'schedule'],
	read => [verb => 'read', _pids => [[$$, 0xfff]]],
	query => [verb => 'query'],
);

my @calls = qw(getresuid getresgid setgroups setresgid setresuid setuid capget
	capset prctl setsid prlimit64 chdir dup2 close_range fcntl openat
	newfstatat readlinkat fgetxattr pipe2 clone flock renameat2 fsync read
	write pread64 execve execveat wait4 poll pidfd_open socket connect);

my @more = qw(pidfd_send_signal setpriority getpriority ioprio_set ioprio_get
	sched_setaffinity sched_getaffinity getdents64 lseek unlinkat openat2
	chroot fchdir sendto getsockopt ftruncate statx);

# Where branches are counted, the counters lock, read and write their files
# themselves; they do without one that they cannot open.

my $counters = qr/^(?:fcntl|p?read(?:64)?|write)$/;

@calls = grep { !/$counters/ } @calls if $ENV{COVERAGE};

my ($acts, %bad, $last);

plan(skip_all => 'strace cannot inject here')
	unless injected('command', 'getresuid', 1);

for my $verb (sort keys %verbs) {
	my $runs = 0;
	my $full = $verb =~ /^(?:command|service)$/;
	my $most = $full || $ENV{COVERAGE} ? MOST : 2;

	$acts = 0;
	%bad = ();

	for my $call (@calls, $full ? () : @more) {
		for my $n (1 .. $most) {
			last unless injected($verb, $call, $n);
			$runs++;
		}
	}

	cmp_ok($runs, '>', $full ? 30 : 10, "$verb: $runs calls failed");
	cmp_ok($acts, '>', 0, "$verb: $acts times it was done all the same");
	is_deeply($bad{$_} // [], [], "$verb: $_")
		for 'another user', 'twice', 'not in the spool',
			'success without an act', 'no end';
}

done_testing();


# the n-th such call of any process of the helper's fails; false: there is none

sub injected {
	my ($verb, $call, $n) = @_;

	my $op = uuid();
	my %is = (verb => $verb, op => $op);
	my @ask = @{$verbs{$verb}};

	$h->write('ran', '', 0666);
	unlink $trace;

	if ($verb =~ /^(?:signal|tree|priority)$/) {
		$is{pid} = target();
		push @ask, pid => $is{pid},
			starttime => Test::Helper::start_time($is{pid});
	}

	$op = $last if $verb eq 'query';

	my $r = $h->ask(@ask, op => $op, _timeout => 120,
		_root => sub {
			$ENV{PATH} = $d;
			exec { $strace } 'strace', '-f', '-qq', '-o', $trace, '-u',
				'www-data', '-e', "trace=$call", '-e',
				"inject=$call:error=EPERM:when=$n", 'procmgr-helper';
		});

	look(\%is, $r, "$call $n");
	$last = $op if $verb eq 'command' && ($r->{final}{result} // '') eq 'ok';

	return content($trace) =~ /INJECTED/;
}


# was it done, and is it told as it is?

sub look {
	my ($is, $r, $call) = @_;

	my $verb = $is->{verb};
	my $ok = ($r->{final}{result} // '') eq 'ok';
	my $done = $ok;

	if ($verb =~ /^(?:command|service)$/) {
		my @uids = split /\n/, content("$d/ran");
		my $want = $verb eq 'command' ? $nobody : 0;

		$done = @uids;
		push @{$bad{'another user'}}, $call if grep { $_ ne $want } @uids;
		push @{$bad{twice}}, $call if @uids > 1;

	} elsif ($verb eq 'priority') {
		my $stat = content("/proc/$is->{pid}/stat") =~ s/^.*\) //sr;

		$done = ((split / /, $stat)[16] // 0) == 5;

	} elsif ($is->{pid}) {
		$done = content("/proc/$is->{pid}/stat") =~ /\) Z/;
		$ok = 0 if ($r->{final}{code} // '') eq 'still_alive';
	}

	if ($is->{pid}) {
		kill 'KILL', $is->{pid};
		waitpid $is->{pid}, 0;
	}

	$acts++ if $done;
	push @{$bad{'not in the spool'}}, $call
		if $done && $verb =~ /^(?:command|service|signal|tree|priority)$/
			&& !-e "$d/spool/$is->{op}";
	push @{$bad{'success without an act'}}, $call if $ok && !$done;
	push @{$bad{'no end'}}, $call if $r->{timeout};
}


sub target {
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		POSIX::setgid(12345);
		POSIX::setuid(12345);
		exec '/bin/sleep', '600' or POSIX::_exit(1);
	}

	for (1 .. 500) {
		last if content("/proc/$pid/cmdline") =~ /^.bin.sleep/;
		select undef, undef, undef, 0.02;
	}

	return $pid;
}


# the CPUs that there are, as the request has them

sub cpus {
	my ($list) = content('/proc/self/status')
		=~ /^Cpus_allowed_list:\s*(\S+)/m;
	return join ',', map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $list;
}


sub content {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	return do { local $/; <$f> } // '';
}
