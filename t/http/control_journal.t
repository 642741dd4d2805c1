#!/usr/bin/perl

# The last lines of a service's log, for whom the policy lets see them, and
# what one service is.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 31);
my $d = "$t->{dir}/demo";

$t->run(policy => <<EOF);
service quiet lsb $d/quiet actions=start roles=operator,admin
service secret lsb $d/quiet actions=start roles=operator,admin log=$d/run/x.log
service linked lsb $d/quiet actions=start roles=operator,admin log=$d/run/l.log
journal unit=linked,quiet roles=operator,admin lines=50
journal unit=secret roles=admin lines=50
EOF
$t->write('demo/quiet', <<'EOT', 0755);
#!/bin/sh
### BEGIN INIT INFO
# Short-Description: says <b>nothing</b>
### END INIT INFO
exit 3
EOT
mkdir "$d/run";
$t->write('demo/run/x.log', "one\ntwo \xff <img>\nthree");
symlink "$d/run/x.log", "$d/run/l.log" or die;

my $s = $t->login('operator');

is($s->post('/control/services', { name => 'demo', action => $_ })->{status},
    200, "demo: $_") for qw(start restart);

my $r = journal('demo');
is($r->{status}, 200, 'its log');
is($r->{json}{name}, 'demo', 'name');
ok(@{ $r->{json}{lines} } >= 2, 'lines');
like($r->{json}{lines}[-1], qr/procmgr-demo \d+ started$/, 'the last one');
$r = journal('demo', '?lines=1');
is(scalar @{ $r->{json}{lines} }, 1, 'as many as asked for');
like($r->{json}{lines}[0], qr/started$/, 'the last ones');

is(code(journal('nosuch')), '404 not_found', 'no such service');
is(code(journal('secret')), '403 policy_denied', 'not for this role');
is(code(journal('quiet')), '403 no_log', 'a service without a log');
is(code(journal('linked')), '403 log_unreadable', 'a link is not followed');
is(code(journal('-x')), '400 bad_name', 'no name');
is(journal('demo', "?lines=$_")->{status}, 400, "lines=$_")
    for 0, -1, 1001, 'x', '';
is(journal('demo', '?more=1')->{status}, 400, 'unknown parameter');
is($t->login('viewer')->get('/control/services/demo/journal')->{status}, 403,
    'not for viewers');
is($t->get('/control/services/demo/journal')->{status}, 401,
    'not for the anonymous');

my $a = $t->login('admin');
is_deeply($a->get('/control/services/secret/journal')->{json}{lines},
    ['one', "two \x{fffd} <img>", 'three'], 'any bytes become text');
is_deeply($a->get('/control/services/secret/journal?lines=2')->{json}{lines},
    ["two \x{fffd} <img>", 'three'], 'an open line is one');

# one service

$r = $s->get('/control/services/quiet');
is($r->{status}, 200, 'a service');
is($r->{json}{description}, 'says <b>nothing</b>', 'description');
is($r->{json}{executable}, "$d/quiet", 'executable');
is($r->{json}{manager}, 'lsb', 'manager');
is($r->{json}{state}, 'inactive', 'state');
ok(exists $r->{json}{$_}, "member $_") for qw(user start_type);
ok(exists $r->{json}{unit_file} && exists $r->{json}{pids},
    'members unit_file and pids');


sub journal { $s->get("/control/services/$_[0]/journal" . ($_[1] // '')) }

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }
