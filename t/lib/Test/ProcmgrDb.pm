package Test::ProcmgrDb;

# A private PostgreSQL for one test file, with procmgr's schema, stopped and
# removed at the end.  Core Perl.
#
#   my $db = Test::ProcmgrDb->new(plan => 3);
#   my $r = $db->call('op_intent', $id, 'h1', ...);      as the web role
#   is($r->{status}, 'ok', 'intent');
#
# PROCMGR_TEST_LEAVE=1 keeps the folder, BUILD_DIR names the build to test.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IPC::Open3;
use JSON::PP;
use Test::More ();

our $TOP = abs_path(dirname(__FILE__) . '/../../..');

my @ALL;

# migrate => 0: an empty database

sub new {
    my ($class, %o) = @_;
    my $build = $ENV{BUILD_DIR} || "$TOP/build/release";

    $build = "$TOP/$build" if $build !~ m{^/};

    my $self = bless { build => $build, owner => $$,
        super => $> == 0 ? 'postgres' : scalar getpwuid $> }, $class;

    Test::More::BAIL_OUT("$build/procmgrctl is missing: run make build")
        if !-x "$build/procmgrctl";

    my $base = $> == 0 ? '/var/lib/procmgr-test' : '/tmp';
    make_path($base, { mode => 0755 });
    $self->{dir} = tempdir('s-XXXXXX', DIR => $base);
    chmod 0755, $self->{dir};
    mkdir "$self->{dir}/pg";
    chown((getpwnam $self->{super})[2, 3], "$self->{dir}/pg") if $> == 0;

    push @ALL, $self;

    $self->instance('pg-start');

    if ($o{migrate} // 1) {
        $self->instance('migrate');

    } else {
        $self->psql('CREATE DATABASE procmgr', db => 'postgres');
    }

    Test::More::plan(tests => $o{plan}) if $o{plan};

    return $self;
}

sub instance {
    my ($self, $cmd) = @_;

    local $ENV{BUILD_DIR} = $self->{build};

    open my $out, '-|', "$TOP/tools/instance.sh", $cmd, $self->{dir}
        or die "instance.sh: $!";
    my @said = <$out>;
    close $out or Test::More::BAIL_OUT("instance.sh $cmd failed: @said");
}

sub socket_dir {
    my ($self) = @_;

    open my $f, '<', "$self->{dir}/pg/socket_dir"
        or return "$self->{dir}/pg";
    chomp(my $dir = <$f>);
    return $dir;
}

sub conninfo {
    my ($self, %o) = @_;

    return 'host=' . $self->socket_dir() . ' port=5432 dbname='
        . ($o{db} // 'procmgr') . ' user=' . ($o{role} // $self->{super});
}

# what psql prints and what it says: rows and the SQLSTATE of the first error

sub psql {
    my ($self, $sql, %o) = @_;
    my ($rows, $said, $rc) = $self->command({ stdin => $sql }, 'psql',
        '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=sqlstate', '-d',
        $self->conninfo(%o));

    chomp $rows;
    $self->{said} = $said;
    $self->{state} = $said =~ /(?:ERROR|FATAL):\s+(\w{5})\b/ ? $1
        : $rc ? "exit $rc: $said" : '';

    return $rows;
}

# a function of the schema as the web role: its JSON, decoded

sub call {
    my ($self, $name, @args) = @_;
    my $args = join ', ', map { quote($_) } @args;
    my $text = $self->psql("SELECT procmgr.$name($args)",
        role => 'procmgr_web');

    return undef if $self->{state} ne '' || $text eq '';
    return JSON::PP->new->utf8->allow_nonref->decode($text);
}

sub quote {
    my ($v) = @_;

    return 'NULL' if !defined $v;
    $v = JSON::PP->new->utf8->canonical->encode($v) if ref $v;
    $v =~ s/'/''/g;
    return "'$v'";
}

# procmgrctl: what it prints, what it says, its exit code

sub ctl {
    my ($self, @args) = @_;
    my $opt = ref $args[0] ? shift @args : {};

    local $ENV{PROCMGR_CONNINFO} = $opt->{conninfo} // $self->conninfo();

    return $self->command($opt, "$self->{build}/procmgrctl", @args);
}

sub command {
    my ($self, $opt, @argv) = @_;
    my $err = File::Temp->new;
    my $in = File::Temp->new;

    print $in $opt->{stdin} // '';
    close $in;

    open my $from, '<', "$in" or die;
    my $pid = open3('<&' . fileno $from, my $out, '>&' . fileno $err, @argv);
    local $/;
    my $rows = <$out>;
    waitpid $pid, 0;
    my $rc = $? & 127 ? "signal $?" : $? >> 8;

    seek $err, 0, 0;
    return ($rows, scalar <$err>, $rc);
}

# a version 4 uuid that is told by its number

sub uuid { sprintf '%08x-0000-4000-8000-000000000000', $_[-1] }

sub finish {
    my ($self) = @_;

    return if $self->{finished}++ || $self->{owner} != $$;
    $self->instance('pg-stop');

    if ($ENV{PROCMGR_TEST_LEAVE}) {
        Test::More::diag("left: $self->{dir}");
    } else {
        remove_tree($self->{dir}, { safe => 0 });
    }
}

END {
    my $status = $?;
    for my $db (@ALL) {
        eval { $db->finish(); 1 } or Test::More::diag("end: $@");
    }
    $? = $status;
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

1;
