#!/usr/bin/perl

# Twenty restarts of one service at once: one runs, the others are told which.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 9);
my $count = "$t->{dir}/demo/run/slow.count";

$t->run(workers => 2, policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart roles=operator,admin timeout=30");
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    restart) echo "\$\$" >> $count; sleep 2 ;;
esac
EOT

my $s = $t->login('operator');
my @pipe;

for my $n (1 .. 20) {
    my $pid = open my $p, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        my $r = $s->post('/control/services',
            { name => 'slow', action => 'restart' });
        print "$r->{status} $r->{json}{op_id} ",
            $r->{json}{code} // $r->{json}{retStatus};
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    push @pipe, $p;
}

my @answer = map { my $p = $_; my $line = <$p>; close $p; $line } @pipe;
my @ran = grep { /^200 / } @answer;
my @busy = grep { /^409 / } @answer;

is(scalar @ran, 1, 'one ran');
is(scalar @busy, 19, 'nineteen were busy');

my ($id) = $ran[0] =~ /^200 (\S+)/;
is(scalar(grep { /^409 \Q$id\E target_busy$/ } @busy), 19,
    'and name the one that runs');

is(scalar(() = Test::Procmgr::read_path($count) =~ /\n/g), 1,
    'the script ran once');
is($t->psql("SELECT string_agg(status || coalesce(' ' || code, '') || ' '
    || n, ', ' ORDER BY status) FROM (SELECT status, code, count(*) AS n
    FROM procmgr.op JOIN procmgr.op_state USING (seq) WHERE target = 'slow'
    GROUP BY 1, 2) s"), 'refused target_busy 19, success 1',
    'a row of each, and one of them ran');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'the target is free again');

my $r = $s->post('/control/services', { name => 'slow', action => 'restart' },
    { Prefer => 'wait=0' });
is($r->{status}, 202, 'the next one runs');
is($s->post('/control/services', { name => 'demo', action => 'start' })
    ->{status}, 200, 'and does not hold another service');
is($t->wait_for(sub {
    my $row = $s->get("/log/$r->{json}{op_id}")->{json};
    $row->{state} eq 'done' && $row->{retStatus};
}), 'success', 'it ends');
