#!/usr/bin/perl

# What is refused is not done, and is one row of the log each.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 29);
my $script = "$t->{dir}/demo/guarded";
my $count = "$t->{dir}/demo/run/guarded.count";

$t->run(policy => "service guarded lsb $script actions=start,stop "
    . "roles=admin timeout=10");
$t->write('demo/guarded', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 3 ;;
    *) echo "\$1" >> $count ;;
esac
EOT

my $s = $t->login('operator');

refused('unknown service', $s, 'nosuch', 'restart', 'unknown_service');
refused('action the policy does not name', $s, 'demo', 'reload',
    'action_not_allowed');
refused('role too low for the policy', $s, 'guarded', 'start',
    'role_too_low');
refused('role too low for control', $t->login('viewer'), 'demo', 'stop',
    'role_too_low');

ok(!-e $count, 'nothing was executed');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0, 'no target is held');
is($t->psql("SELECT count(*) FROM procmgr.op_state WHERE status = 'refused'"),
    4, 'one row each');
is($t->psql("SELECT count(*) FROM procmgr.op WHERE actor = 'viewer'"
    . " AND type = 'service_stop'"), 1, 'with the actor');

is($t->login('admin')->post('/control/services',
    { name => 'guarded', action => 'start' })->{json}{code}, 'no_effect',
    'an admin may: the script runs, and the service does not');

# who is refused too often gets no more rows, and is still served otherwise

my $last;

for (1 .. 80) {
    $last = $s->post('/control/services',
        { name => 'nosuch', action => 'restart' });
    last if $last->{status} == 429;
}

is($last->{status}, 429, 'refusals are throttled');
like($last->{headers}{'retry-after'}, qr/^[1-9]\d?$/, 'and when not any more');
my $rows = $t->psql("SELECT count(*) FROM procmgr.op_state "
    . "WHERE status = 'refused'");
is($s->post('/control/services', { name => 'nosuch', action => 'restart' })
    ->{status}, 429, 'the next one too');
is($t->psql("SELECT count(*) FROM procmgr.op_state WHERE status = 'refused'"),
    $rows, 'without a row');
is($s->post('/control/services', { name => 'demo', action => 'start' })
    ->{json}{retStatus}, 'success', 'what is permitted is done');

# nor does a list of names fill it

for (1 .. 100) {
    $last = $s->post('/control/services',
        { name => "nosuch$_", action => 'restart' });
    last if $last->{status} == 429;
}

is($last->{status}, 429, 'names that nobody knows are throttled too');
cmp_ok($t->psql("SELECT count(*) FROM procmgr.op_state "
    . "WHERE status = 'refused' AND code = 'unknown_service'"), '<=', 125,
    'and so are their rows');
is($s->post('/control/services', { name => 'demo', action => 'start' })
    ->{json}{code}, 'unchanged', 'what is permitted is done all the same');


sub refused {
    my ($what, $who, $name, $action, $code) = @_;
    my $r = $who->post('/control/services',
        { name => $name, action => $action });

    is($r->{status}, 403, "$what: 403");
    is($r->{json}{code}, $code, "$what: $code");

    my $row = $who->get("/log/$r->{json}{op_id}")->{json};
    is($row->{retStatus}, 'refused', "$what: a row");
    is($row->{target}, $name, "$what: of the target");
}
