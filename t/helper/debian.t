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

my ($version) = map { m!postgresql/(\d+)/bin! }
	glob('/usr/lib/postgresql/*/bin/postgres');

my %pidfile = (cron => '/run/crond.pid', nginx => '/run/nginx.pid',
	supervisor => '/run/supervisord.pid', ssh => '/run/sshd.pid',
	postgresql => '/run/postgresql/' . ($version // 0) . '-main.pid');

delete $pidfile{postgresql} unless $version && -x '/usr/bin/pg_createcluster'
	&& system("pg_createcluster $version main > /run/made 2>&1") == 0;

my @have = grep { -x "/etc/init.d/$_" } sort keys %pidfile;
plan(skip_all => 'none of these scripts is installed') unless @have;

my $h = Test::Helper->new();
my $r;

$h->policy(join '', map { "service $_ lsb $_ actions=start,stop,restart,"
	. "status,enable,disable roles=admin timeout=60s pidfile=$pidfile{$_}\n" }
	@have, keys %{{ none => $pidfile{none} = '/run/none.pid' }});

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


	# nginx's workers live on, and of PostgreSQL nothing does

	next if $name eq 'nginx' || $name eq 'postgresql';

	act($name, 'start');
	kill 'KILL', $r->{final}{after_pid} // 0;
	select undef, undef, undef, 0.3;
	is(act($name, 'status'), 'ok failed failed', "$name: killed");
}

# at boot

SKIP: {
	skip 'no overlay here', 1 unless -d '/run/etc.up';

	for my $name (@have) {
		my $enabled = sub {
			scalar(grep { m!/S\d\d\Q$name\E$! } glob('/etc/rc2.d/*'));
		};

		skip "$name has no runlevel", 1 unless $enabled->();

		is(act($name, 'enable') =~ s/ \w+ \w+$//r, 'ok unchanged',
			"$name: enabled already");
		is(act($name, 'disable') =~ s/ \w+ \w+$//r, 'ok', "$name: disable")
			or diag(explain($r));
		is("$r->{final}{before_enabled} $r->{final}{after_enabled}",
			'enabled disabled', "$name: before and after");
		is($enabled->(), 0, "$name: it is not started at boot");
		is(act($name, 'disable') =~ s/ \w+ \w+$//r, 'ok unchanged',
			"$name: disable again");
		is(act($name, 'enable') =~ s/ \w+ \w+$//r, 'ok', "$name: enable")
			or diag(explain($r));
		is($enabled->(), 1, "$name: it is started at boot");
	}

	$h->write('/etc/init.d/none', "#!/bin/sh\nexit 3\n", 0755);
	is(act('none', 'enable'), 'failed not_installable inactive inactive',
		'one without runlevels');

	$h->script('elsewhere', "exit 3\n");
	$h->policy("service elsewhere lsb $h->{dir}/elsewhere actions=enable "
		. "roles=admin\n");
	is(act('elsewhere', 'enable'), 'refused not_supported ? ?',
		'one that is not among the init scripts');
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
		. ' && mkdir /var/log/nginx /var/log/supervisor /var/log/postgresql'
		. ' && chown postgres:adm /var/log/postgresql'
		. ' ; mkdir /run/etc.up /run/etc.work && mount -t overlay overlay -o '
		. 'lowerdir=/etc,upperdir=/run/etc.up,workdir=/run/etc.work /etc'
		. ' && rm -rf /etc/postgresql/[0-9]*'      # of the overlay alone
		. ' || rmdir /run/etc.up'
		. ' ; [ ! -d /var/lib/postgresql ] || { mount -t tmpfs -o mode=755 '
		. 'tmpfs /var/lib/postgresql; chown postgres: /var/lib/postgresql; }'
		. " && $^X $self inside; exit \$?");   # its parent ends zombies
	exit($rc >> 8 || ($rc ? 1 : 0));
}
