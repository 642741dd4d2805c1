#!/usr/bin/perl

# No committed intent, no exec; and an action that ran is not forgotten when
# the database leaves meanwhile.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 24);
my $count = "$t->{dir}/demo/run/slow.count";

$t->run(policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart,start roles=operator,admin timeout=30");
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    *) echo begun >> $count; sleep 1.5; echo ended >> $count; echo output ;;
esac
EOT

my $s = $t->login('operator');
$s->get('/log/unread');

# stopped

$t->pg_stop();
my $start = time;
my $r = slow();
is($r->{status}, 503, 'stopped: 503');
is($r->{json}{code}, 'database_unavailable', 'with its code');
ok(time - $start < 3.5, 'soon');
ok(!-e $count, 'nothing was executed');
unlike($r->{raw}, qr/SQLSTATE|\bpg\b|libpq|socket/i, 'and nothing told');
$t->pg_start();

ok($t->wait_for(sub { slow({ Prefer => 'wait=9' })->{status} == 200 }, 15),
    'back: it works');
unlink $count;

# frozen: it takes the statement and does not answer

my $rows = $t->psql('SELECT count(*) FROM procmgr.op');
$s->get('/log');    # the session is known for a second
freeze('STOP');
$start = time;
$r = slow();
is($r->{status}, 503, 'frozen: 503');
ok(time - $start < 4.5, 'soon');
sleep 1;
ok(!-e $count, 'nothing was executed');
freeze('CONT');

ok($t->wait_for(sub {
    $t->psql('SELECT count(*) FROM procmgr.op_active') == 0
    && $t->psql('SELECT count(*) FROM procmgr.op') > $rows
}, 10), 'thawed: the intent is settled');
is($t->psql("SELECT status || ' ' || code FROM procmgr.op_row "
    . 'ORDER BY seq DESC LIMIT 1'), 'failure not_started', 'as not started');
ok(!-e $count, 'and still nothing was executed');

ok($t->wait_for(sub {
    my $r = slow({ Prefer => 'wait=9' });
    $r->{status} == 200 && $r->{json}{retStatus} eq 'success';
}, 15), 'the target is free');

# stopped in the middle of an action

unlink $count;
$r = slow({ Prefer => 'wait=0' });
is($r->{status}, 202, 'an action runs');
my $id = $r->{json}{op_id};
ok($t->wait_for(sub { -s $count }), 'is begun');
$t->pg_stop();
ok($t->wait_for(sub {
    Test::Procmgr::read_path($count) eq "begun\nended\n"
}), 'and ends without the database');
sleep 1;
$t->pg_start();

my $row = $t->wait_for(sub {
    my $r = $t->psql("SELECT status FROM procmgr.op_row WHERE op_id = '$id'");
    $r ne 'running' && $r;
}, 20);
is($row, 'success', 'its outcome is recorded afterwards');
is($t->psql("SELECT detail->>'stdout' FROM procmgr.op_row "
    . "WHERE op_id = '$id'"), "output\n", 'with its output');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'the target is free');

# the client that waits is told what is true

unlink $count;
$t->wait_for(sub { $s->get('/log/unread')->{status} == 200 }, 15);
my $pid = fork;
if (!$pid) {
    $t->wait_for(sub { -s $count });
    $t->pg_stop();
    require POSIX;
    POSIX::_exit(0);
}
$r = slow({ Prefer => 'wait=4' });
waitpid $pid, 0;
is($r->{status}, 202, 'outcome not recorded: 202');
is($r->{json}{code}, 'outcome_not_recorded', 'that says so');
is($r->{json}{retStatus}, 'running', 'and claims nothing');
$t->pg_start();
is($t->wait_for(sub {
    my $v = $t->psql("SELECT status FROM procmgr.op_row "
        . "WHERE op_id = '$r->{json}{op_id}'");
    $v ne 'running' && $v;
}, 20), 'success', 'recorded afterwards');

is($t->psql("SELECT (procmgr.log_verify(NULL, 0, 5000))::json->>'ok'"), 'true',
    'the chain of the log is whole');


sub slow {
    my ($headers) = @_;
    return $s->post('/control/services',
        { name => 'slow', action => 'restart' }, $headers);
}

# the postmaster and all of its children

sub freeze {
    my ($signal) = @_;
    my $pid = $t->pg_pid();
    kill $signal, $pid,
        split ' ', Test::Procmgr::read_path("/proc/$pid/task/$pid/children");
}
