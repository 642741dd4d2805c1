#!/usr/bin/perl

# Twenty clients restart one service at the same moment, a hundred times:
# one does it, nineteen are told that it is busy, each has its row.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

use constant CLIENTS => 20;
use constant ROUNDS => 100;

my $t = Test::Procmgr->new(plan => 9);
my $acts = "$t->{dir}/demo/run/acts";
my $go = "$t->{dir}/demo/run/go";

$t->run(workers => 2, policy => "service slow lsb $t->{dir}/demo/slow "
    . 'actions=restart roles=operator,admin timeout=60');
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = restart ] || exit 0
echo begun >> $acts
while [ ! -e $go ]; do sleep 0.02; done
echo ended >> $acts
EOT

my $s = $t->login('operator');
my (%status, %code, $alone);

for my $round (1 .. ROUNDS) {
    unlink $go;

    my @r;
    my @socket = map { ask() } 1 .. CLIENTS;

    # one stays without an answer until it may end

    $t->wait_for(sub {
        @r = map { answered($_) ? $_ : () } @socket;
        @r == CLIENTS - 1;
    }, 40);
    $alone++ if @r == CLIENTS - 1;

    open my $f, '>', $go or die "$go: $!";
    close $f;

    $t->wait_for(sub { !grep { !answered($_) } @socket }, 40);

    for my $socket (@socket) {
        my $r = Test::Procmgr::parse($socket->{text});
        $status{ $r->{status} }++;
        $code{ $r->{json}{code} // $r->{json}{retStatus} }++;
    }

    # an account may be refused sixty times a minute

    $t->psql('DELETE FROM procmgr.op_refused');
}

is($alone, ROUNDS, 'one runs, nineteen are answered meanwhile');
is_deeply(\%status, { 200 => ROUNDS, 409 => ROUNDS * (CLIENTS - 1) },
    'one is done, nineteen are refused');
is_deeply(\%code, { success => ROUNDS,
    target_busy => ROUNDS * (CLIENTS - 1) }, 'with their words');
is(Test::Procmgr::read_path($acts), "begun\nended\n" x ROUNDS,
    'one after the other, none twice');
is($t->psql("SELECT count(*) FROM procmgr.op o JOIN procmgr.op_state s "
    . "USING (seq) WHERE o.target = 'slow' AND s.status = 'success'"), ROUNDS,
    'a row for each act');
is($t->psql("SELECT count(*) FROM procmgr.op o JOIN procmgr.op_state s "
    . "USING (seq) WHERE o.target = 'slow' AND s.code = 'target_busy'"),
    ROUNDS * (CLIENTS - 1), 'and for each refusal');
is($t->psql("SELECT count(*) FROM procmgr.op WHERE type LIKE 'service%'"),
    ROUNDS * CLIENTS, 'and no other');
is($t->psql('SELECT count(*) FROM procmgr.op_active'), 0,
    'the target is free');
ok(decode_json($t->psql('SELECT procmgr.log_verify(NULL, 0, 100000)'))->{ok},
    'the chain is whole');


sub ask {
    my $socket = $t->connect() or die "connect: $!";
    my $body = '{"name":"slow","action":"restart"}';

    $socket->autoflush(1);
    print $socket "POST /control/services HTTP/1.1\r\n"
        . "Host: 127.0.0.1:$t->{port}\r\nConnection: close\r\n"
        . "Cookie: $s->{cookie}\r\nX-CSRF-Token: $s->{csrf}\r\n"
        . "Origin: http://127.0.0.1:$t->{port}\r\nPrefer: wait=50\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $socket->blocking(0);

    return { socket => $socket, text => '' };
}

sub answered {
    my ($ask) = @_;

    until ($ask->{done}) {
        my $n = sysread $ask->{socket}, $ask->{text}, 65536,
            length $ask->{text};
        last if !defined $n;
        $ask->{done} = 1 if !$n;
    }
    return $ask->{done};
}
