#!/usr/bin/perl

# What is left of root once an action is permitted: the process that signals
# is nobody, with the one capability that it needs; of an action on a service
# one process runs the program, and all else is done by nobody.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Test::Helper qw(start_time);
use Test::More;
use Time::HiRes qw(sleep);

use constant UID => 4711;
use constant DROPPED => 65533;

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy("signal uid=1000..59999 sigs=USR1,TERM roles=admin\n"
	. "priority uid=1000..59999 nice=0..19 roles=admin\n"
	. "service svc lsb $d/svc actions=restart roles=admin timeout=60s\n");
$h->script('svc', "[ \$1 = status ] && exit 0; echo \$\$ > $d/pid; "
	. "exec sleep 50\n");

# children of nginx's master are protected: a grandchild

pipe my $in, my $out;

if ((fork() // die "fork: $!") == 0) {
	my $p = fork() // die "fork: $!";

	if ($p) {
		syswrite $out, "$p\n";
		POSIX::_exit(0);
	}

	$SIG{TERM} = 'IGNORE';
	POSIX::setuid(UID);
	sleep 1000;
	POSIX::_exit(0);
}

wait;
chomp(my $pid = <$in>);

for (1 .. 500) {
	last if (stat "/proc/$pid")[4] == UID;
	sleep 0.01;
}

my $start = start_time($pid);
my $asker = fork() // die "fork: $!";

if ($asker == 0) {
	$h->ask(verb => 'signal', pid => $pid, starttime => $start,
		signal => 'TERM', wait_ms => 60000, _timeout => 60);
	POSIX::_exit(0);
}

# it waits for the end of a process that does not end

my %status;

for (1 .. 1000) {
	%status = map { status($_) } helper();
	last if ($status{Uid} // '') =~ /^@{[DROPPED]}\b/;
	sleep 0.02;
}

is($status{Uid}, join("\t", (DROPPED) x 4), 'nobody by all of its users');
is($status{Gid}, join("\t", (DROPPED) x 4), 'and groups');
is($status{Groups} =~ s/\s+//gr, '', 'no other groups');
is(hex $status{$_}, 1 << 5 | 1 << 19, "$_: CAP_KILL and CAP_SYS_PTRACE")
	for qw(CapEff CapPrm);
is(hex $status{CapInh}, 0, 'none for children');
is($status{NoNewPrivs}, 1, 'and no program gives more');

for my $p (helper()) {
	like(`su -s /bin/sh -c 'kill -9 $p 2>&1' www-data`, qr/not permitted/,
		"nginx's user cannot end it");
}

kill 'KILL', $pid;
waitpid $asker, 0;

# one runs the program, the other one does all else, and none outlives both

for my $killed ('runs', 'drives') {
	my %is = begun();

	is(join(' ', sort keys %is), 'drives runs', 'two processes');

	if ($is{drives}) {
		my %s = status($is{drives});
		is(hex $s{$_}, 1 << 2 | 1 << 19, "$_: to look, and no more")
			for qw(CapEff CapPrm);
		is($s{NoNewPrivs}, 1, 'and no program gives more');
	}

	kill 'KILL', $is{$killed};
	kill 'KILL', service() if $killed eq 'drives';
	ok(gone(), "the one that $killed is killed: none is left");
	kill 'KILL', service();
	waitpid $asker, 0;
}

done_testing();


sub service {
	open my $f, '<', "$d/pid" or return;
	chomp(my $p = <$f> // '');
	return $p || ();
}


# by what they do, once the program runs

sub begun {
	unlink "$d/pid";
	$asker = fork() // die "fork: $!";

	if ($asker == 0) {
		$h->ask(verb => 'service', name => 'svc', action => 'restart',
			_timeout => 60);
		POSIX::_exit(0);
	}

	for (1 .. 1000) {
		last if service();
		sleep 0.02;
	}

	return map {
		my %s = status($_);
		(($s{Uid} // '') =~ /^@{[DROPPED]}\b/ ? 'drives' : 'runs', $_);
	} helper();
}


sub gone {
	for (1 .. 1000) {
		return 1 unless helper();
		sleep 0.02;
	}

	return 0;
}


sub helper {
	return grep { (readlink("/proc/$_/exe") // '') eq $h->{helper} }
		map { m!(\d+)$! } glob('/proc/[0-9]*');
}


sub status {
	my ($p) = @_;
	open my $f, '<', "/proc/$p/status" or return;
	return map { /^(\w+):\s*(.*?)\s*$/ } <$f>;
}
