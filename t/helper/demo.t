#!/usr/bin/perl

# The example policy and the demonstration service, as root and as a user.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

my $examples = "$FindBin::Bin/../../examples";

sub example {
	my ($name) = @_;
	open my $f, '<', "$examples/$name" or die "$name: $!";
	local $/;
	return <$f>;
}

# a zombie is gone, whenever its parent notices

sub state {
	my ($pid) = @_;
	open my $f, '<', "/proc/$pid/stat" or return '';
	return <$f> =~ s/^.*\) //r;
}

for my $un ($> == 0 ? (0, 1) : 1) {
	my $who = $un ? 'user' : 'root';
	my $h = Test::Helper->new(unprivileged => $un);
	my $d = $h->{dir};

	mkdir "$d/demo";
	chown $h->{uid}, $h->{gid}, "$d/demo" if $un && $> == 0;
	$h->policy(example('policy.conf') =~ s/\@PREFIX\@/$d/gr);
	$h->write('demo/procmgr-demo',
		example('procmgr-demo') =~ s/\@PREFIX\@/$d/gr, 0755);

	is($h->ask()->{final}{policy}, 'ok', "$who: the example policy");

	my $r;
	my $act = sub {
		$r = $h->ask(verb => 'service', name => 'demo', action => $_[0],
			role => $_[1] // 'operator');
		return Test::Helper::word($r) . ' '
			. ($r->{final}{before_state} // '?') . ' '
			. ($r->{final}{after_state} // '?');
	};

	is($act->('status'), 'ok inactive inactive', "$who: not there");
	is($act->('start'), 'ok inactive active', "$who: start");
	is($r->{stdout}, "procmgr-demo started\n", "$who: in its words");

	my $pid = $r->{final}{after_pid};
	ok($pid && -d "/proc/$pid", "$who: a process of its own");
	is((stat("/proc/$pid"))[4], $un ? $h->{uid} : 0, "$who: is the user's");

	is($act->('start'), 'ok unchanged active active', "$who: start again");
	is($act->('restart'), 'ok active active', "$who: restart");
	isnt($r->{final}{after_pid}, $pid, "$who: another process");
	unlike(state($pid), qr/^[^ZX]/, "$who: instead of the first");

	$pid = $r->{final}{after_pid};
	is($act->('status', 'viewer'), 'ok active active', "$who: a viewer looks");
	is($act->('stop', 'viewer'), 'refused role_too_low ? ?',
		"$who: and that is all");

	kill 'KILL', $pid;
	select undef, undef, undef, 0.2;
	is($act->('status'), 'ok failed failed', "$who: killed: it failed");
	is($act->('restart'), 'ok failed active', "$who: and comes back");
	is($act->('stop'), 'ok active inactive', "$who: stop");
	is($act->('stop'), 'ok unchanged inactive inactive', "$who: stop again");
	is($act->('restart'), 'ok inactive active', "$who: restart from nothing");
	is($act->('stop'), 'ok active inactive', "$who: stop");

	# what else the example permits

	$r = $h->ask(verb => 'journal', name => 'demo', lines => 3,
		role => 'operator');
	is(Test::Helper::word($r), 'ok', "$who: its log");
	like($r->{stdout}, qr/procmgr-demo \d+ started\n.*ended\n$/,
		"$who: says what it did");

	$r = $h->ask(verb => 'command', role => 'operator', measure => 1,
		argv => join("\x1f", qw(procmgr-demo work 32)));
	is(Test::Helper::word($r), 'ok', "$who: the demonstration command");
	is($r->{stdout}, "procmgr-demo held 32 MB\n", "$who: what it says");
	cmp_ok($r->{final}{usage_maxrss_kb}, '>', 32 * 1024, "$who: its memory");
	cmp_ok($r->{final}{usage_real_us}, '>', 900_000, "$who: about a second");
	cmp_ok($r->{final}{usage_real_us}, '<', 6_000_000, "$who: not many");
	cmp_ok(scalar(@{$r->{records}}), '>', 3, "$who: samples of it");

	$r = $h->ask(verb => 'list', role => 'operator');
	my %kinds = map { $_->{kind} => $_ }
		map { Test::Helper::parse($_->{data}) } @{$r->{records}};
	is($kinds{command}{example}, 'procmgr-demo work 32', "$who: an example");
	is($kinds{signal}{sigs}, 'KILL,TERM,CONT,STOP', "$who: signals");
	is($kinds{signal}{uid}, '1000..59999', "$who: whose");
	is($kinds{priority}{nice}, '0..19', "$who: priorities");
	is($h->ask(verb => 'list', role => 'viewer')->{final}{entries}, 2,
		"$who: a viewer sees the service and what may be read");

	# the script by itself: codes of the standard

	my $s = "$d/demo/procmgr-demo";
	my $run = sub { system("$s $_[0] >/dev/null 2>&1"); return $? >> 8; };

	is(join(' ', map { $run->($_) } qw(status stop start start status
		restart force-reload status stop stop status nonsense work), ''),
		'3 0 0 0 0 0 0 0 0 0 3 2 2 2', "$who: exit codes");
}

done_testing();
