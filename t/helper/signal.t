#!/usr/bin/perl

# Signals reach the process that was meant and no other: not one that has its
# number by now, not one that the policy does not name; a tree as a whole.

use warnings;
use strict;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;
use Time::HiRes qw(time sleep);

use constant UID => 12345;

my $self = abs_path($0);

reuse(@ARGV[1 .. $#ARGV]) if @ARGV && $ARGV[0] eq 'reuse';

my $h = Test::Helper->new();
my $d = $h->{dir};
my ($r, @started);

END {
	my $rc = $?;
	kill 'KILL', $_ for @started;
	waitpid $_, 0 for @started;
	$? = $rc;
}

my $base = "signal uid=1000..59999 sigs=TERM,KILL,STOP,CONT "
	. "roles=operator,admin\n";
$h->policy($base);

sub target {
	my ($code, $uid) = @_;
	pipe my $in, my $out;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		$uid //= UID;
		close $in;
		@started = ();
		POSIX::setgid($uid) if $uid;
		POSIX::setuid($uid) if $uid;
		$code->($out) if $code;
		close $out;
		sleep 1000 while 1;
	}

	close $out;
	my $said = join '', <$in>;         # until it has set up what it is
	push @started, $pid;

	return wantarray ? ($pid, split / /, $said) : $pid;
}

sub say_to {
	my ($out, $text) = @_;
	syswrite $out, $text;
}

sub content {
	my ($path) = @_;
	open my $f, '<', $path or return '- 0 0 0 0 0 0 0';
	return join('', <$f>) || '- 0 0 0 0 0 0 0';
}

sub state {
	my ($pid) = @_;
	open my $f, '<', "/proc/$pid/stat" or return '-';
	return substr(<$f> =~ s/^.*\) //r, 0, 1);
}

sub living {
	return grep { state($_) !~ /[-ZX]/ } @_;
}

sub signal {
	my ($pid, $sig, %o) = @_;
	$r = $h->ask(verb => 'signal', pid => $pid, signal => $sig,
		starttime => Test::Helper::start_time($pid), %o);
	return Test::Helper::word($r);
}

# one process

my $p = target();
is(signal($p, 'TERM', wait_ms => 3000), 'ok', 'TERM');
is($r->{final}{gone}, $p, 'gone');
is($r->{final}{alive}, '', 'none alive');
is("$r->{final}{before_state} $r->{final}{after_state}", 'sleeping gone',
	'before and after');
is(state($p), 'Z', 'it has ended');
is(signal($p, 'TERM'), 'refused zombie', 'a zombie');

$p = target(sub { $SIG{TERM} = 'IGNORE' });
my $t = time();
is(signal($p, 'TERM', wait_ms => 300), 'ok still_alive', 'TERM is ignored');
is($r->{final}{alive}, $p, 'alive');
cmp_ok(time() - $t, '>', 0.29, 'waited for');
is(signal($p, 'TERM', wait_ms => 300, then => 'KILL'), 'ok', 'then KILL');
is($r->{final}{gone}, $p, 'gone');

$p = target();
is(signal($p, 'STOP'), 'ok', 'STOP');
is("$r->{final}{before_state} $r->{final}{after_state}", 'sleeping stopped',
	'it stands still');
is(signal($p, 'TERM', wait_ms => 200), 'ok still_alive',
	'a stopped one does not see TERM');
is(signal($p, 'CONT', wait_ms => 1000), 'ok', 'until CONT');
is($r->{final}{after_state}, 'gone', 'then it does');
is(signal(target(), 'KILL'), 'ok', 'KILL');
is($r->{final}{alive_count}, 0, 'needs no time');

# another one than was meant

$p = target();
my $s = Test::Helper::start_time($p);

for my $start ($s - 1, $s + 1, 0, 1, '18446744073709551615') {
	is(signal($p, 'KILL', starttime => $start), 'refused stale_process',
		"started at " . ($start - $s));
}

is(signal(4194303, 'KILL', starttime => 5), 'refused no_such_process',
	'no such process');

my %bad;
for my $x (-1, '', ' ', '1x', "$p ", "+$p", '99999999999', '0x1', "-$p") {
	$bad{signal($p, 'KILL', pid => $x)}++;
	$bad{signal($p, 'KILL', starttime => "x$x")}++;
}
is_deeply([keys %bad], ['refused bad_request'], 'numbers that are none')
	or diag(explain(\%bad));

%bad = ();
$bad{signal($p, $_)}++ for '', 'FOO', 'SIGTERM', 'term', '15', 'KILL ', '0';
$bad{signal($p, 'TERM', then => $_)}++ for 'FOO', '9';
$bad{signal($p, 'TERM', wait_ms => $_)}++ for -1, 60001, 'x', '';
$bad{signal($p, 'TERM', tree => $_)}++ for 2, -1, 'true', '';
is_deeply([keys %bad], ['refused bad_request'], 'signals that are none');

# what is not permitted

is(signal($p, 'HUP'), 'refused policy_denied', 'another signal');
is(signal($p, 'TERM', then => 'HUP'), 'refused policy_denied', 'or then');
is(signal($p, 'KILL', role => 'viewer'), 'refused policy_denied', 'role');
is(signal(target(undef, 0), 'KILL'), 'refused policy_denied', 'of root');
is(signal(target(undef, 999), 'KILL'), 'refused policy_denied', 'uid 999');
is(signal(target(undef, 60000), 'KILL'), 'refused policy_denied', 'or 60000');
is(signal(target(sub { $< = UID }, 0), 'KILL'), 'refused policy_denied',
	'one that is root and the user');
is(signal($_, 'KILL', starttime => 0), 'refused protected', "process $_")
	for 0, 1;
is(signal($$, 'KILL'), 'refused protected', 'who asks');
is(signal(getppid(), 'KILL'), 'refused protected', 'and its parent')
	if getppid() > 1;

SKIP: {
	my ($k) = grep {
		((split / /, content("/proc/$_/stat") =~ s/^.*\) //sr)[6] // 0) & 0x200000
	} map { m!(\d+)! } glob('/proc/[0-9]*');
	skip 'no thread of the kernel', 1 unless $k;
	is(signal($k, 'KILL'), 'refused protected', 'a thread of the kernel');
}

$h->policy($base . 'protect pid=' . ($p - 1) . "..$p\n");
is(signal($p, 'KILL'), 'refused protected', 'protected by its number');

SKIP: {
	open my $f, '<', "/proc/$p/cgroup";
	my ($unit) = join('', <$f>) =~ m!/([A-Za-z0-9@._:-]+)$!m;
	skip 'no control group', 1 unless $unit;
	$h->policy($base . "protect unit=other.service,$unit\n");
	is(signal($p, 'KILL'), 'refused protected', 'protected by its unit');
}

$h->policy($base);
is(scalar(living($p)), 1, 'it lives through all this');

my $op = Test::Helper::uuid();
is(signal($p, 'STOP', op => $op), 'ok', 'once');
is(signal($p, 'CONT', op => $op), 'refused replayed', 'not twice');
is($h->ask(verb => 'query', op => $op)->{final}{after_state}, 'stopped',
	'the spool has it');

# a tree

sub brood {
	my ($depth, $out, $uid) = @_;
	return unless $depth;

	for (1 .. 2) {
		my $pid = fork();
		if ($pid == 0) {
			brood($depth - 1, $out);
			say_to($out, "$$ ");
			close $out;
			sleep 1000 while 1;
		}
	}
}

my @tree = target(sub { brood(3, $_[0]) });
is(scalar(@tree), 15, 'a tree of 15');
is(signal($tree[0], 'TERM', tree => 1, wait_ms => 5000), 'ok', 'TERM to all');
is(scalar(living(@tree)), 0, 'none is left');
is($r->{final}{gone_count}, 15, 'all are told');
is(join(' ', sort split /,/, $r->{final}{gone}), join(' ', sort @tree),
	'by their numbers');

@tree = target(sub { $SIG{TERM} = 'IGNORE'; brood(2, $_[0]) });
is(signal($tree[0], 'TERM', tree => 1, wait_ms => 200), 'ok still_alive',
	'a stubborn tree');
is(scalar(grep { state($_) eq 'T' } @tree), 0, 'is not left standing');
is(signal($tree[0], 'TERM', tree => 1, wait_ms => 200, then => 'KILL'), 'ok',
	'then KILL');
is(scalar(living(@tree)), 0, 'none is left');

@tree = target(sub { brood(2, $_[0]) });
is(signal($tree[0], 'STOP', tree => 1), 'ok', 'STOP to all');
is(scalar(grep { state($_) eq 'T' } @tree), 7, 'all stand');
is(signal($tree[0], 'CONT', tree => 1), 'ok', 'CONT to all');
select undef, undef, undef, 0.1;
is(scalar(grep { state($_) eq 'T' } @tree), 0, 'all go on');

# a stopped process does not act on TERM until it goes on

kill 'STOP', $tree[3];
for (1 .. 200) { last if state($tree[3]) eq 'T'; select undef, undef, undef, 0.02; }
is(signal($tree[0], 'TERM', tree => 1, wait_ms => 10000), 'ok',
	'TERM, one of them stood still before');
is(scalar(living(@tree)), 0, 'it goes on and ends like the others');

@tree = target(sub { brood(2, $_[0]) });
kill 'STOP', $tree[3];
for (1 .. 200) { last if state($tree[3]) eq 'T'; select undef, undef, undef, 0.02; }
is(signal($tree[0], 'STOP', tree => 1), 'ok', 'STOP to all, one stands');
is(scalar(grep { state($_) eq 'T' } @tree), 7, 'all stand');
kill 'KILL', @tree;

# one that bears children all the time

$p = target(sub {
	my ($out) = @_;
	close $out;
	local $SIG{CHLD} = 'IGNORE';
	for (1 .. 600) {
		my $pid = fork() // next;
		if ($pid == 0) { $0 = "$d/brood"; sleep 1000; POSIX::_exit(0); }
		sleep 0.001;
	}
});
sleep 0.1;
is(signal($p, 'KILL', tree => 1), 'ok', 'KILL while it forks');
is(scalar(grep { content($_) =~ m!\Q$d\E/brood! }
	glob('/proc/[0-9]*/cmdline')), 0, 'no child slipped away');
cmp_ok($r->{final}{gone_count}, '>', 1, "$r->{final}{gone_count} were there");

# one below that is not permitted

@tree = target(sub {
	my ($out) = @_;
	for my $uid (0, UID) {
		my $pid = fork();
		if ($pid == 0) {
			POSIX::setuid($uid);
			say_to($out, "$$ ");
			close $out;
			sleep 1000 while 1;
		}
	}
	POSIX::setuid(UID);
}, 0);
is(signal($tree[0], 'KILL', tree => 1), 'refused policy_denied',
	'one of root below');
like($r->{final}{reason}, qr/uid 0/, 'is the reason');
select undef, undef, undef, 0.1;
is(scalar(living(@tree)), 3, 'nobody was killed');
is(scalar(grep { state($_) eq 'T' } @tree), 0, 'all go on');
kill 'KILL', @tree;

# numbers given to others, on purpose, while the helper looks

SKIP: {
	my $n = $ENV{TEST_REUSE} // 1000;
	my $out = `unshare --pid --fork --mount-proc --kill-child \\
		$^X $self reuse $d $n 2>&1`;
	skip 'no pid namespaces', 3 if $? && $out !~ /reused/;

	my ($wrong, $reused) = $out =~ /wrong (\d+) reused (\d+)/;
	is($wrong, 0, 'no wrong signal') or diag($out);
	cmp_ok($reused, '>=', $n, "$reused numbers were reused");
	diag($out =~ s/^(.*\n)*(wrong)/$2/r);
}

done_testing();

exit;


sub reuse {
	my ($dir, $n) = @_;

	open my $key, '<:raw', "$dir/helper.key" or die;
	my @www = getpwnam('www-data');
	my $h = bless { dir => $dir, uid => $www[2], gid => $www[3], pid => 0,
		key => do { local $/; <$key> }, helper => "$dir/procmgr-helper" },
		'Test::Helper';

	my ($wrong, $reused, $dead) = (0, 0, 0);
	my %said;

	for (my $i = 1; $reused < $n && $i <= 2 * $n; $i++) {
		pipe my $r1, my $w1;
		pipe my $r2, my $w2;

		# the one who has a child, ends it and gives its number to another
		my $keeper = fork();

		if ($keeper == 0) {
			my $child = sub {
				my $pid = fork();
				return $pid if $pid;
				POSIX::setuid(UID);
				sleep 1000;
				POSIX::_exit(0);
			};

			my $a = $child->();
			sleep 0.011;
			syswrite $w1, pack('l', $a);
			sysread $r2, my $go, 1;
			sleep rand 0.006;

			kill 'KILL', $a;
			waitpid $a, 0;
			open my $f, '>', '/proc/sys/kernel/ns_last_pid';
			syswrite $f, $a - 1;
			close $f;

			my $b = $child->();
			syswrite $w1, pack('l', $b);
			sysread $r2, $go, 1;
			my $gone = waitpid($b, POSIX::WNOHANG());
			syswrite $w1, pack('l', $gone);
			kill 'KILL', $b;
			POSIX::_exit(0);
		}

		sysread $r1, my $x, 4;
		my $a = unpack 'l', $x;
		my $start = Test::Helper::start_time($a);

		syswrite $w2, 'g';
		my $r = $h->ask(verb => 'signal', pid => $a, starttime => $start,
			signal => 'KILL', tree => $i % 2);
		$said{Test::Helper::word($r)}++;

		sysread $r1, $x, 4;
		$reused++ if unpack('l', $x) == $a;
		syswrite $w2, 'g';
		sysread $r1, $x, 4;
		$wrong++ if unpack('l', $x);
		waitpid $keeper, 0;
	}

	printf "wrong %d reused %d stale %d (%s)\n", $wrong, $reused,
		$said{'refused stale_process'} // 0,
		join ', ', map { "$_ $said{$_}" } sort keys %said;
	exit 0;
}
