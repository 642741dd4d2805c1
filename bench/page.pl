#!/usr/bin/perl

# The page in Chromium: first view, the main thread's time for a refresh of
# all processes, long tasks, memory, bytes, complaints.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Bench;
use JSON::PP;
use Test::Procmgr;

my $csp = q{add_header Content-Security-Policy "default-src 'self'; }
    . q{frame-ancestors 'none'; base-uri 'none'; form-action 'self'";};

system("$Test::Procmgr::TOP/tools/ui-modules.sh") == 0
    or die "bench: no modules for page.mjs\n";

each_size('5000', sub {
    my ($t, $n) = @_;

    my $out = command('node', "$FindBin::Bin/page.mjs",
        "http://127.0.0.1:$t->{port}/", 'admin', $t->password('admin'), $n);
    my $f = eval { decode_json($out) } or die "bench: page.mjs: $out\n";

    row('first view usable, cold, ms', $n, $f->{usable}, 0, 1000, 'most');
    row('transferred for all views, KiB', $n, $f->{bytes} / 1024, 0, 120,
        'most');
    row('main thread per refresh of all, CPU ms', $n, $f->{main}, 0, 30,
        'most');
    printf "  script %.1f, layout %.1f, style %.1f; %d rows\n",
        @$f{qw(script layout style rows)};
    row('longest task in 15 refreshes, ms', $n, $f->{longest}, 0, 50, 'most');
    row("JS heap after $f->{refreshes} refreshes, KiB", $n,
        $f->{last} / 1024, $f->{first} / 1024, 1.1, 'most');
    printf "  of each tenth: %s\n", join ' ', map { int $_ / 1024 }
        @{ $f->{sizes} };
    row('errors and CSP reports', $n, scalar @{ $f->{complaints} }, 0, 0,
        'most');
    print "  $_\n" for @{ $f->{complaints} };
}, interval => '500ms', workers => 2, http => "gzip_static on; gzip on;
    gzip_types application/json; gzip_min_length 1024; $csp");
