#!/usr/bin/perl

# The disk of the database is full: 503 and nothing is done, first when a
# table cannot grow, then when the log of transactions cannot; and all is
# well again when there is space.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $where = Test::Full->folder()
    or plan skip_all => 'no file system may be mounted here';

my $t = Test::Full->new(plan => 23, where => $where);
my $count = "$t->{dir}/demo/run/acts";

$t->run(policy => "service count lsb $t->{dir}/demo/count "
    . 'actions=restart roles=operator,admin timeout=30');
$t->write('demo/count', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = restart ] || exit 0
echo act >> $count
EOT

my $s = $t->login('operator');
is(act()->{status}, 200, 'there is space');

full('a table', sub {});

# what the server writes before it changes a table is full too

full('the log of transactions', sub {
    my $said = '';
    for (1 .. 400) {
        $said = quiet('SELECT pg_logical_emit_message(false, $$x$$, '
            . 'repeat($$x$$, 1000000))');
        last if ($said // '') eq '';
    }
});


sub full {
    my ($what, $more) = @_;

    $t->ballast();
    $more->();

    # an outcome may be the first that has no room: that is told with a 202

    my ($r, $done, $last);
    for (1 .. 400) {
        $done = acts();
        $r = act();
        last if $r->{status} == 503;
    }

    is($r->{status}, 503, "$what: 503");
    is($r->{json}{code}, 'database_unavailable', 'with its code');
    is(acts(), $done, 'nothing was done');
    unlike($r->{raw}, qr/SQLSTATE|No space|could not|\bpg\b|libpq/i,
        'and nothing told of the database');
    is(act()->{status}, 503, 'again');
    is(acts(), $done, 'nothing was done');

    $t->no_ballast();

    # a server that could not even recover has ended

    $t->wait_for(sub {
        quiet('SELECT 1') or system("$Test::Procmgr::TOP/tools/instance.sh "
            . "pg-start $t->{dir} > /dev/null 2>&1") && sleep(0.5) && 0;
    }, 60);

    ok($t->wait_for(sub {
        sleep 0.2;
        $done = acts();
        ($last = act())->{status} == 200;
    }, 40), 'space again: well again');
    is(acts(), $done + 1, 'and it is done');

    ok($t->wait_for(sub {
        sleep 0.3;
        $t->psql('SELECT count(*) FROM procmgr.op_active') == 0
        && $t->psql("SELECT count(*) FROM procmgr.op_state "
            . "WHERE status = 'running'") == 0
    }, 60), 'nothing is left open');
    is($t->psql("SELECT count(*) FROM procmgr.op_state s "
        . "JOIN procmgr.op o USING (seq) "
        . "WHERE o.target = 'count' AND s.status = 'success'"), acts(),
        'a row for each act');

    my $v = decode_json($t->psql('SELECT procmgr.log_verify(NULL, 0, 9999)'));
    ok($v->{ok}, 'the chain is whole');
}

sub act {
    return $s->post('/control/services',
        { name => 'count', action => 'restart' }, { Prefer => 'wait=9' });
}

sub acts {
    my $text = eval { Test::Procmgr::read_path($count) } // '';
    return scalar(() = $text =~ /^act$/mg);
}

sub quiet {
    my ($sql) = @_;
    open my $old, '>&', \*STDERR;
    open STDERR, '>', '/dev/null';
    my $v = $t->psql("$sql; SELECT 1");
    open STDERR, '>&', $old;
    return ($v // '') =~ /^1\z/m ? 1 : '';
}


package Test::Full;

# its cluster lies on a small file system that can be filled

use parent -norequire, 'Test::Procmgr';

my $mounted;

sub folder {
    return undef if $> != 0;

    my $dir = File::Temp::tempdir('full-XXXXXX', DIR => '/tmp');
    chmod 0755, $dir;

    if (system("mount -t tmpfs -o size=128m,mode=0755 none $dir "
               . '> /dev/null 2>&1') != 0)
    {
        rmdir $dir;
        return undef;
    }

    return $mounted = $dir;
}

sub new {
    my ($class, %o) = @_;
    my $self = $class->SUPER::new(plan => $o{plan});

    $self->{where} = $o{where};
    return $self;
}

sub pg_template {
    my ($self) = @_;

    $self->SUPER::pg_template();
    system('cp', '-a', "$self->{dir}/pg/data", "$self->{where}/data") == 0
        or die;
    File::Path::remove_tree("$self->{dir}/pg/data");
    symlink "$self->{where}/data", "$self->{dir}/pg/data" or die;
}

sub ballast {
    my ($self) = @_;

    open my $f, '>', "$self->{where}/ballast" or die "ballast: $!";
    my $size = 65536;
    while ($size >= 4096) {
        $size /= 2 if !defined syswrite $f, 'x' x $size;
    }
    close $f;
}

sub no_ballast { unlink "$_[0]{where}/ballast" }

sub finish {
    my ($self) = @_;

    $self->no_ballast() if $self->{where};
    $self->SUPER::finish();
    $self->unmount();
}

sub unmount {
    my $dir = $mounted or return;

    $mounted = undef;
    system('umount', $dir) == 0 or system('umount', '-l', $dir);
    rmdir $dir;
}
