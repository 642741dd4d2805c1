package Test::ProcmgrFault;

# An instance of the build with failpoints, and what is done to it.  Its
# services write each act they really do into one file, which is what the
# log is measured by.
#
#   my $f = Test::ProcmgrFault->new(services => 20)->run();
#   $f->point('end_written');
#   my $r = $f->ask('svc0001');
#   my $held = $f->met($r) or ...;        a process stands at the point
#   kill 'KILL', $held->{pid};
#   $f->release($held);
#   my @wrong = $f->wrong();              what breaks the promises
#
# The database is reached through a process that can cut the connections, or
# swallow what the database says.

use strict;
use warnings;

use parent -norequire, 'Test::Procmgr';

use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::Procmgr;
use Time::HiRes qw(sleep time);

my $SERVICE = qr/^v=1\nverb=service\n/;
my $RESTART = qr/^restart$/;

# name => the failpoint, what its detail has to be, how often it is passed
# by before; in the order in which an operation meets them

my @POINTS = (
    intent_before      => ['intent_before'],
    intent_sent        => ['statement_sent', qr/op_intent/],
    intent_answered    => ['statement_answered', qr/op_intent/],
    intent_committed   => ['intent_committed'],
    exec_before        => ['exec_before', $SERVICE],
    exec_spawned       => ['exec_spawned', $SERVICE],
    exec_sent          => ['exec_sent', $SERVICE],
    helper_read        => ['helper_read', $SERVICE],
    helper_forked      => ['helper_forked', $SERVICE],
    spool_before       => ['spool_before'],
    start_half         => ['spool_write', undef, 1],
    spool_written      => ['spool_written'],
    spool_named        => ['spool_named'],
    spool_begun        => ['spool_begun'],
    action_before      => ['action_before', $RESTART],
    action_running     => ['action_running', $RESTART],
    action_ended       => ['action_ended', $RESTART],
    end_before         => ['end_before'],
    end_half           => ['spool_write', undef, 3],
    end_written        => ['end_written'],
    answer_sent        => ['answer_sent'],
    reply_read         => ['reply_read'],
    outcome_before     => ['outcome_before'],
    outcome_sent       => ['statement_sent', qr/op_outcome/],
    outcome_answered   => ['statement_answered', qr/op_outcome/],
    answer_before      => ['answer_before'],

    # the answer to the intent was lost

    not_started_before   => ['not_started_before'],
    not_started_sent     => ['statement_sent', qr/op_not_started/],
    not_started_answered => ['statement_answered', qr/op_not_started/],

    # a worker died and left an operation open

    recover_open       => ['recover_open'],
    recover_look       => ['recover_look'],
    query_before       => ['query_before'],
    recover_told       => ['recover_told'],
    recover_settle     => ['recover_settle'],
);

my %POINT = @POINTS;
my @NAMES = @POINTS[grep { $_ % 2 == 0 } 0 .. $#POINTS];

my @FAULTS = qw(worker helper backend postmaster freeze cut);

sub points { @NAMES }
sub faults { @FAULTS }

# the build with failpoints that lies beside the one that is tested

sub build_dir {
    my $build = $ENV{BUILD_DIR} || "$Test::Procmgr::TOP/build/release";
    $build = "$Test::Procmgr::TOP/$build" if $build !~ m{^/};

    return $ENV{FAULTS_DIR} || dirname($build) . '/faults';
}

sub new {
    my ($class, %o) = @_;

    local $ENV{BUILD_DIR} = build_dir();
    my $self = $class->SUPER::new();

    # short, for the path of a socket

    $self->{fail} = tempdir('procmgr-XXXXXX', TMPDIR => 1);
    chmod 0755, $self->{fail};

    $self->{services} = [map { sprintf 'svc%04d', $_ } 1 .. $o{services}];
    $self->{acts} = "$self->{dir}/demo/run/acts";
    $self->{sent} = {};
    $self->{told} = [];

    return $self;
}

sub run {
    my ($self, %o) = @_;
    # for the helper, which is linked for this instance; what a make around
    # this was told is for another build

    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKEOVERRIDES)};
    local $ENV{BUILD} = 'faults';
    local $ENV{FAIL_DIR} = $self->{fail};

    $self->SUPER::run(workers => 2,
        main => "env PROCMGR_FAIL_DIR=$self->{fail};",
        policy => join("\n", map {
            "service $_ lsb $self->{dir}/demo/$_ "
            . 'actions=restart roles=operator,admin timeout=20'
        } @{ $self->{services} }), %o);

    $self->{session} = $self->login('operator');

    return $self;
}

# before nginx starts: the services, the cluster's clock of commits, the
# process in the middle

sub pg_start {
    my ($self) = @_;

    if (!$self->{proxy}) {
        $self->append('pg/data/postgresql.conf',
            "track_commit_timestamp = on\n");
        chown((stat "$self->{dir}/pg/data")[4, 5],
            "$self->{dir}/pg/data/postgresql.conf");

        $self->write("demo/$_", $self->script(), 0755)
            for @{ $self->{services} };
    }

    $self->SUPER::pg_start();
    $self->proxy() if !$self->{proxy};

    return $self;
}

# an act takes from nothing to a third of a second, by its time of beginning

sub script {
    my ($self) = @_;

    return <<"EOT";
#!/bin/sh
[ "\$1" = restart ] || exit 0
now=\$(date +%s.%N)
echo "begin \${0##*/} \$now" >> $self->{acts}
sleep 0.\$((\$(date +%1N) % 4))
echo "end \${0##*/} \$now" >> $self->{acts}
EOT
}

sub conf {
    my ($self) = @_;
    my $socket = $self->socket_dir();

    return $self->SUPER::conf() =~ s/host=\Q$socket\E /host=$self->{fail} /r
        =~ s/error\.log debug;/error.log notice;/r;
}


# the process in the middle: SIGUSR1 cuts all connections, SIGUSR2 swallows
# what the database says until then

sub proxy {
    my ($self) = @_;
    my $to = $self->socket_dir() . '/.s.PGSQL.5432';
    my $at = "$self->{fail}/.s.PGSQL.5432";

    my $listen = IO::Socket::UNIX->new(Local => $at, Listen => 64)
        or die "$at: $!";
    chmod 0777, $at;

    pipe my $muted, my $mutes or die "pipe: $!";
    defined(my $pid = fork) or die "fork: $!";

    if ($pid) {
        @$self{qw(proxy muted)} = ($pid, $muted);
        return;
    }

    $self->{finished} = 1;
    $0 = 'procmgr-test proxy';

    my ($cut, $mute) = (0, 0);
    $SIG{USR1} = sub { $cut = 1 };
    $SIG{USR2} = sub { $mute = 1; syswrite $mutes, 'm' };
    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = sub { POSIX::_exit(0) } for qw(INT TERM HUP);

    my $sel = IO::Select->new($listen);
    my (%peer, %server);
    my $end = sub {
        for my $s ($_[0], delete $peer{ $_[0] }) {
            next if !$s;
            delete $peer{$s};
            delete $server{$s};
            $sel->remove($s);
            close $s;
        }
    };

    while (getppid() == $self->{owner}) {
        my @ready = $sel->can_read(0.5);

        if ($cut) {
            $end->($_) for grep { $_ != $listen && fileno $_ } $sel->handles();
            ($cut, $mute) = (0, 0);
            next;
        }

        for my $s (@ready) {
            next if !defined fileno $s;

            if ($s == $listen) {
                my $c = $listen->accept() or next;
                my $d = IO::Socket::UNIX->new(Peer => $to);
                if (!$d) { close $c; next }
                @peer{$c, $d} = ($d, $c);
                $server{$d} = 1;
                $sel->add($c, $d);
                next;
            }

            my $n = sysread $s, my $buf, 65536;
            next if !defined $n && $!{EINTR};
            if (!$n) { $end->($s); next }
            next if $mute && $server{$s};
            while (length $buf && $peer{$s}) {
                my $w = syswrite $peer{$s}, $buf;
                if (defined $w) { substr $buf, 0, $w, '' }
                elsif (!$!{EINTR}) { $end->($s) }
            }
        }
    }

    POSIX::_exit(0);
}

sub cut  { kill 'USR1', $_[0]{proxy} }

# nothing that the server says comes through when this is back

sub mute {
    my ($self) = @_;

    kill 'USR2', $self->{proxy};
    IO::Select->new($self->{muted})->can_read(20)
        && sysread $self->{muted}, my $m, 1 or die "the proxy is gone\n";
}


# failpoints

sub point {
    my ($self, $name) = @_;
    my ($point, $detail, $skip) = @{ $POINT{$name} or die "no $name" };
    my $path = "$self->{fail}/fail_$point";

    $self->no_point();

    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 64)
        or die "$path: $!";
    chmod 0777, $path;

    $self->{point} = { path => $path, listen => $listen, skip => $skip // 0,
        detail => $detail // qr/^/ };
}

# who waits there unanswered goes on, and nobody stops any more

sub no_point {
    my ($self) = @_;
    my $p = delete $self->{point} or return;

    unlink $p->{path};
    close $p->{listen};
}

# until a process stands at the point; it is taken away then

sub met {
    my ($self, $ask, $seconds) = @_;
    my $end = time + ($seconds // 20);
    my $p = $self->{point};

    while (time < $end) {
        my $sel = IO::Select->new($p->{listen});
        $sel->add($ask->{socket}) if $ask && !$ask->{done};

        for my $s ($sel->can_read(0.5)) {

            if ($ask && $s == $ask->{socket}) {
                $self->feed($ask);
                $end = 0 if $ask->{text} =~ m{^HTTP/\S+ 503};
                next;
            }

            my $c = $p->{listen}->accept() or next;
            my $text = '';
            while (IO::Select->new($c)->can_read(5)
                   && sysread $c, $text, 8192, length $text) { }

            my ($pid, $detail) = $text =~ /^\w+ (\d+) (.*)\z/s or next;

            if ($detail !~ $p->{detail} || $p->{skip}-- > 0) {
                close $c;
                next;
            }

            $self->no_point();
            return { pid => $pid, socket => $c,
                worker => scalar(grep { $_ == $pid } $self->workers()) };
        }
    }

    $self->no_point();
    return undef;
}

sub release { close delete $_[1]{socket} if $_[1]{socket} }


# requests that are not waited for

sub ask {
    my ($self, $service, %o) = @_;
    my $s = $self->{session};
    my $body = encode_json({ name => $service, action => 'restart' });
    my $socket = $self->connect() or return { done => 1, text => '' };

    $self->{sent}{$service}++;

    $socket->autoflush(1);
    print $socket "POST /control/services HTTP/1.1\r\n"
        . "Host: 127.0.0.1:$self->{port}\r\nConnection: close\r\n"
        . "Cookie: $s->{cookie}\r\nX-CSRF-Token: $s->{csrf}\r\n"
        . "Origin: http://127.0.0.1:$self->{port}\r\n"
        . "Content-Type: application/json\r\n"
        . (defined $o{wait} ? "Prefer: wait=$o{wait}\r\n" : '')
        . ($o{key} ? "Idempotency-Key: $o{key}\r\n" : '')
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return { socket => $socket, text => '', service => $service };
}

sub feed {
    my ($self, $ask) = @_;
    my $n = sysread $ask->{socket}, $ask->{text}, 65536, length $ask->{text};

    $ask->{done} = 1 if !$n;
}

# what came until the end; it is kept as what this client was told

sub answer {
    my ($self, $ask, $seconds) = @_;
    my $end = time + ($seconds // 20);

    while (!$ask->{done} && time < $end) {
        $self->feed($ask) if IO::Select->new($ask->{socket})->can_read(0.5);
    }

    my $r = Test::Procmgr::parse($ask->{text});
    push @{ $self->{told} }, { service => $ask->{service}, status =>
        $r->{status}, json => ref $r->{json} eq 'HASH' ? $r->{json} : {} };

    return $r;
}


# faults; what has to be put right again is done by heal()

sub fault {
    my ($self, $fault, $held) = @_;

    if ($fault eq 'worker') {
        kill 'KILL', $held && $held->{worker} ? $held->{pid}
            : $self->workers();

    } elsif ($fault eq 'helper') {
        my @pids = $held && !$held->{worker} ? $held->{pid} : $self->helpers();
        kill 'KILL', @pids;
        return scalar @pids;

    } elsif ($fault eq 'backend') {
        my @pids = grep {
            (eval { Test::Procmgr::read_path("/proc/$_/cmdline") } // '')
                =~ /procmgr_web/
        } $self->backends();
        $self->{dying} = [$self->backends()] if @pids;
        kill 'KILL', $pids[rand @pids] if @pids;

    } elsif ($fault eq 'postmaster') {
        kill 'KILL', $self->pg_pid();

    } elsif ($fault eq 'freeze') {
        $self->{frozen} = [$self->pg_pid(), $self->backends()];
        kill 'STOP', @{ $self->{frozen} };

    } elsif ($fault eq 'cut') {
        $self->cut() if !$held || $held->{worker} || rand(2) < 1
            || !$self->cut_helper($held->{pid});

    } else {
        die "no fault $fault";
    }

    return 1;
}

sub backends {
    my ($self) = @_;
    my $pid = $self->pg_pid();
    my $list = eval { Test::Procmgr::read_path("/proc/$pid/task/$pid/children") };

    return split ' ', $list // '';
}

sub heal {
    my ($self) = @_;
    my $frozen = delete $self->{frozen};

    kill 'CONT', @$frozen if $frozen;

    # one that is killed takes all with it

    for my $pid (@{ delete $self->{dying} || [] }) {
        $self->wait_for(sub { !kill 0, $pid }, 20);
    }

    # what the dead postmaster left behind has to end before a new one starts

    for (1 .. 40) {
        last if system("$Test::Procmgr::TOP/tools/instance.sh pg-start "
            . "$self->{dir} > /dev/null 2>&1") == 0
            && $self->ready();
        sleep 0.25;
    }

    # both workers have found it again

    my $well = 0;

    return $self->wait_for(sub {
        my $is = $self->{session}->get('/log?limit=1')->{status} == 200;
        $well = $is ? $well + 1 : 0;
        $well == 6;
    }, 40);
}

sub ready {
    my ($self) = @_;
    open my $olderr, '>&', \*STDERR;
    open STDERR, '>', '/dev/null';
    my $v = $self->psql('SELECT 1');
    open STDERR, '>&', $olderr;

    return ($v // '') eq '1';
}

# ends the connection between a helper and its worker; true when it did

sub cut_helper {
    my ($self, $pid) = @_;
    my $pidfd = syscall 434, $pid, 0;                   # pidfd_open
    my $fd = $pidfd < 0 ? -1 : syscall 438, $pidfd, 0, 0;   # pidfd_getfd
    my $done = 0;

    if ($fd >= 0 && open my $socket, '+<&=', $fd) {
        $done = shutdown $socket, 2;
        close $socket;
    }
    POSIX::close($pidfd) if $pidfd >= 0;

    return $done;
}


# what became of it

sub open_ops {
    $_[0]->psql("SELECT (SELECT count(*) FROM procmgr.op_state WHERE "
        . "status = 'running') + (SELECT count(*) FROM procmgr.op_active)");
}

sub rows {
    my ($self) = @_;

    return @{ decode_json($self->psql(<<'EOT')) };
SELECT coalesce(json_agg(json_build_object(
    'id', o.op_id, 'target', o.target, 'type', o.type, 'status', s.status,
    'code', s.code, 'exit', e.detail->'exit_code',
    'committed', extract(epoch FROM pg_xact_commit_timestamp(o.xmin)),
    'events', (SELECT string_agg(v.kind, ' ' ORDER BY v.seq)
               FROM procmgr.op_event v WHERE v.op = o.seq)) ORDER BY o.seq),
    '[]')
FROM procmgr.op o JOIN procmgr.op_state s USING (seq)
JOIN procmgr.op_event e ON e.seq = s.event
WHERE o.type LIKE 'service%'
EOT
}

# everything that breaks a promise, in words

sub wrong {
    my ($self) = @_;
    my (@wrong, %rows, %id, %begin, %end);
    my @rows = $self->rows();

    for my $r (@rows) {
        push @{ $rows{ $r->{target} } }, $r;
        $id{ $r->{id} } = $r;

        push @wrong, "$r->{target} $r->{id}: row of nobody's request"
            if !$self->{sent}{ $r->{target} };
        push @wrong, "$r->{target} $r->{id}: is $r->{status}"
            if $r->{status} eq 'running';
        push @wrong, "$r->{target} $r->{id}: events $r->{events}"
            if $r->{events} !~ /^intent outcome( resolved)?$/;
    }

    my $acts = -e $self->{acts} ? Test::Procmgr::read_path($self->{acts}) : '';

    for (split /\n/, $acts) {
        my ($word, $name, $at) = /^(begin|end) (\w+) ([\d.]+)$/
            or push @wrong, "act in pieces: $_" and next;
        push @{ ($word eq 'begin' ? \%begin : \%end)->{$name} }, $at;
    }

    for my $name (@{ $self->{services} }) {
        my @of = @{ $rows{$name} || [] };
        my @acts = sort { $a <=> $b } @{ $begin{$name} || [] };
        my $known = () = grep { $_->{status} eq 'success' || defined $_->{exit}
                                && !ref $_->{exit} } @of;
        my $maybe = () = grep { $_->{status} eq 'unknown' } @of;
        my $says = join ', ', map { "$_->{status} " . ($_->{code} // '-') }
            @of;

        push @wrong, "$name: " . @of . " rows for "
            . ($self->{sent}{$name} // 0) . ' requests'
            if @of > ($self->{sent}{$name} // 0);
        push @wrong, "$name: " . @acts . " acts, rows say: $says"
            if @acts < $known || @acts > $known + $maybe;
        push @wrong, "$name: " . @{ $end{$name} || [] } . ' of ' . @acts
            . " acts ended, rows say: $says"
            if @{ $end{$name} || [] } < $known;

        # the n-th act has n rows that were committed before it

        for my $n (1 .. @acts) {
            my $before = grep { $_->{status} ne 'refused'
                && $_->{committed} <= $acts[$n - 1] } @of;
            push @wrong, "$name: act $n at $acts[$n - 1] without a row before"
                if $before < $n;
        }
    }

    for my $t (@{ $self->{told} }) {
        my $id = $t->{json}{op_id} or next;
        my $r = $id{$id};

        if (!$r) {
            push @wrong, "$t->{service}: $id was acknowledged, has no row";
            next;
        }

        my $said = $t->{json}{retStatus} // next;
        push @wrong, "$t->{service}: $said was told, the row says $r->{status}"
            if $said ne 'running' && $said ne $r->{status}
               && !($said eq 'unknown' && $r->{events} =~ /resolved/);
    }

    push @wrong, $self->wrong_spool(\%id);

    push @wrong, 'targets are held: ' . $self->psql(
        'SELECT string_agg(target, $$, $$) FROM procmgr.op_active')
        if $self->psql('SELECT count(*) FROM procmgr.op_active') != 0;

    my $verify = decode_json($self->psql(
        'SELECT procmgr.log_verify(NULL, 0, 100000)'));
    push @wrong, 'the chain: ' . encode_json($verify) if !$verify->{ok};

    push @wrong, map { "error log: $_" }
        grep { /\[(?:alert|emerg)\]/ && !/exited on signal 9/ }
        split /\n/, $self->error_log();

    push @wrong, 'helpers are left: ' . join ' ', $self->helpers()
        if $self->helpers();

    return @wrong;
}

# a file for each that ran, none for what was not started

sub wrong_spool {
    my ($self, $id) = @_;
    my (@wrong, %spool);

    for my $path (glob "$self->{dir}/spool/*-*-*-*-*") {
        my ($name) = $path =~ m{([^/]+)$};

        next if $name =~ /^new\./;      # a helper died over its beginning
        $spool{$name} = Test::Procmgr::read_path($path);
        push @wrong, "spool $name has no row" if !$id->{$name};
    }

    for my $r (values %$id) {
        my $text = $spool{ $r->{id} };

        push @wrong, "$r->{target}: success without its end in the spool"
            if $r->{status} eq 'success'
               && (!defined $text || $text !~ /result=ok\n/);
        push @wrong, "$r->{target}: not started, and has a spool"
            if ($r->{code} // '') eq 'not_started' && defined $text;
    }

    return @wrong;
}

sub finish {
    my ($self) = @_;
    return if $self->{finished} || $self->{owner} != $$;

    kill 'CONT', @{ delete $self->{frozen} } if $self->{frozen};
    $self->no_point();
    $self->SUPER::finish();

    if ($self->{proxy}) {
        kill 'TERM', $self->{proxy};
        waitpid $self->{proxy}, 0;
    }
    remove_tree($self->{fail});
}

1;
