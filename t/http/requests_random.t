#!/usr/bin/perl

# Requests nobody would make, drawn from the description of the interface:
# each has an answer, a wrong one a problem in JSON that says what is wrong,
# and the workers are the same afterwards.  PROCMGR_RANDOM_SEED=N repeats a
# series, PROCMGR_RANDOM_REQUESTS=N makes it longer.

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(time);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $seed = $ENV{PROCMGR_RANDOM_SEED} // int time;
my $count = $ENV{PROCMGR_RANDOM_REQUESTS} // 600;
srand $seed;

my $t = Test::Procmgr->new(plan => 5)->run(interval => '100ms',
    http => 'procmgr_history 10;');
my $s = $t->login('admin');
my @workers = sort $t->workers();

my $doc = $s->get('/system/openapi.json')->{json};
my @ops;

for my $path (sort keys %{ $doc->{paths} }) {
    next if $path eq '/events';     # it has no end

    for my $method (sort keys %{ $doc->{paths}{$path} }) {
        push @ops, [uc $method, $path,
            grep { ($_->{in} // '') eq 'query' }
            @{ $doc->{paths}{$path}{$method}{parameters} || [] }];
    }
}
cmp_ok(scalar @ops, '>', 50, "operations, seed $seed");

my @numbers = (0, 1, -1, 7, $$, 2147483647, 2147483648, 4294967296, '1e9',
    '18446744073709551616', '0x10', '1.5', '+3', '007', ' 1');
my @texts = ('', 'a', 'name', 'pid,name', 'pid,,name', '*', '../..', '%', '%zz',
    '%00', '%0a%0d', "%ff%fe", '%e4%bd%a0', "'", '"', '<img>', 'a' x 300,
    'a' x 5000, 'name~"ng"', 'pid%20>%201%20and%20(', '(' x 40 . '1',
    'not%20' x 40 . 'pid', 'true', 'false', 'desc', 'cpu_percent', 'null',
    '2026-11-21T00:00:00Z', '2026-13-41T99:99:99Z', '{}', '[]', '-demo',
    'demo', 'demo%2fx', 'self', '1:1', "$$:1", ';', '&', '=', '+', '#');

sub one { return $_[rand @_] }

sub value { return rand() < 0.4 ? one(@numbers) : one(@texts) }

sub thing {
    my ($depth) = @_;
    my $kind = int rand($depth > 3 ? 4 : 6);

    return one(map { s/%([0-9a-f]{2})/chr hex $1/ger } @texts) if $kind == 0;
    return 0 + one(0, 1, -1, 15, $$, 1e10, 1.5) if $kind == 1;
    return one(JSON::PP::true, JSON::PP::false) if $kind == 2;
    return undef if $kind == 3;
    return [map { thing($depth + 1) } 0 .. rand 4] if $kind == 4;
    return { map { one(@names::ALL, 'x') => thing($depth + 1) } 0 .. rand 5 };
}

# what members of bodies are called, as the description has it

sub names {
    my ($schema, $found) = @_;
    if (ref $schema eq 'HASH') {
        $found->{$_} = 1 for ref $schema->{properties} eq 'HASH'
            ? keys %{ $schema->{properties} } : ();
        names($_, $found) for values %$schema;
    } elsif (ref $schema eq 'ARRAY') {
        names($_, $found) for @$schema;
    }
    return $found;
}
@names::ALL = sort keys %{ names($doc, {}) };

my (%bad, %seen, $again);

for my $i (1 .. $count) {
    my ($method, $path, @params) = @{ one(@ops) };

    # an end of all sessions is not drawn every time

    next if $method eq 'DELETE' && $path =~ /session/ && rand() < 0.8;

    # what cannot be decoded, or leads out of here, is nginx's own to refuse

    $path =~ s/\{\w+\}/my $v = value(); $v eq '' ? '-'
        : $v =~ s{#|\.\.|%(?![1-9a-f][0-9a-f])}{}gr/ge;

    my @query = map { ($_->{name} // 'x') . (rand() < 0.95 ? '=' . value()
        : '') } grep { rand() < 0.4 } @params;
    push @query, one('x=1', '=', '&', 'limit', 'limit=1&limit=2', 'pid[]=1')
        if rand() < 0.15;

    my $uri = $path . (@query ? '?' . join '&', @query : '');
    $uri =~ s/[ #]/%20/g;
    $uri = substr $uri, 0, 7000;

    my ($body, %headers);

    if ($method ne 'GET') {
        $body = rand() < 0.8 ? { map { one(@names::ALL) => thing(0) }
            0 .. rand 5 } : one('', '{', '[1', 'null', '"a"', '{"a":1}x',
            '{"a":1,"a":2}', '[' x 3000, "\xff", '{"username":"\u0000"}');
        $headers{'Content-Type'} = 'application/json' if !ref $body;
        $headers{'Idempotency-Key'} = one('', 'a', 'a' x 300, "a\tb", 'é')
            if rand() < 0.2;
    }
    $headers{Prefer} = one('wait=1', 'wait=x', 'wait', 'respond-async')
        if rand() < 0.1;
    $headers{'If-None-Match'} = one('*', '""', '"a", W/"b"', '"' . 'a' x 900)
        if rand() < 0.1;
    $headers{'Accept-Encoding'} = one('gzip', '*;q=0', 'x') if rand() < 0.1;
    $headers{'Accept-Language'} = one('zh', 'en;q=x', '*') if rand() < 0.1;

    my $r = $s->request($method, $uri, $body, \%headers);
    my $said = substr("$method $uri", 0, 300) . " -> $r->{status} "
        . substr($r->{body}, 0, 200);

    $seen{$r->{status}}++;
    my $json = $r->{json};

    if ($r->{status} == 0) {
        $bad{unanswered} //= $said;

    } elsif ($r->{status} >= 500 && $r->{status} !~ /^50[13]$/) {
        $bad{broken} //= $said;

    } elsif ($r->{status} >= 400 && (ref $json ne 'HASH'
             || ($json->{code} // '') !~ /^[a-z_]+$/
             || !length($json->{detail} // '')))
    {
        $bad{unexplained} //= $said;

    } elsif (($r->{headers}{'content-type'} // '') =~ m{^application/json}
             && length $r->{body} && !defined $json
             && $r->{body} !~ /^null/)
    {
        $bad{'no JSON'} //= $said;
    }

    if ($r->{status} == 401 || $r->{status} == 204 && $uri =~ /session/) {
        $s = $t->login('admin');
        last if ++$again > 50;
    }
}

is(join("\n", map { "$_: $bad{$_}" } sort keys %bad), '',
    'each has an answer that says what it is');
note(join ' ', map { "$_: $seen{$_}" } sort keys %seen);
cmp_ok($seen{400} // 0, '>', $count / 20, 'wrong ones are refused');
is_deeply([sort $t->workers()], \@workers, 'by the same workers');
is($t->login('admin')->get('/system/openapi.json')->{status}, 200,
    'that are well');
