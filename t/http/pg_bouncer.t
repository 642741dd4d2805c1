#!/usr/bin/perl

# Through pgbouncer in transaction mode, with one connection behind it: no
# statement may rely on the one before it.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep);

my ($bouncer) = grep { -x } qw(/usr/sbin/pgbouncer /usr/bin/pgbouncer);
plan(skip_all => 'no pgbouncer') if !$bouncer;

my $t = Test::Procmgr->new(plan => 14)->run(workers => 2);
my $dir = "$t->{dir}/bouncer";
my $user = $t->{root} ? 'www-data' : scalar getpwuid $>;
my $pid;

mkdir $dir;
chmod 0755, $dir;
chown((getpwnam $user)[2, 3], $dir) if $t->{root};

$t->write('bouncer/pgbouncer.ini', <<EOF, 0644);
[databases]
procmgr = host=@{[ $t->socket_dir() ]} port=5432 dbname=procmgr user=procmgr_web
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $dir
auth_type = any
pool_mode = transaction
default_pool_size = 1
max_client_conn = 100
logfile = $dir/log
pidfile = $dir/pid
EOF

sub bounce {
    $pid = fork // die;
    return if $pid;
    chdir '/';
    open STDERR, '>', '/dev/null';
    open STDOUT, '>', '/dev/null';
    exec(($t->{root} ? ('setpriv', "--reuid=$user", "--regid=$user",
        '--init-groups') : ()), $bouncer, "$dir/pgbouncer.ini");
    exit 1;
}

sub stop {
    return if !$pid;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    undef $pid;
    unlink "$dir/.s.PGSQL.6432", "$dir/pid";
}

END { my $status = $?; stop() if $t && $t->{owner} == $$; $? = $status }

bounce();
ok($t->wait_for(sub { -S "$dir/.s.PGSQL.6432" }, 20), 'pgbouncer runs');

$t->write('etc/nginx.conf', $t->read_file('etc/nginx.conf')
    =~ s/(procmgr_database ")host=\S+ port=\d+/$1host=$dir port=6432/r);
$t->reload();
$t->wait_for(sub { 2 == (my @all = $t->workers()) }, 30);

# the first path: login, look, act, read, leave

my $s = $t->login();
is($s->{status}, 200, 'a login');
is($s->get('/log')->{status}, 200, 'the log');

my $r = $s->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=20' });
is($r->{status}, 200, 'an action');
is($r->{json}{retStatus}, 'success', 'which succeeds');
is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'success', 'its row');
cmp_ok($s->get('/log/unread')->{json}{unread}, '>', 0, 'the badge');
is($s->post('/log/read', { all => JSON::PP::true })->{status}, 200,
    'marked as read');
ok($s->get('/log/verify')->{json}{ok}, 'the chain is whole');

# many at once share the one connection

my @kids = map {
    my $kid = fork // die;
    if (!$kid) {
        my $bad = 0;
        for (1 .. 10) {
            $bad++ if $s->get('/log?limit=5')->{status} != 200;
            $bad++ if $t->login('viewer')->{status} !~ /^(?:200|429|503)$/;
        }
        require POSIX;
        POSIX::_exit($bad ? 1 : 0);
    }
    $kid;
} 1 .. 4;
is(join(' ', map { waitpid $_, 0; $? } @kids), '0 0 0 0', 'many at once');
is($t->psql("SELECT count(*) FROM pg_stat_activity
    WHERE usename = 'procmgr_web'"), 1, 'over one connection');

# it goes and comes

stop();
is($t->login()->{status}, 503, 'without it nobody comes in');
bounce();
ok($t->wait_for(sub { $t->login()->{status} == 200 }, 30), 'it is back');
is($s->delete('/session', { 'X-CSRF-Token' => $s->{csrf} })->{status}, 204,
    'and out');
