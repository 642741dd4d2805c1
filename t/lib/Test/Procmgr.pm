package Test::Procmgr;

# A private PostgreSQL and nginx for one test file, on a free port, with the
# real helper, stopped and removed at the end whatever happens.  Core Perl.
#
#   my $t = Test::Procmgr->new(plan => 3);
#   $t->run(interval => '100ms');
#   my $s = $t->login();
#   is($s->get('/system/summary')->{status}, 200, 'summary');
#
# PROCMGR_TEST_LEAVE=1 keeps the folder, PROCMGR_TEST_CATLOG=1 prints nginx's
# error log, BUILD_DIR names the build to test.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Test::More ();
use Time::HiRes qw(sleep time);

our $TOP = abs_path(dirname(__FILE__) . '/../../..');

my %PASSWORD = (
    admin    => 'correct horse battery',
    operator => 'operator staple 1',
    viewer   => 'viewer staple 22',
);

my @ALL;

# plan => n counts the file's own tests; three more look at the error log

sub new {
    my ($class, %o) = @_;

    my $build = $ENV{BUILD_DIR} || "$TOP/build/release";
    $build = "$TOP/$build" if $build !~ m{^/};

    my ($nginx) = grep { -x }
        ($ENV{PROCMGR_NGINX} || (),
         (-x "$build/nginx" ? "$build/nginx" : ()),
         map { "$_/nginx" } qw(/usr/sbin /usr/local/sbin /usr/bin));

    my $self = bless {
        build => $build,
        nginx => $nginx,
        owner => $$,
        root  => $> == 0,
        plan  => $o{plan},
    }, $class;

    for my $f ("$build/ngx_http_procmgr_module.so", "$build/procmgrctl") {
        Test::More::BAIL_OUT("$f is missing: run make build") if !-e $f;
    }
    Test::More::BAIL_OUT('no nginx') if !$nginx;

    # the helper trusts only folders that others cannot write, which /tmp is
    # not; root's must be open to www-data, which a clone may not be

    my $base = $self->{base} = $self->{root}
        ? '/var/lib/procmgr-test' : "$TOP/build/test";
    make_path($base, { mode => 0755 });
    $self->{dir} = tempdir('t-XXXXXX', DIR => $base);
    chmod 0755, $self->{dir};

    push @ALL, $self;
    Test::More::plan(tests => $o{plan} + 3) if $o{plan};

    return $self;
}


# the instance

sub instance {
    my ($self, $cmd, @args) = @_;

    local $ENV{BUILD_DIR} = $self->{build};
    local $ENV{PROCMGR_NGINX} = $self->{nginx};

    system("$TOP/tools/instance.sh", $cmd, $self->{dir}, @args) == 0
        or Test::More::BAIL_OUT("instance.sh $cmd failed");
}

# interval workers zone session helper_max; http, server, locations and main
# are lines put there; policy is added to the policy file; database => 0 runs
# without one; conf is a whole nginx.conf with %%DIR%% %%PORT%% %%SOCKET%%
# %%USER%%

sub run {
    my ($self, %o) = @_;

    %o = (interval => '100ms', workers => 1, zone => '32m', helper_max => 4,
          session => 'idle=15m absolute=8h', http => '', server => '',
          locations => '', main => '', database => 1, %o);

    $self->{opt} = \%o;
    $self->{port} = free_port();

    $self->instance('prepare');
    $self->append('etc/policy.conf', "\n$o{policy}\n") if defined $o{policy};

    if ($o{database}) {
        $self->pg_template();
        $self->pg_start();
    }

    $self->copy('/etc/nginx/mime.types', 'etc/mime.types');
    $self->write('etc/nginx.conf', $self->conf());
    $self->start();

    return $self;
}

sub conf {
    my ($self) = @_;
    my $o = $self->{opt};
    my $d = $self->{dir};
    my $socket = $self->socket_dir();
    my $user = $self->{root} ? 'user www-data;' : '';

    if ($o->{conf}) {
        my %w = (DIR => $d, PORT => $self->{port}, SOCKET => $socket,
                 USER => $user);
        return $o->{conf} =~ s/%%(\w+)%%/$w{$1} \/\/ die "%%$1%%"/ger;
    }

    return <<EOF;
load_module $d/modules/ngx_http_procmgr_module.so;
$user
worker_processes $o->{workers};
pid $d/nginx/nginx.pid;
error_log $d/nginx/logs/error.log debug;
thread_pool procmgr threads=4 max_queue=256;
$o->{main}
events { worker_connections 1024; }
http {
    include mime.types;
    access_log $d/nginx/logs/access.log;
    server_tokens off;
    client_body_temp_path $d/nginx/tmp/body;
    proxy_temp_path $d/nginx/tmp/proxy;
    fastcgi_temp_path $d/nginx/tmp/fastcgi;
    uwsgi_temp_path $d/nginx/tmp/uwsgi;
    scgi_temp_path $d/nginx/tmp/scgi;

    procmgr_zone procmgr:$o->{zone};
    procmgr_thread_pool procmgr;
    procmgr_interval $o->{interval};
    procmgr_database "host=$socket port=5432 dbname=procmgr user=procmgr_web";
    procmgr_helper $d/libexec/procmgr-helper key=$d/etc/helper.key
                   max=$o->{helper_max};
    procmgr_session $o->{session};
    $o->{http}

    server {
        listen 127.0.0.1:$self->{port};
        server_name localhost;
        $o->{server}
        location /session { procmgr session; }
        location /system/ { procmgr system; }
        location /memory/ { procmgr memory; }
        location /control/ { procmgr control; }
        location /log { procmgr log; }
        location /events { procmgr events; }
        location /metrics { procmgr metrics; }
        location / { root $d/html; }
        $o->{locations}
    }
}
EOF
}

sub start {
    my ($self) = @_;
    my $d = $self->{dir};

    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0:detect_odr_violation=0:log_path=' . "$d/nginx/logs/asan";
    local $ENV{UBSAN_OPTIONS} = "print_stacktrace=1:log_path=$d/nginx/logs/asan";
    chmod 0777, "$d/nginx/logs";

    my $out = `'$self->{nginx}' -p '$d/nginx' -c '$d/etc/nginx.conf' 2>&1`;
    if ($? != 0) {
        Test::More::diag($out);
        Test::More::BAIL_OUT('nginx does not start');
    }

    $self->wait_for(sub { -s "$d/nginx/nginx.pid" });
    chomp($self->{master} = $self->read_file('nginx/nginx.pid'));
    $self->wait_for(sub { $self->connect() })
        or Test::More::BAIL_OUT('nginx does not listen');

    return $self;
}

# what nginx -t says of this configuration

sub test_conf {
    my ($self, $conf) = @_;
    my $d = $self->{dir};

    $self->write('etc/test.conf', $conf);
    return scalar
        `'$self->{nginx}' -t -p '$d/nginx' -c '$d/etc/test.conf' 2>&1`;
}

sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->workers();
    my $want = $self->{opt}{workers};

    kill 'HUP', $self->{master};
    $self->wait_for(sub {
        $want == grep { !$old{$_} } $self->workers()
    }) or Test::More::diag('reload: no new workers');

    return $self;
}

# pids of the workers, old ones that are still shutting down included

sub workers {
    my ($self) = @_;
    my $m = $self->{master};
    my $list = eval { read_path("/proc/$m/task/$m/children") } // '';
    return split ' ', $list;
}

# pids of the helpers of this instance that run a program of its folder; who
# may not see their executable knows them by that program

sub helpers {
    my ($self) = @_;

    return grep {
        (eval { read_path("/proc/$_/cmdline") } // '') =~ /^procmgr-helper/
        && ((readlink("/proc/$_/exe") // '') =~ m{^\Q$self->{dir}\E/}
            || $self->children($_) =~ m{\Q$self->{dir}\E/})
    } map { m{(\d+)$} } glob('/proc/[1-9]*');
}

# the command lines of a process's children

sub children {
    my ($self, $pid) = @_;
    my $list = eval { read_path("/proc/$pid/task/$pid/children") } // '';

    return join ' ', map { eval { read_path("/proc/$_/cmdline") } // '' }
        split ' ', $list;
}

sub nginx_stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{master} or return;

    kill $signal || 'QUIT', $pid;
    return if $self->wait_for(sub { !-d "/proc/$pid" }, 15);

    Test::More::diag('nginx did not stop in time');
    kill 'KILL', $pid;
}


# PostgreSQL: one cluster with schema and accounts is made once for a build
# and copied

sub pg_template {
    my ($self) = @_;
    my $d = $self->{dir};
    my $name = "$self->{base}/pg-uid$>";
    my $stamp = substr(sha256_hex(join "\0", map { read_path($_) }
        sort(glob("$TOP/sql/*.sql")), "$self->{build}/procmgrctl",
        "$TOP/tools/instance.sh"), 0, 16);

    open my $lock, '>', "$name.lock" or die "$name.lock: $!";
    flock $lock, LOCK_EX;

    if (-s "$name-$stamp/PG_VERSION") {
        system('cp', '-a', "$name-$stamp", "$d/pg/data") == 0 or die;
        return;
    }

    remove_tree(grep { -d } glob("$name-*"));
    $self->instance('pg-start');
    $self->instance('migrate');
    $self->account($_, $_) for sort keys %PASSWORD;
    $self->instance('pg-stop');

    system('cp', '-a', "$d/pg/data", "$name-$stamp.new") == 0 or die;
    rename "$name-$stamp.new", "$name-$stamp" or die;
}

sub account {
    my ($self, $name, $role, $password) = @_;

    local $ENV{BUILD_DIR} = $self->{build};
    open my $p, '|-', "$TOP/tools/instance.sh", 'account', $self->{dir},
        $name, $role or die;
    print $p $password // $PASSWORD{$name}, "\n";
    close $p or Test::More::BAIL_OUT("account $name failed");
}

sub password { $PASSWORD{$_[1]} }

sub socket_dir {
    my ($self) = @_;
    my $f = "$self->{dir}/pg/socket_dir";
    return -f $f ? read_path($f) =~ s/\n//r : "$self->{dir}/pg";
}

sub pg_start { $_[0]->instance('pg-start'); $_[0] }
sub pg_stop  { $_[0]->instance('pg-stop'); $_[0] }
sub pg_pid   { (split /\n/, $_[0]->read_file('pg/data/postmaster.pid'))[0] }

# rows as psql -At prints them; as the cluster's superuser or as role

sub psql {
    my ($self, $sql, $role) = @_;
    my $user = $role // ($self->{root} ? 'postgres' : scalar getpwuid $>);

    open my $out, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1',
        '-d', 'host=' . $self->socket_dir() . " dbname=procmgr user=$user",
        '-c', $sql or die;
    local $/;
    my $rows = <$out>;
    close $out;
    $rows =~ s/\n\z// if defined $rows;
    return $rows;
}


# HTTP

# a session of an account: get, post, delete, request; {status} of the login

sub login {
    my ($self, $name, $password) = @_;

    $name //= 'admin';
    my $r = $self->request('POST', '/session',
        { username => $name, password => $password // $PASSWORD{$name} });
    my ($cookie) = ($r->{headers}{'set-cookie'} // '') =~ /^([^;]+)/;

    return bless { t => $self, status => $r->{status}, answer => $r,
        cookie => $cookie,
        csrf => ref $r->{json} eq 'HASH' ? $r->{json}{csrf} : undef,
    }, 'Test::Procmgr::Session';
}

sub get    { my ($s, $u, $h) = @_; $s->request('GET', $u, undef, $h) }
sub post   { my ($s, $u, $b, $h) = @_; $s->request('POST', $u, $b, $h) }
sub delete { my ($s, $u, $h) = @_; $s->request('DELETE', $u, undef, $h) }

# {status} {headers} {body} {json}; a body that is a reference goes as JSON,
# a text as it is; a header that is undef is not sent

sub request {
    my ($self, $method, $uri, $body, $headers) = @_;
    my %h = (Host => "127.0.0.1:$self->{port}", Connection => 'close');

    if (defined $body) {
        if (ref $body) {
            $body = encode_json($body);
            $h{'Content-Type'} = 'application/json';
        }
        $h{'Content-Length'} = length $body;
    }
    %h = (%h, %{ $headers || {} });

    return parse($self->raw("$method $uri HTTP/1.1\r\n"
        . join('', map { "$_: $h{$_}\r\n" } grep { defined $h{$_} }
                   sort keys %h)
        . "\r\n" . ($body // '')));
}

# bytes there, bytes back until the end or the time is over

sub raw {
    my ($self, $bytes, %o) = @_;
    my $s = $o{socket} // $self->connect() or return '';
    my $end = time + ($o{timeout} // 20);
    my $sel = IO::Select->new($s);
    my $answer = '';

    local $SIG{PIPE} = 'IGNORE';
    $s->autoflush(1);
    print $s $bytes;

    while (time < $end && $sel->can_read($end - time)) {
        last if !sysread $s, $answer, 65536, length $answer;
    }
    return $answer;
}

sub connect {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}");
}

sub parse {
    my ($text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text // '', 2;
    my ($line, @lines) = split /\r\n/, $head // '';
    my %r = (raw => $text, headers => {}, body => $body // '',
             status => ($line // '') =~ m{^HTTP/\S+ (\d+)} ? $1 : 0);

    for (@lines) {
        my ($k, $v) = /^([^:]+):\s*(.*?)\s*$/ or next;
        $k = lc $k;
        $r{headers}{$k} = exists $r{headers}{$k} ? "$r{headers}{$k}, $v" : $v;
    }

    if (($r{headers}{'transfer-encoding'} // '') eq 'chunked') {
        my ($rest, $out) = ($r{body}, '');
        while ($rest =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n//) {
            my $n = hex $1 or last;
            $out .= substr $rest, 0, $n, '';
            $rest =~ s/\A\r\n//;
        }
        $r{body} = $out;
    }

    if (($r{headers}{'content-type'} // '') =~ /json/) {
        $r{json} = eval { JSON::PP->new->utf8->allow_nonref->decode($r{body}) };
    }
    return \%r;
}


# files and waiting

sub read_path {
    my ($path) = @_;
    open my $f, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar(<$f>) // '';
}

sub read_file { read_path("$_[0]{dir}/$_[1]") }

sub write {
    my ($self, $name, $text, $mode) = @_;
    my $path = "$self->{dir}/$name";
    open my $f, '>:raw', "$path.new" or die "$path: $!";
    print $f $text;
    close $f or die "$path: $!";
    chmod $mode, "$path.new" if defined $mode;
    rename "$path.new", $path or die "$path: $!";
    return $path;
}

sub append { $_[0]->write($_[1], $_[0]->read_file($_[1]) . $_[2]) }
sub copy   { $_[0]->write($_[2], read_path($_[1])) }

sub error_log { $_[0]->read_file('nginx/logs/error.log') }

# until the code is true; its value

sub wait_for {
    my ($self, $code, $seconds) = @_;
    my $end = time + ($seconds // 10);
    my $v;

    until ($v = $code->() or time > $end) {
        sleep 0.03;
    }
    return $v;
}

sub free_port {
    my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1',
        LocalPort => 0) or die "no free port: $!";
    return $s->sockport();
}


# the end

sub stop {
    my ($self) = @_;
    return if $self->{stopped}++;

    $self->nginx_stop();

    # another one that was started in its place

    my $file = "$self->{dir}/nginx/nginx.pid";
    my ($pid) = -e $file ? read_path($file) =~ /(\d+)/ : ();

    if ($pid && (eval { read_path("/proc/$pid/cmdline") } // '')
        =~ /\Q$self->{dir}\E\//)
    {
        $self->{master} = $pid;
        $self->nginx_stop();
    }

    if (-x "$self->{dir}/demo/procmgr-demo") {
        system("$self->{dir}/demo/procmgr-demo stop > /dev/null 2>&1");
    }
    $self->instance('pg-stop') if -d "$self->{dir}/pg/data";
}

# allow_alert, allow_exit: patterns of what a test provokes on purpose

# the first line that procmgrctl says, as the database's owner

sub ctl {
    my ($self, @words) = @_;

    local $ENV{PROCMGR_CONNINFO} = 'host=' . $self->socket_dir()
        . ' dbname=procmgr user='
        . ($self->{root} ? 'postgres' : scalar getpwuid $>);
    open my $out, '-|', "$self->{build}/procmgrctl", @words or die;
    my $said = <$out> // '';
    close $out or die "procmgrctl @words failed";
    chomp $said;
    return $said;
}

sub finish {
    my ($self) = @_;
    my $d = $self->{dir};

    return if $self->{finished}++ || $self->{owner} != $$;
    $self->stop();

    my $log = -e "$d/nginx/logs/error.log" ? $self->error_log() : '';
    my $asan = join '', map { read_path($_) } glob("$d/nginx/logs/asan*");
    my $alert = $self->{allow_alert} // qr/(?!)/;
    my $exit = $self->{allow_exit} // qr/(?!)/;

    if ($self->{plan}) {
        # line by line: one match over a log of megabytes takes minutes

        my @lines = grep { /\[(?:alert|emerg)\]|exited|Sanitizer|runtime error/ }
            split /\n/, $log;

        Test::More::is(join("\n", grep { /\[(?:alert|emerg)\]/ && !/$alert/ }
            @lines), '', 'no alert in the error log');
        Test::More::is(join("\n", grep { !/$exit/ && /worker process \d+ exited (?:on signal|with (?:fatal )?code [1-9])/ }
            @lines), '', 'no worker died');
        Test::More::is(join("\n", $asan, grep { /AddressSanitizer|runtime error:/ }
            @lines), '', 'nothing from the sanitizers');
    }

    Test::More::diag($log) if $ENV{PROCMGR_TEST_CATLOG};

    if ($ENV{PROCMGR_TEST_LEAVE}) {
        Test::More::diag("left: $d");
    } else {
        remove_tree($d, { safe => 0 });
    }
}

END {
    my $status = $?;
    for my $t (@ALL) {
        eval { $t->finish(); 1 } or Test::More::diag("end: $@");
    }
    $? = $status;
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);


package Test::Procmgr::Session;

# what a browser adds: the cookie, and Origin and the token to a write

sub request {
    my ($self, $method, $uri, $body, $headers) = @_;
    my %h = (Cookie => $self->{cookie});

    if ($method ne 'GET' && $method ne 'HEAD') {
        $h{Origin} = "http://127.0.0.1:$self->{t}{port}";
        $h{'X-CSRF-Token'} = $self->{csrf};
    }
    return $self->{t}->request($method, $uri, $body,
        { %h, %{ $headers || {} } });
}

sub get    { my ($s, $u, $h) = @_; $s->request('GET', $u, undef, $h) }
sub post   { my ($s, $u, $b, $h) = @_; $s->request('POST', $u, $b, $h) }
sub delete { my ($s, $u, $h) = @_; $s->request('DELETE', $u, undef, $h) }

1;
