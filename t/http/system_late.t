#!/usr/bin/perl

# What is younger than the snapshot that is shared: answers are right although
# scans are rare.

use strict;
use warnings;

use IO::Socket::INET;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

my $t = Test::Procmgr->new(plan => 7)->run(interval => '30s');
my $s = $t->login();
my $user = as_root() ? 'nobody' : getpwuid $>;

# the snapshot is made now, and no other in this test

$s->get('/system/services?name=all-parts-of-it');
my $first = $s->get('/system/summary')->{json}{generation};

my $p = spawn(user => $user, code => sub {
    our $k = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    $0 = 'late-service';
    return $k->sockport();
});

my ($row) = grep { $_->{local} eq "127.0.0.1:$p->{said}" }
    @{ $s->get('/system/services')->{json} };
is($row->{pid_program}, "$p->{pid}/late-service",
    'a service that was just started has its program');
is($row->{pids}[0]{pid}, $p->{pid}, 'and its holder');
is($row->{user}, $user, 'and its user');

my $found = $s->get('/system/services?name=late-service')->{json};
is(scalar(grep { $_->{local} eq "127.0.0.1:$p->{said}" }
    @{ $found->{services} }), 1, 'a search finds it');

end($p);
is($s->get("/system/services?port=$p->{said}")->{json}[0], undef,
    'and a service that ended is not');

is($s->get('/system/summary?human=1')->{json}{generation}, $first,
    'all from one scan');

# a process by its number costs one, and has its whole name

$p = spawn(user => $user, code => sub {
    $0 = 'late-with-a-name-of-its-own';
    return 'ready';
});

is_deeply($s->get("/system/process/$p->{pid}")->{json},
    [{ name => 'late-with-a-name-of-its-own', username => $user,
       pid => $p->{pid} }], 'a process that has just begun');
end($p);
