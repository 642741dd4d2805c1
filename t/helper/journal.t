#!/usr/bin/perl

# The log of an LSB service is a file that the policy names, and never what
# somebody put in its place.  Those of other managers: see their tests.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper;
use Test::More;

my $h = Test::Helper->new();
my $d = $h->{dir};
my $r;

$h->script('svc', 'exit 3');
$h->policy("service svc lsb $d/svc actions=status roles=admin log=$d/log\n"
	. "service svc lsb $d/svc actions=status roles=viewer log=$d/log\n"
	. "service mute lsb $d/svc actions=status roles=admin\n"
	. "journal unit=svc,mute roles=admin lines=100\n"
	. "journal unit=svc roles=operator lines=3\n");

sub journal {
	my ($name, $lines, %o) = @_;
	$r = $h->ask(verb => 'journal', name => $name, lines => $lines, %o);
	return Test::Helper::word($r);
}

$h->write('log', join('', map { "line $_ <img> \x1b[31m\xff\n" } 1 .. 500));

is(journal('svc', 2), 'ok', 'the last lines');
is($r->{stdout}, "line 499 <img> \x1b[31m\xff\nline 500 <img> \x1b[31m\xff\n",
	'as they are');
is(journal('svc', 1000), 'ok', 'more than the policy gives');
is(scalar(() = $r->{stdout} =~ /\n/g), 100, 'as many as it gives');
is(journal('svc', 1000, role => 'operator'), 'ok', 'another role');
is(scalar(() = $r->{stdout} =~ /\n/g), 3, 'gets its own number');
is(journal('svc', 5, role => 'viewer'), 'refused policy_denied',
	'and another none');
is(journal('mute', 5), 'refused no_log', 'no log is named');
is(journal('other', 5), 'refused unknown_service', 'no such service');
is(journal('svc', $_), 'refused bad_request', "$_ lines")
	for '', 0, -1, 1001, 'x';

$h->write('log', join('', map { 'x' x 999 . "\n" } 1 .. 100));
is(journal('svc', 100), 'ok', 'a long one');
is(length $r->{stdout}, 65000, 'as many whole lines as there is room for');
is($r->{final}{truncated}, 1, 'and it is said');

$h->write('log', 'no end');
is(journal('svc', 10), 'ok', 'a line without an end');
is($r->{stdout}, 'no end', 'is one');
$h->write('log', '');
is(journal('svc', 10), 'ok', 'an empty one');
is($r->{stdout}, '', 'is empty');

unlink "$d/log";
is(journal('svc', 10), 'refused log_unreadable', 'none');
symlink '/etc/shadow', "$d/log";
is(journal('svc', 10), 'refused log_unreadable', 'a link');
unlink "$d/log";
$h->write('secret', 'secret', 0600);
link "$d/secret", "$d/log";
is(journal('svc', 10), 'refused log_unreadable', 'a second name of another');
unlink "$d/log";
mkdir "$d/log";
is(journal('svc', 10), 'refused log_unreadable', 'a folder');
rmdir "$d/log";
POSIX::mkfifo("$d/log", 0600);
is(journal('svc', 10), 'refused log_unreadable', 'a pipe');

done_testing();
