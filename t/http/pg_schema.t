#!/usr/bin/perl

# A schema that is newer or older than the module, or none: one line that says
# what to do, and 503 with a code of its own; all is well once it fits.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 17)->run();
my $s = $t->login();

is($s->get('/log')->{status}, 200, 'it fits');
my $level = $t->psql('SELECT procmgr.schema_level()');
my ($newest) = map { m{/0*(\d+)_[^/]*$} } (sort glob "$Test::Procmgr::TOP/sql/*.sql")[-1];
is($level, $newest, 'which is the newest migration');

for (['newer', 'INSERT INTO procmgr.schema_version VALUES (999, \'x\', \'\')',
      'DELETE FROM procmgr.schema_version WHERE version = 999',
      qr/its schema has the number 999, this module needs $level: see procmgrctl/],
     ['older', "UPDATE procmgr.schema_version SET version = 0
          WHERE version = $level",
      "UPDATE procmgr.schema_version SET version = $level WHERE version = 0",
      qr/its schema has the number \d+, this module needs $level: see/],
     ['none', 'ALTER SCHEMA procmgr RENAME TO gone',
      'ALTER SCHEMA gone RENAME TO procmgr',
      qr/it has no schema for this role: see procmgrctl migrate/])
{
    my ($name, $break, $mend, $line) = @$_;
    my $log = length $t->error_log();

    my @old = $t->workers();
    my $r;

    $t->psql($break);
    $t->reload();
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 20);

    # until its first connection a new worker knows of no database

    $t->wait_for(sub {
        $r = $t->login()->{answer};
        $r->{json}{code} ne 'database_unavailable'
    }, 20);

    is($r->{status}, 503, "$name: 503");
    is($r->{json}{code}, 'database_schema', "$name: its code");
    is($s->post('/control/services', { name => 'demo', action => 'start' })
        ->{status}, 503, "$name: nobody acts");
    like(substr($t->error_log(), $log), qr/\[error\].*cannot be used: $line/,
        "$name: a line in the log");

    $t->psql($mend);
    ok($t->wait_for(sub { $t->login()->{status} == 200 }, 30),
        "$name: well again");
}
