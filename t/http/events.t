#!/usr/bin/perl

# Server-sent events: the summary and the state of the log, one scan for all
# who listen, the end of a session, of nginx and of patience, the limit.

use strict;
use warnings;

use lib 't/lib';
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 45);
my $slow = Test::Procmgr::free_port();

$t->run(workers => 2, interval => '100ms', http => 'procmgr_events max=6;',
    server => "listen 127.0.0.1:$slow sndbuf=4k; send_timeout 2s;",
    locations => 'location /open { procmgr events; procmgr_auth off; }');

my $s = $t->login('viewer');
my $a = $t->login('admin');


# who may

is($t->get('/events')->{status}, 401, 'not without a session');
is($s->get('/events?x=1')->{status}, 400, 'no parameters');
is($s->get('/events/x')->{status}, 404, 'nothing below');
is($s->post('/events', {})->{status}, 405, 'only listening');
my $r = $s->request('HEAD', '/events');
is("$r->{status} $r->{headers}{'content-type'}", '200 text/event-stream',
    'HEAD is the head');


# what there is to hear

my $l = listen_to($s);
ok(until_seen($l, 'summary'), 'a summary');
like($l->{head}, qr{^Content-Type: text/event-stream\r}mi, 'the type');
like($l->{head}, qr/^Cache-Control: no-store\r?$/mi, 'never stored');
like($l->{head}, qr/^X-Accel-Buffering: no\r/mi, 'nor kept by a proxy');
is($l->{retry}, 2000, 'when to come again');
ok($l->{last}{summary}{tasks}{total} > 0, 'as it is polled');

my $first = $l->{last}{summary}{generation};
ok(until_seen($l, 'summary', sub { $_[0]{generation} > $first + 1 }),
    'it goes on');
ok(until_seen($l, 'log'), 'the state of the log');
my ($unread, $seq) = @{ $l->{last}{log} }{qw(unread seq)};
ok($seq > 0, 'it has rows: the logins');
is($unread, $s->get('/log/unread')->{json}{unread}, 'unread as the badge has it');

# another worker's row is told as well: the change is the database's

$t->request('POST', '/session', { username => 'admin', password => 'wrong' });
$a->post('/control/services', { name => 'demo', action => 'status' });
$a->post('/control/services', { name => 'nothing', action => 'start' });
ok(until_seen($l, 'log', sub { $_[0]{seq} > $seq }), 'a new row');

my $open = listen_to($t, '/open');
ok(until_seen($open, 'summary'), 'without sessions, where that is wanted');

# one scan serves all: five listeners scan no more often than one

my @more = map { listen_to($s) } 1 .. 3;
until_seen($_, 'summary') for @more;

my @generations = map { generations($_, 20) } $l, @more;
my %of;
$of{$_}++ for map { @$_ } @generations;
cmp_ok(scalar(keys %of), '<', 2 * 20, 'they hear the same summaries');


# the limit

push @more, listen_to($s);
$r = $s->get('/events');
is("$r->{status} " . ($r->{json}{code} // ''), '503 too_many_listeners',
    'one too many');
hang_up(pop @more);
ok($t->wait_for(sub {
    my $n = listen_to($s);
    my $in = $n->{head} =~ / 200 /;
    $in ? push @more, $n : hang_up($n);
    $in;
}, 20), 'when one has gone, another may come');


# an alert, in every worker; again for who missed it

my $op = $t->login('operator');
hang_up($_) for splice @more;
sleep 0.3;

my @two = map { listen_to($s) } 1 .. 2;
until_seen($_, 'log') for @two;
$r = $op->post('/memory/watches',
    { pid => $$, interval_ms => 100, thresholds_mb => [1] });
is($r->{status}, 201, 'a watch that has something to tell');
is(scalar(grep { until_seen($_, 'alert') } @two), 2, 'all hear its alert');
ok($two[0]{id}, 'which has a number');
is($two[0]{id}, $two[1]{id}, 'the same for all');

$op->post("/memory/watches/$r->{json}{id}/stop", {});
ok(until_seen($two[0], 'watch'), 'the end of a watch');

my ($birth) = $two[0]{id} =~ /^([0-9a-f]{16})-\d+$/;
hang_up($_) for @two;
my $again = listen_to($s, '/events', "Last-Event-ID: $birth-0\r\n");
ok(until_seen($again, 'alert'), 'told again to who comes back');
hang_up($again);
$op->delete("/memory/watches/$r->{json}{id}");


# the end of a session

my $b = $t->login('operator');
my $o;
$t->wait_for(sub { $o = listen_to($b); $o->{head} =~ / 200 / }, 20);
ok(until_seen($o, 'summary'), 'another account');
is($b->delete('/session')->{status}, 204, 'logs out');
my $at = time;
ok(at_end($o, 20), 'its stream ends');
cmp_ok(time - $at, '<', 5, 'soon');
ok(until_seen($open, 'summary', sub { 1 }), 'one without session goes on');

$first = $l->{last}{summary}{generation};
$at = time;
ok(until_seen($l, 'summary', sub { time > $at + 3 }),
    'so does that of another session');

hang_up($_) for @more, $l, $open;


# nobody listens: nothing is scanned

sleep 1;
my $scans = scans();
sleep 2;
cmp_ok(scans() - $scans, '<=', 1, 'without listeners there is no scan');


# someone who takes nothing is dropped, whatever was meant for him

my $deaf = IO::Socket::INET->new(Proto => 'tcp') or die;
setsockopt $deaf, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), 2048;
connect $deaf, Socket::pack_sockaddr_in($slow,
    Socket::inet_aton('127.0.0.1')) or die;
$deaf->autoflush(1);
print $deaf "GET /open HTTP/1.1\r\nHost: 127.0.0.1:$slow\r\n\r\n";

ok($t->wait_for(sub { $t->error_log() =~ /client timed out.*\/open/ }, 60),
    'whoever takes nothing is dropped');
close $deaf;


# reload and quit: the workers go at once, the pages come again

$l = listen_to($s);
until_seen($l, 'summary');
my @old = $t->workers();
$t->reload();
ok(at_end($l, 20), 'reload ends the streams');
ok($t->wait_for(sub {
    my %now = map { $_ => 1 } $t->workers();
    !grep { $now{$_} } @old;
}, 20), 'the old workers go');

$l = listen_to($s);
ok(until_seen($l, 'summary'), 'and comes again');

# the place of a worker that died is free again

my $victim = ($t->workers())[0];
my @in = map { listen_to($s) } 1 .. 5;
kill 'KILL', $t->workers();
$t->{allow_alert} = $t->{allow_exit} = qr/exited on signal 9/;
$t->wait_for(sub { my @w = $t->workers(); @w == 2 && $w[0] != $victim }, 20);
hang_up($_) for @in, $l;

my $back;
ok($t->wait_for(sub {
    $back = listen_to($s);
    $back->{head} =~ / 200 / or (hang_up($back), 0);
}, 30), 'after the death of all workers there is room');
ok(until_seen($back, 'summary'), 'and something to hear');

# a number that this nginx never gave, or that is none

for my $id ('0123456789abcdef-5', 'x', '', 'ffffffffffffffff-99999999999999999999')
{
    my $n = listen_to($s, '/events', "Last-Event-ID: $id\r\n");
    ok(until_seen($n, 'summary'), "Last-Event-ID \"$id\"");
    hang_up($n);
}

$at = time;
$t->nginx_stop('QUIT');
ok(at_end($back, 20), 'quit ends the streams');
cmp_ok(time - $at, '<', 10, 'at once');


# {socket} {head} {buffer} {last} {retry}

sub listen_to {
    my ($who, $uri, $headers) = @_;
    my $cookie = ref $who eq 'Test::Procmgr' ? ''
        : "Cookie: $who->{cookie}\r\n";
    my $c = $t->connect() or return { head => '' };
    my %l = (socket => $c, head => '', buffer => '', last => {});

    local $SIG{PIPE} = 'IGNORE';
    $c->autoflush(1);
    print $c 'GET ' . ($uri // '/events') . " HTTP/1.1\r\n"
        . "Host: 127.0.0.1:$t->{port}\r\n$cookie" . ($headers // '') . "\r\n";

    my $end = time + 20;
    while (time < $end && $l{buffer} !~ /\r\n\r\n/) {
        fill(\%l, $end) or last;
    }
    ($l{head}, $l{buffer}) = split /\r\n\r\n/, $l{buffer}, 2;
    $l{head} //= '';
    $l{raw} = $l{buffer} // '';
    $l{buffer} = '';
    return \%l;
}

sub fill {
    my ($l, $end) = @_;
    IO::Select->new($l->{socket})->can_read($end - time) or return 0;
    return sysread $l->{socket}, $l->{ defined $l->{raw} ? 'raw' : 'buffer' },
        65536, length($l->{ defined $l->{raw} ? 'raw' : 'buffer' });
}

# chunks to text, text to events; the next event, or undef at the end

sub next_event {
    my ($l, $end) = @_;

    while (1) {
        while ($l->{raw} =~ /\A([0-9a-f]+)\r\n/i) {
            my ($n, $skip) = (hex $1, length($1) + 2);
            last if length($l->{raw}) < $skip + $n + 2;
            if (!$n) {
                $l->{ended} = 1;
                return;
            }
            $l->{buffer} .= substr $l->{raw}, $skip, $n;
            substr $l->{raw}, 0, $skip + $n + 2, '';
        }
        while ($l->{buffer} =~ s/\A(.*?)\r?\n\r?\n//s) {
            my %e;
            for (split /\r?\n/, $1) {
                /^(\w+): (.*)/ and $e{$1} = $2;
            }
            $l->{retry} = $e{retry} if $e{retry};
            next if !$e{event};
            $e{json} = JSON::PP->new->utf8->decode($e{data});
            $l->{last}{ $e{event} } = $e{json};
            $l->{id} = $e{id} if $e{id};
            return \%e;
        }
        if (time > $end || !fill($l, $end)) {
            $l->{ended} = 1 if time <= $end;
            return;
        }
    }
}

sub until_seen {
    my ($l, $kind, $test) = @_;
    my $end = time + 20;

    return 1 if !$test && $l->{last}{$kind};
    while (my $e = next_event($l, $end)) {
        return 1 if $e->{event} eq $kind && (!$test || $test->($e->{json}));
    }
    return 0;
}

sub generations {
    my ($l, $n) = @_;
    my @g;
    my $end = time + 30;
    while (@g < $n and my $e = next_event($l, $end)) {
        push @g, $e->{json}{generation} if $e->{event} eq 'summary';
    }
    return \@g;
}

sub at_end {
    my ($l, $seconds) = @_;
    my $end = time + $seconds;
    1 while next_event($l, $end);
    return $l->{ended};
}

sub scans {
    my $n = () = $t->error_log() =~ /procmgr scan: \d+ processes/g;
    return $n;
}

sub hang_up {
    my ($l) = @_;
    close $l->{socket} if $l && $l->{socket};
}
