#!/usr/bin/perl

# A watch by name or by unit goes from one process to the next; a zone that
# is full says so and names the size; who listens is told.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 35)->run(workers => 2);
my $s = $t->login('operator');
my $name = "pmw$$";

# by name: the oldest, then its successor

my $p = named();
my $r = $s->post('/memory/watches', { name => $name });
is($r->{status}, 201, 'by name');
is_deeply($r->{json}{target}, { name => $name }, 'its target');
is($r->{json}{pid}, $p->{pid}, 'its process');
is($r->{json}{identity} =~ /^$p->{pid}:\d+$/ ? 1 : 0, 1, 'who it is');
my $id = $r->{json}{id};

my $younger = named();
sleep 0.3;
is(watch($id)->{pid}, $p->{pid}, 'a younger one changes nothing');
end($younger);
is(code($s->post('/memory/watches', { name => $name })),
    '409 already_exists', 'one of a name');
is($s->post('/memory/watches', { pid => $p->{pid} })->{status}, 201,
    'its pid is another target');

end($p);
my $w = $t->wait_for(sub {
    my $j = watch($id);
    $j->{state} eq 'waiting' && $j;
}, 20);
ok($w, 'without a process it waits');
is($w && $w->{is_running}, JSON::PP::true, 'and runs');
is($w && $w->{pid}, undef, 'no pid');
my $samples = watch($id)->{samples};
sleep 1;
is(watch($id)->{samples}, $samples, 'no samples of nothing');

$p = named();
$w = $t->wait_for(sub {
    my $j = watch($id);
    ($j->{pid} // 0) == $p->{pid} && $j->{samples} > $samples + 2 && $j;
}, 30);
ok($w, 'the next process is found');
is($w && $w->{restarts}, 1, 'counted');
is($w && $w->{initial}{timestamp} lt $w->{current}{timestamp}, 1,
    'the first sample is that of the first process');
is($t->psql("SELECT count(*) FROM procmgr.op_row WHERE code = 'ended' "
    . "AND target = 'name $name'"), 0, 'it has not ended');

# a watch of a name waits also after nginx was restarted

end($p);
$t->wait_for(sub { watch($id)->{state} eq 'waiting' }, 20);
$t->nginx_stop();
$t->start();
ok($t->wait_for(sub { (watch($id)->{state} // '') eq 'waiting' }, 30),
    'it comes back without a process');
$p = named();
ok($t->wait_for(sub { (watch($id)->{samples} // 0) > 2 }, 30),
    'and finds one');
is($s->delete("/memory/watches/$id")->{status}, 204, 'deleted');

# by unit

my $unit = "procmgr-t$$.service";
my $group;

SKIP: {
    my $one = spawn();
    for my $root (qw(/sys/fs/cgroup/unified /sys/fs/cgroup)) {
        $group = "$root/$unit";
        if (-e "$root/cgroup.procs" && mkdir $group) {
            last if join_group($one->{pid})
                && ($s->get("/system/process/$one->{pid}/unit")->{json} // '')
                    eq $unit;
            move("$root/cgroup.procs", $one->{pid});
            rmdir $group;
        }
        undef $group;
    }
    skip 'no control group of its own', 6 if !$group;

    $r = $s->post('/memory/watches', { unit => $unit });
    is($r->{status}, 201, 'by unit');
    is($r->{json}{pid}, $one->{pid}, 'its process');
    my $u = $r->{json}{id};
    ok($t->wait_for(sub { watch($u)->{samples} > 3 }, 20), 'sampled');

    end($one);
    ok($t->wait_for(sub { watch($u)->{state} eq 'waiting' }, 20), 'it waits');
    my $two = spawn();
    join_group($two->{pid});
    ok($t->wait_for(sub { (watch($u)->{pid} // 0) == $two->{pid} }, 30),
        'and follows the restart');
    is($s->delete("/memory/watches/$u")->{status}, 204, 'deleted');
    end($two);
}
END { rmdir $group if $group }

# no room: 100000 samples in all, whoever has them

my @w = grep { $_->{state} ne 'free' } @{ $s->get('/memory/watches')->{json} };
$s->delete("/memory/watches/$_->{id}") for @w;

$r = $s->post('/memory/watches', { pid => $$, history_size => 99000 });
is($r->{status}, 201, 'a large one');
$r = $s->post('/memory/watches', { name => $name, history_size => 1001 });
is(code($r), '503 zone_full', 'one too many');
like($r->{json}{detail}, qr/history_size 1001 does not fit: of 100000 samples in all 1000 are free/,
    'with the figures');
is($s->post('/memory/watches', { name => $name, history_size => 1000 })
    ->{status}, 201, 'what is left');
is(code($s->post('/memory/watches', { pid => $p->{pid}, history_size => 1 })),
    '503 zone_full', 'then nothing');
is($t->psql('SELECT count(*) FROM procmgr.watch'), 2,
    'what did not fit is not kept');
$s->delete("/memory/watches/$_->{id}")
    for @{ $s->get('/memory/watches')->{json} };
is($s->post('/memory/watches', { pid => $$, history_size => 100000 })
    ->{status}, 201, 'all of it for one');
$s->delete("/memory/watches/$_->{id}")
    for @{ $s->get('/memory/watches')->{json} };

# of a small zone less, and the size that is needed is named

my $conf = $t->read_file('etc/nginx.conf');
$conf =~ s/procmgr_zone \S+;/procmgr_zone procmgr:1m;/;
my ($least) = $t->test_conf($conf) =~ /needs at least (\d+)k/;
my $size = $least + 1024 . 'k';
$conf =~ s/procmgr_zone \S+;/procmgr_zone procmgr:$size;/;
$t->nginx_stop();
$t->write('etc/nginx.conf', $conf);
$t->start();

$r = $t->wait_for(sub {
    my $a = $s->post('/memory/watches', { pid => $$, history_size => 90000 });
    $a->{status} == 503 && ($a->{json}{code} // '') eq 'zone_full' && $a;
}, 20);
ok($r, 'a small zone');
like($r && $r->{json}{detail},
    qr/does not fit into the zone, which has room for \d+ such samples: procmgr_zone procmgr:\d+m is needed/,
    'names the size');
is($s->post('/memory/watches', { pid => $$, history_size => 500 })->{status},
    201, 'a small watch has room');
is($s->delete("/memory/watches/$_->{id}")->{status}, 204, 'deleted')
    for @{ $s->get('/memory/watches')->{json} };

end($p);


sub named {
    return spawn(code => sub {
        open my $f, '>', '/proc/self/comm' or die;
        print $f $name;
        close $f;
        return 'ready';
    });
}

sub join_group { move("$group/cgroup.procs", $_[0]) }

sub move {
    my ($file, $pid) = @_;
    open my $f, '>', $file or return 0;
    return print($f $pid) && close $f;
}

sub watch { $s->get("/memory/watches/$_[0]")->{json} }

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }
