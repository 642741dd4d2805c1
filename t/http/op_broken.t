#!/usr/bin/perl

# The database and the helper may answer anything: never a crash, never a
# success that nobody vouches for.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 59);
my $count = "$t->{dir}/demo/run/noted.count";

$t->run(policy => "service noted lsb $t->{dir}/demo/noted "
    . "actions=restart roles=operator,admin timeout=10");
$t->write('demo/noted', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = status ] && exit 0
echo "\$1" >> $count
EOT

my $s = $t->login('operator');
my @worker = $t->workers();

# answers of the database

my $row = '{"op_id":"x\r\nX-Injected: 1","retStatus":"running"}';
my @nonsense = ('NULL', quote('nonsense'), quote('[]'), quote('"ok"'),
    quote('{"status":1}'), quote('{"status":"ok"'),
    quote('{"status":"other"}'));

for my $json (@nonsense) {
    with(op_intent => $json, sub {
        my $r = act();
        is($r->{status}, 503, "intent: $json");
        is($r->{json}{code}, 'database_unavailable', 'code');
    });
}
ok(!-e $count, 'nothing was executed');

for my $json ('{"status":"repeat"}', '{"status":"repeat","op":[]}',
    '{"status":"repeat","op":{}}')
{
    with(op_intent => quote($json), sub {
        is(act()->{status}, 500, "intent: $json");
    });
}
with(op_intent => quote("{\"status\":\"repeat\",\"op\":$row}"), sub {
    my $r = act();
    is($r->{status}, 202, 'a row with a strange id');
    is($r->{headers}{'x-injected'}, undef, 'makes no header');
    is($r->{headers}{location}, undef, 'nor a place');
});
with(op_intent => quote('{"status":"busy","op_id":7}'), sub {
    is(act()->{status}, 409, 'busy without a name');
});
ok(!-e $count, 'nothing was executed');

for my $json ('NULL', quote('[]'), quote('{"op":"x"}')) {
    unlink $count;
    with(op_outcome => $json, sub {
        my $r = act({ Prefer => 'wait=2' });
        is($r->{status}, 202, "outcome: $json");
        is($r->{json}{retStatus}, 'running', 'claims nothing');
    });
    ok(-s $count, 'it ran');
    $t->psql('DELETE FROM procmgr.op_active');
}

for my $json ('NULL', quote('x'), quote('{}'), quote('[1]')) {
    with(log_list => $json, sub {
        is($s->get('/log')->{status}, 503, "list: $json");
    });
    with(log_unread => $json, sub {
        sleep 1;
        is($s->get('/log/unread')->{status}, 503, "unread: $json");
    });
}
with(log_unread => quote('{"unread":"7"}'), sub {
    sleep 1;
    is($s->get('/log/unread')->{status}, 503, 'unread is no number');
});

# answers of a helper

my $head = 'pack("CCSLlL", ord("F"), 0, 0, length $x, 0, 0)';
my %reply = (
    'an end of file' => '',
    'noise' => 'print "x" x 100',
    'half a head' => 'print "F\0\0"',
    'a length without end' => 'print pack("CCSLlL", ord("F"), 0, 0, 4294967295, 0, 0)',
    'no result' => "\$x = \"code=ok\\n\"; print $head, \$x",
    'an unknown result' => "\$x = \"result=fine\\n\"; print $head, \$x",
    'a negative length of output' => '$x = "result=ok\n"; '
        . 'print pack("CCSLlL", ord("F"), 0, 0, length $x, -5, 0), $x',
    'output that does not come' => '$x = "result=ok\nstdout_len=500\n'
        . 'stderr_len=0\n"; print pack("CCSLlL", ord("F"), 0, 0, length $x, '
        . '500, 0), $x, "short"',
);

rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/real" or die;

for my $what (sort keys %reply) {
    $t->write('libexec/procmgr-helper', <<"EOT", 0755);
#!/usr/bin/perl
open STDOUT, '>&=', 0;
\$| = 1;
sysread STDIN, \$x, 16;
(undef, undef, undef, \$n) = unpack 'CCSLlL', \$x;
sysread STDIN, \$x, \$n;
$reply{$what};
EOT
    my $r = act();
    is($r->{json}{retStatus} // $r->{status}, 'unknown', "helper: $what");
    is($s->get('/control/services')->{status}, 503, 'and no list');
}

rename "$t->{dir}/libexec/real", "$t->{dir}/libexec/procmgr-helper" or die;
is(act()->{json}{retStatus}, 'success', 'the real one works');
is_deeply([$t->workers()], \@worker, 'the worker lives');


sub act {
    my ($headers) = @_;
    return $s->post('/control/services',
        { name => 'noted', action => 'restart' }, $headers);
}

sub quote { "'" . ($_[0] =~ s/'/''/gr) . "'" }

# while a function of the schema answers this

sub with {
    my ($name, $value, $code) = @_;
    my $def = $t->psql("SELECT pg_get_functiondef(p.oid) FROM pg_proc p "
        . "WHERE pronamespace = 'procmgr'::regnamespace "
        . "AND proname = '$name'");
    my ($start) = $def =~ /^(.*?RETURNS \w+)/s;

    $t->psql("$start LANGUAGE sql SECURITY DEFINER AS "
        . quote("SELECT $value\::text"));
    $code->();
    $t->psql($def);
}
