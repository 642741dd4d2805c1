#!/usr/bin/perl

# Protected files of processes: all that the policy names, of any user, and
# nothing beside.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Cwd;
use POSIX ();
use Test::Helper qw(%FIELD start_time);
use Test::More;
use Time::HiRes qw(time sleep);

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy("read fields=fd,files,nfiles roles=viewer\n"
	. "read fields=all roles=admin\n");

my $all = (1 << keys %FIELD) - 1;
my @kids;

END { kill 'KILL', @kids if @kids; }

# a process of a user with a few files open

sub kid {
	my ($uid, $code) = @_;

	pipe my $in, my $out;
	my $pid = fork();

	if ($pid == 0) {
		close $in;
		%ENV = (CANARY => 'sings');
		$( = $uid;
		$) = "$uid $uid";
		POSIX::setuid($uid);
		chdir '/usr';
		$^F = 255;
		open our $a, '<', '/etc/passwd';
		seek $a, 10, 0;
		open our $b, '>>', "/tmp/procmgr-read.$$";
		open our $c, '<', '/proc/meminfo';
		unlink "/tmp/procmgr-read.$$" if $code;
		exec { $^X } $^X, '-e',
			'syswrite(STDOUT, "x"); sleep 600' if !$code && open(STDOUT, '>&', $out);
		syswrite $out, 'x';
		sleep 600;
		POSIX::_exit(0);
	}

	close $out;
	sysread $in, my $x, 1;
	push @kids, $pid;

	return $pid;
}

sub ask_for {
	my ($fields, @pids) = @_;
	my $r = $h->ask(verb => 'read',
		_pids => [map { ref $_ ? $_ : [$_, $fields, start_time($_)] } @pids]);
	my %got;
	$got{$_->{pid}}{$_->{field}} = $_ for @{$r->{records}};
	return ($r, \%got);
}

my $www = kid($h->{uid});
my $nobody = kid(65534);
my $root = kid(0);

for my $c ([$www, 'www-data'], [$nobody, 'nobody'], [$root, 'root']) {
	my ($pid, $name) = @$c;
	my ($r, $got) = ask_for($all, $pid);
	my %g = map { $_ => $got->{$pid}{$FIELD{$_}} } keys %FIELD;

	is(Test::Helper::word($r), 'ok', "$name: read");
	is(scalar(grep { $_ && !$_->{error} } values %g), scalar keys %FIELD, "$name: all of it")
		or diag(join ' ', map { "$_=" . ($g{$_}{error} // '-') } keys %g);

	like($g{fd}{data}, qr!(^|\0)\d+ /etc/passwd\0!, "$name: descriptors");
	like($g{files}{data}, qr!(^|\0)\d+ 10 0100000 /etc/passwd\0!,
		"$name: position and flags")
		or diag($g{files}{data});
	like($g{files}{data}, qr! 0[0-7]*2001 /tmp/procmgr-read\.!,
		"$name: another one's");
	like($g{files}{data}, qr! /proc/meminfo\0!, "$name: a file of /proc");
	is($g{nfiles}{data}, () = $g{files}{data} =~ /\0/g,
		"$name: as many as are listed");
	is($g{exe}{data}, Cwd::abs_path($^X), "$name: executable");
	is($g{cwd}{data}, '/usr', "$name: folder");
	like($g{environ}{data}, qr/(^|\0)CANARY=sings\0/, "$name: environment");
	like($g{io}{data}, qr/^rchar: \d+\nwchar: \d+\n/, "$name: io");
	like($g{cmdline}{data}, qr/^\Q$^X\E\0-e\0syswrite/, "$name: words");
	like($g{maps}{data}, qr/ \[stack\]$/m, "$name: maps");
	like($g{smaps}{data}, qr/^Pss: .*^VmFlags: /ms, "$name: smaps");
	like($g{smaps_rollup}{data}, qr/\[rollup\]\nRss: /, "$name: sums");

	is($g{netns}{data}, readlink "/proc/$pid/ns/net", "$name: network");

	unlink "/tmp/procmgr-read.$pid";
}

# as psutil counts: a deleted file is none

{
	my $pid = kid(65534, 1);
	my (undef, $got) = ask_for(7, $pid);
	like($got->{$pid}{0}{data}, qr!procmgr-read\.\d+ \(deleted\)\0!,
		'a deleted file is a descriptor');
	unlike($got->{$pid}{1}{data}, qr/procmgr-read/, 'and no open file');
	my (undef, $n) = ask_for(4, $pid);
	is($n->{$pid}{2}{data}, $got->{$pid}{2}{data},
		'counted alone it is the same number');
}

# not the one that was meant

{
	my ($r, $got) = ask_for(0, [$root, $all, start_time($root) + 1],
		[$www, 1, 0], [4194304 - 1, 3, 0], [0, 1, 0], [-1, 1, 0],
		[0x7fffffff, 1, 0]);

	is(Test::Helper::word($r), 'ok', 'a batch of odd ones');
	is(join(' ', map { $_->{error} } values %{$got->{$root}}),
		join(' ', (POSIX::ESRCH()) x keys %FIELD), 'another start: ESRCH');
	is($got->{$www}{0}{error}, 0, 'start 0 is any');
	is($got->{4194303}{1}{error}, POSIX::ENOENT(), 'no such process');
	is($got->{0}{0}{error}, POSIX::EINVAL(), 'pid 0');
	is($got->{-1}{0}{error}, POSIX::EINVAL(), 'pid -1');
	is($got->{0x7fffffff}{0}{error}, POSIX::ENOENT(), 'the largest');
}

# what a role may

{
	my $r = $h->ask(verb => 'read', role => 'viewer',
		_pids => [[$root, 1 << $FIELD{environ}, 0]]);
	is(Test::Helper::word($r), 'refused policy_denied', 'a denied field');
	is($r->{bytes} > 16 && $r->{bytes} < 300 && "@{$r->{records}}", '',
		'gives nothing');

	$r = $h->ask(verb => 'read', role => 'viewer', _pids => [[$root, $all, 0]]);
	is(Test::Helper::word($r), 'ok', 'among others');
	is(join(' ', sort { $a <=> $b } map { $_->{field} } @{$r->{records}}),
		'0 1 2', 'the others come');
	is($r->{final}{denied},
		'exe,cwd,environ,io,cmdline,maps,smaps,smaps_rollup,netns',
		'and it is said which did not');

	$r = $h->ask(verb => 'read', role => 'operator',
		_pids => [[$root, 1, 0]]);
	is(Test::Helper::word($r), 'refused policy_denied', 'another role');

	$r = $h->ask(verb => 'read', _pids => [[$root, 0xfffff000, 0]]);
	is(Test::Helper::word($r), 'refused policy_denied', 'unknown fields');
	is(Test::Helper::word($h->ask(verb => 'read', _pids => [])), 'ok',
		'of nobody');
}

# no way out of /proc: a process with its own root, and links everywhere

{
	my $canary = "canary-$$-" . int rand 1e9;
	mkdir "$d/jail";
	mkdir "$d/jail/proc";
	$h->write('jail/secret', $canary, 0600);
	$h->write('secret', $canary, 0600);

	my $pid = fork();

	if ($pid == 0) {
		chdir "$d/jail";
		open our $f, '<', "$d/secret";
		chroot "$d/jail";
		sleep 600;
		POSIX::_exit(0);
	}

	push @kids, $pid;
	sleep 0.1;

	my ($r) = ask_for($all, $pid);
	unlike(join('', map { $_->{data} } @{$r->{records}}), qr/$canary/,
		'contents of what is open are not read');

	# the names of files are fixed; a process id is a number

	my $text = $h->text(verb => 'read', path => "$pid/root/secret",
		fields => '../../etc/shadow', name => 'root/etc/shadow');
	$r = $h->exchange(Test::Helper::frame($text));
	unlike(join('', map { $_->{data} } @{$r->{records}}), qr/$canary|root:/,
		'no words of a request are a path');
}

# what a reader may do; and one that hangs, for which it is stopped here

{
	my $stopper = fork();

	if ($stopper == 0) {
		my $end = time() + 10;

		while (time() < $end) {
			for my $p (glob('/proc/[0-9]*')) {
				next if (readlink("$p/exe") // '') ne $h->{helper};
				open my $f, '<', "$p/status" or next;
				my $s = do { local $/; <$f> };
				next unless $s =~ /^Uid:\t65534\t65534\t65534\t65534$/m
					&& $s =~ /^CapPrm:\t0*80000$/m;
				kill 'STOP', $p =~ /(\d+)/;
				$h->write('reader', $s . 'root=' . readlink("$p/root"));
				POSIX::_exit(0);
			}
		}

		POSIX::_exit(1);
	}

	my $t = time();
	my $r = $h->ask(verb => 'read', _pids => [[$root, 1, 0],
		map { [$nobody, $all, 0] } 1 .. 3000]);
	my $took = time() - $t;

	waitpid $stopper, 0;
	is($?, 0, 'a reader was stopped');

	open my $f, '<', "$d/reader";
	my $s = do { local $/; <$f> // '' };
	like($s, qr/^CapEff:\t0*80000$/m, 'it has CAP_SYS_PTRACE alone');
	like($s, qr/^CapInh:\t0+$/m, 'and nothing to inherit');
	like($s, qr/^Gid:\t65534\t65534\t65534\t65534$/m, 'no group');
	like($s, qr/^Groups:\s*$/m, 'no groups');
	like($s, qr/^NoNewPrivs:\t1$/m, 'it cannot get more');
	like($s, qr!root=/proc/\d+/fdinfo$!, 'its root holds nothing');

	is(Test::Helper::word($r), 'ok', 'the others were read');
	cmp_ok($took, '>', 1.9, 'after 2 s');
	is($r->{rest}, '', 'whole frames');

	my %n;
	$n{$_->{error}}++ for @{$r->{records}};
	is(scalar(@{$r->{records}}), 1 + keys(%FIELD) * 3000, 'a record of each');
	cmp_ok($n{POSIX::ETIMEDOUT()} // 0, '>', 0, 'one says ETIMEDOUT');
	cmp_ok($n{POSIX::ETIMEDOUT()} // 0, '<=', scalar keys %FIELD, 'and no other');
}

# the whole host at once, quickly

{
	my @pids = map { m!(\d+)$! } glob('/proc/[0-9]*');
	my $many = 3000;
	my @list = map { [$pids[$_ % @pids], 1 << $FIELD{nfiles}, 0] }
		0 .. $many - 1;

	my $t = time();
	my $r = $h->ask(verb => 'read', _pids => \@list);
	my $took = time() - $t;

	is(Test::Helper::word($r), 'ok', "$many processes at once");
	cmp_ok($took, '<', 5, sprintf '%.0f ms', 1000 * $took);
	is(scalar(@{$r->{records}}), $many, 'a record of each');

	$r = $h->ask(verb => 'read', _pids => [map { [$_, $all, 0] } @pids]);
	is(Test::Helper::word($r), 'ok', 'all files of all processes');
	is($r->{rest}, '', 'whole frames');
	is(scalar(@{$r->{records}}), keys(%FIELD) * @pids, 'a record of each');
}

# nobody waits longer than the request is good for

{
	my $r = $h->ask(verb => 'read', expires => Test::Helper::boot_ms() + 600,
		_pids => [map { [$root, $all, 0] } 1 .. 50000]);
	is(Test::Helper::word($r), 'ok', 'more than the time allows');
	is(scalar(@{$r->{records}}), keys(%FIELD) * 50000, 'a record of each');
	is($r->{records}[-1]{error}, POSIX::ETIMEDOUT(), 'the last ones late');
}

# large ones come whole

{
	my $pid = fork();

	if ($pid == 0) {
		%ENV = map { ("V$_" => 'x' x 100000) } 1 .. 15;
		exec { $^X } $^X, '-e', 'sleep 600';
	}

	push @kids, $pid;

	# it is the new program when its environment is there
	for (1 .. 200) {
		open my $f, '<', "/proc/$pid/environ" or last;
		last if read($f, my $text, 2_000_000) > 1_500_000;
		sleep 0.05;
	}

	my (undef, $got) = ask_for(1 << $FIELD{environ}, $pid);
	cmp_ok(length $got->{$pid}{$FIELD{environ}}{data}, '>', 1500000,
		'an environment of 1.5 MB');
}

# a client that does not read does not keep a reader for ever

{
	my $r = $h->ask(verb => 'read', _timeout => 0.01,
		_pids => [map { [$$, $all, 0] } 1 .. 2000]);
	sleep 1.5;
	my @left = grep {
		(readlink("$_/exe") // '') eq $h->{helper}
	} glob('/proc/[0-9]*');
	is(scalar(@left), 0, 'nobody listens: it ends') or diag("@left");
}

done_testing();
