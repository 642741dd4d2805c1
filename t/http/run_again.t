#!/usr/bin/perl

# An instance that is started again while it runs: it stays, with what its
# configuration says now; with another module nginx starts anew, as a reload
# would keep the old one.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 5)->run();
my $module = "$t->{dir}/modules/ngx_http_procmgr_module.so";

sub master { ($t->read_file('nginx/nginx.pid') =~ /(\d+)/)[0] }

my $first = master();
my %old = map { $_ => 1 } $t->workers();

$t->instance('prepare');
$t->instance('nginx-start');
ok($t->wait_for(sub { my @w = $t->workers();
    @w && !grep { $old{$_} } @w }), 'workers of the configuration as it is');
is(master(), $first, 'the same nginx');

$t->write('modules/new', Test::Procmgr::read_path($module) . "\0");
rename "$t->{dir}/modules/new", $module or die;
$t->instance('nginx-start');
ok($t->wait_for(sub { -e "$t->{dir}/nginx/nginx.pid" && master() != $first }),
    'another nginx for another module');
ok(!kill(0, $first), 'the old one is gone');
ok($t->wait_for(sub { $t->login('admin')->{status} == 200 }), 'and answers');
