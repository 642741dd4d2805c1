#!/usr/bin/perl

# Alerts: one for each time a threshold is passed, a row that is written once
# even when the database is away, and the command that it starts.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 39);
my $d = "$t->{dir}/demo";
my $ran = "$d/run/ran";

$t->run(workers => 1, policy => <<EOF);
command note path=$d/note note word user=nobody roles=operator,admin timeout=20s
command fails path=$d/fails fails user=nobody roles=operator,admin
command admins path=$d/note admins user=nobody roles=admin
EOF
$t->write('demo/note', <<"EOT", 0755);
#!/bin/sh
echo "\$@" >> $ran
EOT
$t->write('demo/fails', "#!/bin/sh\necho fails >> $ran\nexit 3\n", 0755);
mkdir "$d/run";
chmod 0777, "$d/run";

my $s = $t->login('operator');

# 60 MB more or less, by signals

my $pid = fork // die "fork: $!";

if (!$pid) {
    my $x;
    $SIG{USR1} = sub { vec($x, 60 * 1048576, 8) = 1 };
    $SIG{USR2} = sub { undef $x };
    $t->write('demo/ready', '');
    select undef, undef, undef, 60 while 1;
}
$t->wait_for(sub { -e "$d/ready" }, 20);

# what may not be started

for my $c (['nothing', '403 unknown_command'], ['note', '403 unknown_command'],
           ['admins', '403 unknown_command'],
           ['note "word', '403 unknown_command'])
{
    is(code($s->post('/memory/watches', { pid => $pid, on_alert => $c->[0] })),
        $c->[1], "no $c->[0]");
}
is($t->psql("SELECT count(*) FROM procmgr.op_row WHERE type = 'command_run' "
    . "AND status = 'refused'"), 4, 'refused in rows');
is_deeply($s->get('/memory/watches')->{json}, [], 'and none runs');

# edges

my $r = $s->post('/memory/watches', { pid => $pid, interval_ms => 50,
    thresholds_mb => [40, 4000], on_alert => 'note word' });
is($r->{status}, 201, 'a watch with a command');
my $w = $r->{json}{id};
is($r->{json}{config}{on_alert}, 'note word', 'that it shows');

pass_it();
is(wait_alerts(1), 1, 'above: one');
ok($t->wait_for(sub { ran() == 1 }, 20), 'the command ran');
my $one = $t->wait_for(sub { watch()->{alerts} == 1 && watch() }, 20);
is_deeply($one->{above_mb}, [40], 'it is above');
sleep 0.5;
is(alerts(), 1, 'and stays one');

my $row = $s->get('/log?logType=memory_alert')->{json}{rows}[0];
is($row->{code}, 'threshold_exceeded', 'code');
is($row->{actor}, 'operator', 'of who made the watch');
is($row->{logStatus}, 'unread', 'for the badge');
like($row->{target}, qr/^pid $pid \(/, 'target');
like($row->{cmdret}, qr/MB of physical memory, above 40 MB$/, 'a sentence');

my $cmd = $t->wait_for(sub {
    my ($c) = grep { $_->{retStatus} eq 'success' }
        @{ $s->get('/log?logType=command_run')->{json}{rows} };
    $c;
}, 20);
is($cmd->{target}, 'note word', 'the command is an operation');
is($cmd->{actor}, 'operator', 'of the same account');

come_back();
pass_it();
is(wait_alerts(2), 2, 'again above: another');
ok($t->wait_for(sub { ran() == 2 }, 20), 'and its command');

# thresholds patched: what is passed already counts anew

is($s->request('PATCH', "/memory/watches/$w", { thresholds_mb => [45] })
    ->{status}, 200, 'another threshold');
is(wait_alerts(3), 3, 'is passed at once');
$t->wait_for(sub { ran() == 3 }, 20);
come_back();

# the database away

$s->get('/log/unread');
$t->pg_stop();
pass_it();
ok($t->wait_for(sub { (watch()->{alerts} // 0) == 4 }, 20),
    'an alert while the database is away');
sleep 2;
is(ran(), 3, 'no row, no command');
is(watch()->{is_running}, JSON::PP::true, 'the watch runs on');
$t->pg_start();
is(wait_alerts(4), 4, 'its row is written later');
ok($t->wait_for(sub { ran() == 4 }, 20), 'then its command runs');
sleep 1.5;
is(alerts() . ' ' . ran(), '4 4', 'both once');
is($s->delete("/memory/watches/$w")->{status}, 204, 'deleted');
come_back(0);

# a command that fails

$r = $s->post('/memory/watches', { pid => $pid, interval_ms => 50,
    thresholds_mb => [40], on_alert => 'fails', verbose_logging =>
    JSON::PP::true });
$w = $r->{json}{id};
pass_it();
wait_alerts(5);
ok($t->wait_for(sub {
    $t->psql("SELECT count(*) FROM procmgr.op_row WHERE target = 'fails' "
        . "AND status = 'failure' AND code = 'exit_status'") == 1
}, 20), 'its failure is a row');
my $before = watch()->{samples};
ok($t->wait_for(sub { watch()->{samples} > $before }, 20),
    'and the watch runs on');

# each sample in the error log

my $samples = watch()->{samples};
my @said = $t->error_log() =~ /\[info\].*procmgr watch of pid $pid \([^)]*\): virtual \d+ physical (\d+) shared \d+/g;
cmp_ok(scalar @said, '>=', $samples - 1, 'each sample in the error log');
cmp_ok(scalar @said, '<=', watch()->{samples}, 'of this watch alone');

# who may not act any more starts nothing

come_back();
$t->psql("UPDATE procmgr.account SET role = 'viewer' WHERE name = 'operator'");
pass_it();
is(wait_alerts(6), 6, 'an alert after its maker lost the role');
ok($t->wait_for(sub { $t->error_log() =~ /"operator" may not act any more/ },
    20), 'starts no command');
is(ran(), 5, 'as the file shows');

# the target exits

kill 'KILL', $pid;
waitpid $pid, 0;
$pid = 0;
ok($t->wait_for(sub { watch('viewer')->{state} eq 'ended' }, 20),
    'it ends with its process');
is($t->wait_for(sub {
    $t->psql("SELECT count(*) FROM procmgr.op_row WHERE "
        . "type = 'memory_watch' AND code = 'ended'")
}, 20), 1, 'with a row');

END { kill 'KILL', $pid if $pid }


sub pass_it {
    kill 'USR1', $pid;
    rss(sub { $_[0] > 55e6 });
}

# and the watch has seen it

sub come_back {
    my ($wait) = @_;
    kill 'USR2', $pid;
    rss(sub { $_[0] < 35e6 });
    $t->wait_for(sub { !@{ watch()->{above_mb} } }, 20) if $wait // 1;
}

sub rss {
    my ($code) = @_;
    $t->wait_for(sub {
        my ($kb) = Test::Procmgr::read_path("/proc/$pid/status")
            =~ /VmRSS:\s+(\d+)/;
        $code->($kb * 1024);
    }, 20) or die 'the process does not do as it is told';
}

sub watch { ($_[0] ? $t->login($_[0]) : $s)->get("/memory/watches/$w")->{json} }

sub alerts {
    return $t->psql('SELECT count(*) FROM procmgr.op_row '
        . "WHERE type = 'memory_alert'");
}

sub wait_alerts {
    my ($n) = @_;
    $t->wait_for(sub { alerts() >= $n }, 30);
    return alerts();
}

sub ran {
    return -e $ran ? scalar(() = Test::Procmgr::read_path($ran) =~ /\n/g) : 0;
}

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }
