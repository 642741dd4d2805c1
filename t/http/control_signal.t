#!/usr/bin/perl

# Signals: to the one process that was meant, or to all below it.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep);
use Test::Procmgr;

my $uid = $> == 0 ? 2000 : $>;
my $other = $> == 0 ? 500 : undef;

my $t = Test::Procmgr->new(plan => 67);
$t->run(policy => <<EOF);
signal uid=$uid sigs=TERM,KILL,STOP,CONT,USR1 roles=operator,admin
signal uid=$uid sigs=HUP roles=admin
EOF

my @started;
my $s = $t->login('operator');

# one process

my $p = process('sleep 60');
my $r = signal(identity => id($p), signal => 'TERM');
is(code($r), '200', 'TERM');
is($r->{json}{retStatus}, 'success', 'success');
is($r->{json}{logType}, 'process_signal', 'type');
is($r->{json}{target}, id($p), 'target');
is_deeply($r->{json}{gone}, [$p], 'gone');
is_deeply($r->{json}{alive}, [], 'nobody is alive');
is($r->{json}{argv}, undef, 'no program was run');
is_deeply($r->{json}{request}, { pid => $p, starttime => start($p),
    signal => 'TERM', tree => JSON::PP::false, wait_ms => 3000, then => '' },
    'what was asked');
my $row = $s->get("/log/$r->{json}{op_id}")->{json};
is_deeply([$row->{gone}, $row->{alive}], [[$p], []], 'the log says it too');
is(waitpid($p, 0) == $p ? $? : -1, 15, 'it ended by the signal');

# by its time of creation

$p = process('sleep 60');
my ($btime) = Test::Procmgr::read_path('/proc/stat') =~ /^btime (\d+)/m;
chomp(my $hz = `getconf CLK_TCK`);
my $created = $btime + start($p) / $hz;
is(code(signal(pid => $p, create_time => $created - 0.01, signal => 'TERM')),
    '409 stale_process', 'a tick too early');
is(code(signal(pid => $p, create_time => 1000, signal => 'TERM')),
    '409 stale_process', 'long before this host was started');
ok(kill(0, $p), 'it lives');
$r = signal(pid => $p, create_time => $created, signal => 'TERM');
is_deeply($r->{json}{gone}, [$p], 'pid and create_time');
is($r->{json}{target}, id($p), 'are the same target');
waitpid $p, 0;

# what is not there, or is another one

$p = process('sleep 60');
$r = signal(identity => "$p:" . (start($p) + 1), signal => 'TERM');
is(code($r), '409 stale_process', 'another start');
is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'refused',
    'has a row');
ok(kill(0, $p), 'it lives');
my $was = id($p);
kill 'KILL', $p;
$t->wait_for(sub { state($p) eq 'Z' });
is(code(signal(identity => $was, signal => 'TERM')), '409 zombie_process',
    'a zombie');
waitpid $p, 0;
is(code(signal(identity => $was, signal => 'TERM')), '404 no_such_process',
    'nobody');

# what the policy does not permit

$p = process('sleep 60');
is(code(signal(identity => id($p), signal => 'HUP')), '403 policy_denied',
    'a signal of another role');
is(code(signal(identity => id($p), signal => 'INT')), '403 policy_denied',
    'a signal of no role');
is(code($t->login('viewer')->post('/control/signal',
    { identity => id($p), signal => 'TERM' })), '403 role_too_low',
    'a viewer signals nobody');
is(code(signal(identity => id(1), signal => 'TERM')), '403 protected',
    'process 1');
my ($worker) = $t->workers();
is(code(signal(identity => id($t->{master}), signal => 'TERM')),
    '403 protected', 'nginx');
SKIP: {
    skip 'one user', 2 if !defined $other;
    my $o = process('sleep 60', $other);
    is(code(signal(identity => id($o), signal => 'TERM')),
        '403 policy_denied', "another user's");
    ok(kill(0, $o), 'it lives');
}
ok(kill(0, $p), 'so does this one');

# that is no request: no row, nothing is asked

my $rows = $t->psql('SELECT count(*) FROM procmgr.op');
for ([{ signal => 'TERM' }, 'no process'],
    [{ pid => $p, signal => 'TERM' }, 'no time'],
    [{ create_time => 1, signal => 'TERM' }, 'no pid'],
    [{ identity => id($p), pid => $p, create_time => 1, signal => 'TERM' },
        'both'],
    [{ identity => id($p) }, 'no signal'],
    [{ identity => id($p), signal => '9' }, 'a number'],
    [{ identity => id($p), signal => 'SIGTERM' }, 'with SIG'],
    [{ identity => id($p), signal => 'term' }, 'small letters'],
    [{ identity => id($p), signal => 'NOSUCH' }, 'no such signal'],
    [{ identity => "$p", signal => 'TERM' }, 'no ticks'],
    [{ identity => "$p:", signal => 'TERM' }, 'empty ticks'],
    [{ identity => "-$p:1", signal => 'TERM' }, 'a group'],
    [{ identity => "0$p:1", signal => 'TERM' }, 'a zero before'],
    [{ identity => "0:1", signal => 'TERM' }, 'process 0'],
    [{ identity => "$p:1x", signal => 'TERM' }, 'more behind'],
    [{ pid => -1, create_time => 1, signal => 'TERM' }, 'everybody'],
    [{ pid => 1.5, create_time => 1, signal => 'TERM' }, 'half a process'],
    [{ pid => $p, create_time => 'x', signal => 'TERM' }, 'no number'],
    [{ pid => $p, create_time => -5, signal => 'TERM' }, 'before 1970'],
    [{ identity => id($p), signal => 'TERM', wait_ms => -1 }, 'wait'],
    [{ identity => id($p), signal => 'TERM', wait_ms => 60001 }, 'too long'],
    [{ identity => id($p), signal => 'TERM', tree => 1 }, 'tree'],
    [{ identity => id($p), signal => 'TERM', then => 'TERM' }, 'then'],
    [{ identity => id($p), signal => 'TERM', more => 1 }, 'unknown member'])
{
    my ($body, $what) = @$_;
    is(code($s->post('/control/signal', $body)), '400 bad_parameter', $what);
}
is($t->psql('SELECT count(*) FROM procmgr.op'), $rows, 'no row of them');
ok(kill(0, $p), 'it lives');
kill 'KILL', $p;
waitpid $p, 0;

# one that does not want to end

$p = process('$SIG{TERM} = "IGNORE"; print "x\n"; sleep 60 while 1');
$r = signal(identity => id($p), signal => 'TERM', wait_ms => 100);
is_deeply($r->{json}{alive}, [$p], 'alive');
is($r->{json}{code}, 'still_alive', 'which is said');
$r = signal(identity => id($p), signal => 'TERM', wait_ms => 100,
    then => 'KILL');
is_deeply($r->{json}{gone}, [$p], 'gone after KILL');
is($r->{json}{retStatus}, 'success', 'success');
waitpid $p, 0;

# a tree, of which one is stopped

$p = process('for (1, 2) { if (!fork) { fork; sleep 60; exit } } '
    . 'print "x\n"; sleep 60');
my @tree;
$t->wait_for(sub { @tree = below($p); @tree == 4 });
push @started, @tree;
kill 'STOP', $tree[0];
$r = signal(identity => id($p), signal => 'TERM', tree => JSON::PP::true,
    wait_ms => 500, then => 'KILL');
is_deeply([sort { $a <=> $b } @{ $r->{json}{gone} }],
    [sort { $a <=> $b } $p, @tree], 'all of it is gone');
is_deeply($r->{json}{alive}, [], 'and nobody alive');
waitpid $p, 0;

# stopped and continued

$p = process('sleep 60');
$r = signal(identity => id($p), signal => 'STOP', wait_ms => 0);
is($r->{json}{retStatus}, 'success', 'STOP');
ok($t->wait_for(sub { state($p) eq 'T' }), 'it stands');
is(code(signal(identity => id($p), signal => 'CONT', wait_ms => 0)), '200',
    'CONT');
ok($t->wait_for(sub { state($p) ne 'T' }), 'it goes on');

# KILL behind another signal needs the password again

$t->psql("UPDATE procmgr.session SET auth_at = now() - interval '6 minutes'");
$t->nginx_stop();
$t->start();
is(code(signal(identity => id($p), signal => 'TERM', then => 'KILL')),
    '403 reauth_required', 'an old password');
ok(kill(0, $p), 'it lives');
$s->post('/session/reauth', { password => $t->password('operator') });
is(code(signal(identity => id($p), signal => 'TERM', then => 'KILL')), '200',
    'a new one');
waitpid $p, 0;

END { my $status = $?; kill 'KILL', @started; $? = $status }


sub signal { $s->post('/control/signal', { @_ }) }

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }

sub process {
    my ($code, $as) = @_;
    my $pid = open my $out, '-|';
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        if ($> == 0) {
            my $u = $as // $uid;
            $( = $) = "$u $u";
            $< = $> = $u;
        }
        exec $^X, '-e', "\$| = 1; print \"x\\n\"; $code" or die;
    }
    push @started, $pid;
    readline $out;
    keep($out);
    return $pid;
}

my @kept;
sub keep { push @kept, @_ }

sub stat_of {
    my $text = eval { Test::Procmgr::read_path("/proc/$_[0]/stat") } // '';
    return split ' ', $text =~ s/^.*\) //sr;
}
sub state { (stat_of(@_))[0] // '' }
sub start { (stat_of(@_))[19] + 0 }
sub id { "$_[0]:" . start(@_) }

sub below {
    my ($pid) = @_;
    my @c = split ' ', eval {
        Test::Procmgr::read_path("/proc/$pid/task/$pid/children") } // '';
    return map { ($_, below($_)) } @c;
}
