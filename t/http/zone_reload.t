#!/usr/bin/perl

# The zone outlives a reload and the death of a worker: the body made before
# is the one served after, by every worker, until its interval is over.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 9)->run(
    workers => 4, interval => '60s', database => 0, locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC

$t->{allow_alert} = $t->{allow_exit} = qr/exited on signal 9/;

my $first = $t->get('/open/process');
is($first->{status}, 200, 'made');
like($first->{headers}{etag}, qr/\S/, 'has an entity tag');

is(etags(), $first->{headers}{etag}, 'one body for all workers');

$t->reload();
is(etags(), $first->{headers}{etag}, 'the same after a reload');

my @old = $t->workers();
kill 'KILL', $old[0];
$t->wait_for(sub { !grep { $_ == $old[0] } $t->workers() });
$t->wait_for(sub { 4 == $t->workers() });
is(etags(), $first->{headers}{etag}, 'the same after a worker died');

is($t->get('/open/process', { 'If-None-Match' => $first->{headers}{etag} })
    ->{status}, 304, 'still the same for a client');

# workers that die in the middle of anything leave nothing that blocks others

my ($slow, $bad) = (0, 0);

for my $i (1 .. 12) {
    my @w = $t->workers();
    kill 'KILL', $w[$i % @w];

    my $at = time;
    my $r = eval { $t->get('/open/process?num=' . (20 + $i)) };

    # the one that was killed may have been the one that was asked
    $r = eval { $t->get('/open/process?num=' . (20 + $i)) }
        if !$r || !$r->{status};

    $bad++ if !$r || ($r->{status} || 0) != 200;
    $slow = time - $at if time - $at > $slow;
    $t->wait_for(sub { 4 == $t->workers() });
}

is($bad, 0, 'requests are answered while workers are killed');
cmp_ok($slow, '<', 3, sprintf('and none waits for a lease: %.2f s', $slow));

# one for the ten largest, and one that reads all of more

is(scalar(() = $t->error_log() =~ /procmgr scan:/g), 2,
    'all that from two scans');


# of twenty connections, which all the workers accept

sub etags {
    my %e;
    $e{$t->get('/open/process')->{headers}{etag} // 'none'}++ for 1 .. 20;
    return join ' ', sort keys %e;
}
