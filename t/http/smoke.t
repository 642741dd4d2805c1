#!/usr/bin/perl

# The whole path once: log in, see the host, restart a real service through
# the real helper, find the row in the operation log.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 13)->run();

is($t->get('/system/summary')->{status}, 401, 'nothing without a session');

my $s = $t->login();
is($s->{status}, 200, 'login');

like($s->get('/system/summary')->{json}{text}{tasks},
    qr/^\d+ total, \d+ running, \d+ sleeping, \d+ stopped, \d+ zombie$/,
    'the header line of tasks');

is(scalar @{ $s->get('/system/process')->{json} }, 10,
    'ten largest processes');

my $before = $s->get('/log/unread')->{json}{unread};

my $r = $s->post('/control/services', { name => 'demo', action => 'restart' });
is($r->{status}, 200, 'restart answered');
is($r->{json}{retStatus}, 'success', 'restart succeeded');
ok($r->{json}{after}{main_pid}, 'the demonstration service has a process');
ok(-d "/proc/$r->{json}{after}{main_pid}", 'which lives');

is($s->get('/log/unread')->{json}{unread}, $before + 1, 'the badge went up');

my $row = $s->get('/log')->{json}{rows}[0];
is($row->{op_id}, $r->{json}{op_id}, 'its row is the newest');
is($row->{logType}, 'service_restart', 'with its type');
is($row->{target}, 'demo', 'and its target');

# its name is handed to the database as text that ends with a zero

chomp(my $host = Test::Procmgr::read_path('/proc/sys/kernel/hostname'));
is($row->{host}, $host, 'and the name of this host');
