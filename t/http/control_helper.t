#!/usr/bin/perl

# Without a helper that works: the rest goes on, actions say why they do not,
# and the error log says it once.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 30)->run();
my $helper = "$t->{dir}/libexec/procmgr-helper";
my $s = $t->login('operator');

is($s->get('/control/services')->{status}, 200, 'with a helper');

# missing

rename $helper, "$helper.away" or die;
unavailable('missing');
is(lines(), 1, 'one line in the error log');
unlike($s->get('/control/services')->{body}, qr{\Q$t->{dir}\E},
    'no path is told');

# back

rename "$helper.away", $helper or die;
$t->wait_for(sub { $s->get('/control/services')->{status} == 200 });
is($s->get('/control/services')->{status}, 200, 'back: it works');
is($s->post('/control/services', { name => 'demo', action => 'start' })
    ->{status}, 200, 'and acts');

# a policy that is not understood permits nothing

$t->append('etc/policy.conf', "nonsense\n");
my $was = lines();
unavailable('policy', 'policy_invalid');
is(lines(), $was + 1, 'one more line');

# from the start

$t->nginx_stop();
$was = lines();
$t->start();
$t->wait_for(sub { lines() > $was });
$s = $t->login('operator');
$s->get('/control/policy') for 1 .. 3;
$s->get('/control/services') for 1 .. 3;
is(lines(), $was + 1, 'at a start it is said once');

is($s->get('/system/process')->{status}, 200, 'and the host can be seen');


sub unavailable {
    my ($what, $reason) = @_;
    my $r;

    $t->wait_for(sub { $s->get('/control/services')->{status} == 503 });
    for my $n (1 .. 2) {
        $r = $s->get('/control/services');
        is($r->{status}, 503, "$what: no list");
        is($r->{json}{code}, 'helper_unavailable', "$what: code");
    }

    $t->wait_for(sub { !$s->get('/control/policy')->{json}{helper}{available} });
    $r = $s->get('/control/policy');
    is($r->{status}, 200, "$what: the policy answers");
    ok(!$r->{json}{helper}{available}, "$what: not available");
    ok($r->{json}{helper}{reason}, "$what: and why");

    $r = $s->post('/control/services', { name => 'demo', action => 'restart' });
    is($r->{status}, 503, "$what: no action");
    is($r->{json}{code}, 'helper_unavailable', "$what: code of it");
    is($r->{json}{reason}, $reason // 'helper_unavailable', "$what: reason");

    my $row = $s->get("/log/$r->{json}{op_id}")->{json};
    is("$row->{retStatus} $row->{code}", 'failure '
        . ($reason // 'helper_unavailable'), "$what: its row");
}

sub lines { scalar(() = $t->error_log() =~ /\[error\].*helper/g) }
