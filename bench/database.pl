#!/usr/bin/perl

# Rows committed by one worker against pgbench with the same statement, what
# a known session costs, many logins at once, pages of a log of a million
# rows.
#
#   PROCMGR_BENCH_ROWS  of the log (1000000)    PROCMGR_BENCH_ROUNDS

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Bench;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

my $rounds = $ENV{PROCMGR_BENCH_ROUNDS} // 3;
my $rows = $ENV{PROCMGR_BENCH_ROWS} // 1_000_000;

printf "%-46s %6s %9s %9s %7s %8s\n",
    'figure', 'N', 'ours', 'base', 'ratio', 'to reach';

my $t = Test::Procmgr->new()->run(interval => '20s', workers => 1,
    http => 'keepalive_requests 100000000;',
    locations => 'location /open/ { procmgr system; procmgr_auth off; }');
$t->write('etc/nginx.conf', $t->read_file('etc/nginx.conf')
    =~ s/error\.log debug/error.log warn/r
    =~ s/access_log .*/access_log off;/r);
$t->reload();
$t->wait_for(sub { 1 == (my @all = $t->workers()) }, 30);

my $base = "http://127.0.0.1:$t->{port}";
my $s = $t->login();

commits();
known();
storm();
pages();

$t->finish();


# An action is two committed statements, its intent and its outcome.  Here the
# helper is taken away: no intent is followed by an act, and each by the
# outcome that says so.  pgbench runs the same two with as many connections.

sub commits {
    my $helper = "$t->{dir}/libexec/procmgr-helper";
    my $token = do {
        local $ENV{PROCMGR_CONNINFO} = conninfo();
        command(BUILD . '/procmgrctl', 'token', 'add', 'bench', 'admin');
    };
    chomp $token;

    my $lua = $t->write('post.lua', <<"EOF", 0644);
local n = 0
request = function()
    n = n + 1
    return wrk.format("POST", nil, {
        ["Authorization"] = "Bearer $token",
        ["Content-Type"] = "application/json" },
        string.format('{"name":"bench%d","action":"start"}', n % 5000))
end
EOF
    my $sql = $t->write('pgbench.sql', <<'EOF', 0644);
\set n random(1, 4000000000)
\set m random(1, 4000000000)
SELECT procmgr.op_intent((lpad(to_hex(:n::bigint), 8, '0')
    || '-0000-4000-8000-0000' || lpad(to_hex(:m::bigint), 8, '0'))::uuid,
    'bench', 'service_start', 'bench' || :n::bigint, 'admin', 'admin',
    '127.0.0.1', '{"name": "bench", "action": "start"}', NULL, NULL,
    'service:' || :n::bigint, 'none');
SELECT procmgr.op_outcome((lpad(to_hex(:n::bigint), 8, '0')
    || '-0000-4000-8000-0000' || lpad(to_hex(:m::bigint), 8, '0'))::uuid,
    'failure', 'helper_unavailable', '{"reason": "none"}', NULL);
EOF
    my (@ours, @theirs);

    rename $helper, "$helper.away" or die "$helper: $!";

    for (1 .. $rounds) {
        my $out = command('pgbench', '-n', '-M', 'extended', '-c', 4, '-j', 1,
            '-T', 2, '-f', $sql, conninfo());
        push @theirs, $out =~ /^tps = ([\d.]+)/m ? $1 : die "pgbench: $out";

        my $was = $t->psql('SELECT count(*) FROM procmgr.op');
        $out = command('wrk', '-t1', '-c16', '-d2s', '-s', $lua,
            "$base/control/services");
        my ($took) = $out =~ /requests in ([\d.]+)s/ or die "wrk: $out";
        push @ours, ($t->psql('SELECT count(*) FROM procmgr.op') - $was)
            / $took;
    }

    rename "$helper.away", $helper or die "$helper: $!";
    row('actions committed/s, one worker, pgbench', 4, median(@ours),
        median(@theirs), 0.5, 'least');
}

# CPU time of the worker for a request with a session, and without any

sub known {
    my (@with, @without);

    for (1 .. $rounds) {
        push @with, cost("$base/system/boot_time");
        push @without, cost("$base/open/boot_time");
    }

    row('CPU of a known session, us', 1, median(@with) - median(@without), 0,
        10, 'most');
}

sub cost {
    my ($url) = @_;
    my $was = cpu();
    my $rate = wrk($url, 8, "Cookie: $s->{cookie}");
    return (cpu() - $was) / 1e3 / ($rate * 2);
}

sub cpu {
    my $ns = 0;
    for my $pid ($t->workers()) {
        $ns += (split ' ', Test::Procmgr::read_path($_))[0]
            for glob "/proc/$pid/task/*/schedstat";
    }
    return $ns;
}

# 300 logins at once, by ab; who asks for a file meanwhile.  Clients on the
# same processors make it wait by themselves: as many who ask for a file are
# what it is compared with.

sub storm {
    my $body = $t->write('login.json', encode_json({ username => 'admin',
        password => $t->password('admin') }), 0644);
    my ($worker) = $t->workers();
    my $before = rss($worker);
    my $most = $before;
    my (@logins, @files);

    $t->write('html/small.txt', "x\n", 0644);
    ms(sub { $t->get('/small.txt') }) for 1 .. 20;

    for (1 .. $rounds) {
        push @logins, beside(sub {
            my $now = rss($worker);
            $most = $now if $now > $most;
        }, '-T', 'application/json', '-p', $body, "$base/session");

        push @files, beside(sub { rss($worker) }, "$base/small.txt");
    }

    my ($p99, $of_files) = (median(@logins), median(@files));

    printf "    p99 of another location: %.1f ms beside logins, %.1f ms "
        . "beside files\n", $p99, $of_files;
    row('login storm: p99 of another location, more ms', 300,
        $p99 > $of_files ? $p99 - $of_files : 0, 0, 5, 'most');
    row('login storm: memory, MiB', 300, ($most - $before) / 1024, 0, 160,
        'most');
    row('login storm: hashes of 64 MiB at once', 300,
        int(($most - $before) / 1024 / 60), 0, 2, 'most');
}

# p99 of a file, in ms, while ab does what it is told

sub beside {
    my ($each, @what) = @_;
    my @ms;

    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'ab', '-q', '-r', '-s', 60, '-t', 5, '-c', 300, '-n', 20000,
            @what;
        exit 1;
    }

    until (waitpid($pid, POSIX::WNOHANG()) == $pid) {
        push @ms, ms(sub { $t->get('/small.txt') });
        $each->();
        sleep 0.003;
    }

    die "bench: ab failed\n" if $?;
    @ms = sort { $a <=> $b } @ms;
    return $ms[$#ms * 0.99];
}

sub rss {
    return eval { Test::Procmgr::read_path("/proc/$_[0]/status") }
        =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}

# every filter and every pair, with values that are often and that seldom met

sub pages {
    $t->psql(<<"SQL");
SET session_replication_role = replica;
INSERT INTO procmgr.chain SELECT 'h' || i, 1, 1, ''
    FROM generate_series(1, 3) i;
INSERT INTO procmgr.op
    SELECT 10000000 + i * 2, gen_random_uuid(), 'h' || i % 3 + 1,
        now() - ($rows - i) * interval '5 seconds',
        (ARRAY['service_start', 'service_stop', 'service_restart',
               'process_signal', 'command_run', 'login', 'login_failed',
               'memory_alert'])[1 + i * 7919 % 8],
        'target' || i * 31 % 500, 'actor' || i * 17 % 40, 'admin',
        '127.0.0.1', '{"a": 1}', NULL, NULL
    FROM generate_series(1::bigint, $rows) i;
INSERT INTO procmgr.op_event
    SELECT 10000001 + i * 2, 10000000 + i * 2, 'h' || i % 3 + 1, 10 + i,
        now(), 'outcome', CASE WHEN i % 10 = 0 THEN 'failure'
                               WHEN i % 10007 = 0 THEN 'unknown'
                               ELSE 'success' END,
        NULL, '{"stdout": "x"}', ''
    FROM generate_series(1::bigint, $rows) i;
INSERT INTO procmgr.op_state
    SELECT e.op, e.status, NULL, e.seq, e.op > 10000000 + $rows * 1.9
    FROM procmgr.op_event e WHERE e.seq > 10000000;
SQL
    $t->psql('VACUUM ANALYZE');

    my $day = sub {
        $t->psql("SELECT to_char(now() AT TIME ZONE 'UTC'
            - $rows * interval '$_[0] seconds', 'YYYY-MM-DD') || 'T00:00:00Z'")
    };
    my %values = (unread => ['true', 'false'],
        logType => ['login', 'memory_alert'],
        retStatus => ['success', 'failure', 'unknown'],
        actor => ['actor7', 'nobody'], target => ['target9', 'nothing'],
        host => ['h2', 'nowhere'], since => [$day->(2)], until => [$day->(3)],
        q => ['actor39', 'nowhere']);
    my @names = sort keys %values;
    my @sets = ({});

    for my $i (0 .. $#names) {
        my $one = $names[$i];
        push @sets, map { { $one => $_ } } @{ $values{$one} };

        for my $two (@names[$i + 1 .. $#names]) {
            for my $v (@{ $values{$one} }) {
                push @sets, map { { $one => $v, $two => $_ } }
                    @{ $values{$two} };
            }
        }
    }

    my ($worst, $name, $scans) = (0, '', 0);
    my $json = JSON::PP->new->canonical;

    for my $set (@sets) {
        my $text = $json->encode($set);
        my $out = $t->psql(join '', "LOAD 'auto_explain';",
            "CREATE TEMP TABLE took (ms float8);", ("DO \$\$
             DECLARE start timestamptz := clock_timestamp(); BEGIN
                PERFORM procmgr.log_list('$text', 100, NULL);
                INSERT INTO took SELECT 1000 * extract(epoch FROM
                    clock_timestamp() - start);
             END \$\$;") x 4, 'SELECT percentile_disc(0.5)
             WITHIN GROUP (ORDER BY ms) FROM took');

        ($worst, $name) = ($out, $text) if $out > $worst;
        $scans++ if scanned($text);
    }

    row("worst of " . @sets . ' filtered pages, ms', $rows, $worst, 0, 50,
        'most');
    print "    $name\n";
    row('pages that read a whole table', $rows, $scans, 0, 0, 'most');
}

# the plans of what a page runs, as the server logs them

sub scanned {
    my ($text) = @_;
    my $file = "$t->{dir}/pg/data/server.log";
    my $was = -s $file;

    $t->psql("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
        SET auto_explain.log_nested_statements = on;
        SELECT length(procmgr.log_list('$text', 100, NULL))");

    open my $log, '<', $file or die "$file: $!";
    seek $log, $was, 0;
    return scalar grep { /Seq Scan on (?:op|op_state|op_event)\b/ } <$log>;
}

sub conninfo {
    return 'host=' . $t->socket_dir() . ' port=5432 dbname=procmgr user='
        . ($t->{root} ? 'postgres' : scalar getpwuid $>);
}
