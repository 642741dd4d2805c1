#!/usr/bin/perl

# The systemd that other tests run in: it leaves nothing, however it ends.

use warnings;
use strict;

use Cwd qw(abs_path);
use FindBin;
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);

plan(skip_all => 'must be root') if $> != 0;

my $sandbox = abs_path("$FindBin::Bin/../lib/systemd-sandbox");
my $dir = tempdir('procmgr-sandbox.XXXXXX', DIR => '/var/tmp', CLEANUP => 1);

my $rc = system("$sandbox $dir/one sh -c 'exit 5' 2>/dev/null") >> 8;
plan(skip_all => 'no systemd in namespaces here') if $rc == 77;

my $before = inventory();

is($rc, 5, 'the status of what it ran');
is(inventory(), $before, 'ended by itself: nothing is left');

$rc = system("$sandbox $dir/one sh -c '\$SANDBOX --in \$SANDBOX_DIR "
	. "sh -c \"[ \\\$(ps -o comm= 1) = systemd ] && ! [ -w /proc/sys/kernel/"
	. "hostname ]\"' > $dir/out 2>&1") >> 8;
is($rc, 0, 'a systemd of its own, which cannot change settings here')
	or diag(`cat $dir/out`);

for my $sig (qw(TERM INT KILL)) {
	my $pid = start("$dir/$sig");
	ok(-s "$dir/$sig/up", "$sig: it runs");
	isnt(inventory(), $before, "$sig: with processes of its own");

	kill $sig, $pid;
	waitpid $pid, 0;

	# a control group without processes is left to the next one

	if ($sig eq 'KILL') {
		for (1 .. 100) {
			last if processes() == 0;
			sleep 0.1;
		}

		is(processes(), 0, "$sig: they end with it");
		system("$sandbox $dir/next true");
	}

	is(inventory(), $before, "$sig: nothing is left");
}

done_testing();


sub start {
	my ($d) = @_;
	my $pid = fork();

	if ($pid == 0) {
		# a background job would ignore it
		$SIG{INT} = 'DEFAULT';
		open STDERR, '>', '/dev/null';
		exec $sandbox, $d, 'sh', '-c', "echo up > $d/up; exec sleep 1000";
	}

	for (1 .. 200) {
		last if -s "$d/up";
		sleep 0.1;
	}

	return $pid;
}

# processes of whatever was booted below our folder

sub processes {
	my $n = 0;

	for my $p (glob('/proc/[0-9]*/cgroup')) {
		open my $f, '<', $p or next;
		$n++ if join('', <$f>) =~ m!/systemd-sandbox\.!;
	}

	return $n;
}

sub inventory {
	my ($cgroup) = `cat /proc/mounts` =~ /^\S+ (\S+) cgroup2 /m;
	my @groups = glob("$cgroup/systemd-sandbox.*");
	my @mounts = grep { m!\Q$dir\E! } split /\n/, `cat /proc/mounts`;

	return join ' ', processes(), @groups, @mounts;
}
