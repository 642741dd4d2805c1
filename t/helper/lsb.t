#!/usr/bin/perl

# LSB scripts as they are found: what their exit codes mean, and what the
# state before and after makes of them.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->policy("service plain lsb $d/svc actions=start,stop,restart,reload,status"
	. " roles=admin timeout=1s\n"
	. "service file lsb $d/svc actions=start,stop,restart,reload,status"
	. " roles=admin timeout=1s pidfile=$d/pid\n"
	. "service cron lsb no-such-script actions=status roles=admin\n"
	. "service update lsb $d/svc actions=enable,disable roles=admin\n");

my $stub = fork();
if ($stub == 0) { sleep 600; POSIX::_exit(0); }

END { kill 'KILL', $stub if $stub; }

# state: a file "up"; codes of start, stop, restart, status up, status down

sub script {
	my (%c) = @_;

	my $up = $c{up} // 0;
	my $down = $c{down} // 3;
	my $write = $c{pid} // $stub;

	$h->script('svc', <<"END");
case \$1 in
status) if [ -e $d/up ]; then exit $up; else exit $down; fi ;;
start) [ -e $d/up ] && exit @{[$c{again} // 0]}
    @{[$c{fails} ? ':' : "touch $d/up; echo $write > $d/pid"]}
    exit @{[$c{start} // 0]} ;;
stop) [ -e $d/up ] || exit @{[$c{stopped} // 0]}
    @{[$c{fails} ? ':' : "rm -f $d/up $d/pid"]}
    exit @{[$c{stop} // 0]} ;;
restart) @{[$c{fails} ? ':' : "touch $d/up; echo $write > $d/pid"]}
    exit @{[$c{restart} // 0]} ;;
reload) exit @{[$c{reload} // 0]} ;;
*) exit 2 ;;
esac
END
}

sub state {
	my ($up) = @_;

	unlink "$d/up", "$d/pid";
	$h->write('up', '') if $up;
	$h->write('pid', "$stub\n") if $up;
}

my $r;

sub act {
	my ($name, $action) = @_;
	$r = $h->ask(verb => 'service', name => $name, action => $action);
	return Test::Helper::word($r);
}

sub change {
	return ($r->{final}{before_state} // '?') . ' '
		. ($r->{final}{after_state} // '?');
}

# start, stop, again

script();
state(0);

is(act('plain', 'start'), 'ok', 'start');
is(change(), 'inactive active', 'it runs now');
is($r->{final}{exit_code}, 0, 'status 0');

is(act('plain', 'start'), 'ok unchanged', 'start of a running one');
is(change(), 'active active', 'it ran before');
ok(!defined $r->{final}{exit_code}, 'nothing had to be run');

is(act('plain', 'stop'), 'ok', 'stop');
is(change(), 'active inactive', 'it does not run now');

is(act('plain', 'stop'), 'ok unchanged', 'stop of a stopped one');

# scripts that call it an error, as supervisor's does

script(again => 1, stopped => 1, down => 1);
state(1);
is(act('plain', 'start'), 'ok unchanged', 'again, where that is status 1');
state(0);
is(act('file', 'stop'), 'ok unchanged', 'the same of stop');
is(change(), 'inactive inactive', 'no pid file: status 1 is no failure');
is(act('plain', 'status'), 'ok', 'status');
is(change(), 'failed failed', 'without the policy\'s pid file it is one');

# what status says

for my $c ([0, 'active'], [3, 'inactive'], [1, 'failed'], [2, 'failed'],
	[4, 'unknown'], [5, 'unknown'], [127, 'unknown'], [255, 'unknown'])
{
	script(up => $c->[0]);
	state(1);
	is(act('file', 'status'), 'ok', "status $c->[0]");
	is($r->{final}{after_state}, $c->[1], "is $c->[1]");
}

script();
state(1);
act('file', 'status');
is($r->{final}{after_pid}, $stub, 'the process of the pid file');
act('plain', 'status');
ok(!defined $r->{final}{after_pid}, 'not known without one');

for my $pid ('', 'x', 0, 1, -5, 99999999, '12' x 30) {
	$h->write('pid', $pid);
	act('file', 'status');
	ok(!defined $r->{final}{after_pid}, 'pid file with "'
		. substr($pid, 0, 10) . '"');
}

# after kill -9: dead, the pid file left

script(up => 1);
state(1);
is(act('file', 'start'), 'failed no_effect', 'start of a failed one');
is(change(), 'failed failed', 'which stays so');

# codes that lie, and codes that do not

script(fails => 1);
state(0);
is(act('plain', 'start'), 'failed no_effect',
	'start says 0 and nothing runs, as cron\'s of a plain user');
state(1);
is(act('plain', 'stop'), 'failed no_effect', 'stop says 0 and it runs on');

script(start => 1);
state(0);
is(act('plain', 'start'), 'failed exit_status', 'it runs, but start said 1');
is(change(), 'inactive active', 'both are told');

script(start => 6, fails => 1);
state(0);
is(act('plain', 'start'), 'failed exit_status', 'not configured: status 6');
is($r->{final}{exit_code}, 6, 'which is told');

# restart

script();
state(0);
is(act('file', 'restart'), 'ok', 'restart of a stopped one');
is(change(), 'inactive active', 'starts it');

script(pid => $$);
is(act('file', 'restart'), 'ok', 'restart');
is($r->{final}{before_pid}, $stub, 'the process before');
is($r->{final}{after_pid}, $$, 'the process after');

is(act('file', 'restart'), 'failed not_restarted',
	'restart says 0 and the same process runs');
is(act('plain', 'restart'), 'ok', 'without a pid file that is not seen');

script(restart => 1);
is(act('plain', 'restart'), 'failed exit_status', 'restart said 1');

# reload

script();
state(1);
is(act('plain', 'reload'), 'ok', 'reload');
script(reload => 3);
is(act('plain', 'reload'), 'failed exit_status', 'reload is not known: 3');
script();
state(0);
is(act('plain', 'reload'), 'failed no_effect', 'reload of a stopped one');

# neither this nor that

is(act('cron', 'status'), 'refused not_executable', 'no such script');
is(act('update', 'enable'), 'refused not_supported', 'enable');

# the list

$h->write('svc', "#!/bin/sh\n### BEGIN INIT INFO\n"
	. "# Short-Description: it <b>waits</b>\n### END INIT INFO\nexit 0\n",
	0755);
state(1);

$r = $h->ask(verb => 'list', live => 1);
is(Test::Helper::word($r), 'ok', 'list');
my @l = map { Test::Helper::parse($_->{data}) } @{$r->{records}};
is(join(' ', map { $_->{name} } @l), 'plain file cron update', 'services');
is($l[1]{state}, 'active', 'live state');
is($l[1]{main_pid}, $stub, 'live process');
is($l[1]{description}, 'it <b>waits</b>', 'description');
is($l[1]{actions}, 'start,stop,restart,reload,status', 'actions');
is($l[2]{program}, '/etc/init.d/no-such-script', 'a name below /etc/init.d');
is($l[2]{state}, 'unknown', 'which is not there');

$r = $h->ask(verb => 'list', name => 'file');
is(scalar(@{$r->{records}}), 1, 'one service');
ok(!defined Test::Helper::parse($r->{records}[0]{data})->{state},
	'not live: nothing is run');

is($h->ask(verb => 'list', role => 'viewer')->{final}{entries}, 0,
	'a role sees what it may do, here nothing');

done_testing();
