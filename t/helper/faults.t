#!/usr/bin/perl

# Every system call that may fail does, once: whatever the kernel refuses, a
# command never runs as another user, nothing runs without its file in the
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
	. "service svc lsb $d/svc actions=restart roles=admin\n");
$h->write('ran', '', 0666);


my $trace = "$d/trace";

my %verbs = (
	command => [verb => 'command', argv => 'act', id => 'act'],
	service => [verb => 'service', name => 'svc', action => 'restart'],
);

my @calls = qw(getresuid getresgid setgroups setresgid setresuid setuid capget
	capset prctl setsid prlimit64 chdir dup2 close_range fcntl openat
	newfstatat readlinkat fgetxattr pipe2 clone flock renameat2 fsync read
	write pread64 execve execveat wait4 poll pidfd_open socket connect);

# where branches are counted, the counters need these calls themselves
@calls = grep { !/^(openat|newfstatat|fcntl|p?read(64)?|write)$/ } @calls
	if $ENV{COVERAGE};

my ($acts, %bad);

plan(skip_all => 'strace cannot inject here')
	unless injected('command', 'getresuid', 1);

for my $verb (sort keys %verbs) {
	my $runs = 0;
	($acts, %bad) = 0;

	for my $call (@calls) {
		for my $n (1 .. MOST) {
			last unless injected($verb, $call, $n);
			$runs++;
		}
	}

	cmp_ok($runs, '>', 30, "$verb: $runs calls failed");
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
	$h->write('ran', '', 0666);
	unlink $trace;

	my $r = $h->ask(@{$verbs{$verb}}, op => $op, _timeout => 30,
		_root => sub {
			$ENV{PATH} = $d;
			exec { $strace } 'strace', '-f', '-qq', '-o', $trace, '-u',
				'www-data', '-e', "trace=$call", '-e',
				"inject=$call:error=EPERM:when=$n", 'procmgr-helper';
		});

	my @uids = split /\n/, content("$d/ran");
	my $want = $verb eq 'command' ? $nobody : 0;

	$acts++ if @uids;

	push @{$bad{'another user'}}, "$call $n"
		if grep { $_ ne $want } @uids;
	push @{$bad{twice}}, "$call $n" if @uids > 1;
	push @{$bad{'not in the spool'}}, "$call $n"
		if @uids && !-e "$d/spool/$op";
	push @{$bad{'success without an act'}}, "$call $n"
		if ($r->{final}{result} // '') eq 'ok' && !@uids;
	push @{$bad{'no end'}}, "$call $n" if $r->{timeout};

	return content($trace) =~ /INJECTED/;
}


sub content {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	return do { local $/; <$f> } // '';
}
