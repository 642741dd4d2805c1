#!/usr/bin/perl

# The badge: what is unread, who may mark it, and what may be asked to.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

my $t = Test::Procmgr->new(plan => 38)->run(workers => 2);
my $s = $t->login('operator');
my $v = $t->login('viewer');
my $a = $t->login('admin');

is($t->get('/log/unread')->{status}, 401, 'no badge without a session');

my $before = unread();
my $r = act('demo', 'restart');
is(unread(), $before + 1, 'an operation counts');
my $id = $r->{json}{op_id};

$s->get('/log');
$s->get("/log/$id");
is(unread(), $before + 1, 'looking does not mark it');

# who

is($v->get('/log/unread')->{status}, 200, 'a viewer has the badge');
is($v->post('/log/read', { ids => [$id] })->{status}, 403,
    'but does not mark');
is(unread(), $before + 1, 'nothing changed');

# one, some, all

$r = $s->post('/log/read', { ids => [$id] });
is($r->{status}, 200, 'mark one');
is($r->{json}{read}, 1, 'one was marked');
is($r->{json}{unread}, $before, 'the rest is unread');
is(unread(), $before, 'the badge goes down');
is($s->get("/log/$id")->{json}{logStatus}, 'read', 'it is read');
is($v->get("/log/$id")->{json}{logStatus}, 'read', 'for all accounts');
is($s->post('/log/read', { ids => [$id] })->{json}{read}, 0,
    'again: nothing to mark');
is($t->psql("SELECT by FROM procmgr.op_read r JOIN procmgr.op o USING (seq) "
    . "WHERE op_id = '$id'"), 'operator', 'and who read it');

my @seq = map { act('demo', 'restart')->{json}{seq} } 1 .. 3;
$r = $s->post('/log/read', { upto => $seq[1] });
is($r->{status}, 200, 'mark up to one');
is($r->{json}{unread}, 1, 'the last is left');
$r = $s->post('/log/read', { all => JSON::PP::true });
is($r->{json}{read}, 1, 'mark all');
is($r->{json}{unread}, 0, 'none is left');
is(unread(), 0, 'the badge is empty');

# wrong

my $n = 0;
for my $body ('{}', '{"all":false}', '{"all":1}', '{"upto":0}', '{"upto":"1"}',
    '{"upto":1e300}', '{"ids":[]}', '{"ids":"x"}', '{"ids":["x"]}',
    '{"ids":[1]}', '{"all":true,"upto":1}', '{"none":1}', '[]')
{
    is($s->post('/log/read', $body, { 'Content-Type' => 'application/json' })
        ->{status}, 400, "wrong: $body");
}
is($s->post('/log/read', { ids => [("$id") x 257] })->{status}, 400,
    'too many ids');

# the log can be checked by an admin

is($s->get('/log/verify')->{status}, 403, 'not by an operator');
$r = $a->get('/log/verify');
is($r->{status}, 200, 'verify');
ok($r->{json}{ok} && $r->{json}{checked} > 5, 'the chain is whole');
$r = $a->get('/log/verify?limit=2');
ok($r->{json}{checked} == 2 && $r->{json}{next}, 'in parts');
is($a->get('/log/verify?from=-1')->{status}, 400, 'from nowhere');


sub act {
    my ($name, $action) = @_;
    return $s->post('/control/services', { name => $name, action => $action });
}

# every worker has its own idea of it for a second

sub unread {
    sleep 1.05;
    return $s->get('/log/unread')->{json}{unread};
}
