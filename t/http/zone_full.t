#!/usr/bin/perl

# A zone that is too small is refused by nginx -t; one that becomes too small
# answers 503, says once in the log what is needed, and recovers.

use strict;
use warnings;

use lib 't/lib';
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 16)->run(
    database => 0, locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC

my $conf = $t->read_file('etc/nginx.conf');
$conf =~ s/procmgr_zone \S+;/procmgr_zone procmgr:1m;/;
my $out = $t->test_conf($conf);
like($out, qr/zone "procmgr" of 1048576 bytes is too small/, 'refused');
like($out, qr/needs at least (\d+)k/, 'with the size it needs');

# a little more than that

my ($least) = $out =~ /needs at least (\d+)k/;
my $size = $least + 256 . 'k';
$conf =~ s/procmgr_zone \S+;/procmgr_zone procmgr:$size;/;
$t->write('etc/nginx.conf', $conf);
$t->reload();

is($t->get('/open/summary')->{status}, 200, 'small, and enough');

# about 250 bytes for each in a fifth of what the tables leave

my @pids = map { my $p = fork() // die "fork: $!"; idle() if !$p; $p }
    1 .. 1200;

my $r = $t->wait_for(sub {
    my $a = $t->get('/open/summary');
    return $a->{status} == 503 && $a;
});

is($r && $r->{status}, 503, 'too many processes for it');
is($r->{json}{code}, 'zone_full', 'its code');
like($r->{headers}{'content-type'}, qr/problem\+json/, 'as a problem');

# the rest of nginx, and what needs no snapshot

$t->write('html/still.txt', "still\n", 0644);
my @workers = $t->workers();

is_deeply([map { $t->get('/still.txt')->{body} } 1 .. 20], [("still\n") x 20],
    'files are answered');
is($t->get('/open/constants')->{status}, 200, 'and what needs no snapshot');
is($t->get("/open/process/info?pid=$$")->{json}{code}, 'zone_full',
    'lists are not');

$t->get('/open/summary'), sleep 0.05 for 1 .. 20;
is_deeply([$t->workers()], \@workers, 'by the same worker');

my @said = $t->error_log() =~ /\[error\].*is full: a snapshot.*/g;
is(@said, 1, 'said once in the log');
like($said[0], qr/procmgr_zone procmgr:\d+m is needed/, 'with the size');

# more of it: the snapshot has room, all of all processes has not

my ($needed) = $said[0] =~ /procmgr:(\d+)m is needed/;
$conf =~ s/procmgr_zone \S+;/procmgr_zone procmgr:${needed}m;/;
$t->write('etc/nginx.conf', $conf);
$t->reload();
ok($t->wait_for(sub { $t->get('/open/summary')->{status} == 200 }, 60),
    'as much as it said is enough');
ok($t->wait_for(sub {
    my $a = $t->get('/open/process/info?simple=false');
    return $a->{status} == 503 && $a->{json}{code} eq 'zone_full';
}, 60), 'an answer that is too long');
$t->get('/open/process/info?simple=false') for 1 .. 3;
@said = $t->error_log() =~ /\[error\].*is full: an answer.*/g;
is(scalar(grep { /procmgr_zone procmgr:\d+m is needed/ } @said), 1,
    'said once, with the size') or diag(@said);

kill 'KILL', @pids;
waitpid $_, 0 for @pids;

ok($t->wait_for(sub { $t->get('/open/summary')->{status} == 200 }),
    'good again when they have gone');


sub idle {
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    sleep 60;
    POSIX::_exit(0);
}
