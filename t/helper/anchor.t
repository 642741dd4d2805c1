#!/usr/bin/perl

# Where the log's chain stood when an action was sealed is kept beside the
# spool: a line each, and nothing that could be taken for another one.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Helper qw(uuid);
use Test::More;

my $h = Test::Helper->new();
my $d = $h->{dir};
my $hash = 'a1' x 32;
my $file = "$d/spool/anchors";

$h->policy("service svc lsb $d/svc actions=restart roles=admin timeout=9s\n");
$h->script('svc', "exit 0\n");

sub act {
	my $op = uuid();
	$h->ask(verb => 'service', name => 'svc', action => 'restart', op => $op,
		@_);
	return $op;
}

sub lines {
	open my $f, '<', $file or return;
	return <$f>;
}

act();
ok(!-e $file, 'nothing without a mark');

my $op = act(chain => "17:$hash\@web1");
my @got = lines();
is(scalar @got, 1, 'a line');
like($got[0], qr/^\d{10} op=$op chain=17:$hash\@web1$/, 'when, for what, where');
is((stat $file)[2] & 07777, 0600, 'for its owner alone');

$op = act(chain => "18:$hash\@web1");
@got = lines();
is(scalar @got, 2, 'another one');
like($got[1], qr/ op=$op /, 'behind it');

act(chain => $_) for "19:$hash\@a\n1 op=x chain=1:$hash\@b", 'x' x 400, "a b",
	"a\x7f";
is(scalar(() = lines()), 2, 'nothing that breaks a line');

$h->ask(verb => 'service', name => 'none', action => 'restart', op => uuid(),
	chain => "20:$hash\@web1");
is(scalar(() = lines()), 2, 'nothing of what is refused');

# a new file past 8 MiB, the old one beside it

open my $f, '>>', $file or die;
print $f 'x' x 127, "\n" for 1 .. 8 * 8192;
close $f;
act(chain => "21:$hash\@web1");
ok(!-e $file, 'a full one is put aside');
ok(-s "$file.old", 'and kept');
act(chain => "22:$hash\@web1");
is(scalar(() = lines()), 1, 'a new one begins');

unlink $file;
symlink "$d/elsewhere", $file or die;
act(chain => "23:$hash\@web1");
ok(!-e "$d/elsewhere", 'no link is followed');

done_testing();
