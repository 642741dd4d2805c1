#!/usr/bin/perl

# "make demo-memory" with an instance that runs: the alert, the summary, and
# nothing left behind.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 8)->run(workers => 2);

$t->write('instance.json', encode_json({ url => "http://127.0.0.1:$t->{port}/",
    username => 'admin', password => $t->password('admin'),
    nginx_pid => $t->{master} + 0 }), 0600);

$ENV{PROCMGR_RUN_DIR} = $t->{dir};
$ENV{PROCMGR_DEMO_MB} = 24;
$ENV{PROCMGR_DEMO_STEPS} = 6;

my $out = `$Test::Procmgr::TOP/tools/demo-memory.sh 2>&1`;
is($?, 0, 'it ends well') or diag($out);
is(scalar(() = $out =~ /^[\d:.]+ +[\d.]+ MB #+/mg), 6, 'its steps');
like($out, qr/^[\d:.]+ +[\d.]+ MB #+  above$/m, 'above the threshold');
like($out, qr/^alert    \S+Z  pid \d+ \(.*\): [\d.]+ MB of physical memory, above \d+ MB$/m,
    'the alert');
my ($max, $growth) = $out =~ /^summary  \d+ samples, \d+ missed; initial [\d.]+ MB, max ([\d.]+) MB, average [\d.]+ MB, growth ([+-][\d.]+) MB; ended with its process$/m;
ok($max, 'the summary') or diag($out);
cmp_ok($growth // 0, '>', 20, 'it grew');

is($t->psql('SELECT count(*) FROM procmgr.watch'), 0, 'the watch is deleted');
is($t->psql('SELECT count(*) FROM procmgr.session WHERE ended IS NULL'), 0,
    'the session is ended');
