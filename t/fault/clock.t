#!/usr/bin/perl

# The clocks of nginx and of the database jump, forward and back, in the
# middle of actions: nobody is thrown out by nginx's, nothing is lost, doubled
# or left open, and the log keeps its order.  The machine's clock stays.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

use constant DAY => 86400;

my @JUMPS = ([nginx => DAY], [nginx => -DAY], [nginx => 3600 * DAY],
    [pg => 300], [pg => -300], [pg => -30 * DAY]);

my $t = Test::Clock->new(plan => 13 + 4 * @JUMPS);
my $acts = "$t->{dir}/demo/run/acts";

$t->{allow_exit} = qr/exited on signal 9/;
$t->{allow_alert} = qr/exited on signal 9/;

$t->run(workers => 2, policy => "service slow lsb $t->{dir}/demo/slow "
    . 'actions=restart roles=operator,admin timeout=30');
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = restart ] || exit 0
echo begin >> $acts
sleep 0.7
echo end >> $acts
EOT

my $s = $t->login('operator');

# the clocks can be set at all

cmp_ok(abs($t->clock('nginx') - time), '<', 60, "nginx's clock is right");
$t->jump(nginx => DAY);
ok($t->wait_for(sub { abs($t->clock('nginx') - time - DAY) < 60 }),
    'and jumps');
$t->jump(pg => 300);
cmp_ok(abs($t->clock('pg') - time - 300), '<', 60, "so does the database's");
$t->jump($_ => 0) for qw(nginx pg);

for my $jump (@JUMPS) {
    my ($who, $by) = @$jump;
    my $name = sprintf '%s %+d s', $who, $by;
    my $r = act(0);
    my $id = $r->{json}{op_id};

    is($r->{status}, 202, "$name: an action runs");
    $t->jump($who => $by);

    is(settled($id), 'success', "$name: it ends");
    $r = act(15);
    is($r->{status}, 200, "$name: the next is done");
    $t->jump($who => 0);
    is(act(15)->{status}, 200, "$name: and when the clock is right again");
}

# a worker is killed while the clock is wrong: recovery does not ask it

my $id = act(0)->{json}{op_id};
$t->wait_for(sub { Test::Procmgr::read_path($acts) =~ /begin\n\z/ }, 20);
$t->jump($_ => -DAY) for qw(nginx pg);
my $start = time;
kill 'KILL', $t->workers();
is(settled($id), 'success', 'both back a day, a worker killed: settled');
cmp_ok(time - $start, '<', 60, 'within a minute');
$t->jump($_ => 0) for qw(nginx pg);

# an account that is held back is not held back for a day

for (1 .. 4) {
    $t->login('viewer', 'wrong password');
}
$t->jump(nginx => -DAY);
ok($t->wait_for(sub { sleep 0.5; $t->login('viewer')->{status} == 200 }, 40),
    'throttled, and a day back: a login is possible soon');
$t->jump(nginx => 0);

# what became of it

$s = $t->login('operator') if $s->get('/log')->{status} == 401;
$t->wait_for(sub { $s->get('/log')->{status} == 200 }, 20);

my $done = done();
is($done, 3 * @JUMPS + 1, 'each was done once');
is($t->psql("SELECT count(*) FROM procmgr.op_row WHERE target = 'slow' "
    . "AND status = 'success'"), $done, 'each has its row');
is($t->psql("SELECT count(*) FROM procmgr.op WHERE target = 'slow'"), $done,
    'and there is no other');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'no target is held');
is($t->psql("SELECT count(*) FROM procmgr.op_state WHERE "
    . "status = 'running'"), 0, 'nothing is open');
ok(decode_json($t->psql('SELECT procmgr.log_verify(NULL, 0, 9999)'))->{ok},
    'the chain is whole');

my @seq = map { $_->{seq} } @{ $s->get('/log?limit=100')->{json}{rows} };
is("@seq", join(' ', sort { $b <=> $a } @seq), 'the list keeps its order');


sub done { scalar(() = Test::Procmgr::read_path($acts) =~ /^end$/mg) }

sub act {
    my ($wait) = @_;
    my $r;

    # what was known of a connection may be over for a moment

    $t->wait_for(sub {
        $r = $s->post('/control/services',
            { name => 'slow', action => 'restart' },
            { Prefer => "wait=$wait" });
        $r->{status} != 503;
    }, 20);
    diag "$r->{status} $r->{body}" if $r->{status} !~ /^20[02]$/;
    return $r;
}

sub settled {
    my ($id) = @_;
    return $t->wait_for(sub {
        sleep 0.2;
        my $is = $t->psql("SELECT status FROM procmgr.op_row "
            . "WHERE op_id = '$id'");
        $is ne 'running' && $is;
    }, 60);
}


package Test::Clock;

# both programs get a library between them and the clock

use parent -norequire, 'Test::Procmgr';

use Time::Local qw(timegm);

sub run {
    my ($self, %o) = @_;
    my $so = $self->{so} = "$self->{dir}/clock.so";

    system($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1', '-o', $so,
        "$Test::Procmgr::TOP/t/lib/clock.c") == 0
        or Test::More::BAIL_OUT('t/lib/clock.c does not compile');
    chmod 0755, $so;

    $self->jump($_ => 0) for qw(nginx pg);

    return $self->SUPER::run(%o);
}

# in place: the file is mapped

sub jump {
    my ($self, $who, $by) = @_;
    my $path = "$self->{dir}/clock.$who";

    open my $f, -e $path ? '+<' : '+>', $path or die "$path: $!";
    binmode $f;
    syswrite $f, pack 'q<', $by;
    close $f;
}

sub clock {
    my ($self, $who) = @_;

    return $self->psql('SELECT extract(epoch FROM clock_timestamp())')
        if $who eq 'pg';

    my ($d, $m, $y, @t) = $self->get('/')->{headers}{date}
        =~ /(\d+) (\w+) (\d+) (\d+):(\d+):(\d+) GMT/ or return 0;
    my %month;
    @month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;

    return timegm(reverse(@t), $d, $month{$m}, $y);
}

sub start {
    my ($self) = @_;

    local $ENV{LD_PRELOAD} = $self->{so};
    local $ENV{PROCMGR_CLOCK} = "$self->{dir}/clock.nginx";
    return $self->SUPER::start();
}

sub pg_start {
    my ($self) = @_;
    my ($bin) = reverse sort { $a <=> $b }
        map { m{/(\d+)/bin/pg_ctl$} } glob '/usr/lib/postgresql/*/bin/pg_ctl';
    my @as = $self->{root} ? ('setpriv', '--reuid=postgres',
        '--regid=postgres', '--init-groups') : ();

    $self->SUPER::pg_start();           # makes the folder of its socket
    $self->pg_stop();

    system("cd / && @as env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "
        . "LD_PRELOAD=$self->{so} PROCMGR_CLOCK=$self->{dir}/clock.pg "
        . "/usr/lib/postgresql/$bin/bin/pg_ctl -D $self->{dir}/pg/data -w "
        . "-l $self->{dir}/pg/data/server.log -o '-k " . $self->socket_dir()
        . "' start > $self->{dir}/pg.log 2>&1") == 0
        or Test::More::BAIL_OUT('PostgreSQL does not start: '
            . $self->read_file('pg.log'));
    return $self;
}
