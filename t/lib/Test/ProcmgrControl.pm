package Test::ProcmgrControl;

# Cases of control, row by row: what is asked, how it ended, what is told and
# what the log keeps of it.
#
#   my $c = Test::ProcmgrControl->new($t->login('operator'));
#   $c->act('again', demo => 'start', 'success unchanged');
#   $c->act('dies', demo => 'start', 'failure no_effect', exit => 0,
#       change => 'inactive inactive', says => qr/success/);
#
# A case is three tests: its end, what it told of it, its row.

use strict;
use warnings;

use Test::More ();
use Time::HiRes qw(sleep time);

use constant CASE => 3;

sub new {
    my ($class, $session) = @_;
    return bless { s => $session }, $class;
}

sub act {
    my ($self, $what, $name, $action, $end, %want) = @_;

    return $self->case($what, '/control/services',
        { name => $name, action => $action }, $end, target => $name, %want);
}

sub run {
    my ($self, $command, $end, %want) = @_;

    return $self->case($command, '/control/commands',
        { command => $command }, $end, target => $command, %want);
}

# want: status, exit, signal, change ("state state"), says (of the sentence),
# target; the row, which is returned, has what was not a problem's to tell

sub case {
    my ($self, $what, $uri, $body, $end, %want) = @_;
    my $s = $self->{s};
    my $r = $s->post($uri, $body, { Prefer => 'wait=60' });
    my $id = $r->{json}{refused_op_id} // $r->{json}{op_id} // 'none';
    my $row = $self->settled($id);
    my ($ret, $code) = split ' ', $end;

    # what is a problem's to tell, and what an operation's

    my %told = $r->{status} < 300
        ? (end => words(@{ $r->{json} }{qw(retStatus code)}),
            said => words($r->{json}{reason}))
        : (end => words($ret eq 'failure' ? 'failure' : 'refused',
                $r->{json}{reason} // $r->{json}{code}),
            said => $r->{json}{detail});

    my $status = $want{status} // ($ret eq 'refused' ? 403 : 200);

    Test::More::is(words($r->{status}, $told{end}, $row->{exit_code},
            $row->{signal} ? "signal $row->{signal}" : ()),
        words($status, $end, $want{exit},
            $want{signal} ? "signal $want{signal}" : ()), $what)
        or Test::More::diag(Test::More::explain($r->{json}));

    my $says = $want{says}
        // ($end eq 'success' ? qr/^$/ : qr/^\S+ \S+ .{8,}[^.\n]$/);
    my $change = words(map { $row->{$_}{state} } qw(before after));
    my $all = ($told{said} // '') =~ $says
        && $change =~ ($want{change} ? qr/^(?:$want{change})$/ : qr//);

    Test::More::ok($all, "$what: the sentence"
            . ($want{change} ? ", $want{change}" : ''))
        or Test::More::diag("said: $told{said}\nchange: $change");

    Test::More::is(words(@$row{qw(retStatus code target state)},
            defined $row->{is_exec} ? $row->{is_exec} ? 1 : 0 : 'null'),
        words($end, $want{target}, 'done', $ret eq 'success' ? 1 : 0),
        "$what: the row");

    $self->{answer} = $r;
    return $row;
}

# its row, when it has come to its end

sub settled {
    my ($self, $id) = @_;
    my $end = time + 120;
    my $row;

    while (1) {
        $row = $self->{s}->get("/log/$id")->{json};
        $row = {} if ref $row ne 'HASH';
        return $row if ($row->{state} // '') eq 'done' || time > $end;
        sleep 0.1;
    }
}

# how a service is, by its own address and in the list

sub state {
    my ($self, $name, $want, $what, $seconds) = @_;
    my $end = time + ($seconds // 30);
    my $is = '';

    # what is listed may be a second old

    until ($is eq $want || time > $end) {
        my $r = $self->{s}->get("/control/services/$name");
        $is = words(@{ $r->{json} }{qw(state sub_state)});
        $is =~ s/ .*// if $want !~ / /;
        sleep 0.1 if $is ne $want;
    }

    Test::More::is($is, $want, $what);
}

sub words { join ' ', grep { defined && length } @_ }

1;
