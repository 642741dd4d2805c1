#!/usr/bin/perl

# Commands: only the words of the policy, as the user that it names, ended at
# their time, and what they cost, as GNU time says too.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;
use Time::HiRes qw(time);

my $h = Test::Helper->new();
my $d = $h->{dir};
my $r;

$h->script('say', 'echo "$# $*"; id -u; id -g; id -G; echo "$PWD" >&2');
$h->script('env', 'exec /usr/bin/env');
$h->script('sh', '. "$1"');
$h->write('eat', <<'EOF', 0755);
#!/usr/bin/perl
my $x = 'x' x ($ARGV[0] << 20);
select undef, undef, undef, 0.6;
my $t = times + 0.3; 1 while times < $t;
exit $ARGV[1];
EOF

$h->script('lasts', "[ \"\$1\" = status ] && exit 0; echo \$\$ > $d/pid; "
	. "while [ ! -e $d/go ]; do sleep 0.1; done; echo > $d/through");

my @nobody = getpwnam('nobody');

$h->policy(<<"EOF");
command say path=$d/say say one "two words" enum(a,b,c) int(-5..10) user=nobody roles=admin
command same path=$d/say say same user=root roles=admin
command other path=$d/say say same user=root roles=operator
command env path=$d/env env user=nobody roles=admin
command sh path=$d/sh sh enum($d/x,$d/y) user=root roles=admin timeout=1s output=1k
command eat path=$d/eat eat int(1..200) int(0..255) user=nobody roles=admin,operator example="eat 50 0"
command missing path=$d/none none user=root roles=admin
command nouser path=$d/say nouser user=no-such-user-here roles=admin
command long path=/bin/sleep sleep int(0..100) user=nobody roles=admin timeout=30s
command lasts path=$d/lasts lasts user=nobody roles=admin timeout=60s
service lasts lsb $d/lasts actions=restart roles=admin timeout=60s
command elf path=/usr/bin/printf printf %s enum(x,y) user=nobody roles=admin
EOF

sub run {
	my ($words, %o) = @_;
	$r = $h->ask(verb => 'command', argv => join("\x1f", @$words),
		_timeout => 60, %o);
	return Test::Helper::word($r);
}

my @say = ('say', 'one', 'two words', 'b', '7');

is(run(\@say), 'ok', 'a command of the policy');
is((split /\n/, $r->{stdout})[0], '4 one two words b 7', 'its words');
is((split /\n/, $r->{stdout})[1], $nobody[2], 'its user');
is((split /\n/, $r->{stdout})[2], $nobody[3], 'its group');
is((split /\n/, $r->{stdout})[3], $nobody[3], 'no other groups');
is($r->{stderr}, "/\n", 'its folder');
is($r->{final}{id}, 'say', 'which one it was');
is($r->{final}{argv}, join("\x1f", @say), 'and how it was called');
ok(!defined $r->{final}{usage_retval}, 'not measured');
is(run(\@say, id => 'say'), 'ok', 'by its name');
is(run(['printf', '%s', 'y']), 'ok', 'a binary');
is($r->{stdout}, 'y', 'and what it says');

is(run(['env'], _child => sub { %ENV = (LD_PRELOAD => '/x', IFS => 'x',
	BASH_ENV => '/x', A => 1) }), 'ok', 'the environment');
is(join(' ', sort map { /^(\w+)=/ } split /\n/, $r->{stdout}),
	'HOME LANG PATH PWD', 'is fixed');

# words that are none

my %got;

for my $w (['say'], ['say', 'one'], [@say, 'x'],
	['say', 'one', 'two', 'b', 7],
	['say', 'one', 'two', 'words', 'b', 7], ['say one two words b 7'],
	['SAY', @say[1 .. 4]], ["$d/say", @say[1 .. 4]],
	['say', '$(id)', @say[2 .. 4]], ['sh', "$d/z"], ['sh', "$d/x,$d/y"],
	['sh', '-c', 'id'], ['x' x 3000],
	(map { [@say[0 .. 2], $_, 7] } 'd', 'a,b', '', 'enum(a)', "b\n", 'B'),
	(map { [@say[0 .. 3], $_] } 11, -6, '1..2', '', '07', '7 ', '0x7', '+7',
		'7;id', '99999999999', '-'))
{
	$got{run($w)}++;
}

is_deeply(\%got, { 'refused unknown_command' => 30 }, 'other words');

is(run([]), 'refused bad_request', 'none');
is(run([('x') x 65]), 'refused bad_request', 'too many');
is(run(["say\0"]), 'refused bad_request', 'a zero byte');
is(run(\@say, id => 'env'), 'refused unknown_command', 'another one\'s name');
is(run(\@say, id => 'nosuch'), 'refused unknown_command', 'no name');
is(run(\@say, role => 'operator'), 'refused role_too_low', 'role');
is(run(['say', 'same'], role => 'operator'), 'ok', 'the one for this role');
is($r->{final}{id}, 'other', 'of two with these words');
is(run(['say', 'same'], role => 'operator', id => 'same'),
	'refused role_too_low', 'not the other one');
is(run(['none']), 'refused not_executable', 'no program');
is(run(['nouser']), 'refused unknown_user', 'no user');

chmod 0777, "$d/say";
is(run(\@say), 'refused not_executable', 'a program that others can write');
chmod 0755, "$d/say";

# generated words: only exact ones run

{
	my @w = ('say', 'one', 'two words', 'a', 'b', '7', '10', '11', '', '-5',
		'x', 'same', ' ');
	my ($ran, $bad) = (0, 0);

	for (1 .. 400) {
		my @x = map { $w[rand @w] } 1 .. 1 + int rand 6;
		@x = @say if $_ % 50 == 0;
		my $want = join("\x1f", @x) =~ /^say\x1fone\x1ftwo\ words\x1f[abc]
			\x1f(-[1-5]|[0-9]|10)$/x || join("\x1f", @x) eq "say\x1fsame";
		my $ok = run(\@x) eq 'ok';
		$ran += $ok;
		$bad++ if $ok != !!$want;
	}

	is($bad, 0, 'only exact words are run');
	cmp_ok($ran, '>=', 8, "$ran were");
}

# how it ends

sub script {
	$h->write('x', $_[0]);
	return run(['sh', "$d/x"], @_[1 .. $#_]);
}

is(script('exit 3'), 'failed exit_status', 'status');
is($r->{final}{exit_code}, 3, 'which one');
is(script('kill -SEGV $$'), 'failed killed', 'signal');
is($r->{final}{signal}, 11, 'which one');
is(script('printf %03000d 7; printf %02000d 8 >&2'), 'ok', 'much output');
is(length $r->{stdout}, 1024, 'as much as the policy says');
is(length $r->{stderr}, 1024, 'of each');
is($r->{final}{stdout_total}, 3000, 'the rest is counted');
is($r->{final}{truncated}, 1, 'and said');

my $t = time();
is(script('sleep 20'), 'failed timeout', 'longer than its time');
cmp_ok(time() - $t, '<', 4, 'ended then');
is($r->{final}{signal}, 15, 'by SIGTERM');

$t = time();
is(script("trap '' TERM HUP\n(setsid sh -c '(setsid sh -c \"trap \\\"\\\" "
	. "TERM; while :; do sleep 0.2; done\" $d/mark &)' &)\n"
	. "while :; do sleep 0.2; done"), 'failed timeout', 'a stubborn tree');
cmp_ok(time() - $t, '<', 9, 'ended by SIGKILL');

sub alive {
	my ($mark) = @_;
	my $n = 0;

	for my $p (glob('/proc/[0-9]*/cmdline')) {
		open my $c, '<', $p or next;
		$n++ if index(join('', <$c>), $mark) >= 0;
	}

	return $n;
}

is(alive("$d/mark"), 0, 'with all that it has left');

my $op = Test::Helper::uuid();
is(run(['sleep', '0'], op => $op), 'ok', 'once');
is(run(['sleep', '0'], op => $op), 'refused replayed', 'not twice');

{
	my $pid = fork();
	if ($pid == 0) {
		run(['sleep', '3']);
		POSIX::_exit(0);
	}

	for (1 .. 200) {
		last if grep { content($_) eq "sleep\0003\0" }
			glob('/proc/[0-9]*/cmdline');
		select undef, undef, undef, 0.02;
	}

	is(run(['sleep', '0']), 'refused busy', 'one at a time');
	waitpid $pid, 0;
}

# the helper is killed: a command ends with it, an action on a service does not

for my $how ('command', 'measured', 'service') {
	$h->write($_, '', 0666) for 'pid', 'through';
	my $id = Test::Helper::uuid();
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		$how eq 'service'
			? $h->ask(verb => 'service', name => 'lasts', op => $id,
				action => 'restart')
			: run(['lasts'], op => $id,
				$how eq 'measured' ? (measure => 1) : ());
		POSIX::_exit(0);
	}

	my $child = until_true(sub { (content("$d/pid") || 0) + 0 });
	my ($helper) = content("$d/spool/$id") =~ /^pid=(\d+)$/m;
	kill 'KILL', $helper;
	waitpid $pid, 0;

	if ($how ne 'service') {
		ok(until_true(sub { !alive_pid($child) }), "$how: ends with it");
		ok(!-s "$d/through", "$how: and was not through");

	} else {
		ok(alive_pid($child), 'service: goes on');
		$h->write('go', '');
		ok(until_true(sub { -s "$d/through" }), 'service: to its end');
	}

	$r = $h->ask(verb => 'query', op => $id);
	is("$r->{final}{spool} $r->{final}{alive}", 'start 0',
		"$how: nobody knows");
}

# measured

my $began = Time::HiRes::time();
is(run(['eat', 60, 0], measure => 1), 'ok', 'a measured run');
my $took = Time::HiRes::time() - $began;
my $f = $r->{final};
is($f->{usage_retval}, 0, 'retval');
cmp_ok($f->{usage_real_us}, '>', 850_000, 'real');
cmp_ok($f->{usage_real_us}, '<', 1e6 * $took, 'and no more');
cmp_ok($f->{usage_user_us} + $f->{usage_sys_us}, '>', 250_000, 'user, sys');
cmp_ok($f->{usage_maxrss_kb}, '>', 60 * 1024, 'maxrss');
cmp_ok($f->{usage_maxvsize_kb}, '>=', $f->{usage_avgvsize_kb}, 'maxvsize');
cmp_ok($f->{usage_maxrss_kb}, '>=', $f->{usage_avgrss_kb}, 'avgrss');
cmp_ok($f->{usage_avgrss_kb}, '>', 1000, 'not 0');
cmp_ok($f->{usage_minflt}, '>', 1000, 'faults');
like($f->{"usage_$_"}, qr/^\d+$/, $_) for qw(majflt nvcsw nivcsw inblock
	oublock);
cmp_ok($f->{usage_host_total_kb}, '>=', $f->{usage_host_available_kb},
	'host total');
cmp_ok($f->{usage_host_free_kb}, '>', 0, 'host free');

my @s = map { [split / /, $_->{data}] } @{$r->{records}};
cmp_ok(scalar(@s), '>=', 5, scalar(@s) . ' samples');
is(scalar(grep { @$_ != 5 } @s), 0, 'of time and four values');
cmp_ok($s[0][0], '<', 200, 'the first at once');
is(scalar(grep { $s[$_][0] <= $s[$_ - 1][0] } 1 .. $#s), 0, 'in order');
cmp_ok((sort { $b <=> $a } map { $_->[4] } @s)[0], '>', 60 * 1024,
	'memory of the largest');
# the kernel counts both in batches
cmp_ok($s[-1][3], '<', 1.05 * $f->{usage_maxrss_kb}, 'VmHWM is no more than it');

is(run(['eat', 1, 9], measure => 1), 'failed exit_status', 'one that fails');
is($r->{final}{usage_retval}, 9, 'retval');
is(run(['sleep', '0'], measure => 1), 'ok', 'a short one');
cmp_ok($r->{final}{usage_maxrss_kb}, '<', 8192,
	'has not the memory of who started it');

SKIP: {
	skip 'no GNU time', 3 unless -x '/usr/bin/time';

	my $out = `/usr/bin/time -v $d/eat 60 0 2>&1`;
	my ($rss) = $out =~ /Maximum resident set size \(kbytes\): (\d+)/;
	my ($flt) = $out =~ /\(reclaiming a frame\) page faults: (\d+)/;
	my ($user) = $out =~ /User time \(seconds\): ([\d.]+)/;

	cmp_ok(abs($rss - $f->{usage_maxrss_kb}), '<', 0.05 * $rss,
		"maxrss $f->{usage_maxrss_kb}, GNU time $rss");
	cmp_ok(abs($flt - $f->{usage_minflt}), '<', 0.10 * $flt,
		"minflt $f->{usage_minflt}, GNU time $flt");
	cmp_ok(abs($user - $f->{usage_user_us} / 1e6), '<', 0.4,
		'user ' . $f->{usage_user_us} / 1e6 . ", GNU time $user");
}

# the list

$r = $h->ask(verb => 'list', role => 'operator');
my @l = map { Test::Helper::parse($_->{data}) } @{$r->{records}};
is(join(' ', map { $_->{id} } @l), 'other eat', 'what a role may run');
is($l[1]{words}, "eat\x1fint(1..200)\x1fint(0..255)", 'its words');
is($l[1]{example}, 'eat 50 0', 'an example');
is("$l[1]{timeout} $l[1]{roles}", '30 operator,admin', 'time and roles');

done_testing();


# for as long as a slow machine takes

sub until_true {
	my ($code) = @_;

	for (1 .. 1500) {
		my $is = $code->();
		return $is if $is;
		select undef, undef, undef, 0.02;
	}

	return undef;
}


# a zombie lives no more

sub alive_pid {
	my ($pid) = @_;
	return content("/proc/$pid/stat") =~ /\) [^ZX] /;
}


sub content {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	return do { local $/; <$f> } // '';
}
