#!/usr/bin/perl

# Logging in and out: what is told, what is set, what is never told.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 49)->run();

sub attempt {
    my ($user, $password, $headers) = @_;
    return $t->request('POST', '/session',
        { username => $user, password => $password }, $headers);
}

# one failure is free of delay, and a success forgets it

sub forget { attempt('viewer', $t->password('viewer')) }


my $r = attempt('admin', $t->password('admin'));
is($r->{status}, 200, 'login');
is(join(' ', sort keys %{ $r->{json} }),
    'csrf expires idle_seconds role user', 'its members');
is($r->{json}{user}, 'admin', 'user');
is($r->{json}{role}, 'admin', 'role');
is($r->{json}{idle_seconds}, 900, 'idle seconds');
like($r->{json}{expires}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'expires');
like($r->{headers}{'set-cookie'},
    qr/^procmgr=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/, 'the cookie');
is($r->{headers}{'cache-control'}, 'no-store', 'is not stored');

my ($token) = $r->{headers}{'set-cookie'} =~ /procmgr=([\w-]+)/;
unlike($r->{body}, qr/\Q$token\E/, 'the token is not in the body');

my $again = $t->get('/session', { Cookie => "procmgr=$token" });
is($again->{body}, $r->{body}, 'GET says the same again');

is($t->get('/session', { Cookie => "a=b; procmgr=$token; c=d" })->{status},
    200, 'among other cookies');
is($t->get('/session', { Cookie => "Procmgr=$token" })->{status}, 401,
    'names of cookies are case sensitive');
is($t->get('/session', { Cookie => "xprocmgr=$token" })->{status}, 401,
    'and whole');
is($t->get('/session', { Cookie => "__Host-procmgr=$token" })->{status}, 401,
    'the TLS name counts on TLS only');
is($t->get('/session', { Authorization => "Bearer $token" })->{status}, 401,
    'a cookie is no bearer token');
is($t->get('/session', { Cookie => 'procmgr=' . ('A' x 43) })->{status}, 401,
    'a token that nobody made');

my $row = $t->psql("SELECT count(*) FROM procmgr.session WHERE token::text "
    . "LIKE '%$token%' OR csrf LIKE '%$token%'");
is($row, 0, 'the token is not in the database');


# a chosen cookie is not adopted

my $chosen = 'C' x 43;
$r = attempt('admin', $t->password('admin'), { Cookie => "procmgr=$chosen" });
unlike($r->{headers}{'set-cookie'}, qr/$chosen/, 'a new token is made');
is($t->get('/session', { Cookie => "procmgr=$chosen" })->{status}, 401,
    'the chosen one is worth nothing');


# unknown, wrong and disabled are one

$t->psql("UPDATE procmgr.account SET disabled = true WHERE name = 'operator'");

my %body;
for (['nobody', 'canary-password-1'],
     ['admin', 'canary-password-1'],
     ['operator', $t->password('operator')],
     ["admin' OR 1=1 --", 'canary-password-1'],
     ["\x{1F600}", 'canary-password-1'])
{
    my $r = attempt(@$_);
    is($r->{status}, 401, "refused");
    is($r->{headers}{'set-cookie'}, undef, '- and no cookie');
    $body{ $r->{body} }++;
    forget();
}
is(scalar keys %body, 1, 'one text for unknown, wrong and disabled');
like((keys %body)[0], qr/"code":"login_failed"/, 'its code');

$t->psql("UPDATE procmgr.account SET disabled = false WHERE name = 'operator'");

# as much work for one that does not exist: on a busy machine the time that
# the workers computed tells, not the one that passed

sub ticks {
    my $all = 0;
    for my $worker ($t->workers()) {
        my @f = split ' ', Test::Procmgr::read_path("/proc/$worker/stat")
            =~ s/.*\)//sr;
        $all += $f[11] + $f[12];
    }
    return $all;
}

sub worked {
    my $all = 0;
    for my $i (1 .. 7) {
        my $before = ticks();
        attempt($_[0] // "nobody-$i", 'wrong');
        $all += ticks() - $before;
        $_[0] ? attempt($_[0], $t->password($_[0])) : forget();
    }
    return $all;
}

my ($unknown, $wrong) = (worked(), worked('operator'));
cmp_ok($unknown, '>', $wrong / 2, 'an unknown user costs a hash');
cmp_ok($unknown, '<', $wrong * 2, 'and no more');


# logout

my $s = $t->login();
my $other = $t->login();
$r = $s->delete('/session');
is($r->{status}, 204, 'logout');
is($r->{body}, '', '- says nothing');
like($r->{headers}{'set-cookie'}, qr/^procmgr=; .*Max-Age=0$/,
    '- and takes the cookie back');
is($s->get('/session')->{status}, 401, 'the session is dead');
is($other->get('/session')->{status}, 200, 'another one is not');


# sessions of an account

my $viewer = $t->login('viewer');
my $admin = $t->login();
my $list = $viewer->get('/session/list')->{json};
is(scalar(grep { $_->{current} } @$list), 1, 'one of the list is this one');
is(scalar(grep { ($_->{user} // 'viewer') ne 'viewer' } @$list), 0,
    'a viewer sees his own');
my ($id) = map { $_->{id} } grep { $_->{current} } @$list;

my ($foreign) = map { $_->{id} } grep { $_->{current} }
    @{ $admin->get('/session/list')->{json} };
is($viewer->delete("/session/$foreign")->{status}, 404,
    'he cannot end one of another account');
is($admin->get('/session')->{status}, 200, '- which lives');
is($admin->delete("/session/$id")->{status}, 204, 'an admin can end his');
is($viewer->get('/session')->{status}, 401, '- which is dead');
is($admin->delete("/session/$id")->{status}, 404, 'it ends once');
is($admin->delete('/session/not-a-uuid')->{status}, 404, 'no session');


# five sessions at most

my @six = map { $t->login('operator') } 1 .. 6;
ok($t->wait_for(sub { $six[0]->get('/session')->{status} == 401 }, 3),
    'the sixth ends the oldest');
is(join(' ', map { $_->get('/session')->{status} } @six[1 .. 5]),
    '200 200 200 200 200', 'five are left');


# nothing of it in the logs

my $log = $t->error_log() . $t->read_file('nginx/logs/access.log');
my $password = $t->password('admin');
unlike($log, qr/canary-password|\Q$password\E/, 'no password in a log');
