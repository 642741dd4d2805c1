#!/usr/bin/perl

# "nginx -s stop", and a start, while an action runs: it is neither stopped
# nor run again, and its row has its end.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 7);
my $ran = "$t->{dir}/demo/run/ran";

$t->run(workers => 2, policy => "service slow lsb $t->{dir}/demo/slow "
    . 'actions=restart roles=operator timeout=60');
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = status ] && exit 0
echo begun >> $ran
sleep 4
echo ended >> $ran
EOT

my $s = $t->login('operator');
my $r = $s->post('/control/services', { name => 'slow', action => 'restart' },
    { Prefer => 'wait=0' });

is($r->{status}, 202, 'it is accepted');
ok($t->wait_for(sub { -s $ran }), 'and has begun');

$t->nginx_stop('TERM');
is(Test::Procmgr::read_path($ran), "begun\n", 'nginx stops at once');
$t->start();

ok($t->wait_for(sub { Test::Procmgr::read_path($ran) =~ /ended/ }, 30),
    'the action goes on');
is($t->wait_for(sub {
    sleep 0.3;
    my $ret = ($s->get("/log/$r->{json}{op_id}")->{json} || {})->{retStatus};
    return defined $ret && $ret !~ /^(running|pending)$/ ? $ret : undef;
}, 90), 'success', 'its row has its end');
is(Test::Procmgr::read_path($ran), "begun\nended\n", 'it ran once');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'no target is held');
