#!/usr/bin/perl

# Debian's own init scripts, in namespaces of their own so that nothing of
# this host is started or stopped.

use warnings;
use strict;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

my $self = abs_path($0);

outside() unless @ARGV && $ARGV[0] eq 'inside';

my %pidfile = (cron => '/run/crond.pid', nginx => '/run/nginx.pid',
	supervisor => '/run/supervisord.pid');

my @have = grep { -x "/etc/init.d/$_" } sort keys %pidfile;
plan(skip_all => 'none of these scripts is installed') unless @have;

my $h = Test::Helper->new();
my $r;

$h->policy(join '', map { "service $_ lsb $_ actions=start,stop,restart,status"
	. " roles=admin timeout=60s pidfile=$pidfile{$_}\n" } @have);

sub act {
	my ($name, $action) = @_;
	$r = $h->ask(verb => 'service', name => $name, action => $action);
	return Test::Helper::word($r) . ' ' . ($r->{final}{before_state} // '?')
		. ' ' . ($r->{final}{after_state} // '?');
}

for my $name (@have) {
	is(act($name, 'status'), 'ok inactive inactive', "$name: not there");
	is(act($name, 'start'), 'ok inactive active', "$name: start")
		or diag(explain($r));
	my $pid = $r->{final}{after_pid};
	ok($pid, "$name: its process");
	is(act($name, 'start'), 'ok unchanged active active',
		"$name: start again");

	# that of supervisor only stops it, and says 0 all the same

	if ($name eq 'supervisor') {
		is(act($name, 'restart'), 'failed no_effect active inactive',
			"$name: restart that is none");
		is(act($name, 'start'), 'ok inactive active', "$name: start");

	} else {
		is(act($name, 'restart'), 'ok active active', "$name: restart")
			or diag(explain($r));
	}

	isnt($r->{final}{after_pid}, $pid, "$name: another process");
	is(act($name, 'stop'), 'ok active inactive', "$name: stop")
		or diag(explain($r));
	is(act($name, 'stop'), 'ok unchanged inactive inactive',
		"$name: stop again");


	next if $name eq 'nginx';          # its workers live on

	act($name, 'start');
	kill 'KILL', $r->{final}{after_pid} // 0;
	select undef, undef, undef, 0.3;
	is(act($name, 'status'), 'ok failed failed', "$name: killed");
}

done_testing();

exit;


sub outside {
	plan(skip_all => 'must be root') if $> != 0;
	plan(skip_all => 'systemd runs here') if -d '/run/systemd/system';

	my $rc = system('unshare', '--pid', '--fork', '--kill-child', '--mount',
		'--mount-proc', '--net', '--ipc', 'sh', '-c',
		'ip link set lo up; mount -t tmpfs tmpfs /run'
		. ' && mkdir /run/lock && mount -t tmpfs tmpfs /var/log'
		. ' && mkdir /var/log/nginx /var/log/supervisor'
		. " && $^X $self inside; exit \$?");   # its parent ends zombies
	exit($rc >> 8 || ($rc ? 1 : 0));
}
