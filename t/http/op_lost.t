#!/usr/bin/perl

# The helper or the worker dies in the middle of an action: what is not known
# is called unknown, what the spool knows is recorded, and nothing runs twice.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 17);
my $count = "$t->{dir}/demo/run/slow.count";

$t->{allow_exit} = qr/exited on signal 9/;
$t->{allow_alert} = qr/exited on signal 9/;

$t->run(policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart roles=operator,admin timeout=30");
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    *) echo begun >> $count; sleep 2; echo ended >> $count; echo output ;;
esac
EOT

my $s = $t->login('operator');

# the helper

my $pid = fork;
if (!$pid) {
    $t->wait_for(sub { -s $count });
    kill 'KILL', $t->helpers();
    require POSIX;
    POSIX::_exit(0);
}
my $r = slow({ Prefer => 'wait=9' });
waitpid $pid, 0;
is($r->{status}, 200, 'helper killed: answered');
is($r->{json}{retStatus}, 'unknown', 'unknown');
is($r->{json}{is_exec}, undef, 'is_exec is not known');
ok($r->{json}{cmdret}, 'with a reason');
is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'unknown',
    'and in the log');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'the target is free');

$t->wait_for(sub { !script() });
unlink $count;

# the worker: the helper goes on and its end is in the spool

$r = slow({ Prefer => 'wait=0' });
is($r->{status}, 202, 'an action runs');
my $id = $r->{json}{op_id};
ok($t->wait_for(sub { -s $count }), 'is begun');
my @old = $t->workers();
kill 'KILL', @old;
ok($t->wait_for(sub { grep { $_ != $old[0] } $t->workers() }),
    'the worker is killed, another one comes');

ok($t->wait_for(sub {
    Test::Procmgr::read_path($count) eq "begun\nended\n"
}), 'the action ends');
is($t->psql("SELECT status FROM procmgr.op_row WHERE op_id = '$id'"),
    'running', 'nobody has told the log');

is(slow()->{status}, 409, 'the target is held meanwhile');

is($t->wait_for(sub {
    sleep 0.3;
    my $v = $s->get("/log/$id")->{json}{retStatus} // 'running';
    $v ne 'running' && $v;
}, 60), 'success', 'the new worker settles it from the spool');
is($t->psql("SELECT detail->>'stdout' FROM procmgr.op_row "
    . "WHERE op_id = '$id'"), "output\n", 'with its output');
is(Test::Procmgr::read_path($count), "begun\nended\n", 'it ran once');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'the target is free');
is(slow({ Prefer => 'wait=9' })->{json}{retStatus}, 'success',
    'and can be acted on');


sub slow {
    my ($headers) = @_;
    return $s->post('/control/services',
        { name => 'slow', action => 'restart' }, $headers);
}

# processes of this instance alone

sub script {
    return grep {
        my $line = eval { Test::Procmgr::read_path("/proc/$_/cmdline") };
        defined $line && $line =~ m{\Q$t->{dir}\E/demo/slow};
    } pids();
}

sub pids { map { m{(\d+)} ? $1 : () } glob('/proc/[1-9]*') }
