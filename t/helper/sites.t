#!/usr/bin/perl

# As faults.t, by the place that a call comes from instead of its name and
# number: each place that a request comes by fails there, is interrupted, has
# nothing, or only a byte.  The build that counts branches can do it, see
# tools/coverage.c.

use warnings;
use strict;

use Errno qw(EAGAIN EINTR ENOMEM EPERM);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::HelperFaults qw(@INVARIANTS content);
use Test::More;

use constant SITE => 32;                # bytes, behind a head of 8

plan(skip_all => 'only where branches are counted') unless $ENV{COVERAGE};

my ($f, $sites);
my $slow = $ENV{TEST_SITES_SLOW};

# (a change of ids that is none has to be seen, too)
my %kinds = (
	(map { $_ => ["e${\EINTR}", "e${\EAGAIN}", 'zero', 'short'] }
		qw(read recv send write)),
	(map { $_ => ["e${\EINTR}", 'zero', 'short'] } qw(pread)),
	poll => ["e${\EINTR}", 'zero', 'other1'],
	wait4 => ["e${\EINTR}", 'zero'],
	(map { $_ => ["e${\EINTR}"] } qw(connect flock open openat waitpid
		writev)),
	(map { $_ => ['other0', 'other1', 'other2'] } qw(getresgid getresuid)),
	(map { $_ => ['zero'] } qw(setresgid setresuid setuid)),
);

my $memory = qr/^(?:asprintf|calloc|malloc|mmap|realloc)$/;

for my $unprivileged (0, 1) {
	$f = Test::HelperFaults->new(_timeout => 60, all => 1,
		unprivileged => $unprivileged);
	$sites = "$f->{dir}/sites";

	for my $verb (sort keys %{$f->{verbs}}, keys %{$f->{never}}) {
		places($verb) if !@ARGV || in($verb, @ARGV);
	}
}

done_testing();


# all that it fails at

sub places {
	my ($verb) = @_;
	my $name = $f->{unprivileged} ? "unprivileged $verb" : $verb;

	my ($failed, $places) = (0, 0);

	$f->verb($verb);
	fault();

	for my $site (reached()) {
		my ($place, $count, $call) = @$site;
		my %nth = map { $_ => 1 } grep { $_ <= $count } 1, 2, $count;
		my @kinds = $call eq 'clock_gettime' ? 'past'
			: ($call =~ $memory ? "e${\ENOMEM}" : "e${\EPERM}",
				@{$kinds{$call} // []});

		next if $f->{only}{$verb} && where($place) !~ $f->{only}{$verb};

		# to become root again is no change that is looked after
		@kinds = grep { $_ ne 'zero' } @kinds
			if $call =~ /^setres/ && where($place) !~ /become/;

		$places++;

		for my $n (sort keys %nth) {
			$failed += fault($site, $n, $_) for @kinds;
		}

		# (how a child ended is never refused for long)
		$failed += fault($site, '1+', $kinds[0]) if $call ne 'wait4';
	}

	cmp_ok($places, '>', $f->{only}{$verb} ? 10 : 20,
		"$name: $places places");
	cmp_ok($failed, '>', 20, "$name: $failed calls failed");
	cmp_ok($f->{acts}, '>', 0,
		"$name: $f->{acts} times it was done all the same")
		unless $f->{never}{$verb};
	is_deeply($f->{bad}{$_} // [], [], "$name: $_") for @INVARIANTS;
}


# one run with what fails in it; how often it did

sub fault {
	my ($site, $n, $kind) = @_;
	my $what = $site ? sprintf('%x:%s:%s', $site->[0], $n, $kind) : '';
	my $call = $site ? "$site->[2] " . where($site->[0]) . " $n $kind" : '';
	my $t = time;

	unlink $sites;

	$f->run($call, _child => sub {
		$ENV{PM_CLOCK} = 100 if $f->{only}{$f->{verb}};
		$ENV{PM_FAULT_SITES} = $sites;
		$ENV{PM_FAULT} = $what if $what;
	});

	diag(time - $t, " s: $f->{verb} $call") if $slow && time - $t > $slow;

	return unpack('L', content($sites)) ? 1 : 0;
}


# [place, calls, name] of all that the last run came by

sub reached {
	my $all = substr content($sites), 8;

	return sort { $a->[0] <=> $b->[0] } grep { $_->[0] }
		map { [unpack 'LLZ*', substr $all, SITE * $_, SITE] }
		0 .. length($all) / SITE - 1;
}


# "function file:line" of a place

{
	my %where;

	sub where {
		my ($place) = @_;

		return $where{$place} //= do {
			my $at = sprintf '%x', $place - 1;
			my ($function, $line)
				= `addr2line -f -e $f->{helper}{helper} $at`;

			chomp $function;
			$function . ($line =~ m!/([^/\s]+:\d+)! ? " $1" : " $at");
		};
	}
}


sub in {
	my ($word, @of) = @_;
	return grep { $_ eq $word } @of;
}
