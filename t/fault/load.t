#!/usr/bin/perl

# A thousand actions while nginx is reloaded five times, and another two
# hundred while it is told to quit in the middle: each that was acknowledged
# has its row, each row its act, and nothing ran twice.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use POSIX ();
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

use constant COMMANDS => 16;
use constant CLIENTS => 8;

my $t = Test::Procmgr->new(plan => 17);
my $acts = "$t->{dir}/demo/run/acts";

$t->run(workers => 2, policy => join "\n", map {
    "command add$_ path=$t->{dir}/demo/add add$_ int(1..9999999) user=root "
    . 'roles=operator,admin timeout=30'
} 1 .. COMMANDS);
$t->write('demo/add', "#!/bin/sh\necho \"\$1\" >> $acts\n", 0755);

my $s = $t->login('operator');

# five reloads

my @told = load(1000, 1, sub {
    my ($done) = @_;
    for my $n (1 .. 5) {
        $t->wait_for(sub { $done->() >= 160 * $n }, 300);
        kill 'HUP', $t->{master};
    }
});

my %status;
$status{ $_->{status} }++ for @told;
is_deeply(\%status, { 200 => 1000 }, 'a thousand are answered');
check(\@told, 'five reloads');

# quit in the middle

$status{$_} = 0 for keys %status;
@told = load(200, 5001, sub {
    my ($done) = @_;
    $t->wait_for(sub { $done->() >= 60 }, 120);
    kill 'QUIT', $t->{master};
});
$status{ $_->{status} }++ for @told;
cmp_ok($status{200} // 0, '>=', 50, "quit: $status{200} are answered");
ok($t->wait_for(sub { !-d "/proc/$t->{master}" }, 40), 'nginx has ended');
ok($t->wait_for(sub { !-e "$t->{dir}/nginx/nginx.pid" }, 10), 'all of it');
ok($t->wait_for(sub { !$t->helpers() }, 20), 'and its helpers');

$t->start();
check(\@told, 'quit');


# clients that ask one after the other; what each was told

sub load {
    my ($n, $first, $meanwhile) = @_;
    my (@pids, @files);

    for my $c (0 .. CLIENTS - 1) {
        my $file = "$t->{dir}/client$c";
        push @files, $file;
        unlink $file;
        defined(my $pid = fork) or die "fork: $!";

        if (!$pid) {
            open my $out, '>', $file or die "$file: $!";
            $out->autoflush(1);

            for (my $i = $c; $i < $n; $i += CLIENTS) {
                my $id = 1 + $c + CLIENTS * (int($i / CLIENTS)
                    % (COMMANDS / CLIENTS));
                my $r = $s->post('/control/commands',
                    { command => "add$id " . ($first + $i) },
                    { Prefer => 'wait=30' });
                print $out encode_json({ n => $first + $i,
                    status => $r->{status},
                    (map { $_ => ref $r->{json} eq 'HASH'
                        ? $r->{json}{$_} : undef }
                        qw(op_id retStatus code)) }), "\n";
                last if !$r->{status} && !$t->connect();
            }
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }

    $meanwhile->(sub {
        return scalar(() = join('', map {
            eval { Test::Procmgr::read_path($_) } // '' } @files) =~ /\n/g);
    });

    waitpid $_, 0 for @pids;

    return map { decode_json($_) } map { split /\n/, Test::Procmgr::read_path($_) }
        @files;
}

sub check {
    my ($told, $name) = @_;

    ok($t->wait_for(sub {
        sleep 0.3;
        $t->psql('SELECT count(*) FROM procmgr.op_active') == 0
        && $t->psql("SELECT count(*) FROM procmgr.op_state "
            . "WHERE status = 'running'") == 0
    }, 60), "$name: all is settled");

    my %row = map { @$_ } @{ decode_json($t->psql(
        "SELECT json_agg(json_build_array(op_id, json_build_object('status', "
        . "status, 'n', request->'argv'->>1))) FROM procmgr.op_row "
        . "WHERE type = 'command_run'")) };
    my %act;
    $act{$_}++ for split /\n/, Test::Procmgr::read_path($acts);

    is(join(' ', grep { $act{$_} > 1 } keys %act), '',
        "$name: nothing ran twice");
    is(join(' ', map { $_->{n} } grep { $_->{op_id}
        && !$row{ $_->{op_id} } } @$told), '',
        "$name: what was acknowledged has its row");

    my %ran = map { $_->{n} => 1 } grep { $_->{status} eq 'success' }
        values %row;
    is(join(' ', grep { !$act{$_} } keys %ran), '',
        "$name: what is in the log was done");
    is(join(' ', grep { !$ran{$_} } keys %act), '',
        "$name: and what was done is in the log");
    ok(decode_json($t->psql('SELECT procmgr.log_verify(NULL, 0, 100000)'))
        ->{ok}, "$name: the chain is whole");
}
