#!/usr/bin/perl

# Life of an operation: intent, outcome, what a repeated or late call gets.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

my $db = Test::ProcmgrDb->new;

sub intent {
    my ($n, %o) = @_;
    return $db->call('op_intent', $db->uuid($n), $o{host} // 'h1',
        'service_restart', $o{target} // 'demo', $o{actor} // 'admin', 'admin',
        '127.0.0.1', { name => 'demo' }, $o{idem}, $o{hash});
}

sub outcome {
    my ($n, @args) = @_;
    return $db->call('op_outcome', $db->uuid($n), @args);
}

sub not_started {
    my ($n) = @_;
    return $db->call('op_not_started', $db->uuid($n), 'h1', 'service_restart',
        'demo', 'admin', 'admin', '127.0.0.1', { name => 'demo' });
}

# intent

my $r = intent(1, idem => 'k1', hash => 'aa');
is($r->{status}, 'ok', 'intent');
like($r->{seq}, qr/^\d+$/, 'position');

$r = intent(2);
is($r->{status}, 'busy', 'one running operation per target');
is($r->{op_id}, $db->uuid(1), 'busy names it');

is(intent(3, target => 'other')->{status}, 'ok', 'another target');
is(intent(4, host => 'h2')->{status}, 'ok', 'another host');

$r = intent(5, idem => 'k1', hash => 'aa', target => 'third');
is($r->{status}, 'repeat', 'the same key');
is($r->{op}{op_id}, $db->uuid(1), 'repeat gives the first');
is($r->{op}{retStatus}, 'running', 'still running');
is($r->{op}{is_exec}, undef, 'not known yet whether it succeeds');

$r = intent(5, idem => 'k1', hash => 'bb', target => 'third');
is($r->{status}, 'mismatch', 'the same key, another body');
is($r->{op_id}, $db->uuid(1), 'mismatch names the first');

is(intent(6, idem => 'k1', hash => 'bb', target => 'third',
    actor => 'viewer')->{status}, 'ok', 'the same key of another account');

is(intent(1)->{status}, 'repeat', 'the same op_id');

my $open = $db->call('op_open', 'h1');
is_deeply([map { $_->{op_id} } @$open], [map { $db->uuid($_) } 1, 3, 6],
    'open operations of the host');

is_deeply($db->call('op_open', 'h9'), [], 'none of an unknown host');

# outcome

$r = outcome(1, 'success', undef, { argv => ['a', "b\tc"], exit_code => 0,
    stdout => "one\ntwo\x07", stderr => '', truncated => JSON::PP::false,
    before => { state => 'active' }, after => { state => 'active' },
    duration_ms => 12, usage => { maxrss => 1 } });

is($r->{status}, 'ok', 'outcome');
is_deeply([sort keys %{ $r->{op} }], [sort qw(seq op_id host logTime logType
    target actor role remote retStatus logStatus state code request argv
    exit_code signal stdout stderr truncated before after duration_ms usage
    reason is_exec cmdret retopt)], 'members of a row');
is($r->{op}{retStatus}, 'success', 'retStatus');
is($r->{op}{logStatus}, 'unread', 'logStatus');
is($r->{op}{state}, 'done', 'state');
is($r->{op}{is_exec}, JSON::PP::true, 'is_exec');
is($r->{op}{cmdret}, "one\ntwo\x07", 'cmdret is stdout');
is($r->{op}{retopt}, 'Unkown', 'retopt');
is_deeply($r->{op}{argv}, ['a', "b\tc"], 'argv');
is_deeply($r->{op}{request}, { name => 'demo' }, 'request');
is($r->{op}{signal}, undef, 'signal is not known');
like($r->{op}{logTime}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    'logTime');

$r = outcome(1, 'failure', 'x', {});
is($r->{status}, 'already', 'the second outcome changes nothing');
is($r->{op}{retStatus}, 'success', 'the first one stays');

is(intent(2)->{status}, 'ok', 'the target is free');

$r = outcome(2, 'failure', 'exit_status', { stderr => 'no', stdout => 'out',
    reason => 'it failed' });
is($r->{op}{cmdret}, 'no', 'cmdret is stderr on failure');
is($r->{op}{is_exec}, JSON::PP::false, 'is_exec on failure');
is($r->{op}{code}, 'exit_status', 'code');

is(outcome(99, 'success', undef, {})->{status}, 'missing', 'no such one');

outcome(3, 'nonsense', undef, {});
is($db->{state}, '22023', 'an unknown status');

# unknown, then resolved

is(outcome(3, 'unknown', 'lost', {})->{op}{retStatus}, 'unknown', 'unknown');
is(outcome(3, 'unknown', 'lost', {})->{status}, 'already', 'unknown again');
is(outcome(3, 'success', undef, {})->{op}{retStatus}, 'success', 'resolved');
is(outcome(3, 'failure', undef, {})->{status}, 'already', 'resolved once');

$r = $db->call('log_get', $db->uuid(3));
is_deeply([map { "$_->{kind} $_->{status}" } @{ $r->{events} }],
    ['intent running', 'outcome unknown', 'resolved success'], 'events');
is($db->call('log_get', $db->uuid(77)), undef, 'no such operation');

# refused

$r = $db->call('op_refuse', $db->uuid(10), 'h1', 'service_start', 'nope',
    'admin', 'admin', '127.0.0.1', {}, 'unknown_service', 'no such service');
is($r->{op}{retStatus}, 'refused', 'refused');
is($r->{op}{code}, 'unknown_service', 'its code');
is($r->{op}{cmdret}, 'no such service', 'its reason');
is($db->psql("SELECT count(*) FROM procmgr.op_active WHERE target = 'nope'"),
    0, 'it takes no target');

$r = $db->call('op_refuse', $db->uuid(10), 'h1', 'service_start', 'nope',
    'admin', 'admin', '127.0.0.1', {}, 'other', 'other');
is($r->{op}{code}, 'unknown_service', 'refused again: the first row');

# a tombstone, and the intent that comes late

$r = not_started(11);
is($r->{status}, 'ok', 'tombstone');
is($r->{op}{code}, 'not_started', 'its code');
is($r->{op}{retStatus}, 'failure', 'its status');
is(intent(11)->{status}, 'tombstone', 'the late intent');
is(not_started(11)->{status}, 'already', 'tombstone again');
is(intent(12)->{status}, 'ok', 'the target is free for others');

# the intent had committed although nobody heard of it

is(not_started(12)->{op}{code}, 'not_started', 'settled as not started');
is(intent(13)->{status}, 'ok', 'and its target is free');
is(not_started(2)->{status}, 'already', 'what has an outcome keeps it');

# an intent in a frozen backend: the tombstone waits no longer than a second,
# and takes the key as soon as the backend is gone

my $late = $db->uuid(20);
open my $psql, '|-', 'psql', '-Xqo', '/dev/null', '-d',
    $db->conninfo(role => 'procmgr_web') or die;
$psql->autoflush(1);
print $psql "BEGIN; SELECT procmgr.op_intent('$late', 'h1', 'service_restart',"
    . " 'frozen', 'admin', 'admin', NULL, '{}', NULL, NULL);\n";

for (1 .. 200) {
    last if $db->psql("SELECT count(*) FROM pg_stat_activity "
        . "WHERE state = 'idle in transaction'");
    select undef, undef, undef, 0.02;
}

not_started(20);
is($db->{state}, '55P03', 'the tombstone of a frozen intent fails fast');
print $psql "COMMIT;\n";
close $psql;
is(not_started(20)->{status}, 'ok', 'and settles it afterwards');
is($db->psql("SELECT count(*) FROM procmgr.op_active "
    . "WHERE target = 'frozen'"), 0, 'nothing is left active');

# bad input

for (['a target is missing', undef, 'admin'], ['an actor', 'demo2', undef]) {
    my ($name, $target, $actor) = @$_;
    $db->call('op_intent', $db->uuid(30), 'h1', 'service_start', $target,
        $actor, 'admin', undef, {}, undef, undef);
    is($db->{state}, '22023', $name);
}

$db->call('op_intent', $db->uuid(30), 'h1', 'service_start', 'x' x 1025,
    'admin', 'admin', undef, {}, undef, undef);
is($db->{state}, '23514', 'a target that is too long');

$db->call('op_intent', $db->uuid(30), 'h1', "x'; DROP", 'fifth', 'admin',
    'admin', undef, {}, undef, undef);
is($db->{state}, '23514', 'a type that is no word');

# whatever an outside text holds stays in its field

my $text = "a'\"\\\n\r\t\x1b[31m\x{202e}<img onerror=x>\x{1f600}";
utf8::encode(my $bytes = $text);
$db->psql("SELECT procmgr.op_refuse('" . $db->uuid(31) . "', 'h1', "
    . "'service_start', " . Test::ProcmgrDb::quote($bytes)
    . ", 'admin', 'admin', NULL, '{}', 'x', 'y')", role => 'procmgr_web');
is($db->{state}, '', 'any text is a target');
is($db->call('log_get', $db->uuid(31))->{target}, $text, 'and comes back');

is($db->call('log_verify', undef, 0, 10000)->{ok}, JSON::PP::true,
    'the chain holds');

done_testing();
