#!/usr/bin/perl

# Wrong parameters of lists: each a 400 that names the parameter, its value,
# and where in it the error is.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my @bad = (
    # query, what the detail has to hold
    ['num=3&limit=4', qr/"num" is 3 and "limit" is 4/],
    ['limit=0', qr/"limit" is "0"/],
    ['limit=-1', qr/"limit" is "-1"/],
    ['limit=x', qr/"limit" is "x"/],
    ['offset=-1', qr/"offset" is "-1"/],
    ['order=up', qr/"order" is "up", allowed is one of asc, desc/],
    ['status=undead', qr/"status" is "undead".*zombie/],
    ['tree=yes', qr/"tree" is "yes"/],
    ['shape=round', qr/"shape" is "round"/],
    ['sort=', qr/"sort" is ""/],
    ['sort=colour', qr/"sort" is "colour", there is no such field/],
    ['sort=memory_maps', qr/"sort" is "memory_maps", this field has no/],
    ['fields=', qr/"fields" is ""/],
    ['fields=pid,colour', qr/"fields" is "pid,colour", at position 5 there/],
    ['fields=pid,,name', qr/"fields" is "pid,,name", at position 5/],
    ['fields=pid,', qr/"fields" is "pid,", at position 5/],
    ['pid=', qr/"pid" is ""/],
    ['pid=0', qr/"pid" is "0", at position 1/],
    ['pid=1,x', qr/"pid" is "1,x", at position 3/],
    ['pid=1,-2', qr/"pid" is "1,-2", at position 3/],
    ['pid=' . join(',', 1 .. 65), qr/"pid" is .* up to 64/],
    ['name=', qr/"name" is ""/],
    ['name=+++', qr/"name" is "   ", allowed are one to eight words/],
    ['name=a+b+c+d+e+f+g+h+i', qr/one to eight words/],
    ['name=' . 'x' x 129, qr/"name" is "x+"/],
    ['user=', qr/"user" is ""/],
    ['open=', qr/"open" is ""/],
    ['open=etc/passwd', qr/"open" is "etc.passwd", allowed is an absolute/],
    ['filter=', qr/"filter" is ""/],
    ['filter=pid+>', qr/"filter" is "pid >", at position 6 a value/],
    ['filter=colour=1', qr/at position 1 there is no such field/],
    ['filter=pid=1+and+(rss>1K', qr/at position 18 "\)" is expected/],
    ['filter=environ=x', qr/at position 1 this field cannot be compared/],
    ['filter=name="a', qr/at position 6 the quote is never closed/],
    ['filter=' . '(' x 400, qr/at position 17 the expression is too deep/],
    ['filter=pid=1' . '+or+pid=1' x 100, qr/the expression is too long/],
    ['filter=pid=1' . '+or+pid=1' x 40, qr/too many terms/],
    ['filter=pid=%00', qr/not well encoded/],
    ['colour=1', qr/unknown parameter "colour"/],
    ['sort=pid&sort=pid', qr/given twice/],
);

my $t = Test::Procmgr->new(plan => 2 * @bad + 3)->run(interval => '100ms');
my $s = $t->login();

for my $case (@bad) {
    my ($query, $detail) = @$case;
    my $name = length $query > 40 ? substr($query, 0, 40) . '...' : $query;

    my $r = $s->get("/system/process?$query");
    is("$r->{status} " . ($r->{json}{code} // ''), '400 bad_parameter', $name);
    like($r->{json}{detail}, $detail, 'and it says where');
}

is($s->get('/system/process/info?num=3')->{status}, 400,
    'info has no num');
is($s->get('/system/process?simple=true')->{status}, 400,
    'the list of the largest is never simple');
is($s->get('/system/process?limit=2147483647&offset=2147483647')->{body},
    '[]', 'as far as numbers go');
