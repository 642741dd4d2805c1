#!/usr/bin/perl

# Accounts over HTTP: who may administer them, what a change does to what is
# open, and what is refused.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 60);
$t->run();

my $s = $t->login();
my $uri = '/session/accounts';

# only admins

for my $name ('viewer', 'operator') {
    my $o = $t->login($name);
    is($o->get($uri)->{status}, 403, "$name: list");
    is($o->get("$uri/admin")->{status}, 403, "$name: get");
    is($o->post($uri, new_account('x'))->{status}, 403, "$name: add");
    is($o->request('PATCH', "$uri/$name", { role => 'admin' })->{status}, 403,
        "$name: change");
    is($o->delete("$uri/admin")->{status}, 403, "$name: delete");
}
is($t->get($uri)->{status}, 401, 'nobody without a session');

# list, add, get

my $r = $s->get($uri);
is($r->{status}, 200, 'list');
is_deeply([map { $_->{name} } @{ $r->{json} }], [qw(admin operator viewer)],
    'by name');
unlike($r->{body}, qr/\$y\$|hash|password/, 'without hashes');

$r = $s->post($uri, new_account('anna', services => ['demo', 'demo']));
is($r->{status}, 201, 'add');
is_deeply([@{ $r->{json} }{qw(name role disabled services)}],
    ['anna', 'operator', JSON::PP::false, ['demo']], 'as it was made');
my $a = $t->login('anna', 'a good password');
is($a->{status}, 200, 'it can log in');
is($s->post($uri, new_account('anna'))->{status}, 409, 'twice');
is($s->get("$uri/anna")->{json}{sessions}, 1, 'get');
is($s->get("$uri/nobody")->{status}, 404, 'of nobody');
is($s->post($uri, new_account("\x{5f20}\x{4e09}"))->{status}, 201,
    'a Chinese name');
is($s->get("$uri/%E5%BC%A0%E4%B8%89")->{status}, 200, 'has its address');
is($s->delete("$uri/%E5%BC%A0%E4%B8%89")->{status}, 204, 'deleted');

# change: what is open follows

is($a->get('/session')->{json}{role}, 'operator', 'a session');
$r = $s->request('PATCH', "$uri/anna", { role => 'viewer' });
is($r->{status}, 200, 'another role');
is($r->{json}{role}, 'viewer', 'is told');
select undef, undef, undef, 1.1;
is($a->get('/session')->{json}{role}, 'viewer', 'its session has it');
is($a->post('/log/read', { all => \1 })->{status}, 403, 'and no more');

$r = $s->request('PATCH', "$uri/anna", { role => 'operator',
    services => ['other'] });
is_deeply($r->{json}{services}, ['other'], 'services');
select undef, undef, undef, 1.1;
$r = $a->post('/control/services', { name => 'demo', action => 'restart' });
is($r->{json}{code}, 'not_allowed', 'are all it may act on');
is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'refused',
    'and a row says so');
is($s->request('PATCH', "$uri/anna", { services => [] })->{status}, 200,
    'none named');
is($a->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=20' })->{status}, 200, 'is all');

is($s->request('PATCH', "$uri/anna", { password => 'another password' })
    ->{status}, 200, 'another password');
select undef, undef, undef, 1.1;
is($a->get('/session')->{status}, 401, 'ends the sessions');
is($t->login('anna', 'another password')->{status}, 200, 'and is taken');

$a = $t->login('anna', 'another password');
is($s->request('PATCH', "$uri/anna", { disabled => \1 })->{status}, 200,
    'disable');
select undef, undef, undef, 1.1;
is($a->get('/session')->{status}, 401, 'ends the sessions');
is($t->login('anna', 'another password')->{status}, 401, 'no login');
is($s->request('PATCH', "$uri/anna", { disabled => \0 })->{status}, 200,
    'enable');
is($t->login('anna', 'another password')->{status}, 200, 'login again');

is($s->delete("$uri/anna")->{status}, 204, 'delete');
is($s->delete("$uri/anna")->{status}, 404, 'once');

# the last admin

is($s->delete("$uri/admin")->{json}{code}, 'last_admin',
    'the last admin stays');
is($s->request('PATCH', "$uri/admin", { role => 'viewer' })->{status}, 409,
    'and stays admin');

# every change is a row

my %types;
$types{$_->{logType}}++ for @{ $s->get('/log?actor=admin&limit=500')
    ->{json}{rows} };
is_deeply([@types{qw(account_added account_changed account_deleted
    password_changed)}], [2, 5, 2, 1], 'rows of it');
is($s->get('/log?logType=account_changed&limit=1')->{json}{rows}[0]{actor},
    'admin', 'by type');
unlike(`pg_dump -d 'host=@{[ $t->socket_dir() ]} dbname=procmgr user=@{[
    $t->{root} ? 'postgres' : scalar getpwuid $> ]}'`,
    qr/a good password|another password/, 'no password in the database');

# what is refused

for (['no body', {}], ['no password', { name => 'x', role => 'viewer' }],
     ['a short password', new_account('x', password => 'short')],
     ['an unknown role', new_account('x', role => 'root')],
     ['a space in the name', new_account('a b')],
     ['a slash', new_account('a/b')],
     ['the name of a token', new_account('token:x')],
     ['too long a name', new_account('x' x 65)],
     ['services that are no list', new_account('x', services => 'demo')],
     ['a service that is no name', new_account('x', services => ['a b'])],
     ['an unknown member', new_account('x', more => 1)])
{
    is($s->post($uri, $_->[1])->{status}, 400, "add: $_->[0]");
}
is($s->request('PATCH', "$uri/viewer", {})->{status}, 400,
    'change: nothing');


sub new_account {
    my ($name, @more) = @_;
    return { name => $name, role => 'operator',
        password => 'a good password', @more };
}
