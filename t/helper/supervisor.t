#!/usr/bin/perl

# Programs and groups of a real supervisord: its exit codes say 0 to what
# failed, so that only the state before and after counts.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;
use Time::HiRes qw(sleep);

plan(skip_all => 'no supervisor') unless -x '/usr/bin/supervisord';

my $h = Test::Helper->new();
my $d = $h->{dir};
my ($r, $daemon);

END {
	my $rc = $?;
	if ($daemon) {
		kill 'TERM', $daemon;
		waitpid $daemon, 0;
	}
	$? = $rc;
}

$h->write('supervisord.conf', <<"EOF", 0600);
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=$d/supervisord.pid
childlogdir=$d
[unix_http_server]
file=$d/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://$d/supervisor.sock
[program:one]
command=/bin/sleep 1000
autostart=false
startsecs=0
[program:talks]
command=/bin/sh -c 'echo it works; exec sleep 1000'
autostart=true
startsecs=0
[program:dies]
command=/bin/false
autostart=false
startretries=0
startsecs=1
[program:missing]
command=/no/such/program
autostart=false
[program:ends]
command=/bin/true
autostart=false
autorestart=false
startsecs=0
[program:a]
command=/bin/sleep 1000
startsecs=0
autostart=false
[program:b]
command=/bin/sleep 1000
startsecs=0
autostart=false
[group:pair]
programs=a,b
EOF

my $conf = "config=$d/supervisord.conf";
my $all = 'actions=start,stop,restart,reload,status roles=admin';

$h->policy(join('', map { "service $_->[0] supervisor $_->[1] $conf $all\n" }
	['one', 'one'], ['talks', 'talks'], ['dies', 'dies'],
	['missing', 'missing'], ['pair', 'pair:*'], ['half', 'pair:a'],
	['nosuch', 'nosuch'], ['nogroup', 'nogroup:*'], ['ends', 'ends'])
	. "service noconf supervisor one config=$d/none.conf $all\n"
	. "service loose supervisor one config=$d/loose.conf $all\n"
	. "journal unit=talks,pair:a roles=admin lines=50\n");

sub act {
	my ($name, $action) = @_;
	$r = $h->ask(verb => 'service', name => $name, action => $action);
	return Test::Helper::word($r);
}

sub change {
	return ($r->{final}{before_state} // '?') . ' '
		. ($r->{final}{after_state} // '?');
}

sub rc {
	return $r->{final}{exit_code} // 'none';
}

# it does not run

is(act('one', 'status'), 'ok', 'status without supervisord');
is(change(), 'unknown unknown', 'is not known');
is(act('one', 'start'), 'failed manager_unavailable', 'start');
is(rc(), 7, 'status 7');

is(act('noconf', 'start'), 'refused config_invalid', 'no configuration');
$h->write('loose.conf', "[supervisorctl]\n", 0666);
is(act('loose', 'start'), 'refused config_invalid',
	'one that others can write');

$daemon = fork();
if ($daemon == 0) {
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	no warnings 'exec';
	exec '/usr/bin/supervisord', '-n', '-c', "$d/supervisord.conf";
	POSIX::_exit(1);
}

for (1 .. 100) {
	last if -S "$d/supervisor.sock";
	sleep 0.1;
}

# a program

is(act('one', 'start'), 'ok', 'start');
is(change(), 'inactive active', 'it runs now');
my $pid = $r->{final}{after_pid};
ok($pid && -d "/proc/$pid", 'its process');
is($r->{final}{argv}, "/usr/bin/supervisorctl\x1f-c\x1f$d/supervisord.conf"
	. "\x1fstart\x1fone", 'the words');
is(act('one', 'start'), 'ok unchanged', 'start of a running one');
is(act('one', 'status'), 'ok', 'status');
is($r->{final}{after_sub}, 'RUNNING', 'in its own words');
is(act('one', 'restart'), 'ok', 'restart');
isnt($r->{final}{after_pid}, $pid, 'another process');
is(act('one', 'stop'), 'ok', 'stop');
is(change(), 'active inactive', 'it does not run');
is(act('one', 'stop'), 'ok unchanged', 'stop of a stopped one');
is(act('one', 'restart'), 'ok', 'restart of a stopped one');
is(rc(), 0, 'status 0');
is(change(), 'inactive active', 'starts it');
is(act('one', 'reload'), 'refused not_supported', 'no reload');

# what fails

is(act('dies', 'start'), 'failed start_failed', 'one that dies');
is(rc(), 7, 'status 7');
is($r->{final}{after_state}, 'failed', 'failed');
is(act('missing', 'start'), 'failed missing_program', 'without its program');
like(rc(), qr/^[17]$/, 'status 1');
is(act('ends', 'start'), 'failed no_effect', 'one that ends at once');
is(rc(), 0, 'status 0 all the same');
is(act('nosuch', 'start'), 'failed not_found', 'no such program');
is(rc(), 1, 'status 1');
is(act('nosuch', 'stop'), 'failed not_found', 'stop of none');
is(rc(), 1, 'status 1');
is(act('nogroup', 'start'), 'failed not_found', 'no such group');
is(rc(), 2, 'status 2');
is(act('nogroup', 'stop'), 'failed not_found', 'stop of none');
is(rc(), 1, 'status 1');

# a group

is(act('pair', 'start'), 'ok', 'start of a group');
is(change(), 'inactive active', 'all run');
is($r->{final}{after_sub}, '2 of 2 running', 'both');
is(act('pair', 'start'), 'ok unchanged', 'again');
is(act('half', 'stop'), 'ok', 'one of them stops');
is(act('pair', 'status'), 'ok', 'status of the group');
is("$r->{final}{after_state} $r->{final}{after_sub}",
	'failed 1 of 2 running', 'is not what it should be');
is(act('pair', 'start'), 'ok', 'start of the rest');
is(change(), 'failed active', 'all run');
is(act('pair', 'restart'), 'ok', 'restart');
is(act('half', 'stop'), 'ok', 'one of them stops');
is(act('pair', 'stop'), 'ok', 'stop');
is(change(), 'failed inactive', 'none runs');

# what it says

sub journal {
	my ($name, $lines, %o) = @_;
	$r = $h->ask(verb => 'journal', name => $name, lines => $lines, %o);
	return Test::Helper::word($r);
}

is(journal('talks', 10), 'ok', 'the log of a program');
like($r->{stdout}, qr/^it works\n+\z/, 'its line');
is($r->{final}{argv}, "/usr/bin/supervisorctl\x1f-c\x1f$d/supervisord.conf"
	. "\x1ftail\x1f-65536\x1ftalks", 'the words');
is(journal('one', 10), 'refused policy_denied', 'not of another');

# the list

act('pair', 'start');
$r = $h->ask(verb => 'list', name => 'pair', live => 1);
my $l = Test::Helper::parse($r->{records}[0]{data});
is("$l->{manager} $l->{state}", 'supervisor active', 'listed');
is(scalar(() = $l->{pids} =~ /\d+/g), 2, 'with its processes');

done_testing();
