#!/usr/bin/perl

# Lists of processes against the system calls they take, against ps and
# psutil behind Flask, and what they do to others on the same worker.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Bench;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 7;
my $floor = program('floor');
my $scan = program('scan', 'src/proc/pm_*.c', '-lm');
my %growth;

each_size('300 1000', sub {
    my ($t, $n) = @_;
    my $s = $t->login();

    # the scans, in turn, each first as often as the other

    for my $what (qw(list summary both)) {
        my (@ours, @base);
        for (1 .. $rounds) {
            push @base, split ' ', `$floor 3 $what` if $_ % 2;
            push @ours, split ' ', `$scan 3 $what`;
            push @base, split ' ', `$floor 3 $what` if $_ % 2 == 0;
        }
        row("scan for the $what, floor, ms of CPU", $n, median(@ours),
            median(@base), 1.15, 'most');
        push @{ $growth{$what} }, [$n, median(@ours), median(@base)];
    }

    # over HTTP, made anew each time

    my (@list, @full, @base, @start, @ps);
    my $flask = flask();
    my @flask;

    for (1 .. $rounds) {
        sleep 0.1;
        push @list, ms(sub { fresh($t, $s, '/system/process') });
        push @ps, ms(sub { command('ps', 'aux') });
        push @flask, ms(sub { ask($flask->{port}) }) if $flask;
    }
    for (1 .. 3) {
        sleep 0.1;
        push @base, split ' ', `$floor 1 full`;
        push @full, ms(sub { fresh($t, $s,
            '/system/process/info?simple=false') });
        sleep 0.1;
        push @start, ms(sub { fresh($t, $s,
            '/system/process/info?pid=1&fields=exe') });
    }
    kill 'KILL', $flask->{pid} if $flask;

    row('fresh default list, ps aux / ours', $n, median(@ps), median(@list),
        3, 'least');
    row('fresh default list, psutil+Flask / ours', $n, median(@flask),
        median(@list), 10, 'least') if @flask;
    row('full objects, floor + helper start, ms', $n, median(@full),
        median(@base) + median(@start), 1.15, 'most');

    # with the interval that is the default

    interval($t, '1s');
    stall($t, $s, $n);

    # a hundred who ask all the time, and one, at an interval that is longer
    # than a scan: with a shorter one scans follow each other for a hundred,
    # while one has to ask for each

    interval($t, $n > 1000 ? '500ms' : '50ms');

    my ($one, $many) = map { scans($t, $s, $_) } 1, 100;
    row('scans per second, 100 clients / one', $n, $many, $one, 1.1, 'most');
}, interval => '50ms');

for my $what (qw(list summary)) {
    my ($first, $last) = @{ $growth{$what} }[0, -1];
    next if $first == $last;
    row("$what: growth per process, the floor's own", $last->[0],
        ($last->[1] / $last->[0]) / ($first->[1] / $first->[0]),
        ($last->[2] / $last->[0]) / ($first->[2] / $first->[0]), 1.1, 'most');
}


sub interval {
    my ($t, $interval) = @_;

    $t->write('etc/nginx.conf', $t->read_file('etc/nginx.conf')
        =~ s/procmgr_interval \K\w+/$interval/r);
    $t->reload();
    $t->wait_for(sub { 1 == (my @all = $t->workers()) }, 30);
}

# p99 of a page of one byte while 32 clients poll every 2 s and one takes the
# full objects, and while they take files of the same sizes; then again with
# the worker's loop and its client before all others: what is left is what the
# loop itself does, without what threads and pollers take of few CPUs

sub stall {
    my ($t, $s, $n) = @_;
    my %path = (list => '/system/process/info',
        full => '/system/process/info?simple=false');

    $t->write('html/one', 'x', 0644);
    $t->write("html/$_.json", fresh($t, $s, $path{$_}) =~ s/.*?\r\n\r\n//sr,
        0644) for keys %path;

    my ($worker) = $t->workers();

    for my $first (0, 1) {
        last if $first && !eval { command(qw(chrt -f -p 10), $worker);
            command(qw(chrt -r -R -p 9), $$); $? == 0 };

        my %got = map { ($_ => [sort { $a <=> $b } beside($t, $_ eq 'file'
            ? { map { ($_ => "/$_.json") } keys %path } : \%path, $s)]) }
            qw(file ours);
        my ($file, $ours) = map { $got{$_}[0.99 * @{ $got{$_} }] }
            qw(file ours);

        row('p99 of a page under 33 pollers, above files, ms', $n,
            $ours - $file, 0, 1, 'most');
        printf "  %sp99 %.3f max %.3f ms; on files %.3f, %.3f\n",
            $first ? 'before all others: ' : '', $ours, $got{ours}[-1],
            $file, $got{file}[-1];
    }

    command(qw(chrt -o -p 0), $_) for $worker, $$;
}

# the times of the page while 33 others ask for these

sub beside {
    my ($t, $path, $s) = @_;

    my @pid = map {
        my $which = $_ ? 'list' : 'full';
        my $pid = fork() // die "fork: $!";
        if (!$pid) {
            sleep 2 * rand;
            while (1) {
                fresh($t, $s, $path->{$which});
                sleep 2;
            }
        }
        $pid;
    } 0 .. 32;

    sleep 1;
    my @ms = pages($t, 8);
    kill 'KILL', @pid;
    waitpid $_, 0 for @pid;
    return @ms;
}

sub pages {
    my ($t, $seconds) = @_;
    my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$t->{port}")
        or die "bench: $!";
    my ($end, @ms) = (time + $seconds);

    while (time < $end) {
        push @ms, ms(sub {
            syswrite $c, "GET /one HTTP/1.1\r\n"
                . "Host: 127.0.0.1:$t->{port}\r\n\r\n";
            my $in = '';
            while ($in !~ /\r\n\r\nx\z/) {
                sysread $c, $in, 4096, length $in or die "bench: page\n";
            }
        });
        sleep 0.001;
    }
    return @ms;
}

# in the time of one wrk, by the module's own count

sub scans {
    my ($t, $s, $clients) = @_;
    my $count = sub {
        fresh($t, $s, '/metrics') =~ /^procmgr_scans(?:_total)? (\d+)/m
            or die "bench: no scans in the metrics\n";
        return $1;
    };

    my ($from, $start) = ($count->(), time);
    wrk("http://127.0.0.1:$t->{port}/system/process", $clients,
        "Cookie: $s->{cookie}") for 1 .. 4;
    return ($count->() - $from) / (time - $start);
}

# the peer: the same seven keys of the ten largest

sub flask {
    return undef if system("/usr/bin/python3 -c 'import flask, psutil' "
        . '2>/dev/null') != 0;

    my $port = Test::Procmgr::free_port();
    my $dir = tempdir(CLEANUP => 1);
    my $pid = fork() // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', "$dir/log";
        exec '/usr/bin/python3', '-c', <<'EOP', $port or POSIX::_exit(1);
import flask, psutil, sys
app = flask.Flask('peer')
KEYS = ['pid', 'name', 'username', 'cpu_percent', 'memory_percent',
        'num_threads', 'open_files']
@app.route('/')
def top():
    rows = [p.info for p in psutil.process_iter(KEYS)]
    for r in rows:
        r['num_openfiles'] = len(r.pop('open_files') or [])
    rows.sort(key=lambda r: -(r['memory_percent'] or 0))
    return flask.jsonify(rows[:10])
app.run('127.0.0.1', int(sys.argv[1]))
EOP
    }
    for (1 .. 100) {
        last if eval { ask($port); 1 };
        sleep 0.1;
    }
    return { port => $port, pid => $pid };
}

sub ask {
    my ($port) = @_;
    my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "bench: $!";
    print $c "GET / HTTP/1.0\r\n\r\n";
    local $/;
    return readline $c;
}
