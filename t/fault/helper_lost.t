#!/usr/bin/perl

# A helper that is killed has told its spool what it did: the log says that,
# not that nobody knows.  What never began is not started, and only what was
# begun and not ended is unknown.

use strict;
use warnings;

use lib 't/lib';
use Test::More tests => 21;
use Test::ProcmgrFault;
use Time::HiRes qw(sleep);

my $f = Test::ProcmgrFault->new(services => 4)->run();

# its end is written, its answer is not

my ($r, $id) = killed('svc0001', 'end_written');
is($r->{status}, 200, 'killed before its answer: answered');
is($r->{json}{retStatus}, 'success', 'from the spool');
is($r->{json}{exit_code}, 0, 'with its exit status');
is(acts('svc0001'), 1, 'it was done');

# half of its end is written

($r, $id) = killed('svc0002', 'end_half');
is($r->{status}, 200, 'killed over its end: answered');
is($r->{json}{retStatus}, 'unknown', 'nobody knows');
is(acts('svc0002'), 1, 'it was done');

# nothing is written, and nothing can be any more, later than it may begin

($r, $id) = killed('svc0003', 'helper_forked');
is($r->{status}, 202, 'killed before its beginning: accepted');
is($r->{json}{code}, 'outcome_not_recorded', 'without an end');
is(row($id), 'running -', 'it is left open');
is($f->psql("SELECT count(*) FROM procmgr.op_active WHERE op_id = '$id'"), 1,
    'and holds its target');

# cut off from its worker, the helper goes on

$f->point('action_running');
my $ask = $f->ask('svc0004', wait => 20);
my $held = $f->met($ask) or die 'it was not begun';

SKIP: {
    skip 'may not reach into the helper', 6
        if !$f->cut_helper($held->{pid});

    $r = $f->answer($ask);
    is($r->{status}, 202, 'cut off in the action: accepted');
    is($r->{json}{code}, 'outcome_not_recorded', 'without an end');
    is(row($r->{json}{op_id}), 'running -', 'it is left open');
    $f->release($held);

    is(settled($r->{json}{op_id}), 'success -', 'recovery has its end');
    is(acts('svc0004'), 1, 'it was done once');
    is($f->psql('SELECT count(*) FROM procmgr.op_active WHERE op_id = '
        . "'$r->{json}{op_id}'"), 0, 'its target is free');
}
$f->release($held);

is(settled($id), 'failure not_started', 'and what did not begin is not '
    . 'started');
is(acts('svc0003'), 0, 'which is true');
is($f->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'no target is held');

is(join("\n", $f->wrong()), '', 'the log tells what happened');


sub killed {
    my ($name, $point) = @_;

    $f->point($point);
    my $ask = $f->ask($name, wait => 20);
    my $held = $f->met($ask) or die "$point was not met";
    kill 'KILL', $held->{pid};
    $f->release($held);
    my $r = $f->answer($ask);

    return ($r, $r->{json}{op_id});
}

sub row {
    my ($id) = @_;
    return $f->psql("SELECT status || ' ' || coalesce(code, '-') "
        . "FROM procmgr.op_row WHERE op_id = '$id'");
}

sub settled {
    my ($id) = @_;
    return $f->wait_for(sub {
        sleep 0.3;
        my $is = row($id);
        $is !~ /^running/ && $is;
    }, 60);
}

sub acts {
    my ($name) = @_;
    my $text = eval { Test::Procmgr::read_path($f->{acts}) } // '';
    return scalar(() = $text =~ /^begin $name /mg);
}
