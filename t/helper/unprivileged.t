#!/usr/bin/perl

# The helper of a plain user's instance: no more rights than that user has,
# and it says so.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper qw(%FIELD);
use Test::More;

my $h = Test::Helper->new(unprivileged => 1);
my $d = $h->{dir};

$h->policy("service svc lsb $d/svc actions=restart roles=admin\n"
	. "read fields=all roles=admin\n");
$h->script('svc', "[ \$1 = status ] || { id -u; id -ru; }\n");

my @act = (verb => 'service', name => 'svc', action => 'restart');

my $r = $h->ask();
is(Test::Helper::word($r), 'ok', 'status');
is($r->{final}{unprivileged}, 1, 'it says what it is');
is($r->{final}{setuid}, 0, 'and what it is not');
is($r->{final}{policy}, 'ok', 'the policy is the user\'s');
is($r->{final}{spool}, 'ok', 'so is the spool');

$r = $h->ask(@act);
is(Test::Helper::word($r), 'ok', 'an action');
is($r->{stdout}, "$h->{uid}\n$h->{uid}\n", 'with the user\'s own rights');

is(Test::Helper::word($h->ask(@act, role => 'viewer')),
	'refused role_too_low', 'the policy counts here too');

$r = $h->ask(verb => 'read', _pids => [[1, 1 << $FIELD{environ}, 0]]);
is(Test::Helper::word($r), 'ok', 'a read');
isnt($r->{records}[0]{error}, 0, 'what the user may not read is an error');

SKIP: {
	skip 'not root', 9 if $> != 0;

	my $kid = fork();

	if ($kid == 0) {
		$( = $h->{gid};
		$) = "$h->{gid} $h->{gid}";
		POSIX::setuid($h->{uid});
		exec { $^X } $^X, '-e', 'sleep 600';
	}

	select undef, undef, undef, 0.2;
	$r = $h->ask(verb => 'read',
		_pids => [[$kid, (1 << keys %FIELD) - 1, 0]]);
	is(scalar(grep { $_->{error} == 0 } @{$r->{records}}), scalar(keys %FIELD),
		'what the user may read is read');
	kill 'KILL', $kid;
	waitpid $kid, 0;

	is(Test::Helper::word($h->ask(@act, _uid => 0, _gid => 0)),
		'refused bad_caller', 'root is refused');
	is(Test::Helper::word($h->ask(@act, _uid => 33)),
		'refused bad_caller', 'another user is refused');

	chown 0, 0, $h->{helper};
	chmod 04755, $h->{helper};
	is(Test::Helper::word($h->ask(@act)), 'refused bad_caller',
		'setuid by mistake is refused');
	chown $h->{uid}, $h->{gid}, $h->{helper};
	chmod 0755, $h->{helper};

	chown 33, -1, "$d/policy.conf";
	is(Test::Helper::word($h->ask(@act)), 'error policy_invalid',
		'a policy of another user');
	chown 0, -1, "$d/policy.conf";
	is(Test::Helper::word($h->ask(@act)), 'ok', 'one of root is well');

	chown 33, -1, "$d/svc";
	is(Test::Helper::word($h->ask(@act)), 'refused not_executable',
		'a program of another user');
	chown 0, -1, "$d/svc";
	is(Test::Helper::word($h->ask(@act)), 'ok', 'one of root is well');
	chmod 0666, "$d/svc";
	is(Test::Helper::word($h->ask(@act)), 'refused not_executable',
		'one that all may write');
}

done_testing();
