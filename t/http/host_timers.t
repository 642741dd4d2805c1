#!/usr/bin/perl

# Timers and units of a real systemd: the file runs once more within a systemd
# of its own, with nginx and the helper, see t/lib/systemd-sandbox.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Time::Local qw(timegm);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $unit = 'procmgr-test';

outside() if !$ENV{PROCMGR_TEST_SYSTEMD};

my %units = (
    'calendar' => "OnCalendar=*-*-* 03:15:00\n"
        . "OnCalendar=Sat *-*-* 04:00:00 UTC\nUnit=$unit-other.service\n",
    'boot' => "OnBootSec=10h\nOnUnitActiveSec=2h\n",
    'fired' => "OnActiveSec=1ms\n",
    'kept' => "OnCalendar=weekly\nPersistent=true\n",
    'stopped' => "OnCalendar=monthly\n",
    'off' => "OnCalendar=yearly\n",
);

for my $name (keys %units) {
    unit("$name.timer", "[Timer]\n$units{$name}AccuracySec=1s\n"
        . "[Install]\nWantedBy=timers.target\n");
    unit("$name.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
}
unit('other.service', "[Service]\nType=oneshot\nExecStart=/bin/true\n");
unit('bad.service', "[Service]\nType=oneshot\nExecStart=/bin/false\n");

# a unit that another one needs stays in systemd's list when it is stopped

unit('keeps.service', "[Unit]\nAfter=$unit-stopped.timer\n"
    . "[Service]\nExecStart=/bin/sleep 1000\n");
symlink '/dev/null', "/etc/systemd/system/$unit-masked.timer" or die;

sub systemctl { system('systemctl', @_) }

systemctl('daemon-reload');
systemctl('start', 'dbus.service', map { "$unit-$_" }
    qw(keeps.service calendar.timer boot.timer fired.timer kept.timer
       stopped.timer));
systemctl('stop', "$unit-stopped.timer");
system("systemctl start $unit-bad.service 2>/dev/null");

my $t = Test::Procmgr->new(plan => 25)->run(database => 0,
    interval => '100ms', policy => 'schedule roles=viewer,admin',
    locations => <<'EOC');
location /open/ { procmgr system; procmgr_auth off; }
EOC

$t->wait_for(sub { last_run('fired') }, 30);

# what systemctl says is the same before and after

my ($want, $r);

for (1 .. 20) {
    my $before = list();
    $r = $t->get('/open/schedule');
    $want = list();
    last if $before eq $want;
}

is($r->{status}, 200, 'schedule');
unlike($r->{headers}{'x-procmgr-partial'} // '', qr/timers/,
    'systemd told of its timers');

my %row = map { $_->{source} => $_ } grep { $_->{source} =~ /\.timer$/ }
    @{ $r->{json} };
my %told = map { my ($name, @rest) = split; $name => "@rest" }
    split /\n/, $want;

is(join("\n", map { "$_ " . said($row{$_}) } sort grep { $told{$_} }
    keys %row), join("\n", map { "$_ $told{$_}" } sort keys %told),
    'the timers of systemctl list-timers, with their next and last runs');

my $c = row('calendar');
is($c->{schedule}, '*-*-* 03:15:00; Sat *-*-* 04:00:00 UTC', 'a calendar');
is($c->{command}, "$unit-other.service", '- and what it starts');
like($c->{next}, qr/T03:15:00|T04:00:00/, '- at that time');
is($c->{last}, undef, '- it has not run');
ok($c->{enabled}, '- it will');

my $b = row('boot');
is($b->{schedule}, 'OnBootSec=10h; OnUnitActiveSec=2h', 'from the start');
like($b->{next}, qr/^\d{4}-\d\d-\d\dT/, '- systemd alone knows when');

my $f = row('fired');
ok($f->{last}, 'one that has run: when');
is($f->{next}, undef, '- and not again');
ok($f->{enabled}, '- though it is not stopped');

like(row('kept')->{next}, qr/T00:00:00/, 'a weekly one');

ok(!row('stopped')->{enabled}, 'one that is stopped');
is(row('stopped')->{next}, undef, '- does not run');

my $o = row('off');
is("$o->{schedule} $o->{command}", "yearly $unit-off.service",
    'one that was never started');
ok(!$o->{enabled}, '- is not enabled');
is($o->{next}, undef, '- and does not run');
ok(!$row{"$unit-masked.timer"}, 'one that is masked');

# without the helper's word the files tell which are enabled

systemctl('-q', 'enable', "$unit-kept.timer");
rename "$t->{dir}/libexec/procmgr-helper", "$t->{dir}/libexec/none" or die;
$r = undef;
$t->wait_for(sub {
    $r = $t->get('/open/schedule');
    ($r->{headers}{'x-procmgr-partial'} // '') =~ /timers/;
}, 30);
%row = map { $_->{source} => $_ } @{ $r->{json} };
is(join(' ', map { row($_)->{enabled} ? 1 : 0 } qw(kept off)), '1 0',
    'without the helper: what is enabled');
is(row('kept')->{next}, undef, '- but not when it runs');

# units

my ($units, $ours);

for (1 .. 20) {
    my $before = units();
    $r = $t->get('/open/units');
    $units = units();
    last if $before eq $units;
}

$ours = join "\n", sort map {
    join ' ', @$_{qw(name load_state active_state sub_state)}
} @{ $r->{json} };
is($r->{status}, 200, 'units');
is($ours, $units, 'as systemctl list-units has them');
is($r->{json}[0]{active_state}, 'failed', 'the failed ones first');


sub unit {
    my ($name, $text) = @_;
    open my $f, '>', "/etc/systemd/system/$unit-$name" or die "$name: $!";
    print $f $text;
    close $f or die "$name: $!";
}

sub row { $row{"$unit-$_[0].timer"} // {} }

# a row as list() has it; systemd knows microseconds

sub said {
    my ($row) = @_;
    return join ' ', (map { seconds($row->{$_}) } qw(next last)),
        $row->{command};
}

sub seconds {
    my @n = ($_[0] // '') =~ /(\d+)/g or return 0;
    return timegm(@n[5, 4, 3, 2], $n[1] - 1, $n[0]);
}

# "name next last activates" by lines; times in seconds, 0 is none

sub list {
    my $list = JSON::PP::decode_json(scalar
        `systemctl list-timers --all --output=json`);
    return join "\n", sort map {
        join ' ', $_->{unit}, (map { int(($_ // 0) / 1e6) } @$_{qw(next last)}),
            $_->{activates}
    } @$list;
}

sub last_run {
    my ($name) = @_;
    return list() =~ /^$unit-$name\.timer \d+ [1-9]/m;
}

sub units {
    return join "\n", sort map { join ' ', (split)[0 .. 3] }
        split /\n/, `systemctl list-units --all --plain --no-legend --no-pager`;
}

sub outside {
    plan(skip_all => 'must be root') if $> != 0;

    my $top = $Test::Procmgr::TOP;
    my $build = $ENV{BUILD_DIR} || "$top/build/release";
    $build = "$top/$build" if $build !~ m{^/};

    my $dir = tempdir('procmgr-sandbox.XXXXXX', DIR => '/var/tmp',
        CLEANUP => 1);

    $ENV{SANDBOX_BIND} //= $build;

    my $rc = system("$top/t/lib/systemd-sandbox", $dir, 'sh', '-c',
        'exec "$SANDBOX" --in "$SANDBOX_DIR" systemd-run --wait --pipe --quiet '
        . "--collect -p WorkingDirectory=$top -E PROCMGR_TEST_SYSTEMD=1 "
        . "-E BUILD_DIR=$build $^X -It/lib " . abs_path($0));

    plan(skip_all => 'no systemd in namespaces here') if $rc >> 8 == 77;
    exit($rc >> 8 || ($rc ? 1 : 0));
}
