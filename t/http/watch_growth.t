#!/usr/bin/perl

# A process that grows for two minutes is found, one that only breathes is
# not: the slope, the alert and what it says.

use strict;
use warnings;

use lib 't/lib';
use POSIX ();
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 12)->run(workers => 1);
my $s = $t->login('operator');

# 24 MB a minute in small steps; 8 MB up and down each second

my @pid = map { child($_) }
    sub { my $x = ''; while (1) { vec($x, length($x) + 419430, 8) = 1; sleep 1 } },
    sub { while (1) { my $x = ''; vec($x, 40 << 20, 8) = 1; sleep 0.5; undef $x; sleep 0.5 } };

my ($grows, $breathes) = map {
    my $r = $s->post('/memory/watches', { pid => $_, interval_ms => 200,
        history_size => 1000, thresholds_mb => [100000],
        growth_mb_per_min => 5 });
    is($r->{status}, 201, 'a watch');
    $r->{json}{id};
} @pid;

my $w = $t->wait_for(sub {
    my $j = $s->get("/memory/watches/$grows")->{json};
    defined $j->{slope_mb_per_min} && $j->{slope_low_mb_per_min} > 0 && $j;
}, 60);
ok($w, 'a slope soon');
cmp_ok($w->{eta_to_threshold_s} // 0, '>', 60, 'the time to the threshold');
is($w->{growing}, JSON::PP::false, 'but no alarm yet');

my $row = $t->wait_for(sub {
    my ($r) = @{ $s->get('/log?logType=memory_alert')->{json}{rows} // [] };
    $r;
}, 200);
is($row && $row->{code}, 'memory_growth', 'then the alert');
like($row && $row->{cmdret}, qr/^pid $pid[0] .*: grows by [\d.]+ MB a minute \([\d.]+ to [\d.]+\), [\d.]+ MB now$/,
    'in a sentence');

$w = $s->get("/memory/watches/$grows")->{json};
is($w->{growing}, JSON::PP::true, 'it is growing');
cmp_ok(abs($w->{slope_mb_per_min} - 24), '<', 12, 'about as fast as it does');

$w = $s->get("/memory/watches/$breathes")->{json};
is($w->{growing}, JSON::PP::false, 'the other is not');
is($w->{alerts}, 0, 'without an alert');
is($t->psql("SELECT count(*) FROM procmgr.op_row WHERE type = 'memory_alert'"),
    1, 'one in all');

$s->delete("/memory/watches/$_") for $grows, $breathes;


sub child {
    my ($code) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    eval { $code->() };
    POSIX::_exit(0);
}

END {
    my $status = $?;
    kill 'KILL', @pid if @pid;
    waitpid $_, 0 for @pid;
    $? = $status;
}
