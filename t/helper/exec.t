#!/usr/bin/perl

# What is executed: ended at its time with all that it left, its output
# bounded, its end told.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;
use Time::HiRes qw(time sleep);

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy("service svc lsb $d/svc actions=start,stop,restart roles=admin "
	. "timeout=1s\n"
	. "service slow lsb $d/svc actions=start,stop,restart roles=admin "
	. "timeout=20s\n");

sub act {
	my ($body, $action, $name) = @_;
	$h->script('svc', "case \$1 in status) [ ! -e $d/down ] ; exit ;; esac\n"
		. $body);
	return $h->ask(verb => 'service', name => $name // 'svc',
		action => $action // 'restart');
}

# pids of processes with this word in their arguments

sub alive {
	my ($mark) = @_;
	my @found;

	for my $p (glob('/proc/[0-9]*')) {
		open my $f, '<', "$p/cmdline" or next;
		local $/;
		push @found, $p =~ /(\d+)/ if index(<$f> // '', $mark) >= 0;
	}

	return @found;
}

sub session {
	my ($pid) = @_;
	open my $f, '<', "/proc/$pid/stat" or return 0;
	return (split / /, <$f> =~ s/^.*\) //r)[3];
}

my $r = act('echo out; echo err >&2; exit 0');
is(Test::Helper::word($r), 'ok', 'an ordinary one');
is($r->{stdout}, "out\n", 'its output');
is($r->{stderr}, "err\n", 'its errors apart');
is($r->{final}{exit_code}, 0, 'its status');
is($r->{final}{truncated}, 0, 'all of it');
is($r->{final}{argv}, "$d/svc\x1frestart", 'its words');

$r = act('exit 7');
is(Test::Helper::word($r), 'failed exit_status', 'a status');
is($r->{final}{exit_code}, 7, 'which one');

$r = act('kill -SEGV $$');
is(Test::Helper::word($r), 'failed killed', 'a signal');
is($r->{final}{signal}, 11, 'which one');
ok(!defined $r->{final}{exit_code}, 'and no status then');

$r = act(q(printf 'a\0b\377\033[31m<img>\n'; printf '%%0A' >&2));
is($r->{stdout}, "a\0b\xff\e[31m<img>\n", 'bytes as they are');
is($r->{stderr}, '%0A', 'and here');

# bounded

$r = act('yes | head -c 200000; head -c 70000 /dev/zero >&2', 'restart', 'slow');
is(Test::Helper::word($r), 'ok', 'much output');
is(length $r->{stdout}, 65536, '64 KiB are kept');
is(length $r->{stderr}, 65536, 'of each');
is($r->{final}{stdout_total}, 200000, 'the rest is counted');
is($r->{final}{stderr_total}, 70000, 'of each');
is($r->{final}{truncated}, 1, 'and said');
is($r->{rest}, '', 'nothing behind it');

my $t = time();
$r = act('exec yes');
is(Test::Helper::word($r), 'failed timeout', 'output without end');
is(length $r->{stdout}, 65536, 'capped');
cmp_ok($r->{final}{stdout_total}, '>', 65536, 'counted');
is($r->{final}{signal}, 15, 'ended by SIGTERM');
cmp_ok(time() - $t, '<', 4, 'at its time');

# a daemon that keeps the output open

$t = time();
$r = act("(exec sleep 7.$$) & echo started", 'restart', 'slow');
is(Test::Helper::word($r), 'ok', 'a child that keeps the output');
is($r->{stdout}, "started\n", 'what was written until the end');
cmp_ok(time() - $t, '<', 3, 'is not waited for');

# it need not have become that program yet

for (1 .. 1000) {
	last if alive("sleep\0007.$$");
	sleep 0.02;
}

is(scalar(alive("sleep\0007.$$")), 1, 'and lives on');

isnt(session(alive("sleep\0007.$$")), session($$), 'in a session of its own');
kill 'KILL', alive("sleep\0007.$$");

# stubborn ones: three ways to survive a signal

$t = time();
my $mark = "$d/mark";
$r = act(<<"END");
trap '' TERM HUP INT
(trap '' TERM; setsid sh -c 'trap "" TERM; while :; do sleep 0.2; done' $mark-1) &
(setsid sh -c '(setsid sh -c "trap \\"\\" TERM; while :; do sleep 0.2; done" $mark-2 &)' &)
perl -e 'use POSIX; exit if fork; setsid(); exit if fork; \$SIG{TERM} = "IGNORE"; \$0 = "$mark-3"; sleep 1 while 1' &
while :; do sleep 0.2; done
END

is(Test::Helper::word($r), 'failed timeout', 'a stubborn tree');
is($r->{final}{signal}, 9, 'ended by SIGKILL');
cmp_ok(time() - $t, '>', 5, 'after 5 s of grace');
cmp_ok(time() - $t, '<', 9, 'and not much more');
is_deeply([alive($mark)], [], 'no survivor');

# a daemon of an action before is not killed with a later one's strays

$r = act("setsid sh -c 'sleep 60' $mark-4 & exit 0", 'restart', 'slow');
is(Test::Helper::word($r), 'ok', 'a service was started');
$r = act('while :; do sleep 0.2; done');
is(Test::Helper::word($r), 'failed timeout', 'a later action hangs');
is(scalar(alive("$mark-4")), 1, 'the service lives');

kill 'KILL', alive("$mark-4");

# one that leaves the state as it was

$h->write('down', '');
$t = time();
$r = act('exit 0', 'start');
is(Test::Helper::word($r), 'failed no_effect', 'success that is none');
like($r->{final}{reason}, qr/reported success, but the service is failed/,
	'and it is said');
cmp_ok(time() - $t, '<', 8, 'after a while');

$t = time();
$r = act("(sleep 0.4; rm $d/down) > /dev/null 2>&1 & exit 0", 'start');
is(Test::Helper::word($r), 'ok', 'an effect that comes late');
is($r->{final}{after_state}, 'active', 'is waited for');

# status that hangs

$h->script('svc', 'case $1 in status) exec sleep 30 ;; esac');
$t = time();
$r = $h->ask(verb => 'service', name => 'svc', action => 'restart');
is($r->{final}{before_state}, 'unknown', 'a status that hangs');
is($r->{final}{before_sub}, 'status timed out', 'is unknown');

done_testing();
