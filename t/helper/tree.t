#!/usr/bin/perl

# Trees that are stopped by their terminal's signals, that have a protected
# member, that are too large; and requests of which a word is wrong.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

use constant { UID => 12345, LARGE => 901 };

my $h = Test::Helper->new();
my ($r, @started, @kept);

END {
	my $rc = $?;
	kill 'KILL', @started;
	$? = $rc;
}

my $base = "signal uid=${\UID} sigs=TERM,KILL,CONT,TSTP,TTIN,TTOU "
	. "roles=admin\n";
$h->policy($base);

sub tree {
	my ($n) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";

	if ($pid == 0) {
		setpgrp;
		POSIX::setgid(UID);
		POSIX::setuid(UID);
		$| = 1;
		@started = ();

		for (1 .. $n) {
			my $child = fork() // last;
			next if $child;
			print "$$\n";
			sleep 1000 while 1;
		}

		print "$$\n", "end\n";
		sleep 1000 while 1;
	}

	my @pids;
	my $end = 0;

	until ($end && @pids > $n) {
		my $line = <$out> // last;
		$end = 1 if $line =~ /end/;
		push @pids, $line + 0 if $line =~ /^\d+/;
	}

	push @started, @pids;
	push @kept, $out;
	return ($pid, grep { $_ != $pid } @pids);
}

sub signal {
	my ($pid, $sig, %o) = @_;
	$r = $h->ask(verb => 'signal', pid => $pid, signal => $sig,
		starttime => Test::Helper::start_time($pid), %o);
	return Test::Helper::word($r);
}

sub states {
	return join ' ', map {
		open my $f, '<', "/proc/$_/stat";
		substr((<$f> // '') =~ s/^.*\) //sr, 0, 1);
	} @_;
}

sub becomes {
	my ($want, @pids) = @_;

	for (1 .. 1000) {
		return 1 if states(@pids) eq $want;
		select undef, undef, undef, 0.02;
	}

	return 0;
}

sub end {
	kill 'KILL', @_;
	waitpid $_, 0 for @_;
}

# what stops is sent when all go on, or going on would take it back

my @tree = tree(2);

for my $sig (qw(TSTP TTIN TTOU)) {
	is(signal($tree[0], $sig, tree => 1), 'ok', "$sig to a tree");
	ok(becomes('T T T', @tree), "$sig: all stand");
	is($r->{final}{alive_count}, 3, "$sig: all are alive");
	is(signal($tree[0], 'CONT', tree => 1), 'ok', "CONT after $sig");
	ok(becomes('S S S', @tree), 'all go on');
}

kill 'STOP', $tree[1];
ok(becomes('S T S', @tree), 'one of them stands');
is(signal($tree[0], 'TSTP', tree => 1), 'ok', 'TSTP to all');
ok(becomes('T T T', @tree), 'all stand');
kill 'CONT', @tree;
ok(becomes('S S S', @tree) || becomes('S T S', @tree), 'they go on');
kill 'CONT', @tree;

# a member that is protected protects all of them

$h->policy($base . "protect pid=$tree[2]\n");
kill 'STOP', $tree[1];
ok(becomes('S T S', @tree), 'one of them stands');
is(signal($tree[0], 'TERM', tree => 1), 'refused protected',
	'one below is protected');
like($r->{final}{reason}, qr/ /, 'and a sentence');
ok(becomes('S T S', @tree), 'it stands as it did, and the others do not');
end(@tree);
$h->policy($base);

# too large: nobody is signalled, nobody is left standing

SKIP: {
	@tree = tree(LARGE);
	skip 'so many processes cannot be', 3 if @tree <= LARGE;

	is(signal($tree[0], 'TERM', tree => 1), 'refused tree_too_large',
		'more than it can hold');
	like($r->{final}{reason}, qr/more than \d+ processes/, 'and a sentence');
	ok(becomes(join(' ', ('S') x @tree), @tree), 'all go on');
}

end(@tree);

# of a worker that is gone nobody knows whose it was, and whom that protects

@tree = tree(0);

my $go = "$h->{dir}/go";
my $worker = fork() // die "fork: $!";

if ($worker == 0) {
	@started = ();
	$h->ask(verb => 'signal', signal => 'TERM', pid => $tree[0],
		starttime => Test::Helper::start_time($tree[0]),
		_child => sub {
			for (1 .. 1000) {
				last if -e $go;
				select undef, undef, undef, 0.01;
			}
		});
	POSIX::_exit(0);
}

select undef, undef, undef, 0.3;
kill 'KILL', $worker;
waitpid $worker, 0;
$h->write('go', '');
select undef, undef, undef, 1;
ok(becomes('S', @tree), 'a worker that is gone ends nothing');
end(@tree);

# a word that is missing or wrong

my %bad;
$bad{Test::Helper::word($h->ask(@$_))}++
	for [verb => 'journal', lines => 5], [verb => 'journal', name => 'x'],
		[verb => 'signal', signal => 'TERM', starttime => 5],
		[verb => 'signal', signal => 'TERM', pid => 5],
		[verb => 'priority', nice => 5, pid => 5];
is_deeply(\%bad, { 'refused bad_request' => 5 }, 'requests without a word')
	or diag(explain(\%bad));
is(Test::Helper::word($h->ask(verb => 'list', live => $_)), 'ok',
	"a list, live=$_") for 0, 2;

done_testing();
