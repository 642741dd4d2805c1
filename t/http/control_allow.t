#!/usr/bin/perl

# An account with a list of services is told what it may do, not what its
# role may: these services, no command, signal or priority.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my %BOUND = (demo => [], one => [], two => ['start', 'stop']);

my $t = Test::Procmgr->new(plan => 27);

$t->run(workers => 2, policy => join "\n", map { "service $_ lsb "
    . "$t->{dir}/demo/$_ actions=start,stop roles=operator,admin" }
    qw(one two));
$t->write("demo/$_", "#!/bin/sh\nexit 0\n", 0755) for qw(one two);

my $s = $t->login('operator');
my $all = $s->get('/control/policy')->{json};
cmp_ok(scalar @{ $all->{$_} }, '>', 0, "a role's $_")
    for qw(services commands signals priorities);
my %etag = ('If-None-Match' => $s->get('/control/services')
    ->{headers}{etag});
is($s->request('GET', '/control/services', undef, { %etag })->{status}, 304,
    'a list without a list of its own is the one of all');

$t->ctl('account', 'allow', 'operator', 'two', 'unknown');
told($s, 'a session');

my $token = $t->ctl('token', 'add', 'deploy', 'operator');
my $bearer = { Authorization => "Bearer $token" };
is_deeply(actions($t->request('GET', '/control/policy', undef, $bearer)
    ->{json}{services}), \%BOUND,
    'a token of it is bound too');

my $admin = $t->login('admin');
my $policy = $admin->get('/control/policy')->{json};
is_deeply($policy->{$_}, $all->{$_}, "others are not: $_")
    for qw(services commands);

my $viewer = $t->login('viewer');
is($viewer->get('/control/policy')->{status}, 200, 'a viewer has no list');

# what it is told is what happens

is($s->post('/control/services', { name => 'one', action => 'start' })
    ->{json}{code}, 'not_allowed', 'what is not told is refused');
is($s->post('/control/services', { name => 'two', action => 'start' },
    { Prefer => 'wait=20' })->{status}, 200, 'what is told is done');
is($s->post('/control/commands', { command => 'procmgr-demo work 1' })
    ->{json}{code}, 'not_allowed', 'a command is refused');

$t->ctl('account', 'allow', 'operator');
is_deeply(actions($s->get('/control/policy')->{json}{services}),
    actions($all->{services}), 'none named is all that its role may');

# without the database nothing is done; what the policy names is told

$t->ctl('account', 'allow', 'operator', 'two');
$t->pg_stop();
my $r = $s->get('/control/services');
is($r->{status}, 200, 'the list while the database is away');
is_deeply(actions($r->{json}), actions($all->{services}), 'with all of it');
is($s->post('/control/services', { name => 'one', action => 'start' })
    ->{status}, 503, 'nothing is done');
$t->pg_start();
ok($t->wait_for(sub {
    !@{ actions($s->get('/control/policy')->{json}{services} // [])->{one}
        // ['away'] }
}, 30), 'and cut down when it is back');


sub told {
    my ($s, $who) = @_;
    my $policy = $s->get('/control/policy')->{json};

    is_deeply(actions($policy->{services}), \%BOUND,
        "$who: the actions of the policy");
    is_deeply($policy->{$_}, [], "$who: no $_")
        for qw(commands signals priorities);

    my $r = $s->get('/control/services');
    is_deeply(actions($r->{json}), \%BOUND,
        "$who: of the services");
    ok(!$r->{headers}{etag}, "$who: which is an answer of its own");
    is(scalar(grep { $_->{state} } @{ $r->{json} }), 3,
        "$who: seen all the same");
    is_deeply($s->get('/control/services/one')->{json}{actions}, [],
        "$who: of one");
    is_deeply($s->get('/control/services/two')->{json}{actions},
        ['start', 'stop'], "$who: of another");
    is_deeply($s->get('/control/commands')->{json}, [], "$who: no commands");
}

sub actions {
    return { map { $_->{name} => [sort @{ $_->{actions} }] } @{ $_[0] } };
}
