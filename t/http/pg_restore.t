#!/usr/bin/perl

# A backup by pg_dump, restored into another cluster as the manual page has
# it: the chain verifies, accounts log in, sessions live on, and nobody has
# more rights than before.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $from = Test::Procmgr->new(plan => 15)->run();
my $dump = "$from->{dir}/procmgr.dump";

$from->account('carol', 'operator', 'carols secret 1');
my $s = $from->login();
is($s->post('/control/services', { name => 'demo', action => 'start' },
    { Prefer => 'wait=20' })->{status}, 200, 'something to keep');

is(pg($from, 'procmgr', 'pg_dump', '-Fc', '-f', $dump), 0, 'a backup');
my $rows = count($from);
my $hash = $from->psql("SELECT encode(hash, 'hex') FROM procmgr.chain");

# another cluster; its roles are those that a migration makes

my $to = Test::Procmgr->new()->run();

ok(!defined eval { $to->login('carol', 'carols secret 1')->{csrf} },
    'nobody knows her there');
is(pg($to, 'postgres', 'psql', '-XAtqc',
    'DROP DATABASE procmgr WITH (FORCE)'), 0, 'nothing there');
is($to->login()->{status}, 503, 'nobody comes in');
is(pg($to, 'postgres', 'pg_restore', '--create', $dump), 0, 'restored');

ok($to->wait_for(sub {
    $to->login('carol', 'carols secret 1')->{status} == 200
}, 30), 'an account logs in');
is($to->request('GET', '/session', undef, { Cookie => $s->{cookie} })
    ->{status}, 200, 'a session lives on');

my $verify = do {
    local $ENV{PROCMGR_CONNINFO} = conninfo($to, 'procmgr');
    `$to->{build}/procmgrctl log verify 2>&1`;
};
like($verify, qr/^ok \d+ events$/, 'the chain verifies') or diag($verify);
cmp_ok(count($to), '>', $rows, 'and goes on');
is($to->psql("SELECT count(*) FROM procmgr.op_event
    WHERE encode(hash, 'hex') = '$hash'"), 1, 'from where it was');

$to->psql('CREATE TEMP TABLE mine (a int)', 'procmgr_web');
isnt($?, 0, 'the web role makes no temporary table');
$to->psql('SELECT * FROM procmgr.op', 'procmgr_web');
isnt($?, 0, 'and reads no table');
is($to->psql("SELECT has_database_privilege('public', 'procmgr', 'CONNECT')"),
    'f', 'nobody else connects');

my $own = $to->login();
is($own->post('/control/services', { name => 'demo', action => 'start' },
    { Prefer => 'wait=20' })->{status}, 200, 'and it acts');


sub count { $_[0]->psql('SELECT count(*) FROM procmgr.op') }

sub conninfo {
    my ($t, $name) = @_;
    return 'host=' . $t->socket_dir() . " port=5432 dbname=$name user="
        . ($t->{root} ? 'postgres' : scalar getpwuid $>);
}

sub pg {
    my ($t, $name, $program, @args) = @_;
    open my $out, '-|', $program, '-d', conninfo($t, $name), @args or die;
    local $/;
    diag($_) for grep { /\S/ } <$out>;
    close $out;
    return $? >> 8;
}
