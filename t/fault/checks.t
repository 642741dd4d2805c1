#!/usr/bin/perl

# What the fault run looks for is found: a lie is told to each of its checks.

use strict;
use warnings;

use lib 't/lib';
use Test::More tests => 9;
use Test::ProcmgrFault;
use Time::HiRes qw(time);

my $f = Test::ProcmgrFault->new(services => 3)->run();
my $id = $f->answer($f->ask('svc0001', wait => 20))->{json}{op_id};

is(join("\n", $f->wrong()), '', 'all is well');

my $acts = $f->read_file('demo/run/acts');
my ($first) = $acts =~ /^begin svc0001 ([\d.]+)/;

found(qr/svc0002: 1 acts/, 'an act without a row', sub {
    $f->append('demo/run/acts', 'begin svc0002 ' . time . "\n");
});
found(qr/svc0001: 2 acts, rows say: success/, 'one that was done twice', sub {
    $f->append('demo/run/acts', 'begin svc0001 ' . time . "\n");
});
found(qr/svc0001: act 1 at .* without a row before/, 'an act before its row',
    sub {
        $f->write('demo/run/acts', $acts =~ s/\Q$first\E/$first - 60/gre);
    });
found(qr/svc0001: 0 acts/, 'a row without an act', sub {
    $f->write('demo/run/acts', '');
});

push @{ $f->{told} }, { service => 'svc0001', json => {
    op_id => '00000000-0000-4000-8000-000000000001' } };
found(qr/was acknowledged, has no row/, 'a lost row');
$f->{told} = [];

my $spool = "$f->{dir}/spool/$id";
rename $spool, "$spool.away" or die;
found(qr/success without its end in the spool/, 'a spool without its end');
rename "$spool.away", $spool or die;

my $host = $f->psql('SELECT host FROM procmgr.op LIMIT 1');
$f->psql("SELECT procmgr.op_intent(gen_random_uuid(), '$host', "
    . "'service_restart', 'svc0003', 'x', 'admin', '', '{}', NULL, NULL, "
    . "'service:held')");
my @wrong = $f->wrong();
ok((grep { /svc0003 .*: row of nobody's request/ } @wrong)
    && (grep { /svc0003 .*: is running/ } @wrong), 'an invented row');
ok((grep { /targets are held: service:held/ } @wrong), 'a held target');


sub found {
    my ($like, $name, $lie) = @_;

    $lie->() if $lie;
    my @wrong = $f->wrong();
    ok((grep { $_ =~ $like } @wrong), $name) or diag join "\n", @wrong;
    $f->write('demo/run/acts', $acts);
}
