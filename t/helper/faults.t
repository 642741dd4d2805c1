#!/usr/bin/perl

# Every system call that may fail does, once: whatever the kernel refuses, a
# command never runs as another user, nothing is done without its file in the
# spool, nothing runs twice, and success is told only of what was done.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::HelperFaults qw(@INVARIANTS content);
use Test::More;

use constant MOST => 12;                # of one call in one run

my $strace = (grep { -x } map { "$_/strace" } qw(/usr/bin /bin))[0];
plan(skip_all => 'no strace') unless $strace;

my $f = Test::HelperFaults->new(_timeout => 120);
my $trace = "$f->{dir}/trace";

my @calls = qw(getresuid getresgid setgroups setresgid setresuid setuid capget
	capset prctl setsid prlimit64 chdir dup2 close_range fcntl openat
	newfstatat readlinkat fgetxattr pipe2 clone flock renameat2 fsync read
	write pread64 execve execveat wait4 poll pidfd_open socket connect);

my @more = qw(pidfd_send_signal setpriority getpriority ioprio_set ioprio_get
	sched_setaffinity sched_getaffinity getdents64 lseek unlinkat openat2
	chroot fchdir sendto getsockopt ftruncate statx);

$f->verb('command');
plan(skip_all => 'strace cannot inject here') unless injected('getresuid', 1);

for my $verb (sort keys %{$f->{verbs}}) {
	my $full = $verb =~ /^(?:command|service)$/;
	my $most = $full ? MOST : 2;
	my $runs = 0;

	$f->verb($verb);

	for my $call (@calls, $full ? () : @more) {
		for my $n (1 .. $most) {
			last unless injected($call, $n);
			$runs++;
		}
	}

	cmp_ok($runs, '>', $full ? 30 : 10, "$verb: $runs calls failed");
	cmp_ok($f->{acts}, '>', 0,
		"$verb: $f->{acts} times it was done all the same");
	is_deeply($f->{bad}{$_} // [], [], "$verb: $_") for @INVARIANTS;
}

done_testing();


# the n-th such call of any process of the helper's fails; false: there is none

sub injected {
	my ($call, $n) = @_;

	unlink $trace;

	$f->run("$call $n", _root => sub {
		$ENV{PATH} = $f->{dir};
		exec { $strace } 'strace', '-f', '-qq', '-o', $trace, '-u',
			'www-data', '-e', "trace=$call", '-e',
			"inject=$call:error=EPERM:when=$n", 'procmgr-helper';
	});

	return content($trace) =~ /INJECTED/;
}
