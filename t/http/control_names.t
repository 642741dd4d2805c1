#!/usr/bin/perl

# What cannot be a name, and what is not to be done: each its own code, a
# sentence and a row, and nothing is executed.  Too many of them are answered
# without rows.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my @BAD = ('-demo', '--demo', 'a/b', '/etc/init.d/demo', '../x',
    "a\nb", "demo\n", 'a b', '*', 'd?mo', 'dem[o]', 'demo;id', '$(id)',
    "a\x{202e}b", "\x{e4}", 'x' x 129, 'x' x 1000, "\t", 'a,b', 'demo ',
    "\x{1b}[31m");
my @UNKNOWN = ('x@', 'x@.service', '..x', '..', '.', 'x' x 128, 'DEMO', 'demo.',
    'nosuch');

my $t = Test::Procmgr->new(plan => 4 * (@BAD + @UNKNOWN) + 43);
my $d = "$t->{dir}/demo";

$t->run(locations => 'location /admin/control/ { procmgr control; '
        . 'procmgr_role admin; }',
    policy => join "\n",
        service('touch', 'touch'),
        service('alias', 'touch'),
        service('guarded', 'touch', 'admin'),
        service('failing', 'failing'),
        service('hanging', 'hanging', 'operator,admin', 1),
        service('dying', 'dying'),
        service('away', 'missing'),
        service('slow', 'slow'),
        service('slow-too', 'slow'));

script('touch', 'echo "$1" >> ' . "$d/run/touched");
script('failing', 'echo "no such thing" >&2; exit 5');
script('hanging', 'sleep 60');
script('dying', 'sleep 0.1 & exit 0');
script('slow', 'sleep 2');

my $s = $t->login('operator');

for my $name (@BAD) {
    refused($name, 400, 'bad_name');
}

for my $name (@UNKNOWN) {
    refused($name, 403, 'unknown_service');

    # one account has so many refusals a minute
    calm();
}

calm();
ok(!-e "$d/run/touched", 'nothing was executed');

# each its own code

is(code(act('demo', 'reload')), '403 action_not_allowed', 'action');
is(code(act('guarded', 'start')), '403 role_too_low', 'role of the policy');
is(code($t->login('viewer')->post('/control/services',
    { name => 'demo', action => 'start' })), '403 role_too_low',
    'role of the family');

my $r = $s->post('/admin/control/services',
    { name => 'demo', action => 'start' });
is(code($r), '403 role_too_low', 'role of the location');
like($r->{json}{detail}, qr/needs the role admin, yours is operator/,
    'which says what it needs');
is($t->psql("SELECT status FROM procmgr.op_state JOIN procmgr.op USING (seq) "
    . "WHERE op_id = '$r->{json}{op_id}'"), 'refused', 'and leaves a row');
is($s->get('/admin/control/services')->{status}, 403, 'nor may it look');

is(code(act('away', 'start')), '403 not_executable', 'a missing script');
ok(!-e "$d/run/touched", 'nothing was executed');

# what was run, and how it ended

$r = act('failing', 'start');
is(code($r), '200 exit_status', 'one that fails to start');
is($r->{json}{retStatus}, 'failure', 'a failure');
like($r->{json}{cmdret}, qr/no such thing/, 'with what it said');
is(code(act('hanging', 'start')), '200 timeout', 'one that hangs');
is(code(act('dying', 'start')), '200 no_effect', 'one that dies');

# two names of one unit hold the same; one name of two kinds does not

$r = act('slow', 'start', { Prefer => 'wait=0' });
is($r->{status}, 202, 'a long one');
my $busy = act('slow-too', 'start');
is(code($busy), '409 target_busy', 'the same unit by another name');
is($busy->{json}{op_id}, $r->{json}{op_id}, 'names the one that runs');
is($t->psql('SELECT target FROM procmgr.op_active'), "service:lsb $d/slow",
    'what is held is the unit');

my $own = $s->get("/log/$busy->{json}{refused_op_id}")->{json};
is("$own->{retStatus} $own->{code} $own->{target}",
    'refused target_busy slow-too', 'and has a row of its own');
like($own->{cmdret}, qr/\Q$r->{json}{op_id}\E/, 'which names it too');
is(act('touch', 'start')->{status}, 200, 'another unit is free');
ok($t->wait_for(sub { !$t->psql('SELECT count(*) FROM procmgr.op_active') }),
    'until its end');

# no more than so many rows of refusals

calm();
my $v = $t->login('viewer');
my $count = q{SELECT count(*) FROM procmgr.op JOIN procmgr.op_state }
    . q{USING (seq) WHERE actor = 'viewer' AND status = 'refused'};
my $was = $t->psql($count);

my %got;
for (1 .. 75) {
    $r = $v->post('/control/services', { name => 'demo', action => 'stop' });
    $got{ $r->{status} }++;
}
is($got{403}, 60, 'refused with a row');
is($got{429}, 15, 'refused without one');
is($t->psql($count) - $was, 60, 'as many rows');
is($r->{json}{code}, 'throttled', 'the code');
like($r->{headers}{'retry-after'}, qr/^[1-9]\d?$/, 'Retry-After');
is($r->{json}{op_id}, undef, 'and no row is named');
is($s->post('/control/services', { name => 'demo', action => 'start' })
    ->{status}, 200, 'another account is not held up');
$t->psql("UPDATE procmgr.op_refused SET since = since - interval '61 s'");
is($v->post('/control/services', { name => 'demo', action => 'stop' })
    ->{status}, 403, 'after a minute it is refused with a row again');

# what was refused by the helper counts like what was refused here

calm();
%got = ();
$got{ act('nosuch', 'stop')->{status} }++ for 1 .. 65;
is($got{403}, 60, 'refused by the helper');
is($got{429}, 5, 'the helper is not asked any more');
is(act('demo', 'stop')->{status}, 200, 'what is permitted is done');
is(act('nosuch', 'stop')->{status}, 429, 'and what is not, is not');
calm();
is(act('nosuch', 'stop')->{status}, 403, 'until a minute is over');

# the log holds what was tried, and the chain holds

my $list = $s->get('/log?limit=500&retStatus=refused')->{json}{rows};
is(scalar(grep { $_->{request}{name} && $_->{request}{name} eq "a\nb" }
    @$list), 1, 'the name as it came');
is($t->login('admin')->get('/log/verify')->{json}{ok}, JSON::PP::true,
    'the chain');

# the list, and one of it

for my $name ('-x', 'x%2fy', 'a%0ab', '*') {
    is($s->get("/control/services/$name")->{status} =~ /^40[04]$/ ? 1 : 0, 1,
        "no service: $name");
}
is($s->get('/control/services/' . 'x' x 129)->{status}, 400, 'over-long');


sub refused {
    my ($name, $status, $code) = @_;
    my $r = act($name, 'restart');
    my $shown = substr($name =~ s/[^ -~]/?/gr, 0, 20);

    is(code($r), "$status $code", "\"$shown\"");
    ok(length $r->{json}{detail} > 20, 'a sentence');

    my $row = $s->get("/log/$r->{json}{op_id}")->{json};
    is("$row->{retStatus} $row->{code}", "refused $code", 'a row');
    is($row->{target}, $name =~ s/[\x00-\x1f\x7f]//gr, 'of what was named');
}

sub act {
    my ($name, $action, $headers) = @_;
    return $s->post('/control/services',
        { name => $name, action => $action }, $headers);
}

sub code { "$_[0]{status} " . ($_[0]{json}{code} // '') }

sub calm {
    $t->psql('DELETE FROM procmgr.op_refused');
}

sub service {
    my ($name, $script, $roles, $timeout) = @_;
    return "service $name lsb $d/$script actions=start,stop,restart roles="
        . ($roles // 'operator,admin') . ' timeout=' . ($timeout // 30) . 's';
}

sub script {
    my ($name, $code) = @_;
    $t->write("demo/$name", "#!/bin/sh\n[ \"\$1\" = status ] && exit 3\n"
        . "$code\n", 0755);
}
