#!/usr/bin/perl

# Tokens of scripts: what they may, what they never are, and how soon they
# end.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 46);
$t->run(workers => 2);

my $token = $t->ctl('token', 'add', 'deploy', 'operator');
my %auth = (Authorization => "Bearer $token");

# it is the account's role and the token's name

my $r = $t->request('GET', '/session', undef, { %auth });
is($r->{status}, 200, 'a token');
is($r->{json}{user}, 'token:deploy', 'its name');
is($r->{json}{role}, 'operator', 'its role');
is($r->{json}{csrf}, undef, 'without a CSRF token');
is($t->request('GET', '/session', undef, { Authorization =>
    "bEARER   $token" })->{status}, 200, 'the scheme has no case');
is($t->request('GET', '/log', undef, { %auth })->{status}, 200, 'reads');
is($t->request('GET', '/session/accounts', undef, { %auth })->{status}, 403,
    'no more than its role');

# it acts without origin and CSRF, and is the actor

my %json = (%auth, 'Content-Type' => 'application/json');
$r = $t->request('POST', '/control/services',
    { name => 'demo', action => 'start' }, { %json, Prefer => 'wait=20' });
is($r->{status}, 200, 'acts');
is($r->{json}{actor}, 'token:deploy', 'as itself');
is($r->{json}{role}, 'operator', 'with its role');
is($t->request('POST', '/control/services',
    { name => 'demo', action => 'start' },
    { %json, Origin => 'http://evil.example' })->{status}, 200,
    'no origin is asked for');
is($t->request('POST', '/control/services', 'name=demo', { %auth,
    'Content-Type' => 'application/x-www-form-urlencoded' })->{status}, 415,
    'but JSON is');

# it is no session

for (['DELETE', '/session'], ['POST', '/session/password',
     { old => $t->password('operator'), new => 'x' x 12 }],
     ['POST', '/session/reauth', { password => $t->password('operator') }])
{
    my ($method, $uri, $body) = @$_;
    $r = $t->request($method, $uri, $body, { $body ? %json : %auth });
    is($r->{status}, 403, "$method $uri");
    is($r->{json}{code}, 'bearer_token', "$method $uri: why");
}
is($t->request('GET', '/session', undef, { %auth })->{status}, 200,
    'it is still good');

# what is no token; one that came is not passed over for the cookie

my $s = $t->login('operator');
for (['', 'nothing'], ['pm_', 'short'], [$token . 'A', 'longer'],
     [substr($token, 0, -1) . ($token =~ /A$/ ? 'E' : 'A'), 'another'],
     ["pm_' OR 1=1 --" . 'x' x 32, 'quotes'],
     [substr($s->{cookie} // '', -43), 'the token of a session'])
{
    is($s->request('GET', '/log', undef,
        { Authorization => "Bearer $_->[0]" })->{status}, 401,
        "no token: $_->[1]");
}
is($s->request('GET', '/log', undef, { Authorization => 'Basic eDp5' })
    ->{status}, 200, "another scheme is not ours");
is($t->request('GET', '/session', undef, { Cookie => "procmgr=$token" })
    ->{status}, 401, 'a token is no cookie');

# never fresh, never more than its account

my $high = $t->ctl('token', 'add', 'low', 'admin', '--role', 'viewer');
$r = $t->request('POST', '/control/services',
    { name => 'demo', action => 'start' },
    { Authorization => "Bearer $high", 'Content-Type' => 'application/json' });
is($r->{status}, 403, 'a lower role than its account has');

# the allow list of its account

$t->ctl('account', 'allow', 'operator', 'other');
$r = $t->request('POST', '/control/services',
    { name => 'demo', action => 'restart' }, { %json });
is($r->{status}, 403, 'the account may not act on it');
is($r->{json}{code}, 'not_allowed', 'why');
my $row = $t->request('GET', "/log/$r->{json}{op_id}", undef, { %auth })
    ->{json};
is($row->{retStatus}, 'refused', 'a row says so');
is($row->{actor}, 'token:deploy', 'with its actor');
is($s->post('/control/services', { name => 'demo', action => 'restart' })
    ->{status}, 403, 'nor may the account itself');
$t->ctl('account', 'allow', 'operator', 'other', 'demo');
is($s->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=20' })->{status}, 200, 'allowed');
$t->ctl('account', 'allow', 'operator');

# the end of it, in both workers, within a second

is(status(), 200, 'good until it is revoked') for 1 .. 4;
$t->ctl('token', 'revoke', 'deploy');
select undef, undef, undef, 1.1;
is(status(), 401, "revoked") for 1 .. 4;

$token = $t->ctl('token', 'add', 'next', 'operator');
$auth{Authorization} = "Bearer $token";
is(status(), 200, 'another');
$t->ctl('account', 'disable', 'operator');
select undef, undef, undef, 1.1;
is(status(), 401, 'its account is disabled');
is($s->get('/log')->{status}, 401, 'the session of the account too');

unlike(join('', grep { !/\[debug\]/ } split /^/, $t->error_log),
    qr/\Q$token\E|\Q$high\E/, 'no token in the log');


sub status { $t->request('GET', '/session', undef, { %auth })->{status} }
