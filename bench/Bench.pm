package Bench;

# What the topics of the bench share: processes to look at, an instance, wrk,
# medians, rows of the table.  Core Perl, and t/lib.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use Exporter 'import';
use File::Path qw(make_path);
use IPC::Open2;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(time);

our @EXPORT = qw(each_size program row median ms wrk command fresh BUILD);

use constant BUILD => $ENV{BUILD_DIR} // "$Test::Procmgr::TOP/build/release";

my $TOP = $Test::Procmgr::TOP;

$| = 1;

# a program of bench/, with the sources of src/ that it needs

sub program {
    my ($name, @more) = @_;
    my $out = BUILD . "/bench/$name";

    make_path(BUILD . '/bench');
    system($ENV{CC} // 'cc', qw(-std=gnu11 -O2 -Wall -Wextra
        -Werror), (@more && $more[0] !~ /^-/ ? '-D_GNU_SOURCE' : ()),
        "-I$TOP/src/proc", '-o', $out, "$TOP/bench/$name.c",
        (map { glob "$TOP/$_" } grep { !/^-/ } @more),
        grep { /^-/ } @more) == 0 or die "bench: no $name\n";
    return $out;
}

# code->(instance, N) for each N of PROCMGR_BENCH_N, with so many processes

sub each_size {
    my ($sizes, $code, %o) = @_;
    my $load = program('load', '-lpthread');

    printf "%-46s %6s %9s %9s %7s %8s\n",
        'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

    for my $n (split ' ', $ENV{PROCMGR_BENCH_N} // $sizes) {
        my $pid = open2(my $ready, my $stdin, $load, $n, 5000);
        readline $ready;

        my $t = Test::Procmgr->new()->run(interval => '20s', workers => 1,
            zone => '512m', http => 'keepalive_requests 100000000;', %o);
        $t->write('etc/nginx.conf', $t->read_file('etc/nginx.conf')
            =~ s/error\.log debug/error.log warn/r
            =~ s/access_log .*/access_log off;/r);
        $t->reload();

        $code->($t, $n);

        $t->finish();
        close $stdin;
        waitpid $pid, 0;
    }
}

# which: "least" or "most" of the ratio, or of ours when base is 0

sub row {
    my ($name, $n, $ours, $base, $reach, $which) = @_;
    my $ratio = $base ? $ours / $base : undef;
    my $value = $ratio // $ours;
    my $ok = $which eq 'least' ? $value >= $reach : $value <= $reach;

    printf "%-46s %6d %9.4g %9.4g %7s %s %g%s\n", $name, $n, $ours, $base,
        defined $ratio ? sprintf('%.2f', $ratio) : '-',
        $which eq 'least' ? '>=' : '<=', $reach, $ok ? '' : '  MISSED';
}

sub median {
    my @v = sort { $a <=> $b } @_;
    return $v[@v / 2];
}

sub ms {
    my ($code) = @_;
    my $start = time;
    $code->();
    return (time - $start) * 1e3;
}

# an answer's bytes: to parse them here would take longer than they do

sub fresh {
    my ($t, $s, $path) = @_;

    my $r = $t->raw("GET $path HTTP/1.1\r\nHost: 127.0.0.1:$t->{port}\r\n"
        . "Cookie: $s->{cookie}\r\nConnection: close\r\n\r\n");
    $r =~ m{^HTTP/1.1 200 } or die 'bench: ', substr($r, 0, 300), "\n";
    return $r;
}

# requests per second that wrk reaches in two seconds

sub wrk {
    my ($url, $connections, @headers) = @_;
    my $out = command('wrk', '-t1', "-c$connections", '-d2s',
        (map { ('-H', $_) } @headers), $url);

    die "wrk: $out" if $out !~ /^Requests\/sec:\s+([\d.]+)/m;
    my $rate = $1;
    die "wrk: $out" if $out =~ /Non-2xx or 3xx responses/;
    return $rate;
}

sub command {
    open my $out, '-|', @_ or die "$_[0]: $!";
    local $/;
    my $text = <$out> // '';
    close $out;
    return $text;
}

1;
