#!/usr/bin/perl

# The units of systemd: not supported where there is none, and the same as
# systemctl's beside a systemd of the test's own.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 5)->run();
my $s = $t->login('viewer');

my $r = $s->get('/system/units');

if (-d '/run/systemd/system') {
    is($r->{status}, 200, 'units');
    my $seen = 0;
    is_deeply([grep { $_->{active_state} eq 'failed' ? $seen : !($seen = 1) }
        @{ $r->{json} }], [], 'failed ones first');

} else {
    is($r->{status}, 501, 'no units without systemd');
    is($r->{json}{code}, 'unsupported', 'and why');
}

is($s->get('/system/units?state=failed')->{status}, 400, 'nothing to choose');

SKIP: {
    my $ask = "$t->{build}/unit/test_bus";
    skip 'no unit tests were built', 2 if !-x $ask;
    skip 'not root', 2 if $> != 0;

    my $dir = tempdir('procmgr-units.XXXXXX', DIR => '/var/tmp', CLEANUP => 1);
    local $ENV{SANDBOX_BIND} = $t->{build};

    # in one go, so that nothing changes in between more than it must

    my $in = 'exec "$SANDBOX" --in "$SANDBOX_DIR" sh -c';
    my $words = <<EOT;
systemctl start dbus.service; sleep 1
systemctl list-units --all --plain --no-legend --no-pager >/run/want
setpriv --reuid=65534 --regid=65534 --clear-groups $ask /run/dbus/system_bus_socket
echo; cat /run/want
EOT
    my $out = do {
        open my $p, '-|', abs_path('t/lib/systemd-sandbox'), $dir, 'sh', '-c',
            "$in '$words' 2>&1" or skip 'no sandbox', 2;
        local $/;
        <$p>;
    };
    skip 'no systemd in namespaces here', 2 if $? >> 8 == 77;

    my ($got, $want) = map {
        join "\n", sort map { join ' ', (split)[0 .. 3] }
            grep { /\.\w+ / } split /\n/
    } split /\n\n/, $out, 2;

    cmp_ok(scalar(split /\n/, $got // ''), '>', 20, 'units of a real systemd');
    is($got, $want, 'as systemctl lists them, for any user');
}
