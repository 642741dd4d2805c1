#!/usr/bin/perl

# A /proc that hides the processes of others, mounted so for this test alone:
# one of them is not permitted, or there is none, for a look and for a watch;
# the worker's own are seen and watched.

use strict;
use warnings;

use lib 't/lib';
use POSIX ();
use Test::More;
use Test::Procmgr;
use Test::ProcmgrProc;

if (!$ENV{PROCMGR_TEST_MOUNTS}) {
    plan(skip_all => 'only root mounts') if $> != 0;
    plan(skip_all => 'no mount namespace')
        if system('unshare -m true') || system('setpriv --version >/dev/null');

    $ENV{PROCMGR_TEST_MOUNTS} = 1;
    exec 'unshare', '-m', '--propagation', 'private', $^X,
        (map { "-I$_" } @INC), $0, @ARGV or die "unshare: $!";
}

hide(1) or plan(skip_all => 'no hidepid');

my $t = Test::Procmgr->new(plan => 27)->run(workers => 1);
my $s = $t->login('admin');
my $theirs = spawn();

# a program that is started as another user, as nginx's own children are

pipe my $from, my $to or die "pipe: $!";
my $own = fork // die "fork: $!";
if (!$own) {
    open STDOUT, '>&', $to;
    exec(qw(setpriv --reuid www-data --regid www-data --clear-groups), $^X,
        '-e', '$0 = "watched"; $| = 1; print "x"; sleep 600')
        or POSIX::_exit(1);
}
sysread $from, my $ready, 1;

END { kill 'KILL', $own if $own }

# seen, but closed

refused('403 access_denied');
watched();

# not to be seen at all

hide(2);
anew();

refused('404 no_such_process');
watched();

# and open again

hide(0);
anew();
my $id = $s->post('/memory/watches', { pid => $theirs->{pid} })->{json}{id};
ok($id, 'open again: watched');
ok($t->wait_for(sub {
    $s->get("/memory/watches/$id")->{json}{samples} > 2
}, 30), 'with samples');
is($s->delete("/memory/watches/$id")->{status}, 204, 'and deleted');

end($theirs);


sub hide { return !system('mount', '-t', 'proc', '-o', "hidepid=$_[0]",
    'proc', '/proc') }

# a worker that has the /proc of before open is no more

sub anew {
    my ($worker) = $t->workers();

    $t->reload();
    $t->wait_for(sub { !-d "/proc/$worker" }, 30);
}

sub refused {
    my ($said) = @_;
    my $r;

    for my $uri ("/system/process/$theirs->{pid}",
        "/system/process/$theirs->{pid}/name",
        "/system/process/$theirs->{pid}?simple=false",
        "/memory/$theirs->{pid}")
    {
        $r = $s->get($uri);
        is("$r->{status} $r->{json}{code}", $said, "$uri: $said");
    }

    $r = $s->get("/system/process/$theirs->{pid}/is_running");
    is($r->{status}, $said =~ /^403/ ? 403 : 200, 'whether it runs');

    $r = $s->post('/memory/watches', { pid => $theirs->{pid} });

    is("$r->{status} $r->{json}{code}", $said, "of another user: $said");
    like($r->{json}{detail}, qr/\b$theirs->{pid}\b/, 'it is named');
    is_deeply($s->get('/memory/watches')->{json}, [], 'no watch is left');
}

sub watched {
    for my $target ({ pid => $own }, { name => 'watched' }) {
        my $r = $s->post('/memory/watches', $target);
        is($r->{status}, 201, 'its own, by ' . join '', keys %$target);
        is($s->delete("/memory/watches/$r->{json}{id}")->{status}, 204,
            'deleted') if $r->{json}{id};
    }
}
