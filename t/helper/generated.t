#!/usr/bin/perl

# Ten thousand requests that were made up: names that are almost a service's,
# sealed texts with changes in them, and frames that were changed after they
# were sealed.  Only what names an exact member of the policy is run.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256_hex);
use POSIX ();
use Test::Helper;
use Test::More;

my $n = $ENV{TEST_GENERATED} // 10_000;
my $jobs = 4;

my $h = Test::Helper->new();
my $d = $h->{dir};

$h->script('svc', "[ \$1 = status ] || echo \$1 >> $d/ran; exit 0\n");
$h->script('two', "[ \$1 = status ] || echo \$1 >> $d/ran; exit 0\n");
$h->policy("service svc lsb $d/svc actions=restart roles=admin\n"
	. "service two lsb $d/two actions=restart roles=operator\n");

my @names = ('svc', 'two');
my @c = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, split(//, '@._:-/ *?$;|&<>~%='),
	"\n", "\t", "\0", "\x1f", "\xff");

# each writes what it has seen: asked, permitted by the policy, told ok

my @pids = map {
	my $job = $_;
	my $pid = fork() // die "fork: $!";
	$pid || do { work($job); POSIX::_exit(0) };
} 1 .. $jobs;

waitpid $_, 0 for @pids;

my ($asked, $exact, $ok, $wrong, $silent) = (0) x 5;

for my $job (1 .. $jobs) {
	my ($line) = lines("$d/job$job");
	my @f = split / /, $line // '';
	$asked += $f[0] // 0;
	$exact += $f[1] // 0;
	$ok += $f[2] // 0;
	$wrong += $f[3] // 0;
	$silent += $f[4] // 0;
}

cmp_ok($asked, '>=', $n, "$asked requests");
cmp_ok($exact, '>', 0, "$exact of them of the policy");
is($wrong, 0, 'none of the others is done');
is($silent, 0, 'each has an answer');
is(scalar(() = lines("$d/ran")), $ok, "$ok were told to be done, so many ran");

done_testing();


sub work {
	my ($job) = @_;
	my @sum = (0) x 5;

	srand($job);

	for my $i (1 .. $n / $jobs) {
		my $name = name();
		my ($verb, $action, $role) = ('service',
			pick(qw(restart restart stop start Restart), ''),
			pick(qw(admin admin operator viewer root)));
		my $text = $h->text(verb => $verb, name => $name,
			action => $action, role => $role, actor => "job$job");

		my $kind = int rand 3;

		if ($kind == 1) {
			$text =~ s/mac=.*\n\z//;
			$text = changed($text);
			$text .= 'mac=' . hmac_sha256_hex($text, $h->{key}) . "\n";

		} elsif ($kind == 2) {
			$text = changed($text);
		}

		my $r = $h->exchange(Test::Helper::frame($text), _timeout => 60);
		my %k = ('', '', map { split /=/, $_, 2 }
			grep { /=/ } split /\n/, $text);
		my $may = ($k{verb} // '') eq 'service'
			&& (($k{name} // '') eq 'svc' && ($k{action} // '') eq 'restart'
				&& ($k{role} // '') eq 'admin'
			|| ($k{name} // '') eq 'two' && ($k{action} // '') eq 'restart'
				&& ($k{role} // '') eq 'operator');

		my $result = ($r->{final} || {})->{result} // '';
		my $done = $result eq 'ok' || $result eq 'failed';

		$sum[0]++;
		$sum[1]++ if $may;
		$sum[2]++ if $done && ($r->{final}{code} // '') ne 'unchanged';
		$sum[3]++ if $done && !$may;
		$sum[4]++ if !$result && length $text <= 4096;
	}

	open my $f, '>', "$d/job$job" or die "job: $!";
	print $f "@sum\n";
	close $f;
}


# almost a name: some bytes of it changed, or none

sub name {
	return join '', map { pick(@c) } 1 .. 1 + int rand 12 if rand() < 0.3;

	my $s = pick(@names);
	my $how = int rand 5;

	substr($s, rand length $s, 1) = pick(@c) if $how == 0;
	$s .= pick(@c) if $how == 1;
	$s = pick(@c) . $s if $how == 2;
	$s = "$d/$s" if $how == 3;

	return $s;
}


sub changed {
	my ($s) = @_;

	for (0 .. int rand 3) {
		my $how = int rand 4;
		my $at = int rand length $s;

		substr($s, $at, 1) = chr int rand 256 if $how == 0;
		substr($s, $at, 0) = pick(@c, "\n", "x=1\n", "name=svc\n")
			if $how == 1;
		substr($s, $at, 1 + int rand 4) = '' if $how == 2;
		vec($s, 8 * $at + int rand 8, 1) ^= 1 if $how == 3;
	}

	return length $s ? $s : 'x';
}


sub pick { return $_[rand @_] }


sub lines {
	my ($path) = @_;
	open my $f, '<', $path or return;
	return <$f>;
}
