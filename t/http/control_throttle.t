#!/usr/bin/perl

# An account that is refused again and again: what it may not do leaves no
# more rows, and what it may do is done at once, the first time and after a
# target that was held.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $uid = $> == 0 ? 2000 : $>;
my $t = Test::Procmgr->new(plan => 35);
my $d = "$t->{dir}/demo";
my $user = $> == 0 ? 'nobody' : getpwuid $>;

$t->run(policy => <<EOF);
service slow lsb $d/slow actions=restart roles=operator timeout=60s
command words path=$d/words words int(1..9) user=$user roles=operator
signal uid=$uid sigs=TERM,CONT,KILL roles=operator
priority uid=$uid nice=0..19 roles=operator
EOF
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = status ] && exit 0
while [ ! -e $d/go ]; do sleep 0.1; done
EOT
$t->write('demo/words', "#!/bin/sh\necho \$1\n", 0755);

my $s = $t->login('operator');
my ($n, $r, @child) = 0;
my $child = process();

END { my $status = $?; kill 'KILL', @child; $? = $status }

# all that it is refused in a minute, with names that nobody knows

refused_out();
is($t->psql("SELECT n FROM procmgr.op_refused WHERE actor = 'operator'"),
    120, 'a hundred and twenty refusals');

my $rows = rows();
is(act('nosuch1', 'restart'), '429 throttled', 'a name of the first ones');
is(act('nosuch1000', 'restart'), '429 throttled', 'a new one');
is(act('demo', 'reload'), '429 throttled', 'an action that it may not');
is(act('-x', 'restart'), '429 throttled', 'what is no name');
is(command('words 10'), '429 throttled', 'a command that is none');
is(command('nosuch'), '429 throttled', 'or not at all');
is(signal("4194303:$_", 'TERM'), '429 throttled', "no process $_")
    for 1 .. 3;
is(rows(), $rows, 'leave no row');
like($r->{headers}{'retry-after'}, qr/^[1-9]\d?$/, 'but say when');

# what is permitted is done the first time

is(act('demo', 'start'), '200', 'a service');
is(act('demo', 'restart'), '200', 'another action of it');
is(command('words 5'), '200', 'a command');
is(signal(id($child), 'CONT'), '200', 'a signal');
is(code($s->post('/control/priority', { identity => id($child), nice => 5 })),
    '200', 'a priority');
is(rows(), $rows + 5, 'a row each');

# what is held is told without a row, and done when it is free

$r = $s->post('/control/services', { name => 'slow', action => 'restart' },
    { Prefer => 'wait=0' });
is($r->{status}, 202, 'one that takes its time');
my $id = $r->{json}{op_id};
ok($t->wait_for(sub { rows() == $rows + 6 }, 30), 'has its row');
still();
is(act('slow', 'restart'), '409 target_busy', 'is held');
is($r->{json}{op_id}, $id, 'by that one');
is($r->{json}{refused_op_id}, undef, 'without a row');
$t->psql('DELETE FROM procmgr.op_refused');
is(act('slow', 'restart'), '409 target_busy', 'with one');
like($r->{json}{refused_op_id}, qr/^[0-9a-f-]{36}$/, 'before the bound');
refused_out();
$t->write('demo/go', '');
ok($t->wait_for(sub {
    ($s->get("/log/$id")->{json}{state} // '') eq 'done';
}, 60), 'it ends');
still();
is(act('slow', 'restart'), '200', 'and is restarted');

# what the helper refuses is refused once

$t->write('demo/slow', "#!/bin/sh\n", 0777);
chmod 0777, "$d/slow";
is(act('slow', 'restart'), '403 not_executable', 'one that was broken');
$rows = rows();
is(act('slow', 'restart'), '429 throttled', 'is not tried again and again');
is(rows(), $rows, 'no row of it');

# a password that was missing was no refusal of what needs it

my $next = process();
$t->psql('DELETE FROM procmgr.op_refused');
$t->psql("UPDATE procmgr.session SET auth_at = now() - interval '6 minutes'");
$t->nginx_stop();
$t->start();
is(signal(id($next), 'TERM', 'KILL'), '403 reauth_required',
    'one that needs the password again');
refused_out();
is($s->post('/session/reauth', { password => $t->password('operator') })
    ->{status}, 204, 'it is given');
is(signal(id($next), 'TERM', 'KILL'), '200', 'and it is done');
is(act('nosuch1000', 'restart'), '429 throttled', 'but not what is not known');
waitpid $next, 0;

is($t->login('admin')->get('/log/verify')->{json}{ok}, JSON::PP::true,
    'the chain');


sub refused_out {
    for (1 .. 400) {
        act('nosuch' . $n++, 'restart');
        last if $r->{status} == 429;
        still() if $_ % 20 == 0;
    }
    still();
}

# the minute does not end however long this takes

sub still {
    $t->psql('UPDATE procmgr.op_refused SET since = clock_timestamp()');
}

sub act {
    my ($name, $action) = @_;
    $r = $s->post('/control/services', { name => $name, action => $action });
    return code($r);
}

sub command {
    $r = $s->post('/control/commands', { command => $_[0] });
    return code($r);
}

sub signal {
    my ($identity, $signal, $then) = @_;
    $r = $s->post('/control/signal', { identity => $identity,
        signal => $signal, $then ? (then => $then) : (), wait_ms => 0 });
    return code($r);
}

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }

sub rows {
    $t->psql("SELECT count(*) FROM procmgr.op WHERE actor = 'operator'");
}

sub process {
    my $pid = fork() // die "fork: $!";

    if (!$pid) {
        if ($> == 0) {
            $( = $) = "$uid $uid";
            $< = $> = $uid;
        }
        exec $^X, '-e', 'sleep 600' or die;
    }
    push @child, $pid;
    $t->wait_for(sub { (stat "/proc/$pid")[4] == $uid });
    return $pid;
}

sub id {
    my ($pid) = @_;
    my $stat = Test::Procmgr::read_path("/proc/$pid/stat") =~ s/^.*\) //sr;
    return "$pid:" . (split ' ', $stat)[19];
}
