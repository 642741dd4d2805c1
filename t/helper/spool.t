#!/usr/bin/perl

# The spool: there before an action, complete after it, once for each.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket;
use Test::Helper qw(uuid);
use Test::More;
use Time::HiRes qw(time sleep);

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy("service svc lsb $d/svc actions=restart roles=admin timeout=9s\n"
	. "service twin lsb $d/svc actions=restart roles=admin timeout=9s\n"
	. "service lone lsb $d/lone actions=restart roles=admin\n");

$h->script('svc', "[ \$1 = status ] && exit 0; echo \$\$ >> $d/ran; "
	. "[ -e $d/slow ] && sleep 1; echo done; echo oops >&2\n");
$h->script('lone', "exit 0\n");

sub ran {
	open my $f, '<', "$d/ran" or return 0;
	return scalar(() = <$f>);
}

sub act {
	my ($op, $name) = @_;
	return $h->ask(verb => 'service', name => $name // 'svc',
		action => 'restart', op => $op);
}

sub query {
	my ($op) = @_;
	return $h->ask(verb => 'query', op => $op);
}

sub in_background {
	my ($code) = @_;
	my $pid = fork();
	return $pid if $pid;
	$code->();
	POSIX::_exit(0);
}

# none, start, end

my $op = uuid();
my $q = query($op);
is(Test::Helper::word($q), 'ok', 'query of an unknown one');
is($q->{final}{spool}, 'none', 'never started');
is($q->{final}{alive}, 0, 'nothing runs');

my $r = act($op);
is(Test::Helper::word($r), 'ok', 'an action');

$q = query($op);
is($q->{final}{spool}, 'end', 'it ended');
is($q->{final}{alive}, 0, 'and does not run');
delete @{$q->{final}}{qw(spool alive)};
is_deeply($q->{final}, $r->{final}, 'with the answer of then');
is($q->{stdout}, "done\n", 'its output');
is($q->{stderr}, "oops\n", 'its errors');
is($q->{rest}, '', 'and no more');

# while it runs

$h->write('slow', '');
$op = uuid();
my $pid = in_background(sub { act($op) });

for (1 .. 50) {
	$q = query($op);
	last if $q->{final}{spool} ne 'none';
	sleep 0.02;
}

is($q->{final}{spool}, 'start', 'it has started');
is($q->{final}{alive}, 1, 'and runs');

# one at a time for a unit, by whatever name

is(Test::Helper::word(act(uuid())), 'refused busy', 'another one is refused');
is(Test::Helper::word(act(uuid(), 'twin')), 'refused busy',
	'by another name too');
is(Test::Helper::word(act(uuid(), 'lone')), 'ok', 'another unit is not');
is(Test::Helper::word(act($op)), 'refused busy', 'nor run twice at once');

waitpid $pid, 0;
for (1 .. 50) {
	$q = query($op);
	last if $q->{final}{spool} eq 'end';
	sleep 0.05;
}
is($q->{final}{spool}, 'end', 'it has ended');
is(Test::Helper::word(act($op)), 'refused replayed', 'and is not run again');

# twenty at once

{
	unlink "$d/ran";
	my @pids;
	pipe my $in, my $out;

	for (1 .. 20) {
		push @pids, in_background(sub {
			syswrite $out, Test::Helper::word(act(uuid())) . "\n";
		});
	}

	close $out;
	waitpid $_, 0 for @pids;

	my %got;
	$got{$_ =~ s/\n//r}++ while <$in>;
	is_deeply(\%got, { 'ok' => 1, 'refused busy' => 19 },
		'twenty at once: one runs');
	is(ran(), 1, 'one was run');
}

# the same operation twenty times at once

{
	unlink "$d/ran", "$d/slow";
	my @pids;
	$op = uuid();

	push @pids, in_background(sub { act($op) }) for 1 .. 20;
	waitpid $_, 0 for @pids;
	sleep 0.3;

	is(ran(), 1, 'one operation, twenty times: run once');
}

# killed in the middle

$h->write('slow', '');
$op = uuid();
$pid = in_background(sub { act($op) });

my $file = "$d/spool/$op";
for (1 .. 100) { last if -e $file; sleep 0.02; }

{
	open my $f, '<:raw', $file or die "$file: $!";
	local $/;
	my ($worker) = <$f> =~ /^pid=(\d+)$/m;
	ok(kill('KILL', $worker), 'the helper was killed');
	waitpid $pid, 0;
	sleep 0.1;
}

$q = query($op);
is($q->{final}{spool}, 'start', 'it started and did not end');
is($q->{final}{alive}, 0, 'and does not run: nobody knows');
unlink "$d/slow";
is(Test::Helper::word(act($op)), 'refused replayed', 'it is not run again');
is(Test::Helper::word(act(uuid())), 'ok', 'its lock is free');

# torn and hostile files are no end

$op = uuid();
act($op);
$file = "$d/spool/$op";
open my $f, '<:raw', $file;
my $whole = do { local $/; <$f> };

my %got;
for my $n (0 .. length($whole) - 1) {
	next if $n % 7;
	$h->write($file, substr($whole, 0, $n), 0600);
	$got{query($op)->{final}{spool}}++;
}
is_deeply([keys %got], ['start'], 'a torn file is no end');

%got = ();
for (1 .. 60) {
	my $bad = $whole;
	vec($bad, int(rand 8 * length $bad), 1) ^= 1;
	$h->write($file, $bad, 0600);
	$got{query($op)->{final}{spool} // ''}++;
}
cmp_ok($got{end} // 0, '<', 40, 'nor one that was changed behind its start');

unlink $file;
symlink '/etc/passwd', $file;
is(Test::Helper::word(query($op)), 'error spool_failed', 'a link is not read');
unlink $file;

# the folder

my $before = ran();

sub broken {
	my ($what) = @_;
	is(Test::Helper::word(act(uuid())), 'error spool_failed', $what);
	isnt($h->ask()->{final}{spool}, 'ok', "$what: the status says so");
}

chmod 0755, "$d/spool";
broken('a spool that others may read');

chmod 0700, "$d/spool";
chown $h->{uid}, -1, "$d/spool";
broken('a spool of the web user');

chown 0, -1, "$d/spool";
rename "$d/spool", "$d/spool2";
broken('no spool');

symlink "$d/spool2", "$d/spool";
is(Test::Helper::word(act(uuid())), 'ok', 'a link of root to one');
unlink "$d/spool";
rename "$d/spool2", "$d/spool";

is(ran(), $before + 1, 'nothing else was run');

# old ones go

my $old = "$d/spool/" . uuid();
my $new = "$d/spool/" . uuid();
$h->write($_, 'x', 0600) for $old, $new, "$d/spool/lock.x";
utime time() - 8 * 86400, time() - 8 * 86400, $old, "$d/spool/lock.x";
unlink "$d/spool/pruned";
act(uuid());
for (1 .. 20) { last unless -e $old; sleep 0.05; }
ok(!-e $old, 'one of eight days ago is gone');
ok(-e $new, 'a new one is not');
ok(-e "$d/spool/lock.x", 'nor a lock');

# a measured run: its samples are kept with its end

$h->script('work', "sleep 0.5\n");
$h->policy("command work path=$d/work work user=nobody roles=admin\n");
$op = uuid();
$r = $h->ask(verb => 'command', argv => 'work', measure => 1, op => $op);
cmp_ok(scalar(@{$r->{records}}), '>', 2, 'a measured run sends its samples');
$q = query($op);
is($q->{final}{spool}, 'end', 'its end is known later');
is_deeply($q->{records}, $r->{records}, 'with the same samples');
is($q->{final}{usage_maxrss_kb}, $r->{final}{usage_maxrss_kb}, 'and figures');

{
	my ($file) = grep { m!/\Q$op\E$! } $h->spooled();
	open my $f, '<:raw', $file or die "open: $!";
	my $all = do { local $/; <$f> };
	close $f;

	# a byte of a sample, then one of its length

	for my $at (length($all) - 700, index($all, "\nverb") + 200) {
		my $bad = $all;
		substr($bad, $at, 1) = chr(ord(substr $bad, $at, 1) ^ 1);
		$h->write($file, $bad, 0600);
		is(query($op)->{final}{spool}, 'start', "changed at $at: no end");
	}
}

$h->policy("service svc lsb $d/svc actions=restart roles=admin timeout=9s\n");

# the system's log

SKIP: {
	skip 'there is a /dev/log', 6 if -e '/dev/log';

	my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
		Local => '/dev/log') or skip "no /dev/log: $!", 6;

	my $read = sub {
		my @lines;
		while (IO::Select->new($log)->can_read(0.3)) {
			$log->recv(my $line, 4096);
			push @lines, $line;
		}
		return join "\n", @lines;
	};

	$op = uuid();
	act($op);
	my $lines = $read->();
	like($lines, qr/^<85>.*procmgr-helper\[\d+\]: op=$op actor=test /m,
		'who and what for');
	like($lines, qr/ permitted: restart svc /, 'a permitted one is logged');
	like($lines, qr/ok: restart svc, exit 0, active before, active after/,
		'and its end');

	$h->ask(verb => 'service', name => "x\n<0>fake", action => 'restart',
		actor => "a\nb");
	$lines = $read->();
	like($lines, qr/unknown_service/, 'a refused one is logged');
	unlike($lines, qr/^(<0>|b )/m, 'no line can be forged');

	$h->exchange(Test::Helper::frame("x=1\nmac=" . '0' x 64 . "\n"));
	like($read->(), qr/bad_mac/, 'so is a forged one');

	close $log;
	unlink '/dev/log';
}

done_testing();
