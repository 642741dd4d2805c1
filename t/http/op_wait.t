#!/usr/bin/perl

# How long an answer waits for its operation, and that the operation does not
# wait for the client.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $t = Test::Procmgr->new(plan => 25);
my $count = "$t->{dir}/demo/run/slow.count";

$t->run(policy => "service slow lsb $t->{dir}/demo/slow "
    . "actions=restart roles=operator,admin timeout=30",
    locations => 'location /ops/one/control/ { procmgr control; }
                  location /ops/one/log/ { procmgr log; }
                  location /elsewhere/ { procmgr control; }');
$t->write('demo/slow', <<"EOT", 0755);
#!/bin/sh
case "\$1" in
    status) exit 0 ;;
    restart) echo begun >> $count; sleep 1.5; echo ended >> $count ;;
esac
EOT

my $s = $t->login('operator');

my $start = time;
my $r = slow({ Prefer => 'wait=0' });
ok(time - $start < 1, 'wait=0 does not wait');
is($r->{status}, 202, 'accepted');
is($r->{headers}{location}, "/log/$r->{json}{op_id}", 'Location');
is($r->{headers}{'preference-applied'}, 'wait=0', 'Preference-Applied');
is($r->{json}{retStatus}, 'running', 'it runs');
is($r->{json}{state}, 'running', 'state');
is($r->{json}{is_exec}, undef, 'is_exec is not known');
is($s->get($r->{headers}{location})->{json}{retStatus}, 'running',
    'the log says so too');
is(settled($r), 'success', 'and it ends');

$start = time;
$r = slow({ Prefer => 'respond-async, wait=1' });
ok(time - $start >= 0.9 && time - $start < 1.45, 'wait=1 waits a second');
is($r->{status}, 202, 'and no more');
is(settled($r), 'success', 'it ends');

$r = slow({ Prefer => 'wait=100000' });
is($r->{status}, 200, 'a long wait');
is($r->{headers}{'preference-applied'}, 'wait=60', 'is bounded');

$r = slow({ Prefer => 'wait=soon' });
is($r->{status}, 200, 'a preference without sense');
is($r->{headers}{'preference-applied'}, undef, 'is ignored');

# under another path the log is beside the control

$r = slow({ Prefer => 'wait=0' }, '/ops/one/control/services');
is($r->{headers}{location}, "/ops/one/log/$r->{json}{op_id}",
    'Location beside the family');
is($s->get($r->{headers}{location})->{status}, 200, 'is there');
settled($r);

$r = slow({ Prefer => 'wait=0' }, '/elsewhere/services');
is($r->{headers}{location}, "/log/$r->{json}{op_id}", 'or at the root');
settled($r);

# the client leaves

unlink $count;
my $sock = $t->connect();
my $body = '{"name":"slow","action":"restart"}';
print $sock "POST /control/services HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
    . "Origin: http://127.0.0.1:$t->{port}\r\nX-CSRF-Token: $s->{csrf}\r\n"
    . "Cookie: $s->{cookie}\r\nContent-Type: application/json\r\n"
    . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
ok($t->wait_for(sub { -s $count }), 'an action is begun');
close $sock;

ok($t->wait_for(sub {
    Test::Procmgr::read_path($count) eq "begun\nended\n"
}), 'the client leaves, it goes on');

my $row;
is($t->wait_for(sub {
    $row = $s->get('/log?target=slow&limit=1')->{json}{rows}[0];
    $row->{state} eq 'done' && $row->{retStatus};
}), 'success', 'and its row is settled');
is($row->{state}, 'done', 'done');

# a graceful end waits for it

unlink $count;
$r = slow({ Prefer => 'wait=0' });
$t->wait_for(sub { -s $count });
$t->nginx_stop('QUIT');
is(Test::Procmgr::read_path($count), "begun\nended\n",
    'nginx quits when it has ended');
is($t->psql("SELECT status FROM procmgr.op_row WHERE op_id = "
    . "'$r->{json}{op_id}'"), 'success', 'and is in the log');


sub slow {
    my ($headers, $uri) = @_;
    return $s->post($uri // '/control/services',
        { name => 'slow', action => 'restart' }, $headers);
}

sub settled {
    my ($r) = @_;
    return $t->wait_for(sub {
        my $row = $s->get("/log/$r->{json}{op_id}")->{json};
        $row->{state} eq 'done' && $row->{retStatus};
    });
}
