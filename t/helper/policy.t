#!/usr/bin/perl

# What the policy does not name is not run, and a policy that somebody else
# could have written is none.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

my $h = Test::Helper->new();
my $d = $h->{dir};

my $good = "service svc lsb $d/svc actions=restart,start roles=admin\n"
	. "service svc lsb $d/svc actions=status roles=viewer\n"
	. "service other lsb $d/other actions=start roles=operator\n"
	. "service web systemd no-such-procmgr-test.service actions=restart roles=admin\n";

$h->policy($good);
$h->script('svc', "[ \$1 = status ] || echo \$1 >> $d/ran\n");
$h->script('other', "[ \$1 = status ] && exit 3; echo other >> $d/ran\n");

my @act = (verb => 'service', name => 'svc', action => 'restart');

sub act {
	return Test::Helper::word($h->ask(@act, @_));
}

sub ran {
	open my $f, '<', "$d/ran" or return 0;
	return scalar(() = <$f>);
}

is(act(), 'ok', 'permitted');
is(ran(), 1, 'and run');

# denied

is(act(role => 'operator'), 'refused role_too_low', 'role');
is(act(role => 'viewer'), 'refused role_too_low', 'another role');
is(act(action => 'status'), 'refused role_too_low',
	'a role is what a line says, not more');
is(act(action => 'stop'), 'refused action_not_allowed', 'action');
is(act(action => 'reboot'), 'refused action_not_allowed', 'no action');
is(act(action => '-x'), 'refused action_not_allowed', 'an option');
is(act(action => "restart\0"), 'refused bad_request', 'a zero byte');

my %got;

for my $name ('', ' ', 'SVC', 'svc ', ' svc', 'svc.', 'sv', 'svcc', '../svc',
	"$d/svc", './svc', 'svc/', '-svc', '--help', '*', 's?c', "svc\n", "svc\t",
	"svc;id", 'svc|id', '$(id)', '`id`', "svc\x1fother", 'svc other',
	"s\xc3\xa9", "\xff", 'x@', '@', '%73vc', 'x' x 129, 'x' x 2000,
	'service', 'lsb')
{
	$got{act(name => $name)}++;
}

is_deeply(\%got, { 'refused unknown_service' => 33 }, 'names that are none');

{
	my @c = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, split //, '@._:-/ *?$;|&<>~');
	my ($n, $bad) = (0, 0);

	for (1 .. 300) {
		my $name = join '', map { $c[rand @c] } 1 .. 1 + int rand 8;
		next if $name eq 'svc' || $name eq 'other';
		$n++;
		$bad++ if act(name => $name) ne 'refused unknown_service';
	}

	is($bad, 0, "$n generated names");
}

is(ran(), 1, 'nothing else was run');

like(Test::Helper::word($h->ask(verb => 'service', name => 'web',
	action => 'restart')), qr/^failed (manager_unavailable|not_found)$/,
	'another manager');

# the file

my $path = "$d/policy.conf";

sub refused {
	my ($what, $why, $code) = @_;

	my $before = ran();
	my $r = $h->ask(@act);
	is(Test::Helper::word($r), 'error ' . ($code // 'policy_invalid'), $what);
	like($r->{final}{reason}, $why, "$what: said why");
	is(ran(), $before, "$what: nothing was run");

	unlink $path, "$d/target";
	$h->policy($good);
}

unlink $path;
refused('no file', qr/No such file/);

chmod 0664, $path;
refused('writable by the group', qr/writable/);

chmod 0646, $path;
refused('writable by others', qr/writable/);

chown $h->{uid}, -1, $path;
refused('owned by the web user', qr/belongs to uid/);

rename $path, "$d/target";
symlink "$d/target", $path;
refused('a symbolic link', qr/symbolic link/);

link $path, "$d/target";
refused('two links', qr/2 links/);

unlink $path;
POSIX::mkfifo($path, 0600);
refused('a pipe', qr/not a regular file/);

unlink $path;
mkdir $path;
{
	my $r = $h->ask(@act);
	is(Test::Helper::word($r), 'error policy_invalid', 'a folder');
	rmdir $path;
}

$h->policy($good . '#' x 262144 . "\n");
refused('too long', qr/longer than/);

$h->policy($good . "allow everything\n");
refused('an unknown word', qr/line 5: unknown word "allow"/);

$h->policy($good =~ s/actions=status/actoins=status/r);
refused('a mistyped option', qr/line 2: unknown word/);

$h->policy($good =~ s/roles=operator/roles=everybody/r);
refused('an unknown role', qr/line 3: invalid roles/);

$h->policy($good =~ s/actions=start roles/actions=start,kill roles/r);
refused('an unknown action', qr/line 3: invalid actions/);

$h->policy($good . "\0");
refused('a zero byte', qr/line 5/);

$h->policy($good . 'service x');
refused('a line without an end', qr/line 5: the last line/);

$h->policy($good =~ s/\n/\r\n/gr);
refused('lines that end as on DOS', qr/line 1: control character 0d/);

$h->policy($good =~ s/other lsb/svc lsb/r);
refused('one name for two', qr/line 3: service "svc" is another/);

chmod 0777, $d;
refused('a folder that all may write', qr/writable/, 'key_unreadable');
chmod 0755, $d;

chmod 01777, $d;
refused('the same with a sticky bit', qr/writable/, 'key_unreadable');
chmod 0755, $d;

chown $h->{uid}, -1, $d;
refused('a folder of the web user', qr/belongs to uid/, 'key_unreadable');
chown 0, -1, $d;

SKIP: {
	my $set = system("setfacl -m u:$h->{uid}:rw $path 2>/dev/null");
	skip 'no setfacl', 3 if $set;
	chmod 0644, $path;
	refused('an access list', qr/access list|writable/);
}

# the program

sub program {
	my ($what, $why) = @_;

	my $before = ran();
	my $r = $h->ask(@act);
	is(Test::Helper::word($r), 'refused not_executable', $what);
	like($r->{final}{reason}, $why, "$what: said why");
	is(ran(), $before, "$what: nothing was run");

	unlink "$d/svc", "$d/real";
	rmdir "$d/svc";
	$h->script('svc', "[ \$1 = status ] || echo \$1 >> $d/ran\n");
}

unlink "$d/svc";
program('no program', qr/No such file/);

chmod 0775, "$d/svc";
program('a program that the group may write', qr/writable/);

chmod 0757, "$d/svc";
program('a program that others may write', qr/writable/);

chown $h->{uid}, -1, "$d/svc";
program('a program of the web user', qr/belongs to uid/);

chmod 0644, "$d/svc";
program('a program without x', qr/not executable/);

$h->write('svc', "echo \$1 >> $d/ran\n", 0755);
program('neither a binary nor a script', qr/neither/);

unlink "$d/svc";
mkdir "$d/svc";
program('a folder', qr/not a regular file/);

mkdir "$d/open";
chmod 0777, "$d/open";
system("cp $d/svc $d/open/svc; rm $d/svc");
symlink "$d/open/svc", "$d/svc";
program('a link into an open folder', qr/"open" is writable/);

rename "$d/svc", "$d/real";
symlink 'real', "$d/svc";
is(act(), 'ok', 'a link of root to a program of root');

unlink "$d/svc";
symlink 'svc', "$d/svc";
program('a link to itself', qr/too many links/);

# swapped all the time: a policy, and a binary, of root and of the web user

sub swapping {
	my ($target, @files) = @_;

	my $pid = fork();
	return $pid if $pid;

	setpgrp 0, 0;

	for (;;) {
		for my $f (@files) {
			unlink "$d/swap";
			system('cp', '-p', $f, "$d/swap");
			rename "$d/swap", $target;
		}
	}
}

sub stop {
	my ($pid) = @_;
	kill '-KILL', $pid;
	waitpid $pid, 0;
	select undef, undef, undef, 0.1;
}

{
	my %got;
	my $all = $h->write('all.conf', "service svc lsb $d/svc "
		. "actions=restart,stop roles=viewer,operator,admin\n");
	my $own = $h->write('own.conf', $good);
	chown $h->{uid}, -1, $all;

	my $pid = swapping($path, $own, $all);
	$got{act(action => 'stop')}++ for 1 .. 100;
	stop($pid);

	is(join(', ', sort keys %got),
		'error policy_invalid, refused action_not_allowed',
		'swapped policy: never the other one');

	$h->policy($good);
}

{
	my %got;
	system("cp /bin/echo $d/mine; cp /bin/pwd $d/theirs");
	chown $h->{uid}, -1, "$d/theirs";

	# a script goes by its path: none is among those that are swapped
	system('cp', '-p', "$d/mine", "$d/svc");

	my $pid = swapping("$d/svc", "$d/mine", "$d/theirs");

	for (1 .. 60) {
		my $r = $h->ask(@act);
		$got{$r->{final}{result} . ' ' . ($r->{stdout} // '')}++;
	}

	stop($pid);

	# the status may have met the other one, and was refused then

	is(join(', ', grep { !/^((ok|failed) restart|failed|refused)\s*$/ }
		keys %got), '', 'swapped binary: never the other one');
	ok($got{"ok restart\n"} && $got{'refused '}, 'and both were met');
}

done_testing();
