#!/usr/bin/perl

# demo-memory.pl INSTANCE.json: logs in, watches a child that takes memory in
# steps, prints its samples, the alert's row and the summary.  Core Perl.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep time);

my $mb = $ENV{PROCMGR_DEMO_MB} // 48;
my $steps = $ENV{PROCMGR_DEMO_STEPS} // 12;

open my $f, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
my $instance = decode_json(do { local $/; <$f> });
my $url = $instance->{url} =~ s{/$}{}r;
my $http = HTTP::Tiny->new(timeout => 20);
my %h = ('Content-Type' => 'application/json', Origin => $url);
my ($child, $id);

$| = 1;
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

my $r = call('POST', '/session', { username => $instance->{username},
    password => $instance->{password} });
$h{Cookie} = $r->{headers}{'set-cookie'} =~ s/;.*//r;
$h{'X-CSRF-Token'} = $r->{json}{csrf};

# it waits for a line before each step

pipe my $from, my $to or die "pipe: $!\n";
$child = fork // die "fork: $!\n";

if (!$child) {
    my $x = '';
    close $to;
    while (sysread $from, my $go, 1) {
        vec($x, length($x) + $mb / $steps * 1048576, 8) = 1;
    }
    require POSIX;
    POSIX::_exit(0);
}
close $from;

my $base = status()->{VmRSS} / 1024;
my $limit = int($base + $mb / 2);

$r = call('POST', '/memory/watches', { pid => $child, interval_ms => 50,
    thresholds_mb => [$limit] });
$id = $r->{json}{id};
printf "process %d takes %d MB in %d steps; the threshold is %d MB\n\n",
    $child, $mb, $steps, $limit;

my $samples = 0;

for my $step (1 .. $steps) {
    syswrite $to, '.';
    my $w = wait_for(sub {
        my $j = call('GET', "/memory/watches/$id")->{json};
        $j->{samples} > $samples + 2 && $j;
    });
    $samples = $w->{samples};
    printf "%s %7.1f MB %s%s\n", substr($w->{current}{timestamp}, 11, 12),
        $w->{current}{physical_mb},
        '#' x ($w->{current}{physical_mb} / ($base + $mb) * 40),
        @{ $w->{above_mb} } ? '  above' : '';
}

my $row = wait_for(sub {
    my ($found) = grep { ($_->{request}{watch} // '') eq $id }
        @{ call('GET', '/log?logType=memory_alert&limit=20')->{json}{rows} };
    $found;
});
print "\nalert    $row->{logTime}  $row->{cmdret}\n";

close $to;
waitpid $child, 0;
undef $child;

my $w = wait_for(sub {
    my $j = call('GET', "/memory/watches/$id")->{json};
    !$j->{is_running} && $j;
});
printf "summary  %d samples, %d missed; initial %.1f MB, max %.1f MB, average "
    . "%.1f MB, growth %+.1f MB; %s with its process\n", $w->{samples},
    $w->{missed}, $w->{initial}{physical_mb}, $w->{max}{physical_mb},
    $w->{average}{physical_mb}, $w->{growth}{physical_mb}, $w->{state};


sub call {
    my ($method, $path, $body) = @_;
    my $r = $http->request($method, $url . $path, { headers => \%h,
        $body ? (content => encode_json($body)) : () });

    $r->{json} = eval { decode_json($r->{content}) };
    die "$method $path: $r->{status} $r->{content}\n" if !$r->{success};
    return $r;
}

sub status {
    open my $f, '<', "/proc/$child/status" or die "status: $!\n";
    return { map { /^(\w+):\s+(\d+) kB/ ? ($1 => $2) : () } <$f> };
}

sub wait_for {
    my ($code) = @_;
    my $end = time + 60;
    my $v;

    until ($v = $code->()) {
        die "it takes too long\n" if time > $end;
        sleep 0.05;
    }
    return $v;
}

# nothing is left behind, however it ends

END {
    my $status = $?;
    if ($child) {
        kill 'KILL', $child;
        waitpid $child, 0;
    }
    eval { call('DELETE', "/memory/watches/$id") } if $id;
    eval { call('DELETE', '/session') } if $h{Cookie};
    $? = $status;
}
