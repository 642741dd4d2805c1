#!/usr/bin/perl

# Clients that cut their connections while something is being made for them:
# the workers live, and every operation ends.

use strict;
use warnings;

use lib 't/lib';
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

my $t = Test::Procmgr->new(plan => 6)->run();
my $s = $t->login('operator');
my @worker = $t->workers();

$s->post('/control/services', { name => 'demo', action => 'start' });

for my $round (1 .. 30) {
    my @cut;

    push @cut, ask('GET', '/control/services'),
        ask('GET', '/control/services/demo'), ask('GET', '/control/policy'),
        ask('GET', '/log'), ask('GET', '/log/unread'),
        ask('POST', '/log/read', '{"upto":1}'),
        ask('POST', '/control/services', '{"name":"demo","action":"restart"}'),
        ask('POST', '/control/services', '{"name":"nosuch","action":"stop"}');

    sleep 0.002 * $round;
    close $_ for @cut;
}

is_deeply([$t->workers()], \@worker, 'the worker lives');
is($s->get('/log/unread')->{status}, 200, 'and answers');
is($t->wait_for(sub {
    sleep 0.2;
    my $rows = $s->get('/log?retStatus=running')->{json}{rows};
    $rows && @$rows == 0 && 'all';
}, 20), 'all', 'operations end');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0, 'no target is held');
cmp_ok($t->psql("SELECT count(*) FROM procmgr.op WHERE target = 'nosuch'"),
    '>', 0, 'what was cut was done');
is($s->post('/control/services', { name => 'demo', action => 'restart' })
    ->{json}{retStatus}, 'success', 'and it goes on');


# a request whose connection will be reset when it is closed

sub ask {
    my ($method, $uri, $body) = @_;
    my $sock = $t->connect() or die "connect: $!";

    setsockopt $sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    $sock->autoflush(1);
    print $sock "$method $uri HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
        . "Cookie: $s->{cookie}\r\n"
        . (defined $body
           ? "Origin: http://127.0.0.1:$t->{port}\r\n"
             . "X-CSRF-Token: $s->{csrf}\r\nContent-Type: application/json\r\n"
             . 'Content-Length: ' . length($body) . "\r\n"
           : '')
        . "\r\n" . ($body // '');
    return $sock;
}
