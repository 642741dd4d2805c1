#!/usr/bin/perl

# What waits longer for its turn than a request is good for is begun all the
# same, once: a request is sealed when its turn comes.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 8);
my $ran = "$t->{dir}/demo/run/ran";

$t->run(workers => 2, helper_max => 1, policy => "service long lsb $t->{dir}/demo/long "
    . "actions=restart roles=operator timeout=120\n"
    . "service next lsb $t->{dir}/demo/next "
    . "actions=restart roles=operator timeout=120");

for my $name (qw(long next)) {
    my $time = $name eq 'long' ? 45 : 0;
    $t->write("demo/$name", <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    *) echo $name >> $ran; sleep $time ;;
esac
EOT
}

my $s = $t->login('operator');

my $long = act('long');
ok($t->wait_for(sub { -s $ran }), 'the first one has begun');
my $next = act('next');
my $start = time;

is(status($next), 'running', 'the next one waits');
is($t->wait_for(sub { my $v = status($next); $v ne 'running' && $v }, 120),
    'success', 'it is begun when its turn comes');
cmp_ok(time - $start, '>', 30, 'after a long time');
is(status($long), 'success', 'behind the first');
is(scalar(() = Test::Procmgr::read_path($ran) =~ /next/g), 1, 'once');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'no target is held');
is($t->psql("SELECT count(*) FROM procmgr.op_event WHERE op = (SELECT seq "
    . "FROM procmgr.op WHERE op_id = '$next')"), 2, 'intent and outcome');


sub act {
    my ($name) = @_;
    return $s->post('/control/services',
        { name => $name, action => 'restart' },
        { Prefer => 'wait=0' })->{json}{op_id};
}

sub status {
    my ($id) = @_;
    sleep 0.3;
    return $s->get("/log/$id")->{json}{retStatus} // 'running';
}
