#!/usr/bin/perl

# Connections to PostgreSQL leave with their worker, and without an alert:
# idle ones at once, busy ones with their statement.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 9)->run(workers => 2);
my $s = $t->login();

my ($pid, $out) = poller();

for (1 .. 4) {
    sleep 0.4;
    $t->reload();
}

sleep 0.4;
kill 'TERM', $pid;
my ($n, $bad) = split ' ', (readline($out) // '0 nothing') =~ s/\n//r, 2;
waitpid $pid, 0;
cmp_ok($n, '>', 20, "$n requests with statements");
is($bad, '', 'none was lost');

ok($t->wait_for(sub { 2 == $t->workers() }, 10), 'the old workers have gone');
ok($t->wait_for(sub { connections() <= 8 }, 5), 'and their connections');

# backends are ended under load: an answer or a 503, and then on

($pid, $out) = poller();

for (1 .. 10) {
    $t->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        . "WHERE usename = 'procmgr_web'");
    sleep 0.1;
}

kill 'TERM', $pid;
($n, $bad) = split ' ', (readline($out) // '0 nothing') =~ s/\n//r, 2;
waitpid $pid, 0;
cmp_ok($n, '>', 10, "ended backends: $n requests");
like($bad, qr/^(?:database_unavailable \d+)?$/, 'with an answer or a 503');
ok($t->wait_for(sub { $s->get('/log')->{status} == 200 }, 5), 'and on');

# quit while a statement is held up

my $lock = "BEGIN; LOCK procmgr.op_state IN ACCESS EXCLUSIVE MODE; "
    . "SELECT pg_sleep(0.7)";
my $locker = fork // die;
if (!$locker) {
    $t->psql($lock);
    require POSIX;
    POSIX::_exit(0);
}
$t->wait_for(sub { $t->psql("SELECT count(*) FROM pg_stat_activity "
    . "WHERE wait_event = 'PgSleep'") });

my $kid = open my $answer, '-|' // die;
if (!$kid) {
    print $s->get('/log/unread')->{status}, ' ', $s->get('/log')->{status};
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}
sleep 0.3;
$t->nginx_stop();
like(readline($answer) // '', qr/^200 /, 'quit: the statement in flight ended');
waitpid $locker, 0;
is(connections(), 0, 'quit: no connection is left');


sub connections {
    return $t->psql("SELECT count(*) FROM pg_stat_activity "
        . "WHERE usename = 'procmgr_web'");
}

sub poller {
    my $pid = open my $from, '-|' // die "fork: $!";
    return ($pid, $from) if $pid;

    my ($n, $end, %bad) = (0, 0);
    $SIG{TERM} = sub { $end = 1 };

    until ($end) {
        my $r = $s->get('/log?limit=5');
        last if $end;       # the signal cut this one short
        $n++;
        $bad{$r->{json}{code} || $r->{status}}++ if $r->{status} != 200;
    }

    print "$n @{[ %bad ]}\n";
    close STDOUT;
    require POSIX;
    POSIX::_exit(0);
}
